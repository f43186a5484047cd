/*
 * test_sasl.c - the exchange, and the mechanisms that are no SCRAM.
 */
#include "unit/sasl/sasl_play.h"

static void offered(const struct sasl_config *config, const char *expected)
{
	struct buf b;

	buf_init(&b, 256);
	sasl_put_offer(config, SPAN(" "), &b);
	if (!span_eq(buf_span(&b), span_str(expected)))
		fail_msg("\"%.*s\"", SPAN_ARG(buf_span(&b)));
	buf_clear(&b);
}

static void test_what_is_offered(void **state)
{
	struct sasl_config c = config_tls;

	(void)state;
	offered(&c, " SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256"
		    " SCRAM-SHA-1 EXTERNAL PLAIN LOGIN");
	c.has_certificate = false;
	offered(&c, " SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256"
		    " SCRAM-SHA-1 PLAIN LOGIN");
	c.binding = SPAN_EMPTY;
	offered(&c, " SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
	c = config_tls;
	c.may_plain = false;
	offered(&c, "");
	assert_false(sasl_is_offered(&config_tls, SASL_OAUTHBEARER));
	assert_true(span_eq(sasl_mechanism_name(SASL_SCRAM_SHA_1_PLUS),
		SPAN("SCRAM-SHA-1-PLUS")));
}

static void test_what_is_not_possible_is_unknown(void **state)
{
	struct sasl_config c = config_tls;

	(void)state;
	play_open(&config_clear);
	play_begin("SCRAM-SHA-256-PLUS");
	expect_failed(SASL_UNKNOWN);
	play_begin("EXTERNAL");
	expect_failed(SASL_UNKNOWN);
	play_begin("CRAM-MD5");
	expect_failed(SASL_UNKNOWN);
	play_begin("");
	expect_failed(SASL_UNKNOWN);
	play_close();

	c.may_plain = false;
	play_open(&c);
	for (int m = 0; m < SASL_MECHANISM_COUNT; m++) {
		step = sasl_begin(engine,
			sasl_mechanism_name((enum sasl_mechanism)m), true,
			SPAN("AGEAYg=="));
		expect_failed(SASL_UNKNOWN);
	}
	/* TLS comes up */
	sasl_secured(engine, &config_tls);
	play_begin("ExTernal");
	expect_challenge("");
	play_close();
}

static void test_plain(void **state)
{
	(void)state;
	play_open(&config_clear);
	play_initial("plain", SPAN("\0ann@x.test\0ketchup"));
	expect_password("ann@x.test", SPAN("ketchup"));
	assert_int_equal(sasl_current(engine), SASL_PLAIN);
	play_verdict(OK);
	expect_done("ann@x.test");

	/* with a challenge; and each verdict */
	play_begin("PLAIN");
	expect_challenge("");
	play_say(SPAN("\0bob\0k"));
	expect_password("bob", SPAN("k"));
	play_verdict(DENIED);
	expect_failed(SASL_WRONG);
	play_initial("PLAIN", SPAN("\0bob\0k"));
	play_verdict(TEMP);
	expect_failed(SASL_TEMPORARY);
	play_initial("PLAIN", SPAN("\0bob\0k"));
	play_verdict(BUSY);
	expect_failed(SASL_TEMPORARY);
	play_close();
}

static void test_plain_that_is_none(void **state)
{
	static const struct span bad[] = {SPAN_INIT(""), SPAN_INIT("ann"),
		SPAN_INIT("ann\0ketchup"), SPAN_INIT("\0ann"),
		SPAN_INIT("\0ann\0ketch\0up"), SPAN_INIT("\0ann\0ketchup\0"),
		SPAN_INIT("\0\0\0"), SPAN_INIT("\0\0"),
		SPAN_INIT("\0\0ketchup"), SPAN_INIT("\0a\xff\0ketchup")};

	(void)state;
	play_open(&config_clear);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		play_initial("PLAIN", bad[i]);
		expect_failed(SASL_BAD_SYNTAX);
	}
	play_close();
}

static void test_who_acts_for_whom(void **state)
{
	static const struct {
		struct span said;
		bool is_good;
	} rows[] = {
		{SPAN_INIT("ann@x.test\0ann@x.test\0k"), true},
		{SPAN_INIT("ann@X.Test\0ann@x.test\0k"), true},
		{SPAN_INIT("Ann@x.test\0ann@x.test\0k"), false},
		{SPAN_INIT("bob@x.test\0ann@x.test\0k"), false},
		{SPAN_INIT("ann\0ann@x.test\0k"), false},
		{SPAN_INIT("ann@x.test\0ann\0k"), false},
		{SPAN_INIT("ann@x.tes\0ann@x.test\0k"), false},
	};

	(void)state;
	play_open(&config_clear);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		play_initial("PLAIN", rows[i].said);
		if (rows[i].is_good) {
			assert_int_equal(step.type, SASL_ASK);
			play_verdict(DENIED);
		}
		expect_failed(SASL_WRONG);
	}
	play_close();
}

