/*
 * directory_mailbox.c - `postrider mailbox`: directory knows whose mailboxes are
 * meant, and passes words and connection on to accounts.
 */
#include <string.h>

#include "role/directory_int.h"

#include "base/banned.h"

#define WORDS_NEEDED 3 /* noun, verb, address */

/* The first words of the field; how many there are. */
static size_t read_words(struct span field, struct span out[WORDS_NEEDED])
{
	struct rec_cell cell;
	size_t count = 0;

	while (count < WORDS_NEEDED && rec_next_cell(&field, &cell) == MORE)
		out[count++] = cell.text;
	return count;
}

static enum admin_exit find(struct directory_role *role, struct span address,
	uint64_t *out_account, struct err *e)
{
	struct directory_hit hit;
	enum code code = directory_resolve(role->directory, address, &hit, e);

	if (code != OK) {
		directory_note_trouble(role, e);
		return EXIT_TRY_AGAIN;
	}
	if (hit.kind != DIRECTORY_ACCOUNT) {
		err_set(e, NOT_FOUND, "nobody here has a mailbox as %.*s; see "
			"postrider account list", SPAN_ARG(address));
		return EXIT_NO_ADDRESS;
	}
	*out_account = hit.account;
	return EXIT_OK;
}

bool directory_pass_mailbox(struct directory_role *role, struct span words,
	int fd)
{
	struct channel *accounts = role_peer(role->run, ROLE_ACCOUNTS);
	struct msg_mailbox_admin m = {.words = words};
	struct span list[WORDS_NEEDED];
	struct err e = {.code = OK};

	if (read_words(words, list) < WORDS_NEEDED || accounts == NULL ||
		!span_eq(list[0], SPAN("mailbox")) ||
		find(role, list[2], &m.account, &e) != EXIT_OK)
		return false;
	channel_send(accounts, mailbox_admin, MAILBOX_ADMIN, 0, &m, fd);
	return true;
}

enum admin_exit directory_refuse_mailbox(struct directory_role *role,
	const struct span *words, size_t count, struct err *e)
{
	enum admin_exit exit;
	uint64_t account;

	if (count < WORDS_NEEDED) {
		err_set(e, SYNTAX, "whose mailboxes? give an address");
		return EXIT_USAGE;
	}
	exit = find(role, words[2], &account, e);
	if (exit == EXIT_OK) {
		err_set(e, TEMP, "that part of the server is being started: "
			"try again");
		return EXIT_TRY_AGAIN;
	}
	return exit;
}
