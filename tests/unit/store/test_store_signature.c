/*
 * test_store_signature.c - what a message holds is never ruled out by its
 * signature, whatever the text, the needle and the pieces; and signatures come
 * and go with their messages.
 */
#include "box.h"

#include <signal.h>
#include <sys/resource.h>

#include "codec/charset.h"
#include "codec/fold.h"
#include "message/search_text.h"
#include "random_mail.h"
#include "store/store_signature.h"

/* ---- what a search sees ------------------------------------------------------------ */
#define RUNS_MAX 256
struct seen {
	struct buf text;          /* all runs, one behind the other */
	size_t starts[RUNS_MAX + 1];
	size_t count;
	struct store_filter_maker maker;
	struct buf filter;
};

static bool see(void *arg, const struct search_piece *piece)
{
	struct seen *s = arg;

	if (piece->is_first) {
		assert_true(s->count < RUNS_MAX);
		s->starts[s->count++] = buf_len(&s->text);
	}
	assert_true(s->count > 0);
	buf_put(&s->text, piece->folded);
	s->starts[s->count] = buf_len(&s->text);
	store_filter_feed(&s->maker, piece->is_first, piece->folded);
	return true;
}

static void look(struct seen *s, const struct mime_tree *tree,
	struct span message, size_t piece)
{
	struct search_text t;

	buf_reset(&s->text);
	buf_reset(&s->filter);
	s->count = 0;
	store_filter_begin(&s->maker);
	search_text_init(&t, tree, see, s);
	for (; message.n > 0; message = span_tail(message, piece))
		assert_true(search_text_feed(&t, span_head(message, piece)) ||
			t.part == tree->count);
	search_text_end(&t);
	store_filter_end(&s->maker, &s->filter);
	assert_false(s->text.overflow || s->filter.overflow);
}

static void seen_init(struct seen *s)
{
	buf_init(&s->text, 1 << 20);
	buf_init(&s->filter, STORE_FILTER_BYTES);
}

static void seen_clear(struct seen *s)
{
	buf_clear(&s->text);
	buf_clear(&s->filter);
}

static bool is_in_a_run(const struct seen *s, struct span needle)
{
	for (size_t i = 0; i < s->count; i++) {
		struct span run = span_of(s->text.p + s->text.start +
			s->starts[i], s->starts[i + 1] - s->starts[i]);

		if (span_find_span(run, needle) < run.n)
			return true;
	}
	return false;
}

/* A needle as a client sends it; true: the message holds it. */
static bool try_needle(const struct seen *s, struct span needle)
{
	struct store_terms terms;
	struct buf folded;
	bool is;

	buf_init(&folded, needle.n * FOLD_GROWTH + 1);
	fold_put(&folded, needle);
	is = is_in_a_run(s, buf_span(&folded));
	store_terms_of(&terms, buf_span(&folded));
	if (is && !store_filter_may_have(buf_span(&s->filter), &terms))
		fail_msg("\"%.*s\" is in it", SPAN_ARG(needle));
	if (is)
		assert_int_equal(store_filter_common(buf_span(&s->filter),
			&terms), terms.count);
	buf_clear(&folded);
	return is;
}

static unsigned try_random_needles(const struct seen *s, struct span message)
{
	struct buf own;
	unsigned hits = 0;

	buf_init(&own, 4096);
	for (unsigned i = 0; i < 200; i++) {
		size_t at = draw((unsigned)message.n), n = 1 + draw(40);

		/* of the bytes, half characters too; of what was folded; of
		 * words that may be nowhere */
		hits += try_needle(s, span_head(span_tail(message, at), n));
		at = draw((unsigned)buf_len(&s->text));
		hits += try_needle(s, span_head(span_tail(buf_span(&s->text),
			at), n));
		buf_reset(&own);
		put_text(&own, 1 + draw(4), false);
		hits += try_needle(s, buf_span(&own));
	}
	buf_clear(&own);
	return hits;
}

