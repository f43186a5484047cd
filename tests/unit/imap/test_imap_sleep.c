/*
 * test_imap_sleep.c - a session that sleeps and wakes is the same; bytes that are
 * no session give none.  Row I13.
 */
#include "client.h"

#include "imap/imap_sleep.h"
#include "store/store_change.h"
#include "store/store_mailbox.h"

static struct imap_session_config config_of(const struct fixture *f)
{
	return (struct imap_session_config){.store = f->store,
		.append_max = 1 << 20};
}

static void bring(struct fixture *f, uint64_t qid)
{
	uint64_t uid;

	assert_int_equal(deliver(f, qid, SPAN("Subject: x\r\n\r\nx\r\n"), &uid),
		OK);
}

static void pack(struct client *c, struct buf *out)
{
	buf_init(out, IMAP_SLEEP_BYTES);
	assert_true(imap_session_may_sleep(c->session));
	imap_session_sleep(c->session, out);
	assert_false(out->overflow);
}

static enum code unpack(struct client *c, struct fixture *f, struct span bytes)
{
	const struct imap_session_config config = config_of(f);

	return imap_session_wake(&config, bytes, &c->session, &f->e);
}

/* The store is opened anew while it sleeps, and more happens. */
static void nap(struct client *c, struct fixture *f,
	void (*meanwhile)(struct fixture *f))
{
	struct buf state;

	pack(c, &state);
	imap_session_close(c->session);
	store_close(f->store);
	fixture_open(f);
	if (meanwhile != NULL)
		meanwhile(f);
	assert_int_equal(unpack(c, f, buf_span(&state)), OK);
	buf_clear(&state);
	buf_reset(&c->got);
}

static void expect(struct client *c, const char *want)
{
	take(c);
	buf_putc(&c->got, '\0');
	assert_string_equal((const char *)buf_span(&c->got).p, want);
	buf_reset(&c->got);
}

static void change(struct fixture *f)
{
	const struct store_flags_change flagged = {.how = STORE_FLAGS_ADD,
		.flags = STORE_FLAG_FLAGGED};
	const uint32_t first = 1, second = 2;
	struct store_flags_result r;
	struct store_uids gone;
	struct store_view *v;

	bring(f, 9);
	assert_int_equal(store_view_open(f->store, store_inbox(f->store), &v,
		&f->e), OK);
	assert_int_equal(store_flags_store(v, &second, 1, &flagged, &r, &f->e),
		OK);
	store_uids_clear(&r.failed);
	assert_int_equal(store_expunge(v, &first, 1, &gone, &f->e), OK);
	store_uids_clear(&gone);
	store_view_close(v);
}

