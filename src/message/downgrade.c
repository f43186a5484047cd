/*
 * downgrade.c - a message made fit for a way that does not carry all bytes.
 * See downgrade.h; what is to be done is decided in downgrade_look.c.
 *
 * The tree becomes a list of runs with an end each, so that looking and feeding
 * are one walk: cut the bytes at the ends of runs, and do for each kind of run
 * what has to be done.  Only the head of a part that changes is gathered;
 * everything else passes through.
 */
#include "message/downgrade.h"

#include "message/downgrade_int.h"

#include "base/banned.h"

/* Of a body that is encoded: bounds what lies between decoder and encoder. */
#define SLICE_BYTES 8192

/* ---- runs ----------------------------------------------------------------- */
static void add_run(struct downgrade *d, uint64_t end, uint32_t part,
	enum run_kind kind)
{
	uint64_t before =
		d->run_count == 0 ? 0 : d->runs[d->run_count - 1].end;

	/* an empty head stays: a field may have to be written there */
	if (end > before || kind == RUN_HEAD)
		d->runs[d->run_count++] = (struct run){
			end > before ? end : before, part, kind};
}

static bool is_one_of(const struct mime_part *part, const char *type,
	const char *const *subtypes)
{
	for (; *subtypes != NULL; subtypes++)
		if (mime_is_type(part, span_str(type), span_str(*subtypes)))
			return true;
	return false;
}

/* message/global may travel in an encoding as a whole: RFC 6532 3.7, RFC 6533
 * 4 to 6. */
static bool is_global(const struct mime_part *part)
{
	static const char *const subtypes[] = {"global", "global-headers",
		"global-delivery-status", "global-disposition-notification",
		NULL};

	return is_one_of(part, "message", subtypes);
}

/* RFC 2045 6.4, RFC 2046 5.2: 7bit, 8bit or binary only. */
static bool is_fixed(const struct mime_part *part)
{
	static const char *const subtypes[] = {"rfc822", "partial",
		"external-body", NULL};

	return span_eq_fold(part->type, SPAN("multipart")) ||
		is_one_of(part, "message", subtypes);
}

static bool is_seal(const struct mime_part *part)
{
	static const char *const subtypes[] = {"signed", "encrypted", NULL};

	return is_one_of(part, "multipart", subtypes);
}

static void add_piece(struct downgrade *d, const struct mime_tree *t,
	uint32_t i)
{
	const struct mime_part *part = &t->parts[i];
	const struct piece *parent =
		part->parent == MIME_NONE ? NULL : &d->pieces[part->parent];
	struct piece *p = &d->pieces[i];

	p->parent = part->parent;
	p->kind = is_global(part) ? MIME_LEAF : part->kind;
	p->encoding = part->encoding;
	p->is_inside_seal = parent != NULL && parent->is_sealed;
	p->is_sealed = p->is_inside_seal || is_seal(part);
	p->is_fixed = is_fixed(part);
	p->is_text = span_eq_fold(part->type, SPAN("text")) ||
		span_eq_fold(part->type, SPAN("message"));
	p->is_opaque = part->is_cut || part->end == i + 1;
	p->is_message = parent == NULL || parent->kind == MIME_MESSAGE;
	p->has_body = part->body_end > part->body_start;
}

/* Adds the gaps behind part i, at the end of all that end with it. */
static void close_parts(struct downgrade *d, const struct mime_tree *t,
	uint32_t i)
{
	uint32_t end = t->parts[i].end;

	for (uint32_t up = i; up != MIME_NONE && t->parts[up].end == end;
		up = t->parts[up].parent)
		add_run(d, t->parts[up].body_end, up, RUN_GAP);
}

struct downgrade *downgrade_new(struct arena *a, const struct mime_tree *t,
	bool allows_8bit)
{
	struct downgrade *d = ARENA_NEW(a, struct downgrade);
	uint32_t i = 0;

	d->count = t->count;
	d->pieces = arena_alloc(a, t->count, sizeof(*d->pieces));
	/* a head, a body, a gap before it and one at its end */
	d->runs = arena_alloc(a, (size_t)t->count * 4 + 1, sizeof(*d->runs));
	d->allows_8bit = allows_8bit;
	buf_init(&d->head, MESSAGE_HEAD_MAX);
	buf_init(&d->plain, SLICE_BYTES * 2);
	while (i < t->count) {
		const struct mime_part *part = &t->parts[i];

		add_piece(d, t, i);
		if (part->parent != MIME_NONE)
			add_run(d, part->head_start, part->parent, RUN_GAP);
		add_run(d, part->body_start, i, RUN_HEAD);
		if (d->pieces[i].kind != MIME_LEAF) {
			if (part->end == i + 1)
				close_parts(d, t, i);
			i++;
			continue;
		}
		add_run(d, part->body_end, i, RUN_BODY);
		close_parts(d, t, i);
		i = part->end; /* what is in message/global stays unseen */
	}
	add_run(d, UINT64_MAX, 0, RUN_GAP);
	return d;
}

