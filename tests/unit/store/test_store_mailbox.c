/*
 * test_store_mailbox.c - mailboxes are made, removed and renamed.
 */
#include "box.h"

#define NAME_10 "abcdefghij"
#define NAME_50 NAME_10 NAME_10 NAME_10 NAME_10 NAME_10
#define NAME_255 NAME_50 NAME_50 NAME_50 NAME_50 NAME_50 "abcde"
#define LEVELS_8 "a/a/a/a/a/a/a/a/"

/* ---- names --------------------------------------------------------------------- */
static const struct {
	const char *name;
	const char *made; /* NULL: it is refused */
	enum code code;
} names[] = {
	{"a", "a", OK},
	{"a/b c/d", "a/b c/d", OK},
	{"inbox", "INBOX", OK},
	{"InBox/x", "INBOX/x", OK},
	{"x/inbox", "x/inbox", OK},
	{"inboxes", "inboxes", OK},
	{"a/", "a", OK},
	{"Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe", OK},
	{"Entwu\xcc\x88rfe", "Entw\xc3\xbcrfe", OK}, /* NFC */
	{"&#", "&#", OK},
	{"\xe2\x80\xa7", "\xe2\x80\xa7", OK}, /* before U+2028 */
	{NAME_255, NAME_255, OK},
	{LEVELS_8 LEVELS_8 LEVELS_8 LEVELS_8,
		LEVELS_8 LEVELS_8 LEVELS_8 "a/a/a/a/a/a/a/a", OK},
	{"", NULL, SYNTAX},
	{"/", NULL, SYNTAX},
	{"/a", NULL, SYNTAX},
	{"a//b", NULL, SYNTAX},
	{"a//", NULL, SYNTAX},
	{"a\x01", NULL, SYNTAX},
	{"a\x7f", NULL, SYNTAX},
	{"a\xc2\x85", NULL, SYNTAX},
	{"a\xe2\x80\xa8", NULL, SYNTAX},
	{"a\xe2\x80\xa9", NULL, SYNTAX},
	{"a*", NULL, SYNTAX},
	{"a%b", NULL, SYNTAX},
	{"a\xff", NULL, SYNTAX},
	{"a\xc3", NULL, SYNTAX},
	{NAME_255 "x", NULL, LIMIT},
	{LEVELS_8 LEVELS_8 LEVELS_8 LEVELS_8 "a", NULL, LIMIT},
	{NAME_255 "/" NAME_255 "/" NAME_255 "/" NAME_255, NULL, LIMIT},
};

static void writes_names_in_one_way(void **state)
{
	struct buf made;
	struct err e;

	(void)state;
	buf_init(&made, 2 * STORE_NAME_BYTES);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum code code = store_name_make(span_str(names[i].name), &made,
			&e);

		if (code != names[i].code)
			fail_msg("%s: %s", names[i].name, code_word(code));
		if (code == OK)
			assert_true(span_eq(buf_span(&made),
				span_str(names[i].made)));
	}
	buf_clear(&made);
}

/* ---- the list -------------------------------------------------------------------- */
/* Names in their order, with a blank behind each. */
static void assert_list(struct fixture *f, const char *expected)
{
	struct buf list;

	buf_init(&list, 65536);
	for (size_t i = 0; i < store_mailbox_count(f->store); i++) {
		buf_put(&list, store_mailbox_at(f->store, i)->name);
		buf_putc(&list, ' ');
	}
	if (!span_eq(buf_span(&list), span_str(expected)))
		fail_msg("%.*s", SPAN_ARG(buf_span(&list)));
	buf_clear(&list);
}

#define BORN "INBOX Archive Drafts Junk Sent Trash "

static void is_born_with_folders(void **state)
{
	struct fixture *f = *state;

	assert_list(f, BORN);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(named(f, "inbox")->id,
			store_inbox(f->store));
		assert_int_equal(named(f, "Drafts")->use, STORE_USE_DRAFTS);
		assert_int_equal(named(f, "Trash")->use, STORE_USE_TRASH);
		assert_true(named(f, "Junk")->is_subscribed);
		assert_false(named(f, "Junk")->has_children);
		assert_int_equal(named(f, "Sent")->uidnext, 1);
		assert_null(named(f, "drafts"));
		assert_null(named(f, "a//b"));
		(void)make_mailbox(f, "x");
		assert_list(f, BORN "x ");
		assert_int_equal(store_mailbox_delete(f->store,
			named(f, "x")->id, false, &f->e), OK);
		reopen(f);
	}
	assert_int_equal(broken(f), 0);
}

