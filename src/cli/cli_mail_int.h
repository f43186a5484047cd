/*
 * cli_mail_int.h - what the files of `postrider mail` share.
 */
#ifndef POSTRIDER_CLI_CLI_MAIL_INT_H
#define POSTRIDER_CLI_CLI_MAIL_INT_H

#include "base/admin.h"
#include "base/arena.h"
#include "base/buf.h"
#include "cli/cli_mail_pop3.h"
#include "config/config.h"
#include "ipc/messages.h"

#define MAIL_LIST_MAX 100 /* of -t, and of -a */

struct mail_list {
	struct span items[MAIL_LIST_MAX];
	size_t count;
};

/* What was typed. */
struct mail_options {
	struct mail_list from, to, subject, file, server, user, folder;
	struct mail_list notify, ret, envid;
	bool has_password_stdin;
	struct span args[2];
	size_t arg_count;
};

struct mail_command {
	const struct config *config;
	const struct mail_options *options;
	const struct admin_out *out;
	struct arena *arena; /* of the command; for small things */
	struct err *e;
};

typedef enum admin_exit mail_fn(struct mail_command *m);
mail_fn mail_send, mail_show_list, mail_read, mail_save;

/* The exit status for a code, when e says the rest. */
enum admin_exit mail_exit_of(enum code code);

/* --server, or the first address of the first of these listeners that has one;
 * a wildcard becomes the loopback. */
enum code mail_server(const struct mail_command *m,
	const enum service *services, size_t count, struct buf *out,
	struct err *e) MUST_USE;

/* From stdin, the environment, or whoever sits at the terminal. */
enum code mail_get_password(const struct mail_command *m, struct buf *out)
	MUST_USE;

/* Logs in for list, read and save. */
enum code mail_open(const struct mail_command *m, struct cli_pop3 *p)
	MUST_USE;
/* The same, and gets the message whose number stands in args[0]. */
enum code mail_open_message(const struct mail_command *m, struct cli_pop3 *p)
	MUST_USE;

/* "12" for a part's listing: 0, "999", "1.5K", "20M". */
void mail_put_size(struct buf *out, uint64_t bytes);
/* A header field for people: decoded, on one line, escaped. */
void mail_put_field(struct buf *out, struct span head, const char *name);

#endif
