/*
 * test_store_meta.c - what the store knows of a message without reading it, and
 * that it is the same whichever way the message came.
 */
#include "verify.h"

#include <dirent.h>
#include <fcntl.h>

#include "message/summary.h"

static void open_arena(struct arena *a)
{
	arena_init(a, STORE_META_ARENA_BYTES);
}

static void get(struct fixture *f, uint64_t message, struct arena *a,
	struct store_meta *out)
{
	if (store_message_meta(f->store, message, a, out, &f->e) != OK)
		fail_msg("message %llu: %s", (unsigned long long)message,
			f->e.text);
	assert_ptr_equal(out->tree->parts[0].envelope, out->envelope);
	assert_int_equal(out->tree->size, out->size);
}

/* All of it as bytes, but what differs from message to message. */
static void pack(const struct store_meta *m, struct buf *out)
{
	buf_init(out, 8u << 20);
	buf_printf(out, "%lld %d %d ", (long long)m->sent_ms, m->has_sent,
		m->has_attachment);
	buf_put(out, m->preview);
	envelope_pack(m->envelope, out);
	mime_tree_pack(m->tree, out);
	assert_false(out->overflow);
}

static void assert_same(struct fixture *f, uint64_t one, uint64_t other)
{
	struct arena a;
	struct store_meta m, n;
	struct buf first, second;

	open_arena(&a);
	get(f, one, &a, &m);
	pack(&m, &first);
	get(f, other, &a, &n);
	pack(&n, &second);
	if (!span_eq(buf_span(&first), buf_span(&second)))
		fail_msg("%llu and %llu differ", (unsigned long long)one,
			(unsigned long long)other);
	buf_clear(&first);
	buf_clear(&second);
	arena_clear(&a);
}

/* From a descriptor, as large ones come. */
static uint64_t deliver_file(struct fixture *f, uint64_t qid, struct span body)
{
	char path[] = "/tmp/test-spool-XXXXXX";
	struct sha256 sum;
	struct store_delivery d = delivery_of(qid, body, &sum);
	uint64_t uid = 0;

	d.body = SPAN_EMPTY;
	d.fd = mkstemp(path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(write(d.fd, body.p, body.n), body.n);
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e), OK);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	close(d.fd);
	return uid;
}

#define TREE                                                                   \
	"From: Alice <alice@crepes.fr>\r\n"                                    \
	"Subject: =?utf-8?q?k=C3=A9tchup?=\r\n"                                \
	"Date: Thu, 1 Jan 1970 01:00:05 +0100\r\n"                             \
	"Message-ID: <1@crepes.fr>\r\n"                                        \
	"Content-Type: multipart/mixed; boundary=b\r\n"                        \
	"\r\n"                                                                 \
	"--b\r\n"                                                              \
	"Content-Type: text/html\r\n"                                          \
	"\r\n"                                                                 \
	"<p>Do you <b>like</b> it?</p>\r\n"                                    \
	"--b\r\n"                                                              \
	"Content-Type: image/png; name=k.png\r\n"                              \
	"Content-Disposition: attachment\r\n"                                  \
	"Content-Transfer-Encoding: base64\r\n"                                \
	"\r\n"                                                                 \
	"AAAA\r\n"                                                             \
	"--b--\r\n"

static void assert_tree(struct fixture *f, uint64_t message)
{
	struct store_meta m;
	struct arena a;
	struct buf whole;
	const struct mime_part *p;

	open_arena(&a);
	get(f, message, &a, &m);
	assert_int_equal(m.message, message);
	assert_int_equal(m.size, sizeof(HEAD) - 1 + sizeof(TREE) - 1);
	assert_int_equal(m.received_ms, 1700000000000);
	assert_true(m.has_sent);
	assert_int_equal(m.sent_ms, 5000);
	assert_true(m.has_attachment);
	assert_true(span_eq(m.preview, SPAN("Do you like it?")));
	assert_true(span_eq(m.envelope->subject,
		SPAN("=?utf-8?q?k=C3=A9tchup?=")));
	assert_int_equal(m.envelope->from.count, 1);
	assert_int_equal(m.tree->count, 3);
	/* the offsets are those of what a reader gives */
	buf_init(&whole, 65536);
	assert_int_equal(read_message(f, message, &whole), OK);
	p = &m.tree->parts[2];
	assert_true(span_starts(span_tail(buf_span(&whole), p->body_start),
		SPAN("AAAA\r\n--b--")));
	assert_int_equal(p->body_end - p->body_start, 4);
	buf_clear(&whole);
	arena_clear(&a);
}

