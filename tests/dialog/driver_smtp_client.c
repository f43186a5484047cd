/*
 * driver_smtp_client.c - plays dialogues on the SMTP client engine: S: lines
 * are fed, C: lines are what it says.
 *
 * Options (O: name value) describe the first message:
 *
 *	sender ADDRESS   default ann@a.test; "<>" for the null sender
 *	rcpts A,B,C      default bob@b.test
 *	body TEXT        escapes \r \n \xNN; default "Hi\r\n"
 *	head TEXT        put before the body, same escapes
 *	streamed N       the body is asked for, in pieces of N bytes
 *	size N           as if the message had so many bytes
 *	flags 8bit,binary,utf8,requiretls
 *	dsn [ORCPT]      RET, ENVID, NOTIFY and ORCPT are asked for
 *	messages N       so many messages, one after the other; then QUIT
 *	idle             no message at first; nothing is said of its own
 *	converts         what the server does not take is converted
 *	unreadable       so it would be, but it cannot be read
 *	login USER PASSWORD  who logs in, if the server takes it; "login nobody"
 *	                 logs in as nobody
 *	tls never|may|must  what is wanted of STARTTLS; default never
 *	handshake fails  what becomes of it; else it is over at once
 *	handshake waits  nothing: it is for the clock, or the end
 *	handshake unverified  it may be with anybody
 *
 * Events: "ok RCPT CODE ENHANCED TEXT" ("temp", "denied" likewise; " cut" and
 * " crowded" behind the result, " dsn" at the end), one for each recipient when a message is
 * settled, then "settled"; "tls" where the handshake begins.
 * T: is a time-out when it lasts as long as the engine waits in this state.
 * X: close is a lost connection.
 */
#include "base/mem.h"
#include "base/num.h"
#include "driver.h"
#include "message/downgrade.h"
#include "smtp/smtp_dsn.h"
#include "smtp/smtp_client.h"

#include "base/banned.h"

#define RCPTS_MAX    2048
#define EVENTS_BYTES (1u << 20)

struct client {
	struct arena arena, message_arena;
	struct smtp_client *engine;
	struct smtp_client_message message;
	struct span rcpt_text;
	struct span orcpt; /* empty: nothing is asked about notices */
	size_t offset; /* of the body, when it is streamed */
	size_t piece_bytes;
	struct span body;
	struct span given; /* the body, or what it was converted to */
	bool is_unreadable;
	uint32_t messages;
	bool is_idle;
	struct span user, password; /* of login; p is NULL: none is asked for */
	enum smtp_client_tls tls;
	bool is_tls_broken, is_tls_slow, is_unverified;
	int64_t quiet_since_ms;
	struct buf events; /* lines that wait */
	size_t event_bytes; /* given out, to be consumed */
};

/* ---- options ---------------------------------------------------------- */
static int hex(uint8_t c)
{
	return ascii_is_digit(c) ? c - '0' : ascii_lower(c) - 'a' + 10;
}

static struct span unescape(struct arena *a, struct span s)
{
	struct buf out;
	struct span kept;

	buf_init(&out, EVENTS_BYTES);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '\\' || i + 1 == s.n) {
			buf_putc(&out, s.p[i]);
		} else if (s.p[i + 1] == 'x' && i + 3 < s.n) {
			buf_putc(&out, (uint8_t)(hex(s.p[i + 2]) << 4 |
					       hex(s.p[i + 3])));
			i += 3;
		} else {
			i++;
			buf_putc(&out, s.p[i] == 'r' ? '\r' : s.p[i] == 'n' ?
				'\n' : s.p[i]);
		}
	}
	kept = arena_dup(a, buf_span(&out));
	buf_clear(&out);
	return kept;
}

static bool take_flags(struct client *c, struct span words)
{
	while (words.n > 0) {
		struct span word = span_cut(&words, ',');

		if (span_eq(word, SPAN("8bit")))
			c->message.flags |= SMTP_CLIENT_MAIL_8BIT;
		else if (span_eq(word, SPAN("binary")))
			c->message.flags |= SMTP_CLIENT_MAIL_BINARY;
		else if (span_eq(word, SPAN("utf8")))
			c->message.flags |= SMTP_CLIENT_MAIL_UTF8;
		else if (span_eq(word, SPAN("requiretls")))
			c->message.flags |= SMTP_CLIENT_MAIL_REQUIRETLS;
		else
			return false;
	}
	return true;
}

static bool take_tls(struct client *c, struct span value)
{
	static const char *const words[] = {"never", "may", "must"};

	for (unsigned i = 0; i < 3; i++) {
		if (!span_eq(value, span_str(words[i])))
			continue;
		c->tls = (enum smtp_client_tls)i;
		return true;
	}
	return false;
}

static bool take_handshake(struct client *c, struct span value)
{
	c->is_tls_broken = span_eq(value, SPAN("fails"));
	c->is_tls_slow = span_eq(value, SPAN("waits"));
	c->is_unverified = span_eq(value, SPAN("unverified"));
	return c->is_tls_broken || c->is_tls_slow || c->is_unverified;
}

