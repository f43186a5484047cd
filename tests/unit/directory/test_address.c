/*
 * test_address.c - the rules by which an address is somebody: details, other names
 * of domains, offices, catch-alls, refusals, forwards, what came back (SRS).
 */
#include "credential_rig.h"

#include "base/time.h"

static const char *const kinds[] = {"account", "alias", "foreign", "nobody",
	"bad"};

static void assert_rows(const char *want)
{
	buf_putc(&rows, '\0');
	assert_string_equal((const char *)buf_span(&rows).p, want);
}

/* "kind rule account". */
static void is(const char *address, const char *want)
{
	static const char *const rules[DIRECTORY_RULE_COUNT] = {"-", "account",
		"forward", "alias", "refusal", "detail", "office", "catch-all",
		"srs"};
	struct directory_hit hit;
	struct err e;
	char got[80];

	/* twice: the second may be from memory */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(directory_resolve(d, span_str(address), &hit,
			&e), OK);
		(void)snprintf(got, sizeof(got), "%s %s %llu%s%s",
			kinds[hit.kind], rules[hit.rule],
			(unsigned long long)hit.account,
			hit.has_detail ? " detail" : "",
			hit.has_other_name ? " other" : "");
		if (strcmp(got, want) != 0)
			fail_msg("%s is %s, not %s", address, got, want);
	}
}

/* "address kind,…" in the order of the answer. */
static void comes_to(const char *address, const char *want)
{
	struct directory_targets targets;
	struct arena arena;
	struct buf got;
	struct err e;

	arena_init(&arena, 64u << 20);
	buf_init(&got, 4096);
	assert_int_equal(directory_expand(d, span_str(address), &arena,
		&targets, &e), OK);
	for (size_t i = 0; i < targets.count; i++)
		buf_printf(&got, "%s%.*s %s", i == 0 ? "" : ",",
			SPAN_ARG(targets.rows[i].address),
			kinds[targets.rows[i].hit.kind]);
	buf_putc(&got, '\0');
	assert_string_equal((const char *)buf_span(&got).p, want);
	buf_clear(&got);
	arena_clear(&arena);
}

static void may_send(uint64_t account, const char *address, bool want)
{
	struct arena arena;
	struct err e;
	bool may;

	arena_init(&arena, 64u << 20);
	assert_int_equal(directory_may_send_as(d, account, span_str(address),
		&arena, &may, &e), OK);
	if (may != want)
		fail_msg("%s: %d", address, may);
	arena_clear(&arena);
}

static void details(void **state)
{
	(void)state;
	is("bob+shop@hamburger.edu", "account account 1 detail");
	is("BOB+Shop+more@Hamburger.EDU", "account account 1 detail");
	is("bob+@hamburger.edu", "account account 1 detail");
	is("bo+b@hamburger.edu", "nobody - 0");
	is("+bob@hamburger.edu", "nobody - 0");
	is("bob+shop@example.org", "foreign - 0");
	comes_to("bob+shop@hamburger.edu", "bob+shop@hamburger.edu account");
	/* a name of its own goes first */
	command_ok("alias add bob+club@hamburger.edu " ALICE);
	is("bob+club@hamburger.edu", "alias alias 0");
	command_ok("alias add all@crepes.fr " BOB);
	is("all+x@crepes.fr", "alias alias 0 detail");
	comes_to("all+x@crepes.fr", "bob@hamburger.edu account");
	may_send(1, "bob+shop@hamburger.edu", true);
	may_send(2, "bob+shop@hamburger.edu", false);
}

