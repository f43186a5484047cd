"""IMAP sessions that sleep while their account's process is gone, and UNAUTHENTICATE:
whatever wakes a client, it hears what it would have heard.
"""

import os
import random
import re
import socket
import ssl
import time

import pytest

from server import PASSWORD, PATIENCE, Server, wait_for

LONG = 20 if os.environ.get("POSTRIDER_LONG") else 1
TEXT = b"From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n"


@pytest.fixture(scope="module")
def server():
    it = Server(options={"account_idle": '"1s"', "imap": {"hibernate_after": '"1s"'}})
    try:
        it.start()
        it.add_domain("example.net")
        yield it
    finally:
        it.close()


@pytest.fixture
def user(server, request):
    name = re.sub(r"\W", "", request.node.name)[:60] + "@example.net"
    asleep(server)
    server.add_account(name)
    return name


def any_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client:
    """Says lines, reads lines; plain or under TLS."""

    def __init__(self, server, user, is_tls=False):
        port = server.imaps_port if is_tls else server.imap_port
        self.socket = socket.create_connection((server.address, port), timeout=60 * PATIENCE)
        if is_tls:
            self.socket = any_context().wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")
        assert self.line().startswith(b"* OK [CAPABILITY")
        if user:
            self.login(user)

    def login(self, user, tag="a0"):
        assert self.run(tag, f"LOGIN {user} {PASSWORD}")[-1].startswith(tag.encode() + b" OK")

    def say(self, text):
        self.socket.sendall(text.encode() + b"\r\n" if isinstance(text, str) else text)

    def line(self):
        got = self.file.readline()
        assert got.endswith(b"\r\n"), f"the server closed: {got!r}"
        return got.rstrip(b"\r\n")

    def until(self, tag):
        lines = [self.line()]
        while not lines[-1].startswith(tag.encode() + b" "):
            lines.append(self.line())
        return lines

    def run(self, tag, text):
        self.say(f"{tag} {text}")
        return self.until(tag)

    def append(self, box="INBOX"):
        self.say(f"ap APPEND {box} {{{len(TEXT)}+}}\r\n".encode() + TEXT + b"\r\n")
        assert self.until("ap")[-1].startswith(b"ap OK")

    def idle(self, tag="i"):
        self.say(f"{tag} IDLE")
        assert self.line().startswith(b"+ ")

    def rest(self):
        """All that comes to the end of the connection."""
        try:
            return self.file.read()
        except (ConnectionError, ssl.SSLError):
            return b""

    def close(self):
        self.file.close()
        self.socket.close()


def asleep(server):
    wait_for(lambda: "account" not in server.roles(), 60, "the account's process to be gone")


def idler(server, user, is_tls, enable="", count=3):
    """A client that idles on an INBOX with so many messages, and sleeps."""
    client = Client(server, user, is_tls)
    for _ in range(count):
        client.append()
    if enable:
        assert b"* ENABLED " + enable.encode() in client.run("en", f"ENABLE {enable}")
    assert client.run("se", "SELECT INBOX")[-1].startswith(b"se OK")
    client.idle()
    asleep(server)
    return client


def in_idle(server, user, is_tls):
    """A client that idles; None: not now."""
    try:
        client = Client(server, user, is_tls)
        assert client.run("se", "SELECT INBOX")[-1].startswith(b"se OK")
        client.idle()
        return client
    except (AssertionError, OSError):
        return None


@pytest.mark.parametrize("is_tls", [False, True])
def test_done_wakes(server, user, is_tls):
    """The client ends its IDLE, with a command behind it in the same packet."""
    client = idler(server, user, is_tls)
    client.say("DONE\r\nn NOOP")
    assert client.line().startswith(b"i OK")
    assert client.until("n")[-1].startswith(b"n OK")
    assert client.run("f", "FETCH 1:* UID")[:3] == [
        b"* %d FETCH (UID %d)" % (n, n) for n in (1, 2, 3)]
    client.idle("j")
    asleep(server)
    client.say(b"D")
    client.say("ONE")
    assert client.line().startswith(b"j OK")
    assert client.run("x", "LOGOUT")[-1].startswith(b"x OK")
    assert client.rest() == b""
    client.close()


@pytest.mark.parametrize("is_tls, enable", [(False, ""), (True, "IMAP4rev2"),
                                            (True, "QRESYNC")])
