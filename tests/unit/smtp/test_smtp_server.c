/*
 * test_smtp_server.c - what dialogues cannot say well: every command in every
 * state, random walks against a small model, every pair of cuts, the
 * transaction that the caller gets, and what is bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/num.h"
#include "smtp/smtp_server_int.h"

static const uint8_t peer_ip[] = {192, 0, 2, 7};

/* A caller that says yes, unless told otherwise. */
struct caller {
	struct arena arena;
	struct smtp_server *smtp;
	struct smtp_server_config config;
	struct smtp_peer peer;
	enum code rcpt, data, commit;
	bool answers;         /* else the question stays open */
	struct buf out;       /* replies */
	struct buf body;      /* of the message in hand, or the last one */
	bool has_body;
	size_t body_spans, sends, commits, drops, asks;
	bool is_closed;
};

static void open_caller(struct caller *c)
{
	*c = (struct caller){.answers = true};
	arena_init(&c->arena, SMTP_SERVER_ARENA_BYTES);
	buf_init(&c->out, 1 << 24);
	buf_init(&c->body, 1 << 24);
	c->config = (struct smtp_server_config){.hostname = SPAN("mx.test"),
		.message_size_max = 1 << 20, .recipients_max = 100,
		.errors_max = 1000000, .received_max = 50};
	c->peer.address = span_of(peer_ip, 4);
	c->smtp = smtp_server_open(&c->arena, &c->config, &c->peer);
}

static void close_caller(struct caller *c)
{
	smtp_server_close(c->smtp);
	arena_clear(&c->arena);
	buf_clear(&c->out);
	buf_clear(&c->body);
}

static void answer(struct caller *c, enum code verdict)
{
	c->asks++;
	if (c->answers)
		smtp_server_answer(c->smtp, verdict, 7, 2, SPAN("9KD"));
}

static void begin_body(struct caller *c)
{
	assert_false(c->has_body);
	c->has_body = c->data == OK;
	buf_reset(&c->body);
	answer(c, c->data);
}

static void act(struct caller *c, const struct smtp_effect *e)
{
	assert_false(c->is_closed);
	switch (e->type) {
	case SMTP_SEND:
		assert_true(e->bytes.n > 0);
		c->sends++;
		buf_put(&c->out, e->bytes);
		break;
	case SMTP_ASK_SENDER:
		assert_true(smtp_server_is_logged_in(c->smtp));
		answer(c, OK);
		break;
	case SMTP_ASK_RCPT:
		assert_false(c->has_body);
		answer(c, c->rcpt);
		break;
	case SMTP_ASK_DATA:
		begin_body(c);
		break;
	case SMTP_BODY:
		assert_true(c->has_body && e->bytes.n > 0);
		c->body_spans++;
		buf_put(&c->body, e->bytes);
		break;
	case SMTP_ASK_COMMIT:
		assert_true(c->has_body);
		c->has_body = false;
		c->commits++;
		answer(c, c->commit);
		break;
	case SMTP_ASK_LOGIN:
		smtp_server_login_answer(c->smtp,
			&(struct sasl_answer){.verdict = OK});
		break;
	case SMTP_LOGGED_IN:
		assert_true(smtp_server_is_logged_in(c->smtp));
		break;
	case SMTP_ASK_TLS:
		answer(c, OK);
		break;
	case SMTP_START_TLS:
		smtp_server_secured(c->smtp, SPAN("TLSv1.3 CIPHER"),
			&(struct sasl_config){.may_plain = true});
		break;
	case SMTP_DROP:
		assert_true(c->has_body);
		c->has_body = false;
		c->drops++;
		break;
	case SMTP_LOG:
		assert_true(e->code >= 400 && e->why.n > 0);
		break;
	case SMTP_CLOSE:
		assert_false(c->has_body);
		c->is_closed = true;
		break;
	}
}

static bool act_all(struct caller *c)
{
	struct smtp_effect e;
	bool has_any = false;

	while (smtp_server_next(c->smtp, &e)) {
		act(c, &e);
		has_any = true;
	}
	return has_any;
}

static void send_span(struct caller *c, struct span in)
{
	bool goes_on = true;

	while (goes_on && !c->is_closed && in.n > 0) {
		size_t n = smtp_server_feed(c->smtp, in, 0);

		goes_on = act_all(c) || n > 0;
		in = span_tail(in, n);
	}
}

