/*
 * test_store_annotation.c - annotations are set, read and bounded, and stay with
 * their mailbox.
 */
#include "box.h"

#include "base/mem.h"
#include "store/store_annotation.h"
#include "store/store_view.h"

static enum code set(struct fixture *f, uint64_t mailbox, const char *entry,
	const char *value)
{
	const struct store_annotation item = {.entry = span_str(entry),
		.value = value == NULL ? SPAN_EMPTY : span_str(value)};
	const struct store_annotations change = {.items = &item, .count = 1};

	return store_annotate(f->store, mailbox, &change, &f->e);
}

static void put(void *arg, const struct store_annotation *found)
{
	struct buf *out = arg;

	buf_put(out, found->entry);
	buf_putc(out, '=');
	buf_put(out, found->value);
	buf_putc(out, ' ');
}

static void assert_read(struct fixture *f, uint64_t mailbox, const char *entry,
	enum store_depth depth, const char *expected)
{
	struct buf out;

	buf_init(&out, 1u << 20);
	assert_int_equal(store_annotations_read(f->store, mailbox,
				 span_str(entry), depth, put, &out, &f->e),
		OK);
	if (!span_eq(buf_span(&out), span_str(expected)))
		fail_msg("%s: %.*s", entry, SPAN_ARG(buf_span(&out)));
	buf_clear(&out);
}

static void sets_and_removes(void **state)
{
	struct fixture *f = *state;
	uint64_t x = make_mailbox(f, "x");

	assert_int_equal(set(f, x, "/private/comment", "one"), OK);
	assert_int_equal(set(f, STORE_SERVER, "/private/comment", "two"), OK);
	reopen(f);
	assert_read(f, x, "/private/comment", STORE_DEPTH_ENTRY,
		"/private/comment=one ");
	assert_read(f, STORE_SERVER, "/private/comment", STORE_DEPTH_ENTRY,
		"/private/comment=two ");
	assert_read(f, store_inbox(f->store), "/private/comment",
		STORE_DEPTH_ALL, "");
	assert_int_equal(set(f, x, "/private/comment", "three"), OK);
	assert_int_equal(set(f, x, "/private/a", ""), OK);
	assert_read(f, x, "/private", STORE_DEPTH_ALL,
		"/private/a= /private/comment=three ");
	assert_int_equal(set(f, x, "/private/comment", NULL), OK);
	assert_int_equal(set(f, x, "/private/nothing", NULL), OK);
	assert_read(f, x, "/private", STORE_DEPTH_ALL, "/private/a= ");
	assert_int_equal(set(f, 99, "/private/a", "x"), NOT_FOUND);
	assert_int_equal(broken(f), 0);
}

static void reads_to_a_depth(void **state)
{
	static const char *const entries[] = {"/shared/a", "/shared/a!",
		"/shared/a/b", "/shared/a/b/c", "/shared/a/b/c/d",
		"/shared/a/bc", "/shared/a0", "/shared/ab"};
	struct fixture *f = *state;
	uint64_t x = store_inbox(f->store);

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		assert_int_equal(set(f, x, entries[i], "v"), OK);
	assert_read(f, x, "/shared/a", STORE_DEPTH_ENTRY, "/shared/a=v ");
	assert_read(f, x, "/shared/a", STORE_DEPTH_ONE,
		"/shared/a=v /shared/a/b=v /shared/a/bc=v ");
	assert_read(f, x, "/shared/a", STORE_DEPTH_ALL,
		"/shared/a=v /shared/a/b=v /shared/a/b/c=v /shared/a/b/c/d=v "
		"/shared/a/bc=v ");
	assert_read(
		f, x, "/shared/a/b/c/d", STORE_DEPTH_ONE, "/shared/a/b/c/d=v ");
	assert_read(f, x, "/shared/%", STORE_DEPTH_ALL, "");
}

/* All or nothing, and with the mailbox's use. */
static void is_one_change(void **state)
{
	struct fixture *f = *state;
	uint64_t x = make_mailbox(f, "x");
	const struct store_annotation items[] = {
		{.entry = SPAN_INIT("/private/a"), .value = SPAN_INIT("1")},
		{.entry = SPAN_INIT("/private/b"), .value = SPAN_INIT("2")},
		{.entry = SPAN_INIT("/private/a"), .value = SPAN_INIT("3")},
	};
	struct store_annotations change = {.items = items,
		.count = 3,
		.sets_use = true,
		.use = STORE_USE_SENT};

	/* Sent has it */
	assert_int_equal(store_annotate(f->store, x, &change, &f->e), EXISTS);
	assert_read(f, x, "/private", STORE_DEPTH_ALL, "");
	change.use = STORE_USE_INBOX;
	assert_int_equal(store_annotate(f->store, x, &change, &f->e), DENIED);
	assert_read(f, x, "/private", STORE_DEPTH_ALL, "");
	assert_int_equal(
		store_mailbox_set_use(f->store,
			store_mailbox_of_use(f->store, STORE_USE_SENT)->id,
			STORE_USE_NONE, &f->e),
		OK);
	change.use = STORE_USE_SENT;
	assert_int_equal(store_annotate(f->store, x, &change, &f->e), OK);
	assert_read(f, x, "/private", STORE_DEPTH_ALL,
		"/private/a=3 /private/b=2 ");
	assert_int_equal(store_mailbox_of_use(f->store, STORE_USE_SENT)->id, x);
	/* again: nothing to do */
	assert_int_equal(store_annotate(f->store, x, &change, &f->e), OK);
	assert_int_equal(broken(f), 0);
}

