/*
 * downgrade_look.c - what is in the runs of a message, and what is to be done
 * about it.  See downgrade_int.h.
 *
 * Looking is one pass over all bytes: the ends of lines by memchr, and two sums
 * of eight bytes at a time.  What makes a conversion impossible wherever
 * it stands is noted at once; the rest is decided from the last part to the
 * first, because a multipart says 8bit when one of its parts does.
 */
#include <string.h>

#include "base/utf8.h"
#include "codec/base64.h"
#include "message/downgrade_int.h"

#include "base/banned.h"

/* RFC 5322 2.1.1, without the CRLF */
#define LINE_MAX_BYTES 998

static const char signed_text[] = "a signed or encrypted part has 8-bit text";
static const char head_text[] = "a header field has 8-bit text";
static const char deep_text[] = "the message is nested too deep";
static const char type_text[] = "a part of a type that allows no encoding has "
	"8-bit text";

/* ---- looking -------------------------------------------------------------- */
/* Eight bytes at once: a one in the top bit of each that is meant. */
#define EACH(byte)    (UINT64_C(0x0101010101010101) * (byte))
#define COUNT(marks)  ((((marks) >> 7) * EACH(1)) >> 56)
#define IS_BELOW_TAB(w) \
	(~(((w) & EACH(0x7f)) + EACH(0x80 - '\t')) & ~(w) & EACH(0x80))
#define IS_ZERO(w) (~((((w) & EACH(0x7f)) + EACH(0x7f)) | (w)) & EACH(0x80))

static void count_word(struct finds *f, uint64_t word)
{
	uint64_t high = word & EACH(0x80);
	uint64_t controls = IS_BELOW_TAB(word) | IS_ZERO(word ^ EACH('='));

	f->high += COUNT(high);
	f->controls += COUNT(controls);
}

/* Quoted-printable writes "=" and control characters as three. */
static void count_bytes(struct finds *f, struct span s)
{
	struct finds sum = {0};
	uint64_t word;
	size_t i = 0;

	for (; s.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		count_word(&sum, word);
	}
	for (; i < s.n; i++)
		count_word(&sum, s.p[i] | EACH(' ') << 8);
	f->bytes += s.n;
	f->high += sum.high;
	f->controls += sum.controls;
	if (s.n > 0 && memchr(s.p, 0, s.n) != NULL)
		f->has_nul = true;
}

static void count_lines(struct downgrade *d, struct finds *f, struct span s)
{
	while (s.n > 0) {
		size_t n, cr;

		if (d->is_after_cr) {
			d->is_after_cr = false;
			if (s.p[0] == '\n') {
				d->line = 0;
				s = span_tail(s, 1);
				continue;
			}
			f->has_bare = true;
		}
		n = span_find(s, '\n');
		cr = span_find(span_head(s, n), '\r');
		d->line += cr;
		f->has_long |= d->line > LINE_MAX_BYTES;
		d->is_after_cr = cr < n;
		if (cr == n && n < s.n) {
			f->has_bare = true;
			d->line = 0;
		}
		s = span_tail(s, cr + 1);
	}
}

static void look_in(struct downgrade *d, struct finds *f, struct span s,
	bool is_done)
{
	count_bytes(f, s);
	count_lines(d, f, s);
	if (!is_done)
		return;
	f->has_bare |= d->is_after_cr;
	d->is_after_cr = false;
	d->line = 0;
}

static void note(struct downgrade *d, const char *trouble)
{
	if (d->trouble == NULL)
		d->trouble = trouble;
}

static void look_at_gap(struct downgrade *d, const struct piece *p,
	const struct finds *f)
{
	d->has_bare |= f->has_bare;
	if (!f->has_nul && (f->high == 0 || d->allows_8bit))
		return;
	if (p->is_sealed)
		note(d, signed_text);
	else if (p->is_opaque)
		note(d, deep_text);
}

/* Is the head such that it can be written in ASCII? */
static void look_at_head(struct downgrade *d, struct piece *p,
	const struct finds *f)
{
	struct buf ascii;
	bool is_good = false;

	d->has_bare |= f->has_bare;
	p->is_head_large = d->head.overflow;
	p->has_head_high = f->high > 0;
	if (f->has_nul)
		note(d, "a header field has a NUL");
	if (f->high == 0 || d->allows_8bit || p->is_head_large)
		return;
	if (p->is_inside_seal) {
		note(d, signed_text);
		return;
	}
	buf_init(&ascii, DOWNGRADE_HEAD_BYTES);
	downgrade_head_put(p, buf_span(&d->head), &ascii, &is_good);
	if (!is_good || ascii.overflow)
		note(d, head_text);
	buf_clear(&ascii);
}

