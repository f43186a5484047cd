"""REQUIRETLS (RFC 8689), end to end: two servers of ours, and some that cannot."""

import base64
import poplib
import smtplib
import ssl
import subprocess

import pytest

from server import PASSWORD, wait_for

BODY = b"Subject: between us\r\n\r\nThe secret word is swordfish.\r\n"


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """An authority, and a certificate of it for mx.far.test: (ca, certificate, key)."""
    folder = tmp_path_factory.mktemp("pki")
    folder.chmod(0o755)
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    certificate, key, request = folder / "far.pem", folder / "far.key", folder / "far.csr"
    names = folder / "names"
    names.write_text("subjectAltName=DNS:mx.far.test\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "9", "-keyout", ca_key, "-out", ca, "-subj", "/CN=Test authority")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            key, "-out", request, "-subj", "/CN=mx.far.test")
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
            "-days", "9", "-extfile", names, "-out", certificate)
    for path in (certificate, key, ca):
        path.chmod(0o644)
    return ca, certificate, key


@pytest.fixture
def context(pki):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pki[1], pki[2])
    return made


def near_server(make_server, address, port, authority):
    near = make_server(hostname="mx.near.test", hosts={"far.test": address}, mx_port=port)
    if authority:                           # where the server's user may read it
        copy = near.dir / "authority.pem"
        copy.write_bytes(authority.read_bytes())
        near.options["outbound"]["authorities"] = f'{{"{copy}"}}'
        near.write_config()
    near.add_domain("near.test")
    near.add_account("ann@near.test")
    return near.start()


def send(server, body=BODY, options=("REQUIRETLS",)):
    """Under TLS, as ann@near.test."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP(server.address, server.smtp_port, "c.test", timeout=60) as client:
        client.starttls(context=trusting)
        client.ehlo()
        assert client.has_extn("requiretls")
        client.sendmail("ann@near.test", ["bob@far.test"], body, mail_options=list(options))


def mailbox(server, address):
    client = poplib.POP3(server.address, server.pop3_port, timeout=60)
    client.user(address)
    client.pass_(PASSWORD)
    messages = [b"\r\n".join(client.retr(n + 1)[1]) for n in range(client.stat()[0])]
    client.quit()
    return messages


def returned(server):
    """The notification that ann gets."""
    return wait_for(lambda: mailbox(server, "ann@near.test"), 30, "the notification")[0]


def test_it_goes_all_the_way(make_server, pki):
    ca, certificate, key = pki
    far = make_server(hostname="mx.far.test", options={
        "tls": {"certificate": f'"{certificate}"', "key": f'"{key}"'}})
    far.add_domain("far.test")
    far.add_account("bob@far.test")
    far.address = "127.0.0.2"
    far.options["listen smtp"] = {"addresses": f'{{"127.0.0.2:{far.smtp_port}"}}'}
    far.options["listen pop3"] = {"addresses": f'{{"127.0.0.2:{far.pop3_port}"}}'}
    far.write_config()
    far.start()
    near = near_server(make_server, "127.0.0.2", far.smtp_port, ca)
    send(near)
    got = wait_for(lambda: mailbox(far, "bob@far.test"), 30, "the message")[0]
    assert b"swordfish" in got
    near.wait_queue_empty()
    mid = near.events("queue.accepted")[0]["mid"]
    text = near.run("queue", "show", mid).stdout
    assert ", verified" in text, text


def test_the_next_server_hears_of_it(make_server, make_sink, pki, context):
    sink = make_sink(tls=context, extensions=("PIPELINING", "8BITMIME", "REQUIRETLS"))
    near = near_server(make_server, sink.address, sink.port, pki[0])
    send(near)
    wait_for(lambda: sink.messages, 30, "the mail at the sink")
    said = [line for session in sink.sessions for line in session]
    assert any(line.startswith(b"MAIL FROM:<ann@near.test>") and b" REQUIRETLS" in line
               for line in said), said
    # and a message without it does not carry it
    send(near, options=())
    wait_for(lambda: len(sink.messages) == 2, 30, "the second")
    said = [line for session in sink.sessions for line in session if line.startswith(b"MAIL")]
    assert sum(b" REQUIRETLS" in line for line in said) == 1, said


@pytest.mark.parametrize("case", ["unknown", "nobody vouches", "plain"])
def test_a_way_that_is_not_safe(make_server, make_sink, pki, context, case):
    """It comes back, with its header alone (RFC 8689 5), and nothing went out."""
    extensions = ["PIPELINING", "8BITMIME", "REQUIRETLS"]
    if case == "unknown":
        extensions.remove("REQUIRETLS")
    sink = make_sink(tls=None if case == "plain" else context, extensions=tuple(extensions))
    authority = pki[1] if case == "nobody vouches" else pki[0]
    if case == "nobody vouches":
        authority = None                    # the system's: none of them knows ours
    near = near_server(make_server, sink.address, sink.port, authority)
    send(near)
    notice = returned(near)
    assert (b"5.7.30" if case == "unknown" else b"5.7.10") in notice, notice
    assert b"Subject: between us" in notice
    assert b"swordfish" not in notice
    assert base64.b64encode(b"swordfish")[:8] not in notice
    assert sink.messages == []
    assert not any(line.startswith(b"MAIL") for session in sink.sessions for line in session)
