/*
 * confine_table.c - what each role may do: the table of the sandbox.
 *
 * A system call that stands in no list of a role ends its process.  The lists
 * were made by running everything under a filter that tells what is missing
 * (debug builds: see confine_seccomp.c); a row whose reason is not plain says
 * it.  A call on the path of every message has no condition on its arguments
 * where that can be: the kernel then answers it from a bitmap (since 5.11) and
 * the filter costs nothing.
 */
#define _GNU_SOURCE
#include "role/confine_int.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define WORD 0xffffffffULL /* the part of an argument that is an int */

#define MAY(call)         {.number = SCMP_SYS(call)}
#define FAILS(call, code) {.number = SCMP_SYS(call), .error = (code)}
#define IF(call, arg, bits, is)                                                \
	{.number = SCMP_SYS(call), .test_count = 1,                            \
		.tests = {{(arg), (bits), (is)}}}
#define IF2(call, arg, bits, is, arg2, bits2, is2)                             \
	{.number = SCMP_SYS(call), .test_count = 2,                            \
		.tests = {{(arg), (bits), (is)}, {(arg2), (bits2), (is2)}}}
#define FAILS_IF(call, code, arg, bits, is)                                    \
	{.number = SCMP_SYS(call), .error = (code), .test_count = 1,           \
		.tests = {{(arg), (bits), (is)}}}
#define END_OF_LIST {.number = CONFINE_END}

#define SOCK_TYPE (WORD & ~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC))

/* Every confined process: memory, its channels, its loop, its end. */
static const struct confine_call base_calls[] = {
	MAY(read),
	MAY(write),
	MAY(readv),
	MAY(writev),
	MAY(close),
	MAY(close_range),
	MAY(recvmsg),
	MAY(sendmsg),
	MAY(recvmmsg),
	MAY(sendmmsg),
	MAY(recvfrom),
	MAY(sendto),
	MAY(shutdown),
	MAY(getsockopt),
	MAY(getsockname),
	MAY(getpeername),
	IF(setsockopt, 1, WORD, SOL_SOCKET),
	IF(setsockopt, 1, WORD, IPPROTO_TCP),
	IF(ioctl, 1, WORD, FIONREAD),
	IF(ioctl, 1, WORD, TIOCOUTQ),
	IF(ioctl, 1, WORD, FIONBIO),
	/* isatty, which stdio asks before it chooses a buffer */
	FAILS_IF(ioctl, ENOTTY, 1, WORD, TCGETS),
	IF(fcntl, 1, WORD, F_GETFD),
	IF(fcntl, 1, WORD, F_SETFD),
	IF(fcntl, 1, WORD, F_GETFL),
	IF(fcntl, 1, WORD, F_SETFL),
	IF(fcntl, 1, WORD, F_DUPFD_CLOEXEC),
	MAY(epoll_create1),
	MAY(epoll_ctl),
	MAY(epoll_wait),
	MAY(epoll_pwait),
	MAY(poll),
	MAY(ppoll),
	MAY(futex),
	MAY(brk),
	IF(mmap, 2, PROT_EXEC, 0),
	IF(mprotect, 2, PROT_EXEC, 0),
	MAY(munmap),
	MAY(mremap),
	IF(madvise, 2, WORD, MADV_DONTNEED),
	IF(madvise, 2, WORD, MADV_FREE),
	MAY(getrandom),
	MAY(clock_gettime),
	MAY(clock_nanosleep),
	MAY(nanosleep),
	MAY(gettimeofday),
	MAY(time),
	MAY(getpid),
	MAY(getppid),
	MAY(gettid),
	MAY(getuid),
	MAY(geteuid),
	MAY(getgid),
	MAY(getegid),
	MAY(fstat),
	MAY(lseek),
	MAY(sigaltstack),
	MAY(rt_sigaction),
	MAY(rt_sigprocmask),
	MAY(rt_sigreturn),
	MAY(restart_syscall),
	MAY(sched_yield),
	MAY(exit),
	MAY(exit_group),
	/* qsort asks how much memory there is */
	FAILS(sysinfo, EPERM),
	/* newer ways that the C library tries before the older ones */
	FAILS(clone3, ENOSYS),
	FAILS(rseq, ENOSYS),
	FAILS(statx, ENOSYS),
	FAILS(openat2, ENOSYS),
	FAILS(epoll_pwait2, ENOSYS),
	/* malloc names its areas where it can */
	FAILS_IF(prctl, EINVAL, 0, WORD, PR_SET_VMA),
	END_OF_LIST,
};

/* abort(), of its own process only; accounts' children have other numbers. */
static const struct confine_call abort_calls[] = {
	IF(tgkill, 0, WORD, CONFINE_OWN_PID),
	END_OF_LIST,
};

