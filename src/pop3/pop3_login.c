/*
 * pop3_login.c - POP3 up to the login.  See pop3_login.h.
 *
 *	           USER                PASS             answer OK
 *	NAMELESS ------> NAMED ----------------> ASKING ---------> HANDED
 *	   ^ ^--- any other, answer not OK -------'                  |
 *	   '------------------- pop3_login_failed ------------------'
 *
 *	NAMELESS, NAMED -- STLS --> ASKING_TLS -- OK --> SHAKING -- secured --> NAMELESS
 *	any of them -- QUIT, too many errors, pop3_login_shut --> ENDING -> ENDED
 *
 * NAMELESS, NAMED: commands are read.  ASKING: the one question is open, and
 * nothing is read.  HANDED: the engine touches no byte; what follows belongs to
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

#define OUT_BYTES 1024

enum login_state {
	NAMELESS,
	NAMED,
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
	size_t password_len;
	uint32_t errors;
	bool is_secured;
	bool is_told; /* the effect of ASKING or HANDED was given */
	const char *why; /* of the end */
};

static void set_state(struct pop3_login *p, enum login_state next)
{
	static const unsigned moves[] = {
		[NAMELESS] = 1u << NAMELESS | 1u << NAMED | 1u << ASKING_TLS |
			1u << ENDING,
		[NAMED] = 1u << NAMELESS | 1u << NAMED | 1u << ASKING |
			1u << ASKING_TLS | 1u << ENDING,
		[ASKING_TLS] = 1u << NAMELESS | 1u << SHAKING | 1u << ENDING,
		[SHAKING] = 1u << NAMELESS | 1u << ENDING,
		[ASKING] = 1u << NAMELESS | 1u << HANDED | 1u << ENDING,
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
	p->password_len = 0;
}

/* ---- commands ------------------------------------------------------------- */
typedef void login_fn(struct pop3_login *p, const struct pop3_call *call);

static void cmd_capa(struct pop3_login *p, const struct pop3_call *call)
{
	(void)call;
	pop3_put_capabilities(&p->out, p->config.may_login, p->config.has_tls);
}

static void cmd_user(struct pop3_login *p, const struct pop3_call *call)
{
	if (!p->config.may_login) {
		put_error(p, "logins need an encrypted connection here");
		return;
	}
	memcpy(p->user_bytes, call->args[0].p, call->args[0].n);
	p->user_len = call->args[0].n;
	set_state(p, NAMED);
	put_ok(p, "now the password");
}

static void cmd_pass(struct pop3_login *p, const struct pop3_call *call)
{
	memcpy(p->password_bytes, call->args[0].p, call->args[0].n);
	p->password_len = call->args[0].n;
	set_state(p, ASKING);
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
	buf_printf(&p->out, "+OK %.*s Postrider POP3\r\n",
		(int)(config->hostname.n < 255 ? config->hostname.n : 255),
		(const char *)config->hostname.p);
	return p;
}

void pop3_login_close(struct pop3_login *p)
{
	forget_password(p);
	buf_clear(&p->out);
}

size_t pop3_login_feed(struct pop3_login *p, struct span in)
{
	struct span left = in;
	struct span line;
	bool is_too_long;

	while (p->state <= NAMED && buf_len(&p->out) == 0 &&
		pop3_line_take(&p->line, &left, &line, &is_too_long)) {
		run(p, line, is_too_long);
		explicit_bzero(p->line.bytes, sizeof(p->line.bytes));
	}
	if (p->line.thrown > POP3_THROWN_MAX)
		pop3_login_shut(p, SPAN("a line without an end, good bye"));
	return in.n - left.n;
}

static void next_by_state(struct pop3_login *p, struct pop3_login_effect *out)
{
	if (p->state == ASKING) {
		out->type = POP3_LOGIN_ASK;
		out->user = span_of(p->user_bytes, p->user_len);
		out->password = span_of(p->password_bytes, p->password_len);
	} else if (p->state == ASKING_TLS) {
		out->type = POP3_LOGIN_ASK_TLS;
	} else if (p->state == SHAKING) {
		out->type = POP3_LOGIN_START_TLS;
	} else if (p->state == HANDED) {
		out->type = POP3_LOGIN_HANDOVER;
		out->user = span_of(p->user_bytes, p->user_len);
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
	if (p->state <= NAMED || p->state == ENDED || p->is_told)
		return false;
	next_by_state(p, out);
	return true;
}

static void answer_tls(struct pop3_login *p, enum code verdict)
{
	if (verdict == OK) {
		put_ok(p, "begin the handshake");
		set_state(p, SHAKING);
	} else {
		set_state(p, NAMELESS);
		put_error(p, "[SYS/TEMP] there is no TLS now");
	}
}

/* RFC 2595 4: what was said before is forgotten. */
void pop3_login_secured(struct pop3_login *p, bool may_login)
{
	p->is_secured = true;
	p->config.has_tls = false;
	p->config.may_login = may_login;
	p->user_len = 0;
	if (p->state == SHAKING)
		set_state(p, NAMELESS);
}

void pop3_login_answer(struct pop3_login *p, enum code verdict)
{
	must((p->state == ASKING || p->state == ASKING_TLS) && p->is_told);
	if (p->state == ASKING_TLS) {
		answer_tls(p, verdict);
		return;
	}
	forget_password(p);
	if (verdict == OK) {
		set_state(p, HANDED);
		return;
	}
	set_state(p, NAMELESS);
	/* RFC 3206: the code says whose trouble it is */
	put_error(p, verdict == DENIED
			? "[AUTH] name or password is wrong"
			: "[SYS/TEMP] try again later");
}

void pop3_login_failed(struct pop3_login *p, enum code why)
{
	must(p->state == HANDED);
	set_state(p, NAMELESS);
	put_error(p, why == BUSY
			? "[IN-USE] another session has the mailbox"
			: "[SYS/TEMP] the mailbox cannot be opened now");
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
