"""Submission on 587 and 465: whose a message is, and what becomes of its header.

RFC 6409.  The clients are Python's smtplib, swaks, msmtp, curl and git send-email.
"""

import base64
import email
import email.utils
import os
import re
import shutil
import smtplib
import ssl
import subprocess
import time

import pytest

from server import PASSWORD, PATIENCE, Server, wait_for

ANN, BOB, CY = "ann@here.test", "bob@here.test", "cy@here.test"
ALIAS = "sales@here.test"


def make(options=None, hosts=None, mx_port=None):
    made = Server(options=options, hosts=hosts, mx_port=mx_port)
    made.add_domain("here.test")
    for address in (ANN, BOB, CY):
        made.add_account(address)
    made.start()
    made.add_alias(ALIAS, ANN)
    return made


@pytest.fixture(scope="module")
def server():
    made = make()
    yield made
    made.close()


def any_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def log_in(server, user=ANN, how="starttls"):
    """A session of somebody on 587, or with how="tls" on 465."""
    if how == "tls":
        client = smtplib.SMTP_SSL(server.address, server.submissions_port, "laptop.private",
                                  timeout=30 * PATIENCE, context=any_context())
    else:
        client = smtplib.SMTP(server.address, server.submission_port, "laptop.private",
                              timeout=30 * PATIENCE)
    if how == "starttls":
        client.starttls(context=any_context())
    client.ehlo()
    client.login(user, server.passwords[user])
    return client


def letter(subject, *fields, body="x"):
    return "\r\n".join([f"Subject: {subject}", *fields, "", body, ""]).encode()


def arrived(server, address, subject):
    """The message of that subject, as bytes."""
    def there():
        return [text for text in server.messages(address)
                if f"Subject: {subject}\r\n".encode() in text]

    (got,) = wait_for(there, 20, f"{subject!r} for {address}")
    return got


def hand_in(server, subject, *fields, sender=ANN, to=(BOB,), body="x", user=ANN, how="starttls"):
    with log_in(server, user, how) as client:
        client.sendmail(sender, list(to), letter(subject, *fields, body=body))
    return arrived(server, to[0], subject)


def refusal(server, *fields, sender=ANN, user=ANN):
    """What the end of the data is answered."""
    with log_in(server, user) as client:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail(sender, [BOB], letter("refused", *fields))
    return caught.value.smtp_code, caught.value.smtp_error.decode()


