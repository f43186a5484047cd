"""A08: the processes that log people in are killed while many do; nobody gets another's mail.

Each account has one message that names it.  A login may fail for now; who got in sees the
name of the account that he asked for, over POP3 and IMAP.
"""

import imaplib
import os
import poplib
import random
import re
import threading
import time

import pytest

from server import PATIENCE, Server, wait_for

ACCOUNTS = 8
KILLS = int(os.environ.get("POSTRIDER_CRASH_ROUNDS") or 6)
LOGINS_BETWEEN = 25
SEED = os.environ.get("POSTRIDER_CRASH_SEED") or str(time.time_ns())
# Every answer but these may come from a server that is between two processes.
REFUSED = re.compile(rb"AUTHENTICATIONFAILED|\[AUTH\]|5\.7\.8")


def address(i):
    return f"user{i}@here.test"


def password(i):
    return f"its {i} password"


@pytest.fixture(scope="module")
def server():
    one = Server().start()
    one.add_domain("here.test")
    for i in range(ACCOUNTS):
        one.add_account(address(i), password(i))
        one.send("x@far.test", address(i), f"Subject: of {address(i)}\r\n\r\nhello\r\n")
    one.wait_queue_empty()
    yield one
    one.close()


def by_pop3(server, i):
    client = poplib.POP3(server.address, server.pop3_port, timeout=60 * PATIENCE)
    try:
        client.user(address(i))
        client.pass_(password(i))
        text = b"\n".join(client.top(1, 0)[1])
        client.quit()
        return text
    finally:
        client.close()


def by_imap(server, i):
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=60 * PATIENCE)
    try:
        client.login(address(i), password(i))
        client.select(readonly=True)
        text = client.fetch("1", "(BODY.PEEK[HEADER])")[1][0][1]
        client.logout()
        return text
    except (OSError, imaplib.IMAP4.error):
        client.shutdown()
        raise


class Person(threading.Thread):
    """Logs in again and again as one account."""

    def __init__(self, server, i, way, stop):
        super().__init__(daemon=True)
        self.server, self.i, self.way, self.stop = server, i, way, stop
        self.logins, self.failures, self.wrong = 0, 0, []

    def run(self):
        while not self.stop.is_set():
            try:
                text = self.way(self.server, self.i)
            except (OSError, EOFError, TypeError, poplib.error_proto,
                    imaplib.IMAP4.error) as trouble:    # TypeError: FETCH gave nothing
                self.failures += 1
                said = b" ".join(a if isinstance(a, bytes) else str(a).encode()
                                 for a in trouble.args)
                # a refusal of the right password would be as bad as another's mail
                if REFUSED.search(said):
                    self.wrong.append(said)
                self.stop.wait(0.05)
                continue
            self.logins += 1
            subjects = re.findall(rb"Subject: of (\S+)", text)
            if subjects != [address(self.i).encode()]:
                self.wrong.append(text)


def test_nobody_gets_into_another_account(server):
    print(f"POSTRIDER_CRASH_SEED={SEED}")
    choose = random.Random(SEED)
    stop = threading.Event()
    people = [Person(server, i, way, stop) for i in range(ACCOUNTS) for way in (by_pop3, by_imap)]

    def logins():
        return sum(person.logins for person in people)

    for person in people:
        person.start()
    struck = 0
    for _ in range(KILLS):
        enough = logins() + LOGINS_BETWEEN
        wait_for(lambda: logins() >= enough, 60, "logins")
        role = choose.choice(["directory", "hasher", "hasher", "accounts"])
        struck += len(server.kill_role(role))
    enough = logins() + LOGINS_BETWEEN
    wait_for(lambda: logins() >= enough, 60, "logins after the last blow")
    stop.set()
    for person in people:
        person.join(120 * PATIENCE)
        assert not person.is_alive(), "a login hangs"
    wrong = [text for person in people for text in person.wrong]
    assert not wrong, wrong[:3]
    assert struck > 0
    # each of them got in at some time
    assert all(person.logins > 0 for person in people)
    print(f"{logins()} logins, {sum(person.failures for person in people)} put off, "
          f"{struck} processes killed")


def test_a_login_outlives_its_hasher(server):
    """The job of one that died is another's: a single blow refuses nobody."""
    results = []

    def one():
        try:
            results.append(by_imap(server, 0))
        except (OSError, imaplib.IMAP4.error) as trouble:
            results.append(repr(trouble))

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    pids = wait_for(lambda: server.roles().get("hasher"), 10, "a hasher")
    os.kill(pids[0], 9)
    for thread in threads:
        thread.join(120 * PATIENCE)
        assert not thread.is_alive(), "a login hangs"
    assert all(isinstance(text, bytes) for text in results), results
