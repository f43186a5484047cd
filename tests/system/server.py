"""One live Postrider in a throw-away folder, on free ports of the loopback."""

import fcntl
import json
import os
import pathlib
import poplib
import random
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROFILE = os.environ.get("POSTRIDER_PROFILE", "release")
BINARY = ROOT / "build" / PROFILE / "postrider"
KEEP = bool(os.environ.get("POSTRIDER_KEEP"))
# How much longer a wait may take than on a machine that has nothing else to do.
# Waits are there against hanging for ever; what is slow is measured elsewhere.
PATIENCE = 40 if PROFILE == "asan" else 12
PASSWORD = "secret"

poplib._MAXLINE = 1 << 24     # lines of mail may be long
PORT_LOCKS = pathlib.Path("/tmp/postrider-ports")
held_ports = {}


def claim_port(port):
    """Keeps a port from other runs of the tests until this one ends."""
    PORT_LOCKS.mkdir(mode=0o1777, exist_ok=True)
    try:
        held = open(PORT_LOCKS / str(port), "w")
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    held_ports[port] = held
    return True


def is_free(address, port):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(address="127.0.0.1"):
    """A port that nobody has, here or in another run, and that no connection gets.

    Those that the kernel gives to connections (ip_local_port_range) may be gone
    before the server binds them.
    """
    while True:
        port = random.randrange(10000, 32000)
        if port not in held_ports and claim_port(port) and is_free(address, port):
            return port


