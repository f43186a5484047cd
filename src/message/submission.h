/*
 * submission.h - what becomes of a message that its author hands in: the
 * header is completed, blind recipients are taken out.  RFC 6409 8
 *
 * A filter over the bytes of a message: the header is held until its end, what
 * is behind it passes through as it came, without a copy.  All that is done:
 *
 *	Date, Message-ID, From      added at the top where there is none
 *	Bcc, Resent-Bcc             removed, all of them, with their folds
 *	To: root                    gets a domain, of programs of this machine
 *	"From ann@x Sun Nov 22 ..." removed from the very top: the line of a
 *	                            mailbox file is none of the message
 *
 * Everything else is kept byte for byte, so no signature breaks that was whole.
 * The header is what header.h sees: a line that is no field does not end it.
 * Only where the first line is none, there is no header at all, as
 * smtp/smtp_data.h has it: the text gets one, and an empty line before it.
 *
 * Whom the header names as its senders is told, for the question whether these
 * addresses are the author's own (RFC 6409 6.1).
 */
#ifndef POSTRIDER_MESSAGE_SUBMISSION_H
#define POSTRIDER_MESSAGE_SUBMISSION_H

#include "base/buf.h"
#include "message/address.h"

#define SUBMISSION_HEAD_MAX    (256u << 10) /* bytes of a header */
#define SUBMISSION_SENDERS_MAX 20 /* different addresses of senders */
#define SUBMISSION_SENDER_MAX  512 /* bytes of one; RFC 5321 4.5.3.1.3 */
/* What is added, at most; and so the most that comes out for a header. */
#define SUBMISSION_ADDED_MAX   (16u << 10)
#define SUBMISSION_OUT_MAX     (SUBMISSION_HEAD_MAX + SUBMISSION_ADDED_MAX)

struct submission_config {
	struct span address;    /* whose message it is: for From; empty: none
	                           is added */
	struct span name;       /* the same person's name; may be empty */
	struct span message_id; /* "left@right", for a message without one */
	struct span domain;     /* what names without one get (qualify.h);
	                           empty: they stay as they are */
	int64_t now_ms;         /* wall clock, for Date */
};

enum submission_at {
	SUBMISSION_AT_NAME,  /* in the first line: a name so far */
	SUBMISSION_AT_BLANK, /* the same, a blank behind it */
	SUBMISSION_AT_MBOX,  /* in the line of a mailbox file */
	SUBMISSION_AT_HEAD,  /* the first line is of a header */
	SUBMISSION_AT_BODY   /* the header went out */
};

/* The config's spans must live as long.  The rest is the filter's own. */
struct submission {
	struct submission_config config;
	enum submission_at at;
	struct buf head;     /* as it came */
	size_t line;         /* where its last line begins */
	size_t looked;       /* bytes of its first line that were looked at */
	struct buf out;      /* the header as it goes out */
	struct buf senders;  /* a line each: see submission_next_sender */
	size_t sender_count;
	bool has_date, has_id, has_from;
	bool is_unclear;     /* as submission_is_unclear */
	size_t added_bytes;  /* of out: what was added stands first; the rest is
	                        the same whenever the message comes again */
};

/* What goes out, in this order. */
struct submission_out {
	struct span head; /* valid until submission_clear */
	struct span body; /* in the bytes that were given */
};

void submission_init(struct submission *s,
	const struct submission_config *config);
/* Takes all of in.  LIMIT: the header is longer than SUBMISSION_HEAD_MAX;
 * nothing came out of it, nothing will. */
enum code submission_feed(struct submission *s, struct span in,
	struct submission_out *out) MUST_USE;
/* The message is complete.  LIMIT: as above. */
enum code submission_end(struct submission *s, struct submission_out *out)
	MUST_USE;
void submission_clear(struct submission *s);

/* ---- valid after submission_end -------------------------------------------- */

/* Cuts the next address off *rest, which at first is submission_senders:
 * "local@domain" as address_put has it, of From, Sender, Resent-From and
 * Resent-Sender, each address once; of a From that was added, none. */
static inline struct span submission_senders(const struct submission *s)
{
	return buf_span(&s->senders);
}
bool submission_next_sender(struct span *rest, struct span *out);
/* One of these fields names nobody, or more than SUBMISSION_SENDER_MAX bytes,
 * or there are more than SUBMISSION_SENDERS_MAX: it cannot be said whose the
 * message is. */
static inline bool submission_is_unclear(const struct submission *s)
{
	return s->is_unclear;
}
/* A From was added whose address is beyond ASCII: RFC 6532 */
bool submission_added_utf8(const struct submission *s);

/* ---- recipients -------------------------------------------------------------- */

/* All that To, Cc and Bcc name; of a message that is sent again those of
 * Resent-To, Resent-Cc and Resent-Bcc alone (RFC 5322 3.6.6).  head: at least
 * the header, before the filter; it must live as long as the arena. */
void submission_recipients(struct arena *a, struct span head,
	struct address_list *list);

#endif
