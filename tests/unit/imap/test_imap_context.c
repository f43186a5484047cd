/*
 * test_imap_context.c - searches that are kept up to date, against a model: the
 * list that a client has who believes what it is told is what a new search
 * finds.  RFC 5267 4.3
 */
#include "client.h"

#include "base/num.h"
#include "imap/imap_context.h"

#define LIST_MAX 400
#define STEPS    400

/* A list as a client keeps it. */
struct list_of {
	bool is_sorted, is_uid;
	uint32_t items[LIST_MAX];
	size_t count;
};

/* RETURN's words stand between the two. */
static const char *const commands[][2] = {
	{"UID SEARCH RETURN (", ") UNSEEN"},
	{"SEARCH RETURN (", ") UNDELETED"},
	{"UID SEARCH RETURN (", ") OR FLAGGED KEYWORD k1"},
	{"SEARCH RETURN (", ") BODY needle UNSEEN"},
	{"UID SEARCH RETURN (", ") BODY needle"},
	{"UID SORT RETURN (", ") (SUBJECT) UTF-8 UNDELETED"},
	{"SORT RETURN (", ") (REVERSE SUBJECT) UTF-8 OR SEEN NOT KEYWORD k2"},
	{"UID SORT RETURN (", ") (SIZE REVERSE ARRIVAL) UTF-8 ALL"},
};
#define LISTS (sizeof(commands) / sizeof(commands[0]))
_Static_assert(LISTS <= IMAP_CONTEXTS_MAX, "one each");

static uint32_t seed;

