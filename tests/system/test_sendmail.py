"""Programs of this machine: sendmail, mailq, newaliases, and data_dir/drop."""

import email
import email.header
import email.message
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

from server import BINARY, PATIENCE, Raw, is_alive, kill, wait_for

IS_ROOT = os.getuid() == 0
# Users that every Debian has, and that are not the server's own (nobody).
DAEMON, GAMES = ("daemon", 1), ("games", 5)
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
TEXT = "To: bob\nSubject: hi\n\nline\n"


class Sendmail:
    """The program by its three names, as another program calls it."""

    def __init__(self, server):
        self.server = server
        self.bin = server.dir / "bin"
        self.bin.mkdir()
        # a copy: another user may not come through to where we were built
        shutil.copy(BINARY, self.bin / "postrider")
        for name in ("sendmail", "mailq", "newaliases"):
            (self.bin / name).symlink_to("postrider")
        server.config_path.chmod(0o644)
        self.env = {**os.environ, "POSTRIDER_CONFIG": str(server.config_path),
                    "PATH": f"{self.bin}:{os.environ['PATH']}"}

    def run(self, command, text=TEXT, expect=0, user=None, env=None):
        prefix = []
        if user is not None:
            prefix = ["setpriv", f"--reuid={user[1]}", "--regid=65534", "--clear-groups", "--"]
        if isinstance(text, str):
            text = text.encode()
        done = subprocess.run([*prefix, *command], input=text, capture_output=True,
                              env={**self.env, **(env or {})}, cwd=self.server.dir,
                              timeout=60 * PATIENCE)
        assert expect is None or done.returncode == expect, \
            (command, done.returncode, done.stdout, done.stderr, self.server.log_text()[-2000:])
        return done

    def __call__(self, *words, name="sendmail", **options):
        return self.run([self.bin / name, *words], **options)

    def drop(self):
        """The files that wait."""
        return sorted((self.server.data_dir / "drop").iterdir())

    def refused(self):
        return sorted(path.name for path in (self.server.data_dir / "drop-refused").iterdir())

    def wait_drop_empty(self):
        wait_for(lambda: not self.drop(), 30, "the drop folder to be empty")


def make(make_server, **arguments):
    server = make_server(**arguments)
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.add_account("bob@here.test")
    server.add_alias("root@here.test", "ann@here.test")
    return server


@pytest.fixture
def sendmail(make_server):
    return Sendmail(make(make_server).start())


@pytest.fixture
def stopped(make_server):
    """A server that has run once, and does not now."""
    server = make(make_server).start()
    server.stop()
    return Sendmail(server)


def parsed(message):
    return email.message_from_bytes(message)


def body_of(message):
    return message.split(b"\r\n\r\n", 1)[1]


# ---- callers ------------------------------------------------------------------------


def test_php(sendmail):
    sendmail("-t", "-i", text="To: Bob <bob@here.test>, ann@here.test\r\nSubject: order\r\n"
             "Bcc: Ann <ann@here.test>\r\nFrom: shop@here.test\r\n\r\nall\n.\nof it\n")
    for address in ("bob@here.test", "ann@here.test"):
        (message,) = sendmail.server.wait_messages(address)
        assert body_of(message) == b"all\r\n.\r\nof it\r\n"
        fields = parsed(message)
        assert fields["bcc"] is None
        assert b"Bcc" not in message
        assert fields["message-id"] and fields["date"]
        assert fields["from"] == "shop@here.test"


def test_bcc_alone_is_enough(sendmail):
    sendmail("-t", text="Subject: x\nBcc: bob@here.test\n\ntext\n")
    (message,) = sendmail.server.wait_messages("bob@here.test")
    assert b"bcc" not in message.lower()
    assert sendmail.server.pop3("ann@here.test").stat()[0] == 0


