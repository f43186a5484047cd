/*
 * section_binary.c - a section without its encoding.  See section_binary.h.
 *
 * Deliberate: line ends stay as they are decoded.  RFC 9051 7.5.2 wants CRLF
 * whatever a server makes of them in its store; ours keeps what was sent, and a
 * text that was encoded with LF alone has no other bytes.
 */
#include "message/section_binary.h"

#include <string.h>

#include "base/banned.h"

/* clang-format off */
static const enum transfer_coding codings[] = {
	[MIME_7BIT]    = TRANSFER_NONE,
	[MIME_8BIT]    = TRANSFER_NONE,
	[MIME_BINARY]  = TRANSFER_NONE,
	[MIME_QP]      = TRANSFER_QP,
	[MIME_BASE64]  = TRANSFER_BASE64,
	[MIME_UNKNOWN] = TRANSFER_NONE,
};
/* clang-format on */

/* RFC 2045 6.4 leaves no encoding to what is made of parts; what was not
 * looked into may have one all the same. */
static bool may_be_encoded(enum section_form form)
{
	return form == SECTION_LEAF || form == SECTION_CLOSED_MULTIPART ||
		form == SECTION_CLOSED_MESSAGE;
}

/* The encoding of a section: none of a message as a whole, and none of a part
 * that is not there.  False: the section is no leaf. */
static bool encoding_of(const struct mime_tree *t, const struct section *s,
	const struct section_range *r, enum mime_encoding *out)
{
	bool is_bare = r->start == r->end &&
		section_form(t, r->part) == SECTION_BARE_MULTIPART;

	*out = MIME_7BIT;
	if (s->depth == 0 || is_bare)
		return true;
	*out = t->parts[r->part].encoding;
	return may_be_encoded(section_form(t, r->part));
}

enum code section_binary_begin(struct section_binary *b,
	const struct mime_tree *t, const struct section *s,
	struct section_range *out_range)
{
	enum mime_encoding encoding;

	if (s->what != SECTION_ALL)
		return DENIED;
	if (!section_find(t, s, out_range))
		return NOT_FOUND;
	if (!encoding_of(t, s, out_range, &encoding))
		return DENIED;
	if (encoding == MIME_UNKNOWN)
		return CORRUPT;
	*b = (struct section_binary){.left = UINT64_MAX};
	transfer_decode_init(&b->decoder, codings[encoding]);
	return OK;
}

void section_binary_cut(struct section_binary *b, uint64_t start,
	uint64_t count)
{
	b->skip = start;
	b->left = count;
}

/* Keeps of what was written behind the first `at` bytes of out only what is
 * asked for. */
static void keep_wanted(struct section_binary *b, struct buf *out, size_t at)
{
	size_t got = buf_len(out) - at;
	size_t drop = b->skip < got ? (size_t)b->skip : got;
	size_t want = got - drop;

	if (b->left < want)
		want = (size_t)b->left;
	if (drop > 0 && want > 0) {
		uint8_t *p = out->p + out->start + at;

		memmove(p, p + drop, want);
	}
	buf_truncate(out, at + want);
	b->size += got;
	b->skip -= drop;
	b->left -= want;
}

void section_binary_feed(struct section_binary *b, struct span raw,
	struct buf *out)
{
	size_t at = buf_len(out);

	transfer_decode_feed(&b->decoder, raw, out);
	keep_wanted(b, out, at);
}

void section_binary_end(struct section_binary *b, struct buf *out)
{
	size_t at = buf_len(out);

	/* Damaged base64 is shown as far as it can be read: the client that
	 * wants the bytes as they are asks for BODY. */
	(void)transfer_decode_end(&b->decoder, out);
	keep_wanted(b, out, at);
}
