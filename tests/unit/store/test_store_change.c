/*
 * test_store_change.c - flags, keywords, appends, replacements, \Recent, and what
 * vanished.  Random mixtures of them: test_store_random.c.
 */
#include "box.h"

#include <fcntl.h>
#include <sys/stat.h>

static uint64_t inbox_of(struct fixture *f)
{
	return store_inbox(f->store);
}

/* ---- flags ---------------------------------------------------------------------- */
static void keeps_modseq_of_what_is_so_already(void **state)
{
	struct fixture *f = *state;
	struct store_view *v;
	uint64_t modseq;
	uint32_t uid;

	for (int i = 0; i < 4; i++)
		assert_int_equal(bring(f, inbox_of(f), BODY, i == 1
			? STORE_FLAG_SEEN : 0, SPAN_EMPTY, &uid), OK);
	v = view_of(f, inbox_of(f));
	modseq = v->highestmodseq;
	assert_int_equal(put_flags(f, v, UIDS(1, 2, 3), 3, STORE_FLAGS_ADD,
		STORE_FLAG_SEEN, SPAN_EMPTY), 2);
	assert_int_equal(v->highestmodseq, modseq + 1);
	assert_true(v->rows[1].modseq < v->rows[0].modseq);
	assert_int_equal(v->rows[0].modseq, v->rows[2].modseq);
	/* nothing is written */
	assert_int_equal(put_flags(f, v, UIDS(1, 2, 3), 3, STORE_FLAGS_ADD,
		STORE_FLAG_SEEN, SPAN_EMPTY), 0);
	assert_int_equal(put_flags(f, v, UIDS(4), 1, STORE_FLAGS_REMOVE,
		STORE_FLAG_SEEN, SPAN("unknown")), 0);
	assert_int_equal(v->highestmodseq, modseq + 1);
	assert_int_equal(store_mailbox_get(f->store, v->mailbox)->unseen, 1);
	store_view_close(v);
	reopen(f);
	v = view_of(f, inbox_of(f));
	assert_int_equal(v->highestmodseq, modseq + 1);
	assert_int_equal(v->rows[2].flags, STORE_FLAG_SEEN);
	assert_int_equal(v->rows[3].flags, 0);
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

static void tells_what_was_changed_since(void **state)
{
	struct fixture *f = *state;
	struct store_flags_change c = {.flags = STORE_FLAG_FLAGGED,
		.has_unchanged_since = true};
	struct store_flags_result r;
	struct store_view *v;
	uint32_t uid;

	for (int i = 0; i < 3; i++)
		assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY,
			&uid), OK);
	v = view_of(f, inbox_of(f));
	c.unchanged_since = v->highestmodseq;
	(void)put_flags(f, v, UIDS(2), 1, STORE_FLAGS_ADD, STORE_FLAG_SEEN,
		SPAN_EMPTY);
	assert_int_equal(store_flags_store(v, UIDS(1, 2, 3), 3, &c, &r, &f->e),
		OK);
	assert_int_equal(r.changed, 2);
	assert_int_equal(r.failed.count, 1);
	assert_int_equal(r.failed.items[0], 2);
	assert_int_equal(v->rows[1].flags, STORE_FLAG_SEEN);
	assert_int_equal(v->rows[2].modseq, r.modseq);
	store_uids_clear(&r.failed);
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

/* ---- keywords ---------------------------------------------------------------------- */
static const struct {
	const char *name;
	enum code code;
} keywords[] = {
	{"$MDNSent", OK}, {"a", OK}, {"!#&'+,-.:;<=>?@[^_`|}~", OK},
	{"", SYNTAX}, {"a b", SYNTAX}, {"(", SYNTAX}, {")", SYNTAX},
	{"{", SYNTAX}, {"%", SYNTAX}, {"*", SYNTAX}, {"\"", SYNTAX},
	{"\\Seen", SYNTAX}, {"]", SYNTAX}, {"\x7f", SYNTAX},
	{"\xc3\xbc", SYNTAX}, {"a\tb", SYNTAX},
};

static enum code add_keyword(struct fixture *f, struct store_view *v,
	uint32_t uid, struct span name)
{
	const struct store_flags_change c = {.keywords = &name,
		.keyword_count = 1};
	struct store_flags_result r;
	enum code code = store_flags_store(v, &uid, 1, &c, &r, &f->e);

	store_uids_clear(&r.failed);
	return code;
}