static void knows_what_came(void **state)
{
	struct fixture *f = *state;
	uint64_t uid = 0;

	assert_int_equal(deliver(f, 1, SPAN(TREE), &uid), OK);
	assert_tree(f, 1);
	reopen(f);
	assert_tree(f, 1);
	assert_int_equal(broken(f), 0);
}

static void knows_nothing_of_others(void **state)
{
	struct fixture *f = *state;
	struct store_meta m;
	struct arena a;
	uint64_t uid = 0;

	open_arena(&a);
	assert_int_equal(store_message_meta(f->store, 1, &a, &m, &f->e),
		NOT_FOUND);
	assert_int_equal(deliver(f, 1, SPAN_EMPTY, &uid), OK);
	get(f, 1, &a, &m);
	assert_false(m.has_sent || m.has_attachment);
	assert_int_equal(m.preview.n, 0);
	assert_int_equal(store_message_meta(f->store, 2, &a, &m, &f->e),
		NOT_FOUND);
	arena_clear(&a);
}

/* ---- the corpus ------------------------------------------------------------ */
static struct span read_file(const char *name)
{
	char path[512];
	struct span s;
	uint8_t *p = mem_new(8u << 20, 1);
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", CORPUS, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	s = span_of(p, fread(p, 1, 8u << 20, file));
	assert_true(s.n < 8u << 20);
	(void)fclose(file);
	return s;
}

/* What the store gives is what the parser says of the bytes that it gives. */
static void assert_parsed(struct fixture *f, uint64_t message)
{
	struct arena a, b;
	struct store_meta m;
	struct buf whole, told, parsed;

	open_arena(&a);
	arena_init(&b, MIME_ARENA_BYTES);
	buf_init(&whole, 8u << 20);
	buf_init(&told, 8u << 20);
	buf_init(&parsed, 8u << 20);
	get(f, message, &a, &m);
	assert_int_equal(read_message(f, message, &whole), OK);
	mime_tree_pack(m.tree, &told);
	mime_tree_pack(mime_parse(&b, buf_span(&whole)), &parsed);
	assert_true(span_eq(buf_span(&told), buf_span(&parsed)));
	buf_clear(&whole);
	buf_clear(&told);
	buf_clear(&parsed);
	arena_clear(&a);
	arena_clear(&b);
}

static void knows_the_corpus(void **state)
{
	struct fixture *f = *state;
	DIR *folder = opendir(CORPUS);
	const struct dirent *entry;
	uint64_t qid = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		size_t n = strlen(entry->d_name);
		struct span body;
		uint64_t uid = 0;

		if (n < 4 || strcmp(entry->d_name + n - 4, ".eml") != 0)
			continue;
		body = read_file(entry->d_name);
		assert_int_equal(deliver(f, ++qid, body, &uid), OK);
		assert_parsed(f, uid);
		assert_same(f, uid, deliver_file(f, ++qid, body));
		mem_free((void *)(uintptr_t)body.p);
	}
	(void)closedir(folder);
	assert_true(qid > 100);
	assert_int_equal(broken(f), 0);
}

