"""Random commands of eight clients of one account, against a model of what it holds.
I03, I08, I09 of the list of bad days.

One command at a time is predicted wholly: its end, its data, what the client is told of
others.  Bursts of all clients at once are only held against what each was told.  With
kills, a command that had no answer may have happened or not; nothing else may.

POSTRIDER_LONG=1: 8 clients x 20,000 commands.  A failure names its seed;
POSTRIDER_SEEDS="7 8" and POSTRIDER_COMMANDS=5000 choose others.
"""

import copy
import os
import random
import time
from urllib.parse import quote

import pytest

from imap_chance import (FLAGS, MACROS, NAMES, READS, SECTIONS, SORTS, STILL, Client,
                         answered_as, search_key)
from imap_model import Letter, Reader, rebuilt
from imap_wire import Gone, set_of
from server import Server, wait_for

IS_LONG = bool(os.environ.get("POSTRIDER_LONG"))
CLIENTS = 8
COMMANDS = int(os.environ.get("POSTRIDER_COMMANDS") or CLIENTS * (20000 if IS_LONG else 150))
SEEDS = [int(seed) for seed in (os.environ.get("POSTRIDER_SEEDS") or "1").split()]
KILL_EVERY = 2000 if IS_LONG else 300   # steps
MESSAGES_MAX = 40       # of a mailbox: many make nothing new happen


@pytest.fixture(scope="module")
def server():
    it = Server()
    try:
        it.start()
        it.add_domain("example.net")
        yield it
    finally:
        it.close()


class World:
    def __init__(self, server, seed, has_kills):
        self.server, self.has_kills = server, has_kills
        self.chance = random.Random(seed)
        self.user = f"chance{seed}{'k' * has_kills}@example.net"
        server.add_account(self.user)
        self.letters = {}
        self.account = None
        self.is_loose = False
        self.busy = []
        self.said = self.kills = self.bursts = self.resyncs = 0
        self.reader = Reader(server, self.user)
        self.reader.wire.open()
        self.reload()
        self.clients = [Client(server, self, number) for number in range(CLIENTS)]
        for client in self.clients:
            client.open()

    # ---- what is there ----------------------------------------------------------

    def reload(self):
        picture, uidvalidities = self.reader.account()
        self.account = rebuilt(picture, uidvalidities, self.letters, self.account)

    def compare(self):
        picture, uidvalidities = self.reader.account()
        assert picture == self.account.picture()
        self.account.learn(uidvalidities)

    # ---- steps ------------------------------------------------------------------

    def name(self):
        return self.chance.choice(NAMES)

    def letter(self):
        made = Letter(self.chance)
        self.letters[f"<m{made.number}@x>"] = made
        return made

    def flag_some(self):
        return self.chance.sample(FLAGS, self.chance.randrange(1, 4))

    def run(self, commands):
        while self.said < commands:
            self.said += 1
            draw = self.chance.random()
            if self.has_kills and self.said % KILL_EVERY == 0:
                self.kill()
            elif draw < 0.004:
                self.burst()
            elif draw < 0.012:
                self.compare()
            else:
                self.step(self.chance.choice(self.clients))

    def step(self, client):
        if client.box is None or self.chance.random() < 0.04:
            return self.chance.choice([select] * 4 + ACCOUNT_STEPS)(self, client)
        return self.chance.choice(STEPS)(self, client)

    def step_of_another(self, client):
        """While this one waits in the midst of something."""
        self.busy.append(client)
        self.step(self.chance.choice([c for c in self.clients if c not in self.busy]))
        self.busy.pop()

    def burst(self):
        """All at once, and none knows what the others do."""
        self.bursts += 1
        self.is_loose = True
        sent = []
        for client in self.clients:
            if client.box is not None:
                sent.append((client, [client.begin_loose(text) for text in
                                      loose_commands(self, client)]))
        for client, pairs in sent:
            for tag, text in pairs:
                client.command, client.may_expunge = text, text.split()[0] not in STILL
                done = client.wire.wait(tag)
                assert done.startswith(("OK", "NO")), (text, done)
                self.said += 1
        self.reload()
        self.is_loose = False
        for client in self.clients:
            if client.box is not None:
                client.flags.pop(client.silent, None)
                client.expect("NOOP", "OK")
                client.snapshot.versions = None
                client.modseqs = {}

    def kill(self):
        """kill -9 of the account's process while one command is under way."""
        self.kills += 1
        client = self.chance.choice([c for c in self.clients if c.box] or [None])
        before = copy.deepcopy(self.account) if client else None
        if client:
            self.die_in(client)
        else:
            self.server.kill_role("account")
        self.reconnect(before)

    def die_in(self, client):
        """Starts a command that changes something; the process dies about then."""
        text, change = lethal_command(self, client)
        change()
        client.is_dying = True
        tag = client.begin(text)
        time.sleep(self.chance.random() * 0.004)
        self.server.kill_role("account")
        self.is_loose = True
        try:
            self.was_answered = client.wire.wait(tag).startswith("OK")
        except Gone:
            self.was_answered = False
        self.is_loose = False

    def reconnect(self, before):
        def is_up():
            try:
                self.reader.wire.close()
                self.reader.wire.open()
                self.reader.ask("NOOP")
                return True
            except Gone:
                return False

        wait_for(is_up, 30, "the account to be back")
        picture, uidvalidities = self.reader.account()
        if before and picture != self.account.picture():
            assert not self.was_answered, "OK was said, and it did not happen"
            assert picture == before.picture()
            self.account = rebuilt(picture, uidvalidities, self.letters)
        self.account.learn(uidvalidities)
        for client in self.clients:
            snapshot, client.snapshot = client.snapshot, None
            client.open()
            if client.has_qresync and snapshot:
                resync(self, client, snapshot)