static void makes_parents(void **state)
{
	struct fixture *f = *state;
	uint64_t id = make_mailbox(f, "zoo/b/c");

	assert_list(f, BORN "zoo zoo/b zoo/b/c ");
	assert_int_equal(named(f, "zoo/b/c")->id, id);
	assert_true(named(f, "zoo")->has_children);
	assert_false(named(f, "zoo/b/c")->has_children);
	assert_false(named(f, "zoo")->is_subscribed);
	(void)make_mailbox(f, "zoo!");
	(void)make_mailbox(f, "inbox/x/");
	assert_list(f, "INBOX INBOX/x Archive Drafts Junk Sent Trash "
		"zoo zoo/b zoo/b/c zoo! ");
	assert_true(named(f, "inbox")->has_children);
	reopen(f);
	assert_list(f, "INBOX INBOX/x Archive Drafts Junk Sent Trash "
		"zoo zoo/b zoo/b/c zoo! ");
	assert_int_equal(broken(f), 0);
}

static void refuses_what_is_taken(void **state)
{
	struct fixture *f = *state;
	uint64_t id;

	assert_int_equal(store_mailbox_create(f->store, SPAN("Inbox"),
		STORE_USE_NONE, &id, &f->e), EXISTS);
	assert_int_equal(store_mailbox_create(f->store, SPAN("Sent/"),
		STORE_USE_NONE, &id, &f->e), EXISTS);
	assert_int_equal(store_mailbox_create(f->store, SPAN("Out"),
		STORE_USE_SENT, &id, &f->e), EXISTS);
	assert_int_equal(store_mailbox_create(f->store, SPAN("a//b"),
		STORE_USE_NONE, &id, &f->e), SYNTAX);
	assert_list(f, BORN);
}

static void bounds_their_number(void **state)
{
	struct fixture *f = *state;
	uint64_t id;

	(void)make_mailbox(f, "z");
	tamper(f, "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL "
		"SELECT i + 1 FROM n WHERE i < 5092) INSERT INTO mailbox "
		"SELECT 7, i, 'm' || i, NULL, uidvalidity, 1, 1, 0, 0, 0, 0, "
		"0, 1 FROM n, account; UPDATE account SET next_mailbox = 9000");
	assert_int_equal(store_mailbox_count(f->store), STORE_MAILBOXES_MAX);
	assert_int_equal(store_mailbox_create(f->store, SPAN("y"),
		STORE_USE_NONE, &id, &f->e), LIMIT);
	assert_int_equal(store_mailbox_delete(f->store, 5092, false, &f->e),
		OK);
	/* there is room for the parent, and not for the child */
	assert_int_equal(store_mailbox_create(f->store, SPAN("y/y"),
		STORE_USE_NONE, &id, &f->e), LIMIT);
	assert_null(named(f, "y"));
	assert_int_equal(store_mailbox_create(f->store, SPAN("y"),
		STORE_USE_NONE, &id, &f->e), OK);
	assert_int_equal(id, 9000);
	assert_int_equal(broken(f), 0);
}

static void never_gives_a_uidvalidity_again(void **state)
{
	struct fixture *f = *state;
	uint32_t last = named(f, "Sent")->uidvalidity;
	uint64_t last_id = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t id = make_mailbox(f, "x");

		assert_true(named(f, "x")->uidvalidity > last);
		assert_true(id > last_id);
		last = named(f, "x")->uidvalidity;
		last_id = id;
		assert_int_equal(store_mailbox_delete(f->store, id, false,
			&f->e), OK);
		if (i == 1)
			reopen(f);
	}
	assert_int_equal(broken(f), 0);
}