static void takes_atoms_as_keywords(void **state)
{
	struct fixture *f = *state;
	char longest[STORE_KEYWORD_BYTES + 1];
	struct store_view *v;
	uint32_t uid;

	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid), OK);
	v = view_of(f, inbox_of(f));
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		enum code code = add_keyword(f, v, 1,
			span_str(keywords[i].name));

		if (code != keywords[i].code)
			fail_msg("%s: %s", keywords[i].name, code_word(code));
	}
	memset(longest, 'k', sizeof(longest));
	assert_int_equal(add_keyword(f, v, 1,
		span_of(longest, sizeof(longest))), LIMIT);
	assert_int_equal(add_keyword(f, v, 1,
		span_of(longest, STORE_KEYWORD_BYTES)), OK);
	assert_int_equal(add_keyword(f, v, 1, SPAN("$mdnsent")), OK);
	assert_int_equal(v->keyword_count, 4);
	assert_int_equal(v->rows[0].keywords, 15);
	assert_true(span_eq(v->keywords[0], SPAN("$MDNSent")));
	store_view_close(v);
	reopen(f);
	v = view_of(f, inbox_of(f));
	assert_int_equal(store_view_keyword(v, SPAN("A")), 1);
	assert_int_equal(v->rows[0].keywords, 15);
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

static struct span numbered(char *room, int number)
{
	int n = snprintf(room, 16, "k%d", number);

	return span_of(room, (size_t)n);
}

static void gives_a_keyword_up_that_nobody_has(void **state)
{
	struct fixture *f = *state;
	struct store_view *v;
	struct store_cursor c;
	uint64_t x = make_mailbox(f, "x");
	struct store_copied copied;
	char room[16];
	uint32_t uid;

	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid), OK);
	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid), OK);
	v = view_of(f, inbox_of(f));
	for (int i = 0; i < 64; i++)
		assert_int_equal(add_keyword(f, v, 1, numbered(room, i)), OK);
	assert_int_equal(v->rows[0].keywords, UINT64_MAX);
	assert_false(store_view_has_keyword_room(v));
	assert_int_equal(add_keyword(f, v, 2, SPAN("more")), LIMIT);
	assert_int_equal(v->rows[1].keywords, 0);
	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN("more"), &uid),
		LIMIT);
	assert_int_equal(broken(f), 0);
	store_cursor_open(&c, v);
	(void)put_flags(f, v, UIDS(1), 1, STORE_FLAGS_REMOVE, 0, SPAN("K40"));
	assert_true(store_view_has_keyword_room(v));
	assert_int_equal(add_keyword(f, v, 2, SPAN("more")), OK);
	assert_int_equal(store_view_keyword(v, SPAN("more")), 40);
	assert_int_equal(store_view_keyword(v, SPAN("k40")), -1);
	assert_int_equal(store_cursor_news(&c),
		STORE_NEWS_CHANGED | STORE_NEWS_KEYWORDS);
	store_cursor_told(&c);
	assert_int_equal(store_cursor_news(&c), 0);
	store_cursor_close(&c);
	/* all of them elsewhere */
	assert_int_equal(store_copy(v, UIDS(1, 2), 2, x, NOW_MS, &copied,
		&f->e), OK);
	store_uids_clear(&copied.from);
	store_view_close(v);
	reopen(f);
	v = view_of(f, x);
	for (int i = 0; i < 64; i++) {
		int bit = store_view_keyword(v, i == 40 ? SPAN("more")
							: numbered(room, i));

		assert_true(bit >= 0);
		assert_int_equal(v->rows[i == 40].keywords >> bit & 1, 1);
	}
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

