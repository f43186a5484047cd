/*
 * compose_body.c - how a content travels, and its way into the message.  See
 * compose_int.h.
 *
 * A text is looked at once, line by line: what each encoding would cost, and
 * whether one is needed at all.  It is never copied as a whole: the lines go
 * to the encoder one by one.
 */
#include "message/compose_int.h"

#include <string.h>

#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/qp.h"
#include "message/flowed.h"

#include "base/banned.h"

struct shape {
	size_t bytes;    /* with line ends as CRLF */
	size_t high;     /* above 127 */
	size_t controls; /* that quoted-printable has to encode, and "=" */
	size_t longest;  /* line */
	bool has_nul;
};

/* Cuts a line off *rest, which is not empty: ended by CRLF, LF, CR or the end
 * of the text. */
static struct span cut_line(struct span *rest)
{
	const uint8_t *cr, *lf = memchr(rest->p, '\n', rest->n);
	size_t n = lf == NULL ? rest->n : (size_t)(lf - rest->p);
	struct span line;

	cr = memchr(rest->p, '\r', n);
	n = cr == NULL ? n : (size_t)(cr - rest->p);
	line = span_head(*rest, n);
	*rest = span_tail(*rest, n);
	*rest = span_tail(*rest, span_starts(*rest, SPAN("\r\n")) ? 2 : 1);
	return line;
}

static void look_at_line(struct shape *s, struct span line)
{
	s->bytes += line.n + 2;
	s->longest = line.n > s->longest ? line.n : s->longest;
	for (size_t i = 0; i < line.n; i++) {
		uint8_t c = line.p[i];

		s->high += c >= 0x80;
		s->controls += (c < ' ' && c != '\t') || c == 0x7f || c == '=';
		s->has_nul |= c == 0;
	}
}

enum compose_way compose_way_of_text(struct span text, bool allows_8bit)
{
	struct shape s = {0};
	size_t qp, base64;

	while (text.n > 0)
		look_at_line(&s, cut_line(&text));
	if (!s.has_nul && s.longest <= COMPOSE_LINE_MAX) {
		if (s.high == 0)
			return WAY_7BIT;
		if (allows_8bit)
			return WAY_8BIT;
	}
	/* a soft line break costs 3 characters every 73; base64 has a CRLF
	 * every 76 */
	qp = s.bytes + 2 * (s.high + s.controls);
	qp += qp / 73 * 3;
	base64 = base64_encoded_len(s.bytes);
	base64 += base64 / BASE64_MAIL_LINE * 2;
	/* what can be read as it is may be a little longer */
	return qp <= base64 + base64 / 4 ? WAY_QP : WAY_BASE64;
}

/* Lines end with CRLF, and neither CR nor LF stands alone: memchr finds the
 * ends, so this is as fast as memory for most content. */
enum compose_way compose_way_of_raw(struct span bytes)
{
	enum compose_way way = utf8_is_ascii(bytes) ? WAY_7BIT : WAY_8BIT;

	if (bytes.n > 0 && memchr(bytes.p, 0, bytes.n) != NULL)
		return WAY_BINARY;
	while (bytes.n > 0) {
		size_t n = span_find(bytes, '\n');
		struct span line = span_head(bytes, n);

		if (n < bytes.n && (n == 0 || line.p[n - 1] != '\r'))
			return WAY_BINARY;
		line.n -= n < bytes.n;
		if (line.n > COMPOSE_LINE_MAX ||
			span_find(line, '\r') < line.n)
			return WAY_BINARY;
		bytes = span_tail(bytes, n + 1);
	}
	return way;
}

const char *compose_way_name(enum compose_way way)
{
	static const char *const names[] = {
		[WAY_7BIT] = "7bit",
		[WAY_8BIT] = "8bit",
		[WAY_BINARY] = "binary",
		[WAY_QP] = "quoted-printable",
		[WAY_BASE64] = "base64",
	};

	return names[way];
}

static void put_qp(struct buf *out, struct span text)
{
	struct qp_encoder e;

	qp_encode_init(&e);
	while (text.n > 0) {
		qp_encode_feed(&e, cut_line(&text), out);
		qp_encode_feed(&e, SPAN("\r\n"), out);
	}
	qp_encode_end(&e, out);
}

static void put_base64(struct buf *out, struct span text)
{
	struct base64_encoder e;

	base64_encode_init(&e, BASE64_MAIL_LINE);
	while (text.n > 0) {
		base64_encode_feed(&e, cut_line(&text), out);
		base64_encode_feed(&e, SPAN("\r\n"), out);
	}
	base64_encode_end(&e, out);
	buf_puts(out, "\r\n");
}

void compose_text_put(struct buf *out, struct span text, enum compose_way way)
{
	if (way == WAY_QP) {
		put_qp(out, text);
	} else if (way == WAY_BASE64) {
		put_base64(out, text);
	} else {
		while (text.n > 0 && !out->overflow) {
			buf_put(out, cut_line(&text));
			buf_puts(out, "\r\n");
		}
	}
}

void compose_file_put(struct buf *out, struct span bytes)
{
	struct base64_encoder e;

	base64_encode_init(&e, BASE64_MAIL_LINE);
	base64_encode_feed(&e, bytes, out);
	base64_encode_end(&e, out);
	buf_puts(out, "\r\n");
}

/* RFC 3676 4.5: marks, and one space behind them that is for the eye. */
void compose_flowed_put(struct buf *out, struct span text)
{
	static const struct flowed_style style = {.width = FLOWED_WIDTH};

	while (text.n > 0) {
		struct span line = cut_line(&text);
		size_t depth = 0;

		while (depth < line.n && depth < FLOWED_DEPTH_MAX &&
			line.p[depth] == '>')
			depth++;
		line = span_tail(line, depth);
		if (depth > 0 && span_starts(line, SPAN(" ")))
			line = span_tail(line, 1);
		flowed_put(out, &style, depth, line);
	}
}