# ---- who may ------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["submission_port", "submissions_port"])
def test_nobody_sends_without_a_login(server, port):
    """From the loopback neither.  RFC 6409 4.3"""
    if port == "submission_port":
        client = smtplib.SMTP(server.address, server.submission_port, timeout=30 * PATIENCE)
    else:
        client = smtplib.SMTP_SSL(server.address, server.submissions_port,
                                  timeout=30 * PATIENCE, context=any_context())
    with client:
        client.ehlo()
        assert client.has_extn("auth")
        assert client.mail(ANN)[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(ANN, "wrong")
        assert client.mail(ANN)[0] == 530


def test_port_25_knows_no_logins(server):
    with server.smtp() as client:
        assert not client.has_extn("auth")
        assert client.docmd("AUTH", "PLAIN")[0] == 502
        client.starttls(context=any_context())
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd("AUTH", "PLAIN")[0] == 502


def test_who_may_relay_on_port_25():
    """Only who is in relay.networks, and no login is known there."""
    codes = {}
    for networks in ('{"127.0.0.0/8", "::1"}', '{"192.0.2.0/24"}', "{}"):
        made = make(options={"relay": {"networks": networks}})
        try:
            with made.smtp() as client:
                client.mail(ANN)
                codes[networks] = [client.rcpt(to)[0] for to in ("x@far.test", BOB)]
        finally:
            made.close()
    assert list(codes.values()) == [[250, 250], [550, 250], [550, 250]]


def test_starttls_forgets_the_login(server):
    """RFC 3207 4.2"""
    with log_in(server, how="plain") as client:
        client.starttls(context=any_context())
        client.ehlo()
        assert client.mail(ANN)[0] == 530


@pytest.mark.parametrize("how", ["plain", "starttls", "tls"])
def test_own_address(server, how):
    text = hand_in(server, f"own {how}", f"From: {ANN}", how=how)
    kind = b"ESMTPA" if how == "plain" else b"ESMTPSA"
    assert b"(Postrider) with " + kind + b" id " in text


def test_sender_of_others(server):
    with log_in(server) as client:
        for sender in (BOB, "ann@far.test", "nobody@here.test"):
            code, text = client.mail(sender)
            assert (code, text[:6]) == (550, b"5.7.1 "), (sender, text)
            assert client.rcpt(BOB)[0] == 503
        assert client.mail(ANN)[0] == 250


def test_alias_and_other_forms(server):
    for number, sender in enumerate((ALIAS, "Ann@Here.TEST", "SALES@here.test")):
        text = hand_in(server, f"alias {number}", f"From: Sales <{sender}>", sender=sender)
        assert f"Return-Path: <{sender.partition('@')[0]}@here.test>".encode() in text
    with log_in(server, BOB) as client:
        assert client.mail(ALIAS)[0] == 550


def test_null_sender(server):
    """RFC 8098 3: a receipt has it."""
    text = hand_in(server, "null sender", f"From: {ANN}", sender="")
    assert b"Return-Path: <>" in text
    assert refusal(server, f"From: {BOB}", sender="")[0] == 550


@pytest.mark.parametrize("fields", [
    [f"From: {BOB}"],
    [f"From: {ANN}, {BOB}"],
    [f"From: {ANN}", f"From: {BOB}"],
    ["From: Ann <ceo@far.test>"],
    [f'From: "{ANN}" <{BOB}>'],
    [f"From: {ANN}", f"Sender: {BOB}"],
    [f"From: {ANN}", f"Resent-From: {BOB}"],
    [f"From: {ANN}", f"Resent-Sender: {BOB}"],
    [f"From: {BOB}", f"Resent-From: {ANN}"],
    [f"from\t:\r\n\t{BOB}"],
    ["From: nobody in particular:;"],
    ["From:"],
    ["From: ann"],
    [f"From: {ANN}, " + ", ".join(f"{n}@far.test" for n in range(100))],
    ["X: y", "no field", f"From: {BOB}"],
])
def test_from_of_others(server, fields):
    code, text = refusal(server, *fields)
    assert (code, text[:6]) == (550, "5.7.1 ")


@pytest.mark.parametrize("size", [400, 600, 40000])
def test_from_longer_than_any_address(server, size):
    """It is nobody's, and no trouble for the processes that talk about it."""
    local = ".".join(["x" * 60] * (size // 61))
    code, text = refusal(server, f"From:\r\n {local}@here.test".replace(".", ".\r\n "))
    assert (code, text[:6]) == (550, "5.7.1 ")
    assert "channel.violation" not in server.log_text()


def test_from_of_ones_own(server):
    text = hand_in(server, "all own", f"From: {ANN}, Sales <{ALIAS}>", f"Sender: {ANN}",
                   f"Resent-From: {ALIAS}")
    assert f"\r\nSender: {ANN}\r\n".encode() in text
    # behind the header it says nothing
    hand_in(server, "quoted", f"From: {ANN}", body=f"From: {BOB}")


def test_names_in_all_scripts(server):
    """RFC 6532: the header has U-labels, the envelope A-labels or U-labels."""
    server.add_domain("bücher.test")
    server.add_account("änn@bücher.test")
    who = "änn@bücher.test"
    with log_in(server) as client:
        assert client.docmd(f"MAIL FROM:<{ANN}>", "SMTPUTF8")[0] == 250
        assert client.rcpt(BOB)[0] == 250
        code, text = client.data(f"From: {who}\r\n\r\nx\r\n".encode())
        assert (code, text[:6]) == (550, b"5.7.1 ")
    login = base64.b64encode(f"\0{who}\0{PASSWORD}".encode()).decode()
    for number, fields in enumerate(([f"From: Änn <{who}>"],
                                     ["From: <ÄNN@BÜCHER.test>", "Sender: änn@xn--bcher-kva.test"],
                                     [])):
        raw = server.raw(server.submission_port)
        raw.reply()
        subject = f"scripts {number}"
        for command, code in (("EHLO c.test", 250), (f"AUTH PLAIN {login}", 235),
                              (f"MAIL FROM:<{who}> SMTPUTF8", 250), (f"RCPT TO:<{BOB}>", 250),
                              ("DATA", 354),
                              (letter(subject, *fields) + b".\r\n", 250)):
            assert raw.command(command)[0] == code, (command, fields)
        raw.close()
        text = arrived(server, BOB, subject)
    # what is added is the account's address, as it is kept
    assert "\r\nFrom: änn@xn--bcher-kva.test\r\n".encode() in text


def test_from_may_be_anybody():
    made = make(options={"submission": {"from": '"any"'}})
    try:
        text = hand_in(made, "any", "From: ceo@far.test", f"Sender: {BOB}")
        assert b"From: ceo@far.test\r\n" in text
        with log_in(made) as client:
            assert client.mail(BOB)[0] == 550
    finally:
        made.close()


# ---- the header -----------------------------------------------------------------------


def test_header_is_completed(server):
    before = time.time()
    text = hand_in(server, "completed")
    message = email.message_from_bytes(text)
    assert message.get_all("From") == [ANN]
    assert re.fullmatch(rf"<\w+-[0-9a-f]{{16}}@{server.hostname}>", message["Message-ID"])
    sent = email.utils.parsedate_to_datetime(message["Date"]).timestamp()
    assert before - 1 <= sent <= time.time() + 1
    assert "MIME-Version" not in message and "Sender" not in message
    again = email.message_from_bytes(hand_in(server, "completed too"))
    assert again["Message-ID"] != message["Message-ID"]


def test_what_is_there_stays(server):
    fields = [f"FROM:  {ANN}", "date: yesterday", "Message-Id:<own@id>", "X-Fold: a",
              "\t b ", "DKIM-Signature: v=1; b=abc"]
    text = hand_in(server, "stays", *fields, body="From here\r\n\r\n.dot \t\r\nBcc: none")
    assert text.endswith(letter("stays", *fields, body="From here\r\n\r\n.dot \t\r\nBcc: none"))


def test_no_header_at_all(server):
    with log_in(server) as client:
        client.sendmail(ANN, [CY], b"Only text,\r\nof two lines.\r\n")
    text = wait_for(lambda: [one for one in server.messages(CY) if b"Only text" in one], 20,
                    "the text")[0]
    assert text.endswith(b">\r\n\r\nOnly text,\r\nof two lines.\r\n")
    assert email.message_from_bytes(text)["From"] == ANN


def test_blind_recipients(server):
    """They get it, and nobody learns of them."""
    for text in [hand_in(server, "blind", f"From: {ANN}", f"To: {BOB}", f"Bcc: Cy <{CY}>,",
                         "\tdora@far.test", f"resent-bcc: {CY}", "X: last", to=(BOB, CY)),
                 arrived(server, CY, "blind")]:
        head = text.partition(b"\r\n\r\n")[0]
        assert b"cc:" not in head.lower() and b"dora" not in text
        assert head.endswith(f"To: {BOB}\r\nX: last".encode())
        # for: not with two recipients
        assert b"\r\n\tfor <" not in head
    assert CY.encode() not in arrived(server, BOB, "blind")


def test_large_messages(server):
    """The header is in memory, the rest in a spool file."""
    filler = "\r\n".join(["y" * 900] * 2000)
    text = hand_in(server, "large", "Bcc: dora@far.test", body=filler)
    assert text.endswith(filler.encode() + b"\r\n") and b"dora" not in text
    # a header larger than what travels inline, with and without a body
    wide = [f"X-{number}: " + "z" * 900 for number in range(200)]
    text = hand_in(server, "wide", *wide)
    assert text.endswith(letter("wide", *wide))
    with log_in(server) as client:
        client.sendmail(ANN, [BOB], letter("only a header", *wide)[:-5])
    assert wide[-1].encode() in arrived(server, BOB, "only a header")
    # too large to be looked at: refused at its end, and the session goes on
    with log_in(server) as client:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail(ANN, [BOB], letter("endless", *wide, *wide))
        assert caught.value.smtp_code == 550
        assert caught.value.smtp_error.startswith(b"5.6.0 ")
        client.sendmail(ANN, [BOB], letter("after endless"))
    arrived(server, BOB, "after endless")


def test_chunks(server):
    """The same by BDAT, cut anywhere.  RFC 3030"""
    text = letter("chunks", "Bcc: dora@far.test", f"To: {BOB}")
    with log_in(server) as client:
        client.mail(ANN)
        client.rcpt(BOB)
        for at in range(0, len(text), 7):
            piece = text[at:at + 7]
            last = " LAST" if at + 7 >= len(text) else ""
            client.send(f"BDAT {len(piece)}{last}\r\n".encode() + piece)
            assert client.getreply()[0] == 250
    assert b"dora" not in arrived(server, BOB, "chunks")


def test_lost_250_is_one_copy():
    """RFC 1047: what was added to the first is not in the way of knowing the second."""
    made = make()
    login = base64.b64encode(b"\0".join([b"", ANN.encode(), PASSWORD.encode()])).decode()
    try:
        for number in range(3):
            raw = made.raw(made.submission_port)
            raw.reply()
            for command, code in (("EHLO c.test", 250), (f"AUTH PLAIN {login}", 235),
                                  (f"MAIL FROM:<{ANN}>", 250), (f"RCPT TO:<{BOB}>", 250),
                                  ("DATA", 354)):
                assert raw.command(command)[0] == code
            raw.send(letter("lost", f"Bcc: {CY}") + b".\r\n")
            raw.reset()
            made.wait_sessions(number + 1)
        made.wait_messages(BOB)
        hand_in(made, "another")
        made.wait_queue_empty()
        assert len(made.messages(BOB)) == 2
    finally:
        made.close()


# ---- where it came from ------------------------------------------------------------------


def test_the_client_is_hidden(server):
    text = hand_in(server, "hidden", f"From: {ANN}")
    assert text.count(b"\r\nReceived: ") == 1
    assert b"\r\nReceived: from localhost\r\n\tby mx.test (Postrider) with ESMTPSA id " in text
    assert b"laptop" not in text and b"127.0.0.1" not in text
    # the log has it
    assert server.events("login.ok")[-1]["ip"] == "127.0.0.1"


def test_the_client_is_shown():
    made = make(options={"submission": {"hide_client": '"no"'}})
    try:
        text = hand_in(made, "shown", f"From: {ANN}")
        assert b"\r\nReceived: from laptop.private ([127.0.0.1])\r\n" in text
        assert b" with ESMTPSA id " in text
    finally:
        made.close()


# ---- limits ------------------------------------------------------------------------------


def test_messages_of_an_hour():
    made = make(options={"submission": {"messages_per_hour": 3}})
    try:
        with log_in(made) as client:
            for number in range(2):
                client.sendmail(ANN, [BOB], letter(f"number {number}", f"From: {ALIAS}"))
            # refused ones do not count
            assert client.mail(BOB)[0] == 550
        with log_in(made, how="tls") as client:
            client.sendmail("", [BOB], letter("number 2"))
            code, text = client.mail(ANN)
            assert (code, text[:6]) == (451, b"4.7.1 ")
            assert client.mail(ALIAS)[0] == 451 and client.mail("")[0] == 451
        # others send on, and so do strangers to them
        hand_in(made, "from bob", sender=BOB, user=BOB, to=(CY,))
        made.send("f@else.test", ANN, letter("from far"))
        arrived(made, ANN, "from far")
    finally:
        made.close()


def test_recipients_of_an_hour(make_sink):
    sink = make_sink()
    made = make(options={"submission": {"recipients_per_hour": 5}},
                hosts={"far.test": sink.address}, mx_port=sink.port)
    try:
        with log_in(made) as client:
            client.mail(ANN)
            codes = [client.rcpt(f"r{number}@far.test")[0] for number in range(7)]
            assert codes == [250] * 5 + [450] * 2
            code, text = client.rcpt(BOB)
            assert (code, text[:6]) == (450, b"4.7.1 ")
            assert client.data(letter("five"))[0] == 250
        wait_for(lambda: sink.messages, 20, "the message")
        assert sorted(len(rcpts) for _, rcpts, _ in sink.messages) == [5]
        with log_in(made) as client:
            client.mail(ANN)
            assert client.rcpt(BOB)[0] == 450
            assert client.docmd("DATA")[0] == 554
    finally:
        made.close()


# ---- programs of people ------------------------------------------------------------------


def tool(*words, text=b"", expect=0, **environment):
    done = subprocess.run([str(word) for word in words], input=text, capture_output=True,
                          timeout=60 * PATIENCE, env={**os.environ, **environment})
    output = done.stdout + done.stderr
    assert (done.returncode == 0) == (expect == 0), output.decode(errors="replace")
    return output.decode(errors="replace")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("how", ["--tls", "--tls-on-connect"])
def test_swaks(server, mechanism, how):
    port = server.submission_port if how == "--tls" else server.submissions_port
    subject = f"swaks {mechanism} {how}"
    words = ["swaks", "--server", "127.0.0.1", "--port", port, how, "--auth", mechanism,
             "--auth-user", ANN, "--to", BOB, "--header", f"Subject: {subject}"]
    tool(*words, "--auth-password", PASSWORD, "--from", ANN)
    assert b"with ESMTPSA" in arrived(server, BOB, subject)
    said = tool(*words, "--auth-password", PASSWORD, "--from", BOB, expect=1)
    assert "550 5.7.1" in said
    said = tool(*words, "--auth-password", "wrong", "--from", ANN, expect=1)
    assert "535 5.7.8" in said


@pytest.mark.parametrize("how", ["on", "off"])
def test_msmtp(server, how):
    """how: STARTTLS.  The recipients are in the header."""
    port = server.submission_port if how == "on" else server.submissions_port
    text = letter(f"msmtp {how}", f"From: {ANN}", f"To: {BOB}", f"Bcc: {CY}")
    tool("msmtp", "--host=127.0.0.1", f"--port={port}", f"--from={ANN}", "--tls=on",
         f"--tls-starttls={how}", "--tls-certcheck=off", "--auth=plain", f"--user={ANN}",
         f"--passwordeval=echo {PASSWORD}", "--read-recipients", "--remove-bcc-headers=off",
         text=text.replace(b"\r\n", b"\n"))
    assert b"cy@" not in arrived(server, BOB, f"msmtp {how}")
    assert b"cc:" not in arrived(server, CY, f"msmtp {how}").lower()


@pytest.mark.parametrize("how", ["smtp", "smtps"])
def test_curl(server, tmp_path, how):
    port = server.submission_port if how == "smtp" else server.submissions_port
    path = tmp_path / "letter"
    path.write_bytes(letter(f"curl {how}", f"From: {ANN}"))
    words = ["curl", "-sS", "--ssl-reqd", "-k", f"{how}://127.0.0.1:{port}/laptop.private",
             "--user", f"{ANN}:{PASSWORD}", "--mail-rcpt", BOB, "-T", path]
    tool(*words, "--mail-from", ANN)
    assert b"with ESMTPSA" in arrived(server, BOB, f"curl {how}")
    assert "550" in tool(*words, "--mail-from", BOB, expect=1)


def git(folder, *words, **environment):
    return tool("git", "-C", folder, *words, HOME=str(folder), GIT_CONFIG_NOSYSTEM="1",
                GIT_TERMINAL_PROMPT="0", **environment)


def test_git_send_email(server, tmp_path):
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "user.name", "Ann Ä")
    git(tmp_path, "config", "user.email", ANN)
    git(tmp_path, "config", "sendemail.smtpsslcertpath", "")
    (tmp_path / "burger").write_text("with pickles\n")
    git(tmp_path, "add", "burger")
    git(tmp_path, "commit", "-q", "-m", "burger: add pickles")
    words = ["send-email", "--smtp-server=127.0.0.1",
             f"--smtp-server-port={server.submission_port}", "--smtp-encryption=tls",
             f"--smtp-user={ANN}", f"--smtp-pass={PASSWORD}",
             "--confirm=never", "--quiet", f"--to={BOB}", f"--bcc={CY}", "-1"]
    git(tmp_path, *words, f"--from=Ann Ä <{ANN}>")
    subject = "[PATCH] burger: add pickles"
    assert b"+with pickles\r\n" in arrived(server, BOB, subject)
    assert CY.encode() not in arrived(server, CY, subject).replace(
        f"Delivered-To: {CY}".encode(), b"").replace(f"for <{CY}>".encode(), b"")
    said = git(tmp_path, *words, f"--from={BOB}", expect=1)
    assert "5.7.1" in said


def test_the_tools_are_there():
    """A test that was skipped tests nothing."""
    for name in ("swaks", "msmtp", "curl", "git"):
        assert shutil.which(name), f"script/setup installs {name}"
