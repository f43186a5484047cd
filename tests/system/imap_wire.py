"""A client of IMAP for tests: what it sends is text, what it hears is parsed."""

import collections
import re
import socket

from server import PASSWORD, PATIENCE

LITERAL = re.compile(rb"\{(\d+)\}$")
TOKEN = re.compile(rb'[()]|"(?:[^"\\]|\\.)*"|~?\{(\d+)\}\r\n|'
                   rb"[^\s()\"\[{]*\[[^\]]*\](?:<\d+>)?|[^\s()\"]+")


class Gone(Exception):
    """The connection ended before the answer did."""


def parse(text):
    """b'1 (FLAGS (x) BODY[] {1}\\r\\na)' -> [b"1", [b"FLAGS", [b"x"], b"BODY[]", b"a"]]"""
    stack, at = [[]], 0
    while match := TOKEN.search(text, at):
        at = match.end()
        word = match[0]
        if word == b"(":
            stack.append([])
        elif word == b")":
            done = stack.pop()
            stack[-1].append(done)
        elif match[1] is not None:
            stack[-1].append(text[at:at + int(match[1])])
            at += int(match[1])
        elif word.startswith(b'"'):
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", word[1:-1]))
        else:
            stack[-1].append(word)
    assert len(stack) == 1, text
    return stack[0]


def numbers_of(text):
    """b"1:3,7" -> [1, 2, 3, 7]"""
    out = []
    for part in text.decode().split(",") if text else ():
        first, _, last = part.partition(":")
        ends = sorted((int(first), int(last or first)))
        out += range(ends[0], ends[1] + 1)
    return out


def set_of(numbers):
    """[1, 2, 3, 7] -> "1:3,7", as clients write it."""
    out, numbers = [], sorted(set(numbers))
    for number in numbers:
        if out and out[-1][1] == number - 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in out)


class Wire:
    """hear: is given each untagged answer, whole, without "* "."""

    def __init__(self, server, user, hear=lambda line: None):
        self.server, self.user, self.hear = server, user, hear
        self.count = 0
        self.journal = collections.deque(maxlen=60)
        self.socket = self.file = None

    def open(self):
        """Logs in; Gone when that cannot be now."""
        try:
            self.socket = socket.create_connection(
                (self.server.address, self.server.imap_port), timeout=60 * PATIENCE)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.file = self.socket.makefile("rb")
            self.line()
            done = self.run(f"LOGIN {self.user} {PASSWORD}")
        except OSError as error:
            raise Gone(str(error)) from None
        if not done.startswith("OK"):
            raise Gone(done)

    def close(self):
        if self.socket:
            self.file.close()
            self.socket.close()
            self.socket = self.file = None

    def line(self):
        """One answer, with the literals in it."""
        whole = b""
        while True:
            try:
                piece = self.file.readline()
            except OSError as error:
                raise Gone(str(error)) from None
            if not piece.endswith(b"\n"):
                raise Gone("the server closed")
            whole += piece
            match = LITERAL.search(piece.rstrip(b"\r\n"))
            if not match:
                self.journal.append(whole[:300])
                return whole[:-2]
            whole += self.file.read(int(match[1]))

    def send(self, command):
        """The tag of what was sent."""
        self.count += 1
        tag = f"t{self.count}"
        command = command.encode() if isinstance(command, str) else command
        self.journal.append(b">> " + command[:300])
        try:
            self.socket.sendall(tag.encode() + b" " + command + b"\r\n")
        except OSError:
            pass                # what was answered before that is still to be read
        return tag

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def wait(self, tag=None):
        """Hears until the tagged answer, or "+" without a tag: its words behind the tag."""
        end = tag.encode() + b" " if tag else b"+ "
        while not (line := self.line()).startswith(end):
            assert line.startswith(b"* "), line
            self.hear(line[2:])
        return line[len(end):].decode()

    def run(self, command):
        return self.wait(self.send(command))