@pytest.mark.parametrize("words", [
    ["-FCronDaemon", "-odi", "-oem", "-oi", "-t"],          # vixie cron of Debian
    ["-FCronDaemon", "-odi", "-oem", "--", "root"],         # older ones
    ["-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "<>"],  # cronie 1.7
    ["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"],   # cronie
])
def test_cron(sendmail, words):
    sendmail(*words, text="From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@box> job\n"
             "Content-Type: text/plain; charset=UTF-8\nX-Cron-Env: <SHELL=/bin/sh>\n\n"
             "10%\r20%\rGrüße\n")
    (message,) = sendmail.server.wait_messages("ann@here.test")
    assert body_of(message) == "10%\r\n20%\r\nGrüße\r\n".encode()
    assert parsed(message)["from"] == "root@here.test (Cron Daemon)"
    assert parsed(message)["to"] == "root@here.test"
    sender = "" if "<>" in words else "root@here.test"
    assert message.startswith(b"Return-Path: <" + sender.encode() + b">\r\n")


def test_python(sendmail):
    message = email.message.EmailMessage()
    message["To"] = "bob@here.test"
    message["Subject"] = "Crêpes"
    message.set_content("Grüße\n")
    sendmail("-t", "-oi", "-f", "ann@here.test", text=message.as_bytes())
    (got,) = sendmail.server.wait_messages("bob@here.test")
    assert got.startswith(b"Return-Path: <ann@here.test>")


def test_git_send_email(sendmail, tmp_path):
    home = {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    repository = tmp_path / "repository"

    def git(*words):
        return sendmail.run(["git", "-C", str(repository), "-c", "user.name=Ann",
                             "-c", "user.email=ann@here.test", *words], text="", env=home)

    repository.mkdir()
    git("init", "-q")
    (repository / "file").write_text("old\n")
    git("add", "file")
    git("commit", "-q", "-m", "base")
    (repository / "file").write_text("new\n.\nGrüße\n")
    git("commit", "-q", "-a", "-m", "change the file")
    git("format-patch", "-q", "-1", "-o", "out")
    patch = next((repository / "out").iterdir())
    git("send-email", "--confirm=never", "--quiet", f"--sendmail-cmd={sendmail.bin}/sendmail",
        "--from=ann@here.test", "--envelope-sender=ann@here.test", "--to=bob@here.test",
        "--suppress-cc=all", "--8bit-encoding=UTF-8", str(patch))
    (message,) = sendmail.server.wait_messages("bob@here.test")
    assert parsed(message)["subject"] == "[PATCH] change the file"
    assert message.startswith(b"Return-Path: <ann@here.test>")


def test_mutt(sendmail, tmp_path):
    rc = tmp_path / "muttrc"
    rc.write_text(f'set sendmail="{sendmail.bin}/sendmail -oem -oi"\nset use_envelope_from=yes\n'
                  'set from="ann@here.test"\nset copy=no\nset use_8bitmime=yes\n'
                  'set dsn_notify="failure"\nset dsn_return=hdrs\nset sendmail_wait=0\n')
    sendmail.run(["mutt", "-F", str(rc), "-s", "from mutt", "bob@here.test"],
                 text="text\n.\nmore\n", env={"HOME": str(tmp_path), "TERM": "dumb"})
    (message,) = sendmail.server.wait_messages("bob@here.test")
    assert parsed(message)["subject"] == "from mutt"
    assert body_of(message) == b"text\r\n.\r\nmore\r\n"


def test_mailx(sendmail, tmp_path):
    sendmail.run(["s-nail", "-:/", "-Sv15-compat=yes", f"-Smta={sendmail.bin}/sendmail",
                  "-Ssendwait", "-r", "ann@here.test", "-s", "from mailx", "bob@here.test"],
                 text="text\n", env={"HOME": str(tmp_path)})
    (message,) = sendmail.server.wait_messages("bob@here.test")
    assert parsed(message)["subject"] == "from mailx"


def test_recipients_alone(sendmail):
    """As aerc calls it; no header at all is one, too."""
    sendmail("bob@here.test", "Ann <ann@here.test>", text="only text: of course\nmore\n")
    (message,) = sendmail.server.wait_messages("bob@here.test")
    fields = parsed(message)
    assert fields["message-id"] and fields["date"] and fields["from"] == "root@here.test"
    sendmail.server.wait_messages("ann@here.test")


def test_text_without_header(sendmail):
    sendmail("bob", text="This is no header\nTo: nobody@here.test\n")
    (message,) = sendmail.server.wait_messages("bob@here.test")
    assert body_of(message) == b"This is no header\r\nTo: nobody@here.test\r\n"
    assert parsed(message)["to"] is None


def test_full_name(sendmail):
    sendmail("-F", "Ann Ä", "-f", "ann@here.test", "bob", text="Subject: x\n\ny\n")
    (message,) = sendmail.server.wait_messages("bob@here.test")
    assert parsed(message)["from"].endswith("<ann@here.test>")
    assert str(email.header.make_header(email.header.decode_header(
        parsed(message)["from"]))) == "Ann Ä <ann@here.test>"
    sendmail("-F", "Ann Ä", "bob", text="From: me@here.test\n\ny\n")
    assert parsed(sendmail.server.wait_messages("bob@here.test", 2)[1])["from"] == "me@here.test"


def test_utf8_addresses(sendmail):
    sendmail.server.add_account("jürgen@here.test")
    sendmail("jürgen@here.test", text="x: y\n\nz\n")
    (message,) = sendmail.server.wait_messages("jürgen@here.test")
    assert b"UTF8SMTP" in message


def test_verbose(sendmail):
    done = sendmail("-v", "bob")
    assert b"C: MAIL FROM:<" in done.stdout and b"S: 250 " in done.stdout
    assert b"line" not in done.stdout        # never the text of a message


def test_many_recipients(sendmail):
    """More than one transaction takes (limits.recipients is 1000), and each once."""
    people = [f"far{number}@far.test" for number in range(1500)]
    head = "".join(f"To: {', '.join(people[at:at + 50])}\n" for at in range(0, 1500, 50))
    sendmail("-t", text=head + "To: bob@here.test\n\nx\n")
    assert len(sendmail.server.wait_messages("bob@here.test")) == 1
    waiting = [row for row in sendmail.server.queue()]
    assert len(waiting) >= 1


# ---- SMTP on stdin ---------------------------------------------------------------------


def test_bs_dialogue(sendmail):
    """As Symfony does: every reply is awaited."""
    process = subprocess.Popen([sendmail.bin / "sendmail", "-bs"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=sendmail.env)

    def say(line):
        if line:
            process.stdin.write(line.encode() + b"\r\n")
            process.stdin.flush()
        while True:
            reply = process.stdout.readline()
            if reply[3:4] != b"-":
                return int(reply[:3])

    assert say("") == 220
    assert say("EHLO [127.0.0.1]") == 250
    assert say("MAIL FROM:<ann@here.test>") == 250
    assert say("RCPT TO:<bob@here.test>") == 250
    assert say("RCPT TO:<nobody@here.test>") == 550
    assert say("DATA") == 354
    assert say("Subject: x\r\n\r\n..dot\r\n.") == 250
    assert say("QUIT") == 221
    assert process.wait(30 * PATIENCE) == 0
    process.stdin.close()
    process.stdout.close()
    (message,) = sendmail.server.wait_messages("bob@here.test")
    assert body_of(message) == b".dot\r\n"


def test_bs_all_at_once(sendmail):
    """Scripts do not wait for replies."""
    done = sendmail("-bs", text="EHLO x\r\nMAIL FROM:<root>\r\nRCPT TO:<bob>\r\nDATA\r\n"
                    "Subject: x\r\n\r\ny\r\n.\r\nQUIT\r\n")
    assert b"\r\n221 " in done.stdout
    sendmail.server.wait_messages("bob@here.test")


def test_bs_without_server(stopped):
    assert stopped("-bs", text="EHLO x\r\n", expect=75).stdout.startswith(b"421 4.3.2 ")


# ---- the other modes --------------------------------------------------------------------


def test_verify(sendmail):
    done = sendmail("-bv", "bob", "zoe@here.test", expect=67)
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("bob: deliverable") and lines[1].startswith("zoe@here.test: refused")
    assert sendmail("-bt", text="bob, ann@here.test\nroot\n").stdout.count(b"deliverable") == 3
    assert not sendmail.server.messages("bob@here.test")


def test_mailq_and_queue_run(sendmail):
    sendmail("x@nowhere.test")
    listed = wait_for(lambda: sendmail(name="mailq").stdout.decode(), 10, "a row")
    assert "x@nowhere.test" in listed
    assert sendmail("-bp").stdout.decode().count("x@nowhere.test") == 1
    for words in (["-q"], ["-qRx@nowhere.test"], ["-v", "-q"]):
        sendmail(*words)
    sendmail.run([sendmail.bin / "postrider", "--config", str(sendmail.server.config_path),
                  "sendmail", "-bp"])


def test_newaliases_and_daemon(sendmail):
    assert b"alias list" in sendmail(name="newaliases").stderr
    sendmail("-bi")
    for words in (["-bd"], ["-bd", "-q30m"], ["-q30m"]):
        assert b"systemctl start postrider" in sendmail(*words, expect=78).stderr


def test_unknown_flags_warn(sendmail):
    assert b"-Z9" in sendmail("-Z9", "--frobnicate", "bob").stderr
    sendmail.server.wait_messages("bob@here.test")


# ---- refusals ---------------------------------------------------------------------------


def test_exit_codes(sendmail):
    for words, text, status, says in (
            (["nobody@here.test"], TEXT, 67, b"nobody@here.test: 550 5.1.1"),
            ([], TEXT, 64, b"-t"),
            (["-t"], "Subject: x\n\ny\n", 65, b"no recipient"),
            (["-f"], TEXT, 64, b"-f wants a value"),
            (["-bz"], TEXT, 64, b"-bz"),
            (["-f", "ann@[300.1.1.1]", "bob"], TEXT, 65, b"501 5.1.7"),
            (["bob@[300.1.1.1]"], TEXT, 67, b"501 5.1.3"),
    ):
        done = sendmail(*words, text=text, expect=status)
        assert says in done.stderr, (words, done.stderr)
        assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not sendmail.drop()
    assert not sendmail.server.messages("bob@here.test")


def test_refused_among_good_ones(sendmail):
    done = sendmail("bob", "nobody@here.test", expect=67)
    assert b"nobody@here.test: 550" in done.stderr
    sendmail.server.wait_messages("bob@here.test")


def test_too_large(make_server):
    sendmail = Sendmail(make(make_server, options={"limits": {"message_size": '"100K"'}}).start())
    text = "x: y\n\n" + "z" * 70 + "\n"
    assert b"larger" in sendmail("bob", text=text + ("z" * 70 + "\n") * 3000, expect=65).stderr
    sendmail("bob", text=text + ("z" * 70 + "\n") * 1000)
    assert not sendmail.drop()


def test_full_mailbox_is_no_reason_to_wait_in_a_file(sendmail):
    sendmail.server.run("account", "quota", "bob@here.test", "1K")
    sendmail("bob", text="x: y\n\n" + ("z" * 70 + "\n") * 100)

    def is_full():
        return sendmail("bob", expect=None).returncode == 75

    wait_for(is_full, 10, "the quota to be met")
    assert b"452 4.2.2" in sendmail("bob", expect=75).stderr
    assert not sendmail.drop()


# ---- other users --------------------------------------------------------------------------


@needs_root
def test_sender_of_another(sendmail):
    """Nobody but root and the server's own user sends in somebody else's name."""
    done = sendmail("-f", "ann@here.test", "bob", user=DAEMON, expect=77)
    assert b"550 5.7.1" in done.stderr
    sendmail("-f", "games@here.test", "bob", user=DAEMON, expect=77)
    sendmail("-f", "daemon@elsewhere.test", "bob", user=DAEMON, expect=77)
    for own in ("daemon@here.test", "daemon@mx.test", "daemon", "<>"):
        sendmail("-f", own, "bob", user=DAEMON)
    messages = sendmail.server.wait_messages("bob@here.test", 4)
    assert sorted(message.split(b"\r\n", 1)[0] for message in messages) == [
        b"Return-Path: <>", b"Return-Path: <daemon@here.test>",
        b"Return-Path: <daemon@here.test>", b"Return-Path: <daemon@mx.test>"]
    assert b"uid" not in b"".join(messages)         # submission.hide_client


@needs_root
def test_user_with_an_account(sendmail):
    """A user whose name is an account sends as that may: its aliases, too."""
    sendmail.server.add_account("games@here.test")
    sendmail.server.add_alias("shop@here.test", "games@here.test")
    for own in ("shop@here.test", "games@mx.test", "games"):
        sendmail("-f", own, "bob", user=GAMES)
    sendmail("-f", "shop@here.test", "bob", user=DAEMON, expect=77)
    sendmail("-f", "ann@here.test", "bob", user=GAMES, expect=77)
    assert len(sendmail.server.wait_messages("bob@here.test", 3)) == 3


@needs_root
def test_cron_of_a_user(sendmail):
    """cron writes root's name into From, whoever the job is of."""
    sendmail.server.add_account("games@here.test")
    sendmail("-FCronDaemon", "-odi", "-oem", "-oi", "-t", user=GAMES,
             text="From: root (Cron Daemon)\nTo: games\nSubject: Cron <games@box> x\n\nout\n")
    (message,) = sendmail.server.wait_messages("games@here.test")
    assert message.startswith(b"Return-Path: <games@here.test>")


@needs_root
def test_users_may_send_to_others(sendmail):
    sendmail("x@nowhere.test", user=DAEMON)
    wait_for(lambda: [row for row in sendmail.server.queue()
                      if "x@nowhere.test" in str(row)], 10, "the message to wait")


@needs_root
def test_queue_is_not_for_everybody(sendmail):
    for words, name in (([], "mailq"), (["-bp"], "sendmail"), (["-q"], "sendmail")):
        assert b"only root" in sendmail(*words, name=name, user=DAEMON, expect=77).stderr


@needs_root
def test_admin_socket_stays_closed(sendmail):
    done = sendmail.run([sendmail.bin / "postrider", "--config",
                         str(sendmail.server.config_path), "account", "list"], user=DAEMON,
                        expect=77)
    assert not done.stdout


@needs_root
def test_one_user_does_not_take_all_connections(make_server):
    sendmail = Sendmail(make(make_server, options={
        "limits": {"connections_per_address": 3}, "fronts": 1}).start())
    held = []
    for _ in range(3):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20 * PATIENCE)
        client.connect(str(sendmail.server.dir / "run" / "submit.sock"))
        assert client.recv(100).startswith(b"220")
        held.append(client)
    sendmail("bob")                             # too many of root: it waits in a file
    assert len(sendmail.drop()) == 1
    done = sendmail("-v", "bob", user=DAEMON)
    assert b"S: 220" in done.stdout
    for client in held:
        client.close()
    sendmail.wait_drop_empty()
    assert len(sendmail.server.wait_messages("bob@here.test", 2)) == 2


# ---- the drop folder ---------------------------------------------------------------------


def test_server_down(stopped):
    """What is left is delivered at the next start, once."""
    stopped("-t", "-i", text="To: bob\nBcc: ann@here.test\nSubject: later\n\nx\n.\ny\n")
    (path,) = stopped.drop()
    assert path.stat().st_mode & 0o777 == 0o644
    stopped.server.start()
    for address in ("bob@here.test", "ann@here.test"):
        (message,) = stopped.server.wait_messages(address)
        assert body_of(message) == b"x\r\n.\r\ny\r\n"
        assert parsed(message)["subject"] == "later"
        assert b"Bcc" not in message
    stopped.wait_drop_empty()
    stopped.server.restart()
    assert len(stopped.server.messages("bob@here.test")) == 1
    assert not stopped.refused()


@needs_root
def test_server_down_other_users(stopped):
    stopped("bob", user=DAEMON)
    stopped("-f", "ann@here.test", "bob", text="x: y\n\nnot ann\n", user=DAEMON)
    assert len(stopped.drop()) == 2
    listing = stopped.run(["ls", str(stopped.server.data_dir / "drop")], user=DAEMON, expect=None)
    assert listing.returncode != 0
    stopped.server.start()
    stopped.wait_drop_empty()
    # whose file it is counts, not what stands in it
    (message,) = stopped.server.wait_messages("bob@here.test")
    assert message.startswith(b"Return-Path: <daemon@here.test>")
    (event,) = stopped.server.wait_event("drop.refused")
    assert "550" in event["why"]
    assert stopped.refused() == [event["file"]]


def test_unknown_recipients_are_told_to_the_sender(stopped):
    stopped("-f", "ann@here.test", "nobody", "bob@here.test")
    stopped.server.start()
    stopped.server.wait_messages("bob@here.test")
    (notice,) = stopped.server.wait_messages("ann@here.test")
    assert b"nobody@here.test" in notice and notice.startswith(b"Return-Path: <>")
    stopped.wait_drop_empty()


def test_never_started(make_server):
    """Without data_dir/drop there is nowhere to leave it."""
    sendmail = Sendmail(make_server())
    assert b"cannot wait" in sendmail("bob", expect=69).stderr


def test_large_and_many(stopped):
    big = "x: y\n\n" + ("z" * 70 + "\n") * 50000
    stopped("bob", text=big)
    for number in range(20):
        stopped("ann@here.test", text=f"Subject: {number}\n\nx\n")
    assert len(stopped.drop()) == 21
    stopped.server.start()
    messages = stopped.server.wait_messages("ann@here.test", 20, timeout=30)
    assert {parsed(message)["subject"] for message in messages} == {str(n) for n in range(20)}
    (message,) = stopped.server.wait_messages("bob@here.test", timeout=30)
    assert body_of(message) == ("z" * 70 + "\r\n").encode() * 50000
    stopped.wait_drop_empty()


def test_left_while_it_runs(sendmail):
    """A file that comes while the server runs is found, too."""
    waiting = sendmail.server.data_dir / "drop" / "by-hand"
    text = b"x: y\r\n\r\nz\r\n"
    hidden = waiting.with_name(".by-hand")
    hidden.write_bytes(b"postrider drop 1\nflags 0\nsize %d\nfrom root\nto bob\n\n%s"
                       % (len(text), text))
    hidden.rename(waiting)
    sendmail.server.wait_messages("bob@here.test", timeout=60)
    sendmail.wait_drop_empty()


@pytest.mark.parametrize("moment", range(6))
def test_killed_between(stopped, moment):
    """SIGKILL to all of it, at some moment of the take-up: each message once."""
    server = stopped.server
    for number in range(12):
        stopped("bob", text=f"Subject: {number}\n\nx\n")
    for turn in range(3):
        server.start(wait=False)
        wait_for(lambda: server.process.poll() is not None or
                 len(stopped.drop()) < 12 - turn * 3 or not stopped.drop(), 20, "some to be taken")
        time.sleep(moment * 0.003)
        server.kill_all()
    server.start()
    stopped.wait_drop_empty()
    server.wait_messages("bob@here.test", 12)
    server.wait_queue_empty()
    subjects = sorted(int(parsed(message)["subject"])
                      for message in server.messages("bob@here.test"))
    assert subjects == list(range(12))


@pytest.mark.parametrize("end", ["killed", "in order"])
def test_durable_and_not_removed(stopped, end):
    """The moment between the commit and the removal: the file is there again."""
    server = stopped.server
    stopped("bob", text="Subject: once\n\nx\n")
    (path,) = stopped.drop()
    content, owner = path.read_bytes(), path.stat()
    server.start()
    server.wait_messages("bob@here.test")
    stopped.wait_drop_empty()
    if end == "killed":
        server.kill_all()
    else:
        server.stop()
    # as if the removal had not reached the disk
    path.write_bytes(content)
    os.chown(path, owner.st_uid, owner.st_gid)
    server.start()
    stopped.wait_drop_empty()
    server.wait_event("queue.duplicate")
    server.wait_queue_empty()
    assert len(server.messages("bob@here.test")) == 1


@pytest.mark.parametrize("role", ["front", "queue", "directory"])
def test_role_dies_meanwhile(stopped, role):
    server = stopped.server
    for number in range(10):
        stopped("bob", text=f"Subject: {number}\n\nx\n")
    server.start()
    server.kill_role(role)
    stopped.wait_drop_empty()
    server.wait_messages("bob@here.test", 10, timeout=30)
    server.wait_queue_empty()
    assert len(server.messages("bob@here.test")) == 10


def test_hostile_files(stopped):
    """Nothing that is put there does any harm; a message among it arrives."""
    server, drop = stopped.server, stopped.server.data_dir / "drop"
    # both would be messages, if they were taken
    secret, linked = server.dir / "secret", server.dir / "linked"
    for path in (secret, linked):
        path.write_bytes(b"postrider drop 1\nflags 0\nsize 6\nfrom root\nto bob\n\nx: y\r\n")
    os.mkfifo(drop / "fifo")
    (drop / "link").symlink_to(secret)
    (drop / "dangling").symlink_to("/nonexistent")
    os.link(linked, drop / "hardlink")
    (drop / "folder").mkdir()
    (drop / "folder" / "in it").write_text("x")
    (drop / "empty").write_bytes(b"")
    (drop / "garbage").write_bytes(os.urandom(70000))
    (drop / "injection").write_bytes(
        b"postrider drop 1\nflags 0\nsize 5\nfrom root>\r\nRCPT TO:<ann@here.test\nto bob\n\nx: y\n")
    (drop / "short").write_bytes(b"postrider drop 1\nflags 0\nsize 500\nfrom root\nto bob\n\nx: y\n")
    (drop / "long").write_bytes(b"postrider drop 1\nflags 0\nsize 1\nfrom root\nto bob\n\nx: y\n")
    (drop / "bare").write_bytes(b"postrider drop 1\nflags 0\nsize 12\nfrom root\nto bob\n\n"
                                b"x: y\n\nbare\nz")
    (drop / ("n" * 200)).write_text("long name")
    (drop / "-rf *;$(x)\n").write_text("odd name")
    with open(drop / "huge", "wb") as huge:
        huge.truncate(1 << 40)
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(drop / "socket"))
    names = {path.name for path in stopped.drop()}
    stopped("bob", text="Subject: good\n\nx\n")
    server.start()
    (message,) = server.wait_messages("bob@here.test")
    assert parsed(message)["subject"] == "good"
    stopped.wait_drop_empty()
    assert set(stopped.refused()) == names
    assert len(server.events("drop.refused")) == len(names)
    assert secret.read_text().startswith("postrider drop")
    server.wait_queue_empty()
    assert len(server.messages("bob@here.test")) == 1
    assert not server.messages("ann@here.test")
    assert not server.events("role.died")


def test_unfinished_files(stopped):
    """A file that is being written is left alone; one that nobody finished goes."""
    drop = stopped.server.data_dir / "drop"
    (drop / ".fresh").write_text("x")
    (drop / ".stale").write_text("x")
    os.utime(drop / ".stale", (1, 1))
    stopped.server.start()
    wait_for(lambda: stopped.refused() == [".stale"], 30, "the stale one to go")
    assert (drop / ".fresh").exists()


def test_hostile_session_on_the_socket(sendmail):
    path = str(sendmail.server.dir / "run" / "submit.sock")

    def talk(data):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20 * PATIENCE)
            client.connect(path)
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                got = b""
                while piece := client.recv(65536):
                    got += piece
            except (BrokenPipeError, ConnectionResetError):
                return b""
            return got

    assert talk(b"").startswith(b"220")
    talk(os.urandom(100000))
    assert b"\r\n502 " in talk(b"EHLO x\r\nSTARTTLS\r\nAUTH PLAIN AGEAYQ==\r\nQUIT\r\n")
    assert b"\r\n501 " in talk(b"EHLO x\r\nMAIL FROM:<a b>\r\nQUIT\r\n")
    sendmail("bob")
    sendmail.server.wait_messages("bob@here.test")
    assert not sendmail.server.events("role.died")


