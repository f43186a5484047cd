"""Real programs against a live server: mbsync, offlineimap, fetchmail, getmail, neomutt,
imapflow.  After each the account is whole: `postrider mailbox check` finds nothing.

POSTRIDER_LONG=1: mbsync with 5,000 messages.
"""

import imaplib
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from server import PASSWORD, PATIENCE, ROOT, Server

IS_LONG = bool(os.environ.get("POSTRIDER_LONG"))
imaplib._MAXLINE = 10_000_000
HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def running():
    it = Server()
    try:
        it.start()
        it.add_domain("example.net")
        yield it
    finally:
        it.close()


@pytest.fixture
def server(running):
    """After the test all accounts that it made are whole."""
    before = set(running.passwords)
    yield running
    for address in set(running.passwords) - before:
        running.run("mailbox", "check", address)


def needs(program, package):
    if shutil.which(program) is None:
        pytest.fail(f"{program} is missing: script/setup (package {package})")


def login(server, user):
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=60 * PATIENCE)
    client.login(user, PASSWORD)
    return client


def message(number):
    return (f"From: someone@example.org\r\nTo: one@example.net\r\nSubject: message {number}\r\n"
            f"Message-ID: <{number}@example.org>\r\n\r\n" + "x" * 60 + "\r\n").encode()


def fill(server, user, count, mailbox="INBOX"):
    """An account with so many messages; they are sent ahead of their answers."""
    if user not in server.passwords:
        server.add_account(user)
    client = login(server, user)
    for start in range(0, count, 50):
        text = b"".join(b"x%d APPEND %s {%d+}\r\n%s\r\n" % (
            number, mailbox.encode(), len(message(number)), message(number))
            for number in range(start, min(start + 50, count)))
        client.send(text)
        last = b"x%d " % (min(start + 50, count) - 1)
        while not (line := client.readline()).startswith(last):
            assert line.split()[1] == b"OK", line
        assert line.split()[1] == b"OK", line
    return client


def subjects(client, mailbox="INBOX"):
    """subject -> flags of all that is in a mailbox."""
    count = int(client.select(mailbox, readonly=True)[1][0])
    out = {}
    if count:
        data = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        for one in data:
            if isinstance(one, tuple):
                flags = re.search(rb"FLAGS \((.*?)\)", one[0])[1].decode().split()
                out[one[1].decode().split(": ", 1)[1].strip()] = set(flags) - {r"\Recent"}
    assert len(out) == count
    return out


def run(*words, folder, code=0):
    done = subprocess.run(words, capture_output=True, text=True, timeout=600 * PATIENCE,
                          env={**os.environ, "HOME": str(folder), "FETCHMAILHOME": str(folder)})
    assert done.returncode == code, done.stdout + done.stderr
    return done


# ---- mbsync --------------------------------------------------------------------

MBSYNC = """
IMAPAccount a
Host {host}
Port {port}
User {user}
Pass {password}
{ssl} None
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
Path {dir}/mail/
Inbox {dir}/mail/INBOX
SubFolders Verbatim

Channel c
{far} :far:
{near} :near:
Patterns *
Create Both
Expunge Both
Remove Both
SyncState *
"""


def set_up_mbsync(server, user, folder):
    needs("mbsync", "isync")
    version = subprocess.run(["mbsync", "--version"], capture_output=True, text=True).stdout
    is_new = int(re.search(r"(\d+)\.(\d+)", version).group(2)) >= 4
    (folder / "mail").mkdir()
    (folder / "mbsyncrc").write_text(MBSYNC.format(
        host=server.address, port=server.imap_port, user=user, password=PASSWORD, dir=folder,
        ssl="SSLType", far="Far" if is_new else "Master", near="Near" if is_new else "Slave"))
    return lambda: run("mbsync", "-c", folder / "mbsyncrc", "-a", folder=folder)


