"""Signatures of messages: made in idle time and by searches, whatever happens meanwhile,
and no answer depends on them."""

import contextlib
import random
import sqlite3
import time

import pytest

from server import wait_for
from test_bad_days import fill, needs_root, small_disk  # noqa: F401 (a fixture)
from test_imap import Raw

ANN = "ann@here.test"


@pytest.fixture
def server(make_server):
    it = make_server(options={"limits": {"connections_per_address": 1000},
                              "account_idle": '"1s"'})
    it.add_domain("here.test")
    it.add_account(ANN)
    return it.start()


def open_store(server):
    return contextlib.closing(sqlite3.connect(server.data_dir / "accounts/1/mail.db"))


def signed(server):
    """(signatures, the first message that has none) of a server that is stopped."""
    with open_store(server) as db:
        return (db.execute("SELECT count(*) FROM signature").fetchone()[0],
                db.execute("SELECT unsigned_message FROM account").fetchone()[0])


def text(number):
    """Every seventh has the word."""
    word = "zebrafish" if number % 7 == 0 else "ketchup"
    rng = random.Random(number)
    words = " ".join("".join(rng.choices("aeioubcdfglmnprst", k=6)) for _ in range(60))
    return f"Subject: {number}\r\n\r\n{words}\r\n{word} {words}\r\n".encode()


def enter(server):
    """A client with the INBOX selected; a process that was killed has to be started anew."""
    def try_it():
        try:
            return Raw(server, ANN)
        except (AssertionError, OSError):
            return None

    client = wait_for(try_it, 30, "a login")
    assert client.run("s", "SELECT INBOX")[-1].startswith(b"s OK")
    return client


def append(client, first, count):
    """In one command."""
    command = b"ap APPEND INBOX"
    for number in range(first, first + count):
        body = text(number)
        command += b" {%d+}\r\n" % len(body) + body
    client.say(command + b"\r\n")
    assert client.until("ap")[-1].startswith(b"ap OK")


def found(client, tag, key="TEXT zebrafish"):
    lines = client.run(tag, f"SEARCH {key}")
    assert lines[-1].startswith(tag.encode() + b" OK"), lines[-1]
    line = next(line for line in lines if line.startswith(b"* SEARCH"))
    return [int(number) for number in line.split()[2:]]


def sevenths(count):
    return [number for number in range(1, count + 1) if number % 7 == 0]


def check(server):
    server.run("mailbox", "check", ANN)


def test_idle_time_signs(server):
    client = Raw(server, ANN)
    append(client, 1, 50)
    client.close()
    wait_for(lambda: server.events("account.closed"), 30, "the end of an idle account")
    server.stop()
    assert signed(server) == (50, 51)
    server.start()
    check(server)
    client = enter(server)
    assert found(client, "a") == sevenths(50)
    assert found(client, "b", "FUZZY TEXT zebrafisch") == sevenths(50)
    assert found(client, "c", "TEXT pickles") == []
    client.close()


def test_killed_while_signing(server):
    count = 2000
    client = Raw(server, ANN)
    for first in range(1, count, 50):
        append(client, first, 50)
    client.close()
    chance = random.Random(7)
    for _ in range(8):
        client = enter(server)
        client.say("a SEARCH TEXT zebrafish")
        time.sleep(chance.random() * 0.1)
        server.kill_role("account")
        client.close()
    client = enter(server)
    assert found(client, "a") == sevenths(count)
    client.run("b", "STORE 1:100 +FLAGS (\\Deleted)")
    client.run("c", "EXPUNGE")
    assert len(found(client, "d")) == len(sevenths(count)) - len(sevenths(100))
    client.close()
    check(server)
    server.stop()
    assert signed(server) == (count - 100, count + 1)


@needs_root
def test_a_full_disk_does_not_change_what_is_found(small_disk):  # noqa: F811
    server = small_disk
    client = Raw(server, ANN)
    append(client, 1, 50)
    append(client, 51, 50)
    client.close()
    server.restart()    # and the log of the store is empty, so that it has to grow
    client = enter(server)
    before = server.roles()["account"]
    fill(server.data_dir / "ballast")
    assert found(client, "a") == sevenths(100)
    assert found(client, "b", "FUZZY BODY zebrafisch") == sevenths(100)
    assert server.roles()["account"] == before, "it died of it"
    (server.data_dir / "ballast").unlink()
    assert found(client, "c") == sevenths(100)
    client.close()
    check(server)
    server.stop()
    assert signed(server) == (100, 101)
