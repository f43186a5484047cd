"""Other people's programs, on both sides."""

import os
import poplib
import shutil
import smtplib
import subprocess

import pytest

from postfix import PEER, Postfix
from server import PASSWORD, PATIENCE, wait_for, without_trace

BODY = b"From: <f@else.test>\r\nSubject: peers\r\n\r\nHello.\r\n..two dots\r\n.\r\nend\r\n"
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="Postfix wants to be started by root")
needs_postfix = pytest.mark.skipif(not (PEER / "usr/lib/postfix/sbin/master").exists(),
                                   reason="script/setup has not unpacked Postfix")


def twenty_megabytes():
    line = b"0123456789" * 7 + b"\r\n"
    return BODY + line * (20 * 1024 * 1024 // len(line))


@pytest.fixture
def pair(make_server):
    """(postrider, postfix), each the way of the other."""
    from server import free_port
    port = free_port()
    server = make_server(options={"outbound": {"smarthost": f'"[127.0.0.1]:{port}"'}})
    postfix = Postfix(server.smtp_port, port)
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    postfix.start()
    yield server, postfix
    postfix.close()


def send_to(port, sender, recipients, body):
    with smtplib.SMTP("127.0.0.1", port, "client.test", timeout=120 * PATIENCE) as client:
        assert client.sendmail(sender, recipients, body) == {}


@needs_root
@needs_postfix
def test_postfix_delivers_to_postrider(pair):
    server, postfix = pair
    send_to(postfix.port, "f@else.test", ["ann@here.test"], BODY)
    (got,) = server.wait_messages("ann@here.test", timeout=30)
    assert got.endswith(BODY)
    assert b"from postfix.test" in got
    assert server.events("queue.accepted")


@needs_root
@needs_postfix
def test_postrider_delivers_to_postfix(pair):
    server, postfix = pair
    send_to(server.smtp_port, "f@else.test", ["zoe@peer.test"], BODY)
    (got,) = wait_for(postfix.messages, 30, "mail at Postfix")
    assert got.endswith(BODY.replace(b"\r\n", b"\n"))
    server.wait_queue_empty()


@needs_root
@needs_postfix
def test_twenty_megabytes_from_postfix(pair):
    server, postfix = pair
    body = twenty_megabytes()
    send_to(postfix.port, "f@else.test", ["ann@here.test"], body)
    (got,) = server.wait_messages("ann@here.test", timeout=60)
    assert got.endswith(body)


@needs_root
@needs_postfix
def test_twenty_megabytes_to_postfix(pair):
    server, postfix = pair
    body = twenty_megabytes()
    send_to(server.smtp_port, "f@else.test", ["zoe@peer.test"], body)
    (got,) = wait_for(postfix.messages, 60, "mail at Postfix")
    assert got.endswith(body.replace(b"\r\n", b"\n"))


@needs_root
@needs_postfix
def test_thousand_recipients_from_postfix(pair):
    """Postfix pipelines them all in one transaction."""
    server, postfix = pair
    addresses = [f"r{number}@here.test" for number in range(1000)]
    for address in addresses:
        server.add_alias(address, "ann@here.test")
    send_to(postfix.port, "f@else.test", addresses, BODY)
    server.wait_messages("ann@here.test", timeout=60)
    wait_for(lambda: sum(int(event["rcpts"]) for event in server.events("queue.accepted")) >= 1000,
             60, "all recipients")
    server.wait_queue_empty(60)


@needs_root
@needs_postfix
def test_thousand_recipients_to_postfix(pair):
    server, postfix = pair
    addresses = [f"r{number}@peer.test" for number in range(1000)]
    send_to(server.smtp_port, "f@else.test", addresses, BODY)
    wait_for(lambda: len(postfix.messages()) == 1000, 90, "1000 messages at Postfix")
    server.wait_queue_empty()
    assert len(postfix.messages()) == 1000


@needs_root
@needs_postfix
def test_hundred_messages_each_way(pair):
    server, postfix = pair
    for number in range(100):
        body = BODY + b"%d\r\n" % number
        send_to(postfix.port, "f@else.test", ["ann@here.test"], body)
        send_to(server.smtp_port, "f@else.test", ["zoe@peer.test"], body)
    server.wait_messages("ann@here.test", 100, timeout=60)
    wait_for(lambda: len(postfix.messages()) == 100, 60, "100 messages at Postfix")
    server.wait_queue_empty()
    assert len(server.messages("ann@here.test")) == len(postfix.messages()) == 100


def test_python_smtplib_and_poplib(server):
    for number in range(3):
        server.send("f@else.test", "ann@here.test", BODY + b"%d\r\n" % number)
    server.wait_messages("ann@here.test", 3)
    client = poplib.POP3("127.0.0.1", server.pop3_port, timeout=20 * PATIENCE)
    assert "UIDL" in client.capa() and "TOP" in client.capa()
    client.user("ann@here.test")
    client.pass_(PASSWORD)
    count, size = client.stat()
    assert count == 3
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    assert sum(sizes) == size
    uids = [line.split()[1] for line in client.uidl()[1]]
    assert len(set(uids)) == 3
    assert b"Subject: peers" in client.top(1, 0)[1]
    _, lines, octets = client.retr(1)
    assert without_trace(b"".join(line + b"\r\n" for line in lines)).startswith(BODY)
    assert octets == sizes[0]
    client.dele(2)
    client.quit()
    client = server.pop3("ann@here.test")
    assert [line.split()[1] for line in client.uidl()[1]] == [uids[0], uids[2]]
    client.dele(1)
    client.close()                      # no QUIT: nothing is deleted
    assert len(server.messages("ann@here.test")) == 2


def tool(*words, text=b"", timeout=60):
    done = subprocess.run([str(word) for word in words], input=text, capture_output=True,
                          timeout=timeout * PATIENCE)
    assert done.returncode == 0, (words, done.stdout[-800:], done.stderr[-800:])
    return done.stdout


def test_swaks(server):
    tool("swaks", "--server", "127.0.0.1", "--port", server.smtp_port, "--from", "f@else.test",
         "--to", "ann@here.test,bob@here.test", "--header", "Subject: from swaks",
         "--body", "one\n.two\n", "--pipeline")
    for address in ("ann@here.test", "bob@here.test"):
        (got,) = server.wait_messages(address)
        assert b"Subject: from swaks" in got and b"\r\n.two\r\n" in got


def test_msmtp(server):
    tool("msmtp", "--host=127.0.0.1", f"--port={server.smtp_port}", "--from=f@else.test",
         "--tls=off", "--auth=off", "ann@here.test", text=BODY.replace(b"\r\n", b"\n"))
    (got,) = server.wait_messages("ann@here.test")
    assert got.endswith(BODY)


def test_curl_smtp_and_pop3(server, tmp_path):
    letter = tmp_path / "letter"
    letter.write_bytes(BODY)
    tool("curl", "-sS", f"smtp://127.0.0.1:{server.smtp_port}/client.test", "--mail-from",
         "f@else.test", "--mail-rcpt", "ann@here.test", "-T", letter)
    server.wait_messages("ann@here.test")
    user = f"ann@here.test:{PASSWORD}"
    here = f"pop3://127.0.0.1:{server.pop3_port}/"
    assert tool("curl", "-sS", "-u", user, here).startswith(b"1 ")
    assert without_trace(tool("curl", "-sS", "-u", user, here + "1")) == BODY
    tool("curl", "-sS", "-u", user, "-X", "DELE", "-l", here + "1")
    assert server.messages("ann@here.test") == []


def test_mpop(server, tmp_path):
    for number in range(3):
        server.send("f@else.test", "ann@here.test", BODY + b"%d\r\n" % number)
    server.wait_messages("ann@here.test", 3)
    for name in ("cur", "new", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    config = tmp_path / "mpoprc"
    config.write_text(f"""
account default
host 127.0.0.1
port {server.pop3_port}
user ann@here.test
password {PASSWORD}
tls off
auth user
delivery maildir {tmp_path}/box
uidls_file {tmp_path}/uidls
keep on
""")
    config.chmod(0o600)
    tool("mpop", f"--file={config}")
    assert len(list((tmp_path / "box/new").iterdir())) == 3
    tool("mpop", f"--file={config}")
    assert len(list((tmp_path / "box/new").iterdir())) == 3, "a second run fetched them again"
    config.write_text(config.read_text().replace("keep on", "keep off"))
    server.send("f@else.test", "ann@here.test", BODY)
    server.wait_messages("ann@here.test", 4)
    tool("mpop", f"--file={config}")
    assert len(list((tmp_path / "box/new").iterdir())) == 4
    assert server.messages("ann@here.test") == []


def test_tools_are_there():
    for name in ("swaks", "msmtp", "mpop", "curl"):
        assert shutil.which(name), f"script/setup installs {name}"
