#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "message/address.h"
#include "message/limits.h"

#define ARENA_BYTES (8u << 20)

/* A mailbox is shown as N{name}R{route}L{local}D{domain}, without what is
 * empty, a group as G{name} ... E. */
struct row {
	const char *value;
	const char *shown;
};

/* clang-format off */
static const struct row rows[] = {
	/* RFC 5322 3.4, plain */
	{"a@b", "L{a}D{b}"},
	{"john.q.public@example.com", "L{john.q.public}D{example.com}"},
	{"<a@b>", "L{a}D{b}"},
	{"John Doe <a@b>", "N{John Doe}L{a}D{b}"},
	{"\"John Doe\" <a@b>", "N{John Doe}L{a}D{b}"},
	{"John<a@b>", "N{John}L{a}D{b}"},
	{"\"John\"<a@b>", "N{John}L{a}D{b}"},
	{"a@b,c@d", "L{a}D{b} L{c}D{d}"},
	{"a@b, c@d ,e@f", "L{a}D{b} L{c}D{d} L{e}D{f}"},
	{"A <a@b>, \"B, C\" <c@d>", "N{A}L{a}D{b} N{B, C}L{c}D{d}"},
	{"user+tag@example.com", "L{user+tag}D{example.com}"},
	{"!#$%&'*+-/=?^_`{|}~@example.com",
	 "L{!#$%&'*+-/=?^_`{|}~}D{example.com}"},
	{"a@b-c.example", "L{a}D{b-c.example}"},
	{"0647842285@uk.example", "L{0647842285}D{uk.example}"},
	/* RFC 5322 A.1 */
	{"John Doe <jdoe@machine.example>",
	 "N{John Doe}L{jdoe}D{machine.example}"},
	{"Michael Jones <mjones@machine.example>",
	 "N{Michael Jones}L{mjones}D{machine.example}"},
	{"\"Joe Q. Public\" <john.q.public@example.com>",
	 "N{Joe Q. Public}L{john.q.public}D{example.com}"},
	{"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	 "N{Mary Smith}L{mary}D{x.test} L{jdoe}D{example.org} N{Who?}L{one}D"
	 "{y.test}"},
	{"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.n"
	 "et>",
	 "L{boss}D{nil.test} N{Giant; \"Big\" Box}L{sysservices}D{example.ne"
	 "t}"},
	{"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	 "G{A Group} N{Ed Jones}L{c}D{a.test} L{joe}D{where.test} N{John}L{j"
	 "doe}D{one.test} E"},
	{"Undisclosed recipients:;", "G{Undisclosed recipients} E"},
	{"\"Mary Smith: Personal Account\" <smith@home.example>",
	 "N{Mary Smith: Personal Account}L{smith}D{home.example}"},
	/* RFC 5322 A.5, white space, comments */
	{"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	 "N{Pete}L{pete}D{silly.test}"},
	{"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public"
	 ".example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> "
	 "(my dear friend); (the end of the group)",
	 "G{A Group} N{Chris Jones}L{c}D{public.example} L{joe}D{example.org"
	 "} N{John}L{jdoe}D{one.test} E"},
	{"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
	 "G{Hidden recipients} E"},
	/* RFC 5322 A.6, obsolete */
	{"Joe Q. Public <john.q.public@example.com>",
	 "N{Joe Q. Public}L{john.q.public}D{example.com}"},
	{"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
	 "N{Mary Smith}R{@node.test}L{mary}D{example.net} L{jdoe}D{test.exam"
	 "ple}"},
	{"John Doe <jdoe@machine(comment).  example>",
	 "N{John Doe}L{jdoe}D{machine.example}"},
	{"Mary Smith\r\n  \r\n         <mary@example.net>",
	 "N{Mary Smith}L{mary}D{example.net}"},
	{"<@a.test,@b.test:c@d.test>", "R{@a.test,@b.test}L{c}D{d.test}"},
	{"<,@a.test,,@b.test:c@d.test>", "R{@a.test,,@b.test}L{c}D{d.test}"},
	{"< @a.test (x) , @b.test : c@d.test >",
	 "R{@a.test,@b.test}L{c}D{d.test}"},
	{",,a@b,,,c@d,,", "L{a}D{b} L{c}D{d}"},
	{"a . b . c @ d . e", "L{a.b.c}D{d.e}"},
	{"a(x).(y)b@(z)c(w).d", "N{w}L{a.b}D{c.d}"},
	{"J. R. R. Tolkien <jrr@example.org>",
	 "N{J. R. R. Tolkien}L{jrr}D{example.org}"},
	{"\"a\".\"b\"@c.d", "L{a.b}D{c.d}"},
	{"\"a\".b.\"c d\"@e", "L{a.b.c d}D{e}"},
	/* folds */
	{"John\r\n Doe\r\n <a@b>", "N{John Doe}L{a}D{b}"},
	{"John\r\n\tDoe <a@b>", "N{John Doe}L{a}D{b}"},
	{"\"John\r\n Doe\" <a@b>", "N{John Doe}L{a}D{b}"},
	{"\"John\r\n\tDoe\" <a@b>", "N{John\tDoe}L{a}D{b}"},
	{"a@b,\r\n c@d,\r\n\te@f", "L{a}D{b} L{c}D{d} L{e}D{f}"},
	{"  a@b  ", "L{a}D{b}"},
	{"John   Doe <a@b>", "N{John Doe}L{a}D{b}"},
	{"a\r\n @\r\n b", "L{a}D{b}"},
	/* quoted strings and pairs */
	{"\"a b\"@c", "L{a b}D{c}"},
	{"\"a@b\"@c", "L{a@b}D{c}"},
	{"\"a\\\"b\"@c", "L{a\"b}D{c}"},
	{"\"a\\\\b\"@c", "L{a\\b}D{c}"},
	{"\"\"@c", "D{c}"},
	{"\"\" <a@b>", "L{a}D{b}"},
	{"\" John \" <a@b>", "N{ John }L{a}D{b}"},
	{"\"John\" Q. \"Public\" <a@b>", "N{John Q. Public}L{a}D{b}"},
	{"\"John\"Doe <a@b>", "N{JohnDoe}L{a}D{b}"},
	{"\"Jo\\hn\" <a@b>", "N{John}L{a}D{b}"},
	{"John \\\"Johnny\\\" Doe <a@b>", "N{John \"Johnny\" Doe}L{a}D{b}"},
	{"a\\,b@c", "L{a,b}D{c}"},
	{"a\\ b@c", "L{a b}D{c}"},
	{"a@b\\", "L{a}D{b}"},
	{"\"a@b\\", "L{a}D{b}"},
	{"\"a\" <b@c>\\", "N{a}L{b}D{c}"},
	{"\"quoted\"", "L{quoted}"},
	/* comments */
	{"bbb@ddd.example (John X. Doe)", "N{John X. Doe}L{bbb}D{ddd.example}"},
	{"a@b (one) (two)", "N{two}L{a}D{b}"},
	{"a@b (a (nested (comment)) here)",
	 "N{a (nested (comment)) here}L{a}D{b}"},
	{"a@b (a \\) paren)", "N{a ) paren}L{a}D{b}"},
	{"a@b (folded\r\n comment)", "N{folded comment}L{a}D{b}"},
	{"a@b ( blanks )", "N{blanks}L{a}D{b}"},
	{"a@b ()", "L{a}D{b}"},
	{"(John) a@b", "L{a}D{b}"},
	{"(John) <a@b>", "L{a}D{b}"},
	{"<a@b> (John)", "N{John}L{a}D{b}"},
	{"John <a@b> (not me)", "N{John}L{a}D{b}"},
	{"a(John)@b", "N{John}L{a}D{b}"},
	{"a@b(John)", "N{John}L{a}D{b}"},
	{"a@b (John), c@d (Jane)", "N{John}L{a}D{b} N{Jane}L{c}D{d}"},
	{"(nobody)", ""},
	{"a@b (open", "N{open}L{a}D{b}"},
	{"a@b (open (more, c@d", "N{open (more, c@d}L{a}D{b}"},
	{"a@b (ends in \\", "N{ends in }L{a}D{b}"},
	{"((((((((((", ""},
	{"))))a@b))))", "L{a}D{b}"},
	/* groups */
	{"Friends: a@b, c@d; e@f", "G{Friends} L{a}D{b} L{c}D{d} E L{e}D{f}"},
	{"Friends: a@b, c@d", "G{Friends} L{a}D{b} L{c}D{d} E"},
	{"Friends:", "G{Friends} E"},
	{"Friends:;;", "G{Friends} E"},
	{"A:a@b;B:c@d;", "G{A} L{a}D{b} E G{B} L{c}D{d} E"},
	{"A:B:c@d;", "G{A} E G{B} L{c}D{d} E"},
	{"\"A, B\": c@d;", "G{A, B} L{c}D{d} E"},
	{"A: \"x;y\" <c@d>;, e@f", "G{A} N{x;y}L{c}D{d} E L{e}D{f}"},
	{":a@b;", "L{a}D{b}"},
	{";a@b", "L{a}D{b}"},
	{"A (x) B: c@d;", "G{A B} L{c}D{d} E"},
	{"A\r\n B: c@d;", "G{A B} L{c}D{d} E"},
	{"A: a@b; (the end)", "G{A} L{a}D{b} E"},
	{"A: (only) ;", "G{A} E"},
	/* domain literals */
	{"a@[1.2.3.4]", "L{a}D{[1.2.3.4]}"},
	{"a@[IPv6:2001:db8::1]", "L{a}D{[IPv6:2001:db8::1]}"},
	{"<a@[IPv6:2001:db8::1]>", "L{a}D{[IPv6:2001:db8::1]}"},
	{"a@[IPv6:::1], b@c", "L{a}D{[IPv6:::1]} L{b}D{c}"},
	{"a@ [ 1.2.3.4 ]", "L{a}D{[1.2.3.4]}"},
	{"a@[1.2\r\n .3.4]", "L{a}D{[1.2.3.4]}"},
	{"a@[a\\]b]", "L{a}D{[a\\]b]}"},
	{"a@[1.2.3.4", "L{a}D{[1.2.3.4}"},
	{"a@[1.2.3.4, c@d", "L{a}D{[1.2.3.4} L{c}D{d}"},
	{"[List] Name <a@b>", "N{[List] Name}L{a}D{b}"},
	{"[a:b] <c@d>", "G{[a} N{b]}L{c}D{d} E"},
	{"<@[1.2.3.4]:a@b>", "R{@[1.2.3.4]}L{a}D{b}"},
	{"a@b.[1.2.3.4]", "L{a}D{b.[1.2.3.4]}"},
	{"a@ [IPv6:::1]", "L{a}D{[IPv6:::1]}"},
	{"a@b.[x:y]", "L{a}D{b.[x:y]}"},
	{"a@b[x:y]", "L{a}D{b[x} L{y]}"},
	{"<a@b.[x:y]>", "L{a}D{b.[x:y]}"},
	{"<a @ [x:y] (z)>", "L{a}D{[x:y]}"},
	/* UTF-8, IDN */
	{"jörg@müller.example", "L{jörg}D{müller.example}"},
	{"Jörg Müller <jörg@müller.example>",
	 "N{Jörg Müller}L{jörg}D{müller.example}"},
	{"\"Jörg, Müller\" <jörg@müller.example>",
	 "N{Jörg, Müller}L{jörg}D{müller.example}"},
	{"用户@例子.广告", "L{用户}D{例子.广告}"},
	{"a@xn--mller-kva.example", "L{a}D{xn--mller-kva.example}"},
	{"\"用 户\"@例子.广告", "L{用 户}D{例子.广告}"},
	/* encoded words */
	{"=?ISO-8859-1?Q?Andr=E9_?= Pirard <p@u.example>",
	 "N{=?ISO-8859-1?Q?Andr=E9_?= Pirard}L{p}D{u.example}"},
	{"=?utf-8?B?w7zDtg==?= <a@b>", "N{=?utf-8?B?w7zDtg==?=}L{a}D{b}"},
	{"=?utf-8?B?w7zDtg==?= =?utf-8?B?w7zDtg==?= <a@b>",
	 "N{=?utf-8?B?w7zDtg==?= =?utf-8?B?w7zDtg==?=}L{a}D{b}"},
	{"=?utf-8?B?w7zDtg==?=\r\n =?utf-8?B?w7zDtg==?= <a@b>",
	 "N{=?utf-8?B?w7zDtg==?= =?utf-8?B?w7zDtg==?=}L{a}D{b}"},
	{"=?utf-8?B?w7zDtg==?=<a@b>", "N{=?utf-8?B?w7zDtg==?=}L{a}D{b}"},
	{"\"=?utf-8?B?w7zDtg==?=\" <a@b>", "N{=?utf-8?B?w7zDtg==?=}L{a}D{b}"},
	{"=?x?Q?Doe,_John?= <a@b>", "N{=?x?Q?Doe,_John?=}L{a}D{b}"},
	{"=?x?Q?John_(Joe)?= <a@b>", "N{=?x?Q?John_(Joe)?=}L{a}D{b}"},
	{"=?x?Q?a:b?= <a@b>", "N{=?x?Q?a:b?=}L{a}D{b}"},
	{"=?x?Q?a@b?=", "L{=?x?Q?a@b?=}"},
	{"=?x?Q?a@b?= <c@d>", "N{=?x?Q?a@b?=}L{c}D{d}"},
	{"=?x?Q?half, <a@b>", "L{=?x?Q?half} L{a}D{b}"},
	{"=?x?Q?two words?=, <a@b>", "L{=?x?Q?two words?=} L{a}D{b}"},
	{"=?=?=?= <a@b>", "N{=?=?=?=}L{a}D{b}"},
	{"=?x?Q?a<b@c>?=", "N{=?x?Q?a}L{b}D{c}"},
	{"=?x?Q?a\\,b?= <c@d>", "N{=?x?Q?a,b?=}L{c}D{d}"},
	{"=?x?Q?\"a,b\"?= <c@d>", "N{=?x?Q?a,b?=}L{c}D{d}"},
	{"a@b (=?utf-8?B?w7zDtg==?=)", "N{=?utf-8?B?w7zDtg==?=}L{a}D{b}"},
	/* malpractice: what stands between addresses */
	{"a@b; c@d", "L{a}D{b} L{c}D{d}"},
	{"A <a@b>; B <c@d>;", "N{A}L{a}D{b} N{B}L{c}D{d}"},
	{"a@b c@d", "L{a}D{b} L{c}D{d}"},
	{"A <a@b> B <c@d>", "N{A}L{a}D{b} N{B}L{c}D{d}"},
	{"<a@b><c@d>", "L{a}D{b} L{c}D{d}"},
	{"<a@b> <c@d>", "L{a}D{b} L{c}D{d}"},
	{"<a@b> c@d", "L{a}D{b} L{c}D{d}"},
	{"A <a@b> text behind", "N{A}L{a}D{b}"},
	{"A <a@b> text, c@d", "N{A}L{a}D{b} L{c}D{d}"},
	{"A <a@b>text@x", "N{A}L{a}D{b} L{text}D{x}"},
	{"A <a@b>, B", "N{A}L{a}D{b} L{B}"},
	{"a@b text", "L{a}D{b}"},
	/* malpractice: names */
	{"a@b <a@b>", "N{a@b}L{a}D{b}"},
	{"support@example.com <other@example.net>",
	 "N{support@example.com}L{other}D{example.net}"},
	{"\"a@b\" <a@b>", "N{a@b}L{a}D{b}"},
	{"a@b, c@d <e@f>", "L{a}D{b} N{c@d}L{e}D{f}"},
	{"John Doe a@b", "N{John Doe}L{a}D{b}"},
	{"\"John Doe\" a@b", "N{John Doe}L{a}D{b}"},
	{"John (Johnny) Doe <a@b>", "N{John Doe}L{a}D{b}"},
	{"John <Johnny> Doe <a@b>", "N{John}L{Johnny} N{Doe}L{a}D{b}"},
	{"John <Johnny> <a@b>", "N{John Johnny}L{a}D{b}"},
	{"John Doe", "L{John Doe}"},
	{"Undisclosed recipients", "L{Undisclosed recipients}"},
	{"'John Doe' <a@b>", "N{'John Doe'}L{a}D{b}"},
	{"John \"the' Doe <a@b>", "N{John the' Doe}L{a}D{b}"},
	{"\"John Doe <a@b>", "N{John Doe}L{a}D{b}"},
	{"John Doe\" <a@b>", "N{John Doe}L{a}D{b}"},
	{"\"A\" B\" <a@b>", "N{A B}L{a}D{b}"},
	{"\"John, a@b", "L{John} L{a}D{b}"},
	{"John Doe: <a@b>", "G{John Doe} L{a}D{b} E"},
	{"mailto:a@b", "G{mailto} L{a}D{b} E"},
	{"<mailto:a@b>", "L{mailto:a}D{b}"},
	{"http://x.example/ <a@b>", "G{http} N{//x.example/}L{a}D{b} E"},
	/* malpractice: brackets */
	{"<a@b", "L{a}D{b}"},
	{"John <a@b", "N{John}L{a}D{b}"},
	{"John <a@b, Jane <c@d>", "N{John}L{a}D{b} N{Jane}L{c}D{d}"},
	{"<a@b;c@d>", "L{a}D{b} L{c}D{d}"},
	{"<<a@b>>", "L{a}D{b}"},
	{"John <<a@b>>", "N{John}L{a}D{b}"},
	{"<a@b>>", "L{a}D{b}"},
	{"a@b>", "L{a}D{b}"},
	{"<a@b> >", "L{a}D{b}"},
	{"a@b>c", "L{a}D{b}"},
	{"a@b<c<", "L{a}D{b}"},
	{"a>@b", "L{a}D{b}"},
	{"<John Doe a@b>", "N{John Doe}L{a}D{b}"},
	{"<\"John Doe\" a@b>", "N{John Doe}L{a}D{b}"},
	{"<a b>", "L{a b}"},
	{"<a b@c>", "N{a}L{b}D{c}"},
	{"<a@b c>", "L{a}D{b}"},
	{"<a@b c@d>", "L{a}D{b} L{c}D{d}"},
	{"<a@b:c>", "L{a}D{b}"},
	{"<a@b. :.c>", "L{a}D{b.}"},
	{"<a@b:c@d>", "L{a}D{b} L{c}D{d}"},
	{"a@<=?x?q?b,c?=<", "L{a}"},
	{"a@b.=?x?q?c,d?=", "L{a}D{b.=?x?q?c} L{d?=}"},
	{"< a@b >", "L{a}D{b}"},
	{"<(x)a@b(y)>", "L{a}D{b}"},
	{"<>", ""},
	{"\"John\" <>", "N{John}"},
	{"John <", "L{John}"},
	{"a@b <>", "L{a}D{b}"},
	{"<@a.test:>", ""},
	{"<@a.test>", "D{a.test}"},
	{"<@a.test:b>", "R{@a.test}L{b}"},
	{"<@a.test", "D{a.test}"},
	/* malpractice: parts */
	{"me", "L{me}"},
	{"me, you", "L{me} L{you}"},
	{"<me>", "L{me}"},
	{"John <me>", "N{John}L{me}"},
	{"a@", "L{a}"},
	{"@b", "D{b}"},
	{"@", ""},
	/* brackets that say nothing amid an address */
	{"a@<@,:<:<", "L{a}"},
	{"a@@b", "L{a@}D{b}"},
	{"a@b@c", "L{a@b}D{c}"},
	{"a.@b", "L{a.}D{b}"},
	{".a@b", "L{.a}D{b}"},
	{"a..b@c", "L{a..b}D{c}"},
	{"a@b.", "L{a}D{b.}"},
	{"a@.b", "L{a}D{.b}"},
	{"a@b..c", "L{a}D{b..c}"},
	{"\"a b\"", "L{a b}"},
	{"a@\"b\"", "L{a}D{\"b\"}"},
	{"a@\"b c\"", "L{a}D{\"b c\"}"},
	{"a@\"b\\\"c\"", "L{a}D{\"b\\\"c\"}"},
	{"a@b_c", "L{a}D{b_c}"},
	{"a@-", "L{a}D{-}"},
	{"*", "L{*}"},
	{"-", "L{-}"},
	{"..", "L{..}"},
	{"'a'@b", "L{'a'}D{b}"},
	{"a@b'", "L{a}D{b'}"},
	{"\\", ""},
	{"\"", ""},
	{"(", ""},
	{"<", ""},
	{">", ""},
	{",", ""},
	{";", ""},
	{":", ""},
	{".", "L{.}"},
	{"\r\n", ""},
	{"\r\n ", ""},
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void show_part(struct buf *out, char letter, struct span text)
{
	if (text.n == 0)
		return;
	buf_putc(out, (uint8_t)letter);
	buf_putc(out, '{');
	buf_put(out, text);
	buf_putc(out, '}');
}

static void show(struct buf *out, const struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct address *one = &list->items[i];

		if (i > 0)
			buf_putc(out, ' ');
		if (one->kind == ADDRESS_GROUP_END)
			buf_putc(out, 'E');
		show_part(out, one->kind == ADDRESS_GROUP_START ? 'G' : 'N',
			one->name);
		show_part(out, 'R', one->route);
		show_part(out, 'L', one->local);
		show_part(out, 'D', one->domain);
	}
}

/* In memory of its own size, so that a byte read behind it is seen. */
static void read_copy(struct arena *a, struct span value,
	struct address_list *list)
{
	*list = (struct address_list){0};
	address_list_read(a, arena_dup(a, value), list);
}

static void expect(struct span value, struct span shown)
{
	struct arena arena;
	struct address_list list;
	struct buf out;

	arena_init(&arena, ARENA_BYTES);
	buf_init(&out, 1u << 16);
	read_copy(&arena, value, &list);
	show(&out, &list);
	if (!span_eq(buf_span(&out), shown))
		fail_msg("<%.*s> gives <%.*s>, not <%.*s>", SPAN_ARG(value),
			SPAN_ARG(buf_span(&out)), SPAN_ARG(shown));
	buf_clear(&out);
	arena_clear(&arena);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		expect(span_str(rows[i].value), span_str(rows[i].shown));
}

/* Control characters are nothing, wherever they stand. */
static void test_controls(void **state)
{
	(void)state;
	expect(SPAN("a\0b@c\0d"), SPAN("L{ab}D{cd}"));
	expect(SPAN("\0"), SPAN(""));
	expect(SPAN("J\0ohn <a@b\x7f>"), SPAN("N{John}L{a}D{b}"));
	expect(SPAN("\"J\x1bohn\0\" <a@b>"), SPAN("N{John}L{a}D{b}"));
	expect(SPAN("\"a\\\0b\"@c"), SPAN("L{ab}D{c}"));
	expect(SPAN("a@b (J\0ohn)"), SPAN("N{John}L{a}D{b}"));
	expect(SPAN("a@[1\0.2]"), SPAN("L{a}D{[1.2]}"));
	expect(SPAN("a@[1\\\0]"), SPAN("L{a}D{[1]}"));
	expect(SPAN("a\rb@c\nd"), SPAN("N{a}L{b}D{c}"));
	expect(SPAN("\"a\r\nb\"@c"), SPAN("L{ab}D{c}"));
	expect(SPAN("G\0:a@b;"), SPAN("G{G} L{a}D{b} E"));
}

/* Bytes that are no UTF-8, or its beginning only, stay as they are. */
static void test_broken_utf8(void **state)
{
	(void)state;
	expect(SPAN("\xc3@\xe2\x82"), SPAN("L{\xc3}D{\xe2\x82}"));
	expect(SPAN("\xf0\x9f <a@b>"), SPAN("N{\xf0\x9f}L{a}D{b}"));
	expect(SPAN("\"\xc3\" <a@b>"), SPAN("N{\xc3}L{a}D{b}"));
	expect(SPAN("a@b (\xc3"), SPAN("N{\xc3}L{a}D{b}"));
}

/* Every beginning of every row: nothing is read behind it, groups end. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct span value = span_str(rows[i].value);

		for (size_t n = 0; n <= value.n; n++) {
			struct arena arena;
			struct address_list list;
			size_t open = 0;

			arena_init(&arena, ARENA_BYTES);
			read_copy(&arena, span_head(value, n), &list);
			for (size_t k = 0; k < list.count; k++) {
				enum address_kind kind = list.items[k].kind;

				open += kind == ADDRESS_GROUP_START;
				open -= kind == ADDRESS_GROUP_END;
				assert_true(open <= 1);
			}
			assert_int_equal(open, 0);
			arena_clear(&arena);
		}
	}
}

/* ---- writing ---------------------------------------------------------------- */

static void test_put(void **state)
{
	static const struct {
		struct span local, domain;
		const char *text;
	} puts[] = {
		{SPAN_INIT("a"), SPAN_INIT("b"), "a@b"},
		{SPAN_INIT("a.b+c"), SPAN_INIT("d.e"), "a.b+c@d.e"},
		{SPAN_INIT("j\xc3\xb6"), SPAN_INIT("\xc3\xb6"),
			"j\xc3\xb6@\xc3\xb6"},
		{SPAN_INIT("a b"), SPAN_INIT("c"), "\"a b\"@c"},
		{SPAN_INIT("a\"b\\c"), SPAN_INIT("d"), "\"a\\\"b\\\\c\"@d"},
		{SPAN_INIT("a..b"), SPAN_INIT("c"), "\"a..b\"@c"},
		{SPAN_INIT(".a"), SPAN_INIT("c"), "\".a\"@c"},
		{SPAN_INIT("a."), SPAN_INIT("c"), "\"a.\"@c"},
		{SPAN_INIT("a@b"), SPAN_INIT("c"), "\"a@b\"@c"},
		{SPAN_INIT("=?a?q?b"), SPAN_INIT("?="), "\"=?a?q?b\"@?="},
		{SPAN_INIT(""), SPAN_INIT("c"), "\"\"@c"},
		{SPAN_INIT("a"), SPAN_INIT(""), "a"},
		{SPAN_INIT("a b"), SPAN_INIT(""), "\"a b\""},
		{SPAN_INIT(""), SPAN_INIT(""), ""},
		{SPAN_INIT("a"), SPAN_INIT("[::1]"), "a@[::1]"},
		/* whoever made it: no line of a head begins here */
		{SPAN_INIT("a\r\nX: y"), SPAN_INIT("b\r\nZ: "),
			"\"aX: y\"@bZ: "},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
		const struct address one = {.local = puts[i].local,
			.domain = puts[i].domain};

		buf_reset(&out);
		address_put(&out, &one);
		if (!span_eq(buf_span(&out), span_str(puts[i].text)))
			fail_msg("put: <%.*s>, not <%s>",
				SPAN_ARG(buf_span(&out)), puts[i].text);
	}
	buf_clear(&out);
}

static void check_reads_again(struct arena *a, struct span value,
	const struct address *one)
{
	struct address_list again = {0};
	struct buf text;

	if (one->local.n + one->domain.n == 0)
		return;
	buf_init(&text, value.n * 2 + 64);
	address_put(&text, one);
	assert_false(text.overflow);
	for (size_t i = 0; i < buf_len(&text); i++)
		assert_true(buf_span(&text).p[i] >= ' ' ||
			buf_span(&text).p[i] == '\t');
	address_list_read(a, buf_span(&text), &again);
	if (again.count != 1 || !span_eq(again.items[0].local, one->local) ||
		!span_eq(again.items[0].domain, one->domain))
		fail_msg("<%.*s>: <%.*s> is not read again", SPAN_ARG(value),
			SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

static void check_value(struct span value)
{
	struct arena arena;
	struct address_list list;

	arena_init(&arena, ARENA_BYTES);
	read_copy(&arena, value, &list);
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].kind == ADDRESS_MAILBOX)
			check_reads_again(&arena, value, &list.items[i]);
	arena_clear(&arena);
}

static void test_rows_read_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		check_value(span_str(rows[i].value));
}

/* Random values of the bytes that mean something. */
static void test_any_reads_again(void **state)
{
	static const char bytes[] = "ab.@@@<>,;:\"\"\\()[] \t\r\n=?q\0\xc3";
	uint32_t seed = 1;
	uint8_t value[24];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		size_t n = 0;

		while (n < sizeof(value)) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 24 < 10)
				break;
			value[n++] = (uint8_t)
				bytes[(seed >> 8) % (sizeof(bytes) - 1)];
		}
		check_value(span_of(value, n));
	}
}

