"""What an eavesdropper sees of a refused login under TLS: as many records, of the same
lengths, with the same end, whether the user is there or not; by each mechanism.
"""

import base64
import concurrent.futures
import hashlib
import hmac
import itertools
import re
import socket
import ssl

import pytest

from server import PATIENCE

SCRAMS = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}
KNOWN = {"PLAIN", "LOGIN", *SCRAMS, *(f"{name}-PLUS" for name in SCRAMS)}
# whose password is wrong, who is not there, and whose domain is not ours
KINDS = {"wrong": "user{:02}@here.test", "nobody": "none{:02}@here.test",
         "nowhere": "user{:02}@away.test"}
ACCOUNTS = 32
CLOSES_AFTER = 2    # limits.errors


def encode(data):
    return base64.b64encode(data).decode()


class Wire:
    """A TLS connection that notes each record as it comes: (type, length)."""

    def __init__(self, server, port, source, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        self.socket = socket.create_connection((server.address, port), timeout=60 * PATIENCE,
                                               source_address=(source, 0))
        self.come, self.go = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.come, self.go, server_hostname="mx.test")
        self.raw = self.text = b""
        self.records = []
        self.until(self.tls.do_handshake)

    def flush(self):
        if self.go.pending:
            self.socket.sendall(self.go.read())

    def receive(self):
        data = self.socket.recv(65536)
        self.raw += data
        while len(self.raw) >= 5 and len(self.raw) >= 5 + int.from_bytes(self.raw[3:5], "big"):
            end = 5 + int.from_bytes(self.raw[3:5], "big")
            self.records.append((self.raw[0], end - 5))
            self.raw = self.raw[end:]
        if data:
            self.come.write(data)
        else:
            self.come.write_eof()

    def until(self, act):
        while True:
            try:
                return act()
            except ssl.SSLWantReadError:
                self.flush()
                self.receive()
            finally:
                self.flush()

    def send(self, line):
        self.tls.write(line.encode() + b"\r\n")
        self.flush()

    def line(self):
        """None: the end, as close_notify says it."""
        while b"\n" not in self.text:
            try:
                more = self.until(lambda: self.tls.read(65536))
            except ssl.SSLZeroReturnError:
                more = b""
            if not more:
                return None
            self.text += more
        line, _, self.text = self.text.partition(b"\n")
        return line.decode().rstrip("\r")


class Protocol:
    def __init__(self, port, hello, ask, last, auth, password, more):
        self.port, self.hello, self.ask, self.last = port, hello, ask, last
        self.auth, self.password, self.more = auth, password, more

    def open(self, server, source, version=ssl.TLSVersion.TLSv1_3):
        """The connection, and the mechanisms that it offers."""
        wire = Wire(server, getattr(server, self.port), source, version)
        wire.line()
        offered = set()
        wire.send(self.ask)
        while True:
            line = wire.line()
            words = line.replace("AUTH=", " ").split()
            if re.match(r"250[- ]AUTH |SASL |\* CAPABILITY ", line):
                offered |= mechanisms(words)
            if re.match(self.last, line):
                return wire, offered

    def is_more(self, line):
        return line is not None and line.startswith(self.more)


def mechanisms(words):
    """Words that may be mechanisms: those we know, and what looks like one."""
    return {word for word in words if word in KNOWN or re.match(
        "SCRAM|OAUTH|XOAUTH|EXTERNAL|DIGEST|CRAM|NTLM|ANONYMOUS|GSSAPI", word)}


PROTOCOLS = {
    "smtp": Protocol("submissions_port", "220", "EHLO c.test", "250 ", "AUTH {}", None, "334 "),
    "pop3": Protocol("pop3s_port", "+OK", "CAPA", r"\.$", "AUTH {}", ["USER {}", "PASS {}"],
                     "+ "),
    "imap": Protocol("imaps_port", "* OK", "a CAPABILITY", "a OK", "b AUTHENTICATE {}",
                     ["b LOGIN {} {}"], "+ "),
}


