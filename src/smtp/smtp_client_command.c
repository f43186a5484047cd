/*
 * smtp_client_command.c - what the SMTP client says, and whether a message can
 * be said to a server with these extensions at all.  The order of things is in
 * smtp_client.c.
 *
 * What a server without 8BITMIME does not take is converted by the caller if
 * it can (RFC 6152 3).
 * Deliberate: binary content is converted for every server, as RFC 3030 3
 * allows: it is never sent with BDAT.
 */
#include "smtp/smtp_client_int.h"

#include "base/num.h"
#include "base/utf8.h"
#include "smtp/smtp_dsn.h"

#include "base/banned.h"

/* ---- lines ------------------------------------------------------------ */
static void note(struct smtp_client *c, struct span who, struct span line)
{
	struct buf *d = c->config.dialogue;

	if (d == NULL || d->overflow || buf_left(d) < who.n + line.n + 1)
		return;
	buf_put(d, who);
	buf_put(d, line);
	buf_putc(d, '\n');
}

void smtp_client_note_reply(struct smtp_client *c, struct span line)
{
	note(c, SPAN("S: "), line);
}

void smtp_client_note_command(struct smtp_client *c, struct span line)
{
	note(c, SPAN("C: "), line);
}

void smtp_client_note_message(struct smtp_client *c, uint64_t bytes)
{
	struct buf line;

	if (c->config.dialogue == NULL)
		return;
	buf_init(&line, 64);
	buf_puts(&line, "(message, ");
	buf_put_u64(&line, bytes);
	buf_puts(&line, " bytes)");
	note(c, SPAN("C: "), buf_span(&line));
	buf_clear(&line);
}

/* Ends the line that began at `from` in what is sent. */
static void end_line(struct smtp_client *c, size_t from)
{
	note(c, SPAN("C: "), span_tail(buf_span(&c->out), from));
	buf_put(&c->out, SPAN("\r\n"));
}

void smtp_client_say(struct smtp_client *c, struct span line)
{
	size_t from = buf_len(&c->out);

	buf_put(&c->out, line);
	end_line(c, from);
}

void smtp_client_say_ehlo(struct smtp_client *c, bool is_helo)
{
	size_t from = buf_len(&c->out);

	/* told anew, or not at all */
	c->extensions = 0;
	c->size_max = 0;
	buf_put(&c->out, is_helo ? SPAN("HELO ") : SPAN("EHLO "));
	buf_put(&c->out, c->config.hostname);
	end_line(c, from);
}

/* ---- MAIL, RCPT ------------------------------------------------------- */
static bool is_ascii(const struct smtp_client_message *m)
{
	return utf8_is_ascii(m->head) && utf8_is_ascii(m->body);
}

/* What is streamed has not been looked at, so it may be anything. */
static bool may_be_8bit(const struct smtp_client *c)
{
	const struct smtp_client_message *m = c->message;

	return m->is_streamed || c->is_converted || (m->flags & SMTP_CLIENT_MAIL_8BIT) ||
		!is_ascii(m);
}

void smtp_client_say_mail(struct smtp_client *c)
{
	const struct smtp_client_message *m = c->message;
	size_t from = buf_len(&c->out);

	buf_put(&c->out, SPAN("MAIL FROM:<"));
	buf_put(&c->out, m->reverse_path);
	buf_putc(&c->out, '>');
	if (c->extensions & EXT_SIZE) {
		buf_put(&c->out, SPAN(" SIZE="));
		buf_put_u64(&c->out, c->size);
	}
	if (c->extensions & EXT_8BITMIME && may_be_8bit(c))
		buf_put(&c->out, SPAN(" BODY=8BITMIME"));
	if (c->extensions & EXT_SMTPUTF8 && m->flags & SMTP_CLIENT_MAIL_UTF8)
		buf_put(&c->out, SPAN(" SMTPUTF8"));
	if (c->extensions & EXT_REQUIRETLS && c->is_secure &&
		m->flags & SMTP_CLIENT_MAIL_REQUIRETLS)
		buf_put(&c->out, SPAN(" REQUIRETLS"));
	if (c->extensions & EXT_DSN) {
		smtp_dsn_put_ret(&c->out, m->ret);
		if (m->envid.n > 0)
			buf_put(&c->out, SPAN(" ENVID="));
		buf_put(&c->out, m->envid);
	}
	end_line(c, from);
}

