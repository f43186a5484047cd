/*
 * smtp_reply.c - the table of replies.  See smtp_reply.h.
 */
#include "smtp/smtp_reply.h"

#include "base/banned.h"

static const struct smtp_reply_row rows[] = {
	[SMTP_REPLY_NONE] = {0, "", "", ""},
#define REPLY(name, code, enhanced, text, why)                                 \
	[SMTP_REPLY_##name] = {(code), enhanced, text, why},
	SMTP_REPLIES(REPLY)
#undef REPLY
};

const struct smtp_reply_row *smtp_reply_row(enum smtp_reply reply)
{
	must(reply > SMTP_REPLY_NONE && reply < SMTP_REPLY_COUNT);
	return &rows[reply];
}

void smtp_reply_put(struct buf *out, enum smtp_reply reply,
	struct span argument)
{
	const struct smtp_reply_row *row = smtp_reply_row(reply);
	struct span after = span_str(row->text);
	struct span before = span_cut(&after, '$');

	buf_put_u64(out, row->code);
	buf_putc(out, ' ');
	buf_puts(out, row->enhanced);
	if (row->enhanced[0] != '\0')
		buf_putc(out, ' ');
	buf_put(out, before);
	if (before.n < span_str(row->text).n)
		buf_put(out, argument);
	buf_put(out, after);
	buf_put(out, SPAN("\r\n"));
}
