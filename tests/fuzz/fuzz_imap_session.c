/*
 * fuzz_imap_session.c - any bytes to two IMAP sessions over one store.
 *
 * The first byte says in pieces of which size the rest arrives.  A line that
 * begins with "2: " is for the second session, "deliver: " delivers a message.
 * The store is new for each input.  What is said is held against what a client
 * knows: no number beyond EXISTS, nothing after the end; and at the end the
 * store's invariants hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "imap/imap_session.h"
#include "imap/imap_sleep.h"
#include "store/store_change.h"
#include "store/store_mailbox.h"

#define NOW_MS   INT64_C(1700000000000)
#define SESSIONS 2
#define MESSAGE                                                                \
	"From: a@example.org\r\nTo: b@example.org\r\nSubject: =?utf-8?q?=C3=84?=\r\n" \
	"Message-ID: <1@x>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" \
	"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvA==\r\n"           \
	"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n"    \
	"--b--\r\n"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static char folder[] = "/dev/shm/fuzz-imap-XXXXXX";
static char path[64];
static struct span template;

static void give_up(const struct err *e)
{
	(void)fprintf(stderr, "fuzz_imap_session: %s\n", e->text);
	abort();
}

static struct store *open_store(void)
{
	struct store *s;
	struct err e;

	if (store_open(path, 1, NOW_MS, &s, &e) != OK)
		give_up(&e);
	return s;
}

/* ---- what is in it --------------------------------------------------------------- */
static void deliver(struct store *s, uint64_t qid)
{
	struct span body = SPAN(MESSAGE);
	struct sha256 sum = sha256_of(body);
	struct store_delivery d = {.fd = -1, .qid = qid, .body = body,
		.size = body.n, .sha256 = sha256_span(&sum),
		.received_ms = NOW_MS};
	struct err e;
	uint64_t uid;

	if (store_delivery_begin(s, &e) != OK ||
		store_delivery_add(s, &d, &uid, &e) != OK ||
		store_delivery_commit(s, &e) != OK)
		give_up(&e);
}

static void make_template(void)
{
	static uint8_t bytes[4u << 20];
	struct store *s;
	FILE *f;
	size_t n;

	if (mkdtemp(folder) == NULL)
		abort();
	(void)snprintf(path, sizeof(path), "%s/mail.db", folder);
	s = open_store();
	for (uint64_t qid = 1; qid <= 4; qid++)
		deliver(s, qid);
	store_tidy(s);
	store_close(s);
	f = fopen(path, "rb");
	if (f == NULL)
		abort();
	n = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	template = span_of(bytes, n);
}

static struct store *new_store(void)
{
	char wal[80];
	FILE *f;

	if (template.n == 0)
		make_template();
	(void)snprintf(wal, sizeof(wal), "%s-wal", path);
	(void)unlink(wal);
	f = fopen(path, "wb");
	if (f == NULL || fwrite(template.p, 1, template.n, f) != template.n)
		abort();
	(void)fclose(f);
	return open_store();
}

/* ---- a client ---------------------------------------------------------------------- */
struct client {
	struct imap_session *session;
	struct buf in;    /* not taken yet */
	struct buf heard; /* a line that is not complete */
	uint64_t literal; /* bytes of one that are still to come */
	uint64_t count;   /* EXISTS */
	bool is_closed;
};

/* "1:3,7" of messages that the client knows. */
static void hear_set(const struct client *c, struct span set)
{
	while (set.n > 0) {
		struct span range = span_cut(&set, ',');

		while (range.n > 0) {
			uint64_t number;

			must(num_parse_u64(span_cut(&range, ':'), UINT64_MAX,
				&number));
			must(number > 0 && number <= c->count);
		}
	}
}

/* "* ESEARCH (TAG "a") REMOVEFROM (0 3) ADDTO (0 1:2)": numbers are right when
 * they are said. */
static void hear_update(const struct client *c, struct span line)
{
	struct span word = SPAN_EMPTY;

	if (!span_starts(line, SPAN("* ESEARCH (TAG ")) ||
		span_find_span(line, SPAN("\") UID")) < line.n ||
		span_find_span(line, SPAN(" MAILBOX ")) < line.n)
		return;
	(void)span_cut(&line, ')');
	while (line.n > 0 && !span_eq(word, SPAN("ADDTO")) &&
		!span_eq(word, SPAN("REMOVEFROM")))
		word = span_cut(&line, ' ');
	while (line.n > 0) {
		struct span pairs = span_cut(&line, ')');

		while (pairs.n > 0) {
			(void)span_cut(&pairs, ' ');
			hear_set(c, span_cut(&pairs, ' '));
		}
		(void)span_cut(&line, ' '); /* behind ")" */
		(void)span_cut(&line, ' '); /* the next word */
	}
}

