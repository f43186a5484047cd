#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "decode.h"
#include "message/downgrade.h"

#define OUT_BYTES (1u << 20)

/* Converts, fed in pieces of `split` bytes in all passes. */
static enum code convert(struct span in, bool allows_8bit, size_t split,
	struct buf *out, struct err *e)
{
	struct arena arena;
	struct downgrade *d;
	enum code code;

	arena_init(&arena, MIME_ARENA_BYTES + DOWNGRADE_ARENA_BYTES);
	d = downgrade_new(&arena, mime_parse(&arena, in), allows_8bit);
	for (size_t i = 0; i < in.n; i += split)
		downgrade_look(d, span_head(span_tail(in, i), split));
	code = downgrade_decide(d, e);
	for (size_t i = 0; code == OK && i < in.n; i += split)
		downgrade_feed(d, span_head(span_tail(in, i), split), out);
	if (code == OK)
		downgrade_end(d, out);
	downgrade_clear(d);
	arena_clear(&arena);
	return code;
}

static void check_7bit_lines(struct span s)
{
	size_t line = 0;

	for (size_t i = 0; i < s.n; i++) {
		assert_in_range(s.p[i], 1, 0x7f);
		line = s.p[i] == '\n' ? 0 : line + 1;
		assert_in_range(line, 0, 999);
	}
}

/* The same parts, with the same content. */
static void check_same(struct span before, struct span after)
{
	struct arena arena;
	const struct mime_tree *a, *b;
	struct buf one, other;

	arena_init(&arena, 2 * MIME_ARENA_BYTES);
	buf_init(&one, OUT_BYTES);
	buf_init(&other, OUT_BYTES);
	a = mime_parse(&arena, before);
	b = mime_parse(&arena, after);
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		const struct mime_part *p = &a->parts[i], *q = &b->parts[i];
		bool is_good, is_cut = false;

		assert_int_equal(p->kind, q->kind);
		assert_true(mime_is_type(q, p->type, p->subtype));
		if (p->kind != MIME_LEAF)
			continue;
		buf_reset(&one);
		buf_reset(&other);
		is_good = part_decode(before, p, &one);
		assert_true(part_decode(after, q, &other) || !is_good);
		/* at the very end a line end may have been missing */
		if (q->body_end == after.n && p->body_end == before.n &&
			!span_ends(before, SPAN("\n")))
			is_cut = buf_len(&other) > buf_len(&one);
		if (is_cut)
			buf_puts(&one, "\r\n");
		assert_true(span_eq(buf_span(&one), buf_span(&other)));
	}
	buf_clear(&one);
	buf_clear(&other);
	arena_clear(&arena);
}

/* Every split gives the same; it may travel, and says the same as before. */
static void try_all(struct span in, bool allows_8bit, struct buf *out)
{
	struct buf again;
	struct err e = {.text = ""};

	buf_reset(out);
	assert_int_equal(convert(in, allows_8bit, in.n, out, &e), OK);
	if (!allows_8bit)
		check_7bit_lines(buf_span(out));
	check_same(in, buf_span(out));
	buf_init(&again, OUT_BYTES);
	for (size_t split = 1; split < in.n; split += 1 + split / 8) {
		buf_reset(&again);
		assert_int_equal(convert(in, allows_8bit, split, &again, &e),
			OK);
		assert_true(span_eq(buf_span(out), buf_span(&again)));
	}
	/* what has been converted needs no conversion */
	buf_reset(&again);
	assert_int_equal(convert(buf_span(out), allows_8bit, 100, &again, &e),
		OK);
	assert_true(span_eq(buf_span(out), buf_span(&again)));
	buf_clear(&again);
}

