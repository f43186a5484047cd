#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mime_check.h"

static const struct span sample = SPAN_INIT(
	"Subject: outer\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
	"Content-Type: text/html; charset=utf-8\nContent-Disposition: inline; "
	"filename=x\nContent-ID: <a@b>\nContent-Language: de\n\n\xc3\xa9\n--b\n"
	"Content-Type: message/rfc822\n\nFrom: Ann <a@b>, g: c@d, e@f;\n"
	"Subject: inner\n\nbody\n--b--\n");

static void pack(struct span message, struct buf *out)
{
	struct arena arena;

	arena_init(&arena, MIME_ARENA_BYTES);
	mime_tree_pack(mime_parse(&arena, message), out);
	arena_clear(&arena);
}

static bool unpack(struct span packed)
{
	struct arena arena;
	struct mime_tree tree;
	bool is_good;

	arena_init(&arena, MIME_ARENA_BYTES);
	is_good = mime_tree_unpack(&arena, packed, &tree);
	arena_clear(&arena);
	return is_good;
}

/* What was packed is all there again. */
static void test_back(void **state)
{
	struct arena arena;
	struct buf packed;
	struct mime_tree t;

	(void)state;
	arena_init(&arena, MIME_ARENA_BYTES);
	buf_init(&packed, 4096);
	pack(sample, &packed);
	assert_true(mime_tree_unpack(&arena, buf_span(&packed), &t));
	assert_int_equal(t.count, 4);
	assert_int_equal(t.size, sample.n);
	assert_false(t.is_cut);
	assert_int_equal(t.parts[0].kind, MIME_MULTIPART);
	assert_int_equal(t.parts[1].parent, 0);
	assert_int_equal(t.parts[1].next, 2);
	assert_int_equal(t.parts[2].next, MIME_NONE);
	assert_int_equal(t.parts[3].parent, 2);
	assert_true(t.parts[1].has_8bit && t.parts[1].has_type);
	assert_true(span_eq(t.parts[1].id, SPAN("<a@b>")));
	assert_true(span_eq(t.parts[1].language, SPAN("de")));
	assert_true(span_eq(t.parts[1].disposition, SPAN("inline")));
	assert_int_equal(t.parts[1].disposition_params.count, 1);
	assert_true(span_eq(t.parts[3].envelope->subject, SPAN("inner")));
	assert_int_equal(t.parts[3].envelope->from.count, 5);
	buf_clear(&packed);
	arena_clear(&arena);
}

/* A blob that was cut, or has something behind it, is none. */
static void test_length(void **state)
{
	struct buf packed;

	(void)state;
	buf_init(&packed, 4096);
	pack(sample, &packed);
	assert_true(unpack(buf_span(&packed)));
	for (size_t n = 0; n < buf_len(&packed); n++)
		assert_false(unpack(span_head(buf_span(&packed), n)));
	buf_putc(&packed, 0);
	assert_false(unpack(buf_span(&packed)));
	buf_clear(&packed);
}

/* Every byte of a blob, set to every value. */
static void test_damage(void **state)
{
	struct buf packed;

	(void)state;
	buf_init(&packed, 4096);
	pack(sample, &packed);
	for (size_t i = 0; i < buf_len(&packed); i++) {
		uint8_t old = packed.p[i];

		for (unsigned value = 0; value < 256; value++) {
			struct arena arena;
			struct mime_tree tree;

			packed.p[i] = (uint8_t)value;
			arena_init(&arena, MIME_ARENA_BYTES);
			if (mime_tree_unpack(&arena, buf_span(&packed), &tree))
				sound_unpacked(&tree);
			arena_clear(&arena);
		}
		packed.p[i] = old;
	}
	buf_clear(&packed);
}

/* Blobs that no damage makes, by their bytes: version, size, is_cut, count; of
 * a part bits, descendants, three offsets, two counts, type, subtype, number of
 * parameters. */
