/*
 * smtp_reply_facts.c - what the session knows that a reply says: how large, how
 * many, who.  A refusal with its number is one that people can act on.
 *
 * An address stands in a reply only if it is visible ASCII without blanks: it
 * came from the client, and the rest of the line is ours.
 */
#include "smtp/smtp_server_int.h"

#include "base/size.h"

#include "base/banned.h"

#define ADDRESS_SHOWN_MAX 254u

static bool is_plain(struct span address)
{
	for (size_t i = 0; i < address.n; i++)
		if (address.p[i] <= ' ' || address.p[i] > '~')
			return false;
	return address.n > 0 && address.n <= ADDRESS_SHOWN_MAX;
}

static void put_address(const struct smtp_server *s, struct buf *out)
{
	struct span address = buf_span(&s->address);

	if (!is_plain(address)) {
		buf_puts(out, "of this address");
		return;
	}
	buf_putc(out, '<');
	buf_put(out, address);
	buf_putc(out, '>');
}

static void put_size(const struct smtp_server *s, struct buf *out)
{
	uint64_t size = s->transaction.size > s->config.message_size_max
		? s->transaction.size
		: s->transaction.declared_size;

	size_put_over(out, size, s->config.message_size_max);
}

static void put_rcpt_count(const struct smtp_server *s, struct buf *out)
{
	buf_put_u64(out, s->transaction.rcpt_count);
}

static void put_errors_max(const struct smtp_server *s, struct buf *out)
{
	buf_put_u64(out, s->config.errors_max);
}

static void put_received_max(const struct smtp_server *s, struct buf *out)
{
	buf_put_u64(out, s->config.received_max);
}

static const struct {
	enum smtp_reply reply;
	void (*put)(const struct smtp_server *s, struct buf *out);
} rows[] = {
	{SMTP_REPLY_NO_USER, put_address},
	{SMTP_REPLY_MAILBOX_FULL, put_address},
	{SMTP_REPLY_TOO_BIG, put_size},
	{SMTP_REPLY_TOO_MANY_RCPTS, put_rcpt_count},
	{SMTP_REPLY_ERRORS, put_errors_max},
	{SMTP_REPLY_LOOP, put_received_max},
};

void smtp_reply_put_fact(const struct smtp_server *s, enum smtp_reply reply,
	struct buf *out)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].reply == reply)
			rows[i].put(s, out);
}
