/*
 * fuzz_pop3.c - any bytes to POP3, from the greeting to the end.
 *
 * The first byte says in pieces of which size the rest arrives, and the verdict
 * on logins.  The store is a real one with three messages; whatever was said,
 * only QUIT may have removed some, and only as many as it counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "pop3/pop3.h"
#include "pop3/pop3_login.h"
#include "store/store.h"

#define MESSAGES 3
#define OUT_MAX  (SASL_LINE_MAX + 1024) /* what the login says at once */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct store *store;
static uint64_t next_qid;

static void give_up(const struct err *e)
{
	(void)fprintf(stderr, "fuzz_pop3: %s\n", e->text);
	abort();
}

static size_t count_messages(void)
{
	struct store_list l;
	struct err e;
	size_t n;

	if (store_message_list(store, store_inbox(store), &l, &e) != OK)
		give_up(&e);
	n = l.count;
	store_list_clear(&l);
	return n;
}

static void fill(size_t missing)
{
	struct span body = SPAN("Subject: x\r\n\r\n.a\r\n..\r\nno end");
	struct sha256 sum = sha256_of(body);
	struct store_delivery d = {.fd = -1, .body = body, .size = body.n,
		.sha256 = sha256_span(&sum)};
	struct err e;
	uint64_t uid;

	if (store_delivery_begin(store, &e) != OK)
		give_up(&e);
	for (; missing > 0; missing--) {
		d.qid = ++next_qid;
		if (store_delivery_add(store, &d, &uid, &e) != OK)
			give_up(&e);
	}
	if (store_delivery_commit(store, &e) != OK)
		give_up(&e);
}

static void open_store(void)
{
	char folder[] = "/dev/shm/fuzz-pop3-XXXXXX";
	char path[64];
	struct err e;

	if (mkdtemp(folder) == NULL)
		abort();
	(void)snprintf(path, sizeof(path), "%s/mail.db", folder);
	if (store_open(path, 1, 1700000000000, &store, &e) != OK)
		give_up(&e);
	/* it lives on without a name, and leaves nothing behind */
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/mail.db-wal", folder);
	(void)unlink(path);
	(void)rmdir(folder);
	fill(MESSAGES);
}

struct play {
	struct pop3_login *login;
	struct pop3 *session;
	enum code verdict;
	bool is_closed;
};

/* As directory would: salts for everybody, and one verdict on who he is. */
static void answer_login(struct play *p, const struct sasl_question *q)
{
	static const uint8_t bytes[32] = "salt, or a signature of the like";
	struct sasl_answer a = {.verdict = p->verdict};

	if (q->type == SASL_ASK_SALT && p->verdict != TEMP) {
		a.verdict = OK;
		a.salt = span_of(bytes, 16);
		a.rounds = 4096;
	}
	if (q->type == SASL_ASK_PROOF)
		a.signature = span_of(bytes, q->proof.n);
	pop3_login_answer(p->login, &a);
}

static void take_login(struct play *p)
{
	static const struct sasl_config secured = {.may_plain = true,
		.binding = {(const uint8_t *)"0123456789abcdef", 16}};
	struct pop3_login_effect e;
	struct err why;

	while (p->session == NULL && pop3_login_next(p->login, &e)) {
		must(!p->is_closed);
		if (e.type == POP3_LOGIN_SEND)
			must(e.bytes.n > 0 && e.bytes.n <= OUT_MAX);
		else if (e.type == POP3_LOGIN_ASK)
			answer_login(p, e.question);
		else if (e.type == POP3_LOGIN_ASK_TLS)
			pop3_login_tls_answer(p->login, p->verdict);
		else if (e.type == POP3_LOGIN_START_TLS)
			pop3_login_secured(p->login, &secured);
		else if (e.type == POP3_LOGIN_CLOSE)
			p->is_closed = true;
		else if (pop3_open(store, &p->session, &why) != OK)
			give_up(&why);
	}
}

static void take_session(struct play *p)
{
	struct pop3_effect e;

	while (pop3_next(p->session, &e)) {
		must(!p->is_closed);
		must(e.type == POP3_CLOSE || e.bytes.n > 0);
		p->is_closed = e.type == POP3_CLOSE;
	}
}

/* Gives a piece until nothing of it moves any more. */
static void feed(struct play *p, struct span piece)
{
	size_t taken;

	do {
		bool had_session = p->session != NULL;

		taken = had_session ? pop3_feed(p->session, piece)
				    : pop3_login_feed(p->login, piece);
		must(taken <= piece.n);
		piece = span_tail(piece, taken);
		if (p->session == NULL)
			take_login(p);
		if (p->session != NULL)
			take_session(p);
		if (had_session != (p->session != NULL))
			taken = 1; /* the other engine goes on */
	} while (taken > 0 && piece.n > 0);
	must(piece.n == 0 || p->is_closed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const enum code verdicts[] = {OK, OK, DENIED, TEMP};
	const struct pop3_login_config config = {.hostname = SPAN("mx.test"),
		.errors_max = 20, .login = {.may_plain = true}};
	struct span in = span_of(bytes, n);
	struct play p = {0};
	struct arena arena;
	size_t piece, deleted = 0;

	if (store == NULL)
		open_store();
	if (n == 0)
		return 0;
	piece = (size_t)(in.p[0] & 63) + 1;
	p.verdict = verdicts[in.p[0] >> 6];
	in = span_tail(in, 1);
	arena_init(&arena, POP3_LOGIN_ARENA_BYTES);
	p.login = pop3_login_open(&arena, &config);
	take_login(&p);
	for (; in.n > 0 && !p.is_closed; in = span_tail(in, piece))
		feed(&p, span_head(in, piece));
	if (p.session != NULL)
		deleted = pop3_counts(p.session).deleted;
	pop3_close(p.session);
	pop3_login_close(p.login);
	arena_clear(&arena);
	must(count_messages() + deleted == MESSAGES);
	if (deleted > 0)
		fill(deleted);
	return 0;
}
