"""What clients and machines do to IMAP and POP3 on bad days: cuts, kill -9, sizes.

The rows of the list of bad days are named in the tests (I02, P01).
POSTRIDER_LONG=1: 10,000 sessions in IDLE.
"""

import os
import re
import resource
import socket
import time

import pytest

from imap_wire import Gone, Wire, parse, set_of
from server import PATIENCE, Server, is_alive, wait_for

IS_LONG = bool(os.environ.get("POSTRIDER_LONG"))
IDLERS = 10000 if IS_LONG else 200


@pytest.fixture(scope="module")
def server():
    it = Server(options={"limits": {"connections": 20000, "connections_per_address": 20000}})
    try:
        it.start()
        it.add_domain("example.net")
        yield it
    finally:
        it.close()


def open_wire(server, user, lines=None):
    """lines: gets what is untagged."""
    if user not in server.passwords:
        server.add_account(user)
    wire = Wire(server, user, (lines if lines is not None else []).append)
    wire.open()
    return wire


def again(server, user, lines=None):
    """The same after a kill -9: as soon as it is up."""
    def try_it():
        try:
            return open_wire(server, user, lines)
        except Gone:
            return None

    return wait_for(try_it, 30, "the account to be back")


def status(wire, lines, items):
    lines.clear()
    assert wire.run(f"STATUS INBOX ({items})").startswith("OK")
    return [int(number) for number in re.findall(rb"\d+", lines[0])]


# ---- APPEND that does not end -------------------------------------------------------

