/*
 * smtp_server.c - the SMTP server: states, lines, effects.  See
 * smtp_server.h; the commands are in smtp_cmd_*.c, bodies in smtp_transfer.c.
 *
 *	GREETING ── greeting taken ──▶ START ── HELO, EHLO ──▶ READY
 *	                                                    MAIL │ ▲
 *	                                                         ▼ │ RSET, EHLO,
 *	    CHUNKS ◀── BDAT ── RCPT ◀── RCPT accepted ──────── MAIL│ body ended
 *	      └─────────────────┴──────────────────────────────────┘
 *	any ── STARTTLS, handshake ──▶ START
 *	any ── QUIT, 421, 554 ──▶ CLOSED
 *
 * GREETING  nothing may come; what comes is early talk
 * START     only HELO, EHLO and what needs no session
 * READY     no transaction: the arena is empty, no body
 * MAIL      reverse path known, no recipient
 * RCPT      at least one recipient; DATA's body comes in this state too
 * CHUNKS    some of the body came by BDAT
 * CLOSED    nothing is read any more
 *
 * What the next byte is stands in `input`: a line, the rest of a line that was
 * refused, a body, a chunk.  feed() goes on until an effect waits.  Only
 * run_line() looks at the states that a row allows.
 */
#include "smtp/smtp_server_int.h"

#include "base/log.h"
#include "base/time.h"
#include "base/web.h"

#include "base/banned.h"

#define ADDRESS_MAX 512 /* what a log line shows of an address */
#define TIMEOUT_MS  (5 * 60 * 1000) /* RFC 5321 4.5.3.2.7 */

#define ALWAYS                                                                 \
	(SMTP_STATE_START | SMTP_STATE_READY | SMTP_STATE_MAIL |               \
		SMTP_STATE_RCPT | SMTP_STATE_CHUNKS)
#define LAST    SMTP_CMD_LAST
#define JUNK    SMTP_CMD_JUNK
#define NO_ARGS SMTP_CMD_NO_ARGS
#define HIDDEN  SMTP_CMD_HIDDEN

/* clang-format off */
const struct smtp_cmd smtp_cmds[] = {
	/* name      allowed in                          flags                  line            run              syntax                           RFC */
	{ "EHLO",    ALWAYS,                             LAST | JUNK,           SMTP_LINE_MAX,  smtp_cmd_ehlo,   "EHLO domain",                   "5321 4.1.1.1" },
	{ "HELO",    ALWAYS,                             LAST | JUNK,           SMTP_LINE_MAX,  smtp_cmd_helo,   "HELO domain",                   "5321 4.1.1.1" },
	{ "MAIL",    SMTP_STATE_READY,                   SMTP_CMD_BEGINS,       SMTP_LINE_LONG, smtp_cmd_mail,   "MAIL FROM:<address> [parameters]", "5321 4.1.1.2" },
	{ "RCPT",    SMTP_STATE_MAIL | SMTP_STATE_RCPT,  0,                     SMTP_LINE_LONG, smtp_cmd_rcpt,   "RCPT TO:<address>",             "5321 4.1.1.3" },
	{ "DATA",    SMTP_STATE_RCPT,                    LAST | NO_ARGS,        SMTP_LINE_MAX,  smtp_cmd_data,   "DATA",                          "5321 4.1.1.4" },
	{ "BDAT",    SMTP_STATE_RCPT | SMTP_STATE_CHUNKS,SMTP_CMD_CHUNK,        SMTP_LINE_MAX,  smtp_cmd_bdat,   "BDAT size [LAST]",              "3030 2" },
	{ "RSET",    ALWAYS,                             JUNK | NO_ARGS,        SMTP_LINE_MAX,  smtp_cmd_rset,   "RSET",                          "5321 4.1.1.5" },
	{ "NOOP",    ALWAYS,                             LAST | JUNK,           SMTP_LINE_MAX,  smtp_cmd_noop,   "NOOP [text]",                   "5321 4.1.1.9" },
	{ "VRFY",    ALWAYS,                             LAST | JUNK,           SMTP_LINE_MAX,  smtp_cmd_vrfy,   "VRFY address",                  "5321 4.1.1.6" },
	{ "HELP",    ALWAYS,                             LAST | JUNK,           SMTP_LINE_MAX,  smtp_cmd_help,   "HELP [command]",                "5321 4.1.1.8" },
	{ "QUIT",    ALWAYS,                             NO_ARGS,               SMTP_LINE_MAX,  smtp_cmd_quit,   "QUIT",                          "5321 4.1.1.10" },
	{ "EXPN",    ALWAYS,                             LAST | JUNK | HIDDEN,  SMTP_LINE_MAX,  smtp_cmd_unimplemented, "EXPN list",              "5321 4.1.1.7" },
	{ "STARTTLS",ALWAYS,                             LAST | JUNK | NO_ARGS | HIDDEN, SMTP_LINE_MAX, smtp_cmd_starttls, "STARTTLS",            "3207 4" },
	{ "AUTH",    ALWAYS,                             LAST | JUNK | HIDDEN,  SMTP_LINE_AUTH, smtp_cmd_auth,    "AUTH mechanism [initial-response]", "4954 4" },
	{ "TURN",    ALWAYS,                             LAST | JUNK | HIDDEN,  SMTP_LINE_MAX,  smtp_cmd_unimplemented, "TURN",                   "5321 F.1" },
	{ "SEND",    ALWAYS,                             JUNK | HIDDEN,         SMTP_LINE_MAX,  smtp_cmd_unimplemented, "SEND FROM:<address>",    "5321 F.6" },
	{ "SOML",    ALWAYS,                             JUNK | HIDDEN,         SMTP_LINE_MAX,  smtp_cmd_unimplemented, "SOML FROM:<address>",    "5321 F.6" },
	{ "SAML",    ALWAYS,                             JUNK | HIDDEN,         SMTP_LINE_MAX,  smtp_cmd_unimplemented, "SAML FROM:<address>",    "5321 F.6" },
};
/* clang-format on */
const size_t smtp_cmd_count = sizeof(smtp_cmds) / sizeof(smtp_cmds[0]);

