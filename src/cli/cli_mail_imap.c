/*
 * cli_mail_imap.c - an IMAP session of the user agent.
 */
#include "cli/cli_mail_imap.h"

#include "base/num.h"
#include "cli/cli_mail_text.h"

#include "base/banned.h"

#define COMMAND_MAX 4096

/* ---- the dialogue ----------------------------------------------------------- */
static void note(struct cli_imap *p, const char *who, struct span line)
{
	if (p->dialogue == NULL)
		return;
	buf_puts(p->dialogue, who);
	cli_text_put(p->dialogue, line, false);
	buf_putc(p->dialogue, '\n');
}

/* The name is shown, the password is not. */
static void note_login(struct cli_imap *p, struct span user)
{
	if (p->dialogue == NULL)
		return;
	buf_printf(p->dialogue, "C: a%u LOGIN ", p->tag);
	cli_text_put(p->dialogue, user, false);
	buf_puts(p->dialogue, " ****\n");
}

/* ---- the answer --------------------------------------------------------------- */
static enum code read_line(struct cli_imap *p, struct err *e)
{
	size_t end;

	buf_reset(&p->line);
	while ((end = span_find(buf_span(&p->conn.in), '\n')) ==
		buf_len(&p->conn.in)) {
		enum code code = OK;

		if (end > CLI_IMAP_LINE_MAX)
			code = err_set(e, TEMP, "a line without an end");
		if (code == OK)
			code = cli_conn_read(&p->conn, CLI_CONN_TIMEOUT_MS, e);
		if (code != OK)
			return code;
	}
	buf_put(&p->line, span_head(buf_span(&p->conn.in), end));
	buf_consume(&p->conn.in, end + 1);
	if (span_ends(buf_span(&p->line), SPAN("\r")))
		buf_truncate(&p->line, buf_len(&p->line) - 1);
	note(p, "S: ", buf_span(&p->line));
	return p->line.overflow ? err_set(e, TEMP, "a line that is too long")
				: OK;
}

/* Does the line end in "{n}"?  RFC 9051 9, literal */
static bool has_literal(struct span line, uint64_t *out_n)
{
	size_t open = span_find_last(line, '{');

	if (open == line.n || line.p[line.n - 1] != '}')
		return false;
	return num_parse_u64(span_tail(span_head(line, line.n - 1), open + 1),
		CLI_IMAP_LITERAL_MAX, out_n);
}

static enum code read_literal(struct cli_imap *p, uint64_t n, struct err *e)
{
	buf_reset(&p->literal);
	while (buf_len(&p->literal) < n) {
		struct span piece = span_head(buf_span(&p->conn.in),
			n - buf_len(&p->literal));
		enum code code;

		buf_put(&p->literal, piece);
		buf_consume(&p->conn.in, piece.n);
		if (buf_len(&p->literal) == n)
			break;
		code = cli_conn_read(&p->conn, CLI_CONN_TIMEOUT_MS, e);
		if (code != OK)
			return code;
	}
	if (p->dialogue != NULL)
		buf_printf(p->dialogue, "S: (%zu bytes)\n",
			buf_len(&p->literal));
	return OK;
}

/* Lines and literals up to the one with our tag, whose rest is *out. */
static enum code read_answer(struct cli_imap *p, struct span *out,
	struct err *e)
{
	struct buf room;
	enum code code;

	buf_init(&room, 16);
	buf_printf(&room, "a%u ", p->tag);
	do {
		uint64_t n;

		code = read_line(p, e);
		if (code == OK && has_literal(buf_span(&p->line), &n)) {
			code = read_literal(p, n, e);
			buf_reset(&p->line);
		}
	} while (code == OK &&
		!span_starts(buf_span(&p->line), buf_span(&room)));
	*out = span_tail(buf_span(&p->line), buf_len(&room));
	buf_clear(&room);
	return code;
}

/* RFC 9051 7.1: OK, NO, BAD */
static enum code judge(struct cli_imap *p, struct err *e)
{
	struct span text;
	struct buf shown;
	enum code code = read_answer(p, &text, e);