/* ---- what is converted ------------------------------------------------------ */
static const struct {
	const char *name;
	struct span in, out;
	bool allows_8bit;
} rows[] = {
	{"nothing to do", SPAN_INIT("A: b\r\n\r\ntext\r\n"),
		SPAN_INIT("A: b\r\n\r\ntext\r\n"), false},
	{"a text",
		SPAN_INIT("MIME-Version: 1.0\r\nContent-Type: text/plain;"
			" charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
			"A: b\r\n\r\n.caf\xc3\xa9 \r\n"),
		SPAN_INIT("MIME-Version: 1.0\r\nContent-Type: text/plain;"
			" charset=utf-8\r\nContent-Transfer-Encoding:"
			" quoted-printable\r\nA: b\r\n\r\n.caf=C3=A9=20\r\n"),
		false},
	{"no MIME at all", SPAN_INIT("A: b\r\n\r\ncaf\xe9\r\n"),
		SPAN_INIT("A: b\r\nMIME-Version: 1.0\r\n"
			"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
			"caf=E9\r\n"), false},
	{"no head", SPAN_INIT("\r\ncaf\xe9\r\n"),
		SPAN_INIT("MIME-Version: 1.0\r\nContent-Transfer-Encoding:"
			" quoted-printable\r\n\r\ncaf=E9\r\n"), false},
	{"a head of lines that are no fields",
		SPAN_INIT("\tx\r\nno field\r\n\r\ncaf\xe9\r\n"),
		SPAN_INIT("\tx\r\nno field\r\nMIME-Version: 1.0\r\n"
			"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
			"caf=E9\r\n"), false},
	{"shorter in base64",
		SPAN_INIT("MIME-Version: 1.0\r\n\r\n\xd0\xbf\xd1\x80\xd0\xb8"),
		SPAN_INIT("MIME-Version: 1.0\r\nContent-Transfer-Encoding:"
			" base64\r\n\r\n0L/RgNC4\r\n"), false},
	{"shorter in base64 for its signs",
		SPAN_INIT("MIME-Version: 1.0\r\n\r\n====\1\1==\xe9"),
		SPAN_INIT("MIME-Version: 1.0\r\nContent-Transfer-Encoding:"
			" base64\r\n\r\nPT09PQEBPT3p\r\n"), false},
	{"a picture with one such byte",
		SPAN_INIT("MIME-Version: 1.0\r\nContent-Type: image/x\r\n"
			"\r\nabcdefg\xff"),
		SPAN_INIT("MIME-Version: 1.0\r\nContent-Type: image/x\r\n"
			"Content-Transfer-Encoding: base64\r\n\r\n"
			"YWJjZGVmZ/8=\r\n"), false},
	{"the field twice, folded, and once in the text",
		SPAN_INIT("content-transfer-encoding:\r\n 8bit\r\nMIME-Version"
			": 1.0\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
			"Content-Transfer-Encoding: \xe9\r\n"),
		SPAN_INIT("Content-Transfer-Encoding: quoted-printable\r\n"
			"MIME-Version: 1.0\r\n\r\n"
			"Content-Transfer-Encoding: =E9\r\n"), false},
	{"only the labels are wrong",
		SPAN_INIT("Content-Type: multipart/mixed; boundary=b\r\n"
			"Content-Transfer-Encoding: binary\r\n\r\n--b\r\n"
			"Content-Transfer-Encoding: 8bit\r\n\r\na\r\n--b--\r\n"),
		SPAN_INIT("Content-Type: multipart/mixed; boundary=b\r\n"
			"Content-Transfer-Encoding: 7bit\r\n\r\n--b\r\n"
			"Content-Transfer-Encoding: 7bit\r\n\r\na\r\n--b--\r\n"),
		false},
	{"binary where 8bit may stay",
		SPAN_INIT("Content-Type: multipart/mixed; boundary=b\r\n"
			"Content-Transfer-Encoding: binary\r\n\r\n--b\r\n"
			"\r\n\xe9\r\n--b\r\nContent-Type: a/b\r\n"
			"Content-Transfer-Encoding: binary\r\n\r\n\n\r\n--b--\r\n"),
		SPAN_INIT("Content-Type: multipart/mixed; boundary=b\r\n"
			"Content-Transfer-Encoding: 8bit\r\n\r\n--b\r\n"
			"\r\n\xe9\r\n--b\r\nContent-Type: a/b\r\n"
			"Content-Transfer-Encoding: base64\r\n\r\nCg==\r\n--b--\r\n"),
		true},
	{"a message in a message",
		SPAN_INIT("Content-Type: message/rfc822\r\n"
			"Content-Transfer-Encoding: 8bit\r\n\r\n"
			"Subject: x\r\n\r\ncaf\xe9\r\n"),
		SPAN_INIT("Content-Type: message/rfc822\r\n"
			"Content-Transfer-Encoding: 7bit\r\n\r\n"
			"Subject: x\r\nMIME-Version: 1.0\r\n"
			"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
			"caf=E9\r\n"), false},
	{"encoded, and damaged on its way",
		SPAN_INIT("Content-Transfer-Encoding: quoted-printable\r\n\r\n"
			"caf\xe9=3D\r\n"),
		SPAN_INIT("Content-Transfer-Encoding: quoted-printable\r\n\r\n"
			"caf=E9=3D\r\n"), false},
	{"a preamble that nobody reads",
		SPAN_INIT("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
			"pr\xe9\r\n--b\r\n\r\na\r\n--b--\r\nend\xe9\r\n"),
		SPAN_INIT("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
			"pr?\r\n--b\r\n\r\na\r\n--b--\r\nend?\r\n"), false},
	{"free text in a head",
		SPAN_INIT("Subject: caf\xc3\xa9\r\nComments: \xe9\r\n\r\na\r\n"),
		SPAN_INIT("Subject: =?utf-8?Q?caf=C3=A9?=\r\n"
			"Comments: =?utf-8?B?w6k=?=\r\n\r\na\r\n"), false},
	{"what is signed, but plain, stays as it is",
		SPAN_INIT("Content-Type: multipart/signed; boundary=b\r\n"
			"Content-Transfer-Encoding: 8bit\r\n\r\n--b\r\n"
			"Content-Transfer-Encoding: 8bit\r\n\r\na \r\n"
			"--b--\r\n"),
		SPAN_INIT("Content-Type: multipart/signed; boundary=b\r\n"
			"Content-Transfer-Encoding: 7bit\r\n\r\n--b\r\n"
			"Content-Transfer-Encoding: 8bit\r\n\r\na \r\n"
			"--b--\r\n"), false},
};

