/*
 * imap_flags.c - flags that a client names.
 */
#include "imap/imap_flags.h"

#include "store/store.h"

#include "base/banned.h"

/* More than a mailbox may have names for. */
#define KEYWORDS_MAX 128

static const struct {
	struct span name;
	unsigned bit;
} system_flags[] = {
	{SPAN_INIT("\\Seen"), STORE_FLAG_SEEN},
	{SPAN_INIT("\\Answered"), STORE_FLAG_ANSWERED},
	{SPAN_INIT("\\Flagged"), STORE_FLAG_FLAGGED},
	{SPAN_INIT("\\Deleted"), STORE_FLAG_DELETED},
	{SPAN_INIT("\\Draft"), STORE_FLAG_DRAFT},
	{SPAN_INIT("\\Recent"), 0},
};
#define SYSTEM_FLAGS (sizeof(system_flags) / sizeof(system_flags[0]))

static bool take(struct imap_reader *r, struct span flag,
	struct imap_flags *out)
{
	for (size_t i = 0; i < SYSTEM_FLAGS; i++)
		if (span_eq_fold(flag, system_flags[i].name)) {
			out->bits |= system_flags[i].bit;
			return true;
		}
	if (flag.p[0] == '\\')
		return imap_read_fails(r, "there is no such flag");
	for (size_t i = 0; i < out->count; i++)
		if (span_eq_fold(out->keywords[i], flag))
			return true;
	if (out->count == KEYWORDS_MAX)
		return imap_read_fails(r, "too many keywords");
	out->keywords[out->count++] = flag;
	return true;
}

static bool read_one(struct imap_reader *r, struct imap_flags *out)
{
	struct span flag;

	return imap_read_flag(r, &flag) && take(r, flag, out);
}

bool imap_read_flags(struct imap_reader *r, struct imap_flags *out)
{
	*out = (struct imap_flags){.keywords = arena_alloc(r->arena,
					   KEYWORDS_MAX, sizeof(struct span))};
	if (imap_next(r) != '(') {
		do {
			if (!read_one(r, out))
				return false;
		} while (imap_skip(r, SPAN(" ")));
		return true;
	}
	if (!imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_one(r, out))
			return false;
	return r->why == NULL;
}