# ---- commands that are predicted ------------------------------------------------------

def select(world, client):
    client.select(world.name(), world.chance.choice(["SELECT"] * 5 + ["EXAMINE"]))


def resync(world, client, snapshot):
    """The mailbox as it is called now; a removed one is not there any more."""
    world.resyncs += 1
    names = [name for name, box in world.account.boxes.items()
             if box.uidvalidity == snapshot.uidvalidity]
    client.select(names[0] if names else snapshot.name, resync=snapshot)


def reconnect_one(world, client):
    snapshot = client.snapshot
    if world.chance.random() < 0.5:
        client.command = "LOGOUT"
        client.wire.run("LOGOUT")
    client.open()
    if client.has_qresync and snapshot:
        resync(world, client, snapshot)


def leave(world, client):
    client.leave(world.chance.choice(["CLOSE", "UNSELECT"]))


def look(world, client):
    text = world.chance.choice([
        "NOOP", "CHECK", "CAPABILITY", "NAMESPACE", "ID NIL", 'GETQUOTAROOT "INBOX"'])
    client.expect(text, "OK" if client.box or text != "CHECK" else "BAD")


def some_uids(world, client, count=4):
    known = [uid for uid in client.view]
    return sorted(world.chance.sample(known, min(len(known), world.chance.randrange(1, count))))


def prefix_of(world, client):
    return "UID " if client.is_uidonly else world.chance.choice(["", "UID "])


def address(world, client, uids):
    """("", numbers) or ("UID ", uids), as a set; uids: messages of its view."""
    if prefix_of(world, client):
        return "UID ", set_of(uids)
    return "", set_of(client.view.index(uid) + 1 for uid in uids)


def fetch(world, client):
    if not client.view:
        return
    chance = world.chance
    uids = some_uids(world, client, 6)
    prefix, text = address(world, client, uids)
    if chance.random() < 0.1:
        macro = chance.choice(list(MACROS))
        items, said = MACROS[macro], macro
    else:
        items = chance.sample(list(SECTIONS), chance.randrange(0, 3))
        if sum(item.startswith(("BODY[TEXT", "BODY.PEEK[TEXT", "BODY[]", "BODY.PEEK[]"))
               for item in items) > 1:
            items = items[:1]
        extra = chance.sample(["UID", "FLAGS", "MODSEQ"], chance.randrange(1, 4))
        said = "(" + " ".join(items + extra) + ")"
    ghosts = client.ghosts(uids)
    if READS & set(items) and not client.is_read_only:
        for uid in set(uids) - set(ghosts):
            message = client.box.messages[uid]
            message.set(message.flags | {r"\Seen"})
    numbers = {client.view.index(uid) + 1: uid for uid in uids}
    client.expect(f"{prefix}FETCH {text} {said}",
                  "NO [EXPUNGEISSUED]" if ghosts and not prefix else "OK")
    answers = {}
    for words in client.got:
        if words[0] == b"FETCH" and words[1] in numbers:
            answers.setdefault(numbers[words[1]], {}).update(words[2])
    for uid in set(uids) - set(ghosts):
        for item in items:
            SECTIONS[item](client.box.messages[uid], answers[uid][answered_as(item)])


