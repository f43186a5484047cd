#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "decode.h"
#include "message/compose.h"
#include "message/words.h"

#define OUT_BYTES (4u << 20)

/* What was built, and what the parser makes of it. */
struct built {
	struct arena arena;
	struct buf out;
	unsigned needs;
	const struct mime_tree *tree;
	struct err e;
};

static const struct message_address ann = {SPAN_INIT("Ann"),
	SPAN_INIT("ann@a.test")};

static struct compose_message message(const struct compose_part *body)
{
	struct compose_message m = {
		.from = {&ann, 1},
		.subject = SPAN("Hi"),
		.body = body,
		.date_ms = 1795361259000,
		.host = SPAN("a.test"),
	};

	memset(m.random, 0xab, sizeof(m.random));
	return m;
}

/* No bare CR or LF, nothing above 127 unless it is told, no line over 998. */
static void check_lines(const struct built *b)
{
	struct span s = buf_span(&b->out);
	size_t line = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool is_end = s.p[i] == '\r' && i + 1 < s.n &&
			s.p[i + 1] == '\n';

		assert_true(s.p[i] < 0x80 || b->needs & COMPOSE_NEEDS_8BIT);
		assert_true(s.p[i] != '\n');
		assert_true(s.p[i] != '\r' || is_end);
		if (!is_end) {
			line++;
			continue;
		}
		assert_true(line <= 998);
		line = 0;
		i++;
	}
	assert_int_equal(line, 0);
}

static enum code build(struct built *b, const struct compose_message *m)
{
	enum code code;

	memset(b, 0, sizeof(*b));
	arena_init(&b->arena, MIME_ARENA_BYTES + COMPOSE_ARENA_BYTES);
	buf_init(&b->out, OUT_BYTES);
	code = compose_put(m, &b->arena, &b->out, &b->needs, &b->e);
	if (code != OK)
		return code;
	if (!(b->needs & COMPOSE_NEEDS_BINARY))
		check_lines(b);
	b->tree = mime_parse(&b->arena, buf_span(&b->out));
	assert_false(b->tree->is_cut);
	return OK;
}

static void forget(struct built *b)
{
	buf_clear(&b->out);
	arena_clear(&b->arena);
}

static void expect_part(const struct built *b, uint32_t i, const char *type,
	struct span content)
{
	const struct mime_part *p = &b->tree->parts[i];
	struct span subtype = span_str(type);
	struct span main = span_cut(&subtype, '/');
	struct buf body;

	assert_true(i < b->tree->count);
	assert_true(mime_is_type(p, main, subtype));
	buf_init(&body, OUT_BYTES);
	assert_true(part_decode(buf_span(&b->out), p, &body));
	assert_int_equal(buf_len(&body), content.n);
	assert_true(span_eq(buf_span(&body), content));
	buf_clear(&body);
}

static bool has(const struct built *b, const char *text)
{
	struct span all = buf_span(&b->out);

	return span_find_span(all, span_str(text)) < all.n;
}

