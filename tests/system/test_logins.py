"""Real mail programs log in, each in every way that it knows."""

import imaplib
import os
import poplib
import re
import smtplib
import ssl
import subprocess

import pytest

from server import PASSWORD, PATIENCE, Server, wait_for

BOB = "bob@here.test"
MESSAGE = b"From: bob@here.test\r\nTo: bob@here.test\r\nSubject: %s\r\n\r\nHello.\r\n"
SCRAM = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"]


@pytest.fixture(scope="module")
def server():
    made = Server(options={"login": {"plaintext": '"never"'}})
    made.add_domain("here.test")
    made.add_account(BOB)
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def authority(server):
    """The server's own certificate, for programs that want to know who it is."""
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"{server.address}:{server.submissions_port}",
         "-showcerts"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * PATIENCE)
    path = server.dir / "authority.pem"
    path.write_bytes(re.search(rb"-----BEGIN.*?END CERTIFICATE-----\n", shown.stdout, re.S)[0])
    return path


def run(words, text=b"", expect=0, env=None):
    done = subprocess.run([str(word) for word in words], input=text, capture_output=True,
                          timeout=120 * PATIENCE, env={**os.environ, **(env or {})})
    assert expect is None or done.returncode == expect, \
        f"{words}: exit {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}"
    return done


def any_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def subjects(server):
    client = poplib.POP3_SSL(server.address, server.pop3s_port, context=any_context(),
                             timeout=60 * PATIENCE)
    client.user(BOB)
    client.pass_(PASSWORD)
    found = [line.decode() for n in range(client.stat()[0]) for line in client.top(n + 1, 0)[1]
             if line.startswith(b"Subject: ")]
    client.quit()
    return found


def wait_subject(server, subject):
    wait_for(lambda: f"Subject: {subject}" in subjects(server), 30, f"{subject} in the mailbox")


# ---- handing in ------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1"])
@pytest.mark.parametrize("implicit", [False, True], ids=["587", "465"])
def test_msmtp(server, authority, tmp_path, mechanism, implicit):
    rc = tmp_path / "msmtprc"
    rc.write_text(f"""account default
host {server.address}
port {server.submissions_port if implicit else server.submission_port}
tls on
tls_starttls {"off" if implicit else "on"}
tls_trust_file {authority}
tls_host_override {server.hostname}
auth {mechanism.lower()}
user {BOB}
password {PASSWORD}
from {BOB}
""")
    rc.chmod(0o600)
    subject = f"msmtp {mechanism} {implicit}"
    run(["msmtp", "-C", rc, BOB], MESSAGE % subject.encode())
    wait_subject(server, subject)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl_smtp(server, tmp_path, mechanism):
    subject = f"curl {mechanism}"
    mail = tmp_path / "mail"
    mail.write_bytes(MESSAGE % subject.encode())
    done = run(["curl", "-v", "-sS", "-k", "--ssl-reqd",
                f"smtp://{server.address}:{server.submission_port}", "--user",
                f"{BOB}:{PASSWORD}", "--login-options", f"AUTH={mechanism}", "--mail-from", BOB,
                "--mail-rcpt", BOB, "--upload-file", mail])
    assert f"AUTH {mechanism}".encode() in done.stderr
    wait_subject(server, subject)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_mutt_smtp(server, authority, tmp_path, mechanism):
    subject = f"mutt {mechanism}"
    rc = tmp_path / "muttrc"
    rc.write_text(f"""set from="{BOB}" use_from=yes use_envelope_from=yes copy=no
set smtp_url="smtp://{BOB.replace("@", "%40")}@{server.address}:{server.submission_port}/"
set smtp_pass="{PASSWORD}" smtp_authenticators="{mechanism.lower()}"
set ssl_starttls=yes ssl_force_tls=yes certificate_file="{authority}" ssl_verify_host=no
set ssl_verify_dates=no
""")
    run(["mutt", "-F", rc, "-n", "-s", subject, "--", BOB], b"Hello.\n",
        env={"HOME": str(tmp_path)})
    wait_subject(server, subject)


