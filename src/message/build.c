/*
 * build.c - a message made from its pieces.  See build.h.
 *
 * The boundary begins with "=_".  Neither base64 nor quoted-printable can
 * produce these two characters in a row, and a text that holds them is sent
 * as quoted-printable: so no part can hold a line that ends it.
 */
#include "message/build.h"

#include "base/time.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/qp.h"
#include "message/mime_type.h"
#include "message/param.h"
#include "message/words.h"

#include "base/banned.h"

/* RFC 5322 2.1.1 */
#define LINE_MAX_CHARS 998

static bool is_address(struct span s)
{
	size_t at = span_find_last(s, '@');

	if (at == 0 || at + 1 >= s.n || !utf8_is_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '<' ||
			s.p[i] == '>' || s.p[i] == ',')
			return false;
	return true;
}

bool message_address_parse(struct span text, struct message_address *out)
{
	struct span rest = span_trim(text);
	struct span name = span_cut(&rest, '<');

	*out = (struct message_address){SPAN_EMPTY, name};
	if (rest.p != NULL && rest.n > 0) {
		if (rest.p[rest.n - 1] != '>')
			return false;
		out->name = span_trim(name);
		out->address = span_head(rest, rest.n - 1);
	}
	if (out->name.n >= 2 && out->name.p[0] == '"' &&
		out->name.p[out->name.n - 1] == '"')
		out->name = span_head(span_tail(out->name, 1),
			out->name.n - 2);
	return is_address(out->address);
}

void message_put_id(const struct message_draft *d, struct buf *out)
{
	buf_putc(out, '<');
	hex_put(out, span_of(d->random, sizeof(d->random)));
	buf_putc(out, '@');
	buf_put(out, d->host);
	buf_putc(out, '>');
}

static void put_boundary(const struct message_draft *d, struct buf *out)
{
	buf_puts(out, "=_");
	hex_put(out, span_of(d->random, sizeof(d->random)));
}

static void put_address(struct buf *out, const struct message_address *a,
	size_t *column)
{
	if (a->name.n == 0) {
		buf_put(out, a->address);
		*column += a->address.n;
		return;
	}
	words_put_phrase(out, a->name, column);
	if (*column + a->address.n + 3 > WORDS_LINE) {
		buf_puts(out, "\r\n");
		*column = 0;
	}
	buf_puts(out, " <");
	buf_put(out, a->address);
	buf_puts(out, ">");
	*column += a->address.n + 3;
}

static void put_addresses(struct buf *out, const struct message_address *list,
	size_t count)
{
	size_t column = 4;

	for (size_t i = 0; i < count; i++) {
		if (i > 0) {
			/* an address a line: readable, and never too long */
			buf_puts(out, ",\r\n\t");
			column = 8;
		}
		put_address(out, &list[i], &column);
	}
	buf_puts(out, "\r\n");
}

static void put_head(const struct message_draft *d, struct buf *out)
{
	size_t column = sizeof("Subject: ") - 1;

	buf_puts(out, "From: ");
	put_addresses(out, &d->from, 1);
	if (d->to_count > 0) {
		buf_puts(out, "To: ");
		put_addresses(out, d->to, d->to_count);
	}
	buf_puts(out, "Subject: ");
	words_put_text(out, d->subject, &column);
	buf_puts(out, "\r\nDate: ");
	time_put_rfc5322(out, d->now_ms);
	buf_puts(out, "\r\nMessage-ID: ");
	message_put_id(d, out);
	buf_puts(out, "\r\nMIME-Version: 1.0\r\n");
}

/* Every line end, CRLF, LF or CR, becomes CRLF; the last line has one. */
static void put_lines(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\r' && text.p[i] != '\n') {
			buf_putc(out, text.p[i]);
			continue;
		}
		if (text.p[i] == '\r' && i + 1 < text.n &&
			text.p[i + 1] == '\n')
			i++;
		buf_puts(out, "\r\n");
	}
	if (text.n > 0 && !span_ends(buf_span(out), SPAN("\r\n")))
		buf_puts(out, "\r\n");
}