/* Two names that come together, when only names that nobody has can go. */
static void gives_two_keywords_two_bits(void **state)
{
	struct fixture *f = *state;
	const struct span names[] = {SPAN("one"), SPAN("two")};
	const struct store_flags_change c = {.how = STORE_FLAGS_REPLACE,
		.keywords = names, .keyword_count = 2};
	struct store_flags_result r;
	struct store_view *v;
	char room[16];
	uint32_t uid;

	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid), OK);
	v = view_of(f, inbox_of(f));
	for (int i = 0; i < 64; i++)
		assert_int_equal(add_keyword(f, v, 1, numbered(room, i)), OK);
	(void)put_flags(f, v, UIDS(1), 1, STORE_FLAGS_REPLACE, 0, SPAN_EMPTY);
	assert_int_equal(store_flags_store(v, UIDS(1), 1, &c, &r, &f->e), OK);
	assert_true(store_view_keyword(v, SPAN("one")) >= 0);
	assert_true(store_view_keyword(v, SPAN("two")) >= 0);
	assert_int_equal(__builtin_popcountll(v->rows[0].keywords), 2);
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

/* A keyword without room in the target stays behind; the message does not. */
static void copies_without_a_keyword(void **state)
{
	struct fixture *f = *state;
	uint64_t x = make_mailbox(f, "x");
	struct store_copied copied;
	struct store_view *v;
	char room[16];
	uint32_t uid;

	assert_int_equal(bring(f, x, BODY, 0, SPAN_EMPTY, &uid), OK);
	v = view_of(f, x);
	for (int i = 0; i < 64; i++)
		assert_int_equal(add_keyword(f, v, 1, numbered(room, i)), OK);
	store_view_close(v);
	assert_int_equal(bring(f, inbox_of(f), BODY, STORE_FLAG_DRAFT,
		SPAN("k7"), &uid), OK);
	v = view_of(f, inbox_of(f));
	assert_int_equal(add_keyword(f, v, 1, SPAN("other")), OK);
	assert_int_equal(store_move(v, UIDS(1), 1, x, NOW_MS, &copied, &f->e),
		OK);
	assert_int_equal(copied.first_uid, 2);
	store_uids_clear(&copied.from);
	store_view_close(v);
	v = view_of(f, x);
	assert_int_equal(v->rows[1].flags, STORE_FLAG_DRAFT);
	assert_int_equal(v->rows[1].keywords, 1u << 7);
	assert_int_equal(v->rows[1].saved_s, NOW_MS / 1000);
	assert_int_equal(v->rows[1].received_ms, 1600000000000);
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

/* ---- append --------------------------------------------------------------------------- */
#define LARGE (3u * STORE_PIECE_BYTES + 17)

static void fill_text(uint8_t *text, size_t n)
{
	static const char head[] = "Subject: large\r\nMessage-ID: <l@x>\r\n\r\n";

	for (size_t i = 0; i < n; i++)
		text[i] = i < sizeof(head) - 1 ? (uint8_t)head[i]
			: i % 64 == 63 ? '\n' : (uint8_t)('a' + i % 23);
}

static void count_files(const struct fixture *f, size_t expected)
{
	char command[128];
	FILE *list;
	size_t count = 0;
	int c;

	(void)snprintf(command, sizeof(command), "ls -A %s", f->folder);
	list = popen(command, "r");
	assert_non_null(list);
	while ((c = fgetc(list)) != EOF)
		count += c == '\n';
	assert_int_equal(pclose(list), 0);
	assert_int_equal(count, expected);
}

static void appends_what_comes_in_pieces(void **state)
{
	struct fixture *f = *state;
	struct store_append items[2] = {{.flags = STORE_FLAG_SEEN,
		.received_ms = 5000}, {.received_ms = -5000}};
	static uint8_t text[LARGE];
	struct buf out;
	struct arena a;
	struct store_meta m;
	struct store_view *v;
	uint32_t first;

	fill_text(text, sizeof(text));
	assert_int_equal(store_upload_begin(f->store, LARGE, &items[0].upload,
		&f->e), OK);
	assert_int_equal(store_upload_begin(f->store, BODY.n, &items[1].upload,
		&f->e), OK);
	for (size_t i = 0; i < LARGE; i += 100000)
		assert_int_equal(store_upload_feed(items[0].upload,
			span_of(text + i, LARGE - i < 100000 ? LARGE - i
							     : 100000),
			&f->e), OK);
	assert_int_equal(store_upload_feed(items[0].upload, SPAN("x"), &f->e),
		LIMIT);
	assert_int_equal(store_upload_feed(items[1].upload, BODY, &f->e), OK);
	assert_int_equal(store_upload_feed(items[1].upload, SPAN("x"), &f->e),
		LIMIT);
	assert_int_equal(store_upload_bytes(items[0].upload), LARGE);
	/* the file has no name */
	count_files(f, 2);
	assert_int_equal(store_append(f->store, inbox_of(f), items, 2, NOW_MS,
		&first, &f->e), OK);
	assert_int_equal(first, 1);
	store_upload_free(items[0].upload);
	store_upload_free(items[1].upload);
	v = view_of(f, inbox_of(f));
	assert_int_equal(v->count, 2);
	assert_int_equal(v->rows[0].modseq, v->rows[1].modseq);
	assert_int_equal(v->rows[0].size, LARGE);
	assert_int_equal(v->rows[0].received_ms, 5000);
	assert_int_equal(v->rows[1].received_ms, -5000);
	buf_init(&out, LARGE);
	assert_int_equal(read_message(f, v->rows[0].message, &out), OK);
	assert_true(span_eq(buf_span(&out), span_of(text, LARGE)));
	assert_int_equal(read_message(f, v->rows[1].message, &out), OK);
	assert_true(span_eq(buf_span(&out), BODY));
	buf_clear(&out);
	arena_init(&a, STORE_META_ARENA_BYTES);
	assert_int_equal(store_message_meta(f->store, v->rows[0].message, &a,
		&m, &f->e), OK);
	assert_true(span_eq(m.envelope->subject, SPAN("large")));
	assert_int_equal(m.received_ms, 5000);
	arena_clear(&a);
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

static void refuses_what_is_over_the_quota(void **state)
{
	struct fixture *f = *state;
	struct store_append items[2] = {{.received_ms = 1}, {.received_ms = 1}};
	struct store_upload *u;
	uint32_t uid;

	store_set_quota(f->store, 2 * BODY.n - 1);
	assert_int_equal(store_upload_begin(f->store, 2 * BODY.n, &u, &f->e),
		FULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_upload_begin(f->store, BODY.n,
			&items[i].upload, &f->e), OK);
		assert_int_equal(store_upload_feed(items[i].upload, BODY,
			&f->e), OK);
	}
	/* both or none */
	assert_int_equal(store_append(f->store, inbox_of(f), items, 2, NOW_MS,
		&uid, &f->e), FULL);
	assert_int_equal(store_mailbox_get(f->store, inbox_of(f))->messages, 0);
	assert_int_equal(store_append(f->store, 999, items, 1, NOW_MS, &uid,
		&f->e), NOT_FOUND);
	assert_int_equal(store_append(f->store, inbox_of(f), items, 1, NOW_MS,
		&uid, &f->e), OK);
	store_upload_free(items[0].upload);
	store_upload_free(items[1].upload);
	assert_int_equal(store_used_bytes(f->store), BODY.n);
	assert_int_equal(broken(f), 0);
}

/* Commands that were sent ahead: one transaction, and each for itself. */
static void stores_many_commands_at_once(void **state)
{
	struct fixture *f = *state;
	const struct span bad = SPAN("a b"), good = SPAN("Good");
	struct store_append item = {.received_ms = 1};
	struct store_append odd = {.received_ms = 1, .keywords = &bad,
		.keyword_count = 1};
	struct store_append named = {.received_ms = 1, .keywords = &good,
		.keyword_count = 1};
	uint64_t x = make_mailbox(f, "x"), inbox = inbox_of(f);
	struct store_appending c[] = {
		{.mailbox = inbox, .items = &item, .count = 1},
		{.mailbox = 999, .items = &item, .count = 1},
		{.mailbox = inbox, .items = &odd, .count = 1},
		{.mailbox = x, .items = &named, .count = 1},
		{.mailbox = inbox, .items = &item, .count = 1},
		{.mailbox = inbox, .items = &item, .count = 1},
	};
	const enum code codes[] = {OK, NOT_FOUND, SYNTAX, OK, OK, FULL};
	uint64_t modseq = store_mailbox_get(f->store, inbox)->highestmodseq;

	store_set_quota(f->store, 3 * BODY.n);
	assert_int_equal(store_upload_begin(f->store, BODY.n, &item.upload,
		&f->e), OK);
	assert_int_equal(store_upload_feed(item.upload, BODY, &f->e), OK);
	odd.upload = named.upload = item.upload;
	assert_int_equal(store_append_many(f->store, c, 6, NOW_MS, &f->e), OK);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(c[i].code, codes[i]);
	assert_int_equal(c[0].first_uid, 1);
	assert_int_equal(c[3].first_uid, 1);
	assert_int_equal(c[4].first_uid, 2);
	assert_int_equal(store_mailbox_get(f->store, inbox)->messages, 2);
	assert_int_equal(store_mailbox_get(f->store, inbox)->highestmodseq,
		store_mailbox_get(f->store, x)->highestmodseq);
	assert_true(store_mailbox_get(f->store, x)->highestmodseq > modseq);
	/* nothing that could be stored: no transaction, no new modseq */
	modseq = store_mailbox_get(f->store, inbox)->highestmodseq;
	assert_int_equal(store_append_many(f->store, &c[5], 1, NOW_MS, &f->e),
		OK);
	assert_int_equal(c[5].code, FULL);
	assert_int_equal(store_mailbox_get(f->store, inbox)->highestmodseq,
		modseq);
	store_upload_free(item.upload);
	assert_int_equal(broken(f), 0);
}

static void ends_when_the_uids_are_used_up(void **state)
{
	struct fixture *f = *state;
	struct store_copied copied;
	struct store_view *v;
	uint64_t uid64, x = make_mailbox(f, "x");
	uint32_t uid;

	assert_int_equal(bring(f, x, BODY, 0, SPAN_EMPTY, &uid), OK);
	tamper(f, "UPDATE mailbox SET uidnext = 4294967294 "
		"WHERE special_use = 'inbox'");
	assert_int_equal(deliver(f, 1, BODY, &uid64), OK);
	assert_int_equal(uid64, UINT32_MAX - 1);
	assert_int_equal(deliver(f, 2, BODY, &uid64), FULL);
	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid),
		FULL);
	v = view_of(f, x);
	assert_int_equal(store_copy(v, UIDS(1), 1, inbox_of(f), NOW_MS,
		&copied, &f->e), FULL);
	store_uids_clear(&copied.from);
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

