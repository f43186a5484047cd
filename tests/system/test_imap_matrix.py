"""I12: who may what: every command of src/imap/imap_command.h, in each state, with a mailbox of
one's own, of somebody else and of nobody.  A command without a row here fails.

An account cannot name what is another's, so all that has to be seen is that a name which
somebody else has is as unknown as one that nobody has, to the last word.
"""

import re
import socket
from urllib.parse import quote

import pytest

from server import PASSWORD, PATIENCE, ROOT, Server

ANN, BOB = "ann@here.test", "bob@here.test"
LETTER = b"Subject: only for bob\r\n\r\nthe word is xylophone\r\n"

# Names of bob's mailbox "Secret", as other servers' clients would write them.
FOREIGN = ["Secret", f"Other Users/{BOB}/Secret", f"user/{BOB}/Secret", "user.bob.Secret",
           f"#user/{BOB}/Secret", "~bob/Secret", f"../{BOB}/Secret", f"/{BOB}/Secret",
           f"shared/{BOB}/Secret", f"{BOB}/Secret", "Secret/Deep"]


def nobodys(name):
    """The same name, of one whom nobody knows."""
    return name.replace("bob", "rob").replace("Secret", "Sekret")


class Row:
    """text: the command; "{m}" is a mailbox, "{u}" the same in a URL, "{i}" the id of a
    message, "{b}" an address.

    own, none: how its answer begins with one's own mailbox and with no mailbox.
    read_only: the same for one's own after EXAMINE, if it is another.
    """

    def __init__(self, text, own="OK", none=None, read_only=None):
        self.text = text
        self.is_uid = text.startswith("UID ")
        self.name = text.split()[self.is_uid]
        self.own = own
        self.none = none
        self.read_only = read_only or own


