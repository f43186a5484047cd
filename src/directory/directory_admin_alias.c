/*
 * directory_admin_alias.c - the administrator's commands about aliases.
 *
 * A target of ours is kept in its one form, so that it is found when its
 * account goes; one of another server keeps its local part as it was typed,
 * for only that server knows what it means (RFC 5321 2.3.11).
 */
#include <string.h>

#include "base/buf.h"
#include "directory/directory_int.h"

#include "base/banned.h"

#define ALIAS_TARGETS_MAX 1000 /* of one alias; more: nest them */

static const char all_aliases[] = "SELECT DISTINCT address FROM aliases";

/* An address of ours, or "@hamburger.edu": all of a domain that nobody has. */
static enum admin_exit read_alias(struct directory_command *c,
	struct span word, struct directory_address *out)
{
	struct directory_address domain;
	struct span name;

	if (word.n == 0 || word.p[0] != '@')
		return directory_own_address(c, word, out);
	if (!directory_domain_parse(span_tail(word, 1), &domain) ||
		!directory_has_domain(c->d, directory_address_span(&domain)))
		return directory_say(c, EXIT_NO_ADDRESS, "%.*s is not one of "
			"your domains; see: postrider domain list",
			SPAN_ARG(span_head(span_tail(word, 1), 128)));
	name = directory_address_span(&domain);
	if (name.n + 1 > sizeof(out->text))
		return directory_say(c, EXIT_BAD_DATA, "the name is too long");
	out->text[0] = '@';
	memcpy(out->text + 1, name.p, name.n);
	out->n = name.n + 1;
	out->local_n = 0;
	return EXIT_OK;
}

/* ---- add -------------------------------------------------------------------------- */
static enum admin_exit check_no_account(struct directory_command *c,
	const struct directory_address *address)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"SELECT 1 FROM accounts WHERE address = $1");
	enum code code;

	db_bind_text(s, 1, directory_address_span(address));
	code = db_step(s, c->e);
	db_reset(s);
	if (code == NOT_FOUND)
		return EXIT_OK;
	if (code != OK)
		return directory_trouble(c);
	return directory_say(c, EXIT_CANNOT_CREATE, "%.*s is an account; an "
		"alias needs a name of its own",
		SPAN_ARG(directory_address_span(address)));
}

/* Of another server: the local part as it was typed.  False: too long. */
static bool keep_local(struct span word, struct directory_address *out)
{
	const struct directory_address read = *out;
	struct span domain = directory_address_domain(&read);
	size_t local_n = span_find_last(word, '@');

	if (local_n + 1 + domain.n > sizeof(out->text))
		return false;
	memcpy(out->text, word.p, local_n);
	out->text[local_n] = '@';
	memcpy(out->text + local_n + 1, domain.p, domain.n);
	out->n = local_n + 1 + domain.n;
	out->local_n = local_n;
	return true;
}

enum admin_exit directory_read_target(struct directory_command *c,
	struct span word, struct directory_address *out)
{
	struct directory_match match;
	bool is_good = directory_address_parse(word, out) &&
		out->local_n < out->n;
	bool is_ours = is_good &&
		directory_has_domain(c->d, directory_address_domain(out));

	if (!is_good || (!is_ours && !keep_local(word, out)))
		return directory_say(c, EXIT_BAD_DATA, "\"%.*s\" is no "
			"address; write it as in bob@example.org",
			SPAN_ARG(span_head(word, 128)));
	if (!is_ours)
		return EXIT_OK;
	if (directory_match(c->d, out, &match, c->e) != OK)
		return directory_trouble(c);
	if (match.hit.kind == DIRECTORY_NO_USER)
		return directory_say(c, EXIT_WARNINGS, "there is no %.*s yet; "
			"add it, or its senders will be told that there is "
			"nobody", SPAN_ARG(directory_address_span(out)));
	return EXIT_OK;
}

/* A target takes the place of a refusal. */
static enum admin_exit forget_refusal(struct directory_command *c,
	const struct directory_address *address)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"DELETE FROM aliases WHERE address = $1 AND target = ''");

	db_bind_text(s, 1, directory_address_span(address));
	return db_run(s, c->e) == OK ? EXIT_OK : directory_trouble(c);
}

static enum admin_exit add_target(struct directory_command *c,
	const struct directory_address *address, struct span word)
{
	struct db_stmt *s = db_stmt(c->d->db, "INSERT INTO aliases (address, "
		"target, domain) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
	struct directory_address target;
	enum admin_exit exit = directory_read_target(c, word, &target);

	if (exit > EXIT_WARNINGS)
		return exit;
	if (span_eq(directory_address_span(&target),
		    directory_address_span(address)))
		return directory_say(c, EXIT_BAD_DATA, "%.*s would lead to "
			"itself", SPAN_ARG(directory_address_span(address)));
	db_bind_text(s, 1, directory_address_span(address));
	db_bind_text(s, 2, directory_address_span(&target));
	db_bind_text(s, 3, directory_address_domain(address));
	return db_run(s, c->e) == OK ? exit : directory_trouble(c);
}

static enum admin_exit check_count(struct directory_command *c,
	const struct directory_address *address)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"SELECT count(*) FROM aliases WHERE address = $1");
	int64_t count = 0;
	enum code code;

	db_bind_text(s, 1, directory_address_span(address));
	code = db_step(s, c->e);
	if (code == OK)
		count = db_i64(s, 0);
	db_reset(s);
	if (code != OK)
		return directory_trouble(c);
	return count <= ALIAS_TARGETS_MAX ? EXIT_OK
					  : directory_say(c, EXIT_DENIED,
		"%.*s would have more than %d targets; give some of them to "
		"another alias, and that as a target here",
		SPAN_ARG(directory_address_span(address)), ALIAS_TARGETS_MAX);
}

