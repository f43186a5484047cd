"""Some calls belong into one room only, and some into none.

Why: memory, SQL, the event loop and the cryptographic libraries each have one
place where their traps are known; numbers and strings have num.h, span.h and
buf.h.  A second place is where the next hole would be.
"""

import re

import house

# what, where it may stand (path prefixes), what to use instead
CALLS = [
    (r"\b(strcpy|strcat|sprintf|vsprintf|strtok|strtok_r|strncpy|strncat|gets|alloca)\s*\(",
     (), "copy through span and buf"),
    (r"\b(atoi|atol|atoll|atof|strtol|strtoul|strtoll|strtoull|strtod|sscanf)\s*\(",
     (), "parse numbers with num.h"),
    (r"\b(system|popen|execlp|execvp|execl)\s*\(", (), "no shell, no search of PATH"),
    (r"\b(malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|vasprintf)\s*\(",
     ("src/base/",), "use mem.h, buf.h, arena.h"),
    (r"\bsqlite3_\w+", ("src/db/",), "use db.h"),
    (r"\bsqlite3_v?mprintf\b", (), "bind parameters"),
    (r"\b(event_base_\w+|event_new|event_add|event_del|evtimer_\w+|bufferevent_\w+)\s*\(",
     ("src/net/", "src/role/resolver"), "use net/loop.h"),
    (r"\b(EVP_\w+|SHA256_\w+|SSL_\w+|RAND_\w+|crypto_pwhash\w*|sodium_\w+|randombytes_\w+)\s*\(",
     ("src/crypto/", "src/tls/"), "use crypto/"),
    (r"\bcfg_\w+\s*\(", ("src/config/",), "use config.h"),
    (r"\bub_\w+\s*\(", ("src/net/", "src/role/resolver"), "ask the resolver role"),
    (r"\b(rand|random|srand|drand48)\s*\(", (), "use crypto/"),
    (r"\b(time|gettimeofday|clock_gettime|localtime|gmtime)\s*\(",
     ("src/base/time.c", "src/net/loop.c"), "ask base/time.h, or be given `now`"),
]
INCLUDES = [
    (r"<event2?/|<event\.h>", ("src/net/", "src/role/resolver")),
    (r"<openssl/|<nettle/|<sodium", ("src/crypto/", "src/tls/")),
    (r"<confuse", ("src/config/",)),
    (r"<sqlite3", ("src/db/",)),
]
SQL = re.compile(r'"\s*(select\s+\S+.*\bfrom\b|insert\s+(or\s+\w+\s+)?into\b|update\s+\w+\s+set\b'
                 r'|delete\s+from\b|create\s+table\b|pragma\s)', re.I)
SQL_ROOMS = ("src/store/", "src/queue/", "src/directory/", "src/db/")


def check_calls(found, path, text):
    code = house.code_of(text)
    for pattern, rooms, instead in CALLS:
        if house.name(path).startswith(rooms):
            continue
        for match in re.finditer(pattern, code):
            before = code[:match.start()].rstrip()
            if before.endswith((".", "->")):
                continue                # a member of a struct
            found.add(path, house.line_of(code, match.start()),
                      f"{match.group(0).rstrip('( ')}: {instead}")


def main():
    found = house.Findings("banned")
    for path in house.files("src/*.c", "src/*.h"):
        if path.name == "banned.h":
            continue
        text = path.read_text()
        check_calls(found, path, text)
        strings = house.code_of(text, keep_strings=True)
        for match in SQL.finditer(strings):
            if not house.name(path).startswith(SQL_ROOMS):
                found.add(path, house.line_of(strings, match.start()),
                          "SQL stands in store, queue and directory only")
        for number, line in enumerate(text.splitlines(), 1):
            for pattern, rooms in INCLUDES:
                if re.match(r"\s*#\s*include\s+" + f"(?:{pattern})", line) \
                        and not house.name(path).startswith(rooms):
                    found.add(path, number, f"{line.strip()} belongs into {' or '.join(rooms)}")
    found.end()


main()
