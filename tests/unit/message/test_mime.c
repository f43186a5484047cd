#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mime_check.h"

struct row {
	struct span message;
	const char *outline;
	bool is_as_it_is; /* with CRLF for each LF the sizes are others */
};

#define ROW(message, outline)       {SPAN_INIT(message), outline, false}
#define ROW_AS_IS(message, outline) {SPAN_INIT(message), outline, true}

static void check_rows(const struct row *rows, size_t count)
{
	struct buf crlf;

	buf_init(&crlf, 1u << 20);
	for (size_t i = 0; i < count; i++) {
		mime_check_outline(rows[i].message, rows[i].outline);
		buf_reset(&crlf);
		for (size_t k = 0; k < rows[i].message.n; k++) {
			if (rows[i].message.p[k] == '\n')
				buf_putc(&crlf, '\r');
			buf_putc(&crlf, rows[i].message.p[k]);
		}
		if (!rows[i].is_as_it_is)
			mime_check_outline(buf_span(&crlf), rows[i].outline);
	}
	buf_clear(&crlf);
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#define TYPE(type)  "Content-Type: " type "\n"
#define MIXED(name) TYPE("multipart/mixed; boundary=" name)
#define RFC822      TYPE("message/rfc822")

static void test_heads(void **state)
{
	static const struct row rows[] = {
		ROW("", "plain:0"),
		ROW("\n", "plain:0"),
		ROW_AS_IS("\n\n", "plain:1"),
		ROW("a", "plain:0"),
		ROW("a\n", "plain:0"),
		ROW("\nb", "plain:1"),
		ROW("A: b\n\nc", "plain:1"),
		/* no empty line: all is head */
		ROW(TYPE("text/html"), "html:0"),
		ROW("A: b\nContent-Type: text/html", "html:0"),
		/* a line of blanks belongs to the field */
		ROW("A: b\n \n" TYPE("text/html") "\nc", "html:1"),
		/* no fields */
		ROW("From a@b Thu Jan  1 00:00:00 2026\n" TYPE("text/html")
		    "\nc", "html:1"),
		ROW("garbage\n" TYPE("text/html") "\nc", "html:1"),
		ROW("garbage\n " TYPE("text/html") "\nc", "plain:1"),
		ROW(": x\n" TYPE("text/html") "\nc", "html:1"),
		ROW("\0\n" TYPE("text/html") "\nc", "html:1"),
		ROW(" x\n" TYPE("text/html") "\nc", "html:1"),
		ROW("--b\n" TYPE("text/html") "\nc", "html:1"),
		/* a field of the body is none of the head */
		ROW_AS_IS("A: b\n\n" TYPE("text/html"), "plain:24"),
		/* a bare CR is no line end */
		ROW_AS_IS("A: b\r\rC: d\n\nc", "plain:1"),
		ROW_AS_IS("A: b\r\n\r\r\n" TYPE("text/html") "\nc", "html:1"),
		ROW_AS_IS("A: b\rContent-Type: text/html\n\nc", "plain:1"),
		ROW_AS_IS("A: b\r\n\r", "plain:0"),
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void test_multiparts(void **state)
{
	static const struct row rows[] = {
		ROW(MIXED("b") "\n--b\n\none\n--b\n" TYPE("text/html")
		    "\nfour\n--b--\n", "mixed* .plain:3 .html:4"),
		ROW(MIXED("b") "\npre\namble\n--b\n\none\n--b--\nepi\n--b\nlogue",
			"mixed* .plain:3"),
		/* not closed */
		ROW(MIXED("b") "\n--b\n\none", "mixed* .plain:3"),
		ROW(MIXED("b") "\n--b\n\none\n--b--", "mixed* .plain:3"),
		ROW(MIXED("b") "\n--b\n\none\n--b", "mixed* .plain:3 .plain:0"),
		/* without a part */
		ROW(MIXED("b"), "mixed*"),
		ROW(MIXED("b") "\n", "mixed*"),
		ROW(MIXED("b") "\ntext\n", "mixed*"),
		ROW(MIXED("b") "\n--b--\n", "mixed*"),
		ROW(MIXED("b") "\n--b--\n--b\n\nx\n", "mixed*"),
		/* empty parts */
		ROW(MIXED("b") "\n--b\n--b\n--b--\n",
			"mixed* .plain:0 .plain:0"),
		ROW(MIXED("b") "\n--b\n\n--b\n\n\n--b--\n",
			"mixed* .plain:0 .plain:0"),
		/* no boundary */
		ROW_AS_IS(TYPE("multipart/mixed") "\n--b\n\none\n--b--",
			"mixed:14"),
		ROW_AS_IS(MIXED("\"\"") "\n--\n\none\n----", "mixed:12"),
		ROW_AS_IS(MIXED("\" \"") "\n-- \n\nx\n", "mixed:7"),
		/* an encoding changes nothing, RFC 2045 6.4 */
		ROW(MIXED("b") "Content-Transfer-Encoding: base64\n"
		    "\n--b\n\none\n--b--\n", "mixed* .plain:3"),
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void test_boundary_lines(void **state)
{
	static const struct row rows[] = {
		/* blanks behind it */
		ROW(MIXED("b") "\n--b \t\n\none\n--b-- \n\nx",
			"mixed* .plain:3"),
		ROW(MIXED("\"b  \"") "\n--b\n\none\n--b  \n\nx\n--b--",
			"mixed* .plain:3 .plain:1"),
		ROW_AS_IS(MIXED("\"a b\"") "\n--a b\n\none\n--a  b--\n--a b--",
			"mixed* .plain:12"),
		/* anything else behind it, or before */
		ROW(MIXED("b") "\n--b\n\n--bx\n--b--", "mixed* .plain:4"),
		ROW(MIXED("b") "\n--b\n\n--b-\n--b--", "mixed* .plain:4"),
		ROW(MIXED("b") "\n--b\n\n--b--x\n--b--", "mixed* .plain:6"),
		ROW(MIXED("b") "\n--b\n\n --b\n--b--", "mixed* .plain:4"),
		ROW(MIXED("b") "\n--b\n\n-b\n--b--", "mixed* .plain:2"),
		ROW(MIXED("b") "\n--b\n\n--B\n--b--", "mixed* .plain:3"),
		/* dashes of its own */
		ROW(MIXED("\"--\"") "\n----\n\none\n------\nx",
			"mixed* .plain:3"),
		ROW(MIXED("\"b--\"") "\n--b--\n\none\n--b----\nx",
			"mixed* .plain:3"),
		/* 8-bit, NUL, and one that is told by RFC 2231 */
		ROW(MIXED("\"\xc3\xa9\"") "\n--\xc3\xa9\n\none\n--\xc3\xa9--",
			"mixed* .plain:3"),
		ROW(MIXED("\"a\0b\"") "\n--a\0b\n\none\n--a\0b--",
			"mixed* .plain:3"),
		ROW(TYPE("multipart/mixed; boundary*=us-ascii''a%3Db%2")
		    "\n--a=b%2\n\none\n--a=b%2--", "mixed* .plain:3"),
		ROW(TYPE("multipart/mixed; boundary*0=a; boundary*1=b")
		    "\n--ab\n\none\n--ab--", "mixed* .plain:3"),
		/* the first counts */
		ROW(TYPE("multipart/mixed; boundary=a; boundary=b")
		    "\n--b\n\none\n--a\n\nx\n--a--", "mixed* .plain:1"),
		/* a bare CR is no blank and no line end */
		ROW_AS_IS(MIXED("b") "\n--b\n\n--b\r\r\n--b--",
			"mixed* .plain:4"),
		ROW_AS_IS(MIXED("b") "\n--b\n\n\r--b\r\n--b--",
			"mixed* .plain:4"),
		/* only the line end before it belongs to a boundary */
		ROW_AS_IS(MIXED("b") "\r\n--b\r\n\r\na\r\n\r\n--b--",
			"mixed* .plain:3"),
		ROW_AS_IS(MIXED("b") "\n--b\n\na\r\r\n--b--",
			"mixed* .plain:2"),
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void test_nesting(void **state)
{
	static const struct row rows[] = {
		/* one boundary for both: the innermost counts */
		ROW(MIXED("b") "\n--b\n" MIXED("b") "\n--b\n\nx\n--b--\n"
		    "--b\n\ny\n--b--\n", "mixed* .mixed* ..plain:1 .plain:1"),
		/* an outer one ends the inner ones, closed or not */
		ROW_AS_IS(MIXED("a") "\n--a\n" MIXED("b") "\n--b\n" MIXED("c")
		    "\n--c\n\nx\n--a\n\ny\n--b\n--c\n",
			"mixed* .mixed* ..mixed* ...plain:1 .plain:10"),
		ROW(MIXED("a") "\n--a\n" MIXED("b") "\n--b\n\nx\n--a--\n--b\n",
			"mixed* .mixed* ..plain:1"),
		ROW(MIXED("a") "\n--a\n" MIXED("b") "\n--a\n\nx\n--a--\n",
			"mixed* .mixed* .plain:1"),
		ROW(MIXED("a") "\n--a\n" MIXED("b") "--a\n\nx\n--a--\n",
			"mixed* .mixed* .plain:1"),
		/* each the beginning of the other */
		ROW(MIXED("b") "\n--b\n" MIXED("bb") "\n--bb\n\nx\n--bb--\n"
		    "--b\n\ny\n--b--", "mixed* .mixed* ..plain:1 .plain:1"),
		ROW(MIXED("bb") "\n--bb\n" MIXED("b") "\n--b\n\nx\n--b--\n"
		    "--bb\n\ny\n--bb--", "mixed* .mixed* ..plain:1 .plain:1"),
		ROW(MIXED("bb") "\n--bb\n" MIXED("b") "\n--b\n\nx\n--bb\n\ny",
			"mixed* .mixed* ..plain:1 .plain:1"),
		ROW(MIXED("\"b--\"") "\n--b--\n" MIXED("b") "\n--b\n\nx\n--b--"
		    "\n--b--\n\ny", "mixed* .mixed* ..plain:1 .plain:1"),
		/* in a head */
		ROW(MIXED("b") "\n--b\n" TYPE("text/html") "--b\n\nx\n--b--\n",
			"mixed* .html:0 .plain:1"),
		ROW(MIXED("b") "\n--b\nSubject: x\n--b--\n" TYPE("text/html"),
			"mixed* .plain:0"),
		ROW(MIXED("a") "\n--a\n" MIXED("b") "\n--b\n" TYPE("text/html")
		    "--a\n\nx", "mixed* .mixed* ..html:0 .plain:1"),
		/* not folded into a field */
		ROW(MIXED("b") "\n--b\nA: x\n --b\n\nx\n--b--\n",
			"mixed* .plain:1"),
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void test_messages(void **state)
{
	static const struct row rows[] = {
		ROW(RFC822 "\nSubject: in\n\nbody", "rfc822> .plain:4"),
		ROW(RFC822 "\n", "rfc822> .plain:0"),
		ROW(RFC822, "rfc822> .plain:0"),
		ROW(RFC822 "\nSubject: in\n", "rfc822> .plain:0"),
		ROW(TYPE("Message/GLOBAL") "\n" TYPE("text/html") "\nbody",
			"GLOBAL> .html:4"),
		ROW(TYPE("message/partial") "\nA: b", "partial:4"),
		ROW(RFC822 "\n" RFC822 "\n" MIXED("b") "\n--b\n\nx\n--b--",
			"rfc822> .rfc822> ..mixed* ...plain:1"),
		ROW(MIXED("b") "\n--b\n" RFC822 "\nA: b\n--b\n\nx\n--b--",
			"mixed* .rfc822> ..plain:0 .plain:1"),
		ROW(MIXED("b") "\n--b\n" RFC822 "--b\n\nx\n--b--",
			"mixed* .rfc822> ..plain:0 .plain:1"),
		ROW(MIXED("b") "\n--b\n" RFC822 "\nA: b\n\nc\n--b--",
			"mixed* .rfc822> ..plain:1"),
		/* a message in which the outer boundary was forgotten */
		ROW(MIXED("b") "\n--b\n" RFC822 "\n" MIXED("b") "\n--b\n\nx"
		    "\n--b--\n--b\n\ny\n--b--",
			"mixed* .rfc822> ..mixed* ...plain:1 .plain:1"),
		/* encoded: nothing to be read */
		ROW(RFC822 "Content-Transfer-Encoding: base64\n\nQTog",
			"rfc822:4"),
		ROW(TYPE("message/global")
		    "Content-Transfer-Encoding: Quoted-Printable\n\nA: b",
			"global:4"),
		ROW(RFC822 "Content-Transfer-Encoding: binary\n\nA: b",
			"rfc822> .plain:0"),
		/* RFC 2046 5.1.5 */
		ROW(TYPE("multipart/digest; boundary=b") "\n--b\n\nA: b\n\nx\n"
		    "--b\n" TYPE("text/plain") "\nyy\n--b--",
			"digest* .rfc822> ..plain:1 .plain:2"),
		ROW(TYPE("multipart/digest; boundary=b") "\n--b\n--b--",
			"digest* .rfc822> ..plain:0"),
		ROW(TYPE("multipart/digest; boundary=b") "\n--b\n\n\nA\n--b--",
			"digest* .rfc822> ..plain:1"),
		/* RFC 2045 5.2 */
		ROW(TYPE("multipart/digest; boundary=b") "\n--b\n" TYPE("x")
		    "\nyy\n--b--",
			"digest* .plain:2"),
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* The line end of a boundary is no part's, and is not the next boundary's: the
 * message ends behind what closes the multipart in it. */
static void test_end_of_boundary(void **state)
{
	struct arena arena;
	const struct mime_tree *t = mime_check(&arena,
		SPAN(MIXED("a") "\n--a\n" RFC822 "\n" MIXED("b")
		     "\n--b\n\nx\n--b--\r\n--a--"));

	(void)state;
	assert_int_equal(t->count, 4);
	assert_int_equal(t->parts[1].body_end, t->size - SPAN("--a--").n);
	arena_clear(&arena);
}

static void test_bytes(void **state)
{
	static const struct row rows[] = {
		ROW_AS_IS("\nabc\xe9", "plain:4" "8"),
		ROW_AS_IS("\nabcdefgh\0", "plain:9" "0"),
		ROW_AS_IS("\n\0\x80", "plain:2" "80"),
		ROW_AS_IS("\n\x01\x7f\x01\x01\x01\x01\x01\x01", "plain:8"),
		ROW_AS_IS("\xe9: \0\n\nabc", "plain:3"),
		ROW_AS_IS(MIXED("b") "\n\xe9\n--b\nA: \xe9\n\n--\xe9\n--b--\n\0",
			"mixed* .plain:3" "8"),
		ROW_AS_IS(MIXED("\"\xe9\"") "\n--\xe9\n\nx\n--\xe9\n\ny\n--\xe9--\0",
			"mixed* .plain:1 .plain:8" "80"),
		ROW_AS_IS(MIXED("b") "\n--b\n\n-\n\xe9\n--b\n\n--\0\n--b--",
			"mixed* .plain:3" "8 .plain:3" "0"),
	};

	(void)state;
	CHECK_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_multiparts),
		cmocka_unit_test(test_boundary_lines),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_end_of_boundary),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
