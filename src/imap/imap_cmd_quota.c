/*
 * imap_cmd_quota.c - GETQUOTA, GETQUOTAROOT.  RFC 9208 4.1.1, 4.1.2
 *
 * There is one root, "", for all mailboxes of the account, and none if it has no
 * limit.  What may be stored is the administrator's to say: no SETQUOTA.
 */
#include "imap/imap_int.h"

#include "base/banned.h"

/* The unit of STORAGE: RFC 9208 5.1. */
#define STORAGE_BYTES 1024

static void put_quota(struct imap_session *s)
{
	uint64_t used = store_used_bytes(s->store);

	buf_puts(&s->out, "* QUOTA \"\" (STORAGE ");
	buf_put_u64(&s->out, (used + STORAGE_BYTES - 1) / STORAGE_BYTES);
	buf_putc(&s->out, ' ');
	buf_put_u64(&s->out, store_quota(s->store) / STORAGE_BYTES);
	buf_puts(&s->out, ")\r\n");
}

void imap_cmd_getquota(struct imap_session *s, struct imap_reader *r)
{
	struct span root;

	if (!imap_read_sp(r) || !imap_read_astring(r, &root) ||
		!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	if (root.n > 0 || store_quota(s->store) == 0) {
		imap_no(s, "[NONEXISTENT] there is no such root");
		return;
	}
	put_quota(s);
	imap_ok(s, "that is all");
}

/* The mailbox need not exist. */
void imap_cmd_getquotaroot(struct imap_session *s, struct imap_reader *r)
{
	struct imap_mailbox_name name;
	bool has_root = store_quota(s->store) > 0;

	if (!imap_read_sp(r) || !imap_read_mailbox(r, &name) ||
		!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	if (name.wrong != NULL) {
		imap_no(s, "[CANNOT] that is no name of a mailbox");
		return;
	}
	buf_puts(&s->out, "* QUOTAROOT ");
	imap_put_mailbox(s, name.name);
	buf_puts(&s->out, has_root ? " \"\"\r\n" : "\r\n");
	if (has_root)
		put_quota(s);
	imap_ok(s, "that is all");
}