/* ---- limits ------------------------------------------------------------------- */

static void put_times(struct buf *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_puts(out, text);
}

/* Reads times repetitions between two texts; gives the number of items. */
static size_t count_of(const char *before, const char *text, size_t times,
	bool *out_is_cut)
{
	struct arena arena;
	struct address_list list = {0};
	struct buf value;

	arena_init(&arena, 32u << 20);
	buf_init(&value, 8u << 20);
	buf_puts(&value, before);
	put_times(&value, text, times);
	assert_false(value.overflow);
	address_list_read(&arena, buf_span(&value), &list);
	*out_is_cut = list.is_cut;
	buf_clear(&value);
	arena_clear(&arena);
	return list.count;
}

static void test_many(void **state)
{
	bool is_cut;

	(void)state;
	assert_int_equal(count_of("", "a@b,", MESSAGE_ADDRESSES_MAX, &is_cut),
		MESSAGE_ADDRESSES_MAX);
	assert_false(is_cut);
	assert_int_equal(count_of("", "a@b, ", 100000, &is_cut),
		MESSAGE_ADDRESSES_MAX);
	assert_true(is_cut);
	/* a group that is cut ends all the same */
	assert_int_equal(count_of("G:", "a@b,", 100000, &is_cut),
		MESSAGE_ADDRESSES_MAX + 1);
	assert_true(is_cut);
	assert_int_equal(count_of("", "G:;", 100000, &is_cut),
		MESSAGE_ADDRESSES_MAX);
	assert_true(is_cut);
}

