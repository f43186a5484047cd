"""`postrider mailbox list|create|rename|delete|check`, on a server that runs and on one
that stands."""

import sqlite3

import pytest

from server import wait_for

BORN = ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]
BODY = b"From: <ann@here.test>\r\nSubject: one\r\n\r\nHello.\r\n"


def names(server, address="bob@here.test"):
    return [row["mailbox"] for row in server.rows("mailbox", "list", address)]


def store_path(server):
    (path,) = [path for path in server.dir.glob("data/accounts/*/mail.db")
               if path.stat().st_size > 0]
    return path


@pytest.fixture(params=["running", "stopped"])
def mailboxes(server, request):
    """A server that has mail for bob; in half of the tests it stands."""
    server.send("ann@here.test", "bob@here.test", BODY)
    server.wait_messages("bob@here.test")
    if request.param == "stopped":
        server.stop()
    return server


def test_list(mailboxes):
    rows = mailboxes.rows("mailbox", "list", "bob@here.test")
    assert [row["mailbox"] for row in rows] == BORN
    assert rows[0]["use"] == "inbox"
    assert rows[0]["messages"] == "1"
    assert rows[0]["unseen"] == "1"
    assert int(rows[0]["bytes"]) > len(BODY)
    assert rows[4] == {"mailbox": "Sent", "use": "sent", "subscribed": "yes", "messages": "0",
                       "unseen": "0", "bytes": "0"}


def test_create_rename_delete(mailboxes):
    mailboxes.run("mailbox", "create", "bob@here.test", "office/2026", "Grüße")
    born = BORN[:3] + ["Grüße"] + BORN[3:]
    assert names(mailboxes) == born + ["office", "office/2026"]
    mailboxes.run("mailbox", "rename", "bob@here.test", "office", "old/office")
    assert names(mailboxes) == born + ["old", "old/office", "old/office/2026"]
    done = mailboxes.run("mailbox", "delete", "bob@here.test", "old", expect=65)
    assert "--children" in done.stderr
    mailboxes.run("mailbox", "delete", "bob@here.test", "--children", "old", "Grüße")
    assert names(mailboxes) == BORN
    mailboxes.run("mailbox", "check", "bob@here.test")


def test_what_cannot_be(mailboxes):
    for words, status in (
            (("create", "bob@here.test", "Inbox"), 65),
            (("create", "bob@here.test", "a//b"), 65),
            (("delete", "bob@here.test", "INBOX"), 65),
            (("delete", "bob@here.test", "nothing"), 3),
            (("rename", "bob@here.test", "nothing", "x"), 3),
            (("rename", "bob@here.test", "Sent", "Trash"), 65),
            (("rename", "bob@here.test", "Sent"), 64),
            (("create", "bob@here.test"), 64),
            (("list",), 64),
            (("list", "nobody@here.test"), 67),
            (("list", "carl@far.test"), 67)):
        done = mailboxes.run("mailbox", *words, expect=status)
        assert done.stderr, words
    assert names(mailboxes) == BORN


def test_check_names_what_is_damaged(mailboxes):
    assert mailboxes.rows("mailbox", "check", "bob@here.test") == []
    was_running = mailboxes.process is not None
    mailboxes.stop()
    with sqlite3.connect(store_path(mailboxes)) as db:
        db.execute("UPDATE mailbox SET unseen = 7 WHERE name = 'INBOX'")
    db.close()
    if was_running:
        mailboxes.start()
    rows = mailboxes.rows("mailbox", "check", "bob@here.test", expect=2)
    assert [row["invariant"] for row in rows] == ["11"]
    assert "mailbox 1" in rows[0]["finding"]


def test_a_store_that_cannot_be_opened(mailboxes):
    was_running = mailboxes.process is not None
    mailboxes.stop()
    path = store_path(mailboxes)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    if was_running:
        mailboxes.start()
    done = mailboxes.run("mailbox", "list", "bob@here.test", expect=75 if was_running else 2)
    assert done.stderr
    if was_running:
        wait_for(lambda: mailboxes.events("account.failed"), what="a word in the log")
