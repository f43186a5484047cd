"""Makes seeds for a fuzz target: from the messages of tests/corpus for one that reads
messages, else from the dialogs: what the clients say, or what the servers say for a
target that plays the client.

usage: seeds.py TARGET FOLDER
"""

import hashlib
import pathlib
import re
import sys

DIALOGS = pathlib.Path(__file__).resolve().parent.parent / "dialog"
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


# target -> what it wants before a message
MESSAGES = {
    "fuzz_imap_view": [b"M", b"M", b"T\0\x05\x01", b"T\0\x30\x80"],
    "fuzz_section": [b"\n", b"1\n", b"2.1.MIME\n", b"1.TEXT\n", b"HEADER.FIELDS (To Subject)\n"],
}


def put_messages(target, folder):
    for number, path in enumerate(sorted((DIALOGS.parent / "corpus/mime").glob("*.eml"))):
        prefixes = MESSAGES[target]
        seed = prefixes[number % len(prefixes)] + path.read_bytes()
        (folder / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)


def main():
    target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if target in MESSAGES:
        put_messages(target, folder)
        return
    side = "S" if "client" in target else "C"
    kind = "pop3" if "pop3" in target else "smtp"
    for path in sorted((DIALOGS / kind).glob("**/*.dialog")):
        seed = said(path, side)
        if seed:
            name = hashlib.sha1(seed, usedforsecurity=False).hexdigest()
            (folder / name).write_bytes(seed)


main()
