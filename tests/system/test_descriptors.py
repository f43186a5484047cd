"""Roles without descriptors: who is one too many hears so in his protocol, who is
there is served on, no process ends or spins, and what closes makes room again.
"""

import imaplib
import os
import pathlib
import subprocess
import time

import pytest

from server import BINARY, PASSWORD, PATIENCE, PROFILE, wait_for

pytestmark = pytest.mark.skipif(PROFILE == "asan", reason="sanitizers have files open too")

BODY = b"From: <f@else.test>\r\nSubject: no room\r\n\r\nHello.\r\n"
FILES = 40          # of each process: all roles start with it, and little more
TICK = os.sysconf("SC_CLK_TCK")


def start(make_server, accounts=(), **arguments):
    """A server whose processes may open FILES files, and cannot allow themselves more."""
    options = {"fronts": 1, "account_idle": "1s", **arguments.pop("options", {})}
    server = make_server(options=options, **arguments)
    server.add_domain("here.test")
    for address in accounts or ("ann@here.test",):
        server.add_account(address)
    prefix = ["prlimit", f"--nofile={FILES}:{FILES}"]
    if os.getuid() == 0:
        prefix = ["setpriv", "--bounding-set=-sys_resource", *prefix]
    return server.start(prefix=prefix)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def lasting(server):
    """The processes that have to live through it all."""
    return {role: pids for role, pids in server.roles().items() if role != "account"}


def imap(server, user):
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=30 * PATIENCE)
    client.login(user, PASSWORD)
    return client


def crowd(server, port, most=3 * FILES):
    """Connects until somebody is turned away: (who is in, what the last one heard)."""
    inside = []
    for _ in range(most):
        inside.append(server.raw(port))
        first = inside[-1].line()
        if not first.startswith((b"220", b"+OK", b"* OK")):
            return inside, first
    raise AssertionError("nobody was turned away")


def test_front_turns_away_and_heals(make_server):
    server = start(make_server)
    roles = lasting(server)
    (front,) = roles["front"]
    old = server.raw()
    old.reply()
    assert old.command("EHLO c.test")[0] == 250
    inside, word = crowd(server, server.smtp_port)
    assert word.startswith(b"421 4.3.2 "), word
    for port, want in ((server.pop3_port, b"-ERR [SYS/TEMP] "),
                       (server.imap_port, b"* BYE [UNAVAILABLE] "),
                       (server.submission_port, b"421 4.3.2 ")):
        raw = server.raw(port)
        assert raw.line().startswith(want)
        assert raw.line() is None
    # who is there is served, and a message taken, while others knock in vain
    before, begun = cpu_seconds(front), time.monotonic()
    for _ in range(10):
        assert server.raw().line().startswith(b"421 4.3.2 ")
    assert old.command("MAIL FROM:<f@else.test>")[0] == 250
    assert old.command("RCPT TO:<ann@here.test>")[0] == 250
    assert old.command("DATA")[0] == 354
    assert old.command(BODY + b".\r\n")[0] == 250
    # a large one needs a descriptor, and hears that not now
    assert old.command("MAIL FROM:<f@else.test> SIZE=1000000")[0] == 250
    assert old.command("RCPT TO:<ann@here.test>")[0] == 250
    assert old.command("DATA")[0] in (451, 452)
    # and what came from master with a descriptor is no reason to end
    subprocess.run([BINARY, "--config", server.config_path, "sendmail", "ann@here.test"],
                   input=BODY, timeout=60 * PATIENCE, cwd=server.dir, check=True)
    spent, passed = cpu_seconds(front) - before, time.monotonic() - begun
    assert spent < 0.2 + passed / 2, f"{spent} s of CPU in {passed} s"
    assert lasting(server) == roles
    assert old.command("NOOP")[0] == 250
    for raw in inside:
        raw.close()
    wait_for(lambda: server.raw().line().startswith(b"220 "), 10, "room")
    assert len(server.wait_messages("ann@here.test", 2)) == 2
    assert lasting(server) == roles
    assert not server.events("channel.violation")


def test_accounts_turns_away_and_heals(make_server):
    users = [f"user{n}@here.test" for n in range(FILES)]
    server = start(make_server, users)
    roles = lasting(server)
    inside, refused = [], None
    for user in users:
        try:
            inside.append(imap(server, user))
        except imaplib.IMAP4.error as error:
            refused = user
            assert "[UNAVAILABLE]" in str(error)
            break
    assert refused, "all found room"
    # mail for him waits; that for who is there arrives
    server.send("f@else.test", [refused, users[0]], BODY)
    wait_for(lambda: inside[0].select()[1] == [b"1"], 15, "mail")
    for client in inside:
        assert client.noop()[0] == "OK"
    with pytest.raises(imaplib.IMAP4.error, match="UNAVAILABLE"):
        imap(server, refused)
    assert server.queue()
    assert lasting(server) == roles
    assert not server.events("channel.violation")
    for client in inside:
        client.logout()
    assert len(server.wait_messages(refused, timeout=30)) == 1
    server.wait_queue_empty()
    assert lasting(server) == roles


def test_account_turns_away_and_heals(make_server):
    """Sessions of one account: its process runs out of descriptors, not accounts."""
    server = start(make_server, ("ann@here.test", "bob@here.test"))
    inside = []
    with pytest.raises(imaplib.IMAP4.error, match="UNAVAILABLE"):
        for _ in range(2 * FILES):
            inside.append(imap(server, "ann@here.test"))
    assert len(inside) > FILES / 4
    account = server.roles()["account"]
    for client in inside:
        assert client.noop()[0] == "OK"
    server.send("f@else.test", ["ann@here.test", "bob@here.test"], BODY)
    wait_for(lambda: inside[0].select()[1] == [b"1"], 15, "mail")
    assert len(server.wait_messages("bob@here.test")) == 1
    assert set(account) <= set(server.roles()["account"]), "the process ended"
    assert not server.events("channel.violation")
    for client in inside[1:]:
        client.logout()
    imap(server, "ann@here.test").logout()
    inside[0].logout()


def test_outbound_waits_and_goes_on(make_server, far):
    """More servers at a time than it can connect to: mail is late, not lost."""
    hosts = {f"far{n}.test": far.address for n in range(FILES)}
    server = start(make_server, hosts=hosts, mx_port=far.port,
                   options={"outbound": {"idle_timeout": "1s"}})
    roles = lasting(server)
    server.send("ann@here.test", [f"x@{name}" for name in hosts], BODY)
    server.wait_queue_empty(60)
    assert len(far.messages) == len(hosts)
    assert lasting(server) == roles
