/*
 * directory_admin.c - the administrator's commands: which there are, and what they
 * share.
 *
 * Each command that changes something is one transaction: all of it is done or
 * nothing.  After it what was remembered is forgotten.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/near.h"
#include "base/time.h"
#include "directory/directory_int.h"

#include "base/banned.h"

/* ---- what the commands share ----------------------------------------------------- */
__attribute__((format(printf, 3, 4))) enum admin_exit directory_say(
	struct directory_command *c, enum admin_exit exit, const char *format,
	...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(c->said, sizeof(c->said), format, ap);
	va_end(ap);
	return exit;
}

enum admin_exit directory_trouble(struct directory_command *c)
{
	err_wrap(c->e, "directory.db");
	(void)directory_say(c, EXIT_IO, "%s", c->e->text);
	if (c->e->code == FULL)
		return EXIT_CANNOT_CREATE;
	return c->e->code == BUSY ? EXIT_TRY_AGAIN : EXIT_IO;
}

static bool is_option(struct span word)
{
	return span_starts(word, SPAN("--"));
}

bool directory_option(const struct directory_command *c, struct span name,
	struct span *out_value)
{
	for (size_t i = 0; i < c->count; i++) {
		struct span value = c->words[i];
		struct span key = span_cut(&value, '=');

		if (is_option(key) && span_eq(span_tail(key, 2), name)) {
			*out_value = value;
			return true;
		}
	}
	return false;
}

bool directory_word(const struct directory_command *c, size_t i,
	struct span *out)
{
	for (size_t k = 0; k < c->count; k++) {
		if (is_option(c->words[k]))
			continue;
		if (i-- == 0) {
			*out = c->words[k];
			return true;
		}
	}
	return false;
}

void directory_row(const struct directory_command *c,
	const struct span *cells, size_t count)
{
	c->out->row(c->out->arg, cells, count);
}

void directory_tell_later(struct directory_command *c,
	enum directory_tell_kind kind, uint64_t account, uint64_t quota_bytes)
{
	must(c->d->tell_count < ADMIN_WORDS_MAX);
	c->d->tells[c->d->tell_count++] =
		(struct directory_tell){.kind = kind, .account = account,
			.quota_bytes = quota_bytes};
}

void directory_tell_ban(struct directory_command *c,
	const struct guess_ban *ban)
{
	directory_tell_later(c, DIRECTORY_TELL_BAN, 0, 0);
	c->d->tells[c->d->tell_count - 1].ban = *ban;
}

static void tell(const struct directory *d)
{
	const struct directory_listener *l = &d->listener;

	for (size_t i = 0; i < d->tell_count; i++) {
		const struct directory_tell *t = &d->tells[i];

		if (t->kind == DIRECTORY_TELL_GONE && l->gone != NULL)
			l->gone(l->arg, t->account);
		if (t->kind == DIRECTORY_TELL_QUOTA && l->quota != NULL)
			l->quota(l->arg, t->account, t->quota_bytes);
		if (t->kind == DIRECTORY_TELL_LOGOUT && l->logout != NULL)
			l->logout(l->arg, t->account);
		if (t->kind == DIRECTORY_TELL_BAN && d->on_ban != NULL)
			d->on_ban(d->on_ban_arg, &t->ban);
	}
}

/* Of all names that sql gives, the one that looks most like this. */
static struct span nearest(struct directory_command *c, struct span name,
	const char *sql, uint8_t *room, size_t room_bytes)
{
	struct db_stmt *s = db_stmt(c->d->db, sql);
	size_t best = NEAR_BYTES_MAX;
	struct span found = SPAN_EMPTY;

	while (db_step(s, NULL) == OK) {
		struct span row = db_bytes(s, 0);
		size_t distance = near_distance(name, row);

		if (distance < best && row.n <= room_bytes) {
			memcpy(room, row.p, row.n);
			found = span_of(room, row.n);
			best = distance;
		}
	}
	db_reset(s);
	return near_enough(name, best) ? found : SPAN_EMPTY;
}

enum admin_exit directory_say_missing(struct directory_command *c,
	const char *kind, struct span name, const char *sql)
{
	uint8_t room[NEAR_BYTES_MAX];
	struct span near = nearest(c, name, sql, room, sizeof(room));

	name = span_head(name, 128);
	if (near.n > 0)
		return directory_say(c, EXIT_NO_ADDRESS,
			"there is no %s %.*s; did you mean %.*s?", kind,
			SPAN_ARG(name), SPAN_ARG(near));
	return directory_say(c, EXIT_NO_ADDRESS,
		"there is no %s %.*s; see: postrider %s list", kind,
		SPAN_ARG(name), kind);
}

