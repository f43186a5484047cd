"""TLS with real clients: STARTTLS, STLS, TLS from the first byte, certificates.

The other end is Python's ssl (OpenSSL), openssl s_client and curl.
"""

import base64
import os
import poplib
import re
import signal
import smtplib
import socket
import ssl
import subprocess
import time

import pytest

from server import PATIENCE, Server, memory_of, wait_for

BODY = b"Subject: under TLS\r\n\r\n" + (b"y" * 70 + b"\r\n") * 30000


def make_pair(folder, name, kind, days=9):
    """A key of that kind and a certificate for the name, signed by itself."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    algorithm = {"rsa": ["rsa:2048"], "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
                 "ed25519": ["ed25519"]}[kind]
    subprocess.run(["openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-days", str(days),
                    "-keyout", key, "-out", certificate, "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return certificate, key


def expire(pair):
    """The same certificate as it was two days ago, for one day."""
    certificate, key = pair
    request = subprocess.run(["openssl", "x509", "-x509toreq", "-in", certificate, "-signkey",
                              key], check=True, capture_output=True).stdout
    subprocess.run(["openssl", "x509", "-req", "-signkey", key, "-days", "-1", "-out",
                    certificate], input=request, check=True, capture_output=True)


def quoted(paths):
    return "{" + ", ".join(f'"{path}"' for path in paths) + "}"


def any_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def peer_name(address, port, server_name=None):
    """The name in the certificate that the server shows."""
    with socket.create_connection((address, port), timeout=600) as plain:
        with any_context().wrap_socket(plain, server_hostname=server_name) as tls:
            der = tls.getpeercert(binary_form=True)
    done = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=der,
                          check=True, capture_output=True)
    return re.search(r"CN = (\S+)", done.stdout.decode()).group(1)


@pytest.fixture(scope="module")
def server():
    one = Server(options={"login": {"plaintext": '"never"'}}).start()
    one.add_domain("here.test")
    one.add_account("bob@here.test")
    yield one
    one.close()


def received(server):
    client = poplib.POP3_SSL(server.address, server.pop3s_port, context=any_context(), timeout=600)
    client.user("bob@here.test")
    client.pass_(server.passwords["bob@here.test"])
    count = client.stat()[0]
    lines = client.retr(count)[1]
    client.quit()
    return b"\r\n".join(lines)


def test_starttls_and_its_received_field(server):
    client = smtplib.SMTP(server.address, server.smtp_port, timeout=600)
    client.ehlo()
    assert client.has_extn("starttls")
    client.starttls(context=any_context())
    client.ehlo()
    assert not client.has_extn("starttls")
    client.sendmail("ann@else.test", ["bob@here.test"], BODY)
    client.quit()
    server.wait_queue_empty()
    text = received(server)
    assert re.search(rb"with ESMTPS id \S+\r\n\t\(TLSv1\.3 TLS_\w+\)", text)
    assert text.endswith(BODY.rstrip(b"\r\n"))


def test_tls_from_the_first_byte(server):
    client = smtplib.SMTP_SSL(server.address, server.submissions_port, context=any_context(),
                              timeout=600)
    client.ehlo()
    assert not client.has_extn("starttls")
    client.login("bob@here.test", server.passwords["bob@here.test"])
    client.sendmail("bob@here.test", ["bob@here.test"], b"Subject: 465\r\n\r\nx\r\n")
    client.quit()
    server.wait_queue_empty()
    assert b"Subject: 465" in received(server)


def test_pop3_needs_tls_before_a_login(server):
    client = poplib.POP3(server.address, server.pop3_port, timeout=600)
    assert "STLS" in client.capa() and "USER" not in client.capa()
    with pytest.raises(poplib.error_proto, match="encrypted"):
        client.user("bob@here.test")
    client.stls(any_context())
    assert "STLS" not in client.capa() and "USER" in client.capa()
    client.user("bob@here.test")
    client.pass_(server.passwords["bob@here.test"])
    count = client.stat()[0]
    assert count >= 1
    client.dele(count)
    client.quit()
    client = poplib.POP3_SSL(server.address, server.pop3s_port, context=any_context(), timeout=600)
    client.user("bob@here.test")
    client.pass_(server.passwords["bob@here.test"])
    assert client.stat()[0] == count - 1
    # a connection that is cut deletes nothing
    client.dele(1)
    client.sock.close()
    client.file.close()

    def is_back():
        again = poplib.POP3_SSL(server.address, server.pop3s_port, context=any_context(),
                                timeout=600)
        try:
            again.user("bob@here.test")
            again.pass_(server.passwords["bob@here.test"])
            return again.stat()[0] == count - 1
        except poplib.error_proto:
            return False        # the other session holds the mailbox still
        finally:
            again.close()
    wait_for(is_back, 30, "the mailbox to be free")


@pytest.mark.parametrize("piece", [1, 3, 4096])
def test_plain_text_behind_starttls_is_nobodys(server, piece):
    """T01: neither in the same segment nor in later ones."""
    with socket.create_connection((server.address, server.smtp_port), timeout=600) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.recv(1000)
        text = b"EHLO c.test\r\n"
        client.sendall(text)
        client.recv(1000)
        text = b"STARTTLS\r\nRSET\r\nNOOP\r\n"
        try:
            for at in range(0, len(text), piece):
                client.sendall(text[at:at + piece])
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while got := client.recv(1000):
                answer += got
        except ConnectionResetError:
            pass
    assert b"250" not in answer
    assert answer.count(b"\r\n") <= 1
    assert answer.startswith((b"220 ", b"554 "))


def test_a_message_that_is_cut_is_none(server):
    """T08: no close_notify amid a message; nothing of it is kept."""
    plain = socket.create_connection((server.address, server.submissions_port), timeout=600)
    with any_context().wrap_socket(plain) as tls:
        lines = tls.makefile("rb")
        login = b"\0bob@here.test\0" + server.passwords["bob@here.test"].encode()
        for command, code in ((None, b"220"), (b"HELO c.test", b"250"),
                              (b"AUTH PLAIN " + base64.b64encode(login), b"235"),
                              (b"MAIL FROM:<bob@here.test>", b"250"),
                              (b"RCPT TO:<bob@here.test>", b"250"), (b"DATA", b"354")):
            if command:
                tls.sendall(command + b"\r\n")
            assert lines.readline().startswith(code)
        tls.sendall(b"Subject: cut\r\n\r\nhalf of\r\n")
    client = smtplib.SMTP(server.address, server.smtp_port, timeout=600)
    client.sendmail("ann@else.test", ["bob@here.test"], b"Subject: later\r\n\r\nx\r\n")
    client.quit()
    server.wait_queue_empty()
    assert b"Subject: later" in received(server)
    client = poplib.POP3_SSL(server.address, server.pop3s_port, context=any_context(), timeout=600)
    client.user("bob@here.test")
    client.pass_(server.passwords["bob@here.test"])
    for number in range(1, client.stat()[0] + 1):
        assert b"Subject: cut" not in client.top(number, 0)[1]
    client.quit()


def test_the_last_words_are_answered(server):
    """What came with close_notify is answered, and with close_notify."""
    outgoing, incoming = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = any_context().wrap_bio(incoming, outgoing)
    got = b""
    with socket.create_connection((server.address, server.submissions_port), timeout=600) as plain:
        def turn(act):
            while True:
                try:
                    return act()
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    more = plain.recv(65536)
                    if not more:
                        return None
                    incoming.write(more)
        turn(tls.do_handshake)
        plain.sendall(outgoing.read())
        assert turn(lambda: tls.read(1000)).startswith(b"220 ")
        tls.write(b"HELO c.test\r\n")
        turn(lambda: tls.read(1000))
        tls.write(b"QUIT\r\n")
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()            # close_notify goes with it, in one segment
        plain.sendall(outgoing.read())
        while more := plain.recv(65536):
            incoming.write(more)
        got = tls.read(1000)
    assert got.startswith(b"221 ")


@pytest.mark.parametrize("service", ["submissions_port", "smtp_port"])
def test_a_handshake_has_a_deadline(server, service):
    """T07: 30 s in all, for who sends a byte now and then, too.  It is not the deadline
    of who has shaken hands."""
    idle = smtplib.SMTP_SSL(server.address, server.submissions_port, context=any_context(),
                            timeout=600)
    with socket.create_connection((server.address, getattr(server, service)),
                                  timeout=600) as client:
        begun = time.monotonic()
        if service == "smtp_port":
            client.recv(1000)
            client.sendall(b"STARTTLS\r\n")
            client.recv(1000)
        for byte in b"\x16\x03\x01\x02\x00\x01":
            client.settimeout(9)
            try:
                client.sendall(bytes([byte]))
                if not client.recv(1000):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("the handshake still goes on")
        assert time.monotonic() - begun > 25
    assert idle.noop()[0] == 250
    idle.quit()


def test_no_weak_protocol(server):
    for version in ("-tls1", "-tls1_1"):
        done = subprocess.run(["openssl", "s_client", version, "-cipher", "ALL:@SECLEVEL=0",
                               "-connect", f"{server.address}:{server.pop3s_port}"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
        assert done.returncode != 0
    done = subprocess.run(["openssl", "s_client", "-tls1_2", "-cipher",
                           "aNULL:eNULL:3DES:RC4:AES128-SHA:AES256-SHA:ECDHE+SHA1",
                           "-connect", f"{server.address}:{server.pop3s_port}"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
    assert done.returncode != 0


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_session_goes_on_at_any_front(server, version, tmp_path):
    """Four times, so that both fronts have seen it; but not at another service."""
    session = tmp_path / "session"
    where = f"{server.address}:{server.pop3s_port}"
    common = ["openssl", "s_client", version, "-quiet", "-ign_eof", "-connect"]
    subprocess.run([*common, where, "-sess_out", session], input=b"QUIT\r\n", check=True,
                   capture_output=True, timeout=600)

    def is_resumed(place):
        done = subprocess.run(["openssl", "s_client", version, "-ign_eof", "-connect", place,
                               "-sess_in", session], input=b"QUIT\r\n", capture_output=True,
                              timeout=600)
        return b"Reused, TLS" in done.stdout
    assert all(is_resumed(where) for _ in range(4))
    assert not is_resumed(f"{server.address}:{server.submissions_port}")


def test_alpn_of_another_protocol_is_refused(server):
    """T05: what is meant for a web server goes nowhere."""
    context = any_context()
    context.set_alpn_protocols(["http/1.1"])
    with socket.create_connection((server.address, server.pop3s_port), timeout=600) as plain:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(plain)
    context.set_alpn_protocols(["pop3"])
    with socket.create_connection((server.address, server.pop3s_port), timeout=600) as plain:
        with context.wrap_socket(plain) as tls:
            assert tls.selected_alpn_protocol() == "pop3"


def connect_tls(server):
    plain = socket.create_connection((server.address, server.pop3s_port), timeout=60 * PATIENCE)
    return any_context().wrap_socket(plain)


def memory_of_front(pid):
    """What it alone has, in KiB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))


