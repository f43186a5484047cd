"""Faults at the seams: peers that hang or die amid a wait, clients that vanish,
masters that are killed."""

import ctypes
import os
import pathlib
import poplib
import resource
import signal
import socket
import threading
import time

import pytest
from server import PATIENCE, is_alive, wait_for

BODY = b"Subject: x\r\n\r\nhello\r\n"


def greet(server):
    raw = server.raw()
    assert raw.reply()[0] == 220
    assert raw.command("EHLO c.test")[0] == 250
    return raw


def begin(server, mail="MAIL FROM:<f@else.test>"):
    """A transaction up to its recipient."""
    raw = greet(server)
    for command in (mail, "RCPT TO:<ann@here.test>"):
        assert raw.command(command)[0] == 250
    return raw


def test_client_that_closes_before_250_gets_one_copy(server):
    """RFC 1047, with FIN in the place of RST."""
    for number in range(2):
        raw = begin(server)
        assert raw.command("DATA")[0] == 354
        server.kill_role("queue", signal.SIGSTOP)
        raw.send(BODY + b".\r\n")
        time.sleep(0.2)
        raw.close()
        time.sleep(0.2)
        server.kill_role("queue", signal.SIGCONT)
        server.wait_sessions(number + 1)    # a client that comes back takes its time
    server.send("f@else.test", "ann@here.test", BODY)
    server.wait_messages("ann@here.test")
    server.wait_queue_empty()
    assert len(server.messages("ann@here.test")) == 1


def test_half_closed_clients_may_repeat_themselves(server):
    """As `printf ... | nc` does: they have read their 250."""
    for _ in range(3):
        raw = begin(server)
        assert raw.command("DATA")[0] == 354
        raw.send(BODY + b".\r\n")
        raw.socket.shutdown(1)
        assert raw.reply()[0] == 250
        assert raw.line() is None
        raw.close()
        time.sleep(0.6)
    assert len(server.wait_messages("ann@here.test", 3)) == 3


def test_session_goes_on_after_queue_died_at_data(server):
    raw = begin(server, "MAIL FROM:<f@else.test> SIZE=500000")
    fronts = server.roles()["front"]
    server.kill_role("queue", signal.SIGSTOP)
    raw.send(b"DATA\r\n")
    time.sleep(0.2)
    server.kill_role("queue")
    assert raw.reply()[0] == 451

    def taken():
        assert raw.command("MAIL FROM:<f@else.test> SIZE=500000")[0] == 250
        assert raw.command("RCPT TO:<ann@here.test>")[0] == 250
        code, _ = raw.command("DATA")
        assert code in (354, 451)
        return code == 354

    wait_for(taken, 10, "a new queue")
    body = BODY + b"0123456789\r\n" * 20000
    assert raw.command(body + b".\r\n")[0] == 250
    assert len(server.wait_messages("ann@here.test")) == 1
    assert server.roles()["front"] == fronts


def test_bodies_of_a_front_that_died_are_removed(server):
    spool = server.data_dir / "queue/spool"
    raws = [begin(server, "MAIL FROM:<f@else.test> SIZE=500000") for _ in range(6)]
    for raw in raws:
        assert raw.command("DATA")[0] == 354
        raw.send(b"x" * 70 + b"\r\n")
    wait_for(lambda: len(list(spool.iterdir())) == len(raws), 10, "the files")
    server.kill_role("front")
    wait_for(lambda: not list(spool.iterdir()), 10, "the files to be removed")


def test_remote_delivery_under_way_at_stop_happens_once(make_sink, make_server):
    came = threading.Event()

    def slow(sink, session, argument):
        came.set()
        time.sleep(1)
        return b"250 2.0.0 taken"

    far = make_sink(replies={"DOT": [slow]})
    server = make_server(hosts={"far.test": far.address}, mx_port=far.port)
    server.add_domain("here.test")
    server.add_account("ann@here.test")
    server.start()
    server.send("ann@here.test", "x@far.test", BODY)
    wait_for(came.is_set, 10, "the end of the data")
    assert server.stop() == 0
    assert len(far.messages) == 1
    server.start()
    time.sleep(3)
    assert len(far.messages) == 1
    assert not server.queue()


def test_new_master_at_once_after_the_old_was_killed(server):
    for number in range(5):
        old = server.descendants()
        server.process.kill()
        server.process.wait()
        server.end_process()
        server.start()
        assert not any(is_alive(pid) for pid in old)
        server.send("f@else.test", "ann@here.test", BODY + b"%d\r\n" % number)
    assert len(server.wait_messages("ann@here.test", 5)) == 5


