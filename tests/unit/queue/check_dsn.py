#!/usr/bin/env python3
"""Reads notices with Python's email package: check_dsn.py PRINT_DSN.

What another parser makes of them counts, not what we meant.
"""
import email
import email.policy
import quopri
import re
import subprocess
import sys


def notice(name, about="<1@crepes.fr>", to="alice@crepes.fr"):
    raw = subprocess.run([sys.argv[1], name], check=True,
                         stdout=subprocess.PIPE).stdout
    body = raw.split(b"\r\n", 1)[1]
    for line in body.split(b"\r\n"):
        assert len(line) <= 998, (name, line)
        assert b"\n" not in line and b"\r" not in line and b"\0" not in line
    if to.isascii():    # nothing of it needs SMTPUTF8
        assert body.split(b"\r\n\r\n")[0].isascii(), name
    m = email.message_from_bytes(raw, policy=email.policy.default)
    assert not m.defects, (name, m.defects)
    assert m.get_content_type() == "multipart/report"
    assert m.get_param("report-type") == "delivery-status"
    assert m["Auto-Submitted"] == "auto-replied"
    assert f"\r\nTo: <{to}>\r\n".encode() in body
    assert not to.isascii() or m["To"].addresses[0].addr_spec == to
    assert m["From"].addresses[0].addr_spec == "MAILER-DAEMON@mx.crepes.fr"
    assert m["Date"] and m["Message-ID"].endswith("@mx.crepes.fr>")
    assert m["In-Reply-To"] == m["References"] == about
    parts = list(m.iter_parts())
    assert len(parts) == 3, (name, len(parts))
    return m, parts


def wire(name):
    return subprocess.run([sys.argv[1], name], check=True,
                          stdout=subprocess.PIPE).stdout.replace(b"\r\n", b"\n")


def plain(text):
    """The words of the text, whatever its lines."""
    return " ".join(text.get_content().replace("\u00a0", " ").split())


def fields(part):
    """The blocks of a delivery-status, each a list of (name, value)."""
    if part.get_content_type() == "message/delivery-status":
        return [dict(block.items()) for block in part.get_payload()]
    text = part.as_bytes().split(b"\n\n", 1)[1].decode("utf-8")
    return [dict(re.findall(r"(?m)^([A-Za-z-]+): (.*?)\r?$", block))
            for block in re.split(r"\r?\n\r?\n", text) if block.strip()]


m, (text, report, original) = notice("failed")
assert m["Subject"] == "Your message could not be delivered"
assert m["X-Flags"] == "8"
words = text.get_content().replace("\r\n", "\n")
assert "bob@hamburger.edu" in words and "The mailbox is full." in words
assert "552 mailbox full" in words and "eve@" not in words
assert "The server mx.hamburger.edu said:" in words and words.count(" said:") == 1
assert "The recipient has to make room first." in words
assert "What happened last:\n      connecting to mx.example.org[192.0.2.1]:25: Connection refused" in words
assert "the time for it is over" in words
assert all(len(line) <= 80 for line in words.splitlines()), words
head, bob, carol = fields(report)
assert head["Reporting-MTA"] == "dns; mx.crepes.fr" and head["Arrival-Date"]
assert bob["Final-Recipient"] == "rfc822; bob@hamburger.edu"
assert bob["Action"] == "failed" and bob["Status"] == "5.2.2"
assert bob["Remote-MTA"] == "dns; mx.hamburger.edu"
assert bob["Diagnostic-Code"] == "smtp; 552 mailbox full"
assert bob["Last-Attempt-Date"] == "Tue, 14 Nov 2023 22:12:20 +0000"
# nobody spoke, so there is nothing to quote: RFC 3464 2.3.5, 2.3.6, 2.3.7
assert carol["Status"] == "4.4.7"
assert set(carol) == {"Final-Recipient", "Action", "Status"}, carol
assert original.get_content_type() == "message/rfc822"
inner = original.get_payload(0)
assert inner["Subject"] == "ketchup" and inner["Received"]
assert inner.get_content().strip() == "Do you like ketchup?"

m, (text, report, original) = notice("delayed")
assert m["Subject"] == "Your message is delayed"
carol = fields(report)[1]
assert carol["Action"] == "delayed" and carol["Status"] == "4.7.1"
assert carol["Will-Retry-Until"]
words = text.get_content().replace("\r\n", "\n")
assert "do not have to do anything" in plain(text)
assert "This is only a warning" in plain(text)
assert "until 15 November 2023, 22:13 UTC." in plain(text)
assert "Your message of 14 November 2023, 21:13 UTC has not yet" in plain(text)
assert carol["Will-Retry-Until"] == "Wed, 15 Nov 2023 22:13:20 +0000"
assert carol["Remote-MTA"] == "dns; [192.0.2.1]"
assert carol["Diagnostic-Code"] == "smtp; 451 greylisted"

# our own refusals: no server is said to have said anything
m, (text, report, original) = notice("own")
words = text.get_content().replace("\r\n", "\n")
assert "said" not in words and "other mail server" not in words, words
assert "This mail server does not pass on a message to this address." in words
assert "This mail server had trouble of its own with the message." in words
assert "The message could not be delivered." in words
for block in fields(report)[1:]:
    assert set(block) == {"Final-Recipient", "Action", "Status"}, block

m, (text, report, original) = notice("hostile")
assert "Bcc" not in m and m["Subject"] == "Your message could not be delivered"
blocks = fields(report)
assert len(blocks) == 2 and blocks[1]["Status"] == "5.0.0"
assert "To" not in blocks[1] and "Subject" not in blocks[1]

