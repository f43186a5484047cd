/*
 * test_imap_gather.c - APPENDs that were sent ahead: when they are stored, how
 * many at once, and that nothing is owed when a session ends in between.
 */
#include "client.h"

#include "store/store_mailbox.h"

static const struct store_mailbox *inbox(struct fixture *f)
{
	return store_mailbox_get(f->store, store_inbox(f->store));
}

/* So many of them, of so many bytes, in one piece; none of it is asked for. */
static void feed_many(struct client *c, size_t count, size_t bytes)
{
	struct buf all;

	buf_init(&all, 64u << 20);
	for (size_t i = 0; i < count; i++) {
		buf_printf(&all, "a APPEND INBOX {%zu+}\r\n", bytes);
		for (size_t k = 0; k < bytes; k++)
			buf_putc(&all, 'x');
		buf_puts(&all, "\r\n");
	}
	assert_int_equal(imap_session_feed(c->session, buf_span(&all), NOW_MS),
		buf_len(&all));
	buf_clear(&all);
}

static size_t count_of(const struct client *c, struct span text)
{
	struct span got = buf_span(&c->got);
	size_t count = 0, at;

	while ((at = span_find_span(got, text)) < got.n) {
		count++;
		got = span_tail(got, at + text.n);
	}
	return count;
}

/* 300 are three commits, of which the first two do not wait for the end. */
static void commands_have_a_bound(void **state)
{
	struct fixture *f = *state;
	uint64_t modseq = inbox(f)->highestmodseq;
	struct client c;

	begin(&c, f);
	feed_many(&c, 300, 3);
	assert_int_equal(inbox(f)->messages, 256);
	assert_true(imap_session_is_gathering(c.session));
	take(&c);
	assert_false(imap_session_is_gathering(c.session));
	assert_int_equal(inbox(f)->messages, 300);
	assert_int_equal(inbox(f)->highestmodseq, modseq + 3);
	assert_int_equal(count_of(&c, SPAN("a OK [APPENDUID ")), 300);
	finish(&c);
}

/* A megabyte each: no more than eight of them wait. */
static void bytes_have_a_bound(void **state)
{
	struct fixture *f = *state;
	struct client c;

	begin(&c, f);
	feed_many(&c, 9, 1000000);
	assert_int_equal(inbox(f)->messages, 8);
	feed_many(&c, 1, 3);
	assert_int_equal(inbox(f)->messages, 8);
	take(&c);
	assert_int_equal(inbox(f)->messages, 10);
	assert_int_equal(count_of(&c, SPAN("a OK ")), 10);
	finish(&c);
}

/* No answer was given: nothing was promised, and nothing is leaked. */
static void a_session_may_end_before(void **state)
{
	struct fixture *f = *state;
	struct client c;

	begin(&c, f);
	feed_many(&c, 3, 3);
	(void)feed(&c, "b APPEND nowhere {3+}\r\nabc");
	(void)feed(&c, "c APPEND INBOX CATENATE (URL {8+}\r\nabc");
	finish(&c);
	assert_int_equal(inbox(f)->messages, 0);
}

/* What was under way when the input ended goes on behind the answers. */
static void the_end_of_input_may_be_anywhere(void **state)
{
	struct fixture *f = *state;
	struct client c;

	begin(&c, f);
	(void)say(&c, "s SELECT INBOX");
	feed_many(&c, 2, 3);
	(void)feed(&c, "b APPEND INBOX {8+}\r\nabc");
	assert_int_equal(inbox(f)->messages, 0);
	take(&c);
	assert_int_equal(inbox(f)->messages, 2);
	assert_true(has(&c, "* 2 EXISTS\r\n"));
	assert_int_equal(count_of(&c, SPAN("a OK ")), 2);
	(void)say(&c, "def");
	assert_true(has(&c, "* 3 EXISTS\r\n"));
	assert_true(has(&c, "b OK [APPENDUID "));
	finish(&c);
}

/* An end of the server in the middle: what is complete is stored first. */
static void bye_comes_behind(void **state)
{
	struct fixture *f = *state;
	struct client c;

	begin(&c, f);
	feed_many(&c, 2, 3);
	imap_session_end(c.session, "enough");
	take(&c);
	assert_int_equal(inbox(f)->messages, 2);
	assert_int_equal(count_of(&c, SPAN("a OK ")), 2);
	assert_true(has(&c, "* BYE enough"));
	assert_true(c.is_closed);
	finish(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(commands_have_a_bound),
		TEST(bytes_have_a_bound),
		TEST(a_session_may_end_before),
		TEST(the_end_of_input_may_be_anywhere),
		TEST(bye_comes_behind),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