def test_bare_names_are_only_for_this_machine(sendmail):
    client = Raw("127.0.0.1", sendmail.server.smtp_port)
    client.reply()
    client.command("EHLO x")
    assert client.command("MAIL FROM:<bob>")[0] == 501
    assert client.command("MAIL FROM:<>")[0] == 250
    assert client.command("RCPT TO:<bob>")[0] == 501
    assert client.command("RCPT TO:<postmaster>")[0] == 250
    client.close()


def test_messages_go_on_while_a_front_dies(sendmail):
    """No front for a moment: the message waits in a file, and sendmail says 0."""
    for pid in sendmail.server.roles()["front"]:
        kill(pid, signal.SIGSTOP)
        kill(pid, signal.SIGKILL)
        wait_for(lambda pid=pid: not is_alive(pid), 5, "the front to be gone")
    for _ in range(5):
        sendmail("bob")
    sendmail.wait_drop_empty()
    assert len(sendmail.server.wait_messages("bob@here.test", 5, timeout=60)) == 5


def test_stopping_server_leaves_no_socket(stopped):
    assert not (stopped.server.dir / "run" / "submit.sock").exists()
    assert pathlib.Path(stopped.server.data_dir / "drop").exists()


# ---- limits -----------------------------------------------------------------------------


@needs_root
def test_limit_of_the_hour(make_server):
    """An account's limit holds for its user, too, and for files that he leaves."""
    server = make(make_server, options={"submission": {"messages_per_hour": 3}})
    server.add_account("games@here.test")
    sendmail = Sendmail(server.start())
    for _ in range(3):
        sendmail("bob", user=GAMES)
    assert b"451 4.7.1" in sendmail("bob", user=GAMES, expect=75).stderr
    assert not sendmail.drop()
    sendmail("bob", user=DAEMON)                # nobody's account: no limit
    server.stop()
    for _ in range(5):
        sendmail("bob", user=GAMES)
    sendmail("bob", user=DAEMON)
    server.start()                              # limits begin anew with the process
    wait_for(lambda: len(sendmail.drop()) == 2, 30, "three of five to be taken")
    assert len(server.wait_messages("bob@here.test", 8)) == 8
    assert not sendmail.refused()


