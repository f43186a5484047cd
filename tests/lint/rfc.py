"""Every cited section of an RFC exists: doc/rfc.txt has the lists.

Why: a reference is there so that the next reader can check the code against
the text.  One that leads nowhere is worse than none.
"""

import re

import house

CITED = re.compile(r"\bRFC (\d+)(?:\s+((?:[A-Z]|\d+)(?:\.\d+)*)(?![\w-]))?")
ENTRY = re.compile(r"^(\d+)  ")


def known():
    """number -> set of its sections"""
    table, number = {}, None
    for line in (house.ROOT / "doc/rfc.txt").read_text().splitlines():
        match = ENTRY.match(line)
        if match:
            number = int(match.group(1))
            table[number] = set()
        elif number and line.startswith("\t§ "):
            table[number].update(line[3:].split())
    return table


def main():
    found = house.Findings("rfc")
    table = known()
    # Comments are broken over lines: join "RFC 5321" and "4.1" again.
    wrap = re.compile(r"(RFC|RFC \d+)\n[ \t]*(?:\*|#|//)?[ \t]+(?=\d)")
    for path in house.files("src/*", "tests/*", "doc/*", "*.md"):
        if path.name == "rfc.txt" or path.suffix not in (
                ".c", ".h", ".def", ".py", ".md", ".dialog", ".sql") and "man" not in path.parts:
            continue
        text = path.read_text(errors="replace")
        for match in CITED.finditer(wrap.sub(r"\1 ", text)):
            number, section = int(match.group(1)), match.group(2)
            line = text[:text.find(match.group(0).split(" ")[1])].count("\n") + 1
            if number not in table:
                found.add(path, line, f"RFC {number} is not in doc/rfc.txt")
            elif section and re.match(r"\d{3,}$", section):
                continue                # a reply code or the like behind it
            elif section and "*" not in table[number] and section not in table[number]:
                found.add(path, line, f"RFC {number} has no section {section}")
    found.end()


main()
