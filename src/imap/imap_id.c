/*
 * imap_id.c - the ID command.  See imap_id.h.
 */
#include "imap/imap_id.h"

#include "imap/imap_read.h"

#include "base/banned.h"

static bool read_pair(struct imap_reader *r)
{
	struct span name, value;

	if (!imap_read_string(r, &name) || !imap_read_sp(r) ||
		!imap_read_nstring(r, &value))
		return false;
	if (name.n > IMAP_ID_NAME_MAX || value.n > IMAP_ID_VALUE_MAX)
		return imap_read_fails(r, "a field of ID is too long");
	return true;
}

bool imap_id_read(struct imap_reader *r)
{
	size_t count = 0;

	if (!imap_read_sp(r))
		return false;
	if (imap_skip_word(r, SPAN("NIL")))
		return imap_read_end(r);
	if (!imap_read_open(r))
		return false;
	while (imap_read_more(r, count == 0)) {
		if (++count > IMAP_ID_PAIRS_MAX)
			return imap_read_fails(r, "too many fields of ID");
		if (!read_pair(r))
			return false;
	}
	return r->why == NULL && imap_read_end(r);
}

void imap_id_put(struct buf *out)
{
	buf_puts(out, "* ID (\"name\" \"Postrider\")\r\n");
}
