"""A client of the random test: what it says, what it must hear, what it believes.

view: the uids of the selected mailbox by number, as it was told; a uid that it was
not told is taken from the model, and compared when it comes.
flags: uid -> what they are as far as it was told; None: not told yet.
"""

import re

from imap_model import FLAGS, NAMES, SUBJECTS, day_text, encoded
from imap_wire import Wire, numbers_of, parse, set_of

# Commands during which no message may vanish from the numbers: RFC 9051 7.5.1.
STILL = ("FETCH", "STORE", "SEARCH", "SORT", "THREAD")
MODES = [(), (), ("IMAP4rev2",), ("CONDSTORE",), ("QRESYNC",), ("IMAP4rev2", "QRESYNC"),
         ("UTF8=ACCEPT", "UIDONLY"), ("QRESYNC", "UIDONLY")]
SYSTEM = {r"\Answered": "ANSWERED", r"\Deleted": "DELETED", r"\Draft": "DRAFT",
          r"\Flagged": "FLAGGED", r"\Seen": "SEEN"}


class Snapshot:
    """What a client keeps of a mailbox while it is away: RFC 7162 3.2.5."""

    def __init__(self, name, box, highest):
        self.name, self.box, self.uidvalidity = name, box, box.uidvalidity
        self.highest = highest
        self.flags = {uid: m.flags for uid, m in box.messages.items()}
        self.versions = {uid: m.version for uid, m in box.messages.items()}


