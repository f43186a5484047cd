/*
 * param_list.c - the value of a field and the parameters behind it, as mail
 * really has them.  See param.h.  RFC 2045 5.1, RFC 2231 3
 *
 * The text is cut into names and values as they were sent, in one go over its
 * bytes.  If a name has a star, param_piece.c joins the pieces of RFC 2231.
 *
 * Deliberate: more is read than the grammar allows, since people look for the
 * file that they were sent:
 * - a value without quotes may hold blanks, parentheses and "=", and ends at
 *   the ";", or at a line end with "name=" behind it (its ";" was forgotten);
 * - quotes that do not close end at the ";", closing ones that nothing opened
 *   are dropped;
 * - parentheses in a value are a comment only if the value ends with them:
 *   "a(1).txt" is a name.
 */
#include "message/param.h"

#include "message/limits.h"
#include "message/param_int.h"
#include "message/token.h"

#include "base/banned.h"

/* Parentheses behind a value are looked at so far; RFC 5322 2.1.1 */
#define VALUE_COMMENT_MAX 998

struct reader {
	struct span rest;
	struct arena *arena;
	bool has_open_comment; /* one did not close: "(" is text from here on */
	bool has_open_quote;   /* the same for quotes */
};

/* Length of the comment at the start of s; 0: there is none that closes.  What
 * fails once is not tried again: time stays linear. */
static size_t find_comment(struct reader *r, struct span s)
{
	size_t n;

	if (r->has_open_comment || s.n == 0 || s.p[0] != '(')
		return 0;
	n = token_closed_comment_len(s);
	r->has_open_comment = n == 0;
	return n;
}

/* Passes over blanks, line ends and comments. */
static void skip_space(struct reader *r)
{
	for (;;) {
		size_t n = 0;

		while (n < r->rest.n && token_is_blank(r->rest.p[n]))
			n++;
		r->rest = span_tail(r->rest, n);
		n = find_comment(r, r->rest);
		if (n == 0)
			return;
		r->rest = span_tail(r->rest, n);
	}
}

static bool is_name_char(uint8_t c)
{
	return !token_is_blank(c) && c != '=' && c != ';' && c != '(' && c != '"';
}

static size_t name_len(struct span s)
{
	size_t n = 0;

	while (n < s.n && is_name_char(s.p[n]))
		n++;
	return n;
}

/* Does a name with "=" stand here? */
static bool is_param(struct span s)
{
	size_t n = name_len(s);
	size_t end = n;

	while (end < s.n && token_is_blank(s.p[end]))
		end++;
	return n > 0 && end < s.n && s.p[end] == '=';
}

/* Is there a comment at the start of s, and not text in parentheses? */
static bool ends_in_comment(const struct reader *r, struct span s, bool is_main)
{
	size_t n = r->has_open_comment || s.n == 0 || s.p[0] != '(' ? 0 :
		token_closed_comment_len(span_head(s, VALUE_COMMENT_MAX));

	return n > 0 && (is_main || n == s.n || token_is_blank(s.p[n]) || s.p[n] == ';' ||
		s.p[n] == '(');
}

/* Length of the text without quotes at the start of the rest.  is_main: blanks
 * with "name=" behind them end it even on one line. */
static size_t text_len(struct reader *r, bool is_main)
{
	struct span s = r->rest;
	bool has_paren = false;
	size_t i = 0;

	while (i < s.n && s.p[i] != ';') {
		size_t blanks = i;
		bool is_fold = is_main;

		while (i < s.n && token_is_blank(s.p[i]))
			is_fold |= s.p[i++] == '\n';
		if (is_fold && i > blanks && is_param(span_tail(s, i)))
			return blanks;
		if (i < s.n && s.p[i] == '(' && !has_paren) {
			if (ends_in_comment(r, span_tail(s, i), is_main))
				return blanks;
			has_paren = true;
		}
		if (i < s.n && s.p[i] != ';')
			i++;
	}
	return i;
}

/* Without line ends, and, if it stood in quotes, without their backslashes. */
static struct span clean(struct arena *a, struct span s, bool is_quoted)
{
	size_t n = 0;
	uint8_t *p = arena_alloc(a, s.n, 1);

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' || s.p[i] == '\n')
			continue;
		if (is_quoted && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		p[n++] = s.p[i];
	}
	return span_of(p, n);
}

static bool needs_clean(struct span s, bool is_quoted)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' ||
			(is_quoted && s.p[i] == '\\'))
			return true;
	return false;
}