static void bounds_their_number(void **state)
{
	struct fixture *f = *state;
	uint64_t x = make_mailbox(f, "x");
	char name[64];

	for (unsigned i = 0; i < STORE_ANNOTATIONS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "/private/%u", i);
		assert_int_equal(set(f, x, name, "v"), OK);
	}
	assert_int_equal(set(f, x, "/private/more", "v"), LIMIT);
	/* what is there can change, and others have room of their own */
	assert_int_equal(set(f, x, "/private/7", "w"), OK);
	assert_int_equal(set(f, STORE_SERVER, "/private/more", "v"), OK);
	assert_int_equal(set(f, x, "/private/8", NULL), OK);
	assert_int_equal(set(f, x, "/private/more", "v"), OK);
	assert_int_equal(set(f, x, "/private/8", "v"), LIMIT);
	assert_read(f, x, "/private/8", STORE_DEPTH_ENTRY, "");
	assert_int_equal(broken(f), 0);
}

/* 16 MiB of an account. */
static void bounds_their_bytes(void **state)
{
	struct fixture *f = *state;
	uint64_t boxes[4];
	char *value = mem_new(STORE_ANNOTATION_BYTES + 1, 1);
	char name[64];
	unsigned count = 0;

	for (size_t i = 0; i < STORE_ANNOTATION_BYTES; i++)
		value[i] = 'x';
	for (unsigned i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "x%u", i);
		boxes[i] = make_mailbox(f, name);
	}
	for (unsigned i = 0; i < 4 * STORE_ANNOTATIONS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "/private/%u", i);
		if (set(f, boxes[i % 4], name, value) == OK)
			count++;
		else
			break;
	}
	assert_int_equal(f->e.code, LIMIT);
	assert_int_equal(
		count, STORE_ANNOTATIONS_BYTES / (STORE_ANNOTATION_BYTES + 76));
	assert_int_equal(broken(f), 0);
	mem_free(value);
}

static void stays_with_its_mailbox(void **state)
{
	struct fixture *f = *state;
	uint64_t x = make_mailbox(f, "x/y"), y, copy;

	assert_int_equal(set(f, x, "/private/a", "v"), OK);
	assert_int_equal(store_mailbox_rename(
				 f->store, named(f, "x")->id, SPAN("z"), &f->e),
		OK);
	assert_read(f, named(f, "z/y")->id, "/private/a", STORE_DEPTH_ENTRY,
		"/private/a=v ");
	assert_int_equal(store_mailbox_delete(f->store, x, false, &f->e), OK);
	y = make_mailbox(f, "z/y");
	assert_read(f, y, "/private/a", STORE_DEPTH_ENTRY, "");
	/* RFC 5464 4.1: the new one has a copy, INBOX keeps its own */
	assert_int_equal(set(f, store_inbox(f->store), "/private/a", "i"), OK);
	assert_int_equal(
		store_inbox_rename(f->store, SPAN("old"), NOW_MS, &copy, &f->e),
		OK);
	assert_read(f, copy, "/private/a", STORE_DEPTH_ENTRY, "/private/a=i ");
	assert_read(f, store_inbox(f->store), "/private/a", STORE_DEPTH_ENTRY,
		"/private/a=i ");
	assert_int_equal(broken(f), 0);
}

/* ---- listeners -------------------------------------------------------------------- */
static void on_event(void *arg, const struct store_event *event)
{
	struct buf *out = arg;

	buf_printf(out, "%u:%x:", (unsigned)event->mailbox, event->what);
	buf_put(out, event->name);
	buf_puts(out, event->was_subscribed ? "! " : " ");
}

static void assert_told(struct buf *out, const char *expected)
{
	if (!span_eq(buf_span(out), span_str(expected)))
		fail_msg("%.*s", SPAN_ARG(buf_span(out)));
	buf_reset(out);
}

static void tells_names(void **state)
{
	struct fixture *f = *state;
	struct buf told;
	struct store_listener l = {.fn = on_event, .arg = &told};
	uint64_t x = make_mailbox(f, "x/y");

	assert_int_equal(x, 8);
	buf_init(&told, 65536);
	store_listen(f->store, &l);
	assert_int_equal(set(f, x, "/private/a", "v"), OK);
	assert_told(&told, "8:100:/private/a ");
	assert_int_equal(set(f, x, "/private/a", "v"), OK);
	assert_told(&told, "");
	assert_int_equal(set(f, STORE_SERVER, "/shared/b", "v"), OK);
	assert_told(&told, "0:100:/shared/b ");
	assert_int_equal(
		store_mailbox_rename(f->store, 7, SPAN("z"), &f->e), OK);
	assert_told(&told, "7:20:x 8:a0:x/y ");
	assert_int_equal(
		store_subscribe(f->store, SPAN("z/y"), true, &f->e), OK);
	assert_int_equal(
		store_subscribe(f->store, SPAN("none"), true, &f->e), OK);
	assert_told(&told, "8:40:z/y 0:40:none ");
	assert_int_equal(store_mailbox_delete(f->store, 7, true, &f->e), OK);
	assert_told(&told, "7:10:z 8:10:z/y! ");
	store_unlisten(&l);
	buf_clear(&told);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {T(sets_and_removes),
		T(reads_to_a_depth), T(is_one_change), T(bounds_their_number),
		T(bounds_their_bytes), T(stays_with_its_mailbox),
		T(tells_names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
