#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dies.h"

static void test_maximum_is_hard(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_puts(&b, "0123456789");
	assert_false(b.overflow);
	assert_int_equal(buf_left(&b), 0);
	buf_putc(&b, 'x');
	assert_true(b.overflow);
	assert_true(span_eq(buf_span(&b), SPAN("0123456789")));
	/* sticky: not even what would fit */
	buf_consume(&b, 5);
	buf_putc(&b, 'x');
	buf_printf(&b, "%d", 1);
	assert_null(buf_reserve(&b, 1));
	assert_true(span_eq(buf_span(&b), SPAN("56789")));
	buf_reset(&b);
	assert_false(b.overflow);
	buf_printf(&b, "%s", "0123456789");
	assert_true(span_eq(buf_span(&b), SPAN("0123456789")));
	buf_printf(&b, "%s", "");
	assert_false(b.overflow);
	buf_clear(&b);
	assert_int_equal(buf_left(&b), 10);
}

static void test_a_write_is_whole_or_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_puts(&b, "ab");
	buf_puts(&b, "cde");
	assert_true(b.overflow);
	assert_true(span_eq(buf_span(&b), SPAN("ab")));
	buf_reset(&b);
	buf_printf(&b, "%d", 12345);
	assert_true(b.overflow);
	assert_int_equal(buf_len(&b), 0);
	buf_clear(&b);
}

static void test_most_of_a_write(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_put_most(&b, SPAN("012345"));
	assert_false(b.overflow);
	buf_put_most(&b, SPAN("6789"));
	assert_false(b.overflow);
	buf_truncate(&b, 8);
	buf_put_most(&b, SPAN("abc"));
	assert_true(b.overflow);
	assert_true(span_eq(buf_span(&b), SPAN("01234567ab")));
	buf_clear(&b);
}

static void test_numbers(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	buf_put_u64(&b, 0);
	buf_putc(&b, ' ');
	buf_put_u64(&b, UINT64_MAX);
	assert_true(span_eq(buf_span(&b), SPAN("0 18446744073709551615")));
	buf_clear(&b);
}

static void test_truncate_and_reserve(void **state)
{
	struct buf b;
	uint8_t *p;

	(void)state;
	buf_init(&b, 1000);
	buf_puts(&b, "abcdef");
	buf_consume(&b, 2);
	buf_truncate(&b, 3);
	assert_true(span_eq(buf_span(&b), SPAN("cde")));
	buf_truncate(&b, 9);
	assert_int_equal(buf_len(&b), 3);
	p = buf_reserve(&b, 900);
	assert_non_null(p);
	memset(p, 'x', 900);
	buf_wrote(&b, 1);
	assert_true(span_eq(buf_span(&b), SPAN("cdex")));
	assert_null(buf_reserve(&b, 997));
	buf_clear(&b);
}

static void write_too_much(void)
{
	struct buf b;

	buf_init(&b, 1000);
	(void)buf_reserve(&b, 10);
	buf_wrote(&b, 1000);
}

static void test_claiming_more_than_was_reserved(void **state)
{
	(void)state;
	assert_true(dies(write_too_much));
}

/* A queue of bytes against the simplest one there is. */
static void test_queue_against_a_model(void **state)
{
	static uint8_t model[4096];
	size_t model_len = 0;
	uint8_t next = 0;
	struct buf b;

	(void)state;
	srand(1);
	buf_init(&b, 3000);
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = (size_t)rand() % 700;

		if (rand() % 2 == 0 && n <= buf_left(&b)) {
			for (size_t k = 0; k < n; k++) {
				model[model_len++] = next;
				buf_putc(&b, next++);
			}
		} else if (rand() % 8 == 0) {
			buf_truncate(&b, n);
			model_len = n < model_len ? n : model_len;
		} else {
			buf_consume(&b, n);
			n = n < model_len ? n : model_len;
			memmove(model, model + n, model_len - n);
			model_len -= n;
		}
		assert_false(b.overflow);
		assert_true(span_eq(buf_span(&b), span_of(model, model_len)));
	}
	/* a queue that is emptied does not grow */
	assert_true(b.room <= 8192);
	buf_clear(&b);
}

/* All memory of it but what it holds: nothing of a secret may stand there. */
static bool is_clean(const struct buf *b)
{
	for (size_t i = 0; i < b->room; i++)
		if ((i < b->start || i >= b->end) && b->p[i] != 0)
			return false;
	return true;
}

static void test_a_secret_leaves_nothing_behind(void **state)
{
	struct buf b;

	(void)state;
	buf_init_secret(&b, 4096);
	buf_puts(&b, "a password that is said, and more");
	buf_consume(&b, 10);
	assert_true(is_clean(&b));
	buf_truncate(&b, 5);
	assert_true(is_clean(&b));
	assert_true(span_eq(buf_span(&b), SPAN(" that")));
	buf_reset(&b);
	assert_true(is_clean(&b));
	/* moved to the start of its memory, over itself and not */
	for (size_t left = 10; left <= 100; left += 90) {
		for (int i = 0; i < 20; i++)
			buf_puts(&b, "0123456789");
		buf_consume(&b, buf_len(&b) - left);
		for (int i = 0; i < 30; i++) {
			buf_puts(&b, "9876543210");
			assert_true(is_clean(&b));
		}
		buf_reset(&b);
	}
	/* grown, several times */
	for (int i = 0; i < 200; i++)
		buf_puts(&b, "0123456789");
	assert_true(is_clean(&b));
	assert_int_equal(buf_len(&b), 2000);
	buf_clear(&b);
	assert_true(b.is_secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maximum_is_hard),
		cmocka_unit_test(test_a_write_is_whole_or_nothing),
		cmocka_unit_test(test_most_of_a_write),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_truncate_and_reserve),
		cmocka_unit_test(test_claiming_more_than_was_reserved),
		cmocka_unit_test(test_queue_against_a_model),
		cmocka_unit_test(test_a_secret_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
