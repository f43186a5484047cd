/*
 * address_text.c - the words of an address as what they mean, and an address
 * as words.  See address_text.h and address.h.
 */
#include "message/address_text.h"

#include "message/address.h"
#include "message/token.h"

#include "base/banned.h"

struct writer {
	uint8_t *p; /* as much room as there are bytes to read */
	size_t n;
	bool has_gap; /* a blank is due before the next byte */
};

static void put(struct writer *w, uint8_t c)
{
	if (token_is_control(c))
		return;
	if (w->has_gap && w->n > 0)
		w->p[w->n++] = ' ';
	w->has_gap = false;
	w->p[w->n++] = c;
}

static void put_all(struct writer *w, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		put(w, s.p[i]);
}

/* Without the backslashes of pairs. */
static void put_unpaired(struct writer *w, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && ++i == s.n)
			break;
		put(w, s.p[i]);
	}
}

/* With the backslashes; one that would stand before nothing goes too. */
static void put_paired(struct writer *w, struct span s, bool with_blanks)
{
	for (size_t i = 0; i < s.n; i++) {
		bool is_pair = s.p[i] == '\\';

		if (is_pair && (++i == s.n || token_is_control(s.p[i])))
			continue;
		if (is_pair)
			put(w, '\\');
		else if (!with_blanks && token_is_blank(s.p[i]))
			continue;
		put(w, s.p[i]);
	}
}

static struct span without_ends(struct span s)
{
	return span_of(s.p + 1, s.n - 2);
}

static void put_meaning(struct writer *w, const struct token *t,
	struct span raw, bool is_phrase)
{
	switch (t->kind) {
	case TOKEN_GAP:
	case TOKEN_OPEN:
	case TOKEN_CLOSE: w->has_gap = is_phrase; break;
	case TOKEN_QUOTED: put_unpaired(w, without_ends(raw)); break;
	case TOKEN_PAIR: put_unpaired(w, raw); break;
	case TOKEN_WORD:
	case TOKEN_LITERAL:
	case TOKEN_AT:
	case TOKEN_COMMA:
	case TOKEN_COLON:
	case TOKEN_SEMICOLON:
	case TOKEN_END:
	default: put_all(w, raw); break;
	}
}

static void put_as_it_is(struct writer *w, const struct token *t,
	struct span raw)
{
	switch (t->kind) {
	case TOKEN_GAP:
	case TOKEN_OPEN:
	case TOKEN_CLOSE:
	case TOKEN_COLON: break;
	case TOKEN_LITERAL: put_paired(w, raw, false); break;
	case TOKEN_QUOTED:
	case TOKEN_PAIR: put_paired(w, raw, true); break;
	case TOKEN_WORD:
	case TOKEN_AT:
	case TOKEN_COMMA:
	case TOKEN_SEMICOLON:
	case TOKEN_END:
	default: put_all(w, raw); break;
	}
}

static void put_tokens(struct writer *w, struct span raw,
	enum address_text_kind kind)
{
	struct token_reader r = {.value = raw};
	struct token t;

	if (kind == ADDRESS_DOMAIN)
		r = TOKEN_READER_DOMAIN(raw);
	for (token_next(&r, &t); t.kind != TOKEN_END; token_next(&r, &t)) {
		struct span token = span_of(raw.p + t.start, t.end - t.start);

		if (kind == ADDRESS_DOMAIN)
			put_as_it_is(w, &t, token);
		else
			put_meaning(w, &t, token, kind == ADDRESS_PHRASE);
	}
}

struct span address_text(struct arena *a, struct span raw,
	enum address_text_kind kind)
{
	struct writer w = {0};

	if (raw.n == 0)
		return SPAN_EMPTY;
	w.p = arena_alloc(a, raw.n, 1);
	if (kind == ADDRESS_COMMENT)
		put_unpaired(&w, span_trim(raw));
	else
		put_tokens(&w, raw, kind);
	return span_of(w.p, w.n);
}

/* ---- writing -------------------------------------------------------------- */

/* RFC 5322 3.2.3, with UTF-8 by RFC 6532 3.2 */
static bool is_atext(uint8_t c)
{
	static const char marks[] = "!#$%&'*+-/=?^_`{|}~";

	return c >= 0x80 || ascii_is_alpha(c) || ascii_is_digit(c) ||
		span_find(span_of(marks, sizeof(marks) - 1), c) <
		sizeof(marks) - 1;
}

/* Could it be taken for an encoded word, it is quoted too. */
static bool is_dot_atom(struct span s)
{
	if (s.n == 0 || s.p[s.n - 1] == '.' ||
		span_find_span(s, SPAN("=?")) < s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool is_dot = s.p[i] == '.' && i > 0 && s.p[i - 1] != '.';

		if (!is_dot && !is_atext(s.p[i]))
			return false;
	}
	return true;
}

static void put_quoted(struct buf *out, struct span s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (token_is_control(s.p[i]))
			continue;
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, s.p[i]);
	}
	buf_putc(out, '"');
}

void address_put(struct buf *out, const struct address *one)
{
	if (is_dot_atom(one->local))
		buf_put(out, one->local);
	else if (one->local.n + one->domain.n > 0)
		put_quoted(out, one->local);
	if (one->domain.n == 0)
		return;
	buf_putc(out, '@');
	for (size_t i = 0; i < one->domain.n; i++)
		if (!token_is_control(one->domain.p[i]))
			buf_putc(out, one->domain.p[i]);
}
