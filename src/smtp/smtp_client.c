/*
 * smtp_client.c - the order of things in an SMTP session.  See smtp_client.h;
 * what is said is in smtp_client_command.c.
 *
 *	      ┌─secured()─ SHAKING ◀─220─┐   (behind it AUTH, if wished)
 *	      ▼                          │ (if wished and offered)
 *	GREETING ─220─▶ EHLO ─2xx─▶ STARTTLS? ─▶ IDLE ──begin()──▶ RSET? ─▶ MAIL
 *	                 └5xx─▶ HELO ─2xx──▶ ▲ ▲                         │
 *	                                     │ └──nobody accepted── RCPT ◀┘ (each)
 *	                        settled ─────┘                       │
 *	             QUIT ◀─ quit()     DOT ◀── BODY ◀─────354──── DATA
 *	             CLOSED ◀─ the reply to QUIT, 421, garbage, lost(): any state
 *
 * A state is named after the command whose reply is next.  With PIPELINING
 * (RFC 2920) RSET, MAIL, all RCPT and DATA go out in one piece and the states
 * only follow the replies; without it each command goes out when its state is
 * entered.  IDLE and BODY await no reply.
 *
 * The rest of the transaction's truth is in the recipients: settled, accepted
 * or neither.  Whatever ends the session settles those that are not.
 */
#include "smtp/smtp_client.h"

#include "smtp/smtp_client_int.h"

#include "base/banned.h"

/* Commands of a message at most: all recipients of a SEND, and a body of 64
 * KiB in which every byte is doubled. */
#define OUT_BYTES_MAX (1u << 20)

#define MINUTES 60000
/* How long the reply to QUIT is worth waiting for.  Deliberate: nothing hangs
 * on it, so less than the 5 minutes of other commands. */
#define QUIT_MS 10000
/* Of the handshake in all: the caller counts it from START_TLS. */
#define SHAKING_MS 30000

typedef void reply_fn(struct smtp_client *c, const struct smtp_reply *r);
static reply_fn on_greeting, on_ehlo, on_helo, on_starttls, on_auth, on_early,
	on_rset, on_mail, on_rcpt, on_data, on_dot, on_quit;

#define TO(state) (1u << (state))
/* clang-format off */
static const struct {
	const char *word;
	int64_t timeout_ms; /* RFC 5321 4.5.3.2 */
	reply_fn *on_reply;
	unsigned next;      /* states that may follow; CLOSED may always */
} states[STATE_COUNT] = {
	[GREETING] = { "the greeting",           5 * MINUTES,  on_greeting, TO(EHLO) | TO(QUIT) },
	[EHLO]     = { "the reply to EHLO",      5 * MINUTES,  on_ehlo,     TO(HELO) | TO(STARTTLS) | TO(AUTH) | TO(IDLE) | TO(QUIT) },
	[HELO]     = { "the reply to HELO",      5 * MINUTES,  on_helo,     TO(IDLE) | TO(QUIT) },
	[STARTTLS] = { "the reply to STARTTLS",  5 * MINUTES,  on_starttls, TO(SHAKING) | TO(AUTH) | TO(IDLE) | TO(QUIT) },
	[SHAKING]  = { "the TLS handshake",      SHAKING_MS,   NULL,        TO(EHLO) },
	[AUTH]     = { "the reply to AUTH",      5 * MINUTES,  on_auth,     TO(IDLE) | TO(QUIT) },
	[IDLE]     = { "nothing",                0,            on_early,    TO(RSET) | TO(MAIL) | TO(QUIT) },
	[RSET]     = { "the reply to RSET",      5 * MINUTES,  on_rset,     TO(MAIL) },
	[MAIL]     = { "the reply to MAIL",      5 * MINUTES,  on_mail,     TO(RCPT) | TO(IDLE) },
	[RCPT]     = { "the reply to RCPT",      5 * MINUTES,  on_rcpt,     TO(RCPT) | TO(DATA) | TO(IDLE) },
	[DATA]     = { "the reply to DATA",      2 * MINUTES,  on_data,     TO(BODY) | TO(DOT) | TO(IDLE) },
	[BODY]     = { "room for the message",   3 * MINUTES,  on_early,    TO(DOT) },
	[DOT]      = { "the reply to the message", 10 * MINUTES, on_dot,    TO(IDLE) },
	[QUIT]     = { "the reply to QUIT",      QUIT_MS,      on_quit,     0 },
	[CLOSED]   = { "nothing",                0,            NULL,        0 },
};
/* clang-format on */

