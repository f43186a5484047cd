#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dict.h"

#define KEYS 200

static char things[KEYS];

struct key {
	char text[16];
};

static struct key key_of(size_t i)
{
	struct key k;

	(void)snprintf(k.text, sizeof(k.text), "key-%zu", i);
	return k;
}

static size_t walk(const struct dict *d, char *const model[KEYS])
{
	struct dict_walk at = {0};
	struct span key;
	size_t n = 0;
	void *value;

	while ((value = dict_next(d, &at, &key)) != NULL) {
		size_t i = strtoul((const char *)key.p + 4, NULL, 10);

		assert_true(span_eq(key, span_str(key_of(i).text)));
		assert_ptr_equal(value, model[i]);
		n++;
	}
	return n;
}

static void test_random_operations_against_a_model(void **state)
{
	char *model[KEYS] = {NULL};
	struct dict d;
	size_t count = 0;

	(void)state;
	srand(3);
	dict_init(&d);
	for (unsigned i = 0; i < 20000; i++) {
		size_t k = (size_t)rand() % KEYS;
		struct key key = key_of(k);

		if (rand() % 2 == 0) {
			count += model[k] == NULL;
			model[k] = &things[rand() % KEYS];
			dict_put(&d, span_str(key.text), model[k]);
		} else {
			count -= model[k] != NULL;
			assert_ptr_equal(dict_take(&d, span_str(key.text)),
				model[k]);
			model[k] = NULL;
		}
		assert_ptr_equal(dict_get(&d, span_str(key.text)), model[k]);
		assert_int_equal(d.count, count);
		if (i % 101 == 0)
			assert_int_equal(walk(&d, model), count);
	}
	dict_clear(&d);
	assert_null(dict_get(&d, SPAN("key-1")));
}

static void test_keys_are_bytes_and_copied(void **state)
{
	char key[] = "a\0b";
	struct dict d;

	(void)state;
	dict_init(&d);
	dict_put(&d, span_of(key, 3), &things[0]);
	dict_put(&d, SPAN_EMPTY, &things[1]);
	key[2] = 'c';
	assert_ptr_equal(dict_get(&d, SPAN("a\0b")), &things[0]);
	assert_null(dict_get(&d, SPAN("a")));
	assert_null(dict_get(&d, SPAN("a\0c")));
	assert_ptr_equal(dict_get(&d, SPAN("")), &things[1]);
	dict_clear(&d);
}

static void test_hash_differs_between_dicts(void **state)
{
	struct dict a, b;

	(void)state;
	dict_init(&a);
	dict_init(&b);
	assert_true(a.seed != b.seed);
	dict_clear(&a);
	dict_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations_against_a_model),
		cmocka_unit_test(test_keys_are_bytes_and_copied),
		cmocka_unit_test(test_hash_differs_between_dicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
