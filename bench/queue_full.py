#!/usr/bin/env python3
"""How long a server with a very full queue needs to start, and its memory.

usage: bench/queue_full.py [RECIPIENTS [PER_MESSAGE]]

Makes a queue.db with so many waiting recipients (1,000,000, one a message) of
1,000 domains that do not answer, a twentieth of them due at once: rows as
src/queue/schema.sql describes them.  Starts the release server on it, on
loopback with a folder of its own, and prints what it measured.
"""
import contextlib
import pathlib
import re
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "system"))

from server import Server  # noqa: E402  the folder has to be known first

HOUR_MS = 3600 * 1000
BODY = b"Subject: x\r\n\r\n" + b"y" * 986


def fill(path, recipients, per_message):
    now = int(time.time() * 1000)
    count = recipients // per_message
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA synchronous = OFF")
        base.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [
            ("next_qid", count + 1), ("queue_ms", now), ("seen_wall_ms", now)])
        base.executemany(
            "INSERT INTO message VALUES (?, 1, 1, ?, ?, 0, ?, 0, 0, ?, ?, x'', ?, ?)",
            ((qid, now - HOUR_MS, now - HOUR_MS, len(BODY), bytes(32), b"ann@else.test",
              b"Received: x\r\n", BODY) for qid in range(1, count + 1)))
        base.executemany(
            "INSERT INTO rcpt VALUES (?, ?, 0, ?, 2, 0, 0, 0, 1, ?, 0, ?, ?, x'')",
            ((qid, idx, now + (-1 if qid % 20 == 0 else HOUR_MS + qid),
              b"user%d@dead%d.test" % (idx, qid % 1000), b"4.4.1", b"no answer")
             for qid in range(1, count + 1) for idx in range(per_message)))
        base.commit()


def peak_mib(server, role):
    (pid,) = server.roles()[role]
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) / 1024


def timed(what, action):
    begin = time.monotonic()
    result = action()
    print(f"{what:<36}{time.monotonic() - begin:8.2f} s", flush=True)
    return result


def measure(server, recipients, per_message):
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    server.stop()
    path = server.data_dir / "queue" / "queue.db"
    timed("filling", lambda: fill(path, recipients, per_message))
    print(f"{'queue.db':<36}{path.stat().st_size / 2**20:8.0f} MiB")
    timed("start until ready", server.start)
    timed("a message into a mailbox", lambda: (
        server.send("x@else.test", "ann@here.test", BODY), server.wait_messages("ann@here.test")))
    rows = timed("queue list", lambda: server.rows("queue", "list"))
    print(f"{'rows shown':<36}{len(rows):8}")
    timed("queue list --domain dead7.test",
          lambda: server.rows("queue", "list", "--domain", "dead7.test"))
    timed("queue show", lambda: server.rows("queue", "show", rows[-1]["id"]))
    time.sleep(10)
    print(f"{'most memory of the role queue':<36}{peak_mib(server, 'queue'):8.1f} MiB")
    timed("stop", server.stop)


def main():
    recipients = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    per_message = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    hosts = {f"dead{number}.test": "127.0.0.9" for number in range(20)}
    server = Server(hosts=hosts, options={"queue": {"retry": '{"1m","5m","15m","30m"}'},
                                          "log": {"level": '"warn"', "to": '"stderr"'}})
    try:
        measure(server, recipients, per_message)
    finally:
        server.close()


if __name__ == "__main__":
    main()