static bool take_login(struct client *c, struct span value)
{
	c->user = driver_word(&value);
	c->password = unescape(&c->arena, value);
	if (span_eq(c->user, SPAN("nobody")))
		c->user.n = 0;
	return true;
}

static bool take_option(struct client *c, struct span value)
{
	struct span name = driver_word(&value);
	uint32_t n;

	if (span_eq(name, SPAN("sender")))
		c->message.reverse_path = span_eq(value, SPAN("<>")) ?
			SPAN_EMPTY :
			unescape(&c->arena, value);
	else if (span_eq(name, SPAN("rcpts")))
		c->rcpt_text = unescape(&c->arena, value);
	else if (span_eq(name, SPAN("body")))
		c->body = unescape(&c->arena, value);
	else if (span_eq(name, SPAN("head")))
		c->message.head = unescape(&c->arena, value);
	else if (span_eq(name, SPAN("idle")))
		c->is_idle = true;
	else if (span_eq(name, SPAN("dsn")))
		c->orcpt = value.n > 0 ? unescape(&c->arena, value)
				       : SPAN("rfc822;list@a.test");
	else if (span_eq(name, SPAN("converts")))
		c->message.may_convert = true;
	else if (span_eq(name, SPAN("unreadable")))
		c->message.may_convert = c->is_unreadable = true;
	else if (span_eq(name, SPAN("flags")))
		return take_flags(c, value);
	else if (span_eq(name, SPAN("login")))
		return take_login(c, value);
	else if (span_eq(name, SPAN("tls")))
		return take_tls(c, value);
	else if (span_eq(name, SPAN("handshake")))
		return take_handshake(c, value);
	else if (!num_parse_u32(value, UINT32_MAX, &n))
		return false;
	else if (span_eq(name, SPAN("streamed")))
		c->piece_bytes = n;
	else if (span_eq(name, SPAN("size")))
		c->message.size = n;
	else if (span_eq(name, SPAN("messages")))
		c->messages = n;
	else
		return false;
	return true;
}

/* ---- the engine -------------------------------------------------------- */
static void ask_dsn(struct smtp_client_message *m, struct smtp_client_rcpt *r,
	struct span orcpt)
{
	m->ret = SMTP_RET_HDRS;
	m->envid = SPAN("QQ+2B314");
	r->notify = SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY;
	r->orcpt = orcpt;
}

static void begin(struct client *c)
{
	struct smtp_client_message *m = &c->message;
	struct span left = c->rcpt_text;

	arena_reset(&c->message_arena);
	m->arena = &c->message_arena;
	m->rcpts = arena_alloc(&c->message_arena, RCPTS_MAX,
		sizeof(*m->rcpts));
	m->rcpt_count = 0;
	while (left.n > 0) {
		m->rcpts[m->rcpt_count].address = span_cut(&left, ',');
		if (c->orcpt.n > 0)
			ask_dsn(m, &m->rcpts[m->rcpt_count], c->orcpt);
		m->rcpt_count++;
	}
	m->is_streamed = c->piece_bytes > 0;
	m->body = m->is_streamed ? SPAN_EMPTY : c->body;
	c->offset = 0;
	c->given = c->body;
	c->messages--;
	smtp_client_begin(c->engine, m);
}

static void *open_client(const struct span *options, size_t count)
{
	struct client *c = MEM_NEW(struct client);
	struct smtp_client_config config = {.hostname = SPAN("me.test")};

	arena_init(&c->arena, 1u << 20);
	arena_init(&c->message_arena, 4u << 20);
	buf_init(&c->events, EVENTS_BYTES);
	c->message.reverse_path = SPAN("ann@a.test");
	c->rcpt_text = SPAN("bob@b.test");
	c->body = SPAN("Hi\r\n");
	c->messages = 1;
	for (size_t i = 0; i < count; i++)
		if (!take_option(c, options[i]))
			return NULL;
	if (c->message.size == 0)
		c->message.size = c->message.head.n + c->body.n;
	config.tls = c->tls;
	config.may_login = c->user.p != NULL;
	c->engine = smtp_client_open(&c->arena, &config);
	if (!c->is_idle)
		begin(c);
	return c;
}

static void close_client(void *engine)
{
	struct client *c = engine;

	smtp_client_close(c->engine);
	arena_clear(&c->arena);
	arena_clear(&c->message_arena);
	buf_clear(&c->events);
	mem_free(c);
}

static size_t feed(void *engine, struct span in, int64_t now_ms)
{
	struct client *c = engine;

	c->quiet_since_ms = now_ms;
	return smtp_client_feed(c->engine, in);
}