static const struct smtp_cmd *find_cmd(struct span verb)
{
	for (size_t i = 0; i < smtp_cmd_count; i++)
		if (span_eq_fold(verb, span_str(smtp_cmds[i].name)))
			return &smtp_cmds[i];
	return NULL;
}

struct span smtp_cmd_syntax(const char *name)
{
	return span_str(find_cmd(span_str(name))->syntax);
}

/* ---- states ----------------------------------------------------------------- */

void smtp_server_set_state(struct smtp_server *s, enum smtp_state state)
{
	static const struct {
		enum smtp_state from;
		unsigned to;
	} moves[] = {
		{SMTP_STATE_GREETING, SMTP_STATE_START | SMTP_STATE_CLOSED},
		{SMTP_STATE_START,
			SMTP_STATE_START | SMTP_STATE_READY |
				SMTP_STATE_CLOSED},
		{SMTP_STATE_READY,
			SMTP_STATE_START | SMTP_STATE_READY |
				SMTP_STATE_MAIL | SMTP_STATE_CLOSED},
		{SMTP_STATE_MAIL,
			SMTP_STATE_READY | SMTP_STATE_RCPT |
				SMTP_STATE_CLOSED},
		{SMTP_STATE_RCPT,
			SMTP_STATE_READY | SMTP_STATE_RCPT |
				SMTP_STATE_CHUNKS | SMTP_STATE_CLOSED},
		{SMTP_STATE_CHUNKS, SMTP_STATE_READY | SMTP_STATE_CLOSED},
		{SMTP_STATE_CLOSED, SMTP_STATE_CLOSED},
	};

	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (moves[i].from == s->state)
			must((moves[i].to & state) != 0);
	s->state = state;
}

static bool has_transaction(const struct smtp_server *s)
{
	return (s->state &
		       (SMTP_STATE_MAIL | SMTP_STATE_RCPT |
			       SMTP_STATE_CHUNKS)) != 0;
}

void smtp_server_forget(struct smtp_server *s)
{
	if (!has_transaction(s))
		return;
	s->has_drop = s->has_drop || s->body == SMTP_BODY_OPEN;
	s->body = SMTP_BODY_NONE;
	s->transaction = (struct smtp_transaction){
		.helo = s->transaction.helo,
		.is_esmtp = s->transaction.is_esmtp};
	s->rcpts = NULL;
	s->rcpt_room = s->rcpt_bytes = s->refused = 0;
	arena_reset(&s->arena);
	smtp_server_set_state(s, SMTP_STATE_READY);
}

/* ---- effects that wait ------------------------------------------------------- */

