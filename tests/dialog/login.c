/*
 * login.c - questions of a login as lines of a dialogue.  See login.h.
 */
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "codec/base64.h"
#include "driver.h"
#include "login.h"

#include "base/banned.h"

static const char *const words[] = {
	[SASL_ASK_PASSWORD] = "login",
	[SASL_ASK_SALT] = "salt",
	[SASL_ASK_PROOF] = "proof",
	[SASL_ASK_CERTIFICATE] = "certificate",
};

static void put_base64(struct buf *out, struct span bytes)
{
	struct base64_encoder encoder;

	base64_encode_init(&encoder, 0);
	base64_encode_feed(&encoder, bytes, out);
	base64_encode_end(&encoder, out);
}

static bool get_base64(struct span text, struct buf *out)
{
	struct base64_decoder decoder;

	base64_decode_init(&decoder);
	base64_decode_feed(&decoder, text, out);
	base64_decode_end(&decoder, out);
	return !decoder.is_damaged;
}

static void put_word(struct buf *out, struct span word)
{
	buf_putc(out, ' ');
	buf_put(out, word);
}

void login_put_question(struct buf *out, const struct sasl_question *q)
{
	buf_puts(out, words[q->type]);
	if (q->type == SASL_ASK_SALT || q->type == SASL_ASK_PROOF)
		buf_puts(out, q->is_sha1 ? " sha-1" : " sha-256");
	if (q->user.n > 0)
		put_word(out, q->user);
	if (q->type == SASL_ASK_PASSWORD)
		put_word(out, q->password);
	if (q->type == SASL_ASK_PROOF) {
		buf_putc(out, ' ');
		put_base64(out, q->proof);
		put_word(out, q->text);
	}
}

bool login_is_question(struct span question)
{
	struct span word = driver_word(&question);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_eq(word, span_str(words[i])))
			return true;
	return false;
}

static bool take_base64(struct span word, struct login_answer *out,
	struct span *value)
{
	struct buf bytes;
	bool is_good;

	buf_init(&bytes, sizeof(out->bytes));
	is_good = get_base64(word, &bytes);
	memcpy(out->bytes, buf_span(&bytes).p, buf_len(&bytes));
	*value = span_of(out->bytes, buf_len(&bytes));
	buf_clear(&bytes);
	return is_good;
}

bool login_read_answer(struct span question, struct span answer,
	struct login_answer *out)
{
	struct span kind = driver_word(&question);

	*out = (struct login_answer){0};
	out->answer.verdict = driver_code(driver_word(&answer));
	memset(out->answer.nonce, 'n', sizeof(out->answer.nonce));
	if (out->answer.verdict == CODE_COUNT)
		return false;
	if (out->answer.verdict != OK)
		return answer.n == 0;
	if (span_eq(kind, SPAN("salt")))
		return take_base64(driver_word(&answer), out,
			       &out->answer.salt) &&
			num_parse_u32(answer, UINT32_MAX, &out->answer.rounds);
	if (span_eq(kind, SPAN("proof")))
		return take_base64(answer, out, &out->answer.signature);
	return answer.n == 0;
}
