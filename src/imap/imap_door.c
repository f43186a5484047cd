/*
 * imap_door.c - IMAP up to the login.  See imap_door.h.
 *
 *	       LOGIN, AUTHENTICATE       answer OK
 *	READY ---------------------> ASKING -------> HANDED
 *	 ^ ^ ^                        ^   |            |
 *	 | | |   AUTHENTICATE         |   v            |
 *	 | | '-------------------> TALKING             |
 *	 | '---- failed ----------'                    |
 *	 '------------------- imap_door_failed --------'
 *
 *	READY -- STARTTLS --> ASKING_TLS -- OK --> SHAKING -- secured --> READY
 *	any of them -- LOGOUT, too many errors, imap_door_shut --> ENDING -> ENDED
 *
 * READY: commands are read.  TALKING: a line of AUTHENTICATE's exchange is.
 * ASKING: the one question is open, and nothing is read.  HANDED: the engine
 * touches no byte; what follows belongs to the session.  ENDING: the last lines
 * and CLOSE are owed.
 *
 * Every NO and BAD counts as an error.  Whether a user exists is never told:
 * only the directory, through the answer, judges name and password together.
 */
#include "imap/imap_door.h"

#include <string.h>

#include "base/web.h"
#include "imap/imap_capability.h"
#include "imap/imap_id.h"
#include "imap/imap_line.h"
#include "imap/imap_read.h"

#include "base/banned.h"

/* A challenge may be as long as a line of the client. */
#define OUT_BYTES (SASL_LINE_MAX + 2048)

/* RFC 5530 3 */
#define AUTHENTICATIONFAILED                                                    \
	"[AUTHENTICATIONFAILED] name or password is wrong: check both"
#define PRIVACYREQUIRED                                                        \
	"[PRIVACYREQUIRED] logins need an encrypted connection here: "           \
	"say STARTTLS, or use the port for TLS"
#define UNAVAILABLE "[UNAVAILABLE] try again later"

enum door_state {
	READY,
	TALKING,
	ASKING,
	ASKING_TLS,
	SHAKING,
	HANDED,
	ENDING,
	ENDED
};

struct imap_door {
	struct imap_door_config config;
	enum door_state state;
	struct imap_line line;
	struct imap_reader reader; /* of the command under way */
	struct arena arena;        /* owned: what the reader keeps */
	struct buf out;            /* replies not yet given to the caller */
	struct sasl *sasl;
	bool is_sasl;                  /* the question is of an exchange */
	struct sasl_question by_words; /* LOGIN's; borrows from line, reader */
	const struct sasl_question *question; /* ASKING */
	uint8_t tag[IMAP_TAG_MAX];            /* of the command under way */
	size_t tag_len;
	uint32_t errors;
	bool is_greeted;
	bool is_secured;
	bool is_told;    /* the effect of this state was given */
	const char *why; /* of the end */
};

static void set_state(struct imap_door *d, enum door_state next)
{
	static const unsigned moves[] = {
		[READY] = 1u << READY | 1u << TALKING | 1u << ASKING |
			  1u << ASKING_TLS | 1u << HANDED | 1u << ENDING,
		[TALKING] = 1u << READY | 1u << TALKING | 1u << ASKING |
			    1u << HANDED | 1u << ENDING,
		[ASKING] = 1u << READY | 1u << TALKING | 1u << ASKING |
			   1u << HANDED | 1u << ENDING,
		[ASKING_TLS] = 1u << READY | 1u << SHAKING | 1u << ENDING,
		[SHAKING] = 1u << READY | 1u << ENDING,
		[HANDED] = 1u << READY | 1u << ENDING,
		[ENDING] = 1u << ENDED,
		[ENDED] = 1u << ENDED,
	};

	must(moves[d->state] & 1u << next);
	d->state = next;
	d->is_told = false;
}

/* What a password may be in is not kept a moment longer than its question is
 * open. */
