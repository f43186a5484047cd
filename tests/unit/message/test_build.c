#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "message/build.h"
#include "message/body_text.h"
#include "message/header.h"

static struct message_draft draft(void)
{
	static const struct message_address to[] = {
		{{(const uint8_t *)"Bob", 3},
			{(const uint8_t *)"bob@hamburger.edu", 17}},
	};
	struct message_draft d = {
		.from = {SPAN_EMPTY, SPAN("alice@crepes.fr")},
		.to = to,
		.to_count = 1,
		.subject = SPAN("Hi"),
		.text = SPAN("Do you like ketchup?\n"),
		.now_ms = 1795361259000,
		.host = SPAN("crepes.fr"),
	};

	memset(d.random, 0xab, sizeof(d.random));
	return d;
}

static void test_plain_message(void **state)
{
	struct message_draft d = draft();
	struct buf out, id;
	struct err e;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(message_build(&d, &out, &e), OK);
	buf_putc(&out, 0);
	buf_init(&id, 100);
	message_put_id(&d, &id);
	assert_true(span_eq(buf_span(&id),
		SPAN("<abababababababababababababababab@crepes.fr>")));
	buf_clear(&id);
	assert_string_equal((const char *)out.p,
		"From: alice@crepes.fr\r\n"
		"To: Bob <bob@hamburger.edu>\r\n"
		"Subject: Hi\r\n"
		"Date: Sun, 22 Nov 2026 15:27:39 +0000\r\n"
		"Message-ID: <abababababababababababababababab@crepes.fr>\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 7bit\r\n"
		"\r\n"
		"Do you like ketchup?\r\n");
	buf_clear(&out);
}

static void check_mail_lines(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		assert_true(text.p[i] < 0x80 && text.p[i] != 0);
		if (text.p[i] == '\n')
			assert_true(i > 0 && text.p[i - 1] == '\r');
		if (text.p[i] == '\r')
			assert_true(i + 1 < text.n && text.p[i + 1] == '\n');
	}
	while (text.n > 0)
		assert_true(span_cut(&text, '\n').n <= 999);
}

/* Builds, reads the structure, and compares text and file. */
static void check_round_trip(const struct message_draft *d, struct span text)
{
	struct arena arena;
	const struct mime_tree *t;
	struct buf out, part;
	struct err e;

	arena_init(&arena, MIME_ARENA_BYTES);
	buf_init(&out, 1 << 20);
	buf_init(&part, 1 << 20);
	assert_int_equal(message_build(d, &out, &e), OK);
	check_mail_lines(buf_span(&out));
	t = mime_parse(&arena, buf_span(&out));
	assert_false(t->is_cut);
	assert_int_equal(t->count, d->file_count == 0 ? 1 : 2 + d->file_count);
	assert_true(body_put_bytes(&part, &t->parts[d->file_count > 0],
		buf_span(&out)));
	assert_true(span_eq(buf_span(&part), text));
	for (size_t i = 0; i < d->file_count; i++) {
		const struct mime_part *p = &t->parts[2 + i];

		buf_reset(&part);
		assert_true(body_put_bytes(&part, p, buf_span(&out)));
		assert_true(span_eq(buf_span(&part), d->files[i].content));
		buf_reset(&part);
		assert_true(param_list_get(&p->disposition_params,
			SPAN("filename"), &part));
		assert_true(span_eq(buf_span(&part), d->files[i].name));
		assert_true(span_eq(p->disposition, SPAN("attachment")));
	}
	buf_clear(&out);
	buf_clear(&part);
	arena_clear(&arena);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text, *lines;
	} rows[] = {
		{"", ""},
		{"one", "one\r\n"},
		{"one\ntwo\r\nthree\rfour", "one\r\ntwo\r\nthree\r\nfour\r\n"},
		{"cr\xc3\xaape \n", "cr\xc3\xaape \r\n"},
		{"\n\n", "\r\n\r\n"},
		{".\n..\n", ".\r\n..\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message_draft d = draft();

		d.text = span_str(rows[i].text);
		check_round_trip(&d, span_str(rows[i].lines));
	}
}

static void test_a_text_that_quotes_the_boundary(void **state)
{
	static const uint8_t bytes[3] = {0, 0xff, '\n'};
	const struct message_file file = {SPAN("a.bin"), span_of(bytes, 3)};
	struct message_draft d = draft();

	(void)state;
	d.text = SPAN("--=_abababababababababababababababab--\r\n"
		      "--=_abababababababababababababababab\r\n");
	d.files = &file;
	d.file_count = 1;
	check_round_trip(&d, d.text);
}

static void test_files(void **state)
{
	uint8_t bytes[1000] = {0};
	struct message_file files[3] = {
		{SPAN("ketchup.png"), span_of(bytes, sizeof(bytes))},
		{SPAN("cr\xc3\xaapes \xf0\x9f\x8d\x94.txt"), SPAN("--=_x\n")},
		{SPAN("empty"), SPAN_EMPTY},
	};
	struct message_draft d = draft();

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	d.files = files;
	d.file_count = 3;
	check_round_trip(&d, SPAN("Do you like ketchup?\r\n"));
}

static void test_refusals(void **state)
{
	struct message_draft d = draft();
	struct message_address bad = {SPAN_EMPTY, SPAN("a@b\r\nBcc:x@y")};
	struct buf out;
	struct err e;

	(void)state;
	buf_init(&out, 4096);
	d.text = SPAN("\xff");
	assert_int_equal(message_build(&d, &out, &e), SYNTAX);
	d = draft();
	d.from = bad;
	assert_int_equal(message_build(&d, &out, &e), SYNTAX);
	d = draft();
	d.to = &bad;
	assert_int_equal(message_build(&d, &out, &e), SYNTAX);
	d = draft();
	d.file_count = MESSAGE_FILES_MAX + 1;
	assert_int_equal(message_build(&d, &out, &e), LIMIT);
	buf_clear(&out);
	buf_init(&out, 50);
	d = draft();
	assert_int_equal(message_build(&d, &out, &e), LIMIT);
	buf_clear(&out);
}

static void test_address_parse(void **state)
{
	static const struct {
		const char *text, *name, *address; /* address NULL: none */
	} rows[] = {
		{"alice@crepes.fr", "", "alice@crepes.fr"},
		{" <alice@crepes.fr> ", "", "alice@crepes.fr"},
		{"Alice B <alice@crepes.fr>", "Alice B", "alice@crepes.fr"},
		{"\"B, Alice\" <alice@crepes.fr>", "B, Alice",
			"alice@crepes.fr"},
		{"alice", "", NULL},
		{"@crepes.fr", "", NULL},
		{"alice@", "", NULL},
		{"a b@c", "", NULL},
		{"<a@b", "", NULL},
		{"x <a@b> y", "", NULL},
		{"a@b,c@d", "", NULL},
		{"", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message_address a;
		bool is_good =
			message_address_parse(span_str(rows[i].text), &a);

		assert_int_equal(is_good, rows[i].address != NULL);
		if (!is_good)
			continue;
		assert_true(span_eq(a.name, span_str(rows[i].name)));
		assert_true(span_eq(a.address, span_str(rows[i].address)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_message),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_a_text_that_quotes_the_boundary),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_address_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