def test_renegotiation_is_refused(server):
    with subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect",
                           f"{server.address}:{server.pop3s_port}"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
        # the greeting amid a handshake would be another error
        while b"+OK" not in (line := client.stdout.readline()):
            assert line
        client.stdin.write(b"R\n")
        client.stdin.flush()
        told = client.stderr.read()
    assert b"no renegotiation" in told


def private_bytes(path):
    """The secret number of a key, as it stands in memory."""
    done = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text"], check=True,
                          capture_output=True, text=True)
    block = re.search(r"(?:priv|privateExponent):\n((?:\s+[0-9a-f:]+\n)+)", done.stdout).group(1)
    return bytes.fromhex(re.sub(r"[\s:]", "", block)).lstrip(b"\0")


def holds(pid, secret):
    backwards = secret[::-1]    # a number's words stand in the machine's order
    return any(secret in piece or backwards in piece or secret[-64:] in piece
               or backwards[:64] in piece for piece in memory_of(pid))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look into processes")
@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
def test_keys_stay_with_their_keeper(tmp_path, kind):
    """T10: the memory of a front that has signed holds no key; that of keys does."""
    tmp_path.chmod(0o755)
    certificate, key = make_pair(tmp_path, "mx.test", kind)
    server = Server(options={"tls": {"certificate": f'"{certificate}"', "key": f'"{key}"'}})
    try:
        server.start()
        for _ in range(4):
            assert peer_name(server.address, server.pop3s_port) == "mx.test"
        secret = private_bytes(key)
        roles = server.roles()
        assert any(holds(pid, secret) for pid in roles["keys"])
        for role, pids in roles.items():
            if role != "keys":
                assert not any(holds(pid, secret) for pid in pids), role
    finally:
        server.close()