static void test_an_empty_password_is_asked_and_wrong(void **state)
{
	(void)state;
	play_open(&config_clear);
	play_initial("PLAIN", SPAN("\0ann\0"));
	expect_password("ann", SPAN(""));
	play_verdict(OK);
	expect_failed(SASL_WRONG);
	play_initial("LOGIN", SPAN("ann"));
	play_line(SPAN(""));
	expect_password("ann", SPAN(""));
	play_verdict(OK);
	expect_failed(SASL_WRONG);
	play_initial("PLAIN", SPAN("\0ann\0"));
	play_verdict(TEMP);
	expect_failed(SASL_TEMPORARY);
	play_close();
}

static void test_long_words(void **state)
{
	static uint8_t said[SASL_LINE_MAX];
	static uint8_t line[SASL_LINE_MAX + 1];

	(void)state;
	play_open(&config_clear);
	/* a password as long as the line may be: 12288 / 4 * 3 bytes */
	memset(said, 'x', sizeof(said));
	memcpy(said, "\0ann\0", 5);
	play_initial("PLAIN", span_of(said, 9216));
	expect_password("ann", span_of(said + 5, 9211));
	play_verdict(DENIED);
	expect_failed(SASL_WRONG);
	/* one more does not fit, at the beginning nor later */
	memset(line, 'A', sizeof(line));
	step = sasl_begin(
		engine, SPAN("PLAIN"), true, span_of(line, sizeof(line)));
	expect_failed(SASL_TOO_LONG);
	play_begin("PLAIN");
	play_line(span_of(line, sizeof(line)));
	expect_failed(SASL_TOO_LONG);
	play_begin("PLAIN");
	play_line(span_of(line, sizeof(line) - 1));
	expect_failed(SASL_BAD_SYNTAX);
	/* a user of 512 bytes, and of 513 */
	said[0] = 0;
	memset(said + 1, 'u', 513);
	memcpy(said + 513, "\0k", 2);
	play_initial("PLAIN", span_of(said, 515));
	assert_int_equal(step.type, SASL_ASK);
	assert_int_equal(step.question->user.n, 512);
	play_verdict(DENIED);
	memcpy(said + 513, "u\0k", 3);
	play_initial("PLAIN", span_of(said, 516));
	expect_failed(SASL_BAD_SYNTAX);
	play_close();
}

static void test_what_is_no_base64(void **state)
{
	static const char *const bad[] = {"=", "A", "AA", "AAA", "AA=A",
		"A===", "====", "AGFubgBr ", " AGFubgBr", "AGFu\nbgBr",
		"AGFubgBr=", "AGFubgBrZ3==", "-_-_", "AGFub*Br", "**",
		"AGFubgBr===="};

	(void)state;
	play_open(&config_clear);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		play_begin("PLAIN");
		play_line(span_str(bad[i]));
		expect_failed(SASL_BAD_BASE64);
		if (i == 0)
			continue; /* at the beginning it is an empty response */
		step = sasl_begin(
			engine, SPAN("PLAIN"), true, span_str(bad[i]));
		expect_failed(SASL_BAD_BASE64);
	}
	step = sasl_begin(engine, SPAN("PLAIN"), true, SPAN("*"));
	expect_failed(SASL_BAD_BASE64);
	step = sasl_begin(engine, SPAN("PLAIN"), true, SPAN("="));
	expect_failed(SASL_BAD_SYNTAX);
	play_close();
}

static void test_login(void **state)
{
	(void)state;
	play_open(&config_clear);
	play_begin("LOGIN");
	expect_challenge("Username:");
	assert_true(span_eq(step.text, SPAN("VXNlcm5hbWU6")));
	play_say(SPAN("ann@x.test"));
	expect_challenge("Password:");
	assert_true(span_eq(step.text, SPAN("UGFzc3dvcmQ6")));
	play_say(SPAN("ketchup"));
	expect_password("ann@x.test", SPAN("ketchup"));
	play_verdict(OK);
	expect_done("ann@x.test");

	/* the user with the name of the mechanism */
	play_initial("LOGIN", SPAN("bob"));
	expect_challenge("Password:");
	play_say(SPAN("k"));
	expect_password("bob", SPAN("k"));
	play_verdict(DENIED);
	expect_failed(SASL_WRONG);

	play_initial("LOGIN", SPAN("bob\0x"));
	expect_failed(SASL_BAD_SYNTAX);
	play_initial("LOGIN", SPAN("bob"));
	play_say(SPAN("k\0k"));
	expect_failed(SASL_BAD_SYNTAX);
	play_begin("LOGIN");
	play_line(SPAN(""));
	expect_failed(SASL_BAD_SYNTAX);
	play_close();
}