void smtp_server_end(struct smtp_server *s, struct span why)
{
	if (s->state == SMTP_STATE_CLOSED)
		return;
	smtp_server_forget(s);
	smtp_server_set_state(s, SMTP_STATE_CLOSED);
	s->question = SMTP_QUESTION_NONE;
	s->tls = SMTP_PLAIN;
	s->has_close = true;
	s->close_why = why;
	smtp_cmd_auth_break(s);
}

static void put_reply(struct smtp_server *s, enum smtp_reply reply,
	struct span argument)
{
	struct buf fact;

	buf_init(&fact, SMTP_FACT_MAX);
	if (argument.n == 0)
		smtp_reply_put_fact(s, reply, &fact);
	smtp_reply_put(&s->out, reply,
		argument.n == 0 ? buf_span(&fact) : argument);
	buf_clear(&fact);
}

static void count_error(struct smtp_server *s)
{
	if (++s->errors < s->config.errors_max ||
		s->state == SMTP_STATE_CLOSED)
		return;
	put_reply(s, SMTP_REPLY_ERRORS, SPAN_EMPTY);
	smtp_server_end(s, span_str(smtp_reply_row(SMTP_REPLY_ERRORS)->why));
}

void smtp_server_put(struct smtp_server *s, enum smtp_reply reply,
	struct span argument)
{
	put_reply(s, reply, argument);
	if (buf_len(&s->out) > SMTP_OUT_FLUSH)
		s->must_flush = true;
}

void smtp_server_reply(struct smtp_server *s, enum smtp_reply reply,
	struct span argument)
{
	smtp_server_put(s, reply, argument);
	if (smtp_reply_row(reply)->code >= 500)
		count_error(s);
}

void smtp_server_log(struct smtp_server *s, int event, enum smtp_reply reply)
{
	const struct smtp_reply_row *row = smtp_reply_row(reply);

	s->has_log = true;
	s->log = (struct smtp_effect){.type = SMTP_LOG, .event = event,
		.address = span_head(buf_span(&s->address), ADDRESS_MAX),
		.code = row->code, .why = span_str(row->why)};
}

/* A reply that is the last one. */
static void reply_and_end(struct smtp_server *s, enum smtp_reply reply)
{
	smtp_reply_put(&s->out, reply, SPAN_EMPTY);
	smtp_server_end(s, span_str(smtp_reply_row(reply)->why));
}

void smtp_server_ask(struct smtp_server *s, enum smtp_question question)
{
	must(s->question == SMTP_QUESTION_NONE);
	s->question = question;
	s->was_asked = false;
}

void smtp_server_settle(struct smtp_server *s)
{
	if (!s->out_was_sent)
		return;
	s->out_was_sent = false;
	s->must_flush = false;
	buf_reset(&s->out);
}

/* Replies wait for those of further commands that came with them, and for the
 * answer to an open question.  RFC 2920 3.2 */
static bool must_send(const struct smtp_server *s)
{
	return buf_len(&s->out) > 0 && s->question == SMTP_QUESTION_NONE &&
		(s->must_flush || !s->has_more || s->has_close);
}

static bool has_effect(const struct smtp_server *s)
{
	return s->out_body.n > 0 || s->has_log || s->has_drop ||
		s->has_logged_in ||
		s->question != SMTP_QUESTION_NONE || s->must_flush ||
		s->tls != SMTP_PLAIN || s->has_close;
}

static bool next_question(struct smtp_server *s, struct smtp_effect *out)
{
	static const enum smtp_effect_type types[] = {
		[SMTP_QUESTION_SENDER] = SMTP_ASK_SENDER,
		[SMTP_QUESTION_RCPT] = SMTP_ASK_RCPT,
		[SMTP_QUESTION_DATA] = SMTP_ASK_DATA,
		[SMTP_QUESTION_CHUNK] = SMTP_ASK_DATA,
		[SMTP_QUESTION_COMMIT] = SMTP_ASK_COMMIT,
		[SMTP_QUESTION_TLS] = SMTP_ASK_TLS,
		[SMTP_QUESTION_LOGIN] = SMTP_ASK_LOGIN,
	};

	if (s->question == SMTP_QUESTION_NONE || s->was_asked)
		return false;
	s->was_asked = true;
	*out = (struct smtp_effect){.type = types[s->question]};
	if (s->question == SMTP_QUESTION_RCPT ||
		s->question == SMTP_QUESTION_SENDER)
		out->address = buf_span(&s->address);
	if (s->question == SMTP_QUESTION_LOGIN)
		out->login = s->login;
	return true;
}

