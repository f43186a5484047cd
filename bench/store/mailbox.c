/*
 * mailbox.c - what a session's verbs cost on a mailbox of COUNT messages: open
 * it, store flags, copy, move, append, expunge.
 *
 * usage: mailbox FOLDER [COUNT]; prints wall clock and CPU of each, in ms.  Every
 * verb is durable when it returns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/buf.h"
#include "store/store_change.h"
#include "store/store_mailbox.h"

#define NOW_MS INT64_C(1700000000000)
#define SOME   2000u

static struct err e;

static void need(enum code code)
{
	if (code == OK)
		return;
	(void)fprintf(stderr, "mailbox: %s\n", e.text);
	exit(1);
}

/* ---- clocks ------------------------------------------------------------------ */
static double wall_ms, cpu_ms;

static double now_wall_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static double now_cpu_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void begin(void)
{
	wall_ms = now_wall_ms();
	cpu_ms = now_cpu_ms();
}

static void end(const char *what)
{
	(void)printf("%-44s %8.2f ms, CPU %8.2f ms\n", what,
		now_wall_ms() - wall_ms, now_cpu_ms() - cpu_ms);
}

/* ---- messages ------------------------------------------------------------------ */
static void put_text(struct buf *b, unsigned number)
{
	buf_reset(b);
	buf_printf(b,
		"From: Alice Example <alice@crepes.fr>\r\n"
		"To: Bob <bob@hamburger.edu>\r\n"
		"Subject: the ketchup of week %u\r\n"
		"Date: Sat, 21 Nov 2026 10:20:30 +0100\r\n"
		"Message-ID: <%u.ketchup@crepes.fr>\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n\r\n",
		number, number);
	while (buf_len(b) < 4096)
		buf_puts(b, "Do you like ketchup?  I do, as everybody who "
			    "ever had some does.\r\n");
}

static void deliver(struct store *s, struct buf *b, unsigned number)
{
	struct store_delivery d = {.qid = number, .fd = -1,
		.received_ms = NOW_MS,
		.trace = SPAN("Received: by mx.hamburger.edu\r\n")};
	struct sha256 sum;
	uint64_t uid;

	put_text(b, number);
	d.body = buf_span(b);
	d.size = d.body.n;
	sum = sha256_of(d.body);
	d.sha256 = sha256_span(&sum);
	need(store_delivery_add(s, &d, &uid, &e));
}

static void deliver_all(struct store *s, unsigned count)
{
	struct buf b;

	buf_init(&b, 65536);
	for (unsigned i = 0; i < count; i += 100) {
		need(store_delivery_begin(s, &e));
		for (unsigned k = 0; k < 100; k++)
			deliver(s, &b, i + k + 1);
		need(store_delivery_commit(s, &e));
	}
	need(store_forget(s, count + 1, NULL, 0, &e));
	buf_clear(&b);
}

static uint32_t *all_uids(const struct store_view *v)
{
	uint32_t *uids = calloc(v->count, sizeof(*uids));

	for (size_t i = 0; i < v->count; i++)
		uids[i] = v->rows[i].uid;
	return uids;
}

/* ---- what is measured ------------------------------------------------------------ */
static void flags(struct store_view *v, const uint32_t *uids, size_t count,
	const char *what, const struct store_flags_change *change)
{
	struct store_flags_result r;

	begin();
	need(store_flags_store(v, uids, count, change, &r, &e));
	end(what);
	store_uids_clear(&r.failed);
}

static void all_flags(struct store_view *v)
{
	const struct span word = SPAN("$Forwarded");
	uint32_t *uids = all_uids(v), *odd = all_uids(v);

	for (size_t i = 0; i < v->count / 2; i++)
		odd[i] = uids[2 * i];
	flags(v, uids, v->count, "STORE 1:* +FLAGS \\Seen",
		&(struct store_flags_change){.flags = STORE_FLAG_SEEN});
	flags(v, uids, v->count, "the same again",
		&(struct store_flags_change){.flags = STORE_FLAG_SEEN});
	flags(v, uids, v->count, "STORE 1:* +FLAGS $Forwarded",
		&(struct store_flags_change){.keywords = &word,
			.keyword_count = 1});
	flags(v, odd, v->count / 2, "STORE +FLAGS \\Flagged, every other",
		&(struct store_flags_change){.flags = STORE_FLAG_FLAGGED});
	flags(v, uids, 1, "STORE one +FLAGS \\Answered",
		&(struct store_flags_change){.flags = STORE_FLAG_ANSWERED});
	free(uids);
	free(odd);
}

static void appends(struct store *s, uint64_t mailbox)
{
	struct store_append item = {.received_ms = NOW_MS};
	struct buf b;
	uint32_t uid;

	buf_init(&b, 65536);
	begin();
	for (unsigned i = 0; i < SOME; i++) {
		put_text(&b, 1000000 + i);
		need(store_upload_begin(s, buf_len(&b), &item.upload, &e));
		need(store_upload_feed(item.upload, buf_span(&b), &e));
		need(store_append(s, mailbox, &item, 1, NOW_MS, &uid, &e));
		store_upload_free(item.upload);
	}
	end("APPEND 2,000 times, each durable");
	buf_clear(&b);
}

static void moves(struct store *s, struct store_view *v)
{
	const struct store_mailbox *trash =
		store_mailbox_of_use(s, STORE_USE_TRASH);
	uint32_t *uids = all_uids(v);
	struct store_copied copied;
	struct store_uids gone;

	begin();
	need(store_copy(v, uids, SOME, trash->id, NOW_MS, &copied, &e));
	end("COPY 2,000");
	store_uids_clear(&copied.from);
	begin();
	need(store_move(v, uids, SOME, trash->id, NOW_MS, &copied, &e));
	end("MOVE 2,000");
	store_uids_clear(&copied.from);
	begin();
	need(store_expunge(v, uids + SOME, SOME, &gone, &e));
	end("EXPUNGE 2,000");
	store_uids_clear(&gone);
	free(uids);
}

static void measure(struct store *s)
{
	struct store_view *v;

	begin();
	need(store_view_open(s, store_inbox(s), &v, &e));
	end("open the view");
	all_flags(v);
	moves(s, v);
	appends(s, store_inbox(s));
	store_view_close(v);
}

int main(int argc, char **argv)
{
	unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 20000;
	char path[4096];
	struct store *s;

	if (argc < 2 || snprintf(path, sizeof(path), "%s/mail.db", argv[1]) < 0) {
		(void)fputs("usage: mailbox FOLDER [COUNT]\n", stderr);
		return 64;
	}
	need(store_open(path, 1, NOW_MS, &s, &e));
	begin();
	deliver_all(s, count);
	end("deliver them, 100 a batch");
	store_close(s);
	need(store_open(path, 1, NOW_MS, &s, &e));
	measure(s);
	store_close(s);
	return 0;
}