enum admin_exit directory_alias_add(struct directory_command *c)
{
	struct directory_address address;
	struct span word;
	enum admin_exit worst, exit;

	(void)directory_word(c, 0, &word);
	worst = read_alias(c, word, &address);
	if (worst == EXIT_OK)
		worst = check_no_account(c, &address);
	if (worst == EXIT_OK)
		worst = forget_refusal(c, &address);
	for (size_t i = 1; worst <= EXIT_WARNINGS &&
		directory_word(c, i, &word); i++) {
		exit = add_target(c, &address, word);
		worst = exit > worst ? exit : worst;
	}
	if (worst > EXIT_WARNINGS)
		return worst;
	exit = check_count(c, &address);
	return exit > worst ? exit : worst;
}

/* Nobody has it, whatever its domain takes else: a row without a target. */
static enum admin_exit refuse_one(struct directory_command *c,
	struct span word)
{
	struct db_stmt *drop, *s;
	struct directory_address address;
	enum admin_exit exit = read_alias(c, word, &address);

	if (exit == EXIT_OK)
		exit = check_no_account(c, &address);
	if (exit != EXIT_OK)
		return exit;
	drop = db_stmt(c->d->db, "DELETE FROM aliases WHERE address = $1");
	db_bind_text(drop, 1, directory_address_span(&address));
	s = db_stmt(c->d->db, "INSERT INTO aliases (address, target, domain) "
		"VALUES ($1, '', $2)");
	if (db_run(drop, c->e) != OK)
		return directory_trouble(c);
	db_bind_text(s, 1, directory_address_span(&address));
	db_bind_text(s, 2, directory_address_domain(&address));
	return db_run(s, c->e) == OK ? EXIT_OK : directory_trouble(c);
}

enum admin_exit directory_alias_refuse(struct directory_command *c)
{
	enum admin_exit exit = EXIT_OK;
	struct span word;

	for (size_t i = 0; exit == EXIT_OK && directory_word(c, i, &word); i++)
		exit = refuse_one(c, word);
	return exit;
}

/* ---- list, remove ------------------------------------------------------------------- */
/* An alias or a domain, in its one form if it has one. */
static struct span read_key(struct span word, struct directory_address *room)
{
	bool is_domain = span_find(word, '@') == word.n;

	if (is_domain ? directory_domain_parse(word, room)
		      : directory_address_parse(word, room))
		return directory_address_span(room);
	return word;
}

enum admin_exit directory_alias_list(struct directory_command *c)
{
	static const char all[] = "SELECT address, CASE target WHEN '' THEN "
		"'(refused)' ELSE target END FROM aliases "
		"ORDER BY domain, address, target";
	static const char some[] = "SELECT address, CASE target WHEN '' THEN "
		"'(refused)' ELSE target END FROM aliases "
		"WHERE address = $1 OR domain = $1 ORDER BY address, target";
	struct directory_address address;
	struct span word, key = SPAN_EMPTY;
	struct db_stmt *s;
	enum code code;

	if (directory_word(c, 0, &word))
		key = read_key(word, &address);
	s = db_stmt(c->d->db, key.n > 0 ? some : all);
	if (key.n > 0)
		db_bind_text(s, 1, key);
	directory_row(c, (const struct span[]){SPAN("alias"), SPAN("target")},
		2);
	while ((code = db_step(s, c->e)) == OK)
		directory_row(c, (const struct span[]){db_bytes(s, 0),
			db_bytes(s, 1)}, 2);
	db_reset(s);
	return code == NOT_FOUND ? EXIT_OK : directory_trouble(c);
}

static enum admin_exit remove_target(struct directory_command *c,
	const struct directory_address *address, struct span word)
{
	struct db_stmt *s = db_stmt(c->d->db, "DELETE FROM aliases "
		"WHERE address = $1 AND (target = $2 OR target = $3)");
	struct directory_address target, foreign;

	if (!directory_address_parse(word, &target))
		target.n = target.local_n = 0;
	foreign = target;
	if (target.local_n == target.n || !keep_local(word, &foreign))
		foreign.n = 0;
	db_bind_text(s, 1, directory_address_span(address));
	db_bind_text(s, 2, directory_address_span(&target));
	db_bind_text(s, 3, directory_address_span(&foreign));
	if (db_run(s, c->e) != OK)
		return directory_trouble(c);
	if (db_changes(c->d->db) > 0)
		return EXIT_OK;
	return directory_say(c, EXIT_NO_ADDRESS, "%.*s has no target %.*s; "
		"see: postrider alias list %.*s",
		SPAN_ARG(directory_address_span(address)),
		SPAN_ARG(span_head(word, 128)),
		SPAN_ARG(directory_address_span(address)));
}

static enum admin_exit remove_all(struct directory_command *c,
	const struct directory_address *address)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"DELETE FROM aliases WHERE address = $1");

	db_bind_text(s, 1, directory_address_span(address));
	if (db_run(s, c->e) != OK)
		return directory_trouble(c);
	if (db_changes(c->d->db) > 0)
		return EXIT_OK;
	return directory_say_missing(c, "alias",
		directory_address_span(address), all_aliases);
}

enum admin_exit directory_alias_remove(struct directory_command *c)
{
	struct directory_address address;
	struct span word;
	enum admin_exit exit;

	(void)directory_word(c, 0, &word);
	exit = read_alias(c, word, &address);
	if (exit != EXIT_OK)
		return exit;
	if (!directory_word(c, 1, &word))
		return remove_all(c, &address);
	for (size_t i = 1; exit == EXIT_OK && directory_word(c, i, &word); i++)
		exit = remove_target(c, &address, word);
	return exit;
}
