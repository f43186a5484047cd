/*
 * cli_serve.c - starts the server.  See cli_serve.h.
 *
 * Before anything else the descriptors 0, 1 and 2 are made to exist: a data
 * file opened as descriptor 2 would get log lines written into it.
 */
#include "cli/cli_serve.h"

#include <fcntl.h>
#include <unistd.h>

#include "role/master.h"

static void hold_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

enum admin_exit cli_serve_run(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	bool is_check = false, no_sandbox = false;

	(void)out;
	for (size_t i = 1; i < count; i++) {
		if (span_eq(words[i], SPAN("--check"))) {
			is_check = true;
		} else if (span_eq(words[i], SPAN("--no-sandbox"))) {
			no_sandbox = true;
		} else {
			err_set(e, SYNTAX, "serve does not know \"%.*s\"; it "
				"knows --check and --no-sandbox",
				SPAN_ARG(words[i]));
			return EXIT_USAGE;
		}
	}
	hold_standard_descriptors();
	if (!is_check)
		return (enum admin_exit)master_run(module, no_sandbox);
	if (master_check(module, e) != OK)
		return e->code == SYNTAX ? EXIT_CONFIG : EXIT_CHECK_FAILED;
	return EXIT_OK;
}