/* Roles without files: whoever asks is told so, as libraries ask. */
static const struct confine_call fileless_calls[] = {
	FAILS(open, EACCES),
	FAILS(openat, EACCES),
	FAILS(stat, EACCES),
	FAILS(lstat, EACCES),
	FAILS(newfstatat, EACCES),
	FAILS(access, EACCES),
	FAILS(faccessat, EACCES),
	FAILS(faccessat2, EACCES),
	FAILS(readlink, EACCES),
	FAILS(readlinkat, EACCES),
	FAILS(getcwd, EACCES),
	END_OF_LIST,
};

/* What SQLite needs, measured; paths are held in by Landlock. */
static const struct confine_call sqlite_calls[] = {
	MAY(pread64),
	MAY(pwrite64),
	/* what a scan will read: db_ahead.c */
	MAY(preadv2),
	MAY(fadvise64),
	MAY(fdatasync),
	MAY(fsync),
	MAY(ftruncate),
	MAY(fallocate),
	MAY(fstatfs),
	MAY(open),
	MAY(openat),
	MAY(stat),
	MAY(lstat),
	MAY(newfstatat),
	MAY(access),
	MAY(faccessat),
	MAY(readlink),
	MAY(readlinkat),
	MAY(unlink),
	MAY(unlinkat),
	IF(fcntl, 1, WORD, F_SETLK),
	IF(fcntl, 1, WORD, F_GETLK),
	FAILS(faccessat2, ENOSYS),
	/* only relative paths ask for it */
	FAILS(getcwd, EACCES),
	/* as root SQLite gives new files to the owner of the old one */
	FAILS(fchown, EPERM),
	FAILS(fchmod, EPERM),
	END_OF_LIST,
};

/* front: connections come in and go on; the spool file of a large body is
 * opened by queue. */
static const struct confine_call front_calls[] = {
	MAY(accept4),
	/* to an account process that takes a session under TLS */
	IF2(socketpair, 0, WORD, AF_UNIX, 1, SOCK_TYPE, SOCK_STREAM),
	END_OF_LIST,
};

/* account: a new mail.db gets its name when it is durable. */
static const struct confine_call account_calls[] = {
	MAY(rename),
	MAY(renameat),
	MAY(renameat2),
	END_OF_LIST,
};

/* queue: spool files. */
static const struct confine_call queue_calls[] = {
	MAY(rename),
	MAY(renameat),
	MAY(renameat2),
	MAY(linkat),
	MAY(getdents64),
	END_OF_LIST,
};

/* keys: reads the files that master opens for it. */
static const struct confine_call keys_calls[] = {
	MAY(pread64),
	END_OF_LIST,
};

/* outbound: connections go out; a large body is read from the spool file that
 * queue passes. */
static const struct confine_call outbound_calls[] = {
	MAY(pread64),
	IF2(socket, 0, WORD, AF_INET, 1, SOCK_TYPE, SOCK_STREAM),
	IF2(socket, 0, WORD, AF_INET6, 1, SOCK_TYPE, SOCK_STREAM),
	MAY(connect),
	END_OF_LIST,
};

/* libunbound binds each question to a random port, and asks again over TCP. */
static const struct confine_call resolver_calls[] = {
	IF2(socket, 0, WORD, AF_INET, 1, SOCK_TYPE, SOCK_DGRAM),
	IF2(socket, 0, WORD, AF_INET6, 1, SOCK_TYPE, SOCK_DGRAM),
	IF(setsockopt, 1, WORD, IPPROTO_IP),
	IF(setsockopt, 1, WORD, IPPROTO_IPV6),
	MAY(bind),
	END_OF_LIST,
};

