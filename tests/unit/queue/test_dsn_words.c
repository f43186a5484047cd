/*
 * test_dsn_words.c - the catalogue of notices: no language lacks a phrase, nor a
 * value that another has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "queue/queue_dsn_words.h"

/* "date host", sorted: the values that a phrase takes. */
static void list_values(const char *phrase, char names[8][16])
{
	size_t count = 0;

	memset(names, 0, 8 * 16);
	for (const char *p = strchr(phrase, '{'); p != NULL;
		p = strchr(p + 1, '{')) {
		size_t n = strcspn(p + 1, "}");

		assert_int_equal(p[1 + n], '}');
		assert_true(n > 0 && n < 16 && count < 8);
		memcpy(names[count++], p + 1, n);
	}
	qsort(names, 8, 16, (int (*)(const void *, const void *))strcmp);
}

static void each_language_has_each_phrase(void **state)
{
	(void)state;
	for (unsigned p = 0; p < QUEUE_PHRASE_COUNT; p++) {
		char wanted[8][16], got[8][16];

		list_values(queue_phrase(CONFIG_LANGUAGE_EN,
			(enum queue_phrase)p), wanted);
		for (unsigned l = 0; l < CONFIG_LANGUAGE_COUNT; l++) {
			const char *phrase = queue_phrase(
				(enum config_language)l, (enum queue_phrase)p);

			assert_non_null(phrase);
			assert_true(phrase[0] != 0);
			assert_true(utf8_is_valid(span_str(phrase)));
			for (const char *c = phrase; *c != 0; c++)
				assert_true((unsigned char)*c >= ' ');
			list_values(phrase, got);
			assert_memory_equal(got, wanted, sizeof(got));
		}
	}
}

static void months_are_twelve(void **state)
{
	(void)state;
	for (unsigned l = 0; l < CONFIG_LANGUAGE_COUNT; l++) {
		struct span names = span_str(queue_phrase(
			(enum config_language)l, QUEUE_PHRASE_MONTHS));
		size_t count = 0;

		while (names.n > 0) {
			assert_true(span_cut(&names, ' ').n > 0);
			count++;
		}
		assert_int_equal(count, 12);
	}
}

static void numbers_have_forms(void **state)
{
	(void)state;
	assert_false(queue_phrase_is_one(CONFIG_LANGUAGE_EN, 0));
	assert_true(queue_phrase_is_one(CONFIG_LANGUAGE_EN, 1));
	assert_false(queue_phrase_is_one(CONFIG_LANGUAGE_DE, 2));
	assert_true(queue_phrase_is_one(CONFIG_LANGUAGE_FR, 0));
	assert_true(queue_phrase_is_one(CONFIG_LANGUAGE_FR, 1));
	assert_false(queue_phrase_is_one(CONFIG_LANGUAGE_FR, 2));
}

/* What is put in is text: it is no phrase again. */
static void values_are_put_in(void **state)
{
	const struct queue_phrase_value values[] = {
		{"host", SPAN("{count}")}, {"count", SPAN("7")}};
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	queue_phrase_put(&out, "{host}, {count}{count} and {none}.", values, 2);
	assert_true(span_eq(buf_span(&out), SPAN("{count}, 77 and {none}.")));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_language_has_each_phrase),
		cmocka_unit_test(months_are_twelve),
		cmocka_unit_test(numbers_have_forms),
		cmocka_unit_test(values_are_put_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
