/*
 * test_imap_filter.c - filter-mailboxes: what is one, and what it matches.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "imap/imap_filter.h"

static struct arena arena, keep;

static bool read(const char *text, unsigned kinds, struct imap_filter *out)
{
	struct imap_reader r;

	imap_reader_init(&r, span_str(text), &arena);
	if (!imap_filter_read(&r, kinds, &keep, out) || !imap_read_end(&r)) {
		assert_non_null(r.why);
		return false;
	}
	return true;
}

static void what_is_one(void **state)
{
	static const char *const wrong[] = {
		"",
		"SELECT",
		"nobody",
		"subtree",
		"subtree ",
		"subtree ()",
		"subtree (a",
		"subtree (a  b)",
		"subtree a b",
		"mailboxes",
		"mailboxes(a)",
		"mailboxes ((a))",
		"personal a",
		"selectedx",
	};
	struct imap_filter f;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (read(wrong[i], IMAP_FILTERS_NOTIFY, &f))
			fail_msg("\"%s\" was read", wrong[i]);
	/* each command has a kind that the other has not */
	assert_true(read("Selected-Delayed", IMAP_FILTERS_NOTIFY, &f));
	assert_int_equal(f.kind, IMAP_FILTER_SELECTED_DELAYED);
	assert_false(read("selected-delayed", IMAP_FILTERS_ESEARCH, &f));
	assert_false(read("subtree-one a", IMAP_FILTERS_NOTIFY, &f));
	assert_true(read("subtree-one a", IMAP_FILTERS_ESEARCH, &f));
	assert_int_equal(f.kind, IMAP_FILTER_SUBTREE_ONE);
}

static void names(void **state)
{
	struct imap_filter f;

	(void)state;
	assert_true(read("mailboxes (inbox \"B c\" a/ x//y \"\" &AOQ-)",
		IMAP_FILTERS_NOTIFY, &f));
	/* x//y and the empty one are no names */
	assert_int_equal(f.count, 4);
	assert_true(span_eq(f.names[0], SPAN("INBOX")));
	assert_true(span_eq(f.names[1], SPAN("B c")));
	assert_true(span_eq(f.names[2], SPAN("a")));
	assert_true(span_eq(f.names[3], SPAN("\xc3\xa4")));
	assert_true(read("subtree x//y", IMAP_FILTERS_NOTIFY, &f));
	assert_int_equal(f.count, 0);
}

static void names_live_in_keep(void **state)
{
	struct imap_filter f;

	(void)state;
	assert_true(read("mailboxes (abc def)", IMAP_FILTERS_NOTIFY, &f));
	arena_clear(&arena);
	assert_true(span_eq(f.names[0], SPAN("abc")));
	assert_true(span_eq(f.names[1], SPAN("def")));
}

static const struct row {
	const char *filter;
	const char *name;
	bool is_subscribed, is_selected;
	bool matches;
} rows[] = {
	{"selected", "a", false, true, true},
	{"selected", "a", true, false, false},
	{"selected-delayed", "a", false, true, true},
	{"selected-delayed", "a", false, false, false},
	{"inboxes", "INBOX", false, false, true},
	{"inboxes", "INBOX/a", true, true, false},
	{"personal", "a/b", false, false, true},
	{"subscribed", "a", true, false, true},
	{"subscribed", "a", false, true, false},
	{"subtree a", "a", false, false, true},
	{"subtree a", "a/b", false, false, true},
	{"subtree a", "a/b/c", false, false, true},
	{"subtree a", "ab", false, false, false},
	{"subtree a", "ab/c", false, false, false},
	{"subtree a/b", "a", false, false, false},
	{"subtree (x a)", "a/b", false, false, true},
	{"subtree-one a", "a", false, false, true},
	{"subtree-one a", "a/b", false, false, true},
	{"subtree-one a", "a/b/c", false, false, false},
	{"mailboxes a", "a", false, false, true},
	{"mailboxes a", "a/b", false, false, false},
	{"mailboxes a", "A", false, false, false},
	{"mailboxes (b a)", "a", false, false, true},
	{"mailboxes inbox", "INBOX", false, false, true},
	{"mailboxes \"*\"", "a", false, false, false},
	{"mailboxes x//y", "a", false, false, false},
};

static void what_it_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		const struct imap_filtered m = {
			.name = span_str(row->name),
			.is_subscribed = row->is_subscribed,
			.is_selected = row->is_selected,
		};
		struct imap_filter f;

		assert_true(
			read(row->filter, (1u << IMAP_FILTER_KINDS) - 1, &f));
		if (imap_filter_matches(&f, &m) != row->matches)
			fail_msg("row %zu: \"%s\" and \"%s\"", i, row->filter,
				row->name);
	}
}

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 1u << 20);
	arena_init(&keep, 1u << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_clear(&arena);
	arena_clear(&keep);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_one, begin, end),
		cmocka_unit_test_setup_teardown(names, begin, end),
		cmocka_unit_test_setup_teardown(names_live_in_keep, begin, end),
		cmocka_unit_test_setup_teardown(what_it_matches, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