# Messages of the mailbox that is selected belong to who selected it; what names
# neither a mailbox, nor an id, nor an account is here for the states alone.
ROWS = {
    "APPEND": [Row('APPEND Spare CATENATE (URL "/{u}/;UID=1")', none="NO [BADURL"),
               Row('APPEND Spare CATENATE (URL "imap://elsewhere.test/{u}/;UID=1")',
                   own="NO [BADURL", none="NO [BADURL"),
               Row("APPEND {m} {{3+}}\r\nabc", none="NO [TRYCREATE]")],
    "AUTHENTICATE": [Row("AUTHENTICATE NONE", own="NO")],
    "CANCELUPDATE": [Row('CANCELUPDATE "x"', own="NO")],
    "CAPABILITY": [Row("CAPABILITY")],
    "CHECK": [Row("CHECK")],
    "CLOSE": [Row("CLOSE")],
    "COMPRESS": [Row("COMPRESS NONE", own="BAD")],
    "COPY": [Row("COPY 1 {m}", none="NO [TRYCREATE]"),
             Row("UID COPY 1 {m}", none="NO [TRYCREATE]")],
    "CREATE": [Row("CREATE {m}", own="NO [ALREADYEXISTS]", none="")],
    "DELETE": [Row("DELETE {m}", none="NO")],
    "ENABLE": [Row("ENABLE CONDSTORE")],
    "ESEARCH": [Row('ESEARCH IN (mailboxes {m}) RETURN (COUNT) ALL', none="OK"),
                Row('UID ESEARCH IN (subtree {m}) BODY xylophone', none="OK")],
    "EXAMINE": [Row("EXAMINE {m}", none="NO")],
    "EXPUNGE": [Row("EXPUNGE", read_only="NO [NOPERM]"),
                Row("UID EXPUNGE 1", read_only="NO [NOPERM]")],
    "FETCH": [Row("FETCH 1 (UID FLAGS EMAILID THREADID)"),
              Row("UID FETCH 1 BODY[]")],
    "GETMETADATA": [Row("GETMETADATA {m} /private/comment", none="NO [NONEXISTENT]"),
                    Row("GETMETADATA (DEPTH infinity) {m} (/private /shared)",
                        none="NO [NONEXISTENT]")],
    "GETQUOTA": [Row("GETQUOTA {b}", own="NO", none="NO")],
    "GETQUOTAROOT": [Row("GETQUOTAROOT {m}", none="OK")],
    "ID": [Row("ID NIL")],
    "IDLE": [Row("IDLE\r\nDONE")],
    "LIST": [Row('LIST "" {m}', none="OK"), Row('LIST {m} *', none="OK"),
             Row('LIST (SUBSCRIBED) "" ({m}) RETURN (STATUS (MESSAGES))', none="OK")],
    "LOGIN": [Row(f"LOGIN {ANN} wrong", own="NO [AUTHENTICATIONFAILED]")],
    "LOGOUT": [Row("LOGOUT")],
    "LSUB": [Row('LSUB "" {m}', none="OK")],
    "MOVE": [Row("MOVE 1 {m}", none="NO [TRYCREATE]", read_only="NO [NOPERM]"),
             Row("UID MOVE 1 {m}", none="NO [TRYCREATE]", read_only="NO [NOPERM]")],
    "NAMESPACE": [Row("NAMESPACE")],
    "NOOP": [Row("NOOP")],
    "NOTIFY": [Row("NOTIFY SET STATUS (mailboxes {m} (MessageNew MessageExpunge))", none="OK"),
               Row("NOTIFY SET (subtree {m} (MailboxName))", none="OK"), Row("NOTIFY NONE")],
    "RENAME": [Row("RENAME {m} Renamed", none="NO"),
               Row("RENAME Spare {m}", own="NO [ALREADYEXISTS]", none="")],
    "REPLACE": [Row("REPLACE 1 {m} {{3+}}\r\nabc", none="NO [TRYCREATE]",
                    read_only="NO [NOPERM]"),
                Row("UID REPLACE 1 {m} {{3+}}\r\nabc", none="NO [TRYCREATE]",
                    read_only="NO [NOPERM]")],
    "SEARCH": [Row("SEARCH EMAILID {i}"), Row("UID SEARCH THREADID {i}"),
               Row("SEARCH BODY xylophone")],
    "SELECT": [Row("SELECT {m}", none="NO")],
    "SETMETADATA": [Row('SETMETADATA {m} (/private/comment "x")', none="NO [NONEXISTENT]")],
    "SORT": [Row("SORT (DATE) UTF-8 EMAILID {i}"), Row("UID SORT (DATE) UTF-8 ALL")],
    "STARTTLS": [Row("STARTTLS")],
    "STATUS": [Row("STATUS {m} (MESSAGES UIDNEXT SIZE MAILBOXID)", none="NO")],
    "STORE": [Row("STORE 1 +FLAGS (x)", read_only="NO [NOPERM]"),
              Row("UID STORE 1 +FLAGS (x)", read_only="NO [NOPERM]")],
    "SUBSCRIBE": [Row("SUBSCRIBE {m}", none="")],
    "THREAD": [Row("THREAD REFS UTF-8 EMAILID {i}"), Row("UID THREAD REFS UTF-8 ALL")],
    "UNAUTHENTICATE": [Row("UNAUTHENTICATE")],
    "UNSELECT": [Row("UNSELECT")],
    "UNSUBSCRIBE": [Row("UNSUBSCRIBE {m}", none="")],
}

# Commands that would name what is another's and that are not there at all.
UNKNOWN = ["GETACL {m}", "SETACL {m} anyone lr", "DELETEACL {m} anyone", "LISTRIGHTS {m} anyone",
           "MYRIGHTS {m}", "GENURLAUTH {m} INTERNAL", "RESETKEY {m}",
           'URLFETCH "imap://{b}/{m};UID=1"', "SETQUOTA {b} (STORAGE 1)", "XLIST {m} *"]


def commands():
    """name -> (states, has_uid), as the table has them."""
    text = (ROOT / "src/imap/imap_command.h").read_text()
    found = re.findall(r"\bCOMMAND\((\w+),\s*IMAP_(\w+),\s*(true|false)", text)
    assert len(found) >= 35
    return {name: (states, uid == "true") for name, states, uid in found}