def fetch_changed(world, client):
    """CHANGEDSINCE, of what is known from the SELECT."""
    snapshot = client.snapshot
    if not client.has_qresync or not snapshot.versions or snapshot.box is not client.box:
        return
    seen = seen_of(client)
    # not 1:*, as that ends with the last message there is
    client.expect(f"UID FETCH 1:{client.box.uidnext} (FLAGS) "
                  f"(CHANGEDSINCE {snapshot.highest} VANISHED)", "OK")
    told = {int(words[2][b"UID"]) for words in client.got if words[0] == b"FETCH"}
    changed = {uid for uid, m in seen.items()
               if snapshot.versions.get(uid) != m.version}
    assert told >= changed, (told, changed)
    gone = set().union(*[words[1] for words in client.got if words[0] == b"VANISHED"])
    assert gone >= set(snapshot.versions) - set(client.box.messages)
    assert not gone & set(client.box.messages)


def fetch_page(world, client):
    """PARTIAL of UID FETCH: RFC 9394 3.3"""
    first = world.chance.randrange(1, 6)
    last = first + world.chance.randrange(4)
    sign = world.chance.choice(["", "-"])
    live = list(seen_of(client))[::-1 if sign else 1]
    client.expect(f"UID FETCH 1:* (EMAILID) (PARTIAL {sign}{first}:{sign}{last})", "OK")
    told = [int(words[2][b"UID"]) for words in client.got
            if words[0] == b"FETCH" and b"EMAILID" in words[2]]
    assert sorted(told) == sorted(live[first - 1:last]), (told, live)


def store(world, client):
    if not client.view:
        return
    uids, flags = some_uids(world, client), world.flag_some()
    prefix, text = address(world, client, uids)
    sign = world.chance.choice(["+", "-", ""])
    silent = world.chance.choice(["", ".SILENT"])
    live = [uid for uid in uids if uid not in client.ghosts(uids)]
    failed, condition = [], ""
    if world.chance.random() < 0.3 and len(live) == 1 and live[0] in client.modseqs:
        modseq, version = client.modseqs[live[0]]
        condition = f"(UNCHANGEDSINCE {modseq}) "
        if client.box.messages[live[0]].version != version:
            failed = live
    if client.is_read_only:
        answer = "NO [NOPERM]"
    elif failed:
        # RFC 7162 3.1.3, example 10
        word = "NO" if len(live) < len(uids) and not prefix else "OK"
        place = failed[0] if prefix else client.view.index(failed[0]) + 1
        answer = f"{word} [MODIFIED {place}]"
    else:
        answer = "NO [EXPUNGEISSUED]" if len(live) < len(uids) and not prefix else "OK"
    if not client.is_read_only and not failed:
        world.account.store(client.box, live, sign, flags)
        if silent:
            client.unsaid = (live, sign, frozenset(flags))
    client.expect(f"{prefix}STORE {text} {condition}{sign}FLAGS{silent} ({' '.join(flags)})",
                  answer)


def copy_or_move(world, client):
    if not client.view:
        return
    name, uids = world.name(), some_uids(world, client)
    verb = world.chance.choice(["COPY", "COPY", "MOVE"])
    prefix, text = address(world, client, uids)
    live = [uid for uid in uids if uid not in client.ghosts(uids)]
    if len(world.account.boxes.get(name, client.box).messages) > MESSAGES_MAX:
        verb = "MOVE"
    if verb == "MOVE" and client.is_read_only:
        answer = "NO [NOPERM]"
    elif name in world.account.boxes and not live and not prefix:
        answer = "NO [EXPUNGEISSUED]"
    else:
        answer = world.account.copy(client.box, live, name, verb == "MOVE")
    client.expect(f"{prefix}{verb} {text} {client.name(name)}", answer)


def expunge(world, client):
    deleted = [uid for uid, m in client.box.messages.items() if r"\Deleted" in m.flags]
    command = "EXPUNGE"
    if world.chance.random() < 0.5 and client.view:
        chosen = some_uids(world, client, 9)
        deleted = [uid for uid in deleted if uid in chosen]
        command = f"UID EXPUNGE {set_of(chosen)}"
    if not client.is_read_only:
        world.account.expunge(client.box, deleted)
    client.expect(command, "NO [NOPERM]" if client.is_read_only else "OK")


def new_item(world):
    return (world.letter(), frozenset(world.flag_some()) if world.chance.random() < 0.6
            else frozenset(), world.chance.randrange(20))


