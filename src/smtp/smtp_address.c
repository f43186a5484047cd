/*
 * smtp_address.c - mailboxes and paths.  See smtp_address.h.
 *
 * Each take_X cuts one production of the grammar off the front of *s and
 * appends its canonical form to out; false leaves both in any state, so only
 * the two exported functions, which restore out, may be called from outside.
 *
 * A local part is checked, not changed: it belongs to the server of its domain
 * (RFC 5321 2.3.11).  A domain becomes A-labels here, so that nothing behind
 * this file meets a name in two spellings (RFC 6531 3.2, 3.3).
 */
#include "smtp/smtp_address.h"

#include "base/num.h"
#include "base/utf8.h"
#include "codec/idn.h"

#include "base/banned.h"

/* ---- characters -------------------------------------------------------- */

static bool is_atext(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) ||
		(c != '\0' &&
			span_find(SPAN("!#$%&'*+-/=?^_`{|}~"), c) < 19);
}

static bool is_let_dig(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}

/* The length of a non-ASCII character that a local part may hold, else 0. */
static size_t utf8_len(struct span s)
{
	size_t n = utf8_char_len(s);

	if (n < 2 || idn_is_harmful(idn_code_point(s, n), false))
		return 0;
	return n;
}

static bool take_byte(struct span *s, uint8_t byte)
{
	if (s->n == 0 || s->p[0] != byte)
		return false;
	*s = span_tail(*s, 1);
	return true;
}

/* ---- local part ---------------------------------------------------------- */

/* Length of the Dot-string at the front of s, RFC 5321 4.1.2; 0: none. */
static size_t dot_string_len(struct span s)
{
	size_t i = 0;
	bool after_atom = false;

	while (i < s.n) {
		size_t n = is_atext(s.p[i]) ? 1
					    : utf8_len(span_tail(s, i));

		if (n == 0 && !(s.p[i] == '.' && after_atom))
			break;
		after_atom = n > 0;
		i += n > 0 ? n : 1;
	}
	return after_atom ? i : 0;
}

/* One character inside of quotes, without its backslash; 0: none may be. */
static size_t take_quoted(struct span *s, struct span *out)
{
	size_t n = 1;

	if (s->n > 1 && s->p[0] == '\\') {
		*s = span_tail(*s, 1);
		if (s->p[0] < ' ' || s->p[0] > '~')
			return 0;
	} else if (s->n > 0 && s->p[0] >= 0x80) {
		n = utf8_len(*s);
	} else if (s->n == 0 || s->p[0] < ' ' || s->p[0] > '~' ||
		s->p[0] == '"' || s->p[0] == '\\') {
		return 0;
	}
	*out = span_head(*s, n);
	*s = span_tail(*s, n);
	return n;
}

/* The content of a Quoted-string, after its first quote, into raw. */
static bool take_quoted_string(struct span *s, struct buf *raw)
{
	while (!take_byte(s, '"')) {
		struct span c;

		if (take_quoted(s, &c) == 0)
			return false;
		buf_put(raw, c);
	}
	return true;
}

static void put_quoted(struct buf *out, struct span raw)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '"' || raw.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, raw.p[i]);
	}
	buf_putc(out, '"');
}

/* "joe" and joe are one mailbox: quotes stay only if they must, RFC 5321
 * 4.1.2. */
static bool take_local(struct span *s, struct buf *out)
{
	size_t before = buf_len(out);
	size_t n = dot_string_len(*s);
	uint8_t bytes[SMTP_PATH_MAX];
	struct span raw;

	if (!take_byte(s, '"')) {
		buf_put(out, span_head(*s, n));
		*s = span_tail(*s, n);
		return n > 0 && n <= SMTP_LOCAL_MAX;
	}
	if (!take_quoted_string(s, out))
		return false;
	raw = span_tail(buf_span(out), before);
	if (raw.n > SMTP_LOCAL_MAX)
		return false;
	for (size_t i = 0; i < raw.n; i++)
		bytes[i] = raw.p[i];
	raw = span_of(bytes, raw.n);
	buf_truncate(out, before);
	if (raw.n > 0 && dot_string_len(raw) == raw.n)
		buf_put(out, raw);
	else
		put_quoted(out, raw);
	return buf_len(out) - before <= SMTP_LOCAL_MAX;
}

/* ---- domain ---------------------------------------------------------------- */

