"""The dialogs of the engines, unchanged, against the live server."""

import json
import pathlib
import re

import pytest

from dialog import Dialog
from server import wait_for, without_trace

HOME = pathlib.Path(__file__).resolve().parent.parent / "dialog"


def playable(folder):
    out = []
    for path in sorted((HOME / folder).glob("**/*.dialog")):
        dialog = Dialog(path)
        if not dialog.why_not_live():
            out.append(pytest.param(dialog, id=f"{folder}/{path.stem}"))
    return out


def domain_of(address):
    return address.rpartition("@")[2].lower()


def is_name(domain):
    return domain and not domain.startswith("[") and "." not in (domain[0], domain[-1])


@pytest.fixture(scope="module")
def shared(request):
    """One server for all dialogs; each gets its accounts and loses them again."""
    from server import Server
    # who plays is a stranger, as in the engine's dialogs
    made = Server(options={"queue": {"retry": '{"1s"}'}, "limits": {"errors": 10},
                           "relay": {"networks": "{}"}})
    made.start()
    yield made
    made.close()


def prepare(server, dialog):
    """Makes the accounts that the dialog's questions speak of."""
    here = dialog.recipients("ok")
    full = dialog.recipients("full")
    for domain in sorted({domain_of(address) for address in
                          here | full | dialog.recipients("not-found")}):
        if is_name(domain):
            server.run("domain", "add", domain, expect=None)
    for address in sorted(here | full):
        if "@" in address and is_name(domain_of(address)):
            server.add_account(address)
    for address in sorted(full):
        server.run("account", "quota", address, "100")
        server.send("filler@else.test", address, b"Subject: full\r\n\r\n" + b"x" * 100 + b"\r\n")
        wait_for(lambda a=address: refuses(server, a), 10, "the full account to refuse")
    return here


def refuses(server, address):
    with server.smtp() as client:
        client.mail("filler@else.test")
        return client.rcpt(address)[0] == 452


def tidy(server):
    """No account and no domain is left for the next dialog."""
    server.passwords.clear()
    for noun, key in (("account", "account"), ("domain", "domain")):
        done = server.run("--json", noun, "list", expect=None)
        names = [json.loads(line)[key] for line in done.stdout.splitlines()]
        if names:
            server.run(noun, "remove", *names)


@pytest.mark.parametrize("dialog", playable("smtp"))
def test_smtp(shared, dialog):
    try:
        here = prepare(shared, dialog)
        dialog.play(shared.raw(shared.smtp_port))
        bodies = [body for body in dialog.bodies() if body]
        boxes = [a for a in here if a in shared.passwords]
        if len(boxes) == 1 and bodies and len(bodies) == len(dialog.bodies()):
            got = shared.wait_messages(boxes[0], len(bodies))
            # POP3 has CRLF only: a bare LF of BINARYMIME is read as a line's end
            bodies = [re.sub(rb"(?<!\r)\n", b"\r\n", body) for body in bodies]
            want = [body if body.endswith(b"\r\n") else body + b"\r\n" for body in bodies]
            assert sorted(map(without_trace, got)) == sorted(want)
    finally:
        tidy(shared)


# What is in the maildrop unless "O: drop" says otherwise: tests/dialog/driver_pop3.c
TWO = [b"Subject: one\r\n\r\nHello Bob\r\nsecond line\r\n",
       b"Subject: two\r\n\r\nDo you like ketchup?\r\n"]


@pytest.mark.parametrize("dialog", playable("pop3"))
def test_pop3(shared, dialog):
    logins = {tuple(question.split(" ", 2)[1:]) for question, answer in dialog.questions()
              if question.startswith("login ") and answer == "ok"}
    try:
        for user, password in sorted(logins):
            if is_name(domain_of(user)):
                shared.run("domain", "add", domain_of(user), expect=None)
                shared.add_account(user, password)
            if "drop empty" not in dialog.options:
                for number, body in enumerate(TWO, 1):
                    shared.send("alice@crepes.fr", user, body)
                    shared.wait_messages(user, number)
        dialog.play(shared.raw(shared.pop3_port))
    finally:
        tidy(shared)


@pytest.mark.parametrize("dialog", playable("imap-door"))
def test_imap_door(shared, dialog):
    dialog.play(shared.raw(shared.imap_port))


def test_there_are_dialogs():
    assert len(playable("smtp")) >= 30
    assert len(playable("pop3")) >= 12
    assert len(playable("imap-door")) >= 12
