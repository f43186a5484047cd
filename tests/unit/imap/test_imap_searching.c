/*
 * test_imap_searching.c - every key of the table; searches that take long: how far
 * they are, what ends while they run, and what they cost.
 */
#include "client.h"

#include <time.h>

#include "imap/imap_search.h"
#include "store/store_mailbox.h"

static void deliver_text(struct fixture *f, uint64_t qid, struct span text)
{
	uint64_t uid;

	assert_int_equal(deliver(f, qid, text, &uid), OK);
}

/* In one transaction. */
static void deliver_many(struct fixture *f, uint64_t from, uint64_t to,
	void (*make)(struct buf *out, uint64_t i))
{
	struct buf text;

	buf_init(&text, 1 << 20);
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	for (; from <= to; from++) {
		struct store_delivery d;
		struct sha256 sum;
		uint64_t uid;

		buf_reset(&text);
		make(&text, from);
		d = delivery_of(from, buf_span(&text), &sum);
		assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e),
			OK);
	}
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
	buf_clear(&text);
}

static void make_needle(struct buf *out, uint64_t i)
{
	(void)i;
	buf_puts(out, "Subject: x\r\n\r\nneedle\r\n");
}

/* ---- every key ------------------------------------------------------------------ */
#define FIRST                                                                  \
	"From: Ann <ann@example.org>\r\nTo: bob@example.net\r\n"               \
	"Cc: carl@example.net\r\nBcc: dora@example.net\r\n"                    \
	"Subject: apples\r\nX-Fruit: pear\r\n"                                 \
	"Date: Tue, 14 Nov 2023 12:00:00 +0000\r\n\r\nplums\r\n"
#define SECOND                                                                 \
	"From: eve@example.org\r\nSubject: nuts\r\n"                           \
	"Date: Tue, 21 Nov 2023 12:00:00 +0000\r\n\r\n"                        \
	"a text that is a good deal longer than that of the other one, so "    \
	"that LARGER and SMALLER can tell the two from each other, which is "  \
	"what they are there for, with all the heads that are put before "     \
	"them when they are delivered, and so it goes on for a while: "        \
	"one two three four five six seven eight nine ten eleven twelve\r\n"

/* Two messages; the first is Seen, Answered, Flagged, Deleted, Draft and has the
 * keyword k, the second has nothing. */