static void test_bombs(void **state)
{
	static const struct {
		const char *text;
		size_t count;
	} bombs[] = {
		{"(", 0}, {")", 0}, {"\"", 0}, {"\\", 1}, {"<", 0}, {">", 0},
		{"[", 1}, {"@", 1}, {"@[", 1}, {",", 0}, {":", 0}, {";", 0},
		{".", 1}, {"a ", 1}, {"(a)", 0}, {"\"a", 1}, {"=?", 1},
		{"=?a?q?", 1}, {"<a", 1}, {"<@a", MESSAGE_ADDRESSES_MAX}, {"<(", 0}, {"<a>", 1},
		{"@(", 0}, {". ", 1}, {"a@b", 1}, {"\xc3", 1},
		{"a@b ", MESSAGE_ADDRESSES_MAX}, {"<a@b>", MESSAGE_ADDRESSES_MAX},
		{"a b@c ", MESSAGE_ADDRESSES_MAX}, {"\"a\"@b\t", MESSAGE_ADDRESSES_MAX},
	};
	bool is_cut;

	(void)state;
	for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
		size_t n = count_of("", bombs[i].text, 1000000, &is_cut);

		if (n != bombs[i].count)
			fail_msg("%s: %zu", bombs[i].text, n);
		(void)is_cut;
	}
}