# the sender's own address needs SMTPUTF8: so does the notice
m, (text, report, original) = notice("utf8", to="zo\u00eb@crepes.fr")
assert m["X-Flags"] == str(8 | 4 | 1)
assert report.get_content_type() == "message/global-delivery-status"
assert fields(report)[1]["Final-Recipient"] == "utf-8; jörg@example.org"
assert "jörg@example.org" in text.get_content()
assert original.get_content_type() == "message/global"

m, (text, report, original) = notice("escaped", to="zo\u00eb@crepes.fr")
blocks = fields(report)
assert blocks[1]["Original-Recipient"] == "utf-8;jörg@example.org"
# no character: copied as it is
assert blocks[2]["Original-Recipient"] == "utf-8;b\\x{D800}@example.org"
assert "\nSubject: Votre message n'a pas pu être remis\n".encode() in wire("escaped")
assert "Il n'existe pas de boîte" in plain(text)

# the sender's is ASCII, what the notice is about is not: RFC 6533 3, 4.5
m, (text, report, original) = notice("seven")
assert m["X-Flags"] == "8" and m.as_bytes().isascii()
assert report.get_content_type() == "message/delivery-status"
(_, jorg) = fields(report)
assert jorg["Original-Recipient"] == "utf-8;\\x{20AC}\\x{2B}@example.org"
assert jorg["Final-Recipient"] == "utf-8;j\\x{F6}rg@example.org"
assert jorg["Diagnostic-Code"] == "smtp; 550 kein Postfach f??r j??rg"
assert text["Content-Transfer-Encoding"] == "quoted-printable"
assert "jörg@example.org" in plain(text) and "550 kein Postfach für jörg" in plain(text)
assert original.get_content_type() == "message/global"
assert original["Content-Transfer-Encoding"] == "quoted-printable"
inner = quopri.decodestring(original.as_bytes().split(b"\n\n", 1)[1])
assert "Subject: crêpes = 7".encode() in inner and b"\nyes" in inner, inner
m, (text, report, original) = notice("seven_head")
assert original.get_content_type() == "message/global-headers" and m.as_bytes().isascii()

# bytes that are no UTF-8 are no global message
m, (text, report, original) = notice("latin1")
assert m["X-Flags"] == str(8 | 1)
assert original.get_content_type() == "message/rfc822"
assert text["Content-Transfer-Encoding"] == "8bit" and "Das Postfach ist voll." in plain(text)

# what went well, three ways in one; fields in the order of RFC 3464 2.2 and 2.3
m, (text, report, original) = notice("done")
assert m["Subject"] == "Your message has arrived" and m["X-Flags"] == "8"
head, bob, carol, group = fields(report)
assert list(head) == ["Original-Envelope-Id", "Reporting-MTA", "Arrival-Date"]
assert head["Original-Envelope-Id"] == "QQ+7"
always = ["Original-Recipient", "Final-Recipient", "Action", "Status"]
assert list(bob) == [*always, "Last-Attempt-Date"], bob
assert list(carol) == [*always, "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date"]
assert list(group) == always
assert [block["Action"] for block in (bob, carol, group)] == ["delivered", "relayed", "expanded"]
assert [block["Status"] for block in (bob, carol, group)] == ["2.1.5", "2.0.0", "2.0.0"]
assert bob["Original-Recipient"] == "rfc822;bob+list@x.org"
assert bob["Final-Recipient"] == "rfc822; bob@x.org"
assert carol["Diagnostic-Code"] == "smtp; 250 queued as 7"
words = plain(text)
assert "bob@x.org It is in the mailbox." in words
assert "handed to the next mail server" in words and "mx.x.org said: 250 queued as 7" in words
assert "list@x.org This address stands for several people." in words
assert "eve@" not in words and "That somebody has read it" in words
assert original.get_content_type() == "text/rfc822-headers"

m, (text, report, original) = notice("german")
assert m["Subject"] == "Ihre Nachricht konnte nicht zugestellt werden" and m["X-Flags"] == "8"
assert text.get_content_charset() == "utf-8"
assert text["Content-Transfer-Encoding"] == "quoted-printable"
words = plain(text)
assert "Ihre Nachricht vom 14. November 2023, 21:13 UTC konnte" in words
assert "Wir haben es 5-mal in einer Stunde versucht." in words
assert "Der Empfänger muss erst Platz schaffen." in words
assert "Der Server mx.hamburger.edu sagte: 552 boîte pleine" in words
assert all(len(line) <= 80 for line in text.get_content().splitlines()), text.get_content()
m, (text, report, original) = notice("french")
assert m["Subject"] == "Votre message est retardé" and "é".encode() not in bytes(m)
assert "jusqu'au 15 novembre 2023 à 22:13 UTC." in plain(text)
# a moment stands in one line
assert "\n14 novembre 2023 à 21:13 UTC n'a pas" in text.get_content().replace("\r", "")

for name in ("long", "binary"):
    m, (text, report, original) = notice(name)
    assert original.get_content_type() == "text/rfc822-headers", name
    assert b"ketchup" in original.as_bytes()
    assert b"Do you like" not in original.as_bytes()

m, (text, report, original) = notice("boundary")
assert original.get_content_type() == "message/rfc822"
assert "postrider=_9K_0" in original.get_payload(0).get_content()
# a folded id is one, and what stands in the body is none
notice("folded")
notice("no_id", about=None)
print("ok")
