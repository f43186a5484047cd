#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "dies.h"

#define KEYS 300

static char things[KEYS]; /* their addresses are the values */

/* Keys that meet in few homes, and some that lie next to each other. */
static uint64_t key_of(size_t i)
{
	return i % 3 == 0 ? (uint64_t)i << 40 : i % 3 == 1 ? i : ~(uint64_t)i;
}

static void compare(const struct map *m, char *const model[KEYS])
{
	size_t count = 0, walked = 0;

	for (size_t i = 0; i < KEYS; i++) {
		assert_ptr_equal(map_get(m, key_of(i)), model[i]);
		count += model[i] != NULL;
	}
	assert_int_equal(m->count, count);
	for (size_t at = 0; map_next(m, &at) != NULL;)
		walked++;
	assert_int_equal(walked, count);
}

static void test_random_operations_against_a_model(void **state)
{
	char *model[KEYS] = {NULL};
	struct map m;

	(void)state;
	srand(7);
	map_init(&m);
	for (unsigned i = 0; i < 60000; i++) {
		/* the set of keys in use swells and shrinks */
		size_t k = (size_t)rand() % (1 + (i / 50) % KEYS);

		if (rand() % 2 == 0) {
			model[k] = &things[rand() % KEYS];
			map_put(&m, key_of(k), model[k]);
		} else {
			assert_ptr_equal(map_take(&m, key_of(k)), model[k]);
			model[k] = NULL;
		}
		if (i % 97 == 0)
			compare(&m, model);
	}
	compare(&m, model);
	map_clear(&m);
	assert_null(map_get(&m, key_of(1)));
	assert_null(map_take(&m, key_of(1)));
}

static void test_extreme_keys(void **state)
{
	static const uint64_t keys[] = {0, 1, UINT32_MAX,
		(uint64_t)UINT32_MAX + 1, INT64_MAX, UINT64_MAX};
	struct map m;

	(void)state;
	map_init(&m);
	for (size_t i = 0; i < 6; i++)
		map_put(&m, keys[i], &things[i]);
	for (size_t i = 0; i < 6; i++)
		assert_ptr_equal(map_get(&m, keys[i]), &things[i]);
	assert_null(map_get(&m, 2));
	map_clear(&m);
}

static void put_null(void)
{
	struct map m;

	map_init(&m);
	map_put(&m, 1, NULL);
}

static void test_null_is_no_value(void **state)
{
	(void)state;
	assert_true(dies(put_null));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations_against_a_model),
		cmocka_unit_test(test_extreme_keys),
		cmocka_unit_test(test_null_is_no_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
