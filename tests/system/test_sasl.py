"""Logins by clients of others: GNU SASL says each mechanism to the live server.

It checks the server's signature too, so its success is proof in both directions.
"""

import base64
import subprocess

import pytest

from server import Server

USER = "bob@here.test"
# GNU SASL's tool binds whenever it can, unless it is told not to
BOUND = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"]
FREE = ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]


@pytest.fixture(scope="module")
def server():
    one = Server(options={"login": {"plaintext": '"never"'}}).start()
    one.add_domain("here.test")
    one.add_account(USER)
    yield one
    one.close()


def log_in(server, mechanism, password, *options):
    """What the tool and the server said to each other; did the tool like it?"""
    done = subprocess.run(
        ["gsasl", "--smtp", "--starttls", "--x509-ca-file=", "--verbose",
         "--connect", f"{server.address}:{server.submission_port}", "-m", mechanism,
         "-a", USER, "-p", password, *options],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    return done.returncode == 0, done.stdout, done.stderr


@pytest.mark.parametrize("mechanism", BOUND + FREE)
def test_each_mechanism_gets_in(server, mechanism):
    options = [] if mechanism in BOUND else ["--no-cb"]
    is_good, said, trouble = log_in(server, mechanism, server.passwords[USER], *options)
    assert is_good, said + trouble
    assert "\n235 2.7.0 " in said


@pytest.mark.parametrize("mechanism", BOUND + FREE)
def test_a_wrong_password_does_not(server, mechanism):
    options = [] if mechanism in BOUND else ["--no-cb"]
    is_good, said, _ = log_in(server, mechanism, "mustard", *options)
    assert not is_good
    assert "\n235" not in said
    if "SCRAM" in mechanism:
        assert "\n334 " + base64.b64encode(b"e=invalid-proof").decode() in said
    else:
        assert "\n535 5.7.8 " in said


def test_with_an_old_tls_nobody_binds(server):
    """tls-unique is what clients would take there; it is neither offered nor heard."""
    old = "--priority=NORMAL:-VERS-TLS1.3"
    is_good, said, _ = log_in(server, "SCRAM-SHA-256", server.passwords[USER], old, "--no-cb")
    assert is_good
    assert "-PLUS" not in said
    is_good, said, _ = log_in(server, "SCRAM-SHA-256-PLUS", server.passwords[USER], old)
    assert not is_good
    assert "\n504 5.5.4 " in said