static void put_lower(struct buf *out, struct span s)
{
	uint8_t *to = buf_reserve(out, s.n);

	if (to == NULL)
		return;
	for (size_t i = 0; i < s.n; i++)
		to[i] = ascii_lower(s.p[i]);
	buf_wrote(out, s.n);
}

/* As far as it goes; what the labels are is idn_domain_put's to say. */
static bool take_name(struct span *s, struct buf *out)
{
	size_t n = 0;

	while (n < s->n && (is_let_dig(s->p[n]) || s->p[n] == '-' ||
				   s->p[n] == '.' || s->p[n] >= 0x80))
		n++;
	if (idn_domain_put(out, span_head(*s, n)) != OK)
		return false;
	*s = span_tail(*s, n);
	return true;
}

/* Snum 3("." Snum), all of s.  RFC 5321 4.1.3 */
static bool is_ipv4(struct span s)
{
	for (int i = 0; i < 4; i++) {
		size_t dot = span_find(s, '.');
		struct span snum = span_head(s, dot);
		uint32_t value;

		if ((dot == s.n) != (i == 3) || snum.n > 3 ||
			!num_parse_u32(snum, 255, &value))
			return false;
		s = span_tail(s, dot + 1);
	}
	return true;
}

static size_t hex_len(struct span s)
{
	size_t n = 0;

	while (n < s.n &&
		(ascii_is_digit(s.p[n]) ||
			(ascii_lower(s.p[n]) >= 'a' &&
				ascii_lower(s.p[n]) <= 'f')))
		n++;
	return n;
}

/* Groups of one side of "::", the last may be an IPv4 address, which counts
 * two.  -1: it is not that. */
static int count_groups(struct span s, bool may_end_in_ipv4)
{
	int groups = 0;

	if (s.n == 0)
		return 0;
	for (;;) {
		size_t n = hex_len(s);

		if (may_end_in_ipv4 && is_ipv4(s))
			return groups + 2;
		if (n < 1 || n > 4)
			return -1;
		groups++;
		s = span_tail(s, n);
		if (s.n == 0)
			return groups;
		if (!take_byte(&s, ':') || groups > 8)
			return -1;
	}
}

/* IPv6-addr of RFC 5321 4.1.3: "::" stands for two groups or more. */
static bool is_ipv6(struct span s)
{
	size_t gap = span_find_span(s, SPAN("::"));
	int left, right;

	if (gap == s.n)
		return count_groups(s, true) == 8;
	left = count_groups(span_head(s, gap), false);
	right = count_groups(span_tail(s, gap + 2), true);
	return left >= 0 && right >= 0 && left + right <= 6;
}

/* Deliberate: a General-address-literal is refused, for no tag but IPv6 has
 * ever been registered. */
static bool take_literal(struct span *s, struct buf *out)
{
	const struct span tag = SPAN("IPv6:");
	size_t end = span_find(*s, ']');
	struct span inner = span_head(*s, end);

	if (end == s->n)
		return false;
	*s = span_tail(*s, end + 1);
	buf_putc(out, '[');
	if (span_starts_fold(inner, tag)) {
		inner = span_tail(inner, tag.n);
		buf_put(out, tag);
		if (!is_ipv6(inner))
			return false;
	} else if (!is_ipv4(inner)) {
		return false;
	}
	put_lower(out, inner);
	buf_putc(out, ']');
	return true;
}

static bool take_domain(struct span *s, struct buf *out)
{
	if (take_byte(s, '['))
		return take_literal(s, out);
	return take_name(s, out);
}

/* ---- mailbox and path --------------------------------------------------- */

/* "@a,@b:" is accepted and ignored.  RFC 5321 4.1.2, appendix C */
static bool take_route(struct span *s, struct buf *out)
{
	size_t before = buf_len(out);

	if (s->n == 0 || s->p[0] != '@')
		return true;
	do {
		if (!take_byte(s, '@') || !take_domain(s, out))
			return false;
	} while (take_byte(s, ','));
	buf_truncate(out, before);
	return take_byte(s, ':');
}

/* U-labels are UTF-8 as they came, whatever is kept of them. */
static bool take_mailbox(struct span *s, struct buf *out, bool *out_is_utf8)
{
	size_t before = buf_len(out);
	struct span all = *s;

	if (!take_local(s, out) || !take_byte(s, '@'))
		return false;
	buf_putc(out, '@');
	if (!take_domain(s, out))
		return false;
	*out_is_utf8 = !utf8_is_ascii(span_head(all, all.n - s->n));
	return buf_len(out) - before <= SMTP_PATH_MAX - 2;
}