static void never_rules_out_what_is_there(void **state)
{
	static struct seen whole, cut;
	struct arena a;
	struct buf message;
	unsigned hits = 0;

	(void)state;
	arena_init(&a, MIME_ARENA_BYTES);
	buf_init(&message, 1 << 20);
	seen_init(&whole);
	seen_init(&cut);
	for (unsigned i = 0; i < 50; i++) {
		const struct mime_tree *tree;

		put_message(&message);
		arena_reset(&a);
		tree = mime_parse(&a, buf_span(&message));
		look(&whole, tree, buf_span(&message), SIZE_MAX);
		hits += try_random_needles(&whole, buf_span(&message));
		look(&cut, tree, buf_span(&message), 1 + draw(50));
		/* a long line is folded in other pieces, but of the same
		 * characters: what is found in it, is not ruled out */
		hits += try_random_needles(&cut, buf_span(&message));
		assert_int_equal(whole.count, cut.count);
	}
	assert_true(hits > 5000);
	seen_clear(&whole);
	seen_clear(&cut);
	buf_clear(&message);
	arena_clear(&a);
}

/* Each needle of a text, in a text that is cut at each place. */
static void at_every_cut(void **state)
{
	const struct span all = SPAN("Stra\u00dfe \u6f22\u5b57 e\u0301te\u0301 "
				     "\u0418\u0306od");
	struct buf folded, filter;

	(void)state;
	buf_init(&folded, 256);
	fold_put(&folded, all);
	buf_init(&filter, STORE_FILTER_BYTES);
	for (size_t cut = 0; cut <= buf_len(&folded); cut++) {
		struct store_filter_maker m;
		struct span f = buf_span(&folded);

		if (cut < f.n && (f.p[cut] & 0xc0) == 0x80)
			continue; /* pieces are whole characters */
		buf_reset(&filter);
		store_filter_begin(&m);
		store_filter_feed(&m, true, span_head(f, cut));
		store_filter_feed(&m, false, span_tail(f, cut));
		store_filter_end(&m, &filter);
		for (size_t from = 0; from < f.n; from++) {
			for (size_t n = 0; n <= f.n - from; n++) {
				struct store_terms t;

				store_terms_of(&t, span_head(span_tail(f,
					from), n));
				assert_true(store_filter_may_have(
					buf_span(&filter), &t));
			}
		}
	}
	buf_clear(&folded);
	buf_clear(&filter);
}

/* ---- filters --------------------------------------------------------------------------- */
static struct store_terms terms_of(const char *text)
{
	struct store_terms t;
	struct buf folded;

	buf_init(&folded, 1024);
	fold_put(&folded, span_str(text));
	store_terms_of(&t, buf_span(&folded));
	buf_clear(&folded);
	return t;
}

static void put_filter(struct buf *out, const char *run, const char *next)
{
	struct store_filter_maker m;
	struct buf folded;

	buf_init(&folded, 4096);
	store_filter_begin(&m);
	fold_put(&folded, span_str(run));
	store_filter_feed(&m, true, buf_span(&folded));
	buf_reset(&folded);
	fold_put(&folded, span_str(next));
	store_filter_feed(&m, true, buf_span(&folded));
	buf_reset(out);
	store_filter_end(&m, out);
	buf_clear(&folded);
}

static bool may_have(const struct buf *filter, const char *text)
{
	struct store_terms t = terms_of(text);

	return store_filter_may_have(buf_span(filter), &t);
}

static void rules_out_what_is_not_there(void **state)
{
	struct buf f;

	(void)state;
	buf_init(&f, STORE_FILTER_BYTES);
	put_filter(&f, "Do you like K\u00e4se?", "\u6f22\u5b57");
	assert_int_equal(buf_len(&f), STORE_FILTER_BYTES_MIN);
	assert_true(may_have(&f, "k\u00c4se"));
	assert_true(may_have(&f, "kase")); /* marks are not looked at */
	assert_true(may_have(&f, "\u6f22\u5b57"));
	assert_false(may_have(&f, "ketchup"));
	assert_false(may_have(&f, "\u5b57\u6f22"));
	assert_false(may_have(&f, "pickles and ketchup"));
	/* what is too short to tell */
	assert_true(may_have(&f, "zz"));
	assert_int_equal(terms_of("zz").count, 0);
	assert_int_equal(terms_of("").count, 0);
	assert_int_equal(terms_of("zzz").count, 1);
	assert_int_equal(terms_of("\u6f22\u5b57").count, 1);
	/* nothing is found across two runs */
	put_filter(&f, "pick", "les");
	assert_false(may_have(&f, "pickles"));
	/* one without text holds nothing */
	put_filter(&f, "", "");
	assert_false(may_have(&f, "abc"));
	/* none was made: anything */
	buf_reset(&f);
	assert_true(may_have(&f, "abc"));
	buf_clear(&f);
}

