"""The other end of ask.c: one message after the other, and questions about it.

IMAP's answers are parsed here, by the grammar of RFC 9051 9 and nothing else:
parse() accepts no list, quoted string or literal that a client would refuse.
"""

import re
import subprocess

QUOTED = re.compile(rb'"((?:[^"\\\r\n\0\x80-\xff]|\\["\\])*)"')
LITERAL = re.compile(rb"\{(\d+)\}\r\n")
ATOM = re.compile(rb"NIL|\d+")


class Ask:
    def __init__(self, program):
        self.tool = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, verb, arg=b""):
        if isinstance(arg, str):
            arg = arg.encode()
        self.tool.stdin.write(b"%s %d\n" % (verb.encode(), len(arg)) + arg)
        self.tool.stdin.flush()
        length = self.tool.stdout.readline()
        if not length:
            raise EOFError(f"ask ended at {verb} {arg[:80]!r}: {self.tool.wait()}")
        return self.tool.stdout.read(int(length))

    def end(self):
        self.tool.stdin.close()
        return self.tool.wait()

    def section(self, text):
        """The range of a section; None: there is none."""
        word, *range_ = self("section", text).decode().split()
        if word in ("not-found", "limit"):
            return None
        assert word == "ok", (text, word)
        return int(range_[0]), int(range_[1])

    def addresses(self, field):
        """(kind, name, local, domain) of each address in a field."""
        answer, found = self("addresses", field), []
        while answer:
            kind, answer = chr(answer[0]), answer[1:]
            strings = []
            for _ in range(3):
                length, _, answer = answer.partition(b":")
                strings.append(answer[:int(length)].decode("utf-8", "replace"))
                answer = answer[int(length):]
            found.append((kind, *strings))
        return found


def parse(text):
    """Bytes of one value as nested lists of "NIL", "12" and "s:string"."""
    stack, at, done = [[]], 0, None
    while at < len(text):
        if done is not None:
            raise ValueError(f"more behind the end: {text[at:at + 40]!r}")
        byte = text[at:at + 1]
        if byte == b"(":
            stack.append([])
            at += 1
            continue
        if byte == b")":
            value = stack.pop()
            if not value or not stack:
                raise ValueError(f"an empty list, or none is open: {text[:at + 1][-40:]!r}")
            at += 1
        elif match := QUOTED.match(text, at):
            value = "s:" + re.sub(rb"\\(.)", rb"\1", match[1]).decode("latin-1")
            at = match.end()
        elif match := LITERAL.match(text, at):
            at = match.end() + int(match[1])
            value = "s:" + text[match.end():at].decode("latin-1")
            if at > len(text) or "\0" in value:
                raise ValueError("a literal that is too long, or has a NUL")
        elif match := ATOM.match(text, at):
            value, at = match[0].decode(), match.end()
        else:
            raise ValueError(f"no value: {text[at:at + 40]!r}")
        stack[-1].append(value)
        if len(stack) == 1:
            done = value
        elif text[at:at + 1] == b" " and text[at + 1:at + 2] not in (b"", b" ", b")"):
            at += 1
        elif text[at:at + 1] != b")" and (text[at:at + 1] != b"(" or isinstance(value, str)):
            raise ValueError(f"no space between values: {text[at:at + 40]!r}")
    if done is None or len(stack) != 1:
        raise ValueError("a list without an end")
    return done


def is_multipart(body):
    return isinstance(body[0], list)


def children(body):
    """Of a multipart: the lists that it begins with."""
    return body[:next(i for i, one in enumerate(body) if not isinstance(one, list))]


def is_message(body):
    return (not is_multipart(body) and body[0].lower() == "s:message"
            and body[1].lower() in ("s:rfc822", "s:global"))


def parts(message, at=""):
    """(section number, body) of every part in BODY or BODYSTRUCTURE of a message, as a
    client numbers them: RFC 9051 6.4.5.1."""
    if is_multipart(message):
        for i, child in enumerate(children(message), 1):
            yield from part(child, f"{at}{i}")
    else:
        yield from part(message, at + "1")


def part(body, number):
    yield number, body
    if is_multipart(body):
        yield from parts(body, number + ".")
    elif is_message(body):
        yield from parts(body[8], number + ".")


def base_fields(body):
    """How many values stand before the extension data."""
    if is_multipart(body):
        return len(children(body)) + 1
    return 10 if is_message(body) else 8 if body[0].lower() == "s:text" else 7


def without_extension(body):
    """BODYSTRUCTURE as BODY has to be; each part needs all of its extension data."""
    body = list(body)
    count = base_fields(body)
    assert len(body) == count + 4, body
    del body[count:]
    if is_multipart(body):
        body[:-1] = [without_extension(one) for one in body[:-1]]
    elif is_message(body):
        body[8] = without_extension(body[8])
    return body


class Tap:
    """Test cases as run.py counts them."""

    def __init__(self):
        self.count = 0
        self.failures = 0

    def __call__(self, good, name, why=""):
        self.count += 1
        self.failures += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good and why:
            print("\n".join("# " + line for line in str(why).splitlines()))

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failures else 0