static enum admin_exit say_foreign(struct directory_command *c,
	struct span domain)
{
	uint8_t room[NEAR_BYTES_MAX];
	struct span near = nearest(c, domain, "SELECT name FROM domains", room,
		sizeof(room));

	if (near.n > 0)
		return directory_say(c, EXIT_NO_ADDRESS,
			"%.*s is not one of your domains; did you mean %.*s?",
			SPAN_ARG(domain), SPAN_ARG(near));
	return directory_say(c, EXIT_NO_ADDRESS,
		"%.*s is not one of your domains; add it first: postrider "
		"domain add %.*s", SPAN_ARG(domain), SPAN_ARG(domain));
}

enum admin_exit directory_own_address(struct directory_command *c,
	struct span word, struct directory_address *out)
{
	if (!directory_address_parse(word, out) || out->local_n == out->n)
		return directory_say(c, EXIT_BAD_DATA, "\"%.*s\" is no "
			"address; write it as in bob@example.org",
			SPAN_ARG(span_head(word, 128)));
	if (directory_has_domain(c->d, directory_address_domain(out)))
		return EXIT_OK;
	return say_foreign(c, directory_address_domain(out));
}

/* ---- which there are ------------------------------------------------------------------ */
/* How many passwords a command makes. */
enum news { NO_NEW, ONE_NEW, EACH_NEW };

/* clang-format off */
static const struct verb {
	const char *noun;
	const char *verb; /* one word, or two */
	size_t words_min, words_max;
	bool changes;
	enum admin_exit (*run)(struct directory_command *c);
	const char *options; /* "--name=" or "--name", separated by blanks */
	enum news news;
} verbs[] = {
	{"domain",  "add",      1, ADMIN_WORDS_MAX, true,  directory_domain_add,       "", NO_NEW},
	{"domain",  "list",     0, 0,               false, directory_domain_list,      "", NO_NEW},
	{"domain",  "remove",   1, ADMIN_WORDS_MAX, true,  directory_domain_remove,    "", NO_NEW},
	{"domain",  "alias add",    2, 2,           true,  directory_domain_alias_add,    "", NO_NEW},
	{"domain",  "alias list",   0, 0,           false, directory_domain_alias_list,   "", NO_NEW},
	{"domain",  "alias remove", 1, ADMIN_WORDS_MAX, true, directory_domain_alias_remove, "", NO_NEW},
	{"account", "add",      1, ADMIN_WORDS_MAX, true,  directory_account_add,      "password password-hash quota", EACH_NEW},
	{"account", "list",     0, 1,               false, directory_account_list,     "", NO_NEW},
	{"account", "show",     1, 1,               false, directory_account_show,     "", NO_NEW},
	{"account", "remove",   1, ADMIN_WORDS_MAX, true,  directory_account_remove,   "", NO_NEW},
	{"account", "password", 1, 1,               true,  directory_account_password, "password password-hash", ONE_NEW},
	{"account", "quota",    2, 2,               true,  directory_account_quota,    "", NO_NEW},
	{"account", "app-password add",    2, 2,    true,  directory_app_add,          "only", ONE_NEW},
	{"account", "app-password list",   1, 1,    false, directory_app_list,         "", NO_NEW},
	{"account", "app-password remove", 2, 2,    true,  directory_app_remove,       "", NO_NEW},
	{"account", "certificate add",     2, 2,    true,  directory_certificate_add,  "", NO_NEW},
	{"account", "certificate list",    1, 1,    false, directory_certificate_list, "", NO_NEW},
	{"account", "certificate remove",  2, 2,    true,  directory_certificate_remove, "", NO_NEW},
	{"account", "forward add",    2, ADMIN_WORDS_MAX, true, directory_forward_add,    "no-copy", NO_NEW},
	{"account", "forward list",   0, 1,         false, directory_forward_list,        "", NO_NEW},
	{"account", "forward remove", 1, ADMIN_WORDS_MAX, true, directory_forward_remove, "", NO_NEW},
	{"ban",     "add",      1, ADMIN_WORDS_MAX, true,  directory_ban_add,          "for reason", NO_NEW},
	{"ban",     "list",     0, 0,               false, directory_ban_list,         "", NO_NEW},
	{"ban",     "remove",   1, ADMIN_WORDS_MAX, true,  directory_ban_remove,       "", NO_NEW},
	{"alias",   "add",      2, ADMIN_WORDS_MAX, true,  directory_alias_add,        "", NO_NEW},
	{"alias",   "refuse",   1, ADMIN_WORDS_MAX, true,  directory_alias_refuse,     "", NO_NEW},
	{"alias",   "list",     0, 1,               false, directory_alias_list,       "", NO_NEW},
	{"alias",   "remove",   1, ADMIN_WORDS_MAX, true,  directory_alias_remove,     "", NO_NEW},
	{"test",    "address",  1, 1,               false, directory_test_address,     "", NO_NEW},
};
/* clang-format on */