def wait_for(condition, timeout=10, what="it"):
    """Polls until condition() is true; returns what it gave."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < deadline, f"waited {timeout * PATIENCE} s for {what}"
        time.sleep(0.02)


def config_text(options):
    """{"hostname": '"x"', "limits": {"errors": 5}} as a configuration file."""
    lines = []
    for name, value in options.items():
        if isinstance(value, dict):
            inner = "\n".join(f"\t{option} = {text}" for option, text in value.items())
            lines.append(f"{name} {{\n{inner}\n}}")
        else:
            lines.append(f"{name} = {value}")
    return "\n".join(lines) + "\n"


def listing(items):
    return "{" + ", ".join(f'"{item}"' for item in items) + "}"


class Server:
    """hosts: names of the fake DNS, {"far.test": "127.0.0.2"} (MX and address).

    options: more of the configuration; a section is a dict, merged over ours.
    """

    def __init__(self, hostname="mx.test", hosts=None, options=None, mx_port=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postrider-", dir="/tmp"))
        self.dir.chmod(0o755)
        self.data_dir = self.dir / "data"
        self.log_path = self.dir / "log"
        self.config_path = self.dir / "postrider.conf"
        self.hostname = hostname
        self.address = "127.0.0.1"
        (self.smtp_port, self.submission_port, self.pop3_port, self.submissions_port,
         self.pop3s_port, self.imap_port, self.imaps_port) = (free_port() for _ in range(7))
        self.process = None
        self.passwords = {}
        records = []
        for name, address in (hosts or {}).items():
            records += [f"{name}. MX 10 mx.{name}.", f"mx.{name}. A {address}"]
        self.options = {
            "hostname": f'"{hostname}"',
            "data_dir": f'"{self.data_dir}"',
            "run_dir": f'"{self.dir / "run"}"',
            "fronts": 2,
            "listen smtp": {"addresses": listing([f"{self.address}:{self.smtp_port}"])},
            "listen submission": {
                "addresses": listing([f"{self.address}:{self.submission_port}"])},
            "listen pop3": {"addresses": listing([f"{self.address}:{self.pop3_port}"])},
            "listen submissions": {
                "addresses": listing([f"{self.address}:{self.submissions_port}"])},
            "listen pop3s": {"addresses": listing([f"{self.address}:{self.pop3s_port}"])},
            "listen imap": {"addresses": listing([f"{self.address}:{self.imap_port}"])},
            "listen imaps": {"addresses": listing([f"{self.address}:{self.imaps_port}"])},
            "login": {"plaintext": '"loopback"'},
            "limits": {"connections_per_address": 1000},
            "queue": {"retry": listing(["1s"])},
            "outbound": {"port": mx_port or free_port()},
            "resolver": {"servers": listing(["127.0.0.1@1"]), "local": listing(records)},
            "log": {"level": '"debug"', "to": '"stderr"'},
        }
        if os.getuid() == 0:
            self.options["user"] = '"nobody"'
        for name, value in (options or {}).items():
            if isinstance(value, dict):
                self.options[name] = {**self.options.get(name, {}), **value}
            else:
                self.options[name] = value
        self.write_config()

    def write_config(self):
        self.config_path.write_text(config_text(self.options))

    # ---- life -----------------------------------------------------------

    def start(self, wait=True, arguments=(), prefix=()):
        """Starts the server; waits for "ready" on its standard output."""
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*prefix, BINARY, "--config", self.config_path, "serve", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, cwd=self.dir,
            start_new_session=True)
        if wait:
            line = self.process.stdout.readline()
            assert line.strip() == b"ready", f"no ready: {line!r}\n{self.log_text()[-3000:]}"
        return self

    def stop(self, timeout=15):
        """Ends the server in order; its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise AssertionError("the server did not end in order") from None
        self.end_process()
        return status

    def end_process(self):
        self.process.stdout.close()
        self.log.close()
        self.process = None

    def kill_all(self):
        """SIGKILL to all of the server at once, as a power cut would."""
        pids = [self.process.pid, *self.descendants()]
        for pid in pids:
            kill(pid, signal.SIGSTOP)
        for pid in pids + self.descendants():
            kill(pid, signal.SIGKILL)
        self.process.wait()
        self.end_process()
        wait_for(lambda: not any(is_alive(pid) for pid in pids), 5, "the killed to be gone")

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        if self.process is not None:
            self.kill_all()
        if not KEEP:
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- processes ----------------------------------------------------------

    def descendants(self):
        children = {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text()
                except OSError:
                    continue
                parent = int(stat.rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
        out, todo = [], [self.process.pid]
        while todo:
            found = children.get(todo.pop(), [])
            out += found
            todo += found
        return sorted(out)

    def roles(self):
        """role -> pids; what accounts forked is "account"."""
        out = {"master": [self.process.pid]}
        for pid in self.descendants():
            try:
                line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text()
                             .rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            match = re.search(rb"--role\0(\w+)", line)
            role = match.group(1).decode() if match else "account"
            if parent != self.process.pid:
                role = "account"
            out.setdefault(role, []).append(pid)
        return out

    def kill_role(self, role, sig=signal.SIGKILL):
        """The pids that were hit; empty when the role has no process now."""
        pids = self.roles().get(role, [])
        for pid in pids:
            kill(pid, sig)
        return pids

    def memory_kib(self, role=None):
        """Resident memory of a role, or of all, in KiB."""
        total = 0
        for name, pids in self.roles().items():
            for pid in pids if role in (None, name) else ():
                try:
                    text = pathlib.Path(f"/proc/{pid}/status").read_text()
                except OSError:
                    continue
                match = re.search(r"VmRSS:\s+(\d+)", text)
                total += int(match.group(1)) if match else 0
        return total

    # ---- administration ---------------------------------------------------

    def run(self, *words, text="", expect=0):
        """`postrider WORDS...`: the finished process; expect: its exit status."""
        done = subprocess.run([BINARY, "--config", self.config_path, *words], input=text,
                              capture_output=True, text=True, timeout=60 * PATIENCE, cwd=self.dir)
        assert expect is None or done.returncode == expect, \
            f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}\n{self.log_text()[-2000:]}"
        return done

    def rows(self, *words, expect=0):
        """The rows of an answer, as dicts."""
        done = self.run("--json", *words, expect=expect)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def add_domain(self, *names):
        for name in names:
            self.run("domain", "add", name)

    def add_account(self, address, password=PASSWORD):
        self.run("account", "add", address, "--password-stdin", text=password + "\n")
        self.passwords[address] = password

    def add_alias(self, address, *targets):
        done = self.run("alias", "add", address, *targets, expect=None)
        assert done.returncode in (0, 1), done.stderr       # 1: a target is not there yet

    def queue(self):
        done = self.run("--json", "queue", "list", expect=None)
        assert done.returncode in (0, 3), done.stderr       # 3: nothing matched
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait_queue_empty(self, timeout=30):
        wait_for(lambda: not self.queue(), timeout, "the queue to be empty")

    # ---- the log ----------------------------------------------------------

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def events(self, name=None):
        """The lines of the log as dicts, all or those of one event."""
        out = []
        for line in self.log_text().splitlines():
            if not line.startswith("t="):
                continue
            fields = {}
            for key, quoted, bare in re.findall(r'(\w+)=(?:"((?:\\.|[^"\\])*)"|(\S*))', line):
                fields[key] = quoted or bare
            if name in (None, fields.get("ev")):
                out.append(fields)
        return out

    def wait_event(self, name, timeout=10, **fields):
        def seen():
            return [event for event in self.events(name)
                    if all(event.get(key) == value for key, value in fields.items())]

        return wait_for(seen, timeout, f"event {name} {fields}")

    def wait_sessions(self, count):
        """Until so many SMTP sessions ended, and the queue heard what they left."""
        wait_for(lambda: len(self.events("smtp.closed")) >= count, 10, f"{count} ends")
        time.sleep(0.3)
        self.queue()

    # ---- clients ----------------------------------------------------------

    def smtp(self, port=None):
        client = smtplib.SMTP(self.address, port or self.smtp_port, "client.test",
                              timeout=30 * PATIENCE)
        client.ehlo()
        return client

    def send(self, sender, recipients, body, **options):
        """One message in one session."""
        if isinstance(recipients, str):
            recipients = [recipients]
        with self.smtp() as client:
            return client.sendmail(sender, recipients, body, **options)

    def raw(self, port=None):
        return Raw(self.address, port or self.smtp_port)

    def pop3(self, address):
        client = poplib.POP3(self.address, self.pop3_port, timeout=30 * PATIENCE)
        client.user(address)
        client.pass_(self.passwords[address])
        return client

    def messages(self, address):
        """All of a mailbox, as bytes; it is left as it is."""
        client = self.pop3(address)
        count = client.stat()[0]
        out = []
        for number in range(1, count + 1):
            _, lines, _ = client.retr(number)
            out.append(b"".join(line + b"\r\n" for line in lines))
        client.quit()
        return out

    def wait_messages(self, address, count=1, timeout=15):
        """All of a mailbox, once it has so many; "not now" is taken as "not yet"."""
        def there():
            try:
                client = self.pop3(address)
                got = client.stat()[0]
                client.quit()
                return self.messages(address) if got >= count else None
            except poplib.error_proto as error:
                if b"[SYS/TEMP]" not in error.args[0]:
                    raise
                return None

        return wait_for(there, timeout, f"{count} messages for {address}")


class Raw:
    """A socket that speaks in bytes and hears in lines."""

    def __init__(self, address, port, timeout=20):
        self.socket = socket.create_connection((address, port), timeout=timeout * PATIENCE)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """The next line without its end; None at the end of the stream."""
        try:
            line = self.file.readline()
        except ConnectionResetError:
            return None
        if not line:
            return None
        assert line.endswith(b"\r\n"), f"not CRLF: {line!r}"
        return line[:-2]

    def reply(self):
        """One SMTP reply: (code, [texts]); (None, []) at the end."""
        texts = []
        while True:
            line = self.line()
            if line is None:
                return None, texts
            texts.append(line[4:].decode())
            if line[3:4] != b"-":
                return int(line[:3]), texts

    def command(self, text):
        self.send(text if isinstance(text, bytes) else text.encode() + b"\r\n")
        return self.reply()

    def reset(self):
        """Closes with RST, not FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()


def kill(pid, sig):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def memory_of(pid):
    """What a process can write to."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            match = re.match(r"(\w+)-(\w+) rw", line)
            if match and "[vvar]" not in line:
                start, end = (int(word, 16) for word in match.groups())
                if end - start > 1 << 32:
                    continue        # the shadow of a sanitizer
                memory.seek(start)
                try:
                    yield memory.read(end - start)
                except OSError:
                    continue


def without_trace(message):
    """A message of a mailbox as it was sent: without the fields that we put on top."""
    assert message.startswith(b"Return-Path: "), message[:200]
    for name in (b"Return-Path:", b"Delivered-To:", b"Received:"):
        assert message.startswith(name), (name, message[:300])
        while True:
            message = message[message.index(b"\r\n") + 2:]
            if not message.startswith((b" ", b"\t")):
                break
    return message
