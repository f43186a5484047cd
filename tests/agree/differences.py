"""Where Python's email package and we differ, and why: each class has the section of
the RFC that decides, or that leaves it open.

A class is a function that recognises it.  Most also work out what Python would have
read without the cause, so that nothing else hides behind it.
"""

import base64
import datetime
import email.policy
import re

FIELDS = re.compile(rb"^([^\s:]+)[ \t]*:((?:[^\n]*(?:\n[ \t])?)*[^\n]*)\n", re.M)
KINDS = {"subject", "addresses", "date", "tree", "body", "name"}
CLASSES = {}            # name -> why
TESTS = {}              # (kind, name) -> function


class Coded:
    """A body as it was sent."""

    def __init__(self, encoding, raw, head):
        self.encoding = encoding
        self.raw = raw
        self.head = head

    def __repr__(self):
        return f"{self.encoding} {self.raw!r} head {self.head!r}"


def fitting(kind, *about):
    """The first class of that kind that it belongs to, as a set."""
    for (of_kind, name), test in TESTS.items():
        if of_kind == kind and test(*about):
            return {name}
    return set()


def head_of(raw):
    return re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0] + b"\n"


def seconds(when):
    """Since 1970, of a date with a zone or without (then it is UTC)."""
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.timezone.utc)
    return int(when.timestamp())


def of(kind, name):
    """Makes the function below it the test of a class of such cases."""
    def add(test):
        CLASSES[name] = test.__doc__
        TESTS[kind, name] = test
    return add


@of("subject", "a tab is shown as a blank")
def _(case):
    """RFC 5322 2.2.3: a fold is white space; people see one blank either way."""
    return case.theirs.replace("\t", " ") == case.ours


@of("subject", "an unknown character set is shown as it was sent")
def _(case):
    """RFC 2047 6.2: a reader may show such a word as it is; U+FFFD tells less."""
    return b"=?x-none?" in case.source


@of("subject", "a word without a character set is none")
def _(case):
    """RFC 2047 2: charset is a token, of one character or more."""
    return b"=??Q?a?=" in case.source and "=??Q?a?=" in case.ours


@of("subject", "a question mark in a word is read")
def _(case):
    """RFC 2047 2 forbids it; Deliberate: what its writer meant is plain."""
    return b"=?iso-8859-1?Q?a?b?=" in case.source and "a?b" in case.ours


# ---- dates ----------------------------------------------------------------------


@of("date", "years of two digits begin with 1950")
def _(case):
    """RFC 5322 4.3: 00 to 49 are of this century, 50 to 99 of the last."""
    return re.search(rb" 50 ", case.source) and int(case.theirs.split()[0]) > 0 > \
        int(case.ours.split()[0])


@of("date", "years of three digits count from 1900")
def _(case):
    """RFC 5322 4.3: 103 is 2003."""
    return re.search(rb" 103 ", case.source) and case.ours == "1057049557 120"


@of("date", "the second 60 is the next one's first")
def _(case):
    """RFC 5322 3.3 allows a leap second."""
    return b":59:60 " in case.source and case.ours == "1704067200 0" and case.theirs == ""


@of("date", "comments and blanks stand within a time")
def _(case):
    """RFC 5322 4.3: obs-hour and its like have them on both sides."""
    return b"09(comment)" in case.source and case.ours == "880127706 -360" and \
        case.theirs == ""


@of("date", "there is no year 0")
def _(case):
    """RFC 5322 3.3: a year of four digits is 1900 or later."""
    return b" 0000 " in case.source and case.ours == ""


# ---- names of files -------------------------------------------------------------


def decoded(text):
    """As their own functions read the encoded words in it."""
    return str(email.policy.default.header_factory("Subject", text))


@of("name", "encoded words in a parameter are read")
def _(case):
    """RFC 2047 5 (3) forbids them, RFC 8621 4.1.4 has them read: many write them."""
    return "=?" in case.theirs and decoded(case.theirs) == case.ours


@of("name", "pieces of a parameter end at a gap")
def _(case):
    """RFC 2231 3: they are numbered from 0, none is left out."""
    return b"*0=a;" in case.source and b"*2=c" in case.source and \
        (case.ours, case.theirs) == ("a", "ac")


@of("name", "a quote that nothing closes is passed over")
def _(case):
    """RFC 2045 5.1: the value is a quoted string or a token, and this is neither."""
    return case.theirs.startswith('"') and decoded(case.theirs[1:]) == case.ours


