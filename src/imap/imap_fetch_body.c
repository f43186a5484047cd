/*
 * imap_fetch_body.c - the literals of FETCH: BODY[…], RFC822…, BINARY[…].
 * RFC 9051 6.4.5, RFC 3516
 *
 * The size of a literal stands before it, and is known: that of a range from the
 * structure, that of decoded bytes by decoding them once more.  The message's
 * beginning is checked when it is opened; if a later piece turns out damaged,
 * the literal cannot be taken back and the connection has to end.
 *
 * A pause keeps no bytes of the store: each piece that was read is written.
 */
#include "imap/imap_fetch.h"

#include <string.h>

#include "message/imap_string.h"

#include "base/banned.h"

/* ---- names ------------------------------------------------------------------------ */
static void put_name(struct imap_session *s, const struct imap_item *item)
{
	buf_puts(&s->out, item->name);
	if (item->has_brackets) {
		buf_putc(&s->out, '[');
		buf_put(&s->out, item->text);
		buf_putc(&s->out, ']');
	}
	if (item->has_partial) {
		buf_putc(&s->out, '<');
		buf_put_u64(&s->out, item->from);
		buf_putc(&s->out, '>');
	}
	buf_putc(&s->out, ' ');
}

static void put_nil(struct imap_session *s, const struct imap_item *item)
{
	put_name(s, item);
	buf_puts(&s->out, "NIL");
}

static void put_size(struct imap_session *s, const char *open, uint64_t size)
{
	buf_puts(&s->out, open);
	buf_put_u64(&s->out, size);
	buf_puts(&s->out, "}\r\n");
}

/* A literal holds no NUL (RFC 9051 9, CHAR8), and a message of BINARYMIME may.
 * Deliberate: 0x80 in its place, as long as it was; BINARY has the truth. */
static void put_text(struct imap_session *s, struct span text)
{
	uint8_t *to;

	if (text.n == 0)
		return;
	if (memchr(text.p, '\0', text.n) == NULL) {
		buf_put(&s->out, text);
		return;
	}
	to = buf_reserve(&s->out, text.n);
	if (to == NULL)
		return;
	for (size_t i = 0; i < text.n; i++)
		to[i] = text.p[i] == '\0' ? 0x80 : text.p[i];
	buf_wrote(&s->out, text.n);
}

/* The message cannot be read: the item is NIL, and the command fails. */
static void give_up(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item, enum code code, const struct err *e)
{
	if (code == NOT_FOUND) {
		f->has_gone = true;
	} else {
		f->has_damaged = true;
		imap_trouble(s, e);
	}
	put_nil(s, item);
}

/* ---- sections ----------------------------------------------------------------------- */
/* HEADER.FIELDS: picked from the header, which is looked at as a whole. */
static void put_fields(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item, const struct section_range *range)
{
	struct buf head, fields;
	struct span text;
	struct err e;
	enum code code;

	buf_init(&head, IMAP_FETCH_HEAD_BYTES);
	buf_init(&fields, IMAP_FETCH_HEAD_BYTES);
	code = imap_bytes_put(s->store, f->row.message, range->start,
		range->end, &head, &e);
	section_put_fields(&fields, &item->section, buf_span(&head));
	text = buf_span(&fields);
	if (item->has_partial)
		text = span_head(span_tail(text,
					 item->from < text.n ? (size_t)item->from
							     : text.n),
			item->count < text.n ? (size_t)item->count : text.n);
	if (code != OK) {
		give_up(s, f, item, code, &e);
	} else {
		put_name(s, item);
		put_size(s, "{", text.n);
		put_text(s, text);
	}
	buf_clear(&head);
	buf_clear(&fields);
}

static void begin_range(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	struct err e;
	enum code code;

	if (item->has_partial)
		section_cut(&f->range, item->from, item->count);
	code = imap_bytes_open(&f->bytes, s->store, f->row.message, &e);
	if (code != OK) {
		give_up(s, f, item, code, &e);
		return;
	}
	put_name(s, item);
	put_size(s, "{", f->range.end - f->range.start);
	f->is_sending = true;
	f->is_binary = false;
}

bool imap_is_whole(const struct imap_item *item)
{
	return item->put == imap_put_item_section && item->section.depth == 0 &&
		item->section.what == SECTION_ALL;
}

static bool find_section(struct imap_fetch *f, const struct imap_item *item)
{
	if (!imap_is_whole(item))
		return section_find(f->meta.tree, &item->section, &f->range);
	f->range = (struct section_range){.end = f->meta.size};
	return true;
}