static void forget(struct imap_door *d)
{
	imap_reader_wipe(&d->reader);
	arena_reset(&d->arena);
	imap_line_wipe(&d->line);
	d->question = NULL;
}

/* ---- replies ------------------------------------------------------------ */
static void bye(struct imap_door *d, struct span text, const char *why)
{
	if (d->state >= ENDING)
		return;
	buf_printf(&d->out, "* BYE %.*s\r\n",
		(int)(text.n < 400 ? text.n : 400), (const char *)text.p);
	d->why = why;
	set_state(d, ENDING);
}

static void put_reply(struct imap_door *d, const char *status, const char *text)
{
	if (d->tag_len == 0)
		buf_putc(&d->out, '*');
	else
		buf_put(&d->out, span_of(d->tag, d->tag_len));
	buf_printf(&d->out, " %s %s\r\n", status, text);
}

static void put_ok(struct imap_door *d, const char *text)
{
	put_reply(d, "OK", text);
}

static void put_error(struct imap_door *d, const char *status, const char *text)
{
	put_reply(d, status, text);
	if (++d->errors >= d->config.errors_max)
		bye(d, SPAN("too many errors"), "too many errors");
}

static void put_no(struct imap_door *d, const char *text)
{
	put_error(d, "NO", text);
}

static void put_bad(struct imap_door *d, const char *text)
{
	put_error(d, "BAD", text);
}

static void put_capabilities(struct imap_door *d)
{
	imap_put_capabilities(&d->out, IMAP_BEFORE);
	if (d->config.has_tls)
		buf_puts(&d->out, " STARTTLS");
	if (d->config.login.may_plain)
		sasl_put_offer(&d->config.login, SPAN(" AUTH="), &d->out);
	else
		buf_puts(&d->out, " LOGINDISABLED");
}

static void greet(struct imap_door *d)
{
	struct span host = d->config.hostname;

	if (d->is_greeted)
		return;
	d->is_greeted = true;
	buf_puts(&d->out, "* OK [CAPABILITY ");
	put_capabilities(d);
	buf_printf(&d->out, "] %.*s Postrider IMAP\r\n",
		(int)(host.n < 255 ? host.n : 255), (const char *)host.p);
}

/* ---- logins ------------------------------------------------------------- */
static void ask(struct imap_door *d, const struct sasl_question *question)
{
	d->question = question;
	set_state(d, ASKING);
}

static void take_step(struct imap_door *d, struct sasl_step step)
{
	static const struct {
		const char *status, *text;
	} failures[] = {
		[SASL_WRONG] = {"NO", AUTHENTICATIONFAILED},
		[SASL_TEMPORARY] = {"NO", UNAVAILABLE},
		[SASL_BAD_BASE64] = {"BAD", "this is no base64"},
		[SASL_BAD_SYNTAX] = {"BAD",
			"this is not what the mechanism says"},
		[SASL_TOO_LONG] = {"BAD", "line too long"},
		/* RFC 9051 6.2.2: "*" is answered with BAD */
		[SASL_CANCELLED] = {"BAD", "login cancelled"},
		[SASL_UNKNOWN] = {"NO", "[CANNOT] this mechanism is not "
					"known here"},
	};

	if (step.type == SASL_ASK) {
		ask(d, step.question);
	} else if (step.type == SASL_CHALLENGE) {
		buf_puts(&d->out, "+ ");
		buf_put(&d->out, step.text);
		buf_puts(&d->out, "\r\n");
		imap_line_want_text(&d->line, SASL_LINE_MAX);
		set_state(d, TALKING);
	} else if (step.type == SASL_DONE) {
		sasl_close(d->sasl);
		set_state(d, HANDED);
	} else {
		sasl_close(d->sasl);
		set_state(d, READY);
		put_error(d, failures[step.failure].status,
			failures[step.failure].text);
	}
}

/* ---- commands ----------------------------------------------------------- */
typedef void door_fn(struct imap_door *d, struct imap_reader *r);

