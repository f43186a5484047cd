/*
 * imap_use.c - what a mailbox is for.
 */
#include "imap/imap_use.h"

#include "base/banned.h"

static const struct {
	enum store_use use;
	const char *name;
} uses[] = {
	{STORE_USE_DRAFTS, "\\Drafts"},
	{STORE_USE_SENT, "\\Sent"},
	{STORE_USE_JUNK, "\\Junk"},
	{STORE_USE_TRASH, "\\Trash"},
	{STORE_USE_ARCHIVE, "\\Archive"},
};
#define USES (sizeof(uses) / sizeof(uses[0]))

const char *imap_use_name(enum store_use use)
{
	for (size_t i = 0; i < USES; i++)
		if (uses[i].use == use)
			return uses[i].name;
	return NULL;
}

bool imap_use_of(struct span name, enum store_use *out)
{
	for (size_t i = 0; i < USES; i++)
		if (span_eq_fold(name, span_str(uses[i].name))) {
			*out = uses[i].use;
			return true;
		}
	return false;
}
