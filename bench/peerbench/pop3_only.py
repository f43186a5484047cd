"""For servers without IMAP: mailboxes are counted and filled over POP3 and SMTP.

Importing it replaces what two works of peerbench do over IMAP; servers that have
IMAP are measured as before.
"""

import smtplib
import time

from peerbench.clients import Pop3
from peerbench.env import Failure
from peerbench.works import WORKS, pop3, smtp_in


def count(server, number):
    with Pop3(server.pop3_port, server.login(number)) as client:
        found = int(client.command("STAT").split()[1])
        client.command("QUIT")
    return found


verify_over_imap = smtp_in.verify


def verify(server, expected):
    """Every mailbox must hold what was sent to it."""
    if server.imap_port or not server.pop3_port:
        return verify_over_imap(server, expected)
    for number, messages in expected.items():
        deadline = time.monotonic() + 10
        while (found := count(server, number)) != messages:
            if found > messages or time.monotonic() > deadline:
                raise Failure(f"bench{number} holds {found} messages, {messages} were sent")
            time.sleep(0.2)
    return None


class Filler:
    """Stands in for Imap in the pop3 work: what is appended comes by SMTP."""

    server = None

    def __init__(self, port, login):
        self.address = login

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def append_all(self, messages):
        total = 0
        with smtplib.SMTP("127.0.0.1", self.server.smtp_port, "load.test") as client:
            for message in messages:
                client.sendmail("sender@load.test", [self.address], message)
                total += 1
        deadline = time.monotonic() + 120
        while count(self.server, pop3.ACCOUNT) < total:
            if time.monotonic() > deadline:
                raise Failure("the mailbox was not filled in two minutes")
            time.sleep(0.1)


pop3_over_imap = pop3.run


def run_pop3(server, env):
    if server.imap_port:
        yield from pop3_over_imap(server, env)
        return
    Filler.server = server
    kept, pop3.Imap = pop3.Imap, Filler
    try:
        yield from pop3_over_imap(server, env)
    finally:
        pop3.Imap = kept


smtp_in.verify = verify
WORKS["pop3"] = run_pop3
