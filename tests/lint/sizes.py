"""A function has at most 60 lines, a file at most 800 (comfortable: 400).

Why: what does not fit a screen is not read before it is changed.  Past 400
lines a file usually holds work that belongs into another room; such files are
named, but only the wall is fatal.
"""

import re

import house

FUNCTION_LINES = 60
FILE_LINES = 800
COMFORTABLE = 400
NAME = re.compile(r"(\w+)\s*\(")


def functions(text):
    """(name, first line, lines) of every function: Linux braces in column 0."""
    code = house.code_of(text).splitlines()
    start = None
    for number, line in enumerate(code):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            head = start
            while head > 0 and code[head - 1].strip() and code[head - 1][0] not in "}#":
                head -= 1
            match = NAME.search(" ".join(code[head:start]))
            yield (match.group(1) if match else "?"), head + 1, number - start - 1
            start = None


def main():
    found = house.Findings("sizes")
    long_files = []
    for path in house.files("src/*.c", "src/*.h", "tests/*.c", "tests/*.h", "tests/*.py",
                            "bench/*.py"):
        text = path.read_text()
        count = text.count("\n")
        if count > FILE_LINES:
            found.add(path, 0, f"{count} lines; the wall is {FILE_LINES}")
        elif count > COMFORTABLE and path.suffix == ".c":
            long_files.append(f"{house.name(path)} {count}")
        if path.suffix == ".c":
            for name, line, lines in functions(text):
                if lines > FUNCTION_LINES:
                    found.add(path, line, f"{name} has {lines} lines; the wall is "
                              f"{FUNCTION_LINES}")
    if long_files:
        print(f"note: over {COMFORTABLE} lines: {', '.join(long_files)}")
    found.end()


main()