static void take_greeting(struct smtp_server *s)
{
	if (s->state == SMTP_STATE_GREETING)
		smtp_server_set_state(s, SMTP_STATE_START);
}

bool smtp_server_next(struct smtp_server *s, struct smtp_effect *out)
{
	smtp_server_settle(s);
	if (s->out_body.n > 0) {
		*out = (struct smtp_effect){.type = SMTP_BODY,
			.bytes = s->out_body};
		s->out_body = SPAN_EMPTY;
	} else if (s->has_drop) {
		*out = (struct smtp_effect){.type = SMTP_DROP};
		s->has_drop = false;
	} else if (s->has_logged_in) {
		*out = (struct smtp_effect){.type = SMTP_LOGGED_IN};
		s->has_logged_in = false;
	} else if (s->has_log) {
		*out = s->log;
		s->has_log = false;
	} else if (must_send(s)) {
		*out = (struct smtp_effect){.type = SMTP_SEND,
			.bytes = buf_span(&s->out)};
		s->out_was_sent = true;
		take_greeting(s);
	} else if (s->tls == SMTP_TLS_WANTED) {
		*out = (struct smtp_effect){.type = SMTP_START_TLS};
		s->tls = SMTP_TLS_AWAITED;
	} else if (s->has_close) {
		*out = (struct smtp_effect){.type = SMTP_CLOSE,
			.why = s->close_why};
		s->has_close = false;
	} else {
		return next_question(s, out);
	}
	return true;
}

/* ---- a command ----------------------------------------------------------------- */

static enum smtp_reply not_now(const struct smtp_server *s,
	const struct smtp_cmd *cmd)
{
	if (s->state == SMTP_STATE_START)
		return SMTP_REPLY_HELLO_FIRST;
	if (s->state == SMTP_STATE_READY)
		return SMTP_REPLY_MAIL_FIRST;
	if ((cmd->flags & SMTP_CMD_BEGINS) != 0)
		return SMTP_REPLY_MAIL_TWICE;
	return s->state == SMTP_STATE_MAIL ? SMTP_REPLY_NO_RCPTS
					   : SMTP_REPLY_CHUNKS_BEGUN;
}

static void run_cmd(struct smtp_server *s, const struct smtp_cmd *cmd,
	struct span args)
{
	if ((cmd->flags & SMTP_CMD_JUNK) != 0 && ++s->junk > SMTP_JUNK_MAX)
		count_error(s);
	if (s->state == SMTP_STATE_CLOSED)
		return;
	if ((cmd->states & s->state) == 0) {
		if ((cmd->flags & SMTP_CMD_CHUNK) != 0)
			smtp_cmd_bdat_refuse(s, args, not_now(s, cmd));
		else
			smtp_server_reply(s, not_now(s, cmd), SPAN_EMPTY);
		return;
	}
	if ((cmd->flags & SMTP_CMD_NO_ARGS) != 0 && args.n > 0)
		smtp_server_reply(s, SMTP_REPLY_SYNTAX, span_str(cmd->syntax));
	else
		cmd->run(s, args);
}

/* line: without its CR LF; is_alone: nothing came behind it. */
static void run_line(struct smtp_server *s, struct span line, bool is_alone)
{
	struct span args = line;
	struct span verb = span_cut(&args, ' ');
	const struct smtp_cmd *cmd = find_cmd(span_trim(verb));
	size_t line_max = cmd == NULL ? SMTP_LINE_MAX : cmd->line_max;

	buf_reset(&s->address);
	if (cmd == NULL || (cmd->flags & LAST) != 0)
		s->must_flush = true; /* RFC 2920 3.2 (5), (6) */
	if (line.n + 2 > line_max)
		smtp_server_reply(s, SMTP_REPLY_LINE_TOO_LONG, SPAN_EMPTY);
	else if (span_find(line, '\0') < line.n)
		smtp_server_reply(s, SMTP_REPLY_NUL, SPAN_EMPTY);
	else if (span_find(line, '\r') < line.n)
		smtp_server_reply(s, SMTP_REPLY_BARE_NEWLINE, SPAN_EMPTY);
	else if (cmd == NULL && web_is_request(line))
		reply_and_end(s, SMTP_REPLY_NO_WEB);
	else if (cmd == NULL)
		smtp_server_reply(s, SMTP_REPLY_UNKNOWN, SPAN_EMPTY);
	else if ((cmd->flags & LAST) != 0 && !is_alone && s->peer.local == NULL)
		reply_and_end(s, SMTP_REPLY_PIPELINED);
	else /* blanks at the end are forgiven: RFC 5321 4.1.1 */
		run_cmd(s, cmd, span_trim(args));
}