/* ---- long and wild ------------------------------------------------------------ */
static void is_the_same_in_pieces(void **state)
{
	struct fixture *f = *state;
	struct buf body;
	uint64_t uid = 0;

	buf_init(&body, 2u << 20);
	buf_puts(&body, "Subject: x\r\nContent-Type: multipart/mixed; "
			"boundary=b\r\n\r\n");
	for (int i = 0; buf_len(&body) < STORE_PIECE_BYTES * 3; i++)
		buf_printf(&body, "--b\r\nContent-Type: text/plain; name=%d"
			"\r\n\r\n%0*d\r\n", i, 900 + i % 97, i);
	buf_puts(&body, "--b--\r\n");
	assert_int_equal(deliver(f, 1, buf_span(&body), &uid), OK);
	assert_parsed(f, 1);
	assert_same(f, 1, deliver_file(f, 2, buf_span(&body)));
	buf_clear(&body);
}

static void put_wild(struct buf *body, const char *what)
{
	static uint8_t name[MESSAGE_PARAM_MAX - 100];
	bool has_parts = strcmp(what, "parts") == 0;

	memset(name, 'n', sizeof(name));
	buf_puts(body, "Subject: x");
	for (int i = 0; i < 1000 && strcmp(what, "subject") == 0; i++)
		buf_printf(body, "\r\n %01000d", i);
	buf_puts(body, "\r\n");
	if (strcmp(what, "subject") == 0) {
		buf_puts(body, "To: a");
		for (int i = 1; i < 20000; i++)
			buf_puts(body, ",a");
		buf_puts(body, "\r\n");
	}
	if (strcmp(what, "addresses") == 0) {
		buf_puts(body, "To: ");
		for (int i = 0; buf_len(body) < 900000; i++)
			buf_printf(body, "%s\"a person\" <%d@x>",
				i == 0 ? "" : ",\r\n ", i);
		buf_puts(body, "\r\nCc: a@x, b@x\r\nReferences:");
		for (int i = 0; i < 5000; i++)
			buf_printf(body, "\r\n <%d@example.org>", i);
		buf_puts(body, "\r\n");
	}
	buf_puts(body, "Content-Type: multipart/mixed; boundary=b");
	for (int i = 0; i < 120 && !has_parts; i++) {
		buf_printf(body, ";\r\n p%d=", i);
		buf_put(body, span_of(name, sizeof(name) - 40));
	}
	buf_puts(body, "\r\n\r\n");
	for (int i = 0; i < 1000 && has_parts; i++) {
		buf_puts(body, "--b\r\nContent-Type: text/plain; name=");
		buf_put(body, span_of(name, sizeof(name)));
		buf_puts(body, "\r\n\r\nhi\r\n");
	}
	buf_puts(body, "--b--\r\n");
	assert_false(body->overflow);
}

/* No message is too wild to be delivered, and its rows stay below a limit. */
static void cuts_what_is_too_long(void **state)
{
	static const char *const shapes[] = {"parts", "subject", "addresses",
		"parameters"};
	struct fixture *f = *state;
	struct arena a;
	struct store_meta m;
	struct buf body, packed;
	uint64_t uid = 0;

	buf_init(&body, 16u << 20);
	buf_init(&packed, 16u << 20);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		buf_reset(&body);
		put_wild(&body, shapes[i]);
		assert_int_equal(deliver(f, i + 1, buf_span(&body), &uid), OK);
		open_arena(&a);
		get(f, uid, &a, &m);
		buf_reset(&packed);
		mime_tree_pack(m.tree, &packed);
		envelope_pack(m.envelope, &packed);
		assert_in_range(buf_len(&packed), 1, 2u << 20);
		if (i == 0)
			assert_true(m.tree->is_cut && m.tree->count == 1);
		if (i == 1)
			assert_true(m.envelope->to.is_cut &&
				m.envelope->to.count == 1000 &&
				m.envelope->subject.n == 65536);
		assert_true(span_starts(m.envelope->subject, SPAN("x")));
		arena_clear(&a);
	}
	assert_int_equal(broken(f), 0);
	buf_clear(&body);
	buf_clear(&packed);
}