/* ---- replace ------------------------------------------------------------------------- */
static enum code replace(struct fixture *f, struct store_view *v, uint32_t uid,
	uint64_t mailbox, uint32_t *out_uid)
{
	struct store_append item = {.flags = STORE_FLAG_DRAFT};
	enum code code;

	code = store_upload_begin_instead(v, uid, BODY.n, &item.upload, &f->e);
	if (code != OK)
		return code;
	assert_int_equal(store_upload_feed(item.upload, BODY, &f->e), OK);
	code = store_replace(v, uid, mailbox, &item, NOW_MS, out_uid, &f->e);
	store_upload_free(item.upload);
	return code;
}

static void replaces_a_message(void **state)
{
	struct fixture *f = *state;
	const struct store_mailbox *drafts = store_mailbox_of_use(f->store,
		STORE_USE_DRAFTS);
	struct store_view *v;
	uint32_t uid;

	assert_int_equal(bring(f, inbox_of(f), SPAN("a\r\n"), 0, SPAN_EMPTY,
		&uid), OK);
	v = view_of(f, inbox_of(f));
	assert_int_equal(replace(f, v, 1, inbox_of(f), &uid), OK);
	assert_int_equal(uid, 2);
	assert_int_equal(v->count, 1);
	assert_int_equal(v->rows[0].uid, 2);
	assert_int_equal(replace(f, v, 1, inbox_of(f), &uid), NOT_FOUND);
	assert_int_equal(v->count, 1);
	assert_int_equal(replace(f, v, 2, drafts->id, &uid), OK);
	assert_int_equal(uid, 1);
	assert_int_equal(v->count, 0);
	assert_int_equal(drafts->messages, 1);
	assert_int_equal(store_used_bytes(f->store), BODY.n);
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

/* What goes makes room, unless it stays elsewhere. */
static void replaces_within_the_quota(void **state)
{
	struct fixture *f = *state;
	struct store_copied copied;
	struct store_upload *u;
	struct store_view *v;
	uint32_t uid;

	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid), OK);
	v = view_of(f, inbox_of(f));
	store_set_quota(f->store, BODY.n);
	assert_int_equal(store_upload_begin(f->store, 1, &u, &f->e), FULL);
	assert_int_equal(store_upload_begin_instead(v, 1, BODY.n + 1, &u,
		&f->e), FULL);
	assert_int_equal(store_upload_begin_instead(v, 9, 1, &u, &f->e),
		NOT_FOUND);
	assert_int_equal(replace(f, v, 1, inbox_of(f), &uid), OK);
	/* over the quota that was set since, not more than before */
	store_set_quota(f->store, BODY.n - 1);
	assert_int_equal(replace(f, v, 2, inbox_of(f), &uid), OK);
	store_set_quota(f->store, BODY.n);
	assert_int_equal(store_copy(v, UIDS(3), 1, inbox_of(f), NOW_MS,
		&copied, &f->e), OK);
	store_uids_clear(&copied.from);
	assert_int_equal(store_upload_begin_instead(v, 3, BODY.n, &u, &f->e),
		FULL);
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

