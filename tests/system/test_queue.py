"""What becomes of accepted mail: attempts, notifications, aliases, restarts."""

import contextlib
import email
import email.policy
import sqlite3
import time

from server import PATIENCE, wait_for, without_trace

BODY = b"From: <ann@here.test>\r\nSubject: two\r\nMessage-ID: <m1@here.test>\r\n\r\nHello.\r\n"


def parse(message):
    return email.message_from_bytes(message, policy=email.policy.default)


def sent(sink, count=1):
    wait_for(lambda: len(sink.messages) >= count, 15, f"{count} messages at the sink")
    return sink.messages


def test_relay_to_the_mx(relay, far):
    relay.send("ann@here.test", "carl@far.test", BODY)
    ((sender, recipients, data),) = sent(far)
    assert (sender, recipients) == ("ann@here.test", ["carl@far.test"])
    assert data.endswith(BODY)
    assert data.startswith(b"Received: from client.test")
    relay.wait_queue_empty()
    relay.wait_event("queue.sent", rcpt="carl@far.test")


def test_two_recipients_of_a_domain_in_one_transaction(relay, far):
    relay.send("ann@here.test", ["carl@far.test", "dora@far.test", "bob@here.test"], BODY)
    ((_, recipients, _),) = sent(far)
    assert sorted(recipients) == ["carl@far.test", "dora@far.test"]
    assert without_trace(relay.wait_messages("bob@here.test")[0]) == BODY


def test_4xx_is_tried_again(make_sink, make_server):
    sink = make_sink(replies={"RCPT": [b"451 4.2.0 later", b"450 4.2.0 later", b"250 ok"]})
    server = make_server(hosts={"far.test": sink.address}, mx_port=sink.port)
    server.start()
    server.send("ann@here.test", "carl@far.test", BODY)
    assert len(sent(sink)) == 1
    replies = [event["reply"] for event in server.events("queue.deferred")]
    assert replies == ["451 4.2.0 later", "450 4.2.0 later"]
    server.wait_queue_empty()


def test_down_mx_is_tried_again(make_sink, make_server):
    sink = make_sink()
    address, port = sink.address, sink.port
    sink.close()
    server = make_server(hosts={"far.test": address}, mx_port=port)
    server.start()
    server.send("ann@here.test", "carl@far.test", BODY)
    server.wait_event("queue.deferred")
    (row,) = server.queue()
    assert "carl@far.test" in str(row) or "ann@here.test" in str(row)
    again = make_sink(address=address, port=port)
    assert len(sent(again)) == 1


def test_5xx_comes_back_to_the_sender(make_sink, make_server):
    sink = make_sink(replies={"RCPT": [b"550 5.1.1 no such person", b"250 ok"]})
    server = make_server(hosts={"far.test": sink.address}, mx_port=sink.port)
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    server.send("ann@here.test", "carl@far.test", BODY)
    (notice,) = server.wait_messages("ann@here.test")
    assert notice.startswith(b"Return-Path: <>\r\n")
    parsed = parse(notice)
    assert parsed.get_content_type() == "multipart/report"
    assert parsed.get_param("report-type") == "delivery-status"
    assert parsed["Auto-Submitted"] == "auto-replied"
    text, status, original = parsed.iter_parts()
    assert "no such person" in text.get_content()
    assert status.get_content_type() == "message/delivery-status"
    per_message, per_recipient = status.get_payload()
    assert per_message["Reporting-MTA"] == "dns; mx.test"
    assert per_recipient["Final-Recipient"].replace(" ", "") == "rfc822;carl@far.test"
    assert per_recipient["Action"] == "failed"
    assert per_recipient["Status"] == "5.1.1"
    assert per_recipient["Diagnostic-Code"].startswith("smtp; 550 ")
    assert "no such person" in per_recipient["Diagnostic-Code"]
    assert "m1@here.test" in original.as_string()
    server.wait_queue_empty()


def test_null_sender_is_never_answered(make_sink, make_server):
    sink = make_sink(replies={"RCPT": [b"550 5.1.1 no"]})
    server = make_server(hosts={"far.test": sink.address}, mx_port=sink.port)
    server.start()
    server.send("", "carl@far.test", BODY)
    server.wait_event("queue.failed")
    server.wait_queue_empty()
    assert not server.events("queue.notified")


