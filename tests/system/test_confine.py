"""Does each role's sandbox hold, and does the role still work inside it?

build/*/tests/confine_test tries what the table of the sandbox forbids, and
what it permits, in fresh confined processes; here it runs for every role, as
root (when these tests do) and as an ordinary user.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROFILE = os.environ.get("POSTRIDER_PROFILE", "release")
PROGRAM = ROOT / "build" / PROFILE / "tests" / "confine_test"
ROLES = ["front", "directory", "hasher", "resolver", "keys", "queue", "outbound", "accounts",
         "account"]
LINE = re.compile(r"^(\S+) (denied|permitted|ALLOWED|BROKEN|UNCLEAR) by=(\S+) "
                  r"without=(works|fails)$")
# What an ordinary user may do without any sandbox on every kernel that we
# know: if one of these "fails" there, its denial inside proves nothing.
MEANINGFUL = {"open-passwd", "list-root", "read-other", "write-other", "write-tmp", "chmod-own",
              "run-shell", "map-executable", "make-executable", "socket-stream",
              "socket-datagram", "connect-unix", "connect-port", "connect-other-port",
              "listen-tcp", "fork", "kill-outside", "abort-outside", "signal-by-pidfd",
              "use-database", "create-own", "make-channel", "abort-self"}


def landlock_is_whole():
    """ABI 6 has TCP ports and signals; the tries of both need it."""
    import ctypes
    return ctypes.CDLL(None).syscall(444, None, 0, 1) >= 6


@pytest.fixture(scope="module")
def program():
    """The program where every user can run it."""
    with tempfile.TemporaryDirectory(prefix="postrider-confine-") as folder:
        pathlib.Path(folder).chmod(0o755)
        copy = pathlib.Path(shutil.copy(PROGRAM, folder))
        copy.chmod(0o755)
        yield copy


def run(program, role, user):
    command = [program, role]
    if user == "nobody" and os.geteuid() == 0:
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=120, cwd="/")
    lines = {}
    for line in done.stdout.splitlines():
        match = LINE.match(line)
        assert match, f"unexpected line: {line}\n{done.stderr}"
        lines[match.group(1)] = match.groups()[1:]
    return done, lines


@pytest.mark.parametrize("user", ["root", "nobody"])
@pytest.mark.parametrize("role", ROLES)
def test_role_can_do_what_its_row_says_and_no_more(program, role, user):
    if user == "root" and os.geteuid() != 0:
        pytest.skip("needs root")
    if not landlock_is_whole():
        pytest.skip("this kernel's Landlock is older than ABI 6")
    done, lines = run(program, role, user)
    wrong = {name: line for name, line in lines.items() if line[0] not in ("denied", "permitted")}
    assert not wrong
    assert done.returncode == 0
    assert len(lines) >= 60
    vacuous = {name for name in MEANINGFUL if lines[name][2] != "works"}
    assert not vacuous


def test_what_differs_between_the_roles(program):
    permitted = {role: {name for name, line in run(program, role, "nobody")[1].items()
                        if line[0] == "permitted"} for role in ROLES}
    everybody = {"abort-self", "read-charset"}
    assert permitted["front"] == everybody | {"make-stream-pair"}
    assert permitted["keys"] == permitted["hasher"] == everybody
    assert permitted["outbound"] == everybody | {"socket-stream", "connect-port"}
    assert permitted["resolver"] == permitted["outbound"] | {"socket-datagram",
                                                             "connect-other-port"}
    assert permitted["directory"] == everybody | {"stat-passwd", "create-own", "use-database"}
    assert permitted["account"] == permitted["directory"] | {"rename-own"}
    assert permitted["queue"] == permitted["account"]
    assert permitted["accounts"] == permitted["queue"] | {"make-own-folder", "make-channel",
                                                          "fork"}


def test_a_new_store_is_durable_inside_the_sandbox(program, tmp_path):
    """A right too few, and SQLite leaves the fsync of the folder out in silence."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    trace = tmp_path / "trace"
    subprocess.run(["strace", "-f", "-qq", "-y", "-o", trace, "-e",
                    "trace=fsync,fdatasync,landlock_restrict_self,seccomp", program, "account"],
                   check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    by_process = {}
    for line in trace.read_text().splitlines():
        pid, call = line.split(None, 1)
        by_process.setdefault(pid, []).append(call)
    confined = [calls for calls in by_process.values()
                if any("restrict_self" in call for call in calls)
                and any("sync(" in call for call in calls)]
    assert len(confined) == 1, "only use-database syncs"
    inside = confined[0]
    inside = inside[max(i for i, call in enumerate(inside) if call.startswith("seccomp")):]
    synced = [re.search(r"sync\(\d+<([^>]*)>", call).group(1) for call in inside if "sync(" in call]
    assert any(path.endswith("/own/try.db-wal") for path in synced)
    assert any(path.endswith("/own") for path in synced), synced
