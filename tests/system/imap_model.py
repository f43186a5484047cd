"""What an account holds, as simple as it can be said: the oracle of test_imap_chance.py.

Each verb changes the model as the command has to change the account, and gives how the
tagged answer begins.
"""

import itertools
import re

from imap_wire import Wire, parse

SUBJECTS = ["apple", "banana", "cherry", "damson", "elder", "fig"]
NAMES = ["INBOX", "Archive", "Sent", "a", "a/b", "a/b/c", "x", "x/y", "Ü", "Ü/é", "new"]
FLAGS = [r"\Seen", r"\Flagged", r"\Deleted", r"\Answered", r"\Draft", "$One", "$Two"]


def day_text(day):
    """5 -> " 6-Nov-2023": all messages are of that month."""
    return f"{day + 1:2d}-Nov-2023"


class Letter:
    """The bytes of a message, and what is looked for in them."""

    serial = itertools.count(1)

    def __init__(self, chance):
        self.number = next(self.serial)
        self.subject = chance.choice(SUBJECTS)
        self.sender = f"u{chance.randrange(4)}"
        self.sent = chance.randrange(20)
        self.word = chance.choice(["zebra", "yak", "xerus"])
        head = (f"From: {self.sender}@example.org\r\nSubject: {self.subject}\r\n"
                f"Message-ID: <m{self.number}@x>\r\n"
                f"Date: {day_text(self.sent).strip().replace('-', ' ')} 12:00:00 +0000\r\n")
        if chance.random() < 0.3 and self.number > 1:
            head += f"References: <m{chance.randrange(1, self.number)}@x>\r\n"
        self.head = (head + "\r\n").encode()
        self.body = f"{self.word}\r\n".encode() + b"x" * chance.randrange(200) + b"\r\n"
        self.bytes = self.head + self.body


class Message:
    versions = itertools.count(1)

    def __init__(self, letter, flags, day):
        self.letter = letter
        self.flags = frozenset(flags)
        self.day = day                  # received, of November
        self.email_id = None            # as it was told
        self.version = next(self.versions)

    def set(self, flags):
        if frozenset(flags) != self.flags:
            self.flags = frozenset(flags)
            self.version = next(self.versions)

    def changed(self, sign, flags):
        return (self.flags | flags if sign == "+" else
                self.flags - flags if sign == "-" else frozenset(flags))

    def copy(self):
        made = Message(self.letter, self.flags, self.day)
        made.email_id = self.email_id
        return made


class Box:
    def __init__(self, uidvalidity=None):
        self.uidvalidity = uidvalidity
        self.uidnext = 1
        self.messages = {}              # uid -> Message, rising

    def add(self, message):
        self.messages[self.uidnext] = message
        self.uidnext += 1


