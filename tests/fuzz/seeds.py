"""Makes seeds for a fuzz target: from the messages of tests/corpus for one that reads
messages, from the tables of the unit tests for one that reads a field, else from the
dialogs: what the clients say, or what the servers say for a target that plays the client.

usage: seeds.py TARGET FOLDER
"""

import hashlib
import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
DIALOGS = TESTS / "dialog"
# target: its table, and what makes a seed of the two columns
TABLES = {
    "fuzz_words": ("unit/message/test_words.c", lambda value, _: value),
    "fuzz_param": ("unit/message/test_param.c", lambda value, _: value),
    "fuzz_imap_reader": ("unit/imap/test_imap_line.c",
                         lambda text, _: b"\0\1\7" + text),
    "fuzz_charset": ("unit/codec/test_charset.c", lambda name, text: name + b"\n\0" + text),
}
# target: the folder of its dialogs; smtp without one
KINDS = {"fuzz_pop3": "pop3", "fuzz_imap_door": "imap-door", "fuzz_imap_session": "imap"}
# what it wants of TLS and of answers before what is said: see the target
PREFIXES = {
    "fuzz_smtp_client": [b"\x2f\0", b"\x6f\2", b"\x8f\1", b"\xcf\x0a"],
    "fuzz_imap_door": [b"\1\0", b"\x0f\x2c"],
    "fuzz_imap_session": [b"\0", b"\x3f"],
}
LITERAL = r'"(?:[^"\\\n]|\\.)*"'
ROW = re.compile(rf"^\t\{{((?:\s*{LITERAL})+),\s*(?:SPAN_INIT\()?((?:\s*{LITERAL})*)", re.M)
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


def unescape(text):
    out = b""
    for piece in re.findall(r"\\x[0-9a-fA-F]{2}|\\.|[^\\]+|\\", text):
        if piece.startswith("\\x") and len(piece) == 4:
            out += bytes([int(piece[2:], 16)])
        elif len(piece) == 2 and piece[0] == "\\":
            out += ESCAPES.get(piece[1], piece[1].encode())
        else:
            out += piece.encode()
    return out


def said(path, side):
    """All bytes that one side says in a dialog."""
    out = b""
    for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        mark, _, rest = line.partition(":")
        rest = rest.removeprefix(" ").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if mark == "R" and side == "C":
            out += unescape(rest)
        elif mark.lstrip("0123456789") == side:
            out += unescape(rest) + b"\r\n"
    return out


def literals(text):
    return b"".join(unescape(literal[1:-1]) for literal in re.findall(LITERAL, text))


def save(folder, seed):
    name = hashlib.sha1(seed, usedforsecurity=False).hexdigest()
    (folder / name).write_bytes(seed)


# target -> what it wants before a message
MESSAGES = {
    "fuzz_html_text": [b""],
    "fuzz_imap_view": [b"M", b"M", b"T\0\x05\x01", b"T\0\x30\x80"],
    "fuzz_jmap_view": [b""],
    "fuzz_mime": [b"\0\0\0\0\0\x20\x80\0", b"\0\1\2\6\0\7\1\0", b"\x3c\x7f\xff\x10\1\0\5\0"],
    "fuzz_submission": [b"\x20", b"\xff"],
    "fuzz_sendmail": [b"\x20", b"\xff", b"\x01-t\n-i\n", b"\x02postrider drop 1\nflags 0\nsize 9\nfrom a\nto b\n\n"],
    "fuzz_section": [b"\n", b"1\n", b"2.1.MIME\n", b"1.TEXT\n", b"HEADER.FIELDS (To Subject)\n"],
}


def put_messages(target, folder):
    for number, path in enumerate(sorted((DIALOGS.parent / "corpus/mime").glob("*.eml"))):
        prefixes = MESSAGES[target]
        seed = prefixes[number % len(prefixes)] + path.read_bytes()
        save(folder, seed)


def main():
    target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if target in MESSAGES:
        put_messages(target, folder)
        return
    if target in TABLES:
        path, make = TABLES[target]
        for row in ROW.finditer((TESTS / path).read_text(encoding="utf-8")):
            save(folder, make(literals(row[1]), literals(row[2])))
        return
    side = "S" if "client" in target else "C"
    kind = "smtp-client" if side == "S" else KINDS.get(target, "smtp")
    prefixes = PREFIXES.get(target, [b""])
    for path in sorted((DIALOGS / kind).glob("**/*.dialog")):
        seed = said(path, side)
        for prefix in prefixes if seed else []:
            save(folder, prefix + seed)


main()
