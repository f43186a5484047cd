/*
 * test_store_failure.c - the disk refuses to write when a verb commits: nobody is
 * told, nothing in memory changed, and the file is as it was.
 */
#include "box.h"

#include <signal.h>
#include <sys/resource.h>

struct scene {
	struct fixture *f;
	struct store_view *inbox;
	uint64_t x; /* a mailbox with one below it */
};

typedef enum code verb_fn(struct scene *s);

static enum code do_flags(struct scene *s)
{
	const struct span word = SPAN("new");
	const struct store_flags_change c = {.flags = STORE_FLAG_SEEN,
		.keywords = &word, .keyword_count = 1};
	struct store_flags_result r;
	enum code code = store_flags_store(s->inbox, UIDS(1, 2), 2, &c, &r,
		&s->f->e);

	assert_int_equal(r.modseq, 0);
	store_uids_clear(&r.failed);
	return code;
}

static enum code do_copy(struct scene *s)
{
	struct store_copied out;
	enum code code = store_copy(s->inbox, UIDS(1), 1, s->x, NOW_MS, &out,
		&s->f->e);

	store_uids_clear(&out.from);
	return code;
}

static enum code do_move(struct scene *s)
{
	struct store_copied out;
	enum code code = store_move(s->inbox, UIDS(1), 1, s->inbox->mailbox,
		NOW_MS, &out, &s->f->e);

	store_uids_clear(&out.from);
	return code;
}

static enum code do_expunge(struct scene *s)
{
	struct store_uids gone;
	enum code code = store_expunge(s->inbox, UIDS(1, 2), 2, &gone,
		&s->f->e);

	store_uids_clear(&gone);
	return code;
}

static enum code do_append(struct scene *s)
{
	uint32_t uid;

	return bring(s->f, s->inbox->mailbox, BODY, 0, SPAN("new"), &uid);
}

static enum code do_deliver(struct scene *s)
{
	struct sha256 sum;
	struct store_delivery d = delivery_of(9, BODY, &sum);
	uint64_t uid;

	assert_int_equal(store_delivery_begin(s->f->store, &s->f->e), OK);
	assert_int_equal(store_delivery_add(s->f->store, &d, &uid, &s->f->e),
		OK);
	return store_delivery_commit(s->f->store, &s->f->e);
}

static enum code do_create(struct scene *s)
{
	uint64_t id;

	return store_mailbox_create(s->f->store, SPAN("p/q"), STORE_USE_NONE,
		&id, &s->f->e);
}

static enum code do_delete(struct scene *s)
{
	return store_mailbox_delete(s->f->store, s->x, true, &s->f->e);
}

static enum code do_rename(struct scene *s)
{
	return store_mailbox_rename(s->f->store, s->x, SPAN("z/z"), &s->f->e);
}

static enum code do_rename_inbox(struct scene *s)
{
	uint64_t id;

	return store_inbox_rename(s->f->store, SPAN("old"), NOW_MS, &id,
		&s->f->e);
}

static enum code do_set_use(struct scene *s)
{
	return store_mailbox_set_use(s->f->store,
		store_mailbox_of_use(s->f->store, STORE_USE_JUNK)->id,
		STORE_USE_NONE, &s->f->e);
}

static enum code do_subscribe(struct scene *s)
{
	return store_subscribe(s->f->store, SPAN("x"), true, &s->f->e);
}

static enum code do_unsubscribe(struct scene *s)
{
	return store_subscribe(s->f->store, SPAN("Sent"), false, &s->f->e);
}

static verb_fn *const verbs[] = {do_flags, do_copy, do_move, do_expunge,
	do_append, do_deliver, do_create, do_delete, do_rename, do_rename_inbox,
	do_set_use, do_subscribe, do_unsubscribe};

/* ---- what must not change ------------------------------------------------------ */
/* All that memory says of mailboxes and the inbox, as text. */
static void describe(struct scene *s, struct buf *out)
{
	const struct span *names;
	size_t count;

	buf_reset(out);
	for (size_t i = 0; i < store_mailbox_count(s->f->store); i++) {
		const struct store_mailbox *m =
			store_mailbox_at(s->f->store, i);

		buf_printf(out, "%.*s %d %d %d %u %llu %llu %llu %llu\n",
			SPAN_ARG(m->name), (int)m->use, m->is_subscribed,
			m->has_children, m->uidnext,
			(unsigned long long)m->highestmodseq,
			(unsigned long long)m->messages,
			(unsigned long long)m->unseen,
			(unsigned long long)m->bytes);
	}
	for (size_t i = 0; i < s->inbox->count; i++)
		buf_put(out, span_of(&s->inbox->rows[i],
			sizeof(s->inbox->rows[i])));
	assert_int_equal(store_subscription_list(s->f->store, &names, &count,
		&s->f->e), OK);
	for (size_t i = 0; i < count; i++)
		buf_put(out, names[i]);
	assert_false(out->overflow);
}

static void on_event(void *arg, const struct store_event *event)
{
	(void)event;
	++*(unsigned *)arg;
}

static void allow_writes(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void open_scene(struct scene *s, struct fixture *f)
{
	uint32_t uid;

	fixture_path(f);
	fixture_open(f);
	s->f = f;
	s->x = make_mailbox(f, "x");
	(void)make_mailbox(f, "x/y");
	for (int i = 0; i < 2; i++)
		assert_int_equal(bring(f, store_inbox(f->store), BODY, 0,
			SPAN_EMPTY, &uid), OK);
	s->inbox = view_of(f, store_inbox(f->store));
}

static void try_verb(verb_fn *verb, size_t number)
{
	struct fixture f = {0};
	struct scene s;
	struct store_cursor c;
	struct buf before, after;
	unsigned events = 0;
	struct store_listener l = {.fn = on_event, .arg = &events};

	open_scene(&s, &f);
	buf_init(&before, 65536);
	buf_init(&after, 65536);
	describe(&s, &before);
	store_cursor_open(&c, s.inbox);
	store_listen(f.store, &l);
	allow_writes(0);
	if (verb(&s) == OK)
		fail_msg("verb %zu did not notice", number);
	allow_writes(RLIM_INFINITY);
	assert_int_equal(events, 0);
	assert_int_equal(store_cursor_news(&c) & ~STORE_NEWS_KEYWORDS, 0);
	store_unlisten(&l);
	store_cursor_close(&c);
	store_view_close(s.inbox);
	/* the process would end here */
	reopen(&f);
	s.inbox = view_of(&f, store_inbox(f.store));
	describe(&s, &after);
	if (!span_eq(buf_span(&before), buf_span(&after)))
		fail_msg("verb %zu left something", number);
	store_view_close(s.inbox);
	assert_int_equal(broken(&f), 0);
	buf_clear(&before);
	buf_clear(&after);
	fixture_remove(&f);
}

static void says_nothing_of_what_failed(void **state)
{
	(void)state;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		try_verb(verbs[i], i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_nothing_of_what_failed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
