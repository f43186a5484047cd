/*
 * sasl_play.h - what the tests of the exchange share: an engine, and words in
 * plain text for what travels as base64.
 */
#ifndef POSTRIDER_TESTS_UNIT_SASL_SASL_PLAY_H
#define POSTRIDER_TESTS_UNIT_SASL_SASL_PLAY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "codec/base64.h"
#include "codec/base64_whole.h"
#include "sasl/sasl.h"

#define BINDING "0123456789abcdef0123456789ABCDEF"

static const struct sasl_config config_tls = {.may_plain = true,
	.has_certificate = true,
	.binding = SPAN_INIT(BINDING)};
static const struct sasl_config config_clear = {.may_plain = true};

static struct arena arena;
static struct sasl *engine;
static struct sasl_step step;
static uint8_t text[SASL_LINE_MAX * 2];

static inline void play_open(const struct sasl_config *config)
{
	arena_init(&arena, SASL_ARENA_BYTES);
	engine = sasl_open(&arena, config);
}

static inline void play_close(void)
{
	sasl_close(engine);
	arena_clear(&arena);
}

static inline struct span encode(struct span s)
{
	base64_put(s, text);
	return span_of(text, base64_encoded_len(s.n));
}

/* The client names a mechanism, and speaks. */
static inline void play_begin(const char *name)
{
	step = sasl_begin(engine, span_str(name), false, SPAN_EMPTY);
}

static inline void play_initial(const char *name, struct span said)
{
	step = sasl_begin(engine, span_str(name), true, encode(said));
}

static inline void play_say(struct span said)
{
	step = sasl_line(engine, encode(said));
}

static inline void play_line(struct span line)
{
	step = sasl_line(engine, line);
}

static inline void play_verdict(enum code verdict)
{
	struct sasl_answer a = {.verdict = verdict};

	step = sasl_answer(engine, &a);
}

static inline void expect_challenge(const char *plain)
{
	uint8_t out[SASL_LINE_MAX];
	size_t n;

	assert_int_equal(step.type, SASL_CHALLENGE);
	assert_true(base64_get(step.text, out, sizeof(out), &n));
	if (!span_eq(span_of(out, n), span_str(plain)))
		fail_msg("\"%.*s\" is not \"%s\"", (int)n, (char *)out, plain);
}

static inline void expect_failed(enum sasl_failure failure)
{
	assert_int_equal(step.type, SASL_FAILED);
	assert_int_equal(step.failure, failure);
	assert_true(step.text.n == 0);
}

static inline void expect_done(const char *user)
{
	assert_int_equal(step.type, SASL_DONE);
	assert_true(span_eq(sasl_user(engine), span_str(user)));
}

static inline void expect_ask(enum sasl_question_type type, const char *user)
{
	assert_int_equal(step.type, SASL_ASK);
	assert_int_equal(step.question->type, type);
	assert_true(span_eq(step.question->user, span_str(user)));
}

static inline void expect_password(const char *user, struct span password)
{
	expect_ask(SASL_ASK_PASSWORD, user);
	assert_true(span_eq(step.question->password, password));
}

#endif