/* ---- what an older release stored ---------------------------------------------- */
#define FORGET                                                                 \
	"UPDATE message SET thread = NULL, sent_ms = NULL, "                   \
	"has_attachment = NULL, preview = NULL, envelope = NULL, "             \
	"structure = NULL; DELETE FROM thread_reference"

#define MANY 150u

static void deliver_many(struct fixture *f)
{
	for (uint64_t i = 1; i <= MANY; i++) {
		char text[256];
		uint64_t uid;
		int n = snprintf(text, sizeof(text), "Message-ID: <%llu@x>\r\n"
			"References: <%llu@x>\r\nSubject: k\r\n\r\nhello %llu\r\n",
			(unsigned long long)i, (unsigned long long)(i - i % 10),
			(unsigned long long)i);

		assert_int_equal(deliver(f, i, span_of(text, (size_t)n), &uid),
			OK);
	}
}

static void assert_many(struct fixture *f)
{
	for (uint64_t i = 1; i <= MANY; i++) {
		struct arena a;
		struct store_meta m;
		char want[32];
		uint64_t thread;

		(void)snprintf(want, sizeof(want), "hello %llu",
			(unsigned long long)i);
		open_arena(&a);
		get(f, i, &a, &m);
		assert_true(span_eq(m.preview, span_str(want)));
		thread = m.thread;
		get(f, i - i % 10 == 0 ? 1 : i - i % 10, &a, &m);
		assert_int_equal(m.thread, thread);
		arena_clear(&a);
	}
}

/* How many slices it takes until nothing is left. */
static unsigned fill(struct fixture *f)
{
	unsigned slices = 0;
	bool has_more = true;

	while (has_more) {
		assert_int_equal(store_fill(f->store, &has_more, &f->e), OK);
		slices++;
	}
	return slices;
}

static void fills_in_slices(void **state)
{
	struct fixture *f = *state;
	bool has_more = true;

	assert_int_equal(store_fill(f->store, &has_more, &f->e), OK);
	assert_false(has_more);
	deliver_many(f);
	assert_many(f);
	tamper(f, FORGET);
	assert_int_equal(broken(f), 0);
	assert_int_equal(fill(f), MANY / STORE_FILL_MESSAGES + 1);
	assert_int_equal(fill(f), 1);
	assert_many(f);
	assert_int_equal(broken(f), 0);
	/* once is for ever */
	reopen(f);
	assert_int_equal(fill(f), 1);
	assert_many(f);
}

/* Who asks before the idle pass came does not notice. */
static void reads_what_it_is_asked_for(void **state)
{
	struct fixture *f = *state;

	deliver_many(f);
	tamper(f, FORGET);
	assert_many(f);
	assert_int_equal(broken(f), 0);
	tamper(f, FORGET);
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_many(f);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	assert_int_equal(fill(f), 1);
}

/* One message of many, whatever was asked before; 5 and 77 are gone. */
static void assert_one(struct fixture *f, struct store_metas *metas,
	uint64_t message)
{
	bool is_gone = message == 5 || message == 77 || message > MANY;
	struct arena a;
	struct store_meta m;
	char want[32];

	open_arena(&a);
	assert_int_equal(store_metas_get(f->store, metas, message, &a, &m,
		&f->e), is_gone ? NOT_FOUND : OK);
	(void)snprintf(want, sizeof(want), "<%llu@x>",
		(unsigned long long)message);
	if (!is_gone && metas->what & STORE_META_ENVELOPE)
		assert_true(span_eq(m.envelope->message_id, span_str(want)));
	if (!is_gone && metas->what & STORE_META_TREE)
		assert_int_equal(m.tree->size, m.size);
	if (!is_gone) {
		assert_int_equal(m.envelope != NULL,
			(metas->what & STORE_META_ENVELOPE) != 0);
		assert_int_equal(m.tree != NULL,
			(metas->what & STORE_META_TREE) != 0);
		assert_int_equal(m.message, message);
	}
	arena_clear(&a);
}