static void set_state(struct smtp_client *c, enum state state)
{
	must(state == CLOSED || states[c->state].next & TO(state));
	c->state = state;
}

struct smtp_client *smtp_client_open(struct arena *a,
	const struct smtp_client_config *config)
{
	struct smtp_client *c = ARENA_NEW(a, struct smtp_client);

	c->config = *config;
	c->is_secure = c->is_verified = config->is_local;
	buf_init(&c->out, OUT_BYTES_MAX);
	buf_init(&c->login, 2 * SMTP_CLIENT_LOGIN_BYTES);
	smtp_reply_init(&c->reader);
	return c;
}

void smtp_client_close(struct smtp_client *c)
{
	buf_wipe(&c->out);
	buf_clear(&c->out);
	buf_wipe(&c->login);
	buf_clear(&c->login);
}

/* ---- outcomes --------------------------------------------------------- */
static bool was_read_in_full(const struct smtp_client *c)
{
	return c->state == DOT;
}

static void settle(struct smtp_client_rcpt *r, const struct verdict *v)
{
	if (r->is_settled)
		return;
	r->is_settled = true;
	r->result = v->result;
	r->code = v->code;
	r->enhanced = v->enhanced;
	r->text = v->text;
	r->was_cut = v->was_cut;
	r->was_crowded = v->was_crowded;
	r->was_unfit = v->was_unfit;
}

/* All that have no outcome yet. */
static void settle_all(struct smtp_client *c, const struct verdict *v)
{
	for (size_t i = 0; i < c->message->rcpt_count; i++)
		settle(&c->message->rcpts[i], v);
}

/* What a reply means for a recipient, with texts that last. */
static struct verdict verdict_of(const struct smtp_client *c,
	const struct smtp_reply *r)
{
	struct verdict v = {.code = r->code};

	v.result = r->code / 100 == 2 ? OK :
		r->code / 100 == 5	      ? DENIED :
						TEMP;
	v.enhanced = arena_dup(c->message->arena, r->enhanced);
	v.text = arena_dup(c->message->arena, r->text);
	return v;
}

/* The transaction is over; the caller hears of it. */
static void finish(struct smtp_client *c)
{
	c->is_settled = true;
	set_state(c, IDLE);
}

/* ---- the end of a session --------------------------------------------- */
static void end(struct smtp_client *c, struct span why)
{
	c->why = why;
	if (c->message != NULL && !c->is_settled)
		c->is_settled = true;
	c->wish = WISH_NOTHING;
	set_state(c, CLOSED);
}

/* Ends it for a reason of our own finding. */
static void cut(struct smtp_client *c, struct span enhanced, struct span why)
{
	struct verdict v = {.result = TEMP, .enhanced = enhanced, .text = why,
		.was_cut = !was_read_in_full(c)};

	if (c->message != NULL)
		settle_all(c, &v);
	end(c, why);
}

static void cut_garbled(struct smtp_client *c)
{
	cut(c, SPAN("4.5.0"), SPAN("the server's reply makes no sense"));
}

/* The server ends it: 421, or no service at all.  RFC 5321 3.8 */
static void cut_by_reply(struct smtp_client *c, const struct smtp_reply *r)
{
	if (c->message != NULL) {
		struct verdict v = verdict_of(c, r);

		v.was_cut = !was_read_in_full(c);
		settle_all(c, &v);
	}
	end(c, SPAN("refused by the server"));
}

