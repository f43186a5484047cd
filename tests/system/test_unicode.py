"""Addresses beyond ASCII: one mailbox in every spelling, next hops with and without
SMTPUTF8 (RFC 6531, 6533)."""

import email
import email.policy
import unicodedata

import pytest

from server import PASSWORD, listing, wait_for, without_trace

USER = "täst@bücher.example"
KEPT = "täst@xn--bcher-kva.example"
SPELLINGS = (USER, "TÄST@BÜCHER.example", unicodedata.normalize("NFD", USER), KEPT,
             unicodedata.normalize("NFD", KEPT), "täst@XN--BCHER-KVA.EXAMPLE",
             "täst@bücher。example")
TEXT = "From: Ännchen <täst@bücher.example>\r\nSubject: Grüße\r\n\r\nHallo.\r\n"
BODY = TEXT.encode()
PLAIN = b"From: <ann@here.test>\r\nSubject: two\r\n\r\nHello.\r\n"
OLD = ("PIPELINING", "8BITMIME")


def parse(message):
    return email.message_from_bytes(message, policy=email.policy.default)


def send_utf8(server, sender, recipient, body=BODY):
    """The last reply: of the message, or of what was refused."""
    raw = server.raw()
    assert raw.reply()[0] == 220
    assert raw.command("EHLO client.test")[0] == 250
    for line in (f"MAIL FROM:<{sender}> BODY=8BITMIME SMTPUTF8", f"RCPT TO:<{recipient}>"):
        code, texts = raw.command(line)
        if code != 250:
            raw.close()
            return code, texts[0]
    assert raw.command("DATA")[0] == 354
    code, texts = raw.command(body + b".\r\n")
    raw.close()
    return code, texts[0]


@pytest.fixture
def books(make_server):
    server = make_server()
    server.add_domain("Bücher.example", "here.test")
    server.add_account(USER)
    server.add_account("ann@here.test")
    return server.start()


def test_one_mailbox_in_every_spelling(books):
    for spelling in SPELLINGS:
        assert send_utf8(books, USER, spelling)[0] == 250, spelling
    books.passwords[KEPT] = books.passwords[unicodedata.normalize("NFD", USER)] = PASSWORD
    messages = books.wait_messages(KEPT, len(SPELLINGS))
    assert all(without_trace(message) == BODY for message in messages)
    assert f"Return-Path: <{KEPT}>\r\n".encode() in messages[0]


def test_login_in_another_spelling(books):
    raw = books.raw(books.pop3_port)
    raw.line()
    user = unicodedata.normalize("NFD", "TÄST@bücher.example")
    raw.send(f"USER {user}\r\nPASS {PASSWORD}\r\n".encode())
    assert raw.line().startswith(b"+OK")
    assert raw.line().startswith(b"+OK")
    raw.close()


def test_nobody_in_between(books):
    for address, code, enhanced in (
            ("tast@bücher.example", 550, "5.1.1"),
            ("tа\u0308st@bücher.example", 550, "5.1.1"),        # a Cyrillic a
            ("tä\u202est@bücher.example", 501, "5.1.3"),
            ("täst@bü\u200dcher.example", 501, "5.1.3"),
            ("täst@☕.example", 501, "5.1.3"),
            ("täst@xn--bcher-kv.example", 501, "5.1.3")):
        got, text = send_utf8(books, "ann@here.test", address)
        assert (got, text[:5]) == (code, enhanced), address
    assert send_utf8(books, "a@xn--99999999.example", USER)[0] == 501


def test_tables_show_the_script_and_json_the_key(books):
    assert "bücher.example" in books.run("domain", "list").stdout
    assert USER in books.run("account", "list").stdout
    assert KEPT in str(books.rows("account", "list", "bücher.example"))
    books.add_domain("pаypal.example")          # two scripts in one label
    listed = books.run("domain", "list").stdout
    assert "xn--pypal-4ve.example" in listed and "pаypal" not in listed


def make_relay(make_server, hosts, port, extra=()):
    server = make_server(hosts=hosts, mx_port=port)
    if extra:
        server.options["resolver"]["local"] = listing(extra)
        server.write_config()
    server.add_domain("here.test", "bücher.example")
    server.add_account("ann@here.test")
    server.add_account(USER)
    return server.start()


def taken(sink, count=1):
    wait_for(lambda: len(sink.messages) >= count, 15, "the sink to have it")
    return sink.messages