/* A special one may get another's name: RFC 9051 2.3.1.1. */
static void gives_each_special_one_its_own_uidvalidity(void **state)
{
	struct fixture *f = *state;
	uint32_t archive = named(f, "Archive")->uidvalidity;
	uint64_t id = named(f, "Archive")->id;

	assert_int_equal(store_mailbox_delete(f->store, id, false, &f->e), OK);
	id = named(f, "Sent")->id;
	assert_int_equal(store_mailbox_rename(f->store, id, SPAN("Archive"),
				 &f->e), OK);
	assert_int_not_equal(named(f, "Archive")->uidvalidity, archive);
	for (size_t i = 1; i < store_mailbox_count(f->store); i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(
				store_mailbox_at(f->store, i)->uidvalidity,
				store_mailbox_at(f->store, j)->uidvalidity);
	reopen(f);
	assert_int_equal(broken(f), 0);
	assert_true(make_mailbox(f, "new") > 0);
	assert_true(named(f, "new")->uidvalidity > archive);
}

/* ---- remove ------------------------------------------------------------------------ */
static void removes_what_is_in_it(void **state)
{
	struct fixture *f = *state;
	uint64_t x = make_mailbox(f, "x"), y = make_mailbox(f, "x/y");
	uint64_t used = store_used_bytes(f->store);
	struct store_copied copied;
	struct store_uids gone;
	struct store_view *v;
	uint32_t uid;

	assert_int_equal(bring(f, y, BODY, 0, SPAN("$Junk"), &uid), OK);
	assert_int_equal(bring(f, y, BODY, 0, SPAN_EMPTY, &uid), OK);
	assert_int_equal(bring(f, y, BODY, 0, SPAN_EMPTY, &uid), OK);
	v = view_of(f, y);
	assert_int_equal(store_copy(v, UIDS(1), 1, store_inbox(f->store),
		NOW_MS, &copied, &f->e), OK);
	assert_int_equal(store_expunge(v, UIDS(3), 1, &gone, &f->e), OK);
	store_uids_clear(&copied.from);
	store_uids_clear(&gone);
	store_view_close(v);
	assert_int_equal(store_mailbox_delete(f->store, x, false, &f->e),
		EXISTS);
	assert_int_equal(broken(f), 0);
	assert_int_equal(store_mailbox_delete(f->store, x, true, &f->e), OK);
	assert_list(f, BORN);
	assert_int_equal(broken(f), 0);
	/* the copy lives on */
	assert_int_equal(store_used_bytes(f->store), used + BODY.n);
	reopen(f);
	assert_list(f, BORN);
	assert_int_equal(store_mailbox_delete(f->store, x, true, &f->e),
		NOT_FOUND);
}

static void keeps_the_inbox(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_mailbox_delete(f->store, store_inbox(f->store),
		true, &f->e), DENIED);
	assert_int_equal(store_mailbox_rename(f->store, store_inbox(f->store),
		SPAN("x"), &f->e), DENIED);
	assert_int_equal(store_mailbox_set_use(f->store,
		store_inbox(f->store), STORE_USE_NONE, &f->e), DENIED);
	assert_int_equal(store_mailbox_set_use(f->store, named(f, "Sent")->id,
		STORE_USE_INBOX, &f->e), DENIED);
	assert_list(f, BORN);
}

/* Who has it open sees it empty, and may still close it. */
static void empties_the_view_of_what_is_removed(void **state)
{
	struct fixture *f = *state;
	uint64_t x = make_mailbox(f, "x");
	struct store_flags_result r;
	const struct store_flags_change change = {.flags = 1};
	struct store_copied copied;
	struct store_uids gone;
	struct store_cursor c;
	struct store_view *v;
	bool is_complete;
	uint32_t uid;

	assert_int_equal(bring(f, x, BODY, 0, SPAN_EMPTY, &uid), OK);
	assert_int_equal(bring(f, x, BODY, 0, SPAN_EMPTY, &uid), OK);
	v = view_of(f, x);
	store_cursor_open(&c, v);
	assert_int_equal(store_mailbox_delete(f->store, x, false, &f->e), OK);
	assert_true(v->is_deleted);
	assert_int_equal(v->count, 0);
	assert_int_equal(store_cursor_count(&c), 2);
	assert_int_equal(store_cursor_news(&c) & STORE_NEWS_DELETED,
		STORE_NEWS_DELETED);
	assert_int_equal(store_view_keyword(v, SPAN("a")), -1);
	store_cursor_claim_recent(&c);
	assert_int_equal(store_flags_store(v, UIDS(1), 1, &change, &r, &f->e),
		OK);
	assert_int_equal(r.changed, 0);
	assert_int_equal(store_move(v, UIDS(1), 1, store_inbox(f->store), 1,
		&copied, &f->e), OK);
	assert_int_equal(copied.from.count, 0);
	assert_int_equal(store_expunge(v, UIDS(1), 1, &gone, &f->e), OK);
	assert_int_equal(store_vanished_since(v, 0, &gone, &is_complete, &f->e),
		OK);
	assert_false(is_complete);
	assert_int_equal(store_cursor_take_expunged(&c, &uid), 2);
	assert_int_equal(uid, 2);
	/* another one of that name is another one */
	x = make_mailbox(f, "x");
	assert_int_equal(bring(f, x, BODY, 0, SPAN_EMPTY, &uid), OK);
	assert_int_equal(v->count, 0);
	store_cursor_close(&c);
	store_view_close(v);
	assert_int_equal(broken(f), 0);
}