static uint32_t chance(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

/* ---- lists ------------------------------------------------------------------- */
static void insert(struct list_of *l, size_t place, uint32_t item)
{
	assert_true(l->count < LIST_MAX && place <= l->count);
	memmove(&l->items[place + 1], &l->items[place],
		(l->count - place) * sizeof(uint32_t));
	l->items[place] = item;
	l->count++;
}

static void take_out(struct list_of *l, size_t place, uint32_t item)
{
	assert_true(place < l->count);
	assert_int_equal(l->items[place], item);
	l->count--;
	memmove(&l->items[place], &l->items[place + 1],
		(l->count - place) * sizeof(uint32_t));
}

/* Where it stands in a list in the order of the mailbox, or would. */
static size_t place_of(const struct list_of *l, uint32_t item)
{
	size_t i = 0;

	while (i < l->count && l->items[i] < item)
		i++;
	return i;
}

/* One item of "ADDTO (7 3,5"; place 0: the client finds it by itself. */
static void change(struct list_of *l, bool is_add, size_t place, uint32_t item)
{
	assert_true(l->is_sorted == (place > 0));
	if (place == 0)
		place = place_of(l, item) + 1;
	if (is_add)
		insert(l, place - 1, item);
	else
		take_out(l, place - 1, item);
}

static uint32_t number(struct span *s)
{
	size_t n = 0;
	uint64_t out;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	assert_true(num_parse_u64(span_head(*s, n), UINT32_MAX, &out));
	*s = span_tail(*s, n);
	return (uint32_t)out;
}

typedef void item_fn(struct list_of *l, bool is_add, size_t place,
	uint32_t item);

/* The items of a set, in order; the n-th goes n behind the place. */
static void each_item(struct span set, struct list_of *l, bool is_add,
	size_t place, item_fn *fn)
{
	size_t done = 0;

	while (set.n > 0) {
		uint32_t low = number(&set), high = low;

		if (span_starts(set, SPAN(":"))) {
			set = span_tail(set, 1);
			high = number(&set);
		}
		for (uint32_t item = low; item <= high; item++, done++)
			fn(l, is_add,
				place == 0 ? 0 : is_add ? place + done : place,
				item);
		if (set.n > 0)
			set = span_tail(set, 1); /* the comma */
	}
}

/* "ADDTO (1 2,4 7 3) REMOVEFROM (…)" */
static void apply(struct list_of *l, struct span words)
{
	while (words.n > 0) {
		struct span word = span_cut(&words, ' ');
		struct span pairs;

		assert_true(span_starts(words, SPAN("(")));
		pairs = span_cut(&words, ')');
		pairs = span_tail(pairs, 1);
		while (pairs.n > 0) {
			struct span place = span_cut(&pairs, ' ');
			struct span set = span_cut(&pairs, ' ');

			each_item(set, l, span_eq(word, SPAN("ADDTO")),
				number(&place), change);
		}
		words = span_trim(words);
	}
}

/* Numbers above it are one less; it was taken out before. */
static void expunge(struct list_of *lists, uint32_t gone)
{
	for (size_t k = 0; k < LISTS; k++) {
		struct list_of *l = &lists[k];

		for (size_t i = 0; !l->is_uid && i < l->count; i++) {
			assert_int_not_equal(l->items[i], gone);
			l->items[i] -= l->items[i] > gone;
		}
	}
}

/* ---- what is heard --------------------------------------------------------------- */
static void hear_esearch(struct list_of *lists, struct span line)
{
	struct span tag, rest = span_tail(line, strlen("* ESEARCH (TAG \""));
	struct list_of *l;

	tag = span_cut(&rest, '"');
	if (!span_starts(tag, SPAN("ctx")))
		return;
	l = &lists[tag.p[3] - '0'];
	rest = span_trim(span_tail(rest, 1));
	if (l->is_uid) {
		assert_true(span_starts(rest, SPAN("UID")));
		rest = span_trim(span_tail(rest, 3));
	}
	if (span_starts(rest, SPAN("ADDTO")) ||
		span_starts(rest, SPAN("REMOVEFROM")))
		apply(l, rest);
}

static void hear(struct list_of *lists, struct span got)
{
	while (got.n > 0) {
		struct span line = span_cut(&got, '\n');
		struct span rest;

		line = span_head(line, line.n - 1);
		if (span_starts(line, SPAN("* ESEARCH")))
			hear_esearch(lists, line);
		rest = span_tail(line, 2);
		if (span_starts(line, SPAN("* ")) && rest.p[0] >= '0' &&
			rest.p[0] <= '9') {
			uint32_t n = number(&rest);

			if (span_eq(rest, SPAN(" EXPUNGE")))
				expunge(lists, n);
		}
	}
}

static void put_item(struct list_of *l, bool is_add, size_t place,
	uint32_t item)
{
	(void)is_add;
	(void)place;
	insert(l, l->count, item);
}

/* "ALL 1:3" of the answer. */
static void read_all(struct span got, struct list_of *l)
{
	size_t at = span_find_span(got, SPAN(" ALL "));
	struct span set = span_tail(got, at + 5);

	l->count = 0;
	if (at == got.n)
		return;
	each_item(span_head(set, span_find(set, '\r')), l, true, 0, put_item);
}

static void compare(struct client *c, struct list_of *lists, size_t k)
{
	struct list_of now = {.count = 0};
	char line[200];

	(void)snprintf(line, sizeof(line), "f %sALL%s", commands[k][0],
		commands[k][1]);
	say(c, line);
	assert_true(has(c, "f OK"));
	read_all(buf_span(&c->got), &now);
	assert_int_equal(lists[k].count, now.count);
	assert_memory_equal(lists[k].items, now.items,
		now.count * sizeof(uint32_t));
}

/* ---- what happens ------------------------------------------------------------------- */
static void deliver_one(struct fixture *f, uint64_t qid)
{
	char text[200];
	struct sha256 sum;
	struct store_delivery d;
	uint64_t uid;

	(void)snprintf(text, sizeof(text), "Subject: %c\r\n\r\n%s%.*s\r\n",
		(int)('a' + chance(6)), chance(2) ? "needle" : "hay",
		(int)chance(5), "xxxxx");
	d = delivery_of(qid, span_str(text), &sum);
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e), OK);
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
}

