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


def check_parts(tool, raw, structure):
    found = {}
    for number, body in ask.parts(structure):
        parent = number.rpartition(".")[0]
        outer = found[parent][1] if parent else (0, len(raw))
        found[number] = check_part(tool, raw, number, body, outer)
    check_order(found)
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
