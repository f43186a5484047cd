/*
 * cli_demo_process.c - the children of the demo: servers and commands.
 *
 * Each is this very binary, started as a user would start it.  It dies with
 * the demo, even if that is killed (PR_SET_PDEATHSIG).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/cli_demo_int.h"

#include "base/banned.h"

#define SELF      "/proc/self/exe"
#define RUN_MS    10000
#define END_MS    5000
#define WORDS_MAX 16

/* In the child: only what is safe after fork. */
static void become(const struct demo_spawn *s, pid_t parent)
{
	const int wanted[3] = {s->in, s->out, s->err};
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	(void)setpgid(0, 0); /* Ctrl-C is for the demo, which ends it */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	for (int i = 0; i < 3; i++) {
		int fd = wanted[i];

		if (fd < 0)
			fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0 || dup2(fd, i) < 0)
			_exit(1);
	}
	(void)execv(SELF, s->argv);
	_exit(127);
}

enum code demo_spawn(const struct demo_spawn *s, pid_t *out_pid, struct err *e)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return err_errno(e, TEMP, "fork");
	if (pid == 0)
		become(s, parent);
	*out_pid = pid;
	return OK;
}

void demo_end_child(pid_t *pid)
{
	int64_t until = time_mono_ms() + END_MS;
	int status;

	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGTERM);
	while (waitpid(*pid, &status, WNOHANG) == 0) {
		if (time_mono_ms() > until) {
			(void)kill(*pid, SIGKILL);
			(void)waitpid(*pid, &status, 0);
			break;
		}
		(void)poll(NULL, 0, 5);
	}
	*pid = 0;
}

/* Gives the input, takes the output, and waits for the end. */
static enum code talk(struct demo *d, pid_t *pid, int in, int out_fd,
	struct span input, struct buf *out)
{
	int64_t until = time_mono_ms() + RUN_MS;
	bool is_given = write(in, input.p, input.n) == (ssize_t)input.n;

	(void)close(in);
	while (is_given && time_mono_ms() < until && !demo_is_stopped()) {
		struct pollfd p = {.fd = out_fd, .events = POLLIN};
		uint8_t piece[4096];
		ssize_t n;

		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(out_fd, piece, sizeof(piece));
		if (n <= 0)
			return OK;
		buf_put(out, span_of(piece, (size_t)n));
	}
	demo_end_child(pid);
	return err_set(d->e, TIMEOUT, "a command did not end");
}

static enum code check_exit(struct demo *d, pid_t *pid,
	const char *const *words, struct span output)
{
	int status = 0;

	while (waitpid(*pid, &status, 0) < 0 && errno == EINTR)
		continue;
	*pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		return OK;
	return err_set(d->e, TEMP, "postrider %s %s ended with %d: %.*s",
		words[0], words[1] == NULL ? "" : words[1],
		WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		SPAN_ARG(span_head(output, 300)));
}

enum code demo_site_run(struct demo *d, struct demo_site *s,
	const char *const *words, struct span input, struct buf *out)
{
	char *argv[WORDS_MAX + 4];
	size_t n = 0;
	struct demo_spawn how = {.argv = argv};
	struct buf output;
	int in[2], result[2];
	pid_t pid = 0;
	enum code code;

	argv[n++] = arena_cstr(&d->arena, SPAN("postrider"));
	argv[n++] = arena_cstr(&d->arena, SPAN("--config"));
	argv[n++] = s->config;
	for (size_t i = 0; words[i] != NULL && n < WORDS_MAX; i++)
		argv[n++] = arena_cstr(&d->arena, span_str(words[i]));
	argv[n] = NULL;
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(result, O_CLOEXEC) != 0)
		return err_errno(d->e, TEMP, "pipe");
	how.in = in[0];
	how.out = how.err = result[1];
	buf_init(&output, 1 << 20);
	code = demo_spawn(&how, &pid, d->e);
	(void)close(in[0]);
	(void)close(result[1]);
	if (code == OK)
		code = talk(d, &pid, in[1], result[0], input, &output);
	(void)close(result[0]);
	if (code == OK)
		code = check_exit(d, &pid, words, buf_span(&output));
	if (out != NULL)
		buf_put(out, buf_span(&output));
	buf_clear(&output);
	return code;
}
