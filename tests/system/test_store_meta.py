"""What the store knows of a delivered message: read with sqlite3 from a stopped server."""

import contextlib
import sqlite3

from server import wait_for

BODY = (b"From: Alice <alice@else.test>\r\nSubject: =?utf-8?q?the_k=C3=A9tchup?=\r\n"
        b"Date: Thu, 1 Jan 1970 01:00:05 +0100\r\nMessage-ID: <1@else.test>\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html; charset=koi8-r\r\n\r\n<p>\xf0\xd2\xc9\xd7\xc5\xd4!</p>\r\n"
        b"--b\r\nContent-Type: application/pdf\r\n"
        b"Content-Disposition: attachment; filename=x.pdf\r\n\r\n%PDF\r\n--b--\r\n")
REPLY = (b"From: Bob <bob@else.test>\r\nSubject: Re: =?iso-8859-1?q?the_k=E9tchup?=\r\n"
         b"Message-ID: <2@else.test>\r\nReferences: <1@else.test>\r\n\r\nYes.\r\n")
OTHER = b"Subject: other\r\nMessage-ID: <3@else.test>\r\n\r\n" + b"0123456789abcde\r\n" * 20000


def open_store(server):
    return contextlib.closing(sqlite3.connect(server.data_dir / "accounts/1/mail.db"))


def rows(server):
    """(thread, sent_ms, has_attachment, preview, bytes of the blobs) of ann's messages."""
    with open_store(server) as db:
        return db.execute("SELECT thread, sent_ms, has_attachment, preview, length(envelope), "
                          "length(structure) FROM message ORDER BY message").fetchall()


def assert_known(found):
    first, reply, other = found
    assert first[1:4] == (5000, 1, "\u041f\u0440\u0438\u0432\u0435\u0442!")
    assert reply[1:4] == (None, 0, "Yes.")
    assert other[1:3] == (None, 0) and other[3].startswith("0123456789abcde 0123")
    assert first[0] == reply[0] != other[0]
    assert all(row[4] > 10 and row[5] > 10 for row in found)


def deliver(server):
    for number, body in enumerate((BODY, REPLY, OTHER), 1):
        server.send("f@else.test", "ann@here.test", body)
        server.wait_messages("ann@here.test", number)


def test_a_delivered_message_is_known(server):
    deliver(server)
    server.stop()
    assert_known(rows(server))


def test_messages_of_an_older_release_are_read_in_idle_time(make_server):
    server = make_server(options={"limits": {"connections_per_address": 1000},
                                  "account_idle": '"1s"'})
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    deliver(server)
    server.stop()
    before = rows(server)
    with open_store(server) as db:
        db.execute("UPDATE message SET thread = NULL, sent_ms = NULL, has_attachment = NULL, "
                   "preview = NULL, envelope = NULL, structure = NULL")
        db.execute("DELETE FROM thread_reference")
        db.commit()
    assert all(row == (None,) * 6 for row in rows(server))
    ended = len(server.events("account.closed"))
    server.start()
    server.wait_messages("ann@here.test", 3)
    wait_for(lambda: len(server.events("account.closed")) > ended, 30, "the end of an idle account")
    server.stop()
    after = rows(server)
    assert_known(after)
    assert [row[1:] for row in after] == [row[1:] for row in before]