static void hear_line(struct client *c, struct span line)
{
	uint64_t number, size;
	struct span rest = line;
	size_t open = span_find_last(line, '{');

	if (open < line.n && line.p[line.n - 1] == '}' &&
		num_parse_u64(span_head(span_tail(line, open + 1),
				      line.n - open - 2),
			UINT64_MAX, &size))
		c->literal = size;
	hear_update(c, line);
	if (!span_starts(line, SPAN("* ")))
		return;
	(void)span_cut(&rest, ' ');
	if (!num_parse_u64(span_cut(&rest, ' '), UINT64_MAX, &number))
		return;
	if (span_eq(rest, SPAN("EXISTS")))
		c->count = number;
	else if (span_eq(rest, SPAN("EXPUNGE")))
		must(number > 0 && number <= c->count--);
	else if (span_starts(rest, SPAN("FETCH ")))
		must(number > 0 && number <= c->count);
}

static void hear(struct client *c, struct span bytes)
{
	while (bytes.n > 0) {
		size_t n = bytes.n;

		if (c->literal > 0) {
			if (n > c->literal)
				n = (size_t)c->literal;
			c->literal -= n;
			bytes = span_tail(bytes, n);
			continue;
		}
		n = span_find(bytes, '\n');
		buf_put(&c->heard, span_head(bytes, n));
		bytes = span_tail(bytes, n + 1);
		if (n == bytes.n + n + 1)
			return;
		if (buf_len(&c->heard) > 0) {
			struct span line = buf_span(&c->heard);

			hear_line(c, span_head(line, line.n - 1));
		}
		buf_reset(&c->heard);
	}
}

static void take(struct client *c)
{
	struct imap_session_effect e;

	do {
		while (imap_session_next(c->session, &e)) {
			must(!c->is_closed);
			if (e.type == IMAP_SESSION_SEND)
				hear(c, e.bytes);
			c->is_closed = e.type == IMAP_SESSION_CLOSE ||
				e.type == IMAP_SESSION_RETURN;
		}
	} while (imap_session_is_working(c->session));
}

/* Whoever may sleep does, and wakes at once. */
static void nap(struct store *s, struct client *c)
{
	const struct imap_session_config config = {.store = s,
		.append_max = 1000};
	struct imap_session *woken;
	struct err e;
	struct buf state;

	if (!imap_session_may_sleep(c->session))
		return;
	buf_init(&state, IMAP_SLEEP_BYTES);
	imap_session_sleep(c->session, &state);
	must(!state.overflow);
	if (imap_session_wake(&config, buf_span(&state), &woken, &e) != OK)
		give_up(&e);
	buf_clear(&state);
	imap_session_close(c->session);
	c->session = woken;
}

static void say(struct client *clients, size_t i, struct span bytes)
{
	struct client *c = &clients[i];
	bool is_moving = true;

	buf_put(&c->in, bytes);
	while (is_moving && !c->is_closed && buf_len(&c->in) > 0) {
		size_t taken = imap_session_feed(c->session,
			buf_span(&c->in), NOW_MS);

		buf_consume(&c->in, taken);
		is_moving = taken > 0;
		take(c);
	}
	for (size_t k = 0; k < SESSIONS; k++)
		take(&clients[k]);
}

/* ---- the play ------------------------------------------------------------------------- */
static void play(struct store *s, struct client *clients, struct span in,
	size_t piece)
{
	uint64_t qid = 1000;

	while (in.n > 0) {
		size_t n = span_find(in, '\n');
		struct span line = span_head(in, n < in.n ? n + 1 : n);
		size_t i = 0;

		in = span_tail(in, line.n);
		if (span_starts(line, SPAN("deliver: "))) {
			deliver(s, ++qid);
			say(clients, 0, SPAN_EMPTY);
			continue;
		}
		if (span_starts(line, SPAN("2: "))) {
			i = 1;
			line = span_tail(line, 3);
		}
		for (; line.n > 0; line = span_tail(line, piece)) {
			say(clients, i, span_head(line, piece));
			nap(s, &clients[i]);
		}
	}
}

static void on_finding(void *arg, int invariant, const char *sentence)
{
	(void)arg;
	(void)fprintf(stderr, "invariant %d: %s\n", invariant, sentence);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct client clients[SESSIONS] = {0};
	struct store *s;
	struct err e;

	if (n == 0 || n > 4096)
		return 0;
	s = new_store();
	for (size_t i = 0; i < SESSIONS; i++) {
		const struct imap_session_config config = {.store = s,
			.tag = SPAN("a0"), .append_max = 1000};

		buf_init(&clients[i].in, 1 << 20);
		buf_init(&clients[i].heard, 16 << 20);
		clients[i].session = imap_session_open(&config);
		take(&clients[i]);
	}
	play(s, clients, span_of(bytes + 1, n - 1), bytes[0] % 64 + 1);
	for (size_t i = 0; i < SESSIONS; i++) {
		imap_session_close(clients[i].session);
		buf_clear(&clients[i].in);
		buf_clear(&clients[i].heard);
	}
	must(store_check(s, on_finding, NULL, &e) == OK);
	store_close(s);
	return 0;
}