/* ---- lines ------------------------------------------------------------------------ */

/* The line is refused at once; what is left of it, up to the next CR LF, is
 * not a command.  The bytes themselves are taken by skip_line. */
static void refuse_line(struct smtp_server *s, enum smtp_reply reply)
{
	s->must_flush = true;
	smtp_cmd_auth_break(s);
	smtp_server_reply(s, reply, SPAN_EMPTY);
	s->input = SMTP_INPUT_SKIP;
	s->skipped = buf_len(&s->line);
	s->skipped_cr = false; /* bytes before the LF are still to come */
	buf_wipe(&s->line);
}

static size_t skip_line(struct smtp_server *s, struct span in)
{
	struct span left = span_head(in, SMTP_SKIP_MAX - s->skipped);
	size_t i = 0;

	while (i < left.n) {
		size_t lf = i + span_find(span_tail(left, i), '\n');

		if (lf > i)
			s->skipped_cr = left.p[lf - 1] == '\r';
		i = lf < left.n ? lf + 1 : left.n;
		if (lf < left.n && s->skipped_cr) {
			s->input = SMTP_INPUT_LINE;
			return i;
		}
	}
	s->skipped += i;
	if (s->skipped >= SMTP_SKIP_MAX)
		reply_and_end(s, SMTP_REPLY_LINE_FLOOD);
	return i;
}

static bool ends_in_cr(const struct smtp_server *s, struct span piece)
{
	struct span so_far = buf_span(&s->line);

	if (piece.n > 0)
		return piece.p[piece.n - 1] == '\r';
	return so_far.n > 0 && so_far.p[so_far.n - 1] == '\r';
}

/* AUTH may bring its initial response, which is as long as any line of the
 * exchange; a command shows what it is by its first five bytes. */
static bool is_auth(const struct smtp_server *s, struct span piece)
{
	const struct span word = SPAN("AUTH ");
	struct span so_far = span_head(buf_span(&s->line), word.n);

	return span_starts_fold(word, so_far) &&
		span_starts_fold(piece, span_tail(word, so_far.n));
}

static size_t line_limit(const struct smtp_server *s, struct span piece)
{
	return s->input == SMTP_INPUT_AUTH || is_auth(s, piece)
		? SMTP_LINE_AUTH
		: SMTP_LINE_LONG;
}

static void refuse_long_line(struct smtp_server *s, size_t limit)
{
	refuse_line(s, limit == SMTP_LINE_AUTH ? SMTP_REPLY_AUTH_TOO_LONG
					       : SMTP_REPLY_LINE_TOO_LONG);
}

/* Takes a line, in place when it came in one piece. */
static size_t take_line(struct smtp_server *s, struct span in)
{
	size_t lf = span_find(in, '\n');
	struct span piece = span_head(in, lf);
	size_t limit = line_limit(s, piece);
	struct span line;

	if (buf_len(&s->line) + piece.n + 1 > limit) {
		refuse_long_line(s, limit);
		return 0;
	}
	if (lf == in.n) {
		buf_put(&s->line, piece);
		return in.n;
	}
	if (!ends_in_cr(s, piece)) {
		refuse_line(s, SMTP_REPLY_BARE_NEWLINE);
		return 0;
	}
	line = piece;
	if (buf_len(&s->line) > 0) {
		buf_put(&s->line, piece);
		line = buf_span(&s->line);
	}
	line.n--;
	if (s->input == SMTP_INPUT_AUTH)
		smtp_cmd_auth_line(s, line);
	else
		run_line(s, line, lf + 1 == in.n);
	if (buf_len(&s->line) > 0)
		buf_wipe(&s->line); /* it may have been a password */
	return lf + 1;
}

/* ---- the face ----------------------------------------------------------------------- */

static size_t take_input(struct smtp_server *s, struct span in)
{
	switch (s->input) {
	case SMTP_INPUT_LINE:
	case SMTP_INPUT_AUTH:
		return take_line(s, in);
	case SMTP_INPUT_SKIP:
		return skip_line(s, in);
	case SMTP_INPUT_DATA:
		return smtp_transfer_data(s, in);
	case SMTP_INPUT_CHUNK:
		return smtp_transfer_chunk(s, in);
	}
	unreachable();
}

