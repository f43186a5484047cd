/*
 * test_imap_search.c - what a search finds does not depend on which messages have
 * signatures: random mail, random keys.
 */
#include "client.h"

#include "codec/charset.h"
#include "random_mail.h"
#include "store/store_signature.h"

#define MAIL     15 /* fewer than STORE_SIGN_MIN: a search does not sign them */
#define COMMANDS 120

struct world {
	struct fixture *f;
	struct buf mail[2 * MAIL];
	size_t count;
	struct client c;
};

/* ---- mail --------------------------------------------------------------------- */
static void bring_some(struct world *w, size_t count)
{
	for (; count > 0; count--) {
		struct buf *b = &w->mail[w->count];
		struct sha256 sum;
		struct store_delivery d;
		uint64_t uid;

		buf_init(b, 1 << 20);
		put_message(b);
		d = delivery_of(++w->count, buf_span(b), &sum);
		assert_int_equal(store_delivery_begin(w->f->store, &w->f->e),
			OK);
		assert_int_equal(store_delivery_add(w->f->store, &d, &uid,
			&w->f->e), OK);
		assert_int_equal(store_delivery_commit(w->f->store, &w->f->e),
			OK);
	}
}

static void sign_all(struct world *w)
{
	bool has_more = true;

	while (has_more)
		assert_int_equal(store_sign(w->f->store, &has_more, &w->f->e),
			OK);
	assert_int_equal(store_unsigned(w->f->store), w->count + 1);
}

/* ---- keys ------------------------------------------------------------------------ */
static void put_literal(struct buf *out, struct span text)
{
	buf_printf(out, "{%zu+}\r\n", text.n);
	buf_put(out, text);
}

/* Some characters of some message, or some that may be nowhere. */
static void put_needle(struct world *w, struct buf *out)
{
	struct span mail = buf_span(&w->mail[draw((unsigned)w->count)]);
	struct buf own;

	buf_init(&own, 4096);
	if (draw(4) == 0)
		put_text(&own, 1 + draw(3), false);
	else
		buf_put(&own, span_head(span_tail(mail,
			draw((unsigned)mail.n)), 1 + draw(16)));
	put_literal(out, buf_span(&own));
	buf_clear(&own);
}

static void put_key(struct world *w, struct buf *out, unsigned depth)
{
	static const char *const keys[] = {"TEXT ", "BODY ", "HEADER Subject ",
		"HEADER X-Word ", "HEADER Content-Type ", "SUBJECT ",
		"FUZZY TEXT ", "FUZZY BODY ", "FUZZY HEADER X-Word "};
	unsigned what = draw(depth > 0 ? 13 : 9);

	if (what < 9) {
		buf_puts(out, keys[what]);
		put_needle(w, out);
	} else if (what == 9) {
		buf_puts(out, "NOT ");
		put_key(w, out, depth - 1);
	} else if (what == 10) {
		buf_puts(out, "(SMALLER 2000 ");
		put_key(w, out, depth - 1);
		buf_putc(out, ')');
	} else {
		buf_puts(out, what == 11 ? "OR " : "");
		put_key(w, out, depth - 1);
		buf_putc(out, ' ');
		put_key(w, out, depth - 1);
	}
}

static void make_commands(struct world *w, struct buf *commands)
{
	for (unsigned i = 0; i < COMMANDS; i++) {
		buf_init(&commands[i], 65536);
		buf_printf(&commands[i], "a SEARCH RETURN (ALL "
			"RELEVANCY) 1:%zu FUZZY ALL ", w->count);
		put_key(w, &commands[i], 2);
		buf_puts(&commands[i], "\r\n");
	}
}

static void clear_all(struct buf *bufs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_clear(&bufs[i]);
}

/* ---- compare ------------------------------------------------------------------------ */
static void ask(struct world *w, const struct buf *commands,
	struct buf *answers)
{
	for (unsigned i = 0; i < COMMANDS; i++) {
		buf_reset(&w->c.got);
		assert_int_equal(imap_session_feed(w->c.session,
			buf_span(&commands[i]), NOW_MS), buf_len(&commands[i]));
		take(&w->c);
		assert_true(has(&w->c, "a OK"));
		buf_init(&answers[i], 65536);
		buf_put(&answers[i], buf_span(&w->c.got));
	}
}

/* How many found something. */
static unsigned compare(struct buf *before, struct buf *after,
	const struct buf *commands)
{
	unsigned hits = 0;

	for (unsigned i = 0; i < COMMANDS; i++) {
		if (!span_eq(buf_span(&before[i]), buf_span(&after[i])))
			fail_msg("%.*s%.*s%.*s",
				SPAN_ARG(buf_span(&commands[i])),
				SPAN_ARG(buf_span(&before[i])),
				SPAN_ARG(buf_span(&after[i])));
		hits += !span_starts(buf_span(&before[i]),
			SPAN("* ESEARCH (TAG \"a\")\r\n"));
	}
	return hits;
}

static void open_session(struct world *w)
{
	finish(&w->c);
	begin(&w->c, w->f);
	(void)say(&w->c, "a SELECT INBOX");
	assert_true(has(&w->c, "a OK"));
}

static void answers_are_the_same(void **state)
{
	static struct buf commands[COMMANDS], before[COMMANDS],
		after[COMMANDS];
	struct world w = {.f = *state};

	/* none is signed, all are; then some, and all again */
	for (unsigned round = 0; round < 2; round++) {
		bring_some(&w, MAIL);
		open_session(&w);
		make_commands(&w, commands);
		ask(&w, commands, before);
		assert_int_equal(store_unsigned(w.f->store),
			w.count - MAIL + 1);
		sign_all(&w);
		ask(&w, commands, after);
		assert_in_range(compare(before, after, commands), 30,
			COMMANDS - 5);
		clear_all(commands, COMMANDS);
		clear_all(before, COMMANDS);
		clear_all(after, COMMANDS);
	}
	finish(&w.c);
	clear_all(w.mail, w.count);
}

/* Many messages without signatures get them from the search that comes by. */
static void a_search_catches_up(void **state)
{
	struct world w = {.f = *state};

	bring_some(&w, 2 * MAIL);
	open_session(&w);
	/* not for one that does not ask them */
	(void)say(&w.c, "a SEARCH TEXT ab SUBJECT abcd");
	assert_int_equal(store_unsigned(w.f->store), 1);
	(void)say(&w.c, "a SEARCH TEXT abcd");
	assert_int_equal(store_unsigned(w.f->store), 2 * MAIL + 1);
	finish(&w.c);
	clear_all(w.mail, w.count);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {T(answers_are_the_same),
		T(a_search_catches_up)};

	(void)charset_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
