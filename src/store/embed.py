#!/usr/bin/env python3
"""Makes a C string of schema.sql.  usage: embed.py NAME IN OUT

The comments go (SQLite keeps the text of each table in the file and reads it
at every open), and each table gets SQLite's STRICT and, unless it is a heap,
WITHOUT ROWID: that is the one thing in which the dialects differ.
"""
import re
import sys

# Tables with long rows.  In a table WITHOUT ROWID the row is the key: SQLite
# reads all of it, with every page that it overflows to, at each comparison.
HEAPS = {"body"}

name, source, target = sys.argv[1:]
with open(source, encoding="utf-8") as f:
    text = f.read()
text = re.sub(r"--[^\n]*", "", text)
text = re.sub(r"\bbigint\b", "INTEGER", text)
text = re.sub(r"\s+", " ", text).strip()
out = ["const char %s[];" % name, "const char %s[] =" % name]
for statement in filter(None, (s.strip() for s in text.split(";"))):
    if statement.startswith("CREATE TABLE"):
        statement += " STRICT"
        if statement.split()[2] not in HEAPS:
            statement += ", WITHOUT ROWID"
    out.append('\t"%s;"' % statement.replace("\\", "\\\\").replace('"', '\\"'))
with open(target, "w", encoding="utf-8") as f:
    f.write("/* Made of schema.sql by embed.py. */\n")
    f.write("extern " + "\n".join(out) + ";\n")
