"""Where mail goes by its address: details, other names, catch-alls, forwards under our own
reverse-path, circles within a server and through two."""

import email
import email.policy
import imaplib

from server import PASSWORD, PATIENCE, free_port, wait_for

BODY = b"From: <f@else.test>\r\nSubject: where to\r\n\r\nHello.\r\n"


def parse(message):
    return email.message_from_bytes(message, policy=email.policy.default)


def imap(server, user):
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=30 * PATIENCE)
    client.login(user, PASSWORD)
    return client


def count(client, mailbox):
    _, answer = client.status(mailbox, "(MESSAGES)")
    return int(answer[0].split()[-1].rstrip(b")"))


def test_a_detail_chooses_a_folder_that_is_there(server):
    client = imap(server, "bob@here.test")
    client.create("shop")
    client.create("\"a/b c\"")
    for detail in ("shop", "nothing", "Sent", "a/b", "shop+more"):
        server.send("f@else.test", f"bob+{detail}@here.test", BODY)
    server.wait_messages("bob@here.test", 4)
    server.wait_queue_empty()
    assert count(client, "shop") == 1
    assert count(client, "INBOX") == 4      # a special folder is no strangers' affair
    assert count(client, "Sent") == 0
    client.logout()


def test_one_copy_however_many_ways_lead_there(server):
    server.add_alias("all@here.test", "bob@here.test", "ann@here.test")
    server.add_alias("both@here.test", "all@here.test", "bob@here.test")
    server.run("domain", "alias", "add", "here.example", "here.test")
    server.send("f@else.test", ["both@here.test", "all@here.test", "bob@here.test",
                                "bob@here.example", "ann@here.example"], BODY)
    server.wait_queue_empty()
    assert len(server.messages("bob@here.test")) == 1
    assert len(server.messages("ann@here.test")) == 1


def test_a_catch_all_and_who_is_refused(server):
    server.add_alias("@here.test", "bob@here.test")
    server.run("alias", "refuse", "noone@here.test")
    server.send("f@else.test", "whoever@here.test", BODY)
    server.wait_messages("bob@here.test")
    with server.smtp() as client:
        client.mail("f@else.test")
        assert client.rcpt("noone@here.test")[0] == 550
    rows = server.rows("test", "address", "whoever@here.test")
    assert rows[0]["is"].startswith("nobody of that name: @here.test takes the rest")
    assert server.run("test", "address", "noone@here.test", expect=67)


def test_forwarded_under_our_name_and_back(relay, far):
    """The next server sees our domain; a notice to that goes to the sender."""
    relay.run("account", "forward", "add", "bob@here.test", "bob@far.test")
    relay.send("Carol@far.test", "bob@here.test", BODY)
    relay.wait_messages("bob@here.test")                    # a copy stays
    wait_for(lambda: len(far.messages) == 1, 15, "the forwarded message")
    sender, recipients, _ = far.messages[0]
    assert recipients == ["bob@far.test"]
    assert sender.startswith("SRS0=") and sender.endswith("=far.test=Carol@here.test")
    # what comes back to that is passed on
    relay.send("", sender, b"Subject: could not be delivered\r\n\r\nNo.\r\n")
    wait_for(lambda: len(far.messages) == 2, 15, "the notice")
    assert far.messages[1][:2] == ("", ["Carol@far.test"])
    # nobody else makes such an address
    with relay.smtp() as client:
        client.mail("")
        forged = sender.replace("Carol@", "Eve@")
        assert client.rcpt(forged)[0] == 550
    # our own senders keep their names
    relay.send("ann@here.test", "bob@here.test", BODY)
    wait_for(lambda: len(far.messages) == 3, 15, "the second one")
    assert far.messages[2][0] == "ann@here.test"


def test_a_forward_that_fails_is_told_to_the_sender(make_sink, make_server):
    sink = make_sink(replies={"RCPT": [b"550 5.1.1 no such person"]})
    server = make_server(hosts={"far.test": sink.address}, mx_port=sink.port)
    server.add_domain("here.test")
    for name in ("ann", "bob"):
        server.add_account(f"{name}@here.test")
    server.start()
    server.run("account", "forward", "add", "bob@here.test", "bob@far.test", "--no-copy")
    server.send("ann@here.test", "bob@here.test", BODY)
    (notice,) = server.wait_messages("ann@here.test")
    _, status, _ = parse(notice).iter_parts()
    _, recipient = status.get_payload()
    assert recipient["Final-Recipient"].replace(" ", "") == "rfc822;bob@far.test"
    assert recipient["Original-Recipient"].replace(" ", "") == "rfc822;bob@here.test"
    assert recipient["Action"] == "failed"
    server.wait_queue_empty()
    assert not server.messages("bob@here.test")


def test_circles_of_aliases_end_with_one_notice(server):
    server.add_alias("a@here.test", "b@here.test")
    server.add_alias("b@here.test", "c@here.test")
    server.add_alias("c@here.test", "a@here.test")
    for target in ("bob@here.test", "ann@here.test"):
        other = {"bob@here.test": "ann@here.test"}.get(target, "bob@here.test")
        server.run("account", "forward", "add", target, other)
    server.send("ann@here.test", "bob@here.test", BODY)     # both forward to each other
    server.wait_queue_empty()
    assert len(server.messages("bob@here.test")) == 1
    assert len(server.messages("ann@here.test")) == 1
    with server.smtp() as client:
        client.mail("ann@here.test")
        code = client.rcpt("a@here.test")[0]
        if code == 250:
            client.data(BODY)
    if code == 250:
        server.wait_messages("ann@here.test", 2)
        server.wait_queue_empty()
        notices = [raw for raw in server.messages("ann@here.test") if b"Status: 5." in raw]
        assert len(notices) == 1
    else:
        assert code == 550


def test_a_circle_through_two_servers_ends(make_server):
    """bob here forwards to bob there, who forwards to bob here."""
    ports = [free_port("127.0.0.1"), free_port("127.0.0.1")]
    one = make_server(hostname="one.test", hosts={"two.test": "127.0.0.1"}, mx_port=ports[1],
                      options={"limits": {"received": 10}})
    two = make_server(hostname="two.test", hosts={"one.test": "127.0.0.1"}, mx_port=ports[0],
                      options={"limits": {"received": 10}})
    for server, port, domain, other in ((one, ports[0], "one.test", "two.test"),
                                        (two, ports[1], "two.test", "one.test")):
        server.smtp_port = port
        server.options["listen smtp"] = {"addresses": f'{{"127.0.0.1:{port}"}}'}
        server.write_config()
        server.add_domain(domain)
        for name in ("ann", "bob"):
            server.add_account(f"{name}@{domain}")
        server.start()
        server.run("account", "forward", "add", f"bob@{domain}", f"bob@{other}", "--no-copy")
    one.send("ann@one.test", "bob@one.test", BODY)
    notices = one.wait_messages("ann@one.test", timeout=60)
    one.wait_queue_empty()
    two.wait_queue_empty()
    assert len(notices) == 1 and len(one.messages("ann@one.test")) == 1
    assert b"5.4.6" in notices[0]
    assert not one.messages("bob@one.test") and not two.messages("bob@two.test")