/* ---- rename ------------------------------------------------------------------------ */
static void renames_with_children(void **state)
{
	struct fixture *f = *state;
	uint64_t x = make_mailbox(f, "x"), z = make_mailbox(f, "x/y/z");
	uint32_t uidvalidity = named(f, "x/y/z")->uidvalidity, uid;

	(void)make_mailbox(f, "xx");
	assert_int_equal(bring(f, z, BODY, 0, SPAN_EMPTY, &uid), OK);
	assert_int_equal(store_mailbox_rename(f->store, x, SPAN("p/q"), &f->e),
		OK);
	assert_list(f, BORN "p p/q p/q/y p/q/y/z xx ");
	assert_int_equal(named(f, "p/q")->id, x);
	assert_int_equal(named(f, "p/q/y/z")->id, z);
	assert_int_equal(named(f, "p/q/y/z")->uidvalidity, uidvalidity);
	assert_int_equal(named(f, "p/q/y/z")->messages, 1);
	assert_int_equal(broken(f), 0);
	/* up, beside what was its parent */
	assert_int_equal(store_mailbox_rename(f->store, z, SPAN("z"), &f->e),
		OK);
	assert_list(f, BORN "p p/q p/q/y xx z ");
	assert_false(named(f, "p/q/y")->has_children);
	reopen(f);
	assert_list(f, BORN "p p/q p/q/y xx z ");
	assert_int_equal(broken(f), 0);
}

static void refuses_to_rename(void **state)
{
	struct fixture *f = *state;
	uint64_t x = make_mailbox(f, "x"), y = make_mailbox(f, "x/y");
	uint64_t deep = make_mailbox(f, LEVELS_8 LEVELS_8 LEVELS_8 "a");

	assert_int_equal(store_mailbox_rename(f->store, x, SPAN("sent"), &f->e),
		OK);
	assert_int_equal(store_mailbox_rename(f->store, x, SPAN("x"), &f->e),
		OK);
	assert_int_equal(store_mailbox_rename(f->store, x, SPAN("Sent"), &f->e),
		EXISTS);
	assert_int_equal(store_mailbox_rename(f->store, x, SPAN("x/y"), &f->e),
		EXISTS);
	assert_int_equal(store_mailbox_rename(f->store, x, SPAN("x/z"), &f->e),
		DENIED);
	assert_int_equal(store_mailbox_rename(f->store, x, SPAN("x"), &f->e),
		EXISTS);
	assert_int_equal(store_mailbox_rename(f->store, x, SPAN("*"), &f->e),
		SYNTAX);
	assert_int_equal(store_mailbox_rename(f->store, 999, SPAN("n"), &f->e),
		NOT_FOUND);
	/* its children would be too deep */
	assert_int_equal(store_mailbox_rename(f->store, named(f, "a")->id,
		SPAN("b/b/b/b/b/b/b/b/b"), &f->e), LIMIT);
	assert_null(named(f, "b"));
	assert_int_equal(named(f, "x/y")->id, y);
	assert_int_equal(store_mailbox_get(f->store, deep)->name.n, 49);
	assert_int_equal(broken(f), 0);
}

