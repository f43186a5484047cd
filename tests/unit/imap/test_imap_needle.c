/*
 * test_imap_needle.c - a substring in text, cut in every way.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "imap/imap_needle.h"

static void feed_in_pieces(struct imap_needle *n, struct span text, size_t piece)
{
	imap_needle_begin(n);
	for (; text.n > 0; text = span_tail(text, piece))
		imap_needle_feed(n, span_head(text, piece));
}

/* All texts and needles of the letters A and B: what overlaps is where such a
 * search goes wrong. */
static void all_texts_of_two_letters(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (unsigned length = 1; length <= 5; length++) {
		for (unsigned bits = 0; bits < 1u << length; bits++) {
			uint8_t needle[5], text[8];
			struct imap_needle n;

			for (unsigned i = 0; i < length; i++)
				needle[i] = bits >> i & 1 ? 'A' : 'B';
			arena_reset(&a);
			imap_needle_init(&n, &a, span_of(needle, length));
			for (unsigned t = 0; t < 256; t++) {
				struct span s = span_of(text, 8);
				size_t piece = t % 8 + 1;

				for (unsigned i = 0; i < 8; i++)
					text[i] = t >> i & 1 ? 'A' : 'B';
				feed_in_pieces(&n, s, piece);
				assert_int_equal(n.is_found,
					span_find_span(s,
						span_of(needle, length)) < 8);
			}
		}
	}
	arena_clear(&a);
}

static const struct row {
	const char *needle, *text;
	bool is;
} rows[] = {
	{"", "", true},
	{"", "x", true},
	{"x", "", false},
	{"Käse", "der KÄSE", true},
	{"strasse", "Straße", false},
	{"STRAßE", "Straße", true},
	{"straſſe", "Strasse", true},
	{"\xe1\xba\x9e", "Stra\xe1\xba\x9e" "e", true},
	{"ΑΓΑΠΗΣ", "αγαπης", true},
	{"ILIK", "ılık", true},
	{"i", "\xc4\xb0zmir", true},
	{"\xc4\xb0", "Izmir", false},
	{"é", "e", false},
	{"e", "É", true},
	{"é", "e\xcc\x81", true},
	{"abc", "ab c", false},
};

static void every_row(void **state)
{
	struct arena a;
	struct buf scratch;

	(void)state;
	arena_init(&a, 1 << 20);
	buf_init(&scratch, 4096);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct imap_needle n;

		imap_needle_init(&n, &a, span_str(rows[i].needle));
		if (imap_needle_is_in(&n, span_str(rows[i].text), &scratch) !=
			rows[i].is)
			fail_msg("\"%s\" in \"%s\"", rows[i].needle,
				rows[i].text);
	}
	buf_clear(&scratch);
	arena_clear(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_texts_of_two_letters),
		cmocka_unit_test(every_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
