/*
 * size.c - sizes for people.  See size.h.
 */
#include "base/size.h"

#include "base/banned.h"

#define AT_LEAST 10 /* of a unit that does not divide it: 1.5 MB is 1536 KB */

static const struct {
	uint64_t bytes;
	const char *name;
} units[] = {
	{1u << 30, " GB"},
	{1u << 20, " MB"},
	{1u << 10, " KB"},
	{1, " bytes"},
};

static size_t unit_of(uint64_t bytes)
{
	size_t i = 0;

	while (units[i].bytes > 1 && (bytes < units[i].bytes ||
		(bytes % units[i].bytes != 0 &&
			bytes / units[i].bytes < AT_LEAST)))
		i++;
	return i;
}

/* The one rounded up and the other down: they never look alike. */
void size_put_over(struct buf *out, uint64_t size, uint64_t limit)
{
	size_t unit = unit_of(limit);
	uint64_t bytes = units[unit].bytes;

	buf_put_u64(out, size / bytes + (size % bytes != 0));
	buf_puts(out, units[unit].name);
	buf_puts(out, "; this server takes ");
	buf_put_u64(out, limit / bytes);
	buf_puts(out, units[unit].name);
}