MAY = {"BEFORE": {"before"}, "AFTER": {"authenticated", "selected", "read-only"},
       "SELECTED": {"selected", "read-only"},
       "ANY": {"before", "authenticated", "selected", "read-only"}}
STATES = sorted(MAY["ANY"])


def test_every_command_has_a_row():
    table = commands()
    assert set(ROWS) == set(table)
    for name, (_, has_uid) in table.items():
        assert {row.name for row in ROWS[name]} == {name}
        assert {row.is_uid for row in ROWS[name]} == ({False, True} if has_uid else {False}), name
    assert not {text.split()[0] for text in UNKNOWN} & set(table)


@pytest.fixture(scope="module")
def server():
    one = Server(options={"limits": {"errors": 1000}})
    one.start()
    one.add_domain("here.test")
    one.add_account(ANN)
    one.add_account(BOB)
    yield one
    one.close()


class Client:
    def __init__(self, server, user=None):
        self.socket = socket.create_connection((server.address, server.imap_port),
                                               timeout=60 * PATIENCE)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if user:
            assert self.say(f"LOGIN {user} {PASSWORD}")[-1].startswith("OK")

    def say(self, text):
        """All lines of the answer; the last without its tag."""
        self.socket.sendall(b"a " + text.encode() + b"\r\n")
        lines = []
        while line := self.file.readline().decode():
            lines.append(line.rstrip("\r\n"))
            if lines[-1].startswith("a "):
                lines[-1] = lines[-1][2:]
                return lines
            if lines[-1].startswith("* BYE") and not text.startswith("LOGOUT"):
                break
        raise AssertionError(f"{text}: {lines}")

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture(scope="module")
def secret(server):
    """What bob has; at the end of all it is as it was.  The ids of his message."""
    bob = Client(server, BOB)
    for text in ("CREATE Secret/Deep", "SUBSCRIBE Secret"):
        assert bob.say(text)[-1].startswith("OK")
    for _ in range(20):     # so that his ids are none of ann's
        done = bob.say(f"APPEND Secret {{{len(LETTER)}+}}\r\n{LETTER.decode()}")
        assert done[-1].startswith("OK")
    bob.say("EXAMINE Secret")
    ids = re.search(r"EMAILID \((\w+)\) THREADID \((\w+)\)",
                    bob.say("FETCH 20 (EMAILID THREADID)")[0])
    before = picture(bob)
    yield ids
    assert picture(bob) == before
    bob.close()


def picture(client):
    return [[line for line in client.say(text) if "[HIGHESTMODSEQ" not in line] for text in (
        'LIST "" *', 'LSUB "" *', "STATUS Secret (MESSAGES UIDNEXT UNSEEN SIZE HIGHESTMODSEQ)",
        "STATUS Secret/Deep (MESSAGES HIGHESTMODSEQ)",
        "STATUS INBOX (MESSAGES UIDNEXT HIGHESTMODSEQ)", "UID FETCH 1:* (UID FLAGS MODSEQ)")]


def fill(row, mailbox='"Own"', message_id="M999999", address="rob@here.test"):
    return row.text.format(m=mailbox, i=message_id, b=f'"{address}"',
                           u=quote(mailbox.strip('"')))


def clean(client):
    """What a row of an earlier try may have left."""
    names = re.findall(r'^\* LIST \(.*?\) "/" (.+)$', "\n".join(client.say('LIST "" *')), re.M)
    for name in sorted(names, key=len, reverse=True):
        if name.strip('"') not in ("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"):
            client.say(f"DELETE {name}")
    for line in client.say('LSUB "" *'):
        if match := re.match(r'\* LSUB \(.*?\) "/" (.+)$', line):
            client.say(f"UNSUBSCRIBE {match[1]}")


def enter(client, state):
    """Own and Spare with a message in each, and one of the states after the login."""
    client.say("UNSELECT")
    clean(client)
    for name in ("Own", "Spare"):
        assert client.say(f"CREATE {name}")[-1].startswith("OK")
        assert client.say(f"APPEND {name} {{8+}}\r\nS: x\r\n\r\n")[-1].startswith("OK")
    command = {"authenticated": "NOOP", "selected": "SELECT Spare", "read-only": "EXAMINE Spare"}
    assert client.say(command[state])[-1].startswith("OK")