static struct span take(struct reader *r, struct span text, bool is_quoted)
{
	text = span_head(text, MESSAGE_PARAM_MAX);
	return needs_clean(text, is_quoted) ?
		clean(r->arena, text, is_quoted) : text;
}

/* Index of the quote that closes; s.n: none. */
static size_t closing_quote(struct span s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != '"')
		i += s.p[i] == '\\' ? 2 : 1;
	return i < s.n ? i : s.n;
}

static struct span read_quoted(struct reader *r)
{
	struct span s = span_tail(r->rest, 1);
	size_t end = r->has_open_quote ? s.n : closing_quote(s);

	if (end < s.n) {
		r->rest = span_tail(s, end + 1);
		return take(r, span_head(s, end), true);
	}
	r->has_open_quote = true;
	end = span_find(s, ';');
	r->rest = span_tail(s, end);
	return take(r, token_trim_end(span_head(s, end)), true);
}

static struct span read_text(struct reader *r, bool is_main)
{
	struct span text = span_head(r->rest, text_len(r, is_main));

	r->rest = span_tail(r->rest, text.n);
	text = token_trim_end(text);
	if (text.n > 0 && span_find(text, '"') == text.n - 1)
		text.n--;
	return take(r, text, false);
}

static struct span read_value(struct reader *r, bool is_main)
{
	skip_space(r);
	if (r->rest.n > 0 && r->rest.p[0] == '"')
		return read_quoted(r);
	return read_text(r, is_main);
}

static bool is_at_end(const struct reader *r)
{
	return r->rest.n == 0 || r->rest.p[0] == ';';
}

/* Comments may stand inside of it too: "text/ (x) plain". */
static struct span read_main(struct reader *r)
{
	struct span main = read_value(r, true);
	struct buf text;

	skip_space(r);
	if (is_at_end(r) || is_param(r->rest))
		return main;
	buf_init(&text, 2 * (size_t)MESSAGE_PARAM_MAX + 1);
	buf_put(&text, main);
	while (!is_at_end(r) && !is_param(r->rest)) {
		size_t before = r->rest.n;

		main = read_text(r, true);
		if (buf_len(&text) + main.n < MESSAGE_PARAM_MAX) {
			buf_putc(&text, ' ');
			buf_put(&text, main);
		}
		skip_space(r);
		if (r->rest.n == before)
			break;
	}
	main = arena_dup(r->arena, buf_span(&text));
	buf_clear(&text);
	return main;
}

static void add(struct reader *r, struct param_list *list, struct span name,
	struct span value)
{
	/* powers of two: the list is moved when its room is used up */
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count == 0 ? 1 : list->count * 2;
		struct param *items = arena_alloc(r->arena, room,
			sizeof(*items));

		for (size_t i = 0; i < list->count; i++)
			items[i] = list->items[i];
		list->items = items;
	}
	list->items[list->count++] = (struct param){name, value};
}

/* What is no parameter is passed over, up to the next ";". */
static void skip_rest(struct reader *r)
{
	skip_space(r);
	if (!is_param(r->rest))
		r->rest = span_tail(r->rest, span_find(r->rest, ';'));
}

/* Reads the parameters as they were sent. */
static void read_params(struct reader *r, struct param_list *list)
{
	while (r->rest.n > 0 && list->count < MESSAGE_PARAMS_MAX) {
		struct span name;

		if (r->rest.p[0] == ';') {
			r->rest = span_tail(r->rest, 1);
			continue;
		}
		skip_space(r);
		name = span_head(r->rest, name_len(r->rest));
		r->rest = span_tail(r->rest, name.n);
		skip_space(r);
		if (name.n > 0 && r->rest.n > 0 && r->rest.p[0] == '=') {
			r->rest = span_tail(r->rest, 1);
			add(r, list, name, read_value(r, false));
		} else if (r->rest.n > 0 && r->rest.p[0] != ';') {
			r->rest = span_tail(r->rest, 1);
		}
		skip_rest(r);
	}
}

static bool has_star(const struct param_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (span_find(list->items[i].name, '*') <
			list->items[i].name.n)
			return true;
	return false;
}

struct span param_list_read(struct arena *a, struct span value,
	struct param_list *out)
{
	struct reader r = {.rest = value, .arena = a};
	struct span main;

	*out = (struct param_list){0};
	main = read_main(&r);
	skip_rest(&r);
	read_params(&r, out);
	if (has_star(out))
		param_join_pieces(a, out);
	return main;
}
