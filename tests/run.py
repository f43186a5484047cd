"""Runs the tests and counts them: the work of script/test.

Unit tests and dialogs report in TAP ("ok 1 - name", "not ok 2 - name"); each
line counts as one test.  A program that prints none counts as one by its exit
status; one that dies counts as one failure more.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
TAP = re.compile(r"^\s*(not ok|ok) \d+(.*)$", re.M)
# A program that takes so long hangs; what is merely slow is no failure.
HANGS_S = 1800
SKIPPED = re.compile(r"#\s*skip", re.I)


class Tally:
    def __init__(self):
        self.passed = 0
        self.failures = []

    def add(self, name, good, output=""):
        if good:
            self.passed += 1
            return
        self.failures.append(name)
        print(f"FAILED {name}", flush=True)
        if output:
            print("\n".join("    " + line for line in output.splitlines()[-60:]), flush=True)


def build(tally, profile):
    print(f"== build {profile}", flush=True)
    done = subprocess.run([ROOT / "script/build", profile], stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        tally.add(f"build {profile}", False)
    return done.returncode == 0


def count_tap(tally, name, done):
    """Adds the lines of one program's report."""
    output = done.stdout + done.stderr
    lines = [m for m in TAP.finditer(done.stdout) if not SKIPPED.search(m.group(2))]
    bad = [m for m in lines if m.group(1) == "not ok"]
    for match in lines:
        good = match.group(1) == "ok"
        tally.add(f"{name}: {match.group(2).strip(' -')}", good,
                  output if not good and match is bad[0] else "")
    if not lines or (done.returncode != 0 and not bad):
        tally.add(name, done.returncode == 0, output)


def run_programs(tally, profile):
    """Every test that meson knows in a profile: units and dialogs."""
    if not build(tally, profile):
        return
    listing = subprocess.run(["meson", "introspect", "--tests", ROOT / "build" / profile],
                             check=True, capture_output=True, text=True)
    for test in json.loads(listing.stdout):
        env = {**os.environ, **test["env"], "CMOCKA_MESSAGE_OUTPUT": "TAP",
               "ASAN_OPTIONS": "abort_on_error=1",
               "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
        try:
            done = subprocess.run(test["cmd"], capture_output=True, text=True, errors="replace",
                                  env=env, stdin=subprocess.DEVNULL, timeout=HANGS_S,
                                  cwd=test["workdir"] or ROOT / "build" / profile)
        except subprocess.TimeoutExpired as late:
            tally.add(test["name"], False, f"not done after {late.timeout} s")
            continue
        count_tap(tally, test["name"], done)


def run_fuzz(tally):
    """Five seconds a target: enough to see a parser that falls over at once."""
    if not build(tally, "fuzz"):
        return
    done = subprocess.run([ROOT / "script/fuzz", "all", "5"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith(("ok ", "not ok ")):
            tally.add(line.split(":")[0].removeprefix("not ").removeprefix("ok "),
                      line.startswith("ok "), done.stderr)
    if done.returncode != 0 and "not ok" not in done.stdout:
        tally.add("script/fuzz", False, done.stdout + done.stderr)


def run_system(tally):
    if not build(tally, "release"):
        return
    report = ROOT / "build" / "system.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                           "--tb=short", f"--junitxml={report}", ROOT / "tests/system"],
                          cwd=ROOT, stdin=subprocess.DEVNULL)
    if not report.exists():
        tally.add("tests/system", False, f"pytest ended with {done.returncode}")
        return
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            print(f"skipped {case.get('classname')}.{case.get('name')}: "
                  f"{case.find('skipped').get('message')}")
            continue
        bad = case.find("failure") is not None or case.find("error") is not None
        tally.add(f"{case.get('classname')}.{case.get('name')}", not bad)


def main():
    parts = sys.argv[1:] or ["unit", "fuzz", "system"]
    unknown = set(parts) - {"unit", "fuzz", "system"}
    if unknown:
        sys.exit(f"script/test: no part {' '.join(unknown)} (unit fuzz system)")
    tally = Tally()
    begun = time.monotonic()
    if "unit" in parts:
        run_programs(tally, "asan")
    if "fuzz" in parts:
        run_fuzz(tally)
    if "system" in parts:
        run_system(tally)
    for name in tally.failures:
        print(f"failed: {name}")
    print(f"({time.monotonic() - begun:.0f} s)")
    print(f"{tally.passed} passed, {len(tally.failures)} failed")
    sys.exit(1 if tally.failures else 0)


main()