/* How many words the verb takes at the start of these; 0: it is another. */
static size_t match(const struct verb *v, const struct span *words,
	size_t count)
{
	struct span left = span_str(v->verb);
	size_t i = 0;

	if (count == 0 || !span_eq(words[i++], span_str(v->noun)))
		return 0;
	while (left.n > 0)
		if (i == count || !span_eq(words[i++], span_cut(&left, ' ')))
			return 0;
	return i;
}

static const struct verb *find_verb(const struct span *words, size_t count,
	size_t *out_taken)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		*out_taken = match(&verbs[i], words, count);
		if (*out_taken > 0)
			return &verbs[i];
	}
	return NULL;
}

static bool is_known(const struct verb *v, struct span word)
{
	struct span left = span_str(v->options);
	struct span name = span_tail(span_cut(&word, '='), 2);

	while (left.n > 0)
		if (span_eq(span_cut(&left, ' '), name))
			return true;
	return false;
}

static enum admin_exit check_words(struct directory_command *c,
	const struct verb *v)
{
	size_t plain = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (!is_option(c->words[i]))
			plain++;
		else if (!is_known(v, c->words[i]))
			return directory_say(c, EXIT_USAGE,
				"%s %s knows no %.*s", v->noun, v->verb,
				SPAN_ARG(span_head(c->words[i], 64)));
	}
	if (plain < v->words_min || plain > v->words_max)
		return directory_say(c, EXIT_USAGE, "%s %s: %s; see: postrider "
			"%s %s --help", v->noun, v->verb,
			plain < v->words_min ? "something is missing"
					     : "there is a word too many",
			v->noun, v->verb);
	return EXIT_OK;
}

/* One transaction; a warning is no reason to undo. */
static enum admin_exit change(struct directory_command *c,
	const struct verb *v)
{
	enum admin_exit exit;
	struct err e;

	c->d->tell_count = 0;
	if (db_begin(c->d->db, c->e) != OK)
		return directory_trouble(c);
	exit = v->run(c);
	if (exit > EXIT_WARNINGS)
		db_rollback(c->d->db);
	else if (db_commit(c->d->db, c->e) != OK)
		exit = directory_trouble(c);
	else
		tell(c->d);
	if (directory_refresh(c->d, &e) != OK) {
		*c->e = e;
		exit = directory_trouble(c);
	}
	return exit;
}

enum admin_exit directory_admin(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	size_t taken;
	const struct verb *v = find_verb(words, count, &taken);
	struct directory_command c = {.d = module, .words = words + taken,
		.count = count - taken, .out = out, .e = e};
	enum admin_exit exit;

	if (v == NULL) {
		err_set(e, NOT_FOUND, "there is no such command; see: "
			"postrider --help");
		return EXIT_USAGE;
	}
	exit = check_words(&c, v);
	if (exit == EXIT_OK)
		exit = v->changes ? change(&c, v) : v->run(&c);
	directory_supply(c.d, NULL, 0);
	memcpy(e->text, c.said, sizeof(e->text));
	return exit;
}

size_t directory_new_passwords(struct directory *d, const struct span *words,
	size_t count, struct directory_new **out)
{
	size_t taken;
	const struct verb *v = find_verb(words, count, &taken);
	struct err e;
	struct directory_command c = {.d = d, .words = words + taken,
		.count = count - taken, .e = &e};
	size_t wanted;

	*out = NULL;
	if (v == NULL || v->news == NO_NEW || check_words(&c, v) != EXIT_OK)
		return 0;
	wanted = directory_new_count(&c, v->news == EACH_NEW);
	if (wanted == 0)
		return 0;
	*out = mem_new(wanted, sizeof(**out));
	if (directory_new_begin(&c, *out, wanted))
		return wanted;
	directory_new_free(*out, wanted);
	*out = NULL;
	return 0;
}