/* A name without a domain, for the caller to add one. */
static bool take_bare(struct span *s, struct buf *out, bool *out_is_utf8)
{
	struct span all = *s, rest = *s;
	size_t before = buf_len(out);

	if (!take_local(&rest, out) || !take_byte(&rest, '>')) {
		buf_truncate(out, before);
		return false;
	}
	buf_putc(out, '@');
	*out_is_utf8 = !utf8_is_ascii(span_head(all, all.n - rest.n));
	*s = rest;
	return true;
}

static bool take_path(struct span *s, unsigned allowed, struct buf *out,
	bool *out_is_utf8)
{
	const struct span postmaster = SPAN("postmaster>");

	*out_is_utf8 = false;
	if (!take_byte(s, '<'))
		return false;
	if ((allowed & SMTP_PATH_NULL) != 0 && take_byte(s, '>'))
		return true;
	if ((allowed & SMTP_PATH_POSTMASTER) != 0 &&
		span_starts_fold(*s, postmaster)) {
		*s = span_tail(*s, postmaster.n);
		buf_put(out, span_head(postmaster, postmaster.n - 1));
		return true;
	}
	if ((allowed & SMTP_PATH_BARE) != 0 && take_bare(s, out, out_is_utf8))
		return true;
	return take_route(s, out) && take_mailbox(s, out, out_is_utf8) &&
		take_byte(s, '>');
}

enum code smtp_path_take(struct span *text, unsigned allowed, struct buf *out,
	bool *out_is_utf8)
{
	size_t before = buf_len(out);

	if (!take_path(text, allowed, out, out_is_utf8) || out->overflow) {
		buf_truncate(out, before);
		return SYNTAX;
	}
	return OK;
}

enum code smtp_mailbox_parse(struct span text, struct buf *out,
	bool *out_is_utf8)
{
	size_t before = buf_len(out);

	if (!take_mailbox(&text, out, out_is_utf8) || text.n > 0 ||
		out->overflow) {
		buf_truncate(out, before);
		return SYNTAX;
	}
	return OK;
}

bool smtp_domain_is_valid(struct span domain)
{
	struct buf scratch;
	bool is_valid;

	buf_init(&scratch, SMTP_PATH_MAX);
	is_valid = domain.n <= SMTP_DOMAIN_MAX &&
		take_domain(&domain, &scratch) && domain.n == 0;
	buf_clear(&scratch);
	return is_valid;
}

/* ---- addresses of hosts -------------------------------------------------- */

static unsigned group_of(struct span address, size_t i)
{
	return (unsigned)(address.p[2 * i] << 8 | address.p[2 * i + 1]);
}

/* The longest run of two or more zero groups, which "::" will stand for;
 * *out_count 0: none. */
static size_t find_gap(struct span address, size_t *out_count)
{
	size_t best = 0;

	*out_count = 0;
	for (size_t i = 0; i < 8; i++) {
		size_t n = 0;

		while (i + n < 8 && group_of(address, i + n) == 0)
			n++;
		if (n > 1 && n > *out_count) {
			*out_count = n;
			best = i;
		}
	}
	return best;
}

static void put_ipv6(struct buf *out, struct span address)
{
	size_t gap_count;
	size_t gap = find_gap(address, &gap_count);

	for (size_t i = 0; i < 8; i++) {
		if (gap_count > 0 && i == gap) {
			buf_puts(out, "::");
			i += gap_count - 1;
			continue;
		}
		if (i > 0 && !(gap_count > 0 && i == gap + gap_count))
			buf_putc(out, ':');
		buf_printf(out, "%x", group_of(address, i));
	}
}

void smtp_literal_put(struct buf *out, struct span address)
{
	if (address.n == 4) {
		buf_printf(out, "[%u.%u.%u.%u]", address.p[0], address.p[1],
			address.p[2], address.p[3]);
	} else if (address.n == 16) {
		buf_puts(out, "[IPv6:");
		put_ipv6(out, address);
		buf_putc(out, ']');
	} else {
		buf_puts(out, "[unknown]");
	}
}

struct span smtp_address_detail(struct span address)
{
	struct span local = span_head(address, span_find_last(address, '@'));

	if (local.n == 0 || local.p[0] == '"')
		return SPAN_EMPTY;
	return span_tail(local, span_find(local, '+') + 1);
}