static bool is_class(const struct smtp_reply *r, uint32_t class)
{
	return r->code / 100 == class;
}

/* This session cannot be opened: leaves politely. */
static void leave_with(struct smtp_client *c, struct verdict v,
	struct span why)
{
	v.was_cut = true;
	if (c->message != NULL) {
		settle_all(c, &v);
		c->is_settled = true;
	}
	c->why = why;
	smtp_client_say(c, SPAN("QUIT"));
	set_state(c, QUIT);
}

static void leave(struct smtp_client *c, const struct smtp_reply *r)
{
	struct verdict v = {.result = TEMP};

	if (c->message != NULL)
		v = verdict_of(c, r);
	leave_with(c, v, SPAN("refused by the server"));
}

/* Mail goes under TLS or not at all.  Temporary: who strips the word from the
 * answer to EHLO is not there for ever.  RFC 3207 6 */
static void leave_plain(struct smtp_client *c, struct span why)
{
	leave_with(c, (struct verdict){.result = TEMP,
		.enhanced = SPAN("4.7.5"), .text = why}, why);
}

/* ---- a message -------------------------------------------------------- */
/* Index of the next recipient whose RCPT was (to be) sent, from `at` on. */
static size_t next_rcpt(const struct smtp_client *c, size_t at, bool is_sent)
{
	const struct smtp_client_message *m = c->message;

	while (at < m->rcpt_count && (is_sent ? !m->rcpts[at].is_sent :
						      m->rcpts[at].is_settled))
		at++;
	return at;
}

/* Settles those whose address this server cannot take; is any left? */
static bool pick_rcpts(struct smtp_client *c)
{
	struct smtp_client_message *m = c->message;
	struct verdict v;

	for (size_t i = 0; i < m->rcpt_count; i++) {
		m->rcpts[i].is_sent = m->rcpts[i].is_accepted = false;
		if (!m->rcpts[i].is_settled &&
			!smtp_client_address_fits(c, m->rcpts[i].address, &v))
			settle(&m->rcpts[i], &v);
	}
	return next_rcpt(c, 0, false) < m->rcpt_count;
}

static void say_all(struct smtp_client *c)
{
	size_t i = next_rcpt(c, 0, false);

	smtp_client_say_mail(c);
	for (; i < c->message->rcpt_count; i = next_rcpt(c, i + 1, false))
		smtp_client_say_rcpt(c, i);
	smtp_client_say(c, SPAN("DATA"));
}

static void start_transaction(struct smtp_client *c)
{
	bool is_pipelining = c->extensions & EXT_PIPELINING;

	if (!pick_rcpts(c)) {
		c->is_settled = true;
		return;
	}
	if (c->needs_rset)
		smtp_client_say(c, SPAN("RSET"));
	if (is_pipelining)
		say_all(c);
	else if (!c->needs_rset)
		smtp_client_say_mail(c);
	set_state(c, c->needs_rset ? RSET : MAIL);
}

static void start(struct smtp_client *c)
{
	struct verdict v;

	c->accepted = 0;
	c->is_mail_accepted = false;
	if (!smtp_client_can_send(c, &v)) {
		settle_all(c, &v);
		c->is_settled = true;
	} else if (smtp_client_needs_conversion(c)) {
		c->wish = WISH_CONVERSION;
	} else if (!smtp_client_can_send_body(c, &v)) {
		settle_all(c, &v);
		c->is_settled = true;
	} else {
		start_transaction(c);
	}
}

/* Gives a piece of the message to what is sent; false: the session is over. */
static bool put_piece(struct smtp_client *c, struct span piece)
{
	enum code code = smtp_body_put(&c->body, &c->out, piece);

	if (code == OK)
		return true;
	/* There is no taking back: without its last dot the server forgets
	 * what it has of the message.  RFC 5321 4.1.1.4 */
	settle_all(c, &(struct verdict){.result = DENIED,
		.enhanced = code == DENIED ? SPAN("5.6.3") : SPAN("5.6.0"),
		.text = code == DENIED ?
			SPAN("the server does not take 8-bit text") :
			SPAN("the message has a bare CR or LF")});
	buf_reset(&c->out);
	end(c, SPAN("message given up"));
	return false;
}

