/*
 * store_admin.c - the verbs of `postrider mailbox`.  See store_admin.h.
 */
#include "store/store_admin.h"

#include <stdio.h>

#include "store/store_int.h"

#include "base/banned.h"

#define CELL_BYTES 24

struct command {
	struct store *store;
	const struct span *words; /* behind the address */
	size_t count;
	const struct admin_out *out;
	struct err *e;
};

static enum admin_exit exit_of(enum code code)
{
	switch (code) {
	case OK:
		return EXIT_OK;
	case NOT_FOUND:
		return EXIT_NO_MATCH;
	case SYNTAX:
	case LIMIT:
	case EXISTS:
	case DENIED:
		return EXIT_BAD_DATA;
	case CORRUPT:
		return EXIT_CHECK_FAILED;
	case BUSY:
	case FULL:
	case GONE:
	case TEMP:
	case TIMEOUT:
	case CODE_COUNT:
		break;
	}
	return EXIT_TRY_AGAIN;
}

/* ---- list ------------------------------------------------------------------------ */
static struct span put_number(char room[CELL_BYTES], uint64_t value)
{
	int n = snprintf(room, CELL_BYTES, "%llu", (unsigned long long)value);

	return span_of(room, (size_t)n);
}

static enum admin_exit list(struct command *c)
{
	static const struct span head[] = {SPAN_INIT("mailbox"),
		SPAN_INIT("use"), SPAN_INIT("subscribed"),
		SPAN_INIT("messages"), SPAN_INIT("unseen"), SPAN_INIT("bytes")};

	c->out->row(c->out->arg, head, sizeof(head) / sizeof(head[0]));
	for (size_t i = 0; i < store_mailbox_count(c->store); i++) {
		const struct store_mailbox *m = store_mailbox_at(c->store, i);
		char messages[CELL_BYTES], unseen[CELL_BYTES], bytes[CELL_BYTES];

		c->out->row(c->out->arg,
			(const struct span[]){m->name,
				span_str(store_use_word(m->use)),
				m->is_subscribed ? SPAN("yes") : SPAN("no"),
				put_number(messages, m->messages),
				put_number(unseen, m->unseen),
				put_number(bytes, m->bytes)},
			6);
	}
	return EXIT_OK;
}

/* ---- change ---------------------------------------------------------------------- */
static enum admin_exit create(struct command *c)
{
	for (size_t i = 0; i < c->count; i++) {
		uint64_t id;
		enum code code = store_mailbox_create(c->store, c->words[i],
			STORE_USE_NONE, &id, c->e);

		if (code == OK) /* a mailbox that nobody sees helps nobody */
			code = store_subscribe(c->store, c->words[i], true,
				c->e);
		if (code != OK) {
			err_wrap(c->e, "%.*s", SPAN_ARG(c->words[i]));
			return exit_of(code);
		}
	}
	return EXIT_OK;
}

/* NULL, with a sentence: there is none. */
static const struct store_mailbox *find(struct command *c, struct span name)
{
	const struct store_mailbox *m = store_mailbox_find(c->store, name);

	if (m == NULL)
		err_set(c->e, NOT_FOUND, "there is no mailbox %.*s; see "
			"postrider mailbox list", SPAN_ARG(name));
	return m;
}

static enum admin_exit rename_one(struct command *c)
{
	const struct store_mailbox *m = find(c, c->words[0]);

	return m == NULL ? EXIT_NO_MATCH
		: exit_of(store_mailbox_rename(c->store, m->id, c->words[1],
			c->e));
}

static enum admin_exit delete(struct command *c)
{
	bool with_children = span_eq(c->words[0], SPAN("--children"));

	for (size_t i = with_children; i < c->count; i++) {
		const struct store_mailbox *m = find(c, c->words[i]);
		enum code code;

		if (m == NULL)
			return EXIT_NO_MATCH;
		code = store_mailbox_delete(c->store, m->id, with_children,
			c->e);
		if (code == EXISTS)
			err_set(c->e, EXISTS, "it has mailboxes below it; "
				"--children removes them too");
		if (code != OK) {
			err_wrap(c->e, "%.*s", SPAN_ARG(c->words[i]));
			return exit_of(code);
		}
	}
	return EXIT_OK;
}

/* ---- check ------------------------------------------------------------------------ */
static void on_finding(void *arg, int invariant, const char *sentence)
{
	struct command *c = arg;
	char number[CELL_BYTES];

	c->out->row(c->out->arg,
		(const struct span[]){put_number(number, (uint64_t)invariant),
			span_str(sentence)},
		2);
}

static enum admin_exit check_all(struct command *c)
{
	static const struct span head[] = {SPAN_INIT("invariant"),
		SPAN_INIT("finding")};

	c->out->row(c->out->arg, head, 2);
	return exit_of(store_check(c->store, on_finding, c, c->e));
}

/* ---- verbs ------------------------------------------------------------------------ */
static const struct {
	const char *verb;
	enum admin_exit (*run)(struct command *c);
	size_t min, max; /* words behind the address */
} verbs[] = {
	{"list", list, 0, 0},
	{"create", create, 1, ADMIN_WORDS_MAX},
	{"rename", rename_one, 2, 2},
	{"delete", delete, 1, ADMIN_WORDS_MAX},
	{"check", check_all, 0, 0},
};

enum admin_exit store_admin_run(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	struct command c = {.store = module, .words = words + 3,
		.count = count - 3, .out = out, .e = e};

	if (count < 3) {
		err_set(e, SYNTAX, "whose mailboxes? give an address");
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!span_eq(words[1], span_str(verbs[i].verb)))
			continue;
		if (c.count >= verbs[i].min && c.count <= verbs[i].max)
			return verbs[i].run(&c);
		err_set(e, SYNTAX, "mailbox %s takes other words; see "
			"postrider mailbox --help", verbs[i].verb);
		return EXIT_USAGE;
	}
	err_set(e, SYNTAX, "there is no such verb; see postrider mailbox "
		"--help");
	return EXIT_USAGE;
}
