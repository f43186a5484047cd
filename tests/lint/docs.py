"""What the documents name is there; what can be set is documented.

Why: ARCHITECTURE.md is the first map of a newcomer, and a map with one false
street is not trusted again.  The tables of the manual are made from the tables
of the program by doc/man/make.py, so they cannot disagree if they are fresh.
"""

import re
import subprocess
import sys

import house

PLACE = re.compile(r"`((?:src|tests|bench)/[\w/.-]+\.(?:c|h|py|def|sql)):(\w+)`")
PATH = re.compile(r"`((?:src|tests|doc|script|bench)/[\w/.-]+)`")


def check_document(found, path):
    text = path.read_text()
    for match in PLACE.finditer(text):
        target = house.ROOT / match.group(1)
        line = house.line_of(text, match.start())
        if not target.is_file():
            found.add(path, line, f"there is no {match.group(1)}")
        elif not re.search(rf"\b{match.group(2)}\b", target.read_text()):
            found.add(path, line, f"{match.group(1)} has no {match.group(2)}")
    for match in PATH.finditer(text):
        if not (house.ROOT / match.group(1)).exists():
            found.add(path, house.line_of(text, match.start()), f"there is no {match.group(1)}")


def main():
    found = house.Findings("docs")
    for path in house.files("*.md"):
        check_document(found, path)
    stale = subprocess.run([sys.executable, house.ROOT / "doc/man/make.py", "--check"],
                           capture_output=True, text=True)
    for line in stale.stdout.splitlines() + stale.stderr.splitlines():
        found.add(house.ROOT / "doc/man/make.py", 0, line)
    found.end()


main()
