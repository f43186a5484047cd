/*
 * Messages made to cost much: twice the bytes may cost at most 2.5 times the
 * time, and nothing more than MIME_ARENA_BYTES (the arena ends the process if
 * it must give more).
 *
 * The time is that of the processor; what is over in no time is not compared.
 * A busy machine can spoil a measurement: it is repeated, and the best of all
 * counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "message/mime.h"

#ifdef POSTRIDER_SANITIZED
#define BODY_BYTES (1u << 20)
#else
#define BODY_BYTES (5u << 20)
#endif
#define HEAD_BYTES  500000 /* twice that is read of a head */
#define SLACK_BYTES (1u << 20)
#define RATIO_MAX   2.5
#define TRIES       12
#define TOO_SHORT_S 0.002

#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"

/* text, then unit as often as it takes to fill size bytes */
struct bomb {
	const char *name;
	size_t bytes;
	struct span start, unit;
	void (*put)(struct buf *out, size_t size); /* instead of both */
};

static void put_nest(struct buf *out, size_t size)
{
	for (unsigned i = 0; buf_len(out) < size; i++)
		buf_printf(out, "Content-Type: multipart/mixed; boundary=%u\n"
				"\n--%u\n", i, i);
}

static void put_mixed_nest(struct buf *out, size_t size)
{
	for (unsigned i = 0; buf_len(out) < size; i++)
		buf_printf(out, "Content-Type: message/rfc822\n\n"
				"Content-Type: multipart/mixed; boundary=%u\n"
				"\n--%u\n", i, i);
}

/* As many levels as there may be, each boundary 200 bytes, all alike. */
static void put_levels(struct buf *out, unsigned length)
{
	for (unsigned i = 0; i < MESSAGE_DEPTH_MAX; i++)
		buf_printf(out, "Content-Type: multipart/mixed; boundary=\"%0*u"
				"\"\n\n--%0*u\n", (int)length, i,
			(int)length, i);
}

static void put_lines_in_levels(struct buf *out, size_t size)
{
	put_levels(out, 3);
	while (buf_len(out) < size)
		buf_puts(out, "--999\n");
}

static void put_long_lines_in_levels(struct buf *out, size_t size)
{
	put_levels(out, 79);
	while (buf_len(out) < size)
		buf_printf(out, "--%079u\n", 999);
}

/* An inner multipart opened and closed, again and again. */
static void put_open_and_close(struct buf *out, size_t size)
{
	put_levels(out, 3);
	while (buf_len(out) < size)
		buf_puts(out, "--050\nContent-Type: multipart/mixed; "
			      "boundary=x\n\n--x\n--x--\n");
}

static void put_blanks(struct buf *out, size_t size)
{
	buf_puts(out, MIXED "--b");
	while (buf_len(out) < size)
		buf_puts(out, "                ");
}

static void put_addresses_in_parts(struct buf *out, size_t size)
{
	buf_puts(out, "Content-Type: multipart/digest; boundary=b\n\n");
	while (buf_len(out) < size) {
		buf_puts(out, "--b\n\nTo: ");
		for (unsigned i = 0; i < 20000; i++)
			buf_puts(out, "a,");
		buf_puts(out, "\n\nx\n");
	}
}

static void put_params_in_parts(struct buf *out, size_t size)
{
	buf_puts(out, MIXED);
	while (buf_len(out) < size) {
		buf_puts(out, "--b\nContent-Type: a/b");
		for (unsigned i = 0; i < 150; i++)
			buf_puts(out, ";a=b");
		buf_puts(out, "\n\nx\n");
	}
}

static void put_pieces(struct buf *out, size_t size)
{
	buf_puts(out, "Content-Type: a/b");
	for (unsigned i = 0; buf_len(out) < size; i++)
		buf_printf(out, "; name*%u*=%%41", i);
}

static void put_pieces_backwards(struct buf *out, size_t size)
{
	buf_puts(out, "Content-Disposition: attachment");
	for (unsigned i = 100000; buf_len(out) < size; i--)
		buf_printf(out, "; name*%u=x", i);
}

#define BODY BODY_BYTES
#define HEAD HEAD_BYTES