def test_partial_failure_names_only_what_failed(make_sink, make_server):
    def rcpt(sink, session, argument):
        return b"550 5.1.1 no" if b"carl" in argument else b"250 ok"

    sink = make_sink(replies={"RCPT": [rcpt]})
    server = make_server(hosts={"far.test": sink.address}, mx_port=sink.port)
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    server.send("ann@here.test", ["carl@far.test", "dora@far.test"], BODY)
    (notice,) = server.wait_messages("ann@here.test")
    assert sent(sink)[0][1] == ["dora@far.test"]
    status = list(parse(notice).iter_parts())[1].as_string()
    assert "carl@far.test" in status and "dora@far.test" not in status
    assert len(server.wait_messages("ann@here.test")) == 1


def test_give_up_after_a_time(make_sink, make_server):
    sink = make_sink(replies={"CONNECT": [b"421 4.3.2 not now"]})
    server = make_server(hosts={"far.test": sink.address}, mx_port=sink.port,
                         options={"queue": {"retry": '{"1s"}', "give_up_after": '"3s"',
                                            "warn_after": '"2s"', "bounce_give_up_after": '"3s"'}})
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    server.send("ann@here.test", "carl@far.test", BODY)
    (notice,) = server.wait_messages("ann@here.test", timeout=20)
    status = list(parse(notice).iter_parts())[1].get_payload()[1]
    assert status["Action"] == "failed"
    assert status["Status"].startswith(("4.", "5."))
    server.wait_queue_empty()


def test_unknown_domain_comes_back(relay):
    relay.send("ann@here.test", "x@nowhere.invalid", BODY)
    relay.wait_event("dns.failed", timeout=20)


def test_alias_to_many_places(relay, far):
    relay.add_alias("team@here.test", "ann@here.test", "bob@here.test", "carl@far.test")
    relay.send("x@else.test", "team@here.test", BODY)
    assert without_trace(relay.wait_messages("ann@here.test")[0]) == BODY
    assert without_trace(relay.wait_messages("bob@here.test")[0]) == BODY
    assert sent(far)[0][1] == ["carl@far.test"]
    relay.wait_queue_empty()


def test_alias_and_target_both_named_gets_one_copy(relay):
    relay.add_alias("team@here.test", "ann@here.test", "bob@here.test")
    relay.send("x@else.test", ["team@here.test", "ann@here.test"], BODY)
    relay.wait_messages("bob@here.test")
    relay.wait_queue_empty()
    assert len(relay.messages("ann@here.test")) == 1


def test_alias_loop_ends(relay):
    relay.add_alias("a@here.test", "b@here.test", "ann@here.test")
    relay.add_alias("b@here.test", "a@here.test", "bob@here.test")
    relay.send("x@else.test", "a@here.test", BODY)
    assert len(relay.wait_messages("ann@here.test")) == 1
    assert len(relay.wait_messages("bob@here.test")) == 1
    relay.wait_queue_empty()


def test_same_recipient_twice_gets_one_copy(server):
    server.send("x@else.test", ["ann@here.test", "ann@here.test", "ANN@here.test"], BODY)
    server.wait_messages("ann@here.test")
    server.wait_queue_empty()
    assert len(server.messages("ann@here.test")) == 1


def test_over_quota_waits_and_arrives(server):
    server.send("x@else.test", "ann@here.test", BODY + b"x" * 3000 + b"\r\n")
    server.wait_messages("ann@here.test")
    server.run("account", "quota", "ann@here.test", "4K")
    server.add_alias("via@here.test", "ann@here.test")
    server.send("x@else.test", "via@here.test", BODY + b"y" * 3000 + b"\r\n")
    server.wait_event("delivery.refused")
    assert len(server.messages("ann@here.test")) == 1
    with server.smtp() as client:
        client.mail("x@else.test")

        def is_full():
            code, text = client.rcpt("ann@here.test")
            return code == 452 and text.startswith(b"4.2.2")

        wait_for(is_full, 10, "452 for a full account")
    server.run("account", "quota", "ann@here.test", "1M")
    assert len(server.wait_messages("ann@here.test", 2)) == 2
    server.wait_queue_empty()


def test_lost_250_is_one_copy(server):
    """RFC 1047: the client resets after the dot and sends the same again."""
    for number in range(3):
        raw = server.raw()
        raw.reply()
        for command in ("EHLO c.test", "MAIL FROM:<f@else.test>", "RCPT TO:<ann@here.test>"):
            assert raw.command(command)[0] == 250
        assert raw.command("DATA")[0] == 354
        raw.send(BODY + b".\r\n")
        raw.reset()
        server.wait_sessions(number + 1)    # a client that comes back takes its time
    server.wait_messages("ann@here.test")
    server.send("f@else.test", "ann@here.test", BODY)
    time.sleep(0.5)
    server.wait_queue_empty()
    assert len(server.messages("ann@here.test")) == 1