void imap_put_item_section(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	s->counts.fetched++;
	if (!find_section(f, item)) {
		put_nil(s, item);
		return;
	}
	if (item->section.what == SECTION_FIELDS ||
		item->section.what == SECTION_FIELDS_NOT)
		put_fields(s, f, item, &f->range);
	else
		begin_range(s, f, item);
}

/* ---- BINARY --------------------------------------------------------------------------- */
/* What decoding the section gives in all: bytes that were asked for, and if NUL
 * is among them. */
struct measure {
	uint64_t size;
	bool has_nul;
};

static void count_out(struct measure *m, struct buf *out)
{
	struct span text = buf_span(out);

	m->size += text.n;
	m->has_nul = m->has_nul ||
		(text.n > 0 && memchr(text.p, '\0', text.n) != NULL);
	buf_reset(out);
}

static enum code measure(struct imap_session *s, struct imap_fetch *f,
	struct section_binary b, struct measure *out, struct err *e)
{
	struct imap_bytes bytes;
	struct buf decoded;
	struct span piece;
	enum code code = imap_bytes_open(&bytes, s->store, f->row.message, e);

	*out = (struct measure){0};
	if (code != OK)
		return code;
	buf_init(&decoded, STORE_PIECE_BYTES + SECTION_BINARY_HELD);
	while ((code = imap_bytes_next(&bytes, f->range.start, f->range.end,
			&piece, e)) == OK) {
		section_binary_feed(&b, piece, &decoded);
		count_out(out, &decoded);
	}
	section_binary_end(&b, &decoded);
	count_out(out, &decoded);
	imap_bytes_close(&bytes);
	buf_clear(&decoded);
	return code == NOT_FOUND ? OK : code;
}

/* True: f->binary and f->range are those of the section; else its answer was
 * put. */
static bool find_binary(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	enum code code = section_binary_begin(&f->binary, f->meta.tree,
		&item->section, &f->range);
	bool is_size = item->put == imap_put_item_binary_size;

	if (code == OK)
		return true;
	if (code == CORRUPT)
		f->has_unknown_cte = true;
	else if (code == DENIED)
		f->refused = "[CANNOT] BINARY is of parts that have no parts";
	put_name(s, item);
	buf_puts(&s->out, is_size ? "0" : "NIL");
	return false;
}

void imap_put_item_binary(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	struct measure m;
	struct err e;
	enum code code;

	s->counts.fetched++;
	if (!find_binary(s, f, item))
		return;
	if (item->has_partial)
		section_binary_cut(&f->binary, item->from, item->count);
	code = measure(s, f, f->binary, &m, &e);
	if (code == OK)
		code = imap_bytes_open(&f->bytes, s->store, f->row.message,
			&e);
	if (code != OK) {
		give_up(s, f, item, code, &e);
		return;
	}
	put_name(s, item);
	put_size(s, m.has_nul ? "~{" : "{", m.size);
	f->is_sending = f->is_binary = true;
}

void imap_put_item_binary_size(struct imap_session *s, struct imap_fetch *f,
	const struct imap_item *item)
{
	struct measure m;
	struct err e;
	enum code code;

	if (!find_binary(s, f, item))
		return;
	code = measure(s, f, f->binary, &m, &e);
	put_name(s, item);
	buf_put_u64(&s->out, m.size);
	if (code == OK)
		return;
	f->has_damaged = true;
	imap_trouble(s, &e);
}

/* ---- sending ---------------------------------------------------------------------------- */
/* A piece is written whole, so that none of it waits in the store. */
static void send_piece(struct imap_session *s, struct imap_fetch *f,
	struct span piece)
{
	if (f->is_binary)
		section_binary_feed(&f->binary, piece, &s->out);
	else
		put_text(s, piece);
}

enum step imap_fetch_send(struct imap_session *s, struct imap_fetch *f)
{
	/* the whole message is asked for one piece more, at which its hash is
	 * compared */
	uint64_t end = f->range.end == f->meta.size ? UINT64_MAX : f->range.end;
	struct span piece;
	struct err e;
	enum code code;

	while (imap_has_room(s) || imap_bytes_holds(&f->bytes)) {
		code = imap_bytes_next(&f->bytes, f->range.start, end, &piece,
			&e);
		if (code == OK) {
			send_piece(s, f, piece);
			continue;
		}
		imap_bytes_close(&f->bytes);
		f->is_sending = false;
		if (code != NOT_FOUND) {
			imap_trouble(s, &e);
			return BAD;
		}
		if (f->is_binary)
			section_binary_end(&f->binary, &s->out);
		return DONE;
	}
	return MORE;
}
