#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "message/envelope.h"
#include "message/header.h"
#include "message/limits.h"

#define ARENA_BYTES (32u << 20)

struct fixture {
	struct arena arena;
	struct envelope e;
	struct buf out;
};

static int begin(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	arena_init(&f.arena, ARENA_BYTES);
	buf_init(&f.out, 8u << 20);
	*state = &f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	arena_clear(&f->arena);
	buf_clear(&f->out);
	return 0;
}

/* The bytes of the head are gone when this returns: spans must not need them. */
static void take_head(struct fixture *f, struct span head)
{
	struct header_field field;
	struct buf copy;
	struct span rest;

	buf_init(&copy, head.n + 1);
	buf_put(&copy, head);
	rest = buf_span(&copy);
	while (header_next(&rest, &field))
		envelope_take(&f->e, &f->arena, field.name, field.value);
	for (size_t i = copy.start; i < copy.end; i++)
		copy.p[i] = 'X';
	buf_clear(&copy);
}

static void take(struct fixture *f, const char *head)
{
	take_head(f, span_str(head));
}

static void assert_text(struct span text, const char *expected)
{
	if (!span_eq(text, span_str(expected)))
		fail_msg("<%.*s>, not <%s>", SPAN_ARG(text), expected);
}

static void assert_list(const struct address_list *list, const char *expected)
{
	struct buf text;

	buf_init(&text, 1000);
	for (size_t i = 0; i < list->count; i++) {
		const struct address *one = &list->items[i];

		if (i > 0)
			buf_putc(&text, ' ');
		if (one->kind == ADDRESS_GROUP_END)
			buf_putc(&text, ';');
		buf_put(&text, one->name);
		if (one->kind == ADDRESS_GROUP_START)
			buf_putc(&text, ':');
		if (one->kind == ADDRESS_MAILBOX) {
			buf_putc(&text, '<');
			buf_put(&text, one->route);
			address_put(&text, one);
			buf_putc(&text, '>');
		}
	}
	assert_text(buf_span(&text), expected);
	buf_clear(&text);
}

static const char whole[] =
	"Received: from a by b; Thu, 3 Feb 2005 12:34:57 +0000\r\n"
	"DATE: Thu, 3 Feb 2005 12:34:56 +0000 (UTC)\r\n"
	"fRoM: J\xc3\xb6rg <j@x.example>\r\n"
	"Sender: s@x.example\r\n"
	"Reply-To: \"R, T\" <@a,@b:r@x.example>\r\n"
	"To: G: a@x.example, B <b@x.example>;,\r\n c@x.example\r\n"
	"Cc : d@x.example (D)\r\n"
	"Bcc:e@x.example\r\n"
	"Subject:  =?utf-8?q?one?=\r\n =?utf-8?q?two?=  \r\n"
	"In-Reply-To: <p@x.example>\r\n"
	"Message-ID: <m@x.example>\r\n"
	"References: <o@x.example>\r\n\t<p@x.example>\r\n"
	"X-To: no@x.example\r\n"
	"Tom: no@x.example\r\n"
	"Too: no@x.example\r\n"
	"Subjects: no\r\n"
	"Delivered-To: no@x.example\r\n"
	"References-To: <no>\r\n"
	"\r\n"
	"Subject: in the body\r\n";

static void assert_whole(const struct envelope *e)
{
	assert_text(e->date, "Thu, 3 Feb 2005 12:34:56 +0000 (UTC)");
	assert_text(e->subject, "=?utf-8?q?one?= =?utf-8?q?two?=");
	assert_text(e->in_reply_to, "<p@x.example>");
	assert_text(e->message_id, "<m@x.example>");
	assert_text(e->references, "<o@x.example>\t<p@x.example>");
	assert_list(&e->from, "J\xc3\xb6rg<j@x.example>");
	assert_list(&e->sender, "<s@x.example>");
	assert_list(&e->reply_to, "R, T<@a,@br@x.example>");
	assert_list(&e->to, "G: <a@x.example> B<b@x.example> ; <c@x.example>");
	assert_list(&e->cc, "D<d@x.example>");
	assert_list(&e->bcc, "<e@x.example>");
}

