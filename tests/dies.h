/*
 * dies.h - for tests: does this end the process, as must() does?
 */
#ifndef POSTRIDER_TESTS_DIES_H
#define POSTRIDER_TESTS_DIES_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs fn in a child; true if it ended by abort(). */
static inline bool dies(void (*fn)(void))
{
	const struct rlimit no_core = {0, 0};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL); /* cmocka catches it */
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		fn();
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
		WTERMSIG(status) == SIGABRT;
}

#endif
