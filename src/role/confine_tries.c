/*
 * confine_tries.c - the actions that confine_test tries: what a process that
 * an attacker took over would do next, and what each role must still be able
 * to do.  Each runs in a process of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec/charset.h"
#include "db/db.h"
#include "role/confine_int.h"

/* ---- helpers ---------------------------------------------------------------- */
/* What a system call says, as a try says it. */
static int said(long rc)
{
	return rc < 0 ? errno : 0;
}

static int try_open(const char *path, int flags)
{
	return said(open(path, flags | O_CLOEXEC, 0600));
}

struct path {
	char text[96];
};

static struct path in(const char *folder, const char *name)
{
	struct path p;

	(void)snprintf(p.text, sizeof(p.text), "%s/%s", folder, name);
	return p;
}

static int try_connect(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	return said(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

/* ---- files ------------------------------------------------------------------- */
static int open_passwd(const struct stage *s)
{
	(void)s;
	return try_open("/etc/passwd", O_RDONLY);
}

static int list_root(const struct stage *s)
{
	char entries[1024];
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)s;
	if (fd < 0)
		return errno;
	return said(syscall(SYS_getdents64, fd, entries, sizeof(entries)));
}

static int read_other(const struct stage *s)
{
	return try_open(in(s->other, "secret").text, O_RDONLY);
}

static int list_other(const struct stage *s)
{
	return try_open(s->other, O_RDONLY | O_DIRECTORY);
}

static int write_other(const struct stage *s)
{
	return try_open(in(s->other, "new").text, O_WRONLY | O_CREAT);
}

static int remove_other(const struct stage *s)
{
	return said(unlink(in(s->other, "secret").text));
}

static int steal_other(const struct stage *s)
{
	return said(rename(in(s->other, "secret").text,
		in(s->own, "stolen").text));
}

static int stat_passwd(const struct stage *s)
{
	struct stat st;

	(void)s;
	return said(stat("/etc/passwd", &st));
}

static int write_tmp(const struct stage *s)
{
	int result = try_open("/tmp/postrider-confine-test",
		O_WRONLY | O_CREAT);

	(void)s;
	if (result == 0)
		(void)unlink("/tmp/postrider-confine-test");
	return result;
}

static int open_proc_mem(const struct stage *s)
{
	(void)s;
	return try_open("/proc/self/mem", O_RDWR);
}

static int chmod_own(const struct stage *s)
{
	return said(chmod(in(s->own, "file").text, 0666));
}

static int truncate_other(const struct stage *s)
{
	return said(truncate(in(s->other, "secret").text, 0));
}

static int link_passwd(const struct stage *s)
{
	return said(symlink("/etc/passwd", in(s->own, "link").text));
}

static int make_fifo(const struct stage *s)
{
	return said(mkfifo(in(s->own, "fifo").text, 0600));
}

static int make_own_folder(const struct stage *s)
{
	return said(mkdir(in(s->own, "folder").text, 0700));
}

static int create_own(const struct stage *s)
{
	return try_open(in(s->own, "new").text, O_RDWR | O_CREAT);
}

static int rename_own(const struct stage *s)
{
	return said(rename(in(s->own, "file").text,
		in(s->own, "renamed").text));
}

/* A store, from the creation of its file to the end of its log; the fsync of
 * the folder is part of it. */
static int use_database(const struct stage *s)
{
	struct path file = in(s->own, "try.db");
	struct db *db;
	enum code code;
	int refused = try_open(file.text, O_RDWR | O_CREAT);

	if (refused != 0)
		return refused;
	if (db_open(file.text, &db, NULL) != OK)
		return EIO;
	code = db_begin(db, NULL);
	if (code == OK)
		code = db_set_version(db, 1, NULL);
	if (code == OK)
		code = db_commit(db, NULL);
	db_checkpoint(db);
	db_close(db);
	return code == OK ? 0 : EIO;
}

/* ---- programs and memory ----------------------------------------------------- */
static int run_shell(const struct stage *s)
{
	char *const words[] = {(char *)(uintptr_t)"sh",
		(char *)(uintptr_t)"-c", (char *)(uintptr_t)"exit 0", NULL};

	(void)s;
	(void)execve("/bin/sh", words, NULL);
	return errno;
}

static int run_memory(const struct stage *s)
{
	static const char script[] = "#!/bin/sh\nexit 0\n";
	char *const words[] = {(char *)(uintptr_t)"x", NULL};
	int fd = memfd_create("x", 0);

	(void)s;
	if (fd < 0)
		return errno;
	if (write(fd, script, sizeof(script) - 1) < 0)
		return errno;
	(void)fexecve(fd, words, words + 1);
	return errno;
}

static int map_executable(const struct stage *s)
{
	(void)s;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		? errno
		: 0;
}

static int make_executable(const struct stage *s)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)s;
	if (page == MAP_FAILED)
		return ENOMEM;
	return said(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int make_executable_key(const struct stage *s)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)s;
	if (page == MAP_FAILED)
		return ENOMEM;
	return said(syscall(SYS_pkey_mprotect, page, 4096,
		PROT_READ | PROT_EXEC, -1));
}

