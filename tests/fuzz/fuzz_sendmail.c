/*
 * fuzz_sendmail.c - what programs of this machine hand in: the text on stdin,
 * flags, a file in data_dir/drop, header fields.  The first byte chooses the
 * split.
 *
 * Checked besides memory: every split of a text gives the same, in lines that
 * end with CRLF and hold neither CR, LF nor NUL; a file that is read is written
 * again as it was; a domain is put in, and nothing else is changed.
 */
#include "cli/cli_sendmail_flags.h"
#include "cli/cli_sendmail_text.h"
#include "message/drop_file.h"
#include "message/qualify.h"

#define OUT_MAX (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lines(struct span text)
{
	while (text.n > 0) {
		size_t end = span_find(text, '\r');

		must(span_find(span_head(text, end), '\n') == end);
		must(span_find(span_head(text, end), '\0') == end);
		must(end + 1 < text.n && text.p[end + 1] == '\n');
		text = span_tail(text, end + 2);
	}
}

static void make_text(struct span in, size_t split, bool ignores_dots,
	struct buf *out)
{
	struct sendmail_text t = {.ignores_dots = ignores_dots};

	for (size_t i = 0; i < in.n; i += split)
		sendmail_text_feed(&t, span_head(span_tail(in, i), split), out);
	sendmail_text_end(&t, out);
}

static void check_text(struct span in, uint8_t choice)
{
	struct buf whole, pieces;
	bool ignores_dots = (choice & 1) != 0;

	buf_init(&whole, OUT_MAX);
	buf_init(&pieces, OUT_MAX);
	make_text(in, in.n + 1, ignores_dots, &whole);
	make_text(in, choice / 2u + 1, ignores_dots, &pieces);
	must(span_eq(buf_span(&whole), buf_span(&pieces)));
	check_lines(buf_span(&whole));
	buf_clear(&whole);
	buf_clear(&pieces);
}

static void check_file(struct span in)
{
	struct drop_file file;
	struct arena arena;
	struct buf again;
	size_t head = 0;

	arena_init(&arena, 1u << 20);
	buf_init(&again, DROP_HEAD_MAX);
	if (drop_file_read(span_head(in, DROP_HEAD_MAX), &arena, &file,
		    &head) == OK) {
		struct drop_file second;
		size_t second_head = 0;

		must(head <= in.n && file.rcpt_count > 0 &&
			file.rcpt_count <= DROP_RCPTS_MAX);
		drop_file_put(&again, &file);
		must(!again.overflow);
		must(drop_file_read(buf_span(&again), &arena, &second,
			     &second_head) == OK);
		must(second.size == file.size && second.flags == file.flags);
		must(second.rcpt_count == file.rcpt_count);
		must(second.ret == file.ret && second.notify == file.notify);
		must(span_eq(second.envid, file.envid));
		must(span_eq(second.from, file.from));
		must(second_head == buf_len(&again));
	}
	buf_clear(&again);
	arena_clear(&arena);
}

/* "@d.test" taken out gives what was there. */
static void check_domains(struct span in)
{
	const struct span domain = SPAN("d.test");
	struct buf out;
	size_t added, at = 0, taken = 0;

	buf_init(&out, OUT_MAX);
	added = qualify_put(&out, in, domain, 64);
	must(added <= 64 && buf_len(&out) == in.n + added);
	for (size_t i = 0; i < buf_len(&out); i++) {
		struct span rest = span_tail(buf_span(&out), i);

		if (at < in.n && rest.p[0] == in.p[at]) {
			at++;
			continue;
		}
		must(span_starts(rest, SPAN("@d.test")));
		taken += domain.n + 1;
		i += domain.n;
	}
	must(at == in.n && taken == added);
	buf_clear(&out);
}

static void check_flags(struct span in)
{
	static struct span words[SENDMAIL_WORDS_MAX];
	static struct sendmail_flags flags;
	size_t count = 0;
	struct err e;

	while (in.n > 0 && count < SENDMAIL_WORDS_MAX)
		words[count++] = span_cut(&in, '\n');
	if (sendmail_flags_read(words, count, SPAN("sendmail"), &flags, &e) ==
		OK)
		must(flags.rcpt_count <= count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in;

	if (size == 0 || size > OUT_MAX / 4)
		return 0;
	in = span_of(data + 1, size - 1);
	check_text(in, data[0]);
	check_file(in);
	check_domains(in);
	check_flags(in);
	return 0;
}
