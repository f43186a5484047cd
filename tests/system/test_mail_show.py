"""`postrider mail show` on files of every kind: it always shows something, never
crashes, and takes the same memory whatever the size."""

import json
import os
import pathlib
import random
import subprocess
import sys

import pytest

from server import BINARY, PROFILE

CORPUS = sorted((pathlib.Path(__file__).resolve().parent.parent / "corpus/mime").glob("*.eml"))
MEMORY_KB = 64 * 1024


def show(*words, expect=0, **options):
    done = subprocess.run([BINARY, "mail", "show", *words], capture_output=True, timeout=1800,
                          **options)
    assert done.returncode == expect, (words, done.returncode, done.stdout[:500], done.stderr)
    return done.stdout


def harmless(out):
    """Nothing that steers a terminal, or turns around what stands behind it."""
    assert not any(byte < 0x20 and byte != 0x0A and byte != 0x09 or byte == 0x7F for byte in out)
    text = out.decode()
    assert not any(0x80 <= ord(c) < 0xA0 or 0x202A <= ord(c) <= 0x202E
                   or 0x2066 <= ord(c) <= 0x2069 for c in text)
    return text


def check_all_views(path):
    """Every view of a file; returns what --json says."""
    harmless(show(path))
    harmless(show(path, "--structure"))
    harmless(show(path, "--headers"))
    return json.loads(show(path, "--json"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_message_of_the_corpus(path):
    raw = path.read_bytes()
    told = check_all_views(path)
    assert told["size"] == len(raw)
    assert told["parts"][0]["head_start"] == 0
    rows = show(path, "--structure").decode().splitlines()
    assert len(rows) == 1 + len(told["parts"])
    for part in told["parts"]:
        if part["part"] is None:
            continue
        done = subprocess.run([BINARY, "mail", "show", path, "--part", part["part"]],
                              capture_output=True, timeout=1800)
        assert done.returncode in (0, 1), (part, done.stderr)
        assert len(done.stdout) == part["octets"]
        if part["encoding"] in ("7bit", "8bit", "binary", "unknown"):
            assert done.stdout == raw[part["body_start"]:part["body_end"]]


def test_the_last_of_a_field_counts_in_every_view(tmp_path):
    path = tmp_path / "a.eml"
    path.write_bytes(b"From: one@x.test\nSubject: one\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
                     b"Subject: two\nDate: Wed, 1 Jan 2025 00:00:00 +0000\nFrom: two@x.test\n\n")
    assert show(path) == (b"From: two@x.test\nDate: Wed, 1 Jan 2025 00:00:00 +0000\n"
                          b"Subject: two\n\n")
    told = json.loads(show(path, "--json"))["parts"][0]["message"]
    assert (told["subject"], told["date"]) == ("two", 1735689600)
    assert [one["email"] for one in told["from"]] == ["two@x.test"]


def test_what_is_not_read_is_told(tmp_path):
    path = tmp_path / "a.eml"
    told = b"(the message has more fields or parts than are read)\n"
    path.write_bytes(b"X: y\n" * 300000 + b"\nbody\n")
    assert show(path).endswith(b"body\n" + told)
    path.write_bytes(b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 10001)
    assert show(path).endswith(told)


def test_as_a_person_reads_it(tmp_path):
    path = tmp_path / "a.eml"
    path.write_bytes(
        b"From: =?utf-8?Q?J=C3=BCrgen?= <j@x.test>\r\nTo: a@b\r\nSubject: =?utf-8?Q?=1B[2J?=Hi\r\n"
        b"X-Other: not shown\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n"
        b"<h1>Gr\xfc\xdfe</h1><p><a href='https://x.test/'>link</a>&#8238;\x1b[31m</p>\r\n"
        b"--b\r\nContent-Type: application/zip; name=\"a\xe2\x80\xaeb.zip\"\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 1000 + b"\r\n--b--\r\n")
    assert harmless(show(path)) == (
        "From: Jürgen <j@x.test>\nTo: a@b\nSubject: [2JHi\n\n"
        "Grüße\n\nlink <https://x.test/>\\xe2\\x80\\xae[31m\n"
        "[2] a\\xe2\\x80\\xaeb.zip  application/zip  2.9K\n")
    assert show(path, "--part=2") == b"ABC" * 1000
    assert "X-Other: not shown\n" in harmless(show(path, "--headers"))
    told = json.loads(show(path, "--json"))
    assert told["text_body"] == told["html_body"] == ["1"]
    assert told["attachments"] == ["2"] and told["has_attachment"]
    assert told["preview"] == "Grüße link[31m"
    assert told["parts"][0]["message"]["from"] == [{"name": "Jürgen", "email": "j@x.test"}]
    assert told["parts"][1]["is_encoding_problem"] is False
    assert told["parts"][1]["value"].startswith("<h1>Grüße</h1>")
    assert told["parts"][2]["name"] == "a\u202eb.zip"


def test_standard_input_and_errors(tmp_path):
    message = b"Subject: x\r\n\r\nbody\r\n"
    assert show("-", input=message) == b"Subject: x\n\nbody\n"
    with open(tmp_path / "x.eml", "wb") as to:
        to.write(b"1234" + message)
    with open(tmp_path / "x.eml", "rb", buffering=0) as source:
        source.seek(4)    # what was read already is no part of it
        assert show("-", stdin=source) == b"Subject: x\n\nbody\n"
    assert show("/dev/null") == b"\n"
    show(tmp_path / "nothing", expect=66)
    show(tmp_path, expect=66)
    show("-", "--part", "2", input=message, expect=3)
    show("-", "--part", "x", input=message, expect=3)
    damaged = b"Content-Transfer-Encoding: base64\r\n\r\nQUJD!QQ="
    show("-", "--part", "1", input=damaged, expect=1)
    for words in ([], ["-", "-"], ["-", "--headers", "--structure"], ["-", "--part"], ["--x"]):
        show(*words, input=message, expect=64)


def bombs():
    """Shapes that hurt careless readers."""
    mixed = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    html = b"Content-Type: text/html\r\n\r\n"
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
                      for n in range(10000))
    yield "empty", b""
    yield "nul", bytes(100000)
    yield "random", random.Random(7).randbytes(1 << 20)
    yield "many-parts", mixed + b"--b\r\n" * 50000
    yield "nested", nested
    yield "messages", b"Content-Type: message/rfc822\r\n\r\n" * 10000
    yield "long-field", b"Subject: " + b"=?utf-8?Q?=C3=A9?= " * 150000 + b"\r\n\r\nx"
    yield "long-head", b"X: y\r\n" * 500000
    yield "addresses", b"To: " + b"a@b, " * 200000 + b"\r\n\r\n"
    yield "comments", b"To: " + b"(" * 1000000 + b"\r\n\r\n"
    yield "html-lt", html + b"<" * 1000000
    yield "html-entities", html + b"&#x1F354;&amp" * 100000
    yield "html-quotes", html + b"<blockquote><ul><li>x" * 50000
    yield "html-open", html + b"<!--" + b"<a href='" * 100000
    yield "one-line", b"\r\n" + b"\x1b\xff" * 1000000


@pytest.mark.parametrize("name,message", bombs(), ids=lambda value: value
                         if isinstance(value, str) else "")
def test_a_bomb(tmp_path, name, message):
    path = tmp_path / f"{name}.eml"
    path.write_bytes(message)
    told = check_all_views(path)
    assert told["size"] == len(message)
    assert_small(path, "--json")


# Who starts a program lends it its own size until it runs: so a small one does.
LAUNCHER = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(pid, 0)
print(used.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def assert_small(*words, **options):
    """Runs it; what it wrote must not have needed more memory than promised."""
    done = subprocess.run([sys.executable, "-IS", "-c", LAUNCHER, BINARY, "mail", "show", *words],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=1800,
                          **options)
    assert done.returncode == 0, done.stderr
    if PROFILE != "asan":    # its shadow counts too
        assert int(done.stderr.split()[-1]) <= MEMORY_KB


def test_300_megabytes(tmp_path):
    path = tmp_path / "big.eml"
    lines = b"<p>Hello &amp; good bye</p>\r\n" * 40000
    with open(path, "wb") as to:
        to.write(b"From: a@b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                 b"--b\r\nContent-Type: text/html; charset=iso-8859-2\r\n\r\n")
        for _ in range(50):
            to.write(lines)
        to.write(b"\r\n--b\r\nContent-Type: application/zip\r\n"
                 b"Content-Transfer-Encoding: base64\r\n\r\n")
        for _ in range(242):
            to.write(b"QUJD" * 250000 + b"\r\n")
        to.write(b"--b--\r\n")
    assert path.stat().st_size > 295_000_000
    for words in ([], ["--structure"], ["--headers"], ["--part", "1"], ["--part", "2"], ["--json"]):
        assert_small(path, *words)
    with open(path, "rb") as source, subprocess.Popen(
            ["cat"], stdin=source, stdout=subprocess.PIPE) as cat:
        assert_small("-", "--structure", stdin=cat.stdout)
    assert json.loads(show(path, "--structure", "--json").splitlines()[-1])["octets"] == "181500000"
    os.unlink(path)
