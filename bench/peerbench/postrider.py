"""Postrider as peerbench sees it."""

import calendar
import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import time

from peerbench.env import ACCOUNTS, DOMAIN, PASSWORD, Failure
from peerbench.server import Server, write

BINARY = os.environ.get("POSTRIDER_BINARY", "postrider")

CONF = """
hostname = "mx.{domain}"
data_dir = "{dir}/data"
run_dir  = "{dir}/run"
user     = "{user}"
listen smtp       {{ addresses = {{"127.0.0.1:{smtp}"}} }}
listen submission {{ addresses = {{}} }}
listen submissions {{ addresses = {{}} }}
listen pop3s      {{ addresses = {{}} }}
listen imap       {{ addresses = {{"127.0.0.1:{imap}"}} }}
listen imaps      {{ addresses = {{}} }}
listen pop3       {{ addresses = {{"127.0.0.1:{pop3}"}} }}
limits   {{ connections_per_address = 10000  message_size = "100M" }}
outbound {{ smarthost = "[127.0.0.1]:{relay}" }}
resolver {{ servers = {{"127.0.0.1@1"}} }}
log      {{ level = "info"  to = "stderr" }}
"""

DONE = re.compile(rb"^t=(\S+) \S+ role=queue .*?ev=queue\.(accepted|done)\b", re.M)


def cheap_hash(password):
    """Argon2id with the smallest parameters there are, by libsodium."""
    sodium = ctypes.CDLL("libsodium.so.23")
    sodium.sodium_init()
    out = ctypes.create_string_buffer(128)
    failed = sodium.crypto_pwhash_str(out, password, ctypes.c_ulonglong(len(password)),
                                      ctypes.c_ulonglong(1), ctypes.c_size_t(8192))
    if failed:
        raise Failure("libsodium made no hash")
    return out.value.decode()


class Postrider(Server):
    name = "postrider"
    note = "one binary, SQLite, one process a mailbox; argon2id at its cheapest"
    smtp_port, imap_port, pop3_port = 3125, 3131, 3133
    relays = True
    login_format = f"bench%d@{DOMAIN}"

    def configure(self, relay_port):
        write(self.dir / "postrider.conf", CONF.format(
            domain=DOMAIN, dir=self.dir, smtp=self.smtp_port, imap=self.imap_port,
            pop3=self.pop3_port, relay=relay_port, user="nobody" if os.getuid() == 0 else ""))
        template = self.env.dir / "postrider-template"
        if not template.exists():
            self.make_accounts()
            shutil.copytree(self.dir / "data", template.with_suffix(".new"))
            self.copy_owners(self.dir / "data", template.with_suffix(".new"))
            template.with_suffix(".new").rename(template)
        else:
            shutil.copytree(template, self.dir / "data")
            self.copy_owners(template, self.dir / "data")
        self.offset, self.accepted, self.done, self.last_done = 0, 0, 0, None

    def cli(self, *words):
        subprocess.run([BINARY, "--config", self.dir / "postrider.conf", *words], check=True,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def make_accounts(self):
        password = cheap_hash(PASSWORD.encode())
        self.cli("domain", "add", DOMAIN)
        for number in range(ACCOUNTS):
            self.cli("account", "add", self.address(number), f"--password-hash={password}")

    @staticmethod
    def copy_owners(source, target):
        for path in [source, *source.rglob("*")]:
            status = path.stat()
            os.chown(target / path.relative_to(source), status.st_uid, status.st_gid)

    def commands(self):
        return [[BINARY, "--config", self.dir / "postrider.conf", "serve"]]

    def read_log(self):
        """Counts what the queue took and settled since the last look."""
        path = pathlib.Path(self.dir / "output.log")
        with open(path, "rb") as log:
            log.seek(self.offset)
            text = log.read()
        text = text[:text.rfind(b"\n") + 1]
        self.offset += len(text)
        for stamp, what in DONE.findall(text):
            if what == b"accepted":
                self.accepted += 1
            else:
                self.done += 1
                self.last_done = stamp.decode()

    def queue_busy(self):
        self.read_log()
        return self.accepted > self.done

    def wait_delivered(self, accepted_at, timeout=120):
        """The log says when the last message was settled, to the millisecond."""
        time.sleep(0.005)               # lines are written once a turn of the loop
        deadline = time.monotonic() + timeout
        while self.queue_busy():
            if time.monotonic() > deadline:
                raise Failure(f"messages still queued after {timeout} s")
            time.sleep(0.01)
        if self.last_done is None:
            return accepted_at
        whole, _, part = self.last_done.rstrip("Z").partition(".")
        wall = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{part}")
        return max(accepted_at, wall - time.time() + time.monotonic())

    def data_dir(self):
        return self.dir / "data"


SERVERS = [Postrider]
