"""Engines touch no descriptor, clock, random source, log or malloc.

Why: bytes in, effects out is what lets one object serve the unit test, every
split of a dialog, the fuzzer and the socket.  The linker's table of undefined
symbols (nm -u, of the debug build) cannot be talked round.
"""

import re
import subprocess

import house

PURE = {"codec": "*", "message": "*", "dns": "*", "sasl": "*", "smtp": "*",
        "pop3": ("pop3_login", "pop3_command", "pop3_client"),
        "imap": ("imap_capability", "imap_command", "imap_door", "imap_id", "imap_line",
                 "imap_mutf7", "imap_read", "imap_read_number", "imap_set")}
LIBC = set("""
memcpy memmove memset memcmp memchr memrchr memmem strlen strcmp strncmp strchr
strrchr __stack_chk_fail __assert_fail snprintf __snprintf_chk vsnprintf
__vsnprintf_chk __memcpy_chk __memset_chk __memmove_chk _GLOBAL_OFFSET_TABLE_
qsort bsearch explicit_bzero
""".split())
LIBC.add("__cpu_model")  # what __builtin_cpu_supports looks at
BASE = re.compile(r"^(span|buf|arena|num|utf8|mid|size_put|time_put|list|web)_|^(err_set|err_wrap"
                  r"|code_word|bug)$|^mid_")


# What wipes and compares secrets keeps nothing and asks nobody.
SECRET = {"secret_wipe", "secret_equal"}

# ICU is opened by name, and all else of it is called through what dlsym gave
# (doc/decisions/0010).  Only codec/charset_icu may.
LIBRARY = {"dlopen", "dlsym"}

# The tables of names and text: functions of their arguments, with scratch memory
# of their own.  Only codec/fold, codec/idn, codec/nfc and codec/saslprep may ask them.
TABLES = re.compile(r"^(idn2_(lookup_u8|to_unicode_8z8z|free)|u8_(casefold|normalize)"
                    r"|uc_(script|bidi_class|totitle|decomposition|canonical_decomposition"
                    r"|combining_class|is_general_category_withtable)|uninorm_nfk?[cd])$")


def symbols(path, *options):
    out = subprocess.run(["nm", *options, path], capture_output=True, text=True, check=True)
    return [line.split()[-1] for line in out.stdout.splitlines() if line.strip()]


def objects():
    """(source, object) of every pure file."""
    for folder, stems in PURE.items():
        for path in house.files(f"src/{folder}/*.c"):
            if stems != "*" and path.stem not in stems:
                continue
            yield path, (house.ROOT / "build/debug/src" / f"lib{folder}.a.p"
                         / f"{folder}_{path.name}.o")


def main():
    found = house.Findings("pure")
    pairs = []
    for path, built in objects():
        if built.exists():
            pairs.append((path, built))
        else:
            found.add(path, 0, "has no object in build/debug: run script/build debug")
    own = set()
    for _, built in pairs:
        own.update(symbols(built, "--defined-only", "--extern-only"))
    for path, built in pairs:
        for symbol in symbols(built, "-u"):
            if path.stem in ("fold", "fold_base", "idn", "idn_bidi", "nfc", "saslprep") and TABLES.match(symbol):
                continue
            if path.stem == "charset_icu" and symbol in LIBRARY:
                continue
            if symbol in SECRET:
                continue
            if symbol not in own and symbol not in LIBC and not BASE.match(symbol):
                found.add(path, 0, f"an engine may not call {symbol}")
    found.end()


main()
