"""Disk full, read-only, locked, misconfigured: the client hears 4xx, the log says
what to do, nothing acknowledged is lost, and no half of a server starts.
"""

import os
import shutil
import smtplib
import socket
import sqlite3
import stat
import subprocess

import pytest

from server import BINARY, PATIENCE, config_text, free_port, listing, wait_for, without_trace

BODY = b"From: <f@else.test>\r\nSubject: bad day\r\n\r\nHello.\r\n"
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to mount a small tmpfs")


@pytest.fixture
def small_disk(make_server):
    """A server whose data is on a tmpfs of 24 MiB."""
    server = make_server()
    server.data_dir.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs",
                           server.data_dir], capture_output=True)
    if done.returncode != 0:
        pytest.skip("no right to mount")
    shutil.chown(server.data_dir, "nobody")
    try:
        server.add_domain("here.test")
        server.add_account("ann@here.test")
        yield server.start()
    finally:
        server.close()
        subprocess.run(["umount", "-l", server.data_dir], check=False)


def fill(path):
    """A file that takes all the room there is."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                pass


@needs_root
def test_disk_full_is_4xx_and_heals(small_disk):
    server = small_disk
    promised = 0
    server.send("f@else.test", "ann@here.test", BODY)
    promised += 1
    fill(server.data_dir / "ballast")
    codes = set()
    for size in (10, 200000, 10, 200000):
        with server.smtp() as client:
            codes.add(client.mail("f@else.test")[0])
            code = client.rcpt("ann@here.test")[0]
            codes.add(code)
            if code != 250:
                continue
            try:
                code = client.data(BODY + b"0123456789abcde\r\n" * (size // 16))[0]
            except smtplib.SMTPDataError as refused:    # in the place of 354
                code = refused.smtp_code
            codes.add(code)
            promised += code == 250
    assert codes & {451, 452}, codes
    assert all(code == 250 or 400 <= code < 500 for code in codes), codes
    assert any(event["lvl"] == "error" for event in server.events()), "no word in the log"
    (server.data_dir / "ballast").unlink()

    def taken():
        try:
            server.send("f@else.test", "ann@here.test", BODY + b"again\r\n")
            return True
        except Exception:
            return False

    wait_for(taken, 30, "the server to take mail again")
    server.wait_messages("ann@here.test", promised + 1, timeout=30)
    server.wait_queue_empty()
    assert len(server.messages("ann@here.test")) == promised + 1


@needs_root
def test_disk_full_at_start_loses_nothing(small_disk):
    server = small_disk
    server.send("f@else.test", "ann@here.test", BODY)
    server.kill_all()
    fill(server.data_dir / "ballast")
    server.start(wait=False)
    wait_for(lambda: server.process.poll() is not None or server.events("ready")
             or any(event["lvl"] == "error" for event in server.events()), 15, "a word")
    server.kill_all()
    (server.data_dir / "ballast").unlink()
    server.start()
    assert [without_trace(m) for m in server.wait_messages("ann@here.test")] == [BODY]


@needs_root
def test_read_only_data_never_says_250(small_disk):
    server = small_disk
    server.stop()
    subprocess.run(["mount", "-o", "remount,ro", server.data_dir], check=True)
    before = server.log_path.stat().st_size
    server.start(wait=False)

    def word():
        return server.process.poll() is not None or "lvl=error" in server.log_text()[before:]

    wait_for(word, 15, "an error in the log or an end")
    if server.process.poll() is None:
        with pytest.raises(Exception):
            server.send("f@else.test", "ann@here.test", BODY)
        server.kill_all()
    else:
        server.end_process()
    subprocess.run(["mount", "-o", "remount,rw", server.data_dir], check=True)
    server.start()
    server.send("f@else.test", "ann@here.test", BODY)
    assert len(server.wait_messages("ann@here.test")) == 1


def test_queue_db_locked_by_another_process(server):
    """Clients hear 4xx while it is locked; then it heals by itself."""
    server.stop()
    path = server.data_dir / "queue/queue.db"
    thief = sqlite3.connect(path, isolation_level=None)
    thief.execute("pragma locking_mode=exclusive")
    thief.execute("begin exclusive")
    server.start(wait=False)
    wait_for(lambda: server.process.poll() is not None or "lvl=error" in server.log_text(), 15,
             "an error in the log")
    if server.process.poll() is None:
        with pytest.raises(Exception):
            server.send("f@else.test", "ann@here.test", BODY)
    thief.rollback()
    thief.close()

    def taken():
        if server.process.poll() is not None:   # it had not begun when it was locked
            server.end_process()
            server.start()
        try:
            server.send("f@else.test", "ann@here.test", BODY)
            return True
        except Exception:
            return False

    wait_for(taken, 30, "the server to take mail again")
    assert len(server.wait_messages("ann@here.test")) == 1


def test_damaged_mailbox_keeps_mail_in_the_queue(server):
    server.send("f@else.test", "ann@here.test", BODY)
    server.wait_messages("ann@here.test")
    server.wait_queue_empty()
    server.stop()
    (path,) = (server.data_dir / "accounts").glob("1/mail.db")
    good = path.read_bytes()
    wal = path.with_name("mail.db-wal")
    kept = wal.read_bytes() if wal.exists() else None
    wal.unlink(missing_ok=True)         # it would heal what follows
    path.write_bytes(b"not a database at all" * 500)
    server.start()
    server.send("f@else.test", "ann@here.test", BODY + b"another\r\n")
    server.send("f@else.test", "bob@here.test", BODY)
    assert len(server.wait_messages("bob@here.test")) == 1
    wait_for(lambda: server.events("account.failed"), 10, "a word in the log")
    assert server.queue()
    server.stop()
    path.write_bytes(good)
    if kept is not None:
        wal.write_bytes(kept)
        shutil.chown(wal, path.owner())
    server.start()
    assert len(server.wait_messages("ann@here.test", 2)) == 2


# what is wrong: (the option or section that is replaced, what stands there instead)
WRONG = {
    "no such option": ("colour", "colour = 3"),
    "no such section": ("colours", "colours { red = 3 }"),
    "not closed": ("limits", "limits { recipients = 500"),
    "not a number": ("limits", "limits { recipients = many }"),
    "out of range": ("limits", "limits { recipients = 99999999 }"),
    "not an address": ("listen smtp", 'listen smtp { addresses = {"here"} }'),
    "no such port": ("listen smtp", 'listen smtp { addresses = {"127.0.0.1:99999"} }'),
    "no such level": ("log", 'log { level = "loud" }'),
    "no such word": ("login", 'login { plaintext = "perhaps" }'),
    "not a time": ("queue", 'queue { retry = {"soon"} }'),
    "not a size": ("limits", 'limits { message_size = "big" }'),
    "no folder": ("data_dir", 'data_dir = ""'),
    "a bad record": ("resolver", 'resolver { local = {"this is no record"} }'),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_configuration_starts_nothing(make_server, wrong):
    server = make_server()
    replaced, text = WRONG[wrong]
    server.options.pop(replaced, None)
    server.config_path.write_text(config_text(server.options) + text + "\n")
    server.start(wait=False)
    status = server.process.wait(10 * PATIENCE)
    server.end_process()
    assert status == 78, server.log_text()
    assert "postrider.conf" in server.log_text()
    assert not server.data_dir.exists(), "half a server was started"
    for port in (server.smtp_port, server.pop3_port):
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
    assert server.run("config", "check", expect=None).returncode == 78


def test_port_taken_starts_nothing(make_server):
    server = make_server()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.pop3_port))
        taken.listen()
        server.start(wait=False)
        assert server.process.wait(10 * PATIENCE) != 0
        server.end_process()
    assert str(server.pop3_port) in server.log_text()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.smtp_port), timeout=1)


def test_no_configuration_file(tmp_path):
    done = subprocess.run([BINARY, "--config", tmp_path / "none.conf", "serve"],
                          capture_output=True, text=True, timeout=10 * PATIENCE)
    assert done.returncode == 78
    assert "none.conf" in done.stderr


def test_data_is_private(server):
    server.send("f@else.test", "ann@here.test", BODY)
    server.wait_messages("ann@here.test")
    # through data_dir others come to drop, where they may write and see nothing
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o711
    for root, folders, names in os.walk(server.data_dir):
        for name in folders + names:
            path = os.path.join(root, name)
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            if path == str(server.data_dir / "drop"):
                assert mode == 0o1733
            else:
                assert not mode & 0o077, path


def test_role_that_dies_again_and_again_does_not_spin(server):
    for number in range(4):
        wait_for(lambda: server.kill_role("resolver"), 10, "the resolver")
        # the dead one is among the roles until master has taken note of it
        wait_for(lambda: len(server.events("role.died")) > number, 15, "its end")
        wait_for(lambda: server.roles().get("resolver"), 15, "a new resolver")
    died = server.events("role.died")
    assert all(event["peer"] == "resolver" for event in died)
    server.send("f@else.test", "ann@here.test", BODY)
    assert len(server.wait_messages("ann@here.test")) == 1


def test_port_is_free_again_after_kill(make_server):
    server = make_server(options={"listen smtp": {"addresses": listing(
        [f"127.0.0.1:{free_port()}"])}})
    for _ in range(3):
        server.start()
        server.kill_all()