static void test_forged(void **state)
{
#define TEXT "\1t\1p\0"
#define LEAF "\0\0\0\0\0\0\0" TEXT
	static const struct {
		struct span packed;
		bool is_good;
	} rows[] = {
		{SPAN_INIT("\1\0\0\1" LEAF), true},
		{SPAN_INIT("\1\0\0\1\1\0\0\0\0\0\0" TEXT), true},
		{SPAN_INIT(""), false},
		{SPAN_INIT("\2\0\0\1" LEAF), false},   /* version */
		{SPAN_INIT("\1\0\2\1" LEAF), false},   /* no bool */
		{SPAN_INIT("\1\0\0\0"), false},        /* no part */
		{SPAN_INIT("\1\0\0\2" LEAF LEAF), false}, /* two roots */
		{SPAN_INIT("\1\7\0\1" LEAF), false},   /* not all bytes */
		{SPAN_INIT("\1\7\0\1\0\0\0\0\7\0\0" TEXT), true},
		{SPAN_INIT("\1\7\0\1\0\0\1\0\6\0\0" TEXT), false},
		{SPAN_INIT("\1\7\0\1\0\0\0\0\10\0\0" TEXT), false},
		{SPAN_INIT("\1\0\0\1\3\0\0\0\0\0\0" TEXT), false}, /* kind */
		{SPAN_INIT("\1\0\0\1\30\0\0\0\0\0\0" TEXT), false},
		{SPAN_INIT("\1\0\0\1\0\0\0\0\0\0\0\0\1p\0"), false},
		{SPAN_INIT("\1\0\0\1\0\0\0\0\0\0\0\1t\0\0"), false},
		{SPAN_INIT("\1\0\0\2\1\1\0\0\0\0\0" TEXT LEAF), true},
		/* a leaf with a child, a message without one */
		{SPAN_INIT("\1\0\0\2\0\1\0\0\0\0\0" TEXT LEAF), false},
		{SPAN_INIT("\1\0\0\1\2\0\0\0\0\0\0" TEXT), false},
		/* the child of a message, without an envelope */
		{SPAN_INIT("\1\0\0\2\2\1\0\0\0\0\0" TEXT LEAF), false},
		/* more descendants than parts */
		{SPAN_INIT("\1\0\0\1\1\1\0\0\0\0\0" TEXT), false},
		/* numbers: too long, wrapping */
		{SPAN_INIT("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0\1"
			   LEAF), false},
		{SPAN_INIT("\1\7\0\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
			   "\7\0\0" TEXT), false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(unpack(rows[i].packed), rows[i].is_good);
}

/* A message with so many messages in it. */
static bool unpack_children(unsigned count)
{
	struct envelope none = {0};
	struct buf packed, envelope;
	bool is_good;

	buf_init(&packed, 4096);
	buf_init(&envelope, 100);
	envelope_pack(&none, &envelope);
	buf_put(&packed, SPAN("\1\0\0"));
	buf_putc(&packed, (uint8_t)(count + 1));
	buf_putc(&packed, 2);
	buf_putc(&packed, (uint8_t)count);
	buf_put(&packed, SPAN("\0\0\0\0\0" TEXT));
	for (unsigned i = 0; i < count; i++) {
		buf_put(&packed, SPAN("\x80\4\0\0\0\0\0\0" TEXT));
		buf_putc(&packed, (uint8_t)buf_len(&envelope));
		buf_put(&packed, buf_span(&envelope));
	}
	is_good = unpack(buf_span(&packed));
	buf_clear(&packed);
	buf_clear(&envelope);
	return is_good;
}

static void test_children(void **state)
{
	(void)state;
	assert_false(unpack_children(0));
	assert_true(unpack_children(1));
	assert_false(unpack_children(2));
}

/* So many multiparts, each in the one before. */
static bool unpack_nest(unsigned depth)
{
	struct buf packed;
	bool is_good;

	buf_init(&packed, 1u << 16);
	buf_put(&packed, SPAN("\1\0\0"));
	buf_putc(&packed, (uint8_t)depth);
	for (unsigned i = 1; i <= depth; i++) {
		buf_putc(&packed, 1);
		buf_putc(&packed, (uint8_t)(depth - i));
		buf_put(&packed, SPAN("\0\0\0\0\0" TEXT));
	}
	is_good = unpack(buf_span(&packed));
	buf_clear(&packed);
	return is_good;
}

static void test_depth(void **state)
{
	(void)state;
	assert_true(unpack_nest(MESSAGE_DEPTH_MAX + 1));
	assert_false(unpack_nest(MESSAGE_DEPTH_MAX + 2));
}

/* As many parts as bytes can claim, with as many parameters: the memory stays
 * that of one message. */
static bool unpack_large(unsigned params)
{
	struct buf packed;
	bool is_good;

	buf_init(&packed, 16u << 20);
	buf_put(&packed, SPAN("\1\0\0\x90\x4e\1\x8f\x4e\0\0\0\0\0" TEXT));
	for (unsigned i = 1; i < MESSAGE_PARTS_MAX; i++) {
		buf_put(&packed, SPAN("\0\0\0\0\0\0\0\1t\1p"));
		buf_putc(&packed, (uint8_t)params);
		for (unsigned k = 0; k < params; k++)
			buf_put(&packed, SPAN("\0\0"));
	}
	is_good = unpack(buf_span(&packed));
	buf_clear(&packed);
	return is_good;
}

static void test_memory(void **state)
{
	(void)state;
	assert_true(unpack_large(0));
	assert_true(unpack_large(10));
	assert_false(unpack_large(127));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_children),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