class Account:
    def __init__(self):
        self.boxes = {}
        self.subscribed = set()

    # ---- messages ---------------------------------------------------------------

    def append(self, name, items):
        if name not in self.boxes:
            return "NO [TRYCREATE]"
        for letter, flags, day in items:
            self.boxes[name].add(Message(letter, flags, day))
        return "OK [APPENDUID"

    def store(self, box, uids, sign, flags):
        for uid in uids:
            box.messages[uid].set(box.messages[uid].changed(sign, frozenset(flags)))

    def copy(self, box, uids, name, is_move):
        if name not in self.boxes:
            return "NO [TRYCREATE]"
        for uid in uids:
            self.boxes[name].add(box.messages[uid].copy())
        if is_move:
            self.expunge(box, uids)
        return "OK"

    def expunge(self, box, uids):
        for uid in list(uids):
            del box.messages[uid]

    # ---- mailboxes --------------------------------------------------------------

    def parents(self, name):
        levels = name.split("/")
        return ["/".join(levels[:i]) for i in range(1, len(levels))]

    def create(self, name):
        if name in self.boxes:
            return "NO [ALREADYEXISTS]"
        for one in self.parents(name) + [name]:
            self.boxes.setdefault(one, Box())
        return "OK [MAILBOXID"

    def delete(self, name):
        if name == "INBOX":
            return "NO [CANNOT]"
        if name not in self.boxes:
            return "NO [NONEXISTENT]"
        if any(other.startswith(name + "/") for other in self.boxes):
            return "NO [HASCHILDREN]"
        self.boxes.pop(name).messages.clear()
        return "OK"

    def rename(self, old, new):
        if old not in self.boxes:
            return "NO [NONEXISTENT]"
        if new in self.boxes and (old != new or old == "INBOX"):
            return "NO [ALREADYEXISTS]"
        if old == "INBOX":
            self.create(new)
            self.copy(self.boxes["INBOX"], list(self.boxes["INBOX"].messages), new, True)
            return "OK"
        if old == new:
            return "NO [ALREADYEXISTS]"
        if new.startswith(old + "/"):
            return "NO [CANNOT]"
        for name in sorted(self.boxes):
            if name == old or name.startswith(old + "/"):
                self.boxes[new + name[len(old):]] = self.boxes.pop(name)
        for name in self.parents(new):
            self.boxes.setdefault(name, Box())
        return "OK"

    # ---- against what is there --------------------------------------------------

    def picture(self):
        """All that matters, to be compared with that of read_account."""
        return ({name: (box.uidnext, {uid: (f"<m{m.letter.number}@x>", m.flags, m.day)
                                      for uid, m in box.messages.items()})
                 for name, box in self.boxes.items()}, set(self.subscribed))

    def learn(self, uidvalidities):
        """New mailboxes get a number that nobody had."""
        for name, box in self.boxes.items():
            if box.uidvalidity is None:
                box.uidvalidity = uidvalidities[name]
            assert box.uidvalidity == uidvalidities[name], name


def encoded(name):
    """Modified UTF-7 of the names that are used here."""
    return name.replace("Ü", "&ANw-").replace("é", "&AOk-")


def decoded(name):
    return name.decode().replace("&ANw-", "Ü").replace("&AOk-", "é")


class Reader:
    """One more client, which only looks: what is there."""

    def __init__(self, server, user):
        self.lines = []
        self.wire = Wire(server, user, self.lines.append)

    def ask(self, command):
        self.lines.clear()
        done = self.wire.run(command)
        assert done.startswith("OK"), (command, done)
        return [parse(line) for line in self.lines]

    def names(self, command):
        return [decoded(words[3]) for words in self.ask(f'{command} "" *')]

    def box(self, name):
        """(uidvalidity, uidnext, messages as in Account.picture)"""
        status = self.ask(f'STATUS "{encoded(name)}" (UIDVALIDITY UIDNEXT)')[0][2]
        messages = {}
        self.ask(f'EXAMINE "{encoded(name)}"')
        for words in self.ask("UID FETCH 1:* (FLAGS INTERNALDATE "
                              "BODY.PEEK[HEADER.FIELDS (Message-ID)])"):
            if words[1] != b"FETCH":
                continue
            items = dict(zip(words[2][::2], words[2][1::2]))
            day = int(items[b"INTERNALDATE"][:2]) - 1
            field = items[b"BODY[HEADER.FIELDS (Message-ID)]"]
            flags = frozenset(flag.decode() for flag in items[b"FLAGS"])
            messages[int(items[b"UID"])] = (re.search(rb"<.*>", field)[0].decode(),
                                            flags - {r"\Recent"}, day)
        self.ask("UNSELECT")
        return int(status[1]), int(status[3]), messages

    def account(self):
        """(picture, uidvalidities)"""
        boxes, uidvalidities = {}, {}
        for name in self.names("LIST"):
            uidvalidities[name], *boxes[name] = self.box(name)
            boxes[name] = tuple(boxes[name])
        return (boxes, set(self.names("LSUB"))), uidvalidities


def rebuilt(picture, uidvalidities, letters, old=None):
    """An account of what is there; old: mailboxes that live on keep their object."""
    known = {box.uidvalidity: box for box in old.boxes.values()} if old else {}
    made = Account()
    made.subscribed = set(picture[1])
    for name, (uidnext, messages) in picture[0].items():
        box = made.boxes[name] = known.pop(uidvalidities[name], None) or \
            Box(uidvalidities[name])
        box.uidnext = uidnext
        box.messages.clear()
        for uid, (message_id, flags, day) in messages.items():
            box.messages[uid] = Message(letters[message_id], flags, day)
    for box in known.values():
        box.messages.clear()
    return made