static void look_at_run(struct downgrade *d, const struct run *r,
	struct span cut, bool is_done)
{
	struct piece *p = &d->pieces[r->part];
	struct finds *f = r->kind == RUN_BODY ? &p->body : &d->finds;

	if (!d->is_begun) {
		d->finds = (struct finds){0};
		buf_reset(&d->head);
	}
	if (r->kind == RUN_HEAD)
		buf_put(&d->head, cut);
	look_in(d, f, cut, is_done);
	if (r->kind == RUN_HEAD && is_done)
		look_at_head(d, p, f);
	else if (r->kind == RUN_GAP)
		look_at_gap(d, p, f);
}

void downgrade_look(struct downgrade *d, struct span bytes)
{
	while (bytes.n > 0) {
		struct span cut;
		bool is_done;
		const struct run *r = downgrade_cut(d, &bytes, &cut, &is_done);

		look_at_run(d, r, cut, is_done);
		d->is_begun = !is_done;
	}
}

/* ---- deciding --------------------------------------------------------------- */
/* Bytes that the way would not carry; a long line is a wish only. */
static bool is_broken(const struct downgrade *d, const struct finds *f)
{
	return f->has_nul || f->has_bare || (f->high > 0 && !d->allows_8bit);
}

/* As compose_body.c counts and chooses; but content that is no text is not
 * given to gateways that might touch its lines. */
static enum transfer_coding choose(const struct piece *p)
{
	const struct finds *f = &p->body;
	uint64_t qp = f->bytes + 2 * (f->high + f->controls);
	uint64_t base64 = (f->bytes + 2) / 3 * 4;

	qp += qp / 73 * 3;
	base64 += base64 / BASE64_MAIL_LINE * 2;
	return p->is_text && qp <= base64 + base64 / 4 ? TRANSFER_QP : TRANSFER_BASE64;
}

static void decide_body(struct downgrade *d, struct piece *p)
{
	const struct finds *f = &p->body;
	bool is_bad = is_broken(d, f);
	bool is_free = !p->is_inside_seal && !p->is_fixed &&
		p->encoding != MIME_UNKNOWN;

	if (!is_free || (!is_bad && !f->has_long)) {
		p->is_8bit = f->high > 0;
		if (is_bad)
			note(d, p->is_inside_seal ? signed_text : type_text);
		return;
	}
	p->is_encoded = true;
	p->coding = choose(p);
	if (p->encoding == MIME_QP || p->encoding == MIME_BASE64) {
		/* damaged on its way here: the same encoding, made well */
		p->coding = p->encoding == MIME_QP ? TRANSFER_QP
						   : TRANSFER_BASE64;
		return;
	}
	p->label = p->coding == TRANSFER_QP ? "quoted-printable" : "base64";
	p->needs_version = p->is_message;
}

/* RFC 2045 6.2: the label of what goes as it is has to be true. */
static void decide_label(struct piece *p)
{
	bool is_8bit = p->encoding == MIME_8BIT;

	if (p->is_inside_seal || p->is_encoded || !p->has_body)
		return;
	if (!is_8bit && p->encoding != MIME_BINARY)
		return;
	if (!is_8bit || !p->is_8bit)
		p->label = p->is_8bit ? "8bit" : "7bit";
}

enum code downgrade_decide(struct downgrade *d, struct err *e)
{
	for (size_t i = d->count; i-- > 0;) {
		struct piece *p = &d->pieces[i];

		if (p->kind == MIME_LEAF)
			decide_body(d, p);
		decide_label(p);
		p->is_head_made = p->label != NULL ||
			(p->has_head_high && !d->allows_8bit);
		if (p->is_head_made && p->is_head_large)
			note(d, "the head of a part is too large");
		if (p->is_8bit && p->parent != MIME_NONE)
			d->pieces[p->parent].is_8bit = true;
	}
	downgrade_rewind(d);
	if (d->trouble != NULL)
		return err_set(e, DENIED, "%s", d->trouble);
	if (d->has_bare)
		return err_set(e, SYNTAX, "a CR or LF stands alone");
	return OK;
}
