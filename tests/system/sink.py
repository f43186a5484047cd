"""A mail exchanger that says what the test wants it to say."""

import socket
import threading

from server import PATIENCE, free_port


class Sink:
    """replies: {"RCPT": [...]}: answers to a command in turn, the last for ever.

    A reply is bytes without CRLF; None closes the connection; a function is called
    with (sink, session, argument) and returns one of both.  Commands: CONNECT EHLO
    HELO MAIL RCPT DATA DOT (the end of the data) RSET NOOP QUIT STARTTLS.

    tls: an ssl.SSLContext: STARTTLS is offered and spoken.  A function instead is
    called with the socket behind the 220; it returns another to go on with, or None.
    """

    DEFAULT = {"CONNECT": b"220 sink ESMTP", "HELO": b"250 sink", "MAIL": b"250 2.1.0 ok",
               "RCPT": b"250 2.1.5 ok", "DATA": b"354 go on", "DOT": b"250 2.0.0 taken",
               "RSET": b"250 2.0.0 ok", "STARTTLS": b"220 2.0.0 go on", "NOOP": b"250 2.0.0 ok", "QUIT": b"221 2.0.0 bye"}

    def __init__(self, address="127.0.0.2", port=0, replies=None,
                 extensions=("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 100000000"), tls=None):
        self.tls = tls
        self.secured = []               # (version, cipher, SNI) of each handshake
        self.replies = {name: list(texts) for name, texts in (replies or {}).items()}
        self.extensions = [*extensions, "STARTTLS"] if tls else extensions
        self.messages = []              # (reverse path, [recipients], data) that DOT took
        self.sessions = []              # lists of the lines that clients said
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port or free_port(address)))
        self.listener.listen(128)
        self.address, self.port = self.listener.getsockname()
        self.open = True
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.open = False
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def accept(self):
        while self.open:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def answer(self, command, session, argument=b""):
        with self.lock:
            texts = self.replies.get(command)
            reply = self.default(command)
            if texts:
                reply = texts.pop(0) if len(texts) > 1 else texts[0]
        return reply(self, session, argument) if callable(reply) else reply

    def default(self, command):
        if command == "EHLO":
            lines = ["sink", *self.extensions]
            return b"\r\n".join(f"250{' ' if line is lines[-1] else '-'}{line}".encode()
                                for line in lines)
        return self.DEFAULT.get(command, b"500 5.5.1 what?")

    def serve(self, connection):
        connection.settimeout(60 * PATIENCE)
        session = []
        rest = connection
        with self.lock:
            self.sessions.append(session)
        try:
            while rest:
                connection = rest
                with connection.makefile("rb") as lines:
                    rest = self.talk(connection, lines, session)
        except OSError:
            pass
        finally:
            connection.close()

    def secure(self, connection):
        """The socket to go on with behind the 220."""
        if callable(self.tls):
            return self.tls(connection)
        self.tls.sni_callback = keep_name
        secret = self.tls.wrap_socket(connection, server_side=True)
        with self.lock:
            self.secured.append((secret.version(), secret.cipher()[0], secret.asked_for))
        return secret

    def talk(self, connection, lines, session):
        """Returns the socket with which it goes on under TLS."""
        def say(command, argument=b""):
            reply = self.answer(command, session, argument)
            if reply is None:
                connection.shutdown(socket.SHUT_RDWR)
                return None
            connection.sendall(reply + b"\r\n")
            return reply

        sender, recipients = b"", []
        if b"STARTTLS" not in session and say("CONNECT") is None:
            return None
        for line in lines:
            line = line.rstrip(b"\r\n")
            session.append(line)
            verb, _, argument = line.partition(b" ")
            verb = verb.upper().decode("ascii", "replace")
            if verb == "DATA" and not recipients:
                connection.sendall(b"554 5.5.1 no valid recipients\r\n")
                continue
            reply = say(verb, argument)
            if reply is None or verb == "QUIT":
                return None
            if verb == "STARTTLS" and reply.startswith(b"220"):
                return self.secure(connection)
            good = reply.startswith((b"2", b"3"))
            if verb == "MAIL" and good:
                sender, recipients = path_of(argument), []
            elif verb == "RCPT" and good:
                recipients.append(path_of(argument))
            elif verb == "DATA" and good:
                data = self.read_data(lines)
                if data is None:
                    return None
                reply = say("DOT", data)
                if reply is None:
                    return None
                if reply.startswith(b"2"):
                    with self.lock:
                        self.messages.append((sender.decode(), [r.decode() for r in recipients],
                                              data))
            elif verb == "RSET":
                sender, recipients = b"", []
        return None

    @staticmethod
    def read_data(lines):
        out = []
        for line in lines:
            if line == b".\r\n":
                return b"".join(out)
            out.append(line[1:] if line.startswith(b".") else line)
        return None


def keep_name(secret, name, _context):
    secret.asked_for = name


def path_of(argument):
    return argument[argument.find(b"<") + 1:argument.find(b">")]
