#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "cli/cli_sendmail_flags.h"

/* What was understood, as text: mode and switches, then what has a value. */
static void describe(struct buf *out, const struct sendmail_flags *f)
{
	static const char modes[] = {'m', 's', 'p', 'i', 'v', 't', 'q', 'd'};

	buf_putc(out, (uint8_t)modes[f->mode]);
	buf_puts(out, f->reads_header ? " t" : "");
	buf_puts(out, f->ignores_dots ? " i" : "");
	buf_puts(out, f->is_verbose ? " v" : "");
	buf_puts(out, f->wants_utf8 ? " utf8" : "");
	buf_puts(out, f->wants_tls ? " tls" : "");
	if (f->has_sender)
		buf_printf(out, " f=[%.*s]", SPAN_ARG(f->sender));
	if (f->full_name.n > 0)
		buf_printf(out, " F=[%.*s]", SPAN_ARG(f->full_name));
	if (f->notify != 0)
		buf_printf(out, " N=%u", f->notify);
	if (f->ret != 0)
		buf_printf(out, " ret=%u", f->ret);
	if (f->envid.n > 0)
		buf_printf(out, " V=%.*s", SPAN_ARG(f->envid));
	for (size_t i = 0; i < f->wrong_count; i++)
		buf_printf(out, " !%c[%.*s]", f->wrong[i].letter,
			SPAN_ARG(f->wrong[i].value));
	if (f->queue_id.n > 0)
		buf_printf(out, " I=%.*s", SPAN_ARG(f->queue_id));
	if (f->queue_from.n > 0)
		buf_printf(out, " S=%.*s", SPAN_ARG(f->queue_from));
	if (f->queue_to.n > 0)
		buf_printf(out, " R=%.*s", SPAN_ARG(f->queue_to));
	for (size_t i = 0; i < f->unknown_count; i++)
		buf_printf(out, " ?%.*s", SPAN_ARG(f->unknown[i]));
	for (size_t i = 0; i < f->rcpt_count; i++)
		buf_printf(out, " <%.*s>", SPAN_ARG(f->rcpts[i]));
}

/* Words are cut at "|". */
static enum code read_flags(const char *line, const char *name,
	struct sendmail_flags *f, struct err *e)
{
	static struct span words[SENDMAIL_WORDS_MAX];
	struct span rest = span_str(line);
	size_t count = 0;

	while (rest.p != NULL && rest.n + 1 > 0 && count < 64) {
		size_t cut = span_find(rest, '|');

		words[count++] = span_head(rest, cut);
		if (cut == rest.n)
			break;
		rest = span_tail(rest, cut + 1);
	}
	if (line[0] == '\0')
		count = 0;
	return sendmail_flags_read(words, count, span_str(name), f, e);
}

