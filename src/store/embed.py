#!/usr/bin/env python3
"""Makes a C string of schema.sql.  usage: embed.py NAME IN OUT

The comments go (SQLite keeps the text of each table in the file and reads it
at every open), and each table gets SQLite's STRICT and, unless its rows are long,
WITHOUT ROWID: that is the one thing in which the dialects differ.
"""
import re
import sys

# Tables with long rows.  In a table WITHOUT ROWID the row is the key: SQLite
# reads all of it, with every page that it overflows to, at each comparison.
HEAPS = {"body"}
# The same, where the last column of the key tells rows apart by itself, as the
# file has one account: it is the rowid, and the key needs no index.
ROWIDS = {"message": "message", "signature": "message"}

name, source, target = sys.argv[1:]
with open(source, encoding="utf-8") as f:
    text = f.read()
text = re.sub(r"--[^\n]*", "", text)
text = re.sub(r"\bbigint\b", "INTEGER", text)
text = re.sub(r"\s+", " ", text).strip()
out = ["const char %s[];" % name, "const char %s[] =" % name]
for statement in filter(None, (s.strip() for s in text.split(";"))):
    if statement.startswith("CREATE TABLE"):
        table = statement.split()[2]
        if table in ROWIDS:
            column = ROWIDS[table]
            statement, count = re.subn(rf"\b{column} INTEGER NOT NULL,",
                                       f"{column} INTEGER PRIMARY KEY,", statement)
            statement, gone = re.subn(rf", PRIMARY KEY \(account, {column}\)", "", statement)
            assert count == gone == 1, table
        statement += " STRICT"
        if table not in HEAPS and table not in ROWIDS:
            statement += ", WITHOUT ROWID"
    out.append('\t"%s;"' % statement.replace("\\", "\\\\").replace('"', '\\"'))
with open(target, "w", encoding="utf-8") as f:
    f.write("/* Made of schema.sql by embed.py. */\n")
    f.write("extern " + "\n".join(out) + ";\n")
