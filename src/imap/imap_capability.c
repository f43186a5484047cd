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
	{"IMAP4rev1",              IMAP_ANY,    "3501"},
	{"IMAP4rev2",              IMAP_ANY,    "9051"},
	{"LITERAL+",               IMAP_ANY,    "7888"},
	{"ID",                     IMAP_ANY,    "2971"},
	{"SASL-IR",                IMAP_BEFORE, "4959"},
	{"ENABLE",                 IMAP_AFTER,  "5161"},
	{"IDLE",                   IMAP_AFTER,  "2177"},
	{"UIDPLUS",                IMAP_AFTER,  "4315"},
	{"NOTIFY",                 IMAP_AFTER,  "5465"},
	{"MOVE",                   IMAP_AFTER,  "6851"},
	{"NAMESPACE",              IMAP_AFTER,  "2342"},
	{"CHILDREN",               IMAP_AFTER,  "3348"},
	{"LIST-EXTENDED",          IMAP_AFTER,  "5258"},
	{"LIST-STATUS",            IMAP_AFTER,  "5819"},
	{"LIST-METADATA",          IMAP_AFTER,  "9590"},
	{"SPECIAL-USE",            IMAP_AFTER,  "6154"},
	{"CREATE-SPECIAL-USE",     IMAP_AFTER,  "6154"},
	{"UNSELECT",               IMAP_AFTER,  "3691"},
	{"CONDSTORE",              IMAP_AFTER,  "7162"},
	{"QRESYNC",                IMAP_AFTER,  "7162"},
	{"ESEARCH",                IMAP_AFTER,  "4731"},
	{"MULTISEARCH",            IMAP_AFTER,  "7377"},
	{"SEARCH=FUZZY",           IMAP_AFTER,  "6203"},
	{"CONTEXT=SEARCH",         IMAP_AFTER,  "5267"},
	{"CONTEXT=SORT",           IMAP_AFTER,  "5267"},
	{"SEARCHRES",              IMAP_AFTER,  "5182"},
	{"WITHIN",                 IMAP_AFTER,  "5032"},
	{"MULTIAPPEND",            IMAP_AFTER,  "3502"},
	{"CATENATE",               IMAP_AFTER,  "4469"},
	{"BINARY",                 IMAP_AFTER,  "3516"},
	{"UTF8=ACCEPT",            IMAP_AFTER,  "6855"},
	{"SORT",                   IMAP_AFTER,  "5256"},
	{"SORT=DISPLAY",           IMAP_AFTER,  "5957"},
	{"ESORT",                  IMAP_AFTER,  "5267"},
	{"THREAD=ORDEREDSUBJECT",  IMAP_AFTER,  "5256"},
	{"THREAD=REFERENCES",      IMAP_AFTER,  "5256"},
	{"THREAD=REFS",            IMAP_AFTER,  "draft-ietf-morg-inthread-01"},
	{"INPROGRESS",             IMAP_AFTER,  "9585"},
	{"I18NLEVEL=1",            IMAP_AFTER,  "5255"},
	{"STATUS=SIZE",            IMAP_AFTER,  "8438"},
	{"SAVEDATE",               IMAP_AFTER,  "8514"},
	{"OBJECTID",               IMAP_AFTER,  "8474"},
	{"QUOTA",                  IMAP_AFTER,  "9208"},
	{"QUOTA=RES-STORAGE",      IMAP_AFTER,  "9208"},
	{"QUOTA=RES-MESSAGE",      IMAP_AFTER,  "9208"},
	{"METADATA",               IMAP_AFTER,  "5464"},
	{"PREVIEW",                IMAP_AFTER,  "8970"},
	{"REPLACE",                IMAP_AFTER,  "8508"},
	{"PARTIAL",                IMAP_AFTER,  "9394"},
	{"UIDONLY",                IMAP_AFTER,  "9586"},
	{"COMPRESS=DEFLATE",       IMAP_AFTER,  "4978"},
	{"UNAUTHENTICATE",         IMAP_AFTER,  "8437"},
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
