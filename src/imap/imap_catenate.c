/*
 * imap_catenate.c - the parts that CATENATE makes a message of.  RFC 4469,
 * RFC 6855 4 (UTF8), RFC 8508 4.2 (REPLACE)
 *
 *	data = "CATENATE" SP "(" part *(SP part) ")"
 *	part = "TEXT" SP literal / "UTF8" SP "(" literal8 ")" / "URL" SP astring
 *
 * The message grows in its upload: a literal as it comes, a URL by the bytes
 * that FETCH would give, copied piece by piece when it is read.  The flag \Seen
 * of what is copied stays as it is, and so does the mailbox that is selected.
 */
#include "imap/imap_append.h"
#include "imap/imap_bytes.h"
#include "imap/imap_url.h"
#include "message/section.h"

#include "base/banned.h"

/* URLs and texts of one command. */
#define PARTS_MAX 1000
/* What one command may read of messages, and a message may always be read. */
#define READ_MAX (128u << 20)
/* HEADER.FIELDS picks from so much of a header, as FETCH does. */
#define HEAD_BYTES (4u << 20)

/* What a URL names. */
struct source {
	uint64_t message;
	uint64_t size;       /* of the message */
	struct section section;
	bool is_whole;
	struct section_range range;
};

/* ---- room --------------------------------------------------------------------- */
bool imap_append_is_within_quota(const struct imap_session *s, uint64_t more)
{
	uint64_t quota = store_quota(s->store);
	uint64_t used = store_used_bytes(s->store);
	const struct imap_append *a = s->append;

	/* what REPLACE frees is looked at when all is there */
	return quota == 0 || a->replaced != 0 ||
		(used <= quota && a->bytes <= quota - used &&
			more <= quota - used - a->bytes);
}

bool imap_append_grow(struct imap_session *s, uint64_t more)
{
	struct imap_append *a = s->append;
	struct store_upload *u = a->items[a->count - 1].upload;
	struct err e;
	enum code code = OK;

	if (more > s->append_max || a->size > s->append_max - more) {
		imap_append_too_big(s, more > UINT64_MAX - a->size
				? UINT64_MAX : a->size + more);
		return false;
	}
	if (!imap_append_is_within_quota(s, more))
		code = err_set(&e, FULL, "the mailbox is full");
	if (code == OK)
		code = store_upload_more(s->store, u, more, &e);
	if (code != OK) {
		imap_no_code(s, code, &e);
		return false;
	}
	a->size += more;
	a->bytes += more;
	return true;
}

/* ---- URLs ------------------------------------------------------------------------ */
static void say_bad_url(struct imap_session *s, struct span url)
{
	imap_begin_final(s, "NO");
	imap_url_put_bad(&s->final, url);
	buf_puts(&s->final, " there is no such message, or no such part");
}

/* The message: NOT_FOUND: there is none. */
static enum code find_message(struct imap_session *s,
	const struct imap_url *url, struct source *out, struct err *e)
{
	const struct store_mailbox *m = store_mailbox_find(s->store,
		url->mailbox);
	const struct store_row *row;
	struct store_view *v;
	enum code code;

	if (m == NULL || (url->uidvalidity != 0 &&
		url->uidvalidity != m->uidvalidity))
		return NOT_FOUND;
	code = store_view_open(s->store, m->id, &v, e);
	if (code != OK)
		return code;
	row = store_view_row(v, url->uid);
	if (row != NULL) {
		out->message = row->message;
		out->size = row->size;
	}
	store_view_close(v);
	return row != NULL ? OK : NOT_FOUND;
}

/* The bytes of it that the URL names. */
static enum code find_range(struct imap_session *s, const struct imap_url *url,
	struct source *out, struct err *e)
{
	struct store_meta meta;
	struct arena a;
	enum code code;
	bool is_found;

	if (section_read(&s->arena, url->section, &out->section) != OK)
		return NOT_FOUND;
	arena_init(&a, STORE_META_ARENA_BYTES);
	code = store_message_meta(s->store, out->message, &a, &meta, e);
	is_found = code == OK &&
		section_find(meta.tree, &out->section, &out->range);
	out->size = code == OK ? meta.size : 0;
	arena_clear(&a);
	return code == OK && !is_found ? NOT_FOUND : code;
}

