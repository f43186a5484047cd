/*
 * test_scram.c - SCRAM's messages, and what a client may not do.
 */
#include <stdio.h>

#include "unit/sasl/sasl_play.h"

/* The nonce that we add. */
#define OUR_NONCE "3rfcNHYJY1ZVvWVs7j3rfcNHYJY1ZVvW"

static void answer_salt(enum code verdict, struct span salt, uint32_t rounds)
{
	struct sasl_answer a = {
		.verdict = verdict, .salt = salt, .rounds = rounds};
	size_t n;

	assert_true(base64_get(SPAN(OUR_NONCE), a.nonce, sizeof(a.nonce), &n));
	assert_int_equal(n, SASL_NONCE_BYTES);
	step = sasl_answer(engine, &a);
}

static void answer_signature(enum code verdict, struct span signature)
{
	struct sasl_answer a = {.verdict = verdict, .signature = signature};

	step = sasl_answer(engine, &a);
}

#define SIGNATURE "ServerSignature of 32 bytes, yes"
#define PROOF_64  "Q2xpZW50UHJvb2Ygb2YgMzIgYnl0ZXMsIHllcyBubyE="

static void to_salt(const char *name, const char *first)
{
	play_initial(name, span_str(first));
	assert_int_equal(step.type, SASL_ASK);
	assert_int_equal(step.question->type, SASL_ASK_SALT);
	answer_salt(OK, SPAN("0123456789abcdef"), 4096);
	assert_int_equal(step.type, SASL_CHALLENGE);
}

static void test_a_whole_exchange(void **state)
{
	(void)state;
	play_open(&config_clear);
	play_begin("SCRAM-SHA-256");
	expect_challenge("");
	play_say(SPAN("n,,n=user,r=rOprNGfwEbeRWgbNEkqO,x=more"));
	expect_ask(SASL_ASK_SALT, "user");
	assert_false(step.question->is_sha1);
	answer_salt(OK, SPAN("0123456789abcdef"), 4096);
	expect_challenge("r=rOprNGfwEbeRWgbNEkqO" OUR_NONCE
			 ",s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096");
	play_say(SPAN(
		"c=biws,r=rOprNGfwEbeRWgbNEkqO" OUR_NONCE ",y=z,p=" PROOF_64));
	expect_ask(SASL_ASK_PROOF, "user");
	assert_true(span_eq(step.question->proof,
		SPAN("ClientProof of 32 bytes, yes no!")));
	assert_true(span_eq(step.question->text,
		SPAN("n=user,r=rOprNGfwEbeRWgbNEkqO,x=more,"
		     "r=rOprNGfwEbeRWgbNEkqO" OUR_NONCE
		     ",s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096,"
		     "c=biws,r=rOprNGfwEbeRWgbNEkqO" OUR_NONCE ",y=z")));
	answer_signature(OK, SPAN(SIGNATURE));
	expect_challenge("v=U2VydmVyU2lnbmF0dXJlIG9mIDMyIGJ5dGVzLCB5ZXM=");
	play_line(SPAN(""));
	expect_done("user");
	play_close();
}

static void test_with_sha_1(void **state)
{
	(void)state;
	play_open(&config_clear);
	to_salt("SCRAM-SHA-1", "n,,n=user,r=abc");
	assert_int_equal(sasl_current(engine), SASL_SCRAM_SHA_1);
	play_say(SPAN(
		"c=biws,r=abc" OUR_NONCE ",p=Q2xpZW50UHJvb2Ygb2YgMjAgYnk="));
	expect_ask(SASL_ASK_PROOF, "user");
	assert_true(step.question->is_sha1);
	assert_int_equal(step.question->proof.n, 20);
	answer_signature(OK, SPAN("ServerSignature 20 b"));
	play_line(SPAN(""));
	expect_done("user");
	/* a proof of the other length is none */
	to_salt("SCRAM-SHA-1", "n,,n=user,r=abc");
	play_say(SPAN("c=biws,r=abc" OUR_NONCE ",p=" PROOF_64));
	expect_challenge("e=invalid-proof");
	play_line(SPAN(""));
	expect_failed(SASL_WRONG);
	play_close();
}

