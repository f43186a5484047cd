"""STARTTLS with other servers: used, refused, stripped, broken, required.

The other end is ours, Postfix or Python's ssl.
"""

import contextlib
import os
import re
import ssl
import subprocess
import threading
import time

import pytest

from postfix import PEER, Postfix
from server import free_port, wait_for

BODY = b"Subject: outbound\r\n\r\nHello.\r\n"
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="Postfix wants to be started by root")
needs_postfix = pytest.mark.skipif(not (PEER / "usr/lib/postfix/sbin/master").exists(),
                                   reason="script/setup has not unpacked Postfix")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """(certificate, key) of mx.far.test, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "far.pem", folder / "far.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-keyout", key, "-out",
                    certificate, "-subj", "/CN=mx.far.test", "-addext",
                    "subjectAltName=DNS:mx.far.test"], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def context(pair):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*pair)
    return made


@pytest.fixture
def between(make_server, make_sink):
    """A server and a sink for far.test; retries wait for ever if later is true."""

    def make(tls=None, options=None, later=False, **sink_arguments):
        sink = make_sink(tls=tls, **sink_arguments)
        server = make_server(
            hosts={"far.test": sink.address}, mx_port=sink.port,
            options={"outbound": options or {},
                     "queue": {"retry": '{"1h"}' if later else '{"1s"}'}})
        return server.start(), sink

    return make


def wait_taken(sink, count=1):
    wait_for(lambda: len(sink.messages) >= count, 30, "the mail at the sink")
    return sink.messages


def history(server):
    """What is kept of the one message that was sent."""
    mid = server.events("queue.accepted")[0]["mid"]
    return server.run("queue", "show", mid).stdout


def wait_attempt(server):
    """The text of `queue show` when an attempt stands in it."""
    wait_for(lambda: server.events("queue.accepted"), 30, "the mail")
    return wait_for(lambda: (text := history(server)) and "attempt" in text and text, 30,
                    "an attempt")


def test_it_is_used_where_it_is_offered(between, context):
    server, sink = between(tls=context)
    for _ in range(3):
        server.send("ann@else.test", "zoe@far.test", BODY)
    assert wait_taken(sink, 3)[0][2].endswith(BODY)
    server.wait_queue_empty()
    assert sink.secured[0][0] == "TLSv1.3" and sink.secured[0][2] == "mx.far.test"
    first = sink.sessions[0]
    assert first[:2] == [b"EHLO mx.test", b"STARTTLS"], "nothing else is said in plain text"
    assert first[2] == b"EHLO mx.test", "and what was told before is forgotten"
    text = history(server)
    assert "delivered" in text
    assert re.search(r"TLS: TLSv1\.3 TLS_\w+, not verified", text), text
    assert server.events("smtp.client.tls")[0]["tls"].endswith("not verified")


def test_a_connection_is_used_again(between, context):
    server, sink = between(tls=context, options={"connections_per_domain": 1})
    for _ in range(20):
        server.send("ann@else.test", "zoe@far.test", BODY)
    wait_taken(sink, 20)
    server.wait_queue_empty()
    assert len(sink.secured) == len(sink.sessions)
    assert len(sink.sessions) < 20, "no connection was used again"
    for event in server.events("queue.accepted"):
        assert "TLS: TLSv1.3" in server.run("queue", "show", event["mid"]).stdout


def test_a_large_message_under_tls(between, context):
    server, sink = between(tls=context)
    body = BODY + b"".join(b".%08d 0123456789abcdef\r\n" % n for n in range(200000))
    server.send("ann@else.test", "zoe@far.test", body)
    assert wait_taken(sink)[0][2].endswith(body)


def test_tls_1_2(between, context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    server, sink = between(tls=context)
    server.send("ann@else.test", "zoe@far.test", BODY)
    wait_taken(sink)
    assert sink.secured[0][0] == "TLSv1.2"


def test_never_is_in_plain_text(between, context):
    server, sink = between(tls=context, options={"tls": '"never"'})
    server.send("ann@else.test", "zoe@far.test", BODY)
    wait_taken(sink)
    server.wait_queue_empty()
    assert b"STARTTLS" not in sink.sessions[0]
    assert "TLS" not in history(server)


def test_refused_it_goes_in_plain_text(between, context):
    server, sink = between(tls=context, replies={"STARTTLS": [b"454 4.7.0 not now"]})
    server.send("ann@else.test", "zoe@far.test", BODY)
    wait_taken(sink)
    assert sink.secured == [] and len(sink.sessions) == 1


@pytest.mark.parametrize("how", ["refused", "stripped", "helo"])
def test_must_waits_rather_than_go_in_plain_text(between, context, how):
    replies = {"refused": {"STARTTLS": [b"454 4.7.0 not now"]},
               "stripped": {"EHLO": [b"250-sink\r\n250 XXXXXXXA"]},
               "helo": {"EHLO": [b"502 5.5.1 what?"]}}[how]
    server, sink = between(tls=context, replies=replies, later=True,
                           options={"tls_policy": '{"far.test must"}'})
    server.send("ann@else.test", "zoe@far.test", BODY)
    text = wait_attempt(server)
    assert "4.7.5" in text and "under TLS only" in text, text
    said = b"\n".join(line for session in sink.sessions for line in session)
    assert b"MAIL" not in said and b"zoe" not in said and sink.messages == []
    assert server.queue(), "it waits"


def test_must_is_enough_for_a_certificate_that_nobody_knows(between, context):
    server, sink = between(tls=context, options={"tls": '"must"'})
    server.send("ann@else.test", "zoe@far.test", BODY)
    wait_taken(sink)
    assert sink.secured


def no_tls(connection):
    """Behind the 220 there is nobody who speaks TLS."""
    connection.recv(1000)
    connection.sendall(b"500 5.5.1 what?\r\n")


def hangs_up(_connection):
    return None


def dribbles(connection):
    """A record that never ends, byte by byte: always some progress."""
    connection.recv(1000)
    connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
    while True:
        connection.sendall(b"\x03")
        time.sleep(1)


def test_a_handshake_has_its_time_in_all(between):
    server, sink = between(tls=dribbles)
    server.send("ann@else.test", "zoe@far.test", BODY)
    wait_taken(sink)
    server.wait_queue_empty()
    assert "the handshake timed out" in history(server)


@pytest.mark.parametrize("broken", [no_tls, hangs_up])
def test_a_broken_handshake_is_tried_again_in_plain_text(between, broken):
    server, sink = between(tls=broken)
    server.send("ann@else.test", "zoe@far.test", BODY)
    wait_taken(sink)
    server.wait_queue_empty()
    assert len(sink.sessions) == 2
    assert b"STARTTLS" in sink.sessions[0] and b"STARTTLS" not in sink.sessions[1]
    text = history(server)
    assert "X: TLS with mx.far.test" in text and "again in plain text" in text, text
    assert server.events("smtp.client.tls.failed")[0]["then"] == "again in plain text"


@pytest.mark.parametrize("broken", [no_tls, hangs_up])
def test_a_broken_handshake_waits_under_must(between, broken):
    server, sink = between(tls=broken, options={"tls": '"must"'}, later=True)
    server.send("ann@else.test", "zoe@far.test", BODY)
    text = wait_attempt(server)
    assert "4.7.5 TLS failed" in text and "S: 220" in text, text
    assert sink.messages == [] and len(sink.sessions) == 1
    assert server.queue(), "it waits"


def test_a_server_that_wants_our_certificate_gets_plain_text(between, context, pair):
    """TLS 1.3 tells of it when the handshake is over for us."""
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pair[0])
    server, sink = between(tls=context)
    server.send("ann@else.test", "zoe@far.test", BODY)
    wait_taken(sink)
    assert sink.secured == [] and b"STARTTLS" not in sink.sessions[1]


@pytest.mark.parametrize("tls", ["may", "must"])
def test_what_stands_behind_the_220_is_never_believed(between, context, tls):
    """Somebody on the way answers for the server: all of it, up to 250 for the mail."""
    lie = (b"220 go on\r\n250-sink\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n"
           b"250 2.0.0 taken")
    server, sink = between(tls=context, later=True, replies={"STARTTLS": [lie]},
                           options={"tls": f'"{tls}"'})
    server.send("ann@else.test", "zoe@far.test", BODY)
    text = wait_attempt(server)
    assert "4.7.5 plain text behind STARTTLS" in text, text
    assert server.queue() and sink.messages == []
    said = b"\n".join(line for session in sink.sessions for line in session)
    assert b"MAIL" not in said


def test_records_that_say_nothing_keep_no_connection(between, context):
    """An idle connection ends in its time, whatever comes of a record without an end."""
    made = []

    def dribbles_when_idle(connection):
        raw = connection.dup()

        def dribble():
            wait_for(lambda: made[0].messages, 30, "the mail at the sink")
            with contextlib.suppress(OSError):
                raw.sendall(b"\x17\x03\x03\x40\x00")
                while not any(b"QUIT" in session for session in made[0].sessions):
                    raw.sendall(b"x")
                    time.sleep(0.2)
            raw.close()

        threading.Thread(target=dribble, daemon=True).start()
        return context.wrap_socket(connection, server_side=True)

    server, sink = between(tls=dribbles_when_idle, options={"idle_timeout": '"2s"'})
    made.append(sink)
    server.send("ann@else.test", "zoe@far.test", BODY)
    wait_for(lambda: sink.sessions and b"QUIT" in sink.sessions[0], 10, "QUIT")


def test_a_cut_under_tls_is_a_lost_connection(between, context):
    """No plain text for a message that was begun under TLS."""
    server, sink = between(tls=context, replies={"DOT": [None, b"250 2.0.0 taken"]}, later=True)
    server.send("ann@else.test", "zoe@far.test", BODY)
    text = wait_attempt(server)
    assert "4.4.2" in text, text
    assert all(b"STARTTLS" in session for session in sink.sessions)


def test_two_of_ours(make_server):
    port = free_port("127.0.0.2")
    far = make_server(hostname="mx.far.test", options={
        "listen smtp": {"addresses": f'{{"127.0.0.2:{port}"}}'}})
    far.add_domain("far.test")
    far.add_account("zoe@far.test")
    far.start()
    near = make_server(hosts={"far.test": "127.0.0.2"}, mx_port=port,
                       options={"outbound": {"tls": '"must"'}}).start()
    near.send("ann@else.test", "zoe@far.test", BODY)
    (got,) = far.wait_messages("zoe@far.test", timeout=30)
    assert b"with ESMTPS" in got.split(b"Subject:")[0], got
    assert far.events("tls.up")
    near.wait_queue_empty()
    assert "TLS: TLSv1.3" in history(near)


@needs_root
@needs_postfix
def test_postfix_takes_it_under_tls(make_server, pair):
    port = free_port()
    server = make_server(options={
        "outbound": {"smarthost": f'"[127.0.0.1]:{port}"', "tls": '"must"'}}).start()
    postfix = Postfix(server.smtp_port, port, more=f"""
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {pair[0]}
smtpd_tls_key_file = {pair[1]}
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
""")
    try:
        postfix.start()
        server.send("ann@else.test", "zoe@peer.test", BODY)
        (got,) = wait_for(postfix.messages, 30, "mail at Postfix")
    finally:
        postfix.close()
    assert b"using TLSv1.3" in got and b"ESMTPS" in got, got
    server.wait_queue_empty()
    assert "TLS: TLSv1.3" in history(server)