#define NEW_NAMESPACES                                                         \
	(uint64_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |              \
		CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* accounts forks (never executes), and its children confine themselves. */
static const struct confine_call accounts_calls[] = {
	IF(clone, 0, NEW_NAMESPACES, 0),
	MAY(set_robust_list),
	MAY(wait4),
	MAY(waitid),
	MAY(pidfd_open),
	IF2(socketpair, 0, WORD, AF_UNIX, 1, SOCK_TYPE, SOCK_SEQPACKET),
	MAY(mkdir),
	MAY(mkdirat),
	MAY(rmdir),
	MAY(rename),
	MAY(renameat),
	MAY(renameat2),
	MAY(getdents64),
	/* the loop of a child, made before it confines itself */
	MAY(pipe2),
	/* abort() of a child: its number is not known yet */
	IF(tgkill, 2, WORD, SIGABRT),
	IF(tgkill, 2, WORD, SIGSYS),
	/* a child's own confinement */
	IF(prctl, 0, WORD, PR_SET_NO_NEW_PRIVS),
	IF2(prctl, 0, WORD, PR_SET_DUMPABLE, 1, ~0ULL, 0),
	IF(prctl, 0, WORD, PR_SET_PDEATHSIG),
	IF(prctl, 0, WORD, PR_CAP_AMBIENT),
	MAY(capset),
	MAY(setrlimit),
	MAY(prlimit64),
	MAY(landlock_create_ruleset),
	MAY(landlock_add_rule),
	MAY(landlock_restrict_self),
	IF(seccomp, 0, WORD, 1 /* SECCOMP_SET_MODE_FILTER */),
	END_OF_LIST,
};

/* Reading a folder is needed for its fsync: without it SQLite leaves that out
 * in silence. */
#define STORE_RIGHTS                                                           \
	(RIGHT_READ_FILE | RIGHT_WRITE_FILE | RIGHT_READ_DIR |                 \
		RIGHT_MAKE_REG | RIGHT_REMOVE_FILE | RIGHT_TRUNCATE)

#define GIB ((rlim_t)1 << 30)

/* FSIZE 0 is lifted where the log is a file.  AS bounds what a leak or a bomb
 * can take from the machine; it is no measure of what is used. */
/* clang-format off */
static const struct confine_row rows[] = {
	{.role = ROLE_FRONT,
	 .lists = {base_calls, abort_calls, fileless_calls, front_calls},
	 /* no FSIZE 0: it writes the spool files that queue opens for it */
	 .limits = {{RLIMIT_NOFILE, 12000}, {RLIMIT_NPROC, 0},
		{RLIMIT_AS, 4 * GIB}},
	 .limit_count = 3},
	{.role = ROLE_DIRECTORY, .has_folder = true,
	 .folder_rights = STORE_RIGHTS,
	 .lists = {base_calls, abort_calls, sqlite_calls},
	 .limits = {{RLIMIT_NOFILE, 256}, {RLIMIT_NPROC, 0},
		{RLIMIT_AS, 2 * GIB}},
	 .limit_count = 3},
	{.role = ROLE_RESOLVER, .may_connect = true,
	 .lists = {base_calls, abort_calls, fileless_calls, outbound_calls,
		resolver_calls},
	 .limits = {{RLIMIT_NOFILE, 4096}, {RLIMIT_NPROC, 0},
		{RLIMIT_FSIZE, 0}, {RLIMIT_AS, 2 * GIB}},
	 .limit_count = 4},
	{.role = ROLE_KEYS,
	 .lists = {base_calls, abort_calls, fileless_calls, keys_calls},
	 .limits = {{RLIMIT_NOFILE, 256}, {RLIMIT_NPROC, 0},
		{RLIMIT_FSIZE, 0}, {RLIMIT_AS, 2 * GIB}},
	 .limit_count = 4},
	/* AS: the hungriest hash that is checked takes 64 MiB */
	{.role = ROLE_HASHER,
	 .lists = {base_calls, abort_calls, fileless_calls},
	 .limits = {{RLIMIT_NOFILE, 256}, {RLIMIT_NPROC, 0},
		{RLIMIT_FSIZE, 0}, {RLIMIT_AS, GIB / 2}},
	 .limit_count = 4},
	{.role = ROLE_QUEUE, .has_folder = true,
	 .folder_rights = STORE_RIGHTS | RIGHT_REFER,
	 .lists = {base_calls, abort_calls, sqlite_calls, queue_calls},
	 .limits = {{RLIMIT_NOFILE, 65536}, {RLIMIT_NPROC, 0},
		{RLIMIT_AS, 8 * GIB}},
	 .limit_count = 3},
	{.role = ROLE_OUTBOUND, .may_connect = true, .has_port = true,
	 .lists = {base_calls, abort_calls, fileless_calls, outbound_calls},
	 .limits = {{RLIMIT_NOFILE, 4096}, {RLIMIT_NPROC, 0},
		{RLIMIT_FSIZE, 0}, {RLIMIT_AS, 4 * GIB}},
	 .limit_count = 4},
	{.role = ROLE_ACCOUNTS, .has_folder = true, .starts_roles = true,
	 .folder_rights = STORE_RIGHTS | RIGHT_REFER | RIGHT_MAKE_DIR |
		RIGHT_REMOVE_DIR,
	 .lists = {base_calls, sqlite_calls, accounts_calls},
	 .limits = {{RLIMIT_NOFILE, 65536}, {RLIMIT_AS, 4 * GIB}},
	 .limit_count = 2},
	{.role = ROLE_ACCOUNT, .has_folder = true,
	 .folder_rights = STORE_RIGHTS,
	 .lists = {base_calls, abort_calls, sqlite_calls, account_calls},
	 .limits = {{RLIMIT_NOFILE, CONFINE_ACCOUNT_FILES}, {RLIMIT_NPROC, 0},
		{RLIMIT_AS, 2 * GIB}},
	 .limit_count = 3},
};
/* clang-format on */

const struct confine_row *confine_row_of(enum role role)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].role == role)
			return &rows[i];
	return NULL;
}