class Client:
    def __init__(self, server, world, number):
        self.world, self.number = world, number
        self.mode = MODES[number % len(MODES)]
        self.is_rev2 = "IMAP4rev2" in self.mode
        self.is_utf8 = self.is_rev2 or "UTF8=ACCEPT" in self.mode
        self.has_qresync = "QRESYNC" in self.mode
        self.is_uidonly = "UIDONLY" in self.mode
        self.wire = Wire(server, world.user, self.hear)
        self.box = None
        self.snapshot = None
        self.forget()
        self.command = ""
        self.got = []           # untagged answers that are for the command alone

    # ---- the connection ---------------------------------------------------------

    def forget(self):
        self.view, self.flags, self.modseqs = [], {}, {}
        self.unsaid = None      # of a silent STORE: uids, sign, flags
        self.silent = None      # its flags may be others than it was told
        self.is_read_only = False

    def open(self):
        self.wire.close()
        self.box = None
        self.forget()
        self.wire.open()
        if self.mode:
            self.expect("ENABLE " + " ".join(self.mode), "OK")

    @property
    def account(self):
        return self.world.account

    def name(self, name):
        return f'"{name if self.is_utf8 else encoded(name)}"'

    def live(self):
        return list(self.box.messages) if self.box else []

    # ---- hearing ----------------------------------------------------------------

    def hear(self, line):
        words = parse(line) if not line.startswith((b"OK", b"NO", b"BAD")) else [line]
        kind = words[1] if len(words) > 1 and words[0].isdigit() else words[0]
        assert kind != b"BYE" or self.command == "LOGOUT", line
        getattr(self, "hear_" + kind.split()[0].decode().lower(), self.got_other)(words)

    def got_other(self, words):
        self.got.append(words)

    def hear_exists(self, words):
        self.got.append(words)
        if self.is_selecting:
            return
        assert int(words[0]) >= len(self.view), words
        self.view += [None] * (int(words[0]) - len(self.view))

    def hear_expunge(self, words):
        assert not self.has_qresync and not self.is_uidonly, "these have VANISHED"
        assert self.may_expunge, (self.command, words)
        assert 1 <= int(words[0]) <= len(self.view), words
        del self.view[int(words[0]) - 1]

    def hear_vanished(self, words):
        assert self.has_qresync or self.is_uidonly
        uids = set(numbers_of(words[-1]))
        if words[1] == [b"EARLIER"]:
            self.got.append([b"VANISHED", uids])
            return
        assert self.may_expunge, (self.command, words)
        for uid in sorted(uids):
            del self.view[self.place_of(uid)]

    def place_of(self, uid):
        """Where a uid stands in the view; among those whose uids were not told, one of them."""
        if uid in self.view:
            return self.view.index(uid)
        below = [i for i, one in enumerate(self.view) if one is not None and one < uid]
        place = below[-1] + 1 if below else 0
        assert place < len(self.view) and self.view[place] is None, (uid, self.view)
        return place

    def hear_uidfetch(self, words):
        """As FETCH, of a number that was not said: RFC 9586."""
        assert self.is_uidonly
        uid, number = int(words[0]), 0
        if self.world.is_loose and uid not in self.view:
            return      # which of the new ones it is shows when all is told
        if not self.is_selecting:
            number = self.place_of(uid) + 1
        self.hear_numbered(number, [b"UID", words[0], *words[2]])

    def hear_fetch(self, words):
        assert not self.is_uidonly, words
        self.hear_numbered(int(words[0]), words[2])

    def hear_numbered(self, number, words):
        words = [number, b"FETCH", words]
        items = dict(zip(words[2][::2], words[2][1::2]))
        if self.is_selecting:
            self.got.append([b"FETCH", number, items])
            return
        assert 1 <= number <= len(self.view), (words, self.view)
        if b"UID" in items:
            assert self.view[number - 1] in (None, int(items[b"UID"])), (words, self.view)
            self.view[number - 1] = int(items[b"UID"])
        else:
            assert not self.has_qresync or self.command.startswith("FETCH"), words
        uid = self.view[number - 1]
        if b"FLAGS" in items and uid is not None:
            self.flags[uid] = flags_of(items)
        if b"MODSEQ" in items and uid is not None:
            modseq = int(items[b"MODSEQ"][0])
            assert modseq >= self.modseqs.get(uid, (0, 0))[0], words
            message = self.box.messages.get(uid) if self.box else None
            self.modseqs[uid] = (modseq, message.version if message else 0)
        self.got.append([b"FETCH", number, items])

    # ---- saying -----------------------------------------------------------------

    def begin(self, command):
        self.command = command
        self.got = []
        verb = command.split()[0]
        self.is_selecting = verb in ("SELECT", "EXAMINE")
        self.may_expunge = verb not in STILL
        return self.wire.send(command)

    def begin_loose(self, command):
        return self.begin(command), command

    def expect(self, command, answer):
        """Says it; the tagged answer begins so.  All of it."""
        done = self.wire.wait(self.begin(command))
        assert done.startswith(answer), f"{command}: {done}, not {answer}"
        # a literal that is refused is answered before its command is complete
        is_early = not done.startswith("OK") and "+}\r\n" in command
        self.agree(not is_early)
        return done

    def agree(self, is_told=True):
        """What it believes is what the model has, as far as it may know."""
        if not self.box or self.world.is_loose or not is_told:
            return
        self.take_unsaid()
        live = self.live()
        if None in self.view:
            new = iter(uid for uid in live if uid not in self.view)
            self.view = [next(new) if uid is None else uid for uid in self.view]
        assert [u for u in self.view if u in self.box.messages] == live, (self.view, live)
        if self.may_expunge:
            assert self.view == live, (self.command, self.view, live)
        for uid in live:
            believed = self.flags.get(uid)
            assert believed in (None, self.box.messages[uid].flags), \
                (self.command, uid, believed, self.box.messages[uid].flags)

    def take_unsaid(self):
        """What its own silent STORE made of what it was told before."""
        uids, sign, flags = self.unsaid or ((), "", ())
        self.unsaid = None
        for uid in uids:
            have = self.flags.get(uid)
            if have is not None or not sign:
                self.flags[uid] = (have | flags if sign == "+" else
                                   have - flags if sign == "-" else flags)

    def ghosts(self, uids):
        return [uid for uid in uids if uid not in self.box.messages]

    # ---- selecting --------------------------------------------------------------

    def select(self, name, verb="SELECT", resync=None):
        parameter = " (CONDSTORE)" if self.has_qresync and resync is None else ""
        if resync:
            resync.is_known = bool(resync.flags) and self.world.chance.random() < 0.5
            known = f" {set_of(resync.flags)}" if resync.is_known else ""
            parameter = f" (QRESYNC ({resync.uidvalidity} {resync.highest}{known}))"
        box = self.account.boxes.get(name)
        self.box = None
        self.forget()
        self.expect(f"{verb} {self.name(name)}{parameter}", "OK" if box else "NO [NONEXISTENT]")
        if not box:
            return
        self.box, self.is_read_only = box, verb == "EXAMINE"
        self.view = self.live()
        codes = dict(re.findall(r"\[(\w+) (\d+)\]", " ".join(
            words[0].decode(errors="replace") for words in self.got if len(words) == 1)))
        counts = {words[1]: int(words[0]) for words in self.got if words[0].isdigit()}
        unseen = [n for n, uid in enumerate(self.view, 1)
                  if r"\Seen" not in box.messages[uid].flags]
        if not self.world.is_loose:
            assert counts[b"EXISTS"] == len(self.view), counts
            assert int(codes["UIDNEXT"]) == box.uidnext, codes
            if self.is_uidonly:
                unseen = []
            assert self.is_rev2 or int(codes.get("UNSEEN", 0)) == (unseen or [0])[0], codes
        if box.uidvalidity is None:
            box.uidvalidity = int(codes["UIDVALIDITY"])
        assert int(codes["UIDVALIDITY"]) == box.uidvalidity
        if resync and not self.world.is_loose:
            self.check_resync(resync)
        self.flags = {}
        if self.view:
            prefix = "UID " if self.is_uidonly else ""
            self.expect(f"{prefix}FETCH 1:* (UID FLAGS)", "OK")
        self.snapshot = Snapshot(name, box, int(codes["HIGHESTMODSEQ"]))

    def check_resync(self, resync):
        """The cache of before and what was told make what is there."""
        flags = dict(resync.flags)
        if self.box.uidvalidity != resync.uidvalidity:
            assert not any(words[0] in (b"FETCH", b"VANISHED") for words in self.got)
            return
        for words in self.got:
            if words[0] == b"VANISHED":
                for uid in words[1]:
                    flags.pop(uid, None)
            elif words[0] == b"FETCH":
                flags[int(words[2][b"UID"])] = flags_of(words[2])
        # only the known ones are told of when a client names them: RFC 7162 3.2.5.2
        want = {uid: m.flags for uid, m in self.box.messages.items()
                if not resync.is_known or uid in resync.flags}
        assert flags == want, (resync.flags, want, self.got)

    def leave(self, verb):
        if verb == "CLOSE" and not self.is_read_only:
            self.account.expunge(self.box, [uid for uid, m in self.box.messages.items()
                                            if r"\Deleted" in m.flags])
        self.box = None
        self.expect(verb, "OK")
        self.forget()