def item_text(item):
    letter, flags, day = item
    return (f'({" ".join(flags)}) "{day + 1:2d}-Nov-2023 12:00:00 +0000" '
            f"{{{len(letter.bytes)}+}}\r\n{letter.bytes.decode()}")


def append(world, client):
    name = world.name()
    box = world.account.boxes.get(name)
    if box and len(box.messages) > MESSAGES_MAX:
        return
    items = [new_item(world) for _ in range(world.chance.choice([1, 1, 1, 2, 3]))]
    client.expect(f"APPEND {client.name(name)} " + " ".join(map(item_text, items)),
                  world.account.append(name, items))


def append_ahead(world, client):
    """Many sent at once: one commit, and each is answered for itself."""
    sent = []
    for _ in range(world.chance.randrange(2, 6)):
        name = world.name()
        box = world.account.boxes.get(name)
        if box and len(box.messages) > MESSAGES_MAX:
            continue
        items = [new_item(world) for _ in range(world.chance.choice([1, 1, 2]))]
        tag = client.begin(f"APPEND {client.name(name)} " + " ".join(map(item_text, items)))
        sent.append((tag, world.account.append(name, items)))
    for tag, answer in sent:
        done = client.wire.wait(tag)
        assert done.startswith(answer), (done, answer)
    if sent:
        client.agree(any(answer.startswith("OK") for _, answer in sent))


def catenate(world, client):
    """A message of parts of one that is there, which come to the same: RFC 4469."""
    sources = [(name, uid, message) for name, box in world.account.boxes.items()
               for uid, message in box.messages.items()]
    name = world.name()
    box = world.account.boxes.get(name)
    if not sources or box and len(box.messages) > MESSAGES_MAX:
        return
    source, uid, message = world.chance.choice(sources)
    flags, whole = world.flag_some(), message.letter.bytes
    cut = world.chance.randrange(1, len(whole))
    url = f"/{quote(source)}/;UID={uid}"
    parts = world.chance.choice([
        f'URL "{url}"', f'URL "{url}/;SECTION=HEADER" URL "{url}/;SECTION=TEXT"',
        f'URL "{url}/;PARTIAL=0.{cut}" URL "{url}/;PARTIAL={cut}"',
        f'TEXT {{{cut}+}}\r\n{whole[:cut].decode()} URL "{url}/;PARTIAL={cut}.{len(whole)}"'])
    client.expect(f'APPEND {client.name(name)} ({" ".join(flags)}) " 1-Nov-2023 12:00:00 +0000" '
                  f"CATENATE ({parts})",
                  world.account.append(name, [(message.letter, frozenset(flags), 0)]))


def replace(world, client):
    name, item = world.name(), new_item(world)
    if not client.view:
        return
    uid = world.chance.choice(client.view)
    prefix, text = address(world, client, [uid])
    if client.is_read_only:
        answer = "NO [NOPERM]"
    elif uid not in client.box.messages:
        answer = "NO" if prefix else "NO [EXPUNGEISSUED]"
    else:
        answer = world.account.append(name, [item])
        if answer.startswith("OK"):
            world.account.expunge(client.box, [uid])
            answer = "OK"
    client.expect(f"{prefix}REPLACE {text} {client.name(name)} {item_text(item)}", answer)


def seen_of(client):
    """uid -> Message of what it was told of: new ones are told behind the answer."""
    return {uid: m for uid, m in client.box.messages.items() if uid in client.view}


def found(client, has):
    return [uid for uid, m in seen_of(client).items() if has(uid, m)]


def as_said(client, uids, prefix):
    return list(uids) if prefix else [client.view.index(uid) + 1 for uid in uids]


def search(world, client):
    text, has = search_key(world.chance, client)
    prefix = prefix_of(world, client)
    want = found(client, has)
    client.expect(f"{prefix}SEARCH {text}", "OK")
    want = as_said(client, want, prefix)
    if client.is_rev2:
        check_esearch(client, want, {b"ALL": set_of(want).encode()} if want else {})
        return
    got = [words for words in client.got if words[0] == b"SEARCH"]
    assert [int(word) for word in got[0][1:]] == want, (got, want)


def check_esearch(client, want, items):
    words = [words for words in client.got if words[0] == b"ESEARCH"][0]
    rest = [word for word in words[2:] if word != b"UID"]
    assert dict(zip(rest[::2], rest[1::2])) == items, (words, items)