static const struct row {
	const char *key;
	const char *search; /* of which the answer is */
	const char *found;
} rows[] = {
	{"ALL", "ALL", " 1 2"},
	{"ANSWERED", "ANSWERED", " 1"},
	{"BCC", "BCC DORA", " 1"},
	{"BEFORE", "BEFORE 14-Nov-2023", ""},
	{"BEFORE", "BEFORE 15-Nov-2023", " 1 2"},
	{"BODY", "BODY plums", " 1"},
	{"BODY", "BODY apples", ""},
	{"CC", "CC carl", " 1"},
	{"DELETED", "DELETED", " 1"},
	{"DRAFT", "DRAFT", " 1"},
	{"EMAILID", "EMAILID M2", " 2"},
	{"FLAGGED", "FLAGGED", " 1"},
	{"FROM", "FROM \"Eve\"", " 2"},
	{"HEADER", "HEADER x-fruit PEAR", " 1"},
	{"KEYWORD", "KEYWORD K", " 1"},
	{"LARGER", "LARGER 400", " 2"},
	{"MODSEQ", "MODSEQ 1", " 1 2 (MODSEQ "},
	{"MODSEQ", "MODSEQ \"/flags/\\\\Seen\" all 1000", ""},
	{"NEW", "NEW", " 2"},
	{"OLD", "OLD", ""},
	{"OLDER", "OLDER 1000", ""},
	{"ON", "ON 14-Nov-2023", " 1 2"},
	{"ON", "ON \"15-Nov-2023\"", ""},
	{"RECENT", "RECENT", " 1 2"},
	{"SAVEDATESUPPORTED", "SAVEDATESUPPORTED", " 1 2"},
	{"SAVEDBEFORE", "SAVEDBEFORE 1-Jan-2000", ""},
	{"SAVEDON", "SAVEDON 1-Jan-2000", ""},
	{"SAVEDSINCE", "SAVEDSINCE 1-Jan-2000", " 1 2"},
	{"SEEN", "SEEN", " 1"},
	{"SENTBEFORE", "SENTBEFORE 15-Nov-2023", " 1"},
	{"SENTON", "SENTON 21-Nov-2023", " 2"},
	{"SENTSINCE", "SENTSINCE 21-Nov-2023", " 2"},
	{"SINCE", "SINCE 14-Nov-2023", " 1 2"},
	{"SINCE", "SINCE 15-Nov-2023", ""},
	{"SMALLER", "SMALLER 400", " 1"},
	{"SUBJECT", "SUBJECT PPLE", " 1"},
	{"TEXT", "TEXT apples", " 1"},
	{"TEXT", "TEXT twelve", " 2"},
	{"THREADID", "THREADID T2", " 2"},
	{"TO", "TO bob@", " 1"},
	{"UID", "UID 2:9", " 2"},
	{"UNANSWERED", "UNANSWERED", " 2"},
	{"UNDELETED", "UNDELETED", " 2"},
	{"UNDRAFT", "UNDRAFT", " 2"},
	{"UNFLAGGED", "UNFLAGGED", " 2"},
	{"UNKEYWORD", "UNKEYWORD k", " 2"},
	{"UNSEEN", "UNSEEN", " 2"},
	{"YOUNGER", "YOUNGER 1000", " 1 2"},
	/* keys without a name of the table */
	{"", "2:*", " 2"},
	{"", "NOT 1", " 2"},
	{"", "OR 1 2", " 1 2"},
	{"", "(1 2)", ""},
	{"", "$", ""},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void try_row(struct client *c, const struct row *row)
{
	char line[200], want[100];

	(void)snprintf(line, sizeof(line), "s SEARCH %s", row->search);
	(void)snprintf(want, sizeof(want), "* SEARCH%s%s", row->found,
		strchr(row->found, '(') != NULL ? "" : "\r\n");
	say(c, line);
	if (!has(c, want) || !has(c, "s OK"))
		fail_msg("%s: %.*s", row->search, SPAN_ARG(buf_span(&c->got)));
	(void)snprintf(line, sizeof(line), "s SEARCH NOT (%s)", row->search);
	say(c, line);
	assert_true(has(c, "s OK"));
	if (strcmp(row->found, " 1") == 0)
		assert_true(has(c, "* SEARCH 2\r\n"));
}

static void every_key_finds(void **state)
{
	struct fixture *f = *state;
	struct client c;

	deliver_text(f, 1, SPAN(FIRST));
	deliver_text(f, 2, SPAN(SECOND));
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b STORE 1 FLAGS (\\Seen \\Answered \\Flagged \\Deleted "
		"\\Draft k)");
	for (size_t i = 0; i < ROWS; i++)
		try_row(&c, &rows[i]);
	finish(&c);
}

static void every_key_has_a_row(void **state)
{
	const char *key;

	(void)state;
	for (size_t i = 0; (key = imap_search_key(i)) != NULL; i++) {
		bool has_one = false;

		for (size_t k = 0; k < ROWS; k++)
			has_one = has_one || strcmp(rows[k].key, key) == 0;
		if (!has_one)
			fail_msg("no row for %s", key);
	}
}

/* ---- INPROGRESS -------------------------------------------------------------------- */
/* Lets the session work on, each time so much later; what it said. */
static struct span work_on(struct client *c, int64_t *now_ms, int64_t step_ms)
{
	buf_reset(&c->got);
	do {
		*now_ms += step_ms;
		(void)imap_session_feed(c->session, SPAN_EMPTY, *now_ms);
		while (take_one(c))
			;
	} while (imap_session_is_working(c->session));
	return buf_span(&c->got);
}

static size_t how_often(struct span in, const char *text)
{
	size_t n = 0, at;

	while ((at = span_find_span(in, span_str(text))) < in.n) {
		in = span_tail(in, at + 1);
		n++;
	}
	return n;
}

/* RFC 9585: with the tag, what was done, and what there is to do. */
static void it_says_how_far_it_is(void **state)
{
	struct fixture *f = *state;
	struct client c;
	int64_t now_ms = NOW_MS;

	deliver_many(f, 1, 500, make_needle);
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	/* never in the first ten seconds, however often it pauses */
	(void)feed(&c, "b SEARCH BODY needle");
	work_on(&c, &now_ms, 100);
	assert_int_equal(how_often(buf_span(&c.got), "INPROGRESS"), 0);
	assert_true(has(&c, "b OK"));
	/* then every ten */
	now_ms = NOW_MS;
	(void)feed(&c, "c SORT (SUBJECT) UTF-8 BODY needle");
	work_on(&c, &now_ms, 5000);
	assert_in_range(how_often(buf_span(&c.got), "INPROGRESS"), 3, 5);
	assert_int_equal(how_often(buf_span(&c.got),
				 "* OK [INPROGRESS (\"c\" 150 500)] "), 1);
	assert_true(has(&c, "c OK"));
	/* a tag that a response code cannot have; the clock is set back */
	now_ms = NOW_MS;
	(void)feed(&c, "]d UID THREAD REFERENCES UTF-8 TEXT needle");
	work_on(&c, &now_ms, -5000);
	assert_int_equal(how_often(buf_span(&c.got), "INPROGRESS"), 0);
	now_ms = NOW_MS;
	(void)feed(&c, "]d UID THREAD REFERENCES UTF-8 TEXT needle");
	work_on(&c, &now_ms, 10000);
	assert_true(has(&c, "* OK [INPROGRESS (NIL 100 500)] "));
	assert_true(has(&c, "]d OK"));
	/* an hour back: counted from there */
	now_ms = NOW_MS - 3600000;
	(void)feed(&c, "e SEARCH BODY needle");
	work_on(&c, &now_ms, 10000);
	assert_true(has(&c, "INPROGRESS (\"e\" "));
	finish(&c);
}

static void of_several_mailboxes_too(void **state)
{
	struct fixture *f = *state;
	struct client c;
	int64_t now_ms = NOW_MS;

	deliver_many(f, 1, 150, make_needle);
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b COPY 1:120 Sent");
	(void)feed(&c, "c ESEARCH IN (personal) BODY needle");
	work_on(&c, &now_ms, 10000);
	assert_true(has(&c, "(\"c\" 50 270)"));
	assert_true(has(&c, "(\"c\" 200 270)"));
	assert_true(has(&c, "UID ALL 1:150"));
	assert_true(has(&c, "UID ALL 1:120"));
	finish(&c);
}

/* ---- what ends meanwhile --------------------------------------------------------------- */
static void a_mailbox_goes_while_it_is_searched(void **state)
{
	struct fixture *f = *state;
	struct client c, other;

	deliver_many(f, 1, 200, make_needle);
	begin(&c, f);
	begin(&other, f);
	say(&c, "a CREATE x");
	say(&c, "b CREATE y");
	say(&c, "c SELECT INBOX");
	say(&c, "d COPY 1:* x");
	say(&c, "e COPY 1:* y");
	(void)feed(&c, "f ESEARCH IN (mailboxes (x y)) BODY needle");
	assert_false(take_one(&c));
	assert_true(imap_session_is_working(c.session));
	say(&other, "a DELETE x");
	assert_true(has(&other, "a OK"));
	say(&other, "b DELETE y");
	take(&c);
	assert_false(has(&c, "ESEARCH"));
	assert_true(has(&c, "f OK"));
	/* and the session itself: nothing stays open */
	(void)feed(&c, "g ESEARCH IN (mailboxes (INBOX)) BODY needle");
	assert_true(imap_session_is_working(c.session));
	finish(&c);
	finish(&other);
}

/* Each mailbox a turn of its own: another session is not kept waiting by many. */
static void many_mailboxes_are_opened_in_turns(void **state)
{
	struct fixture *f = *state;
	struct client c;
	unsigned pauses = 0;
	char line[60];

	begin(&c, f);
	for (unsigned i = 0; i < 60; i++) {
		(void)snprintf(line, sizeof(line), "a CREATE m%u", i);
		say(&c, line);
	}
	(void)feed(&c, "b ESEARCH IN (personal) ALL");
	while (!take_one(&c) && imap_session_is_working(c.session))
		pauses++;
	assert_true(pauses > 3);
	finish(&c);
}

/* ---- what it costs ------------------------------------------------------------------------ */
/* A set full of gaps, named as often as a command can. */
static void what_was_saved_is_named_often(void **state)
{
	struct fixture *f = *state;
	struct client c;
	struct buf line;

	deliver_many(f, 1, 9000, make_needle);
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	buf_init(&line, 1 << 20);
	for (unsigned i = 1; i <= 9000; i += 2)
		buf_printf(&line, "%s%u", i == 1 ? "b SEARCH RETURN (SAVE) " : ",",
			i);
	buf_puts(&line, "\r\nc SEARCH $");
	for (unsigned i = 0; i < 1990; i++)
		buf_puts(&line, " $");
	buf_puts(&line, "\r\n");
	buf_reset(&c.got);
	for (struct span left = buf_span(&line); left.n > 0;) {
		left = span_tail(left,
			imap_session_feed(c.session, left, NOW_MS));
		take(&c);
	}
	assert_true(has(&c, "* SEARCH 1 3 5 "));
	assert_true(has(&c, "c OK"));
	buf_clear(&line);
	finish(&c);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The best of some. */
static uint64_t cost_of(struct client *c, const char *line)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		uint64_t start = cpu_ns();

		say(c, line);
		assert_true(has(c, "s OK"));
		start = cpu_ns() - start;
		best = start < best ? start : best;
	}
	return best;
}

