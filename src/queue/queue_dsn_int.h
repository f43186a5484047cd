/*
 * queue_dsn_int.h - what the files of a notice share.
 */
#ifndef POSTRIDER_QUEUE_QUEUE_DSN_INT_H
#define POSTRIDER_QUEUE_QUEUE_DSN_INT_H

#include "queue/queue_dsn.h"

#define QUEUE_DSN_TEXT_MAX 400u /* of a quoted reply */

/* Is the last reply one that another server gave?  If not, its text is our
 * own account of what happened. */
bool queue_dsn_has_spoken(const struct queue_rcpt *r);
/* Visible text without control bytes, cut to a bearable length. */
void queue_dsn_put_clean(struct buf *out, struct span text, bool is_utf8);
/* The server's name without its address and port; the literal if it has none,
 * RFC 3464 2.1.2. */
void queue_dsn_put_host(struct buf *out, struct span peer);

/* queue_dsn_text.c: in UTF-8, lines with CRLF. */
void queue_dsn_put_text(struct buf *out, const struct queue_dsn *d);
const char *queue_dsn_subject(const struct queue_dsn *d);

#endif
