/*
 * test_imap_session.c - every command in every state; long answers in bounded
 * pieces, while others change the mailbox; damaged messages.  What a dialogue
 * shows better is in tests/dialog/imap.
 */
#include "client.h"

#include <sqlite3.h>

#include "base/mem.h"
#include "imap/imap_command.h"
#include "store/store_change.h"
#include "store/store_mailbox.h"

/* ---- the table ------------------------------------------------------------------- */
/* What each command says in the states after the login; from the RFCs. */
static const struct row {
	enum imap_verb verb;
	const char *line;
	const char *authenticated, *selected;
} rows[] = {
	{IMAP_APPEND, "a APPEND INBOX {3+}\r\nabc", "a OK", "a OK"},
	{IMAP_AUTHENTICATE, "a AUTHENTICATE PLAIN", "a BAD", "a BAD"},
	{IMAP_CANCELUPDATE, "a CANCELUPDATE \"x\"", "a BAD", "a NO"},
	{IMAP_CAPABILITY, "a CAPABILITY", "a OK", "a OK"},
	{IMAP_CHECK, "a CHECK", "a BAD", "a OK"},
	{IMAP_CLOSE, "a CLOSE", "a BAD", "a OK"},
	{IMAP_COMPRESS, "a COMPRESS DEFLATE", "a OK", "a OK"},
	{IMAP_COPY, "a COPY 1 Sent", "a BAD", "a OK"},
	{IMAP_CREATE, "a CREATE x", "a OK", "a OK"},
	{IMAP_DELETE, "a DELETE Junk", "a OK", "a OK"},
	{IMAP_ENABLE, "a ENABLE CONDSTORE", "a OK", "a OK"},
	{IMAP_ESEARCH, "a ESEARCH ALL", "a BAD", "a OK"},
	{IMAP_ESEARCH, "a UID ESEARCH IN (personal) ALL", "a OK", "a OK"},
	{IMAP_EXAMINE, "a EXAMINE INBOX", "a OK", "a OK"},
	{IMAP_EXPUNGE, "a EXPUNGE", "a BAD", "a OK"},
	{IMAP_EXPUNGE, "a UID EXPUNGE 1", "a BAD", "a OK"},
	{IMAP_FETCH, "a FETCH 1 FLAGS", "a BAD", "a OK"},
	{IMAP_FETCH, "a UID FETCH 1 FLAGS", "a BAD", "a OK"},
	{IMAP_GETMETADATA, "a GETMETADATA \"\" /shared/comment", "a OK",
		"a OK"},
	{IMAP_GETQUOTA, "a GETQUOTA \"\"", "a NO", "a NO"},
	{IMAP_GETQUOTAROOT, "a GETQUOTAROOT INBOX", "a OK", "a OK"},
	{IMAP_ID, "a ID NIL", "a OK", "a OK"},
	{IMAP_IDLE, "a IDLE\r\nDONE", "a OK", "a OK"},
	{IMAP_LIST, "a LIST \"\" *", "a OK", "a OK"},
	{IMAP_LOGIN, "a LOGIN x y", "a BAD", "a BAD"},
	{IMAP_LOGOUT, "a LOGOUT", "a OK", "a OK"},
	{IMAP_LSUB, "a LSUB \"\" *", "a OK", "a OK"},
	{IMAP_MOVE, "a MOVE 1 Sent", "a BAD", "a OK"},
	{IMAP_MOVE, "a UID MOVE 1 Sent", "a BAD", "a OK"},
	{IMAP_NAMESPACE, "a NAMESPACE", "a OK", "a OK"},
	{IMAP_NOOP, "a NOOP", "a OK", "a OK"},
	{IMAP_NOTIFY, "a NOTIFY NONE", "a OK", "a OK"},
	{IMAP_RENAME, "a RENAME Junk Spam", "a OK", "a OK"},
	{IMAP_REPLACE, "a REPLACE 1 INBOX {3+}\r\nabc", "a BAD", "a OK"},
	{IMAP_REPLACE, "a UID REPLACE 1 INBOX {3+}\r\nabc", "a BAD", "a OK"},
	{IMAP_SEARCH, "a SEARCH ALL", "a BAD", "a OK"},
	{IMAP_SEARCH, "a UID SEARCH ALL", "a BAD", "a OK"},
	{IMAP_SELECT, "a SELECT INBOX", "a OK", "a OK"},
	{IMAP_SETMETADATA, "a SETMETADATA INBOX (/shared/comment \"x\")",
		"a OK", "a OK"},
	{IMAP_SORT, "a SORT (DATE) UTF-8 ALL", "a BAD", "a OK"},
	{IMAP_STARTTLS, "a STARTTLS", "a BAD", "a BAD"},
	{IMAP_STATUS, "a STATUS INBOX (MESSAGES)", "a OK", "a OK"},
	{IMAP_STORE, "a STORE 1 FLAGS ()", "a BAD", "a OK"},
	{IMAP_STORE, "a UID STORE 1 FLAGS ()", "a BAD", "a OK"},
	{IMAP_SUBSCRIBE, "a SUBSCRIBE x", "a OK", "a OK"},
	{IMAP_THREAD, "a THREAD REFERENCES UTF-8 ALL", "a BAD", "a OK"},
	{IMAP_UNAUTHENTICATE, "a UNAUTHENTICATE", "a OK", "a OK"},
	{IMAP_UNSELECT, "a UNSELECT", "a BAD", "a OK"},
	{IMAP_UNSUBSCRIBE, "a UNSUBSCRIBE x", "a OK", "a OK"},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void deliver_some(struct fixture *f, size_t count, struct span body)
{
	struct sha256 sum;
	struct store_delivery d = delivery_of(1, body, &sum);
	uint64_t uid;

	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	for (d.qid = 1; d.qid <= count; d.qid++)
		assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e),
			OK);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
}

