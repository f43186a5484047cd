/*
 * test_smtp_dsn.c - what a sender asks about notices: it is kept as it was
 * written, it reads back, and an address becomes an ORCPT.  RFC 3461, RFC 6533.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "smtp/smtp_dsn.h"
#include "smtp/smtp_server.h"

/* Gives the line to a server that says yes to everything. */
static void tell(struct smtp_server *s, const char *line)
{
	struct smtp_effect e;

	while (smtp_server_next(s, &e))
		;
	assert_int_equal(smtp_server_feed(s, span_str(line), 0),
		span_str(line).n);
	while (smtp_server_next(s, &e))
		if (e.type == SMTP_ASK_RCPT)
			smtp_server_answer(s, OK, 7, 1, SPAN_EMPTY);
}

static void goes_with_the_transaction(void **state)
{
	static const uint8_t ip[4] = {192, 0, 2, 7};
	const struct smtp_server_config config = {.hostname = SPAN("mx.test"),
		.message_size_max = 1000, .recipients_max = 100,
		.errors_max = 5, .has_dsn = true};
	const struct smtp_peer peer = {.address = span_of(ip, 4)};
	const struct smtp_transaction *t;
	struct smtp_server *s;
	struct arena a;

	(void)state;
	arena_init(&a, SMTP_SERVER_ARENA_BYTES);
	s = smtp_server_open(&a, &config, &peer);
	tell(s, "EHLO c.example\r\n");
	tell(s, "MAIL FROM:<a@c.example> ENVID=QQ+2B RET=hdrs\r\n");
	tell(s, "RCPT TO:<ann@hamburger.edu> NOTIFY=DELAY,SUCCESS "
		"ORCPT=rfc822;Ann+20B@hamburger.edu\r\n");
	tell(s, "RCPT TO:<bob@hamburger.edu>\r\n");
	t = smtp_server_transaction(s);
	assert_int_equal(t->ret, SMTP_RET_HDRS);
	assert_true(span_eq(t->envid, SPAN("QQ+2B")));
	assert_int_equal(t->rcpt_count, 2);
	assert_int_equal(t->rcpts[0].notify,
		SMTP_NOTIFY_DELAY | SMTP_NOTIFY_SUCCESS);
	assert_true(span_eq(t->rcpts[0].orcpt,
		SPAN("rfc822;Ann+20B@hamburger.edu")));
	assert_int_equal(t->rcpts[1].notify, 0);
	assert_int_equal(t->rcpts[1].orcpt.n, 0);
	tell(s, "RSET\r\n");
	tell(s, "MAIL FROM:<a@c.example>\r\n");
	assert_int_equal(t->ret, 0);
	assert_int_equal(t->envid.n, 0);
	smtp_server_close(s);
	arena_clear(&a);
}

static const struct {
	const char *address, *orcpt;
} addresses[] = {
	{"ann@hamburger.edu", "rfc822;ann@hamburger.edu"},
	{"ann+shop@x.org", "rfc822;ann+2Bshop@x.org"},
	{"\"a b=c\"@x.org", "rfc822;\"a+20b+3Dc\"@x.org"},
	{"a\\b@x.org", "rfc822;a\\b@x.org"},
	{"j\xc3\xb6rg@x.org", "utf-8;j\\x{F6}rg@x.org"},
	{"\xf0\x9f\x8d\x85+b@x.org", "utf-8;\\x{1F345}\\x{2B}b@x.org"},
	{"\xe2\x82\xac\\ =@x.org",
		"utf-8;\\x{20AC}\\x{5C}\\x{20}\\x{3D}@x.org"},
};

static void an_address_becomes_an_orcpt(void **state)
{
	struct buf out, back;
	struct span kept;

	(void)state;
	buf_init(&out, SMTP_ORCPT_MAX);
	buf_init(&back, SMTP_ORCPT_MAX);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct span text;

		buf_reset(&out);
		buf_reset(&back);
		smtp_dsn_put_orcpt(&out, span_str(addresses[i].address));
		if (!span_eq(buf_span(&out), span_str(addresses[i].orcpt)))
			fail_msg("%s became %.*s", addresses[i].address,
				SPAN_ARG(buf_span(&out)));
		assert_true(smtp_dsn_take_orcpt(buf_span(&out), false, &kept));
		text = buf_span(&out);
		(void)span_cut(&text, ';');
		assert_true(smtp_dsn_decode(text, &back));
		if (utf8_is_ascii(span_str(addresses[i].address)))
			assert_true(span_eq(buf_span(&back),
				span_str(addresses[i].address)));
	}
	buf_clear(&out);
	buf_clear(&back);
}

/* The two forms of an address of the type utf-8, RFC 6533 3. */
static const struct {
	const char *utf8, *ascii;
} forms[] = {
	{"j\xc3\xb6rg@x.org", "j\\x{F6}rg@x.org"},
	{"a@x.org", "a@x.org"},
	{"\xe2\x82\xac\xf0\x9f\x8d\x85@\xdf\xbf.org",
		"\\x{20AC}\\x{1F345}@\\x{7FF}.org"},
	{"\"a b+c=\\\"@x.org", "\"a\\x{20}b\\x{2B}c\\x{3D}\\x{5C}\"@x.org"},
	{"\xf4\x8f\xbf\xbf@x.org", "\\x{10FFFF}@x.org"},
};

static const char *const no_forms[] = {"a\\x{}", "a\\x{F}", "a\\x{F6", "a\\x{",
	"a\\x{f6}", "\\x{D800}", "\\x{110000}", "\\x{0A}", "\\x{7F}",
	"\\x{00000F6}", "\\x{00}"};

static void utf8_has_a_form_that_is_ascii(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, SMTP_ORCPT_MAX);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		buf_reset(&out);
		smtp_dsn_put_7bit(&out, span_str(forms[i].utf8));
		assert_true(span_eq(buf_span(&out), span_str(forms[i].ascii)));
		buf_reset(&out);
		assert_true(smtp_dsn_decode_utf8(span_str(forms[i].ascii),
			&out));
		assert_true(span_eq(buf_span(&out), span_str(forms[i].utf8)));
		/* what has been escaped stays so */
		buf_reset(&out);
		smtp_dsn_put_7bit(&out, span_str(forms[i].ascii));
		assert_true(span_eq(buf_span(&out), span_str(forms[i].ascii)));
	}
	for (size_t i = 0; i < sizeof(no_forms) / sizeof(no_forms[0]); i++)
		assert_false(smtp_dsn_decode_utf8(span_str(no_forms[i]), &out));
	buf_clear(&out);
}

static void words_read_back(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (uint8_t notify = 1; notify < 16; notify++) {
		struct span text;
		uint8_t got;

		if (notify != SMTP_NOTIFY_NEVER && notify & SMTP_NOTIFY_NEVER)
			continue;
		buf_reset(&out);
		smtp_dsn_put_notify(&out, notify);
		text = buf_span(&out);
		(void)span_cut(&text, '=');
		assert_true(smtp_dsn_take_notify(text, &got));
		assert_int_equal(got, notify);
	}
	buf_reset(&out);
	smtp_dsn_put_notify(&out, 0);
	smtp_dsn_put_ret(&out, 0);
	assert_int_equal(buf_len(&out), 0);
	smtp_dsn_put_ret(&out, SMTP_RET_HDRS);
	assert_true(span_eq(buf_span(&out), SPAN(" RET=HDRS")));
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_with_the_transaction),
		cmocka_unit_test(an_address_becomes_an_orcpt),
		cmocka_unit_test(utf8_has_a_form_that_is_ascii),
		cmocka_unit_test(words_read_back)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
