"""`postrider mail send|list|read|save` against a live server."""

import email
import email.policy
import json
import os
import subprocess

import pytest

from server import BINARY, PASSWORD, PATIENCE, wait_for


class Mail:
    """The user agent, as its user types it."""

    def __init__(self, server):
        self.server = server

    def __call__(self, *words, text=b"", expect=0, password=PASSWORD, json_rows=False):
        flags = ["--json"] if json_rows else []
        done = subprocess.run(
            [BINARY, "--config", self.server.config_path, *flags, "mail", *words], input=text,
            capture_output=True, timeout=30 * PATIENCE, cwd=self.server.dir,
            env={**os.environ, "POSTRIDER_PASSWORD": password})
        assert done.returncode == expect, (words, done.returncode, done.stdout, done.stderr)
        return done

    def rows(self, *words, **options):
        done = self(*words, json_rows=True, **options)
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def mail(server):
    return Mail(server)


def test_send_list_read_save(server, mail, tmp_path):
    content = bytes(range(256)) * 40
    (tmp_path / "crêpe recipe.png").write_bytes(content)
    sent = mail.rows("send", "-f", "Ann Ä <ann@here.test>", "-t", "bob@here.test", "-s",
                     "Crêpes & ketchup", "-a", str(tmp_path / "crêpe recipe.png"),
                     text="Grüße,\n.\n..dot\ntrailing \n".encode())
    assert sent[0]["result"] == "sent"
    assert sent[0]["reply"].startswith("250 2.0.0")
    raw = server.wait_messages("bob@here.test")[0]

    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert parsed["subject"] == "Crêpes & ketchup"
    assert parsed["from"].addresses[0].display_name == "Ann Ä"
    assert parsed["message-id"] == sent[0]["message_id"]
    assert parsed["date"].datetime is not None
    assert parsed.get_body().get_content().replace("\r\n", "\n") == \
        "Grüße,\n.\n..dot\ntrailing \n"
    attached = list(parsed.iter_attachments())
    assert [part.get_filename() for part in attached] == ["crêpe recipe.png"]
    assert attached[0].get_content_type() == "image/png"
    assert attached[0].get_content() == content

    listed = mail.rows("list", "-u", "bob@here.test")
    assert [(row["n"], row["subject"]) for row in listed] == [("1", "Crêpes & ketchup")]
    shown = mail("read", "-u", "bob@here.test", "1").stdout.decode()
    assert "Subject: Crêpes & ketchup\n" in shown
    assert "Grüße,\n.\n..dot\n" in shown
    assert "[2] crêpe recipe.png  image/png  10K" in shown

    saved = mail.rows("save", "-u", "bob@here.test", "1", "-o", str(tmp_path / "."))
    assert (tmp_path / "crêpe recipe-2.png").read_bytes() == content
    assert saved[0]["file"].endswith("crêpe recipe-2.png")
    assert (tmp_path / "crêpe recipe.png").read_bytes() == content


def test_send_logs_in(server, mail):
    """As -u or as the sender; the password on stdin stands before the text."""
    server.add_alias("sales@here.test", "ann@here.test")
    mail("send", "-f", "ann@here.test", "-t", "bob@here.test", "-s", "by stdin",
         "--password-stdin", text=PASSWORD.encode() + b"\nthe text\n", password="wrong")
    mail("send", "-f", "sales@here.test", "-u", "ann@here.test", "-t", "bob@here.test", "-s",
         "by alias", text=b"x\n")
    texts = server.wait_messages("bob@here.test", 2)
    assert all(b"with ESMTPA id" in text and PASSWORD.encode() not in text for text in texts)
    assert any(b"\r\n\r\nthe text\r\n" in text for text in texts)
    (row,) = mail.rows("send", "-f", "ann@here.test", "-t", "bob@here.test", text=b"x",
                       password="wrong", expect=77)
    assert row["result"] == "refused" and row["reply"].startswith("535 5.7.8")
    (row,) = mail.rows("send", "-f", "bob@here.test", "-u", "ann@here.test", "-t",
                       "bob@here.test", text=b"x", expect=77)
    assert row["reply"].startswith("550 5.7.1")
    assert len(server.messages("bob@here.test")) == 2


def test_several_recipients_and_a_refused_one(server, mail):
    sent = mail.rows("send", "-f", "ann@here.test", "-t", "bob@here.test", "-t",
                     "nobody@here.test", "-s", "x", text=b"hi", expect=4)
    assert [row["result"] for row in sent] == ["sent", "refused"]
    sent = mail.rows("send", "-f", "ann@here.test", "-t", "nobody@here.test", text=b"hi",
                     expect=67)
    assert sent[0]["reply"].startswith("550 5.1.1")


