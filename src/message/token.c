/*
 * token.c - the words of structured fields.  See token.h.
 *
 * One table tells what a byte begins.  A quote that nothing closes is looked
 * for once (has_open_quote), a comment that nothing closes takes the rest, an
 * encoded word and a literal end at the first byte that cannot be theirs: so
 * each byte is looked at a fixed number of times.
 */
#include "message/token.h"

#include "base/banned.h"

enum class {
	WORD,
	BLANK,
	COMMENT, /* ( */
	STRAY,   /* ) */
	QUOTE,
	PAIR,
	LITERAL, /* [ */
	EQUALS,  /* = may begin an encoded word */
	CONTROL,
	SINGLE   /* a token of its own */
};

/* clang-format off */
static const uint8_t classes[256] = {
	[0x00] = CONTROL, [0x01] = CONTROL, [0x02] = CONTROL, [0x03] = CONTROL,
	[0x04] = CONTROL, [0x05] = CONTROL, [0x06] = CONTROL, [0x07] = CONTROL,
	[0x08] = CONTROL, [0x0b] = CONTROL, [0x0c] = CONTROL, [0x0e] = CONTROL,
	[0x0f] = CONTROL, [0x10] = CONTROL, [0x11] = CONTROL, [0x12] = CONTROL,
	[0x13] = CONTROL, [0x14] = CONTROL, [0x15] = CONTROL, [0x16] = CONTROL,
	[0x17] = CONTROL, [0x18] = CONTROL, [0x19] = CONTROL, [0x1a] = CONTROL,
	[0x1b] = CONTROL, [0x1c] = CONTROL, [0x1d] = CONTROL, [0x1e] = CONTROL,
	[0x1f] = CONTROL, [0x7f] = CONTROL,
	[' '] = BLANK, ['\t'] = BLANK, ['\r'] = BLANK, ['\n'] = BLANK,
	['('] = COMMENT, [')'] = STRAY, ['>'] = SINGLE,
	['"'] = QUOTE, ['\\'] = PAIR, ['['] = LITERAL, ['='] = EQUALS,
	['@'] = SINGLE, ['<'] = SINGLE, [','] = SINGLE, [':'] = SINGLE,
	[';'] = SINGLE,
};
/* clang-format on */

size_t token_closed_comment_len(struct span s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

size_t token_comment_len(struct span s)
{
	size_t n = token_closed_comment_len(s);

	return n > 0 ? n : s.n;
}

size_t token_cfws_len(struct span s)
{
	size_t i = 0;

	while (i < s.n) {
		if (token_is_blank(s.p[i]))
			i++;
		else if (s.p[i] == '(')
			i += token_comment_len(span_tail(s, i));
		else
			break;
	}
	return i;
}

struct span token_trim_start(struct span s)
{
	while (s.n > 0 && token_is_blank(s.p[0]))
		s = span_tail(s, 1);
	return s;
}

struct span token_trim_end(struct span s)
{
	while (s.n > 0 && token_is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct span token_trim(struct span s)
{
	return token_trim_end(token_trim_start(s));
}

static struct span unfold(struct arena *a, struct span value)
{
	uint8_t *p = arena_alloc(a, value.n, 1);
	size_t n = 0;

	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '\r' && value.p[i] != '\n')
			p[n++] = value.p[i];
	return span_of(p, n);
}

struct span token_keep_text(struct arena *a, struct span value)
{
	struct span text = token_trim(value);

	if (text.n == 0)
		return span_of(arena_alloc(a, 1, 1), 0);
	if (span_find(text, '\n') < text.n || span_find(text, '\r') < text.n)
		return unfold(a, text);
	return arena_dup(a, text);
}

/* What stands between the parentheses. */
static struct span inside(struct span comment)
{
	struct span text = span_tail(comment, 1);

	if (text.n > 0 && text.p[text.n - 1] == ')')
		text.n--;
	return text;
}

static void take_gap(struct token_reader *r, struct token *out)
{
	struct span v = r->value;

	out->kind = TOKEN_GAP;
	while (r->at < v.n) {
		uint8_t c = classes[v.p[r->at]];

		if (c == COMMENT) {
			struct span rest = span_tail(v, r->at);
			size_t n = token_comment_len(rest);
			struct span text = inside(span_head(rest, n));

			r->at += n;
			if (text.n > 0)
				out->comment = text;
		} else if (c == BLANK || c == STRAY ||
			(c == QUOTE && r->has_open_quote)) {
			r->at++;
		} else {
			break;
		}
	}
	out->is_dirty = r->at - out->start != 1 || v.p[out->start] != ' ';
}

/* RFC 5322 3.2.4; 0: nothing closes it. */
static size_t quoted_len(struct span s, bool *out_is_dirty)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return i + 1;
		if (s.p[i] == '\\')
			i++;
		else if (!token_is_control(s.p[i]))
			continue;
		*out_is_dirty = true;
	}
	return 0;
}

