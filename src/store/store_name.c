/*
 * store_name.c - names of mailboxes: which are allowed, how they are written, in
 * which order they stand.  See store_mailbox.h.
 */
#include "base/utf8.h"
#include "codec/nfc.h"
#include "store/store_int.h"
#include "store/store_mailbox.h"

#include "base/banned.h"

static const struct span inbox = SPAN_INIT("INBOX");

/* Characters that make no name: RFC 9051 5.1.  The controls and separators that
 * Net-Unicode leaves out, and the wildcards of LIST. */
static bool is_forbidden(struct span c)
{
	if (c.n == 1)
		return c.p[0] < ' ' || c.p[0] == 0x7f || c.p[0] == '%' ||
			c.p[0] == '*';
	if (c.n == 2) /* U+0080 to U+009F */
		return c.p[0] == 0xc2 && c.p[1] < 0xa0;
	/* U+2028, U+2029 */
	return c.n == 3 && c.p[0] == 0xe2 && c.p[1] == 0x80 &&
		(c.p[2] == 0xa8 || c.p[2] == 0xa9);
}

static enum code check_text(struct span name, struct err *e)
{
	while (name.n > 0) {
		size_t n = utf8_char_len(name);

		if (n == 0)
			return err_set(e, SYNTAX, "the name is not UTF-8");
		if (is_forbidden(span_head(name, n)))
			return err_set(e, SYNTAX,
				"the name has a character that is not allowed");
		name = span_tail(name, n);
	}
	return OK;
}

static enum code check_levels(struct span name, struct err *e)
{
	size_t levels = 0;
	bool has_more = true;

	while (has_more) {
		struct span level;

		has_more = span_find(name, '/') < name.n;
		level = span_cut(&name, '/');
		if (level.n == 0)
			return err_set(e, SYNTAX, "the name has an empty level");
		if (level.n > STORE_LEVEL_BYTES || ++levels > STORE_LEVELS_MAX)
			return err_set(e, LIMIT, "the name is too long");
	}
	return OK;
}

enum code store_name_make(struct span name, struct buf *out, struct err *e)
{
	size_t first;
	enum code code;

	buf_reset(out);
	if (name.n > STORE_NAME_BYTES)
		return err_set(e, LIMIT, "the name is too long");
	if (name.n > 1 && name.p[name.n - 1] == '/')
		name.n--; /* RFC 9051 6.3.4 */
	code = check_text(name, e);
	if (code != OK)
		return code;
	first = span_find(name, '/');
	if (span_eq_fold(span_head(name, first), inbox)) {
		buf_put(out, inbox);
		nfc_put(out, span_tail(name, first));
	} else {
		nfc_put(out, name);
	}
	if (out->overflow || buf_len(out) > STORE_NAME_BYTES)
		return err_set(e, LIMIT, "the name is too long");
	return check_levels(buf_span(out), e);
}

struct span store_name_parent(struct span name)
{
	size_t at = span_find_last(name, '/');

	return at < name.n ? span_head(name, at) : SPAN_EMPTY;
}

bool store_name_is_below(struct span name, struct span parent)
{
	return name.n > parent.n && name.p[parent.n] == '/' &&
		span_starts(name, parent);
}

static bool is_inbox_or_below(struct span name)
{
	return span_eq(span_head(name, span_find(name, '/')), inbox);
}

/* Where a byte stands in the order: '/' before all others. */
static int rank(uint8_t byte)
{
	return byte == '/' ? 0 : byte + 1;
}

int store_name_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	bool a_first = is_inbox_or_below(a);
	bool b_first = is_inbox_or_below(b);

	if (a_first != b_first)
		return a_first ? -1 : 1;
	for (size_t i = 0; i < n; i++)
		if (a.p[i] != b.p[i])
			return rank(a.p[i]) - rank(b.p[i]);
	return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}