/* clang-format off */
static const struct bomb bombs[] = {
	{"boundaries", BODY, SPAN_INIT(MIXED), SPAN_INIT("--b\n"), NULL},
	{"parts without an empty line", BODY, SPAN_INIT(MIXED),
		SPAN_INIT("--b\nA: b\n"), NULL},
	{"digest", BODY,
		SPAN_INIT("Content-Type: multipart/digest; boundary=b\n\n"),
		SPAN_INIT("--b\n\n"), NULL},
	{"closing boundaries", BODY, SPAN_INIT(MIXED), SPAN_INIT("--b--\n"),
		NULL},
	{"boundary lines in a head", BODY, SPAN_INIT(""),
		SPAN_INIT("--b\n"), NULL},
	{"multiparts in multiparts", BODY, SPAN_INIT(""), SPAN_INIT(""),
		put_nest},
	{"the same boundary nested", BODY, SPAN_INIT(""),
		SPAN_INIT("Content-Type: multipart/mixed; boundary=b\n\n--b\n"),
		NULL},
	{"messages in messages", BODY, SPAN_INIT(""),
		SPAN_INIT("Content-Type: message/rfc822\n\n"), NULL},
	{"both by turns", BODY, SPAN_INIT(""), SPAN_INIT(""), put_mixed_nest},
	{"short lines in many levels", BODY / 4, SPAN_INIT(""), SPAN_INIT(""),
		put_lines_in_levels},
	{"long lines in many levels", BODY, SPAN_INIT(""), SPAN_INIT(""),
		put_long_lines_in_levels},
	{"a level opened and closed", BODY, SPAN_INIT(""), SPAN_INIT(""),
		put_open_and_close},
	{"blanks behind a boundary", BODY, SPAN_INIT(""), SPAN_INIT(""),
		put_blanks},
	{"empty lines", BODY, SPAN_INIT(""), SPAN_INIT("\n"), NULL},
	{"dashes", BODY, SPAN_INIT(MIXED "--b\n\n"), SPAN_INIT("-\n"), NULL},
	{"two dashes", BODY, SPAN_INIT(MIXED "--b\n\n"), SPAN_INIT("--\n"),
		NULL},
	{"one line of dashes", BODY, SPAN_INIT(MIXED "--b\n\n"),
		SPAN_INIT("--------"), NULL},
	{"bare CR", BODY, SPAN_INIT(""), SPAN_INIT("\r\r\r\r"), NULL},
	{"CR at the start of lines in a head", BODY, SPAN_INIT(""),
		SPAN_INIT("\rx\n"), NULL},
	{"NUL", BODY, SPAN_INIT("\n"), SPAN_INIT("\0\0\0\0\0\0\0\0"), NULL},
	{"8-bit", BODY, SPAN_INIT("\n"), SPAN_INIT("\xe9\n"), NULL},
	{"addresses in many messages", BODY, SPAN_INIT(""), SPAN_INIT(""),
		put_addresses_in_parts},
	{"parameters in many parts", BODY, SPAN_INIT(""), SPAN_INIT(""),
		put_params_in_parts},
	{"a field that does not end", BODY, SPAN_INIT("Subject: "),
		SPAN_INIT("x"), NULL},
	{"lines without a colon", HEAD, SPAN_INIT(""), SPAN_INIT("a\n"), NULL},
	{"small fields", HEAD, SPAN_INIT(""), SPAN_INIT("A:\n"), NULL},
	{"content fields", HEAD, SPAN_INIT(""), SPAN_INIT("Content-A:\n"),
		NULL},
	{"the same content field", HEAD, SPAN_INIT(""),
		SPAN_INIT("Content-Type: a/b; c=d\n"), NULL},
	{"the same envelope field", HEAD, SPAN_INIT(""), SPAN_INIT("To: a@b\n"),
		NULL},
	{"folded lines", HEAD, SPAN_INIT("Subject:\n"), SPAN_INIT(" x\n"),
		NULL},
	{"empty folded lines", HEAD, SPAN_INIT("To:\n"), SPAN_INIT(" \n"),
		NULL},
	{"parameters", HEAD, SPAN_INIT("Content-Type: a/b"),
		SPAN_INIT(";a=b"), NULL},
	{"semicolons", HEAD, SPAN_INIT("Content-Type: a/b"), SPAN_INIT(";"),
		NULL},
	{"quotes in parameters", HEAD, SPAN_INIT("Content-Type: a/b; c="),
		SPAN_INIT("\""), NULL},
	{"comments in parameters", HEAD, SPAN_INIT("Content-Type: a/b; c="),
		SPAN_INIT("("), NULL},
	{"comments in a type", HEAD, SPAN_INIT("Content-Type: "),
		SPAN_INIT("("), NULL},
	{"comments one by one", HEAD, SPAN_INIT("Content-Type: a/b"),
		SPAN_INIT("()"), NULL},
	{"pieces", HEAD, SPAN_INIT(""), SPAN_INIT(""), put_pieces},
	{"pieces backwards", HEAD, SPAN_INIT(""), SPAN_INIT(""),
		put_pieces_backwards},
	{"addresses", HEAD, SPAN_INIT("To: "), SPAN_INIT("a@b,"), NULL},
	{"commas", HEAD, SPAN_INIT("To: "), SPAN_INIT(","), NULL},
	{"open comments in addresses", HEAD, SPAN_INIT("To: "), SPAN_INIT("("),
		NULL},
	{"comments in addresses", HEAD, SPAN_INIT("To: "), SPAN_INIT("(a)"),
		NULL},
	{"open quotes in addresses", HEAD, SPAN_INIT("To: "), SPAN_INIT("\"a"),
		NULL},
	{"backslashes", HEAD, SPAN_INIT("To: \""), SPAN_INIT("\\"), NULL},
	{"brackets", HEAD, SPAN_INIT("To: "), SPAN_INIT("<"), NULL},
	{"groups", HEAD, SPAN_INIT("To: "), SPAN_INIT("a:"), NULL},
	{"words", HEAD, SPAN_INIT("To: "), SPAN_INIT("a "), NULL},
	{"dots", HEAD, SPAN_INIT("To: "), SPAN_INIT("a . "), NULL},
	{"at signs", HEAD, SPAN_INIT("To: "), SPAN_INIT("@"), NULL},
	{"literals", HEAD, SPAN_INIT("To: a@"), SPAN_INIT("["), NULL},
	{"encoded words", HEAD, SPAN_INIT("To: "), SPAN_INIT("=?a?b?"), NULL},
	{"ids", HEAD, SPAN_INIT("References: "), SPAN_INIT("<a@b> "), NULL},
};
/* clang-format on */