static void renames_the_inbox(void **state)
{
	struct fixture *f = *state;
	struct store_view *inbox;
	struct store_cursor c;
	uint64_t id, uid64;
	uint32_t uid;

	(void)make_mailbox(f, "INBOX/sub");
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(deliver(f, i, BODY, &uid64), OK);
	inbox = view_of(f, store_inbox(f->store));
	(void)put_flags(f, inbox, UIDS(2), 1, STORE_FLAGS_ADD,
		STORE_FLAG_SEEN, SPAN("$Junk"));
	store_cursor_open(&c, inbox);
	assert_int_equal(store_inbox_rename(f->store, SPAN("old/mail"), NOW_MS,
		&id, &f->e), OK);
	assert_int_equal(inbox->count, 0);
	assert_int_equal(store_cursor_count(&c), 3);
	assert_int_equal(named(f, "INBOX")->messages, 0);
	assert_int_equal(named(f, "INBOX")->uidnext, 4);
	assert_int_equal(named(f, "old/mail")->id, id);
	assert_int_equal(named(f, "old/mail")->messages, 3);
	assert_int_equal(named(f, "old/mail")->unseen, 2);
	assert_non_null(named(f, "INBOX/sub"));
	assert_int_equal(store_inbox_rename(f->store, SPAN("Sent"), NOW_MS,
		&id, &f->e), EXISTS);
	store_cursor_close(&c);
	store_view_close(inbox);
	inbox = view_of(f, id);
	assert_int_equal(inbox->rows[1].flags, STORE_FLAG_SEEN);
	assert_int_equal(inbox->rows[1].keywords,
		1u << store_view_keyword(inbox, SPAN("$junk")));
	store_view_close(inbox);
	assert_int_equal(bring(f, store_inbox(f->store), BODY, 0, SPAN_EMPTY,
		&uid), OK);
	assert_int_equal(uid, 4);
	assert_int_equal(broken(f), 0);
}

/* ---- uses, subscriptions ------------------------------------------------------------- */
static void sets_a_use(void **state)
{
	struct fixture *f = *state;
	uint64_t x = make_mailbox(f, "x"), y;

	assert_int_equal(store_mailbox_set_use(f->store, x, STORE_USE_SENT,
		&f->e), EXISTS);
	assert_int_equal(store_mailbox_set_use(f->store, named(f, "Sent")->id,
		STORE_USE_NONE, &f->e), OK);
	assert_int_equal(store_mailbox_set_use(f->store, x, STORE_USE_SENT,
		&f->e), OK);
	assert_int_equal(store_mailbox_delete(f->store, named(f, "Junk")->id,
		false, &f->e), OK);
	assert_int_equal(store_mailbox_create(f->store, SPAN("Spam"),
		STORE_USE_JUNK, &y, &f->e), OK);
	reopen(f);
	assert_int_equal(named(f, "x")->use, STORE_USE_SENT);
	assert_int_equal(named(f, "Sent")->use, STORE_USE_NONE);
	assert_int_equal(store_mailbox_of_use(f->store, STORE_USE_JUNK)->id, y);
	assert_int_equal(broken(f), 0);
}

static void assert_subscribed(struct fixture *f, const char *expected)
{
	const struct span *list;
	struct buf all;
	size_t count;

	buf_init(&all, 65536);
	assert_int_equal(store_subscription_list(f->store, &list, &count,
		&f->e), OK);
	for (size_t i = 0; i < count; i++) {
		buf_put(&all, list[i]);
		buf_putc(&all, ' ');
	}
	if (!span_eq(buf_span(&all), span_str(expected)))
		fail_msg("%.*s", SPAN_ARG(buf_span(&all)));
	buf_clear(&all);
}

static void subscribe(struct fixture *f, const char *name, bool on)
{
	assert_int_equal(store_subscribe(f->store, span_str(name), on, &f->e),
		OK);
}

