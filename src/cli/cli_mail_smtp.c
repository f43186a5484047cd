/*
 * cli_mail_smtp.c - hands one message to a server: a socket for the engine
 * smtp_client.
 */
#include "cli/cli_mail_smtp.h"

#include "cli/cli_mail_conn.h"

#include "base/banned.h"

struct sending {
	struct cli_conn conn;
	struct smtp_client *client;
	const struct cli_smtp_login *login;
	struct span rest; /* of the body, not yet given to the engine */
	bool is_closed;
};

static void give_piece(struct sending *s)
{
	struct span piece = span_head(s->rest, SMTP_CLIENT_PIECE_BYTES);

	s->rest = span_tail(s->rest, piece.n);
	smtp_client_body(s->client, piece, s->rest.n == 0);
}

static void log_in(struct sending *s)
{
	struct buf password;
	bool has_one;

	buf_init(&password, CLI_PASSWORD_MAX);
	(void)buf_reserve(&password, CLI_PASSWORD_MAX);
	has_one = s->conn.is_loopback &&
		s->login->user.n <= CLI_PASSWORD_MAX &&
		s->login->get_password(s->login->arg, &password) == OK;
	smtp_client_login(s->client, has_one ? s->login->user : SPAN_EMPTY,
		buf_span(&password));
	buf_wipe(&password);
	buf_clear(&password);
}

/* Carries out what the engine wants; the connection's trouble is its too. */
static void run_effects(struct sending *s)
{
	struct smtp_client_effect effect;
	struct err e;

	while (smtp_client_next(s->client, &effect)) {
		if (effect.type == SMTP_CLIENT_CLOSE)
			s->is_closed = true;
		if (effect.type == SMTP_CLIENT_LOGIN)
			log_in(s);
		if (effect.type == SMTP_CLIENT_BODY)
			give_piece(s);
		if (effect.type == SMTP_CLIENT_SETTLED &&
			smtp_client_is_free(s->client))
			smtp_client_quit(s->client);
		if (effect.type == SMTP_CLIENT_SEND &&
			cli_conn_write(&s->conn, effect.bytes, &e) != OK)
			smtp_client_lost(s->client, e.code);
	}
}

static void run_session(struct sending *s)
{
	struct err e;

	run_effects(s);
	while (!s->is_closed) {
		size_t taken;

		if (buf_len(&s->conn.in) == 0 &&
			cli_conn_read(&s->conn,
				smtp_client_timeout_ms(s->client), &e) != OK)
			smtp_client_lost(s->client, e.code);
		taken = smtp_client_feed(s->client, buf_span(&s->conn.in));
		buf_consume(&s->conn.in, taken);
		run_effects(s);
	}
}

enum code cli_smtp_send(struct span server, struct smtp_client_message *m,
	const struct cli_smtp_login *login, struct buf *dialogue,
	struct err *e)
{
	struct sending s = {.conn = {.fd = -1}, .login = login};
	struct smtp_client_config config = {.may_login = login != NULL,
		.is_local = span_starts(server, SPAN("/")),
		.dialogue = dialogue};
	struct arena arena;
	enum code code = cli_conn_open(&s.conn, server, e);

	if (code != OK)
		return code;
	arena_init(&arena, SMTP_CLIENT_ARENA_BYTES);
	config.hostname = span_str(s.conn.local);
	s.rest = m->body;
	m->is_streamed = true; /* the engine takes a large body in pieces */
	s.client = smtp_client_open(&arena, &config);
	smtp_client_begin(s.client, m);
	run_session(&s);
	smtp_client_close(s.client);
	arena_clear(&arena);
	cli_conn_close(&s.conn);
	return OK;
}
