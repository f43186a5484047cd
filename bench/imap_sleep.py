"""What an IMAP client in IDLE costs in memory: asleep, awake, plain and under TLS;
and what the process of an idle account has of its own.

usage: imap_sleep.py [CONNECTIONS]     (build/release, as root; see bench/README.md)

PSS is of all processes of the server (smaps_rollup), less what it was without the
clients; the kernel's sockets are not in it, for peers neither.
"""

import os
import pathlib
import re
import socket
import ssl
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "system"))
os.environ.setdefault("POSTRIDER_PROFILE", "release")

from server import PASSWORD, Server, wait_for  # noqa: E402

EACH = 100      # sessions of an account


def rollup(pid):
    """Field -> KiB."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return {}
    return {name: int(kib) for name, kib in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}


def pss(server):
    return sum(rollup(pid).get("Pss", 0) for pids in server.roles().values() for pid in pids)


def context():
    it = ssl.create_default_context()
    it.check_hostname = False
    it.verify_mode = ssl.CERT_NONE
    return it


def idle(server, user, tls):
    client = socket.create_connection(
        (server.address, server.imaps_port if tls else server.imap_port), timeout=600)
    if tls:
        client = tls.wrap_socket(client)
    client.sendall(f"a LOGIN {user} {PASSWORD}\r\nb SELECT INBOX\r\nc IDLE\r\n".encode())
    got = b""
    while b"\r\n+ " not in got:
        piece = client.recv(65536)
        assert piece, got
        got += piece
    return client


def measure(count, tls, after):
    """KiB a client, and what one account's process has of its own."""
    server = Server(options={"fronts": 1, "account_idle": '"1s"',
                             "imap": {"hibernate_after": f'"{after}"'},
                             "limits": {"connections_per_address": 100000}})
    try:
        server.start()
        server.add_domain("here.test")
        users = [f"u{n}@here.test" for n in range(max(1, count // EACH))]
        for user in users:
            server.add_account(user)
            server.send("x@example.org", [user], "Subject: x\r\n\r\nx\r\n")
        wait_for(lambda: "account" not in server.roles(), 60, "no account process")
        before = pss(server)
        clients = [idle(server, users[n % len(users)], tls) for n in range(count)]
        if after != "0s":
            wait_for(lambda: "account" not in server.roles(), 120, "all to be asleep")
        time.sleep(5)                   # idle time is over for all
        each = (pss(server) - before) / count
        own = [rollup(pid) for pid in server.roles().get("account", [])]
        for client in clients:
            client.close()
        private = max((x["Private_Dirty"] + x["Private_Clean"] for x in own), default=0)
        return each, private
    finally:
        server.close()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("one client of one account, awake: its process has of its own",
          f"{measure(1, None, '0s')[1]} KiB")
    for after in ("1s", "0s"):
        for tls in (None, context()):
            each, private = measure(count, tls, after)
            print(f"{count} in IDLE, {'awake' if after == '0s' else 'asleep'},",
                  f"{'TLS' if tls else 'plain'}: {each:.1f} KiB each,",
                  f"largest process of an account {private} KiB of its own", flush=True)


if __name__ == "__main__":
    main()
