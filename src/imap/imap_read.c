/*
 * imap_read.c - the arguments of a command.  See imap_read.h.
 *
 * The words; numbers and moments are in imap_read_number.c.
 */
#include "imap/imap_read.h"

#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/utf8.h"
#include "imap/imap_mutf7.h"

#include "base/banned.h"

void imap_reader_init(
	struct imap_reader *r, struct span text, struct arena *arena)
{
	*r = (struct imap_reader){
		.text = text, .arena = arena, .depth_max = IMAP_DEPTH_MAX};
}

void imap_reader_wipe(struct imap_reader *r)
{
	if (r->scratch_used > 0)
		explicit_bzero(r->scratch, r->scratch_used);
	r->scratch_used = 0;
}

bool imap_read_fails(struct imap_reader *r, const char *why)
{
	if (r->why == NULL)
		r->why = why;
	return false;
}

/* ---- classes of characters ---------------------------------------------- */
enum {
	ATOM_CHAR = 1,
	CLOSING = 2,  /* "]" */
	WILDCARD = 4, /* "%" and "*" */
	HIGH = 8,     /* 128 and above */
	ASTRING = ATOM_CHAR | CLOSING | HIGH,
	PATTERN = ASTRING | WILDCARD
};

static unsigned class_of(uint8_t c)
{
	const struct span specials = SPAN("(){\"\\");

	if (c >= 0x80)
		return HIGH;
	if (c <= ' ' || c == 0x7f || span_find(specials, c) < specials.n)
		return 0;
	if (c == '%' || c == '*')
		return WILDCARD;
	return c == ']' ? CLOSING : ATOM_CHAR;
}

/* ---- looking ------------------------------------------------------------ */
static struct span rest(const struct imap_reader *r)
{
	return span_tail(r->text, r->at);
}

uint8_t imap_next(const struct imap_reader *r)
{
	return r->at < r->text.n ? r->text.p[r->at] : 0;
}

bool imap_is_end(const struct imap_reader *r)
{
	return r->at == r->text.n;
}

bool imap_skip(struct imap_reader *r, struct span text)
{
	if (!span_starts_fold(rest(r), text))
		return false;
	r->at += text.n;
	return true;
}

bool imap_skip_word(struct imap_reader *r, struct span word)
{
	const struct span ends = SPAN(" ()[]");
	size_t at = r->at;

	if (!imap_skip(r, word))
		return false;
	if (imap_is_end(r) || span_find(ends, imap_next(r)) < ends.n)
		return true;
	r->at = at;
	return false;
}

/* ---- separators --------------------------------------------------------- */
bool imap_read_byte(struct imap_reader *r, uint8_t byte)
{
	if (imap_is_end(r) || imap_next(r) != byte)
		return imap_read_fails(r, "wrong arguments");
	r->at++;
	return true;
}

bool imap_read_sp(struct imap_reader *r)
{
	if (imap_is_end(r))
		return imap_read_fails(r, "an argument is missing");
	if (imap_next(r) != ' ')
		return imap_read_fails(r, "a blank is missing");
	r->at++;
	return true;
}

bool imap_read_end(struct imap_reader *r)
{
	return imap_is_end(r) || imap_read_fails(r, "too many arguments");
}

bool imap_read_open(struct imap_reader *r)
{
	if (imap_next(r) != '(')
		return imap_read_fails(r, "( is missing");
	if (r->depth >= r->depth_max)
		return imap_read_fails(r, "too many lists in lists");
	r->depth++;
	r->at++;
	return true;
}

bool imap_read_close(struct imap_reader *r)
{
	if (imap_next(r) != ')' || r->depth == 0)
		return imap_read_fails(r, ") is missing");
	r->depth--;
	r->at++;
	return true;
}

bool imap_read_more(struct imap_reader *r, bool is_first)
{
	if (r->why != NULL)
		return false;
	if (imap_next(r) == ')') {
		(void)imap_read_close(r);
		return false;
	}
	return is_first || imap_read_sp(r);
}

/* ---- words -------------------------------------------------------------- */
/* One or more characters of these classes. */
static bool read_run(struct imap_reader *r, unsigned classes, struct span *out)
{
	size_t start = r->at;

	while (r->at < r->text.n && class_of(r->text.p[r->at]) & classes)
		r->at++;
	*out = span_of(r->text.p + start, r->at - start);
	return out->n > 0 || imap_read_fails(r, "a word is missing");
}

bool imap_read_atom(struct imap_reader *r, struct span *out)
{
	return read_run(r, ATOM_CHAR, out);
}

/* Where the quoted string's content ends; false: nowhere. */
static bool find_quote(struct span s, size_t *out_end, bool *out_has_pairs)
{
	*out_has_pairs = false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '"') {
			*out_end = i;
			return true;
		}
		if (c == '\0' || c == '\r' || c == '\n')
			return false;
		if (c != '\\')
			continue;
		*out_has_pairs = true;
		if (++i == s.n || (s.p[i] != '"' && s.p[i] != '\\'))
			return false;
	}
	return false;
}

/* Without its backslashes. */
static struct span unescape(struct imap_reader *r, struct span s)
{
	uint8_t *to;
	size_t n = 0;

