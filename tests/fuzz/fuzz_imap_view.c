/*
 * fuzz_imap_view.c - what is written of any message parses as IMAP.
 *
 * The first byte says whether it is shown as it was read, or as the store gives
 * it back: packed, with one byte of the row damaged, and unpacked.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/num.h"
#include "message/imap_view.h"

#define VIEW_MAX (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Cuts "…" off *rest.  RFC 9051 9: quoted */
static void cut_quoted(struct span *rest)
{
	size_t n = 1;

	for (; n < rest->n && rest->p[n] != '"'; n++) {
		uint8_t c = rest->p[n];

		must(c != 0 && c != '\r' && c != '\n' && c < 0x80);
		if (c == '\\') {
			n++;
			must(n < rest->n);
			must(rest->p[n] == '"' || rest->p[n] == '\\');
		}
	}
	must(n < rest->n);
	*rest = span_tail(*rest, n + 1);
}

/* Cuts {n}CRLF and n bytes off *rest.  RFC 9051 9: literal */
static void cut_literal(struct span *rest)
{
	uint64_t len;
	struct span number;

	*rest = span_tail(*rest, 1);
	number = span_cut(rest, '}');
	must(num_parse_u64(number, rest->n, &len));
	must(span_starts(*rest, SPAN("\r\n")));
	*rest = span_tail(*rest, 2);
	must(len <= rest->n);
	must(span_find(span_head(*rest, (size_t)len), 0) == len);
	*rest = span_tail(*rest, (size_t)len);
}

static void cut_atom(struct span *rest)
{
	size_t n = 0;

	if (span_starts(*rest, SPAN("NIL"))) {
		*rest = span_tail(*rest, 3);
		return;
	}
	while (n < rest->n && ascii_is_digit(rest->p[n]))
		n++;
	must(n > 0);
	*rest = span_tail(*rest, n);
}

static void cut_value(struct span *rest)
{
	if (rest->p[0] == '"')
		cut_quoted(rest);
	else if (rest->p[0] == '{')
		cut_literal(rest);
	else
		cut_atom(rest);
}

/* One list, and nothing behind it: no list is empty, values stand apart,
 * lists may touch. */
static void check_list(struct span rest)
{
	size_t depth = 0;
	uint8_t before = 0;

	must(rest.n > 0 && rest.p[0] == '(');
	while (rest.n > 0) {
		uint8_t c = rest.p[0];

		must(before == 0 || depth > 0);
		if (c == ' ') {
			must(before == ')' || before == 'v');
			rest = span_tail(rest, 1);
		} else if (c == '(') {
			must(before != 'v');
			depth++;
			rest = span_tail(rest, 1);
		} else if (c == ')') {
			must(before == ')' || before == 'v');
			depth--;
			rest = span_tail(rest, 1);
		} else {
			must(before == ' ' || before == '(');
			cut_value(&rest);
			c = 'v';
		}
		before = c;
	}
	must(depth == 0 && before == ')');
}

static void check_structure(const struct mime_tree *t, uint32_t part)
{
	struct buf with, without;

	buf_init(&with, VIEW_MAX);
	buf_init(&without, VIEW_MAX);
	imap_put_structure(&with, t, part, true);
	imap_put_structure(&without, t, part, false);
	if (!with.overflow) {
		must(!without.overflow);
		check_list(buf_span(&with));
		check_list(buf_span(&without));
		must(buf_len(&without) < buf_len(&with));
	}
	buf_clear(&with);
	buf_clear(&without);
}

static void check_message(struct arena *a, struct span message)
{
	const struct mime_tree *t = mime_parse(a, message);
	struct buf out;

	buf_init(&out, VIEW_MAX);
	imap_put_envelope(&out, t->parts[0].envelope);
	if (!out.overflow)
		check_list(buf_span(&out));
	buf_clear(&out);
	check_structure(t, 0);
	check_structure(t, t->count - 1);
}

/* Two bytes say where the row is damaged, the third how. */
static void check_row(struct arena *a, struct span how, struct span message)
{
	struct mime_tree tree;
	struct buf row;
	size_t at;

	buf_init(&row, VIEW_MAX);
	mime_tree_pack(mime_parse(a, message), &row);
	must(!row.overflow && buf_len(&row) > 0);
	at = (size_t)(how.p[0] << 8 | how.p[1]) % buf_len(&row);
	row.p[row.start + at] ^= how.p[2];
	if (mime_tree_unpack(a, buf_span(&row), &tree))
		check_structure(&tree, 0);
	else
		must(how.p[2] != 0);
	buf_clear(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n);
	struct arena arena;

	if (n < 4)
		return 0;
	arena_init(&arena, MIME_ARENA_BYTES * 2);
	if (p[0] == 'T')
		check_row(&arena, span_tail(in, 1), span_tail(in, 4));
	else
		check_message(&arena, span_tail(in, 1));
	arena_clear(&arena);
	return 0;
}