static void send(struct caller *c, const char *text)
{
	send_span(c, span_str(text));
}

/* The code of the only reply to this, or of its last line. */
static unsigned tell(struct caller *c, const char *line)
{
	struct span out;
	uint32_t code = 0;

	act_all(c);
	buf_reset(&c->out);
	send(c, line);
	out = buf_span(&c->out);
	for (struct span s = out; s.n > 0;) {
		struct span one = span_cut(&s, '\n');

		if (one.n > 3 && one.p[3] == ' ')
			assert_true(num_parse_u32(span_head(one, 3), 599,
				&code));
	}
	return code;
}

/* ---- every command in every state ------------------------------------------ */

enum place { AT_START, AT_READY, AT_MAIL, AT_RCPT, AT_CHUNKS, PLACE_COUNT };

static void go_to(struct caller *c, enum place place)
{
	static const struct {
		enum place from;
		const char *line;
	} steps[] = {
		{AT_READY, "EHLO c.example\r\n"},
		{AT_MAIL, "MAIL FROM:<a@c.example>\r\n"},
		{AT_RCPT, "RCPT TO:<ann@hamburger.edu>\r\n"},
		{AT_CHUNKS, "BDAT 4\r\nhi\r\n"},
	};

	act_all(c);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].from <= place)
			assert_int_equal(tell(c, steps[i].line), 250);
}

struct row {
	const char *line;
	unsigned codes[PLACE_COUNT];
	/* what the next RCPT hears after it: tells the state it left */
	unsigned rcpt_after[PLACE_COUNT];
};

/* clang-format off */
static const struct row rows[] = {
	/*                                    START READY MAIL RCPT CHUNKS   RCPT after */
	{"EHLO c.example\r\n",               {250, 250, 250, 250, 250}, {503, 503, 503, 503, 503}},
	{"EHLO\r\n",                         {501, 501, 501, 501, 501}, {503, 503, 250, 250, 503}},
	{"HELO c.example\r\n",               {250, 250, 250, 250, 250}, {503, 503, 503, 503, 503}},
	{"MAIL FROM:<b@c.example>\r\n",      {503, 250, 503, 503, 503}, {503, 250, 250, 250, 503}},
	{"MAIL FROM:b\r\n",                  {503, 501, 503, 503, 503}, {503, 503, 250, 250, 503}},
	{"RCPT TO:<bob@hamburger.edu>\r\n",  {503, 503, 250, 250, 503}, {503, 503, 250, 250, 503}},
	{"RCPT TO:bob\r\n",                  {503, 503, 501, 501, 503}, {503, 503, 250, 250, 503}},
	{"DATA\r\n",                         {503, 503, 554, 354, 503}, {503, 503, 250, 0,   503}},
	{"BDAT 4\r\nhi\r\n",                 {503, 503, 554, 250, 250}, {503, 503, 250, 503, 503}},
	{"BDAT 4 LAST\r\nhi\r\n",            {503, 503, 554, 250, 250}, {503, 503, 250, 503, 503}},
	{"BDAT 0 LAST\r\n",                  {503, 503, 554, 250, 250}, {503, 503, 250, 503, 503}},
	{"BDAT x\r\n",                       {501, 501, 501, 501, 501}, {0,   0,   0,   0,   0}},
	{"RSET\r\n",                         {250, 250, 250, 250, 250}, {503, 503, 503, 503, 503}},
	{"NOOP\r\n",                         {250, 250, 250, 250, 250}, {503, 503, 250, 250, 503}},
	{"VRFY ann\r\n",                     {252, 252, 252, 252, 252}, {503, 503, 250, 250, 503}},
	{"HELP\r\n",                         {214, 214, 214, 214, 214}, {503, 503, 250, 250, 503}},
	{"QUIT\r\n",                         {221, 221, 221, 221, 221}, {0,   0,   0,   0,   0}},
	{"EXPN list\r\n",                    {502, 502, 502, 502, 502}, {503, 503, 250, 250, 503}},
	{"STARTTLS\r\n",                     {502, 502, 502, 502, 502}, {503, 503, 250, 250, 503}},
	{"AUTH PLAIN\r\n",                   {502, 502, 502, 502, 502}, {503, 503, 250, 250, 503}},
	{"TURN\r\n",                         {502, 502, 502, 502, 502}, {503, 503, 250, 250, 503}},
	{"SEND FROM:<b@c.example>\r\n",      {502, 502, 502, 502, 502}, {503, 503, 250, 250, 503}},
	{"SOML FROM:<b@c.example>\r\n",      {502, 502, 502, 502, 502}, {503, 503, 250, 250, 503}},
	{"SAML FROM:<b@c.example>\r\n",      {502, 502, 502, 502, 502}, {503, 503, 250, 250, 503}},
	{"FOO\r\n",                          {500, 500, 500, 500, 500}, {503, 503, 250, 250, 503}},
	{"\r\n",                             {500, 500, 500, 500, 500}, {503, 503, 250, 250, 503}},
};
/* clang-format on */
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void every_command_in_every_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		for (int p = 0; p < PLACE_COUNT; p++) {
			struct caller c;
			unsigned code, after = 0;

			open_caller(&c);
			go_to(&c, (enum place)p);
			code = tell(&c, rows[i].line);
			if (code != 354 && !c.is_closed)
				after = tell(&c, "RCPT TO:<z@x.example>\r\n");
			if (code != rows[i].codes[p] ||
				after != rows[i].rcpt_after[p])
				fail_msg("%s in state %d: %u, then %u",
					rows[i].line, p, code, after);
			close_caller(&c);
		}
	}
}