static void test_whole(void **state)
{
	struct fixture *f = *state;

	take(f, whole);
	assert_whole(&f->e);
}

/* A value that is not there, and one that is empty. */
static void test_absent(void **state)
{
	struct fixture *f = *state;

	take(f, "Subject:\r\nTo: \r\n \r\nCc: ,\r\nDate: \r\n");
	assert_true(f->e.subject.n == 0 && f->e.subject.p != NULL);
	assert_true(f->e.date.n == 0 && f->e.date.p != NULL);
	assert_true(f->e.message_id.n == 0 && f->e.message_id.p == NULL);
	assert_true(f->e.to.count == 0 && f->e.to.items != NULL);
	assert_true(f->e.cc.count == 0 && f->e.cc.items != NULL);
	assert_true(f->e.from.count == 0 && f->e.from.items == NULL);
}

/* RFC 8621 4.1.3: the last one counts. */
static void test_repeated(void **state)
{
	struct fixture *f = *state;

	take(f, "Subject: one\r\nFrom: a@b, c@d\r\nsubject: two\r\n"
		"FROM: e@f\r\nTo: a@b\r\nTo:\r\nDate: x\r\nDate:\r\n");
	assert_text(f->e.subject, "two");
	assert_list(&f->e.from, "<e@f>");
	assert_list(&f->e.to, "");
	assert_text(f->e.date, "");
}

/* Neither many fields nor a cut one leave anything to the next. */
static void test_repeated_often(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i <= MESSAGE_ADDRESSES_MAX; i++)
		buf_puts(&f->out, "a@b,");
	envelope_take(&f->e, &f->arena, SPAN("To"), buf_span(&f->out));
	assert_true(f->e.to.is_cut);
	assert_int_equal(f->e.to.count, MESSAGE_ADDRESSES_MAX);
	for (int i = 0; i < 10000; i++)
		take(f, "To: A <a@b>, c@d\r\n");
	assert_false(f->e.to.is_cut);
	assert_list(&f->e.to, "A<a@b> <c@d>");
}

/* RFC 5322 2.2.3: only the line end goes. */
static void test_unfold(void **state)
{
	struct fixture *f = *state;

	take(f, "Subject: \r\n a\r\n  b\r\n\tc\n d \r\n \r\n");
	assert_text(f->e.subject, "a  b\tc d");
	envelope_take(&f->e, &f->arena, SPAN("subject"), SPAN("a\rb\nc\r\nd"));
	assert_text(f->e.subject, "abcd");
	envelope_take(&f->e, &f->arena, SPAN("subject"), SPAN("a\0b"));
	assert_true(span_eq(f->e.subject, SPAN("a\0b")));
}

static void test_names(void **state)
{
	static const char *const others[] = {"", "t", "f", "tx", "xo", "bcd",
		"fromm", "frox", "dates", "datf", "senders", "subjecu",
		"reply_to", "reply-tp", "message_id", "message-ie", "reference",
		"referencet", "in-reply-tn", "in-reply-too", "x-in-reply-to",
		"resent-from", "resent-to", "content-type"};
	struct fixture *f = *state;
	const struct envelope empty = {0};
	struct buf packed;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		envelope_take(&f->e, &f->arena, span_str(others[i]),
			SPAN("a@b"));
	buf_init(&packed, 1000);
	envelope_pack(&empty, &packed);
	envelope_pack(&f->e, &f->out);
	assert_true(span_eq(buf_span(&packed), buf_span(&f->out)));
	buf_clear(&packed);
}

