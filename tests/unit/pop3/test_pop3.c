/*
 * test_pop3.c - every command in every state; long answers in bounded pieces;
 * damaged messages.  What a whole dialogue shows better is in tests/dialog/pop3.
 */
#include "unit/store/fixture.h"

#include <sqlite3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "pop3/pop3.h"
#include "pop3/pop3_command.h"
#include "pop3/pop3_login.h"

static int set_up(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);

	fixture_path(f);
	fixture_open(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	fixture_remove(*state);
	mem_free(*state);
	return 0;
}

/* ---- the table ------------------------------------------------------------------ */
/* From the RFCs, not from our table. */
static const struct row {
	const char *line;
	unsigned states;
} rows[] = {
	{"CAPA", POP3_AUTHORIZATION | POP3_AFTER_USER | POP3_TRANSACTION},
	{"DELE 1", POP3_TRANSACTION},
	{"LIST", POP3_TRANSACTION},
	{"LIST 1", POP3_TRANSACTION},
	{"NOOP", POP3_TRANSACTION},
	{"PASS x", POP3_AFTER_USER},
	{"QUIT", POP3_AUTHORIZATION | POP3_AFTER_USER | POP3_TRANSACTION},
	{"RETR 1", POP3_TRANSACTION},
	{"RSET", POP3_TRANSACTION},
	{"STAT", POP3_TRANSACTION},
	{"TOP 1 0", POP3_TRANSACTION},
	{"UIDL", POP3_TRANSACTION},
	{"UIDL 1", POP3_TRANSACTION},
	{"USER x", POP3_AUTHORIZATION | POP3_AFTER_USER},
	{"APOP x y", 0},
	{"AUTH PLAIN AGIAcA==", POP3_AUTHORIZATION | POP3_AFTER_USER},
	{"AUTH", POP3_AUTHORIZATION | POP3_AFTER_USER},
	{"AUTH CRAM-MD5", 0},
	{"STLS", 0},
	{"", 0},
};

/* The engines in a state, and what they answered to a line. */
struct both {
	struct arena arena;
	struct pop3_login *login;
	struct pop3 *session;
	struct buf got;
	bool has_asked;
};

static void take_login(struct both *b)
{
	struct pop3_login_effect e;

	while (pop3_login_next(b->login, &e)) {
		if (e.type == POP3_LOGIN_SEND)
			buf_put(&b->got, e.bytes);
		else if (e.type == POP3_LOGIN_ASK)
			b->has_asked = true;
	}
}

static void take_session(struct both *b)
{
	struct pop3_effect e;

	while (pop3_next(b->session, &e))
		if (e.type == POP3_SEND)
			buf_put(&b->got, e.bytes);
}

static void say(struct both *b, const char *line)
{
	char text[300];
	struct span in;

	(void)snprintf(text, sizeof(text), "%s\r\n", line);
	in = span_str(text);
	buf_reset(&b->got);
	if (b->session != NULL) {
		assert_int_equal(pop3_feed(b->session, in), in.n);
		take_session(b);
	} else {
		assert_int_equal(pop3_login_feed(b->login, in), in.n);
		take_login(b);
	}
}

static void begin(struct both *b, struct fixture *f, enum pop3_state state)
{
	static const struct pop3_login_config config = {
		.hostname = {(const uint8_t *)"mx.test", 7},
		.errors_max = 1000, .login = {.may_plain = true}};

	memset(b, 0, sizeof(*b));
	arena_init(&b->arena, POP3_LOGIN_ARENA_BYTES);
	buf_init(&b->got, 1 << 20);
	b->login = pop3_login_open(&b->arena, &config);
	take_login(b);
	if (state == POP3_AFTER_USER)
		say(b, "USER bob");
	if (state == POP3_TRANSACTION) {
		assert_int_equal(pop3_open(f->store, &b->session, &f->e), OK);
		take_session(b);
	}
}

static void finish(struct both *b)
{
	pop3_close(b->session);
	pop3_login_close(b->login);
	arena_clear(&b->arena);
	buf_clear(&b->got);
}

