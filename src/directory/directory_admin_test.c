/*
 * directory_admin_test.c - `postrider test address`: what would become of a message
 * to it, rule by rule, and of all that the rules lead to.
 *
 * It asks the very functions that decide (directory_match.h), so it cannot say
 * anything else than what happens.
 */
#include <stdio.h>

#include "directory/directory_int.h"

#include "base/banned.h"

/* Of one row; what is longer is cut off. */
#define WORDS_BYTES 2048
/* Rows; what is behind them is told as a number. */
#define ROWS_MAX 200

struct test {
	struct directory_command *c;
	struct buf words;    /* of a row */
	struct dict seen;
	struct arena arena;
	struct span met[ROWS_MAX];
	size_t count, left_out;
	bool is_refused;     /* nobody gets it */
};

/* What is said of each rule; %.*s is what stands in the tables for it. */
static const char *const rules[DIRECTORY_RULE_COUNT] = {
	[DIRECTORY_BY_ACCOUNT] = "the mailbox of %.*s",
	[DIRECTORY_BY_FORWARD] = "the account %.*s, whose mail goes on",
	[DIRECTORY_BY_ALIAS] = "the alias %.*s",
	[DIRECTORY_BY_REFUSAL] = "nobody: %.*s is refused (alias refuse)",
	[DIRECTORY_BY_OFFICE] = "nobody of that name, but it must exist: the "
		"mailbox of %.*s, the first account",
	[DIRECTORY_BY_CATCH_ALL] = "nobody of that name: %.*s takes the rest",
	[DIRECTORY_BY_SRS] = "a notice about a message that was passed on, "
		"for its sender %.*s",
};

static void describe_kind(struct test *t, struct span address,
	const struct directory_match *m)
{
	struct span domain = span_tail(address,
		span_find_last(address, '@') + 1);

	switch (m->hit.kind) {
	case DIRECTORY_FOREIGN:
		buf_printf(&t->words, "another server's: it goes to the mail "
			"exchangers (MX) of %.*s", SPAN_ARG(domain));
		return;
	case DIRECTORY_BAD_DOMAIN:
		buf_puts(&t->words, "no address: 553 5.1.3");
		return;
	case DIRECTORY_NO_USER:
	case DIRECTORY_ACCOUNT:
	case DIRECTORY_ALIAS:
		break;
	default:
		unreachable();
	}
	if (rules[m->hit.rule] == NULL) {
		buf_puts(&t->words, "nobody: 550 5.1.1");
		return;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	/* the table above is ours */
	buf_printf(&t->words, rules[m->hit.rule],
		SPAN_ARG(directory_address_span(&m->key)));
#pragma GCC diagnostic pop
}

static void describe(struct test *t, struct span address,
	const struct directory_match *m)
{
	buf_reset(&t->words);
	if (m->hit.has_other_name)
		buf_puts(&t->words, "its domain is another name of ours; ");
	if (m->hit.has_detail)
		buf_puts(&t->words, "without what stands behind \"+\": ");
	describe_kind(t, address, m);
	if (m->hit.kind == DIRECTORY_ACCOUNT && m->hit.is_full)
		buf_puts(&t->words, "; it is full: 452 4.2.2, until there is "
			"room");
}

static void meet(struct test *t, struct span address)
{
	if (dict_get(&t->seen, address) != NULL)
		return;
	dict_put(&t->seen, address, t);
	if (t->count == ROWS_MAX)
		t->left_out++;
	else
		t->met[t->count++] = arena_dup(&t->arena, address);
}

/* Where it goes on to, in one step. */
static enum code meet_next(struct test *t, const struct directory_match *m,
	struct err *e)
{
	static const char of_alias[] = "SELECT target FROM aliases "
		"WHERE address = $1 ORDER BY target";
	static const char of_forward[] = "SELECT target FROM forwards f "
		"JOIN accounts a ON a.account = f.account "
		"WHERE a.address = $1 ORDER BY target";
	struct db_stmt *s = db_stmt(t->c->d->db,
		m->hit.rule == DIRECTORY_BY_FORWARD ? of_forward : of_alias);
	bool keeps_copy = false;
	enum code code = OK;

	db_bind_text(s, 1, directory_address_span(&m->key));
	buf_puts(&t->words, ", to:");
	while (code == OK) {
		struct span target;

		code = db_step(s, e);
		target = code == OK ? db_bytes(s, 0) : SPAN_EMPTY;
		keeps_copy |= code == OK && target.n == 0;
		if (target.n == 0)
			continue;
		buf_putc(&t->words, ' ');
		buf_put(&t->words, target);
		meet(t, target);
	}
	db_reset(s);
	if (m->hit.rule == DIRECTORY_BY_FORWARD)
		buf_puts(&t->words, keeps_copy ? "; a copy stays"
					       : "; no copy stays");
	return code == NOT_FOUND ? OK : code;
}

/* One row, and what it leads to. */
static enum code show(struct test *t, size_t i, struct err *e)
{
	struct span address = t->met[i];
	struct directory_match m;
	enum code code = directory_find(t->c->d, address, &m, e);

	if (code == SYNTAX) {
		m = (struct directory_match){
			.hit = {.kind = DIRECTORY_BAD_DOMAIN}};
		code = OK;
	}
	if (code != OK)
		return code;
	describe(t, address, &m);
	if (m.hit.kind == DIRECTORY_ALIAS && m.hit.rule == DIRECTORY_BY_SRS)
		meet(t, directory_address_span(&m.key));
	else if (m.hit.kind == DIRECTORY_ALIAS)
		code = meet_next(t, &m, e);
	if (i == 0)
		t->is_refused = m.hit.kind == DIRECTORY_NO_USER ||
			m.hit.kind == DIRECTORY_BAD_DOMAIN;
	if (code == OK)
		directory_row(t->c, (const struct span[]){address,
			buf_span(&t->words)}, 2);
	return code;
}

enum admin_exit directory_test_address(struct directory_command *c)
{
	struct test t = {.c = c};
	struct span word;
	enum code code = OK;

	(void)directory_word(c, 0, &word);
	buf_init(&t.words, WORDS_BYTES);
	arena_init(&t.arena, ROWS_MAX * DIRECTORY_ADDRESS_BYTES_MAX);
	dict_init(&t.seen);
	directory_row(c, (const struct span[]){SPAN("address"), SPAN("is")},
		2);
	meet(&t, span_head(word, DIRECTORY_ADDRESS_BYTES_MAX));
	for (size_t i = 0; code == OK && i < t.count; i++)
		code = show(&t, i, c->e);
	dict_clear(&t.seen);
	arena_clear(&t.arena);
	buf_clear(&t.words);
	if (code != OK)
		return directory_trouble(c);
	if (t.is_refused)
		return directory_say(c, EXIT_NO_ADDRESS,
			"a message to it is refused");
	if (t.left_out > 0)
		return directory_say(c, EXIT_OK, "and %zu more", t.left_out);
	return EXIT_OK;
}
