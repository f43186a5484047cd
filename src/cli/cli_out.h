/*
 * cli_out.h - rows on stdout: a table for people, or JSON.
 *
 * A table is gathered until its end, for its columns are as wide as their
 * widest cell, and shows internationalized domains in their script where that
 * cannot deceive (codec/idn.h); JSON goes out a line a row, as it is.  Control characters in cells never
 * reach the terminal.
 */
#ifndef POSTRIDER_CLI_CLI_OUT_H
#define POSTRIDER_CLI_CLI_OUT_H

#include "base/admin.h"
#include "base/arena.h"
#include "base/buf.h"

struct cli_row {
	struct cli_row *next;
	size_t count;
	struct span cells[];
};

struct cli_out {
	bool is_json;
	struct arena arena;       /* owned: the rows */
	struct cli_row *head;     /* the first row */
	struct cli_row *last;
	size_t widths[ADMIN_CELLS_MAX];
	struct buf line;
	int fd;
	bool has_failed; /* stdout does not take it */
};

void cli_out_init(struct cli_out *o, int fd, bool is_json);
/* For an admin_fn. */
struct admin_out cli_out_admin(struct cli_out *o);
/* Writes what was gathered; false: some of it could not be written. */
bool cli_out_end(struct cli_out *o);

#endif