/* ---- trees ---------------------------------------------------------------- */
static void test_tree(void **state)
{
	static const uint8_t picture[] = {0x89, 'P', 0, '\n', '\r', 0xff};
	const struct compose_part related[] = {
		{.kind = COMPOSE_TEXT, .type = SPAN("text/html"),
			.content = SPAN("<b>caf\xc3\xa9</b>")},
		{.kind = COMPOSE_FILE, .name = SPAN("p.png"),
			.content = span_of(picture, sizeof(picture)),
			.disposition = COMPOSE_INLINE, .id = SPAN("1@a")},
	};
	const struct compose_part alternative[] = {
		{.kind = COMPOSE_TEXT, .content = SPAN("caf\xc3\xa9\n")},
		{.kind = COMPOSE_MULTIPART, .type = SPAN("multipart/related"),
			.children = related, .child_count = 2},
	};
	const struct compose_part mixed[] = {
		{.kind = COMPOSE_MULTIPART,
			.type = SPAN("multipart/alternative"),
			.children = alternative, .child_count = 2},
		{.kind = COMPOSE_MESSAGE, .disposition = COMPOSE_ATTACHMENT,
			.description = SPAN("caf\xc3\xa9"),
			.content = SPAN("Subject: in\r\n\r\ninner\r\n")},
		{.kind = COMPOSE_FILE, .type = SPAN("text/plain"),
			.name = SPAN("b.txt"), .content = SPAN("lf\n"),
			.disposition = COMPOSE_ATTACHMENT},
	};
	const struct compose_part root = {.kind = COMPOSE_MULTIPART,
		.children = mixed, .child_count = 3};
	struct compose_message m = message(&root);
	struct built b;

	(void)state;
	assert_int_equal(build(&b, &m), OK);
	assert_int_equal(b.needs, 0);
	assert_int_equal(b.tree->count, 9);
	assert_true(mime_is_type(&b.tree->parts[0], SPAN("multipart"),
		SPAN("mixed")));
	expect_part(&b, 2, "text/plain", SPAN("caf\xc3\xa9\r\n"));
	assert_int_equal(b.tree->parts[3].parent, 1);
	assert_true(has(&b, "multipart/related;\r\n\ttype=\"text/html\""));
	expect_part(&b, 4, "text/html", SPAN("<b>caf\xc3\xa9</b>\r\n"));
	expect_part(&b, 5, "image/png",
		span_of(picture, sizeof(picture)));
	assert_true(span_eq(b.tree->parts[5].id, SPAN("<1@a>")));
	assert_int_equal(b.tree->parts[6].kind, MIME_MESSAGE);
	assert_true(has(&b, "Content-Description: =?utf-8?Q?caf=C3=A9?="));
	expect_part(&b, 7, "text/plain", SPAN("inner\r\n"));
	expect_part(&b, 8, "text/plain", SPAN("lf\n"));
	forget(&b);
}

static void test_raw_part_is_not_touched(void **state)
{
	const struct span raw = SPAN("Content-Type: multipart/signed;"
		" boundary=\"s\"\r\nContent-X:\r\n\ty\r\n\r\n--s\r\n\r\n"
		"From here \r\n--s--");
	const struct compose_part parts[] = {
		{.kind = COMPOSE_TEXT, .content = SPAN("a")},
		{.kind = COMPOSE_RAW, .content = raw},
	};
	const struct compose_part root = {.kind = COMPOSE_MULTIPART,
		.children = parts, .child_count = 2};
	struct compose_message m = message(&root);
	struct built b;

	(void)state;
	assert_int_equal(build(&b, &m), OK);
	assert_true(has(&b, (const char *)raw.p));
	assert_int_equal(b.tree->count, 4);
	assert_true(mime_is_type(&b.tree->parts[2], SPAN("multipart"),
		SPAN("signed")));
	forget(&b);
	/* as the whole body, too */
	m.body = &parts[1];
	assert_int_equal(build(&b, &m), OK);
	assert_int_equal(b.tree->count, 2);
	forget(&b);
}

static void test_part_alone(void **state)
{
	const struct compose_part part = {.kind = COMPOSE_TEXT,
		.content = SPAN("sign me \xc3\xa9")};
	struct compose_message m = message(&part);
	struct arena arena;
	struct buf out;
	unsigned needs;
	struct err e;

	(void)state;
	arena_init(&arena, COMPOSE_ARENA_BYTES);
	buf_init(&out, 1000);
	assert_int_equal(compose_part_put(&m, &arena, &out, &needs, &e), OK);
	assert_true(span_eq(buf_span(&out), SPAN(
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		"sign me =C3=A9\r\n")));
	buf_clear(&out);
	arena_clear(&arena);
}

/* Parts that quote the boundary which they would get, at any depth. */
static void test_boundaries(void **state)
{
	const struct compose_part inner[] = {
		{.kind = COMPOSE_TEXT, .content = SPAN("--=_abababababababab"
			"abababababababab_0000\n--=_abababababababababababab"
			"abababab_0001--\n")},
		{.kind = COMPOSE_MESSAGE, .content = SPAN("A: b\r\n\r\n"
			"--=_acababababababababababababababab_0000--\r\n")},
	};
	const struct compose_part outer[] = {
		{.kind = COMPOSE_MULTIPART, .children = inner,
			.child_count = 2},
		{.kind = COMPOSE_TEXT, .content = SPAN("end")},
	};
	const struct compose_part root = {.kind = COMPOSE_MULTIPART,
		.children = outer, .child_count = 2};
	struct compose_message m = message(&root);
	struct built b;

	(void)state;
	assert_int_equal(build(&b, &m), OK);
	assert_int_equal(b.tree->count, 6);
	assert_true(has(&b, "boundary=\"=_adabab"));
	expect_part(&b, 5, "text/plain", SPAN("end\r\n"));
	forget(&b);
}

