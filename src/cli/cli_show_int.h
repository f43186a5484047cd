/*
 * cli_show_int.h - a message being shown: what the files of `mail show` and
 * `mail read` share.
 */
#ifndef POSTRIDER_CLI_CLI_SHOW_INT_H
#define POSTRIDER_CLI_CLI_SHOW_INT_H

#include "base/admin.h"
#include "base/arena.h"
#include "base/buf.h"
#include "message/jmap_part.h"
#include "message/jmap_view.h"

struct show {
	const struct mime_tree *tree;
	const uint32_t *ordinals; /* jmap_view.h */
	struct arena arena;       /* tree and lists */
	struct arena scratch;     /* for one part or field; reset in between */

	/* the message: in memory, or in a file that can be read anywhere */
	struct span memory;
	int fd;                /* -1: in memory */
	bool owns_fd;
	uint64_t size;
	uint8_t *piece;        /* what was read last */

	int out_fd;
	struct buf out;        /* waits to be written */
	bool has_failed;       /* out_fd does not take it */
};

/* "-" is standard input, which is kept in a temporary file if it is none.
 * The message is parsed. */
enum code show_open_file(struct show *s, struct span path, int out_fd,
	struct err *e) MUST_USE;
/* The message must live as long as the show. */
void show_open_memory(struct show *s, struct span message, int out_fd);
/* False: not all could be written. */
bool show_close(struct show *s);

/* The next bytes from at on, before end; empty: there are none.  Valid until
 * the next call. */
struct span show_read(struct show *s, uint64_t at, uint64_t end);
/* The head of a part, at most MESSAGE_HEAD_MAX bytes of it; in scratch. */
struct span show_head(struct show *s, uint32_t part);
/* How many bytes a part is, decoded. */
uint64_t show_octets(struct show *s, uint32_t part);

/* Writes what waits, if it is much; after every piece of output. */
void show_flush(struct show *s);

/* "1.2"; "-" if it has no number. */
void show_put_number(struct show *s, struct buf *out, uint32_t part);

/* The views. */
void show_text(struct show *s);
void show_json(struct show *s);
/* False: the transfer encoding was damaged. */
bool show_bytes(struct show *s, uint32_t part);

#endif