def maildir(folder, name="INBOX"):
    """subject -> the file, of a Maildir."""
    out = {}
    for part in ("cur", "new"):
        for path in (folder / "mail" / name / part).iterdir():
            out[re.search(rb"Subject: (.*?)\r?\n", path.read_bytes())[1].decode()] = path
    return out


def mark(path, letters):
    path.rename(path.parent.parent / "cur" / f"{path.name.split(':')[0]}:2,{letters}")


def marks(path):
    return path.name.rpartition(":2,")[2] if ":2," in path.name else ""


def test_mbsync_both_ways(server, tmp_path):
    """Flags and deletions of many messages go both ways; a last run has nothing to do."""
    count = 5000 if IS_LONG else 500
    client = fill(server, "sync@example.net", count)
    client.create("Projects/Postrider")
    client.append("Projects/Postrider", r"(\Flagged)", None, message(count))
    sync = set_up_mbsync(server, "sync@example.net", tmp_path)
    began = time.monotonic()
    sync()
    print(f"{count} messages: {time.monotonic() - began:.1f} s")
    near = maildir(tmp_path)
    assert len(near) == count
    assert marks(maildir(tmp_path, "Projects/Postrider")[f"message {count}"]) == "F"
    # here every seventh is read, and every eleventh goes; there others
    for number in range(0, count, 7):
        mark(near[f"message {number}"], "S")
    for number in range(1, count, 11):
        path = near[f"message {number}"]
        (path if path.exists() else path.parent.parent / "cur" /
         f"{path.name.split(':')[0]}:2,S").unlink()
    client.select()
    numbers = ",".join(str(number + 1) for number in range(2, count, 13))
    client.store(numbers, "+FLAGS.SILENT", r"(\Answered)")
    numbers = ",".join(str(number + 1) for number in range(3, count, 17))
    client.store(numbers, "+FLAGS.SILENT", r"(\Deleted)")
    client.expunge()
    client.append("INBOX", r"(\Draft)", None, message(count + 1))
    began = time.monotonic()
    sync()
    print(f"changes: {time.monotonic() - began:.1f} s")
    gone = set(range(1, count, 11)) | set(range(3, count, 17))
    want = {}
    for number in set(range(count)) - gone:
        want[f"message {number}"] = ({r"\Seen"} if number % 7 == 0 else set()) | \
            ({r"\Answered"} if number % 13 == 2 else set())
    want[f"message {count + 1}"] = {r"\Draft"}
    assert subjects(client) == want
    letters = {r"\Seen": "S", r"\Answered": "R", r"\Draft": "D"}
    assert {subject: set(marks(path)) for subject, path in maildir(tmp_path).items()} == {
        subject: {letters[flag] for flag in flags} for subject, flags in want.items()}
    highest = client.status("INBOX", "(HIGHESTMODSEQ)")[1]
    before = {path.name for path in maildir(tmp_path).values()}
    sync()
    assert client.status("INBOX", "(HIGHESTMODSEQ)")[1] == highest
    assert {path.name for path in maildir(tmp_path).values()} == before
    client.logout()


def test_mbsync_while_a_client_idles(server, tmp_path):
    """What mbsync does another client hears in IDLE, and a mailbox that it makes appears."""
    user = "live@example.net"
    client = fill(server, user, 5)
    sync = set_up_mbsync(server, user, tmp_path)
    sync()
    client.select()
    tag = client._new_tag()
    client.send(tag + b" IDLE\r\n")
    assert client.readline().startswith(b"+")
    near = maildir(tmp_path)
    mark(near["message 1"], "S")
    near["message 3"].unlink()
    (tmp_path / "mail/INBOX/new/1.new").write_bytes(message(9).replace(b"\r\n", b"\n"))
    for part in ("cur", "new", "tmp"):
        (tmp_path / "mail/Made" / part).mkdir(parents=True)
    sync()
    heard = []
    # in whatever order mbsync does it
    while not all(re.search(wanted, b"\n".join(heard), re.M) for wanted in (
            rb"^4 EXPUNGE", rb"^[56] EXISTS", rb"^2 FETCH .*\\Seen")):
        line = client.readline()
        assert line.startswith(b"* "), (line, heard)
        heard.append(line[2:].rstrip())
    client.send(b"DONE\r\n")
    while not client.readline().startswith(tag + b" OK"):
        pass
    assert sorted(subjects(client)) == sorted(f"message {n}" for n in (0, 1, 2, 4, 9))
    assert client.select("Made")[0] == "OK"
    client.logout()


