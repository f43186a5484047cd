/*
 * driver_imap.c - plays dialogues on the IMAP session, as a client sees it from
 * the answer to its login on (tag a0), over a store in a temporary folder.
 *
 * O: drop NAME chooses what is in the INBOX (see drops below); the store is new
 * for each play, and in every other one its messages have signatures
 * (store_signature.h), and sessions that idle sleep
 * and wake (imap_sleep.h), as no answer may depend on that.  O: append_max N: bytes of a message.  O: quota N.
 * O: slow N: when a command pauses and has nothing to say, N milliseconds pass.
 *
 * O: many: lines of the client are routed.  "2: a1 NOOP" is for a second session
 * of the same account, whose lines come out as "2: a1 OK …"; "deliver: Hi"
 * delivers a message of that subject; "quota: 500" limits the account, "messages: 5" too; "@V" in a
 * line is the UIDVALIDITY of INBOX.  After each line all sessions are asked for
 * what they have to say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "driver.h"
#include "imap/imap_session.h"
#include "imap/imap_sleep.h"
#include "store/store_change.h"
#include "store/store_mailbox.h"
#include "store/store_signature.h"

#include "base/banned.h"

#define NOW_MS       INT64_C(1700000000000) /* 14 Nov 2023 22:13:20 */
#define SESSIONS_MAX 3
#define DROP_MAX     4

struct letter {
	const char *text;
	unsigned flags;
	const char *keyword;
};

#define MIXED                                                                  \
	"From: \"J\\\"o\" <jo@example.org>\r\n"                                \
	"To: ann@example.net, bob@example.net\r\n"                             \
	"Cc: group: c@example.net;\r\n"                                        \
	"Subject: parts\r\n"                                                   \
	"Message-ID: <3@example.org>\r\n"                                      \
	"In-Reply-To: <1@example.org>\r\n"                                     \
	"Date: Wed, 15 Nov 2023 02:00:00 +0900\r\n"                            \
	"MIME-Version: 1.0\r\n"                                                \
	"Content-Type: multipart/mixed; boundary=b\r\n"                        \
	"\r\n"                                                                 \
	"--b\r\n"                                                              \
	"Content-Type: text/plain; charset=utf-8\r\n"                          \
	"Content-Transfer-Encoding: base64\r\n"                                \
	"\r\n"                                                                 \
	"R3LDvMOfZSBhdXMgS8O2bG4K\r\n"                                         \
	"--b\r\n"                                                              \
	"Content-Type: message/rfc822\r\n"                                     \
	"\r\n"                                                                 \
	"Subject: inner\r\n"                                                   \
	"\r\n"                                                                 \
	"inside\r\n"                                                           \
	"--b\r\n"                                                              \
	"Content-Type: application/octet-stream\r\n"                           \
	"Content-Transfer-Encoding: x-unknown\r\n"                             \
	"\r\n"                                                                 \
	"??\r\n"                                                               \
	"--b--\r\n"

#define ONE                                                                    \
	"From: Alice <alice@example.org>\r\n"                                  \
	"To: bob@example.net\r\n"                                              \
	"Subject: one\r\n"                                                     \
	"Message-ID: <1@example.org>\r\n"                                      \
	"Date: Tue, 14 Nov 2023 12:00:00 +0000\r\n"                            \
	"\r\n"                                                                 \
	"Hello Bob\r\n"

#define TWO                                                                    \
	"From: carol@example.com\r\n"                                          \
	"To: bob@example.net\r\n"                                              \
	"Bcc: secret@example.net\r\n"                                          \
	"Subject: =?utf-8?q?K=C3=84SE?= two\r\n"                               \
	"X-Colour: red\r\n"                                                    \
	"X-Colour: blue\r\n"                                                   \
	"\r\n"                                                                 \
	"Do you like =\r\nketchup?\r\n"

static const struct drop {
	const char *name;
	struct letter letters[DROP_MAX];
} drops[] = {
	{"three", {{ONE, STORE_FLAG_SEEN, NULL},
			{TWO, STORE_FLAG_FLAGGED, "$Forwarded"},
			{MIXED, 0, NULL}}},
	{"empty", {{NULL, 0, NULL}}},
	{"deleted", {{ONE, STORE_FLAG_DELETED, NULL}, {TWO, 0, NULL},
			{ONE, STORE_FLAG_DELETED, NULL}, {TWO, 0, NULL}}},
};
#define DROP_COUNT (sizeof(drops) / sizeof(drops[0]))

