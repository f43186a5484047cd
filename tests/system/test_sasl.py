"""Logins by clients of others: GNU SASL says each mechanism to the live server.

It checks the server's signature too, so its success is proof in both directions.
"""

import base64
import hashlib
import subprocess

import pytest

from server import Server

USER = "bob@here.test"
# GNU SASL's tool binds whenever it can, unless it is told not to
BOUND = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"]
FREE = ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]


# Three failures are nobody's guesses; from the fourth on answers are held back
FAILURES = [["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "PLAIN"],
            ["SCRAM-SHA-256", "SCRAM-SHA-1", "LOGIN"]]


def make_server():
    one = Server(options={"login": {"plaintext": '"never"', "certificates": "yes"}}).start()
    one.add_domain("here.test")
    one.add_account(USER)
    return one


@pytest.fixture(scope="module")
def server():
    one = make_server()
    yield one
    one.close()


@pytest.fixture
def fresh_server():
    one = make_server()
    yield one
    one.close()


def log_in(server, mechanism, password, *options, user=USER):
    """What the tool and the server said to each other; did the tool like it?"""
    done = subprocess.run(
        ["gsasl", "--smtp", "--starttls", "--x509-ca-file=", "--verbose",
         "--connect", f"{server.address}:{server.submission_port}", "-m", mechanism,
         "-a", user, "-p", password, *options],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    return done.returncode == 0, done.stdout, done.stderr


@pytest.mark.parametrize("mechanism", BOUND + FREE)
def test_each_mechanism_gets_in(server, mechanism):
    options = [] if mechanism in BOUND else ["--no-cb"]
    is_good, said, trouble = log_in(server, mechanism, server.passwords[USER], *options)
    assert is_good, said + trouble
    assert "\n235 2.7.0 " in said


@pytest.mark.parametrize("mechanisms", FAILURES)
def test_a_wrong_password_does_not(fresh_server, mechanisms):
    for mechanism in mechanisms:
        options = [] if mechanism in BOUND else ["--no-cb"]
        is_good, said, _ = log_in(fresh_server, mechanism, "mustard", *options)
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


# of "ketchup", as other servers keep it: the libraries do their work in the confined hasher
IMPORTED = {
    "yescrypt": "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/HAmA1BpMnBsYHMWB4NZN4$"
                "Vz1gswriLijAOUOrJ.eNZSsT1XWpb76OZI66FliNgy3",
    "scrypt": "$7$BU..../....k2XAnEHBqQ1Ct2aMXFKNa/HAmA1BpMnBsYHMWB4NZN4$"
              "fp4YzQ38qwKdp.6.PIiUAbi9gE9DfjexlVNDRXqqsS4",
    "bcrypt": "$2y$05$P7UPINGNeenkWiGRVgODZ.TkxjvBtqlXoYsALMI.YGh2C4dGEo1GW",
    "sha512-crypt": "{SHA512-CRYPT}$6$PuYTRJq7qamM9UeI$Cr9vyR7kIP0mgPcE9Kwr4L4044NqGeTe/2GNtWRzd1d/"
                    "CUmIx0HbZIvNRQhm3MGlumwjwqf7ik2s2KcuBbnGK0",
    "ssha": "{SSHA}0sngkyyJSbSkX/eLaUov1x/epByq2B2r",
    "pbkdf2": "{PBKDF2}$1$jVErl/pHZTHVDF.7$5000$4791cb124adb46a008ab14ec0b1091da0857dd6f",
    "scram": "{SCRAM-SHA-256}4096,C3hXO9bePzejWmbzEw5ssw==,Z4LtfPDPnfxv/GGc6Lu7EdOWvY7Pplc9O29/"
             "AzAkFsA=,j7x9uEcJpVRvIWCfLqMb5+5SC8le8AZtda50lZMQOow=",
    "argon2id": "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$96rXXw7eCSjC1Xw5HIAkHg$"
                "ceMYW2N7RNmWdv18txHSQ0P9B0qx4bMgnDkvw44TNhc",
}


@pytest.mark.parametrize("kind", IMPORTED)
def test_an_imported_hash_lets_in_and_is_replaced(server, kind):
    user = f"{kind}@here.test"
    server.run("account", "add", user, f"--password-hash={IMPORTED[kind]}")
    is_good, said, trouble = log_in(server, "PLAIN", "ketchup", "--no-cb", user=user)
    assert is_good, said + trouble
    is_good, said, trouble = log_in(server, "SCRAM-SHA-256-PLUS", "ketchup", user=user)
    assert is_good, said + trouble
    assert log_in(server, "PLAIN", "ketchup", "--no-cb", user=user)[0]


def test_before_the_password_was_said_there_is_nothing_to_prove_it_by(fresh_server):
    user = "ann@here.test"
    fresh_server.run("account", "add", user, f"--password-hash={IMPORTED['bcrypt']}")
    assert not log_in(fresh_server, "SCRAM-SHA-256", "ketchup", "--no-cb", user=user)[0]
    assert not log_in(fresh_server, "PLAIN", "mustard", "--no-cb", user=user)[0]
    assert log_in(fresh_server, "PLAIN", "ketchup", "--no-cb", user=user)[0]
    assert log_in(fresh_server, "SCRAM-SHA-256", "ketchup", "--no-cb", user=user)[0]


def make_certificate(folder, name):
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-keyout", key,
                    "-out", certificate, "-subj", f"/CN={name}"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"],
                         check=True, capture_output=True).stdout
    return ([f"--x509-cert-file={certificate}", f"--x509-key-file={key}"],
            hashlib.sha256(der).hexdigest())


def test_a_certificate_lets_in(fresh_server, tmp_path):
    options, fingerprint = make_certificate(tmp_path, "bob")
    options += ["--no-cb", "-z", USER]
    is_good, said, _ = log_in(fresh_server, "EXTERNAL", "", *options)
    assert not is_good
    assert "\n535 5.7.8 " in said
    fresh_server.run("account", "certificate", "add", USER, fingerprint)
    is_good, said, trouble = log_in(fresh_server, "EXTERNAL", "", *options)
    assert is_good, said + trouble
    # another one's, and none
    others, _ = make_certificate(tmp_path, "ann")
    assert not log_in(fresh_server, "EXTERNAL", "", *others, "--no-cb", "-z", USER)[0]
    is_good, said, _ = log_in(fresh_server, "EXTERNAL", "", "--no-cb", "-z", USER)
    assert not is_good
    assert "\n504 5.5.4 " in said