def scram(name, hash_name, user, password):
    """The client's side, by RFC 5802; what binds the channel is wrong."""
    plus = name.endswith("-PLUS")
    header = b"p=tls-exporter,," if plus else b"n,,"
    first = f"n={user},r=abcdefghijklmnopqrst".encode()
    challenge = yield encode(header + first)
    server_first = base64.b64decode(challenge)
    fields = dict(part.split("=", 1) for part in server_first.decode().split(","))
    salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), base64.b64decode(fields["s"]),
                                 int(fields["i"]))
    key = hmac.digest(salted, b"Client Key", hash_name)
    bound = encode(header + (b"\0" * 32 if plus else b""))
    final = f"c={bound},r={fields['r']}".encode()
    message = first + b"," + server_first + b"," + final
    signature = hmac.digest(hashlib.new(hash_name, key).digest(), message, hash_name)
    proof = bytes(a ^ b for a, b in zip(key, signature))
    yield encode(final + b",p=" + encode(proof).encode())
    yield ""    # to the server's "e=..."


def answers(mechanism, user, password):
    """A generator: it is sent challenges, and gives what the client says."""
    if mechanism == "PLAIN":
        return iter([encode(f"\0{user}\0{password}".encode())])
    if mechanism == "LOGIN":
        return iter([encode(user.encode()), encode(password.encode())])
    name = mechanism.removesuffix("-PLUS")
    return scram(mechanism, SCRAMS[name], user, password)


def try_mechanism(protocol, wire, mechanism, user):
    wire.send(protocol.auth.format(mechanism))
    line, said = wire.line(), None
    steps = answers(mechanism, user, "wrong")
    while protocol.is_more(line):
        challenge = line[len(protocol.more):]
        if said is not None and hasattr(steps, "send"):
            said = steps.send(challenge)
        else:
            said = next(steps)
        wire.send(said)
        line = wire.line()
    return line


def try_command(protocol, wire, user):
    for text in protocol.password:
        wire.send(text.format(*([user, "wrong"] if "LOGIN" in text else
                                [user if "USER" in text else "wrong"])))
        line = wire.line()
    return line


numbers = itertools.count()


def shape(server, protocol, mechanism, kind, version):
    """(all records from the first try on, the words) of a connection that tries in vain
    until it is closed."""
    number = next(numbers) % 200
    wire, _ = protocol.open(server, f"127.0.7.{1 + number}", version)
    del wire.records[:]
    said, turn = [], 0
    while not said or said[-1] is not None:
        if b"\n" in wire.text:      # it went on: too many errors
            said.append(wire.line())
            continue
        user = KINDS[kind].format((number * 3 + turn) % ACCOUNTS)
        try:
            said.append(try_command(protocol, wire, user) if mechanism is None else
                        try_mechanism(protocol, wire, mechanism, user))
        except ConnectionError:     # it was closed, and said so before
            said.append(None)
        turn += 1
        assert turn < 10, "it is never closed"
    wire.socket.close()
    return tuple(wire.records), tuple(said)


@pytest.fixture(scope="module")
def server():
    from server import Server
    it = Server(options={"limits": {"errors": CLOSES_AFTER}})
    try:
        it.add_domain("here.test")
        it.run("account", "add", *(f"user{n:02}@here.test" for n in range(ACCOUNTS)))
        yield it.start()
    finally:
        it.close()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_records_of_refused_logins(server, name):
    """A01"""
    protocol = PROTOCOLS[name]
    wire, offered = protocol.open(server, "127.0.8.1")
    wire.socket.close()
    assert {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"} <= offered <= KNOWN, offered
    ways = sorted(offered) + ([None] if protocol.password else [])
    cases = [(way, kind, version) for way in ways for kind in KINDS
             for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2)
             # before TLS 1.3 there is nothing to bind to
             if version == ssl.TLSVersion.TLSv1_3 or way in ("PLAIN", None)]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        shapes = dict(zip(cases, pool.map(
            lambda case: shape(server, protocol, *case), cases)))
    for (way, kind, version), seen in shapes.items():
        records, said = seen
        assert len(said) > CLOSES_AFTER and len(records) > CLOSES_AFTER, (way, seen)
        assert records[-1] in ((23, 19), (21, 26)), "the end is not told by close_notify"
        assert seen == shapes[way, "wrong", version], (way, kind)
    assert not server.events("login.ok")
    assert len(server.events("login.failed")) >= len(cases)
