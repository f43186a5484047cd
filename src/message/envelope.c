/*
 * envelope.c - what the head of a message says of it.  See envelope.h.
 *
 * Most fields of a head are none of these: their length and first letter tell
 * so, and nothing else of them is looked at.
 */
#include "message/envelope.h"

#include <stddef.h>

#include "message/token.h"

#include "base/banned.h"

#define NAME_MAX 11

enum form { TEXT = 1, ADDRESSES };

struct field {
	struct span name; /* small letters */
	enum form form;
	size_t offset;    /* in struct envelope */
};

#define FIELD(name, form, member)                                              \
	{SPAN_INIT(name), form, offsetof(struct envelope, member)}

/* By the length of the name. */
/* clang-format off */
static const struct field fields[NAME_MAX + 1][2] = {
	[2] = {FIELD("to", ADDRESSES, to), FIELD("cc", ADDRESSES, cc)},
	[3] = {FIELD("bcc", ADDRESSES, bcc)},
	[4] = {FIELD("from", ADDRESSES, from), FIELD("date", TEXT, date)},
	[6] = {FIELD("sender", ADDRESSES, sender)},
	[7] = {FIELD("subject", TEXT, subject)},
	[8] = {FIELD("reply-to", ADDRESSES, reply_to)},
	[10] = {FIELD("message-id", TEXT, message_id),
		FIELD("references", TEXT, references)},
	[11] = {FIELD("in-reply-to", TEXT, in_reply_to)},
};
/* clang-format on */

static const struct field *find(struct span name)
{
	const struct field *pair;

	if (name.n < 2 || name.n > NAME_MAX)
		return NULL;
	pair = fields[name.n];
	for (size_t i = 0; i < 2; i++)
		if (pair[i].name.n > 0 &&
			pair[i].name.p[0] == ascii_lower(name.p[0]) &&
			span_eq_fold(pair[i].name, name))
			return &pair[i];
	return NULL;
}

static void read_list(struct arena *a, struct span value,
	struct address_list *list)
{
	list->count = 0;
	list->is_cut = false;
	address_list_read(a, arena_dup(a, value), list);
	if (list->items == NULL)
		list->items = ARENA_NEW(a, struct address);
}

void envelope_take(struct envelope *e, struct arena *a, struct span name,
	struct span value)
{
	const struct field *field = find(name);
	void *member;

	if (field == NULL)
		return;
	member = (uint8_t *)e + field->offset;
	if (field->form == TEXT)
		*(struct span *)member = token_keep_text(a, value);
	else
		read_list(a, value, member);
}

bool envelope_sent(const struct envelope *e, struct date *out)
{
	return date_read(e->date, out);
}