static void change_flags(struct client *c, struct list_of *lists)
{
	static const char *const flags[] = {"\\Seen", "\\Flagged", "\\Deleted",
		"k1", "k2", "\\Answered"};
	char line[100];
	uint32_t low = 1 + chance(150);

	(void)snprintf(line, sizeof(line), "s UID STORE %u:%u %cFLAGS%s (%s)",
		low, low + chance(6), chance(2) ? '+' : '-',
		chance(2) ? ".SILENT" : "", flags[chance(6)]);
	hear(lists, say(c, line));
	assert_true(has(c, "s OK"));
}

/* Of the client, or of another one. */
static void do_one(struct fixture *f, struct client *c, struct list_of *lists,
	uint64_t *qid)
{
	static const char *const lines[] = {"x EXPUNGE", "x FETCH 1:* UID",
		"x UID FETCH 1:* FLAGS", "x NOOP"};
	uint32_t what = chance(10);

	if (what < 3)
		deliver_one(f, ++*qid);
	else if (what < 8)
		change_flags(c, lists);
	else
		hear(lists, say(c, lines[chance(4)]));
}

static void play(struct fixture *f, uint32_t with)
{
	static struct list_of lists[LISTS], nobody[LISTS];
	struct client c, other;
	char line[200];
	uint64_t qid = 0;

	seed = with;
	memset(lists, 0, sizeof(lists));
	memset(nobody, 0, sizeof(nobody));
	while (qid < 10)
		deliver_one(f, with * 1000 + ++qid);
	begin(&c, f);
	begin(&other, f);
	say(&c, "a SELECT INBOX");
	say(&other, "a SELECT INBOX");
	for (size_t k = 0; k < LISTS; k++) {
		lists[k].is_uid = strncmp(commands[k][0], "UID", 3) == 0;
		lists[k].is_sorted = strstr(commands[k][0], "SORT") != NULL;
		(void)snprintf(line, sizeof(line), "ctx%zu %sUPDATE ALL%s", k,
			commands[k][0], commands[k][1]);
		say(&c, line);
		assert_true(has(&c, " OK "));
		assert_false(has(&c, "NOUPDATE"));
		read_all(buf_span(&c.got), &lists[k]);
	}
	qid += with * 1000;
	for (unsigned i = 0; i < STEPS; i++) {
		if (chance(2))
			do_one(f, &c, lists, &qid);
		else
			do_one(f, &other, nobody, &qid);
		hear(lists, say(&c, "n NOOP"));
		compare(&c, lists, chance(LISTS));
	}
	for (size_t k = 0; k < LISTS; k++)
		compare(&c, lists, k);
	finish(&c);
	finish(&other);
}

/* `nobody` hears the other one's lines: it has no lists that they could be of, and
 * none is told of ours. */
static void lists_are_what_a_new_search_finds(void **state)
{
	for (uint32_t i = 1; i <= 3; i++)
		play(*state, i);
}

/* ---- slices ---------------------------------------------------------------------------- */
static void deliver_some(struct fixture *f, uint64_t from, uint64_t to)
{
	struct span body = SPAN("Subject: x\r\n\r\nneedle\r\n");
	struct sha256 sum;
	uint64_t uid;

	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	for (; from <= to; from++) {
		struct store_delivery d = delivery_of(from, body, &sum);

		assert_int_equal(store_delivery_add(f->store, &d, &uid, &f->e),
			OK);
	}
	assert_int_equal(store_delivery_commit(f->store, &f->e), OK);
}

/* How often it paused until it had nothing more to say. */
static unsigned take_paused(struct client *c)
{
	unsigned pauses = 0;

	do {
		while (take_one(c))
			;
		pauses += imap_session_is_working(c->session);
	} while (imap_session_is_working(c->session));
	return pauses;
}