/* ---- vanished ---------------------------------------------------------------------------- */
static void remembers_what_vanished(void **state)
{
	struct fixture *f = *state;
	struct store_copied copied;
	struct store_uids gone;
	struct store_view *v;
	uint64_t modseq;
	bool is_complete;
	uint32_t uid;

	for (int i = 0; i < 5; i++)
		assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY,
			&uid), OK);
	v = view_of(f, inbox_of(f));
	assert_int_equal(store_expunge(v, UIDS(4), 1, &gone, &f->e), OK);
	store_uids_clear(&gone);
	modseq = v->highestmodseq;
	assert_int_equal(store_move(v, UIDS(1, 5), 2,
		store_mailbox_of_use(f->store, STORE_USE_TRASH)->id, NOW_MS,
		&copied, &f->e), OK);
	store_uids_clear(&copied.from);
	assert_int_equal(store_vanished_since(v, modseq, &gone, &is_complete,
		&f->e), OK);
	assert_true(is_complete);
	assert_int_equal(gone.count, 2);
	assert_int_equal(gone.items[0], 1);
	assert_int_equal(gone.items[1], 5);
	store_uids_clear(&gone);
	assert_int_equal(store_vanished_since(v, UINT64_MAX, &gone,
		&is_complete, &f->e), OK);
	assert_int_equal(gone.count, 0);
	assert_int_equal(store_vanished_since(v, 0, &gone, &is_complete,
		&f->e), OK);
	assert_true(is_complete);
	assert_int_equal(gone.count, 3);
	store_uids_clear(&gone);
	store_view_close(v);
}

