/*
 * confine_seccomp.c - the system calls of a confined process.
 *
 * libseccomp turns the lists of a row into a program once; the program is kept
 * as bytes, so that accounts makes it before its own confinement and each
 * account process only enters it.  The one thing that differs from process to
 * process is its number: CONFINE_OWN_PID in the program is replaced on entry.
 *
 * A call that is in no list kills the process.  Debug builds write its name to
 * stderr before they die of the same signal.
 */
#define _GNU_SOURCE
#include "role/confine_int.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

struct filter {
	struct sock_filter *steps; /* owned */
	unsigned short step_count;
	unsigned call_count;
	uint32_t death;
};

static struct filter made[ROLE_COUNT];

#ifdef POSTRIDER_SANITIZED
#include <sys/prctl.h>
/* What the sanitizers do while they watch and when they report.  This build
 * is never shipped: its sandbox has holes. */
#define MAY(call) {.number = SCMP_SYS(call)}
static const struct confine_call sanitizer_calls[] = {
	MAY(open), MAY(openat), MAY(readlink), MAY(readlinkat), MAY(mmap),
	MAY(mprotect), MAY(madvise), MAY(prctl), MAY(tgkill), MAY(clone),
	MAY(ptrace), MAY(wait4), MAY(sched_getaffinity), MAY(getrlimit),
	MAY(setrlimit), MAY(prlimit64), MAY(sysinfo), MAY(mincore),
	MAY(newfstatat), MAY(stat), MAY(getdents64), MAY(pipe), MAY(pipe2),
	MAY(process_vm_readv), MAY(dup), MAY(dup2), MAY(kill),
	MAY(set_robust_list), MAY(personality), MAY(ioctl), MAY(getcwd),
	MAY(access), MAY(socketpair), MAY(pread64),
	{.number = CONFINE_END},
};
#undef MAY

/* The leak checker's question at exit: it would look at /proc, and the sandbox
 * does not let it. */
static int is_confined;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return is_confined;
}
#else
static const struct confine_call sanitizer_calls[] = {
	{.number = CONFINE_END},
};
#endif

static bool is_in(const struct confine_call *list, int number)
{
	for (; list != NULL && list->number != CONFINE_END; list++)
		if (list->number == number)
			return true;
	return false;
}

static enum code add_call(scmp_filter_ctx seccomp,
	const struct confine_call *call, struct err *e)
{
	struct scmp_arg_cmp tests[CONFINE_TESTS_MAX];
	uint32_t action = call->error == 0
		? SCMP_ACT_ALLOW
		: SCMP_ACT_ERRNO((uint32_t)call->error);
	int rc;

	for (unsigned i = 0; i < call->test_count; i++)
		tests[i] = SCMP_CMP64(call->tests[i].index, SCMP_CMP_MASKED_EQ,
			call->tests[i].mask, call->tests[i].value);
	rc = seccomp_rule_add_array(seccomp, action, call->number,
		call->test_count, tests);
	/* -EEXIST: an earlier list has it without a condition */
	if (rc != 0 && rc != -EEXIST) {
		errno = -rc;
		return err_errno(e, TEMP, "seccomp rule for call %d",
			call->number);
	}
	return OK;
}

static enum code add_list(scmp_filter_ctx seccomp,
	const struct confine_call *list, const struct confine_call *except,
	unsigned *count, struct err *e)
{
	int last = CONFINE_END;

	for (; list->number != CONFINE_END; list++) {
		if (is_in(except, list->number))
			continue;
		if (add_call(seccomp, list, e) != OK)
			return e == NULL ? TEMP : e->code;
		if (list->number != last && list->error == 0)
			++*count;
		last = list->number;
	}
	return OK;
}