def test_a_large_message(server, mail, tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "large.bin").write_bytes(content)
    mail("send", "-f", "ann@here.test", "-t", "bob@here.test", "-s", "large", "-a",
         str(tmp_path / "large.bin"))
    server.wait_messages("bob@here.test")
    out = tmp_path / "out"
    out.mkdir()
    mail("save", "-u", "bob@here.test", "1", "2", "-o", str(out))
    assert (out / "large.bin").read_bytes() == content


def test_hostile_mail_cannot_steer_the_terminal(server, mail, tmp_path):
    server.send("eve@evil.test", "bob@here.test", (
        b"From: \x1b]0;owned\x07 <eve@evil.test>\r\n"
        b"Subject: =?utf-8?Q?=1B[2J=E2=80=AEclean?=\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\n\x1b[31mred\x1b[0m\x08\r\n"
        b"--b\r\nContent-Type: text/x\r\n"
        b"Content-Disposition: attachment; filename=\"../../../.ssh/au\x1bth\"\r\n\r\nkey\r\n"
        b"--b--\r\n"))
    server.wait_messages("bob@here.test")
    for words in (["list"], ["read", "1"]):
        out = mail(words[0], "-u", "bob@here.test", *words[1:]).stdout
        assert b"\x1b" not in out and b"\x07" not in out and b"\x08" not in out
        assert "‮".encode() not in out
    out = tmp_path / "deep" / "er"
    out.mkdir(parents=True)
    mail("save", "-u", "bob@here.test", "1", "-o", str(out))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["auth"]
    assert (out / "auth").read_bytes() == b"key"


EXITS = [
    (["list", "-u", "ann@here.test"], 3),                       # no messages
    (["read", "-u", "ann@here.test", "7"], 3),
    (["read", "-u", "ann@here.test", "x"], 65),
    (["read", "-u", "ann@here.test"], 64),
    (["list", "-u", "ann@here.test", "--what"], 64),
    (["list", "-u", "ann@here.test", "--server", "127.0.0.1:1"], 69),
    (["list", "-u", "ann@here.test", "--server", "nonsense"], 65),
    (["send", "-f", "ann@here.test", "-t", "b@c", "-a", "/nonexistent"], 66),
    (["send", "-f", "no address", "-t", "b@c"], 65),
    (["send", "-f", "a@b\r\nBcc: x@y", "-t", "b@c"], 65),
    (["send", "-t", "b@c"], 64),
    (["fly"], 64),
]


def test_exit_statuses(mail):
    for words, status in EXITS:
        assert mail(*words, expect=status).stderr, words


def test_a_wrong_password(mail):
    done = mail("list", "-u", "ann@here.test", password="swordfish", expect=77)
    assert b"swordfish" not in done.stderr


def test_the_password_from_stdin(server, mail):
    mail("list", "-u", "ann@here.test", "--password-stdin", text=PASSWORD.encode() + b"\n",
         password="wrong", expect=3)


def test_a_greylisting_server_is_temporary(mail, make_sink):
    sink = make_sink(replies={"RCPT": [b"450 4.7.1 later"]})
    sent = mail.rows("send", "-f", "ann@here.test", "-t", "x@far.test", "--server",
                     f"{sink.address}:{sink.port}", text=b"hi", expect=75)
    assert sent[0]["result"] == "later"


def test_a_server_that_vanishes_is_temporary(mail, make_sink):
    sink = make_sink(replies={"DOT": [None]})
    mail("send", "-f", "ann@here.test", "-t", "x@far.test", "--server",
         f"{sink.address}:{sink.port}", text=b"hi", expect=75)
    wait_for(lambda: sink.sessions, what="the session")


def test_what_the_sender_is_told(server, mail):
    mail("send", "-f", "ann@here.test", "-t", "bob@here.test", "-s", "x", "--notify=success",
         "--envid", "QQ+2B", "--return=hdrs", text=b"ketchup\n")
    (notice,) = server.wait_messages("ann@here.test")
    _, status, _ = email.message_from_bytes(notice).get_payload()
    fields, recipient = status.get_payload()
    assert fields["Original-Envelope-Id"] == "QQ+" and recipient["Action"] == "delivered"
    for words in ("--notify=sometimes", "--return=half", "--envid=a b"):
        done = mail("send", "-f", "ann@here.test", "-t", "bob@here.test", words, text=b"x\n",
                    expect=65)
        assert words.split("=")[1].encode() in done.stderr
    assert len(server.messages("bob@here.test")) == 1