static void subscribes_to_names(void **state)
{
	struct fixture *f = *state;
	uint64_t x;

	subscribe(f, "news", true);
	subscribe(f, "news", true);
	subscribe(f, "Drafts", false);
	subscribe(f, "nobody", false);
	subscribe(f, "inbox", false);
	assert_subscribed(f, "Archive Junk Sent Trash news ");
	assert_false(named(f, "Drafts")->is_subscribed);
	reopen(f);
	assert_subscribed(f, "Archive Junk Sent Trash news ");
	assert_false(named(f, "Drafts")->is_subscribed);
	subscribe(f, "INBOX", true);
	/* the name waits for its mailbox, and stays behind */
	x = make_mailbox(f, "news");
	assert_true(named(f, "news")->is_subscribed);
	assert_int_equal(store_mailbox_rename(f->store, x, SPAN("old"), &f->e),
		OK);
	assert_false(named(f, "old")->is_subscribed);
	assert_subscribed(f, "INBOX Archive Junk Sent Trash news ");
	assert_int_equal(store_mailbox_delete(f->store, named(f, "Junk")->id,
		false, &f->e), OK);
	reopen(f);
	assert_subscribed(f, "INBOX Archive Junk Sent Trash news ");
	assert_int_equal(store_subscribe(f->store, SPAN("a*"), true, &f->e),
		SYNTAX);
	assert_int_equal(broken(f), 0);
}

/* ---- listeners ------------------------------------------------------------------------- */
struct heard {
	struct store_event events[32];
	size_t count;
};

static void on_event(void *arg, const struct store_event *event)
{
	struct heard *h = arg;

	assert_true(h->count < 32);
	h->events[h->count++] = *event;
}

static void assert_heard(struct heard *h, uint64_t mailbox, unsigned what)
{
	bool was_heard = false;

	for (size_t i = 0; i < h->count; i++)
		was_heard |= h->events[i].mailbox == mailbox &&
			h->events[i].what == what;
	assert_true(was_heard);
}

static void tells_listeners(void **state)
{
	struct fixture *f = *state;
	struct heard h = {0};
	struct store_listener l = {.fn = on_event, .arg = &h};
	uint64_t x, uid64;
	uint32_t uid;

	store_listen(f->store, &l);
	x = make_mailbox(f, "p/x");
	assert_int_equal(h.count, 2);
	assert_heard(&h, x, STORE_EVENT_CREATED);
	assert_heard(&h, named(f, "p")->id, STORE_EVENT_CREATED);
	h.count = 0;
	/* whether it is open or not */
	assert_int_equal(bring(f, x, BODY, 0, SPAN_EMPTY, &uid), OK);
	assert_int_equal(deliver(f, 1, BODY, &uid64), OK);
	assert_int_equal(h.count, 2);
	assert_heard(&h, x, STORE_EVENT_NEW);
	assert_heard(&h, store_inbox(f->store), STORE_EVENT_NEW);
	h.count = 0;
	assert_int_equal(store_messages_expunge(f->store, x,
		&(uint64_t){1}, 1, &f->e), OK);
	assert_heard(&h, x, STORE_EVENT_EXPUNGED);
	h.count = 0;
	assert_int_equal(store_mailbox_rename(f->store, x, SPAN("x"), &f->e),
		OK);
	assert_int_equal(h.count, 1);
	assert_heard(&h, x, STORE_EVENT_RENAMED);
	subscribe(f, "x", true);
	subscribe(f, "nothing", true);
	assert_heard(&h, x, STORE_EVENT_SUBSCRIBED);
	assert_heard(&h, 0, STORE_EVENT_SUBSCRIBED);
	h.count = 0;
	assert_int_equal(store_mailbox_delete(f->store, x, false, &f->e), OK);
	assert_int_equal(h.count, 1);
	assert_heard(&h, x, STORE_EVENT_DELETED);
	/* what did not happen is not heard */
	h.count = 0;
	assert_int_equal(store_mailbox_create(f->store, SPAN("Sent"),
		STORE_USE_NONE, &x, &f->e), EXISTS);
	assert_int_equal(store_delivery_begin(f->store, &f->e), OK);
	store_delivery_rollback(f->store);
	store_unlisten(&l);
	(void)make_mailbox(f, "later");
	assert_int_equal(h.count, 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_names_in_one_way),
		T(is_born_with_folders), T(makes_parents),
		T(refuses_what_is_taken), T(bounds_their_number),
		T(never_gives_a_uidvalidity_again),
		T(gives_each_special_one_its_own_uidvalidity),
		T(removes_what_is_in_it),
		T(keeps_the_inbox), T(empties_the_view_of_what_is_removed),
		T(renames_with_children), T(refuses_to_rename),
		T(renames_the_inbox), T(sets_a_use), T(subscribes_to_names),
		T(tells_listeners)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