static void end_message(struct smtp_client *c)
{
	if (smtp_body_end(&c->body, &c->out) != OK) {
		(void)put_piece(c, SPAN(" ")); /* a CR at the very end */
		return;
	}
	smtp_client_note_message(c, c->body.bytes);
	set_state(c, DOT);
}

static void start_body(struct smtp_client *c)
{
	const struct smtp_client_message *m = c->message;

	set_state(c, BODY);
	smtp_body_init(&c->body, !(c->extensions & EXT_8BITMIME));
	if (!put_piece(c, m->head))
		return;
	if (m->is_streamed || c->is_converted)
		c->wish = WISH_BODY;
	else if (put_piece(c, m->body))
		end_message(c);
}

/* ---- replies, by state ------------------------------------------------ */
static void on_greeting(struct smtp_client *c, const struct smtp_reply *r)
{
	if (!is_class(r, 2)) {
		leave(c, r);
		return;
	}
	smtp_client_say_ehlo(c, false);
	set_state(c, EHLO);
}

static void be_ready(struct smtp_client *c)
{
	set_state(c, IDLE);
	if (c->message != NULL)
		start(c);
}

static void log_in(struct smtp_client *c)
{
	if (!smtp_client_can_log_in(c)) {
		be_ready(c);
		return;
	}
	c->wish = WISH_LOGIN;
	set_state(c, AUTH);
}

/* The server has said what it can: TLS first, if it is wished. */
static void be_secure(struct smtp_client *c)
{
	if (c->is_secure || c->config.tls == SMTP_CLIENT_TLS_NEVER) {
		log_in(c);
	} else if (c->extensions & EXT_STARTTLS) {
		smtp_client_say(c, SPAN("STARTTLS"));
		set_state(c, STARTTLS);
	} else if (c->config.tls == SMTP_CLIENT_TLS_MAY) {
		log_in(c);
	} else {
		leave_plain(c, SPAN("the server offers no TLS, and mail goes "
				    "there under TLS only"));
	}
}

static void on_ehlo(struct smtp_client *c, const struct smtp_reply *r)
{
	if (is_class(r, 2)) {
		be_secure(c);
	} else if (is_class(r, 5)) {
		/* RFC 5321 3.2: an old server */
		smtp_client_say_ehlo(c, true);
		set_state(c, HELO);
	} else {
		leave(c, r);
	}
}

static void on_helo(struct smtp_client *c, const struct smtp_reply *r)
{
	if (!is_class(r, 2)) {
		leave(c, r);
		return;
	}
	be_secure(c);
}

/* RFC 3207 4: after a refusal the session may go on as it is. */
static void on_starttls(struct smtp_client *c, const struct smtp_reply *r)
{
	if (r->code == 220) {
		c->wish = WISH_TLS;
		set_state(c, SHAKING);
	} else if (is_class(r, 2)) {
		cut_garbled(c);
	} else if (c->config.tls == SMTP_CLIENT_TLS_MAY) {
		log_in(c);
	} else {
		leave_plain(c, SPAN("the server refused TLS, and mail goes "
				    "there under TLS only"));
	}
}

static void on_auth(struct smtp_client *c, const struct smtp_reply *r)
{
	enum step step = smtp_client_take_auth(c, r);

	if (step == DONE)
		be_ready(c);
	else if (step == BAD)
		leave(c, r);
}

/* A reply that nobody asked for.  In the middle of a message an error can
 * only be about it, so it counts; there is no going on behind it. */
