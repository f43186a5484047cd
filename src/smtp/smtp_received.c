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
 * Of a message that somebody handed in after a login, `from localhost` is all
 * that is said, if so configured.
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

/* RFC 5321 4.4, RFC 6531 3.7.3; an S under TLS, an A behind a login: RFC 3848.
 * AUTH after HELO is no protocol of that list, and is told as ESMTPA. */
static void put_protocol(struct buf *out, const struct smtp_server *s)
{
	bool is_utf8 = (s->transaction.flags & SMTP_MAIL_UTF8) != 0;
	bool did_auth = s->is_logged_in && s->peer.local == NULL;

	if (!is_utf8 && !s->transaction.is_esmtp && !did_auth) {
		buf_puts(out, "SMTP");
		return;
	}
	buf_puts(out, is_utf8 ? "UTF8SMTP" : "ESMTP");
	buf_puts(out, s->peer.tls.n > 0 ? "S" : "");
	buf_puts(out, did_auth ? "A" : "");
}

/* RFC 5321 7.6 has it that a server may withhold where people are: what stands
 * here goes out to all who get the message. */
static void put_client(struct buf *out, const struct smtp_server *s)
{
	if (s->is_logged_in && s->config.hides_client) {
		buf_puts(out, "localhost");
		return;
	}
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
	put_protocol(out, s);
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