static void every_row_is_in_the_matrix(void **state)
{
	(void)state;
	for (size_t i = 0; i < smtp_cmd_count; i++) {
		struct span name = span_str(smtp_cmds[i].name);
		bool is_there = false;

		for (size_t k = 0; k < ROW_COUNT; k++)
			is_there = is_there ||
				span_starts(span_str(rows[k].line), name);
		if (!is_there)
			fail_msg("%s", smtp_cmds[i].name);
		assert_true(span_starts(span_str(smtp_cmds[i].syntax), name));
		assert_int_equal(smtp_cmds[i].states & SMTP_STATE_CLOSED, 0);
	}
}

/* The lines in capitals, and with blanks where they are forgiven, mean the
 * same in small letters. */
static void case_does_not_matter(void **state)
{
	struct caller c;

	(void)state;
	open_caller(&c);
	assert_int_equal(tell(&c, "ehlo C.example\r\n"), 250);
	assert_int_equal(tell(&c, "mAiL fRoM:<a@c.example>\r\n"), 250);
	assert_int_equal(tell(&c, "rcpt to:<ann@hamburger.edu>\r\n"), 250);
	assert_int_equal(tell(&c, "bdat 0 last\r\n"), 250);
	close_caller(&c);
}

/* ---- random walks ------------------------------------------------------------- */

/* What a line that was accepted does to a model with the five places. */
static enum place move(enum place at, const char *line)
{
	static const struct {
		const char *begins;
		enum place to;
	} moves[] = {
		{"EHLO", AT_READY},
		{"HELO", AT_READY},
		{"MAIL", AT_MAIL},
		{"RCPT", AT_RCPT},
		{"BDAT 4\r", AT_CHUNKS},
		{"BDAT", AT_READY},
		{"RSET", AT_READY},
	};

	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (span_starts(span_str(line), span_str(moves[i].begins)))
			return at == AT_START && line[0] == 'R'
				? AT_START
				: moves[i].to;
	return at;
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void walk(struct caller *c, uint32_t *seed, size_t steps)
{
	enum place at = AT_START;

	for (size_t n = 0; n < steps; n++) {
		const struct row *row = &rows[next_random(seed) % ROW_COUNT];
		unsigned code;

		if (row->rcpt_after[0] == 0)
			continue; /* it closes */
		c->smtp->junk = 0;
		code = tell(c, row->line);
		if (code != row->codes[at])
			fail_msg("%s in state %d: %u", row->line, at, code);
		if (code == 354) {
			assert_int_equal(tell(c, "x\r\n.\r\n"), 250);
			at = AT_READY;
		} else if (code < 300) {
			at = move(at, row->line);
		}
		assert_int_equal(smtp_server_is_busy(c->smtp), at > AT_READY);
	}
}

static void random_walks_agree_with_the_model(void **state)
{
	uint32_t seed = 42;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct caller c;

		open_caller(&c);
		walk(&c, &seed, 50);
		close_caller(&c);
	}
}