static void on_early(struct smtp_client *c, const struct smtp_reply *r)
{
	if (c->state == BODY && !is_class(r, 2) && !is_class(r, 3)) {
		struct verdict v = verdict_of(c, r);

		settle_all(c, &v);
		buf_reset(&c->out);
		end(c, SPAN("refused in the middle of a message"));
		return;
	}
	cut(c, SPAN("4.5.0"), SPAN("the server spoke out of turn"));
}

static void on_rset(struct smtp_client *c, const struct smtp_reply *r)
{
	if (!is_class(r, 2)) {
		cut(c, SPAN("4.5.0"), SPAN("the server refused RSET"));
		return;
	}
	c->needs_rset = false;
	if (!(c->extensions & EXT_PIPELINING))
		smtp_client_say_mail(c);
	set_state(c, MAIL);
}

static void on_mail(struct smtp_client *c, const struct smtp_reply *r)
{
	bool is_pipelining = c->extensions & EXT_PIPELINING;

	c->is_mail_accepted = is_class(r, 2);
	c->needs_rset = c->is_mail_accepted;
	if (!c->is_mail_accepted) {
		struct verdict v = verdict_of(c, r);

		settle_all(c, &v);
		if (!is_pipelining) {
			finish(c);
			return;
		}
	}
	c->rcpt_at = next_rcpt(c, 0, is_pipelining);
	if (!is_pipelining)
		smtp_client_say_rcpt(c, c->rcpt_at);
	set_state(c, RCPT);
}

static void take_rcpt(struct smtp_client *c, struct smtp_client_rcpt *rcpt,
	const struct smtp_reply *r)
{
	struct verdict v;

	if (is_class(r, 2) && !rcpt->is_settled) {
		rcpt->is_accepted = true;
		c->accepted++;
		return;
	}
	if (rcpt->is_settled)
		return;
	v = verdict_of(c, r);
	v.was_crowded = smtp_client_is_crowded(c, r);
	if (r->code == 552)
		v.result = TEMP;
	settle(rcpt, &v);
}

static void on_rcpt(struct smtp_client *c, const struct smtp_reply *r)
{
	bool is_pipelining = c->extensions & EXT_PIPELINING;

	take_rcpt(c, &c->message->rcpts[c->rcpt_at], r);
	c->rcpt_at = next_rcpt(c, c->rcpt_at + 1, is_pipelining);
	if (c->rcpt_at < c->message->rcpt_count) {
		if (!is_pipelining)
			smtp_client_say_rcpt(c, c->rcpt_at);
		set_state(c, RCPT);
	} else if (is_pipelining) {
		set_state(c, DATA);
	} else if (c->accepted > 0) {
		smtp_client_say(c, SPAN("DATA"));
		set_state(c, DATA);
	} else {
		finish(c);
	}
}

static void on_data(struct smtp_client *c, const struct smtp_reply *r)
{
	if (r->code == 354 && c->accepted > 0) {
		start_body(c);
	} else if (r->code == 354) {
		/* RFC 2920 3.1: nobody was accepted, yet it waits for text */
		buf_put(&c->out, SPAN(".\r\n"));
		smtp_client_note_message(c, 0);
		set_state(c, DOT);
	} else if (is_class(r, 4) || is_class(r, 5)) {
		struct verdict v = verdict_of(c, r);

		settle_all(c, &v);
		finish(c);
	} else {
		cut_garbled(c);
	}
}

static void on_dot(struct smtp_client *c, const struct smtp_reply *r)
{
	struct verdict v = verdict_of(c, r);

	c->needs_rset = false;
	settle_all(c, &v);
	finish(c);
}

static void on_quit(struct smtp_client *c, const struct smtp_reply *r)
{
	(void)r;
	end(c, c->why.n > 0 ? c->why : SPAN("done"));
}

/* ---- bytes in --------------------------------------------------------- */
static bool has_effect(const struct smtp_client *c)
{
	return (buf_len(&c->out) > 0 && !c->is_sending) || c->wish != WISH_NOTHING ||
		c->is_settled || (c->state == CLOSED && !c->is_close_told);
}

