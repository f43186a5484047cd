"""What the checks share: the files of the house, and how a finding is told.

Not a check itself; running it does nothing.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SRC = ROOT / "src"


def files(*patterns):
    """Files that git knows or would add, below the root, by glob pattern."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in sorted(set(listed.split("\0"))) if name]
    return [path for path in paths if path.is_file()]


def name(path):
    return str(path.relative_to(ROOT))


PIECE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_of(text, keep_strings=False):
    """C text with comments (and strings) blanked; lines stay where they were."""

    def blank(match):
        piece = match.group(0)
        if piece[0] == "/" or not keep_strings:
            return re.sub(r"[^\n]", " ", piece)
        return piece

    return PIECE.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Findings:
    def __init__(self, check):
        self.check = check
        self.count = 0

    def add(self, path, line, what):
        self.count += 1
        where = f"{name(path)}:{line}" if line else name(path)
        print(f"{where}: {what} [{self.check}]")

    def end(self):
        sys.exit(1 if self.count else 0)
