"""SMTP on the live server, where a transcript of one connection is not enough."""

import smtplib
import socket
import threading

import pytest

from server import PASSWORD, PATIENCE, wait_for, without_trace

BODY = b"From: <far@else.test>\r\nSubject: one\r\n\r\nHello.\r\n"


def test_arrives_byte_for_byte_with_a_trace(server):
    body = BODY + b".\r\n..\r\n.dot\r\n\r\n  \r\n\xff\xfe\x80\r\n"
    server.send("far@else.test", "ann@here.test", body)
    (got,) = server.wait_messages("ann@here.test")
    assert without_trace(got) == body
    head = got[:len(got) - len(body)].decode()
    assert head.startswith("Return-Path: <far@else.test>\r\nDelivered-To: ann@here.test\r\n")
    assert "from client.test ([127.0.0.1])" in head or "[127.0.0.1]" in head
    assert "by mx.test (Postrider) with ESMTP id " in head
    assert "for <ann@here.test>" in head


def test_for_is_left_out_with_two_recipients(server):
    server.send("far@else.test", ["ann@here.test", "bob@here.test"], BODY)
    (got,) = server.wait_messages("ann@here.test")
    assert b"for <" not in got[:len(got) - len(BODY)]
    assert without_trace(server.wait_messages("bob@here.test")[0]) == BODY


def test_mid_of_250_is_in_received_and_log(server):
    with server.smtp() as client:
        client.mail("far@else.test")
        client.rcpt("ann@here.test")
        code, text = client.data(BODY)
    assert code == 250
    (event,) = server.wait_event("queue.accepted")
    assert event["mid"] in text.decode()
    (got,) = server.wait_messages("ann@here.test")
    assert event["mid"].encode() in got[:len(got) - len(BODY)]
    server.wait_event("delivered", mid=event["mid"], rcpt="ann@here.test")


def test_many_transactions_in_one_session(server):
    with server.smtp() as client:
        for number in range(50):
            client.sendmail("far@else.test", "ann@here.test", BODY + b"%d\r\n" % number)
    got = server.wait_messages("ann@here.test", 50)
    assert sorted(map(without_trace, got)) == sorted(BODY + b"%d\r\n" % n for n in range(50))


def test_large_message_goes_through_the_spool(server):
    body = BODY + b"".join(b"%07d %s\r\n" % (n, b"y" * 60) for n in range(45000))
    server.send("far@else.test", "ann@here.test", body)
    (got,) = server.wait_messages("ann@here.test")
    assert without_trace(got) == body
    server.wait_queue_empty()
    spool = server.data_dir / "queue/spool"
    wait_for(lambda: not list(spool.iterdir()), 10, "the spool to be empty")


def test_large_messages_whose_size_was_not_told(server):
    """The file is asked for amid the body; what comes meanwhile waits, and stays as it is."""
    body = b"Subject: large\r\n\r\n" + b"".join(b"%08d 0123456789abcdef\r\n" % n
                                                for n in range(60000))
    raws = [server.raw() for _ in range(6)]
    for raw in raws:
        raw.reply()
        for command in (b"EHLO c.test", b"MAIL FROM:<ann@else.test>", b"RCPT TO:<bob@here.test>",
                        b"DATA"):
            raw.send(command + b"\r\n")
            assert raw.reply()[0] in (250, 354)
    senders = [threading.Thread(target=raw.send, args=(body + b".\r\n",)) for raw in raws]
    for sender in senders:
        sender.start()
    for raw in raws:
        assert raw.reply()[0] == 250
    for sender in senders:
        sender.join()
    got = server.wait_messages("bob@here.test", len(raws))
    assert all(message.endswith(body) for message in got)


def test_sizes_round_the_limit_of_a_frame(server):
    bodies = []
    for size in (65535, 65536, 65537, 65000, 70000):
        body = BODY + b"z" * 70 + b"\r\n"
        while len(body) + 72 <= size:
            body += b"z" * 70 + b"\r\n"
        body += b"z" * (size - len(body) - 2) + b"\r\n"
        assert len(body) == size
        bodies.append(body)
        server.send("far@else.test", "ann@here.test", body)
    got = server.wait_messages("ann@here.test", len(bodies))
    assert sorted(map(without_trace, got)) == sorted(bodies)