static const struct {
	const char *words, *meaning;
} rows[] = {
	/* who uses it */
	{"-t|-i", "m t i"},                                   /* PHP */
	{"-ti", "m t i"},
	{"-t|-i|-f|web@x.org", "m t i f=[web@x.org]"},        /* PHP's fifth */
	{"-FCronDaemon|-odi|-oem|-oi|-t", "m t i F=[CronDaemon]"}, /* cron */
	{"-FCronDaemon|-odi|-oem|--|bob", "m F=[CronDaemon] <bob>"},
	{"-FCronDaemon|-i|-B8BITMIME|-oem|root", "m i F=[CronDaemon] <root>"},
	{"-FCronDaemon|-i|-odi|-oem|-oi|-t|-f|<>", "m t i f=[] F=[CronDaemon]"},
	{"-f|ann@x|-i|bob@y|c@z", "m i f=[ann@x] <bob@y> <c@z>"}, /* git */
	{"-f|ann@x|-oem|-oi|--|b@y", "m i f=[ann@x] <b@y>"},  /* mutt */
	{"-oem|-oi|-B|8BITMIME|-N|failure,delay|-R|hdrs|b@y",
		"m i N=12 ret=2 <b@y>"},
	{"-i|-r|ann@x|-v|--|b@y", "m i v f=[ann@x] <b@y>"},   /* s-nail */
	{"-bs", "s"},                                         /* Symfony */
	{"-bs|-i", "s i"},
	{"-oi|-oem|-odb|-f|me@x|b@y", "m i f=[me@x] <b@y>"},  /* Emacs */
	/* each flag in each of its forms */
	{"", "m"},
	{"-bm", "m"}, {"-bp", "p"}, {"-bi", "i"}, {"-I", "i"},
	{"-bv|a", "v <a>"}, {"-bt", "t"}, {"-bd", "d"}, {"-b|p", "p"},
	{"-bd|-q30m", "d"}, {"-q30m|-bd", "d"}, {"-q30m", "d"},
	{"-q", "q"}, {"-qI7Q2", "q I=7Q2"}, {"-qI|7Q2", "q I=7Q2"},
	{"-qRx.org", "q R=x.org"}, {"-qSann", "q S=ann"}, {"-qf", "q"},
	{"-fa@b", "m f=[a@b]"}, {"-f|<a@b>", "m f=[a@b]"}, {"-f|", "m f=[]"},
	{"-r|a@b|-ra@c", "m f=[a@c]"}, {"-f<>", "m f=[]"},
	{"-F|Ann A|x", "m F=[Ann A] <x>"},
	{"-oi", "m i"}, {"-oitrue", "m i"}, {"-oifalse", "m"}, {"-o|i", "m i"},
	{"-om|-oo|-o7|-o8|x", "m <x>"}, {"-oee|-oep|-oew|-oeq|-em|x", "m <x>"},
	{"-e|m|x", "m <x>"}, {"-odq|-odf|x", "m <x>"},
	{"-O|smtputf8=yes|x", "m utf8 <x>"}, {"-osmtputf8=yes", "m utf8"},
	{"-O|requiretls=yes", "m tls"}, {"-orequiretls=no", "m"},
	{"-O|smtputf8=no", "m"}, {"-O|IgnoreDots", "m i"},
	{"-OQueueDirectory=/x|x", "m <x>"},
	{"-Am|-Ac|x", "m <x>"}, {"-C|/etc/x.cf|x", "m <x>"}, {"-d0.1|x", "m <x>"},
	{"-h|12|x", "m <x>"}, {"-J|x", "m <x>"}, {"-L|tag|x", "m <x>"},
	{"-M|a|-p|smtp:x|-X|log|-V|id|x", "m V=id <x>"},
	/* what the sender wants to be told */
	{"-Nnever", "m N=1"}, {"-N|SUCCESS", "m N=2"},
	{"-Nsuccess,failure,delay", "m N=14"}, {"-Rfull", "m ret=1"},
	{"-N|delay|-N|failure", "m N=4"}, {"-VQQ+2B", "m V=QQ+2B"},
	{"-N|sometimes|x", "m !N[sometimes] <x>"}, {"-N|", "m !N[]"},
	{"-Nnever,delay", "m !N[never,delay]"}, {"-R|half|x", "m !R[half] <x>"},
	{"-V|a b|x", "m !V[a b] <x>"}, {"-Va+b", "m !V[a+b]"},
	{"-Rhdrs|-Rnone", "m ret=2 !R[none]"},
	{"-E|-G|-m|-n|-S|-s|-T|-U|-c|-x|y", "m <y>"},
	{"-v|x", "m v <x>"}, {"-tvi", "m t i v"}, {"-tfann", "m t f=[ann]"},
	/* the end of flags, and what is none */
	{"--|-t|--", "m <-t> <-->"}, {"a|-i|b", "m i <a> <b>"}, {"-", "m <->"},
	{"-Z|x", "m ?-Z <x>"}, {"-iZ9|x", "m i ?-iZ9 <x>"},
	{"--help|x", "m ?--help <x>"},
};

static void test_table(void **state)
{
	struct sendmail_flags *f = test_calloc(1, sizeof(*f));
	struct err e;
	struct buf got;

	(void)state;
	buf_init(&got, 65536);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_flags(rows[i].words, "sendmail", f, &e),
			OK);
		buf_reset(&got);
		describe(&got, f);
		buf_putc(&got, '\0');
		assert_string_equal((const char *)got.p, rows[i].meaning);
	}
	buf_clear(&got);
	test_free(f);
}

static void test_names(void **state)
{
	struct sendmail_flags *f = test_calloc(1, sizeof(*f));
	struct err e;

	(void)state;
	assert_int_equal(read_flags("", "mailq", f, &e), OK);
	assert_int_equal(f->mode, SENDMAIL_LIST);
	assert_int_equal(read_flags("-v", "newaliases", f, &e), OK);
	assert_int_equal(f->mode, SENDMAIL_ALIASES);
	test_free(f);
}

static void test_what_cannot_be_meant(void **state)
{
	static const struct {
		const char *words, *says;
	} bad[] = {
		{"-f", "-f wants a value"},
		{"-ti|-F", "-F wants a value"},
		{"-b", "-b wants a value"},
		{"-bz", "no mode -bz"},
		{"-bmx", "no mode -bmx"},
	};
	struct sendmail_flags *f = test_calloc(1, sizeof(*f));
	static struct span many[SENDMAIL_WORDS_MAX + 1];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_flags(bad[i].words, "sendmail", f, &e),
			SYNTAX);
		assert_non_null(strstr(e.text, bad[i].says));
	}
	for (size_t i = 0; i <= SENDMAIL_WORDS_MAX; i++)
		many[i] = SPAN("x");
	assert_int_equal(sendmail_flags_read(many, SENDMAIL_WORDS_MAX,
		SPAN("sendmail"), f, &e), OK);
	assert_int_equal(sendmail_flags_read(many, SENDMAIL_WORDS_MAX + 1,
		SPAN("sendmail"), f, &e), LIMIT);
	for (size_t i = 0; i <= SENDMAIL_WORDS_MAX; i++)
		many[i] = SPAN("-Z");
	assert_int_equal(sendmail_flags_read(many, SENDMAIL_WORDS_MAX,
		SPAN("sendmail"), f, &e), OK);
	assert_int_equal(f->unknown_count, SENDMAIL_UNKNOWN_MAX);
	test_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_what_cannot_be_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
