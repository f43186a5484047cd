/*
 * smtp_client_auth.c - how the SMTP client logs in: AUTH PLAIN.  RFC 4954 4,
 * RFC 4616
 *
 *	C: AUTH PLAIN base64	S: 235
 *	C: AUTH PLAIN		S: 334		C: base64	S: 235
 *
 * The second form is for what does not fit a command line.  What is said is as
 * good as the password, so the dialogue shows stars, and nothing of it stays in
 * memory.  Whether the connection may hear it is the caller's to say.
 */
#include "codec/base64.h"
#include "codec/base64_whole.h"
#include "smtp/smtp_client_int.h"

#include "base/banned.h"

#define COMMAND_BYTES 510 /* RFC 5321 4.5.3.1.4, without CR LF */
#define MASK          "****"

bool smtp_client_can_log_in(const struct smtp_client *c)
{
	return c->config.may_login && (c->extensions & EXT_AUTH_PLAIN) != 0;
}

/* base64 of "NUL user NUL password" */
static void fill_login(struct smtp_client *c, struct span user,
	struct span password)
{
	size_t n = user.n + password.n + 2;
	struct buf text;
	uint8_t *to;

	must(n <= SMTP_CLIENT_LOGIN_BYTES + 2);
	buf_init(&text, n);
	(void)buf_reserve(&text, n); /* what grows leaves copies behind */
	buf_putc(&text, '\0');
	buf_put(&text, user);
	buf_putc(&text, '\0');
	buf_put(&text, password);
	to = buf_reserve(&c->login, base64_encoded_len(n));
	base64_put(buf_span(&text), to);
	buf_wrote(&c->login, base64_encoded_len(n));
	buf_wipe(&text);
	buf_clear(&text);
}

void smtp_client_say_auth(struct smtp_client *c, struct span user,
	struct span password)
{
	const struct span command = SPAN("AUTH PLAIN");

	buf_wipe(&c->login);
	fill_login(c, user, password);
	if (command.n + 1 + buf_len(&c->login) > COMMAND_BYTES) {
		smtp_client_say(c, command);
		return;
	}
	buf_put(&c->out, command);
	buf_putc(&c->out, ' ');
	buf_put(&c->out, buf_span(&c->login));
	buf_put(&c->out, SPAN("\r\n"));
	buf_wipe(&c->login);
	smtp_client_note_command(c, SPAN("AUTH PLAIN " MASK));
}

enum step smtp_client_take_auth(struct smtp_client *c,
	const struct smtp_reply *r)
{
	if (r->code == 334 && buf_len(&c->login) > 0) {
		buf_put(&c->out, buf_span(&c->login));
		buf_put(&c->out, SPAN("\r\n"));
		buf_wipe(&c->login);
		smtp_client_note_command(c, SPAN(MASK));
		return MORE;
	}
	buf_wipe(&c->login);
	return r->code == 235 ? DONE : BAD;
}
