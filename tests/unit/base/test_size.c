/*
 * test_size.c - a size and its limit never look alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/size.h"

static const struct {
	uint64_t size, limit;
	const char *text;
} rows[] = {
	{63963136, 52428800, "61 MB; this server takes 50 MB"},
	{52428801, 52428800, "51 MB; this server takes 50 MB"},
	{1572865, 1572864, "1537 KB; this server takes 1536 KB"},
	{1001, 1000, "1001 bytes; this server takes 1000 bytes"},
	{1, 0, "1 bytes; this server takes 0 bytes"},
	{UINT64_MAX, 1u << 30, "17179869184 GB; this server takes 1 GB"},
};

static void sizes_are_of_one_unit(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 200);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		size_put_over(&out, rows[i].size, rows[i].limit);
		buf_putc(&out, 0);
		assert_string_equal((const char *)buf_span(&out).p,
			rows[i].text);
	}
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_of_one_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