# ---- offlineimap ---------------------------------------------------------------

OFFLINEIMAP = """
[general]
accounts = a
metadata = {dir}/meta
[Account a]
localrepository = l
remoterepository = r
[Repository l]
type = Maildir
localfolders = {dir}/mail
[Repository r]
type = IMAP
remotehost = {host}
remoteport = {port}
remoteuser = offline@example.net
remotepass = {password}
ssl = no
starttls = no
"""


def test_offlineimap_both_ways(server, tmp_path):
    """Flags and deletions of both sides meet; a third run finds nothing to do."""
    needs("offlineimap", "offlineimap3")
    client = fill(server, "offline@example.net", 40)
    client.create("Sub/Deep")
    (tmp_path / "rc").write_text(OFFLINEIMAP.format(
        dir=tmp_path, host=server.address, port=server.imap_port, password=PASSWORD))

    def sync():
        done = run("offlineimap", "-c", tmp_path / "rc", "-o", "-u", "basic", folder=tmp_path)
        assert "ERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
        return maildir(tmp_path)

    near = sync()
    assert len(near) == 40 and (tmp_path / "mail" / "Sub.Deep").is_dir()
    near["message 3"].unlink()
    mark(near["message 4"], "S")
    client.select()
    client.store("9", "+FLAGS", r"(\Flagged)")
    client.store("10", "+FLAGS", r"(\Deleted)")
    client.expunge()
    near = sync()
    assert sorted(near) == sorted(sync())
    assert len(near) == 38 and "F" in marks(near["message 8"])
    found = subjects(client)
    assert len(found) == 38
    assert [name for name, flags in found.items() if r"\Seen" in flags] == ["message 4"]
    client.logout()


# ---- fetchmail and getmail -------------------------------------------------------

def test_fetchmail(server, tmp_path):
    """All messages come once, and are read afterwards."""
    needs("fetchmail", "fetchmail")
    client = fill(server, "fetch@example.net", 5)
    rc = tmp_path / "rc"
    rc.write_text(f'poll {server.address} protocol imap port {server.imap_port} '
                  f'username "fetch@example.net" password "{PASSWORD}" '
                  f'options sslproto "" no rewrite keep mda "cat >> {tmp_path}/out"\n')
    rc.chmod(0o600)
    for code in (0, 1):         # 1: there was no mail
        run("fetchmail", "-f", rc, "--nodetach", "--nosyslog", folder=tmp_path, code=code)
    assert (tmp_path / "out").read_text().count("Subject: message") == 5
    assert all(r"\Seen" in flags for flags in subjects(client).values())
    client.logout()


GETMAIL = """
[retriever]
type = {type}
server = {host}
port = {port}
username = {user}
password = {password}
{more}
[destination]
# not Maildir: getmail has that only for users who are not root
type = MDA_external
path = /usr/bin/tee
arguments = ("-a", "{dir}/got")
allow_root_commands = true
[options]
read_all = false
delete = {delete}
delivered_to = false
received = false
verbose = 0
"""


