/*
 * messages.h - the messages of messages.def as structs, and their codec.
 *
 * For each row: enum MSG_NAME, struct msg_name, msg_put_name (appends the
 * fields to a frame) and msg_get_name (false if the bytes are not exactly one
 * such message).  Spans of what was read borrow from the frame.
 * For each record: struct rec_name, rec_put_name, and rec_next_name to walk a
 * RECORDS field:
 *
 *	struct span left = m.rcpts;
 *	struct rec_rcpt r;
 *	while ((step = rec_next_rcpt(&left, &r)) == MORE) ...
 *	if (step == BAD) ...
 */
#ifndef POSTRIDER_IPC_MESSAGES_H
#define POSTRIDER_IPC_MESSAGES_H

#include "base/buf.h"

/* Who talks.  ANY stands for every role that master started. */
enum role {
	ROLE_MASTER,
	ROLE_FRONT,
	ROLE_DIRECTORY,
	ROLE_RESOLVER,
	ROLE_KEYS,
	ROLE_QUEUE,
	ROLE_OUTBOUND,
	ROLE_ACCOUNTS,
	ROLE_ACCOUNT,
	ROLE_HASHER,
	ROLE_CLI,
	ROLE_ANY,
	ROLE_COUNT
};
const char *role_name(enum role role);

/* What a listening socket speaks. */
/* In the order of config.listen, and then those without a port. */
enum service {
	SERVICE_SMTP,
	SERVICE_SUBMISSION,
	SERVICE_POP3,
	SERVICE_SUBMISSIONS,
	SERVICE_POP3S,
	SERVICE_IMAP,
	SERVICE_IMAPS,
	SERVICE_LOCAL, /* run_dir/submit.sock: SMTP of who is known by his uid */
	SERVICE_COUNT
};

/* TLS from the first byte: RFC 8314 3 */
static inline bool service_is_tls(enum service service)
{
	return service == SERVICE_SUBMISSIONS || service == SERVICE_POP3S ||
		service == SERVICE_IMAPS;
}
/* The same service without it: who may log in, and what is spoken. */
static inline enum service service_plain(enum service service)
{
	if (service == SERVICE_SUBMISSIONS)
		return SERVICE_SUBMISSION;
	if (service == SERVICE_IMAPS)
		return SERVICE_IMAP;
	return service == SERVICE_POP3S ? SERVICE_POP3 : service;
}
const char *service_name(enum service service);

/* Where a recipient goes. */
enum route {
	ROUTE_UNKNOWN, /* queue has to ask directory */
	ROUTE_LOCAL,   /* into an account */
	ROUTE_REMOTE,  /* to another server */
	ROUTE_ALIAS    /* to the targets of an alias: queue asks directory */
};

enum rcpt_verdict {
	RCPT_OK,
	RCPT_NO_USER,   /* one of our domains, but nobody: 550 5.1.1 */
	RCPT_NO_RELAY,  /* a foreign domain, and the peer may not relay: 550 5.7.1 */
	RCPT_FULL,      /* the account is over its quota: 452 4.2.2 */
	RCPT_TEMP,      /* our trouble: 451 4.3.0 */
	RCPT_BAD_DOMAIN, /* the domain cannot be one: 550 5.1.2 */
	RCPT_LIMIT       /* the account sent to so many this hour: 450 4.7.1 */
};

/* Flags of an envelope. */
#define MAIL_8BIT     1u /* BODY=8BITMIME, RFC 6152 */
#define MAIL_BINARY   2u /* BODY=BINARYMIME, RFC 3030 */
#define MAIL_UTF8     4u /* SMTPUTF8, RFC 6531 */
#define MAIL_INTERNAL 8u /* made by queue itself: a notification */
#define MAIL_REQUIRETLS 16u /* REQUIRETLS: verified TLS all the way, RFC 8689 */

enum message_type {
	MSG_NONE,
#define RECORD(name, fields, sentence)
#define MESSAGE(NAME, name, from, to, fields, sentence) MSG_##NAME,
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
	MSG_COUNT
};

#define U8(x)              uint8_t x;
#define U32(x)             uint32_t x;
#define U64(x)             uint64_t x;
#define I64(x)             int64_t x;
#define BYTES(x, max)      struct span x;
#define RECORDS(x, r, max) struct span x;
#define RECORD(name, fields, sentence)                                         \
	struct rec_##name {                                                    \
		fields                                                         \
	};
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	struct msg_##name {                                                    \
		fields                                                         \
	};
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
#undef U8
#undef U32
#undef U64
#undef I64
#undef BYTES
#undef RECORDS

#define RECORD(name, fields, sentence)                                         \
	void rec_put_##name(struct buf *out, const struct rec_##name *r);      \
	enum step rec_next_##name(struct span *left, struct rec_##name *out);
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	void msg_put_##name(struct buf *out, const struct msg_##name *m);      \
	bool msg_get_##name(struct span frame, struct msg_##name *out);
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD

/* "submit"; "?" for what is no type. */
const char *message_name(unsigned type);
/* May a descriptor come with it ("+ fd" in its sentence)? */
bool message_has_fd(unsigned type);
/* May a process of role `from` send this type to one of role `to`? */
bool message_is_allowed(unsigned type, enum role from, enum role to);
/* Changes whenever messages.def does. */
uint64_t message_table_hash(void);

/* The biggest frame body that any row allows, bytes. */
#define MESSAGE_BYTES_MAX (192u * 1024u)

#endif
