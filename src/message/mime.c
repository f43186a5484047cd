/*
 * mime.c - walking the tree of a message.  See mime.h.
 */
#include "message/mime.h"

#include "base/err.h"

#include "base/banned.h"

uint32_t mime_first_child(const struct mime_tree *t, uint32_t part)
{
	must(part < t->count);
	return t->parts[part].end > part + 1 ? part + 1 : MIME_NONE;
}

bool mime_is_type(const struct mime_part *p, struct span type,
	struct span subtype)
{
	return span_eq_fold(p->type, type) && span_eq_fold(p->subtype, subtype);
}