def test_lock_is_held_until_the_last_role_ended(server, make_server):
    """A role that hangs may still write: nobody else may begin."""
    (queue,) = server.kill_role("queue", signal.SIGSTOP)
    server.process.kill()
    server.process.wait()
    server.end_process()
    second = make_server()
    second.options["data_dir"] = f'"{server.data_dir}"'
    second.write_config()
    second.start(wait=False)
    assert second.process.wait(20 * PATIENCE) != 0
    second.end_process()
    assert "another postrider works on" in second.log_text()
    os.kill(queue, signal.SIGKILL)
    server.start()


def break_channels(pid):
    """Shuts every channel of a role down but that to master (3); how many."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    count = 0
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        if int(entry.name) <= 3 or not os.readlink(entry).startswith("socket:"):
            continue
        fd = libc.syscall(438, pidfd, int(entry.name), 0)       # pidfd_getfd(2)
        if fd < 0:
            pytest.skip("the kernel lets nobody take a descriptor of another process")
        with socket.socket(fileno=fd) as taken:
            if taken.family == socket.AF_UNIX and taken.type == socket.SOCK_SEQPACKET:
                taken.shutdown(socket.SHUT_RDWR)
                count += 1
    os.close(pidfd)
    return count


@pytest.mark.parametrize("role", ["directory", "accounts", "queue"])
def test_a_channel_that_broke_between_two_that_live_is_made_anew(server, role):
    before = server.roles()
    (pid,) = before[role]
    assert break_channels(pid) >= 3

    def serves():
        raw = greet(server)
        raw.command("MAIL FROM:<f@else.test>")
        taken = raw.command("RCPT TO:<ann@here.test>")[0] == 250 and \
            raw.command("DATA")[0] == 354 and raw.command(BODY + b".\r\n")[0] == 250
        raw.close()
        return taken

    def logs_in():
        try:
            server.pop3("ann@here.test").quit()
        except poplib.error_proto:
            return False
        return True

    wait_for(lambda: serves() and logs_in(), 15, f"{role} to be spoken to again")
    assert server.wait_messages("ann@here.test")
    after = server.roles()
    assert {name: after[name] for name in before if name != "account"} == \
        {name: before[name] for name in before if name != "account"}


def test_tried_passwords_do_not_keep_mail_waiting(server):
    """Each costs 30 ms, and directory, which is asked about recipients, does not do that
    work: hashers do, and those for whom there is no place in the line come again."""
    raws = [server.raw(server.pop3_port) for _ in range(100)]
    for raw in raws:
        assert raw.line().startswith(b"+OK")
    for raw in raws:
        raw.send(b"USER ann@here.test\r\nPASS wrong\r\n")
    begin(server).close()
    for raw in raws:
        assert raw.line().startswith(b"+OK")
        assert raw.line().startswith((b"-ERR [AUTH]", b"-ERR [SYS/TEMP]"))
        raw.close()
    server.pop3("ann@here.test").quit()


def test_second_server_does_not_take_the_admin_socket(server, make_server):
    second = make_server()
    second.options["run_dir"] = server.options["run_dir"]
    second.write_config()
    second.start(wait=False)
    assert second.process.wait(20 * PATIENCE) != 0
    second.end_process()
    assert "another postrider listens at" in second.log_text()
    assert server.rows("status")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_master_without_descriptors_does_not_spin(server):
    master = server.process.pid
    count = len(os.listdir(f"/proc/{master}/fd"))
    before = resource.prlimit(master, resource.RLIMIT_NOFILE)
    resource.prlimit(master, resource.RLIMIT_NOFILE, (count + 5, before[1]))
    callers = []
    for _ in range(20):
        caller = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        caller.connect(str(server.dir / "run/admin.sock"))
        callers.append(caller)
    spent = cpu_seconds(master)
    time.sleep(1.5)
    assert cpu_seconds(master) - spent < 0.5
    for caller in callers:
        caller.close()
    resource.prlimit(master, resource.RLIMIT_NOFILE, before)
    assert server.rows("status")


def test_who_comes_first_finds_everybody_there(server):
    """A front lets nobody in before the roles that it asks are there."""
    for _ in range(8):
        server.stop()
        server.start(wait=False)
        while True:
            try:
                raw = begin(server)
                break
            except ConnectionRefusedError:
                pass                    # the port is not bound yet
        assert raw.command("DATA")[0] == 354
        raw.send(BODY + b".\r\n")
        assert raw.reply()[0] == 250
        raw.close()