static void put_outcomes(struct client *c)
{
	for (size_t i = 0; i < c->message.rcpt_count; i++) {
		const struct smtp_client_rcpt *r = &c->message.rcpts[i];

		must(r->is_settled);
		buf_printf(&c->events, "%s%s%s %.*s %u %.*s %.*s%s\n",
			code_word(r->result), r->was_cut ? " cut" : "",
			r->was_crowded ? " crowded"
			: r->was_unfit ? " unfit" : "",
			SPAN_ARG(r->address),
			r->code, SPAN_ARG(r->enhanced), SPAN_ARG(r->text),
			r->has_dsn ? " dsn" : "");
	}
	buf_puts(&c->events, "settled\n");
}

static void give_piece(struct client *c)
{
	struct span piece = span_head(span_tail(c->given, c->offset),
		c->piece_bytes > 0 ? c->piece_bytes : SMTP_CLIENT_PIECE_BYTES);

	c->offset += piece.n;
	smtp_client_body(c->engine, piece, c->offset == c->given.n);
}

static enum code convert(struct client *c, bool allows_8bit, struct err *e)
{
	struct arena arena;
	struct downgrade *d;
	struct buf out;
	enum code code;

	arena_init(&arena, MIME_ARENA_BYTES + DOWNGRADE_ARENA_BYTES);
	buf_init(&out, EVENTS_BYTES);
	d = downgrade_new(&arena, mime_parse(&arena, c->body), allows_8bit);
	downgrade_look(d, c->body);
	code = downgrade_decide(d, e);
	if (code == OK) {
		downgrade_feed(d, c->body, &out);
		downgrade_end(d, &out);
		c->given = arena_dup(&c->message_arena, buf_span(&out));
		c->offset = 0;
	}
	downgrade_clear(d);
	buf_clear(&out);
	arena_clear(&arena);
	return code;
}

static void answer_convert(struct client *c, bool allows_8bit)
{
	struct err e = {.text = ""};
	enum code code = c->is_unreadable ?
		err_set(&e, TEMP, "the message cannot be read") :
		convert(c, allows_8bit, &e);

	smtp_client_converted(c->engine, code, c->given.n,
		arena_dup(&c->message_arena, span_str(e.text)));
}

/* What comes after a message. */
static void go_on(struct client *c)
{
	if (!smtp_client_is_free(c->engine))
		return;
	if (c->messages > 0)
		begin(c);
	else
		smtp_client_quit(c->engine);
}

static void shake(struct client *c)
{
	buf_puts(&c->events, "tls\n");
	if (c->is_tls_broken)
		smtp_client_tls_failed(c->engine,
			SPAN("TLS failed: no shared cipher"));
	else if (!c->is_tls_slow)
		smtp_client_secured(c->engine, !c->is_unverified);
}

static bool next_event(struct client *c, struct driver_effect *out)
{
	buf_consume(&c->events, c->event_bytes);
	c->event_bytes = 0;
	if (buf_len(&c->events) == 0)
		return false;
	out->type = DRIVER_EVENT;
	out->bytes = span_head(buf_span(&c->events),
		span_find(buf_span(&c->events), '\n'));
	c->event_bytes = out->bytes.n + 1;
	return true;
}

static bool next(void *engine, struct driver_effect *out)
{
	struct client *c = engine;
	struct smtp_client_effect e;

	if (next_event(c, out))
		return true;
	if (!smtp_client_next(c->engine, &e))
		return false;
	switch (e.type) {
	case SMTP_CLIENT_SEND:
		*out = (struct driver_effect){DRIVER_SEND, e.bytes};
		return true;
	case SMTP_CLIENT_START_TLS:
		shake(c);
		return next_event(c, out);
	case SMTP_CLIENT_LOGIN:
		must(c->user.p != NULL);
		smtp_client_login(c->engine, c->user, c->password);
		return next(engine, out);
	case SMTP_CLIENT_CONVERT:
		answer_convert(c, smtp_client_takes_8bit(c->engine));
		return next(engine, out);
	case SMTP_CLIENT_BODY:
		give_piece(c);
		return next(engine, out);
	case SMTP_CLIENT_SETTLED:
		put_outcomes(c);
		go_on(c);
		return next_event(c, out);
	case SMTP_CLIENT_CLOSE:
		*out = (struct driver_effect){DRIVER_CLOSE, e.why};
		return true;
	}
	return false;
}

static bool answer(void *engine, struct span question, struct span reply)
{
	(void)engine;
	(void)question;
	(void)reply;
	return false; /* this engine asks nothing */
}

static void tick(void *engine, int64_t now_ms)
{
	struct client *c = engine;
	int64_t patience_ms = smtp_client_timeout_ms(c->engine);

	if (patience_ms > 0 && now_ms - c->quiet_since_ms >= patience_ms)
		smtp_client_lost(c->engine, TIMEOUT);
}

static void lose(void *engine)
{
	struct client *c = engine;

	smtp_client_lost(c->engine, GONE);
}

const struct driver dialog_driver = {
	.name = "smtp_client",
	.is_client = true,
	.open = open_client,
	.close = close_client,
	.feed = feed,
	.next = next,
	.answer = answer,
	.tick = tick,
	.lost = lose,
};