/* The last line begins so. */
static void expect(const struct client *c, const struct row *row,
	const char *state, const char *want)
{
	struct span got = buf_span(&c->got);
	struct span last = span_head(got, got.n > 2 ? got.n - 2 : 0);
	size_t at = span_find_last(last, '\n');

	if (at < last.n)
		last = span_tail(last, at + 1);
	if (!span_starts(last, span_str(want)))
		fail_msg("\"%s\", %s: %.*s", row->line, state, SPAN_ARG(got));
}

static void every_row_in_every_state(void **state)
{
	struct fixture *f = *state;

	deliver_some(f, 1, SPAN("Subject: x\r\n\r\ny\r\n"));
	for (size_t i = 0; i < ROWS; i++) {
		struct client c;

		begin(&c, f);
		say(&c, rows[i].line);
		expect(&c, &rows[i], "authenticated", rows[i].authenticated);
		finish(&c);
		fixture_remove(f);
		fixture_path(f);
		fixture_open(f);
		deliver_some(f, 1, SPAN("Subject: x\r\n\r\ny\r\n"));
		begin(&c, f);
		say(&c, "s SELECT INBOX");
		say(&c, rows[i].line);
		expect(&c, &rows[i], "selected", rows[i].selected);
		finish(&c);
		fixture_remove(f);
		fixture_path(f);
		fixture_open(f);
		deliver_some(f, 1, SPAN("Subject: x\r\n\r\ny\r\n"));
	}
}

static void every_command_has_a_row(void **state)
{
	(void)state;
	for (int v = 0; v < IMAP_VERB_COUNT; v++) {
		bool has_one = false;

		for (size_t i = 0; i < ROWS; i++)
			has_one = has_one || (int)rows[i].verb == v;
		if (!has_one)
			fail_msg("no row for %s", imap_commands[v].name);
	}
}

/* ---- long answers ---------------------------------------------------------------------- */
static void a_fetch_of_all_comes_in_pieces(void **state)
{
	struct fixture *f = *state;
	struct client c;
	size_t sends = 0;

	deliver_some(f, 20000, SPAN("x\r\n"));
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	/* what is pipelined behind it waits */
	assert_int_equal(feed(&c, "b FETCH 1:* (FLAGS UID)\r\nc NOOP"), 25);
	for (; take_one(&c); sends++)
		assert_true(c.largest < IMAP_OUT_BYTES + 128);
	assert_true(sends > 10);
	assert_true(has(&c, "* 20000 FETCH (FLAGS (\\Recent) UID 20000)\r\nb OK"));
	say(&c, "d UID STORE 1:* +FLAGS (\\Seen)");
	assert_true(c.largest < IMAP_OUT_BYTES + 128);
	assert_true(has(&c, "* 20000 FETCH (UID 20000 FLAGS (\\Seen \\Recent))"));
	say(&c, "e SEARCH SEEN");
	assert_true(c.largest < IMAP_OUT_BYTES + 128);
	assert_true(has(&c, " 20000\r\ne OK"));
	say(&c, "f STORE 1:* +FLAGS.SILENT (\\Deleted)");
	say(&c, "g EXPUNGE");
	assert_true(c.largest < IMAP_OUT_BYTES + 128);
	assert_true(has(&c, "* 20000 EXPUNGE\r\n"));
	assert_true(has(&c, "* 1 EXPUNGE\r\ng OK"));
	finish(&c);
}

