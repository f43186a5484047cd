#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdalign.h>
#include <string.h>

#include "base/arena.h"
#include "dies.h"

static bool is_zero(const void *p, size_t n)
{
	const uint8_t *bytes = p;

	for (size_t i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void test_memory_is_zeroed_and_aligned(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (unsigned round = 0; round < 3; round++) {
		for (size_t n = 1; n < 5000; n += 37) {
			uint8_t *p = arena_alloc(&a, 1, n);

			assert_int_equal((uintptr_t)p % alignof(max_align_t),
				0);
			assert_true(is_zero(p, n));
			memset(p, 0xff, n);
			if (a.used_bytes > 500000)
				arena_reset(&a);
		}
		arena_reset(&a);
		assert_int_equal(a.used_bytes, 0);
	}
	arena_clear(&a);
	assert_null(a.last);
	/* and may be used again */
	assert_true(is_zero(arena_alloc(&a, 10, 10), 100));
	arena_clear(&a);
}

static void test_objects_do_not_overlap(void **state)
{
	uint8_t *all[200];
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < 200; i++) {
		all[i] = arena_alloc(&a, i + 1, 1);
		memset(all[i], (int)i, i + 1);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < i + 1; k++)
			assert_int_equal(all[i][k], i);
	arena_clear(&a);
}

static void test_copies(void **state)
{
	struct arena a;
	uint8_t word[] = "word";
	struct span copy;

	(void)state;
	arena_init(&a, 1 << 20);
	copy = arena_dup(&a, span_of(word, 4));
	word[0] = 'x';
	assert_true(span_eq(copy, SPAN("word")));
	assert_int_equal(arena_dup(&a, SPAN_EMPTY).n, 0);
	assert_string_equal(arena_cstr(&a, SPAN("text")), "text");
	assert_string_equal(arena_cstr(&a, SPAN_EMPTY), "");
	assert_null(arena_cstr(&a, SPAN("a\0b")));
	assert_null(arena_cstr(&a, SPAN("a\0")));
	arena_clear(&a);
}

static void pass_cap(void)
{
	struct arena a;

	arena_init(&a, 1000);
	(void)arena_alloc(&a, 1, 900);
	(void)arena_alloc(&a, 1, 101);
}

static void wrap_product(void)
{
	struct arena a;

	arena_init(&a, SIZE_MAX);
	(void)arena_alloc(&a, SIZE_MAX / 2, 4);
}

static void wrap_sum(void)
{
	struct arena a;

	arena_init(&a, SIZE_MAX);
	(void)arena_alloc(&a, 1, 64);
	(void)arena_alloc(&a, 1, SIZE_MAX - 70);
}

static void test_the_cap_is_a_wall(void **state)
{
	(void)state;
	assert_true(dies(pass_cap));
	assert_true(dies(wrap_product));
	assert_true(dies(wrap_sum));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_zeroed_and_aligned),
		cmocka_unit_test(test_objects_do_not_overlap),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_the_cap_is_a_wall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
