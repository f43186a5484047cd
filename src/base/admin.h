/*
 * admin.h - how a module answers an administrator's command.
 *
 * The same function serves the running server (a role answers over the
 * admin socket) and the stopped one (the CLI calls it on the data, under the
 * lock of the data directory).  A command is its words: noun, verb, arguments
 * ("account", "add", "bob@hamburger.edu", "--password=…").
 */
#ifndef POSTRIDER_BASE_ADMIN_H
#define POSTRIDER_BASE_ADMIN_H

#include "base/err.h"
#include "base/span.h"

/* Exit statuses of the command line: interface.md "Verbs". */
enum admin_exit {
	EXIT_OK = 0,
	EXIT_WARNINGS = 1,
	EXIT_CHECK_FAILED = 2,
	EXIT_NO_MATCH = 3,
	EXIT_PARTLY = 4,
	EXIT_USAGE = 64,
	EXIT_BAD_DATA = 65,
	EXIT_NO_INPUT = 66,
	EXIT_NO_ADDRESS = 67,
	EXIT_NO_SERVER = 69,
	EXIT_BUG = 70,
	EXIT_CANNOT_CREATE = 73,
	EXIT_IO = 74,
	EXIT_TRY_AGAIN = 75,
	EXIT_DENIED = 77,
	EXIT_CONFIG = 78
};

/* Where the rows of the answer go; the first row is the head of the table,
 * whose cells are also the names of the fields in --json. */
struct admin_out {
	void (*row)(void *arg, const struct span *cells, size_t count);
	void *arg;
};

#define ADMIN_WORDS_MAX 1024
#define ADMIN_CELLS_MAX 32

/* Carries a command out; a sentence for stderr goes into e->text ("" for
 * none: the caller clears it before). */
typedef enum admin_exit admin_fn(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e);

#endif