/* CPU time of a line that does not fit into feed(). */
static uint64_t cost_of_many(struct client *c, const char *key, unsigned count)
{
	uint64_t best = UINT64_MAX;
	struct buf line;

	buf_init(&line, 1 << 18);
	buf_puts(&line, "s SEARCH ALL");
	for (unsigned i = 0; i < count; i++)
		buf_puts(&line, key);
	buf_puts(&line, "\r\n");
	for (int i = 0; i < 3; i++) {
		struct span left = buf_span(&line);
		uint64_t start = cpu_ns();

		buf_reset(&c->got);
		while (left.n > 0) {
			left = span_tail(left, imap_session_feed(c->session,
						       left, NOW_MS));
			take(c);
		}
		assert_true(has(c, "\r\ns OK") || has(c, "s BAD"));
		start = cpu_ns() - start;
		best = start < best ? start : best;
	}
	buf_clear(&line);
	return best;
}

/* Eight times as many keys cost less than 32 times as much: what is quadratic
 * takes 64 times as much. */
static void keys_cost_what_they_must(void **state)
{
	static const char *const keys[] = {" NOT SEEN", " OR SEEN NOT SEEN",
		" (NOT (SEEN))", " NOT 1:3,7:9", " SUBJECT x",
		" OR BODY \"(a+)+$\" ALL"};
	struct fixture *f = *state;
	struct client c;

	deliver_many(f, 1, 60, make_needle);
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		uint64_t few = cost_of_many(&c, keys[i], 80);

		if (cost_of_many(&c, keys[i], 640) > 32 * few)
			fail_msg("%s", keys[i]);
	}
	finish(&c);
}

