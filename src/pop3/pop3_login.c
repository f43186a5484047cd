/*
 * pop3_login.c - POP3 up to the login.  See pop3_login.h.
 *
 *	           USER                PASS             answer OK
 *	NAMELESS ------> NAMED ----------------> ASKING ---------> HANDED
 *	   ^ |^--- any other, answer not OK ------' ^                |
 *	   | '-- AUTH --> TALKING -- a line --------'                |
 *	   '------------------- pop3_login_failed ------------------'
 *
 *	NAMELESS, NAMED -- STLS --> ASKING_TLS -- OK --> SHAKING -- secured --> NAMELESS
 *	any of them -- QUIT, too many errors, pop3_login_shut --> ENDING -> ENDED
 *
 * NAMELESS, NAMED: commands are read.  TALKING: lines of AUTH's exchange are,
 * which sasl.h understands; it may go to and fro.  ASKING: the one question is
 * open, and nothing is read.  HANDED: the engine touches no byte; what follows belongs to
 * the session.  ENDING: the last line and CLOSE are owed.
 *
 * Whether a user exists is never told: USER is always +OK, and only the
 * directory, through the answer, judges both words together.
 */
#include "pop3/pop3_login.h"

#include <string.h>

#include "base/web.h"
#include "pop3/pop3_command.h"

#include "base/banned.h"

/* A challenge may be as long as a line of the client. */
#define OUT_BYTES (SASL_LINE_MAX + 1024)

enum login_state {
	NAMELESS,
	NAMED,
	TALKING,
	ASKING,
	ASKING_TLS,
	SHAKING,
	HANDED,
	ENDING,
	ENDED
};

struct pop3_login {
	struct pop3_login_config config;
	enum login_state state;
	struct pop3_line line;
	struct buf out; /* replies not yet given to the caller */
	uint8_t user_bytes[POP3_LINE_BYTES];
	size_t user_len;
	uint8_t password_bytes[POP3_LINE_BYTES];
	struct sasl_question by_words; /* USER and PASS */
	struct sasl *sasl;
	bool is_sasl;       /* ASKING is of an exchange, not of PASS */
	struct buf auth;    /* a part of a line, while TALKING */
	const struct sasl_question *question; /* while ASKING */
	uint32_t errors;
	bool is_secured;
	bool is_told; /* the effect of ASKING or HANDED was given */
	const char *why; /* of the end */
};

static void set_state(struct pop3_login *p, enum login_state next)
{
	static const unsigned moves[] = {
		[NAMELESS] = 1u << NAMELESS | 1u << NAMED | 1u << TALKING |
			1u << ASKING | 1u << ASKING_TLS | 1u << ENDING,
		[NAMED] = 1u << NAMELESS | 1u << NAMED | 1u << TALKING |
			1u << ASKING | 1u << ASKING_TLS | 1u << ENDING,
		[TALKING] = 1u << NAMELESS | 1u << TALKING | 1u << ASKING |
			1u << HANDED | 1u << ENDING,
		[ASKING_TLS] = 1u << NAMELESS | 1u << SHAKING | 1u << ENDING,
		[SHAKING] = 1u << NAMELESS | 1u << ENDING,
		[ASKING] = 1u << NAMELESS | 1u << TALKING | 1u << ASKING |
			1u << HANDED | 1u << ENDING,
		[HANDED] = 1u << NAMELESS | 1u << ENDING,
		[ENDING] = 1u << ENDING | 1u << ENDED,
		[ENDED] = 1u << ENDED,
	};

	must(moves[p->state] & 1u << next);
	p->state = next;
	p->is_told = false;
}

static void end(struct pop3_login *p, const char *why)
{
	p->why = why;
	set_state(p, ENDING);
}

static void put_ok(struct pop3_login *p, const char *text)
{
	buf_printf(&p->out, "+OK %s\r\n", text);
}

static void put_error(struct pop3_login *p, const char *text)
{
	buf_printf(&p->out, "-ERR %s\r\n", text);
	if (++p->errors < p->config.errors_max)
		return;
	buf_puts(&p->out, "-ERR too many errors, good bye\r\n");
	end(p, "too many errors");
}

/* The password is not kept a moment longer than the question is open. */
static void forget_password(struct pop3_login *p)
{
	explicit_bzero(p->password_bytes, sizeof(p->password_bytes));
	p->question = NULL;
	sasl_close(p->sasl);
	buf_wipe(&p->auth);
}

/* ---- commands ------------------------------------------------------------- */
typedef void login_fn(struct pop3_login *p, const struct pop3_call *call);

static void cmd_capa(struct pop3_login *p, const struct pop3_call *call)
{
	struct buf mechanisms;

	(void)call;
	buf_init(&mechanisms, 256);
	sasl_put_offer(&p->config.login, SPAN(" "), &mechanisms);
	pop3_put_capabilities(&p->out, p->config.login.may_plain,
		buf_span(&mechanisms), p->config.has_tls);
	buf_clear(&mechanisms);
}