size_t smtp_server_feed(struct smtp_server *s, struct span in, int64_t now_ms)
{
	size_t taken = 0;

	(void)now_ms;
	smtp_server_settle(s);
	if (s->state == SMTP_STATE_CLOSED)
		return 0;
	if (s->state == SMTP_STATE_GREETING && in.n > 0) {
		buf_reset(&s->out);
		reply_and_end(s, SMTP_REPLY_EARLY_TALK);
		return in.n;
	}
	while (taken < in.n && !has_effect(s))
		taken += take_input(s, span_tail(in, taken));
	s->has_more = taken < in.n;
	return taken;
}

void smtp_server_answer(struct smtp_server *s, enum code verdict,
	uint64_t cookie, uint8_t route, struct span mid)
{
	enum smtp_question question = s->question;

	smtp_server_settle(s);
	if (question == SMTP_QUESTION_NONE)
		return; /* the session was shut meanwhile */
	s->question = SMTP_QUESTION_NONE;
	if (question == SMTP_QUESTION_SENDER)
		smtp_cmd_mail_answered(s, verdict);
	else if (question == SMTP_QUESTION_RCPT)
		smtp_cmd_rcpt_answered(s, verdict, cookie, route);
	else if (question == SMTP_QUESTION_DATA)
		smtp_cmd_data_answered(s, verdict);
	else if (question == SMTP_QUESTION_CHUNK)
		smtp_cmd_bdat_answered(s, verdict);
	else if (question == SMTP_QUESTION_TLS)
		smtp_cmd_starttls_answered(s, verdict);
	else
		smtp_transfer_committed(s, verdict, mid);
}

enum code smtp_server_take_path(struct smtp_server *s, struct span *args,
	unsigned allowed, bool *out_is_utf8)
{
	const struct smtp_local *local = s->peer.local;
	enum code code = smtp_path_take(args,
		local != NULL ? allowed | SMTP_PATH_BARE : allowed,
		&s->address, out_is_utf8);

	if (code == OK && local != NULL &&
		span_ends(buf_span(&s->address), SPAN("@")))
		buf_put(&s->address, local->domain);
	return code;
}

struct smtp_server *smtp_server_open(struct arena *a,
	const struct smtp_server_config *config, const struct smtp_peer *peer)
{
	struct smtp_server *s = ARENA_NEW(a, struct smtp_server);

	s->config = *config;
	s->config.hostname = arena_dup(a, config->hostname);
	s->peer = *peer;
	s->peer.address = arena_dup(a, peer->address);
	s->state = SMTP_STATE_GREETING;
	s->is_logged_in = peer->local != NULL;
	if (config->is_submission && peer->local == NULL)
		s->sasl = sasl_open(a, &config->login);
	buf_init(&s->line, SMTP_LINE_AUTH);
	buf_init(&s->address, SMTP_LINE_LONG);
	buf_init(&s->orcpt, SMTP_LINE_LONG);
	buf_init(&s->out, SMTP_OUT_MAX);
	arena_init(&s->arena, SMTP_SERVER_ARENA_BYTES);
	smtp_reply_put(&s->out, SMTP_REPLY_GREETING, s->config.hostname);
	return s;
}

void smtp_server_close(struct smtp_server *s)
{
	smtp_cmd_auth_break(s);
	buf_wipe(&s->line);
	buf_clear(&s->line);
	buf_clear(&s->address);
	buf_clear(&s->orcpt);
	buf_clear(&s->out);
	arena_clear(&s->arena);
}

const struct smtp_transaction *smtp_server_transaction(
	const struct smtp_server *s)
{
	return &s->transaction;
}

bool smtp_server_is_busy(const struct smtp_server *s)
{
	return has_transaction(s);
}

int64_t smtp_server_timeout_ms(const struct smtp_server *s)
{
	(void)s;
	return TIMEOUT_MS;
}

void smtp_server_shut(struct smtp_server *s, struct span enhanced,
	struct span text, struct span why)
{
	smtp_server_settle(s);
	if (s->state == SMTP_STATE_CLOSED)
		return;
	/* what is with the queue already is not ours to drop */
	if (s->question == SMTP_QUESTION_COMMIT && s->was_asked)
		s->body = SMTP_BODY_NONE;
	buf_puts(&s->out, "421 ");
	buf_put(&s->out, enhanced);
	buf_putc(&s->out, ' ');
	buf_put(&s->out, text);
	buf_puts(&s->out, "\r\n");
	smtp_server_end(s, why);
}
