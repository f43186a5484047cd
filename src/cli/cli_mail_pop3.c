/*
 * cli_mail_pop3.c - a POP3 session of the user agent.
 */
#include "cli/cli_mail_pop3.h"

#include "base/num.h"
#include "cli/cli_mail_text.h"

#include "base/banned.h"

static void note(struct cli_pop3 *p, const char *who, struct span line)
{
	if (p->dialogue == NULL)
		return;
	buf_puts(p->dialogue, who);
	if (span_starts(line, SPAN("PASS ")))
		buf_puts(p->dialogue, "PASS ****");
	else
		cli_text_put(p->dialogue, line, false);
	buf_putc(p->dialogue, '\n');
}

static void note_body(struct cli_pop3 *p, struct span command)
{
	struct span body = buf_span(&p->reader.body);

	if (p->dialogue == NULL)
		return;
	if (span_starts(command, SPAN("RETR")) ||
		span_starts(command, SPAN("TOP"))) {
		buf_printf(p->dialogue, "S: (%zu bytes of the message)\n",
			body.n);
	} else {
		while (body.n > 0) {
			struct span line = span_cut(&body, '\n');

			if (span_ends(line, SPAN("\r")))
				line.n--;
			note(p, "S: ", line);
		}
	}
	note(p, "S: ", SPAN("."));
}

static enum code read_reply(struct cli_pop3 *p, bool is_multiline,
	struct err *e)
{
	enum step step = MORE;

	pop3_client_expect(&p->reader, is_multiline);
	for (;;) {
		size_t taken;
		enum code code;

		step = pop3_client_feed(&p->reader, buf_span(&p->conn.in),
			&taken);
		buf_consume(&p->conn.in, taken);
		if (step == BAD)
			return err_set(e, TEMP,
				"the server's answer is no POP3");
		if (step == DONE)
			return OK;
		code = cli_conn_read(&p->conn, CLI_CONN_TIMEOUT_MS, e);
		if (code != OK)
			return code;
	}
}

static enum code refused(struct cli_pop3 *p, struct err *e)
{
	struct buf text;
	enum code code;

	buf_init(&text, POP3_STATUS_MAX * 4);
	cli_text_put(&text, pop3_client_text(&p->reader), false);
	code = err_set(e, NOT_FOUND, "the server said: %.*s",
		SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
	return code;
}

enum code cli_pop3_do(struct cli_pop3 *p, struct span command,
	bool is_multiline, struct err *e)
{
	struct buf line;
	enum code code;

	if (span_find(command, '\n') < command.n ||
		span_find(command, '\r') < command.n)
		return err_set(e, SYNTAX, "a line end in a command");
	note(p, "C: ", command);
	buf_init(&line, command.n + 2);
	buf_put(&line, command);
	buf_puts(&line, "\r\n");
	code = cli_conn_write(&p->conn, buf_span(&line), e);
	buf_clear(&line);
	if (code == OK)
		code = read_reply(p, is_multiline, e);
	if (code != OK)
		return code;
	note(p, "S: ", buf_span(&p->reader.status));
	if (!p->reader.is_ok)
		return refused(p, e);
	if (is_multiline)
		note_body(p, command);
	return OK;
}

static enum code do_word(struct cli_pop3 *p, const char *word,
	struct span argument, struct err *e)
{
	struct buf line;
	enum code code;

	buf_init(&line, 1200);
	buf_puts(&line, word);
	buf_put(&line, argument);
	code = line.overflow ? err_set(e, SYNTAX, "too long")
			     : cli_pop3_do(p, buf_span(&line), false, e);
	buf_clear(&line);
	return code;
}

/* What -ERR to a login means: RFC 2449 8.1.2, RFC 3206 4 */
static void judge_refusal(struct cli_pop3 *p, struct err *e)
{
	struct span text = pop3_client_text(&p->reader);

	if (span_starts_fold(text, SPAN("[IN-USE]")))
		e->code = BUSY;
	else if (span_starts_fold(text, SPAN("[SYS/")))
		e->code = TEMP;
	else
		e->code = DENIED;
}

static enum code greet(struct cli_pop3 *p, struct err *e)
{
	enum code code = read_reply(p, false, e);

	if (code != OK)
		return code;
	note(p, "S: ", buf_span(&p->reader.status));
	return p->reader.is_ok ? OK : refused(p, e);
}

enum code cli_pop3_open(struct cli_pop3 *p, struct span server,
	struct span user, struct span password, struct err *e)
{
	enum code code = cli_conn_open(&p->conn, server, e);

	if (code != OK)
		return code;
	pop3_client_init(&p->reader, CLI_MESSAGE_MAX);
	code = greet(p, e);
	if (code == OK)
		code = do_word(p, "USER ", user, e);
	if (code == OK)
		code = do_word(p, "PASS ", password, e);
	if (code == OK)
		return OK;
	if (code == NOT_FOUND)
		judge_refusal(p, e);
	pop3_client_clear(&p->reader);
	cli_conn_close(&p->conn);
	return err_wrap(e, "login of %.*s", SPAN_ARG(user));
}

enum code cli_pop3_count(struct cli_pop3 *p, uint32_t *out_count,
	struct err *e)
{
	enum code code = cli_pop3_do(p, SPAN("STAT"), false, e);
	struct span text = pop3_client_text(&p->reader);

	if (code != OK)
		return code;
	if (!num_parse_u32(span_cut(&text, ' '), UINT32_MAX, out_count))
		return err_set(e, TEMP, "the server's answer is no POP3");
	return OK;
}

enum code cli_pop3_get(struct cli_pop3 *p, uint32_t n, struct err *e)
{
	struct buf line;
	enum code code;

	buf_init(&line, 32);
	buf_printf(&line, "RETR %u", n);
	code = cli_pop3_do(p, buf_span(&line), true, e);
	buf_clear(&line);
	return code;
}

enum code cli_pop3_quit(struct cli_pop3 *p, struct err *e)
{
	enum code code = cli_pop3_do(p, SPAN("QUIT"), false, e);

	pop3_client_clear(&p->reader);
	cli_conn_close(&p->conn);
	return code;
}

void cli_pop3_close(struct cli_pop3 *p)
{
	struct err e;
	enum code code = cli_pop3_quit(p, &e);

	/* nothing was deleted: the answer changes nothing for the caller */
	(void)code;
}
