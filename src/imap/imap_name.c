/*
 * imap_name.c - names of mailboxes towards the client.  RFC 9051 5.1,
 * RFC 3501 5.1.3
 */
#include "imap/imap_int.h"

#include "imap/imap_mutf7.h"
#include "message/imap_string.h"

#include "base/banned.h"

/* A name has no control characters, so a quoted string can hold it. */
static void put_utf8(struct buf *out, struct span name)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, name.p[i]);
	}
	buf_putc(out, '"');
}

void imap_put_mailbox(struct imap_session *s, struct span name)
{
	struct buf encoded;

	if (span_eq(name, SPAN("INBOX"))) {
		buf_put(&s->out, name);
		return;
	}
	if (s->is_utf8) {
		put_utf8(&s->out, name);
		return;
	}
	buf_init(&encoded, name.n * 4 + 16);
	imap_mutf7_encode(name, &encoded);
	imap_put_string(&s->out, buf_span(&encoded));
	buf_clear(&encoded);
}

const struct store_mailbox *imap_find_mailbox(struct imap_session *s,
	const struct imap_mailbox_name *name, const char *code)
{
	const struct store_mailbox *m = name->wrong != NULL
		? NULL
		: store_mailbox_find(s->store, name->name);

	if (m != NULL)
		return m;
	imap_begin_final(s, "NO");
	buf_printf(&s->final, "[%s] there is no such mailbox", code);
	return NULL;
}
