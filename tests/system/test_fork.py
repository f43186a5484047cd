"""Nothing can be forked: who needs a new process hears so for now, mail waits, nobody
ends, and it heals by itself.
"""

import imaplib
import os
import poplib
import shutil
import signal
import subprocess
import time

import pytest

from server import PASSWORD, PATIENCE, wait_for

BODY = b"From: <f@else.test>\r\nSubject: no fork\r\n\r\nHello.\r\n"
pytestmark = pytest.mark.skipif(shutil.which("strace") is None or os.getuid() != 0,
                                reason="needs strace, and root for it")


class NoForks:
    """While it stands, each fork(2) of a process fails with EAGAIN, as under RLIMIT_NPROC
    or a full pids cgroup."""

    def __init__(self, server, pid):
        self.path = server.dir / f"strace-{pid}"
        self.said = open(self.path.with_suffix(".err"), "w+b")
        self.strace = subprocess.Popen(
            ["strace", "-o", self.path, "-e", "trace=fork,vfork,clone,clone3",
             "-e", "inject=fork,vfork,clone,clone3:error=EAGAIN", "-p", str(pid)],
            stderr=self.said)
        wait_for(self.is_attached, 10, "strace")

    def is_attached(self):
        if self.strace.poll() is not None:
            pytest.skip("strace may not attach here")
        self.said.seek(0)
        return b"attached" in self.said.read()

    def count(self):
        return self.path.read_text().count("INJECTED")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.strace.send_signal(signal.SIGINT)      # it lets go, and ends
        self.strace.wait(30 * PATIENCE)
        self.said.close()


@pytest.fixture
def unconfined(make_server):
    """strace makes a call fail by giving it another number, which a filter would kill."""
    made = make_server()
    made.add_domain("here.test")
    made.add_account("ann@here.test")
    made.add_account("bob@here.test")
    return made.start(arguments=("--no-sandbox",))


def imap(server, user):
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=30 * PATIENCE)
    client.login(user, PASSWORD)
    return client


def test_accounts_cannot_fork(unconfined):
    server = unconfined
    bob = imap(server, "bob@here.test")             # his process is there
    before = {role: pids for role, pids in server.roles().items() if role != "account"}
    (accounts,) = before["accounts"]
    with NoForks(server, accounts) as faults:
        with pytest.raises(imaplib.IMAP4.error, match="UNAVAILABLE"):
            imap(server, "ann@here.test")
        with pytest.raises(poplib.error_proto, match="SYS/TEMP"):
            server.pop3("ann@here.test")
        assert not server.send("f@else.test", ["ann@here.test", "bob@here.test"], BODY)
        wait_for(lambda: bob.select()[1] == [b"1"], 15, "bob's mail")
        wait_for(lambda: faults.count() >= 2, 15, "another try")
        assert len(server.queue()) == 1
        assert any("fork" in event["why"] for event in server.events("account.failed"))
    assert len(server.wait_messages("ann@here.test")) == 1
    server.wait_queue_empty()
    bob.noop()
    after = server.roles()
    assert all(after[role] == pids for role, pids in before.items())


def test_master_cannot_fork(server):
    before = {role: pids for role, pids in server.roles().items()
              if role not in ("account", "directory")}
    with NoForks(server, server.process.pid) as faults:
        server.kill_role("directory")
        began = time.monotonic()
        wait_for(lambda: faults.count() >= 4, 60, "master's tries")
        # 50, 100, 200 ms between them at least: no storm
        assert time.monotonic() - began >= 0.3
        with server.smtp() as client:
            assert client.mail("f@else.test")[0] == 250
            assert 400 <= client.rcpt("ann@here.test")[0] < 500
    wait_for(lambda: server.roles().get("directory"), 60, "a directory")

    def taken():
        with server.smtp() as client:
            client.mail("f@else.test")
            if client.rcpt("ann@here.test")[0] != 250:
                return False
            return client.data(BODY)[0] == 250

    wait_for(taken, 30, "mail to be taken")
    assert len(server.wait_messages("ann@here.test")) == 1
    after = server.roles()
    assert all(after[role] == pids for role, pids in before.items())
