/*
 * fuzz_imap_reader.c - any bytes to what reads IMAP's commands.
 *
 * The first byte chooses:
 *	0  imap_line: what is done with literals and the size of pieces come next;
 *	   the same bytes in one piece must be cut alike
 *	1  imap_read: a line of letters, each one thing to read, then the text
 *	2  a set: written and read again it is the same, and a walk finds what it
 *	   has
 *	3  a name: what can be decoded is encoded as it was
 */
#include "base/buf.h"
#include "base/utf8.h"
#include "imap/imap_command.h"
#include "imap/imap_id.h"
#include "imap/imap_line.h"
#include "imap/imap_mutf7.h"
#include "imap/imap_read.h"
#include "imap/imap_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* ---- lines ------------------------------------------------------------------- */
static void decide(
	struct imap_line *l, uint8_t rule, const struct imap_literal *literal)
{
	if (rule & 1 && imap_line_may_keep(l))
		imap_line_keep(l);
	else if (rule & 2 && literal->size <= INT64_MAX)
		imap_line_stream(l);
	else
		imap_line_refuse(l);
}

/* Pieces of a streamed literal are one in the record. */
static void note(struct buf *out, enum imap_line_event event,
	const struct imap_line_got *got)
{
	if (event == IMAP_LINE_BYTES) {
		buf_put(out, got->bytes);
		buf_puts(out, got->is_last ? ";" : "");
		return;
	}
	buf_printf(out, "%d %d %llu %d%d|", (int)event, got->is_rest,
		(unsigned long long)got->literal.size, got->literal.is_waiting,
		got->literal.is_binary);
	buf_put(out, got->tag);
	buf_putc(out, '|');
	buf_put(out, got->text);
	buf_puts(out, got->why == NULL ? "\n" : got->why);
}

static void cut(
	struct imap_line *l, struct span in, uint8_t rule, struct buf *out)
{
	enum imap_line_event event;
	struct imap_line_got got;

	do {
		event = imap_line_take(l, &in, &got);
		must(buf_len(&l->text) <= 300 + 2);
		if (event == IMAP_LINE_MORE)
			break;
		note(out, event, &got);
		if (event == IMAP_LINE_LITERAL)
			decide(l, (uint8_t)(rule >> (got.literal.size & 1)),
				&got.literal);
		if (event == IMAP_LINE_COMMAND && rule & 16 &&
			got.text.n % 3 == 0)
			imap_line_want_text(l, 20);
	} while (true);
	must(in.n == 0 || l->state == IMAP_LINE_OVER);
}

static void try_lines(struct span in)
{
	const struct imap_line_limits limits = {.line_max = 100,
		.command_max = 300,
		.literal_max = 50,
		.thrown_max = 200};
	struct imap_line whole, pieces;
	struct buf a, b;
	uint8_t rule, size;

	if (in.n < 2)
		return;
	rule = in.p[0];
	size = in.p[1];
	in = span_tail(in, 2);
	imap_line_init(&whole, &limits);
	imap_line_init(&pieces, &limits);
	buf_init(&a, 64u << 20);
	buf_init(&b, 64u << 20);
	cut(&whole, in, rule, &a);
	for (; in.n > 0; in = span_tail(in, size + 1u))
		cut(&pieces, span_head(in, size + 1u), rule, &b);
	must(span_eq(buf_span(&a), buf_span(&b)));
	imap_line_clear(&whole);
	imap_line_clear(&pieces);
	buf_clear(&a);
	buf_clear(&b);
}

/* ---- words --------------------------------------------------------------------- */
static bool read_word(struct imap_reader *r, uint8_t letter)
{
	struct span s;
	bool is_binary;

	switch (letter) {
	case 'a':
		return imap_read_atom(r, &s);
	case 's':
		return imap_read_astring(r, &s);
	case 'q':
		return imap_read_string(r, &s);
	case 'n':
		return imap_read_nstring(r, &s);
	case 'l':
		return imap_read_literal(r, &s, &is_binary);
	case 'c':
		return imap_read_credential(r, &s);
	case 'f':
		return imap_read_flag(r, &s);
	case '(':
		return imap_read_open(r);
	case ')':
		return imap_read_close(r);
	case '+':
	case '-':
		return imap_read_more(r, letter == '-');
	default:
		return imap_read_sp(r);
	}
}

static bool read_name(struct imap_reader *r, bool is_utf8)
{
	struct imap_mailbox_name name;

	r->is_utf8 = is_utf8;
	if (!imap_read_mailbox(r, &name))
		return false;
	must(name.wrong != NULL || utf8_is_valid(name.name));
	return true;
}

