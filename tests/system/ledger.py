"""What was promised, and what came of it: the load and the books of test_crash.

Each sender is a thread with one message at a time.  A message is written into
the ledger before it is sent; it counts as promised when its sender has read the
whole of "250 ...".  A sender that heard anything else, or nothing, sends the same
bytes again until it hears 250: so in the end each message is due exactly once.
"""

import random
import smtplib
import threading
import time

from server import PATIENCE, Server, wait_for

ACCOUNTS = [f"user{number}@here.test" for number in range(6)]
# A few bodies are larger than a frame and go through the spool.
SIZES = [500] * 5 + [4000] * 8 + [60000] * 2 + [200000]


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}                  # id -> recipients, in order of sending
        self.promised = set()
        self.retries = 0

    def begin(self, ident, recipients):
        with self.lock:
            self.sent[ident] = recipients

    def promise(self, ident):
        with self.lock:
            self.promised.add(ident)

    def count_retry(self):
        with self.lock:
            self.retries += 1


class AllOrNone(smtplib.SMTP):
    """Gives up a transaction unless all recipients were taken."""

    def send_whole(self, sender, recipients, body):
        code, text = self.mail(sender)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, text, sender)
        for recipient in recipients:
            code, text = self.rcpt(recipient)
            if code != 250:
                raise smtplib.SMTPRecipientsRefused({recipient: (code, text)})
        code, text = self.data(body)
        if code != 250:
            raise smtplib.SMTPDataError(code, text)


class Sender(threading.Thread):
    """Sends messages one after the other until it is told to stop."""

    def __init__(self, number, server, ledger, seed):
        super().__init__(daemon=True)
        self.name = f"sender{number}"
        self.server = server
        self.ledger = ledger
        self.random = random.Random(f"{seed}/{number}")
        self.stopping = threading.Event()
        self.count = 0
        self.client = None
        self.trouble = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.one_message()
        except Exception as trouble:    # the test looks at it
            self.trouble = trouble

    def one_message(self):
        self.count += 1
        ident = f"{self.name}-{self.count}"
        recipients = self.random.sample(ACCOUNTS, self.random.choice([1, 1, 1, 2, 3]))
        line = b"0123456789abcdef" * 4 + b"\r\n"
        body = (f"From: <{self.name}@else.test>\r\nX-Id: {ident}\r\n\r\n".encode()
                + line * (self.random.choice(SIZES) // len(line) + 1))
        self.ledger.begin(ident, recipients)
        deadline = time.monotonic() + 120 * PATIENCE
        while not self.attempt(recipients, body):
            self.ledger.count_retry()
            assert time.monotonic() < deadline, f"{ident} was never taken"
            time.sleep(0.02 + self.random.random() * 0.05)
        self.ledger.promise(ident)

    def attempt(self, recipients, body):
        """True when 250 was heard."""
        try:
            if self.client is None:
                self.client = AllOrNone("127.0.0.1", self.server.smtp_port, "client.test",
                                        timeout=30 * PATIENCE)
                self.client.ehlo()
            self.client.send_whole(f"{self.name}@else.test", recipients, body)
            return True
        except smtplib.SMTPRecipientsRefused as refused:
            codes = {code for code, _ in refused.recipients.values()}
            assert all(400 <= code < 500 for code in codes), refused.recipients
        except (smtplib.SMTPException, OSError):
            pass
        self.hang_up()
        return False

    def hang_up(self):
        if self.client is not None:
            self.client.close()
            self.client = None

    def end(self):
        self.stopping.set()
        self.join(150 * PATIENCE)
        self.hang_up()
        assert not self.is_alive()
        if self.trouble:
            raise self.trouble


def ident_of(message):
    start = message.index(b"\r\nX-Id: ") + 8
    return message[start:message.index(b"\r\n", start)].decode()


def account(server, ledger):
    """The books: ([lost], [doubled], [never promised but there], messages)."""
    there = {}
    total = 0
    for address in ACCOUNTS:
        for message in server.messages(address):
            key = (ident_of(message), address)
            there[key] = there.get(key, 0) + 1
            total += 1
    due = {(ident, recipient) for ident in ledger.promised
           for recipient in ledger.sent[ident]}
    lost = sorted(due - there.keys())
    doubled = sorted(key for key, count in there.items() if count > 1)
    extra = sorted(key for key in there if key not in due and key[0] in ledger.promised)
    return lost, doubled, extra, total


def make_crash_server(**arguments):
    server = Server(**arguments)
    server.add_domain("here.test")
    for address in ACCOUNTS:
        server.add_account(address)
    return server.start()


def is_up(server):
    """A whole session answers: the roles are back."""
    try:
        with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=5 * PATIENCE) as client:
            client.ehlo()
            client.mail("probe@else.test")
            return client.rcpt(ACCOUNTS[0])[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def wait_up(server):
    wait_for(lambda: is_up(server), 20, "the server to be back")
