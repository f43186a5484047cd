"""A folder includes itself and lower layers only: src/LAYERS.

Why: an include that points upwards is how a library becomes a knot.  With the
order kept, each folder can be read, tested and fuzzed without those above it.
"""

import re

import house

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def ranks():
    order = {}
    lines = [line for line in (house.SRC / "LAYERS").read_text().splitlines()
             if line.strip() and not line.startswith("#")]
    for rank, line in enumerate(lines):
        for folder in line.split():
            order[folder] = rank
    return order


def main():
    found = house.Findings("layers")
    order = ranks()
    for path in house.files("src/*.c", "src/*.h", "src/*.def"):
        folder = path.relative_to(house.SRC).parts[0]
        if folder == path.name:
            continue                    # src/main.c stands above all layers
        if folder not in order:
            found.add(path, 0, f"folder {folder} is not in src/LAYERS")
            continue
        text = path.read_text()
        for match in INCLUDE.finditer(text):
            other = match.group(1).split("/")[0]
            line = house.line_of(text, match.start(1))
            if "/" not in match.group(1):
                found.add(path, line, f'write "{folder}/{match.group(1)}": includes begin at src')
            elif other not in order:
                found.add(path, line, f"{match.group(1)} is in no layer")
            elif other != folder and order[other] >= order[folder]:
                found.add(path, line, f"{folder} may not include {match.group(1)}")
    found.end()


main()
