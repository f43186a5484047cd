/*
 * imap_capability.c - what the server says that it can do.  See
 * imap_capability.h.
 */
#include "imap/imap_capability.h"

#include "base/banned.h"

/* clang-format off */
static const struct row {
	const char *name;
	unsigned states; /* in which it is said */
	const char *rfc;
} rows[] = {
	{"IMAP4rev1", IMAP_ANY,    "3501"},
	{"LITERAL+",  IMAP_ANY,    "7888"},
	{"ID",        IMAP_ANY,    "2971"},
	{"SASL-IR",   IMAP_BEFORE, "4959"},
};
/* clang-format on */

void imap_put_capabilities(struct buf *out, enum imap_state state)
{
	bool is_first = true;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!(rows[i].states & (unsigned)state))
			continue;
		if (!is_first)
			buf_putc(out, ' ');
		is_first = false;
		buf_puts(out, rows[i].name);
	}
}