@needs_root
def test_limit_of_recipients(make_server):
    """A message that waits is taken with all its recipients, or not yet."""
    server = make(make_server, options={"submission": {"recipients_per_hour": 2}})
    server.add_account("games@here.test")
    sendmail = Sendmail(server)
    server.start()
    server.stop()
    sendmail("bob", "ann@here.test", "games", user=GAMES)
    sendmail("bob", user=DAEMON)
    server.start()
    server.wait_messages("bob@here.test")
    wait_for(lambda: len(sendmail.drop()) == 1, 30, "the other one to be taken")
    time.sleep(1)
    assert len(server.messages("bob@here.test")) == 1
    assert not server.messages("ann@here.test")


# ---- what the sender wants to be told ------------------------------------------------------


def reported(notice):
    """(envelope identifier, action) of a notice."""
    _, status, _ = parsed(notice).get_payload()
    fields, recipient = status.get_payload()
    return fields["Original-Envelope-Id"], recipient["Action"]


@pytest.mark.parametrize("is_up", [True, False])
def test_notices_as_the_sender_wants(stopped, is_up):
    """-N, -R and -V reach the queue, through the socket and through a file."""
    server = stopped.server
    if is_up:
        server.start()
    stopped("-f", "ann@here.test", "-N", "success,failure", "-V", "QQ+2B", "-Rhdrs", "bob")
    stopped("-f", "ann@here.test", "-Nfailure", "-Vsilent", "bob")
    if not is_up:
        assert len(stopped.drop()) == 2
        # refused when it is taken up: one sender wants to hear of it, the other does not
        stopped("-f", "ann@here.test", "-N", "never", "-V", "never", "nobody@here.test")
        stopped("-f", "ann@here.test", "-Vheard", "-R", "hdrs", "nobody@here.test",
                text="Subject: x\n\nketchup\n")
        server.start()
    wanted = {("QQ+", "delivered")} if is_up else {("QQ+", "delivered"), ("heard", "failed")}
    server.wait_messages("bob@here.test", 2)
    notices = server.wait_messages("ann@here.test", len(wanted), timeout=60)
    stopped.wait_drop_empty()
    server.wait_queue_empty()
    notices = server.messages("ann@here.test")
    assert {reported(notice) for notice in notices} == wanted and len(notices) == len(wanted)
    assert b"ketchup" not in b"".join(notices)


