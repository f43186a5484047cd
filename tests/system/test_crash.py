"""kill -9 of a random role, or of all, under load; then the books are opened.

Rounds: POSTRIDER_CRASH_ROUNDS (15).  A failure names its seed; set
POSTRIDER_CRASH_SEED to choose the same roles and moments again.
"""

import os
import random
import time

from ledger import ACCOUNTS, Ledger, Sender, account, make_crash_server, wait_up
from server import wait_for

ROUNDS = int(os.environ.get("POSTRIDER_CRASH_ROUNDS") or 15)
SEED = os.environ.get("POSTRIDER_CRASH_SEED") or str(time.time_ns())
SENDERS = 6
ROLES = ["all", "master", "front", "directory", "queue", "accounts", "account", "outbound", "keys",
         "resolver", "hasher"]


def strike(server, role):
    """Kills; the server runs again, or is on its way, when it returns."""
    if role == "all":
        server.kill_all()
        server.start()
    elif role == "master":
        pids = server.descendants()
        server.process.kill()
        server.process.wait()
        server.end_process()
        # Without their master the others end by themselves.
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10,
                 "the roles to end without their master")
        server.start()
    else:
        assert server.kill_role(role), f"no process of {role} to kill"
    wait_up(server)


def check_round(server, ledger, number, role):
    server.wait_queue_empty(timeout=60)
    lost, doubled, extra, total = account(server, ledger)
    place = f"seed {SEED}, round {number}, {role}, {total} messages; log {server.log_path}"
    assert not lost, f"lost {lost[:5]} of {len(lost)}: {place}"
    assert not doubled, f"doubled {doubled[:5]} of {len(doubled)}: {place}"
    assert not extra, f"to whom it was not sent {extra[:5]}: {place}"
    return total


def empty(server):
    """Downloads and deletes all, so that the next round has little to read."""
    for address in ACCOUNTS:
        client = server.pop3(address)
        for number in range(1, client.stat()[0] + 1):
            client.dele(number)
        client.quit()


def load(server, ledger, chance, number, role):
    senders = [Sender(f"{number}x{index}", server, ledger, SEED) for index in range(SENDERS)]
    for sender in senders:
        sender.start()
    time.sleep(0.2 + chance.random() * 0.6)
    strike(server, role)
    time.sleep(0.1 + chance.random() * 0.2)
    for sender in senders:
        sender.end()


def test_every_promise_is_kept():
    chance = random.Random(SEED)
    server = make_crash_server()
    roles, promised, retries = [], 0, 0
    try:
        for number in range(ROUNDS):
            if not roles:
                roles = random.Random(f"{SEED}/{number}").sample(ROLES, len(ROLES))
            role = roles.pop()
            ledger = Ledger()
            load(server, ledger, chance, number, role)
            total = check_round(server, ledger, number, role)
            promised += len(ledger.promised)
            retries += ledger.retries
            print(f"round {number}: {role}: {len(ledger.promised)} promised, {total} copies, "
                  f"{ledger.retries} sent again", flush=True)
            empty(server)
        assert promised > ROUNDS * SENDERS
        assert not list((server.data_dir / "queue/spool").iterdir())
        print(f"{ROUNDS} rounds: {promised} messages promised, {retries} sent again, "
              "0 lost, 0 doubled")
    finally:
        server.close()