/* UTF-8 may only stand where addresses may; else it goes in the form that is
 * ASCII, RFC 6533 3, unless that is longer than an ORCPT may be. */
static void say_orcpt(struct smtp_client *c, struct span orcpt)
{
	struct span address = orcpt;
	struct span type = span_cut(&address, ';');
	struct buf text;

	if (orcpt.n == 0)
		return;
	buf_init(&text, SMTP_ORCPT_MAX);
	if (c->extensions & EXT_SMTPUTF8 || utf8_is_ascii(orcpt)) {
		buf_put(&text, orcpt);
	} else {
		buf_put(&text, type);
		buf_putc(&text, ';');
		smtp_dsn_put_7bit(&text, address);
	}
	if (!text.overflow) {
		buf_put(&c->out, SPAN(" ORCPT="));
		buf_put(&c->out, buf_span(&text));
	}
	buf_clear(&text);
}

void smtp_client_say_rcpt(struct smtp_client *c, size_t index)
{
	struct smtp_client_rcpt *r = &c->message->rcpts[index];
	size_t from = buf_len(&c->out);

	buf_put(&c->out, SPAN("RCPT TO:<"));
	buf_put(&c->out, r->address);
	buf_putc(&c->out, '>');
	r->has_dsn = (c->extensions & EXT_DSN) != 0;
	if (r->has_dsn) {
		smtp_dsn_put_notify(&c->out, r->notify);
		say_orcpt(c, r->orcpt);
	}
	end_line(c, from);
	r->is_sent = true;
}

/* ---- extensions ------------------------------------------------------- */
/* clang-format off */
static const struct {
	const char *keyword;
	enum extension extension;
} extensions[] = {
	{ "PIPELINING", EXT_PIPELINING }, /* RFC 2920 */
	{ "SIZE",       EXT_SIZE },       /* RFC 1870 */
	{ "8BITMIME",   EXT_8BITMIME },   /* RFC 6152 */
	{ "SMTPUTF8",   EXT_SMTPUTF8 },   /* RFC 6531 */
	{ "STARTTLS",   EXT_STARTTLS },   /* RFC 3207 */
	{ "REQUIRETLS", EXT_REQUIRETLS }, /* RFC 8689 */
	{ "DSN",        EXT_DSN },        /* RFC 3461 */
	{ "AUTH",       EXT_AUTH_PLAIN }, /* RFC 4954; with PLAIN among its words */
};
/* clang-format on */

static bool has_word(struct span words, struct span word)
{
	while (words.n > 0)
		if (span_eq_fold(span_cut(&words, ' '), word))
			return true;
	return false;
}

void smtp_client_take_extension(struct smtp_client *c, struct span words)
{
	struct span keyword = span_cut(&words, ' ');
	uint64_t size;

	for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++) {
		if (!span_eq_fold(keyword, span_str(extensions[i].keyword)))
			continue;
		if (extensions[i].extension == EXT_AUTH_PLAIN &&
			!has_word(words, SPAN("PLAIN")))
			continue;
		c->extensions |= extensions[i].extension;
		if (extensions[i].extension == EXT_SIZE &&
			num_parse_u64(span_trim(words), UINT64_MAX, &size))
			c->size_max = size;
	}
}

/* ---- can this be sent? ------------------------------------------------ */
static bool refuse(struct verdict *out, struct span enhanced,
	struct span text)
{
	*out = (struct verdict){.result = DENIED, .enhanced = enhanced,
		.text = text};
	return false;
}

/* RFC 6531 3.5: it may not be sent to this server at all. */
static bool refuse_utf8(struct verdict *out, struct span text)
{
	(void)refuse(out, SPAN("5.6.7"), text);
	out->was_unfit = true;
	return false;
}

/* What REQUIRETLS wants of the way there.  A notification goes as well as it can:
 * RFC 8689 5. */
static bool is_way_safe(const struct smtp_client *c, struct verdict *out)
{
	const struct smtp_client_message *m = c->message;

	if (!(m->flags & SMTP_CLIENT_MAIL_REQUIRETLS) ||
		m->reverse_path.n == 0)
		return true;
	if (c->is_secure && c->is_verified && c->extensions & EXT_REQUIRETLS)
		return true;
	if (!c->is_secure)
		(void)refuse(out, SPAN("5.7.10"),
			SPAN("the message requires TLS, and there is none with "
			     "the server"));
	else if (!c->is_verified)
		(void)refuse(out, SPAN("5.7.10"),
			SPAN("the message requires TLS with a server that is "
			     "verified, and this one is not"));
	else
		(void)refuse(out, SPAN("5.7.30"),
			SPAN("the message requires TLS all the way, and the "
			     "server does not know REQUIRETLS"));
	out->was_unfit = true;
	return false;
}