@pytest.mark.parametrize("how", ["reset", "closed", "half"])
def test_an_append_that_is_cut_stores_nothing(server, how):
    """I02: in the midst of 8 MB, of which the last may be missing by one octet."""
    lines = []
    user = f"cut-{how}@example.net"
    wire = open_wire(server, user)
    size = 8 << 20
    wire.raw(b"a APPEND INBOX {%d+}\r\n" % size)
    wire.raw(b"x" * (size - 1 if how == "half" else size // 2))
    if how == "reset":
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wire.close()
    check = open_wire(server, user, lines)
    assert status(check, lines, "MESSAGES UIDNEXT") == [0, 1]
    assert check.run("APPEND INBOX {3+}\r\nabc").startswith("OK [APPENDUID ")
    assert status(check, lines, "MESSAGES UIDNEXT") == [1, 2]
    check.close()


def test_an_append_that_is_too_large_is_refused_before_it_comes(server):
    """I02: with a continuation NO comes in its place; without one it is not stored."""
    wire = open_wire(server, "big@example.net")
    for size in (99999999999, 4294967296, 18446744073709551615):
        assert wire.run(f"APPEND INBOX {{{size}}}").startswith(("NO [TOOBIG]", "BAD")), size
    assert wire.run("APPEND INBOX {0+}\r\n").startswith("NO")
    assert wire.run("NOOP").startswith("OK")
    tag = wire.send("APPEND INBOX {99999999999+}")
    heard = []
    try:
        while True:
            heard.append(wire.line())
    except Gone:
        pass
    assert heard[0].startswith((f"{tag} NO [TOOBIG]".encode(), b"* BYE")), heard
    wire.close()


# ---- kill -9 -----------------------------------------------------------------------

def test_what_was_appended_is_there_after_a_kill(server):
    """I03, I09: all that had its OK, under the uid that was said; numbers never fall."""
    user, lines, known, before = "killed@example.net", [], {}, [0, 0, 0]
    for round_number in range(4):
        wire = again(server, user, lines)
        now = status(wire, lines, "UIDVALIDITY UIDNEXT HIGHESTMODSEQ")
        assert now >= before and now[2] >= before[2], (now, before)
        before = now
        for number in range(30):
            one = f"{round_number}x{number}"
            wire.send(f"APPEND INBOX {{{len(one)}+}}\r\n{one}")
        try:
            for number in range(30):
                done = wire.wait(f"t{wire.count - 29 + number}")
                uid = re.match(r"OK \[APPENDUID \d+ (\d+)\]", done)
                known[int(uid[1])] = f"{round_number}x{number}"
                if number == 5 + round_number * 7:
                    server.kill_role("account")
        except Gone:
            pass
        wire.close()
    wire = again(server, user, lines)
    wire.run("EXAMINE INBOX")
    lines.clear()
    assert wire.run("UID FETCH 1:* (BODY.PEEK[])").startswith("OK")
    items = [dict(zip(words[2][::2], words[2][1::2])) for words in map(parse, lines)
             if words[1] == b"FETCH"]
    got = {int(one[b"UID"]): one[b"BODY[]"].decode() for one in items}
    assert {uid: got.get(uid) for uid in known} == known
    assert len(set(got.values())) == len(got), "one was stored twice"
    wire.close()
    server.run("mailbox", "check", user)


def test_a_pop3_session_that_is_killed_deletes_all_or_nothing(server):
    """P01: kill -9 at QUIT; what was not answered may have happened, but wholly."""
    user = "pop@example.net"
    for delay_ms in (0, 1, 2, 4):
        lines = []
        wire = again(server, user, lines)
        for _ in range(20 - status(wire, lines, "MESSAGES")[0]):
            wire.run("APPEND INBOX {8+}\r\nS: x\r\n\r\n")
        wire.close()
        client = server.pop3(user)
        assert client.stat()[0] == 20
        for number in range(1, 11):
            client.dele(number)
        client.sock.sendall(b"QUIT\r\n")
        time.sleep(delay_ms / 1000)
        server.kill_role("account")
        try:
            was_answered = client.file.readline().startswith(b"+OK")
        except OSError:
            was_answered = False
        client.close()
        wire = again(server, user, lines)
        left = status(wire, lines, "MESSAGES")[0]
        wire.close()
        assert left == 10 or (left == 20 and not was_answered), (left, was_answered)
    server.run("mailbox", "check", user)


def test_pop3_ids_stay(server):
    """P02: over a restart of the account's process, and for what IMAP moves about it."""
    user = "uidl@example.net"
    wire = open_wire(server, user)
    for number in range(5):
        wire.run("APPEND INBOX {8+}\r\nS: x\r\n\r\n")
    client = server.pop3(user)
    before = client.uidl()[1]
    client.quit()
    assert len({line.split()[1] for line in before}) == 5
    wire.run("SELECT INBOX")
    wire.run("MOVE 2 Trash")
    wire.close()
    server.kill_role("account")
    again(server, user).close()
    client = server.pop3(user)
    after = client.uidl()[1]
    client.quit()
    assert [line.split()[1] for line in after] == [
        line.split()[1] for number, line in enumerate(before) if number != 1]


# ---- sizes -------------------------------------------------------------------------

def append(wire, text):
    return wire.run(b"APPEND INBOX {%d+}\r\n%s" % (len(text), text))


def test_a_message_of_10000_parts(server):
    """I11: its structure is bounded, and so is what a section may name."""
    lines = []
    wire = open_wire(server, "parts@example.net", lines)
    text = (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
            b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 10000 + b"--b--\r\n")
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
                    for n in range(2000)) + b"\r\nx\r\n"
    for one in (text, deep):
        assert append(wire, one).startswith("OK")
    wire.run("SELECT INBOX")
    for item in ("BODYSTRUCTURE", "ENVELOPE", "BODY.PEEK[1]", "BODY.PEEK[10000]",
                 "BODY.PEEK[1.1.1.1.1.1]", "BINARY.SIZE[1]", "PREVIEW",
                 "BODY.PEEK[]<4294967295.4294967295>"):
        assert wire.run(f"FETCH 1:2 ({item})").startswith(("OK", "NO [CANNOT]")), item
    assert wire.run("SEARCH BODY zebra").startswith("OK")
    wire.close()
    server.run("mailbox", "check", "parts@example.net")


def test_a_header_of_100000_fields(server):
    """I11: ENVELOPE, chosen fields and SEARCH of it end soon, and others are served."""
    lines = []
    wire = open_wire(server, "fields@example.net", lines)
    text = b"".join(b"X-%d: y\r\n" % n for n in range(100000)) + b"Subject: z\r\n\r\nx\r\n"
    assert append(wire, text).startswith("OK")
    wire.run("SELECT INBOX")
    for item in ("ENVELOPE", "BODY.PEEK[HEADER.FIELDS (Subject)]",
                 "BODY.PEEK[HEADER.FIELDS.NOT (X-5)]"):
        assert wire.run(f"FETCH 1 ({item})").startswith("OK"), item
    lines.clear()
    assert wire.run("SEARCH HEADER X-99999 y").startswith("OK")
    assert b"SEARCH 1" in lines
    wire.close()


def test_broken_base64(server):
    """I11: BINARY gives what can be read of it, or says that it cannot."""
    lines = []
    wire = open_wire(server, "base64@example.net", lines)
    append(wire, b"Content-Transfer-Encoding: base64\r\n\r\n!!!===\x00\xff@@AAAA\r\n=")
    append(wire, b"Content-Transfer-Encoding: x-odd\r\n\r\nx\r\n")
    wire.run("SELECT INBOX")
    assert wire.run("FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])").startswith(("OK", "NO [UNKNOWN"))
    assert wire.run("FETCH 2 (BINARY.PEEK[1])").startswith("NO [UNKNOWN-CTE]")
    assert wire.run("FETCH 1:2 (BODY.PEEK[1])").startswith("OK")
    wire.close()


def test_qresync_of_very_many_known_uids(server):
    """I09: of 100,000, in one range and in as many as a line holds; odd numbers too."""
    lines = []
    wire = open_wire(server, "known@example.net", lines)
    for _ in range(3):
        append(wire, b"x")
    uidvalidity, modseq = status(wire, lines, "UIDVALIDITY HIGHESTMODSEQ")
    wire.run("ENABLE QRESYNC")
    many = ",".join(str(number) for number in range(1, 20000, 2))
    for known in ("1:100000", many, "4294967295", "1:4294967295"):
        lines.clear()
        done = wire.run(f"SELECT INBOX (QRESYNC ({uidvalidity} 1 {known}))")
        assert done.startswith("OK"), done
        told = [line for line in lines if line.startswith(b"VANISHED")]
        assert not told or b"1" not in re.findall(rb"\b[123]\b", told[0]), told
    for odd in (f"0 {modseq}", f"{uidvalidity} 18446744073709551616", f"{uidvalidity} -1",
                f"4294967296 {modseq}"):
        assert wire.run(f"SELECT INBOX (QRESYNC ({odd}))").startswith(("BAD", "OK")), odd
    assert wire.run(f"SELECT INBOX (QRESYNC ({uidvalidity} {modseq} {set_of(range(1, 9))}))") \
        .startswith("OK")
    wire.close()


# ---- IDLE --------------------------------------------------------------------------

def pss_kib(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M)[1])
    return total