/* The program as bytes: libseccomp writes it to a descriptor only. */
static enum code export(scmp_filter_ctx seccomp, struct filter *f,
	struct err *e)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	enum code code = OK;
	off_t bytes;

	if (fd < 0)
		return err_errno(e, TEMP, "memfd_create");
	if (seccomp_export_bpf(seccomp, fd) != 0) {
		close(fd);
		return err_set(e, TEMP, "seccomp_export_bpf");
	}
	bytes = lseek(fd, 0, SEEK_END);
	must(bytes > 0 && bytes % (off_t)sizeof(struct sock_filter) == 0);
	f->step_count = (unsigned short)((size_t)bytes /
		sizeof(struct sock_filter));
	f->steps = mem_new(f->step_count, sizeof(struct sock_filter));
	if (pread(fd, f->steps, (size_t)bytes, 0) != bytes)
		code = err_errno(e, TEMP, "reading the filter");
	close(fd);
	return code;
}

static enum code build(scmp_filter_ctx seccomp, const struct confine_row *row,
	struct filter *f, struct err *e)
{
	enum code code;

	(void)seccomp_attr_set(seccomp, SCMP_FLTATR_ACT_BADARCH,
		SCMP_ACT_KILL_PROCESS);
	/* a binary tree: SQLite's calls stand behind a hundred others */
	(void)seccomp_attr_set(seccomp, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	code = add_list(seccomp, sanitizer_calls, NULL, &f->call_count, e);
	for (size_t i = 0; code == OK && i < CONFINE_LISTS_MAX &&
		row->lists[i] != NULL; i++)
		code = add_list(seccomp, row->lists[i], sanitizer_calls,
			&f->call_count, e);
	return code == OK ? export(seccomp, f, e) : code;
}

enum code filter_make(const struct confine_row *row, struct filter **out,
	struct err *e)
{
	struct filter *f = &made[row->role];
	scmp_filter_ctx seccomp;
	enum code code;

	*out = f;
	if (f->steps != NULL)
		return OK;
#ifdef POSTRIDER_DEBUG
	f->death = SCMP_ACT_TRAP;
#else
	f->death = SCMP_ACT_KILL_PROCESS;
#endif
	seccomp = seccomp_init(f->death);
	if (seccomp == NULL)
		return err_set(e, TEMP, "seccomp_init");
	code = build(seccomp, row, f, e);
	seccomp_release(seccomp);
	return code;
}

unsigned filter_calls(const struct filter *f)
{
	return f->call_count;
}

#ifdef POSTRIDER_DEBUG
/* Deliberate: not safe in a signal handler, but the process dies here and
 * its developer needs the name. */
static void on_trap(int number, siginfo_t *what, void *context)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
		what->si_syscall);
	struct sigaction dies = {.sa_handler = SIG_DFL};
	char text[160];
	int n = snprintf(text, sizeof(text),
		"lvl=error ev=confine.trapped pid=%d call=%s nr=%d\n",
		(int)getpid(), name == NULL ? "?" : name, what->si_syscall);

	(void)context;
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(70);
	(void)sigaction(number, &dies, NULL);
	(void)syscall(SYS_tgkill, getpid(), gettid(), number);
}
#endif

enum code filter_enter(const struct filter *f, struct err *e)
{
	size_t bytes = f->step_count * sizeof(struct sock_filter);
	struct sock_fprog program = {f->step_count, mem_new(1, bytes)};
	long rc;

#ifdef POSTRIDER_DEBUG
	struct sigaction trap = {.sa_sigaction = on_trap,
		.sa_flags = SA_SIGINFO | SA_NODEFER};

	(void)sigaction(SIGSYS, &trap, NULL);
#endif
	memcpy(program.filter, f->steps, bytes);
	for (size_t i = 0; i < f->step_count; i++)
		if (program.filter[i].k == CONFINE_OWN_PID)
			program.filter[i].k = (uint32_t)getpid();
	rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		SECCOMP_FILTER_FLAG_TSYNC, &program);
	mem_free(program.filter);
	if (rc != 0)
		return err_errno(e, TEMP, "seccomp");
#ifdef POSTRIDER_SANITIZED
	is_confined = 1;
#endif
	return OK;
}