/* Sizes double with the text; at most a third of the bits are set.  Beyond the
 * largest, any text may be in it, and no more is read. */
static void grows_with_the_text_up_to_an_end(void **state)
{
	struct store_filter_maker m;
	struct buf f;
	size_t size = 0, words = 0;

	(void)state;
	buf_init(&f, STORE_FILTER_BYTES);
	for (unsigned n = 1; n < 100000; n *= 2) {
		char word[16];

		store_filter_begin(&m);
		for (unsigned i = 0; i < n && !m.is_full; i++) {
			int len = snprintf(word, sizeof(word), "%c%c%c%c%c ",
				'!' + draw(93), '!' + draw(93),
				'!' + draw(93), '!' + draw(93),
				'!' + draw(93));

			store_filter_feed(&m, i == 0,
				span_of(word, (size_t)len));
		}
		buf_reset(&f);
		store_filter_end(&m, &f);
		if (buf_len(&f) == 0)
			break;
		assert_true(buf_len(&f) >= size);
		size = buf_len(&f);
		words = n;
	}
	assert_int_equal(size, STORE_FILTER_BYTES);
	assert_int_equal(buf_len(&f), 0);
	assert_true(words > 2000);
	buf_clear(&f);
}

/* ---- rows -------------------------------------------------------------------------------- */
static void deliver_text(struct fixture *f, uint64_t qid, const char *word)
{
	char text[256];
	uint64_t uid;
	int n = snprintf(text, sizeof(text),
		"Subject: %s\r\n\r\nthe word is %s, for sure\r\n", word, word);

	assert_int_equal(deliver(f, qid, span_of(text, (size_t)n), &uid), OK);
}

static void deliver_words(struct fixture *f, unsigned count)
{
	for (unsigned i = 1; i <= count; i++)
		deliver_text(f, i, i % 10 == 0 ? "zebrafish" : "ketchup");
}

static void sign_all(struct fixture *f)
{
	bool has_more = true;

	while (has_more)
		if (store_sign(f->store, &has_more, &f->e) != OK)
			fail_msg("%s", f->e.text);
}

static size_t candidates(struct fixture *f, const char *text, uint64_t *out,
	size_t room)
{
	struct store_terms t = terms_of(text);
	const struct store_candidates c = {.terms = &t, .term_count = 1,
		.from = 1, .ids = out, .room = room};
	size_t n;

	assert_int_equal(store_candidates_find(f->store, &c, &n, &f->e), OK);
	return n;
}

static void signs_in_slices(void **state)
{
	struct fixture *f = *state;
	uint64_t ids[1000];
	bool has_more;

	deliver_words(f, STORE_SIGN_MIN - 1);
	assert_false(store_wants_sign(f->store));
	assert_int_equal(candidates(f, "zebrafish", ids, 1000),
		STORE_SIGN_MIN - 1);
	for (unsigned i = STORE_SIGN_MIN; i <= STORE_SIGN_MESSAGES + 50; i++)
		deliver_text(f, i, i % 10 == 0 ? "zebrafish" : "ketchup");
	assert_true(store_wants_sign(f->store));
	assert_int_equal(store_unsigned(f->store), 1);
	assert_int_equal(store_sign(f->store, &has_more, &f->e), OK);
	assert_true(has_more);
	assert_int_equal(store_unsigned(f->store), STORE_SIGN_MESSAGES + 1);
	/* the signed ones that may have it, and the unsigned */
	assert_int_equal(candidates(f, "zebrafish", ids, 1000),
		STORE_SIGN_MESSAGES / 10 + 50);
	assert_int_equal(broken(f), 0);
	reopen(f);
	assert_int_equal(store_unsigned(f->store), STORE_SIGN_MESSAGES + 1);
	sign_all(f);
	assert_false(store_wants_sign(f->store));
	assert_int_equal(candidates(f, "zebrafish", ids, 1000),
		(STORE_SIGN_MESSAGES + 50) / 10);
	assert_int_equal(ids[0], 10);
	assert_int_equal(ids[1], 20);
	assert_int_equal(candidates(f, "zebrafish", ids, 2), 2);
	assert_int_equal(candidates(f, "pickles", ids, 1000), 0);
	assert_int_equal(broken(f), 0);
	/* nothing waits */
	assert_int_equal(store_sign(f->store, &has_more, &f->e), OK);
	assert_false(has_more);
}

