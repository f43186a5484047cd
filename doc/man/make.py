"""Puts the tables of the program into the pages of the manual.

Between the lines `.\\" begin NAME` and `.\\" end NAME` of a page stands what this
script makes of a .def file.  usage: make.py [--check]
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
STRING = r'"((?:\\.|[^"\\])*)"'


def rows(path, macros):
    """(macro, arguments) of each row; an argument keeps its quotes."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / path).read_text(), flags=re.S)
    text = re.sub(r'"\s*\n\s*"', "", text)
    for match in re.finditer(rf"^({macros})\(", text, re.M):
        depth, start, arguments = 1, match.end(), []
        quoted, offset = False, match.end()
        while depth:
            c = text[offset]
            if c == '"' and text[offset - 1] != "\\":
                quoted = not quoted
            elif not quoted and c in "()":
                depth += 1 if c == "(" else -1
            if not quoted and (c == "," and depth == 1 or depth == 0):
                arguments.append(" ".join(text[start:offset].split()))
                start = offset + 1
            offset += 1
        yield match.group(1), arguments


def plain(text):
    """The words of a C string as mdoc text."""
    text = text.strip().strip('"').replace('\\"', '"').replace("\\", "\\e")
    text = re.sub(r"(?<=[a-z0-9)\]])([.?]) (?=[A-Z+])", "\\1\n", text)    # a line a sentence
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)



def make_events():
    for macro, arguments in rows("src/base/log_events.def", "EVENT|LIMITED"):
        _, level, name, *by, fields, sentence = arguments
        limited = ", limited" if macro == "LIMITED" else ""
        yield f".It Sy {plain(name)} Pq {level.lower()}{limited}"
        yield plain(sentence)
        if plain(fields):
            yield ".br"
            yield f"Fields: {plain(fields)}."


def make_messages():
    for macro, arguments in rows("src/ipc/messages.def", "MESSAGE"):
        name, _, sender, receiver = arguments[:4]
        fields = " ".join(arguments[4:-1])
        yield f".It Sy {name} Pq {sender.lower()} to {receiver.lower()}"
        yield plain(arguments[-1])
        yield ".br"
        yield f"{plain(fields)}"


def make_records():
    for macro, arguments in rows("src/ipc/messages.def", "RECORD"):
        yield f".It Sy {arguments[0]}"
        yield plain(arguments[-1])
        yield ".br"
        yield " ".join(arguments[1:-1])


def make_options():
    if not (ROOT / "src/config/options.def").exists():
        return
    section = None
    for macro, arguments in rows("src/config/options.def", "OPTION|LIST"):
        if arguments[0] != section:
            if section is not None:
                yield ".El"
            section = arguments[0]
            yield f".Ss {plain(section) or 'Outside of all sections'}"
            yield ".Bl -tag -width Ds"
        name, kind = arguments[1:3]
        preset = plain(arguments[5 if macro == "LIST" else 4])
        kind = {"LIST": f"list of {kind.lower()}"}.get(macro, kind.lower())
        yield f".It Ic {name} Pq {kind}"
        yield plain(arguments[-1])
        if preset:
            yield f"Default: {preset}."
    yield ".El"


TABLES = {"options": make_options, "events": make_events, "messages": make_messages, "records": make_records}


def filled(text):
    def replace(match):
        name = match.group(1)
        return "\n".join([f'.\\" begin {name}', *TABLES[name](), f'.\\" end {name}'])

    return re.sub(r'^\.\\" begin (\w+)\n.*?^\.\\" end \1$', replace, text, flags=re.S | re.M)


def main():
    check = "--check" in sys.argv
    stale = False
    for page in sorted(HERE.glob("*.[1-9]")):
        old = page.read_text()
        new = filled(old)
        if old == new:
            continue
        stale = True
        if check:
            print(f"{page.name} is older than its tables: run doc/man/make.py")
        else:
            page.write_text(new)
    sys.exit(1 if stale and check else 0)


main()