/* All have one subject; a third answers the first, a third the one before with
 * all that it names, a third nobody that is there. */
static void make_thread(struct buf *out, uint64_t i)
{
	buf_printf(out, "Subject: %ssame\r\nMessage-ID: <%llu@x>\r\n",
		i % 2 ? "Re: " : "", (unsigned long long)i);
	buf_printf(out, "Date: Tue, 14 Nov 2023 %02u:%02u:00 +0000\r\n",
		(unsigned)(i * 7 % 24), (unsigned)(i * 13 % 60));
	if (i % 3 == 0)
		buf_puts(out, "References: <1@x>\r\n\r\n\r\n");
	else if (i % 3 == 1)
		buf_printf(out, "References: <%llu@x> <%llu@x>\r\n\r\n\r\n",
			(unsigned long long)i - 3, (unsigned long long)i - 1);
	else
		buf_puts(out, "In-Reply-To: <none@x>\r\n\r\n\r\n");
}

/* Are eight times as many messages put in order in less than 32 times the time?
 * What is quadratic takes 64 times as much. */
static void order_costs_what_it_must(void **state)
{
	static const char *const lines[] = {
		"s SORT (SUBJECT REVERSE DATE) UTF-8 ALL",
		"s SORT (SUBJECT) UTF-8 ALL",
		"s THREAD REFERENCES UTF-8 ALL",
		"s THREAD ORDEREDSUBJECT UTF-8 ALL",
		"s THREAD REFS UTF-8 ALL",
	};
	struct fixture *f = *state;
	uint64_t few[sizeof(lines) / sizeof(lines[0])];
	struct client c;

	deliver_many(f, 1, 500, make_thread);
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		few[i] = cost_of(&c, lines[i]);
	deliver_many(f, 501, 4000, make_thread);
	say(&c, "b NOOP");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (cost_of(&c, lines[i]) > 32 * few[i])
			fail_msg("%s", lines[i]);
	finish(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_key_finds),
		TEST(every_key_has_a_row),
		TEST(it_says_how_far_it_is),
		TEST(of_several_mailboxes_too),
		TEST(a_mailbox_goes_while_it_is_searched),
		TEST(many_mailboxes_are_opened_in_turns),
		TEST(what_was_saved_is_named_often),
		TEST(keys_cost_what_they_must),
		TEST(order_costs_what_it_must),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
