/*
 * directory_admin_domain.c - the administrator's commands about domains, and about
 * their other names.
 */
#include <stdio.h>

#include "base/time.h"
#include "directory/directory_int.h"

#include "base/banned.h"

/* ---- domains ---------------------------------------------------------------------- */
/* The word in its one form; says so if it cannot be a domain. */
static enum admin_exit read_domain(struct directory_command *c,
	struct span word, struct directory_address *room, struct span *out)
{
	if (!directory_domain_parse(word, room))
		return directory_say(c, EXIT_BAD_DATA, "\"%.*s\" is no domain; "
			"write letters, digits, hyphens and dots, as in "
			"example.org (letters of any script)",
			SPAN_ARG(span_head(word, 128)));
	*out = directory_address_span(room);
	return EXIT_OK;
}

/* Does it to every domain of the command, up to the first that it cannot. */
static enum admin_exit for_each(struct directory_command *c,
	enum admin_exit (*run)(struct directory_command *c, struct span name))
{
	struct directory_address room;
	struct span word, name;
	enum admin_exit exit = EXIT_OK;

	for (size_t i = 0; exit == EXIT_OK && directory_word(c, i, &word);
		i++) {
		exit = read_domain(c, word, &room, &name);
		if (exit == EXIT_OK)
			exit = run(c, name);
	}
	return exit;
}

static enum admin_exit insert_domain(struct directory_command *c,
	struct span name)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"INSERT INTO domains (name, created_ms) VALUES ($1, $2)");

	if (directory_has_domain(c->d, name))
		return directory_say(c, EXIT_WARNINGS,
			"%.*s is one of your domains already", SPAN_ARG(name));
	db_bind_text(s, 1, name);
	db_bind_i64(s, 2, time_wall_ms());
	return db_run(s, c->e) == OK ? EXIT_OK : directory_trouble(c);
}

enum admin_exit directory_domain_add(struct directory_command *c)
{
	return for_each(c, insert_domain);
}

enum admin_exit directory_domain_list(struct directory_command *c)
{
	static const char sql[] = "SELECT name, "
		"(SELECT count(*) FROM accounts WHERE domain = name), "
		"(SELECT count(DISTINCT address) FROM aliases "
		"WHERE domain = name) FROM domains ORDER BY name";
	struct db_stmt *s = db_stmt(c->d->db, sql);
	enum code code;

	directory_row(c, (const struct span[]){SPAN("domain"),
		SPAN("accounts"), SPAN("aliases")}, 3);
	while ((code = db_step(s, c->e)) == OK) {
		char numbers[2][24];

		for (int i = 0; i < 2; i++)
			(void)snprintf(numbers[i], sizeof(numbers[i]), "%lld",
				(long long)db_i64(s, i + 1));
		directory_row(c, (const struct span[]){db_bytes(s, 0),
			span_str(numbers[0]), span_str(numbers[1])}, 3);
	}
	db_reset(s);
	return code == NOT_FOUND ? EXIT_OK : directory_trouble(c);
}

/* How many accounts and aliases the domain has; -1: trouble. */
static int64_t count_users(struct directory_command *c, struct span name)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"SELECT (SELECT count(*) FROM accounts WHERE domain = $1) + "
		"(SELECT count(*) FROM aliases WHERE domain = $1) + "
		"(SELECT count(*) FROM domain_aliases WHERE domain = $1)");
	int64_t count = -1;

	db_bind_text(s, 1, name);
	if (db_step(s, c->e) == OK)
		count = db_i64(s, 0);
	db_reset(s);
	return count;
}

static bool is_domain(const struct directory_command *c, struct span name)
{
	const struct directory_domain *d = dict_get(&c->d->domains, name);

	return d != NULL && d->of_n == 0;
}

static enum admin_exit delete_domain(struct directory_command *c,
	struct span name)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"DELETE FROM domains WHERE name = $1");
	int64_t users;

	if (!is_domain(c, name))
		return directory_say_missing(c, "domain", name,
			"SELECT name FROM domains");
	users = count_users(c, name);
	if (users < 0)
		return directory_trouble(c);
	if (users > 0)
		return directory_say(c, EXIT_DENIED, "%.*s still has %lld "
			"accounts and aliases; remove them first: postrider "
			"account list %.*s", SPAN_ARG(name), (long long)users,
			SPAN_ARG(name));
	db_bind_text(s, 1, name);
	return db_run(s, c->e) == OK ? EXIT_OK : directory_trouble(c);
}

enum admin_exit directory_domain_remove(struct directory_command *c)
{
	return for_each(c, delete_domain);
}

/* ---- other names -------------------------------------------------------------------- */
static enum admin_exit check_other_name(struct directory_command *c,
	struct span name, struct span domain)
{
	const struct directory_domain *of = dict_get(&c->d->domains, domain);

	if (directory_has_domain(c->d, name))
		return directory_say(c, EXIT_CANNOT_CREATE, "%.*s is one of "
			"your domains, or another name of one, already",
			SPAN_ARG(name));
	if (of == NULL)
		return directory_say_missing(c, "domain", domain,
			"SELECT name FROM domains");
	if (of->of_n > 0)
		return directory_say(c, EXIT_DENIED, "%.*s is only another "
			"name itself, of %.*s; name that", SPAN_ARG(domain),
			SPAN_ARG(span_of(of->of, of->of_n)));
	return EXIT_OK;
}

enum admin_exit directory_domain_alias_add(struct directory_command *c)
{
	struct db_stmt *s = db_stmt(c->d->db, "INSERT INTO domain_aliases "
		"(name, domain, created_ms) VALUES ($1, $2, $3)");
	struct directory_address rooms[2];
	struct span word, name, domain = SPAN_EMPTY;
	enum admin_exit exit;

	(void)directory_word(c, 0, &word);
	exit = read_domain(c, word, &rooms[0], &name);
	(void)directory_word(c, 1, &word);
	if (exit == EXIT_OK)
		exit = read_domain(c, word, &rooms[1], &domain);
	if (exit == EXIT_OK)
		exit = check_other_name(c, name, domain);
	if (exit != EXIT_OK)
		return exit;
	db_bind_text(s, 1, name);
	db_bind_text(s, 2, domain);
	db_bind_i64(s, 3, time_wall_ms());
	return db_run(s, c->e) == OK ? EXIT_OK : directory_trouble(c);
}

enum admin_exit directory_domain_alias_list(struct directory_command *c)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"SELECT name, domain FROM domain_aliases ORDER BY name");
	enum code code;

	directory_row(c, (const struct span[]){SPAN("name"), SPAN("domain")},
		2);
	while ((code = db_step(s, c->e)) == OK)
		directory_row(c, (const struct span[]){db_bytes(s, 0),
			db_bytes(s, 1)}, 2);
	db_reset(s);
	return code == NOT_FOUND ? EXIT_OK : directory_trouble(c);
}

static enum admin_exit delete_other_name(struct directory_command *c,
	struct span name)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"DELETE FROM domain_aliases WHERE name = $1");

	db_bind_text(s, 1, name);
	if (db_run(s, c->e) != OK)
		return directory_trouble(c);
	if (db_changes(c->d->db) > 0)
		return EXIT_OK;
	return directory_say_missing(c, "domain alias", name,
		"SELECT name FROM domain_aliases");
}

enum admin_exit directory_domain_alias_remove(struct directory_command *c)
{
	return for_each(c, delete_other_name);
}
