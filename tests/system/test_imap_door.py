"""IMAP up to the login, with real clients: imaplib, openssl s_client, curl, gsasl.

What comes after the login is only looked at as far as to see that it has begun.
"""

import base64
import imaplib
import re
import shutil
import socket
import ssl
import subprocess

import pytest

from server import PATIENCE, Server, wait_for

BOB = "bob@here.test"
WRONG = b"[AUTHENTICATIONFAILED] name or password is wrong: check both"


def any_context(alpn=None):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols([alpn])
    return context


@pytest.fixture(scope="module")
def server():
    one = Server(options={"login": {"plaintext": '"never"'}})
    one.add_domain("here.test")
    one.add_account(BOB)
    one.start()
    yield one
    one.close()


def plain(server):
    """A socket, and the greeting."""
    client = socket.create_connection((server.address, server.imap_port), timeout=600)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    lines = client.makefile("rb")
    return client, lines, lines.readline()


def under_tls(server):
    raw = socket.create_connection((server.address, server.imaps_port), timeout=600)
    client = any_context("imap").wrap_socket(raw)
    lines = client.makefile("rb")
    return client, lines, lines.readline()


def all_of(client):
    """What comes until the end, however it ends."""
    got = b""
    try:
        while piece := client.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    return got


def has_session(client):
    """A command that only the account's process knows."""
    status, names = client.list()
    assert status == "OK" and any(b"INBOX" in name for name in names)
    assert client.logout()[0] == "BYE"


def test_no_password_without_tls(server):
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=600)
    assert "STARTTLS" in client.capabilities
    assert "LOGINDISABLED" in client.capabilities
    assert not any(name.startswith("AUTH=") for name in client.capabilities)
    with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
        client.login(BOB, server.passwords[BOB])
    client.starttls(any_context())
    assert "STARTTLS" not in client.capabilities
    assert "LOGINDISABLED" not in client.capabilities
    assert "AUTH=SCRAM-SHA-256-PLUS" in client.capabilities
    client.login(BOB, server.passwords[BOB])
    has_session(client)


def test_tls_from_the_first_byte(server):
    client = imaplib.IMAP4_SSL(server.address, server.imaps_port, ssl_context=any_context(),
                               timeout=600)
    assert "AUTH=PLAIN" in client.capabilities and "STARTTLS" not in client.capabilities
    client.login(BOB, server.passwords[BOB])
    has_session(client)


def test_authenticate(server):
    client = imaplib.IMAP4_SSL(server.address, server.imaps_port, ssl_context=any_context(),
                               timeout=600)
    answer = f"\0{BOB}\0{server.passwords[BOB]}".encode()
    client.authenticate("PLAIN", lambda challenge: answer)
    has_session(client)


def test_the_session_answers_the_login_and_what_came_behind_it(server):
    """The tag goes along, and so do commands that were sent ahead."""
    client, lines, _ = under_tls(server)
    client.sendall(f"t7 LOGIN {BOB} {{{len(server.passwords[BOB])}+}}\r\n"
                   f"{server.passwords[BOB]}\r\nt8 NOOP\r\nt9 LOGOUT\r\n".encode())
    answers = lines.read().split(b"\r\n")
    assert re.match(rb"t7 OK (\[CAPABILITY IMAP4\S+ .*\] )?", answers[0])
    assert [line for line in answers if line.startswith(b"t8 OK")]
    assert answers[-2].startswith(b"t9 OK")
    client.close()


@pytest.mark.parametrize("has_tls", [False, True])
def test_much_behind_a_login(make_server, has_tls):
    """All that a client sends ahead is the session's, however much it is."""
    one = make_server()
    one.add_domain("here.test")
    one.add_account(BOB)
    one.start()
    client, lines, _ = under_tls(one) if has_tls else plain(one)
    mail = b"Subject: ahead\r\n\r\n" + b"0123456789abcdef\r\n" * 20000
    client.sendall(b"a LOGIN %s %s\r\nb APPEND INBOX {%d+}\r\n%s\r\n"
                   b"c STATUS INBOX (MESSAGES SIZE)\r\nd LOGOUT\r\n"
                   % (BOB.encode(), one.passwords[BOB].encode(), len(mail), mail))
    answers = lines.read()
    assert re.search(rb"^b OK \[APPENDUID ", answers, re.M), answers
    assert b"(MESSAGES 1 SIZE %d)" % len(mail) in answers
    assert re.search(rb"^d OK", answers, re.M)
    client.close()