/* While a client reads slowly, another one removes and adds messages: numbers
 * stay until the FETCH is over. */
static void others_change_what_is_being_fetched(void **state)
{
	struct fixture *f = *state;
	struct client slow, quick;

	deliver_some(f, 5000, SPAN("x\r\n"));
	begin(&slow, f);
	begin(&quick, f);
	say(&slow, "a SELECT INBOX");
	say(&quick, "a SELECT INBOX");
	(void)feed(&slow, "b FETCH 1:* (UID RFC822.SIZE)");
	assert_true(take_one(&slow));
	say(&quick, "b STORE 4999,1 +FLAGS.SILENT (\\Deleted)");
	say(&quick, "c EXPUNGE");
	assert_true(has(&quick, "* 4999 EXPUNGE\r\n* 1 EXPUNGE\r\n"));
	say(&quick, "d APPEND INBOX {3+}\r\nabc");
	take(&slow);
	assert_true(has(&slow, "* 4998 FETCH (UID 4998 "));
	assert_false(has(&slow, "* 4999 FETCH"));
	assert_true(has(&slow, "* 5000 FETCH (UID 5000 "));
	assert_false(has(&slow, "EXPUNGE\r\n"));
	assert_true(has(&slow, "* 5001 EXISTS\r\n"));
	assert_true(has(&slow, "b NO [EXPUNGEISSUED]"));
	say(&slow, "c NOOP");
	assert_true(has(&slow, "* 4999 EXPUNGE\r\n* 1 EXPUNGE\r\n"));
	finish(&slow);
	finish(&quick);
}

static void large_messages_come_in_pieces(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = mem_new(3000000, 1);
	struct client c;
	struct span tail;

	for (size_t i = 0; i < 3000000; i++)
		bytes[i] = (uint8_t)("ab\r\n"[i % 4]);
	deliver_some(f, 1, span_of(bytes, 3000000));
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b FETCH 1 BODY.PEEK[]");
	assert_true(c.largest <
		IMAP_OUT_BYTES + STORE_PIECE_BYTES + STORE_HEAD_BYTES + 128);
	tail = buf_span(&c.got);
	tail = span_tail(tail, span_find_span(tail, SPAN(HEAD)));
	assert_true(span_eq(span_head(span_tail(tail, sizeof(HEAD) - 1),
				    3000000),
		span_of(bytes, 3000000)));
	/* a range far inside it */
	say(&c, "c FETCH 1 BODY.PEEK[]<2000001.6>");
	assert_true(has(&c, "* 1 FETCH (BODY[]<2000001> {6}\r\n"));
	mem_free(bytes);
	/* the session may end in the middle of one */
	(void)feed(&c, "d FETCH 1 BODY.PEEK[]");
	assert_true(take_one(&c));
	finish(&c);
}

static void a_search_pauses(void **state)
{
	struct fixture *f = *state;
	struct client c;
	unsigned pauses = 0;

	deliver_some(f, 300, SPAN("Subject: x\r\n\r\nneedle\r\n"));
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	(void)feed(&c, "b SEARCH BODY needle");
	while (!take_one(&c) && imap_session_is_working(c.session))
		pauses++;
	take(&c);
	assert_true(pauses > 2);
	assert_true(has(&c, " 300\r\nb OK"));
	finish(&c);
}