static void test_rows(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, OUT_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		try_all(rows[i].in, rows[i].allows_8bit, &out);
		buf_putc(&out, 0);
		assert_string_equal((const char *)buf_span(&out).p,
			(const char *)rows[i].out.p);
	}
	buf_clear(&out);
}

/* message/global may be encoded as a whole, what is in it may not. */
static void test_global(void **state)
{
	const struct span in = SPAN(
		"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
		"Content-Type: message/global\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\n"
		"From: \xc3\xa9@x\r\n\r\n\xc3\xa9\r\n--b--\r\n");
	struct buf out;
	struct err e;

	(void)state;
	buf_init(&out, OUT_BYTES);
	assert_int_equal(convert(in, false, 7, &out, &e), OK);
	check_7bit_lines(buf_span(&out));
	assert_true(span_find_span(buf_span(&out),
			    SPAN("Content-Transfer-Encoding:"
				 " quoted-printable\r\n\r\n"
				 "From: =C3=A9@x\r\n\r\n=C3=A9\r\n--b--")) <
		buf_len(&out));
	buf_clear(&out);
}

static void test_long_lines(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, OUT_BYTES);
	buf_init(&out, OUT_BYTES);
	buf_puts(&in, "Content-Type: text/html\r\n\r\n");
	for (unsigned i = 0; i < 998; i++)
		buf_putc(&in, 'x');
	buf_puts(&in, "\r\n");
	try_all(buf_span(&in), false, &out);
	assert_true(span_eq(buf_span(&out), buf_span(&in)));
	buf_truncate(&in, buf_len(&in) - 2);
	buf_puts(&in, "x\r\n");
	try_all(buf_span(&in), false, &out);
	assert_true(span_find_span(buf_span(&out), SPAN("quoted-printable")) <
		buf_len(&out));
	buf_clear(&in);
	buf_clear(&out);
}

/* More than a buffer of everything, and a NUL. */
static void test_large(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, OUT_BYTES);
	buf_init(&out, OUT_BYTES);
	buf_puts(&in, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (unsigned i = 0; i < 40; i++) {
		buf_puts(&in, "--b\r\nContent-Type: ");
		buf_puts(&in, i % 2 ? "text/plain\r\n\r\n" : "a/b\r\n\r\n");
		for (unsigned j = 0; j < i * 30; j++)
			buf_putc(&in, (uint8_t)(j % 7 ? 'a' + j % 20 :
							       j * i));
		buf_puts(&in, "\r\n");
	}
	buf_puts(&in, "--b--\r\n");
	try_all(buf_span(&in), false, &out);
	buf_clear(&in);
	buf_clear(&out);
}

