/*
 * test_imap_metadata.c - long answers with annotations come in pieces, while
 * others change the mailboxes.
 */
#include "client.h"

#include "store/store_annotation.h"

#define VALUE_BYTES 60000u

static void annotate(struct fixture *f, uint64_t mailbox, const char *entry)
{
	uint8_t *value = mem_new(VALUE_BYTES, 1);
	const struct store_annotation item = {
		.entry = span_str(entry),
		.value = span_of(value, VALUE_BYTES),
	};
	const struct store_annotations change = {.items = &item, .count = 1};

	memset(value, 'x', VALUE_BYTES);
	assert_int_equal(store_annotate(f->store, mailbox, &change, &f->e), OK);
	mem_free(value);
}

static uint64_t make(struct fixture *f, const char *name)
{
	uint64_t id;

	assert_int_equal(store_mailbox_create(f->store, span_str(name),
		STORE_USE_NONE, &id, &f->e), OK);
	annotate(f, id, "/private/comment");
	return id;
}

/* What was there is said once, whatever happens to names and order. */
static void a_list_goes_on_while_mailboxes_change(void **state)
{
	struct fixture *f = *state;
	struct client c;
	uint64_t ids[6], id;
	char name[2] = "a";

	for (size_t i = 0; i < 6; i++, name[0]++)
		ids[i] = make(f, name);
	begin(&c, f);
	(void)feed(&c, "b LIST \"\" % RETURN (METADATA (/private/comment))");
	assert_true(take_one(&c));
	assert_true(has(&c, "* METADATA \"a\" (/private/comment \"xxx"));
	assert_false(has(&c, "METADATA \"c\""));
	assert_int_equal(store_mailbox_delete(f->store, ids[2], false, &f->e),
		OK);
	assert_int_equal(store_mailbox_rename(f->store, ids[3], SPAN("0"),
		&f->e), OK);
	assert_int_equal(store_mailbox_create(f->store, SPAN("1"),
		STORE_USE_NONE, &id, &f->e), OK);
	take(&c);
	assert_true(c.largest < 2 * IMAP_OUT_BYTES);
	assert_false(has(&c, "METADATA \"c\""));
	assert_true(has(&c, "METADATA \"0\""));
	assert_true(has(&c, "METADATA \"e\""));
	assert_true(has(&c, "METADATA \"f\""));
	assert_false(has(&c, "METADATA \"1\""));
	assert_true(has(&c, "\r\nb OK"));
	finish(&c);
}

static void a_mailbox_goes_away_while_it_is_read(void **state)
{
	struct fixture *f = *state;
	struct client c;
	uint64_t id = make(f, "a");

	annotate(f, id, "/shared/comment");
	begin(&c, f);
	(void)feed(&c, "b GETMETADATA (DEPTH infinity) a (/private /shared "
		       "/private/comment)");
	assert_true(take_one(&c));
	assert_int_equal(store_mailbox_delete(f->store, id, false, &f->e), OK);
	take(&c);
	assert_true(has(&c, "\r\nb NO [NONEXISTENT]"));
	finish(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_list_goes_on_while_mailboxes_change),
		TEST(a_mailbox_goes_away_while_it_is_read),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