def flags_of(items):
    return frozenset(flag.decode() for flag in items[b"FLAGS"]) - {r"\Recent"}


# ---- FETCH -------------------------------------------------------------------------

def envelope(m, value):
    assert value[1].decode() == m.letter.subject and \
        value[9].decode() == f"<m{m.letter.number}@x>", value


def same(of):
    def check(m, value):
        assert value == of(m), (value, of(m))
    return check


def email_id(m, value):
    m.email_id = m.email_id or value
    assert m.email_id == value


def any_value(m, value):
    assert value


SECTIONS = {
    "RFC822.SIZE": same(lambda m: str(len(m.letter.bytes)).encode()),
    "INTERNALDATE": same(lambda m: f"{day_text(m.day)} 12:00:00 +0000".encode()),
    "ENVELOPE": envelope, "BODYSTRUCTURE": any_value, "BODY": any_value,
    "EMAILID": email_id, "THREADID": any_value, "SAVEDATE": any_value, "PREVIEW": any_value,
    "BODY.PEEK[]": same(lambda m: m.letter.bytes), "BODY[]": same(lambda m: m.letter.bytes),
    "BODY.PEEK[HEADER]": same(lambda m: m.letter.head),
    "BODY[TEXT]": same(lambda m: m.letter.body),
    "BODY.PEEK[TEXT]": same(lambda m: m.letter.body),
    "BODY.PEEK[1]": same(lambda m: m.letter.body),
    "BODY.PEEK[]<3.7>": same(lambda m: m.letter.bytes[3:10]),
    "BODY.PEEK[HEADER.FIELDS (SUBJECT)]": same(
        lambda m: f"Subject: {m.letter.subject}\r\n\r\n".encode()),
    "BODY.PEEK[HEADER.FIELDS.NOT (FROM DATE REFERENCES MESSAGE-ID)]": same(
        lambda m: f"Subject: {m.letter.subject}\r\n\r\n".encode()),
    "RFC822": same(lambda m: m.letter.bytes), "RFC822.TEXT": same(lambda m: m.letter.body),
    "RFC822.HEADER": same(lambda m: m.letter.head),
    "BINARY.PEEK[1]": same(lambda m: m.letter.body),
    "BINARY.SIZE[1]": same(lambda m: str(len(m.letter.body)).encode()),
    "BINARY[1]": same(lambda m: m.letter.body),
}
READS = {"BODY[]", "BODY[TEXT]", "RFC822", "RFC822.TEXT", "BINARY[1]"}
MACROS = {"FAST": ["RFC822.SIZE", "INTERNALDATE"],
          "ALL": ["RFC822.SIZE", "INTERNALDATE", "ENVELOPE"],
          "FULL": ["RFC822.SIZE", "INTERNALDATE", "ENVELOPE", "BODY"]}