/* ---- what is not --------------------------------------------------------------- */
static void test_refusals(void **state)
{
	static const struct {
		const char *in;
		enum code code;
		const char *text;
	} bad[] = {
		{"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n"
		 "\xe9\r\n--b--\r\n",
			DENIED, "signed"},
		{"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n"
		 "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n"
		 "Subject: \xe9\r\n\r\na\r\n--c--\r\n--b--\r\n",
			DENIED, "signed"},
		{"Content-Type: multipart/signed; boundary=b\r\n\r\n\xe9\r\n"
		 "--b\r\n\r\na\r\n--b--\r\n",
			DENIED, "signed"},
		{"From: \xe9 <a@b>\r\n\r\na\r\n", DENIED, "header"},
		{"Content-Type: text/plain; name=\"\xe9\"\r\n\r\na\r\n",
			DENIED, "header"},
		{"Content-Type: message/partial\r\n\r\n\xe9\r\n", DENIED,
			"allows no encoding"},
		{"Content-Transfer-Encoding: x-uuencode\r\n\r\n\xe9\r\n",
			DENIED, "allows no encoding"},
		{"Content-Type: multipart/mixed; boundary=b\r\n\r\n\xe9\r\n",
			DENIED, "nested"},
		{"A: b\nC: d\r\n\r\na\r\n", SYNTAX, "stands alone"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf out;
		struct err e = {.text = ""};

		buf_init(&out, OUT_BYTES);
		assert_int_equal(convert(span_str(bad[i].in), false, 3, &out,
					 &e),
			bad[i].code);
		assert_non_null(strstr(e.text, bad[i].text));
		assert_int_equal(buf_len(&out), 0);
		buf_clear(&out);
	}
}

/* As many parts as are read are converted; one more is not. */
static void test_many_parts(void **state)
{
	struct buf in, out;
	struct err e;

	(void)state;
	buf_init(&in, OUT_BYTES);
	buf_init(&out, OUT_BYTES);
	buf_puts(&in, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (unsigned i = 1; i < MESSAGE_PARTS_MAX; i++)
		buf_puts(&in, "--b\r\n\r\n\xe9\r\n");
	assert_int_equal(convert(buf_span(&in), false, 1000, &out, &e), OK);
	check_7bit_lines(buf_span(&out));
	check_same(buf_span(&in), buf_span(&out));
	buf_puts(&in, "--b\r\n\r\n\xe9\r\n");
	assert_int_equal(convert(buf_span(&in), false, 1000, &out, &e),
		DENIED);
	buf_clear(&in);
	buf_clear(&out);
}

/* The way takes 8-bit text: what is signed may stay. */
static void test_8bit_way(void **state)
{
	const struct span in = SPAN(
		"Content-Type: multipart/signed; boundary=b\r\n"
		"From: \xe9\r\n\r\n--b\r\n\r\n\xe9\r\n--b--\r\n");
	struct buf out;
	struct err e;

	(void)state;
	buf_init(&out, OUT_BYTES);
	assert_int_equal(convert(in, true, 5, &out, &e), OK);
	assert_true(span_eq(buf_span(&out), in));
	buf_clear(&out);
}

/* ---- real messages --------------------------------------------------------------- */
static bool read_message(const char *folder, const char *name,
	struct buf *out)
{
	char path[1024];
	uint8_t *to;
	FILE *file;

	if (!span_ends(span_str(name), SPAN(".eml")))
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	buf_reset(out);
	to = buf_reserve(out, OUT_BYTES);
	assert_non_null(to);
	buf_wrote(out, fread(to, 1, OUT_BYTES, file));
	assert_true(feof(file));
	(void)fclose(file);
	return true;
}

/* Those that can be converted say the same afterwards. */
static void test_corpus(void **state)
{
	const char *path = getenv("POSTRIDER_CORPUS");
	DIR *folder;
	struct dirent *entry;
	struct buf in, out;
	struct err e;
	unsigned plain = 0, converted = 0;

	(void)state;
	assert_non_null(path);
	folder = opendir(path);
	assert_non_null(folder);
	buf_init(&in, OUT_BYTES);
	buf_init(&out, OUT_BYTES * 4);
	for (entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (!read_message(path, entry->d_name, &in))
			continue;
		buf_reset(&out);
		if (convert(buf_span(&in), false, 1000, &out, &e) != OK)
			continue;
		assert_true(utf8_is_ascii(buf_span(&out)));
		check_same(buf_span(&in), buf_span(&out));
		plain += utf8_is_ascii(buf_span(&in));
		converted += !utf8_is_ascii(buf_span(&in));
	}
	(void)closedir(folder);
	print_message("%u stayed, %u became 7-bit\n", plain, converted);
	assert_true(plain > 50 && converted > 3);
	buf_clear(&in);
	buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_global),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_many_parts),
		cmocka_unit_test(test_8bit_way),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