void downgrade_clear(struct downgrade *d)
{
	if (d == NULL)
		return;
	buf_clear(&d->head);
	buf_clear(&d->plain);
}

const struct run *downgrade_cut(struct downgrade *d, struct span *bytes,
	struct span *out, bool *out_is_done)
{
	const struct run *r = &d->runs[d->at];
	uint64_t left = r->end - d->offset;
	size_t n = left < bytes->n ? (size_t)left : bytes->n;

	*out = span_head(*bytes, n);
	*bytes = span_tail(*bytes, n);
	d->offset += n;
	*out_is_done = d->offset == r->end;
	d->at += *out_is_done;
	return r;
}

void downgrade_rewind(struct downgrade *d)
{
	d->at = 0;
	d->offset = 0;
	d->is_begun = false;
	d->last = 0;
	buf_reset(&d->head);
	buf_reset(&d->plain);
}

/* ---- through -------------------------------------------------------------- */
static void feed_head(struct downgrade *d, const struct piece *p,
	struct span bytes, bool is_done, struct buf *out)
{
	bool is_good;

	if (!p->is_head_made) {
		buf_put(out, bytes);
		return;
	}
	buf_put(&d->head, bytes);
	if (!is_done)
		return;
	downgrade_head_put(p, buf_span(&d->head), out, &is_good);
	buf_reset(&d->head);
}

static void feed_coders(struct downgrade *d, struct span bytes,
	struct buf *out)
{
	while (bytes.n > 0) {
		transfer_decode_feed(&d->decoder, span_head(bytes, SLICE_BYTES),
			&d->plain);
		transfer_encode_feed(&d->encoder, buf_span(&d->plain), out);
		buf_reset(&d->plain);
		bytes = span_tail(bytes, SLICE_BYTES);
	}
}

static enum transfer_coding coding_of(enum mime_encoding encoding)
{
	if (encoding == MIME_QP)
		return TRANSFER_QP;
	return encoding == MIME_BASE64 ? TRANSFER_BASE64 : TRANSFER_NONE;
}

static void feed_body(struct downgrade *d, const struct piece *p,
	struct span bytes, bool is_done, struct buf *out)
{
	if (!p->is_encoded) {
		buf_put(out, bytes);
		return;
	}
	if (!d->is_begun) {
		transfer_decode_init(&d->decoder, coding_of(p->encoding));
		transfer_encode_init(&d->encoder, p->coding);
	}
	if (d->decoder.coding == TRANSFER_NONE)
		transfer_encode_feed(&d->encoder, bytes, out);
	else
		feed_coders(d, bytes, out);
	if (!is_done)
		return;
	(void)transfer_decode_end(&d->decoder, &d->plain);
	transfer_encode_feed(&d->encoder, buf_span(&d->plain), out);
	transfer_encode_end(&d->encoder, out);
	buf_reset(&d->plain);
}

/* Deliberate: what no reader shows loses the bytes that cannot travel; a
 * preamble that is not ASCII is against RFC 2046 5.1.1 anyway. */
static void feed_gap(struct downgrade *d, const struct piece *p,
	struct span bytes, bool is_done, struct buf *out)
{
	size_t from = 0;

	(void)p;
	(void)is_done;
	for (size_t i = 0; i < bytes.n; i++) {
		if (bytes.p[i] != 0 && (bytes.p[i] < 0x80 || d->allows_8bit))
			continue;
		buf_put(out, span_of(bytes.p + from, i - from));
		buf_putc(out, '?');
		from = i + 1;
	}
	buf_put(out, span_tail(bytes, from));
}

void downgrade_feed(struct downgrade *d, struct span bytes, struct buf *out)
{
	static void (*const feeds[])(struct downgrade *d,
		const struct piece *p, struct span bytes, bool is_done,
		struct buf *out) = {
		[RUN_HEAD] = feed_head,
		[RUN_BODY] = feed_body,
		[RUN_GAP] = feed_gap,
	};

	while (bytes.n > 0) {
		struct span cut;
		bool is_done;
		const struct run *r = downgrade_cut(d, &bytes, &cut, &is_done);

		feeds[r->kind](d, &d->pieces[r->part], cut, is_done, out);
		d->is_begun = !is_done;
	}
	if (buf_len(out) > 0)
		d->last = out->p[out->end - 1];
}

void downgrade_end(struct downgrade *d, struct buf *out)
{
	if (d->last != 0 && d->last != '\n')
		buf_puts(out, "\r\n");
	downgrade_rewind(d);
}