def test_python_smtplib(server):
    with smtplib.SMTP(server.address, server.submission_port, timeout=60 * PATIENCE) as client:
        client.ehlo()
        assert not client.has_extn("auth"), "no password is wanted in plain text"
        client.starttls(context=any_context())
        client.login(BOB, PASSWORD)
        client.sendmail(BOB, [BOB], MESSAGE % b"smtplib")
    wait_subject(server, "smtplib")


# ---- fetching --------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["USER", "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_mpop(server, authority, tmp_path, mechanism):
    wait_subject_any(server)
    rc, box = tmp_path / "mpoprc", tmp_path / "box"
    rc.write_text(f"""account default
host {server.address}
port {server.pop3_port}
tls on
tls_starttls on
tls_trust_file {authority}
tls_host_override {server.hostname}
auth {mechanism.lower()}
user {BOB}
password {PASSWORD}
delivery mbox {box}
uidls_file {tmp_path}/uidls
keep on
""")
    rc.chmod(0o600)
    run(["mpop", "-C", rc])
    assert "Subject: fetch me" in box.read_text()


def wait_subject_any(server):
    """There is a message to fetch."""
    if "Subject: fetch me" in subjects(server):
        return
    with smtplib.SMTP(server.address, server.smtp_port, timeout=60 * PATIENCE) as client:
        client.sendmail("ann@else.test", [BOB], MESSAGE % b"fetch me")
    wait_subject(server, "fetch me")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("protocol", ["pop3", "imap"])
def test_curl_fetches(server, protocol, mechanism):
    wait_subject_any(server)
    port = server.pop3_port if protocol == "pop3" else server.imap_port
    done = run(["curl", "-v", "-sS", "-k", "--ssl-reqd",
                f"{protocol}://{server.address}:{port}/", "--user", f"{BOB}:{PASSWORD}",
                "--login-options", f"AUTH={mechanism}"])
    assert f"{mechanism}".encode() in done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("mechanism", SCRAM)
def test_gsasl(server, mechanism):
    done = run(["gsasl", "--imap", f"--connect={server.address}:{server.imap_port}",
                f"--mechanism={mechanism}", f"--authentication-id={BOB}",
                f"--password={PASSWORD}", "--x509-ca-file=", "--verbose",
                f"--hostname={server.hostname}", f"--authorization-id={BOB}",
                *([] if mechanism.endswith("PLUS") else ["--no-cb"])], expect=None)
    said = done.stdout + done.stderr
    assert b"authentication finished (server trusted)" in said, said.decode()


def test_python_imaplib(server):
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=60 * PATIENCE)
    assert "LOGINDISABLED" in client.capabilities
    client.starttls(any_context())
    client.login(BOB, PASSWORD)
    client.logout()
    client = imaplib.IMAP4_SSL(server.address, server.imaps_port, ssl_context=any_context(),
                               timeout=60 * PATIENCE)
    client.authenticate("PLAIN", lambda _: f"\0{BOB}\0{PASSWORD}".encode())
    client.logout()


# ---- not so ----------------------------------------------------------------


def test_a_password_in_plain_text_is_not_heard(server):
    with smtplib.SMTP(server.address, server.submission_port, timeout=60 * PATIENCE) as client:
        client.ehlo()
        assert client.docmd("AUTH", "PLAIN AGJvYgBwaWNrbGVz")[0] == 538
    client = poplib.POP3(server.address, server.pop3_port, timeout=60 * PATIENCE)
    with pytest.raises(poplib.error_proto):
        client.user(BOB)
    client.quit()
    client = imaplib.IMAP4(server.address, server.imap_port, timeout=60 * PATIENCE)
    with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
        client.login(BOB, PASSWORD)
    client.logout()
    assert not server.events("login.failed"), "nobody was asked"