static bool is_utf8_refused(const struct smtp_client *c)
{
	const struct smtp_client_message *m = c->message;

	if (c->extensions & EXT_SMTPUTF8)
		return false;
	if (!utf8_is_ascii(m->reverse_path))
		return true;
	return m->flags & SMTP_CLIENT_MAIL_UTF8 &&
		(m->is_streamed || !is_ascii(m));
}

bool smtp_client_needs_conversion(const struct smtp_client *c)
{
	const struct smtp_client_message *m = c->message;

	if (c->is_converted || !m->may_convert)
		return false;
	if (m->flags & SMTP_CLIENT_MAIL_BINARY)
		return true;
	/* RFC 6531: header fields in UTF-8 have no other form */
	if (c->extensions & EXT_8BITMIME || m->flags & SMTP_CLIENT_MAIL_UTF8)
		return false;
	return m->is_streamed || !utf8_is_ascii(m->body);
}

bool smtp_client_takes_8bit(const struct smtp_client *c)
{
	return c->extensions & EXT_8BITMIME;
}

/* For what is in memory; what is streamed is judged on its way. */
bool smtp_client_can_send_body(const struct smtp_client *c,
	struct verdict *out)
{
	const struct smtp_client_message *m = c->message;
	bool is_7bit = !(c->extensions & EXT_8BITMIME);
	enum code code;

	if (c->is_converted)
		return true;
	if (m->flags & SMTP_CLIENT_MAIL_BINARY)
		return refuse(out, SPAN("5.6.3"),
			SPAN("a binary message cannot be relayed"));
	if (is_7bit && m->flags & SMTP_CLIENT_MAIL_8BIT &&
		(m->is_streamed || !is_ascii(m)))
		return refuse(out, SPAN("5.6.3"),
			SPAN("the server does not take 8-bit text"));
	code = smtp_body_check(m->head, m->body, is_7bit);
	if (code == DENIED)
		return refuse(out, SPAN("5.6.3"),
			SPAN("the server does not take 8-bit text"));
	if (code != OK)
		return refuse(out, SPAN("5.6.0"),
			SPAN("the message has a bare CR or LF"));
	return true;
}

bool smtp_client_can_send(const struct smtp_client *c, struct verdict *out)
{
	const struct smtp_client_message *m = c->message;

	if (!smtp_client_address_is_safe(m->reverse_path))
		return refuse(out, SPAN("5.1.7"),
			SPAN("the sender's address cannot be written"));
	if (is_utf8_refused(c))
		return refuse_utf8(out,
			SPAN("the server does not take UTF-8 in addresses or "
			     "header fields"));
	if (!is_way_safe(c, out))
		return false;
	if (c->extensions & EXT_SIZE && c->size_max > 0 &&
		c->size > c->size_max)
		return refuse(out, SPAN("5.3.4"),
			SPAN("the message is larger than the server takes"));
	return true;
}

bool smtp_client_is_crowded(const struct smtp_client *c,
	const struct smtp_reply *r)
{
	if (c->accepted == 0 || (r->code != 452 && r->code != 552))
		return false;
	return r->enhanced.n == 0 || span_ends(r->enhanced, SPAN(".5.3"));
}

bool smtp_client_address_is_safe(struct span address)
{
	for (size_t i = 0; i < address.n; i++)
		if (address.p[i] < 0x20 || address.p[i] == 0x7f)
			return false;
	return true;
}

bool smtp_client_address_fits(const struct smtp_client *c,
	struct span address, struct verdict *out)
{
	if (address.n == 0 || !smtp_client_address_is_safe(address))
		return refuse(out, SPAN("5.1.3"),
			SPAN("the address cannot be written"));
	if (!(c->extensions & EXT_SMTPUTF8) && !utf8_is_ascii(address))
		return refuse_utf8(out,
			SPAN("the server does not take UTF-8 addresses"));
	return true;
}

bool smtp_client_is_committed(const struct smtp_client *c)
{
	return c->state == DOT && c->message != NULL && c->accepted > 0;
}
