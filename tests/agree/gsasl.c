/*
 * gsasl.c - GNU SASL as the client of our exchange: what it says we must
 * understand, and our signature must convince it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64_whole.h"
#include "crypto/scram.h"
#include "crypto/secret.h"
#include "sasl/sasl.h"

#define SALT    "0123456789abcdef"
#define ROUNDS  4096
#define BINDING "0123456789abcdef0123456789ABCDEF"
#define OTHER   "0123456789abcdef0123456789ABCDEf"
#define TURNS   8

struct dialog {
	const char *mechanism;
	const char *user, *password; /* of the client */
	const char *known;           /* the password as it is kept */
	const char *binding;         /* of the client's side; NULL: none */
};

struct end {
	bool is_in;   /* we say so */
	bool is_sure; /* and the client believes it */
	enum sasl_failure failure;
};

static Gsasl *library;
static const struct sasl_config config = {.may_plain = true,
	.has_certificate = true,
	.binding = SPAN_INIT(BINDING)};

static enum code check_proof(const struct dialog *d,
	const struct sasl_question *q, uint8_t signature[SCRAM_KEY_MAX])
{
	enum scram_hash hash = q->is_sha1 ? SCRAM_SHA_1 : SCRAM_SHA_256;
	struct scram_keys keys;

	scram_keys_make(hash, span_str(d->known), SPAN(SALT), ROUNDS, &keys);
	return scram_proof_check(hash, &keys, q->text, q->proof, signature)
		       ? OK
		       : DENIED;
}

/* The directory's part. */
static struct sasl_step decide(
	struct sasl *s, const struct dialog *d, const struct sasl_question *q)
{
	struct sasl_answer a = {
		.verdict = OK, .salt = SPAN(SALT), .rounds = ROUNDS};
	uint8_t signature[SCRAM_KEY_MAX];

	secret_random(a.nonce, sizeof(a.nonce));
	if (q->type != SASL_ASK_CERTIFICATE)
		assert_true(span_eq(q->user, span_str(d->user)));
	if (q->type == SASL_ASK_PASSWORD)
		a.verdict =
			span_eq(q->password, span_str(d->known)) ? OK : DENIED;
	if (q->type == SASL_ASK_PROOF)
		a.verdict = check_proof(d, q, signature);
	a.signature = span_of(signature, q->is_sha1 ? 20 : 32);
	return sasl_answer(s, &a);
}

static Gsasl_session *start(const struct dialog *d)
{
	Gsasl_session *client;
	uint8_t letters[64] = "";

	assert_int_equal(
		gsasl_client_start(library, d->mechanism, &client), GSASL_OK);
	(void)gsasl_property_set(client, GSASL_AUTHID, d->user);
	(void)gsasl_property_set(client, GSASL_PASSWORD, d->password);
	if (strcmp(d->mechanism, "EXTERNAL") == 0)
		(void)gsasl_property_set(client, GSASL_AUTHZID, d->user);
	if (d->binding != NULL) {
		base64_put(span_str(d->binding), letters);
		(void)gsasl_property_set(
			client, GSASL_CB_TLS_EXPORTER, (char *)letters);
	}
	return client;
}

/* The client's answer to a challenge; "*" when it gives up. */
static struct sasl_step speak(struct sasl *s, Gsasl_session *client,
	struct span challenge, bool *is_sure)
{
	char text[4096] = "";
	char *line = NULL;
	struct sasl_step step;
	int rc;

	assert_true(challenge.n < sizeof(text));
	if (challenge.n > 0)
		memcpy(text, challenge.p, challenge.n);
	rc = gsasl_step64(client, text, &line);
	*is_sure = rc == GSASL_OK;
	if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
		return sasl_line(s, SPAN("*"));
	step = sasl_line(s, span_str(line));
	gsasl_free(line);
	return step;
}