def client_in(server, state):
    if state == "before":
        return Client(server)
    client = Client(server, ANN)
    enter(client, state)
    return client


def neutral(lines, name):
    """The answer without what the client itself said, and without what counts up."""
    text = "\n".join(line for line in lines if not re.match(r"\* \d+ (EXISTS|RECENT|EXPUNGE)", line))
    for word in sorted({name, quote(name), *name.split("/")}, key=len, reverse=True):
        text = text.replace(word, "NAME")
    return re.sub(r"\[(MAILBOXID \(F)\d+\)\]|\[(APPENDUID|COPYUID)[^]]*\]", r"[\1\2]", text)


def check_row(server, state, row):
    client = client_in(server, state)
    lines = client.say(fill(row))
    client.close()
    if state not in MAY[commands()[row.name][0]]:
        assert lines[-1].startswith("BAD "), (row.text, state, lines)
        return
    want = row.read_only if state == "read-only" else row.own
    if row.name != "STARTTLS":          # that begins a handshake, or cannot
        assert lines[-1].startswith(want), (row.text, state, lines)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", sorted(ROWS))
def test_states_with_ones_own(server, name, state):
    for row in ROWS[name]:
        check_row(server, state, row)


def mailbox_rows():
    return [pytest.param(row, id=re.split(r"\{[mu]\}", row.text)[0].strip())
            for rows in ROWS.values() for row in rows if re.search(r"\{[mu]\}", row.text)]


@pytest.mark.parametrize("row", mailbox_rows())
@pytest.mark.parametrize("state", ["authenticated", "selected", "read-only"])
def test_anothers_mailbox_is_nobodys(server, secret, row, state):
    """The same words for what bob has and for what nobody has."""
    if state not in MAY[commands()[row.name][0]]:
        return
    client = Client(server, ANN)
    for theirs in FOREIGN if state == "selected" else FOREIGN[:2]:
        answers = []
        for mailbox in (theirs, nobodys(theirs)):
            enter(client, state)
            lines = client.say(fill(row, f'"{mailbox}"'))
            assert "xylophone" not in "".join(lines)
            answers.append(neutral(lines, mailbox))
            wanted = row.none if state != "read-only" or row.read_only == row.own \
                else row.read_only
            if ".." not in mailbox and not mailbox.startswith("/"):
                assert lines[-1].startswith(wanted), (row.text, mailbox, lines)
        assert answers[0] == answers[1], (row.text, theirs)
    client.close()


@pytest.mark.parametrize("name", sorted(ROWS))
def test_anothers_ids_and_address_are_nobodys(server, secret, name):
    """So with ids of messages and threads, and with addresses."""
    for row in ROWS[name]:
        if not re.search(r"\{[ib]\}|xylophone", row.text):
            continue
        state = "selected" if "selected" in MAY[commands()[name][0]] else "authenticated"
        client = client_in(server, state)
        for number, (theirs, none) in enumerate(zip(secret.groups(), ("M77777", "T77777"))):
            answers = [neutral(client.say(fill(row, message_id=one, address=address)), address)
                       for one, address in ((theirs, BOB), (none, "rob@here.test"))]
            assert answers[0] == answers[1], row.text
            assert not re.search(r"^\* (SEARCH|SORT) \d|^\* THREAD \(", answers[0], re.M) or \
                "ALL" in row.text, answers
        client.close()


@pytest.mark.parametrize("text", UNKNOWN)
@pytest.mark.parametrize("state", ["before", "authenticated", "selected"])
def test_what_is_no_command_is_none_for_anybody(server, secret, text, state):
    client = client_in(server, state)
    for mailbox, address in (("Own", ANN), ("Secret", BOB), ("Sekret", "rob@here.test")):
        answer = client.say(text.format(m=mailbox, b=address))
        assert answer == ["BAD unknown command"], (text, answer)
    client.close()