/* The file of a store with the drop in it, made once. */
static struct span templates[DROP_COUNT];

struct engine {
	struct store *store;
	struct imap_session *sessions[SESSIONS_MAX]; /* 1: index 0 */
	size_t count;
	struct buf pending[SESSIONS_MAX]; /* sent, of a line */
	struct buf text;
	const struct drop *drop;
	uint64_t append_max;
	uint64_t quota;
	int64_t now_ms;
	uint64_t pause_ms;
	uint64_t qid;
	bool is_many, is_closed, owes_close;
	bool may_nap;
};

static char folder[64];

/* ---- stores --------------------------------------------------------------------- */
static void give_up(const struct err *e)
{
	(void)fprintf(stderr, "driver_imap: %s\n", e->text);
	exit(70);
}

static void remove_file(const char *name)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)unlink(path);
}

static void remove_folder(void)
{
	remove_file("mail.db");
	remove_file("mail.db-wal");
	(void)rmdir(folder);
}

static void make_folder(void)
{
	struct stat st;
	bool has_shm = stat("/dev/shm", &st) == 0;

	(void)snprintf(folder, sizeof(folder), "%s/postrider-imap-XXXXXX",
		has_shm ? "/dev/shm" : "/tmp");
	if (mkdtemp(folder) == NULL)
		exit(70);
	(void)atexit(remove_folder);
}

static struct store *open_store(void)
{
	char path[160];
	struct store *s;
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/mail.db", folder);
	if (store_open(path, 1, NOW_MS, &s, &e) != OK)
		give_up(&e);
	return s;
}

static void put_letter(struct store *s, const struct letter *l, size_t i)
{
	struct span text = span_str(l->text);
	struct span keyword = span_str(l->keyword);
	struct store_append item = {
		.flags = l->flags,
		.keywords = &keyword,
		.keyword_count = keyword.n > 0,
		.received_ms = NOW_MS + (int64_t)i * 86400000,
	};
	struct err e;
	uint32_t uid;

	if (store_upload_begin(s, text.n, &item.upload, &e) != OK ||
		store_upload_feed(item.upload, text, &e) != OK ||
		store_append(s, store_inbox(s), &item, 1, NOW_MS, &uid, &e) !=
			OK)
		give_up(&e);
	store_upload_free(item.upload);
}

static struct span read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes;

	if (f == NULL || fstat(fileno(f), &st) != 0)
		exit(70);
	bytes = mem_new((size_t)st.st_size, 1);
	if (fread(bytes, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		exit(70);
	(void)fclose(f);
	return span_of(bytes, (size_t)st.st_size);
}

static void make_template(const struct drop *d)
{
	char path[160];
	struct store *s = open_store();

	for (size_t i = 0; i < DROP_MAX && d->letters[i].text != NULL; i++)
		put_letter(s, &d->letters[i], i);
	store_tidy(s);
	store_close(s);
	(void)snprintf(path, sizeof(path), "%s/mail.db", folder);
	templates[d - drops] = read_file(path);
}

static struct store *store_of(const struct drop *d)
{
	struct span *bytes = &templates[d - drops];
	char path[160];
	FILE *f;

	if (folder[0] == '\0')
		make_folder();
	remove_file("mail.db");
	remove_file("mail.db-wal");
	if (bytes->p == NULL)
		make_template(d);
	(void)snprintf(path, sizeof(path), "%s/mail.db", folder);
	f = fopen(path, "wb");
	if (f == NULL || fwrite(bytes->p, 1, bytes->n, f) != bytes->n)
		exit(70);
	(void)fclose(f);
	return open_store();
}

static void deliver(struct engine *e, struct span subject)
{
	struct buf text;
	struct sha256 sum;
	struct store_delivery d = {.qid = ++e->qid, .fd = -1,
		.received_ms = e->now_ms, .trace = SPAN("Received: x\r\n")};
	struct err why;
	uint64_t uid;

	buf_init(&text, 4096);
	buf_printf(&text, "Subject: %.*s\r\n\r\nnew\r\n", SPAN_ARG(subject));
	d.body = buf_span(&text);
	d.size = d.body.n;
	sum = sha256_of(d.body);
	d.sha256 = sha256_span(&sum);
	if (store_delivery_begin(e->store, &why) != OK ||
		store_delivery_add(e->store, &d, &uid, &why) != OK ||
		store_delivery_commit(e->store, &why) != OK)
		give_up(&why);
	buf_clear(&text);
}

static unsigned plays;

static void sign(struct store *s)
{
	bool has_more;
	struct err e;

	if (store_sign(s, &has_more, &e) != OK)
		give_up(&e);
}

/* ---- open and close ----------------------------------------------------------------- */
static void close_engine(void *engine)
{
	struct engine *e = engine;

	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		imap_session_close(e->sessions[i]);
		buf_clear(&e->pending[i]);
	}
	store_close(e->store);
	buf_clear(&e->text);
	mem_free(e);
}

