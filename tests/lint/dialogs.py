"""Every command in every state, response code, search key, fetch item stands in a dialogue.

Why: what the tables of IMAP say and no dialogue shows is what nobody ever saw working.
A row that is added without one is told here, by name.
"""

import re

import house

IMAP = house.SRC / "imap"
FOLDERS = {"imap": "authenticated", "imap-door": "before"}
STATES = ["before", "authenticated", "selected"]
MAY = {"BEFORE": ["before"], "AFTER": ["authenticated", "selected"], "SELECTED": ["selected"],
       "ANY": STATES}
# Capital letters in the source that are no words of a command.
NO_WORDS = {"NIL", "NONEXISTENT"}
# What a dialogue cannot bring about, and the test that shows it instead.
ELSEWHERE = {
    "response code CORRUPTION": "tests/unit/imap/test_imap_session.c",
    "response code INPROGRESS": "tests/unit/imap/test_imap_searching.c",
    "capability INPROGRESS": "tests/unit/imap/test_imap_searching.c",
}


class Play:
    """One client of a dialogue: what it asked in which state, and how it ended."""

    def __init__(self, state):
        self.state = state
        self.open = {}          # tag -> (name, states)

    def ask(self, line):
        match = re.match(r"(\S+) ((?:UID )?[A-Z]+)", line, re.I)
        if match:
            self.open[match[1]] = match[2].upper()

    def hear(self, line):
        """(command, state, word) when this ends a command."""
        match = re.match(r"(\S+) (OK|NO|BAD)\b", line)
        if not match or match[1] not in self.open:
            return None
        name = self.open.pop(match[1])
        seen = (name, self.state, match[2])
        if name in ("SELECT", "EXAMINE"):
            self.state = {"OK": "selected", "NO": "authenticated"}.get(match[2], self.state)
        elif name in ("CLOSE", "UNSELECT", "UNAUTHENTICATE") and match[2] == "OK":
            self.state = "authenticated"
        return seen


def read(path, start):
    """All that ended, all that was asked, all that was answered."""
    plays, ended, asked, answered = {}, set(), [], []
    for line in path.read_text().splitlines():
        match = re.match(r"([CS]): ?(?:(\d): )?(.*)$", line)
        if not match:
            continue
        play = plays.setdefault(match[2], Play(start))
        if match[1] == "C":
            asked.append(match[3])
            for command in re.split(r"\\r\\n", match[3]):
                play.ask(command)
        else:
            answered.append(match[3])
            ended.add(play.hear(match[3]))
    return ended, asked, answered


def strings(name):
    text = house.code_of((IMAP / name).read_text(), keep_strings=True)
    return re.findall(r'"((?:\\.|[^"\\\n])*)"', text)


def response_codes():
    found = set()
    for path in sorted(IMAP.glob("*.c")):
        for text in strings(path.name):
            found.update(re.findall(r"(?:^|OK |NO |BYE |BAD )\[([A-Z][A-Z0-9-]+)[] ]", text))
    return sorted(found - {"CAPABILITY"}) + ["CAPABILITY"]


def rows_of(name, pattern):
    return re.findall(pattern, house.code_of((IMAP / name).read_text(), keep_strings=True))


def has_word(lines, command, word):
    """Is the word in a line of this command?"""
    one = re.compile(rf"\b(?:{command})\b.*(?<![\w.]){re.escape(word)}(?![\w.])", re.I)
    return any(one.search(line) for line in lines)


def wanted(ended, asked, answered):
    """What is missing, as text."""
    table = rows_of("imap_command.h", r"\bCOMMAND\((\w+),\s*IMAP_(\w+),\s*(true|false)")
    for name, states, uid in table:
        for state in STATES:
            words = {word for command, where, word in ended
                     if command == name and where == state}
            if state in MAY[states] and not words & {"OK", "NO"}:
                yield f"command {name}, {state}"
            elif state not in MAY[states] and "BAD" not in words:
                yield f"command {name}, {state} (where it is not allowed)"
        if uid == "true" and (f"UID {name}", "selected", "OK") not in ended:
            yield f"command UID {name}"
    for code in response_codes():
        if not any(f"[{code}]" in line or f"[{code} " in line for line in answered):
            yield f"response code {code}"
    searching = "SEARCH|SORT|THREAD"
    for key in rows_of("imap_search_read.c", r'\{"([A-Z]+)", imap_') + ["NOT", "OR", "CHARSET"]:
        if not has_word(asked, searching, key):
            yield f"search key {key}"
    for item in rows_of("imap_fetch_read.c", r'\{"([A-Z][A-Z0-9.]*)\[?", '):
        if not has_word(asked, "FETCH", item):
            yield f"fetch item {item}"
    for name, command in (("imap_cmd_status.c", "STATUS"), ("imap_sort.c", "SORT"),
                          ("imap_cmd_list.c", "LIST"), ("imap_cmd_search.c", "SEARCH"),
                          ("imap_cmd_select.c", "SELECT"), ("imap_cmd_store.c", "STORE"),
                          ("imap_thread.c", "THREAD"), ("imap_cmd_any.c", "ENABLE|COMPRESS")):
        for text in strings(name):
            if re.fullmatch(r"[A-Z][A-Z0-9=.]{2,}(?:[a-z]+\d)?", text) and \
                    text not in NO_WORDS and not has_word(asked, command, text):
                yield f"word {text} of {command}"


def is_elsewhere(what):
    test = ELSEWHERE.get(what)
    return test is not None and what.split()[-1] in (house.ROOT / test).read_text()


def check_capabilities(found):
    """Each is of an RFC that a dialogue says it shows."""
    heads = "\n".join(line for folder in FOLDERS
                      for path in house.files(f"tests/dialog/{folder}/*.dialog")
                      for line in path.read_text().splitlines() if line.startswith("#"))
    for name, rfc in rows_of("imap_capability.c", r'\{"([\w+=]+)",\s*IMAP_\w+,\s*"([\w-]+)"\}'):
        if not re.search(rf"\b{rfc}\b", heads) and not is_elsewhere(f"capability {name}"):
            found.add(IMAP / "imap_capability.c", 0,
                      f"no dialogue cites RFC {rfc} for capability {name}")


def main():
    found = house.Findings("dialogs")
    ended, asked, answered = set(), [], []
    for folder, start in FOLDERS.items():
        for path in house.files(f"tests/dialog/{folder}/*.dialog"):
            parts = read(path, start)
            ended |= parts[0] - {None}
            asked += parts[1]
            answered += parts[2]
    for what in wanted(ended, asked, answered):
        if not is_elsewhere(what):
            found.add(house.ROOT / "tests/dialog", 0, f"no dialogue shows {what}")
    check_capabilities(found)
    found.end()


main()