static void goes_through_many(void **state)
{
	/* rising, twice, back, far, what is gone, beyond the end */
	static const uint64_t order[] = {1, 2, 4, 5, 6, 6, 7, 3, 70, 74, 77, 78,
		MANY, MANY + 1, 1, 77, 76, 77, 79};
	struct fixture *f = *state;
	uint64_t gone[] = {5, 77};

	deliver_many(f);
	assert_int_equal(store_messages_expunge(f->store,
		store_inbox(f->store), gone, 2, &f->e), OK);
	for (unsigned what = STORE_META_ENVELOPE; what <= STORE_META_ALL;
		what++) {
		struct store_metas metas = {.what = what};

		for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
			assert_one(f, &metas, order[i]);
		for (uint64_t i = 1; i <= MANY; i++)
			assert_one(f, &metas, i);
		store_metas_end(&metas);
		/* those that nobody read yet */
		tamper(f, FORGET);
		for (uint64_t i = 1; i <= 10; i++)
			assert_one(f, &metas, i);
		store_metas_end(&metas);
		assert_true(fill(f) > 1);
	}
}

static void passes_over_damaged_bytes(void **state)
{
	struct fixture *f = *state;
	struct arena a;
	struct store_meta m;

	deliver_many(f);
	tamper(f, FORGET "; UPDATE body SET content = x'00' WHERE message = 5");
	assert_int_equal(fill(f), MANY / STORE_FILL_MESSAGES + 1);
	open_arena(&a);
	get(f, 4, &a, &m);
	get(f, 6, &a, &m);
	assert_int_equal(store_message_meta(f->store, 5, &a, &m, &f->e),
		CORRUPT);
	arena_clear(&a);
	assert_int_equal(broken(f), 1u << 7 | 1u << 8);
}

/* ---- damage --------------------------------------------------------------------- */
static const struct {
	const char *sql;
	unsigned invariants;
	bool is_readable;
} damages[] = {
	{"UPDATE message SET thread = NULL WHERE message = 1",
		1u << 14 | 1u << 16, true},
	{"UPDATE message SET structure = NULL WHERE message = 1", 1u << 14,
		true},
	{"UPDATE message SET structure = x'07' WHERE message = 1", 1u << 15,
		false},
	{"UPDATE message SET envelope = x'' WHERE message = 1", 1u << 15,
		false},
	{"UPDATE message SET structure = (SELECT structure FROM message "
	 "WHERE message = 2) WHERE message = 1", 1u << 15, false},
	{"UPDATE message SET preview = cast(x'ff' as text) WHERE message = 1",
		1u << 15, true},
	{"UPDATE account SET next_thread = 2", 1u << 2, true},
	{"UPDATE thread_reference SET thread = 99 WHERE thread = 2", 1u << 16,
		true},
	{"UPDATE thread_reference SET reference = x'00' WHERE thread = 2",
		1u << 16, true},
};

static void finds_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct fixture f = {0};
		struct arena a;
		struct store_meta m;
		uint64_t uid;
		unsigned seen;

		fixture_path(&f);
		fixture_open(&f);
		assert_int_equal(deliver(&f, 1, SPAN(TREE), &uid), OK);
		assert_int_equal(deliver(&f, 2, SPAN("Message-ID: <9@x>\r\n"
			"\r\nhello\r\n"), &uid), OK);
		tamper(&f, damages[i].sql);
		seen = broken(&f);
		if (seen != damages[i].invariants)
			fail_msg("%s: %#x", damages[i].sql, seen);
		open_arena(&a);
		assert_int_equal(store_message_meta(f.store, 1, &a, &m, &f.e),
			damages[i].is_readable ? OK : CORRUPT);
		arena_clear(&a);
		fixture_remove(&f);
	}
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {T(knows_what_came),
		T(knows_nothing_of_others), T(knows_the_corpus),
		T(is_the_same_in_pieces), T(cuts_what_is_too_long),
		T(fills_in_slices), T(reads_what_it_is_asked_for),
		T(goes_through_many),
		T(passes_over_damaged_bytes),
		cmocka_unit_test(finds_damage)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