static void drops_old_tombstones(void **state)
{
	struct fixture *f = *state;
	struct store_uids gone;
	struct store_view *v;
	bool is_complete;
	uint32_t uid;

	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid), OK);
	tamper(f, "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL "
		"SELECT i + 1 FROM n WHERE i < 65545) INSERT INTO tombstone "
		"SELECT 7, 1, i, i, i FROM n; UPDATE mailbox SET "
		"uidnext = 70000, highestmodseq = 70000; "
		"UPDATE account SET modseq = 70000");
	store_tidy(f->store);
	v = view_of(f, inbox_of(f));
	assert_int_equal(store_vanished_since(v, 10, &gone, &is_complete,
		&f->e), OK);
	assert_true(is_complete);
	assert_int_equal(gone.count, 65535);
	store_uids_clear(&gone);
	/* one more, and half of them go */
	assert_int_equal(store_expunge(v, UIDS(1), 1, &gone, &f->e), OK);
	store_uids_clear(&gone);
	store_tidy(f->store);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_vanished_since(v, 10, &gone,
			&is_complete, &f->e), OK);
		assert_false(is_complete);
		assert_int_equal(gone.count, 32768);
		store_uids_clear(&gone);
		assert_int_equal(store_vanished_since(v, 70000, &gone,
			&is_complete, &f->e), OK);
		assert_true(is_complete);
		assert_int_equal(gone.count, 1);
		store_uids_clear(&gone);
		store_view_close(v);
		assert_int_equal(broken(f), 0);
		reopen(f);
		v = view_of(f, inbox_of(f));
	}
	store_view_close(v);
}