static enum code find(struct imap_session *s, const struct imap_url *url,
	struct source *out, struct err *e)
{
	enum code code = find_message(s, url, out, e);

	if (code != OK)
		return code;
	/* the row knows nearly all sizes */
	out->is_whole = url->section.n == 0 && out->size < UINT32_MAX;
	if (out->is_whole)
		out->range = (struct section_range){.end = out->size};
	else
		code = find_range(s, url, out, e);
	return code;
}

/* ---- copying ------------------------------------------------------------------------ */
static enum code put(struct imap_session *s, struct span bytes, struct err *e)
{
	struct imap_append *a = s->append;

	return store_upload_feed(a->items[a->count - 1].upload, bytes, e);
}

static enum code copy_range(struct imap_session *s, const struct source *from,
	struct err *e)
{
	/* one piece more of the whole: there its hash is compared */
	uint64_t end = from->range.end == from->size ? UINT64_MAX
						     : from->range.end;
	struct imap_bytes bytes;
	struct span piece;
	enum code code = imap_bytes_open(&bytes, s->store, from->message, e);

	if (code != OK)
		return code == NOT_FOUND ? CORRUPT : code;
	while ((code = imap_bytes_next(&bytes, from->range.start, end, &piece,
			e)) == OK) {
		code = put(s, piece, e);
		if (code != OK)
			break;
	}
	imap_bytes_close(&bytes);
	return code == NOT_FOUND ? OK : code;
}

/* HEADER.FIELDS: picked from the header, which is looked at as a whole. */
static bool copy_fields(struct imap_session *s, const struct imap_url *url,
	const struct source *from, enum code *out_code, struct err *e)
{
	struct buf head, fields;
	struct section_range cut = {0};
	bool has_room = false;

	buf_init(&head, HEAD_BYTES);
	buf_init(&fields, HEAD_BYTES);
	*out_code = imap_bytes_put(s->store, from->message, from->range.start,
		from->range.end, &head, e);
	if (*out_code == OK) {
		section_put_fields(&fields, &from->section, buf_span(&head));
		cut.end = buf_len(&fields);
		if (url->has_partial)
			section_cut(&cut, url->from, url->count);
		has_room = imap_append_grow(s, cut.end - cut.start);
	}
	if (has_room)
		*out_code = put(s, span_head(span_tail(buf_span(&fields),
						     (size_t)cut.start),
					   (size_t)(cut.end - cut.start)), e);
	buf_clear(&head);
	buf_clear(&fields);
	return has_room || *out_code != OK;
}

/* What a URL costs is what has to be read to get at its end. */
static bool may_read(struct imap_session *s, const struct source *from)
{
	struct imap_append *a = s->append;

	if (a->read > 0 && a->read + from->range.end > READ_MAX) {
		imap_no(s, "[LIMIT] these URLs are too much for one command: "
			"name fewer");
		return false;
	}
	a->read += from->range.end;
	return true;
}

static bool copy(struct imap_session *s, const struct imap_url *url,
	struct source *from, struct err *e, enum code *out_code)
{
	if (!may_read(s, from))
		return false;
	if (!from->is_whole && (from->section.what == SECTION_FIELDS ||
		from->section.what == SECTION_FIELDS_NOT))
		return copy_fields(s, url, from, out_code, e);
	if (url->has_partial)
		section_cut(&from->range, url->from, url->count);
	if (!imap_append_grow(s, from->range.end - from->range.start))
		return false;
	*out_code = copy_range(s, from, e);
	return true;
}

bool imap_append_url(struct imap_session *s, struct span text)
{
	struct imap_url url;
	struct source from = {0};
	struct err e;
	enum code code = NOT_FOUND;

	e.text[0] = '\0';
	if (imap_url_read(&s->arena, text, &url))
		code = find(s, &url, &from, &e);
	if (code == NOT_FOUND) {
		say_bad_url(s, text);
		return false;
	}
	if (code == OK && !copy(s, &url, &from, &e, &code))
		return false;
	if (code != OK)
		imap_no_code(s, code, &e);
	return code == OK;
}

bool imap_append_may_have_part(struct imap_session *s)
{
	if (++s->append->parts <= PARTS_MAX)
		return true;
	imap_no(s, "[LIMIT] too many parts in one command");
	return false;
}