/* What is told of 300 messages that have to be read does not stop the others. */
static void it_pauses_while_it_reads(void **state)
{
	struct fixture *f = *state;
	struct client c;

	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b UID SEARCH RETURN (UPDATE) BODY needle");
	deliver_some(f, 1, 300);
	(void)feed(&c, "c NOOP");
	assert_true(take_paused(&c) > 1);
	assert_true(has(&c, "* 300 EXISTS"));
	assert_true(has(&c, "ADDTO (0 1:300)\r\nc OK"));
	say(&c, "d IDLE");
	deliver_some(f, 301, 600);
	buf_reset(&c.got);
	assert_true(imap_session_has_news(c.session));
	assert_true(take_paused(&c) > 1);
	assert_true(has(&c, "ADDTO (0 301:600)"));
	finish(&c);
}

/* Messages that go while it reads are not said to come. */
static void what_goes_while_it_reads_does_not_come(void **state)
{
	struct fixture *f = *state;
	struct client c, other;

	begin(&c, f);
	begin(&other, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b UID SEARCH RETURN (UPDATE) BODY needle");
	deliver_some(f, 1, 200);
	say(&other, "a SELECT INBOX");
	(void)feed(&c, "c NOOP");
	assert_true(imap_session_is_working(c.session) || take_one(&c));
	say(&other, "b STORE 1:10 +FLAGS.SILENT (\\Deleted)");
	say(&other, "c EXPUNGE");
	take(&c);
	assert_true(has(&c, "ADDTO (0 11:200)\r\nc OK"));
	say(&c, "d NOOP");
	assert_false(has(&c, "REMOVEFROM"));
	assert_true(has(&c, "* 1 EXPUNGE"));
	finish(&c);
	finish(&other);
}

/* What changes behind the place where it reads is looked at the next time. */
static void what_changes_while_it_reads_is_told_later(void **state)
{
	struct fixture *f = *state;
	struct client c, other;

	deliver_some(f, 1, 200);
	begin(&c, f);
	begin(&other, f);
	say(&c, "a SELECT INBOX");
	say(&other, "a SELECT INBOX");
	say(&c, "b UID SEARCH RETURN (UPDATE) FLAGGED BODY needle");
	say(&other, "b STORE 1:* +FLAGS.SILENT (\\Flagged)");
	(void)feed(&c, "c NOOP");
	while (take_one(&c))
		;
	assert_true(imap_session_is_working(c.session));
	say(&other, "c STORE 1:10 -FLAGS.SILENT (\\Flagged)");
	take(&c);
	assert_true(has(&c, "ADDTO (0 1:200)\r\nc OK"));
	say(&c, "d NOOP");
	assert_true(has(&c, "REMOVEFROM (0 1:10)\r\nd OK"));
	finish(&c);
	finish(&other);
}

/* Keys that would take much memory, or long to look up, are not kept. */
static void large_keys_are_refused(void **state)
{
	struct fixture *f = *state;
	struct client c;

	deliver_some(f, 1, 20);
	begin(&c, f);
	say(&c, "a SELECT INBOX");
	say(&c, "b SEARCH RETURN (UPDATE COUNT) 1:* 1:* 1:* 1:* 1:* 1:* 1:* 1:*"
		" 1:* 1:* 1:* 1:* 1:* 1:* 1:* 1:* 1:*");
	assert_true(has(&c, "* NO [NOUPDATE \"b\"]"));
	assert_true(has(&c, "COUNT 20"));
	say(&c, "c SEARCH RETURN (UPDATE COUNT) 1:* 1:* 1:* 1:* 1:* 1:* 1:* 1:*");
	assert_false(has(&c, "NOUPDATE"));
	finish(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(lists_are_what_a_new_search_finds),
		TEST(it_pauses_while_it_reads),
		TEST(what_goes_while_it_reads_does_not_come),
		TEST(what_changes_while_it_reads_is_told_later),
		TEST(large_keys_are_refused),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