static void other_names(void **state)
{
	(void)state;
	command_ok("domain alias add Hamburger.example hamburger.edu");
	is("bob@hamburger.example", "account account 1 other");
	is("bob+x@hamburger.example", "account account 1 detail other");
	is("postmaster@hamburger.example", "account office 1 other");
	is("eve@hamburger.example", "nobody - 0 other");
	comes_to("bob@hamburger.example", "bob@hamburger.example account");
	may_send(1, "bob@hamburger.example", true);
	command_ok("domain alias list");
	assert_rows("name|domain\nhamburger.example|hamburger.edu\n");
	assert_int_equal(command("domain alias add crepes.fr hamburger.edu"),
		EXIT_CANNOT_CREATE);
	assert_int_equal(command("domain alias add x.org hamburger.example"),
		EXIT_DENIED);
	assert_string_equal(said, "hamburger.example is only another name "
		"itself, of hamburger.edu; name that");
	assert_int_equal(command("domain alias add x.org hamburge.edu"),
		EXIT_NO_ADDRESS);
	assert_int_equal(command("domain add hamburger.example"),
		EXIT_WARNINGS);
	assert_int_equal(command("domain remove hamburger.example"),
		EXIT_NO_ADDRESS);
	command_ok("domain alias remove hamburger.example");
	is("bob@hamburger.example", "foreign - 0");
}

static void offices(void **state)
{
	(void)state;
	is("abuse@hamburger.edu", "account office 1");
	is("Postmaster@crepes.fr", "account office 2");
	is("webmaster@crepes.fr", "nobody - 0");
	command_ok("alias add abuse@crepes.fr " BOB);
	is("abuse@crepes.fr", "alias alias 0");
	command_ok("account forward add " BOB " x@example.org --no-copy");
	is("abuse@hamburger.edu", "alias forward 1");
	comes_to("abuse@hamburger.edu", "x@example.org foreign");
}

static void catch_alls(void **state)
{
	(void)state;
	command_ok("alias add @crepes.fr " ALICE);
	is("whoever@crepes.fr", "alias catch-all 0");
	is("alice@crepes.fr", "account account 2");
	is("postmaster@crepes.fr", "account office 2");
	comes_to("whoever@crepes.fr", "alice@crepes.fr account");
	command_ok("alias refuse spam@crepes.fr");
	is("spam@crepes.fr", "nobody refusal 0");
	is("spam+x@crepes.fr", "nobody refusal 0 detail");
	is("abuse@crepes.fr", "account office 2");
	command_ok("alias list crepes.fr");
	assert_rows("alias|target\n@crepes.fr|alice@crepes.fr\n"
		"spam@crepes.fr|(refused)\n");
	assert_int_equal(command("alias refuse " ALICE), EXIT_CANNOT_CREATE);
	assert_int_equal(command("alias add @example.org " ALICE),
		EXIT_NO_ADDRESS);
	command_ok("alias add spam@crepes.fr " BOB);
	is("spam@crepes.fr", "alias alias 0");
	command_ok("alias remove @crepes.fr");
	is("whoever@crepes.fr", "nobody - 0");
}

static void forwards(void **state)
{
	(void)state;
	command_ok("account forward add " BOB " x@example.org " ALICE);
	is(BOB, "alias forward 1");
	/* who gets his mail too does not speak for him */
	may_send(2, BOB, false);
	may_send(2, "bob+x@hamburger.edu", false);
	comes_to(BOB, "bob@hamburger.edu account,alice@crepes.fr account,"
		"x@example.org foreign");
	comes_to("bob+x@hamburger.edu", "bob+x@hamburger.edu account,"
		"alice@crepes.fr account,x@example.org foreign");
	command_ok("account forward list");
	assert_rows("account|goes on to\nbob@hamburger.edu|(a copy stays)\n"
		"bob@hamburger.edu|alice@crepes.fr\n"
		"bob@hamburger.edu|x@example.org\n");
	command_ok("account forward add " BOB " y@example.org --no-copy");
	comes_to(BOB, "alice@crepes.fr account,x@example.org foreign,"
		"y@example.org foreign");
	may_send(1, BOB, true);
	/* no copy was, and no copy is, as nothing is said about it */
	command_ok("account forward remove " BOB " y@example.org " ALICE);
	command_ok("account forward add " BOB " z@example.org");
	comes_to(BOB, "x@example.org foreign,z@example.org foreign");
	assert_int_equal(command("account forward remove " BOB " q@example.org"),
		EXIT_NO_ADDRESS);
	assert_int_equal(command("account forward add " BOB " " BOB),
		EXIT_BAD_DATA);
	/* with its last target it keeps its mail again */
	command_ok("account forward remove " BOB " x@example.org z@example.org");
	is(BOB, "account account 1");
	command_ok("account forward add " BOB " x@example.org");
	command_ok("account forward remove " BOB);
	is(BOB, "account account 1");
}