/* "c=" of a header and what follows it. */
static struct span final_of(const char *header, struct span data)
{
	static char out[1024];
	uint8_t plain[256], letters[512];
	size_t n = strlen(header);

	memcpy(plain, header, n);
	if (data.n > 0)
		memcpy(plain + n, data.p, data.n);
	base64_put(span_of(plain, n + data.n), letters);
	(void)snprintf(out, sizeof(out),
		"c=%.*s,r=abc" OUR_NONCE ",p=" PROOF_64,
		(int)base64_encoded_len(n + data.n), (char *)letters);
	return span_str(out);
}

static void test_with_channel_binding(void **state)
{
	static const char header[] = "p=tls-exporter,,";

	(void)state;
	play_open(&config_tls);
	to_salt("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=abc");
	play_say(final_of(header, SPAN(BINDING)));
	expect_ask(SASL_ASK_PROOF, "user");
	answer_signature(OK, SPAN(SIGNATURE));
	play_line(SPAN(""));
	expect_done("user");
	play_close();
}

static void test_another_channel_is_refused(void **state)
{
	static const char other[] = "0123456789abcdef0123456789ABCDEf";
	static const struct {
		const char *header;
		struct span data;
	} rows[] = {{"p=tls-exporter,,", SPAN_INIT("")},
		{"p=tls-exporter,,", {(const uint8_t *)other, 32}},
		{"p=tls-exporter,,", SPAN_INIT(BINDING "x")},
		{"p=tls-exporter,a=user,", SPAN_INIT(BINDING)},
		{"p=tls-unique,,", SPAN_INIT(BINDING)}, {"n,,", SPAN_INIT("")},
		{"y,,", SPAN_INIT("")}, {"", SPAN_INIT(BINDING)}};

	(void)state;
	play_open(&config_tls);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		to_salt("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=user,r=abc");
		play_say(final_of(rows[i].header, rows[i].data));
		expect_challenge("e=channel-bindings-dont-match");
		play_line(SPAN(""));
		expect_failed(SASL_WRONG);
	}
	/* without a binding its data are wrong as well, and "y" for "n" */
	to_salt("SCRAM-SHA-256", "n,,n=user,r=abc");
	play_say(final_of("n,,", SPAN(BINDING)));
	expect_challenge("e=channel-bindings-dont-match");
	play_line(SPAN("*"));
	expect_failed(SASL_WRONG);
	to_salt("SCRAM-SHA-256", "n,,n=user,r=abc");
	play_say(final_of("y,,", SPAN("")));
	expect_challenge("e=channel-bindings-dont-match");
	play_close();
}