static int share_memory(const struct stage *s)
{
	(void)s;
	return said(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
}

/* ---- network ------------------------------------------------------------------ */
static int socket_stream(const struct stage *s)
{
	(void)s;
	return said(socket(AF_INET, SOCK_STREAM, 0));
}

static int socket_datagram(const struct stage *s)
{
	(void)s;
	return said(socket(AF_INET6, SOCK_DGRAM, 0));
}

static int socket_raw(const struct stage *s)
{
	(void)s;
	return said(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int socket_packet(const struct stage *s)
{
	(void)s;
	return said(socket(AF_PACKET, SOCK_RAW, 0));
}

static int socket_netlink(const struct stage *s)
{
	(void)s;
	return said(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int connect_unix(const struct stage *s)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket",
		s->other);
	return said(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int connect_port(const struct stage *s)
{
	return try_connect(s->port);
}

static int connect_other_port(const struct stage *s)
{
	return try_connect(s->other_port);
}

static int listen_tcp(const struct stage *s)
{
	struct sockaddr_in any = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)s;
	if (fd < 0)
		return errno;
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0)
		return errno;
	return said(listen(fd, 1));
}

static int make_channel(const struct stage *s)
{
	int fds[2];

	(void)s;
	return said(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
}

static int make_stream_pair(const struct stage *s)
{
	int fds[2];

	(void)s;
	return said(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

/* ---- processes ------------------------------------------------------------------ */
static int reap(long pid)
{
	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(0);
	return said(waitpid((pid_t)pid, NULL, 0));
}

static int fork_process(const struct stage *s)
{
	(void)s;
	return reap(fork());
}

static int clone_namespace(const struct stage *s)
{
	(void)s;
	return reap(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static int unshare_namespace(const struct stage *s)
{
	(void)s;
	return said(unshare(CLONE_NEWUSER));
}

static int trace_outside(const struct stage *s)
{
	return said(ptrace(PTRACE_SEIZE, s->outside, NULL, NULL));
}

static int kill_outside(const struct stage *s)
{
	return said(kill(s->outside, 0));
}

static int abort_outside(const struct stage *s)
{
	return said(syscall(SYS_tgkill, s->outside, s->outside, SIGABRT));
}

static int signal_by_pidfd(const struct stage *s)
{
	long fd = syscall(SYS_pidfd_open, s->outside, 0);

	if (fd < 0)
		return errno;
	return said(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

static int steal_descriptor(const struct stage *s)
{
	long fd = syscall(SYS_pidfd_open, s->outside, 0);

	if (fd < 0)
		return errno;
	return said(syscall(SYS_pidfd_getfd, fd, 1, 0));
}

static int read_outside(const struct stage *s)
{
	long word;
	struct iovec here = {&word, sizeof(word)};
	struct iovec there = {(void *)(uintptr_t)&confine_tries, sizeof(word)};

	return said(process_vm_readv(s->outside, &here, 1, &there, 1, 0));
}

static int abort_self(const struct stage *s)
{
	(void)s;
	abort();
}

static int become_root(const struct stage *s)
{
	(void)s;
	return said(setuid(0));
}

static int join_group(const struct stage *s)
{
	const gid_t root = 0;

	(void)s;
	return said(setgroups(1, &root));
}

static int raise_limit(const struct stage *s)
{
	struct rlimit l = {1u << 30, 1u << 30};

	(void)s;
	return said(setrlimit(RLIMIT_NOFILE, &l));
}

static int change_personality(const struct stage *s)
{
	(void)s;
	return said(personality(ADDR_NO_RANDOMIZE));
}

static int change_root(const struct stage *s)
{
	return said(chroot(s->own));
}

static int new_session(const struct stage *s)
{
	(void)s;
	return said(setsid());
}

/* ---- the kernel's less trodden ways ------------------------------------------ */
static int mount_tmpfs(const struct stage *s)
{
	return said(mount("none", s->own, "tmpfs", 0, NULL));
}

static int use_io_uring(const struct stage *s)
{
	uint64_t params[32] = {0};

	(void)s;
	return said(syscall(SYS_io_uring_setup, 4, params));
}

static int use_userfaultfd(const struct stage *s)
{
	(void)s;
	return said(syscall(SYS_userfaultfd, 1 /* user mode only */));
}

static int use_bpf(const struct stage *s)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
		.value_size = 4, .max_entries = 1};

	(void)s;
	return said(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int use_keys(const struct stage *s)
{
	(void)s;
	return said(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
		KEY_SPEC_PROCESS_KEYRING, 1));
}

static int use_perf(const struct stage *s)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr), .config = PERF_COUNT_SW_TASK_CLOCK,
		.exclude_kernel = 1};

	(void)s;
	return said(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int watch_files(const struct stage *s)
{
	(void)s;
	return said(syscall(SYS_inotify_init1, 0));
}

static int make_dumpable(const struct stage *s)
{
	(void)s;
	return said(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

#ifdef __x86_64__
/* The same call under its x32 number, and by the door for 32-bit programs. */
static int use_x32(const struct stage *s)
{
	(void)s;
	return said(syscall(0x40000000 + SYS_getpid));
}

static int use_int80(const struct stage *s)
{
	long rc = 20; /* getpid */

	(void)s;
	__asm__ volatile("int $0x80" : "+a"(rc) : : "memory", "r8", "r9",
		"r10", "r11");
	return rc < 0 ? ENOSYS : 0;
}
#endif

/* A converter is opened, and its tables are touched, after confinement. */
static int read_charset(const struct stage *s)
{
	struct buf out;
	bool is_read;

	(void)s;
	buf_init(&out, 64);
	is_read = charset_put_utf8(&out, SPAN("iso-2022-jp"),
		SPAN("\x1b$BF|\x1b(B"));
	buf_clear(&out);
	return is_read ? 0 : ENOENT;
}

/* ---- the table ----------------------------------------------------------------- */
#define NOBODY   0u
#define STORES                                                                 \
	(ROLE_BIT(ROLE_DIRECTORY) | ROLE_BIT(ROLE_QUEUE) |                     \
		ROLE_BIT(ROLE_ACCOUNTS) | ROLE_BIT(ROLE_ACCOUNT))
#define MOVERS                                                                 \
	(ROLE_BIT(ROLE_QUEUE) | ROLE_BIT(ROLE_ACCOUNTS) |                      \
		ROLE_BIT(ROLE_ACCOUNT))
#define FORKER   ROLE_BIT(ROLE_ACCOUNTS)
#define RELAYER  ROLE_BIT(ROLE_FRONT)
#define RESOLVER ROLE_BIT(ROLE_RESOLVER)
#define CALLERS  (ROLE_BIT(ROLE_OUTBOUND) | RESOLVER)
#define ALL      0xffffffffu

/* stat-passwd: Landlock lets file names be asked for; that is known and
 * harmless beside what is closed. */
/* clang-format off */
const struct try confine_tries[] = {
	{"open-passwd",         NOBODY,   open_passwd},
	{"stat-passwd",         STORES,   stat_passwd},
	{"list-root",           NOBODY,   list_root},
	{"open-proc-mem",       NOBODY,   open_proc_mem},
	{"write-tmp",           NOBODY,   write_tmp},
	{"read-other",          NOBODY,   read_other},
	{"list-other",          NOBODY,   list_other},
	{"write-other",         NOBODY,   write_other},
	{"truncate-other",      NOBODY,   truncate_other},
	{"remove-other",        NOBODY,   remove_other},
	{"steal-other",         NOBODY,   steal_other},
	{"create-own",          STORES,   create_own},
	{"use-database",        STORES,   use_database},
	{"rename-own",          MOVERS,   rename_own},
	{"make-own-folder",     FORKER,   make_own_folder},
	{"chmod-own",           NOBODY,   chmod_own},
	{"link-passwd",         NOBODY,   link_passwd},
	{"make-fifo",           NOBODY,   make_fifo},
	{"run-shell",           NOBODY,   run_shell},
	{"run-memory",          NOBODY,   run_memory},
	{"map-executable",      NOBODY,   map_executable},
	{"make-executable",     NOBODY,   make_executable},
	{"make-executable-key", NOBODY,   make_executable_key},
	{"share-memory",        NOBODY,   share_memory},
	{"socket-stream",       CALLERS,  socket_stream},
	{"socket-datagram",     RESOLVER, socket_datagram},
	{"socket-raw",          NOBODY,   socket_raw},
	{"socket-packet",       NOBODY,   socket_packet},
	{"socket-netlink",      NOBODY,   socket_netlink},
	{"connect-unix",        NOBODY,   connect_unix},
	{"connect-port",        CALLERS,  connect_port},
	{"connect-other-port",  RESOLVER, connect_other_port},
	{"listen-tcp",          NOBODY,   listen_tcp},
	{"make-channel",        FORKER,   make_channel},
	{"make-stream-pair",    RELAYER,  make_stream_pair},
	{"fork",                FORKER,   fork_process},
	{"clone-namespace",     NOBODY,   clone_namespace},
	{"unshare-namespace",   NOBODY,   unshare_namespace},
	{"trace-outside",       NOBODY,   trace_outside},
	{"kill-outside",        NOBODY,   kill_outside},
	{"abort-outside",       NOBODY,   abort_outside},
	{"signal-by-pidfd",     NOBODY,   signal_by_pidfd},
	{"steal-descriptor",    NOBODY,   steal_descriptor},
	{"read-outside",        NOBODY,   read_outside},
	{"abort-self",          ALL,      abort_self},
	{"read-charset",        ALL,      read_charset},
	{"become-root",         NOBODY,   become_root},
	{"join-group",          NOBODY,   join_group},
	{"raise-limit",         NOBODY,   raise_limit},
	{"change-personality",  NOBODY,   change_personality},
	{"change-root",         NOBODY,   change_root},
	{"new-session",         NOBODY,   new_session},
	{"mount",               NOBODY,   mount_tmpfs},
	{"io-uring",            NOBODY,   use_io_uring},
	{"userfaultfd",         NOBODY,   use_userfaultfd},
	{"bpf",                 NOBODY,   use_bpf},
	{"keys",                NOBODY,   use_keys},
	{"perf",                NOBODY,   use_perf},
	{"watch-files",         NOBODY,   watch_files},
	{"make-dumpable",       NOBODY,   make_dumpable},
#ifdef __x86_64__
	{"x32",                 NOBODY,   use_x32},
	{"int80",               NOBODY,   use_int80},
#endif
	{NULL,                  NOBODY,   NULL},
};
/* clang-format on */