/* What is enabled shows in what is told. */
static void each_kind_of_client(void **state)
{
	static const struct {
		const char *enable, *select, *told;
	} rows[] = {
		{"a NOOP", "a SELECT INBOX",
			"* 2 FETCH (FLAGS (\\Flagged \\Recent))\r\n"
			"* 1 EXPUNGE\r\n* 3 EXISTS\r\n* 3 RECENT\r\n"},
		{"a NOOP", "a EXAMINE INBOX",
			"* 2 FETCH (FLAGS (\\Flagged))\r\n"
			"* 1 EXPUNGE\r\n* 3 EXISTS\r\n* 0 RECENT\r\n"},
		{"a ENABLE IMAP4rev2", "a SELECT INBOX",
			"* 2 FETCH (UID 2 FLAGS (\\Flagged))\r\n"
			"* 1 EXPUNGE\r\n* 3 EXISTS\r\n"},
		{"a ENABLE CONDSTORE", "a SELECT INBOX",
			"* 2 FETCH (MODSEQ (6) FLAGS (\\Flagged \\Recent))\r\n"
			"* 1 EXPUNGE\r\n* 3 EXISTS\r\n* 3 RECENT\r\n"},
		{"a ENABLE QRESYNC", "a SELECT INBOX",
			"* 2 FETCH (UID 2 MODSEQ (6) FLAGS (\\Flagged "
			"\\Recent))\r\n* VANISHED 1\r\n"
			"* 3 EXISTS\r\n* 3 RECENT\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *fixture;
		struct client c;

		(void)set_up(&fixture);
		for (uint64_t qid = 1; qid <= 3; qid++)
			bring(fixture, qid);
		begin(&c, fixture);
		(void)say(&c, rows[i].enable);
		(void)say(&c, rows[i].select);
		(void)say(&c, "i IDLE");
		nap(&c, fixture, change);
		assert_true(imap_session_has_news(c.session));
		expect(&c, rows[i].told);
		nap(&c, fixture, NULL);
		expect(&c, "");
		(void)say(&c, "DONE");
		expect(&c, "i OK IDLE is over\r\n");
		finish(&c);
		(void)tear_down(&fixture);
	}
}

static void who_may_not(void **state)
{
	struct fixture *f = *state;
	struct client c, other;

	bring(f, 1);
	begin(&c, f);
	begin(&other, f);
	assert_false(imap_session_may_sleep(c.session)); /* no IDLE */
	(void)say(&c, "a SELECT INBOX");
	(void)say(&other, "a SELECT INBOX");
	(void)feed(&c, "i IDLE");
	assert_false(imap_session_may_sleep(c.session)); /* "+" is owed */
	take(&c);
	assert_true(imap_session_may_sleep(c.session));
	(void)say(&other, "b STORE 1 FLAGS (\\Seen)");
	assert_false(imap_session_may_sleep(c.session)); /* news */
	take(&c);
	assert_true(imap_session_may_sleep(c.session));
	assert_int_equal(imap_session_feed(c.session, SPAN("DO"), NOW_MS), 2);
	assert_false(imap_session_may_sleep(c.session)); /* half a DONE */
	assert_true(imap_session_feed(c.session, SPAN("NE\r\n"), NOW_MS) > 0);
	take(&c);
	(void)say(&c, "i IDLE");
	imap_session_end(c.session, "over");
	assert_false(imap_session_may_sleep(c.session)); /* BYE is owed */
	finish(&c);
	begin(&c, f);
	(void)say(&c, "a NOTIFY SET (personal (MailboxName))");
	assert_true(has(&c, "a OK"));
	(void)say(&c, "i IDLE");
	assert_false(imap_session_may_sleep(c.session));
	finish(&c);
	begin(&c, f);
	(void)say(&c, "a SELECT INBOX");
	(void)say(&c, "b SEARCH RETURN (UPDATE) UNSEEN");
	(void)say(&c, "i IDLE");
	assert_false(imap_session_may_sleep(c.session));
	finish(&c);
	(void)say(&other, "c COMPRESS DEFLATE");
	(void)say(&other, "i IDLE");
	assert_false(imap_session_may_sleep(other.session));
	finish(&other);
}

static void what_was_saved(void **state)
{
	struct fixture *f = *state;
	struct client c;

	for (uint64_t qid = 1; qid <= 300; qid++)
		bring(f, qid);
	begin(&c, f);
	(void)say(&c, "a SELECT INBOX");
	(void)say(&c, "b SEARCH RETURN (SAVE) 2:4");
	(void)say(&c, "i IDLE");
	nap(&c, f, NULL);
	(void)say(&c, "DONE");
	(void)say(&c, "c FETCH $ UID");
	expect(&c, "* 2 FETCH (UID 2)\r\n* 3 FETCH (UID 3)\r\n"
		   "* 4 FETCH (UID 4)\r\nc OK that is all\r\n");
	(void)say(&c, "b SEARCH RETURN (SAVE) ALL");
	(void)say(&c, "i IDLE");
	assert_false(imap_session_may_sleep(c.session)); /* it is large */
	finish(&c);
}

static void delete_box(struct fixture *f)
{
	const struct store_mailbox *m = store_mailbox_find(f->store,
		SPAN("box"));

	assert_int_equal(store_mailbox_delete(f->store, m->id, false,
		&f->e), OK);
}

static void a_mailbox_that_went(void **state)
{
	struct fixture *f = *state;
	struct client c;
	struct buf packed;

	begin(&c, f);
	(void)say(&c, "a CREATE box");
	(void)say(&c, "b SELECT box");
	(void)say(&c, "i IDLE");
	pack(&c, &packed);
	imap_session_close(c.session);
	delete_box(f);
	assert_int_equal(unpack(&c, f, buf_span(&packed)), NOT_FOUND);
	assert_null(c.session);
	buf_clear(&packed);
	buf_clear(&c.got);
}

/* Cut anywhere, longer, and with each byte another one: none or a session, and
 * never anything else.  (The seal lets none of these come so far.) */
static void bytes_that_are_none(void **state)
{
	struct fixture *f = *state;
	struct client c;
	struct buf packed;
	uint8_t bytes[IMAP_SLEEP_BYTES + 1] = {0};
	size_t n;

	for (uint64_t qid = 1; qid <= 4; qid++)
		bring(f, qid);
	begin(&c, f);
	(void)say(&c, "a SELECT INBOX");
	(void)say(&c, "b SEARCH RETURN (SAVE) 2:3");
	(void)say(&c, "i IDLE");
	pack(&c, &packed);
	imap_session_close(c.session);
	n = buf_len(&packed);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(unpack(&c, f,
			span_head(buf_span(&packed), i)), SYNTAX);
	memcpy(bytes, buf_span(&packed).p, n);
	assert_int_equal(unpack(&c, f, span_of(bytes, n + 1)), SYNTAX);
	assert_int_equal(unpack(&c, f, span_of(bytes, sizeof(bytes))), SYNTAX);
	for (size_t i = 0; i < n * 8; i++) {
		bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		if (unpack(&c, f, span_of(bytes, n)) == OK) {
			(void)say(&c, "DONE");
			(void)say(&c, "d FETCH 1:* (FLAGS UID)");
			assert_true(has(&c, "d OK") || has(&c, "d BAD"));
			imap_session_close(c.session);
		} else {
			assert_null(c.session);
		}
		bytes[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	buf_clear(&packed);
	buf_clear(&c.got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_client),
		cmocka_unit_test_setup_teardown(who_may_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_saved, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_mailbox_that_went, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(bytes_that_are_none, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