/* ---- cuts ------------------------------------------------------------------------ */

/* S03: a body with every trap is the same bytes for every pair of cuts. */
static void every_pair_of_cuts(void **state)
{
	const struct span in = SPAN("..\r\n.x\r\n.\rno\r\n..\r\n\r\n.y.\r\n."
				    "\r\n");
	const struct span good = SPAN("..\r\n.x\r\n\r\n...\r\n\r\n..y\r\n.\r\n");

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct span text = round == 0 ? good : in;

		for (size_t a = 0; a <= text.n; a++) {
			for (size_t b = a; b <= text.n; b++) {
				struct caller c;

				open_caller(&c);
				go_to(&c, AT_RCPT);
				assert_int_equal(tell(&c, "DATA\r\n"), 354);
				buf_reset(&c.out);
				send_span(&c, span_head(text, a));
				send_span(&c,
					span_head(span_tail(text, a), b - a));
				send_span(&c, span_tail(text, b));
				assert_true(span_starts(buf_span(&c.out),
					round == 0 ? SPAN("250 2.0.0")
						   : SPAN("550 5.5.2")));
				assert_int_equal(c.commits, round == 0);
				assert_int_equal(c.drops, round == 1);
				if (round == 0)
					assert_true(span_eq(buf_span(&c.body),
						SPAN(".\r\nx\r\n\r\n..\r\n\r"
						     "\n.y\r\n")));
				close_caller(&c);
			}
		}
	}
}

static void a_plain_body_is_one_span(void **state)
{
	struct caller c;
	char text[4096 + 4];

	(void)state;
	for (size_t i = 0; i + 1 < 4096; i += 64) {
		memset(text + i, 'x', 62);
		memcpy(text + i + 62, "\r\n", 2);
	}
	memcpy(text + 4096, ".\r\n", 4);
	open_caller(&c);
	go_to(&c, AT_RCPT);
	assert_int_equal(tell(&c, "DATA\r\n"), 354);
	send(&c, text);
	assert_int_equal(c.commits, 1);
	assert_int_equal(c.body_spans, 1);
	assert_int_equal(buf_len(&c.body), 4096);
	close_caller(&c);
}

/* RFC 2920 3.2: a group is answered with one write. */
static void a_group_is_one_send(void **state)
{
	struct caller c;

	(void)state;
	open_caller(&c);
	go_to(&c, AT_READY);
	c.sends = 0;
	buf_reset(&c.out);
	send(&c,
		"MAIL FROM:<a@c.example>\r\nRCPT TO:<ann@hamburger.edu>\r\n"
		"RCPT TO:<bob@hamburger.edu>\r\nDATA\r\n");
	assert_int_equal(c.sends, 1);
	assert_true(span_ends(buf_span(&c.out),
		SPAN("354 End the message with <CRLF>.<CRLF>\r\n")));
	close_caller(&c);
}

/* RFC 2920 3.2 (6): the reply to a word that is no command does not wait. */
static void an_unknown_command_is_answered_at_once(void **state)
{
	struct caller c;

	(void)state;
	open_caller(&c);
	go_to(&c, AT_READY);
	c.sends = 0;
	send(&c, "RSET\r\nFOO\r\nRSET\r\nRSET\r\n");
	assert_int_equal(c.sends, 2);
	close_caller(&c);
}

static void a_message_wipes_the_slate(void **state)
{
	struct caller c;

	(void)state;
	open_caller(&c);
	c.smtp->config.errors_max = 1;
	for (int i = 0; i < 3; i++) {
		go_to(&c, AT_RCPT);
		assert_int_equal(tell(&c, "BDAT 0 LAST\r\n"), 250);
		for (int k = 0; k < SMTP_JUNK_MAX - 1; k++)
			assert_int_equal(tell(&c, "RSET\r\n"), 250);
	}
	close_caller(&c);
}

/* ---- the transaction ------------------------------------------------------------- */