def test_certificates_by_name_and_anew(tmp_path):
    """SNI picks; a new file is taken without a restart; a wrong one is not (T09)."""
    pairs = [make_pair(tmp_path, "a.test", "ec"), make_pair(tmp_path, "b.test", "rsa")]
    server = Server(options={"tls": {"certificate": quoted(pair[0] for pair in pairs),
                                     "key": quoted(pair[1] for pair in pairs)}})
    try:
        server.start()

        def name(wanted):
            return peer_name(server.address, server.pop3s_port, wanted)
        assert name("a.test") == "a.test" and name("b.test") == "b.test"
        assert name("c.test") == "a.test" and name(None) == "a.test"
        # a key that does not fit: what was there goes on
        good = pairs[0][1].read_bytes()
        pairs[0][1].write_bytes(pairs[1][1].read_bytes())
        server.process.send_signal(signal.SIGHUP)
        server.wait_event("keys.refused", 30)
        assert name("a.test") == "a.test"
        pairs[0][1].write_bytes(good)
        new = make_pair(tmp_path, "d.test", "ec")
        new[0].replace(pairs[0][0])
        new[1].replace(pairs[0][1])
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: name("d.test") == "d.test", 30, "the new certificate")
        assert name("b.test") == "b.test"
    finally:
        server.close()