def test_same_message_sent_twice_on_purpose_is_two(server):
    server.send("f@else.test", "ann@here.test", BODY)
    server.send("f@else.test", "ann@here.test", BODY)
    assert len(server.wait_messages("ann@here.test", 2)) == 2


def test_a_restart_in_order_doubts_nothing(server):
    """After a crash a repetition is taken for one; after a restart it is meant."""
    server.send("f@else.test", "ann@here.test", BODY)
    server.stop()
    server.start()
    server.send("f@else.test", "ann@here.test", BODY)
    assert len(server.wait_messages("ann@here.test", 2)) == 2


def test_queue_survives_restart_and_kill(make_sink, make_server):
    sink = make_sink()
    address, port = sink.address, sink.port
    sink.close()
    server = make_server(hosts={"far.test": address}, mx_port=port)
    server.start()
    for number in range(5):
        server.send("ann@here.test", "carl@far.test", BODY + b"%d\r\n" % number)
    big = BODY + b"a line of text\r\n" * 20000
    server.send("ann@here.test", "carl@far.test", big)
    server.restart()
    assert len(server.queue()) == 6
    server.kill_all()
    server.start()
    assert len(server.queue()) == 6
    again = make_sink(address=address, port=port)
    messages = sent(again, 6)
    assert any(data.endswith(big) for _, _, data in messages)
    server.wait_queue_empty()
    assert len(messages) == 6


def test_hold_release_cancel(make_sink, make_server):
    sink = make_sink(replies={"CONNECT": [b"421 4.3.2 not now"]})
    server = make_server(hosts={"far.test": sink.address}, mx_port=sink.port,
                         options={"queue": {"retry": '{"1h"}'},
                                  "outbound": {"idle_timeout": '"0s"'}})
    server.start()
    server.send("", "carl@far.test", BODY)
    server.wait_event("queue.deferred")
    (row,) = server.queue()
    mid = row.get("id") or row.get("mid")
    server.run("queue", "hold", mid)
    sink.replies = {}
    time.sleep(0.3)
    assert not sink.messages
    server.run("queue", "release", mid)
    assert len(sent(sink)) == 1
    server.wait_queue_empty()
    sink.replies = {"CONNECT": [b"421 4.3.2 not now"]}
    server.send("", "dora@far.test", BODY)
    (row,) = wait_for(server.queue)
    server.wait_event("queue.deferred", rcpt="dora@far.test")
    sink.replies = {}
    server.run("queue", "try", row.get("id") or row.get("mid"))
    assert len(sent(sink, 2)) == 2
    sink.replies = {"CONNECT": [b"421 4.3.2 not now"]}
    server.send("", "emil@far.test", BODY)
    server.wait_event("queue.deferred", rcpt="emil@far.test")
    (row,) = wait_for(server.queue)
    server.run("queue", "cancel", row.get("id") or row.get("mid"))
    server.wait_queue_empty()
    assert server.run("queue", "show", "zzzzzz", expect=None).returncode != 0


def test_verbs_on_a_stopped_server(make_sink, make_server):
    sink = make_sink()
    address, port = sink.address, sink.port
    sink.close()
    server = make_server(hosts={"far.test": address}, mx_port=port,
                         options={"queue": {"retry": '{"1h"}'}})
    server.start()
    for name in ("carl", "dora", "emil"):
        server.send("ann@here.test", f"{name}@far.test", BODY)
    server.wait_event("queue.deferred", rcpt="carl@far.test")
    wait_for(lambda: [row["state"] for row in server.queue()] == ["waiting"] * 3)
    ids = {row["to"].split("@")[0]: row["id"] for row in server.queue()}
    table = server.run("queue", "list").stdout
    server.stop()
    offline = server.run("queue", "list").stdout
    for text in (table, offline):
        assert text.splitlines()[0].split() == \
            ["ID", "AGE", "SIZE", "STATE", "TRIES", "NEXT", "FROM", "TO"]
        assert len(text.splitlines()) == 4 and all(len(row) <= 80 for row in text.splitlines())
    shown = {row["field"]: row["value"] for row in server.rows("queue", "show", ids["carl"])}
    assert shown["recipient"] == "carl@far.test (another server)"
    assert shown["state"].startswith("waiting; next attempt 20")
    assert shown["tried"].startswith("1 attempt, the last: connecting to mx.far.test[")
    assert shown["attempt"].endswith(f"mx.far.test[{address}]:{port}: Connection refused")
    assert {row["result"] for row in server.rows("queue", "log", "--domain", "far.test")} == {
        "temp"}
    server.run("queue", "hold", ids["carl"])
    server.run("queue", "hold", ids["dora"])
    assert len(server.rows("queue", "list", "--state", "held")) == 2
    server.run("queue", "release", ids["dora"])
    server.run("queue", "cancel", ids["emil"])
    server.run("queue", "try", ids["dora"])
    server.run("queue", "try", ids["emil"], expect=3)
    server.run("queue", "list", "--state", "lost", expect=64)
    again = make_sink(address=address, port=port)
    server.start()
    assert sent(again)[0][1] == ["dora@far.test"]
    assert [(row["id"], row["state"]) for row in wait_for(
        lambda: len(server.queue()) == 1 and server.queue())] == [(ids["carl"], "held")]