@pytest.mark.parametrize("kind", ["IMAP", "POP3"])
@pytest.mark.parametrize("security", ["plain", "tls"])
def test_getmail(server, tmp_path, kind, security):
    """Each message once; what came later comes in the next run; then all are deleted."""
    needs("getmail", "getmail6")
    user = f"get-{kind.lower()}-{security}@example.net"
    client = fill(server, user, 10)
    ports = {("IMAP", "plain"): server.imap_port, ("IMAP", "tls"): server.imaps_port,
             ("POP3", "plain"): server.pop3_port, ("POP3", "tls"): server.pop3s_port}

    def fetch(delete="false"):
        (tmp_path / "getmailrc").write_text(GETMAIL.format(
            type=f"Simple{kind}{'SSL' * (security == 'tls')}Retriever", host=server.address,
            port=ports[kind, security], user=user, password=PASSWORD, dir=tmp_path,
            delete=delete, more='mailboxes = ("INBOX",)' if kind == "IMAP" else ""))
        done = run("getmail", f"--getmaildir={tmp_path}", folder=tmp_path)
        assert "rror" not in done.stdout + done.stderr, done.stdout + done.stderr
        return sorted(map(int, re.findall(r"^Subject: message (\d+)$",
                                          (tmp_path / "got").read_text(), re.M)))

    assert fetch() == list(range(10))
    assert fetch() == list(range(10))
    client.append("INBOX", None, None, message(10))
    assert fetch("true") == list(range(11))
    client.noop()
    assert subjects(client) == {}
    client.logout()


# ---- neomutt ---------------------------------------------------------------------

NEOMUTT = """
set folder = "imap://{host}:{port}/"
set imap_user = "mutt@example.net"
set imap_pass = "{password}"
set imap_authenticators = "login"
set ssl_starttls = no
set ssl_force_tls = no
set spoolfile = "+INBOX"
set record = ""
set confirmappend = no
set delete = yes
set quit = yes
set move = no
set mark_old = no
set sleep_time = 0
set sort = mailbox-order
set imap_qresync = {qresync}
set imap_condstore = {qresync}
set header_cache = "{dir}/cache"
set pager = builtin
"""


def neomutt(server, folder, keys, qresync="no"):
    """Runs it on a terminal of its own until it ends by itself."""
    (folder / "rc").write_text(NEOMUTT.format(
        host=server.address, port=server.imap_port, password=PASSWORD, dir=folder,
        qresync=qresync))
    controller, terminal = pty.openpty()
    child = subprocess.Popen(
        ["neomutt", "-n", "-F", folder / "rc", "-e", f'push "{keys}"'], stdin=terminal,
        stdout=terminal, stderr=terminal, start_new_session=True, cwd=folder,
        env={**os.environ, "HOME": str(folder), "TERM": "xterm", "LINES": "40",
             "COLUMNS": "120"})
    os.close(terminal)
    seen, end = b"", time.monotonic() + 60 * PATIENCE
    while time.monotonic() < end:
        if select.select([controller], [], [], 1)[0]:
            try:
                seen += os.read(controller, 65536)
            except OSError:
                break
        elif child.poll() is not None:
            break
    if child.poll() is None and time.monotonic() >= end:
        child.kill()
    os.close(controller)
    assert child.wait(60 * PATIENCE) == 0, seen[-3000:].decode(errors="replace")