static bool has_no_arguments(struct imap_door *d, struct imap_reader *r)
{
	if (!imap_read_end(r))
		put_bad(d, r->why);
	return r->why == NULL;
}

static void cmd_authenticate(struct imap_door *d, struct imap_reader *r)
{
	struct span name;
	struct span initial = SPAN_EMPTY;
	bool has_initial;

	if (!imap_read_sp(r) || !imap_read_atom(r, &name)) {
		put_bad(d, r->why);
		return;
	}
	has_initial = !imap_is_end(r);
	if (has_initial && (!imap_read_sp(r) || !imap_read_atom(r, &initial) ||
				   !imap_read_end(r))) {
		put_bad(d, r->why);
		return;
	}
	if (!d->config.login.may_plain) {
		put_no(d, PRIVACYREQUIRED);
		return;
	}
	d->is_sasl = true;
	take_step(d, sasl_begin(d->sasl, name, has_initial, initial));
}

static void cmd_capability(struct imap_door *d, struct imap_reader *r)
{
	if (!has_no_arguments(d, r))
		return;
	buf_puts(&d->out, "* CAPABILITY ");
	put_capabilities(d);
	buf_puts(&d->out, "\r\n");
	put_ok(d, "that is all");
}

static void cmd_id(struct imap_door *d, struct imap_reader *r)
{
	if (!imap_id_read(r)) {
		put_bad(d, r->why);
		return;
	}
	imap_id_put(&d->out);
	put_ok(d, "pleased to meet you");
}

/* NUL is in no name and no password, whatever else is. */
static bool is_worth_asking(struct span s, size_t max)
{
	return s.n <= max && span_find(s, '\0') == s.n;
}

static void cmd_login(struct imap_door *d, struct imap_reader *r)
{
	struct sasl_question *q = &d->by_words;

	*q = (struct sasl_question){.type = SASL_ASK_PASSWORD};
	if (!d->config.login.may_plain)
		put_no(d, PRIVACYREQUIRED);
	else if (!imap_read_sp(r) || !imap_read_credential(r, &q->user) ||
		 !imap_read_sp(r) || !imap_read_credential(r, &q->password) ||
		 !imap_read_end(r))
		put_bad(d, r->why);
	else if (!is_worth_asking(q->user, IMAP_DOOR_USER_MAX) ||
		 !is_worth_asking(q->password, IMAP_DOOR_PASSWORD_MAX))
		put_no(d, AUTHENTICATIONFAILED);
	else
		ask(d, q);
	d->is_sasl = false;
}

static void cmd_logout(struct imap_door *d, struct imap_reader *r)
{
	if (!has_no_arguments(d, r))
		return;
	bye(d, SPAN("good bye"), "quit");
	put_ok(d, "good bye");
}

static void cmd_noop(struct imap_door *d, struct imap_reader *r)
{
	if (has_no_arguments(d, r))
		put_ok(d, "nothing done");
}

static void cmd_starttls(struct imap_door *d, struct imap_reader *r)
{
	if (!has_no_arguments(d, r))
		return;
	if (d->is_secured)
		put_bad(d, "TLS is up already");
	else if (!d->config.has_tls)
		put_no(d, "[UNAVAILABLE] there is no TLS here");
	else
		set_state(d, ASKING_TLS);
}

static const struct {
	door_fn *run;
	bool has_literals;
} commands[IMAP_VERB_COUNT] = {
	[IMAP_AUTHENTICATE] = {cmd_authenticate, false},
	[IMAP_CAPABILITY] = {cmd_capability, false},
	[IMAP_ID] = {cmd_id, true},
	[IMAP_LOGIN] = {cmd_login, true},
	[IMAP_LOGOUT] = {cmd_logout, false},
	[IMAP_NOOP] = {cmd_noop, false},
	[IMAP_STARTTLS] = {cmd_starttls, false},
};

/* ---- lines -------------------------------------------------------------- */
static void note_tag(struct imap_door *d, struct span tag)
{
	d->tag_len = tag.n;
	if (tag.n > 0)
		memcpy(d->tag, tag.p, tag.n);
}

