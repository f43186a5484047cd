"""A mail exchanger that says what the test wants it to say."""

import socket
import threading

from server import PATIENCE, free_port


class Sink:
    """replies: {"RCPT": [...]}: answers to a command in turn, the last for ever.

    A reply is bytes without CRLF; None closes the connection; a function is called
    with (sink, session, argument) and returns one of both.  Commands: CONNECT EHLO
    HELO MAIL RCPT DATA DOT (the end of the data) RSET NOOP QUIT.
    """

    DEFAULT = {"CONNECT": b"220 sink ESMTP", "HELO": b"250 sink", "MAIL": b"250 2.1.0 ok",
               "RCPT": b"250 2.1.5 ok", "DATA": b"354 go on", "DOT": b"250 2.0.0 taken",
               "RSET": b"250 2.0.0 ok", "NOOP": b"250 2.0.0 ok", "QUIT": b"221 2.0.0 bye"}

    def __init__(self, address="127.0.0.2", port=0, replies=None,
                 extensions=("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 100000000")):
        self.replies = {name: list(texts) for name, texts in (replies or {}).items()}
        self.extensions = extensions
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
        with self.lock:
            self.sessions.append(session)
        try:
            with connection, connection.makefile("rb") as lines:
                self.talk(connection, lines, session)
        except OSError:
            pass

    def talk(self, connection, lines, session):
        def say(command, argument=b""):
            reply = self.answer(command, session, argument)
            if reply is None:
                connection.shutdown(socket.SHUT_RDWR)
                return None
            connection.sendall(reply + b"\r\n")
            return reply

        sender, recipients = b"", []
        if say("CONNECT") is None:
            return
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
                return
            good = reply.startswith((b"2", b"3"))
            if verb == "MAIL" and good:
                sender, recipients = path_of(argument), []
            elif verb == "RCPT" and good:
                recipients.append(path_of(argument))
            elif verb == "DATA" and good:
                data = self.read_data(lines)
                if data is None:
                    return
                reply = say("DOT", data)
                if reply is None:
                    return
                if reply.startswith(b"2"):
                    with self.lock:
                        self.messages.append((sender.decode(), [r.decode() for r in recipients],
                                              data))
            elif verb == "RSET":
                sender, recipients = b"", []

    @staticmethod
    def read_data(lines):
        out = []
        for line in lines:
            if line == b".\r\n":
                return b"".join(out)
            out.append(line[1:] if line.startswith(b".") else line)
        return None


def path_of(argument):
    return argument[argument.find(b"<") + 1:argument.find(b">")]
