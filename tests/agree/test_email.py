"""Python's email package and we read the same messages the same way.

usage: test_email.py ASK

Where we do not, differences.py has the class of the difference, with the section of
the RFC that decides.  One that belongs to no class is a failure.
"""

import collections
import email
import email.policy
import sys

import ask
import differences
import generate

ADDRESS_FIELDS = ("From", "Sender", "Reply-To", "To", "Cc")


class Case:
    """One thing that both have read."""

    def __init__(self, kind, source, ours, theirs, again=None):
        self.kind = kind        # subject, addresses, date, tree, body, name
        self.source = source    # the bytes that were read
        self.ours = ours
        self.theirs = theirs
        self.again = again      # reads another source as they do

    def __str__(self):
        return f"{self.kind} of {self.source!r}\n  ours   {self.ours!r}\n  theirs {self.theirs!r}"


def guarded(read):
    """What Python reads; the exception's name where it breaks off."""
    try:
        return read()
    except Exception as wrong:          # it raises a dozen kinds, by accident
        return f"raised {type(wrong).__name__}"


def raw_value(raw, name):
    """The bytes of the last field of that name, folded; None: there is none."""
    value = None
    for line in differences.FIELDS.finditer(differences.head_of(raw)):
        if line[1].lower() == name.lower().encode():
            value = line[2]
    return value


def their_addresses(field):
    found = []
    for group in field.groups:
        if group.display_name is not None:
            found.append(("G", group.display_name, "", ""))
        found += [("M", one.display_name, one.username, one.domain) for one in group.addresses]
        if group.display_name is not None:
            found.append(("E", "", "", ""))
    return found


def their_date(field):
    when = field.datetime
    if when is None:
        return ""
    offset = when.utcoffset()
    minutes = 0 if offset is None else int(offset.total_seconds() // 60)
    return f"{differences.seconds(when)} {minutes}"


def field(name, value):
    """As the newer half of the package reads it."""
    try:
        text = value.decode()           # RFC 6532
    except UnicodeDecodeError:
        text = value.decode("ascii", "surrogateescape")
    return email.policy.default.header_fetch_parse(name, text.strip(" \t\r\n"))


def read_addresses(value):
    return guarded(lambda: their_addresses(field("To", value)))


def field_cases(tool, raw):
    """The fields of the message's head."""
    for name, kind in [("Subject", "subject"), ("Date", "date"),
                       *((name, "addresses") for name in ADDRESS_FIELDS)]:
        value = raw_value(raw, name)
        if value is None:
            continue
        if kind == "subject":
            ours = tool("text", name).decode()
            theirs = guarded(lambda: str(field(name, value)))
        elif kind == "date":
            ours = tool("date", name).decode()
            theirs = guarded(lambda: their_date(field(name, value)))
        else:
            ours = tool.addresses(name)
            theirs = read_addresses(value)
        yield Case(kind, value, ours, theirs, read_addresses)


def our_tree(lines):
    """(type, children …) of the part that the first line tells of."""
    def part(i):
        end, kind = lines[i]
        children, at = [], i + 1
        while at < end:
            children.append(part(at))
            at = lines[at][0]
        return (kind, *children)
    return part(0)


def their_tree(part):
    kind = part.get_content_type()
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        return (kind, *(their_tree(one) for one in part.get_payload()))
    if kind == "message/rfc822" and part.is_multipart():
        return (kind, their_tree(part.get_payload(0)))
    return (kind,)


def their_leaves(part):
    has_parts = part.get_content_maintype() == "multipart" or \
        part.get_content_type() == "message/rfc822"
    if has_parts and part.is_multipart():
        for one in part.get_payload():
            yield from their_leaves(one)
    else:
        yield part


def our_leaves(tool, lines):
    """(section, body) of each part that has no parts, but for those that only
    IMAP's grammar wants."""
    seen = set()
    for number, body in ask.parts(ask.parse(tool("structure"))):
        index = int(tool("section", number).split()[3])
        if lines[index][0] == index + 1 and index not in seen:
            seen.add(index)
            yield number, body


def read_body(encoding, raw):
    """A body as they read it when its encoding is that."""
    head = b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n"
    return email.message_from_bytes(head + raw).get_payload(decode=True)


def leaf_cases(tool, raw, number, body, part):
    start, end = tool.section(number)
    head_start, head_end = tool.section(number + ".MIME")
    head = raw[head_start:head_end]
    word, _, decoded = tool("binary", number).partition(b"\n")
    yield Case("body", differences.Coded(body[5][2:].lower(), raw[start:end], head),
               decoded if word == b"ok" else word.decode(),
               guarded(lambda: part.get_payload(decode=True)), read_body)
    name = tool("param", number + " filename") or tool("param", number + " name")
    yield Case("name", head, name[1:].decode(), guarded(lambda: part.get_filename() or ""))


def body_cases(tool, raw, message):
    """The tree of the parts; when it is the same, what is in its leaves."""
    lines = [(int(end), kind.lower()) for end, kind in
             (line.split(" ", 1) for line in tool("tree").decode("latin-1").splitlines())]
    ours, theirs = our_tree(lines), guarded(lambda: their_tree(message))
    yield Case("tree", raw, ours, theirs)
    if ours == theirs:
        for (number, body), part in zip(our_leaves(tool, lines), their_leaves(message),
                                        strict=True):
            if part.get_content_maintype() != "multipart":
                yield from leaf_cases(tool, raw, number, body, part)


def cases(tool, raw):
    tool("message", raw)
    yield from field_cases(tool, raw)
    # The older half of the package for the parts: the newer gives a message up
    # over one parameter that it cannot decode.
    yield from body_cases(tool, raw, email.message_from_bytes(raw))


def main():
    tool, tap = ask.Ask(sys.argv[1]), ask.Tap()
    same, known, unknown = collections.Counter(), collections.Counter(), []
    for raw in generate.messages():
        for case in cases(tool, raw):
            if case.ours == case.theirs:
                same[case.kind] += 1
                continue
            names = differences.find(case)
            known.update(names)
            if not names:
                unknown.append(case)
    for kind, count in sorted(same.items()):
        print(f"# {kind}: {count} the same")
    for name, why in differences.CLASSES.items():
        print(f"# {name}: {known[name]} differ; {why}")
    tap(not unknown, "every difference has its reason", "\n".join(map(str, unknown[:20])))
    for name, why in differences.CLASSES.items():
        # Another Python may have learnt something; of this one no class is stale.
        tap("RFC " in why and (known[name] > 0 or sys.version_info[:2] != (3, 11)),
            f"differences: {name}")
    tap(min(same.values(), default=0) > 0 and set(same) == differences.KINDS,
        "each kind was compared")
    tap(tool.end() == 0, "ask ends well")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
