"""IMAP with imaplib, curl and sockets: two connections, deliveries while one idles.

Other programs: test_imap_clients.py; chance against a model: test_imap_chance.py.
"""

import imaplib
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from server import PASSWORD, PATIENCE, Server

imaplib._MAXLINE = 10_000_000
ANN = "ann@example.net"


@pytest.fixture(scope="module")
def server():
    it = Server()
    try:
        it.start()
        it.add_domain("example.net")
        it.add_account(ANN)
        yield it
    finally:
        it.close()


def login(server, user=ANN):
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=30 * PATIENCE)
    client.login(user, PASSWORD)
    return client


class Raw:
    """A client that says exactly what it is told, and reads lines."""

    def __init__(self, server, user=ANN):
        self.socket = socket.create_connection((server.address, server.imap_port),
                                               timeout=30 * PATIENCE)
        self.file = self.socket.makefile("rwb")
        self.line()
        self.say(f"a0 login {user} {PASSWORD}")
        assert self.until("a0")[-1].startswith(b"a0 OK"), "no login"

    def say(self, text):
        self.file.write(text.encode() + b"\r\n" if isinstance(text, str) else text)
        self.file.flush()

    def line(self):
        got = self.file.readline()
        assert got, "the server closed"
        return got.rstrip(b"\r\n")

    def until(self, tag):
        lines = [self.line()]
        while not lines[-1].startswith(tag.encode() + b" "):
            lines.append(self.line())
        return lines

    def run(self, tag, text):
        self.say(f"{tag} {text}")
        return self.until(tag)

    def close(self):
        self.file.close()
        self.socket.close()