def test_words_for_a_wrong_login(make_server):
    """Nobody learns who has an account here.  RFC 5530 3"""
    server = make_server()      # its own: who fails often waits for his answers
    server.add_domain("here.test")
    server.add_account(BOB)
    server.start()
    client, lines, _ = under_tls(server)
    for number, command in enumerate((
            f"LOGIN {BOB} wrong", "LOGIN nobody@here.test wrong", "LOGIN bob wrong",
            'LOGIN "" ""', "AUTHENTICATE PLAIN " +
            base64.b64encode(b"\0bob@here.test\0wrong").decode(),
            "AUTHENTICATE PLAIN " + base64.b64encode(b"\0nobody@x.test\0wrong").decode())):
        client.sendall(f"a{number} {command}\r\n".encode())
        assert lines.readline() == b"a%d NO %s\r\n" % (number, WRONG)
    client.close()
    failed = server.wait_event("login.failed", service="imaps", user="nobody@here.test")[0]
    assert failed["ip"] == "127.0.0.1"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256",
                                       "SCRAM-SHA-256-PLUS"])
def test_gsasl(server, mechanism):
    if shutil.which("gsasl") is None:
        pytest.skip("there is no gsasl")
    options = [] if mechanism.endswith("-PLUS") else ["--no-cb"]
    done = subprocess.run(
        ["gsasl", "--imap", "--starttls", "--x509-ca-file=", "--verbose", "--connect",
         f"{server.address}:{server.imap_port}", "-m", mechanism, "-a", BOB,
         "-p", server.passwords[BOB], *options],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n. OK [CAPABILITY IMAP4rev1 " in done.stdout, done.stdout


def test_openssl_starttls(server):
    done = subprocess.run(["openssl", "s_client", "-quiet", "-starttls", "imap", "-connect",
                           f"{server.address}:{server.imap_port}"],
                          input=b"a CAPABILITY\nb LOGOUT\n", capture_output=True, timeout=600)
    assert b"* CAPABILITY IMAP4rev1 " in done.stdout
    assert b"b OK" in done.stdout


def test_curl(server):
    done = subprocess.run(["curl", "-sk", "--user", f"{BOB}:{server.passwords[BOB]}",
                           f"imaps://{server.address}:{server.imaps_port}/"],
                          capture_output=True, timeout=600)
    assert done.returncode == 0 and b"INBOX" in done.stdout, done
    done = subprocess.run(["curl", "-sk", "--user", f"{BOB}:wrong",
                           f"imaps://{server.address}:{server.imaps_port}/"],
                          capture_output=True, timeout=600)
    assert done.returncode == 67, done      # login denied


def test_alpn(server):
    """T05: who comes for another protocol is not let in."""
    client, _, greeting = under_tls(server)
    assert client.selected_alpn_protocol() == "imap"
    assert greeting.startswith(b"* OK [CAPABILITY ")
    client.close()
    raw = socket.create_connection((server.address, server.imaps_port), timeout=600)
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        any_context("http/1.1").wrap_socket(raw)
    raw.close()


@pytest.mark.parametrize("piece", [1, 2, 5, 12, 4096])
def test_plain_text_behind_starttls_is_nobodys(server, piece):
    """T01: neither in the same segment nor in later ones.  CVE-2021-33515"""
    client, lines, _ = plain(server)
    text = b"a STARTTLS\r\nb NOOP\r\nc LOGOUT\r\n"
    try:
        for at in range(0, len(text), piece):
            client.sendall(text[at:at + piece])
    except (BrokenPipeError, ConnectionResetError):
        pass
    answer = all_of(client)
    client.close()
    assert answer in (b"", b"a OK begin the handshake\r\n") or \
        answer.startswith(b"a OK begin the handshake\r\n\x15"), answer   # a TLS alert


def test_a_session_begins_anew_under_tls(server):
    """T02: errors that came before still count, nothing else does."""
    client, lines, _ = plain(server)
    client.sendall(b'a ID ("name" "x")\r\nb LOGIN bob {3}\r\nc STARTTLS\r\n')
    assert lines.readline().startswith(b"* ID ")
    assert lines.readline().startswith(b"a OK")
    assert lines.readline().startswith(b"b NO [PRIVACYREQUIRED]")
    assert lines.readline().startswith(b"c OK")
    tls = any_context().wrap_socket(client)
    tls.sendall(b"d STARTTLS\r\ne LOGOUT\r\n")
    answer = all_of(tls)
    assert answer.startswith(b"d BAD TLS is up already\r\n* BYE ")
    tls.close()


ATTACKS = {
    "parentheses": b"a ID " + b"(" * 100000 + b"\r\n",
    "line": b"x" * (1 << 20),
    "literal": b"a LOGIN {10000000}\r\n",
    "literal of 32 bits": b"a LOGIN {4294967296}\r\n",
    "literal of 64 bits": b"a LOGIN {18446744073709551617}\r\n",
    "literal at once": b"a LOGIN {10000000+}\r\n" + b"x" * (1 << 20),
    "many literals": b"a LOGIN" + b" {10+}\r\n0123456789" * 1000000,
    "many commands of one": b"a ID {10+}\r\n0123456789\r\n" * 100000,
    "web": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_who_sends_too_much_is_sent_away(server, name):
    """I01, D04, T05: BYE, and nothing is kept of it."""
    before = server.memory_kib("front")
    client, lines, _ = plain(server)
    try:
        client.sendall(ATTACKS[name])
    except (BrokenPipeError, ConnectionResetError):
        pass
    answer = all_of(client)
    client.close()
    grown = server.memory_kib("front") - before
    # a reset may have overtaken the words
    assert b"* BYE " in answer or len(ATTACKS[name]) > 100000, answer
    assert answer.count(b"\r\n") < 40
    assert grown < 4096 * (8 if PATIENCE > 12 else 1)
    client, _, greeting = plain(server)
    assert greeting.startswith(b"* OK ")
    client.close()


def test_too_many_connections(make_server):
    one = make_server(options={"limits": {"connections_per_address": 1}, "fronts": 1})
    one.start()
    first, _, greeting = plain(one)
    assert greeting.startswith(b"* OK ")
    second, lines, greeting = plain(one)
    assert greeting == (b"* BYE [UNAVAILABLE] Too many connections: close some, or try again "
                        b"later\r\n")
    assert lines.read() == b""
    first.close()
    second.close()


def test_the_end_of_the_server(make_server):
    one = make_server().start()
    client, lines, _ = plain(one)
    client.sendall(b"a NOOP\r\n")
    assert lines.readline().startswith(b"a OK")
    one.stop()
    assert lines.read() == b"* BYE [UNAVAILABLE] Server stops\r\n"
    client.close()


def test_logins_wait_for_the_directory(make_server):
    """RFC 5530: UNAVAILABLE is our trouble, not the password's."""
    one = make_server()
    one.add_domain("here.test")
    one.add_account(BOB)
    one.start()
    one.kill_role("directory")

    def is_back():
        client, lines, _ = plain(one)
        client.sendall(f'a LOGIN {BOB} "{one.passwords[BOB]}"\r\n'.encode())
        answer = lines.readline()
        client.close()
        assert answer.startswith((b"a OK", b"a NO [UNAVAILABLE]")), answer
        return answer.startswith(b"a OK")
    wait_for(is_back, 60, "the directory to be back")
