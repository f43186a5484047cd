"""Plays the files of tests/dialog against a live server; the form is described in
tests/dialog/README.md.  Question, body and event lines are the set-up here.
"""

import re

ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0"}
# Options that are true of a live server.
LIVE_OPTIONS = ("whole", "drop two", "drop empty")

PLAIN = re.compile(r"(?i)postmaster|[a-z0-9.+_-]+@[a-z0-9.-]+")


def unescape(text):
    out = b""
    position = 0
    while position < len(text):
        repeat = re.compile(r"\{((?:\\.|[^{}\\])*?)\*(\d+)\}").match(text, position)
        byte = re.compile(r"\\x([0-9a-fA-F]{2})").match(text, position)
        if repeat:
            out += unescape(repeat.group(1)) * int(repeat.group(2))
            position = repeat.end()
        elif byte:
            out += bytes([int(byte.group(1), 16)])
            position = byte.end()
        elif text[position] == "\\" and position + 1 < len(text):
            letter = text[position + 1]
            out += ESCAPES.get(letter, letter.encode("utf-8", "surrogateescape"))
            position += 2
        else:
            out += text[position].encode("utf-8", "surrogateescape")
            position += 1
    return out


def line_bytes(text):
    """The bytes of a C: or B: line."""
    if text.endswith("\\c"):
        return unescape(text[:-2])
    return unescape(text) + b"\r\n"


def matches(line, glob):
    """`*` is any run of bytes, `\\*` a star."""
    pattern = ""
    for piece in re.findall(r"\\x[0-9a-fA-F]{2}|\\.|\*|[^\\*]+", glob):
        pattern += ".*" if piece == "*" else re.escape(unescape(piece).decode("latin-1"))
    return re.fullmatch(pattern, line.decode("latin-1"), re.S) is not None


class Dialog:
    def __init__(self, path):
        self.path = path
        self.steps = []                 # (mark, text, number of the line)
        self.options = []
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        for number, line in enumerate(text.split("\n"), 1):
            match = re.match(r"([A-Z?]): ?(.*)$", line, re.S)
            if not match:
                continue
            mark, rest = match.groups()
            if mark == "O":
                self.options.append(rest.strip())
            else:
                self.steps.append((mark, rest, number))

    def questions(self):
        """(question, answer) of each ?: line."""
        return [tuple(part.strip() for part in text.rsplit("->", 1))
                for mark, text, _ in self.steps if mark == "?"]

    def why_not_live(self):
        """Why the file is for the engine only; "" when it is not."""
        for option in self.options:
            if option not in LIVE_OPTIONS:
                return f"option {option}"
        for mark, text, number in self.steps:
            if mark == "T":
                return f"time passes in line {number}"
            if mark == "C" and text.startswith("STARTTLS"):
                return f"the live server has TLS, see line {number}"
        for question, answer in self.questions():
            kind, word = question.split()[0], (answer.split() or [""])[0]
            who = question.split()[1] if len(question.split()) > 1 else ""
            if word == "ok" and kind in ("rcpt", "login") and not PLAIN.fullmatch(who):
                return f"{who} cannot be an account yet"
            if word in ("temp", "busy", "corrupt") or (kind, word) == ("rcpt", "denied") \
                    or (word == "full" and kind != "rcpt"):
                return f"needs the answer {answer} to {kind}"
        return ""

    def recipients(self, verdict):
        return {question.split(None, 1)[1] for question, answer in self.questions()
                if question.startswith("rcpt ") and answer.split()[0] == verdict}

    def bodies(self):
        """What the B: lines say, one for each message that was committed."""
        out, current = [], b""
        for mark, text, _ in self.steps:
            if mark == "B":
                current += line_bytes(text)
            elif mark == "?" and text.startswith("commit"):
                if text.rsplit("->", 1)[1].split()[0] == "ok":
                    out.append(current)
                current = b""
        return out

    @staticmethod
    def next_line(raw, glob):
        """The next line; passed over: that TLS is offered, and the fields that only
        a delivery makes."""
        line = raw.line()
        if line in (b"250-STARTTLS", b"STLS"):
            line = raw.line()
        while line is not None and not matches(line, glob) \
                and (line.startswith(b"Delivered-To: ") or line[:1] == b"\t"):
            line = raw.line()
        return line

    def play(self, raw):
        """Plays all over a Raw connection; fails at the first difference."""
        pending = b""
        for mark, text, number in self.steps:
            where = f"{self.path.name}:{number}"
            if mark in "CR":
                pending += unescape(text) if mark == "R" else line_bytes(text)
                continue
            if mark == "S" or mark == "X":
                if pending:
                    raw.send(pending)
                    pending = b""
            if mark == "S":
                line = self.next_line(raw, text)
                assert line is not None, f"{where}: the server closed, not {text!r}"
                assert matches(line, text), f"{where}: {line!r} is not {text!r}"
            elif mark == "X" and text.strip() == "server closes":
                line = raw.line()
                assert line is None, f"{where}: {line!r}, but the server should close"
            elif mark == "X":
                raw.close()
                return
        if pending:
            raw.send(pending)
        raw.close()