/* May it go as it is?  RFC 2045 2.7 */
static bool is_7bit(struct span text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.n; i++) {
		column = text.p[i] == '\n' ? 0 : column + 1;
		if (text.p[i] == 0 || text.p[i] >= 0x80 ||
			column > LINE_MAX_CHARS)
			return false;
	}
	return span_find_span(text, SPAN("=_")) == text.n;
}

static void put_text_part(struct span text, struct buf *out)
{
	struct buf lines;
	struct qp_encoder e;
	size_t room;

	/* each byte may become two, and a CRLF is added */
	room = text.n * 2 + 2;
	buf_init(&lines, room);
	put_lines(&lines, text);
	buf_puts(out, "Content-Type: text/plain; charset=utf-8\r\n"
		      "Content-Transfer-Encoding: ");
	if (is_7bit(buf_span(&lines))) {
		buf_puts(out, "7bit\r\n\r\n");
		buf_put(out, buf_span(&lines));
	} else {
		buf_puts(out, "quoted-printable\r\n\r\n");
		qp_encode_init(&e);
		qp_encode_feed(&e, buf_span(&lines), out);
		qp_encode_end(&e, out);
	}
	buf_clear(&lines);
}

/* Control characters do not travel in file names. */
static void put_name(struct buf *out, struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		buf_putc(out, name.p[i] < ' ' || name.p[i] == 0x7f
				? '_'
				: name.p[i]);
}

static void put_file_part(const struct message_file *file, struct buf *out)
{
	struct base64_encoder e;
	struct buf name;

	buf_init(&name, file->name.n + 1);
	put_name(&name, file->name);
	buf_puts(out, "Content-Type: ");
	buf_puts(out, mime_type_of_name(file->name));
	param_put(out, "name", buf_span(&name));
	buf_puts(out, "\r\nContent-Disposition: attachment");
	param_put(out, "filename", buf_span(&name));
	buf_puts(out, "\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	base64_encode_init(&e, BASE64_MAIL_LINE);
	base64_encode_feed(&e, file->content, out);
	base64_encode_end(&e, out);
	buf_clear(&name);
}

static void put_delimiter(const struct message_draft *d, const char *end,
	struct buf *out)
{
	buf_puts(out, "\r\n--");
	put_boundary(d, out);
	buf_puts(out, end);
	buf_puts(out, "\r\n");
}

static void put_multipart(const struct message_draft *d, struct buf *out)
{
	buf_puts(out, "Content-Type: multipart/mixed;\r\n\tboundary=\"");
	put_boundary(d, out);
	buf_puts(out, "\"\r\n");
	put_delimiter(d, "", out);
	put_text_part(d->text, out);
	for (size_t i = 0; i < d->file_count; i++) {
		put_delimiter(d, "", out);
		put_file_part(&d->files[i], out);
	}
	put_delimiter(d, "--", out);
}

static enum code check_draft(const struct message_draft *d, struct err *e)
{
	if (!is_address(d->from.address))
		return err_set(e, SYNTAX, "the sender is not an address");
	for (size_t i = 0; i < d->to_count; i++)
		if (!is_address(d->to[i].address))
			return err_set(e, SYNTAX,
				"recipient %zu is not an address", i + 1);
	if (!utf8_is_valid(d->text))
		return err_set(e, SYNTAX, "the text is not UTF-8");
	if (!utf8_is_valid(d->subject))
		return err_set(e, SYNTAX, "the subject is not UTF-8");
	return OK;
}

enum code message_build(const struct message_draft *d, struct buf *out,
	struct err *e)
{
	enum code code = check_draft(d, e);

	if (code != OK)
		return code;
	put_head(d, out);
	if (d->file_count > 0)
		put_multipart(d, out);
	else
		put_text_part(d->text, out);
	if (out->overflow)
		return err_set(e, LIMIT, "the message is larger than %zu bytes",
			out->max);
	return OK;
}
