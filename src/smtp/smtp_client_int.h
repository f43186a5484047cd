/*
 * smtp_client_int.h - what the parts of the SMTP client share: the session,
 * and what it says (smtp_client_command.c).
 */
#ifndef POSTRIDER_SMTP_SMTP_CLIENT_INT_H
#define POSTRIDER_SMTP_SMTP_CLIENT_INT_H

#include "smtp/smtp_client.h"
#include "smtp/smtp_client_body.h"
#include "smtp/smtp_client_reply.h"

/* The order is the order of a session; the picture is in smtp_client.c. */
enum state {
	GREETING,
	EHLO,
	HELO,
	STARTTLS,
	SHAKING,
	AUTH,
	IDLE,
	RSET,
	MAIL,
	RCPT,
	DATA,
	BODY,
	DOT,
	QUIT,
	CLOSED,
	STATE_COUNT
};

enum extension {
	EXT_PIPELINING = 1,
	EXT_SIZE = 2,
	EXT_8BITMIME = 4,
	EXT_SMTPUTF8 = 8,
	EXT_STARTTLS = 16,
	EXT_REQUIRETLS = 32,
	EXT_AUTH_PLAIN = 64,
	EXT_DSN = 128
};

enum wish { WISH_NOTHING, WISH_TLS, WISH_LOGIN, WISH_BODY, WISH_CONVERSION };

struct smtp_client {
	struct smtp_client_config config;
	enum state state;
	unsigned extensions;   /* enum extension */
	uint64_t size_max;     /* 0: none told */
	struct buf out;
	bool is_sending;       /* out was given to the caller */
	struct smtp_reply_reader reader;
	struct smtp_client_message *message; /* NULL: none */
	bool is_converted;     /* the caller gives another body than its own */
	uint64_t size;         /* bytes of what is sent */
	struct smtp_body body;
	size_t rcpt_at;        /* the recipient whose reply is next */
	size_t accepted;       /* recipients of this transaction */
	bool is_mail_accepted;
	bool needs_rset;       /* the server may still hold a transaction */
	bool is_secure;        /* under TLS */
	bool is_verified;      /* with the server that it ought to be */
	struct buf login;      /* base64 that waits for 334; wiped */
	enum wish wish;        /* effects that wait: this, and what follows */
	bool is_settled;
	bool is_close_told;
	struct span why;       /* of the end; static */
};

/* What becomes of recipients. */
struct verdict {
	enum code result;
	uint32_t code;
	struct span enhanced, text;
	bool was_cut, was_crowded, was_unfit;
};

/* Appends a command line to what is sent, and to the dialogue. */
void smtp_client_say_ehlo(struct smtp_client *c, bool is_helo);
void smtp_client_say_mail(struct smtp_client *c);
void smtp_client_say_rcpt(struct smtp_client *c, size_t index);
void smtp_client_say(struct smtp_client *c, struct span line);
/* "S: " and a line of the server; "C: (message, N bytes)". */
void smtp_client_note_reply(struct smtp_client *c, struct span line);
/* "C: " and what stands for a line that is not to be read. */
void smtp_client_note_command(struct smtp_client *c, struct span line);
void smtp_client_note_message(struct smtp_client *c, uint64_t bytes);

/* smtp_client_auth.c */
bool smtp_client_can_log_in(const struct smtp_client *c);
void smtp_client_say_auth(struct smtp_client *c, struct span user,
	struct span password);
/* DONE: logged in; BAD: refused; MORE: the rest was said. */
enum step smtp_client_take_auth(struct smtp_client *c,
	const struct smtp_reply *r);

/* A line of the answer to EHLO. */
void smtp_client_take_extension(struct smtp_client *c, struct span words);
/* Can this server take this message at all?  False: *out says why not. */
bool smtp_client_can_send(const struct smtp_client *c, struct verdict *out);
/* And its body, as it is? */
bool smtp_client_can_send_body(const struct smtp_client *c,
	struct verdict *out);
/* May the body hold what this server does not take, and can the caller help?
 * What is streamed has not been looked at. */
bool smtp_client_needs_conversion(const struct smtp_client *c);
/* May the address be written into a command?  No control bytes in it. */
bool smtp_client_address_is_safe(struct span address);
/* RFC 5321 4.5.3.1.10: 452, and by tradition 552, may mean "too many". */
bool smtp_client_is_crowded(const struct smtp_client *c,
	const struct smtp_reply *r);
bool smtp_client_address_fits(const struct smtp_client *c,
	struct span address, struct verdict *out);

#endif