static void take_reply(struct smtp_client *c, const struct smtp_reply *r)
{
	if (c->state == EHLO && is_class(r, 2) && r->lines > 1)
		smtp_client_take_extension(c, r->words);
	/* 3xx answers nothing but DATA and AUTH */
	if (is_class(r, 3) && c->state != DATA && c->state != BODY &&
		c->state != IDLE && c->state != AUTH)
		cut_garbled(c);
	else if (r->code == 421 && c->state != QUIT)
		cut_by_reply(c, r);
	else
		states[c->state].on_reply(c, r);
}

static void drop_sent(struct smtp_client *c)
{
	if (c->is_sending && c->state == AUTH)
		buf_wipe(&c->out); /* it was a password */
	else if (c->is_sending)
		buf_reset(&c->out);
	c->is_sending = false;
}

static void take_line(struct smtp_client *c, enum smtp_reply_step step,
	const struct smtp_reply *r)
{
	smtp_client_note_reply(c, r->line);
	if (step == SMTP_REPLY_BAD)
		cut_garbled(c);
	else if (step == SMTP_REPLY_END)
		take_reply(c, r);
	else if (c->state == EHLO && r->lines > 1)
		smtp_client_take_extension(c, r->words);
}

/* Plain text behind the 220 would be read as said under TLS: somebody on the
 * way put it there.  RFC 3207 6 */
static void refuse_injected(struct smtp_client *c)
{
	cut(c, SPAN("4.7.5"), SPAN("plain text behind STARTTLS"));
}

size_t smtp_client_feed(struct smtp_client *c, struct span in)
{
	struct span left = in;

	drop_sent(c);
	while (left.n > 0 && !has_effect(c) && c->state != SHAKING) {
		struct smtp_reply r;
		enum smtp_reply_step step;

		if (c->state == CLOSED)
			return in.n;
		step = smtp_reply_feed(&c->reader, &left, &r);
		if (step != SMTP_REPLY_MORE)
			take_line(c, step, &r);
	}
	if (c->state == SHAKING && left.n > 0) {
		refuse_injected(c);
		return in.n;
	}
	return in.n - left.n;
}

/* ---- effects out ------------------------------------------------------ */
bool smtp_client_next(struct smtp_client *c, struct smtp_client_effect *out)
{
	static const enum smtp_client_effect_type effects[] = {
		[WISH_TLS] = SMTP_CLIENT_START_TLS,
		[WISH_LOGIN] = SMTP_CLIENT_LOGIN,
		[WISH_BODY] = SMTP_CLIENT_BODY,
		[WISH_CONVERSION] = SMTP_CLIENT_CONVERT,
	};

	*out = (struct smtp_client_effect){.type = SMTP_CLIENT_SEND};
	drop_sent(c);
	if (buf_len(&c->out) > 0) {
		out->bytes = buf_span(&c->out);
		c->is_sending = true;
		return true;
	}
	if (c->wish != WISH_NOTHING) {
		out->type = effects[c->wish];
		c->wish = WISH_NOTHING;
		return true;
	}
	if (c->is_settled) {
		c->is_settled = false;
		c->message = NULL;
		out->type = SMTP_CLIENT_SETTLED;
		return true;
	}
	if (c->state == CLOSED && !c->is_close_told) {
		c->is_close_told = true;
		out->type = SMTP_CLIENT_CLOSE;
		out->why = c->why;
		return true;
	}
	return false;
}

/* ---- TLS --------------------------------------------------------------- */
void smtp_client_secured(struct smtp_client *c, bool is_verified)
{
	must(c->state == SHAKING && c->wish == WISH_NOTHING);
	drop_sent(c);
	smtp_reply_init(&c->reader);
	c->is_secure = true;
	c->is_verified = is_verified;
	smtp_client_say_ehlo(c, false);
	set_state(c, EHLO);
}