def answered_as(item):
    return item.replace(".PEEK", "").replace("<3.7>", "<3>").encode()


# ---- SEARCH ------------------------------------------------------------------------

def search_key(chance, client, depth=0):
    """(text, predicate of uid and message)"""
    kind = chance.randrange(14 if depth < 3 else 11)
    if kind == 0:
        flag, word = chance.choice(list(SYSTEM.items()))
        return word, lambda u, m: flag in m.flags
    if kind == 1:
        flag, word = chance.choice(list(SYSTEM.items()))
        return "UN" + word, lambda u, m: flag not in m.flags
    if kind == 2:
        size = chance.randrange(150, 400)
        word, sign = chance.choice([("LARGER", 1), ("SMALLER", -1)])
        return f"{word} {size}", lambda u, m: (len(m.letter.bytes) - size) * sign > 0
    if kind == 3:
        word = chance.choice(SUBJECTS)[1:4]
        return f"SUBJECT {word}", lambda u, m: word in m.letter.subject
    if kind == 4:
        who = f"u{chance.randrange(4)}"
        return f"FROM {who.upper()}@", lambda u, m: m.letter.sender == who
    if kind == 5:
        word, name = chance.choice(["zebra", "yak", "xerus"]), chance.choice(["BODY", "TEXT"])
        return f"{name} {word}", lambda u, m: m.letter.word == word
    if kind == 6:
        return date_key(chance)
    if kind == 7:
        name, sign = chance.choice([("KEYWORD", True), ("UNKEYWORD", False)])
        return f"{name} $One", lambda u, m: ("$One" in m.flags) == sign
    if kind == 8:
        some = {uid for uid in client.live() if chance.random() < 0.5} or {1}
        return f"UID {set_of(some)}", lambda u, m: u in some
    if kind == 9 and client.view and not client.is_uidonly:
        low, high = sorted(chance.randrange(1, len(client.view) + 1) for _ in "ab")
        some = set(client.view[low - 1:high])
        return f"{low}:{high}", lambda u, m: u in some
    if kind == 10:
        number = chance.randrange(1, 200)
        return (f"HEADER Message-ID <m{number}@", lambda u, m: m.letter.number == number)
    if kind == 11:
        text, has = search_key(chance, client, depth + 1)
        return f"NOT {text}", lambda u, m: not has(u, m)
    if kind == 12:
        (a, has_a), (b, has_b) = (search_key(chance, client, depth + 1) for _ in "ab")
        return f"OR {a} {b}", lambda u, m: has_a(u, m) or has_b(u, m)
    if kind == 13:
        (a, has_a), (b, has_b) = (search_key(chance, client, depth + 1) for _ in "ab")
        return f"({a} {b})", lambda u, m: has_a(u, m) and has_b(u, m)
    return "ALL", lambda u, m: True


def date_key(chance):
    day = chance.randrange(20)
    sent = chance.random() < 0.5
    word, test = chance.choice([("BEFORE", lambda d: d < day), ("ON", lambda d: d == day),
                                ("SINCE", lambda d: d >= day)])
    return (f"{'SENT' * sent}{word} {day_text(day).strip()}",
            lambda u, m: test(m.letter.sent if sent else m.day))


SORTS = {"ARRIVAL": lambda m: m.day, "DATE": lambda m: m.letter.sent,
         "FROM": lambda m: m.letter.sender, "SUBJECT": lambda m: m.letter.subject,
         "SIZE": lambda m: len(m.letter.bytes)}