static void the_transaction_is_whole(void **state)
{
	struct caller c;
	const struct smtp_transaction *t;

	(void)state;
	open_caller(&c);
	go_to(&c, AT_READY);
	tell(&c, "MAIL FROM:<Ann@C.Example> SIZE=100 BODY=8BITMIME SMTPUTF8\r\n");
	tell(&c, "RCPT TO:<\"bob\"@Hamburger.edu>\r\n");
	for (int i = 0; i < 20; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "RCPT TO:<r%d@x>\r\n", i);
		assert_int_equal(tell(&c, line), 250);
	}
	c.answers = false;
	tell(&c, "BDAT 5 LAST\r\nhallo");
	smtp_server_answer(c.smtp, OK, 0, 0, SPAN_EMPTY);
	send(&c, "hallo");
	t = smtp_server_transaction(c.smtp);
	assert_true(span_eq(t->reverse_path, SPAN("Ann@c.example")));
	assert_int_equal(t->flags, SMTP_MAIL_8BIT | SMTP_MAIL_UTF8);
	assert_int_equal(t->declared_size, 100);
	assert_int_equal(t->size, 5);
	assert_int_equal(t->rcpt_count, 21);
	assert_true(span_eq(t->rcpts[0].address, SPAN("bob@hamburger.edu")));
	assert_true(span_eq(t->rcpts[20].address, SPAN("r19@x")));
	assert_int_equal(t->rcpts[20].cookie, 7);
	assert_int_equal(t->rcpts[20].route, 2);
	assert_true(span_eq(t->helo, SPAN("c.example")));
	assert_true(t->is_esmtp);
	smtp_server_answer(c.smtp, OK, 0, 0, SPAN("1"));
	assert_int_equal(t->rcpt_count, 0);
	assert_int_equal(t->flags, 0);
	close_caller(&c);
}

/* A body with high bytes says so, whatever MAIL declared. */
static void high_bytes_are_flagged(void **state)
{
	static const char *const texts[] = {"plain text\r\n",
		"12345678\xc3\xa4\r\n", "\x80\r\n", "1234567\x80\r\n"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct caller c;

		open_caller(&c);
		go_to(&c, AT_RCPT);
		tell(&c, "DATA\r\n");
		send(&c, texts[i]);
		assert_int_equal(smtp_server_transaction(c.smtp)->flags,
			i == 0 ? 0 : SMTP_MAIL_8BIT);
		close_caller(&c);
	}
}

static void received_is(const char *hello, const char *mail, size_t rcpts,
	const char *wanted)
{
	struct caller c;
	struct buf out;

	open_caller(&c);
	buf_init(&out, 2048);
	tell(&c, hello);
	tell(&c, mail);
	for (size_t i = 0; i < rcpts; i++)
		tell(&c, i == 0 ? "RCPT TO:<ann@hamburger.edu>\r\n"
				: "RCPT TO:<bob@hamburger.edu>\r\n");
	smtp_server_put_received(c.smtp, &out, SPAN("9KD"), 0);
	buf_putc(&out, 0);
	assert_string_equal((const char *)buf_span(&out).p, wanted);
	buf_clear(&out);
	close_caller(&c);
}

static void the_received_field(void **state)
{
	(void)state;
	received_is("EHLO c.example\r\n", "MAIL FROM:<>\r\n", 1,
		"Received: from c.example ([192.0.2.7])\r\n"
		"\tby mx.test (Postrider) with ESMTP id 9KD\r\n"
		"\tfor <ann@hamburger.edu>; Thu, 1 Jan 1970 00:00:00 +0000"
		"\r\n");
	received_is("HELO [192.0.2.7]\r\n", "MAIL FROM:<>\r\n", 2,
		"Received: from [192.0.2.7] ([192.0.2.7])\r\n"
		"\tby mx.test (Postrider) with SMTP id 9KD; "
		"Thu, 1 Jan 1970 00:00:00 +0000\r\n");
	received_is("EHLO a(b;\"c\\<d>\r\n", "MAIL FROM:<> SMTPUTF8\r\n", 2,
		"Received: from a?b??c??d? ([192.0.2.7])\r\n"
		"\tby mx.test (Postrider) with UTF8SMTP id 9KD; "
		"Thu, 1 Jan 1970 00:00:00 +0000\r\n");
}

