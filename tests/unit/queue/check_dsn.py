#!/usr/bin/env python3
"""Reads notices with Python's email package: check_dsn.py PRINT_DSN.

What another parser makes of them counts, not what we meant.
"""
import email
import email.policy
import re
import subprocess
import sys


def notice(name, about="<1@crepes.fr>"):
    raw = subprocess.run([sys.argv[1], name], check=True,
                         stdout=subprocess.PIPE).stdout
    body = raw.split(b"\r\n", 1)[1]
    for line in body.split(b"\r\n"):
        assert len(line) <= 998, (name, line)
        assert b"\n" not in line and b"\r" not in line and b"\0" not in line
    m = email.message_from_bytes(raw, policy=email.policy.default)
    assert not m.defects, (name, m.defects)
    assert m.get_content_type() == "multipart/report"
    assert m.get_param("report-type") == "delivery-status"
    assert m["Auto-Submitted"] == "auto-replied"
    assert m["To"].addresses[0].addr_spec == "alice@crepes.fr"
    assert m["From"].addresses[0].addr_spec == "MAILER-DAEMON@mx.crepes.fr"
    assert m["Date"] and m["Message-ID"].endswith("@mx.crepes.fr>")
    assert m["In-Reply-To"] == m["References"] == about
    parts = list(m.iter_parts())
    assert len(parts) == 3, (name, len(parts))
    return m, parts


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
assert "do not have to do anything" in words and "This is only a warning" in words
assert "has not yet been delivered" in words
assert "until Wed, 15 Nov 2023 22:13:20 +0000" in words
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

m, (text, report, original) = notice("utf8")
assert m["X-Flags"] == str(8 | 4 | 1)
assert report.get_content_type() == "message/global-delivery-status"
assert fields(report)[1]["Final-Recipient"] == "utf-8; jörg@example.org"
assert "jörg@example.org" in text.get_content()
assert original.get_content_type() == "message/global"

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
