/*
 * fuzz_smtp_client.c - the SMTP client engine against a hostile server.  The
 * first byte chooses the split size and what is wanted of TLS, the second the
 * message; the rest is what the server says.
 *
 * Checked besides memory: nothing is sent that has a CR or LF outside of a
 * CRLF, every message is settled for each recipient, the engine takes all that
 * it is given once its effects are gone, and where TLS must be, nothing but
 * EHLO, HELO, STARTTLS and QUIT is said before it; and no password is in the
 * dialogue.
 */
#include <string.h>

#include "base/mem.h"
#include "smtp/smtp_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RCPTS 3

static const struct span bodies[] = {
	SPAN("Hi\r\n"),
	SPAN(".\r\n..\r\nno end"),
	SPAN("caf\xc3\xa9\r\n"),
	SPAN("bare\nline feed\r\n"),
};

static const uint8_t long_password[500] = {'x'};
/* base64 of "NUL ann NUL secret", and how it begins with any password */
#define SAID "AGFubg"

struct play {
	struct arena arena, texts;
	struct smtp_client *client;
	struct smtp_client_message message;
	struct smtp_client_rcpt rcpts[RCPTS];
	struct buf dialogue;
	bool is_after_cr;
	enum smtp_client_tls tls;
	bool is_secure, is_tls_broken;
	bool may_login, is_long, has_echo;
	unsigned begun;
	size_t offset;
	struct span body;
	enum code verdict; /* about a conversion */
};

static void begin(struct play *p)
{
	static const struct span names[RCPTS] = {SPAN("bob@b.test"),
		SPAN("c\xc3\xa4rl@b.test"), SPAN("dora@b.test")};

	arena_reset(&p->texts);
	for (size_t i = 0; i < RCPTS; i++)
		p->rcpts[i] = (struct smtp_client_rcpt){.address = names[i]};
	p->offset = 0;
	p->begun++;
	smtp_client_begin(p->client, &p->message);
}

static void check_sent(struct play *p, struct span bytes)
{
	if (p->tls == SMTP_CLIENT_TLS_MUST && !p->is_secure)
		must(bytes.n > 0 && memchr("EHSQ", bytes.p[0], 4) != NULL);
	for (size_t i = 0; i < bytes.n; i++) {
		must((bytes.p[i] == '\n') == p->is_after_cr);
		p->is_after_cr = bytes.p[i] == '\r';
	}
}

static void take_settled(struct play *p)
{
	for (size_t i = 0; i < RCPTS; i++) {
		must(p->rcpts[i].is_settled);
		must(p->rcpts[i].text.n <= 1024);
	}
	if (smtp_client_is_free(p->client) && p->begun < 4)
		begin(p);
	else if (smtp_client_is_free(p->client))
		smtp_client_quit(p->client);
}

static bool drain(struct play *p)
{
	struct smtp_client_effect e;

	while (smtp_client_next(p->client, &e)) {
		if (e.type == SMTP_CLIENT_SEND) {
			check_sent(p, e.bytes);
		} else if (e.type == SMTP_CLIENT_START_TLS) {
			must(p->tls != SMTP_CLIENT_TLS_NEVER && !p->is_secure);
			p->is_secure = !p->is_tls_broken;
			if (p->is_secure)
				smtp_client_secured(p->client, true);
			else
				smtp_client_tls_failed(p->client, SPAN("no"));
		} else if (e.type == SMTP_CLIENT_LOGIN) {
			must(p->may_login);
			smtp_client_login(p->client, SPAN("ann"),
				p->is_long ? span_of(long_password,
						sizeof(long_password))
					   : SPAN("secret"));
		} else if (e.type == SMTP_CLIENT_CONVERT) {
			p->body = SPAN("caf=C3=A9\r\n");
			p->offset = 0;
			smtp_client_converted(p->client, p->verdict,
				p->body.n, SPAN("no"));
		} else if (e.type == SMTP_CLIENT_BODY) {
			struct span piece = span_head(
				span_tail(p->body, p->offset), 3);

			p->offset += piece.n;
			smtp_client_body(p->client, piece,
				p->offset == p->body.n);
		} else if (e.type == SMTP_CLIENT_SETTLED) {
			take_settled(p);
		} else {
			return false;
		}
	}
	return true;
}

static void open_play(struct play *p, uint8_t choice)
{
	struct smtp_client_config config = {.hostname = SPAN("me.test"),
		.tls = p->tls, .may_login = p->may_login,
		.dialogue = &p->dialogue};

	arena_init(&p->arena, SMTP_CLIENT_ARENA_BYTES);
	arena_init(&p->texts, 1u << 20);
	buf_init(&p->dialogue, 16384);
	p->client = smtp_client_open(&p->arena, &config);
	p->body = bodies[choice & 3];
	p->verdict = (choice & 16) != 0 ? DENIED : OK;
	p->message = (struct smtp_client_message){
		.reverse_path = SPAN("ann@a.test"),
		.flags = choice >> 5,
		.size = p->body.n,
		.is_streamed = (choice & 4) != 0,
		.may_convert = (choice & 8) != 0,
		.body = (choice & 4) != 0 ? SPAN_EMPTY : p->body,
		.rcpts = p->rcpts,
		.rcpt_count = RCPTS,
		.arena = &p->texts,
	};
	begin(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play p = {.begun = 0};
	struct span left;
	size_t split;

	if (size < 2)
		return 0;
	p.tls = data[0] >> 6 == 0 ? SMTP_CLIENT_TLS_NEVER :
		data[0] >> 6 == 1 ? SMTP_CLIENT_TLS_MAY : SMTP_CLIENT_TLS_MUST;
	p.is_tls_broken = data[0] >> 6 == 3;
	p.may_login = (data[1] & 1) != 0;
	p.is_long = (data[1] & 2) != 0;
	open_play(&p, data[1]);
	split = (size_t)(data[0] & 63) + 1;
	left = span_of(data + 2, size - 2);
	/* a server may say it itself */
	p.has_echo = span_find_span(left, SPAN(SAID)) < left.n;
	while (left.n > 0 && drain(&p)) {
		struct span piece = span_head(left, split);
		size_t taken = smtp_client_feed(p.client, piece);
		struct smtp_client_effect e;

		must(taken <= piece.n);
		must(taken > 0 || smtp_client_next(p.client, &e));
		left = span_tail(left, taken);
	}
	smtp_client_lost(p.client, data[0] & 1 ? TIMEOUT : GONE);
	(void)drain(&p);
	smtp_client_close(p.client);
	must(!p.may_login || p.has_echo ||
		span_find_span(buf_span(&p.dialogue), SPAN(SAID)) ==
			buf_len(&p.dialogue));
	buf_clear(&p.dialogue);
	arena_clear(&p.arena);
	arena_clear(&p.texts);
	return 0;
}