def test_others_wake(server, user, is_tls, enable):
    """A delivery; flags, a message gone, a message new by another session."""
    client = idler(server, user, is_tls, enable)
    server.send("x@example.org", [user], "Subject: hi\r\n\r\nhello\r\n")
    assert client.line() == b"* 4 EXISTS"
    if enable != "IMAP4rev2":
        assert client.line() == b"* 4 RECENT"
    asleep(server)
    other = Client(server, user)
    other.run("s", "SELECT INBOX")
    other.run("a", r"UID STORE 2 +FLAGS.SILENT (\Flagged $New)")
    line = client.line()
    if line.startswith(b"* FLAGS"):
        assert b"$New" in line and client.line().startswith(b"* OK [PERMANENTFLAGS")
        line = client.line()
    assert line.startswith(b"* 2 FETCH (") and rb"\Flagged" in line and b"$New" in line
    assert (b"UID 2" in line) == (enable != "") and (b"MODSEQ" in line) == (enable == "QRESYNC")
    assert (rb"\Recent" in line) == (enable != "IMAP4rev2")
    other.run("b", r"UID STORE 1,3 +FLAGS.SILENT (\Deleted)")
    assert client.line().startswith(b"* 1 FETCH") and client.line().startswith(b"* 3 FETCH")
    other.run("c", "CLOSE")
    if enable == "QRESYNC":
        assert client.line() in (b"* VANISHED 3,1", b"* VANISHED 1,3")
    else:
        assert [client.line(), client.line()] == [b"* 3 EXPUNGE", b"* 1 EXPUNGE"]
    other.run("x", "LOGOUT")
    other.close()
    asleep(server)
    client.say("DONE")
    assert client.line().startswith(b"i OK")
    client.close()


def test_all_of_an_account_sleep_or_none(server, user):
    """One that is not in IDLE keeps the others awake; a POP3 session too."""
    client = Client(server, user)
    client.run("s", "SELECT INBOX")
    sleepy = [Client(server, user, n % 2 == 1) for n in range(6)]
    for one in sleepy:
        one.run("s", "EXAMINE INBOX")
        one.idle()
    server.wait_event("login.ok", 60, user=user)
    assert "account" in server.roles()
    client.run("x", "LOGOUT")
    asleep(server)
    before = len(server.events("imap.awake"))
    client = Client(server, user)
    client.append()
    for one in sleepy:
        assert one.line() == b"* 1 EXISTS"
        assert one.line().endswith(b"RECENT")
    wait_for(lambda: len(server.events("imap.awake")) == before + 6, 20, "six to be awake")
    client.close()
    for one in sleepy[:3]:
        one.close()
    asleep(server)
    for one in sleepy[4:]:
        one.close()
    sleepy[3].say("DONE")
    assert sleepy[3].line().startswith(b"i OK")
    sleepy[3].close()


@pytest.mark.parametrize("is_tls", [False, True] if LONG > 1 else [True])
def test_what_ends_a_login_ends_the_sleep(server, user, is_tls):
    """A new password, and a removed account: within seconds the client hears BYE."""
    client = idler(server, user, is_tls)
    server.run("account", "password", user, "--password-stdin", text="another one, longer\n")
    assert client.line().startswith(b"* BYE ")
    assert client.rest() == b""
    client.close()
    server.run("account", "password", user, "--password-stdin", text=PASSWORD + "\n")
    client = idler(server, user, is_tls, count=0)
    server.run("account", "remove", user)
    assert client.line().startswith(b"* BYE ")
    assert client.rest() == b""
    client.close()


@pytest.mark.parametrize("is_tls", [False, True] if LONG > 1 else [False])
def test_roles_that_die(server, user, is_tls):
    """kill -9: the client hears BYE or its connection ends; and logs in again."""
    client = idler(server, user, is_tls)
    server.kill_role("accounts")
    assert client.line().startswith(b"* BYE [UNAVAILABLE]")
    client.close()
    wait_for(lambda: server.roles().get("accounts"), 60, "accounts to be back")

    def again():
        try:
            return idler(server, user, is_tls, count=0)
        except (AssertionError, OSError):
            return None
    client = wait_for(again, 60, "a login")
    server.kill_role("front")
    assert client.rest() == b""
    client.close()
    client = wait_for(again, 60, "a login")
    client.say("DONE")
    assert client.line().startswith(b"i OK")
    server.kill_role("account")
    assert client.rest() == b""
    client.close()