@pytest.mark.parametrize("qresync", ["no", "yes"])
def test_neomutt(server, tmp_path, qresync):
    """Reads, flags, moves and deletes, driven by keys; a second run sees what is left."""
    needs("neomutt", "neomutt")
    if "mutt@example.net" in server.passwords:
        server.run("account", "remove", "mutt@example.net")
        del server.passwords["mutt@example.net"]
    client = fill(server, "mutt@example.net", 6)
    neomutt(server, tmp_path,
            "<jump>1<enter><display-message><exit><jump>2<enter><flag-message>"
            "<jump>3<enter><save-message><kill-line>=Archive<enter>"
            "<jump>4<enter><delete-message><jump>5<enter><copy-message><kill-line>=Trash<enter>"
            "<sync-mailbox><quit>", qresync)
    assert subjects(client) == {"message 0": {r"\Seen"}, "message 1": {r"\Flagged"},
                                "message 4": set(), "message 5": set()}
    assert list(subjects(client, "Archive")) == ["message 2"]
    assert list(subjects(client, "Trash")) == ["message 4"]
    client.select()
    client.store("2", "-FLAGS", r"(\Flagged)")
    client.store("1", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.append("INBOX", None, None, message(6))
    # now 1, 4, 5, 6: the third is deleted, all others are read
    neomutt(server, tmp_path,
            "<jump>3<enter><delete-message><tag-pattern>!~D<enter><tag-prefix><clear-flag>N"
            "<sync-mailbox><quit>", qresync)
    assert subjects(client) == {"message 1": {r"\Seen"}, "message 4": {r"\Seen"},
                                "message 6": {r"\Seen"}}
    client.logout()


# ---- imapflow --------------------------------------------------------------------

def start_imapflow(server, user, security):
    needs("node", "nodejs")
    home = ROOT / "build" / "imapflow"
    if not (home / "node_modules" / "imapflow").is_dir():
        pytest.fail("imapflow is missing: script/setup")
    shutil.copy(HERE / "imapflow" / "drive.mjs", home / "drive.mjs")
    port = server.imaps_port if security == "tls" else server.imap_port
    return subprocess.Popen(["node", home / "drive.mjs", str(port), user, PASSWORD, security],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("security", ["plain", "starttls", "tls"])
def test_imapflow(server, security):
    """Mailboxes, messages, flags, and IDLE, as a program in JavaScript has them."""
    user = f"flow-{security}@example.net"
    server.add_account(user)
    child = start_imapflow(server, user, security)
    said = {}
    for line in child.stdout:
        what, *values = json.loads(line)
        assert what not in ("error", "failed"), line
        said[what] = values
        if what == "idling":
            break
    assert {"IMAP4rev2", "QRESYNC", "IDLE"} <= set(said["capabilities"][0])
    assert "QRESYNC" in said["capabilities"][1]
    assert ["Büro/Neu", ""] in said["list"][0] and ["Trash", r"\Trash"] in said["list"][0]
    assert said["status"][0] == {"path": "INBOX", "messages": 0, "uidNext": 1, "unseen": 0,
                                 "highestModseq": 1}
    assert [one[2] for one in said["fetch"][0]] == [f"letter {n} käse" for n in range(1, 6)]
    assert said["fetch"][0][0][1:] == [[r"\Seen"], "letter 1 käse", "text/plain", 135,
                                       "2023-11-14T12:00:00.000Z", True]
    assert said["source"][0].startswith("From: one@") and "body of 2" in said["source"][0]
    assert said["download"] == ["body of 3\r\n"]
    assert said["search"] == [[2, 4], [4]]
    assert said["copied"] == [{"1": 1, "2": 2}] and said["moved"] == [{"3": 3}]
    assert said["left"] == [[[1, []], [2, ["$Work", r"\Flagged"]], [4, ["$Work", r"\Flagged"]]]]
    assert said["idling"] == [True]
    hears_in_idle(server, user, child)
    client = login(server, user)
    assert len(subjects(client)) == 3
    client.logout()


def hears_in_idle(server, user, child):
    """A delivery, a change of flags, an expunge; then it logs out."""
    server.send("x@example.org", [user], "Subject: live\r\n\r\nx\r\n")
    assert json.loads(child.stdout.readline()) == ["exists", 4, 3]
    other = login(server, user)
    other.select()
    other.store("4", "+FLAGS", r"(\Answered)")
    assert json.loads(child.stdout.readline()) == ["flags", 4, [r"\Answered"]]
    other.store("4", "+FLAGS.SILENT", r"(\Deleted)")
    assert json.loads(child.stdout.readline())[0] == "flags"
    other.expunge()
    said = json.loads(child.stdout.readline())
    assert said[0] == "expunge" and (said[1] == 4 or said[2] == 6), said
    other.logout()
    out, _ = child.communicate("\n", timeout=60 * PATIENCE)
    assert child.returncode == 0 and json.loads(out.splitlines()[-1]) == ["end"], out
