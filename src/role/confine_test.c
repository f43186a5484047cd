/*
 * confine_test.c - does the sandbox hold?  See confine.h.
 *
 * Each action of confine_tries.c runs twice in a fresh process on a fresh
 * stage: without the sandbox, to know that it means something here, and inside.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec/charset.h"
#include "db/db.h"
#include "role/confine_int.h"

#define TEST_USER      "nobody"
#define CONFINE_FAILED 255 /* exit status: the sandbox itself did not work */

/* What became of one run. */
struct outcome {
	bool is_done;
	bool is_clear; /* done, or refused for a reason that is a refusal */
	const char *by;
};

/* ---- the stage ------------------------------------------------------------------ */
static int remove_entry(const char *path, const struct stat *st, int type,
	struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static bool make_file(const char *folder, const char *name)
{
	char path[96];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0;
}

static bool make_socket(const char *folder)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", folder);
	/* it stays open until this process ends */
	return fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		listen(fd, 16) == 0;
}

static bool give(const char *folder, const char *name)
{
	const struct passwd *user = getpwnam(TEST_USER);
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return geteuid() != 0 || (user != NULL &&
		chown(path, user->pw_uid, user->pw_gid) == 0);
}

static bool fill_stage(struct stage *s, const char *top)
{
	(void)snprintf(s->top, sizeof(s->top), "%s", top);
	(void)snprintf(s->own, sizeof(s->own), "%s/own", top);
	(void)snprintf(s->other, sizeof(s->other), "%s/other", top);
	return mkdir(s->own, 0700) == 0 && mkdir(s->other, 0700) == 0 &&
		make_file(s->own, "file") && make_file(s->other, "secret") &&
		make_socket(s->other) && give(top, "") &&
		give(s->own, "") && give(s->own, "file") &&
		give(s->other, "") && give(s->other, "secret") &&
		give(s->other, "socket");
}

static uint16_t listen_somewhere(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		listen(fd, 128) != 0 ||
		getsockname(fd, (struct sockaddr *)&at, &size) != 0)
		return 0;
	return ntohs(at.sin_port);
}

/* ---- one run -------------------------------------------------------------------- */
static enum code enter(enum role role, const char *folder,
	const struct stage *s, struct err *e)
{
	struct confine_request request = {.role = role, .folder = folder,
		.user = TEST_USER, .tcp_port = s->port};

	return confine_self(&request, e);
}

/* As in life: an account process is in the sandbox of accounts already. */
static int confine(enum role role, const struct stage *s)
{
	struct err e = {.text = ""};
	enum code code = OK;

	if (role == ROLE_ACCOUNT)
		code = enter(ROLE_ACCOUNTS, s->top, s, &e);
	if (code == OK)
		code = enter(role, s->own, s, &e);
	if (code == OK)
		return 0;
	(void)printf("%s\n", e.text);
	(void)fflush(stdout);
	return CONFINE_FAILED;
}

static void become_test_user(void)
{
	const struct passwd *user = getpwnam(TEST_USER);

	if (geteuid() == 0 && (user == NULL ||
		setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
		setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0))
		_exit(CONFINE_FAILED);
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* In a process of its own; the exit status is what the action said. */
static void act(const struct try *t, enum role role, const struct stage *s,
	bool is_confined)
{
	int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (quiet < 0 || dup2(quiet, STDERR_FILENO) < 0)
		_exit(CONFINE_FAILED);
	db_before_confinement();
	if (is_confined)
		rc = confine(role, s);
	else
		become_test_user();
	_exit(rc != 0 ? rc : t->run(s));
}

static bool is_refusal(int code, unsigned role_is_rootless)
{
	/* EAGAIN: RLIMIT_NPROC; EXDEV: Landlock on a move between folders;
	 * ENOENT: the empty root folder */
	return code == EACCES || code == EPERM || code == ENOSYS ||
		code == EAGAIN || code == EXDEV ||
		(code == ENOENT && role_is_rootless);
}

static struct outcome judge(const struct try *t, int status, bool is_rootless)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
		strcmp(t->name, "abort-self") == 0)
		return (struct outcome){true, true, "abort"};
	if (WIFSIGNALED(status))
		return (struct outcome){false, WTERMSIG(status) == SIGSYS,
			WTERMSIG(status) == SIGSYS
				? "seccomp"
				: sigabbrev_np(WTERMSIG(status))};
	if (WEXITSTATUS(status) == 0)
		return (struct outcome){true, true, "-"};
	return (struct outcome){false,
		is_refusal(WEXITSTATUS(status), is_rootless),
		WEXITSTATUS(status) == CONFINE_FAILED
			? "no-sandbox"
			: strerrorname_np(WEXITSTATUS(status))};
}

static struct outcome run_once(const struct try *t, enum role role,
	struct stage *s, bool is_confined)
{
	char top[] = "/tmp/postrider-test-XXXXXX";
	int status = CONFINE_FAILED << 8;
	pid_t pid = -1;

	if (mkdtemp(top) != NULL && fill_stage(s, top))
		pid = fork();
	if (pid == 0)
		act(t, role, s, is_confined);
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	(void)nftw(top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return judge(t, status, geteuid() == 0 &&
		!confine_row_of(role)->has_folder);
}

static const char *verdict(bool may, struct outcome o)
{
	if (may)
		return o.is_done ? "permitted" : "BROKEN";
	if (o.is_done)
		return "ALLOWED";
	return o.is_clear ? "denied" : "UNCLEAR";
}

/* The process that the actions reach for: of the same user, unconfined. */
static pid_t start_outside(void)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)signal(SIGABRT, SIG_IGN);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	become_test_user();
	for (;;)
		(void)pause();
}

int confine_test(enum role role)
{
	struct stage s = {.port = listen_somewhere(),
		.other_port = listen_somewhere()};
	int wrong = 0;

	if (confine_row_of(role) == NULL || s.port == 0 || s.other_port == 0)
		return -1;
	/* as accounts does, for its children */
	(void)charset_open();
	(void)fflush(stdout);
	s.outside = start_outside();
	if (s.outside < 0)
		return -1;
	for (const struct try *t = confine_tries; t->name != NULL; t++) {
		bool may = (t->may & ROLE_BIT(role)) != 0;
		struct outcome inside = run_once(t, role, &s, true);
		struct outcome without = run_once(t, role, &s, false);
		const char *word = verdict(may, inside);

		(void)printf("%s %s by=%s without=%s\n", t->name, word,
			inside.by, without.is_done ? "works" : "fails");
		(void)fflush(stdout);
		if (word[0] >= 'A' && word[0] <= 'Z')
			wrong++;
	}
	(void)kill(s.outside, SIGKILL);
	(void)waitpid(s.outside, NULL, 0);
	return wrong;
}
