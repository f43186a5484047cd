/*
 * smtp_dsn.c - parameters of delivery status notifications.  See smtp_dsn.h.
 */
#include "smtp/smtp_dsn.h"

#include "base/utf8.h"

#include "base/banned.h"

struct word {
	const char *word;
	uint8_t value;
};

static const struct word rets[] = {
	{"FULL", SMTP_RET_FULL},
	{"HDRS", SMTP_RET_HDRS},
};

static const struct word notifies[] = {
	{"NEVER", SMTP_NOTIFY_NEVER},
	{"SUCCESS", SMTP_NOTIFY_SUCCESS},
	{"FAILURE", SMTP_NOTIFY_FAILURE},
	{"DELAY", SMTP_NOTIFY_DELAY},
};
#define COUNT(rows) (sizeof(rows) / sizeof(rows[0]))

static uint8_t find(const struct word *rows, size_t count, struct span word)
{
	for (size_t i = 0; i < count; i++)
		if (span_eq_fold(word, span_str(rows[i].word)))
			return rows[i].value;
	return 0;
}

bool smtp_dsn_take_ret(struct span value, uint8_t *out)
{
	*out = find(rets, COUNT(rets), value);
	return *out != 0;
}

bool smtp_dsn_take_notify(struct span value, uint8_t *out)
{
	uint8_t all = 0;
	bool has_more;

	do {
		size_t comma = span_find(value, ',');
		uint8_t one = find(notifies, COUNT(notifies),
			span_head(value, comma));

		/* NEVER stands alone: RFC 3461 4.1 */
		if (one == 0 || (all != 0 && (one | all) & SMTP_NOTIFY_NEVER))
			return false;
		all |= one;
		has_more = comma < value.n;
		value = span_tail(value, comma + 1);
	} while (has_more);
	*out = all;
	return true;
}

void smtp_dsn_put_ret(struct buf *out, uint8_t ret)
{
	for (size_t i = 0; i < COUNT(rets); i++)
		if (ret == rets[i].value)
			buf_printf(out, " RET=%s", rets[i].word);
}

void smtp_dsn_put_notify(struct buf *out, uint8_t notify)
{
	const char *before = " NOTIFY=";

	for (size_t i = 0; i < COUNT(notifies); i++) {
		if (!(notify & notifies[i].value))
			continue;
		buf_puts(out, before);
		buf_puts(out, notifies[i].word);
		before = ",";
	}
}

/* ---- xtext -------------------------------------------------------------------- */
static bool read_hex(uint8_t c, uint8_t *out)
{
	if (!ascii_is_digit(c) && (c < 'A' || c > 'F'))
		return false;
	*out = (uint8_t)(c <= '9' ? c - '0' : c - 'A' + 10);
	return true;
}

bool smtp_dsn_decode(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		uint8_t high, low;

		if (c < '!' || c > '~' || c == '=')
			return false;
		if (c == '+') {
			if (text.n - i < 3 || !read_hex(text.p[i + 1], &high) ||
				!read_hex(text.p[i + 2], &low))
				return false;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		buf_putc(out, c);
	}
	return true;
}

/* What is not ASCII is "\x{HEX}", utf-8-addr-xtext of RFC 6533 3, which may stand
 * in a session without SMTPUTF8. */
static void put_escaped(struct buf *out, struct span *left)
{
	size_t n = utf8_char_len(*left);
	uint32_t point = left->p[0];

	if (n > 1)
		point &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++)
		point = point << 6 | (left->p[i] & 0x3f);
	*left = span_tail(*left, n > 0 ? n : 1);
	buf_printf(out, "\\x{%02X}", point);
}

void smtp_dsn_put_orcpt(struct buf *out, struct span address)
{
	bool is_ascii = utf8_is_ascii(address);

	buf_puts(out, is_ascii ? "rfc822;" : "utf-8;");
	while (address.n > 0) {
		uint8_t c = address.p[0];

		if (c >= 0x80) {
			put_escaped(out, &address);
			continue;
		}
		if (c <= ' ' || c > '~' || c == '+' || c == '=' ||
			(c == '\\' && !is_ascii))
			buf_printf(out, is_ascii ? "+%02X" : "\\x{%X}", c);
		else
			buf_putc(out, c);
		address = span_tail(address, 1);
	}
}