def test_newer_queue_is_refused_and_left_alone(server):
    server.stop()
    path = server.data_dir / "queue" / "queue.db"
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    done = server.run("queue", "list", expect=74)
    assert "newer version" in done.stderr
    server.start(wait=False)
    assert server.process.wait(20 * PATIENCE) != 0
    assert "newer version" in server.log_text()
    assert path.read_bytes() == before


def test_missing_spool_file_is_set_aside(make_sink, make_server):
    sink = make_sink(replies={"CONNECT": [b"421 4.3.2 not now"]})
    server = make_server(hosts={"far.test": sink.address}, mx_port=sink.port)
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    server.send("x@else.test", "carl@far.test", BODY + b"a line of text\r\n" * 20000)
    server.wait_event("queue.deferred")
    server.stop()
    (path,) = (server.data_dir / "queue" / "spool").iterdir()
    path.unlink()
    server.start()
    (row,) = wait_for(lambda: server.rows("queue", "list", "--state", "damaged", expect=None))
    assert row["to"] == "carl@far.test"
    server.send("x@else.test", "ann@here.test", BODY)
    assert without_trace(server.wait_messages("ann@here.test")[0]) == BODY
    server.run("queue", "cancel", row["id"])
    server.wait_queue_empty()


def test_connection_is_used_for_several_messages(relay, far):
    for number in range(10):
        relay.send("ann@here.test", "carl@far.test", BODY + b"%d\r\n" % number)
        sent(far, number + 1)
    assert len(far.sessions) <= 3


def test_helo_when_ehlo_is_unknown(make_sink, make_server):
    sink = make_sink(replies={"EHLO": [b"500 5.5.1 what?"]})
    server = make_server(hosts={"old.test": sink.address}, mx_port=sink.port)
    server.start()
    server.send("ann@here.test", "carl@old.test", BODY)
    assert len(sent(sink)) == 1
    assert any(line.startswith(b"HELO ") for line in sink.sessions[0])


def test_null_mx_fails_at_once(make_server):
    server = make_server(options={"resolver": {
        "local": '{"no.test. MX 0 .", "no.test. A 127.0.0.9"}'}})
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    server.send("ann@here.test", "x@no.test", BODY)
    (notice,) = server.wait_messages("ann@here.test")
    assert b"Status: 5.1.10" in notice
    server.wait_queue_empty()


def test_second_mx_when_the_first_is_down(make_sink, make_server):
    sink = make_sink(address="127.0.0.3")
    local = ["two.test. MX 10 a.two.test.", "two.test. MX 20 b.two.test.",
             "a.two.test. A 127.0.0.4", "b.two.test. A 127.0.0.3"]
    server = make_server(mx_port=sink.port, options={"resolver": {
        "local": "{" + ", ".join(f'"{record}"' for record in local) + "}"}})
    server.start()
    server.send("ann@here.test", "x@two.test", BODY)
    assert len(sent(sink)) == 1


def test_mx_is_myself_does_not_loop(make_server):
    server = make_server(options={"resolver": {
        "local": '{"loop.test. MX 10 mx.test.", "mx.test. A 127.0.0.1"}'}})
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    server.send("ann@here.test", "x@loop.test", BODY)
    (notice,) = server.wait_messages("ann@here.test")
    assert b"5.4.6" in notice or b"5.3.5" in notice
    server.wait_queue_empty()
