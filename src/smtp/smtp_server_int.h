/*
 * smtp_server_int.h - what the files of the SMTP server share.
 *
 * smtp_server.c keeps states, lines and effects; smtp_cmd_*.c have a function
 * a command; smtp_transfer.c moves the body.  A command gets its argument and
 * replies, sets the state, or asks; it never checks the state.
 */
#ifndef POSTRIDER_SMTP_SMTP_SERVER_INT_H
#define POSTRIDER_SMTP_SMTP_SERVER_INT_H

#include "smtp/smtp_address.h"
#include "smtp/smtp_data.h"
#include "smtp/smtp_reply.h"
#include "smtp/smtp_server.h"

/* Bits, for the table of commands; the drawing is in smtp_server.c. */
enum smtp_state {
	SMTP_STATE_GREETING = 1,
	SMTP_STATE_START = 2,
	SMTP_STATE_READY = 4,
	SMTP_STATE_MAIL = 8,
	SMTP_STATE_RCPT = 16,
	SMTP_STATE_CHUNKS = 32,
	SMTP_STATE_CLOSED = 64
};

/* What the next byte from the client belongs to. */
enum smtp_input {
	SMTP_INPUT_LINE,
	SMTP_INPUT_AUTH, /* a line of an exchange of AUTH */
	SMTP_INPUT_SKIP, /* a line that was refused already */
	SMTP_INPUT_DATA,
	SMTP_INPUT_CHUNK
};

enum smtp_question {
	SMTP_QUESTION_NONE,
	SMTP_QUESTION_SENDER,
	SMTP_QUESTION_RCPT,
	SMTP_QUESTION_DATA,
	SMTP_QUESTION_CHUNK, /* as DATA, for the first BDAT */
	SMTP_QUESTION_COMMIT,
	SMTP_QUESTION_TLS,
	SMTP_QUESTION_LOGIN
};

enum smtp_body {
	SMTP_BODY_NONE,
	SMTP_BODY_OPEN,   /* the caller has a part of it */
	SMTP_BODY_REFUSED /* being discarded; the reply comes at its end */
};

#define SMTP_LINE_MAX    512  /* with CR LF.  RFC 5321 4.5.3.1.4 */
/* MAIL and RCPT: 512 and what extensions add, such as 26 (RFC 1870 3), 10
 * (RFC 6531 3.1), 500 (RFC 4954 3) and RCPT's 500 (RFC 3461 5.4), with room for
 * those to come. */
#define SMTP_LINE_LONG   2048
#define SMTP_LINE_AUTH (SASL_LINE_MAX + 2) /* RFC 4954 4 */
#define SMTP_SKIP_MAX    65536 /* of one line; then 421 */
#define SMTP_JUNK_MAX    100   /* commands that move no mail; then errors */
#define SMTP_FACT_MAX    400  /* in a reply; RFC 5321 4.5.3.1.5 */
#define SMTP_HELO_MAX    255   /* RFC 5321 4.5.3.1.2 */
#define SMTP_OUT_FLUSH   8192  /* replies gather up to here */
#define SMTP_OUT_MAX     65536

struct smtp_server {
	struct smtp_server_config config;
	struct smtp_peer peer;

	enum smtp_state state;
	enum smtp_input input;
	enum smtp_question question;
	bool was_asked;      /* the question went to the caller */
	uint32_t errors;     /* since the last message */
	uint32_t junk;       /* the same */

	struct buf line;     /* a part of one, while INPUT_LINE */
	size_t skipped;      /* bytes of the line, while INPUT_SKIP */
	bool skipped_cr;     /* its last byte was a CR */

	struct sasl *sasl;   /* NULL: AUTH is not known here */
	const struct sasl_question *login; /* while QUESTION_LOGIN */
	bool is_logged_in;

	uint8_t helo[SMTP_HELO_MAX];
	struct buf address;  /* of the command that runs or asks */

	struct arena arena;  /* of the transaction */
	struct smtp_transaction transaction;
	struct smtp_rcpt *rcpts;
	size_t rcpt_room;
	size_t rcpt_bytes;   /* of addresses and what IPC adds */
	size_t refused;      /* recipients of this transaction */
	uint8_t notify;      /* of the recipient that is asked about */
	struct buf orcpt;    /* the same */

	enum smtp_body body;
	struct smtp_data data;
	uint64_t chunk_left; /* while INPUT_CHUNK */
	bool chunk_is_last;
	enum smtp_reply chunk_refusal; /* NONE: it is wanted */

	/* effects that wait; next() gives them in this order */
	struct span out_body;
	bool has_log;
	struct smtp_effect log;
	bool has_drop;
	bool has_logged_in;
	struct buf out;      /* replies */
	bool out_was_sent;   /* the caller has a span of it */
	bool must_flush;     /* not later than now */
	bool has_more;       /* the caller keeps bytes that we did not take */
	enum { SMTP_PLAIN, SMTP_TLS_WANTED, SMTP_TLS_AWAITED } tls;
	bool has_close;
	struct span close_why;
};

