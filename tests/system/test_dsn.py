"""What a sender is told, and what not: each kind of outcome, with a next server that knows
DSN (Postfix) and one that does not, for each thing that NOTIFY can ask.  RFC 3461, 3464."""

import email
import email.policy
import os
import smtplib

import pytest

from postfix import PEER, Postfix
from server import PATIENCE, Server, free_port, wait_for
from sink import Sink

ASKED = ["NEVER", "SUCCESS", "FAILURE", "DELAY", None]
# outcome: the recipient
RECIPIENTS = {
    "failed": "gone@peer.test",
    "delayed": "later@peer.test",
    "delivered": "bob@here.test",
    "relayed": "carl@peer.test",
    "expanded": "list@here.test",
}
# (outcome, NOTIFY): what the notice says.  The one of "relayed" is the next server's own if
# it knows DSN: it has put the message into a mailbox.
WANTED = {
    ("failed", "FAILURE"): "failed",
    ("failed", None): "failed",
    ("delayed", "DELAY"): "delayed",
    ("delayed", None): "delayed",
    ("delivered", "SUCCESS"): "delivered",
    ("relayed", "SUCCESS"): {"sink": "relayed", "postfix": "delivered"},
    ("expanded", "SUCCESS"): "expanded",
}
REFUSALS = "\nsmtpd_recipient_restrictions = check_recipient_access inline:" \
    "{{gone@peer.test = 550 5.1.1 nobody here}, {later@peer.test = 450 4.2.0 not now}}\n"


def rcpt_reply(_sink, _session, argument):
    if b"gone@" in argument:
        return b"550 5.1.1 nobody here"
    return b"450 4.2.0 not now" if b"later@" in argument else b"250 2.1.5 ok"


def parse(message):
    return email.message_from_bytes(message, policy=email.policy.default)


class Notices:
    """What came to ann, by envelope identifier."""

    def __init__(self, server):
        self.server = server
        self.by_envid = {}

    def read(self):
        for raw in self.server.messages("ann@here.test"):
            parsed = parse(raw)
            _, status, original = parsed.iter_parts()
            fields, *recipients = status.get_payload()
            self.by_envid.setdefault(fields["Original-Envelope-Id"], set())
            self.by_envid[fields["Original-Envelope-Id"]].add(raw)
        return self.by_envid


def envid(outcome, asked):
    return f"{outcome}+{asked or 'nothing'}"


def send_all(server):
    for outcome, rcpt in RECIPIENTS.items():
        for asked in ASKED:
            with server.smtp() as client:
                name = envid(outcome, asked).replace("+", "+2B")
                client.mail("ann@here.test", [f"ENVID={name}", "RET=HDRS"])
                options = [f"NOTIFY={asked}"] if asked else []
                code, reply = client.rcpt(rcpt, [*options, f"ORCPT=rfc822;{rcpt}"])
                assert code == 250, reply
                body = f"Subject: {name}\r\n\r\nDo you like ketchup?\r\n".encode()
                assert client.data(body)[0] == 250


def settle(server, notices, wanted):
    wait_for(lambda: len(server.queue()) == len(ASKED), 60, "all but the delayed ones to go")
    wait_for(lambda: all(name in notices.read() for name in wanted), 60,
             f"notices: {sorted(wanted)}, there are {sorted(notices.by_envid)}")
    # those that wait were late four times, and nothing more came
    wait_for(lambda: sum(int(event["attempt"]) >= 4 for event in server.events("queue.deferred"))
             >= len(ASKED), 60, "four attempts for each that waits")
    return notices.read()


@pytest.fixture(scope="module", params=["sink", "postfix"])
def played(request):
    """(peer, {envid: notices}) after all were sent."""
    peer = request.param
    if peer == "postfix" and (os.getuid() != 0 or not PEER.exists()):
        pytest.skip("needs root and build/peers/postfix")
    port = free_port("127.0.0.2" if peer == "sink" else "127.0.0.1")
    server = Server(hosts={"peer.test": "127.0.0.2" if peer == "sink" else "127.0.0.1"},
                    mx_port=port, options={"queue": {"retry": '{"1s"}', "warn_after": '"1s"'}})
    next_server = None
    try:
        server.start()
        server.add_domain("here.test")
        for name in ("ann", "bob"):
            server.add_account(f"{name}@here.test")
        server.add_alias("list@here.test", "one@peer.test", "two@peer.test")
        if peer == "sink":
            next_server = Sink(port=port, replies={"RCPT": [rcpt_reply]})
        else:
            next_server = Postfix(server.smtp_port, port, more=REFUSALS).start()
        send_all(server)
        wanted = {envid(*cell) for cell in WANTED}
        yield peer, settle(server, Notices(server), wanted)
    finally:
        if next_server:
            next_server.close()
        server.close()


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("outcome", RECIPIENTS)
def test_cell(played, outcome, asked):
    peer, notices = played
    wanted = WANTED.get((outcome, asked))
    got = notices.get(envid(outcome, asked), set())
    if wanted is None:
        assert not got
        return
    wanted = wanted[peer] if isinstance(wanted, dict) else wanted
    (raw,) = got
    parsed = parse(raw)
    assert raw.startswith(b"Return-Path: <>\r\n")
    assert parsed.get_content_type() == "multipart/report"
    assert parsed.get_param("report-type") == "delivery-status"
    _, status, original = parsed.iter_parts()
    assert status.get_content_type() == "message/delivery-status"
    fields, *recipients = status.get_payload()
    assert fields["Reporting-MTA"].startswith("dns; ")
    assert fields["Arrival-Date"]
    (recipient,) = recipients
    assert recipient["Original-Recipient"].replace(" ", "") == f"rfc822;{RECIPIENTS[outcome]}"
    assert recipient["Final-Recipient"].replace(" ", "") == f"rfc822;{RECIPIENTS[outcome]}"
    assert recipient["Action"] == wanted
    assert recipient["Status"][0] == {"failed": "5", "delayed": "4"}.get(wanted, "2")
    assert original.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers")
    assert b"ketchup" not in raw
    if wanted == "delayed":
        assert recipient["Will-Retry-Until"]
    if wanted in ("failed", "delayed", "relayed"):
        assert recipient["Remote-MTA"].startswith("dns; ")


def test_strangers_are_not_offered_it(make_server):
    """A notice of success would go to whoever they name."""
    server = make_server(options={"relay": {"networks": "{}"}})
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    with smtplib.SMTP(server.address, server.smtp_port, timeout=30 * PATIENCE) as client:
        client.ehlo()
        assert not client.has_extn("dsn")
        assert client.mail("x@else.test", ["RET=FULL"])[0] == 555
    with smtplib.SMTP(server.address, server.submission_port, timeout=30 * PATIENCE) as client:
        client.ehlo()
        assert client.has_extn("dsn")


def test_in_another_language(make_server):
    """The words are those of queue.notice_language, encoded; the fields for programs are not."""
    server = make_server(options={"queue": {"notice_language": '"de"'}})
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    with server.smtp() as client:
        client.mail("ann@here.test")
        client.rcpt("ann@here.test", ["NOTIFY=SUCCESS"])
        assert client.data(b"Subject: x\r\n\r\ny\r\n")[0] == 250
    raw = next(message for message in server.wait_messages("ann@here.test", 2)
               if b"multipart/report" in message)
    assert raw.isascii()
    text, status, _ = parse(raw).iter_parts()
    assert parse(raw)["Subject"] == "Ihre Nachricht ist angekommen"
    assert "Sie liegt im Postfach." in text.get_content()
    assert status.get_payload()[1]["Action"] == "delivered"