static void every_row_in_every_state(void **state)
{
	struct fixture *f = *state;
	uint64_t uid = 0;
	struct both b;

	assert_int_equal(deliver(f, 1, SPAN("Subject: x\r\n\r\ny\r\n"), &uid),
		OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned s = 1; s < POP3_UPDATE; s <<= 1) {
			bool want = rows[i].states & s;
			bool is;

			begin(&b, f, (enum pop3_state)s);
			say(&b, rows[i].line);
			is = b.has_asked ||
				span_starts(buf_span(&b.got), SPAN("+OK"));
			if (is != want)
				fail_msg("\"%s\" in state %u: %.*s",
					rows[i].line, s,
					SPAN_ARG(buf_span(&b.got)));
			if (!is)
				assert_true(span_starts(buf_span(&b.got),
					SPAN("-ERR ")));
			finish(&b);
		}
	}
}

/* Every command, with every number of arguments that it must refuse. */
static void every_row_with_wrong_arguments(void **state)
{
	static const char *const args[] = {"", " 1", " 1 1", " 1 1 1"};

	(void)state;
	for (size_t i = 0; i < POP3_VERB_COUNT; i++) {
		const struct pop3_command *c = &pop3_commands[i];

		for (size_t n = 0; n < 4; n++) {
			struct pop3_call call;
			char line[32];
			bool want = n >= c->min &&
				(n <= c->max || (c->is_text && n > 0));

			(void)snprintf(line, sizeof(line), "%s%s", c->name,
				args[n]);
			for (unsigned s = 1; s < POP3_UPDATE; s <<= 1) {
				const char *wrong = pop3_command_read(
					span_str(line), (enum pop3_state)s,
					&call);

				if ((wrong == NULL) !=
					(want && (c->states & s)))
					fail_msg("\"%s\" in state %u", line, s);
			}
		}
	}
}

/* ---- long answers ---------------------------------------------------------------- */
/* Takes one effect after the other, as a slow client would; true if CLOSE. */
static bool take_all(struct pop3 *p, struct buf *got, unsigned *out_trouble)
{
	struct pop3_effect e;
	bool is_closed = false;

	while (pop3_next(p, &e)) {
		assert_true(e.bytes.n <= POP3_OUT_BYTES +
			STORE_PIECE_BYTES * 2 + STORE_HEAD_BYTES * 2);
		if (e.type == POP3_SEND)
			buf_put(got, e.bytes);
		else if (e.type == POP3_CLOSE)
			is_closed = true;
		else
			(*out_trouble)++;
	}
	return is_closed;
}

static void long_lists_come_in_pieces(void **state)
{
	struct fixture *f = *state;
	struct sha256 sum;
	struct store_delivery d = delivery_of(1, SPAN("x\r\n"), &sum);
	struct pop3_effect e;
	struct pop3 *p;
	size_t bytes = 0, sends = 0;
	uint64_t uid;

	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	for (d.qid = 1; d.qid <= 20000; d.qid++)
		assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e),
			OK);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	assert_int_equal(pop3_open(f->store, &p, &f->e), OK);
	/* the second command waits for the end of the first */
	assert_int_equal(pop3_feed(p, SPAN("LIST\r\nNOOP\r\n")), 6);
	while (pop3_next(p, &e)) {
		assert_int_equal(e.type, POP3_SEND);
		assert_true(e.bytes.n < POP3_OUT_BYTES + 64);
		bytes += e.bytes.n;
		sends++;
	}
	assert_true(sends >= 3);
	/* "12345 85": numbers 1 to 20000 and the lines of the answer */
	assert_true(bytes > 20000 * 8);
	assert_int_equal(pop3_feed(p, SPAN("NOOP\r\n")), 6);
	assert_true(pop3_next(p, &e));
	assert_true(span_eq(e.bytes, SPAN("+OK\r\n")));
	pop3_close(p);
}