static bool is_quoted(uint8_t c)
{
	return c <= ' ' || c > '~' || c == '+' || c == '=';
}

void smtp_dsn_put_7bit(struct buf *out, struct span address)
{
	while (address.n > 0) {
		bool is_open = address.p[0] == '\\' &&
			!span_starts(address, SPAN("\\x{"));

		if (is_quoted(address.p[0]) || is_open) {
			put_escaped(out, &address);
			continue;
		}
		buf_putc(out, address.p[0]);
		address = span_tail(address, 1);
	}
}

/* "\x{1F345}" off the front; 0: it is none.  RFC 6533 3, EmbeddedUnicodeChar */
static uint32_t take_escaped(struct span *left)
{
	struct span rest = span_tail(*left, 3);
	struct span digits = span_cut(&rest, '}');
	uint32_t point = 0;
	uint8_t digit;

	if (digits.n < 2 || digits.n > 6 || digits.n + 3 >= left->n)
		return 0;
	for (size_t i = 0; i < digits.n; i++) {
		if (!read_hex(digits.p[i], &digit))
			return 0;
		point = point << 4 | digit;
	}
	*left = rest;
	return point;
}

static bool put_point(struct buf *out, uint32_t point)
{
	if (point < ' ' || point == 0x7f || point > 0x10ffff ||
		(point >= 0xd800 && point < 0xe000))
		return false;
	if (point < 0x80) {
		buf_putc(out, (uint8_t)point);
		return true;
	}
	if (point >= 0x10000) {
		buf_putc(out, (uint8_t)(0xf0 | point >> 18));
		buf_putc(out, (uint8_t)(0x80 | (point >> 12 & 0x3f)));
	} else if (point >= 0x800) {
		buf_putc(out, (uint8_t)(0xe0 | point >> 12));
	}
	if (point >= 0x800)
		buf_putc(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
	else
		buf_putc(out, (uint8_t)(0xc0 | point >> 6));
	buf_putc(out, (uint8_t)(0x80 | (point & 0x3f)));
	return true;
}

bool smtp_dsn_decode_utf8(struct span address, struct buf *out)
{
	while (address.n > 0) {
		if (span_starts(address, SPAN("\\x{"))) {
			if (!put_point(out, take_escaped(&address)))
				return false;
			continue;
		}
		buf_putc(out, address.p[0]);
		address = span_tail(address, 1);
	}
	return true;
}

/* Is it xtext for what can be seen?  Line ends and other control bytes would go
 * into the fields of a notice. */
static bool is_visible(struct span xtext)
{
	struct buf text;
	bool is_good;

	buf_init(&text, SMTP_ORCPT_MAX);
	is_good = smtp_dsn_decode(xtext, &text) && !text.overflow;
	for (size_t i = 0; i < buf_len(&text); i++)
		if (text.p[text.start + i] < ' ' ||
			text.p[text.start + i] > '~')
			is_good = false;
	buf_clear(&text);
	return is_good;
}

bool smtp_dsn_take_envid(struct span value, struct span *out)
{
	*out = value;
	return value.n > 0 && value.n <= SMTP_ENVID_MAX && is_visible(value);
}

static bool is_atom(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!ascii_is_alpha(text.p[i]) && !ascii_is_digit(text.p[i]) &&
			text.p[i] != '-')
			return false;
	return text.n > 0;
}

/* An address in UTF-8 as it is: RFC 6533 3, utf-8-address. */
static bool is_utf8_address(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] == 0x7f)
			return false;
	return utf8_is_valid(text);
}

bool smtp_dsn_take_orcpt(struct span value, bool may_utf8, struct span *out)
{
	struct span address = value;
	struct span type = span_cut(&address, ';');

	*out = value;
	if (value.n > SMTP_ORCPT_MAX || address.n == 0 || !is_atom(type))
		return false;
	if (may_utf8 && span_eq_fold(type, SPAN("utf-8")) &&
		!utf8_is_ascii(address))
		return is_utf8_address(address);
	return is_visible(address);
}