/* What is wrong with a first message, with TLS. */
static const struct {
	const char *mechanism, *said;
	const char *told; /* NULL: BAD_SYNTAX at once */
} firsts[] = {
	/* downgrade: the client could bind, and did not see that we can */
	{"SCRAM-SHA-256", "y,,n=user,r=abc",
		"e=server-does-support-channel-binding"},
	{"SCRAM-SHA-256-PLUS", "y,,n=user,r=abc",
		"e=server-does-support-channel-binding"},
	{"SCRAM-SHA-256-PLUS", "n,,n=user,r=abc",
		"e=channel-bindings-dont-match"},
	{"SCRAM-SHA-1", "p=tls-exporter,,n=user,r=abc",
		"e=channel-binding-not-supported"},
	{"SCRAM-SHA-1-PLUS", "p=tls-unique,,n=user,r=abc",
		"e=unsupported-channel-binding-type"},
	{"SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=user,r=abc",
		"e=unsupported-channel-binding-type"},
	{"SCRAM-SHA-256-PLUS", "p=TLS-EXPORTER,,n=user,r=abc",
		"e=unsupported-channel-binding-type"},
	{"SCRAM-SHA-256-PLUS", "p=,,n=user,r=abc", NULL},
	/* somebody else */
	{"SCRAM-SHA-256", "n,a=bob,n=user,r=abc", "e=other-error"},
	{"SCRAM-SHA-256", "n,a=bob=2,n=user,r=abc",
		"e=invalid-username-encoding"},
	{"SCRAM-SHA-256", "n,a=,n=user,r=abc", NULL},
	{"SCRAM-SHA-256", "n,bob,n=user,r=abc", NULL},
	/* escapes */
	{"SCRAM-SHA-256", "n,,n=us=er,r=abc", "e=invalid-username-encoding"},
	{"SCRAM-SHA-256", "n,,n=user=,r=abc", "e=invalid-username-encoding"},
	{"SCRAM-SHA-256", "n,,n=user=2,r=abc", "e=invalid-username-encoding"},
	{"SCRAM-SHA-256", "n,,n=user=2c,r=abc", "e=invalid-username-encoding"},
	{"SCRAM-SHA-256", "n,,n=user=41,r=abc", "e=invalid-username-encoding"},
	{"SCRAM-SHA-256", "n,,n=us\xff,r=abc", "e=invalid-encoding"},
	/* what must be understood */
	{"SCRAM-SHA-256", "n,,m=x,n=user,r=abc", "e=extensions-not-supported"},
	{"SCRAM-SHA-256", "n,,n=user,r=abc,m=x", "e=extensions-not-supported"},
	/* no SCRAM at all */
	{"SCRAM-SHA-256", "", NULL},
	{"SCRAM-SHA-256", "n", NULL},
	{"SCRAM-SHA-256", "n,", NULL},
	{"SCRAM-SHA-256", "n,,", NULL},
	{"SCRAM-SHA-256", "z,,n=user,r=abc", NULL},
	{"SCRAM-SHA-256", ",,n=user,r=abc", NULL},
	{"SCRAM-SHA-256", "n,,n=user", NULL},
	{"SCRAM-SHA-256", "n,,n=,r=abc", NULL},
	{"SCRAM-SHA-256", "n,,n=user,r=", NULL},
	{"SCRAM-SHA-256", "n,,n=user,r=abc,", NULL},
	{"SCRAM-SHA-256", "n,,n=user,r=a bc", NULL},
	{"SCRAM-SHA-256", "n,,n=user,r=a\xc3\xa4", NULL},
	{"SCRAM-SHA-256", "n,,r=abc,n=user", NULL},
	{"SCRAM-SHA-256", "n,,n=user,r=abc,1=x", NULL},
	{"SCRAM-SHA-256", "n,,n=user,r=abc,xx", NULL},
};

static void test_bad_first_messages(void **state)
{
	(void)state;
	play_open(&config_tls);
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		play_initial(firsts[i].mechanism, span_str(firsts[i].said));
		if (firsts[i].told == NULL) {
			expect_failed(SASL_BAD_SYNTAX);
			continue;
		}
		expect_challenge(firsts[i].told);
		play_line(SPAN("*"));
		expect_failed(SASL_WRONG);
	}
	play_initial("SCRAM-SHA-256", SPAN("n,,n=us\0er,r=abc"));
	expect_challenge("e=invalid-encoding");
	play_close();
}

static void test_without_tls_nobody_was_fooled(void **state)
{
	(void)state;
	play_open(&config_clear);
	to_salt("SCRAM-SHA-256", "y,,n=user,r=abc");
	play_say(final_of("y,,", SPAN("")));
	expect_ask(SASL_ASK_PROOF, "user");
	play_close();
}

