#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/time.h"
#include "base/utf8.h"
#include "dies.h"

static void test_errors_read_outside_in(void **state)
{
	struct err e;

	(void)state;
	errno = ENOSPC;
	assert_int_equal(err_errno(&e, FULL, "writing %s", "blob"), FULL);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(err_wrap(&e, "saving message %d", 71), FULL);
	assert_int_equal(err_wrap(&e, "append"), FULL);
	assert_string_equal(e.text, "append: saving message 71: writing blob: "
				    "No space left on device");
	assert_int_equal(err_set(NULL, DENIED, "x"), DENIED);
	assert_string_equal(code_word(NOT_FOUND), "not-found");
	assert_string_equal(code_word((enum code)99), "unknown");
}

static void test_errors_are_cut_not_spilled(void **state)
{
	char text[2 * ERR_TEXT_MAX];
	struct err e;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&e, TEMP, "%s", text);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	(void)err_wrap(&e, "%s", text);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	errno = EIO;
	(void)err_errno(&e, TEMP, "%s", text);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
}

static void fail_must(void)
{
	must(errno == -1);
}

static void reach_unreachable(void)
{
	unreachable();
}

static void test_bugs_end_the_process(void **state)
{
	(void)state;
	assert_true(dies(fail_must));
	assert_true(dies(reach_unreachable));
}

static void put(struct buf *b, void (*fn)(struct buf *, int64_t), int64_t ms,
	const char *expect)
{
	buf_reset(b);
	fn(b, ms);
	buf_putc(b, '\0');
	assert_string_equal((const char *)buf_span(b).p, expect);
}

static void test_moments(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	put(&b, time_put_rfc5322, 0, "Thu, 1 Jan 1970 00:00:00 +0000");
	put(&b, time_put_rfc5322, 1795361259123,
		"Sun, 22 Nov 2026 15:27:39 +0000");
	put(&b, time_put_rfc5322, 951782400000,
		"Tue, 29 Feb 2000 00:00:00 +0000");
	put(&b, time_put_rfc3339, 1795361259123, "2026-11-22T15:27:39.123Z");
	put(&b, time_put_rfc3339, 1795361259999, "2026-11-22T15:27:39.999Z");
	put(&b, time_put_rfc3339, 1795361260000, "2026-11-22T15:27:40.000Z");
	put(&b, time_put_rfc3339, 5, "1970-01-01T00:00:00.005Z");
	put(&b, time_put_rfc3339, 253402300799999, "9999-12-31T23:59:59.999Z");
	put(&b, time_put_rfc3339, -1, "1969-12-31T23:59:59.999Z");
	buf_clear(&b);
	assert_true(time_mono_ms() > 0);
	assert_true(time_wall_ms() > 1700000000000);
}

static void test_utf8(void **state)
{
	/* RFC 3629 3 and 4 */
	static const char *const good[] = {"", "abc", "\xc3\xa4",
		"\xe2\x82\xac", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc2\x80z"};
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80",
		"\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xe2\x82",
		"\xe2\x28\xa1", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
		"\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xff", "a\xfe"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(char *); i++)
		assert_true(utf8_is_valid(span_str(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(char *); i++)
		assert_false(utf8_is_valid(span_str(bad[i])));
	assert_int_equal(utf8_char_len(SPAN("\xf4\x8f\xbf\xbfxx")), 4);
	assert_int_equal(utf8_char_len(SPAN("")), 0);
	assert_true(utf8_is_ascii(SPAN("a\0\x7f")));
	assert_false(utf8_is_ascii(SPAN("a\x80")));
}

struct member {
	int n;
	struct list link;
};

static void test_lists(void **state)
{
	struct member m[3] = {{.n = 0}, {.n = 1}, {.n = 2}};
	struct list l;
	int sum = 0;

	(void)state;
	list_init(&l);
	assert_true(list_is_empty(&l));
	for (int i = 0; i < 3; i++) {
		list_init(&m[i].link);
		list_put(&l, &m[i].link);
	}
	LIST_FOR_EACH(it, &l) {
		struct member *one = LIST_OF(struct member, link, it);

		sum = sum * 10 + one->n;
		if (one->n == 1)
			list_take(it);
	}
	assert_int_equal(sum, 12);
	list_take(&m[1].link); /* in none: harmless */
	assert_ptr_equal(l.next, &m[0].link);
	assert_ptr_equal(m[0].link.next, &m[2].link);
	assert_ptr_equal(l.prev, &m[2].link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_read_outside_in),
		cmocka_unit_test(test_errors_are_cut_not_spilled),
		cmocka_unit_test(test_bugs_end_the_process),
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