/* True: it is a command that may be given; else it has been answered. */
static bool read_command(struct imap_door *d, const struct imap_line_got *got,
	struct imap_call *out)
{
	const char *wrong = imap_command_read(got->text, IMAP_BEFORE, out);

	note_tag(d, got->tag);
	if (wrong == NULL && got->tag.n > 0)
		return true;
	if (web_is_request(got->line))
		imap_door_shut(d, SPAN("this is no web server"));
	else
		put_bad(d, got->tag.n == 0 ? "a tag is missing" : wrong);
	return false;
}

static void run(struct imap_door *d, const struct imap_line_got *got)
{
	struct imap_call call;

	if (!read_command(d, got, &call))
		return;
	imap_reader_init(&d->reader, got->text, &d->arena);
	d->reader.at = call.len;
	d->reader.depth_max = IMAP_DOOR_DEPTH_MAX;
	commands[call.verb].run(d, &d->reader);
}

/* A LOGIN that is not asked about, or what only an attack sends. */
static void refuse(struct imap_door *d, bool is_login, const char *why)
{
	if (is_login && !d->config.login.may_plain) {
		put_no(d, PRIVACYREQUIRED);
	} else if (is_login) {
		put_no(d, AUTHENTICATIONFAILED);
	} else {
		put_bad(d, why);
		bye(d, span_str(why), why);
	}
}

/* True: the client may send it. */
static bool may_take_literal(
	struct imap_door *d, const struct imap_line_got *got)
{
	struct imap_call call;
	bool could_be_login; /* with a wrong password, or too early */

	if (!read_command(d, got, &call))
		return false;
	if (!commands[call.verb].has_literals) {
		put_bad(d, "this command has no literals");
		return false;
	}
	could_be_login = call.verb == IMAP_LOGIN &&
			 got->literal.size <= IMAP_DOOR_THROWN_MAX;
	if (imap_line_may_keep(&d->line) &&
		(!could_be_login || d->config.login.may_plain))
		return true;
	refuse(d, could_be_login, "literal too big");
	return false;
}

static void decide(struct imap_door *d, const struct imap_line_got *got)
{
	if (!may_take_literal(d, got)) {
		imap_line_refuse(&d->line);
		return;
	}
	imap_line_keep(&d->line);
	if (got->literal.is_waiting)
		buf_puts(&d->out, "+ go on\r\n");
}

static void cut_short(struct imap_door *d, const struct imap_line_got *got)
{
	struct imap_call call;

	if (read_command(d, got, &call))
		refuse(d, call.verb == IMAP_LOGIN, "line too long");
	else
		bye(d, SPAN("line too long"), "line too long");
}

/* False: there is no more to take for now. */
static bool take(struct imap_door *d, struct span *left)
{
	struct imap_line_got got;

	switch (imap_line_take(&d->line, left, &got)) {
	case IMAP_LINE_COMMAND:
		run(d, &got);
		break;
	case IMAP_LINE_TEXT:
		take_step(d, sasl_line(d->sasl, got.text));
		break;
	case IMAP_LINE_LITERAL:
		decide(d, &got);
		return true;
	case IMAP_LINE_TOO_LONG:
		cut_short(d, &got);
		break;
	case IMAP_LINE_END:
		bye(d, span_str(got.why), got.why);
		break;
	case IMAP_LINE_MORE:
		return false;
	case IMAP_LINE_BYTES: /* nothing is streamed here */
	default:
		unreachable();
	}
	/* LOGIN's question borrows from what was read */
	if (d->state != ASKING || d->is_sasl)
		imap_line_wipe(&d->line);
	if (d->state != ASKING)
		arena_reset(&d->arena);
	return true;
}

/* ---- the face ----------------------------------------------------------- */
static void init_line(struct imap_door *d)
{
	static const struct imap_line_limits limits = {
		.line_max = IMAP_DOOR_LINE_MAX,
		.command_max = IMAP_DOOR_COMMAND_MAX,
		.literal_max = IMAP_DOOR_LITERAL_MAX,
		.thrown_max = IMAP_DOOR_THROWN_MAX};

	imap_line_init(&d->line, &limits);
}

