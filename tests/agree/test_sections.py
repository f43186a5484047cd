"""All views of a message tell of the same bytes.

usage: test_sections.py ASK CORPUS

A client that knows only BODYSTRUCTURE and the raw bytes finds every part where its
numbers say, and nothing where they say nothing; the store's copy of the tree and one
that was read in pieces show the same.
"""

import pathlib
import re
import sys

import ask
import generate

COMPARED = 80           # bytes of a boundary count
FIELD = re.compile(rb"([^\s:][^:\r\n]*?)[ \t]*:")


def check(good, what, *about):
    if not good:
        raise AssertionError(f"{what} {about}")


def inside(outer, inner):
    return outer[0] <= inner[0] <= inner[1] <= outer[1]


def check_views(tool, raw):
    """BODYSTRUCTURE, when it and BODY are the same by all ways."""
    views = [tool(verb) for verb in ("envelope", "structure", "body")]
    for verb, arg in (("pack", b""), ("split", b"500"), ("split", b"37"), ("split", b"993")):
        tool(verb, arg)
        check(views == [tool(verb) for verb in ("envelope", "structure", "body")], verb, arg)
    envelope, structure, body = (ask.parse(view) for view in views)
    check(len(envelope) == 10, "an envelope has ten fields", envelope)
    check(ask.without_extension(structure) == body, "BODY is BODYSTRUCTURE with less")
    check(int(tool("size")) == len(raw), "size")
    return structure


def check_message(tool, at, whole):
    """HEADER and TEXT of the message, or of the message in a part."""
    dot = at + "." if at else ""
    head, text = tool.section(dot + "HEADER"), tool.section(dot + "TEXT")
    check(head is not None and text is not None, "a message has a head and a text", at)
    if head != (whole[1], whole[1]):        # a message that was not looked into
        check((head[0], head[1], text[1]) == (whole[0], text[0], whole[1]),
              "head and text are the message", at, head, text, whole)


def check_leaf(tool, raw, number, body, range_):
    check(int(body[6]) == range_[1] - range_[0], "octets", number, body, range_)
    if body[0].lower() == "s:text":
        lines = raw[range_[0]:range_[1]].count(b"\n")
        check(int(body[7]) == lines, "lines", number, body, lines)
    check(tool.section(number + ".1") is None, "a leaf has no parts", number)
    check(tool.section(number + ".TEXT") is None, "a leaf has no text", number)
    word, _, decoded = tool("binary", number).partition(b"\n")
    if body[5].lower() in ("s:7bit", "s:8bit", "s:binary"):
        check((word, decoded) == (b"ok", raw[range_[0]:range_[1]]), "BINARY", number)


def check_part(tool, raw, number, body, outer):
    """One part: its range, and the range of its head."""
    range_, head = tool.section(number), tool.section(number + ".MIME")
    check(range_ is not None and head is not None, "a part has a range and a head", number)
    check(inside(outer, range_), "a part lies in its parent", number, outer, range_)
    check(head[1] == range_[0], "a head stands before its body", number, head, range_)
    if ask.is_multipart(body):
        check(tool.section(f"{number}.{len(ask.children(body)) + 1}") is None,
              "no part behind the last", number)
        check(tool.section(number + ".TEXT") is None, "TEXT is of messages", number)
    elif ask.is_message(body):
        check(int(body[6]) == range_[1] - range_[0], "octets", number)
        check(int(body[9]) == raw[range_[0]:range_[1]].count(b"\n"), "lines", number)
        check_message(tool, number, range_)
    else:
        check_leaf(tool, raw, number, body, range_)
    return head, range_


def check_order(found):
    """Siblings stand one after the other, heads and all."""
    last = {}
    for number, (head, range_) in found.items():
        parent = number.rpartition(".")[0]
        check(last.get(parent, 0) <= head[0], "parts stand in order", number)
        last[parent] = range_[1]


def boundary_of(body):
    """Of a multipart in BODYSTRUCTURE, as bytes."""
    params = body[len(ask.children(body)) + 1]
    pairs = dict(zip((name.lower() for name in params[::2]), params[1::2]))
    return pairs["s:boundary"][2:].rstrip(" \t").encode("latin-1")


def check_between(raw, start, body, heads_and_ranges):
    """Between the parts of a multipart stand its boundaries and nothing else."""
    boundary = boundary_of(body)
    rest = rb"[^\n]*\n" if len(boundary) >= COMPARED else rb"[ \t]*\r?\n"
    line = rb"--" + re.escape(boundary[:COMPARED]) + rest
    before = rb"(?s)(?:\A|.*\n)"            # the preamble
    for head, range_ in heads_and_ranges:
        check(re.fullmatch(before + line, raw[start:head[0]]), "bytes before a part",
              start, head, raw[start:head[0]][-80:])
        start, before = range_[1], rb"(?:\r?\n)?"