/* ---- damage -------------------------------------------------------------------------------- */
static void damage(struct fixture *f, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void reopen(struct fixture *f)
{
	fixture_open(f);
}

static void a_damaged_message_is_not_given(void **state)
{
	struct fixture *f = *state;
	struct client c;

	deliver_some(f, 2, SPAN("Subject: x\r\n\r\nneedle\r\n"));
	store_close(f->store);
	damage(f, "UPDATE body SET content = zeroblob(length(content)) "
		  "WHERE message = 1");
	reopen(f);
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b FETCH 1:2 BODY.PEEK[TEXT]");
	assert_true(has(&c, "* 1 FETCH (BODY[TEXT] NIL)"));
	assert_true(has(&c, "needle"));
	assert_true(has(&c, "b NO [CORRUPTION]"));
	assert_true(c.trouble > 0);
	say(&c, "c SEARCH BODY needle");
	assert_true(has(&c, "* SEARCH 2\r\nc NO [CORRUPTION]"));
	finish(&c);
}

/* The damage is seen when bytes were sent already: nobody may take what came
 * for the whole. */
static void damage_behind_the_first_piece_ends_it(void **state)
{
	struct fixture *f = *state;
	uint8_t *bytes = mem_new(1000000, 1);
	struct client c;

	memset(bytes, 'a', 1000000);
	deliver_some(f, 1, span_of(bytes, 1000000));
	mem_free(bytes);
	store_close(f->store);
	damage(f, "UPDATE body SET content = zeroblob(length(content)) "
		  "WHERE piece = 2");
	reopen(f);
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b FETCH 1 BODY.PEEK[]");
	assert_true(c.is_closed);
	assert_int_equal(c.trouble, 1);
	assert_false(has(&c, "b OK"));
	finish(&c);
}

/* ---- QRESYNC ------------------------------------------------------------------------------- */
/* So much time went by that the store forgot what was expunged. */
static void what_vanished_is_guessed(void **state)
{
	struct fixture *f = *state;
	struct client c;
	char line[100];

	deliver_some(f, 8, SPAN("x\r\n"));
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b STORE 1,3:4,8 +FLAGS.SILENT (\\Deleted)");
	say(&c, "c EXPUNGE");
	finish(&c);
	store_close(f->store);
	damage(f, "DELETE FROM tombstone; "
		  "UPDATE mailbox SET floor_modseq = highestmodseq");
	fixture_open(f);
	begin(&c, f);
	say(&c, "a ENABLE QRESYNC");
	(void)snprintf(line, sizeof(line), "b SELECT INBOX (QRESYNC (%u 1))",
		store_mailbox_find(f->store, SPAN("INBOX"))->uidvalidity);
	say(&c, line);
	assert_true(has(&c, "* VANISHED (EARLIER) 1,3:4,8\r\n"));
	(void)snprintf(line, sizeof(line),
		"c SELECT INBOX (QRESYNC (%u 1 2:3,7:100))",
		store_mailbox_find(f->store, SPAN("INBOX"))->uidvalidity);
	say(&c, line);
	assert_true(has(&c, "* VANISHED (EARLIER) 3,8\r\n"));
	say(&c, "d UID FETCH 4:9 FLAGS (CHANGEDSINCE 1 VANISHED)");
	assert_true(has(&c, "* VANISHED (EARLIER) 4,8\r\n"));
	finish(&c);
}

/* ---- the end ------------------------------------------------------------------------------------ */
static void bye_comes_between_commands(void **state)
{
	struct fixture *f = *state;
	struct client c;

	deliver_some(f, 5000, SPAN("x\r\n"));
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	(void)feed(&c, "b FETCH 1:* (UID FLAGS)");
	assert_true(take_one(&c));
	imap_session_end(c.session, "the server goes down");
	take(&c);
	assert_true(has(&c, "b OK that is all\r\n* BYE the server goes down\r\n"));
	assert_true(c.is_closed);
	finish(&c);
}

static void news_are_known_only_while_it_idles(void **state)
{
	struct fixture *f = *state;
	struct client c;

	begin(&c, f);
	say(&c, "a SELECT INBOX");
	deliver_some(f, 1, SPAN("x\r\n"));
	assert_false(imap_session_has_news(c.session));
	say(&c, "b IDLE");
	assert_true(has(&c, "* 1 EXISTS"));
	assert_false(imap_session_has_news(c.session));
	say(&c, "DONE");
	finish(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_row_in_every_state),
		TEST(every_command_has_a_row),
		TEST(a_fetch_of_all_comes_in_pieces),
		TEST(others_change_what_is_being_fetched),
		TEST(large_messages_come_in_pieces),
		TEST(a_search_pauses),
		TEST(a_damaged_message_is_not_given),
		TEST(damage_behind_the_first_piece_ends_it),
		TEST(what_vanished_is_guessed),
		TEST(bye_comes_between_commands),
		TEST(news_are_known_only_while_it_idles),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
