"""IMAP under DEFLATE: both ways, in plain text and under TLS; what is no DEFLATE, and what
becomes very much of very little."""

import random
import ssl
import socket
import zlib

import pytest

from server import PASSWORD, PATIENCE, Server

ANN = "ann@example.net"


@pytest.fixture(scope="module")
def server():
    it = Server()
    try:
        it.start()
        it.add_domain("example.net")
        it.add_account(ANN)
        yield it
    finally:
        it.close()


class Deflated:
    """A client that may begin to compress."""

    def __init__(self, server, tls=False):
        port = server.imaps_port if tls else server.imap_port
        self.socket = socket.create_connection((server.address, port), timeout=30 * PATIENCE)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.packer = self.unpacker = None
        self.heard = b""
        self.line()
        assert self.run("a0", f"LOGIN {ANN} {PASSWORD}")[-1].startswith(b"a0 OK")

    def send(self, data):
        if self.packer:
            data = self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)
        self.socket.sendall(data)

    def line(self):
        while b"\n" not in self.heard:
            got = self.socket.recv(65536)
            assert got, "the server closed"
            self.heard += self.unpacker.decompress(got) if self.unpacker else got
        line, self.heard = self.heard.split(b"\n", 1)
        return line.rstrip(b"\r")

    def literal(self, size):
        while len(self.heard) < size:
            got = self.socket.recv(65536)
            assert got, "the server closed"
            self.heard += self.unpacker.decompress(got) if self.unpacker else got
        data, self.heard = self.heard[:size], self.heard[size:]
        return data

    def until(self, tag):
        lines = [self.line()]
        while not lines[-1].startswith(tag.encode() + b" "):
            lines.append(self.line())
        return lines

    def run(self, tag, text):
        self.send(f"{tag} {text}\r\n".encode())
        return self.until(tag)

    def compress(self):
        assert self.run("z", "COMPRESS DEFLATE")[-1].startswith(b"z OK")
        self.packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.unpacker = zlib.decompressobj(-15)
        return self


@pytest.mark.parametrize("tls", [False, True])
def test_all_goes_through(server, tls):
    client = Deflated(server, tls).compress()
    chance = random.Random(5)
    body = (b"Subject: a large one\r\n\r\n" + b"all the same\r\n" * 20000
            + chance.randbytes(100000).hex().encode() + b"\r\n")
    client.send(b"a1 APPEND INBOX {%d}\r\n" % len(body))
    assert client.line().startswith(b"+")
    client.send(body + b"\r\n")
    assert client.until("a1")[-1].startswith(b"a1 OK")
    count = int([line for line in client.run("a2", "SELECT INBOX") if b"EXISTS" in line][0]
                .split()[1])
    client.send(b"a3 FETCH %d BODY.PEEK[]\r\n" % count)
    size = int(client.line().rsplit(b"{", 1)[1].rstrip(b"}"))
    assert client.literal(size) == body
    assert client.until("a3")[-1].startswith(b"a3 OK")
    # pipelined, and a byte a segment
    packed = b"".join(client.packer.compress(b"b%d NOOP\r\n" % n) for n in range(50))
    packed += client.packer.flush(zlib.Z_SYNC_FLUSH)
    for byte in packed:
        client.socket.sendall(bytes([byte]))
    for n in range(50):
        assert client.until(f"b{n}")[-1].startswith(b"b%d OK" % n)
    assert client.run("c", "LOGOUT")[-1].startswith(b"c OK")


def test_what_came_with_the_command_is_compressed(server):
    """A client that does not wait for OK: its next bytes are DEFLATE already."""
    client = Deflated(server)
    client.packer = None
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    early = packer.compress(b"y NOOP\r\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    client.socket.sendall(b"z COMPRESS DEFLATE\r\n" + early)
    assert client.line().startswith(b"z OK")
    client.unpacker = zlib.decompressobj(-15)
    client.heard = client.unpacker.decompress(client.heard)
    assert client.until("y")[-1].startswith(b"y OK")


def test_idle_is_told(server):
    client = Deflated(server).compress()
    client.run("a1", "SELECT INBOX")
    client.send(b"a2 IDLE\r\n")
    assert client.line().startswith(b"+")
    server.send("f@else.test", ANN, b"Subject: news\r\n\r\nnews\r\n")
    assert b"EXISTS" in client.line()


@pytest.mark.parametrize("junk", [b"\x07", b"a1 NOOP\r\na2 NOOP\r\n", b"\x00\x05\x00\x05\x00",
                                  b"\x03\x00more"], ids=["type", "plain", "length", "end"])
def test_damage_ends_it(server, junk):
    client = Deflated(server).compress()
    client.packer = None
    client.send(junk)
    line = client.line()
    while not line.startswith(b"* BYE"):
        assert line.split(b" ")[1] in (b"BAD", b"OK", b"NO"), line
        line = client.line()
    assert b"damaged" in line
    while client.socket.recv(4096):
        pass


def memory_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))


@pytest.mark.parametrize("bomb", [b"x" * 1000, b"z NOOP\r\n" * 100], ids=["line", "commands"])
def test_a_bomb_costs_nothing(server, bomb):
    """What becomes 60 MB: a line without an end is refused, commands are done."""
    client = Deflated(server).compress()
    client.run("a1", "NOOP")
    pid = server.roles()["account"][0]
    before = memory_kib(pid)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = (bomb * (1 + 1000000 // len(bomb)))[:1000000 // len(bomb) * len(bomb)]
    client.socket.settimeout(0.05)
    most = 0
    try:
        for _ in range(60):
            client.socket.sendall(packer.compress(megabyte) + packer.flush(zlib.Z_SYNC_FLUSH))
            try:
                while client.socket.recv(1 << 20):
                    pass
            except TimeoutError:
                pass
            most = max(most, memory_kib(pid))
    except (ConnectionError, TimeoutError):
        pass  # it was closed, or the server reads no more until it is read
    most = max(most, memory_kib(pid))
    assert most - before < 4096, (before, most)
    other = Deflated(server)
    assert other.run("a1", "NOOP")[-1].startswith(b"a1 OK")
