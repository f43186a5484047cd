/*
 * msgid.c - Message-IDs, alone and in lists.  See msgid.h.
 *
 * Between brackets anything may stand but ">" and "<": programs write ids with
 * lone quotes and parentheses, so these mean nothing there, but for a quoted
 * part at the very start (RFC 5322 4.5.4).
 */
#include "message/msgid.h"

#include "message/token.h"

#include "base/banned.h"

/* Goes to the next "<" outside of comments and quotes; to the end without. */
static bool find_open(struct span *rest)
{
	struct token_reader r = {.value = *rest};
	struct token t;

	do
		token_next(&r, &t);
	while (t.kind != TOKEN_OPEN && t.kind != TOKEN_END);
	*rest = span_tail(*rest, t.start);
	return t.kind == TOKEN_OPEN;
}

/* Of a quoted part at the start, with its quotes; 0: there is none. */
static size_t quoted_len(struct span s)
{
	if (s.n == 0 || s.p[0] != '"')
		return 0;
	for (size_t i = 1; i < s.n && s.p[i] != '\n'; i++) {
		if (s.p[i] == '"')
			return i + 1;
		if (s.p[i] == '\\')
			i++;
	}
	return 0;
}

/* Cuts what is in brackets; *rest begins with the first of them. */
static struct span cut_bracketed(struct span *rest)
{
	struct span in = span_tail(*rest, 1);
	size_t end = quoted_len(in);
	struct span id;

	while (end < in.n && in.p[end] != '>' && in.p[end] != '<')
		end++;
	id = token_trim(span_head(in, end));
	if (end < in.n && in.p[end] == '>') {
		*rest = span_tail(in, end + 1);
		return id;
	}
	*rest = span_tail(in, end);
	end = 0;
	while (end < id.n && !token_is_blank(id.p[end]) && id.p[end] != ',')
		end++;
	return span_head(id, end);
}

/* Cuts the next run of words without a gap; tells if it has an "@". */
static bool cut_bare(struct span *rest, struct span *out, bool *out_has_at)
{
	struct token_reader r = {.value = *rest};
	size_t start = SIZE_MAX;
	struct token t;

	*out_has_at = false;
	for (;;) {
		token_next(&r, &t);
		if (t.kind == TOKEN_END)
			break;
		if (t.kind == TOKEN_GAP || t.kind == TOKEN_COMMA ||
			t.kind == TOKEN_SEMICOLON || t.kind == TOKEN_CLOSE) {
			if (start != SIZE_MAX)
				break;
			continue;
		}
		if (start == SIZE_MAX)
			start = t.start;
		*out_has_at = *out_has_at || t.kind == TOKEN_AT;
	}
	if (start == SIZE_MAX)
		return false;
	*out = span_of(rest->p + start, t.start - start);
	*rest = span_tail(*rest, t.start);
	return true;
}

/* The first word with an "@", or the only word there is. */
static bool find_bare(struct span value, struct span *out)
{
	struct span first;
	bool has_at;
	size_t words = 0;

	while (cut_bare(&value, out, &has_at)) {
		if (has_at)
			return true;
		if (words++ == 0)
			first = *out;
	}
	if (words == 1)
		*out = first;
	return words == 1;
}

bool msgid_next(struct span *rest, struct span *out)
{
	struct span at_open = *rest;

	if (!find_open(&at_open)) {
		bool found = find_bare(*rest, out);

		*rest = SPAN_EMPTY;
		return found;
	}
	*rest = at_open;
	do {
		*out = cut_bracketed(rest);
		/* what follows the last bracket is no id */
		if (!find_open(rest))
			*rest = SPAN_EMPTY;
	} while (out->n == 0 && rest->n > 0);
	return out->n > 0;
}

void msgid_put(struct buf *out, struct span id)
{
	for (size_t i = 0; i < id.n; i++)
		if (!token_is_blank(id.p[i]) && !token_is_control(id.p[i]))
			buf_putc(out, id.p[i]);
}