static size_t row_count(struct fixture *f)
{
	struct store_signatures m = {0};
	struct span filter;
	size_t n = 0;

	for (uint64_t id = 1; id < store_unsigned(f->store); id++) {
		assert_int_equal(store_signatures_get(f->store, &m, id,
			&filter, &f->e), OK);
		n += filter.n > 0;
	}
	store_signatures_end(&m);
	return n;
}

/* A signature goes with its message, not with one of its entries. */
static void goes_with_its_message(void **state)
{
	struct fixture *f = *state;
	uint64_t inbox = store_inbox(f->store), x = make_mailbox(f, "x");
	struct store_view *v;
	struct store_copied copied;
	struct store_uids gone;

	deliver_words(f, 30);
	sign_all(f);
	assert_int_equal(row_count(f), 30);
	v = view_of(f, inbox);
	assert_int_equal(store_copy(v, UIDS(5), 1, x, NOW_MS, &copied, &f->e),
		OK);
	store_uids_clear(&copied.from);
	assert_int_equal(store_expunge(v, UIDS(3, 4, 5, 6, 20), 5, &gone,
		&f->e), OK);
	store_uids_clear(&gone);
	assert_int_equal(row_count(f), 26);
	assert_int_equal(broken(f), 0);
	assert_int_equal(store_messages_expunge(f->store, inbox,
		(const uint64_t[]){1, 2}, 2, &f->e), OK);
	assert_int_equal(row_count(f), 24);
	store_view_close(v);
	assert_int_equal(store_mailbox_delete(f->store, x, false, &f->e), OK);
	assert_int_equal(row_count(f), 23);
	assert_int_equal(broken(f), 0);
	/* one that came later has none, and leaves none */
	deliver_text(f, 99, "late");
	assert_int_equal(store_messages_expunge(f->store, inbox,
		(const uint64_t[]){31}, 1, &f->e), OK);
	assert_int_equal(broken(f), 0);
}

static void passes_over_damaged_ones(void **state)
{
	struct fixture *f = *state;
	uint64_t ids[100];

	deliver_words(f, 20);
	tamper(f, "UPDATE body SET content = CAST(x'00' || "
		"substr(content, 2) AS BLOB) "
		"WHERE message = 7");
	sign_all(f);
	assert_int_equal(store_unsigned(f->store), 21);
	assert_int_equal(row_count(f), 19);
	/* any text may be in it */
	assert_int_equal(candidates(f, "pickles", ids, 100), 1);
	assert_int_equal(ids[0], 7);
}

static void finds_what_is_wrong(void **state)
{
	static const struct {
		const char *sql;
		unsigned invariant;
	} rows[] = {
		{"DELETE FROM entry WHERE message = 3; DELETE FROM body WHERE "
		 "message = 3; DELETE FROM message WHERE message = 3;"
		 "UPDATE mailbox SET entries = entries - 1, "
		 "unseen = unseen - 1, bytes = bytes - (SELECT size FROM entry "
		 "WHERE uid = 1) WHERE special_use = 'inbox'; UPDATE account "
		 "SET used_bytes = (SELECT sum(size) FROM message)", 24},
		{"UPDATE account SET unsigned_message = 10", 24},
		{"UPDATE account SET unsigned_message = 99", 24},
		{"UPDATE signature SET trigrams = (SELECT trigrams FROM "
		 "signature WHERE message = 10) WHERE message = 9", 26},
		{"UPDATE signature SET trigrams = substr(trigrams, 1, 4) "
		 "WHERE message = 9", 26},
	};
	struct fixture *f = *state;

	deliver_words(f, 20);
	sign_all(f);
	assert_int_equal(broken(f), 0);
	for (size_t i = sizeof(rows) / sizeof(rows[0]); i-- > 0;) {
		tamper(f, rows[i].sql);
		if ((broken(f) & 1u << rows[i].invariant) == 0)
			fail_msg("%s", rows[i].sql);
		tamper(f, "DELETE FROM signature; "
			"UPDATE account SET unsigned_message = 1");
		sign_all(f);
		if (i > 0)
			assert_int_equal(broken(f), 0);
	}
}