def test_dates_are_told(tmp_path):
    """An expired certificate is served, for nothing better is there, and is told (T09)."""
    old = make_pair(tmp_path, "mx.test", "ec")
    expire(old)
    short = make_pair(tmp_path, "b.test", "ec", days=3)
    good = make_pair(tmp_path, "c.test", "ec", days=30)
    pairs = [old, short, good]
    server = Server(options={"tls": {"certificate": quoted(pair[0] for pair in pairs),
                                     "key": quoted(pair[1] for pair in pairs)}})
    try:
        server.start()
        wait_for(lambda: len(server.events("keys.dates")) >= 2, 30, "the warnings")
        told = {event["certificate"]: event["why"] for event in server.events("keys.dates")}
        assert told == {"1": "expired", "2": "ends soon"}
        assert peer_name(server.address, server.pop3s_port, "mx.test") == "mx.test"
    finally:
        server.close()


@pytest.mark.parametrize("asks", ["yes", "no"])
def test_a_client_whose_curve_is_its_own(tmp_path, asks):
    """A certificate that spells out its curve (T07): read or not asked for, it does no harm."""
    key, certificate = tmp_path / "own.key", tmp_path / "own.pem"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-param_enc", "explicit",
                    "-genkey", "-noout", "-out", key], check=True)
    subprocess.run(["openssl", "req", "-x509", "-new", "-key", key, "-subj", "/CN=client.test",
                    "-days", "30", "-out", certificate], check=True, capture_output=True)
    server = Server(options={"login": {"certificates": f'"{asks}"'}})
    try:
        server.start()
        with subprocess.Popen(["openssl", "s_client", "-tls1_2", "-quiet", "-cert", certificate,
                               "-key", key, "-connect", f"{server.address}:{server.pop3s_port}"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as client:
            told, why = client.communicate(b"QUIT\r\n", timeout=60 * PATIENCE)
        if asks == "no":
            assert told.startswith(b"+OK"), why
        else:
            assert told.startswith(b"+OK") or b"alert" in why, (told, why)
        with connect_tls(server) as other:
            assert other.recv(1000).startswith(b"+OK")
        assert not server.events("role.died")
    finally:
        server.close()


def test_a_byte_a_record(server):
    """T07: 16,384 records of one byte cost what they cost, and no memory."""
    pids = server.roles()["front"]
    before = [memory_of_front(pid) for pid in pids]
    with connect_tls(server) as client:
        assert client.recv(1000).startswith(b"+OK")
        for byte in b"CAPA\r\n" * (16384 // 6):
            client.send(bytes([byte]))
        client.send(b"QUIT\r\n")
        told = b""
        while got := client.recv(65536):
            told += got
    assert told.count(b"\r\n.\r\n") == 16384 // 6
    after = [memory_of_front(pid) for pid in pids]
    assert max(b - a for a, b in zip(before, after)) < 2048, (before, after)


def test_a_client_with_a_hundred_certificates(tmp_path):
    """Where certificates are asked for, one is enough for us, and more are not read (T07)."""
    certificate, key = make_pair(tmp_path, "client.test", "ec")
    one = certificate.read_bytes()
    others = make_pair(tmp_path, "other.test", "rsa")[0].read_bytes()
    server = Server(options={"login": {"certificates": '"yes"'}})
    try:
        server.start()

        def greeted(chain):
            certificate.write_bytes(chain)
            context = any_context()
            context.load_cert_chain(certificate, key)
            with socket.create_connection((server.address, server.pop3s_port),
                                          timeout=600) as plain:
                try:
                    with context.wrap_socket(plain) as tls:
                        return tls.recv(1000).startswith(b"+OK")
                except OSError:
                    return False
        assert greeted(one)
        assert not greeted(one + others * 100)
        assert greeted(one), "and nobody else suffers"
        assert not server.events("role.died")
    finally:
        server.close()


@pytest.mark.parametrize("wrong", ["missing", "other", "empty"])
def test_a_wrong_file_starts_nothing(tmp_path, wrong):
    certificate, key = make_pair(tmp_path, "mx.test", "ec")
    if wrong == "missing":
        key.unlink()
    elif wrong == "other":
        key = make_pair(tmp_path, "other.test", "ec")[1]
    else:
        certificate.write_bytes(b"")
    server = Server(options={"tls": {"certificate": f'"{certificate}"', "key": f'"{key}"'}})
    try:
        server.start(wait=False)
        assert server.process.wait(600) == 78
        assert "tls." in server.log_text()
    finally:
        server.close()


def test_the_servers_own_certificate_stays(tmp_path):
    server = Server()
    try:
        server.start()
        shown = []
        for _ in range(2):
            with socket.create_connection((server.address, server.pop3s_port),
                                          timeout=600) as plain:
                with any_context().wrap_socket(plain) as tls:
                    shown.append(tls.getpeercert(binary_form=True))
            server.stop()
            server.start()
        assert shown[0] == shown[1]
        assert (server.data_dir / "keys" / "key.pem").stat().st_mode & 0o777 == 0o600
    finally:
        server.close()


def test_keys_may_die(server):
    """The handshake of the moment may fail; then all is as before."""
    for pid in server.roles()["keys"]:
        os.kill(pid, signal.SIGKILL)

    def is_well():
        try:
            return peer_name(server.address, server.pop3s_port) == "mx.test"
        except OSError:
            return False
    wait_for(is_well, 30, "keys to be back")