static void pipelined_messages_share_a_send(void **state)
{
	struct fixture *f = *state;
	struct pop3_effect e;
	struct pop3 *p;
	uint64_t uid = 0;

	for (uint64_t qid = 1; qid <= 3; qid++)
		assert_int_equal(deliver(f, qid, SPAN("a\r\n"), &uid), OK);
	assert_int_equal(pop3_open(f->store, &p, &f->e), OK);
	assert_int_equal(pop3_feed(p, SPAN("RETR 1\r\nRETR 2\r\nRETR 3\r\n")),
		24);
	assert_true(pop3_next(p, &e));
	assert_int_equal(e.type, POP3_SEND);
	assert_true(span_ends(e.bytes, SPAN("a\r\n.\r\n")));
	assert_false(pop3_next(p, &e));
	assert_int_equal(pop3_counts(p).retrieved, 3);
	pop3_close(p);
}

/* A body of n bytes, all lines of which begin with a dot. */
static struct span dotted_body(size_t n)
{
	uint8_t *bytes = mem_new(n, 1);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(".\r\n"[i % 3]);
	return span_of(bytes, n);
}

static void deliver_large(struct fixture *f, struct span body)
{
	uint64_t uid = 0;

	assert_int_equal(deliver(f, 1, body, &uid), OK);
}

static void large_messages_come_in_pieces(void **state)
{
	struct fixture *f = *state;
	struct span body = dotted_body(3000000);
	struct buf got;
	struct pop3 *p;
	unsigned trouble = 0;
	size_t dots = 0;
	struct span text;

	buf_init(&got, 8u << 20);
	deliver_large(f, body);
	assert_int_equal(pop3_open(f->store, &p, &f->e), OK);
	assert_false(take_all(p, &got, &trouble));
	buf_reset(&got);
	assert_int_equal(pop3_feed(p, SPAN("RETR 1\r\n")), 8);
	assert_false(take_all(p, &got, &trouble));
	text = span_tail(buf_span(&got),
		span_find_span(buf_span(&got), SPAN(HEAD)) + sizeof(HEAD) - 1);
	/* each of a million lines got one more dot */
	assert_int_equal(text.n, body.n + body.n / 3 + 3);
	for (size_t i = 0; i + 3 < text.n; i += 4)
		dots += span_eq(span_head(span_tail(text, i), 4),
			SPAN("..\r\n"));
	assert_int_equal(dots, body.n / 3);
	assert_true(span_ends(text, SPAN("..\r\n.\r\n")));
	assert_int_equal(trouble, 0);
	pop3_close(p);
	buf_clear(&got);
	mem_free((void *)(uintptr_t)body.p);
}

/* TOP of the first lines reads no further than it must, and ends in order. */
static void top_of_a_large_message(void **state)
{
	struct fixture *f = *state;
	struct span body = dotted_body(3000000);
	struct buf got;
	struct pop3 *p;
	unsigned trouble = 0;

	buf_init(&got, 1u << 20);
	deliver_large(f, body);
	assert_int_equal(pop3_open(f->store, &p, &f->e), OK);
	assert_int_equal(pop3_feed(p, SPAN("TOP 1 0\r\nNOOP\r\n")), 9);
	(void)take_all(p, &got, &trouble);
	/* no blank line in it: all of it is header */
	assert_true(got.overflow);
	buf_reset(&got);
	assert_int_equal(pop3_feed(p, SPAN("NOOP\r\n")), 6);
	(void)take_all(p, &got, &trouble);
	assert_true(span_eq(buf_span(&got), SPAN("+OK\r\n")));
	pop3_close(p);
	buf_clear(&got);
	mem_free((void *)(uintptr_t)body.p);
}

/* ---- damage ------------------------------------------------------------------------- */
static void damage(struct fixture *f, const char *sql)
{
	sqlite3 *db;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	fixture_open(f);
}

