/*
 * directory_admin.c - commands that make passwords: what is slow about them is
 * done by hashers before the command.
 *
 *	ADMIN ── has passwords? ── one by one to the hashers ── all made ──▶ serve
 *
 * One at a time, so that logins come in between.  Others are served at once.
 */
#include "base/admin.h"

#include <unistd.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "role/admin.h"
#include "role/directory_int.h"

#include "base/banned.h"

#define WORDS_BYTES 98304 /* RECORDS_BYTES of messages.def */

/* A command that waits for its passwords. */
struct command {
	struct directory_role *role;
	int fd;
	struct buf words;
	struct directory_new *news;
	size_t count, made;
	struct hash_job job;
};

static enum admin_exit say_later(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	(void)module;
	(void)words;
	(void)count;
	(void)out;
	err_set(e, TEMP, "the password could not be hashed in time; look into "
		"the log, and try again");
	return EXIT_TRY_AGAIN;
}

static void serve(struct command *c, admin_fn *fn)
{
	struct directory_role *role = c->role;

	directory_supply(role->directory, c->news, c->made);
	admin_serve(role->run, fn, role, c->fd, buf_span(&c->words));
	directory_supply(role->directory, NULL, 0);
	directory_new_free(c->news, c->count);
	secret_wipe(c->words.p, c->words.room);
	buf_clear(&c->words);
	mem_free(c);
}

static void make_next(struct command *c);

static void made(struct hash_job *job, enum code verdict, struct span keys)
{
	struct command *c = job->owner;
	struct directory_new *new = &c->news[c->made];

	if (verdict != OK || !credential_unpack(keys, &new->credential)) {
		serve(c, say_later);
		return;
	}
	c->made++;
	if (c->made < c->count)
		make_next(c);
	else
		serve(c, directory_run_command);
}

static void make_next(struct command *c)
{
	struct directory_new *new = &c->news[c->made];

	c->job = (struct hash_job){
		.class = HASH_ADMIN,
		.is_new = true,
		.password = span_of(new->password, new->password_n),
		.salt = span_of(new->salt, sizeof(new->salt)),
		.done = made,
		.owner = c,
	};
	must(hash_put(&c->role->hashes, &c->job));
}

bool directory_take_command(void *state, struct span words, int fd)
{
	static struct span list[ADMIN_WORDS_MAX];
	struct directory_role *role = state;
	struct directory_new *news;
	struct command *c;
	size_t count;

	if (!admin_words(words, list, &count))
		return false;
	if (directory_pass_mailbox(role, words, fd))
		return true;
	count = directory_new_passwords(role->directory, list, count, &news);
	if (count == 0)
		return false;
	c = MEM_NEW(struct command);
	c->role = role;
	c->fd = fd;
	c->news = news;
	c->count = count;
	buf_init(&c->words, WORDS_BYTES);
	buf_put(&c->words, words);
	make_next(c);
	return true;
}
