/*
 * smtp_transfer.c - the bytes of a body on their way through the server:
 * DATA up to its dot, BDAT up to its size; counted, looked at, handed on, or
 * discarded when they are refused.
 *
 * Once a message is refused the caller gets SMTP_DROP at once, so it stores
 * nothing more; the bytes are still taken up to their real end, and there
 * stands the one reply.  RFC 5321 4.1.1.4, RFC 3030 2
 */
#include "base/log.h"
#include "smtp/smtp_server_int.h"

#include "base/banned.h"

/* What makes the message unacceptable, the gravest first; NONE: nothing. */
static enum smtp_reply find_fault(const struct smtp_server *s)
{
	bool is_binary = (s->transaction.flags & SMTP_MAIL_BINARY) != 0;
	unsigned faults = s->data.faults;

	if (s->transaction.size > s->config.message_size_max)
		return SMTP_REPLY_TOO_BIG;
	if ((faults & SMTP_FAULT_BARE) != 0 && !is_binary)
		return SMTP_REPLY_BODY_BARE;
	if ((faults & SMTP_FAULT_NUL) != 0 && !is_binary)
		return SMTP_REPLY_BODY_NUL;
	if ((faults & SMTP_FAULT_HEADER) != 0)
		return SMTP_REPLY_HEADER_LIMIT;
	if (s->data.received > s->config.received_max)
		return SMTP_REPLY_LOOP;
	return SMTP_REPLY_NONE;
}

void smtp_transfer_begin(struct smtp_server *s, enum smtp_input input)
{
	s->input = input;
	s->body = SMTP_BODY_OPEN;
	smtp_data_init(&s->data, input == SMTP_INPUT_DATA);
}

/* Bytes of the body: to the caller, unless they are not wanted any more. */
static void pass_on(struct smtp_server *s, struct span bytes)
{
	if (__builtin_add_overflow(s->transaction.size, bytes.n,
		    &s->transaction.size))
		s->transaction.size = UINT64_MAX;
	if (s->data.has_8bit)
		s->transaction.flags |= SMTP_MAIL_8BIT;
	if (s->body != SMTP_BODY_OPEN)
		return;
	if (find_fault(s) == SMTP_REPLY_NONE) {
		s->out_body = bytes;
	} else {
		s->body = SMTP_BODY_REFUSED;
		s->has_drop = true;
	}
}

static void refuse_body(struct smtp_server *s, enum smtp_reply fault)
{
	struct buf fact;

	buf_init(&fact, SMTP_FACT_MAX);
	smtp_reply_put_fact(s, fault, &fact); /* before it is forgotten */
	buf_reset(&s->address);
	buf_put(&s->address, s->transaction.reverse_path);
	smtp_server_forget(s);
	smtp_server_log(s, EV_SMTP_DATA_REFUSED, fault);
	smtp_server_reply(s, fault, buf_span(&fact));
	buf_clear(&fact);
}

/* The last byte of the message was taken. */
static void end_body(struct smtp_server *s)
{
	enum smtp_reply fault = find_fault(s);

	s->input = SMTP_INPUT_LINE;
	if (fault == SMTP_REPLY_NONE)
		smtp_server_ask(s, SMTP_QUESTION_COMMIT);
	else
		refuse_body(s, fault);
}

size_t smtp_transfer_data(struct smtp_server *s, struct span in)
{
	struct span bytes;
	size_t taken;
	enum step step = smtp_data_scan(&s->data, in, &taken, &bytes);

	pass_on(s, bytes);
	if (step == DONE)
		end_body(s);
	return taken;
}

/* ---- chunks -------------------------------------------------------------------- */

static void put_octets(struct smtp_server *s, uint64_t n)
{
	struct buf text;

	buf_init(&text, 32);
	buf_put_u64(&text, n);
	smtp_server_reply(s, SMTP_REPLY_CHUNK_OK, buf_span(&text));
	buf_clear(&text);
}

void smtp_transfer_end_chunk(struct smtp_server *s)
{
	enum smtp_reply refusal = s->chunk_refusal;

	s->input = SMTP_INPUT_LINE;
	if (refusal != SMTP_REPLY_NONE) {
		smtp_server_reply(s, refusal, SPAN_EMPTY);
		return;
	}
	if (s->chunk_is_last)
		smtp_data_end(&s->data);
	if (s->chunk_is_last || find_fault(s) != SMTP_REPLY_NONE)
		end_body(s);
	else
		put_octets(s, s->transaction.size);
}

size_t smtp_transfer_chunk(struct smtp_server *s, struct span in)
{
	size_t n = s->chunk_left < in.n ? (size_t)s->chunk_left : in.n;
	struct span bytes = span_head(in, n);

	s->chunk_left -= n;
	if (s->chunk_refusal == SMTP_REPLY_NONE) {
		size_t taken;

		(void)smtp_data_scan(&s->data, bytes, &taken, &bytes);
		must(taken == n);
		pass_on(s, bytes);
	}
	if (s->chunk_left == 0)
		smtp_transfer_end_chunk(s);
	return n;
}

/* ---- the answer ------------------------------------------------------------------ */

enum smtp_reply smtp_transfer_trouble(enum code verdict)
{
	return verdict == FULL ? SMTP_REPLY_STORAGE_FULL : SMTP_REPLY_TEMP;
}

/* Why a whole message was not taken. */
static enum smtp_reply refusal(enum code verdict)
{
	if (verdict == DENIED)
		return SMTP_REPLY_NOT_YOUR_FROM;
	return verdict == LIMIT ? SMTP_REPLY_HEADER_LIMIT
				: smtp_transfer_trouble(verdict);
}

void smtp_transfer_committed(struct smtp_server *s, enum code verdict,
	struct span mid)
{
	s->body = SMTP_BODY_NONE; /* the caller has done with it */
	smtp_server_forget(s);
	if (verdict != OK) {
		smtp_server_log(s, EV_SMTP_DATA_REFUSED, refusal(verdict));
		smtp_server_reply(s, refusal(verdict), SPAN_EMPTY);
		return;
	}
	s->errors = s->junk = 0;
	smtp_server_reply(s, SMTP_REPLY_QUEUED, mid);
}
