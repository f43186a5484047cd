/*
 * imap_needle.c - a substring in text that comes in pieces.
 */
#include "imap/imap_needle.h"

#include <string.h>

#include "codec/fold.h"

#include "base/banned.h"

void imap_needle_init(struct imap_needle *n, struct arena *a, struct span text)
{
	struct buf folded;
	uint32_t *back;
	uint32_t at = 0;

	buf_init(&folded, text.n * FOLD_GROWTH + 1);
	fold_put(&folded, text);
	n->text = arena_dup(a, buf_span(&folded));
	buf_clear(&folded);
	back = arena_alloc(a, n->text.n + 1, sizeof(*back));
	for (size_t i = 1; i < n->text.n; i++) {
		while (at > 0 && n->text.p[i] != n->text.p[at])
			at = back[at - 1];
		if (n->text.p[i] == n->text.p[at])
			at++;
		back[i] = at;
	}
	n->back = back;
	imap_needle_begin(n);
}

void imap_needle_begin(struct imap_needle *n)
{
	n->at = 0;
	n->is_found = n->text.n == 0;
}

/* Where the needle's first byte is next; most of a text is passed over so. */
static size_t skip(const struct imap_needle *n, struct span in, size_t i)
{
	const uint8_t *p = memchr(in.p + i, n->text.p[0], in.n - i);

	return p == NULL ? in.n : (size_t)(p - in.p);
}

void imap_needle_feed(struct imap_needle *n, struct span in)
{
	for (size_t i = 0; i < in.n && !n->is_found; i++) {
		if (n->at == 0) {
			i = skip(n, in, i);
			if (i == in.n)
				return;
		}
		while (n->at > 0 && in.p[i] != n->text.p[n->at])
			n->at = n->back[n->at - 1];
		if (in.p[i] == n->text.p[n->at])
			n->at++;
		n->is_found = n->at == n->text.n;
	}
}

bool imap_needle_is_in(struct imap_needle *n, struct span text,
	struct buf *scratch)
{
	buf_reset(scratch);
	fold_put(scratch, text);
	imap_needle_begin(n);
	imap_needle_feed(n, buf_span(scratch));
	return n->is_found;
}