struct imap_door *imap_door_open(
	struct arena *a, const struct imap_door_config *config)
{
	struct imap_door *d = ARENA_NEW(a, struct imap_door);

	d->config = *config;
	d->is_greeted = config->is_again;
	d->sasl = sasl_open(a, &config->login);
	buf_init(&d->out, OUT_BYTES);
	arena_init(&d->arena, 16 * IMAP_DOOR_COMMAND_MAX + 4096);
	init_line(d);
	return d;
}

void imap_door_close(struct imap_door *d)
{
	forget(d);
	sasl_close(d->sasl);
	imap_line_clear(&d->line);
	arena_clear(&d->arena);
	buf_clear(&d->out);
}

size_t imap_door_feed(struct imap_door *d, struct span in)
{
	struct span left = in;

	greet(d);
	while (d->state <= TALKING && buf_len(&d->out) == 0 && take(d, &left))
		;
	return in.n - left.n;
}

static void next_by_state(struct imap_door *d, struct imap_door_effect *out)
{
	static const enum imap_door_effect_type types[] = {
		[ASKING] = IMAP_DOOR_ASK,
		[ASKING_TLS] = IMAP_DOOR_ASK_TLS,
		[SHAKING] = IMAP_DOOR_START_TLS,
		[HANDED] = IMAP_DOOR_HANDOVER,
		[ENDING] = IMAP_DOOR_CLOSE,
	};

	out->type = types[d->state];
	out->question = d->question;
	if (d->state == HANDED)
		out->tag = span_of(d->tag, d->tag_len);
	if (d->state == ENDING) {
		out->why = span_str(d->why);
		set_state(d, ENDED);
	}
	d->is_told = true;
}

bool imap_door_next(struct imap_door *d, struct imap_door_effect *out)
{
	*out = (struct imap_door_effect){0};
	greet(d);
	if (buf_len(&d->out) > 0) {
		out->type = IMAP_DOOR_SEND;
		out->bytes = buf_span(&d->out);
		buf_consume(&d->out, out->bytes.n);
		return true;
	}
	if (d->state <= TALKING || d->state == ENDED || d->is_told)
		return false;
	next_by_state(d, out);
	return true;
}

void imap_door_answer(struct imap_door *d, const struct sasl_answer *answer)
{
	must(d->state == ASKING && d->is_told);
	if (d->is_sasl) {
		take_step(d, sasl_answer(d->sasl, answer));
		return;
	}
	forget(d);
	if (answer->verdict == OK) {
		set_state(d, HANDED);
		return;
	}
	set_state(d, READY);
	put_no(d,
		answer->verdict == DENIED ? AUTHENTICATIONFAILED : UNAVAILABLE);
}

void imap_door_tls_answer(struct imap_door *d, enum code verdict)
{
	must(d->state == ASKING_TLS && d->is_told);
	if (verdict == OK) {
		put_ok(d, "begin the handshake");
		set_state(d, SHAKING);
	} else {
		set_state(d, READY);
		put_no(d, "[UNAVAILABLE] there is no TLS now");
	}
}

void imap_door_secured(struct imap_door *d, const struct sasl_config *login)
{
	d->is_secured = true;
	d->config.has_tls = false;
	d->config.login = *login;
	sasl_secured(d->sasl, login);
	imap_line_clear(&d->line);
	init_line(d);
	d->tag_len = 0;
	if (d->state == SHAKING)
		set_state(d, READY);
}

void imap_door_failed(struct imap_door *d, enum code why)
{
	must(d->state == HANDED);
	set_state(d, READY);
	put_no(d, why == BUSY ? "[INUSE] another session has the mailbox"
			      : UNAVAILABLE);
}

void imap_door_shut(struct imap_door *d, struct span text)
{
	bye(d, text, "shut");
}