@of("name", "the extended form of a parameter wins")
def _(case):
    """RFC 6266 4.3 says so of filename; the plain form is for those who know no better."""
    return case.theirs == "plain.txt" and case.ours == "ä.txt"


@of("name", "a comment before a value is passed over")
def _(case):
    """RFC 2045 5.1: comments are allowed where tokens meet."""
    return case.theirs == "(c)x.txt" and case.ours == "x.txt"


# ---- addresses ----------------------------------------------------------------
# A list may hold several differences, so the classes are of single addresses.

# What is no address by RFC 5322 3.4 and 4.4, and what we read of it: address.h.
BROKEN = {
    b"<>": [],
    b"(only a comment)": [],
    b"ann@": [("M", "", "ann", "")],
    b"@a.example": [("M", "", "", "a.example")],
    b"<ann@a.example": [("M", "", "ann", "a.example")],
    b"ann@a.example>": [("M", "", "ann", "a.example")],
    b"a@b@c.example": [("M", "", "a@b", "c.example")],
    b"ann@a.example bob@b.example": [("M", "", "ann", "a.example"), ("M", "", "bob", "b.example")],
    b"Ann <ann@a.example> Bob <bob@b.example>":
        [("M", "Ann", "ann", "a.example"), ("M", "Bob", "bob", "b.example")],
    b"ann@a.example; bob@b.example": [("M", "", "ann", "a.example"), ("M", "", "bob", "b.example")],
    b"j . doe @ a .": [("M", "", "j.doe", "a.")],
    b'"open <ann@a.example>': [("M", "open", "ann", "a.example")],
}
BROKEN_CLASS = "what is no address is read as far as it can be"
CLASSES[BROKEN_CLASS] = "RFC 5322 3.4 and 4.4 leave it open."


@of("address", "a comment behind an address is a name")
def _(ours, theirs):
    """RFC 5322 3.4: what programs did when there was no other way to say a name."""
    return theirs[1] == "" and ours[2:] == theirs[2:]


@of("address", "blanks at the ends of a name are not shown")
def _(ours, theirs):
    """RFC 5322 3.2.4 has them in the quoted string; Deliberate: nobody sees them."""
    return theirs[1].strip() == ours[1] and ours[2:] == theirs[2:]


@of("address", "an address is not decoded")
def _(ours, theirs):
    """RFC 2047 5 (3): no encoded word stands in one, not in half of one either."""
    return theirs[3] == ours[3] == "" and ours[2].startswith("=?")


@of("address", "encoded words in a name are joined")
def _(ours, theirs):
    """RFC 2047 6.2: white space between two encoded words is not shown."""
    return ours[2:] == theirs[2:] and ours[1].replace(" ", "") == theirs[1].replace(" ", "")


def without_broken(case):
    """Their reading, when ours takes the place of what is no address."""
    pattern = b"|".join(re.escape(one) for one in sorted(BROKEN, key=len, reverse=True))
    readings = []

    def replace(match):
        readings.append(BROKEN[match[2]])
        return match[1] + b"x@placeholder"
    source = re.sub(rb"(\A|,)\s*(" + pattern + rb")(?=\s*(?:,|\Z))", replace, case.source)
    if not readings:
        return case.theirs
    return [one for address in case.again(source) for one in
            (readings.pop(0) if address[3] == "placeholder" else [address])]


def address_classes(case):
    theirs = without_broken(case)
    found = {BROKEN_CLASS} if theirs != case.theirs else set()
    if isinstance(theirs, str) or len(theirs) != len(case.ours):
        return set()
    for our, their in zip(case.ours, theirs):
        if our == their:
            continue
        names = fitting("address", our, their)
        if not names:
            return set()
        found |= names
    return found


# ---- bodies ---------------------------------------------------------------------

KNOWN_ENCODINGS = ("7bit", "8bit", "binary", "quoted-printable", "base64")


@of("body", "an encoding that nobody knows is an error")
def _(case):
    """RFC 9051 6.4.5: BINARY answers [UNKNOWN-CTE]."""
    return case.ours == "corrupt" and case.source.encoding not in KNOWN_ENCODINGS


@of("body", "blanks and comments around an encoding are passed over")
def _(case):
    """RFC 2045 6.1 and 5.1: white space and comments are allowed where tokens meet."""
    return re.search(rb"(?i)Encoding:[ \t]*[a-z0-9-]+( ?\(c\)| |;)\r?\n", case.source.head) and \
        case.again(case.source.encoding.encode(), case.source.raw) == case.ours


