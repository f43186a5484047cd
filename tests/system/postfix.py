"""A private Postfix from build/peers: nothing of it is installed, it listens on
loopback only, and everything it writes is below one folder.
"""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

from server import PATIENCE, ROOT, free_port, wait_for

PEER = ROOT / "build/peers/postfix"
# Postfix wants two accounts of its own; these are there on every Debian and
# nobody uses them.
OWNER, GROUP = "news", "uucp"

MAIN_CF = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
daemon_directory = {peer}/usr/lib/postfix/sbin
command_directory = {peer}/usr/sbin
shlib_directory = {peer}/usr/lib/postfix
meta_directory = {peer}/etc/postfix
import_environment = LD_LIBRARY_PATH={peer}/usr/lib/postfix MAIL_CONFIG
mail_owner = {owner}
setgid_group = {group}
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.test
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
alias_database =
virtual_mailbox_domains = peer.test
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = 104857600
smtpd_recipient_limit = 2000
default_destination_recipient_limit = 2000
in_flow_delay = 0
local_header_rewrite_clients =
relayhost = {relayhost}
"""

MASTER_CF = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
virtual   unix  -       n       n       -       -       virtual
anvil     unix  -       -       n       -       1       anvil
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
postlog   unix-dgram n  -       n       -       1       postlogd
"""

QUEUES = {"incoming": 0o700, "active": 0o700, "deferred": 0o700, "bounce": 0o700, "defer": 0o700,
          "corrupt": 0o700, "flush": 0o700, "hold": 0o700, "saved": 0o700, "trace": 0o700,
          "private": 0o700, "public": 0o710, "maildrop": 0o730}


class Postfix:
    """relay_port: where all mail for others than peer.test goes; more: of main.cf."""

    def __init__(self, relay_port, port=None, more=""):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postrider-postfix-", dir="/tmp"))
        self.dir.chmod(0o755)
        self.port = port or free_port()
        owner = pwd.getpwnam(OWNER)
        for name in ("etc", "queue", "queue/pid", "data", "mail"):
            (self.dir / name).mkdir()
        for name, mode in QUEUES.items():
            folder = self.dir / "queue" / name
            folder.mkdir()
            folder.chmod(mode)
            shutil.chown(folder, OWNER, GROUP if name in ("public", "maildrop") else None)
        for name in ("data", "mail"):
            shutil.chown(self.dir / name, OWNER, owner.pw_gid)
        (self.dir / "etc/main.cf").write_text(MAIN_CF.format(
            dir=self.dir, peer=PEER, owner=OWNER, group=GROUP, uid=owner.pw_uid,
            gid=owner.pw_gid, relayhost=f"[127.0.0.1]:{relay_port}") + more)
        (self.dir / "etc/master.cf").write_text(MASTER_CF.format(port=self.port))
        for name in ("main.cf", "master.cf"):
            # Postfix waits while a file of its configuration is quite new.
            os.utime(self.dir / "etc" / name, (1, 1))
        self.process = None

    def start(self):
        env = {**os.environ, "LD_LIBRARY_PATH": str(PEER / "usr/lib/postfix"),
               "MAIL_CONFIG": str(self.dir / "etc")}
        self.process = subprocess.Popen(
            [PEER / "usr/lib/postfix/sbin/master", "-d", "-c", self.dir / "etc"], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        wait_for(self.answers, 20, f"Postfix: {self.log()[-1000:]}")
        return self

    def answers(self):
        import socket
        assert self.process.poll() is None, self.log()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return connection.recv(100).startswith(b"220")
        except OSError:
            return False

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20 * PATIENCE)
        shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        path = self.dir / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def messages(self):
        """What virtual(8) put into the maildir of peer.test, as bytes with LF."""
        return [path.read_bytes() for path in sorted((self.dir / "mail/all/new").glob("*"))]