static void take_quoted(struct token_reader *r, struct token *out)
{
	size_t n = 0;

	if (!r->has_open_quote)
		n = quoted_len(span_tail(r->value, r->at), &out->is_dirty);
	if (n == 0) {
		r->has_open_quote = true;
		take_gap(r, out);
		return;
	}
	out->kind = TOKEN_QUOTED;
	r->at += n;
}

/* RFC 5322 3.4.1, dtext; 0: this is no literal. */
static size_t literal_len(struct span s, bool *out_is_dirty)
{
	for (size_t i = 1; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == ']')
			return i + 1;
		if (c == '[' || c == '<' || c == '>' || c == '"' || c == ',' ||
			c == ';' || c == '(')
			break;
		if (c == '\\')
			i++;
		else if (!token_is_blank(c) && !token_is_control(c))
			continue;
		*out_is_dirty = true;
	}
	*out_is_dirty = false;
	return 0;
}

/* The end of a field of an encoded word at its "?", from i; 0: it has none. */
static size_t find_question(struct span s, size_t i)
{
	for (; i < s.n && s.p[i] > ' ' && s.p[i] < 0x7f; i++) {
		if (s.p[i] == '?')
			return i;
		if (s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '<')
			break;
	}
	return 0;
}

/* RFC 2047 2; 0: s begins none.  Deliberate: commas, parentheses and the like
 * may stand in it unescaped (against RFC 2047 5): many programs write
 * =?x?Q?Doe,_John?= and mean one person. */
static size_t encoded_len(struct span s)
{
	size_t charset, text;

	if (s.n < 8 || s.p[1] != '?')
		return 0;
	charset = find_question(s, 2);
	if (charset == 0 || charset + 3 > s.n || s.p[charset + 2] != '?')
		return 0;
	text = find_question(s, charset + 3);
	if (text == 0 || text + 1 >= s.n || s.p[text + 1] != '=')
		return 0;
	return text + 2;
}

static void take_word(struct token_reader *r, struct token *out)
{
	struct span v = r->value;

	out->kind = TOKEN_WORD;
	while (r->at < v.n) {
		uint8_t c = classes[v.p[r->at]];
		size_t n = 1;

		if (c == EQUALS && !r->in_domain) {
			n = encoded_len(span_tail(v, r->at));
			n = n == 0 ? 1 : n;
		} else if (c == CONTROL) {
			out->is_dirty = true;
		} else if (c == LITERAL) {
			/* behind a dot it is asked for again */
			if (r->at > out->start && v.p[r->at - 1] == '.')
				return;
		} else if (c != WORD && c != EQUALS) {
			return;
		}
		r->at += n;
	}
}

static void take_single(struct token_reader *r, struct token *out)
{
	switch (r->value.p[r->at++]) {
	case '@': out->kind = TOKEN_AT; break;
	case '<': out->kind = TOKEN_OPEN; break;
	case '>': out->kind = TOKEN_CLOSE; break;
	case ',': out->kind = TOKEN_COMMA; break;
	case ':': out->kind = TOKEN_COLON; break;
	default: out->kind = TOKEN_SEMICOLON; break;
	}
}

/* A backslash that ends the value is nothing. */
static void take_pair(struct token_reader *r, struct token *out)
{
	size_t left = r->value.n - r->at;

	out->kind = left > 1 ? TOKEN_PAIR : TOKEN_GAP;
	out->is_dirty = true;
	r->at += left > 1 ? 2 : 1;
}

static void take_literal(struct token_reader *r, struct token *out)
{
	size_t n = literal_len(span_tail(r->value, r->at), &out->is_dirty);

	out->kind = TOKEN_LITERAL;
	r->at += n;
	if (n == 0)
		take_word(r, out);
}

static void cut(struct token_reader *r, struct token *out)
{
	switch ((enum class)classes[r->value.p[r->at]]) {
	case BLANK:
	case COMMENT:
	case STRAY: take_gap(r, out); break;
	case QUOTE: take_quoted(r, out); break;
	case PAIR: take_pair(r, out); break;
	case SINGLE: take_single(r, out); break;
	case LITERAL:
		if (r->is_at_label)
			take_literal(r, out);
		else
			take_word(r, out);
		break;
	case WORD:
	case EQUALS:
	case CONTROL:
	default: take_word(r, out); break;
	}
	out->end = r->at;
}

/* Where a token leaves the reader: RFC 5322 3.4.1 and 4.4. */
static void note(struct token_reader *r, const struct token *t)
{
	if (t->kind == TOKEN_GAP)
		return;
	if (t->kind == TOKEN_AT)
		r->in_domain = true;
	else if (t->kind >= TOKEN_OPEN)
		r->in_domain = false;
	r->is_at_label = r->in_domain &&
		(t->kind == TOKEN_AT || r->value.p[t->end - 1] == '.');
}

void token_next(struct token_reader *r, struct token *out)
{
	*out = (struct token){TOKEN_END, r->at, r->at, false, SPAN_EMPTY};
	if (r->at == r->value.n)
		return;
	cut(r, out);
	note(r, out);
}