def test_a_wish_that_is_none_warns(sendmail):
    for flag, value in (("-N", "sometimes"), ("-R", "half"), ("-V", "a b")):
        warning = sendmail(flag, value, "bob").stderr
        assert f"{flag} has no value {value}".encode() in warning
    assert len(sendmail.server.wait_messages("bob@here.test", 3)) == 3


# ---- TLS all the way, and the user agent --------------------------------------------------


def test_requiretls(sendmail):
    """It is passed on: a server without TLS does not get the message (RFC 8689)."""
    sendmail("-O", "requiretls=yes", "bob")
    sendmail.server.wait_messages("bob@here.test")
    sendmail("-v", "-O", "requiretls=yes", "x@nowhere.test")
    assert b"REQUIRETLS" in sendmail("-v", "-orequiretls=yes", "bob").stdout


@needs_root
def test_mail_send_needs_no_password(sendmail):
    def send(sender, user, expect=0):
        return sendmail.run([sendmail.bin / "postrider", "--config",
                             str(sendmail.server.config_path), "mail", "send", "-f", sender,
                             "-t", "bob@here.test", "-s", "x"], text="y\n", user=user,
                            expect=expect)

    send("ann@here.test", None)
    send("daemon@here.test", DAEMON)
    assert b"550 5.7.1" in send("ann@here.test", DAEMON, expect=77).stdout
    assert len(sendmail.server.wait_messages("bob@here.test", 2)) == 2
