"""Clients of mailboxes that ask for everything and read nothing, or are cut off in the
midst of a message: bounded memory, others are served, and half of a message is none.
"""

import poplib
import socket
import ssl
import time

import pytest

from server import PASSWORD, PATIENCE, PROFILE, Server, wait_for

ROOM_KIB = 24 << 10 if PROFILE != "asan" else 512 << 10
LARGE = b"From: <f@else.test>\r\nSubject: large\r\n\r\n" + b"0123456789abcdef" * 60 + b"\r\n"
LARGE += (b"x" * 76 + b"\r\n") * 50000
ANN, BOB = "ann@here.test", "bob@here.test"


@pytest.fixture(scope="module")
def server():
    it = Server(options={"fronts": 1})
    try:
        it.add_domain("here.test")
        it.add_account(ANN)
        it.add_account(BOB)
        it.start()
        it.send("f@else.test", [ANN], LARGE)
        it.wait_messages(ANN)
        yield it
    finally:
        it.close()


def connect(server, port, has_tls):
    plain = socket.create_connection((server.address, port), timeout=60 * PATIENCE)
    if not has_tls:
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain)


def log_in(server, protocol, has_tls, user=ANN):
    """A connection that stands in its mailbox; nothing is left to be read."""
    port = getattr(server, protocol + ("s_port" if has_tls else "_port"))
    client = connect(server, port, has_tls)
    file = client.makefile("rb")
    lines = ([f"a LOGIN {user} {PASSWORD}", "a SELECT INBOX"] if protocol == "imap" else
             [f"USER {user}", f"PASS {PASSWORD}"])
    file.readline()
    for line in lines:
        client.sendall(line.encode() + b"\r\n")
        while not (said := file.readline()).startswith((b"a ", b"+OK")):
            assert said, "closed"
        assert said.startswith((b"a OK", b"+OK")), said
    return client, file


def pump(client, data, most):
    """Sends until nothing is taken for a while, or it is closed; how many bytes."""
    total = 0
    client.settimeout(3)
    try:
        while total < most:
            total += client.send(data)
    except OSError:
        pass
    return total


@pytest.mark.parametrize("has_tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_who_asks_and_never_reads(server, protocol, has_tls):
    """D03: four megabytes for each of many commands, and many that are answered with a
    line."""
    greedy, _ = log_in(server, protocol, has_tls)
    before = server.memory_kib()
    if protocol == "imap":
        ahead = b"".join(b"b%d FETCH 1 BODY[]\r\nc%d NOOP\r\n" % (n, n) for n in range(3000))
    else:
        ahead = b"RETR 1\r\nNOOP\r\n" * 3000
    sent = pump(greedy, ahead, 32 << 20)
    assert sent < 32 << 20, "all was taken, though nothing could be answered"
    grown = server.memory_kib() - before
    assert grown < ROOM_KIB, f"{grown} KiB"
    # another session of the same account, or, as POP3 has only one, of another
    other, file = log_in(server, "imap", False, ANN if protocol == "imap" else BOB)
    other.sendall(b"z NOOP\r\n")
    while not file.readline().startswith(b"z OK"):
        pass
    other.close()
    greedy.close()
    server.send("f@else.test", [BOB], b"Subject: x\r\n\r\nx\r\n")


@pytest.mark.parametrize("how", ["plain", "reset", "tls", "tls with close_notify"])
def test_half_an_append_is_none(server, how):
    """T08: whatever ends the connection amid a message; RFC 9051 6.3.12: as it was before."""
    server.wait_queue_empty()
    client, file = log_in(server, "imap", how.startswith("tls"), BOB)
    client.sendall(b"b STATUS INBOX (MESSAGES UIDNEXT)\r\n")
    state = file.readline()
    client.sendall(b"c LOGOUT\r\n")
    while file.readline():
        pass
    ended = len(wait_for(lambda: server.events("imap.closed"), 15, "an end"))
    for count in (1, 40000, 200000):
        client, file = log_in(server, "imap", how.startswith("tls"), BOB)
        client.sendall(b"b APPEND INBOX {200001}\r\n")
        assert file.readline().startswith(b"+")
        client.sendall(b"x" * count)
        if how == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if how.endswith("close_notify"):
            client.settimeout(5)
            try:
                client.unwrap().close()
            except OSError:
                pass
        file.close()
        client.close()
    wait_for(lambda: len(server.events("imap.closed")) >= ended + 3, 15, "the ends")
    assert all(event["appended"] == "0" for event in server.events("imap.closed"))
    client, file = log_in(server, "imap", False, BOB)
    client.sendall(b"b STATUS INBOX (MESSAGES UIDNEXT)\r\n")
    assert file.readline() == state
    client.close()


def test_half_a_pop3_session_deletes_nothing(server):
    """RFC 1939 6: what was marked stays, unless QUIT was said."""
    for has_tls in (False, True):
        client, file = log_in(server, "pop3", has_tls)
        client.sendall(b"DELE 1\r\n")
        assert file.readline().startswith(b"+OK")
        file.close()
        client.close()
    deadline = time.monotonic() + 15 * PATIENCE
    while True:
        try:
            messages = server.messages(ANN)
            break
        except poplib.error_proto:          # the old session is not over yet
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert len(messages) == 1
