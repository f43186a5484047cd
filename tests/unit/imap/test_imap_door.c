#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "imap/imap_command.h"
#include "imap/imap_door.h"

struct play {
	struct arena arena;
	struct imap_door *door;
	struct buf said;              /* all SENDs since the last look */
	struct imap_door_effect last; /* that was no SEND */
	bool has_last;
};

static void play_open(struct play *p, const struct imap_door_config *config)
{
	*p = (struct play){0};
	arena_init(&p->arena, IMAP_DOOR_ARENA_BYTES);
	buf_init(&p->said, 65536);
	p->door = imap_door_open(&p->arena, config);
}

static void play_close(struct play *p)
{
	imap_door_close(p->door);
	arena_clear(&p->arena);
	buf_clear(&p->said);
}

static void settle(struct play *p)
{
	struct imap_door_effect e;

	while (imap_door_next(p->door, &e)) {
		if (e.type == IMAP_DOOR_SEND) {
			buf_put(&p->said, e.bytes);
			continue;
		}
		p->last = e;
		p->has_last = true;
	}
}

static void feed(struct play *p, struct span in)
{
	size_t taken = 1;

	settle(p);
	p->has_last = false;
	buf_reset(&p->said);
	while (taken > 0) {
		taken = imap_door_feed(p->door, in);
		in = span_tail(in, taken);
		settle(p);
	}
}

static void says(const struct play *p, const char *begin)
{
	if (!span_starts(buf_span(&p->said), span_str(begin)))
		fail_msg("%.*s, not %s", SPAN_ARG(buf_span(&p->said)), begin);
}

static bool contains(const struct play *p, struct span words)
{
	return span_find_span(buf_span(&p->said), words) < buf_len(&p->said);
}

static const struct imap_door_config open_config = {
	.hostname = SPAN_INIT("mx.test"),
	.errors_max = 1000,
	.login = {.may_plain = true}};

/* Each row of the table, known here or not, has its answer before a login. */
static void test_every_command(void **state)
{
	struct play p;

	(void)state;
	play_open(&p, &open_config);
	for (int v = 0; v < IMAP_VERB_COUNT; v++) {
		struct buf line;
		bool is_here = imap_commands[v].states & IMAP_BEFORE;

		buf_init(&line, 128);
		buf_printf(&line, "t %s ( ( (\r\n", imap_commands[v].name);
		feed(&p, buf_span(&line));
		says(&p, is_here ? "t BAD " : "t BAD not before the login\r\n");
		buf_reset(&line);
		buf_printf(&line, "t UID %s 1\r\n", imap_commands[v].name);
		feed(&p, buf_span(&line));
		says(&p, "t BAD ");
		buf_reset(&line);
		buf_printf(
			&line, "t %s {5+}\r\nhello\r\n", imap_commands[v].name);
		feed(&p, buf_span(&line));
		says(&p, "t BAD ");
		assert_false(p.has_last);
		buf_clear(&line);
	}
	play_close(&p);
}

/* With TLS from the first byte the greeting says what is offered under TLS. */
static void test_greeting_under_tls(void **state)
{
	const struct sasl_config secured = {.may_plain = true,
		.binding = SPAN("0123456789abcdef0123456789abcdef")};
	struct imap_door_config config = open_config;
	struct play p;

	(void)state;
	config.login.may_plain = false;
	play_open(&p, &config);
	imap_door_secured(p.door, &secured);
	settle(&p);
	says(&p, "* OK [CAPABILITY IMAP4rev1 ");
	assert_true(contains(&p, SPAN(" AUTH=SCRAM-SHA-256-PLUS ")));
	assert_false(contains(&p, SPAN("LOGINDISABLED")));
	assert_false(contains(&p, SPAN("STARTTLS")));
	feed(&p, SPAN("a STARTTLS\r\n"));
	says(&p, "a BAD TLS is up already");
	play_close(&p);
}

/* While a question is open nothing is taken, and its words stay; afterwards they
 * are nowhere. */
static void test_passwords_are_wiped(void **state)
{
	const struct sasl_answer denied = {.verdict = DENIED};
	struct play p;
	const uint8_t *password, *user;

	(void)state;
	play_open(&p, &open_config);
	feed(&p, SPAN("a LOGIN bob \"sec\\\"ret\"\r\nb NOOP\r\n"));
	assert_true(p.has_last);
	assert_int_equal(p.last.type, IMAP_DOOR_ASK);
	password = p.last.question->password.p;
	user = p.last.question->user.p;
	assert_memory_equal(password, "sec\"ret", 7);
	assert_int_equal(imap_door_feed(p.door, SPAN("b NOOP\r\n")), 0);
	imap_door_answer(p.door, &denied);
	assert_memory_not_equal(password, "sec\"ret", 7);
	assert_memory_not_equal(user, "bob", 3);
	settle(&p);
	play_close(&p);
}

/* What is waiting goes out before the end does. */
static void test_shut(void **state)
{
	struct play p;

	(void)state;
	play_open(&p, &open_config);
	settle(&p);
	feed(&p, SPAN("a AUTHENTICATE PLAIN\r\n"));
	says(&p, "+ \r\n");
	imap_door_shut(p.door, SPAN("[UNAVAILABLE] Server stops"));
	imap_door_shut(p.door, SPAN("again"));
	buf_reset(&p.said);
	settle(&p);
	says(&p, "* BYE [UNAVAILABLE] Server stops\r\n");
	assert_int_equal(buf_len(&p.said), 34);
	assert_int_equal(p.last.type, IMAP_DOOR_CLOSE);
	assert_int_equal(imap_door_feed(p.door, SPAN("b NOOP\r\n")), 0);
	play_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_command),
		cmocka_unit_test(test_greeting_under_tls),
		cmocka_unit_test(test_passwords_are_wiped),
		cmocka_unit_test(test_shut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