static bool may_login(struct pop3_login *p)
{
	if (!p->config.login.may_plain)
		put_error(p, "logins need an encrypted connection here: "
			"say STLS, or use the port for TLS");
	return p->config.login.may_plain;
}

static void ask(struct pop3_login *p, const struct sasl_question *question)
{
	p->question = question;
	set_state(p, ASKING);
}

static void take_step(struct pop3_login *p, struct sasl_step step)
{
	/* RFC 3206: the code says whose trouble it is */
	static const char *const failures[] = {
		[SASL_WRONG] = "[AUTH] name or password is wrong: check both",
		[SASL_TEMPORARY] = "[SYS/TEMP] try again later",
		[SASL_BAD_BASE64] = "this is no base64",
		[SASL_BAD_SYNTAX] = "this is not what the mechanism says",
		[SASL_TOO_LONG] = "line too long",
		[SASL_CANCELLED] = "login cancelled",
		[SASL_UNKNOWN] = "this mechanism is not known: see CAPA",
	};

	if (step.type == SASL_ASK) {
		ask(p, step.question);
	} else if (step.type == SASL_CHALLENGE) {
		buf_puts(&p->out, "+ ");
		buf_put(&p->out, step.text);
		buf_puts(&p->out, "\r\n");
		/* what grows leaves copies of a password behind */
		(void)buf_reserve(&p->auth, p->auth.max);
		set_state(p, TALKING);
	} else if (step.type == SASL_DONE) {
		forget_password(p);
		set_state(p, HANDED);
	} else {
		forget_password(p);
		set_state(p, NAMELESS);
		put_error(p, failures[step.failure]);
	}
}

/* Without a name: what is there, as mail programs ask since RFC 1734's days. */
static void list_mechanisms(struct pop3_login *p)
{
	buf_puts(&p->out, "+OK these are known");
	sasl_put_offer(&p->config.login, SPAN("\r\n"), &p->out);
	buf_puts(&p->out, "\r\n.\r\n");
}

static void cmd_auth(struct pop3_login *p, const struct pop3_call *call)
{
	bool has_initial = call->count == 2;

	if (!may_login(p))
		return;
	if (call->count == 0) {
		list_mechanisms(p);
		return;
	}
	p->is_sasl = true;
	take_step(p, sasl_begin(p->sasl, call->args[0], has_initial,
		has_initial ? call->args[1] : SPAN_EMPTY));
}

static void cmd_user(struct pop3_login *p, const struct pop3_call *call)
{
	if (!may_login(p))
		return;
	memcpy(p->user_bytes, call->args[0].p, call->args[0].n);
	p->user_len = call->args[0].n;
	set_state(p, NAMED);
	put_ok(p, "now the password");
}

static void cmd_pass(struct pop3_login *p, const struct pop3_call *call)
{
	memcpy(p->password_bytes, call->args[0].p, call->args[0].n);
	p->is_sasl = false;
	p->by_words = (struct sasl_question){
		.type = SASL_ASK_PASSWORD,
		.user = span_of(p->user_bytes, p->user_len),
		.password = span_of(p->password_bytes, call->args[0].n),
	};
	ask(p, &p->by_words);
}

static void cmd_stls(struct pop3_login *p, const struct pop3_call *call)
{
	(void)call;
	if (p->is_secured)
		put_error(p, "TLS is up already");
	else if (!p->config.has_tls)
		put_error(p, "there is no TLS here");
	else
		set_state(p, ASKING_TLS);
}

static void cmd_quit(struct pop3_login *p, const struct pop3_call *call)
{
	(void)call;
	put_ok(p, "good bye");
	end(p, "quit");
}

static login_fn *const commands[POP3_VERB_COUNT] = {
	[POP3_AUTH] = cmd_auth,
	[POP3_CAPA] = cmd_capa,
	[POP3_USER] = cmd_user,
	[POP3_PASS] = cmd_pass,
	[POP3_QUIT] = cmd_quit,
	[POP3_STLS] = cmd_stls,
};

static void run(struct pop3_login *p, struct span line, bool is_too_long)
{
	struct pop3_call call;
	const char *wrong = is_too_long
		? "line too long"
		: pop3_command_read(line,
			  p->state == NAMED ? POP3_AFTER_USER
					    : POP3_AUTHORIZATION,
			  &call);

	if (wrong != NULL && web_is_request(line))
		pop3_login_shut(p, SPAN("this is no web server"));
	else if (wrong != NULL)
		put_error(p, wrong);
	else
		commands[call.verb](p, &call);
}

/* ---- the face ------------------------------------------------------------- */
struct pop3_login *pop3_login_open(struct arena *a,
	const struct pop3_login_config *config)
{
	struct pop3_login *p = ARENA_NEW(a, struct pop3_login);

	p->config = *config;
	buf_init(&p->out, OUT_BYTES);
	buf_init(&p->auth, SASL_LINE_MAX + 2);
	p->sasl = sasl_open(a, &config->login);
	buf_printf(&p->out, "+OK %.*s Postrider POP3\r\n",
		(int)(config->hostname.n < 255 ? config->hostname.n : 255),
		(const char *)config->hostname.p);
	return p;
}