static void test_sent(void **state)
{
	struct fixture *f = *state;
	struct date date;

	assert_false(envelope_sent(&f->e, &date));
	take(f, "Date: Thu, 3 Feb 2005\r\n 13:34:56 +0100\r\n");
	assert_true(envelope_sent(&f->e, &date));
	assert_int_equal(date.seconds, 1107434096);
	take(f, "Date: never\r\n");
	assert_false(envelope_sent(&f->e, &date));
}

/* ---- packing ------------------------------------------------------------------ */

static void test_pack(void **state)
{
	struct fixture *f = *state;
	struct envelope back;
	struct buf again;

	take(f, whole);
	envelope_pack(&f->e, &f->out);
	assert_true(envelope_unpack(&f->arena, buf_span(&f->out), &back));
	assert_whole(&back);
	buf_init(&again, 10000);
	envelope_pack(&back, &again);
	assert_true(span_eq(buf_span(&again), buf_span(&f->out)));
	buf_clear(&again);
	/* compact: little more than the texts themselves */
	assert_true(buf_len(&f->out) < 300);
}

static void test_pack_keeps_absence(void **state)
{
	struct fixture *f = *state;
	struct envelope back;

	take(f, "Subject:\r\nTo:\r\n");
	f->e.cc.is_cut = true;
	f->e.cc.items = f->e.to.items;
	envelope_pack(&f->e, &f->out);
	assert_true(envelope_unpack(&f->arena, buf_span(&f->out), &back));
	assert_true(back.subject.p != NULL && back.subject.n == 0);
	assert_true(back.date.p == NULL);
	assert_true(back.to.items != NULL && back.to.count == 0);
	assert_true(back.cc.is_cut && !back.to.is_cut);
	assert_true(back.from.items == NULL);
}

static void test_pack_large(void **state)
{
	struct fixture *f = *state;
	struct envelope back;
	struct buf packed;

	buf_init(&packed, 8u << 20);
	buf_puts(&f->out, "G:");
	for (int i = 0; i < 100000; i++)
		buf_puts(&f->out, "name <local@domain>,");
	envelope_take(&f->e, &f->arena, SPAN("To"), buf_span(&f->out));
	assert_int_equal(f->e.to.count, MESSAGE_ADDRESSES_MAX + 1);
	envelope_pack(&f->e, &packed);
	assert_true(envelope_unpack(&f->arena, buf_span(&packed), &back));
	assert_int_equal(back.to.count, MESSAGE_ADDRESSES_MAX + 1);
	assert_true(back.to.is_cut);
	buf_clear(&packed);
}

/* Not a byte may be missing, none be left over, and the version is looked
 * at. */
static void test_unpack_refuses(void **state)
{
	struct fixture *f = *state;
	struct envelope back;
	struct span packed;

	take(f, whole);
	envelope_pack(&f->e, &f->out);
	packed = buf_span(&f->out);
	for (size_t n = 0; n < packed.n; n++) {
		struct buf copy;

		buf_init(&copy, packed.n + 1);
		buf_put(&copy, span_head(packed, n));
		assert_false(envelope_unpack(&f->arena, buf_span(&copy),
			&back));
		buf_clear(&copy);
	}
	buf_putc(&f->out, 0);
	assert_false(envelope_unpack(&f->arena, buf_span(&f->out), &back));
	f->out.p[f->out.start] = 2;
	f->out.end--;
	assert_false(envelope_unpack(&f->arena, buf_span(&f->out), &back));
}