def test_roles_that_die_on_the_way(server, user):
    """kill -9 about the time when sessions go to sleep or come back: each client goes
    on as if nothing had been, or it loses its connection; and can log in again."""
    chance = random.Random(int.from_bytes(os.urandom(4)))
    for step in range(6 * LONG):
        clients = [wait_for(lambda n=n: in_idle(server, user, n % 2 == 1), 60, "a login")
                   for n in range(4)]
        time.sleep(0.9 + 0.2 * chance.random())
        if step % 2 == 1:                       # and back
            for client in clients[:2]:
                client.say("DONE")
            time.sleep(0.005 * chance.random())
        server.kill_role(("account", "accounts", "front")[step % 3])
        for number, client in enumerate(clients):
            try:
                if step % 2 == 0 or number > 1:
                    client.say("DONE")
                lines = client.until("i")
                assert lines == [b"i OK IDLE is over"], lines
                assert client.run("n", "NOOP")[-1].startswith(b"n OK")
            except (OSError, AssertionError) as e:
                assert isinstance(e, OSError) or "the server closed" in str(e), e
            client.close()
    wait_for(lambda: in_idle(server, user, False), 60, "a login").close()


def test_a_client_that_goes_in_its_sleep(server, user):
    """Closed by the client, plain and under TLS; with DONE before it; by RST."""
    for is_tls in (False, True):
        client = idler(server, user, is_tls, count=0)
        client.close()
        client = idler(server, user, is_tls, count=0)
        client.say("DONE")
        if not is_tls:
            client.socket.shutdown(socket.SHUT_WR)
        assert client.rest().startswith(b"i OK") if not is_tls else client.line()[:4] == b"i OK"
        client.close()
    client = idler(server, user, False, count=0)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    asleep(server)


def test_a_mailbox_that_is_deleted_meanwhile(server, user):
    """The clients hear of the end of what they had selected, one way or the other."""
    client = Client(server, user)
    client.run("c", "CREATE box")
    client.append("box")
    client.run("s", "SELECT box")
    client.idle()
    asleep(server)
    other = Client(server, user)
    assert other.run("d", "DELETE box")[-1].startswith(b"d OK")
    got = client.line()
    assert got.startswith(b"* BYE") or got == b"* 1 EXPUNGE"
    client.close()
    other.close()


def test_idle_without_a_mailbox(server, user):
    """The authenticated state sleeps too; "$" and what was counted come along."""
    client = Client(server, user, True)
    client.idle()
    asleep(server)
    client.say("DONE")
    assert client.line().startswith(b"i OK")
    for _ in range(3):
        client.append()
    client.run("s", "SELECT INBOX")
    client.run("f", "SEARCH RETURN (SAVE) 2:3")
    client.idle()
    asleep(server)
    client.say("DONE")
    assert client.line().startswith(b"i OK")
    assert client.run("g", "FETCH $ UID")[:2] == [b"* 2 FETCH (UID 2)", b"* 3 FETCH (UID 3)"]
    client.run("x", "LOGOUT")
    client.close()
    assert server.wait_event("imap.closed", 60, commands="9")


@pytest.mark.parametrize("is_tls", [False, True])
def test_unauthenticate(server, user, is_tls):
    """Another login on the same connection; nothing of the first one is left."""
    server.add_account("2" + user)
    client = Client(server, user, is_tls)
    assert any(b"UNAUTHENTICATE" in line for line in client.run("c", "CAPABILITY"))
    client.append()
    client.run("e", "ENABLE QRESYNC IMAP4rev2")
    client.run("s", "SELECT INBOX")
    client.run("d", r"STORE 1 +FLAGS (\Deleted)")
    assert client.run("u", "UNAUTHENTICATE")[-1].startswith(b"u OK")
    assert client.run("n", "SELECT INBOX")[-1].startswith(b"n BAD")
    lines = client.run("c", "CAPABILITY")
    assert b"AUTH=" in lines[0] and b"UNAUTHENTICATE" not in lines[0]
    assert (b"STARTTLS" in lines[0]) == (not is_tls)
    client.login("2" + user)
    assert b"* 0 EXISTS" in client.run("s", "SELECT INBOX")
    assert b"* 0 RECENT" in client.run("s", "SELECT INBOX")         # rev2 is off
    # all in one packet, and a literal in it
    client.say(f"u UNAUTHENTICATE\r\nl LOGIN {{{len(user)}+}}\r\n{user} {PASSWORD}\r\n"
               "s SELECT INBOX\r\nn NOOP")
    assert client.line().startswith(b"u OK")
    assert client.until("l")[-1].startswith(b"l OK")
    lines = client.until("n")
    assert b"* 1 EXISTS" in lines and b"s OK" in lines[-2][:4]      # it was not expunged
    for number in range(20):
        assert client.run("u", "UNAUTHENTICATE")[-1].startswith(b"u OK")
        client.login(user, f"l{number}")
    assert client.run("u", "UNAUTHENTICATE x")[-1].startswith(b"u BAD")
    assert client.run("s", "SELECT INBOX")[-1].startswith(b"s OK")
    client.idle()
    asleep(server)
    client.say("DONE")
    assert client.line().startswith(b"i OK")
    assert client.run("x", "LOGOUT")[-1].startswith(b"x OK")
    client.close()