/* ---- encodings ------------------------------------------------------------- */
static void test_ways(void **state)
{
	static char long_line[1200];
	static const struct {
		const char *text;
		bool allows_8bit;
		const char *way;
		unsigned needs;
	} rows[] = {
		{"plain\n", false, "7bit", 0},
		{"plain\n", true, "7bit", 0},
		{"cr\xc3\xaape with much around it\n", false,
			"quoted-printable", 0},
		{"cr\xc3\xaape\n", true, "8bit", COMPOSE_NEEDS_8BIT},
		{"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\n", false,
			"base64", 0},
		{long_line, false, "quoted-printable", 0},
		{long_line, true, "quoted-printable", 0},
	};

	(void)state;
	memset(long_line, 'x', 999);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct compose_part part = {.kind = COMPOSE_TEXT,
			.content = span_str(rows[i].text)};
		struct compose_message m = message(&part);
		struct built b;

		m.allows_8bit = rows[i].allows_8bit;
		assert_int_equal(build(&b, &m), OK);
		assert_true(span_eq(b.tree->parts[0].encoding_name,
			span_str(rows[i].way)));
		assert_int_equal(b.needs, rows[i].needs);
		forget(&b);
	}
}

/* A multipart says what its neediest part needs.  RFC 2045 6.4 */
static void test_needs(void **state)
{
	static const struct {
		const char *content, *label;
		unsigned needs;
	} rows[] = {
		{"A: b\r\n\r\nc\r\n", "7bit", 0},
		{"A: b\r\n\r\n\xe9\r\n", "8bit", COMPOSE_NEEDS_8BIT},
		{"A: b\r\n\r\n\n\r\n", "binary",
			COMPOSE_NEEDS_8BIT | COMPOSE_NEEDS_BINARY},
		{"A: b\r\n\r\n\rb\r\n", "binary",
			COMPOSE_NEEDS_8BIT | COMPOSE_NEEDS_BINARY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct compose_part part = {.kind = COMPOSE_MESSAGE,
			.content = span_str(rows[i].content)};
		const struct compose_part root = {.kind = COMPOSE_MULTIPART,
			.children = &part, .child_count = 1};
		struct compose_message m = message(&root);
		struct built b;

		assert_int_equal(build(&b, &m), OK);
		assert_int_equal(b.needs, rows[i].needs);
		for (uint32_t j = 0; j < 2; j++)
			assert_true(b.tree->parts[j].encoding_name.n == 0
					? rows[i].needs == 0
					: span_eq(b.tree->parts[j]
							.encoding_name,
						  span_str(rows[i].label)));
		forget(&b);
	}
}

/* Paragraphs are wrapped, quotations keep their marks.  RFC 3676 4 */
static void test_flowed(void **state)
{
	const struct span text = SPAN(
		"A paragraph of so many words that it does not fit into one "
		"line of the message.\n> quoted\n>> deeper\n\nFrom caf\xc3\xa9\n");
	const struct compose_part parts[] = {
		{.kind = COMPOSE_TEXT, .content = SPAN("plain")},
		{.kind = COMPOSE_TEXT, .is_flowed = true,
			.content = text},
		{.kind = COMPOSE_TEXT, .is_flowed = true,
			.content = SPAN("last")},
	};
	const struct compose_part root = {.kind = COMPOSE_MULTIPART,
		.children = parts, .child_count = 3};
	const struct compose_part bad = {.kind = COMPOSE_TEXT,
		.type = SPAN("text/html"), .is_flowed = true};
	struct compose_message m = message(&root);
	struct built b;

	(void)state;
	assert_int_equal(build(&b, &m), OK);
	expect_part(&b, 1, "text/plain", SPAN("plain\r\n"));
	expect_part(&b, 2, "text/plain", SPAN(
		"A paragraph of so many words that it does not fit into one "
		"line of the \r\nmessage.\r\n> quoted\r\n>> deeper\r\n\r\n"
		" From caf\xc3\xa9\r\n"));
	expect_part(&b, 3, "text/plain", SPAN("last\r\n"));
	assert_true(has(&b, "charset=utf-8; format=flowed\r\n"));
	forget(&b);
	m.body = &bad;
	assert_int_equal(build(&b, &m), SYNTAX);
	forget(&b);
}

/* ---- the head ---------------------------------------------------------------- */
static void expect_address(const struct address_list *list, size_t i,
	const char *name, const char *local)
{
	struct buf text;

	assert_true(i < list->count);
	assert_int_equal(list->items[i].kind, ADDRESS_MAILBOX);
	buf_init(&text, 4096);
	words_put_decoded(&text, list->items[i].name);
	assert_true(span_eq(buf_span(&text), span_str(name)));
	assert_true(span_eq(list->items[i].local, span_str(local)));
	buf_clear(&text);
}

static void test_people(void **state)
{
	static char long_name[400];
	const struct message_address to[] = {
		{SPAN("O'Hara, \"Bo\" \\ x"), SPAN("bo@b.test")},
		{SPAN("J\xc3\xb6rg <x@y>"), SPAN("joerg@b.test")},
		{SPAN_EMPTY, SPAN("plain@b.test")},
		{span_of(long_name, 300), SPAN("long@b.test")},
		{SPAN("a\r\nBcc: x@y"), SPAN("inject@b.test")},
	};
	const struct message_address cc = {SPAN("C"), SPAN("c@c.test")};
	const struct message_address bcc = {SPAN_EMPTY, SPAN("d@d.test")};
	const struct message_address reply = {SPAN("R"), SPAN("r@r.test")};
	const struct compose_part part = {.kind = COMPOSE_TEXT};
	struct compose_message m = message(&part);
	const struct envelope *env;
	struct built b;

	(void)state;
	for (size_t i = 0; i < 300; i++)
		long_name[i] = i % 7 == 6 ? ' ' : 'n';
	m.to = (struct compose_addresses){to, 5};
	m.cc = (struct compose_addresses){&cc, 1};
	m.bcc = (struct compose_addresses){&bcc, 1};
	m.reply_to = (struct compose_addresses){&reply, 1};
	assert_int_equal(build(&b, &m), OK);
	env = b.tree->parts[0].envelope;
	expect_address(&env->from, 0, "Ann", "ann");
	assert_int_equal(env->to.count, 5);
	expect_address(&env->to, 0, "O'Hara, \"Bo\" \\ x", "bo");
	expect_address(&env->to, 1, "J\xc3\xb6rg <x@y>", "joerg");
	expect_address(&env->to, 2, "", "plain");
	expect_address(&env->to, 3, long_name, "long");
	assert_true(span_eq(env->to.items[4].local, SPAN("inject")));
	expect_address(&env->cc, 0, "C", "c");
	assert_int_equal(env->bcc.count, 1);
	expect_address(&env->reply_to, 0, "R", "r");
	forget(&b);
}

static void test_fields(void **state)
{
	const struct span ids[] = {SPAN("one@a.test"),
		SPAN("two-two-two-two-two-two-two-two-two-two@a.test"),
		SPAN("three@a.test")};
	const struct compose_field fields[] = {
		{SPAN("X-Free"), SPAN("caf\xc3\xa9\r\nX-Bad: 1"), false},
		{SPAN("List-Unsubscribe"), SPAN("<https://a.test/"
			"0123456789012345678901234567890123456789012345678901"
			"2345678901234567890123456789>, <mailto:u@a.test>"),
			true},
	};
	const struct compose_part part = {.kind = COMPOSE_TEXT};
	struct compose_message m = message(&part);
	struct built b;

	(void)state;
	m.references = ids;
	m.reference_count = 3;
	m.in_reply_to = &ids[2];
	m.in_reply_to_count = 1;
	m.fields = fields;
	m.field_count = 2;
	m.zone_min = -150;
	assert_int_equal(build(&b, &m), OK);
	assert_true(has(&b, "Date: Sun, 22 Nov 2026 12:57:39 -0230\r\n"));
	assert_true(has(&b, "In-Reply-To: <three@a.test>\r\n"));
	assert_true(has(&b, "References: <one@a.test>"
		" <two-two-two-two-two-two-two-two-two-two@a.test>\r\n"
		" <three@a.test>\r\n"));
	assert_false(has(&b, "\nX-Bad"));
	assert_true(has(&b, "List-Unsubscribe:\r\n <https://a.test/0"));
	assert_true(has(&b, "789>,\r\n <mailto:u@a.test>\r\n"));
	assert_true(has(&b, "Message-ID: <abababababababababababababababab@"
		"a.test>\r\n"));
	forget(&b);
}

static void test_utf8_address(void **state)
{
	const struct message_address to = {SPAN_EMPTY,
		SPAN("j\xc3\xb6rg@b\xc3\xbc" "cher.test")};
	const struct compose_part part = {.kind = COMPOSE_TEXT};
	struct compose_message m = message(&part);
	struct built b;

	(void)state;
	m.to = (struct compose_addresses){&to, 1};
	assert_int_equal(build(&b, &m), OK);
	assert_int_equal(b.needs, COMPOSE_NEEDS_UTF8 | COMPOSE_NEEDS_8BIT);
	forget(&b);
	/* an id that was given may need it too */
	m = message(&part);
	m.id = SPAN("1@b\xc3\xbc" "cher.test");
	assert_int_equal(build(&b, &m), OK);
	assert_int_equal(b.needs, COMPOSE_NEEDS_UTF8 | COMPOSE_NEEDS_8BIT);
	assert_true(has(&b, "Message-ID: <1@b\xc3\xbc" "cher.test>\r\n"));
	forget(&b);
	m.references = &m.id;
	m.reference_count = 1;
	m.id = SPAN("2@a.test");
	assert_int_equal(build(&b, &m), OK);
	forget(&b);
}

/* Further parameters; one that says the type of what is related is not said
 * again (RFC 2387 3.1). */
static void test_params(void **state)
{
	static const struct compose_param params[] = {
		{"Type", SPAN_INIT("text/x")},
		{"start", SPAN_INIT("caf\xc3\xa9")},
	};
	const struct compose_part leaf = {.kind = COMPOSE_FILE,
		.name = SPAN("a\r\nb\x7f\xff.txt")};
	const struct compose_part root = {.kind = COMPOSE_MULTIPART,
		.type = SPAN("multipart/related"), .params = params,
		.param_count = 2, .children = &leaf, .child_count = 1};
	struct compose_message m = message(&root);
	struct buf text;
	struct built b;

	(void)state;
	buf_init(&text, 100);
	assert_int_equal(build(&b, &m), OK);
	assert_true(param_list_get(&b.tree->parts[0].params, SPAN("type"),
		&text));
	assert_true(span_eq(buf_span(&text), SPAN("text/x")));
	assert_false(has(&b, "type=\"text/plain\""));
	buf_reset(&text);
	assert_true(param_list_get(&b.tree->parts[0].params, SPAN("start"),
		&text));
	assert_true(span_eq(buf_span(&text), SPAN("caf\xc3\xa9")));
	buf_reset(&text);
	assert_true(param_list_get(&b.tree->parts[1].params, SPAN("name"),
		&text));
	assert_true(span_eq(buf_span(&text), SPAN("a__b__.txt")));
	buf_clear(&text);
	forget(&b);
}

static void test_names(void **state)
{
	static char very_long[301];
	static const char *const names[] = {"a.txt", "cr\xc3\xaapes \"1\".txt",
		"x; filename=y", " blanks ", very_long,
		"\xc3\xa9 and much more than a short name may have.text"};

	(void)state;
	memset(very_long, 'n', 300);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct compose_part part = {.kind = COMPOSE_FILE,
			.name = span_str(names[i]), .content = SPAN("1"),
			.disposition = COMPOSE_ATTACHMENT};
		struct compose_message m = message(&part);
		struct built b;
		struct buf name;

		assert_int_equal(build(&b, &m), OK);
		buf_init(&name, 1000);
		assert_true(param_list_get(
			&b.tree->parts[0].disposition_params,
			SPAN("filename"), &name));
		assert_true(span_eq(buf_span(&name), span_str(names[i])));
		/* one name: readers differ in which of two they take */
		assert_int_equal(has(&b, "filename=\""), i == 0 || i == 2);
		buf_clear(&name);
		forget(&b);
	}
}

