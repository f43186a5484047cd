/*
 * imap_url.c - the name of a message as a URL.  See imap_url.h.
 *
 * No ";" stands in a mailbox or in a section but as %3B, so the first one ends
 * the mailbox, and "/;" a section.
 */
#include "imap/imap_url.h"

#include "base/num.h"
#include "base/utf8.h"
#include "codec/hex.h"

#include "base/banned.h"

/* Of a bad one so much is given back. */
#define SHOWN_BYTES 1000

/* bchar of RFC 5092 11, but for the "%" */
static bool is_bchar(uint8_t c)
{
	static const struct span others = SPAN_INIT("-._~!$'()*+,&=:@/");

	return ascii_is_alpha(c) || ascii_is_digit(c) ||
		span_find(others, c) < others.n;
}

/* Takes the percents out. */
static bool decode(struct arena *a, struct span text, struct span *out)
{
	uint8_t *to = arena_alloc(a, text.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		int high, low;

		if (text.p[i] != '%') {
			if (!is_bchar(text.p[i]))
				return false;
			to[n++] = text.p[i];
			continue;
		}
		if (text.n - i < 3)
			return false;
		high = hex_digit(text.p[i + 1]);
		low = hex_digit(text.p[i + 2]);
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return false;
		to[n++] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	*out = span_of(to, n);
	return n > 0;
}

/* Steps over a word, in any case of letters. */
static bool skip(struct span *s, struct span word)
{
	if (!span_starts_fold(*s, word))
		return false;
	*s = span_tail(*s, word.n);
	return true;
}

/* Cuts off the digits. */
static struct span cut_digits(struct span *s)
{
	struct span all = *s;
	size_t n = 0;

	while (n < all.n && ascii_is_digit(all.p[n]))
		n++;
	*s = span_tail(all, n);
	return span_head(all, n);
}

static bool read_nz(struct span *s, uint32_t *out)
{
	return num_parse_u32(cut_digits(s), UINT32_MAX, out) && *out > 0;
}

/* Up to the "/;" of what follows. */
static struct span cut_section(struct span *s)
{
	size_t n = span_find_span(*s, SPAN("/;"));
	struct span section = span_head(*s, n);

	*s = span_tail(*s, n);
	return section;
}

static bool read_partial(struct span *s, struct imap_url *out)
{
	out->has_partial = true;
	out->count = UINT64_MAX;
	if (!num_parse_u64(cut_digits(s), INT64_MAX, &out->from))
		return false;
	return !skip(s, SPAN(".")) ||
		(num_parse_u64(cut_digits(s), INT64_MAX, &out->count) &&
			out->count > 0);
}

static bool read_mailbox(struct arena *a, struct span *s,
	struct imap_url *out)
{
	size_t n = span_find(*s, ';');
	struct span name = span_head(*s, n);

	*s = span_tail(*s, n);
	if (name.n == 0 || name.p[0] == '/')
		return false;
	if (name.p[name.n - 1] == '/') {
		name.n--;
	} else if (!skip(s, SPAN(";UIDVALIDITY=")) ||
		!read_nz(s, &out->uidvalidity) || !skip(s, SPAN("/"))) {
		return false;
	}
	return decode(a, name, &out->mailbox) && utf8_is_valid(out->mailbox);
}

bool imap_url_read(struct arena *a, struct span text, struct imap_url *out)
{
	*out = (struct imap_url){0};
	if (!skip(&text, SPAN("/")) || !read_mailbox(a, &text, out) ||
		!skip(&text, SPAN(";UID=")) || !read_nz(&text, &out->uid))
		return false;
	if (skip(&text, SPAN("/;SECTION=")) &&
		!decode(a, cut_section(&text), &out->section))
		return false;
	if (skip(&text, SPAN("/;PARTIAL=")) && !read_partial(&text, out))
		return false;
	return text.n == 0;
}

void imap_url_put_bad(struct buf *out, struct span text)
{
	static const struct span odd = SPAN_INIT("\"\\]");

	buf_puts(out, "[BADURL \"");
	text = span_head(text, text.n < SHOWN_BYTES ? text.n : SHOWN_BYTES);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] > ' ' && text.p[i] < 0x7f &&
			span_find(odd, text.p[i]) == odd.n)
			buf_putc(out, text.p[i]);
		else
			buf_printf(out, "%%%02X", text.p[i]);
	}
	buf_puts(out, "\"]");
}
