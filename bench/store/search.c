/*
 * search.c - what signatures cost and what they save: delivers files into the
 * store of FOLDER, if it is new, searches without signatures, makes them, and
 * searches again.
 *
 * usage: search FOLDER WORDS [FILE...]; WORDS: what to look for, with commas
 * between.  A file is a message.  Prints CPU of this process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/charset.h"
#include "codec/fold.h"
#include "imap/imap_session.h"
#include "store/store_signature.h"

#define BATCH 32

static double cpu_ms(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return 1e3 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		1e-3 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void need(enum code code, const struct err *e)
{
	if (code == OK)
		return;
	(void)fprintf(stderr, "search: %s\n", e->text);
	exit(1);
}

static void read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	size_t got;

	buf_reset(out);
	if (f == NULL)
		return;
	do {
		got = fread(buf_reserve(out, 65536), 1, 65536, f);
		buf_wrote(out, got);
	} while (got > 0);
	(void)fclose(f);
}

static void deliver(struct store *s, char **paths, unsigned count)
{
	static struct buf b = {.max = 64 << 20};
	struct err e;

	for (unsigned i = 0; i < count; i++) {
		struct store_delivery d = {.qid = i + 1, .fd = -1,
			.received_ms = 1700000000000 + i};
		struct sha256 sum;
		uint64_t uid;

		if (i % BATCH == 0)
			need(store_delivery_begin(s, &e), &e);
		read_file(paths[i], &b);
		d.body = buf_span(&b);
		d.size = d.body.n;
		sum = sha256_of(d.body);
		d.sha256 = sha256_span(&sum);
		need(store_delivery_add(s, &d, &uid, &e), &e);
		if (i % BATCH == BATCH - 1 || i + 1 == count)
			need(store_delivery_commit(s, &e), &e);
	}
	store_tidy(s);
}

/* ---- signatures ------------------------------------------------------------------ */
static void sign(struct store *s)
{
	uint64_t before = store_unsigned(s);
	double begun = cpu_ms();
	bool has_more = true;
	struct err e;

	while (has_more)
		need(store_sign(s, &has_more, &e), &e);
	before = store_unsigned(s) - before;
	if (before > 0)
		(void)printf("signed %llu messages: %.1f us each\n",
			(unsigned long long)before,
			1000 * (cpu_ms() - begun) / (double)before);
}

static void measure(struct store *s)
{
	struct store_signatures m = {0};
	size_t bytes = 0, sizes[16] = {0}, empty = 0;
	struct span filter;
	struct err e;

	for (uint64_t id = 1; id < store_unsigned(s); id++) {
		need(store_signatures_get(s, &m, id, &filter, &e), &e);
		bytes += filter.n;
		empty += filter.n == 0;
		if (filter.n > 0)
			sizes[__builtin_ctzll(filter.n)]++;
	}
	store_signatures_end(&m);
	(void)printf("%zu bytes in all; any text: %zu;", bytes, empty);
	for (size_t i = 4; i < 14; i++)
		(void)printf(" %u:%zu", 1u << i, sizes[i]);
	(void)printf("\n");
}

static size_t candidates(struct store *s, struct span word)
{
	static uint64_t ids[1u << 20];
	struct store_terms terms;
	struct store_candidates c = {.terms = &terms, .term_count = 1,
		.from = 1, .ids = ids, .room = sizeof(ids) / sizeof(ids[0])};
	struct buf folded;
	struct err e;
	size_t n;

	buf_init(&folded, 4096);
	fold_put(&folded, word);
	store_terms_of(&terms, buf_span(&folded));
	buf_clear(&folded);
	need(store_candidates_find(s, &c, &n, &e), &e);
	return n;
}

/* ---- sessions --------------------------------------------------------------------- */
/* Runs a command to its end; what it says, but for the greeting. */
static void run(struct imap_session *s, struct span line, struct buf *out)
{
	struct imap_session_effect effect;

	buf_reset(out);
	(void)imap_session_feed(s, line, 1700000000000);
	do {
		while (imap_session_next(s, &effect))
			if (effect.type == IMAP_SESSION_SEND)
				buf_put(out, effect.bytes);
	} while (imap_session_is_working(s));
}

static void search(struct imap_session *s, const char *key, struct span word,
	size_t may_have)
{
	struct buf line, out;
	double begun, best = 1e9;

	buf_init(&line, 4096);
	buf_init(&out, 64 << 20);
	buf_printf(&line, "a SEARCH RETURN (COUNT) %s \"%.*s\"\r\n", key,
		SPAN_ARG(word));
	for (int i = 0; i < 3; i++) {
		begun = cpu_ms();
		run(s, buf_span(&line), &out);
		if (cpu_ms() - begun < best)
			best = cpu_ms() - begun;
	}
	(void)printf("%s %.*s: %.1f ms, may have it %zu, %.*s\n", key,
		SPAN_ARG(word), best, may_have,
		(int)span_find(buf_span(&out), '\r'),
		(const char *)buf_span(&out).p);
	buf_clear(&line);
	buf_clear(&out);
}

static void search_all(struct store *s, const char *words)
{
	const struct imap_session_config c = {.store = s, .tag = SPAN("a")};
	struct imap_session *session = imap_session_open(&c);
	struct span rest = span_str(words);
	struct buf out;

	buf_init(&out, 1 << 20);
	run(session, SPAN("a SELECT INBOX\r\n"), &out);
	while (rest.n > 0) {
		struct span word = span_cut(&rest, ',');

		search(session, "BODY", word, candidates(s, word));
		search(session, "TEXT", word, candidates(s, word));
	}
	imap_session_close(session);
	buf_clear(&out);
}

int main(int argc, char **argv)
{
	char path[4096];
	struct store *s;
	struct err e;

	if (argc < 3 || snprintf(path, sizeof(path), "%s/mail.db", argv[1]) < 0) {
		(void)fputs("usage: search FOLDER WORDS [FILE...]\n", stderr);
		return 64;
	}
	(void)charset_open();
	need(store_open(path, 1, 1700000000000, &s, &e), &e);
	if (argc > 3)
		deliver(s, argv + 3, (unsigned)argc - 3);
	sign(s);
	measure(s);
	search_all(s, argv[2]);
	store_close(s);
	return 0;
}