/* ---- refusals ------------------------------------------------------------------ */
static void refuse(const struct compose_message *m, enum code code)
{
	struct built b;

	assert_int_equal(build(&b, m), code);
	assert_int_equal(buf_len(&b.out), 0);
	forget(&b);
}

static void test_bad_heads(void **state)
{
	static const char *const bad_addresses[] = {"", "a", "@b", "a@",
		"a@b\r\nX: y", "a b@c", "<a@b>", "a@b,c@d", "a@b\xff"};
	static const struct compose_field bad_fields[] = {
		{SPAN_INIT("X y"), SPAN_INIT("1"), false},
		{SPAN_INIT("X:"), SPAN_INIT("1"), false},
		{SPAN_INIT(""), SPAN_INIT("1"), false},
		{SPAN_INIT("from"), SPAN_INIT("1"), false},
		{SPAN_INIT("BCC"), SPAN_INIT("1"), false},
		{SPAN_INIT("Content-Type"), SPAN_INIT("1"), false},
		{SPAN_INIT("X"), SPAN_INIT("\xff"), false},
		{SPAN_INIT("X"), SPAN_INIT("a\r\nY: b"), true},
		{SPAN_INIT("X"), SPAN_INIT("caf\xc3\xa9"), true},
		{SPAN_INIT("X"), SPAN_INIT(""), true},
	};
	static const char *const bad_ids[] = {"", "a b", "a>", "<a@b>",
		"a\r\nX: y"};
	const struct compose_part part = {.kind = COMPOSE_TEXT};
	struct compose_message m = message(&part);

	(void)state;
	for (size_t i = 0; i < sizeof(bad_addresses) / sizeof(char *); i++) {
		struct message_address a = {SPAN_EMPTY,
			span_str(bad_addresses[i])};

		m = message(&part);
		m.cc = (struct compose_addresses){&a, 1};
		refuse(&m, SYNTAX);
	}
	for (size_t i = 0; i < sizeof(bad_fields) / sizeof(*bad_fields); i++) {
		m = message(&part);
		m.fields = &bad_fields[i];
		m.field_count = 1;
		refuse(&m, SYNTAX);
	}
	for (size_t i = 0; i < sizeof(bad_ids) / sizeof(char *); i++) {
		struct span id = span_str(bad_ids[i]);

		m = message(&part);
		m.references = &id;
		m.reference_count = 1;
		refuse(&m, SYNTAX);
	}
	m = message(&part);
	m.from.count = 0;
	refuse(&m, SYNTAX);
	m = message(&part);
	m.host = SPAN("a\r\nb");
	refuse(&m, SYNTAX);
	m = message(&part);
	m.subject = SPAN("\xff");
	refuse(&m, SYNTAX);
	m = message(&part);
	m.zone_min = 24 * 60;
	refuse(&m, SYNTAX);
	m.zone_min = -m.zone_min;
	refuse(&m, SYNTAX);
}