def test_much_behind_unauthenticate(server, user):
    """Commands that were sent ahead, more than any buffer of a hand-over."""
    for is_tls in (False, True):
        client = Client(server, user, is_tls)
        ahead = b"".join(b"n%d NOOP\r\n" % n for n in range(6000))
        client.say(b"u UNAUTHENTICATE\r\n" + f"l LOGIN {user} {PASSWORD}\r\n".encode() + ahead)
        assert client.line().startswith(b"u OK")
        assert client.until("l")[-1].startswith(b"l OK")
        for number in range(6000):
            assert client.line().startswith(b"n%d OK" % number)
        client.close()


class Model:
    """What each client knows of one mailbox, as numbers and flags."""

    def __init__(self, client):
        self.client = client
        self.messages = []          # flags, by number

    def hear(self, line):
        if match := re.match(rb"\* (\d+) EXISTS$", line):
            assert int(match[1]) >= len(self.messages)
            self.messages += [None] * (int(match[1]) - len(self.messages))
        elif match := re.match(rb"\* (\d+) EXPUNGE$", line):
            del self.messages[int(match[1]) - 1]
        elif match := re.match(rb"\* (\d+) FETCH \(.*FLAGS \(([^)]*)\)", line):
            self.messages[int(match[1]) - 1] = b"Flagged" in match[2]
        elif not re.match(rb"\* (\d+ RECENT|OK|FLAGS)", line):
            return False
        return True

    def until(self, tag):
        while self.hear(line := self.client.line()):
            pass
        assert line.startswith(tag + b" OK"), line

    def check(self):
        """Ends IDLE: what it was told is what is there."""
        self.client.say("DONE")
        self.until(b"i")
        told = list(self.messages)
        self.client.say("f FETCH 1:* FLAGS") if told else self.client.say("f NOOP")
        self.until(b"f")
        assert len(told) == len(self.messages)
        for number, flags in enumerate(told):
            assert flags in (None, self.messages[number]), (number, told, self.messages)


def test_random_sleep(server, user):
    """Sessions that idle, sleep and wake by chance, while another one changes what
    they see: each is told what there is."""
    chance = random.Random(4711)
    worker = Client(server, user)
    models = [Model(Client(server, user, n % 2 == 1)) for n in range(6)]
    for _ in range(5):
        worker.append()
    for model in models:
        model.client.say("s SELECT INBOX")
        model.until(b"s")
        model.client.idle()
    for step in range(8 * LONG):
        worker.run("x", "LOGOUT")
        worker.close()
        if chance.random() < 0.5:
            asleep(server)
        worker = Client(server, user)
        worker.run("s", "SELECT INBOX")
        for _ in range(chance.randrange(1, 6)):
            number = chance.randrange(1, 8)
            verb = chance.choice(["append", "flag", "unflag", "expunge"])
            if verb == "append":
                worker.append()
            elif verb == "expunge":
                worker.run("d", rf"STORE {number} +FLAGS.SILENT (\Deleted)")
                worker.run("e", "EXPUNGE")
            else:
                sign = "+" if verb == "flag" else "-"
                worker.run("f", rf"STORE {number} {sign}FLAGS (\Flagged)")
        for model in models:
            if chance.random() < 0.4:
                model.check()
                model.client.idle()
    for model in models:
        model.check()
        model.client.close()
    worker.close()