static void submitted_is(bool hides, bool has_tls, const char *mail,
	const char *wanted)
{
	struct caller c;
	struct buf out;

	open_caller(&c);
	smtp_server_close(c.smtp);
	c.config.is_submission = true;
	c.config.hides_client = hides;
	c.config.login.may_plain = true;
	c.smtp = smtp_server_open(&c.arena, &c.config, &c.peer);
	if (has_tls)
		smtp_server_secured(c.smtp, SPAN("TLSv1.3 CIPHER"),
			&c.config.login);
	buf_init(&out, 2048);
	tell(&c, "EHLO laptop.private\r\n");
	tell(&c, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
	tell(&c, mail);
	tell(&c, "RCPT TO:<ann@hamburger.edu>\r\n");
	smtp_server_put_received(c.smtp, &out, SPAN("9KD"), 0);
	buf_putc(&out, 0);
	assert_string_equal((const char *)buf_span(&out).p, wanted);
	buf_clear(&out);
	close_caller(&c);
}

/* RFC 3848; where somebody is, is his own affair */
static void the_received_field_of_a_submission(void **state)
{
	(void)state;
	submitted_is(true, false, "MAIL FROM:<>\r\n",
		"Received: from localhost\r\n"
		"\tby mx.test (Postrider) with ESMTPA id 9KD\r\n"
		"\tfor <ann@hamburger.edu>; Thu, 1 Jan 1970 00:00:00 +0000"
		"\r\n");
	submitted_is(true, true, "MAIL FROM:<> SMTPUTF8\r\n",
		"Received: from localhost\r\n"
		"\tby mx.test (Postrider) with UTF8SMTPSA id 9KD\r\n"
		"\t(TLSv1.3 CIPHER)\r\n"
		"\tfor <ann@hamburger.edu>; Thu, 1 Jan 1970 00:00:00 +0000"
		"\r\n");
	submitted_is(false, true, "MAIL FROM:<>\r\n",
		"Received: from laptop.private ([192.0.2.7])\r\n"
		"\tby mx.test (Postrider) with ESMTPSA id 9KD\r\n"
		"\t(TLSv1.3 CIPHER)\r\n"
		"\tfor <ann@hamburger.edu>; Thu, 1 Jan 1970 00:00:00 +0000"
		"\r\n");
}

/* ---- limits, ends -------------------------------------------------------------------- */

/* All recipients fit one message between processes, however long they are. */
static void recipients_are_bounded_in_bytes(void **state)
{
	struct caller c;
	char line[400];
	size_t good = 0;

	(void)state;
	open_caller(&c);
	c.smtp->config.recipients_max = 1000000;
	go_to(&c, AT_MAIL);
	for (int i = 0; i < 1000; i++) {
		unsigned code;

		(void)snprintf(line, sizeof(line),
			"RCPT TO:<%060d@%063d.%063d.%060d>\r\n", i, 1, 2, 3);
		code = tell(&c, line);
		assert_true(code == (good == (size_t)i ? code : 452));
		good += code == 250;
	}
	assert_true(good >= 100 && good * (249 + 32) <= 90000);
	close_caller(&c);
}

static void memory_does_not_grow(void **state)
{
	struct caller c;
	size_t session, transaction;

	(void)state;
	open_caller(&c);
	go_to(&c, AT_READY);
	session = c.arena.used_bytes;
	c.rcpt = TEMP;
	for (int i = 0; i < 10000; i++) {
		c.smtp->junk = 0;
		tell(&c, "EHLO some.other.name.example\r\n");
		tell(&c, "MAIL FROM:<somebody@somewhere.example>\r\n");
		tell(&c, "RCPT TO:<somebody@somewhere.example>\r\n");
	}
	transaction = c.smtp->arena.used_bytes;
	for (int i = 0; i < 10000; i++)
		tell(&c, "RCPT TO:<somebody@somewhere.example>\r\n");
	assert_int_equal(c.arena.used_bytes, session);
	assert_int_equal(c.smtp->arena.used_bytes, transaction);
	assert_true(transaction < 256);
	assert_true(c.smtp->out.room <= SMTP_OUT_MAX);
	close_caller(&c);
}

/* A client that pipelines without end is stopped until replies are taken. */
static void replies_are_bounded(void **state)
{
	struct caller c;
	struct buf in;
	struct smtp_effect e;
	size_t taken;

	(void)state;
	open_caller(&c);
	go_to(&c, AT_READY);
	buf_init(&in, 1 << 22);
	for (int i = 0; i < 100000; i++)
		buf_puts(&in, "MAIL FROM:<>\r\n");
	taken = smtp_server_feed(c.smtp, buf_span(&in), 0);
	assert_true(taken < 10000);
	assert_int_equal(smtp_server_feed(c.smtp, buf_span(&in), 0), 0);
	assert_true(smtp_server_next(c.smtp, &e));
	assert_int_equal(e.type, SMTP_SEND);
	assert_true(e.bytes.n <= SMTP_OUT_MAX);
	assert_false(smtp_server_next(c.smtp, &e));
	assert_true(smtp_server_feed(c.smtp, buf_span(&in), 0) > 0);
	buf_clear(&in);
	close_caller(&c);
}

static void shut(struct caller *c)
{
	buf_reset(&c->out);
	smtp_server_shut(c->smtp, SPAN("4.3.2"), SPAN("Bye"), SPAN("stop"));
	act_all(c);
	assert_true(span_eq(buf_span(&c->out), SPAN("421 4.3.2 Bye\r\n")));
	assert_true(c->is_closed);
	assert_int_equal(smtp_server_feed(c->smtp, SPAN("NOOP\r\n"), 0), 0);
}

/* S21: shut at any moment; a late answer falls into the void. */
static void the_caller_may_end_it(void **state)
{
	static const char *const lines[] = {"NOOP\r\n", "NOO", "DATA\r\n",
		"BDAT 5\r\nab"};
	struct caller c;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		open_caller(&c);
		go_to(&c, AT_RCPT);
		tell(&c, lines[i]);
		shut(&c);
		assert_int_equal(c.drops, i >= 2);
		close_caller(&c);
	}
	for (size_t i = 0; i < 2; i++) {
		open_caller(&c);
		go_to(&c, AT_RCPT);
		c.answers = i > 0;
		tell(&c, "DATA\r\n");
		c.answers = false;
		send(&c, "x\r\n.\r\n");
		assert_int_equal(c.asks, i == 0 ? 2 : 3);
		c.has_body = false;
		shut(&c);
		assert_int_equal(c.drops, 0);
		smtp_server_answer(c.smtp, OK, 0, 0, SPAN("1"));
		assert_false(act_all(&c));
		close_caller(&c);
	}
}