static bool take_option(struct engine *e, struct span option)
{
	struct span name = driver_word(&option);

	if (span_eq(name, SPAN("many")))
		e->is_many = true;
	else if (span_eq(name, SPAN("append_max")))
		return num_parse_u64(option, UINT64_MAX, &e->append_max);
	else if (span_eq(name, SPAN("slow")))
		return num_parse_u64(option, 1u << 20, &e->pause_ms);
	else if (span_eq(name, SPAN("quota")))
		return num_parse_u64(option, UINT64_MAX, &e->quota);
	else if (!span_eq(name, SPAN("drop")))
		return span_eq(name, SPAN("engine"));
	for (size_t i = 0; i < DROP_COUNT; i++)
		if (span_eq(option, span_str(drops[i].name)))
			e->drop = &drops[i];
	return true;
}

static void begin_session(struct engine *e, size_t i)
{
	const struct imap_session_config config = {
		.store = e->store,
		.tag = SPAN("a0"),
		.append_max = e->append_max,
	};

	e->sessions[i] = imap_session_open(&config);
	e->count = i + 1 > e->count ? i + 1 : e->count;
}

static void *open_engine(const struct span *options, size_t count)
{
	struct engine *e = MEM_NEW(struct engine);

	e->drop = &drops[0];
	e->append_max = 10000;
	e->now_ms = NOW_MS;
	buf_init(&e->text, 4u << 20);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		buf_init(&e->pending[i], 4u << 20);
	for (size_t i = 0; i < count; i++) {
		if (take_option(e, options[i]))
			continue;
		close_engine(e);
		return NULL;
	}
	e->store = store_of(e->drop);
	e->may_nap = plays % 4 >= 2;
	if (plays++ % 2 == 1)
		sign(e->store);
	store_set_quota(e->store, e->quota);
	begin_session(e, 0);
	return e;
}

/* ---- one session ---------------------------------------------------------------------- */
/* It pauses: the next turn of the loop is so much later. */
static bool goes_on(struct engine *e, size_t i)
{
	if (!imap_session_is_working(e->sessions[i]))
		return false;
	e->now_ms += (int64_t)e->pause_ms;
	if (e->pause_ms > 0)
		(void)imap_session_feed(e->sessions[i], SPAN_EMPTY, e->now_ms);
	return true;
}

/* Whoever may sleep does, and wakes at once. */
static void nap(struct engine *e, size_t i)
{
	const struct imap_session_config config = {.store = e->store,
		.append_max = e->append_max};
	struct imap_session *woken;
	struct err err;
	struct buf state;

	if (!e->may_nap || !imap_session_may_sleep(e->sessions[i]))
		return;
	buf_init(&state, IMAP_SLEEP_BYTES);
	imap_session_sleep(e->sessions[i], &state);
	must(!state.overflow);
	must(imap_session_wake(&config, buf_span(&state), &woken, &err) == OK);
	buf_clear(&state);
	imap_session_close(e->sessions[i]);
	e->sessions[i] = woken;
}

static bool next_of(struct engine *e, size_t i, struct driver_effect *out)
{
	static const enum driver_effect_type types[] = {
		[IMAP_SESSION_SEND] = DRIVER_SEND,
		[IMAP_SESSION_TROUBLE] = DRIVER_EVENT,
		[IMAP_SESSION_COMPRESS] = DRIVER_EVENT,
		[IMAP_SESSION_RETURN] = DRIVER_CLOSE,
		[IMAP_SESSION_CLOSE] = DRIVER_CLOSE,
	};
	struct imap_session_effect effect;

	do {
		if (imap_session_next(e->sessions[i], &effect)) {
			*out = (struct driver_effect){types[effect.type],
				effect.bytes};
			return true;
		}
	} while (goes_on(e, i));
	nap(e, i);
	return false;
}