static void test_unpack_hostile(void **state)
{
	/* behind the version and five absent texts */
	static const struct {
		struct span from;
		bool is_good;
	} lists[] = {
		{SPAN_INIT("\0"), true},
		{SPAN_INIT("\1"), true},          /* nobody */
		{SPAN_INIT("\2"), true},          /* nobody, cut */
		{SPAN_INIT("\3\0"), true},        /* one without parts */
		{SPAN_INIT("\5\1\2"), true},      /* a group without members */
		{SPAN_INIT("\3\x04\1a"), true},
		{SPAN_INIT("\x81\0"), false},     /* a number with a zero */
		{SPAN_INIT("\3\1"), false},       /* a group without end */
		{SPAN_INIT("\3\2"), false},       /* an end without group */
		{SPAN_INIT("\7\1\1\2"), false},   /* a group in a group */
		{SPAN_INIT("\3\3"), false},       /* no kind */
		{SPAN_INIT("\3\x40"), false},     /* no part */
		{SPAN_INIT("\3\x04\0"), false},   /* a part that is empty */
		{SPAN_INIT("\3\x04\x7f"), false}, /* a part that is not there */
		{SPAN_INIT("\x81\x80\x80\x80\1"), false},
		{SPAN_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), false},
		{SPAN_INIT("\x80"), false},
	};
	struct fixture *f = *state;
	struct envelope back;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		buf_reset(&f->out);
		buf_put(&f->out, SPAN("\1\0\0\0\0\0"));
		buf_put(&f->out, lists[i].from);
		buf_put(&f->out, SPAN("\0\0\0\0\0"));
		if (envelope_unpack(&f->arena, buf_span(&f->out), &back) !=
			lists[i].is_good)
			fail_msg("row %zu", i);
	}
}

/* The same in place of a text: Date. */
static void test_unpack_hostile_text(void **state)
{
	static const struct {
		struct span date;
		bool is_good;
	} texts[] = {
		{SPAN_INIT("\0"), true},
		{SPAN_INIT("\1"), true},
		{SPAN_INIT("\3ab"), true},
		{SPAN_INIT("\x80\0"), false},
		{SPAN_INIT("\x81\0"), false},
		{SPAN_INIT("\x7f"), false},
		{SPAN_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), false},
	};
	struct fixture *f = *state;
	struct envelope back;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_reset(&f->out);
		buf_putc(&f->out, 1);
		buf_put(&f->out, texts[i].date);
		buf_put(&f->out, SPAN("\0\0\0\0\0\0\0\0\0\0"));
		if (envelope_unpack(&f->arena, buf_span(&f->out), &back) !=
			texts[i].is_good)
			fail_msg("row %zu", i);
	}
}

/* Every byte changed in every bit: refused, or packed as the same bytes. */
static void test_unpack_any(void **state)
{
	struct fixture *f = *state;
	struct envelope back;
	struct span packed;
	struct buf again;

	take(f, whole);
	envelope_pack(&f->e, &f->out);
	packed = buf_span(&f->out);
	buf_init(&again, 10000);
	for (size_t i = 0; i < packed.n * 8; i++) {
		f->out.p[f->out.start + i / 8] ^= (uint8_t)(1u << i % 8);
		if (envelope_unpack(&f->arena, packed, &back)) {
			buf_reset(&again);
			envelope_pack(&back, &again);
			assert_true(span_eq(buf_span(&again), packed));
		}
		f->out.p[f->out.start + i / 8] ^= (uint8_t)(1u << i % 8);
	}
	buf_clear(&again);
}

/* An arena without room is no place for it, and says so. */
static void test_unpack_without_room(void **state)
{
	struct fixture *f = *state;
	struct arena small;
	struct envelope back;

	take(f, whole);
	envelope_pack(&f->e, &f->out);
	arena_init(&small, 200);
	assert_false(envelope_unpack(&small, buf_span(&f->out), &back));
	arena_clear(&small);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_whole),
		TEST(test_absent),
		TEST(test_repeated),
		TEST(test_repeated_often),
		TEST(test_unfold),
		TEST(test_names),
		TEST(test_sent),
		TEST(test_pack),
		TEST(test_pack_keeps_absence),
		TEST(test_pack_large),
		TEST(test_unpack_refuses),
		TEST(test_unpack_hostile),
		TEST(test_unpack_hostile_text),
		TEST(test_unpack_any),
		TEST(test_unpack_without_room),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