def esearch(world, client):
    text, has = search_key(world.chance, client)
    prefix = prefix_of(world, client)
    uids = found(client, has)
    first = world.chance.randrange(1, 5)
    client.expect(f"{prefix}SEARCH RETURN (MIN MAX COUNT PARTIAL {first}:{first + 2}) {text}",
                  "OK")
    want = as_said(client, uids, prefix)
    page = want[first - 1:first + 2]
    items = {b"COUNT": str(len(want)).encode(),
             b"PARTIAL": [f"{first}:{first + 2}".encode(), set_of(page).encode() or b"NIL"]}
    if want:
        items.update({b"MIN": str(want[0]).encode(), b"MAX": str(want[-1]).encode()})
    check_esearch(client, want, items)


def save(world, client):
    """SAVE, and "$" afterwards, when others may have removed some of it: RFC 5182 2.1"""
    text, has = search_key(world.chance, client)
    saved = found(client, has)
    client.expect(f"{prefix_of(world, client)}SEARCH RETURN (SAVE) {text}", "OK")
    world.step_of_another(client)
    want = [uid for uid in saved if uid in client.box.messages]
    client.expect("UID FETCH $ (EMAILID)", "OK")
    told = [int(words[2][b"UID"]) for words in client.got
            if words[0] == b"FETCH" and b"EMAILID" in words[2]]
    assert told == want, (told, want)


def sort(world, client):
    text, has = search_key(world.chance, client)
    key = world.chance.choice(list(SORTS))
    is_reverse = world.chance.random() < 0.3
    uids = found(client, has)
    client.expect(f"UID SORT ({'REVERSE ' * is_reverse}{key}) UTF-8 {text}", "OK")
    want = sorted(uids, key=lambda uid: SORTS[key](client.box.messages[uid]),
                  reverse=is_reverse)
    if is_reverse:      # equal ones stay in the order of their numbers
        want = [uid for value in sorted({SORTS[key](client.box.messages[u]) for u in uids},
                                        reverse=True)
                for uid in uids if SORTS[key](client.box.messages[uid]) == value]
    got = [words for words in client.got if words[0] == b"SORT"]
    assert [int(word) for word in got[0][1:]] == want, (got, want)


def thread(world, client):
    """Each message stands in it once."""
    text, has = search_key(world.chance, client)
    want = found(client, has)
    way = world.chance.choice(["REFERENCES", "REFS", "ORDEREDSUBJECT"])
    client.expect(f"UID THREAD {way} UTF-8 {text}", "OK")
    todo, got = [words[1:] for words in client.got if words[0] == b"THREAD"], []
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo += one
        else:
            got.append(int(one))
    assert sorted(got) == want, (got, want)


def idle(world, client):
    """Others go on; what they did is known when DONE is answered."""
    client.may_expunge, client.got, client.command = True, [], "IDLE"
    client.is_selecting = False
    tag = client.wire.send("IDLE")
    client.wire.wait()
    for _ in range(world.chance.randrange(3)):
        world.step_of_another(client)
    client.command, client.may_expunge = "IDLE", True
    client.wire.raw(b"DONE\r\n")
    assert client.wire.wait(tag).startswith("OK")
    client.agree()


def create(world, client):
    name = world.name()
    client.expect(f"CREATE {client.name(name)}", world.account.create(name))


def delete(world, client):
    name = world.name()
    client.expect(f"DELETE {client.name(name)}", world.account.delete(name))


def rename(world, client):
    old, new = world.name(), world.name()
    if old == "INBOX" and world.chance.random() < 0.7:
        return
    client.expect(f"RENAME {client.name(old)} {client.name(new)}",
                  world.account.rename(old, new))


def subscribe(world, client):
    name = world.name()
    verb = world.chance.choice(["SUBSCRIBE", "UNSUBSCRIBE"])
    (set.add if verb == "SUBSCRIBE" else set.discard)(world.account.subscribed, name)
    client.expect(f"{verb} {client.name(name)}", "OK")


def listing(world, client):
    verb = world.chance.choice(['LIST "" *', 'LSUB "" *', 'LIST (SUBSCRIBED) "" *'])
    client.expect(verb, "OK")
    names = {words[3].decode() for words in client.got if words[0] in (b"LIST", b"LSUB")}
    want = world.account.boxes if verb == 'LIST "" *' else world.account.subscribed
    assert names == {client.name(name).strip('"') for name in want}, (verb, names)


