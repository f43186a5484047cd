"""Where a password is after it was said: nowhere.  Not in the memory of a process, and in no file.

A process that an attacker breaks into shall know the passwords that are said from then on, and
none of before.
"""

import base64
import imaplib
import os
import poplib
import smtplib
import ssl

import pytest

from server import PATIENCE, Server, memory_of, wait_for

BOB = "bob@here.test"


@pytest.fixture(scope="module")
def server():
    one = Server(options={"fronts": 1}).start()
    one.add_domain("here.test")
    yield one
    one.close()


def any_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def by_pop3(server, user, password):
    client = poplib.POP3(server.address, server.pop3_port, timeout=30 * PATIENCE)
    client.user(user)
    client.pass_(password)
    return client


def by_pop3s(server, user, password):
    client = poplib.POP3_SSL(server.address, server.pop3s_port, timeout=30 * PATIENCE,
                             context=any_context())
    client.user(user)
    client.pass_(password)
    return client


def by_imap(server, user, password):
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=30 * PATIENCE)
    client.login(user, password)
    return client


def by_imaps(server, user, password):
    client = imaplib.IMAP4_SSL(server.address, server.imaps_port, timeout=30 * PATIENCE,
                               ssl_context=any_context())
    client.authenticate("PLAIN", lambda challenge: f"\0{user}\0{password}".encode())
    return client


def by_smtp(server, user, password, initial=True):
    client = smtplib.SMTP(server.address, server.submission_port, "client.test",
                          timeout=30 * PATIENCE)
    client.starttls(context=any_context())
    client.ehlo()
    client.user, client.password = user, password
    client.auth("PLAIN", client.auth_plain, initial_response_ok=initial)
    return client


def by_smtp_in_two_lines(server, user, password):
    return by_smtp(server, user, password, initial=False)


def by_smtp_login(server, user, password):
    client = smtplib.SMTP(server.address, server.submission_port, "client.test",
                          timeout=30 * PATIENCE)
    client.ehlo()
    client.user, client.password = user, password
    client.auth("LOGIN", client.auth_login)
    return client


def hang_up(client):
    getattr(client, "shutdown", client.close)()     # of imaplib and poplib; close of smtplib


WAYS = [by_pop3, by_pop3s, by_imap, by_imaps, by_smtp, by_smtp_in_two_lines, by_smtp_login]
REFUSALS = (poplib.error_proto, imaplib.IMAP4.error, smtplib.SMTPAuthenticationError)


def forms(user, password):
    """As it is, and as base64 has it: where it begins in three bytes is not known."""
    out = [password.encode()]
    for before in (b"", b"\0" + user.encode() + b"\0"):
        out.append(base64.b64encode(before + password.encode())[-40:-4])
    return out


def who_knows(server, secrets):
    """Roles with one of the secrets in memory."""
    return {role for role, pids in server.roles().items() for pid in pids
            for piece in memory_of(pid) if any(secret in piece for secret in secrets)}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look into processes")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_good", [True, False], ids=["good", "wrong"])
def test_nobody_remembers_a_password(server, way, is_good):
    name = f"{way.__name__.replace('_', '-')}-{is_good}@here.test".lower()
    password = f"right-{os.urandom(20).hex()}"
    said = password if is_good else f"wrong-{os.urandom(20).hex()}"
    server.add_account(name, password)
    client = None
    if is_good:
        client = way(server, name, said)
    else:
        with pytest.raises(REFUSALS):
            way(server, name, said)
    wait_for(lambda: not who_knows(server, forms(name, said)), 10, "all to forget the password")
    if client is not None:
        hang_up(client)


def test_no_file_has_a_password(server):
    password = f"right-{os.urandom(20).hex()}"
    server.add_account(BOB, password)
    for way in WAYS:
        hang_up(way(server, BOB, password))
    secrets = forms(BOB, password)
    for path in server.dir.rglob("*"):
        if path.is_file():
            assert not any(secret in path.read_bytes() for secret in secrets), path
