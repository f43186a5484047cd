/*
 * directory_admin_forward.c - where an account's mail goes on to.
 *
 * A target is kept as an alias's is (directory_admin_alias.c); an empty one says
 * that a copy stays in the mailbox.
 */
#include "directory/directory_int.h"

#include "base/banned.h"

#define FORWARDS_MAX 100 /* of one account; more: an alias */

static enum admin_exit put(struct directory_command *c, int64_t account,
	struct span target)
{
	struct db_stmt *s = db_stmt(c->d->db, "INSERT INTO forwards (account, "
		"target) VALUES ($1, $2) ON CONFLICT DO NOTHING");

	db_bind_i64(s, 1, account);
	db_bind_text(s, 2, target);
	return db_run(s, c->e) == OK ? EXIT_OK : directory_trouble(c);
}

static enum admin_exit drop(struct directory_command *c, int64_t account,
	struct span target)
{
	struct db_stmt *s = db_stmt(c->d->db, "DELETE FROM forwards "
		"WHERE account = $1 AND target = $2");

	db_bind_i64(s, 1, account);
	db_bind_text(s, 2, target);
	return db_run(s, c->e) == OK ? EXIT_OK : directory_trouble(c);
}

/* How many targets there are, the mailbox itself not counted; -1: trouble. */
static int64_t count_targets(struct directory_command *c, int64_t account)
{
	struct db_stmt *s = db_stmt(c->d->db, "SELECT count(*) FROM forwards "
		"WHERE account = $1 AND target <> ''");
	int64_t count = -1;

	db_bind_i64(s, 1, account);
	if (db_step(s, c->e) == OK)
		count = db_i64(s, 0);
	db_reset(s);
	return count;
}

static enum admin_exit add_one(struct directory_command *c, int64_t account,
	const struct directory_address *address, struct span word)
{
	struct directory_address target;
	enum admin_exit exit = directory_read_target(c, word, &target);
	enum admin_exit put_exit;

	if (exit > EXIT_WARNINGS)
		return exit;
	if (span_eq(directory_address_span(&target),
		    directory_address_span(address)))
		return directory_say(c, EXIT_BAD_DATA, "%.*s would go on to "
			"itself; without --no-copy a copy stays anyway",
			SPAN_ARG(directory_address_span(address)));
	put_exit = put(c, account, directory_address_span(&target));
	return put_exit == EXIT_OK ? exit : put_exit;
}

enum admin_exit directory_forward_add(struct directory_command *c)
{
	struct directory_address address;
	struct span word;
	int64_t account, before;
	enum admin_exit worst, exit;
	bool keeps_none = directory_option(c, SPAN("no-copy"), &word);

	(void)directory_word(c, 0, &word);
	worst = directory_find_account(c, word, &address, &account);
	if (worst != EXIT_OK)
		return worst;
	before = count_targets(c, account);
	for (size_t i = 1; worst <= EXIT_WARNINGS &&
		directory_word(c, i, &word); i++) {
		exit = add_one(c, account, &address, word);
		worst = exit > worst ? exit : worst;
	}
	/* who says nothing about a copy changes nothing about it */
	if (worst <= EXIT_WARNINGS && (keeps_none || before == 0)) {
		exit = keeps_none ? drop(c, account, SPAN(""))
				  : put(c, account, SPAN(""));
		worst = exit > worst ? exit : worst;
	}
	if (worst <= EXIT_WARNINGS && count_targets(c, account) > FORWARDS_MAX)
		return directory_say(c, EXIT_DENIED, "%.*s would go on to more "
			"than %d addresses; give them to an alias, and that "
			"as a target here",
			SPAN_ARG(directory_address_span(&address)),
			FORWARDS_MAX);
	return worst;
}

enum admin_exit directory_forward_list(struct directory_command *c)
{
	static const char sql[] = "SELECT a.address, CASE f.target "
		"WHEN '' THEN '(a copy stays)' ELSE f.target END "
		"FROM forwards f JOIN accounts a ON a.account = f.account "
		"WHERE $1 = 0 OR f.account = $1 "
		"ORDER BY a.domain, a.address, f.target";
	struct db_stmt *s;
	struct directory_address address;
	struct span word;
	int64_t account = 0;
	enum admin_exit exit;
	enum code code;

	if (directory_word(c, 0, &word)) {
		exit = directory_find_account(c, word, &address, &account);
		if (exit != EXIT_OK)
			return exit;
	}
	s = db_stmt(c->d->db, sql);
	db_bind_i64(s, 1, account);
	directory_row(c, (const struct span[]){SPAN("account"),
		SPAN("goes on to")}, 2);
	while ((code = db_step(s, c->e)) == OK)
		directory_row(c, (const struct span[]){db_bytes(s, 0),
			db_bytes(s, 1)}, 2);
	db_reset(s);
	return code == NOT_FOUND ? EXIT_OK : directory_trouble(c);
}

static enum admin_exit remove_all(struct directory_command *c, int64_t account)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"DELETE FROM forwards WHERE account = $1");

	db_bind_i64(s, 1, account);
	return db_run(s, c->e) == OK ? EXIT_OK : directory_trouble(c);
}

static enum admin_exit remove_one(struct directory_command *c, int64_t account,
	struct span word)
{
	struct directory_address target;
	enum admin_exit exit = directory_read_target(c, word, &target);

	if (exit > EXIT_WARNINGS)
		return exit;
	exit = drop(c, account, directory_address_span(&target));
	if (exit != EXIT_OK || db_changes(c->d->db) > 0)
		return exit;
	return directory_say(c, EXIT_NO_ADDRESS, "its mail does not go on to "
		"%.*s; see: postrider account forward list",
		SPAN_ARG(span_head(word, 128)));
}

enum admin_exit directory_forward_remove(struct directory_command *c)
{
	struct directory_address address;
	struct span word;
	int64_t account, left;
	enum admin_exit exit;

	(void)directory_word(c, 0, &word);
	exit = directory_find_account(c, word, &address, &account);
	if (exit != EXIT_OK)
		return exit;
	if (!directory_word(c, 1, &word))
		return remove_all(c, account);
	for (size_t i = 1; exit == EXIT_OK && directory_word(c, i, &word); i++)
		exit = remove_one(c, account, word);
	left = exit == EXIT_OK ? count_targets(c, account) : 1;
	if (left < 0)
		return directory_trouble(c);
	/* a mailbox that goes on to nobody is one that keeps its mail */
	return left == 0 ? remove_all(c, account) : exit;
}