/* A forwards to B, B to A: each keeps what it keeps, and it ends. */
static void circles(void **state)
{
	(void)state;
	command_ok("account forward add " BOB " " ALICE);
	command_ok("account forward add " ALICE " " BOB);
	comes_to(BOB, "bob@hamburger.edu account,alice@crepes.fr account");
	command_ok("account forward add " BOB " " ALICE " --no-copy");
	command_ok("account forward add " ALICE " " BOB " --no-copy");
	comes_to(BOB, "");
}

static struct span rewrite(const char *sender, const char *rcpt,
	int64_t day, struct buf *room)
{
	buf_reset(room);
	return directory_rewrite_sender(d, span_str(sender), span_str(rcpt),
		time_wall_ms() + day * 86400000, room);
}

static void what_came_back(void **state)
{
	struct buf room, text;
	struct span got;

	(void)state;
	buf_init(&room, 512);
	buf_init(&text, 512);
	got = rewrite("Carol@Example.org", BOB, 0, &room);
	assert_true(span_starts(got, SPAN("SRS0=")));
	assert_true(span_ends(got,
		SPAN("=Example.org=Carol@hamburger.edu")));
	buf_put(&text, got);
	buf_putc(&text, '\0');
	is((const char *)text.p, "alias srs 0");
	comes_to((const char *)text.p, "Carol@Example.org foreign");
	/* not a letter of the hash may differ, and no other name */
	text.p[6] ^= 3;
	is((const char *)text.p, "nobody - 0");
	text.p[6] ^= 3;
	text.p[text.end - 20] ^= 1;
	is((const char *)text.p, "nobody - 0");
	/* too old */
	got = rewrite("Carol@Example.org", BOB, -30, &room);
	buf_reset(&text);
	buf_put(&text, got);
	buf_putc(&text, '\0');
	is((const char *)text.p, "nobody - 0");
	/* nobody, and ours */
	assert_int_equal(rewrite("", BOB, 0, &room).n, 0);
	assert_int_equal(rewrite(ALICE, BOB, 0, &room).n, 0);
	buf_clear(&room);
	buf_clear(&text);
}

static void explanations(void **state)
{
	(void)state;
	command_ok("domain alias add crepes.example crepes.fr");
	command_ok("alias add all@crepes.fr bob+x@hamburger.edu z@example.org");
	command_ok("account forward add " BOB " " ALICE);
	command_ok("test address all@crepes.example");
	assert_rows("address|is\n"
		"all@crepes.example|its domain is another name of ours; the "
		"alias all@crepes.fr, to: bob+x@hamburger.edu z@example.org\n"
		"bob+x@hamburger.edu|without what stands behind \"+\": the "
		"account bob@hamburger.edu, whose mail goes on, to: "
		"alice@crepes.fr; a copy stays\n"
		"z@example.org|another server's: it goes to the mail "
		"exchangers (MX) of example.org\n"
		"alice@crepes.fr|the mailbox of alice@crepes.fr\n");
	assert_int_equal(command("test address nobody@crepes.fr"),
		EXIT_NO_ADDRESS);
	assert_rows("address|is\nnobody@crepes.fr|nobody: 550 5.1.1\n");
	assert_int_equal(command("test address @"), EXIT_NO_ADDRESS);
	command_ok("test address abuse@crepes.fr");
	assert_rows("address|is\nabuse@crepes.fr|nobody of that name, but it "
		"must exist: the mailbox of alice@crepes.fr, the first "
		"account\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(details),
		TEST(other_names),
		TEST(offices),
		TEST(catch_alls),
		TEST(forwards),
		TEST(circles),
		TEST(what_came_back),
		TEST(explanations),
	};

	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
