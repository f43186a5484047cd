"""Thousands who begin and never go on: bounded memory, others are served, and who brings
too many is turned away.  When such a session ends, tests/unit/role/test_front_slow.c says.

POSTRIDER_LONG=1: 10,000 of them, as many as limits.connections may be.
"""

import imaplib
import os
import pathlib
import re
import resource
import smtplib
import socket
import time

import pytest

import net
from server import PASSWORD, PATIENCE, PROFILE, listing, wait_for

LONG = bool(os.environ.get("POSTRIDER_LONG"))
CROWD = 10000 if LONG else 300
TRIES = 200 if LONG else 30
BODY = b"From: <f@else.test>\r\nSubject: crowd\r\n\r\nHello.\r\n"
# the first bytes of what each of them will never end
BEGINNINGS = {"smtp": b"EHLO c", "submission": b"AUTH PLAI", "pop3": b"USER a",
              "imap": b"a LOGIN ", "submissions": b"\x16\x03\x01", "pop3s": b"\x16",
              "imaps": b"\x16\x03"}


def pss_kib(pids):
    """Proportional memory of processes: what they share counts once."""
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1))
    return total


@pytest.fixture
def many_files():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CROWD + 2000
    if before[1] != resource.RLIM_INFINITY and before[1] < wanted:
        pytest.skip(f"needs {wanted} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], wanted), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def gather(server):
    """The crowd, from many addresses, each with a byte or some on its way."""
    crowd = []
    for number in range(CROWD):
        name, first = list(BEGINNINGS.items())[number % len(BEGINNINGS)]
        client = socket.socket()
        client.settimeout(30 * PATIENCE)
        client.bind((f"127.0.{10 + number // 200}.{1 + number % 200}", 0))
        client.connect((server.address, getattr(server, f"{name}_port")))
        crowd.append((client, first))
    for client, first in crowd:
        client.send(first[:1])
    return crowd


def serve_one(server, number):
    """What somebody else does meanwhile; how long it took: a message, and a login."""
    begun = time.monotonic()
    with smtplib.SMTP(server.address, server.smtp_port, "c.test", timeout=30 * PATIENCE) as smtp:
        smtp.sendmail("f@else.test", ["ann@here.test"], BODY)
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=30 * PATIENCE)
    client.login("ann@here.test", PASSWORD)
    client.logout()
    return time.monotonic() - begun


def times(server):
    took = sorted(serve_one(server, number) for number in range(TRIES))
    return took[len(took) // 2], took[-max(1, TRIES // 100)]


def test_crowd_costs_little_and_others_are_served(make_server, many_files):
    server = make_server(options={"limits": {"connections": 2 * CROWD + 1000,
                                             "connections_per_address": 50}})
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    fronts = server.roles()["front"]
    alone = times(server)
    before = pss_kib(fronts)
    crowd = gather(server)
    wait_for(lambda: len(server.events("smtp.connected")) >= CROWD * 3 // 7, 30, "all to be in")
    each = (pss_kib(fronts) - before) / CROWD
    crowded = times(server)
    for client, first in crowd:
        try:
            client.send(first[1:2] or b"x")
        except OSError:
            pass                # the time of its protocol is over
    later = times(server)
    print(f"\n{CROWD} slow connections: {each:.1f} KiB each; a message and a login take "
          f"(median, p99) {alone[0]:.3f} {alone[1]:.3f} s alone, "
          f"{crowded[0]:.3f} {crowded[1]:.3f} s among them, "
          f"{later[0]:.3f} {later[1]:.3f} s as they go on")
    if PROFILE != "asan":
        assert each < 48
    # generous: what is to be seen is that nobody waits for the crowd
    assert max(crowded[0], later[0]) < 20 * alone[0] + 5
    assert server.roles()["front"] == fronts
    for client, _ in crowd:
        client.close()
    assert len(server.wait_messages("ann@here.test", 3 * TRIES)) == 3 * TRIES


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, for a network of its own")
def test_networks_are_counted_as_one(make_server):
    """Of IPv6 all addresses of a /64 together; IPv4 addresses each for itself."""
    server = make_server(options={"fronts": 1, "limits": {"connections_per_address": 5}})
    for name in ("smtp", "pop3", "imap"):
        port = getattr(server, f"{name}_port")
        server.options[f"listen {name}"] = {"addresses": listing(
            [f"{net.SERVER_IP}:{port}", f"[{net.SERVER_IP6}]:{port}"])}
    server.write_config()
    server.start(prefix=net.PREFIX)
    site = net.Net(server.process.pid)

    def first(source, port):
        held.append(site.connect(source, port))
        return held[-1].makefile("rb").readline()

    held = []
    try:
        for number in range(5):
            assert first(f"2001:db8:1:2::{number + 1:x}", server.smtp_port).startswith(b"220 ")
        # by any address of the network, in whatever protocol
        assert first("2001:db8:1:2:ffff::9", server.smtp_port).startswith(b"421 4.7.0 ")
        assert first("2001:db8:1:2:ffff::a", server.pop3_port).startswith(b"-ERR [SYS/TEMP] ")
        assert first("2001:db8:1:2:ffff::b", server.imap_port).startswith(b"* BYE [UNAVAILABLE] ")
        assert first("2001:db8:1:3::1", server.smtp_port).startswith(b"220 ")
        for number in range(5):
            assert first("10.77.5.1", server.smtp_port).startswith(b"220 ")
        assert first("10.77.5.1", server.smtp_port).startswith(b"421 4.7.0 ")
        assert first("10.77.5.2", server.smtp_port).startswith(b"220 ")
    finally:
        for other in held:
            other.close()
        site.close()
