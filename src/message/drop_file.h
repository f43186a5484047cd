/*
 * drop_file.h - a message that waits in a file until the server is there.
 *
 *	postrider drop 2
 *	flags 4
 *	size 120
 *	ret 2
 *	notify 12
 *	envid QQ+2B
 *	from ann
 *	to bob@here.example
 *	to root
 *
 *	From: ...
 *
 * Lines of the head end with LF; an empty one ends it, and behind that come
 * exactly size bytes, the message with CRLF.  Version 1 is without ret, notify
 * and envid, and is written where the sender asks nothing about notices.
 * Who wrote the file is not said in
 * it: that is the owner of the file.  Whoever reads one must expect anything.
 */
#ifndef POSTRIDER_MESSAGE_DROP_FILE_H
#define POSTRIDER_MESSAGE_DROP_FILE_H

#include "base/arena.h"
#include "base/buf.h"

#define DROP_RCPTS_MAX 100 /* limits.recipients is never less */
/* A head is never longer: lines of at most DROP_LINE_MAX. */
#define DROP_LINE_MAX 600
#define DROP_HEAD_MAX ((DROP_RCPTS_MAX + 8) * DROP_LINE_MAX)

struct drop_file {
	uint32_t flags;           /* MAIL_8BIT, MAIL_UTF8, MAIL_REQUIRETLS */
	uint64_t size;            /* of the message */
	uint8_t ret, notify;      /* SMTP_RET_*, SMTP_NOTIFY_*: smtp_dsn.h */
	struct span envid;        /* as the sender said it; empty: none */
	struct span from;         /* empty: the null sender */
	const struct span *rcpts; /* 1 to DROP_RCPTS_MAX */
	size_t rcpt_count;
};

/* Without the message. */
void drop_file_put(struct buf *out, const struct drop_file *d);
/* text: the file, or its first DROP_HEAD_MAX bytes.  *out_head: how long the
 * head is.  SYNTAX: it is none; spans of *out lie in text and in the arena. */
enum code drop_file_read(struct span text, struct arena *a,
	struct drop_file *out, size_t *out_head) MUST_USE;

#endif