def test_relay_to_a_hop_with_smtputf8(make_sink, make_server):
    sink = make_sink()
    server = make_relay(make_server, {"xn--mnchen-3ya.example": sink.address}, sink.port)
    assert send_utf8(server, USER, "Jörg@München.example")[0] == 250
    ((sender, recipients, data),) = taken(sink)
    assert (sender, recipients) == (KEPT, ["Jörg@xn--mnchen-3ya.example"])
    assert data.endswith(BODY)
    assert any(b"SMTPUTF8" in line for line in sink.sessions[0] if line.startswith(b"MAIL"))


def test_relay_of_ascii_local_parts_to_an_old_hop(make_sink, make_server):
    sink = make_sink(extensions=OLD)
    server = make_relay(make_server, {"xn--mnchen-3ya.example": sink.address}, sink.port)
    assert send_utf8(server, "ann@here.test", "joerg@münchen.example", PLAIN)[0] == 250
    ((_, recipients, data),) = taken(sink)
    assert recipients == ["joerg@xn--mnchen-3ya.example"]
    assert data.endswith(PLAIN)
    assert not any(b"SMTPUTF8" in line for line in sink.sessions[0])


def test_an_old_hop_gets_no_utf8_and_the_sender_a_notice(make_sink, make_server):
    sink = make_sink(extensions=OLD)
    server = make_relay(make_server, {"far.test": sink.address}, sink.port)
    assert send_utf8(server, USER, "jörg@far.test")[0] == 250
    (notice,) = server.wait_messages(USER)
    parsed = parse(notice)
    _, status, original = parsed.iter_parts()
    assert status.get_content_type() == "message/global-delivery-status"
    assert original.get_content_type() == "message/global"
    text = notice.decode()
    assert "Final-Recipient: utf-8; jörg@far.test\r\n" in text
    assert "Status: 5.6.7\r\n" in text
    assert not any(line.startswith((b"MAIL", b"RCPT")) for line in sink.sessions[0])


def two_exchangers(make_sink, make_server):
    old = make_sink(extensions=OLD)
    new = make_sink(address="127.0.0.3", port=old.port)
    records = ("far.test. MX 10 old.far.test.", f"old.far.test. A {old.address}",
               "far.test. MX 20 new.far.test.", f"new.far.test. A {new.address}")
    return old, new, make_relay(make_server, {}, old.port, records)


def test_another_exchanger_is_tried_first(make_sink, make_server):
    old, new, server = two_exchangers(make_sink, make_server)
    assert send_utf8(server, USER, "jörg@far.test")[0] == 250
    ((sender, recipients, data),) = taken(new)
    assert (sender, recipients) == (KEPT, ["jörg@far.test"])
    assert data.endswith(BODY)
    server.wait_queue_empty()
    assert not old.messages
    # what any server takes stays with the preferred one
    server.send("ann@here.test", "carl@far.test", PLAIN)
    server.wait_queue_empty()
    assert len(old.messages) + len(new.messages) == 2
    assert not server.messages(USER)


def test_each_exchanger_gets_what_it_can_take(make_sink, make_server):
    old, new, server = two_exchangers(make_sink, make_server)
    raw = server.raw()
    raw.reply()
    raw.command("EHLO client.test")
    for line in ("MAIL FROM:<ann@here.test> SMTPUTF8", "RCPT TO:<carl@far.test>",
                 "RCPT TO:<jörg@far.test>", "RCPT TO:<dora@far.test>"):
        assert raw.command(line)[0] == 250
    assert raw.command("DATA")[0] == 354
    assert raw.command(PLAIN + b".\r\n")[0] == 250
    raw.close()
    server.wait_queue_empty()
    assert sorted(r for _, rs, _ in old.messages for r in rs) == ["carl@far.test",
                                                                  "dora@far.test"]
    assert [rs for _, rs, _ in new.messages] == [["jörg@far.test"]]


def test_the_other_exchanger_is_down(make_sink, make_server):
    """Then it is too early to say that nobody takes it."""
    old, new, server = two_exchangers(make_sink, make_server)
    address, port = new.address, new.port
    new.close()
    assert send_utf8(server, USER, "jörg@far.test")[0] == 250
    server.wait_event("queue.deferred")
    again = make_sink(address=address, port=port)
    taken(again)
    server.wait_queue_empty()
    assert not old.messages
    assert not server.messages(USER)
