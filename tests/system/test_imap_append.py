"""APPEND on bad days: sizes that are wrong or too large, clients that go away in the middle,
and kill -9 of the account's process while a client sends many ahead."""

import os
import random
import re
import socket
import struct
import time

import pytest

from server import PASSWORD, PATIENCE, Server, is_alive, wait_for

LIMIT = 1 << 20
ROUNDS = int(os.environ.get("POSTRIDER_CRASH_ROUNDS") or 5)
SEED = os.environ.get("POSTRIDER_CRASH_SEED") or str(time.time_ns())


@pytest.fixture(scope="module")
def server():
    it = Server(options={"limits": {"connections_per_address": 1000,
                                    "message_size": '"1M"'}})
    try:
        it.start()
        it.add_domain("example.net")
        yield it
    finally:
        it.close()


class Client:
    """Says bytes, hears lines; what it says may be cut off by the server's end."""

    def __init__(self, server, user):
        self.socket = socket.create_connection((server.address, server.imap_port),
                                               timeout=30 * PATIENCE)
        self.file = self.socket.makefile("rb")
        self.line()
        self.say(f"a0 LOGIN {user} {PASSWORD}\r\n")
        assert self.until("a0")[-1].startswith("a0 OK"), "no login"

    def say(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def line(self):
        """One line; None: the server closed."""
        try:
            got = self.file.readline()
        except OSError:
            return None
        return got.decode().rstrip("\r\n") if got.endswith(b"\n") else None

    def until(self, tag):
        lines = []
        while not lines or not lines[-1].startswith(tag + " "):
            line = self.line()
            assert line is not None, f"closed after {lines}"
            lines.append(line)
        return lines

    def run(self, tag, text):
        self.say(f"{tag} {text}\r\n")
        return self.until(tag)

    def reset(self):
        """Goes away with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.file.close()
        self.socket.close()

    def close(self):
        self.file.close()
        self.socket.close()


def count(server, user):
    client = Client(server, user)
    answer = client.run("c1", "STATUS INBOX (MESSAGES)")
    client.close()
    return int(re.search(r"MESSAGES (\d+)", answer[0]).group(1))


def begin(server, name):
    user = f"{name}@example.net"
    server.add_account(user)
    return user, Client(server, user)


# ---- sizes ------------------------------------------------------------------

def test_sizes_that_cannot_be(server):
    """Refused before the client is told to send; the session goes on."""
    user, client = begin(server, "sizes")
    for tag, size in enumerate(("99999999999", str(LIMIT + 1), "18446744073709551615",
                                "99999999999999999999999")):
        assert client.run(f"b{tag}", f"APPEND INBOX {{{size}}}")[-1].startswith(
            f"b{tag} NO [TOOBIG]")
    assert client.run("c1", "APPEND INBOX {0}")[-1].startswith("c1 NO")
    assert client.run("c2", "APPEND INBOX {0+}\r\n")[-1].startswith("c2 NO")
    assert client.run("c3", "APPEND INBOX {-1}")[-1].startswith("c3 BAD")
    assert client.run("c4", "NOOP")[-1].startswith("c4 OK")
    client.close()
    assert count(server, user) == 0


def test_too_large_and_not_asked(server):
    """It is read to its end and thrown away, if it is not endless."""
    user, client = begin(server, "unasked")
    client.say(f"b1 APPEND INBOX {{{2 * LIMIT}+}}\r\n")
    client.say(b"x" * 2 * LIMIT + b"\r\n")
    assert client.until("b1")[-1].startswith("b1 NO [TOOBIG]")
    assert client.run("b2", "NOOP")[-1].startswith("b2 OK")
    client.say("b3 APPEND INBOX {99999999999+}\r\n")
    assert client.until("b3")[-1].startswith("b3 NO [TOOBIG]")
    assert client.line().startswith("* BYE ")
    assert client.line() is None
    client.close()
    assert count(server, user) == 0


def test_wrong_sizes(server):
    """More than was said is no end of the command; less is waited for."""
    user, client = begin(server, "wrong")
    assert client.run("b1", "APPEND INBOX {5+}\r\n12345678")[-1].startswith("b1 BAD")
    assert client.run("b2", "APPEND INBOX {5+}\r\n12345")[-1].startswith("b2 OK")
    client.say("b3 APPEND INBOX {20+}\r\n12345\r\nb4 NOOP\r\n")
    client.say("!!!!\r\n")
    assert client.until("b3")[-1].startswith("b3 OK"), "b4 NOOP is a part of the message"
    client.close()
    assert count(server, user) == 2


# ---- going away -------------------------------------------------------------

def go_away(client, how):
    if how == "reset":
        client.reset()
    else:
        client.close()


@pytest.mark.parametrize("how", ("close", "reset"))
def test_in_the_middle(server, how):
    """Whatever was not complete leaves nothing, in the mailbox or in the folder; what was
    complete and answered stays."""
    user, client = begin(server, f"middle-{how}")
    assert client.run("b1", "APPEND INBOX {3+}\r\nabc")[-1].startswith("b1 OK")
    client.say(f"b2 APPEND INBOX {{{LIMIT}}}\r\n")
    assert client.line().startswith("+ ")
    client.say(b"x" * (LIMIT - 1))
    go_away(client, how)
    client = Client(server, user)
    client.say("b3 APPEND INBOX {3+}\r\nabc")
    go_away(client, how)
    client = Client(server, user)
    client.say(f"b4 APPEND INBOX {{3+}}\r\nabc {{{LIMIT}+}}\r\n" + "y" * 300000)
    go_away(client, how)
    client = Client(server, user)
    client.say("b5 APPEND INBOX CATENATE (URL \"/INBOX/;UID=1\" TEXT {300000+}\r\n" + "z" * 299999)
    go_away(client, how)
    assert count(server, user) == 1
    assert not list(server.data_dir.glob("**/mail.upload"))
    server.run("mailbox", "check", user)


def test_many_that_never_end(server):
    """Twenty large ones under way cost files, not memory."""
    user, first = begin(server, "many")
    clients = [first] + [Client(server, user) for _ in range(19)]
    assert first.run("b1", "NOOP")[-1].startswith("b1 OK")
    before = server.memory_kib("account")
    for client in clients:
        client.say(f"b2 APPEND INBOX {{{LIMIT}}}\r\n")
        assert client.line().startswith("+ ")
        client.say(b"x" * (LIMIT - 2))
    # the last bytes of all but two, so that all that was sent has been read
    for client in clients[2:]:
        client.say(b"xx\r\n")
    for client in clients[2:]:
        assert client.until("b2")[-1].startswith("b2 OK")
    grown = server.memory_kib("account") - before
    assert grown < 16 << 10, f"{grown} KiB more"
    for client in clients:
        client.reset()
    assert count(server, user) == len(clients) - 2


# ---- kill -9 ------------------------------------------------------------------

def message(number):
    return f"Subject: n{number}\r\n\r\n".encode() + b"x" * (number * 7919 % 3000) + b"\r\n"


class Ahead:
    """Sends many ahead and notes which were answered, under which uid."""

    def __init__(self, server, user):
        self.server, self.user = server, user
        self.promised = {} # number -> (uidvalidity, uid)
        self.sent = set()
        self.next = 1

    def send(self, client, chance, many):
        parts = []
        for _ in range(many):
            number, self.next = self.next, self.next + 1
            self.sent.add(number)
            body = message(number)
            parts.append(b"t%d APPEND INBOX {%d+}\r\n%s\r\n" % (number, len(body), body))
            if chance.random() < 0.1:
                parts.append(b"x%d NOOP\r\n" % number)
        try:
            client.say(b"".join(parts))
        except OSError:
            pass # killed meanwhile

    def hear(self, client, enough, may_end=False):
        """Until so many more were promised, or the end of the session."""
        enough += len(self.promised)
        while len(self.promised) < enough:
            line = client.line()
            if line is None and may_end:
                return
            match = re.match(r"t(\d+) OK \[APPENDUID (\d+) (\d+)\]", line)
            if match:
                number, validity, uid = map(int, match.groups())
                self.promised[number] = (validity, uid)
            elif line.startswith("t"):
                assert may_end, line
                return # front has the socket still, and there is no account

    def stored(self):
        """number -> uid; and the uidvalidity."""
        client = Client(self.server, self.user)
        lines = client.run("s1", "SELECT INBOX")
        validity = int(re.search(r"UIDVALIDITY (\d+)", "".join(lines)).group(1))
        found = {}
        text = "\n".join(client.run("s2", "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        for uid, number in re.findall(r"UID (\d+) .*?Subject: n(\d+)", text, re.DOTALL):
            assert int(number) not in found, f"n{number} is there twice; seed {SEED}"
            found[int(number)] = int(uid)
        client.close()
        return validity, found


def test_ok_means_durable(server):
    """Whatever was answered OK is there under its uid after kill -9 of the account's process,
    and nothing twice: at any moment of a run of APPENDs that were sent ahead."""
    chance = random.Random(SEED)
    user = "durable@example.net"
    server.add_account(user)
    ahead = Ahead(server, user)
    for number in range(ROUNDS):
        client = Client(server, user)
        ahead.send(client, chance, 150)
        ahead.hear(client, chance.randrange(100))
        pids = server.kill_role("account")
        assert pids, "no process of the account"
        wait_for(lambda: not any(map(is_alive, pids)), 30, "its end")
        # what it said is here by now; a session may be front's until this login
        # is over, and then nobody closes it
        client.socket.settimeout(1)
        ahead.hear(client, 1000, may_end=True)
        client.close()
        wait_for(lambda: is_back(server, user), 30, "the account to be back")
        validity, found = ahead.stored()
        for one, (said_validity, uid) in ahead.promised.items():
            assert (validity, found.get(one)) == (said_validity, uid), \
                f"n{one} was promised as {uid}; seed {SEED}, round {number}"
        assert set(found) <= ahead.sent
        assert len(set(found.values())) == len(found)
    assert ahead.promised, "the test never got as far as an answer"
    server.run("mailbox", "check", user)


def is_back(server, user):
    try:
        client = Client(server, user)
    except (AssertionError, OSError):
        return False
    client.close()
    return True