/* ---- many ---------------------------------------------------------------------------------- */
/* The line with the UIDVALIDITY where "@V" stands. */
static struct span with_uidvalidity(struct engine *e, struct span line,
	struct buf *out)
{
	size_t n = span_find_span(line, SPAN("@V"));

	if (n == line.n)
		return line;
	buf_put(out, span_head(line, n));
	buf_put_u64(out, store_mailbox_find(e->store, SPAN("INBOX"))
				 ->uidvalidity);
	buf_put(out, span_tail(line, n + 2));
	return buf_span(out);
}

static void feed_session(struct engine *e, size_t i, struct span line)
{
	struct buf text;

	if (e->sessions[i] == NULL)
		begin_session(e, i);
	buf_init(&text, line.n + 32);
	(void)imap_session_feed(e->sessions[i],
		with_uidvalidity(e, line, &text), e->now_ms);
	buf_clear(&text);
}

static void route(struct engine *e, struct span line)
{
	size_t i = 0;

	if (span_starts(line, SPAN("deliver: "))) {
		deliver(e, span_head(span_tail(line, 9), line.n - 11));
		return;
	}
	if (span_starts(line, SPAN("quota: "))) {
		uint64_t quota = 0;

		(void)num_parse_u64(span_head(span_tail(line, 7), line.n - 9),
			UINT64_MAX, &quota);
		store_set_quota(e->store, quota);
		return;
	}
	if (span_starts(line, SPAN("messages: "))) {
		uint64_t limit = 0;

		(void)num_parse_u64(span_head(span_tail(line, 10), line.n - 12),
			UINT64_MAX, &limit);
		store_set_message_limit(e->store, limit);
		return;
	}
	if (line.n > 3 && line.p[1] == ':' && line.p[0] >= '2' &&
		line.p[0] <= '0' + SESSIONS_MAX) {
		i = (size_t)(line.p[0] - '1');
		line = span_tail(line, 3);
	}
	feed_session(e, i, line);
}

/* A line of session i, from its pending bytes; false: none is complete. */
static bool put_line(struct engine *e, size_t i, struct driver_effect *out)
{
	struct span have = buf_span(&e->pending[i]);
	size_t n = span_find(have, '\n');

	if (n == have.n)
		return false;
	buf_reset(&e->text);
	if (i > 0)
		buf_printf(&e->text, "%zu: ", i + 1);
	buf_put(&e->text, span_head(have, n + 1));
	buf_consume(&e->pending[i], n + 1);
	*out = (struct driver_effect){DRIVER_SEND, buf_span(&e->text)};
	return true;
}

static bool next_of_many(struct engine *e, struct driver_effect *out)
{
	for (size_t i = 0; i < e->count; i++) {
		struct driver_effect effect;

		while (e->sessions[i] != NULL && next_of(e, i, &effect)) {
			if (effect.type == DRIVER_SEND)
				buf_put(&e->pending[i], effect.bytes);
			else if (effect.type == DRIVER_CLOSE && i == 0)
				e->owes_close = true;
		}
		if (put_line(e, i, out))
			return true;
	}
	if (!e->owes_close)
		return false;
	e->owes_close = false;
	*out = (struct driver_effect){DRIVER_CLOSE, SPAN_EMPTY};
	return true;
}

/* ---- the face --------------------------------------------------------------------------------- */
static size_t feed(void *engine, struct span in, int64_t now_ms)
{
	struct engine *e = engine;
	size_t n;

	e->now_ms = NOW_MS + now_ms;
	if (!e->is_many)
		return imap_session_feed(e->sessions[0], in, e->now_ms);
	n = span_find(in, '\n');
	if (n == in.n)
		return 0;
	route(e, span_head(in, n + 1));
	return n + 1;
}

static bool next(void *engine, struct driver_effect *out)
{
	struct engine *e = engine;
	bool has_any;

	if (e->is_many)
		return next_of_many(e, out);
	has_any = next_of(e, 0, out);
	must(!has_any || !e->is_closed);
	e->is_closed = has_any && out->type == DRIVER_CLOSE;
	return has_any;
}

static bool answer(void *engine, struct span question, struct span text)
{
	(void)engine;
	(void)question;
	(void)text;
	return false;
}

const struct driver dialog_driver = {
	.name = "imap",
	.open = open_engine,
	.close = close_engine,
	.feed = feed,
	.next = next,
	.answer = answer,
};