/* A list takes at most the first half of an arena. */
static void test_small_arena(void **state)
{
	static const char *const texts[] = {"\"a b\" <\"c\"@d>,", "a@b ",
		"\\a\\b", "a  b", "\\a:", "<\\a>", "a,", "a@b(\\c),",
		"<@a :b@c>"};
	struct arena arena;
	struct address_list list = {0};
	struct buf value;

	(void)state;
	arena_init(&arena, 16384);
	buf_init(&value, 1u << 20);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_reset(&value);
		put_times(&value, texts[i], 10000);
		list = (struct address_list){0};
		address_list_read(&arena, buf_span(&value), &list);
		assert_true(list.is_cut);
		assert_true(arena.used_bytes <= arena.cap_bytes / 2);
		arena_clear(&arena);
	}
	/* and with nothing left, nothing */
	(void)arena_alloc(&arena, 1, 16384 - 16);
	list = (struct address_list){0};
	address_list_read(&arena, SPAN("a@b"), &list);
	assert_true(list.is_cut && list.count == 0);
	buf_clear(&value);
	arena_clear(&arena);
}

/* Two fields read as one list. */
static void test_append(void **state)
{
	struct arena arena;
	struct address_list list = {0};
	struct buf out;

	(void)state;
	arena_init(&arena, ARENA_BYTES);
	buf_init(&out, 1000);
	address_list_read(&arena, SPAN("a@b, G: c@d"), &list);
	address_list_read(&arena, SPAN("(x)"), &list);
	address_list_read(&arena, SPAN("e@f (y), g@h"), &list);
	show(&out, &list);
	assert_true(span_eq(buf_span(&out),
		SPAN("L{a}D{b} G{G} L{c}D{d} E N{y}L{e}D{f} L{g}D{h}")));
	buf_clear(&out);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_broken_utf8),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_rows_read_again),
		cmocka_unit_test(test_any_reads_again),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_small_arena),
		cmocka_unit_test(test_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