	/* all strings together are shorter than the text */
	if (r->scratch == NULL)
		r->scratch = arena_alloc(r->arena, r->text.n, 1);
	to = r->scratch + r->scratch_used;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		to[n++] = s.p[i];
	}
	r->scratch_used += n;
	return span_of(to, n);
}

static bool read_quoted(struct imap_reader *r, struct span *out)
{
	struct span s = span_tail(rest(r), 1);
	bool has_pairs;
	size_t end;

	if (!find_quote(s, &end, &has_pairs))
		return imap_read_fails(r, "a quoted string is wrong");
	*out = span_head(s, end);
	r->at += end + 2;
	if (has_pairs)
		*out = unescape(r, *out);
	return true;
}

/* "{n}" CRLF; leaves the reader behind it. */
static bool read_announcement(struct imap_reader *r, uint64_t *out_size)
{
	size_t start;

	if (!imap_skip(r, SPAN("{")))
		return imap_read_fails(r, "a literal is missing");
	start = r->at;
	while (ascii_is_digit(imap_next(r)))
		r->at++;
	if (!num_parse_u64(span_of(r->text.p + start, r->at - start), INT64_MAX,
		    out_size))
		return imap_read_fails(r, "the size of a literal is wrong");
	(void)imap_skip(r, SPAN("+"));
	return imap_skip(r, SPAN("}\r\n")) ||
	       imap_read_fails(r, "a literal is wrong");
}

static bool read_bytes(struct imap_reader *r, struct span *out)
{
	uint64_t size;

	if (!read_announcement(r, &size))
		return false;
	if (size > r->text.n - r->at)
		return imap_read_fails(r, "a literal is not complete");
	*out = span_head(rest(r), (size_t)size);
	r->at += (size_t)size;
	return true;
}

bool imap_read_announced(struct imap_reader *r)
{
	uint64_t size;

	(void)imap_skip(r, SPAN("~"));
	return read_announcement(r, &size) && imap_read_end(r);
}

bool imap_read_literal(
	struct imap_reader *r, struct span *out, bool *out_is_binary)
{
	*out_is_binary = imap_skip(r, SPAN("~"));
	return read_bytes(r, out);
}

/* RFC 9051 9: a literal is of CHAR8, which NUL is not */
static bool read_string(
	struct imap_reader *r, bool may_have_nul, struct span *out)
{
	if (imap_next(r) == '"')
		return read_quoted(r, out);
	if (imap_next(r) != '{')
		return imap_read_fails(r, "a string is missing");
	if (!read_bytes(r, out))
		return false;
	if (!may_have_nul && span_find(*out, '\0') < out->n)
		return imap_read_fails(r, "NUL in a string");
	return true;
}

bool imap_read_string(struct imap_reader *r, struct span *out)
{
	return read_string(r, false, out);
}

static bool begins_string(const struct imap_reader *r)
{
	return imap_next(r) == '"' || imap_next(r) == '{';
}

bool imap_read_astring(struct imap_reader *r, struct span *out)
{
	return begins_string(r) ? read_string(r, false, out)
				: read_run(r, ASTRING, out);
}

bool imap_read_pattern(struct imap_reader *r, struct span *out)
{
	return begins_string(r) ? read_string(r, false, out)
				: read_run(r, PATTERN, out);
}

bool imap_read_credential(struct imap_reader *r, struct span *out)
{
	return begins_string(r) ? read_string(r, true, out)
				: read_run(r, PATTERN, out);
}

bool imap_read_nstring(struct imap_reader *r, struct span *out)
{
	*out = SPAN_EMPTY;
	if (!begins_string(r))
		return imap_skip_word(r, SPAN("NIL")) ||
		       imap_read_fails(r, "a string or NIL is missing");
	return read_string(r, false, out);
}

bool imap_read_flag(struct imap_reader *r, struct span *out)
{
	size_t start = r->at;

	(void)imap_skip(r, SPAN("\\"));
	if (!read_run(r, ATOM_CHAR, out))
		return false;
	*out = span_of(r->text.p + start, r->at - start);
	return true;
}

/* ---- names of mailboxes ------------------------------------------------- */
static struct imap_mailbox_name name_of(struct imap_reader *r, struct span s)
{
	struct imap_mailbox_name name = {.name = s};
	struct buf utf8;

	if (span_find(s, '\0') < s.n) {
		name.wrong = "NUL in a name";
	} else if (r->is_utf8) {
		if (!utf8_is_valid(s))
			name.wrong = "a name is not in UTF-8";
	} else if (span_find(s, '&') < s.n || !utf8_is_ascii(s)) {
		buf_init(&utf8, 2 * s.n);
		name.wrong = imap_mutf7_decode(s, &utf8);
		name.name = arena_dup(r->arena, buf_span(&utf8));
		buf_clear(&utf8);
	}
	return name;
}

bool imap_read_mailbox(struct imap_reader *r, struct imap_mailbox_name *out)
{
	struct span s;

	*out = (struct imap_mailbox_name){0};
	if (!imap_read_astring(r, &s))
		return false;
	*out = name_of(r, s);
	return true;
}

bool imap_read_mailbox_pattern(
	struct imap_reader *r, struct imap_mailbox_name *out)
{
	struct span s;

	*out = (struct imap_mailbox_name){0};
	if (!imap_read_pattern(r, &s))
		return false;
	*out = name_of(r, s);
	return true;
}