static struct end play(const struct dialog *d)
{
	Gsasl_session *client = start(d);
	struct arena arena;
	struct sasl *s;
	struct sasl_step step;
	struct end end = {0};

	arena_init(&arena, SASL_ARENA_BYTES);
	s = sasl_open(&arena, &config);
	step = sasl_begin(s, span_str(d->mechanism), false, SPAN_EMPTY);
	for (int i = 0; i < TURNS; i++) {
		while (step.type == SASL_ASK)
			step = decide(s, d, step.question);
		if (step.type != SASL_CHALLENGE)
			break;
		step = speak(s, client, step.text, &end.is_sure);
	}
	assert_true(step.type == SASL_DONE || step.type == SASL_FAILED);
	end.is_in = step.type == SASL_DONE;
	end.failure = step.failure;
	sasl_close(s);
	arena_clear(&arena);
	gsasl_finish(client);
	return end;
}

static const char *const with_a_password[] = {"PLAIN", "LOGIN", "SCRAM-SHA-1",
	"SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"};

/* A client that could bind refuses to do without. */
static const char *binding_for(const char *mechanism)
{
	return strstr(mechanism, "-PLUS") != NULL ? BINDING : NULL;
}

static void test_it_gets_in(void **state)
{
	static const char *const pairs[][2] = {{"ann@x.test", "ketchup"},
		{"ann,the=first@x.test", "with blanks, commas = and more"},
		{"j\xc3\xbcrgen@x.test", "K\xc3\xa4se 5\xe2\x82\xac"}};

	(void)state;
	for (size_t m = 0; m < 6; m++)
		for (size_t i = 0; i < 3; i++) {
			struct dialog d = {with_a_password[m], pairs[i][0],
				pairs[i][1], pairs[i][1],
				binding_for(with_a_password[m])};
			struct end end = play(&d);

			if (!end.is_in || !end.is_sure)
				fail_msg("%s %s", d.mechanism, d.user);
		}
}

static void test_it_does_not_get_in(void **state)
{
	(void)state;
	for (size_t m = 0; m < 6; m++) {
		struct dialog d = {with_a_password[m], "ann@x.test", "ketchup",
			"mustard", binding_for(with_a_password[m])};
		struct end end = play(&d);

		assert_false(end.is_in);
		assert_int_equal(end.failure, SASL_WRONG);
	}
}

/* Both prepare a password; the forms that they were given differ. */
static void test_it_prepares_as_we_do(void **state)
{
	static const char *const pairs[][2] = {{"p\xc3\xa4ss", "pa\xcc\x88ss"},
		{"a\xc2\xa0z", "a z"},
		{"so\xc2\xad"
		 "ft",
			"soft"},
		{"\xe2\x85\xa8", "IX"}, {"\xef\xbc\xa1\xef\xbd\x82", "Ab"}};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct dialog d = {"SCRAM-SHA-256", "ann@x.test", pairs[i][0],
			pairs[i][1], NULL};

		assert_true(play(&d).is_sure);
		d.password = pairs[i][1];
		d.known = pairs[i][0];
		assert_true(play(&d).is_sure);
	}
}

static void test_another_channel(void **state)
{
	struct dialog d = {"SCRAM-SHA-256-PLUS", "ann@x.test", "ketchup",
		"ketchup", OTHER};

	(void)state;
	assert_int_equal(play(&d).failure, SASL_WRONG);
}

static void test_its_certificate(void **state)
{
	struct dialog d = {
		.mechanism = "EXTERNAL", .user = "ann@x.test", .password = ""};

	(void)state;
	assert_true(play(&d).is_in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_gets_in),
		cmocka_unit_test(test_it_does_not_get_in),
		cmocka_unit_test(test_it_prepares_as_we_do),
		cmocka_unit_test(test_another_channel),
		cmocka_unit_test(test_its_certificate),
	};
	int failed;

	secret_init();
	if (gsasl_init(&library) != GSASL_OK)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	gsasl_done(library);
	return failed;
}