static void test_names(void **state)
{
	(void)state;
	play_open(&config_tls);
	play_initial("SCRAM-SHA-256", SPAN("n,,n=a=2Cb=3Dc=3D2C,r=abc"));
	expect_ask(SASL_ASK_SALT, "a,b=c=2C");
	play_verdict(TEMP);
	expect_failed(SASL_TEMPORARY);
	play_initial(
		"SCRAM-SHA-256", SPAN("n,a=a=2Cb@X.TEST,n=a=2Cb@x.test,r=abc"));
	expect_ask(SASL_ASK_SALT, "a,b@x.test");
	play_verdict(DENIED);
	expect_failed(SASL_WRONG);
	/* a code point without a meaning yet */
	play_initial("SCRAM-SHA-256", SPAN("n,,n=\xf3\xa1\x80\x80,r=abc"));
	expect_ask(SASL_ASK_SALT, "\xf3\xa1\x80\x80");
	play_close();
}

/* What is wrong with a final message; the first was "n,,n=user,r=abc". */
static const struct {
	const char *said, *told;
} finals[] = {
	{"c=biws,r=abc,p=" PROOF_64, "e=other-error"},
	{"c=biws,r=" OUR_NONCE ",p=" PROOF_64, "e=other-error"},
	{"c=biws,r=abd" OUR_NONCE ",p=" PROOF_64, "e=other-error"},
	{"c=biws,r=abc" OUR_NONCE "x,p=" PROOF_64, "e=other-error"},
	{"c=eSws,r=abc" OUR_NONCE ",p=" PROOF_64,
		"e=channel-bindings-dont-match"},
	{"c=biw,r=abc" OUR_NONCE ",p=" PROOF_64,
		"e=channel-bindings-dont-match"},
	{"c=biws,r=abc" OUR_NONCE ",m=x,p=" PROOF_64,
		"e=extensions-not-supported"},
	{"c=biws,r=abc" OUR_NONCE ",p=AAAA", "e=invalid-proof"},
	{"c=biws,r=abc" OUR_NONCE ",p=*", "e=invalid-proof"},
	{"c=biws,r=abc" OUR_NONCE ",p=" PROOF_64 "AAAA", "e=invalid-proof"},
	{"c=biws,r=abc" OUR_NONCE ",x=\xff,p=" PROOF_64, "e=invalid-encoding"},
	{"c=biws,r=abc" OUR_NONCE, NULL},
	{"c=biws,r=abc" OUR_NONCE ",p=", NULL},
	{"c=biws,r=abc" OUR_NONCE ",p=" PROOF_64 ",x=y", NULL},
	{"r=abc" OUR_NONCE ",c=biws,p=" PROOF_64, NULL},
	{"c=biws,p=" PROOF_64, NULL},
	{"n=user,r=abc", NULL},
	{"", NULL},
};

static void test_bad_final_messages(void **state)
{
	(void)state;
	play_open(&config_tls);
	for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); i++) {
		to_salt("SCRAM-SHA-256", "n,,n=user,r=abc");
		play_say(span_str(finals[i].said));
		if (finals[i].told == NULL) {
			expect_failed(SASL_BAD_SYNTAX);
			continue;
		}
		expect_challenge(finals[i].told);
		play_line(SPAN(""));
		expect_failed(SASL_WRONG);
	}
	play_close();
}

static void to_proof(void)
{
	to_salt("SCRAM-SHA-256", "n,,n=user,r=abc");
	play_say(SPAN("c=biws,r=abc" OUR_NONCE ",p=" PROOF_64));
	expect_ask(SASL_ASK_PROOF, "user");
}

static void test_verdicts_on_the_proof(void **state)
{
	(void)state;
	play_open(&config_tls);
	to_proof();
	answer_signature(DENIED, SPAN_EMPTY);
	expect_challenge("e=invalid-proof");
	play_line(SPAN(""));
	expect_failed(SASL_WRONG);
	to_proof();
	answer_signature(TEMP, SPAN_EMPTY);
	expect_failed(SASL_TEMPORARY);
	/* OK without a signature would be no proof of ours */
	to_proof();
	answer_signature(OK, SPAN_EMPTY);
	expect_failed(SASL_TEMPORARY);
	/* the client did not like the signature, or speaks again */
	to_proof();
	answer_signature(OK, SPAN(SIGNATURE));
	play_line(SPAN("*"));
	expect_failed(SASL_CANCELLED);
	to_proof();
	answer_signature(OK, SPAN(SIGNATURE));
	play_say(SPAN("x"));
	expect_failed(SASL_BAD_SYNTAX);
	/* a replay of the old proof meets another nonce */
	to_salt("SCRAM-SHA-256", "n,,n=user,r=abd");
	play_say(SPAN("c=biws,r=abc" OUR_NONCE ",p=" PROOF_64));
	expect_challenge("e=other-error");
	play_close();
}