static void feed_stops_at_a_question(void **state)
{
	struct caller c;
	const struct span in = SPAN("RCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\n");
	struct smtp_effect e;

	(void)state;
	open_caller(&c);
	go_to(&c, AT_MAIL);
	assert_int_equal(smtp_server_feed(c.smtp, in, 0), 15);
	assert_int_equal(smtp_server_feed(c.smtp, span_tail(in, 15), 0), 0);
	assert_true(smtp_server_next(c.smtp, &e));
	assert_int_equal(e.type, SMTP_ASK_RCPT);
	assert_true(span_eq(e.address, SPAN("a@b")));
	assert_false(smtp_server_next(c.smtp, &e));
	assert_int_equal(smtp_server_feed(c.smtp, span_tail(in, 15), 0), 0);
	smtp_server_answer(c.smtp, OK, 0, 0, SPAN_EMPTY);
	assert_false(smtp_server_next(c.smtp, &e)); /* more is coming */
	assert_int_equal(smtp_server_feed(c.smtp, span_tail(in, 15), 0), 15);
	close_caller(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_in_every_state),
		cmocka_unit_test(every_row_is_in_the_matrix),
		cmocka_unit_test(case_does_not_matter),
		cmocka_unit_test(random_walks_agree_with_the_model),
		cmocka_unit_test(every_pair_of_cuts),
		cmocka_unit_test(a_plain_body_is_one_span),
		cmocka_unit_test(a_group_is_one_send),
		cmocka_unit_test(an_unknown_command_is_answered_at_once),
		cmocka_unit_test(a_message_wipes_the_slate),
		cmocka_unit_test(the_transaction_is_whole),
		cmocka_unit_test(high_bytes_are_flagged),
		cmocka_unit_test(the_received_field),
		cmocka_unit_test(the_received_field_of_a_submission),
		cmocka_unit_test(recipients_are_bounded_in_bytes),
		cmocka_unit_test(memory_does_not_grow),
		cmocka_unit_test(replies_are_bounded),
		cmocka_unit_test(the_caller_may_end_it),
		cmocka_unit_test(feed_stops_at_a_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
