/*
 * cli_sendmail_talk.c - sendmail as a line to the server: SMTP of a program
 * (-bs), and questions about addresses (-bv, -bt).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli_mail_conn.h"
#include "cli/cli_mail_text.h"
#include "cli/cli_sendmail_int.h"

#include "base/banned.h"

#define PIECE      65536
#define LINE_MAX_BYTES 4096

/* ---- -bs -------------------------------------------------------------------- */
static bool write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		ssize_t done = write(fd, p, n);

		if (done >= 0) {
			p += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			(void)poll(&ready, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/* What is there now; false: the end, of one side or the other. */
static bool carry(int from, int to)
{
	static uint8_t piece[PIECE];
	ssize_t n = read(from, piece, sizeof(piece));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	return n > 0 && write_all(to, piece, (size_t)n);
}

/* Until the server hangs up; it is told when the program has said all. */
static void carry_all(int server)
{
	struct pollfd ends[] = {{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = server, .events = POLLIN}};

	for (;;) {
		if (poll(ends, 2, -1) < 0 && errno != EINTR)
			return;
		if (ends[1].revents != 0 && !carry(server, STDOUT_FILENO))
			return;
		if (ends[0].revents != 0 && !carry(STDIN_FILENO, server)) {
			(void)shutdown(server, SHUT_WR);
			ends[0].fd = -1;
		}
	}
}

enum admin_exit sendmail_talk(struct sendmail *s)
{
	struct cli_conn c;
	enum code code = cli_conn_open(&c, s->server, s->e);

	if (code == OK) {
		carry_all(c.fd);
		cli_conn_close(&c);
		return EXIT_OK;
	}
	/* the program knows what that means, RFC 5321 3.8 */
	(void)printf("421 4.3.2 The mail server is not running\r\n");
	(void)fflush(stdout);
	return EXIT_TRY_AGAIN;
}

/* ---- -bv, -bt ---------------------------------------------------------------- */
/* The next line of the server, without its end. */
static enum code read_line(struct cli_conn *c, struct buf *line, struct err *e)
{
	size_t n;

	while (n = span_find(buf_span(&c->in), '\n'), n == buf_len(&c->in)) {
		enum code code = n > LINE_MAX_BYTES
			? err_set(e, SYNTAX, "the server speaks no SMTP")
			: cli_conn_read(c, CLI_CONN_TIMEOUT_MS, e);

		if (code != OK)
			return code;
	}
	buf_reset(line);
	buf_put(line, span_trim(span_head(buf_span(&c->in),
		n > 0 && buf_span(&c->in).p[n - 1] == '\r' ? n - 1 : n)));
	buf_consume(&c->in, n + 1);
	return OK;
}

/* Says it and waits for the last line of the reply. */
static enum code say(struct cli_conn *c, struct span words, struct buf *line,
	struct err *e)
{
	enum code code = cli_conn_write(c, words, e);

	if (code == OK && words.n > 0)
		code = cli_conn_write(c, SPAN("\r\n"), e);
	do {
		if (code == OK)
			code = read_line(c, line, e);
	} while (code == OK && buf_len(line) > 3 &&
		buf_span(line).p[3] == '-');
	return code;
}

static bool is_good(const struct buf *line)
{
	return span_starts(buf_span(line), SPAN("2"));
}

/* One row: the address, and what the server says to it. */
static enum code verify_one(struct sendmail *s, struct cli_conn *c,
	struct span address, enum admin_exit *status)
{
	struct buf line, words;
	enum code code;

	buf_init(&line, PIECE);
	buf_init(&words, PIECE);
	buf_puts(&words, "RCPT TO:<");
	buf_put(&words, address);
	buf_putc(&words, '>');
	code = say(c, buf_span(&words), &line, s->e);
	if (code == OK && !is_good(&line))
		*status = EXIT_NO_ADDRESS;
	buf_reset(&words);
	cli_text_put(&words, address, false);
	buf_puts(&words, is_good(&line) ? ": deliverable: " : ": refused: ");
	cli_text_put(&words, buf_span(&line), false);
	if (code == OK)
		(void)printf("%.*s\n", SPAN_ARG(buf_span(&words)));
	buf_clear(&line);
	buf_clear(&words);
	return code;
}

static enum code verify_all(struct sendmail *s, struct cli_conn *c,
	enum admin_exit *status)
{
	static const struct span before[] = {SPAN_INIT(""),
		SPAN_INIT("EHLO localhost"), SPAN_INIT("MAIL FROM:<>")};
	struct buf line;
	enum code code = OK;

	buf_init(&line, PIECE);
	for (size_t i = 0; i < 3 && code == OK; i++) {
		code = say(c, before[i], &line, s->e);
		if (code == OK && !is_good(&line))
			code = err_set(s->e, TEMP, "the server says: %.*s",
				SPAN_ARG(span_head(buf_span(&line), 256)));
	}
	for (size_t i = 0; i < s->rcpt_count && code == OK; i++)
		code = verify_one(s, c, s->rcpts[i], status);
	if (code == OK)
		(void)say(c, SPAN("QUIT"), &line, s->e);
	buf_clear(&line);
	return code;
}

/* -bt: a line of stdin may hold several. */
static void read_addresses(struct sendmail *s)
{
	static char line[LINE_MAX_BYTES];

	while (s->rcpt_count < SENDMAIL_WORDS_MAX &&
		fgets(line, sizeof(line), stdin) != NULL)
		sendmail_add_rcpts(s, arena_dup(s->arena, span_str(line)));
}

enum admin_exit sendmail_verify(struct sendmail *s)
{
	enum admin_exit status = EXIT_OK;
	struct cli_conn c;
	enum code code;

	for (size_t i = 0; i < s->flags.rcpt_count; i++)
		sendmail_add_rcpts(s, s->flags.rcpts[i]);
	if (s->flags.mode == SENDMAIL_TEST)
		read_addresses(s);
	if (s->rcpt_count == 0) {
		(void)err_set(s->e, SYNTAX, "which address?");
		return EXIT_USAGE;
	}
	code = cli_conn_open(&c, s->server, s->e);
	if (code != OK)
		return EXIT_NO_SERVER;
	code = verify_all(s, &c, &status);
	cli_conn_close(&c);
	if (code == OK)
		s->e->text[0] = '\0';
	return code == OK ? status : EXIT_TRY_AGAIN;
}