void pop3_login_close(struct pop3_login *p)
{
	forget_password(p);
	buf_clear(&p->auth);
	buf_clear(&p->out);
}

/* A line of an exchange may be longer than any command. */
static bool take_auth_line(struct pop3_login *p, struct span *left)
{
	size_t n = span_find(*left, '\n');
	bool is_complete = n < left->n;
	struct span line;

	buf_put(&p->auth, span_head(*left, n));
	*left = span_tail(*left, is_complete ? n + 1 : n);
	if (p->auth.overflow) {
		pop3_login_shut(p, SPAN("a line of AUTH is too long"));
		return false;
	}
	if (!is_complete)
		return false;
	line = buf_span(&p->auth);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	take_step(p, sasl_line(p->sasl, line));
	buf_wipe(&p->auth);
	return true;
}

static bool take_command(struct pop3_login *p, struct span *left)
{
	struct span line;
	bool is_too_long;

	if (!pop3_line_take(&p->line, left, &line, &is_too_long))
		return false;
	run(p, line, is_too_long);
	explicit_bzero(p->line.bytes, sizeof(p->line.bytes));
	return true;
}

size_t pop3_login_feed(struct pop3_login *p, struct span in)
{
	struct span left = in;

	while (p->state <= TALKING && buf_len(&p->out) == 0 &&
		(p->state == TALKING ? take_auth_line(p, &left)
				     : take_command(p, &left)))
		;
	if (p->line.thrown > POP3_THROWN_MAX)
		pop3_login_shut(p, SPAN("a line without an end, good bye"));
	return in.n - left.n;
}

static void next_by_state(struct pop3_login *p, struct pop3_login_effect *out)
{
	if (p->state == ASKING) {
		out->type = POP3_LOGIN_ASK;
		out->question = p->question;
	} else if (p->state == ASKING_TLS) {
		out->type = POP3_LOGIN_ASK_TLS;
	} else if (p->state == SHAKING) {
		out->type = POP3_LOGIN_START_TLS;
	} else if (p->state == HANDED) {
		out->type = POP3_LOGIN_HANDOVER;
	} else {
		out->type = POP3_LOGIN_CLOSE;
		out->why = span_str(p->why);
		set_state(p, ENDED);
	}
	p->is_told = true;
}

bool pop3_login_next(struct pop3_login *p, struct pop3_login_effect *out)
{
	*out = (struct pop3_login_effect){0};
	if (buf_len(&p->out) > 0) {
		out->type = POP3_LOGIN_SEND;
		out->bytes = buf_span(&p->out);
		buf_consume(&p->out, out->bytes.n);
		return true;
	}
	if (p->state <= TALKING || p->state == ENDED || p->is_told)
		return false;
	next_by_state(p, out);
	return true;
}

void pop3_login_tls_answer(struct pop3_login *p, enum code verdict)
{
	must(p->state == ASKING_TLS && p->is_told);
	if (verdict == OK) {
		put_ok(p, "begin the handshake");
		set_state(p, SHAKING);
	} else {
		set_state(p, NAMELESS);
		put_error(p, "[SYS/TEMP] there is no TLS now");
	}
}

/* RFC 2595 4: what was said before is forgotten. */
void pop3_login_secured(struct pop3_login *p, const struct sasl_config *login)
{
	p->is_secured = true;
	p->config.has_tls = false;
	p->config.login = *login;
	sasl_secured(p->sasl, login);
	p->user_len = 0;
	if (p->state == SHAKING)
		set_state(p, NAMELESS);
}

void pop3_login_answer(struct pop3_login *p, const struct sasl_answer *answer)
{
	static const struct sasl_step done = {.type = SASL_DONE};
	struct sasl_step step = {.type = SASL_FAILED,
		.failure = answer->verdict == DENIED ? SASL_WRONG
						     : SASL_TEMPORARY};

	must(p->state == ASKING && p->is_told);
	if (p->is_sasl)
		step = sasl_answer(p->sasl, answer);
	else if (answer->verdict == OK)
		step = done;
	take_step(p, step);
}

void pop3_login_failed(struct pop3_login *p, enum code why)
{
	must(p->state == HANDED);
	set_state(p, NAMELESS);
	put_error(p, why == BUSY
			? "[IN-USE] another session has the mailbox: try "
			  "again when it is closed"
			: "[SYS/TEMP] the mailbox cannot be opened now: "
			  "try again later");
}

void pop3_login_shut(struct pop3_login *p, struct span text)
{
	if (p->state >= ENDING)
		return;
	buf_printf(&p->out, "-ERR %.*s\r\n",
		(int)(text.n < 400 ? text.n : 400), (const char *)text.p);
	forget_password(p);
	end(p, "shut");
}