def idle_memory(server):
    roles = server.roles()
    return {role: pss_kib(roles.get(role, [])) for role in ("front", "account")}


def timer_of(local, peer):
    """(which timer the socket has, when it rings in seconds), from /proc/net/tcp."""
    for line in open("/proc/net/tcp", encoding="ascii").readlines()[1:]:
        words = line.split()
        ports = tuple(int(word.split(":")[1], 16) for word in words[1:3])
        if ports == (local, peer) and words[3] == "01":
            timer, when = words[5].split(":")
            return int(timer), int(when, 16) / os.sysconf("SC_CLK_TCK")
    return None


def test_half_open_clients_are_found(server):
    """I10: the kernel asks a silent client whether it is there, long before half an hour."""
    client = socket.create_connection((server.address, server.imap_port), timeout=20 * PATIENCE)
    assert client.recv(1000)
    ours = client.getsockname()[1]
    kind, seconds = wait_for(lambda: (timer_of(server.imap_port, ours) or (0, 0))[0] == 2
                             and timer_of(server.imap_port, ours), 20, "a keepalive timer")
    assert kind == 2 and 300 < seconds <= 660
    client.close()


def test_many_sessions_in_idle(server):
    """I10: all hear of a delivery; what one costs is bounded; half-open ones do no harm."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    # the process of an account may have 256 descriptors (CONFINE_ACCOUNT_FILES)
    users = [f"idle{number}@example.net" for number in range(max(1, IDLERS // 200))]
    for user in users:
        open_wire(server, user).close()
    before = idle_memory(server)
    wires, began = [], time.monotonic()
    for number in range(IDLERS):
        wire = open_wire(server, users[number % len(users)])
        wire.run("SELECT INBOX")
        wire.tag = wire.send("IDLE")
        wire.wait()
        wires.append(wire)
    after = idle_memory(server)
    each = {role: (after[role] - before[role]) / IDLERS for role in after}
    print(f"{IDLERS} sessions in {time.monotonic() - began:.0f} s: KiB each of PSS "
          f"{ {role: round(kib, 1) for role, kib in each.items()} }")
    assert each["front"] + each["account"] < 100 * (10 if PATIENCE > 12 else 1)
    front = server.roles()["front"][0]
    for user in users:
        server.send("x@example.org", [user], "Subject: x\r\n\r\nx\r\n")
    for wire in wires:
        assert wire.line() == b"* 1 EXISTS"
    half = wires[:IDLERS // 4]
    for wire in half:
        wire.socket.shutdown(socket.SHUT_WR)    # half-open
    for wire in wires[IDLERS // 4:]:
        wire.raw(b"DONE\r\n")
        assert wire.wait(wire.tag).startswith("OK")
    for wire in wires:
        wire.close()
    assert is_alive(front)
    last = open_wire(server, users[0])
    assert last.run("IDLE x").startswith("BAD")
    last.send("IDLE")
    last.wait()
    last.raw(b"x NOOP\r\n")
    assert last.wait("t3").startswith("BAD")
    last.close()