@of("body", "a head ends at an empty line, a body begins there")
def _(case):
    """RFC 5322 2.1: they end it at the first line that is no field as well."""
    lines = case.source.head.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    return any(b": " not in line and not re.match(rb"[ \t]|[A-Za-z-]+:", line) for line in lines)


def without_blanks(raw):
    return re.sub(rb"[ \t]+(?=\r?\n|\Z)", b"", raw)


@of("body", "blanks at the end of a quoted-printable line are dropped")
def _(case):
    """RFC 2045 6.7 rule 3: they came on the way; so "= " at the end is a soft break."""
    return case.source.encoding == "quoted-printable" and \
        without_blanks(case.source.raw) != case.source.raw and \
        case.again(b"quoted-printable", without_blanks(case.source.raw)) == case.ours


@of("body", "base64 that is glued to other base64 is read on")
def _(case):
    """RFC 2045 6.8 allows to stop at the padding; Deliberate: base64.h."""
    return case.ours == case.again(b"base64", case.source.raw) + b"glued"


@of("body", "base64 that stops within a group is read so far")
def _(case):
    """RFC 2045 6.8: the letters before it are whole; they give the encoded text instead."""
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", case.source.raw)
    return len(letters) % 4 == 1 and case.ours == base64.b64decode(letters[:-1]) and \
        case.theirs.replace(b"\r\n", b"") == case.source.raw.replace(b"\r\n", b"")


@of("body", "a part that no boundary ends goes to the end")
def _(case):
    """RFC 2046 5.1.1: the line end before a boundary is the boundary's; here is none."""
    return case.ours in (case.theirs + b"\r\n", case.theirs + b"\n")


# ---- trees of parts -------------------------------------------------------------

@of("part", "blanks and comments in a type are passed over")
def _(ours, theirs, source):
    """RFC 2045 5.1: white space and comments are allowed where tokens meet."""
    return theirs[0] in ("text / plain", "text/html (comment)") and \
        theirs[0].split(" (")[0].replace(" ", "") == ours[0] and ours[1:] == theirs[1:]


@of("part", "what follows a type without a semicolon is passed over")
def _(ours, theirs, source):
    """RFC 2045 5.1: a subtype is a token, and no token has a blank."""
    return theirs[0] == ours[0] + " charset=utf-8" and ours[1:] == theirs[1:]


@of("part", "a type that cannot be read is text/plain")
def _(ours, theirs, source):
    """RFC 2045 5.2: as if there were none."""
    return theirs[0] in ("/plain", "text/") and ours == ("text/plain",)


@of("part", "a boundary has a character")
def _(ours, theirs, source):
    """RFC 2046 5.1.1: 1 to 70 of them; a line of two hyphens is no boundary."""
    return ours == theirs[:1] and ours[0].startswith("multipart/") and \
        re.search(rb'boundary=(""|\r?\n)', source)


@of("part", "a line that two boundaries fit is the inner one's")
def _(ours, theirs, source):
    """RFC 2046 5.1.1 forbids it, also for "x" and "x--"; the inner one is expected."""
    names = re.findall(rb'boundary="?([^"\r\n]+)', source)
    return len({name.removesuffix(b"--") for name in names}) < len(names)


@of("part", "a head ends at an empty line")
def _(ours, theirs, source):
    """RFC 5322 2.1; without one the next boundary is only known from outside."""
    return re.search(rb'boundary=[^\r\n]*\r?\n--', source)


@of("part", "a message in base64 is not looked into")
def _(ours, theirs, source):
    """RFC 2046 5.2.1: message/rfc822 has no encoding, so this is no message."""
    return ours == ("message/rfc822",) and theirs[0] == "message/rfc822"


def tree_classes(ours, theirs, source):
    """The classes of all differences in two trees; none: there is one without reason."""
    if ours == theirs:
        return set()
    names = fitting("part", ours, theirs, source)
    if names:
        return names
    if ours[0] != theirs[0] or len(ours) != len(theirs):
        return {None}
    return set().union(*(tree_classes(a, b, source)
                         for a, b in zip(ours[1:], theirs[1:])))


def find(case):
    """The classes of a difference; none: it has no reason."""
    if case.kind == "addresses":
        return address_classes(case)
    if case.kind == "tree":
        found = tree_classes(case.ours, case.theirs, case.source)
        return set() if None in found else found
    return fitting(case.kind, case)