/* A row that is no filter, or one of other rules, says nothing. */
static void trusts_no_strange_row(void **state)
{
	struct fixture *f = *state;
	uint64_t ids[100];

	deliver_words(f, 20);
	sign_all(f);
	tamper(f, "UPDATE signature SET trigrams = substr(trigrams, 1, 8) "
		"WHERE message = 3; UPDATE signature SET trigrams = x'' "
		"WHERE message = 4; DELETE FROM signature WHERE message = 5");
	assert_int_equal(candidates(f, "pickles", ids, 100), 3);
	tamper(f, "UPDATE signature SET trigrams = "
		"CAST(CASE substr(trigrams, 1, 1) WHEN x'01' THEN x'02' "
		"ELSE x'01' END || substr(trigrams, 2) AS BLOB) "
		"WHERE message > 5");
	assert_false(store_wants_sign(f->store));
	assert_int_equal(candidates(f, "pickles", ids, 100), 18);
	/* it was seen, so all are made anew */
	assert_true(store_wants_sign(f->store));
	sign_all(f);
	assert_int_equal(candidates(f, "pickles", ids, 100), 0);
	assert_int_equal(row_count(f), 20);
	assert_int_equal(broken(f), 0);
}

/* More words than a filter tells apart: it is not read to its end. */
static void any_text_may_be_in_a_book(void **state)
{
	struct fixture *f = *state;
	struct buf text;
	uint64_t uid, ids[10];

	buf_init(&text, 8 << 20);
	buf_puts(&text, "Subject: book\r\n\r\n");
	for (unsigned i = 0; i < 1u << 20; i++)
		buf_putc(&text, (uint8_t)(i % 80 == 79 ? '\n' : '!' + draw(93)));
	assert_int_equal(deliver(f, 1, buf_span(&text), &uid), OK);
	buf_reset(&text);
	/* one word of 4 MB: few trigrams, and a small filter */
	buf_puts(&text, "Subject: word\r\n\r\n");
	for (unsigned i = 0; i < 1 << 20; i++)
		buf_puts(&text, "abcd");
	assert_int_equal(deliver(f, 2, buf_span(&text), &uid), OK);
	sign_all(f);
	assert_int_equal(candidates(f, "zebrafish", ids, 10), 1);
	assert_int_equal(ids[0], 1);
	assert_int_equal(candidates(f, "dabc", ids, 10), 2);
	assert_int_equal(broken(f), 0);
	buf_clear(&text);
}

static void a_long_head_may_hold_anything(void **state)
{
	struct fixture *f = *state;
	struct buf text;
	uint64_t uid, ids[10];

	buf_init(&text, 4 << 20);
	for (unsigned i = 0; i < 30000; i++)
		buf_printf(&text, "X-A: %040u\r\n", 7);
	buf_puts(&text, "X-Last: pickles\r\n\r\nbody\r\n");
	assert_true(buf_len(&text) > SEARCH_HEAD_BYTES);
	assert_int_equal(deliver(f, 1, buf_span(&text), &uid), OK);
	sign_all(f);
	assert_int_equal(candidates(f, "pickles", ids, 10), 1);
	buf_clear(&text);
}

/* The disk refuses: nothing of the slice is there, and what was is. */
static void a_slice_is_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit;
	bool has_more;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	deliver_words(f, 40);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_not_equal(store_sign(f->store, &has_more, &f->e), OK);
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	reopen(f);
	assert_int_equal(store_unsigned(f->store), 1);
	assert_int_equal(row_count(f), 0);
	assert_int_equal(broken(f), 0);
	sign_all(f);
	assert_int_equal(row_count(f), 40);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_rules_out_what_is_there),
		cmocka_unit_test(at_every_cut),
		cmocka_unit_test(rules_out_what_is_not_there),
		cmocka_unit_test(grows_with_the_text_up_to_an_end),
		T(signs_in_slices), T(goes_with_its_message),
		T(passes_over_damaged_ones), T(finds_what_is_wrong),
		T(trusts_no_strange_row), T(any_text_may_be_in_a_book),
		T(a_long_head_may_hold_anything), T(a_slice_is_all_or_nothing),
	};

	(void)charset_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