struct smtp_cmd {
	const char *name;
	unsigned states;     /* SMTP_STATE_* in which it may come */
	unsigned flags;      /* SMTP_CMD_* */
	size_t line_max;     /* with CR LF */
	void (*run)(struct smtp_server *s, struct span args);
	const char *syntax;  /* for 501 and HELP */
	const char *rfc;     /* number and section */
};
#define SMTP_CMD_LAST    1u /* nothing may follow in its group: RFC 2920 3.1 */
#define SMTP_CMD_JUNK    2u /* moves no mail: counted */
#define SMTP_CMD_NO_ARGS 4u /* 501 if there are any */
#define SMTP_CMD_BEGINS  8u /* MAIL: out of turn means a second one */
#define SMTP_CMD_CHUNK  16u /* BDAT: bytes follow even if it is refused */
#define SMTP_CMD_HIDDEN 32u /* not in HELP */

extern const struct smtp_cmd smtp_cmds[];
extern const size_t smtp_cmd_count;

/* smtp_server.c */
void smtp_server_set_state(struct smtp_server *s, enum smtp_state state);
/* Counts a 5xx as an error; the last one that we bear closes. */
void smtp_server_reply(struct smtp_server *s, enum smtp_reply reply,
	struct span argument);
/* The same without counting. */
void smtp_server_put(struct smtp_server *s, enum smtp_reply reply,
	struct span argument);
/* smtp_reply_facts.c: what the session knows of the reply, for its `$`; nothing
 * for most.  What is about an address is about s->address. */
void smtp_reply_put_fact(const struct smtp_server *s, enum smtp_reply reply,
	struct buf *out);
/* A LOG effect: this reply was given for s->address. */
void smtp_server_log(struct smtp_server *s, int event, enum smtp_reply reply);
void smtp_server_end(struct smtp_server *s, struct span why);
void smtp_server_ask(struct smtp_server *s, enum smtp_question question);
/* The caller is done with the span of out that it was given. */
void smtp_server_settle(struct smtp_server *s);
/* Ends the transaction, if there is one; its body, if it is open, is
 * dropped. */
void smtp_server_forget(struct smtp_server *s);
/* Takes a path into s->address; of a program of this machine also a name
 * alone, which gets the domain. */
enum code smtp_server_take_path(struct smtp_server *s, struct span *args,
	unsigned allowed, bool *out_is_utf8) MUST_USE;
/* The row's syntax, for 501. */
struct span smtp_cmd_syntax(const char *name);

/* smtp_cmd_mail.c, smtp_cmd_rcpt.c, smtp_cmd_data.c, smtp_cmd_bdat.c */
void smtp_cmd_mail(struct smtp_server *s, struct span args);
void smtp_cmd_mail_answered(struct smtp_server *s, enum code verdict);
void smtp_cmd_rcpt(struct smtp_server *s, struct span args);
void smtp_cmd_rcpt_answered(struct smtp_server *s, enum code verdict,
	uint64_t cookie, uint8_t route);
void smtp_cmd_data(struct smtp_server *s, struct span args);
void smtp_cmd_data_answered(struct smtp_server *s, enum code verdict);
void smtp_cmd_bdat(struct smtp_server *s, struct span args);
/* The same out of turn: its bytes are taken, then comes the reply. */
void smtp_cmd_bdat_refuse(struct smtp_server *s, struct span args,
	enum smtp_reply reply);
void smtp_cmd_bdat_answered(struct smtp_server *s, enum code verdict);
/* smtp_cmd_hello.c */
void smtp_cmd_helo(struct smtp_server *s, struct span args);
void smtp_cmd_ehlo(struct smtp_server *s, struct span args);
/* smtp_cmd_misc.c */
void smtp_cmd_rset(struct smtp_server *s, struct span args);
void smtp_cmd_noop(struct smtp_server *s, struct span args);
void smtp_cmd_vrfy(struct smtp_server *s, struct span args);
void smtp_cmd_help(struct smtp_server *s, struct span args);
void smtp_cmd_quit(struct smtp_server *s, struct span args);
void smtp_cmd_unimplemented(struct smtp_server *s, struct span args);

/* smtp_cmd_auth.c */
void smtp_cmd_auth(struct smtp_server *s, struct span args);
/* A line while INPUT_AUTH, without its end. */
void smtp_cmd_auth_line(struct smtp_server *s, struct span line);
/* It was refused by its form: the exchange is over. */
void smtp_cmd_auth_break(struct smtp_server *s);

/* smtp_cmd_starttls.c */
void smtp_cmd_starttls(struct smtp_server *s, struct span args);
void smtp_cmd_starttls_answered(struct smtp_server *s, enum code verdict);

/* smtp_transfer.c: bytes of a body; how many were taken */
size_t smtp_transfer_data(struct smtp_server *s, struct span in);
size_t smtp_transfer_chunk(struct smtp_server *s, struct span in);
void smtp_transfer_begin(struct smtp_server *s, enum smtp_input input);
/* A chunk without a byte is over when it begins. */
void smtp_transfer_end_chunk(struct smtp_server *s);
void smtp_transfer_committed(struct smtp_server *s, enum code verdict,
	struct span mid);
/* The reply to a verdict on storage: STORAGE_FULL or TEMP. */
enum smtp_reply smtp_transfer_trouble(enum code verdict);

#endif
