"""Mail for a next hop that takes less: 8-bit text for a server without 8BITMIME, binary
content for any (RFC 6152 3).  What arrives has to be the same when it is decoded."""

import email
import email.policy

from server import wait_for

OLD = ("PIPELINING", "SIZE 100000000")
NEW = (*OLD, "8BITMIME")
ENVELOPE = ("ann@here.test", "eve@far.test")

HEAD = (b"From: <ann@here.test>\r\nTo: <eve@far.test>\r\nSubject: two caf\xc3\xa9s\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=b\"\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\nA pre\xc3\xa9mble.\r\n")
PICTURE = bytes(range(256)) * 20


def message(text):
    """Text in UTF-8, a message in Latin-1 with text of its own, and a picture."""
    inner = (b"Subject: inner\r\nMIME-Version: 1.0\r\n"
             b"Content-Type: text/plain; charset=iso-8859-1\r\n"
             b"Content-Transfer-Encoding: 8bit\r\n\r\n.\r\n..\r\nGr\xfc\xdfe \r\n")
    picture = email.message.MIMEPart()
    picture.set_content(PICTURE, maintype="image", subtype="png", filename="p.png")
    return b"\r\n".join((
        HEAD + b"--=b", b"Content-Type: text/plain; charset=utf-8",
        b"Content-Transfer-Encoding: 8bit", b"", text,
        b"--=b", b"Content-Type: message/rfc822", b"Content-Transfer-Encoding: 8bit", b"",
        inner, b"--=b",
        picture.as_bytes(policy=email.policy.SMTP).rstrip(b"\r\n"), b"--=b--", b""))


def parse(data):
    return email.message_from_bytes(data, policy=email.policy.default)


def contents(data):
    """(type, decoded bytes) of each part that is no container."""
    return [(part.get_content_type(), part.get_payload(decode=True))
            for part in parse(data).walk() if not part.is_multipart()]


def make_relay(make_sink, make_server, extensions):
    sink = make_sink(extensions=extensions)
    server = make_server(hosts={"far.test": sink.address}, mx_port=sink.port)
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    return sink, server.start()


def arrived(sink):
    wait_for(lambda: sink.messages, 30, "the sink to have it")
    ((_, _, data),) = sink.messages
    (mail,) = [line for line in sink.sessions[0] if line.startswith(b"MAIL")]
    return mail, data


def check_converted(sink, sent):
    mail, data = arrived(sink)
    assert data.isascii()
    assert b"8BITMIME" not in mail
    assert f"SIZE={len(data)}".encode() in mail.split()
    assert max(len(line) for line in data.split(b"\r\n")) <= 998
    assert contents(data) == contents(sent)
    assert parse(data)["Subject"] == "two cafés"
    assert b"8bit" not in data


def test_text_with_an_attachment(make_sink, make_server):
    sink, server = make_relay(make_sink, make_server, OLD)
    sent = message("Zwei Cafés, bitte. ".encode() * 20)
    server.send(*ENVELOPE, sent, mail_options=["BODY=8BITMIME"])
    check_converted(sink, sent)


def test_a_spooled_message(make_sink, make_server):
    sink, server = make_relay(make_sink, make_server, OLD)
    lines = (f"{i}: привет, мир\r\n" for i in range(20000))
    sent = message("".join(lines).encode() + b"x" * 990)
    server.send(*ENVELOPE, sent)  # not declared
    check_converted(sink, sent)


def test_binary_content(make_sink, make_server):
    sink, server = make_relay(make_sink, make_server, NEW)
    sent = (b"Subject: b\r\nMIME-Version: 1.0\r\nContent-Type: application/x-b\r\n"
            b"Content-Transfer-Encoding: binary\r\n\r\n" + PICTURE)
    raw = server.raw()
    raw.reply()
    raw.command("EHLO client.test")
    assert raw.command("MAIL FROM:<ann@here.test> BODY=BINARYMIME")[0] == 250
    assert raw.command("RCPT TO:<eve@far.test>")[0] == 250
    assert raw.command(f"BDAT {len(sent)} LAST\r\n".encode() + sent)[0] == 250
    raw.close()
    _, data = arrived(sink)
    assert contents(data) == [("application/x-b", PICTURE)]
    assert parse(data)["Content-Transfer-Encoding"] == "base64"


def test_what_is_signed_comes_back(make_sink, make_server):
    sink, server = make_relay(make_sink, make_server, OLD)
    sent = message(b"caf\xc3\xa9").replace(b"multipart/mixed", b"multipart/signed")
    server.send(*ENVELOPE, sent)
    (notice,) = server.wait_messages("ann@here.test")
    text, status, _ = parse(notice).iter_parts()
    assert b"Status: 5.6.3" in status.as_bytes()
    assert "signed or encrypted part has 8-bit text" in text.get_content()
    assert not sink.messages


def test_a_plain_message_goes_as_it_is(make_sink, make_server):
    """Byte for byte, even what a conversion would tidy up."""
    sink, server = make_relay(make_sink, make_server, OLD)
    sent = (b"Subject: x\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain \r\n" +
            b"y" * 1500 + b"\r\n")
    server.send(*ENVELOPE, sent)
    _, data = arrived(sink)
    assert data.endswith(sent)