def message(number, size=200):
    text = (f"From: someone@example.org\r\nTo: {ANN}\r\nSubject: message {number}\r\n"
            f"Message-ID: <{number}@example.org>\r\n\r\n")
    return (text + "x" * 60 + "\r\n" * (1 + (size - len(text)) // 64)).encode()


def test_a_session_with_imaplib(server):
    """Each command that Python's client has, as programs use it."""
    server.add_account("lib@example.net")
    client = login(server, "lib@example.net")
    words = client.capability()[1][0].split()
    assert b"IMAP4rev2" in words and b"IDLE" in words
    assert client.select()[1] == [b"0"]
    for number in range(3):
        status, _ = client.append("INBOX", r"(\Seen)" if number else None,
                                  imaplib.Time2Internaldate(1700000000), message(number))
        assert status == "OK"
    assert client.select()[1] == [b"3"]
    assert client.search(None, "UNSEEN")[1] == [b"1"]
    assert client.search(None, "SUBJECT", '"message 2"')[1] == [b"3"]
    status, data = client.fetch("1", "(RFC822 FLAGS INTERNALDATE)")
    assert data[0][1] == message(0)
    assert re.search(rb"\\Seen", b" ".join(x if isinstance(x, bytes) else x[0] for x in data))
    assert client.store("2", "+FLAGS", r"(\Flagged $Work)")[0] == "OK"
    assert client.uid("SEARCH", "KEYWORD", "$Work")[1] == [b"2"]
    assert client.create("Projects/Postrider")[0] == "OK"
    assert client.copy("1:2", "Projects/Postrider")[0] == "OK"
    assert client.status("Projects/Postrider", "(MESSAGES UNSEEN)")[1] == [
        b'"Projects/Postrider" (MESSAGES 2 UNSEEN 0)']
    assert any(b"Projects/Postrider" in line for line in client.list()[1])
    assert client.subscribe("Projects")[0] == "OK"
    assert any(b"Projects" in line for line in client.lsub()[1])
    assert client.rename("Projects", "Work")[0] == "OK"
    client.store("1:*", "+FLAGS.SILENT", r"\Deleted")
    assert client.expunge()[1] == [b"3", b"2", b"1"]
    assert client.delete("Work/Postrider")[0] == "OK"
    assert client.close()[0] == "OK"
    assert client.logout()[0] == "BYE"


def test_a_delivery_while_a_client_idles(server):
    """IDLE hears of a message as soon as it is durable, and of what others do."""
    server.add_account("idle@example.net")
    idler, other = Raw(server, "idle@example.net"), Raw(server, "idle@example.net")
    for client in (idler, other):
        assert client.run("a1", "SELECT INBOX")[-1].startswith(b"a1 OK")
    idler.say("a2 IDLE")
    assert idler.line().startswith(b"+ ")
    server.send("someone@example.org", ["idle@example.net"], "Subject: hi\r\n\r\nhello\r\n")
    assert idler.line() == b"* 1 EXISTS"
    assert idler.line() == b"* 1 RECENT"
    assert b"* 1 EXISTS" in other.run("a2", "NOOP")
    other.run("a3", r"STORE 1 +FLAGS.SILENT (\Deleted)")
    assert idler.line() == rb"* 1 FETCH (FLAGS (\Deleted \Recent))"
    other.run("a4", "EXPUNGE")
    assert idler.line() == b"* 1 EXPUNGE"
    idler.say("DONE")
    assert idler.line().startswith(b"a2 OK")
    idler.close()
    other.close()


def test_a_client_that_asked_to_be_notified(server):
    """NOTIFY: other mailboxes, names, annotations and new messages, with no command and no IDLE."""
    user = "notify@example.net"
    server.add_account(user)
    one, other = Raw(server, user), Raw(server, user)
    assert one.run("a1", "SELECT INBOX")[-1].startswith(b"a1 OK")
    got = one.run("a2", "NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS "
                  "(SUBJECT)]) MessageExpunge)) (personal (MessageNew MessageExpunge MailboxName "
                  "MailboxMetadataChange))")
    assert got[-1].startswith(b"a2 OK") and sum(b"* STATUS" in line for line in got) == 5
    server.send("someone@example.org", [user], "Subject: hi\r\n\r\nhello\r\n")
    assert one.line() == b"* 1 EXISTS"
    assert one.line() == b"* 1 RECENT"
    assert one.line() == b"* 1 FETCH (UID 1 BODY[HEADER.FIELDS (SUBJECT)] {15}"
    assert [one.line() for _ in range(3)] == [b"Subject: hi", b"", b")"]
    assert other.run("a1", "SELECT INBOX")[-1].startswith(b"a1 OK")
    other.run("a2", "COPY 1 Archive")
    assert one.line().startswith(b'* STATUS "Archive" (MESSAGES 1 UIDNEXT 2 ')
    other.run("a3", "CREATE Plans")
    assert one.line() == rb'* LIST (\HasNoChildren) "/" "Plans"'
    other.run("a4", 'SETMETADATA Plans (/private/comment "soon")')
    assert one.line() == b'* METADATA "Plans" /private/comment'
    assert b'* METADATA "Plans" (/private/comment "soon")' in one.run(
        "a3", "GETMETADATA Plans /private/comment")
    other.run("a5", r"STORE 1 +FLAGS.SILENT (\Deleted)")
    other.run("a6", "EXPUNGE")
    assert one.line() == b"* 1 EXPUNGE"
    one.close()
    other.close()


def test_how_fast_idle_hears(server):
    """Statistics over many deliveries: from the 250 to EXISTS is no wait of a poll."""
    server.add_account("fast@example.net")
    idler = Raw(server, "fast@example.net")
    idler.run("a1", "SELECT INBOX")
    idler.say("a2 IDLE")
    idler.line()
    waits = []
    for number in range(20):
        server.send("x@example.org", ["fast@example.net"], f"Subject: {number}\r\n\r\nx\r\n")
        began = time.monotonic()
        assert idler.line() == f"* {number + 1} EXISTS".encode()
        waits.append(time.monotonic() - began)
        idler.line()
    assert sorted(waits)[len(waits) // 2] < 0.5, waits
    idler.close()


def test_no_expunge_inside_a_fetch(server):
    """Sequence numbers stay while a client reads, whatever another one removes."""
    server.add_account("race@example.net")
    first = login(server, "race@example.net")
    for number in range(5):
        first.append("INBOX", None, None, message(number))
    first.select()
    second = Raw(server, "race@example.net")
    second.run("a1", "SELECT INBOX")
    first.store("1,3", "+FLAGS.SILENT", r"\Deleted")
    first.expunge()
    lines = second.run("a2", "FETCH 5 (UID)")
    assert b"* 5 FETCH (UID 5)" in lines
    assert not any(b"EXPUNGE" in line and line.startswith(b"*") for line in lines)
    assert second.run("a3", "FETCH 1 (UID)")[-1].startswith(b"a3 NO [EXPUNGEISSUED]")
    lines = second.run("a4", "NOOP")
    assert [line for line in lines if line.endswith(b"EXPUNGE")] == [
        b"* 3 EXPUNGE", b"* 1 EXPUNGE"]
    assert b"* 3 FETCH (UID 5)" in second.run("a5", "FETCH 3 (UID)")
    second.close()
    first.logout()


def test_a_client_that_does_not_read(server):
    """A FETCH of all is made as it is taken: memory stays, others are served."""
    server.add_account("slow@example.net")
    client = login(server, "slow@example.net")
    text = message(0, 100_000)
    for _ in range(40):
        client.append("INBOX", None, None, text)
    client.select()
    slow = Raw(server, "slow@example.net")
    slow.run("a1", "SELECT INBOX")
    before = server.memory_kib("account")
    for number in range(20):
        slow.say(f"b{number} FETCH 1:* BODY.PEEK[]")
    for _ in range(20):
        assert client.noop()[0] == "OK"
    assert server.memory_kib("account") - before < 8192
    assert len([line for line in slow.until("b19") if b"FETCH (BODY[]" in line]) == 800
    slow.close()
    client.logout()


def test_append_is_cut_off(server):
    """A client that goes away in the middle of a message leaves nothing."""
    server.add_account("cut@example.net")
    client = Raw(server, "cut@example.net")
    client.say("a1 APPEND INBOX {100000}")
    assert client.line().startswith(b"+ ")
    client.say(b"x" * 5000)
    client.close()
    check = login(server, "cut@example.net")
    assert check.select()[1] == [b"0"]
    check.logout()


def test_over_tls_with_curl(server):
    """curl reads a message from the implicit TLS port."""
    if shutil.which("curl") is None:
        pytest.fail("curl is missing: script/setup test")
    client = login(server)
    client.append("INBOX", None, None, message(7))
    client.logout()
    done = subprocess.run(
        ["curl", "--silent", "--insecure", "--user", f"{ANN}:{PASSWORD}",
         f"imaps://{server.address}:{server.imaps_port}/INBOX;MAILINDEX=1"],
        capture_output=True, timeout=60 * PATIENCE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == message(7)


def test_bye_when_the_server_stops():
    """A session hears BYE when the server ends in order."""
    it = Server()
    try:
        it.start()
        it.add_domain("example.net")
        it.add_account(ANN)
        client = Raw(it)
        client.run("a1", "SELECT INBOX")
        client.say("a2 IDLE")
        client.line()
        ender = threading.Thread(target=it.stop)
        ender.start()
        assert client.line().startswith(b"* BYE ")
        ender.join()
        client.close()
    finally:
        it.close()