def check_gaps(tool, raw, structure, found):
    multiparts = [(number, body) for number, body in [("", structure), *ask.parts(structure)]
                  if ask.is_multipart(body)]
    for number, body in multiparts:
        start = (tool.section(number) if number else tool.section("TEXT"))[0]
        inner = [found[f"{number}.{i}".lstrip(".")]
                 for i in range(1, len(ask.children(body)) + 1)]
        if inner[0][0] != inner[0][1]:      # else none was found, and IMAP wants one
            check_between(raw, start, body, inner)


def check_parts(tool, raw, structure):
    found = {}
    for number, body in ask.parts(structure):
        parent = number.rpartition(".")[0]
        outer = found[parent][1] if parent else (0, len(raw))
        found[number] = check_part(tool, raw, number, body, outer)
    check_order(found)
    check_gaps(tool, raw, structure, found)
    check(tool.section(f"{len(ask.children(structure)) + 1}" if ask.is_multipart(structure)
                       else "2") is None, "no part behind the last")


def fields_of(head):
    """(name, lines) of each field; an empty name for lines that are none."""
    fields = []
    for line in head.splitlines(keepends=True) if b"\r" not in head.replace(b"\r\n", b"") \
            else re.findall(rb"[^\n]*\n|[^\n]+$", head):
        match = FIELD.match(line)
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1][1] += line
        elif match and all(0x20 < c < 0x7f for c in match[1]):
            fields.append([match[1].lower(), line])
        else:
            fields.append([b"", line])
    return fields


def check_fields(tool, raw):
    """Every second name, and all others: each line once."""
    start, end = tool.section("HEADER")
    fields = fields_of(raw[start:end])
    blank = fields.pop()[1] if fields and fields[-1][1] in (b"\r\n", b"\n") else b""
    names = sorted({name for name, _ in fields} - {b""})[::2] or [b"X-None"]
    quoted = b" ".join(b'"' + re.sub(rb'(["\\])', rb"\\\1", name) + b'"' for name in names)
    wanted = b"".join(lines for name, lines in fields if name in names)
    others = b"".join(lines for name, lines in fields if name not in names)
    check(tool("fields", b"HEADER.FIELDS (" + quoted + b")") == wanted + blank,
          "HEADER.FIELDS", names)
    check(tool("fields", b"HEADER.FIELDS.NOT (" + quoted + b")") == others + blank,
          "HEADER.FIELDS.NOT", names)


def check_all(tool, raw):
    tool("message", raw)
    structure = check_views(tool, raw)
    check(tool.section("") == (0, len(raw)), "BODY[] is everything")
    check_message(tool, "", (0, len(raw)))
    check_parts(tool, raw, structure)
    check_fields(tool, raw)


def nested(count, kind):
    """Parts in parts, that many."""
    heads = b"".join(b"Content-Type: multipart/%s; boundary=b%d\r\n\r\n--b%d\r\n" % (kind, i, i)
                     for i in range(count))
    return heads + b"\r\ntext\r\n" + b"".join(b"\r\n--b%d--\r\n" % i
                                              for i in reversed(range(count)))


def shapes():
    """(name, message): as far as limits.h lets us look, and further."""
    mail = b"Subject: x\r\nContent-Type: message/rfc822\r\n\r\n"
    for count in (1, 99, 100, 101, 150):
        yield f"{count} multiparts in one another", nested(count, b"mixed")
        yield f"{count} messages in one another", mail * count + b"To: a@b\r\n\r\ntext\r\n"
    yield "digests in digests", nested(60, b"digest")
    for count in (0, 1, 200, 10050):
        yield f"{count} parts in a row", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + \
            b"--b\r\n\r\n\r\n" * count + b"--b--\r\n"
    yield "nothing", b""
    yield "no head", b"\r\nbody"
    yield "no body", b"Subject: x\r\n"
    yield "NULs", b"Subject: a\0b\0\r\nTo: \0x\0 <a\0@b>\r\nContent-Type: te\0xt/plain\r\n\r\n\0\0"
    yield "a text of another encoding", \
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nVG86IGFAYg==\r\n"


def attempt(tool, raw):
    """None, or what is wrong."""
    try:
        check_all(tool, raw)
    except (AssertionError, ValueError) as wrong:
        return str(wrong)
    return None


def main():
    tool, folder, tap = ask.Ask(sys.argv[1]), pathlib.Path(sys.argv[2]), ask.Tap()
    for path in sorted(folder.glob("*.eml")):
        wrong = attempt(tool, path.read_bytes())
        tap(wrong is None, f"sections of {path.name}", wrong)
    for name, raw in shapes():
        wrong = attempt(tool, raw)
        tap(wrong is None, f"sections of {name}", wrong)
    failed = {}
    for number, raw in enumerate(generate.messages()):
        wrong = attempt(tool, raw)
        if wrong is not None:
            failed[number] = wrong
    tap(not failed, "sections of generated messages",
        "\n".join(f"{number}: {wrong}" for number, wrong in list(failed.items())[:20]))
    tap(tool.end() == 0, "ask ends well")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
