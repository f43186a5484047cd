/*
 * smtp_received.c - the Received: field.  RFC 5321 4.4
 *
 *	Received: from HELO ([IP])
 *		by HOST (Postrider) with ESMTPS id MID (TLSv1.3 CIPHER)
 *		for <RCPT>; DATE
 *
 * `for` stands there only with a single recipient, so that nobody learns of
 * the others (RFC 5321 7.2).  HELO is what the client said, so what is not
 * allowed in a domain or literal shows as "?": it could else forge a field.
 */
#include "base/time.h"
#include "smtp/smtp_server_int.h"

#include "base/banned.h"

static void put_helo(struct buf *out, struct span helo)
{
	const struct span fine = SPAN(".-_:[]");

	for (size_t i = 0; i < helo.n; i++) {
		uint8_t c = helo.p[i];
		bool is_fine = ascii_is_alpha(c) || ascii_is_digit(c) ||
			span_find(fine, c) < fine.n;

		buf_putc(out, is_fine ? c : '?');
	}
}

/* RFC 5321 4.4, RFC 6531 3.7.3; with an S under TLS, RFC 3848 */
static const char *protocol(const struct smtp_transaction *t, bool has_tls)
{
	if ((t->flags & SMTP_MAIL_UTF8) != 0)
		return has_tls ? "UTF8SMTPS" : "UTF8SMTP";
	if (t->is_esmtp)
		return has_tls ? "ESMTPS" : "ESMTP";
	return "SMTP";
}

static void put_client(struct buf *out, const struct smtp_server *s)
{
	if (s->peer.local != NULL) {
		buf_printf(out, "localhost (uid %u)", s->peer.local->uid);
		return;
	}
	put_helo(out, s->transaction.helo);
	buf_puts(out, " (");
	smtp_literal_put(out, s->peer.address);
	buf_putc(out, ')');
}

void smtp_server_put_received(const struct smtp_server *s, struct buf *out,
	struct span mid, int64_t now_ms)
{
	const struct smtp_transaction *t = &s->transaction;

	buf_puts(out, "Received: from ");
	put_client(out, s);
	buf_puts(out, "\r\n\tby ");
	buf_put(out, s->config.hostname);
	buf_puts(out, " (Postrider) with ");
	buf_puts(out, protocol(t, s->peer.tls.n > 0));
	buf_puts(out, " id ");
	buf_put(out, mid);
	if (s->peer.tls.n > 0) {
		buf_puts(out, "\r\n\t(");
		buf_put(out, s->peer.tls);
		buf_putc(out, ')');
	}
	if (t->rcpt_count == 1) {
		buf_puts(out, "\r\n\tfor <");
		buf_put(out, t->rcpts[0].address);
		buf_putc(out, '>');
	}
	buf_puts(out, "; ");
	time_put_rfc5322(out, now_ms);
	buf_puts(out, "\r\n");
}