static bool read_url(struct imap_reader *r)
{
	struct imap_url url;
	struct span s;

	if (!imap_read_astring(r, &s) || !imap_url_read(r->arena, s, &url))
		return false;
	must(url.uid > 0 && url.mailbox.n > 0 && utf8_is_valid(url.mailbox));
	must(url.mailbox.n + url.section.n < s.n);
	return true;
}

static bool read_one(struct imap_reader *r, uint8_t letter)
{
	struct imap_mailbox_name name;
	struct imap_set set;
	uint64_t a, b;
	uint32_t c;
	int32_t days;
	int64_t ms;

	switch (letter) {
	case 'L':
		return imap_read_announced(r);
	case 'p':
		return imap_read_mailbox_pattern(r, &name);
	case '1':
		return imap_read_nz_number(r, &c);
	case '6':
		return imap_read_number64(r, &a);
	case '<':
		return imap_read_partial(r, &a, &b);
	case 'S':
		return imap_read_set(r, 7, &set);
	case 'd':
		return imap_read_date(r, &days);
	case 't':
		return imap_read_date_time(r, &ms);
	case 'M':
	case 'm':
		return read_name(r, letter == 'M');
	case 'U':
		return read_url(r);
	case 'I':
		return imap_id_read(r);
	case 'N':
		return imap_skip_word(r, SPAN("NIL"));
	default:
		return read_word(r, letter);
	}
}

static void try_words(struct span in)
{
	struct span letters = span_cut(&in, '\n');
	struct imap_reader r;
	struct imap_call call;
	struct arena arena;
	size_t before;

	arena_init(&arena, 16 * in.n + 4096);
	imap_reader_init(&r, in, &arena);
	if (imap_command_read(in, IMAP_SELECTED, &call) == NULL)
		r.at = call.len;
	for (size_t i = 0; i < letters.n && r.why == NULL; i++) {
		before = r.at;
		(void)read_one(&r, letters.p[i]);
		must(r.at >= before && r.at <= in.n);
		must(r.depth <= r.depth_max);
		must(r.scratch_used <= in.n);
	}
	imap_reader_wipe(&r);
	arena_clear(&arena);
}

/* ---- sets ------------------------------------------------------------------------ */
static void try_walk(const struct imap_set *set)
{
	uint32_t uids[64];
	bool found[64] = {false};
	struct imap_set_walk w = {.set = set, .uids = uids, .count = 64};

	for (uint32_t i = 0; i < 64; i++)
		uids[i] = i * i * 1040000 + i + 1;
	while (imap_set_walk(&w)) {
		must(w.from < w.to && w.to <= 64);
		for (size_t i = w.from; i < w.to; i++)
			found[i] = true;
	}
	for (size_t i = 0; i < 64; i++)
		must(found[i] == imap_set_has(set, uids[i]));
}

static void try_set(struct span in)
{
	struct imap_set set, again;
	struct arena arena;
	struct buf text;

	arena_init(&arena, 64 * in.n + 8192);
	buf_init(&text, 64u << 20);
	if (imap_set_read(in, 77, &arena, &set) == NULL && !set.is_saved) {
		must(set.count > 0);
		for (size_t i = 0; i < set.count; i++) {
			must(set.ranges[i].low > 0);
			must(set.ranges[i].low <= set.ranges[i].high);
			must(i == 0 ||
				set.ranges[i].low - 1 > set.ranges[i - 1].high);
		}
		imap_set_put_all(&set, &text);
		must(imap_set_read(buf_span(&text), 0, &arena, &again) == NULL);
		must(again.count == set.count &&
			imap_set_size(&again) == imap_set_size(&set));
		try_walk(&set);
	}
	arena_clear(&arena);
	buf_clear(&text);
}

/* ---- names ------------------------------------------------------------------------- */
static void try_name(struct span in)
{
	struct buf utf8, mutf7;

	buf_init(&utf8, 8 * in.n + 8);
	buf_init(&mutf7, 32 * in.n + 8);
	if (imap_mutf7_decode(in, &utf8) == NULL) {
		must(!utf8.overflow && utf8_is_valid(buf_span(&utf8)));
		must(2 * buf_len(&utf8) <= 3 * in.n);
		imap_mutf7_encode(buf_span(&utf8), &mutf7);
		must(span_eq(buf_span(&mutf7), in));
	}
	buf_reset(&utf8);
	buf_reset(&mutf7);
	imap_mutf7_encode(in, &mutf7);
	must(imap_mutf7_decode(buf_span(&mutf7), &utf8) == NULL);
	must(!utf8_is_valid(in) || span_eq(buf_span(&utf8), in));
	buf_clear(&utf8);
	buf_clear(&mutf7);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static void (*const tries[])(struct span in) = {
		try_lines, try_words, try_set, try_name};

	if (n > 0)
		tries[bytes[0] & 3](span_of(bytes + 1, n - 1));
	return 0;
}