static void test_cancelled_anywhere(void **state)
{
	static const char *const names[] = {"PLAIN", "LOGIN", "EXTERNAL",
		"SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "OAUTHBEARER"};

	(void)state;
	play_open(&config_tls);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		play_begin(names[i]);
		play_line(SPAN("*"));
		expect_failed(SASL_CANCELLED);
	}
	play_initial("LOGIN", SPAN("bob"));
	play_line(SPAN("*"));
	expect_failed(SASL_CANCELLED);
	play_close();
}

static void test_external(void **state)
{
	(void)state;
	play_open(&config_tls);
	step = sasl_begin(engine, SPAN("EXTERNAL"), true, SPAN("="));
	expect_ask(SASL_ASK_CERTIFICATE, "");
	play_verdict(OK);
	expect_done("");
	play_begin("EXTERNAL");
	play_line(SPAN(""));
	expect_ask(SASL_ASK_CERTIFICATE, "");
	play_verdict(DENIED);
	expect_failed(SASL_WRONG);
	play_initial("EXTERNAL", SPAN("ann@x.test"));
	expect_ask(SASL_ASK_CERTIFICATE, "ann@x.test");
	play_verdict(OK);
	expect_done("ann@x.test");
	play_initial("EXTERNAL", SPAN("ann\0"));
	expect_failed(SASL_BAD_SYNTAX);
	play_initial("EXTERNAL", SPAN("ann\xc0"));
	expect_failed(SASL_BAD_SYNTAX);
	play_close();
}

static void test_a_token_is_none(void **state)
{
	static const char good[] = "n,a=ann@x.test,\1host=x.test\1"
				   "port=143\1auth=Bearer vF9dft4qmT\1\1";
	static const char *const bad[] = {"", "n,,", "\1",
		"n,,\1auth=Bearer x\1", "n,,\1auth=Basic x\1\1",
		"p=tls-exporter,,\1auth=Bearer x\1\1", "n,,\1\1",
		"n,ann,\1auth=Bearer x\1\1", "n,,xauth=Bearer x\1\1"};

	(void)state;
	play_open(&config_tls);
	play_initial("OAUTHBEARER", span_str(good));
	expect_challenge("{\"status\":\"invalid_token\"}");
	play_say(SPAN("\1"));
	expect_failed(SASL_WRONG);
	/* whatever the last word is */
	play_begin("OAUTHBEARER");
	play_say(span_str(good));
	play_line(SPAN("*"));
	expect_failed(SASL_WRONG);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		play_initial("OAUTHBEARER", span_str(bad[i]));
		expect_failed(SASL_BAD_SYNTAX);
	}
	play_close();
}

static void test_no_secret_stays_behind(void **state)
{
	static const uint8_t zero[7];
	const uint8_t *said;

	(void)state;
	play_open(&config_tls);
	play_initial("PLAIN", SPAN("\0ann\0ketchup"));
	said = step.question->password.p;
	assert_memory_equal(said, "ketchup", 7);
	play_verdict(OK);
	assert_memory_equal(said, zero, 7);
	/* TLS, or the end, in the midst of it */
	play_initial("PLAIN", SPAN("\0ann\0ketchup"));
	sasl_secured(engine, &config_tls);
	assert_memory_equal(said, zero, 7);
	assert_int_equal(sasl_user(engine).n, 0);
	play_initial("PLAIN", SPAN("\0ann\0ketchup"));
	assert_memory_equal(said, "ketchup", 7);
	sasl_close(engine);
	assert_memory_equal(said, zero, 7);
	sasl_close(engine);
	play_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_offered),
		cmocka_unit_test(test_what_is_not_possible_is_unknown),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_plain_that_is_none),
		cmocka_unit_test(test_who_acts_for_whom),
		cmocka_unit_test(test_an_empty_password_is_asked_and_wrong),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_what_is_no_base64),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_cancelled_anywhere),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_a_token_is_none),
		cmocka_unit_test(test_no_secret_stays_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