static void test_answers_that_are_none(void **state)
{
	static const uint8_t salt[65] = {0};

	(void)state;
	play_open(&config_tls);
	play_initial("SCRAM-SHA-256", SPAN("n,,n=user,r=abc"));
	answer_salt(OK, SPAN_EMPTY, 4096);
	expect_failed(SASL_TEMPORARY);
	play_initial("SCRAM-SHA-256", SPAN("n,,n=user,r=abc"));
	answer_salt(OK, SPAN("0123456789abcdef"), 0);
	expect_failed(SASL_TEMPORARY);
	play_initial("SCRAM-SHA-256", SPAN("n,,n=user,r=abc"));
	answer_salt(OK, span_of(salt, 65), 4096);
	expect_failed(SASL_TEMPORARY);
	play_initial("SCRAM-SHA-256", SPAN("n,,n=user,r=abc"));
	answer_salt(OK, span_of(salt, 64), UINT32_MAX);
	assert_int_equal(step.type, SASL_CHALLENGE);
	play_close();
}

/* Plays up to a final message of n bytes. */
static void say_final_of(size_t n)
{
	static uint8_t said[2048];
	static uint8_t last[4097];
	struct span nonce;
	uint8_t plain[4096];
	size_t plain_n;

	memset(said, 'x', sizeof(said));
	memcpy(said, "n,,n=user,r=", 12);
	play_initial("SCRAM-SHA-256", span_of(said, sizeof(said)));
	answer_salt(OK,
		SPAN("0123456789abcdef0123456789abcdef"
		     "0123456789abcdef0123456789abcdef"),
		UINT32_MAX);
	assert_int_equal(step.type, SASL_CHALLENGE);
	assert_true(base64_get(step.text, plain, sizeof(plain), &plain_n));
	nonce = span_head(span_of(plain, plain_n), 2036 + 2 + 32);
	memset(last, 'e', sizeof(last));
	memcpy(last, "c=biws,", 7);
	memcpy(last + 7, nonce.p, nonce.n);
	memcpy(last + 7 + nonce.n, ",x=", 3);
	memcpy(last + n - 47, ",p=" PROOF_64, 47);
	play_say(span_of(last, n));
}

/* The longest that is read, in both messages; one more byte is refused. */
static void test_long_messages(void **state)
{
	static uint8_t said[2049];

	(void)state;
	play_open(&config_clear);
	memset(said, 'x', sizeof(said));
	memcpy(said, "n,,n=user,r=", 12);
	play_initial("SCRAM-SHA-256", span_of(said, sizeof(said)));
	expect_failed(SASL_BAD_SYNTAX);
	say_final_of(4096);
	assert_int_equal(step.type, SASL_ASK);
	assert_true(step.question->text.n <= 12288);
	play_verdict(TEMP);
	say_final_of(4097);
	expect_failed(SASL_BAD_SYNTAX);
	play_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_exchange),
		cmocka_unit_test(test_with_sha_1),
		cmocka_unit_test(test_with_channel_binding),
		cmocka_unit_test(test_another_channel_is_refused),
		cmocka_unit_test(test_bad_first_messages),
		cmocka_unit_test(test_without_tls_nobody_was_fooled),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bad_final_messages),
		cmocka_unit_test(test_verdicts_on_the_proof),
		cmocka_unit_test(test_answers_that_are_none),
		cmocka_unit_test(test_long_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