	if (code != OK || span_starts_fold(text, SPAN("OK")))
		return code;
	buf_init(&shown, CLI_IMAP_LINE_MAX * 4);
	cli_text_put(&shown, span_head(text, 400), false);
	code = err_set(e, NOT_FOUND, "the server said: %.*s",
		SPAN_ARG(buf_span(&shown)));
	if (span_starts_fold(text, SPAN("NO [AUTHENTICATIONFAILED]")))
		e->code = code = DENIED;
	else if (span_starts_fold(text, SPAN("NO [UNAVAILABLE]")))
		e->code = code = TEMP;
	buf_clear(&shown);
	return code;
}

/* ---- commands ------------------------------------------------------------------- */
static enum code say(struct cli_imap *p, struct span command, struct err *e)
{
	struct buf line;
	enum code code;

	buf_reset(&p->literal);
	buf_init(&line, COMMAND_MAX);
	buf_printf(&line, "a%u ", p->tag);
	buf_put(&line, command);
	buf_puts(&line, "\r\n");
	code = line.overflow ? err_set(e, SYNTAX, "too long")
			     : cli_conn_write(&p->conn, buf_span(&line), e);
	buf_wipe(&line);
	buf_clear(&line);
	return code == OK ? judge(p, e) : code;
}

enum code cli_imap_do(struct cli_imap *p, struct span command, struct err *e)
{
	if (span_find(command, '\n') < command.n ||
		span_find(command, '\r') < command.n)
		return err_set(e, SYNTAX, "a line end in a command");
	p->tag++;
	if (p->dialogue != NULL) {
		buf_printf(p->dialogue, "C: a%u ", p->tag);
		note(p, "", command);
	}
	return say(p, command, e);
}

/* RFC 9051 9, quoted; false: it cannot be one. */
static bool put_quoted(struct buf *out, struct span text)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < ' ' || text.p[i] >= 0x7f)
			return false;
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, text.p[i]);
	}
	buf_putc(out, '"');
	return true;
}

static enum code log_in(struct cli_imap *p, struct span user,
	struct span password, struct err *e)
{
	struct buf line;
	enum code code;

	p->tag++;
	note_login(p, user);
	buf_init(&line, COMMAND_MAX);
	buf_puts(&line, "LOGIN ");
	if (!put_quoted(&line, user) || (buf_putc(&line, ' '),
		!put_quoted(&line, password)) || line.overflow)
		code = err_set(e, SYNTAX, "a name or password that LOGIN has"
			" no form for");
	else
		code = say(p, buf_span(&line), e);
	buf_wipe(&line);
	buf_clear(&line);
	return code;
}

static enum code greet(struct cli_imap *p, struct err *e)
{
	enum code code = read_line(p, e);

	if (code == OK && !span_starts_fold(buf_span(&p->line), SPAN("* OK")))
		code = err_set(e, TEMP, "the server does not greet");
	return code;
}

enum code cli_imap_open(struct cli_imap *p, struct span server,
	struct span user, struct span password, struct err *e)
{
	enum code code = cli_conn_open(&p->conn, server, e);

	if (code != OK)
		return code;
	buf_init(&p->line, CLI_IMAP_LINE_MAX);
	buf_init(&p->literal, CLI_IMAP_LITERAL_MAX);
	code = greet(p, e);
	if (code == OK)
		code = log_in(p, user, password, e);
	if (code == OK)
		return OK;
	buf_clear(&p->line);
	buf_clear(&p->literal);
	cli_conn_close(&p->conn);
	return err_wrap(e, "login of %.*s", SPAN_ARG(user));
}

void cli_imap_close(struct cli_imap *p)
{
	struct err e;
	enum code code = cli_imap_do(p, SPAN("LOGOUT"), &e);

	(void)code; /* nothing depends on the farewell */
	buf_clear(&p->line);
	buf_clear(&p->literal);
	cli_conn_close(&p->conn);
}
