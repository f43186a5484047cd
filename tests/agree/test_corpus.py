"""What three IMAP servers say of the messages of tests/corpus/mime, we say too.

usage: test_corpus.py ASK CORPUS

Compared as the corpus's README tells: without letter case in types, names and
encodings, without a charset of us-ascii (the default), with any placeholder for a
missing domain.
"""

import json
import pathlib
import sys

import ask

# It ends with a CR alone; those who answered had a line end there.  RFC 5322 2.3
# knows no such message, and RFC 9051 2.3.4 counts the bytes that there are.
HALF_LINE_END = {"mail-parser-049.eml"}
# There is nothing else in which we differ.


def without_ascii(params):
    """A list of parameters without charset=us-ascii; NIL if none is left."""
    if params == "NIL":
        return params
    pairs = [(params[i].lower(), params[i + 1]) for i in range(0, len(params), 2)]
    pairs = [one for one in pairs if one != ("s:charset", one[1]) or
             one[1].lower() != "s:us-ascii"]
    return [value for pair in pairs for value in pair] or "NIL"


def plain_extension(values):
    """Disposition, language, location."""
    disposition = values[0]
    if disposition != "NIL":
        disposition = [disposition[0].lower(), without_ascii(disposition[1])]
    return [disposition, *values[1:]]


def plain_body(body):
    """BODYSTRUCTURE in the form that is compared."""
    count = ask.base_fields(body)
    if ask.is_multipart(body):
        inner = [plain_body(one) for one in ask.children(body)]
        return [*inner, body[count - 1].lower(), without_ascii(body[count]),
                *plain_extension(body[count + 1:])]
    plain = [body[0].lower(), body[1].lower(), without_ascii(body[2]), *body[3:5],
             body[5].lower(), *body[6:count]]
    if ask.is_message(body):
        plain[7] = plain_envelope(body[7])
        plain[8] = plain_body(body[8])
    return [*plain, body[count], *plain_extension(body[count + 1:])]


def plain_address(address):
    domain = "s:MISSING_DOMAIN" if address[3] in PLACEHOLDERS else address[3]
    return [*address[:3], domain.lower() if domain not in PLACEHOLDERS else domain]


PLACEHOLDERS = ("s:", "s:MISSING_DOMAIN")


def plain_envelope(envelope):
    return [[plain_address(one) for one in value] if isinstance(value, list) else value
            for value in envelope]


def difference(ours, theirs):
    return f"ours:   {json.dumps(ours)}\ntheirs: {json.dumps(theirs)}"


def main():
    tool, folder = ask.Ask(sys.argv[1]), pathlib.Path(sys.argv[2])
    tap, seen = ask.Tap(), set()
    for line in (folder / "expected.jsonl").read_text().splitlines():
        wanted = json.loads(line)
        name = wanted["file"]
        seen.add(name)
        tail = b"\n" if name in HALF_LINE_END else b""
        tool("message", (folder / name).read_bytes() + tail)
        ours = [tool("size").decode(), plain_envelope(ask.parse(tool("envelope"))),
                plain_body(ask.parse(tool("structure")))]
        theirs = [wanted["size"], plain_envelope(wanted["envelope"]),
                  plain_body(wanted["bodystructure"])]
        tap(ours == theirs, name,
            "\n".join(difference(a, b) for a, b in zip(ours, theirs) if a != b))
    tap(seen == {path.name for path in folder.glob("*.eml")}, "every file has an expectation")
    tap(tool.end() == 0, "ask ends well")
    return tap.end()


sys.exit(main())
