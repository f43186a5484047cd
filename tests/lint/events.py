"""Every row of base/log_events.def is used, and used with its own fields.

Why: the table is the manual of the log.  A row that nothing writes, or a line
with a field that the row does not name, makes the manual untrue.
"""

import re

import house

ROW = re.compile(r'^EVENT\((\w+),\s*(\w+),\s*"([^"]+)",\s*"([^"]*)",', re.M)
LIMITED = re.compile(r'^LIMITED\((\w+),\s*(\w+),\s*"([^"]+)",\s*"([^"]*)",\s*"([^"]*)",', re.M)
KEY = re.compile(r'LOG_(?:SPAN|STR|NUM)\(\s*"(\w+)"|LOG_(SID|MID)\(')


def call_end(text, start):
    """Offset behind the parenthesis that closes the one at start."""
    depth = 0
    for offset in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[offset], 0)
        if depth == 0:
            return offset + 1
    return len(text)


def main():
    found = house.Findings("events")
    table = house.SRC / "base/log_events.def"
    text = table.read_text()
    for name, _, _, by, fields in LIMITED.findall(text):
        if by and by not in fields.split():
            found.add(table, house.line_of(text, text.find(name)), f"{name} has no field {by}")
    text = LIMITED.sub(r'EVENT(\1, \2, "\3", "\5",', text)
    rows = {row[0]: row for row in ROW.findall(text)}
    names = [row[2] for row in ROW.findall(text)]
    for before, after in zip(names, names[1:]):
        if before >= after:
            found.add(table, 0, f"{after} stands behind {before}: sort by the name in the log")
    used = set()
    for path in house.files("src/*.c", "src/*.h", "src/*.def"):
        if path == table:
            continue
        code = house.code_of(path.read_text(), keep_strings=True)
        used.update(re.findall(r"\bEV_\w+", code))
        for match in re.finditer(r"\bLOG(?:_ALWAYS)?\(\s*(EV_\w+)", code):
            call = code[match.start():call_end(code, code.index("(", match.start()))]
            allowed = rows.get(match.group(1), ("", "", "", ""))[3].split()
            for key, number in KEY.findall(call):
                key = key or number.lower()
                if key not in allowed:
                    found.add(path, house.line_of(code, match.start()),
                              f"{match.group(1)} has no field {key}")
    for name in rows:
        if name not in used:
            found.add(table, house.line_of(text, text.find(name)), f"nothing uses {name}")
    found.end()


main()