/* RFC 5322 3.6.2: From: may name many, Sender: one, and does if they are many */
static void test_bad_people(void **state)
{
	const struct message_address two[] = {ann,
		{SPAN_INIT("Bob"), SPAN_INIT("bob@a.test")}};
	const struct message_address odd = {SPAN("\xff"), SPAN("a@b.test")};
	const struct compose_part part = {.kind = COMPOSE_TEXT};
	struct compose_message m = message(&part);
	struct built b;

	(void)state;
	m.from = (struct compose_addresses){two, 2};
	refuse(&m, SYNTAX);
	m.sender = (struct compose_addresses){two, 2};
	refuse(&m, SYNTAX);
	m.sender.count = 1;
	assert_int_equal(build(&b, &m), OK);
	forget(&b);
	m.to = (struct compose_addresses){&odd, 1};
	refuse(&m, SYNTAX);
}

static void test_bad_parts(void **state)
{
	static const struct compose_part none[1] = {{.kind = COMPOSE_TEXT}};
	static const struct compose_param bad = {"a b", SPAN_INIT("c")};
	static const struct compose_param odd = {"a", SPAN_INIT("\xff")};
	static const struct compose_part parts[] = {
		{.kind = COMPOSE_TEXT, .type = SPAN_INIT("text")},
		{.kind = COMPOSE_TEXT, .type = SPAN_INIT("a/b\r\nX: y")},
		{.kind = COMPOSE_TEXT, .type = SPAN_INIT("multipart/mixed")},
		{.kind = COMPOSE_MULTIPART, .type = SPAN_INIT("text/plain"),
			.children = none, .child_count = 1},
		{.kind = COMPOSE_MULTIPART},
		{.kind = COMPOSE_TEXT, .content = SPAN_INIT("\xff")},
		{.kind = COMPOSE_TEXT, .id = SPAN_INIT("a>\r\nX: y")},
		{.kind = COMPOSE_TEXT, .description = SPAN_INIT("\xff")},
		{.kind = COMPOSE_TEXT, .params = &bad, .param_count = 1},
		{.kind = COMPOSE_TEXT, .params = &odd, .param_count = 1},
		{.kind = COMPOSE_RAW, .content = SPAN_INIT("Bcc: a@b\r\n\r\n")},
		{.kind = COMPOSE_RAW, .content = SPAN_INIT(
			"Content-Type: a/b\nBcc: a@b\r\n\r\n")},
		{.kind = COMPOSE_RAW, .content = SPAN_INIT(
			"Content-Type: a/b\r\n c\nBcc: a@b\r\n\r\n")},
		{.kind = COMPOSE_RAW, .content = SPAN_INIT("no head")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct compose_message m = message(&parts[i]);

		refuse(&m, SYNTAX);
	}
}

static void test_limits_of_lists(void **state)
{
	static struct span ids[MESSAGE_IDS_MAX + 1];
	static struct compose_param params[COMPOSE_PARAMS_MAX + 1];
	static char word[999]; /* longer than a line may be */
	struct compose_field field = {SPAN("X"), span_of(word, sizeof(word)),
		true};
	struct compose_part part = {.kind = COMPOSE_FILE, .params = params,
		.param_count = COMPOSE_PARAMS_MAX + 1};
	struct compose_message m = message(&part);

	(void)state;
	for (size_t i = 0; i <= COMPOSE_PARAMS_MAX; i++)
		params[i] = (struct compose_param){"a", SPAN("b")};
	refuse(&m, LIMIT);
	part.param_count = 0;
	memset(word, 'x', sizeof(word));
	for (size_t i = 0; i <= MESSAGE_IDS_MAX; i++)
		ids[i] = SPAN("a@b");
	m.references = ids;
	m.reference_count = MESSAGE_IDS_MAX + 1;
	refuse(&m, LIMIT);
	m.reference_count = 0;
	m.fields = &field;
	m.field_count = 1;
	refuse(&m, SYNTAX);
}

static void test_limits(void **state)
{
	static struct compose_part deep[COMPOSE_DEPTH_MAX + 1];
	static struct compose_part many[COMPOSE_PARTS_MAX];
	struct compose_part wide = {.kind = COMPOSE_MULTIPART,
		.children = many, .child_count = COMPOSE_PARTS_MAX};
	struct compose_message m = message(&deep[0]);
	struct built b;

	(void)state;
	for (size_t i = 0; i < COMPOSE_DEPTH_MAX; i++)
		deep[i] = (struct compose_part){.kind = COMPOSE_MULTIPART,
			.children = &deep[i + 1], .child_count = 1};
	refuse(&m, LIMIT);
	m.body = &deep[1];
	assert_int_equal(build(&b, &m), OK);
	assert_int_equal(b.tree->count, COMPOSE_DEPTH_MAX);
	forget(&b);
	m.body = &wide;
	refuse(&m, LIMIT);
	wide.child_count--;
	assert_int_equal(build(&b, &m), OK);
	assert_int_equal(b.tree->count, COMPOSE_PARTS_MAX);
	forget(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_raw_part_is_not_touched),
		cmocka_unit_test(test_part_alone),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_flowed),
		cmocka_unit_test(test_people),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_utf8_address),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bad_heads),
		cmocka_unit_test(test_bad_parts),
		cmocka_unit_test(test_bad_people),
		cmocka_unit_test(test_limits_of_lists),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