static void fill(const struct bomb *bomb, size_t size, struct buf *out)
{
	buf_reset(out);
	if (bomb->put != NULL) {
		bomb->put(out, size);
		return;
	}
	buf_put(out, bomb->start);
	while (buf_len(out) < size)
		buf_put(out, bomb->unit);
}

static double cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Parses, packs and unpacks. */
static double run_once(struct span message)
{
	struct arena arena;
	struct mime_tree back;
	struct buf packed;
	double start = cpu_s(), end;

	arena_init(&arena, MIME_ARENA_BYTES);
	buf_init(&packed, 4 * MIME_ARENA_BYTES);
	mime_tree_pack(mime_parse(&arena, message), &packed);
	assert_false(packed.overflow);
	arena_clear(&arena);
	assert_true(mime_tree_unpack(&arena, buf_span(&packed), &back));
	end = cpu_s();
	arena_clear(&arena);
	buf_clear(&packed);
	return end - start;
}

/* Runs it once more; *best is the least time so far. */
static void run(const struct bomb *bomb, size_t size, struct buf *message,
	double *best)
{
	double t;

	fill(bomb, size, message);
	t = run_once(buf_span(message));
	*best = t < *best ? t : *best;
}

/* Is the time in proportion to the size? */
static bool is_linear(const struct bomb *bomb, struct buf *message)
{
	double once = 1e9, twice = 1e9;

	for (unsigned i = 0; i < TRIES; i++) {
		run(bomb, bomb->bytes, message, &once);
		run(bomb, 2 * bomb->bytes, message, &twice);
		if (twice < TOO_SHORT_S || twice < once * RATIO_MAX)
			return true;
	}
	return false;
}

static void test_bombs(void **state)
{
	struct buf message;

	(void)state;
	buf_init(&message, 2 * BODY_BYTES + SLACK_BYTES);
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		if (!is_linear(&bombs[i], &message))
			fail_msg("%s: not linear", bombs[i].name);
		assert_false(message.overflow);
	}
	buf_clear(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