static void a_damaged_message_is_refused(void **state)
{
	struct fixture *f = *state;
	struct buf got;
	struct pop3 *p;
	unsigned trouble = 0;
	uint64_t uid = 0;

	buf_init(&got, 1u << 20);
	assert_int_equal(deliver(f, 1, SPAN("one\r\n"), &uid), OK);
	assert_int_equal(deliver(f, 2, SPAN("two\r\n"), &uid), OK);
	damage(f, "UPDATE body SET content = x'6f6e650d0b' WHERE message = 1");
	assert_int_equal(pop3_open(f->store, &p, &f->e), OK);
	assert_int_equal(pop3_feed(p, SPAN("RETR 1\r\nRETR 2\r\n")), 16);
	assert_false(take_all(p, &got, &trouble));
	assert_int_equal(trouble, 1);
	assert_true(span_find_span(buf_span(&got), SPAN("-ERR [SYS/PERM]")) <
		buf_len(&got));
	assert_true(span_ends(buf_span(&got), SPAN("two\r\n.\r\n")));
	pop3_close(p);
	buf_clear(&got);
}

static void a_message_damaged_in_its_middle_ends_the_session(void **state)
{
	struct fixture *f = *state;
	struct span body = dotted_body(900000);
	struct buf got;
	struct pop3 *p;
	unsigned trouble = 0;

	buf_init(&got, 4u << 20);
	deliver_large(f, body);
	damage(f, "UPDATE body SET content = (SELECT content FROM body "
		  "WHERE piece = 0) WHERE piece = 1");
	assert_int_equal(pop3_open(f->store, &p, &f->e), OK);
	(void)pop3_feed(p, SPAN("RETR 1\r\nQUIT\r\n"));
	assert_true(take_all(p, &got, &trouble));
	assert_int_equal(trouble, 1);
	/* nobody may take it for a whole message */
	assert_false(span_ends(buf_span(&got), SPAN("\r\n.\r\n")));
	pop3_close(p);
	buf_clear(&got);
	mem_free((void *)(uintptr_t)body.p);
}

/* ---- ids ------------------------------------------------------------------------------ */
static void uidl(struct fixture *f, struct buf *out)
{
	struct pop3 *p;
	unsigned trouble = 0;

	buf_reset(out);
	assert_int_equal(pop3_open(f->store, &p, &f->e), OK);
	assert_false(take_all(p, out, &trouble));
	buf_reset(out);
	assert_int_equal(pop3_feed(p, SPAN("UIDL\r\n")), 6);
	assert_false(take_all(p, out, &trouble));
	buf_consume(out, span_find(buf_span(out), '\n') + 1);
	pop3_close(p);
}

static void ids_do_not_change(void **state)
{
	struct fixture *f = *state;
	struct buf first, then;
	static const uint64_t one = 1;
	uint64_t uid = 0;

	buf_init(&first, 1000);
	buf_init(&then, 1000);
	for (uint64_t qid = 1; qid <= 2; qid++)
		assert_int_equal(deliver(f, qid, SPAN("x\r\n"), &uid), OK);
	uidl(f, &first);
	store_close(f->store);
	fixture_open(f);
	uidl(f, &then);
	assert_true(span_eq(buf_span(&first), buf_span(&then)));
	/* the second keeps its id when the first is gone */
	assert_int_equal(store_messages_expunge(f->store,
		store_inbox(f->store), &one, 1, &f->e), OK);
	uidl(f, &then);
	buf_consume(&first, span_find(buf_span(&first), '\n') + 1);
	assert_true(buf_len(&first) > 5);
	assert_true(span_eq(span_tail(buf_span(&first), 2),
		span_tail(buf_span(&then), 2)));
	buf_clear(&first);
	buf_clear(&then);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {T(every_row_in_every_state),
		cmocka_unit_test(every_row_with_wrong_arguments),
		T(long_lists_come_in_pieces),
		T(pipelined_messages_share_a_send),
		T(large_messages_come_in_pieces), T(top_of_a_large_message),
		T(a_damaged_message_is_refused),
		T(a_message_damaged_in_its_middle_ends_the_session),
		T(ids_do_not_change)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
