/*
 * test_imap_fuzzy.c - what a text is worth to words, in pieces of any size.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "codec/fold.h"
#include "imap/imap_fuzzy.h"
#include "random_mail.h"

static const struct row {
	const char *needle, *text;
	unsigned score;
} rows[] = {
	{"hello", "Hello, Bob", 100},
	{"HELLO bob", "bob says hello", 100},
	{"hello carol", "hello bob", 0},
	{"kase", "der K\u00c4SE!", 100},
	{"K\u00e4se", "Kase", 100},
	{"ketch", "ketchup", 70},
	{"tch", "ketchup", 20},
	{"ch", "ketchup", 0}, /* two letters are inside of anything */
	{"ke", "ketchup", 70},
	{"hello ke", "ketchup, hello", 85},
	{"Helo", "hello", 40}, /* the example of RFC 6203 4 */
	{"hlelo", "hello", 40},
	{"hallo", "hello", 40},
	{"helloo", "hello", 40},
	{"haallo", "hello", 0},
	{"cat", "car", 0}, /* too short for a typo */
	{"cart", "card", 40},
	{"fo0bar", "foobar", 40},
	{"well-known", "well known", 100},
	{"a", "b a c", 100},
	{"a", "ab", 70},
	{"stra\u00dfe", "Die STRA\u1e9eE", 40}, /* i;unicode-casemap */
	{"\u0436\u0443\u043a", "\u0416\u0423\u041a\u0418", 70},
	{"\u6f22\u5b57", "\u65e5\u672c\u6f22\u5b57\u672c", 100},
	{"\u6f22\u5b57\u6f22\u5b57", "\u6f22\u5b57\u6f22\u672c", 0},
	{"hello", "", 0},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 70},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct span folded_of(struct arena *a, struct span text)
{
	struct buf b;
	struct span kept;

	buf_init(&b, text.n * FOLD_GROWTH + 1);
	fold_put(&b, text);
	kept = arena_dup(a, buf_span(&b));
	buf_clear(&b);
	return kept;
}

/* In pieces of whole characters. */
static unsigned score_of(struct imap_fuzzy *f, struct span folded, size_t piece)
{
	bool is_first = true;

	imap_fuzzy_begin(f);
	while (folded.n > 0) {
		size_t n = piece < folded.n ? piece : folded.n;

		while (n < folded.n && (folded.p[n] & 0xc0) == 0x80)
			n++;
		imap_fuzzy_feed(f, is_first, 100, span_head(folded, n));
		folded = span_tail(folded, n);
		is_first = false;
	}
	return imap_fuzzy_end(f);
}

static void every_row(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < ROWS; i++) {
		struct imap_fuzzy f;
		struct span text = folded_of(&a, span_str(rows[i].text));

		imap_fuzzy_init(&f, &a, folded_of(&a,
			span_str(rows[i].needle)));
		for (size_t piece = 1; piece <= text.n + 1; piece++) {
			unsigned score = score_of(&f, text, piece);

			if (score != rows[i].score)
				fail_msg("\"%s\" in \"%s\", by %zu: %u",
					rows[i].needle, rows[i].text, piece,
					score);
		}
	}
	arena_clear(&a);
}

static void a_place_has_its_worth(void **state)
{
	struct arena a;
	struct imap_fuzzy f;

	(void)state;
	arena_init(&a, 1 << 20);
	imap_fuzzy_init(&f, &a, SPAN("HELLO BOB"));
	imap_fuzzy_begin(&f);
	imap_fuzzy_feed(&f, true, 60, SPAN("HELLO BOB"));
	assert_false(imap_fuzzy_is_done(&f, 60)); /* the last word goes on */
	imap_fuzzy_feed(&f, false, 60, SPAN(" "));
	assert_true(imap_fuzzy_is_done(&f, 60));
	assert_false(imap_fuzzy_is_done(&f, 61));
	imap_fuzzy_feed(&f, true, 100, SPAN("BOBBY"));
	assert_int_equal(imap_fuzzy_end(&f), (60 + 70) / 2);
	/* two runs are two words */
	imap_fuzzy_begin(&f);
	imap_fuzzy_feed(&f, true, 100, SPAN("BOB HEL"));
	imap_fuzzy_feed(&f, true, 100, SPAN("LO"));
	assert_int_equal(imap_fuzzy_end(&f), 0);
	/* no words */
	imap_fuzzy_init(&f, &a, SPAN("?!"));
	assert_int_equal(f.count, 0);
	/* of very many the first ones */
	imap_fuzzy_init(&f, &a, SPAN("A B C D E F G H I J K L M N O P Q R S"));
	assert_int_equal(f.count, FUZZY_WORDS_MAX);
	arena_clear(&a);
}

/* A word that is all of a long text: its beginning, and where pieces of it that
 * are looked at together meet. */
static void a_long_word(void **state)
{
	static char text[1000];
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t at = 0; at + 5 < sizeof(text); at++) {
		struct imap_fuzzy f;
		unsigned score;

		memset(text, 'X', sizeof(text));
		for (size_t i = 0; i < 5; i++)
			text[at + i] = "HELLO"[i];
		imap_fuzzy_init(&f, &a, SPAN("HELLO"));
		score = score_of(&f, span_of(text, sizeof(text)), 100);
		assert_int_equal(score, at == 0 ? FUZZY_PREFIX : FUZZY_INSIDE);
		arena_reset(&a);
	}
	arena_clear(&a);
}

/* What matches is never ruled out by a filter. */
static void never_ruled_out(void **state)
{
	struct arena a;
	struct buf text, needle;
	unsigned hits = 0;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&text, 65536);
	buf_init(&needle, 4096);
	for (unsigned i = 0; i < 20000; i++) {
		struct store_filter_maker m;
		struct imap_fuzzy f;
		struct buf filter;
		struct span folded;

		arena_reset(&a);
		buf_reset(&text);
		buf_reset(&needle);
		put_text(&text, 1 + draw(12), false);
		put_text(&needle, 1 + draw(4), false);
		/* a typo, somewhere */
		if (draw(2) == 0 && buf_len(&text) > 4) {
			size_t n = 1 + draw((unsigned)buf_len(&text) - 1);

			buf_reset(&needle);
			buf_put(&needle, span_head(buf_span(&text), n));
			buf_puts(&needle, draw(2) == 0 ? "x" : "");
			buf_put(&needle, span_tail(buf_span(&text), n +
				draw(2)));
		}
		folded = folded_of(&a, buf_span(&text));
		imap_fuzzy_init(&f, &a, folded_of(&a, buf_span(&needle)));
		if (f.count == 0 || score_of(&f, folded, SIZE_MAX) == 0)
			continue;
		hits++;
		store_filter_begin(&m);
		store_filter_feed(&m, true, folded);
		buf_init(&filter, STORE_FILTER_BYTES);
		store_filter_end(&m, &filter);
		if (!imap_fuzzy_may_have(&f, buf_span(&filter)))
			fail_msg("\"%.*s\" in \"%.*s\"",
				SPAN_ARG(buf_span(&needle)),
				SPAN_ARG(buf_span(&text)));
		buf_clear(&filter);
	}
	assert_true(hits > 2000);
	buf_clear(&text);
	buf_clear(&needle);
	arena_clear(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(a_place_has_its_worth),
		cmocka_unit_test(a_long_word),
		cmocka_unit_test(never_ruled_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
