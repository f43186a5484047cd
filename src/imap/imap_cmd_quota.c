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

static bool has_root(const struct imap_session *s)
{
	return store_quota(s->store) > 0 || store_message_limit(s->store) > 0;
}

/* Of a resource that has a limit: RFC 9208 4.2.1. */
static void put_resource(struct imap_session *s, const char *name,
	uint64_t used, uint64_t limit)
{
	buf_puts(&s->out, name);
	buf_put_u64(&s->out, used);
	buf_putc(&s->out, ' ');
	buf_put_u64(&s->out, limit);
}

static void put_quota(struct imap_session *s)
{
	uint64_t used = store_used_bytes(s->store);
	uint64_t bytes = store_quota(s->store);
	uint64_t messages = store_message_limit(s->store);

	buf_puts(&s->out, "* QUOTA \"\" (");
	if (bytes > 0)
		put_resource(s, "STORAGE ",
			(used + STORAGE_BYTES - 1) / STORAGE_BYTES,
			bytes / STORAGE_BYTES);
	if (messages > 0)
		put_resource(s, bytes > 0 ? " MESSAGE " : "MESSAGE ",
			store_messages(s->store), messages);
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
	if (root.n > 0 || !has_root(s)) {
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
	buf_puts(&s->out, has_root(s) ? " \"\"\r\n" : "\r\n");
	if (has_root(s))
		put_quota(s);
	imap_ok(s, "that is all");
}