def status(world, client):
    name = world.name()
    box = world.account.boxes.get(name)
    client.expect(f"STATUS {client.name(name)} (MESSAGES UIDNEXT UNSEEN SIZE DELETED)",
                  "OK" if box else "NO")
    if not box:
        return
    values = [words for words in client.got if words[0] == b"STATUS"][0][2]
    want = [len(box.messages), box.uidnext,
            sum(r"\Seen" not in m.flags for m in box.messages.values()),
            sum(len(m.letter.bytes) for m in box.messages.values()),
            sum(r"\Deleted" in m.flags for m in box.messages.values())]
    assert [int(value) for value in values[1::2]] == want, (values, want)


ACCOUNT_STEPS = [create, delete, rename, subscribe, listing, status, append, append, look]
STEPS = [fetch] * 6 + [store] * 6 + [fetch_changed, fetch_page] * 2 + [copy_or_move] * 4 + \
    [expunge] * 2 + [append] * 3 + [append_ahead, catenate] * 2 + [replace] * 2 + [search] * 4 + [esearch] * 2 + \
    [save, sort, thread, idle, look, leave, reconnect_one] + ACCOUNT_STEPS


# ---- commands whose end depends on others -----------------------------------------------

def loose_commands(world, client):
    """One to three; numbers only in the first, as it was told of them before."""
    chance, out = world.chance, []
    for number in range(chance.randrange(1, 4)):
        some = set_of(chance.sample(range(1, 60), 4))
        flags = " ".join(world.flag_some())
        sign = chance.choice(["+", "-", ""])
        out.append(chance.choice([
            f"UID STORE {some} {sign}FLAGS ({flags})", f"UID FETCH {some} (FLAGS)",
            f'UID COPY {some} "INBOX"', f'UID MOVE {some} "Archive"', f"UID EXPUNGE {some}",
            "EXPUNGE", "NOOP", "UID SEARCH UNSEEN", f'APPEND "INBOX" {item_text(new_item(world))}',
            f'APPEND "Archive" {item_text(new_item(world))}', "CREATE x/y", "DELETE x/y",
            "RENAME x z", "RENAME z x", "RENAME INBOX moved", "DELETE moved"]))
        if number == 0 and client.view and not client.is_uidonly and chance.random() < 0.5:
            text = f"{chance.randrange(len(client.view)) + 1}"
            client.silent = client.view[int(text) - 1]
            out[0] = chance.choice([f"STORE {text} {sign}FLAGS.SILENT ({flags})",
                                    f"FETCH {text} (UID FLAGS)", f'MOVE {text} "INBOX"'])
    return out


def lethal_command(world, client):
    """(text, what it does to the model); the model is changed by the caller."""
    account, live = world.account, list(seen_of(client))
    item, name = new_item(world), world.name()
    choices = [(f"APPEND {client.name(name)} {item_text(item)}",
                lambda: account.append(name, [item])),
               (f"CREATE {client.name(name)}", lambda: account.create(name)),
               (f"RENAME INBOX {client.name(name)}", lambda: account.rename("INBOX", name)),
               (f"DELETE {client.name(name)}", lambda: account.delete(name))]
    if live and not client.is_read_only:
        uids, flags = set_of(live), world.flag_some()
        choices += [
            (f"UID STORE {uids} +FLAGS.SILENT ({' '.join(flags)})",
             lambda: account.store(client.box, live, "+", flags)),
            (f"UID MOVE {uids} {client.name(name)}",
             lambda: account.copy(client.box, live, name, True)),
            (f"UID COPY {uids} {client.name(name)}",
             lambda: account.copy(client.box, live, name, False))]
    return world.chance.choice(choices)


# ---- the test -----------------------------------------------------------------------------

@pytest.mark.parametrize("has_kills", [False, True], ids=["alive", "killed"])
@pytest.mark.parametrize("seed", SEEDS)
def test_chance(server, seed, has_kills):
    world = World(server, seed, has_kills)
    began = time.monotonic()
    try:
        world.run(COMMANDS)
        world.compare()
    except Exception:
        print(f"seed {seed}, after {world.said} commands")
        for client in world.clients:
            print(f"client {client.number} {client.mode}, {client.command[:80]}:")
            print(b"\n".join(list(client.wire.journal)[-14:]).decode(errors="replace"))
        raise
    finally:
        for client in [*world.clients, world.reader]:
            client.wire.close()
    print(f"{world.said} commands, {world.bursts} bursts, {world.kills} kills, "
          f"{world.resyncs} resyncs, {time.monotonic() - began:.0f} s")
    server.run("mailbox", "check", world.user)
