"""The log: strangers cannot fill it, and mail does not wait for it."""

import os
import pathlib
import subprocess

import pytest

from server import wait_for

BODY = b"From: <f@else.test>\r\nSubject: log\r\n\r\nHello.\r\n"
LINES = 20      # LOG_LIMIT_LINES of base/log_limit.h
MANY = 200


def make(make_server, to="stderr", level="info"):
    server = make_server(options={"fronts": 1, "log": {"level": f'"{level}"', "to": f'"{to}"'},
                                  "limits": {"connections_per_address": 20}})
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    return server


def lines_of(server, event, **fields):
    return [line for line in server.events(event)
            if all(line.get(key) == value for key, value in fields.items())]


def test_a_flood_is_counted(make_server):
    server = make(make_server).start()
    raw = server.raw()                              # who asks for anybody
    assert raw.reply()[0] == 220
    raw.command("EHLO c.test")
    with server.smtp() as client:                   # and one with a message
        client.sendmail("f@else.test", ["ann@here.test"], BODY)
    raw.command("MAIL FROM:<f@else.test>")
    assert raw.command("RCPT TO:<nobody@here.test>")[0] == 550
    raw.close()
    for _ in range(MANY):                           # sessions that come to nothing
        raw = server.raw()
        raw.line()
        raw.close()
    inside, away = [], 0                            # one too many, again and again
    while away < MANY:
        raw = server.raw()
        if raw.line().startswith(b"421"):
            away += 1
        else:
            inside.append(raw)
    for other in inside:
        other.close()
    assert len(server.wait_messages("ann@here.test")) == 1
    assert server.wait_event("smtp.closed", messages="1"), "a message's line was left out"
    assert lines_of(server, "smtp.rcpt.refused", ip="127.0.0.1")
    assert server.stop() == 0
    happened = 0
    for event, level in (("smtp.closed", "info"), ("smtp.limit", "warn")):
        lines = [line for line in lines_of(server, event, ip="127.0.0.1")
                 if line.get("messages") != "1"]
        left_out = lines_of(server, "log.limited", of=event, ip="127.0.0.1", lvl=level)
        # in one minute, if the machine was not too slow for that
        assert LINES <= len(lines) <= MANY / 2
        happened += len(lines) + sum(int(line["count"]) for line in left_out)
    assert happened >= 2 * MANY


def test_full_disk_of_the_log(make_server, tmp_path):
    """No line finds room: mail comes and goes, and lines come again when it does."""
    disk = tmp_path / "log-disk"
    disk.mkdir()
    if os.getuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs", disk],
            capture_output=True).returncode != 0:
        pytest.skip("no right to mount")
    try:
        server = make(make_server, to=disk / "log", level="debug").start()
        ballast = disk / "ballast"
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 512)
            except OSError:
                pass
        for number in range(40):
            server.send("f@else.test", ["ann@here.test"], BODY)
        assert len(server.wait_messages("ann@here.test", 40)) == 40
        server.wait_queue_empty()
        size = (disk / "log").stat().st_size
        ballast.unlink()
        server.send("f@else.test", ["ann@here.test"], BODY)
        wait_for(lambda: (disk / "log").stat().st_size > size, 10, "lines again")
        assert server.stop() == 0
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


@pytest.mark.parametrize("to", ["full", "unread"])
def test_log_that_takes_nothing(make_server, to):
    """/dev/full, or a pipe that nobody reads: mail comes and goes all the same."""
    server = make(make_server, level="debug")
    path = pathlib.Path("/dev/full")
    if to == "unread":
        path = server.dir / "pipe"
        os.mkfifo(path)
        held = os.open(path, os.O_RDWR)     # so that it has a reader, who never reads
    server.start(prefix=["sh", "-c", f'exec 2>{path} "$0" "$@"'])
    for number in range(100):
        server.send("f@else.test", ["ann@here.test"], BODY)
    assert len(server.wait_messages("ann@here.test", 100)) == 100
    server.wait_queue_empty()
    assert server.stop() == 0
    if to == "unread":
        os.close(held)
