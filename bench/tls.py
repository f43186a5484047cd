"""What TLS costs: memory of a connection that waits, and handshakes.

usage: tls.py [HANDSHAKES] [CONNECTIONS]     (build/release; see bench/README.md)

With PEERBENCH_HOME the same handshakes are made with Dovecot (imap-login) and, by
STARTTLS, with Postfix (smtpd), with the same certificate, in turns.  CPU is that of
all processes of the server.
"""

import os
import pathlib
import re
import socket
import ssl
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))
os.environ.setdefault("POSTRIDER_PROFILE", "release")

from postfix import Postfix  # noqa: E402
from server import Server  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
ROUNDS = 3


def family(root):
    """A process and all below it."""
    below = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        below.setdefault(int(stat[1]), []).append(int(folder.name))
    found, new = [root], [root]
    while new:
        new = [pid for parent in new for pid in below.get(parent, [])]
        found += new
    return found


def cpu_seconds(root):
    """Of a server's processes, also of those that have ended (Postfix has such)."""
    fields = pathlib.Path(f"/proc/{root}/stat").read_text().rsplit(")", 1)[1].split()
    total = (int(fields[13]) + int(fields[14])) * 1e9 / TICK
    for pid in family(root):
        try:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue
    return total / 1e9


def pss(pids):
    """KiB"""
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
    return total


def context():
    one = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    one.check_hostname = False
    one.verify_mode = ssl.CERT_NONE
    return one


def ask(connection, command):
    """The reply to an SMTP command, or the greeting."""
    if command:
        connection.sendall(command)
    reply = b""
    while not re.search(rb"^\d{3} .*\r\n\Z", reply, re.M):
        got = connection.recv(4096)
        assert got, reply
        reply += got


def shake(how, address, port, session=None, is_starttls=False):
    plain = socket.create_connection((address, port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for command in (b"", b"EHLO c.test\r\n", b"STARTTLS\r\n") if is_starttls else ():
        ask(plain, command)
    tls = how.wrap_socket(plain, session=session)
    if is_starttls:
        ask(tls, b"EHLO c.test\r\n")
    else:
        tls.recv(1000)    # the greeting; tickets came before it
    return tls


def handshakes(address, port, is_starttls, root, count, resumed):
    """(a second, ms of CPU each); None: sessions are not taken up again"""
    how = context()
    first = shake(how, address, port, None, is_starttls)
    session = first.session if resumed else None
    first.unwrap().close()    # a session that was cut is not taken up again
    cpu, begun = cpu_seconds(root), time.monotonic()
    for _ in range(count):
        with shake(how, address, port, session, is_starttls) as tls:
            if tls.session_reused != resumed:
                return None
    passed = time.monotonic() - begun
    return count / passed, (cpu_seconds(root) - cpu) / count * 1000


def idle_memory(server, count):
    """KiB of each connection under TLS, and without."""
    fronts = server.roles()["front"]
    found = {}
    for name, port, is_tls in (("plain", server.submission_port, False),
                               ("TLS", server.submissions_port, True)):
        how = context()
        kept = []
        # what the first ones bring about is no connection's
        for number in range(count + 20):
            if number == 20:
                before = pss(fronts)
            if is_tls:
                kept.append(shake(how, server.address, port))
            else:
                kept.append(socket.create_connection((server.address, port)))
                kept[-1].recv(1000)
        time.sleep(1)
        found[name] = (pss(fronts) - before) / count
        for one in kept:
            one.close()
        time.sleep(1)
    return found


def mail_peer(pair):
    """Postfix with that certificate."""
    one = Postfix(1, more=f"smtpd_tls_cert_file = {pair[0]}\nsmtpd_tls_key_file = {pair[1]}\n"
                  "smtpd_tls_security_level = may\ndefault_process_limit = 100\n")
    return one.start()


def peer():
    """Dovecot as peerbench starts it, or None."""
    home = os.environ.get("PEERBENCH_HOME")
    if not home:
        return None, None
    sys.path.insert(0, home)
    from peerbench.env import Env
    from servers.postfix_dovecot import PostfixDovecot
    env = Env(pathlib.Path(os.environ.get("PEERBENCH_DIR", "/tmp/peerbench")))
    one = PostfixDovecot(env)
    one.prepare()
    one.start()
    return one, env.certificate()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    connections = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    other, pair = peer()
    postfix = None
    options = {"log": {"level": '"info"', "to": '"stderr"'}}
    if pair:
        options["tls"] = {"certificate": f'"{pair[0]}"', "key": f'"{pair[1]}"'}
    server = Server(options=options)
    try:
        server.start()
        time.sleep(1)
        pids = family(server.process.pid)
        print(f"idle, all processes: {pss(pids) / 1024:.1f} MiB")
        for name, kib in idle_memory(server, connections).items():
            print(f"idle connection, {name}: {kib:.1f} KiB")
        places = {"Postrider": ("127.0.0.1", server.pop3s_port, False, server.process.pid),
                  "Postrider, STARTTLS":
                      ("127.0.0.1", server.smtp_port, True, server.process.pid)}
        if other:
            places["Dovecot"] = ("127.0.0.1", other.imaps_port, False, other.pid)
            postfix = mail_peer(pair)
            places["Postfix, STARTTLS"] = ("127.0.0.1", postfix.port, True,
                                           postfix.process.pid)
        for resumed in (False, True):
            figures = {name: [] for name in places}
            for _ in range(ROUNDS):
                for name, (address, port, is_starttls, pid) in places.items():
                    handshakes(address, port, is_starttls, pid, 20, resumed)
                    figures[name].append(handshakes(address, port, is_starttls, pid,
                                                    count // ROUNDS, resumed))
            for name, rows in figures.items():
                if None in rows:
                    print(f"resumed handshakes, {name}: not resumed")
                    continue
                rate = max(row[0] for row in rows)
                cost = statistics.median(row[1] for row in rows)
                print(f"{'resumed' if resumed else 'full'} handshakes, {name}: "
                      f"{rate:.0f}/s, {cost:.2f} ms of CPU each")
    finally:
        server.close()
        if other:
            other.stop()
        if postfix:
            postfix.close()


main()