void smtp_client_tls_failed(struct smtp_client *c, struct span why)
{
	drop_sent(c);
	buf_reset(&c->out);
	if (c->state == CLOSED)
		return;
	if (c->message != NULL && !c->is_settled)
		cut(c, SPAN("4.7.5"), arena_dup(c->message->arena, why));
	/* the reason of the end must not lean on the message's arena */
	end(c, SPAN("TLS failed"));
}

void smtp_client_login(struct smtp_client *c, struct span user,
	struct span password)
{
	drop_sent(c);
	if (c->state != AUTH)
		return;
	if (user.n == 0)
		be_ready(c);
	else
		smtp_client_say_auth(c, user, password);
}

/* ---- the caller's wishes ---------------------------------------------- */
bool smtp_client_is_free(const struct smtp_client *c)
{
	return c->message == NULL && c->state < RSET;
}

void smtp_client_begin(struct smtp_client *c, struct smtp_client_message *m)
{
	must(smtp_client_is_free(c) && m->rcpt_count > 0);
	drop_sent(c);
	c->message = m;
	c->is_converted = false;
	c->size = m->size;
	if (c->state == IDLE)
		start(c);
}

void smtp_client_converted(struct smtp_client *c, enum code code,
	uint64_t body_bytes, struct span why)
{
	struct verdict v = {.result = code == TEMP ? TEMP : DENIED,
		.enhanced = code == TEMP ? SPAN("4.3.0") : SPAN("5.6.3"),
		.text = why};

	drop_sent(c);
	if (c->state != IDLE || c->message == NULL || c->is_settled)
		return;
	if (code == OK) {
		c->is_converted = true;
		c->size = c->message->head.n + body_bytes;
		start(c);
		return;
	}
	settle_all(c, &v);
	c->is_settled = true;
}

void smtp_client_body(struct smtp_client *c, struct span piece, bool is_last)
{
	must(piece.n <= SMTP_CLIENT_PIECE_BYTES);
	drop_sent(c);
	if (c->state != BODY || !put_piece(c, piece))
		return;
	if (is_last)
		end_message(c);
	else
		c->wish = WISH_BODY;
}

void smtp_client_body_failed(struct smtp_client *c)
{
	drop_sent(c);
	if (c->state != BODY)
		return;
	settle_all(c, &(struct verdict){.result = TEMP, .enhanced = SPAN("4.3.0"),
		.text = SPAN("the message cannot be read")});
	buf_reset(&c->out);
	end(c, SPAN("message given up"));
}

bool smtp_client_is_opening(const struct smtp_client *c)
{
	return c->state < IDLE;
}

void smtp_client_quit(struct smtp_client *c)
{
	must(c->message == NULL);
	drop_sent(c);
	if (c->state != IDLE) {
		end(c, SPAN("done"));
		return;
	}
	smtp_client_say(c, SPAN("QUIT"));
	set_state(c, QUIT);
}

/* The text for a session that ended while this was awaited. */
static struct span lost_text(const struct smtp_client *c, enum code code)
{
	struct buf text;
	struct span lasting;

	buf_init(&text, 128);
	buf_puts(&text, code == TIMEOUT ? "timed out waiting for " :
					  "connection lost waiting for ");
	buf_puts(&text, states[c->state].word);
	lasting = arena_dup(c->message->arena, buf_span(&text));
	buf_clear(&text);
	return lasting;
}

void smtp_client_lost(struct smtp_client *c, enum code code)
{
	drop_sent(c);
	buf_reset(&c->out);
	if (c->state == CLOSED)
		return;
	if (c->message != NULL && !c->is_settled)
		cut(c, SPAN("4.4.2"), lost_text(c, code));
	/* the reason of the end must not lean on the message's arena */
	end(c, code == TIMEOUT ? SPAN("timed out") : SPAN("connection lost"));
}

int64_t smtp_client_timeout_ms(const struct smtp_client *c)
{
	return states[c->state].timeout_ms;
}
