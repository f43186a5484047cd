"""No path of one person's machine, no note to oneself, no blank at a line's end.

Why: a path that exists on one machine breaks on all others, and a note without
an owner is never read again.  A gap towards an RFC is `Todo(rfc):` with its
section, a known failure a file in tests/broken.
"""

import re

import house

WORDS = [
    (re.compile("/" + r"work/|/tmp/" + r"h\b|/home/\w+|/ro" + r"ot/"), "a path of one machine"),
    (re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b"), "a note to oneself"),
    (re.compile(r"\bissue #?\d+", re.I), "a number that means nothing here"),
    (re.compile(r"[ \t]+$"), "a blank at the end of the line"),
]
TEXT = {".c", ".h", ".def", ".py", ".md", ".txt", ".sh", ".build", ".sql", ".dialog", ""}


def main():
    found = house.Findings("words")
    for path in house.files():
        if path.suffix not in TEXT and "man" not in path.parts:
            continue
        text = path.read_text(errors="replace")
        for number, line in enumerate(text.split("\n"), 1):
            for pattern, what in WORDS:
                if path.suffix == ".dialog" and "blank" in what:
                    continue            # blanks may be what is tested
                match = pattern.search(line)
                if match:
                    found.add(path, number, f"{what}: {match.group(0).strip()}")
    found.end()


main()
