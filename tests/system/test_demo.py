"""`postrider demo`: each story to its end, and nothing left behind."""

import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from server import BINARY, PATIENCE


class Demo:
    def __init__(self, folder, *words):
        self.folder = folder
        self.process = subprocess.Popen(
            [BINARY, "demo", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env={**os.environ, "TMPDIR": str(folder)})

    def finish(self):
        """(exit status, all that it printed); nothing may be left."""
        out, _ = self.process.communicate(timeout=30 * PATIENCE)
        assert not list(self.folder.iterdir()), "the demo left its folder"
        assert not self.processes(), "the demo left processes"
        return self.process.returncode, out

    def processes(self):
        """Command lines of what runs on the demo's configurations."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                line = (entry / "cmdline").read_bytes()
            except (OSError, ValueError):
                continue
            if entry.name.isdigit() and str(self.folder).encode() in line:
                found.append(line)
        return found

    def read_until(self, text):
        seen = ""
        for line in self.process.stdout:
            seen += line
            if text in line:
                return seen
        raise AssertionError(f"no {text!r} in:\n{seen}")


@pytest.fixture
def folder():
    made = pathlib.Path("/tmp") / f"pr-demo-{os.getpid()}-{time.monotonic_ns() % 10**9}"
    made.mkdir()
    made.chmod(0o755)
    yield made
    for path in sorted(made.rglob("*"), reverse=True):
        path.unlink() if not path.is_dir() else path.rmdir()
    made.rmdir()


def in_order(out, *texts):
    at = 0
    for text in texts:
        found = out.find(text, at)
        assert found >= 0, f"{text!r} is missing (or too early) in:\n{out}"
        at = found + len(text)


DELIVERED = ("C: EHLO mx.crepes.fr", "C: MAIL FROM:<alice@crepes.fr>",
             "C: RCPT TO:<bob@hamburger.edu>", "S: 250 2.1.5", "S: 354", "S: 250 2.0.0")
READ = ("C: USER bob@hamburger.edu", "C: PASS ****", "C: RETR 1", "Do you like ketchup?",
        "byte for byte what Alice sent", "LOGIN bob@hamburger.edu ****",
        "FETCH * BODY[2]", "the same picture")


def test_all_is_well(folder):
    started = time.monotonic()
    status, out = Demo(folder).finish()
    assert status == 0, out
    in_order(out, "Alice writes to Bob", "S: 354", "10 mx.hamburger.edu", *DELIVERED, *READ)
    assert time.monotonic() - started < 10 * PATIENCE
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "\x1b" not in out and "\\x" not in out
    steps = [int(number) for number in re.findall(r"^ +(\d+)  ", out, re.M)]
    assert steps == list(range(1, len(steps) + 1))


def test_greylist(folder):
    status, out = Demo(folder, "--break", "greylist").finish()
    assert status == 0, out
    in_order(out, "450 4.7.1", "queue list", "waiting", *DELIVERED, *READ)


def test_full(folder):
    status, out = Demo(folder, "--break=full").finish()
    assert status == 0, out
    in_order(out, "fills Bob's mailbox", "S: 452 4.2.2", "queue list", "waiting", "C: DELE 1",
             *DELIVERED, *READ)


def test_down(folder):
    status, out = Demo(folder, "--break", "down").finish()
    assert status == 0, out
    in_order(out, "Connection refused", "queue list", "waiting", "comes back", *DELIVERED, *READ,
             "for good", "C: USER alice@crepes.fr", "Return-Path: <>", "Action: failed",
             "Status: 4.4.7")


def test_stay_serves_until_ctrl_c(folder):
    demo = Demo(folder, "--stay")
    out = demo.read_until("Ctrl-C")
    for person, status in (("alice@crepes.fr", 3), ("bob@hamburger.edu", 0)):
        config = re.search(rf"--config (\S*{person.split('@')[1]}\S*)", out).group(1)
        password = re.search(rf"{person} +password: (\w+)", out).group(1)
        done = subprocess.run([BINARY, "--config", config, "mail", "list", "-u", person],
                              capture_output=True, text=True, timeout=20 * PATIENCE,
                              env={**os.environ, "POSTRIDER_PASSWORD": password})
        # nobody wrote to Alice; Bob's mail can be read again
        assert done.returncode == status, done.stderr
    demo.process.send_signal(signal.SIGINT)
    status, _ = demo.finish()
    assert status == 0


@pytest.mark.parametrize("text", ["servers start", "postrider account add", "C: EHLO mx.crepes"])
def test_a_signal_in_the_middle_leaves_nothing(folder, text):
    demo = Demo(folder, "--break", "down")
    demo.read_until(text)
    demo.process.send_signal(signal.SIGTERM)
    status, _ = demo.finish()
    assert status == 2


def test_killed_demo_takes_its_servers_along(folder):
    demo = Demo(folder, "--stay")
    demo.read_until("Ctrl-C")
    demo.process.kill()
    demo.process.wait()
    deadline = time.monotonic() + 10 * PATIENCE
    while demo.processes():
        assert time.monotonic() < deadline, "the servers outlive the demo"
        time.sleep(0.05)


@pytest.mark.parametrize("words", [["--break"], ["--break", "tea"], ["now"]])
def test_usage(words):
    done = subprocess.run([BINARY, "demo", *words], capture_output=True, text=True, timeout=10 * PATIENCE)
    assert done.returncode == 64
    assert "full|down|greylist" in done.stderr