/* POP3 may name them in any order. */
static void expunges_in_any_order(void **state)
{
	struct fixture *f = *state;
	struct store_cursor c;
	struct store_view *v;
	uint32_t uid;

	for (int i = 0; i < 4; i++)
		assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY,
			&uid), OK);
	v = view_of(f, inbox_of(f));
	store_cursor_open(&c, v);
	assert_int_equal(store_messages_expunge(f->store, inbox_of(f),
		(const uint64_t[]){3, 99, 1, UINT64_MAX}, 4, &f->e), OK);
	assert_int_equal(v->count, 2);
	assert_int_equal(v->rows[0].uid, 2);
	assert_int_equal(v->rows[1].uid, 4);
	assert_int_equal(store_cursor_take_expunged(&c, &uid), 3);
	assert_int_equal(store_cursor_take_expunged(&c, &uid), 1);
	assert_int_equal(store_cursor_take_expunged(&c, &uid), 0);
	store_cursor_close(&c);
	store_view_close(v);
	assert_int_equal(store_messages_expunge(f->store, 999,
		(const uint64_t[]){1}, 1, &f->e), NOT_FOUND);
	assert_int_equal(broken(f), 0);
}

/* ---- \Recent ------------------------------------------------------------------------------- */
static void is_recent_to_one(void **state)
{
	struct fixture *f = *state;
	struct store_cursor a, b;
	struct store_view *v;
	uint32_t uid;

	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid), OK);
	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid), OK);
	assert_int_equal(store_mailbox_unclaimed(f->store, inbox_of(f)), 2);
	v = view_of(f, inbox_of(f));
	store_cursor_open(&a, v);
	store_cursor_open(&b, v);
	store_cursor_claim_recent(&a);
	store_cursor_claim_recent(&b);
	assert_int_equal(store_cursor_recent_count(&a), 2);
	assert_int_equal(store_cursor_recent_count(&b), 0);
	assert_int_equal(store_mailbox_unclaimed(f->store, inbox_of(f)), 0);
	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid), OK);
	assert_int_equal(store_mailbox_unclaimed(f->store, inbox_of(f)), 1);
	store_cursor_claim_recent(&b); /* it does not see it yet */
	(void)store_cursor_take_new(&b);
	store_cursor_claim_recent(&b);
	assert_int_equal(bring(f, inbox_of(f), BODY, 0, SPAN_EMPTY, &uid), OK);
	(void)store_cursor_take_new(&a);
	store_cursor_claim_recent(&a);
	assert_true(store_cursor_is_recent(&a, 1));
	assert_true(store_cursor_is_recent(&a, 4));
	assert_false(store_cursor_is_recent(&a, 3));
	assert_true(store_cursor_is_recent(&b, 3));
	assert_false(store_cursor_is_recent(&b, 4));
	assert_int_equal(store_cursor_recent_count(&a), 3);
	assert_int_equal(store_cursor_recent_count(&b), 1);
	store_cursor_close(&a);
	store_cursor_close(&b);
	store_view_close(v);
	/* kept from idle time on */
	store_tidy(f->store);
	reopen(f);
	assert_int_equal(store_mailbox_unclaimed(f->store, inbox_of(f)), 0);
	assert_int_equal(broken(f), 0);
}

/* ---- memory ---------------------------------------------------------------------------------- */
static void is_small(void **state)
{
	(void)state;
	/* 100,000 messages in 4 MiB, with the room for some more */
	assert_true(sizeof(struct store_row) * (100000 + 100000 / 32 + 64) <=
		4u << 20);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(keeps_modseq_of_what_is_so_already),
		T(tells_what_was_changed_since), T(takes_atoms_as_keywords),
		T(gives_a_keyword_up_that_nobody_has),
		T(gives_two_keywords_two_bits), T(copies_without_a_keyword), T(appends_what_comes_in_pieces),
		T(refuses_what_is_over_the_quota),
		T(stores_many_commands_at_once),
		T(ends_when_the_uids_are_used_up), T(replaces_a_message), T(replaces_within_the_quota),
		T(remembers_what_vanished), T(drops_old_tombstones),
		T(is_recent_to_one), T(expunges_in_any_order), cmocka_unit_test(is_small)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
