/*
 * pop3_command.h - the commands of POP3: one table for both engines, and the
 * gathering of a command's line.
 *
 * pop3_login.c runs the AUTHORIZATION state in front, pop3.c TRANSACTION and
 * UPDATE in the account's process; what is allowed when stands here once.
 * Pure.
 */
#ifndef POSTRIDER_POP3_POP3_COMMAND_H
#define POSTRIDER_POP3_POP3_COMMAND_H

#include "base/buf.h"

/* A command with its CRLF: RFC 2449 4. */
#define POP3_LINE_BYTES 255
#define POP3_ARGS_MAX   2

/* The states of RFC 1939 3, as bits; AFTER_USER is AUTHORIZATION with a name
 * that waits for its password.  UPDATE takes no command. */
enum pop3_state {
	POP3_AUTHORIZATION = 1,
	POP3_AFTER_USER = 2,
	POP3_TRANSACTION = 4,
	POP3_UPDATE = 8,
	POP3_STATES_END = 16
};

enum pop3_verb {
	POP3_AUTH,
	POP3_CAPA,
	POP3_DELE,
	POP3_LIST,
	POP3_NOOP,
	POP3_PASS,
	POP3_QUIT,
	POP3_RETR,
	POP3_RSET,
	POP3_STAT,
	POP3_STLS,
	POP3_TOP,
	POP3_UIDL,
	POP3_USER,
	POP3_VERB_COUNT
};

struct pop3_command {
	const char *name;
	unsigned states;        /* in which it may be given */
	uint8_t min, max;       /* arguments; the last may hold blanks if
	                           is_text */
	bool is_text;
	const char *rfc;
};
extern const struct pop3_command pop3_commands[POP3_VERB_COUNT];

struct pop3_call {
	enum pop3_verb verb;
	size_t count;
	struct span args[POP3_ARGS_MAX];
};

/* Reads a line without its end.  NULL: *out is a command that is allowed in
 * this state, with as many arguments as it may have; else the sentence for
 * -ERR. */
const char *pop3_command_read(struct span line, enum pop3_state state,
	struct pop3_call *out);

/* The answer to CAPA.  RFC 2449 5; has_user: a login by USER is possible;
 * mechanisms: of SASL, each with a blank before it, or none. */
void pop3_put_capabilities(struct buf *out, bool has_user,
	struct span mechanisms, bool has_stls);

/* A line being gathered, from input that comes in any pieces. */
struct pop3_line {
	uint8_t bytes[POP3_LINE_BYTES];
	size_t len;
	bool is_too_long; /* the rest of it is thrown away */
	size_t thrown;    /* bytes of this line that were */
};

/* Of a line without an end so much is thrown away; then the caller ends the
 * session.  The same as the SMTP server's. */
#define POP3_THROWN_MAX 65536u

/* Takes bytes from *in up to the end of a line.  True: one is complete, *out
 * is it without its end (it borrows from *in's bytes or from l until the next
 * call); too long ones are *out_too_long and empty.
 * Deliberate: LF alone ends a line too; nothing here is relayed, so nobody can
 * smuggle by it, and people type at telnet. */
bool pop3_line_take(struct pop3_line *l, struct span *in, struct span *out,
	bool *out_too_long);

#endif