def test_message_over_the_limit(make_server):
    server = make_server(options={"limits": {"message_size": '"100K"'}})
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    with server.smtp() as client:
        assert int(client.esmtp_features["size"]) == 100 * 1024
        assert client.mail("far@else.test", ["size=200000"])[0] == 552
        assert client.mail("far@else.test", ["size=1"])[0] == 250
        assert client.rcpt("ann@here.test")[0] == 250
        assert client.data(BODY + b"a line\r\n" * 30000)[0] == 552
        client.sendmail("far@else.test", "ann@here.test", BODY)
    assert [without_trace(m) for m in server.wait_messages("ann@here.test")] == [BODY]
    assert not list((server.data_dir / "queue/spool").iterdir())


def test_disconnect_before_the_dot_leaves_nothing(server):
    for cut in (b"Subject: x\r\n", b"Subject: x\r\n\r\nbody\r\n", b"\r\n.", b"x" * 200000):
        raw = server.raw()
        raw.reply()
        for command in ("EHLO c.test", "MAIL FROM:<f@else.test>", "RCPT TO:<ann@here.test>"):
            assert raw.command(command)[0] == 250
        assert raw.command("DATA")[0] == 354
        raw.send(cut)
        raw.close()
    server.send("far@else.test", "ann@here.test", BODY)
    assert [without_trace(m) for m in server.wait_messages("ann@here.test")] == [BODY]
    spool = server.data_dir / "queue/spool"
    wait_for(lambda: not list(spool.iterdir()), 10, "the spool to be empty")


def test_unknown_user_and_unknown_domain(server):
    with server.smtp() as client:
        client.mail("far@else.test")
        code, text = client.rcpt("nobody@here.test")
        assert (code, text[:5]) == (550, b"5.1.1")
        assert client.rcpt("ANN@HERE.test")[0] == 250


def test_changes_work_while_it_runs(server):
    with server.smtp() as client:
        client.mail("far@else.test")
        assert client.rcpt("new@here.test")[0] == 550
        server.add_account("new@here.test")
        assert client.rcpt("new@here.test")[0] == 250
        server.run("account", "remove", "new@here.test")
        client.rset()
        client.mail("far@else.test")
        assert client.rcpt("new@here.test")[0] == 550


def test_login_needs_the_password(server):
    import poplib
    server.pop3("ann@here.test").quit()
    server.passwords["ann@here.test"] = PASSWORD + "x"
    with pytest.raises(poplib.error_proto, match="-ERR"):
        server.pop3("ann@here.test")
    assert PASSWORD not in server.log_text()


def test_sigterm_ends_in_order_and_keeps_all(server):
    raw = server.raw()
    raw.reply()
    raw.command("EHLO c.test")
    server.send("far@else.test", "ann@here.test", BODY)
    assert server.stop() == 0
    assert raw.reply()[0] in (421, None)
    server.start()
    assert len(server.wait_messages("ann@here.test")) == 1


def test_ipv6_and_two_addresses(make_server):
    from server import free_port, listing
    try:
        port = free_port("::1")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    server = make_server()
    server.options["listen smtp"] = {"addresses": listing(
        [f"127.0.0.1:{server.smtp_port}", f"[::1]:{port}"])}
    server.write_config()
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    with smtplib.SMTP("::1", port, "client.test", timeout=20 * PATIENCE) as client:
        client.sendmail("far@else.test", "ann@here.test", BODY)
    (got,) = server.wait_messages("ann@here.test")
    assert b"[IPv6:::1]" in got[:len(got) - len(BODY)]


def test_second_server_on_the_same_data_is_refused(server, make_server):
    second = make_server()
    second.options["data_dir"] = f'"{server.data_dir}"'
    second.write_config()
    second.start(wait=False)
    assert second.process.wait(20) != 0
    second.end_process()
    server.send("far@else.test", "ann@here.test", BODY)
    assert len(server.wait_messages("ann@here.test")) == 1


def test_half_open_connections_do_not_stop_others(server):
    held = [socket.create_connection((server.address, server.smtp_port)) for _ in range(200)]
    server.send("far@else.test", "ann@here.test", BODY)
    assert len(server.wait_messages("ann@here.test")) == 1
    for connection in held:
        connection.close()
