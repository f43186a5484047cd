"""A network of its own for a server, in which a client has any address it likes.

All of 10.77.0.0/16 and 2001:db8::/32 is local there (AnyIP), so that ten thousand clients
need no interface each; and none of them is loopback.
"""

import contextlib
import ctypes
import os
import socket

SETUP = ("ip link set lo up && ip route add local 10.77.0.0/16 dev lo"
         " && ip -6 route add local 2001:db8::/32 dev lo"
         " && echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind && exec \"$@\"")
PREFIX = ("unshare", "-n", "sh", "-c", SETUP, "sh")
SERVER_IP = "10.77.0.1"
SERVER_IP6 = "2001:db8::1"
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class Net:
    """The network of a running server; sockets are made in it, and used anywhere."""

    def __init__(self, pid):
        self.inside = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        self.outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    def close(self):
        os.close(self.inside)
        os.close(self.outside)

    @contextlib.contextmanager
    def entered(self):
        """This thread, for a moment."""
        assert libc.setns(self.inside, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(self.outside, CLONE_NEWNET) == 0

    def connect(self, source, port, timeout=600):
        """A connection from that address to the server."""
        is_6 = ":" in source
        with self.entered():
            made = socket.socket(socket.AF_INET6 if is_6 else socket.AF_INET)
        try:
            made.settimeout(timeout)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # or ten thousand connections that are over would hold their ports
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            made.bind((source, 0))
            made.connect((SERVER_IP6 if is_6 else SERVER_IP, port))
        except OSError:
            made.close()
            raise
        return made
