/*
 * smtp_cmd_hello.c - EHLO and HELO.  RFC 5321 4.1.1.1, 4.1.4
 *
 *	ehlo = "EHLO" SP ( Domain / address-literal )
 *
 * Deliberate: any single word of printable ASCII is taken as a name.  Too
 * many honest clients call themselves "my_pc", and the name proves nothing;
 * it is only shown, and made harmless there.
 */
#include "smtp/smtp_server_int.h"

#include "base/banned.h"

/* Lines of the reply to EHLO behind the first.  `$` is the size limit. */
static const char *const keywords[] = {
	"PIPELINING",          /* RFC 2920 */
	"SIZE $",              /* RFC 1870 */
	"8BITMIME",            /* RFC 6152 */
	"SMTPUTF8",            /* RFC 6531 */
	"CHUNKING",            /* RFC 3030 */
	"BINARYMIME",          /* the same */
	"ENHANCEDSTATUSCODES", /* RFC 2034 */
};

static bool is_name(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return false;
	return name.n > 0 && name.n <= SMTP_HELO_MAX;
}

static bool take_hello(struct smtp_server *s, struct span name, bool is_esmtp)
{
	if (!is_name(name)) {
		smtp_server_reply(s, SMTP_REPLY_SYNTAX,
			smtp_cmd_syntax(is_esmtp ? "EHLO" : "HELO"));
		return false;
	}
	smtp_server_forget(s); /* RFC 5321 4.1.4 */
	for (size_t i = 0; i < name.n; i++)
		s->helo[i] = name.p[i];
	s->transaction.helo = span_of(s->helo, name.n);
	s->transaction.is_esmtp = is_esmtp;
	smtp_server_set_state(s, SMTP_STATE_READY);
	return true;
}

static void put_keyword(struct smtp_server *s, const char *keyword)
{
	struct span after = span_str(keyword);
	struct span before = span_cut(&after, '$');

	buf_put(&s->out, before);
	if (before.n < span_str(keyword).n)
		buf_put_u64(&s->out, s->config.message_size_max);
	buf_put(&s->out, after);
}

/* "AUTH" and what it knows; nothing where no login is allowed. */
static void put_auth(struct smtp_server *s)
{
	const struct span line = SPAN("\r\n250-AUTH");
	size_t before = buf_len(&s->out) + line.n;

	if (s->sasl == NULL)
		return;
	buf_put(&s->out, line);
	sasl_put_offer(&s->config.login, SPAN(" "), &s->out);
	if (buf_len(&s->out) == before)
		buf_truncate(&s->out, before - line.n);
}

void smtp_cmd_ehlo(struct smtp_server *s, struct span args)
{
	const size_t count = sizeof(keywords) / sizeof(keywords[0]);

	if (!take_hello(s, args, true))
		return;
	buf_puts(&s->out, "250-");
	buf_put(&s->out, s->config.hostname);
	/* RFC 3207 4.2: not when it is up */
	if (s->config.has_tls && s->peer.tls.n == 0)
		buf_puts(&s->out, "\r\n250-STARTTLS");
	if (s->peer.tls.n > 0 || s->peer.local != NULL) /* RFC 8689 2 */
		buf_puts(&s->out, "\r\n250-REQUIRETLS");
	put_auth(s);
	if (s->config.has_dsn)
		buf_puts(&s->out, "\r\n250-DSN"); /* RFC 3461 3 */
	for (size_t i = 0; i < count; i++) {
		buf_puts(&s->out, i + 1 < count ? "\r\n250-" : "\r\n250 ");
		put_keyword(s, keywords[i]);
	}
	buf_puts(&s->out, "\r\n");
}

void smtp_cmd_helo(struct smtp_server *s, struct span args)
{
	if (take_hello(s, args, false))
		smtp_server_reply(s, SMTP_REPLY_HELO, s->config.hostname);
}
