/*
 * imap_command.h - the commands of IMAP: one table for both engines.
 *
 * imap_door.c runs what comes before the login, in front; the session in the
 * account's process has the rest.  What a command is called, when it is allowed
 * and where it stands in the RFCs is said here once.  Pure.
 */
#ifndef POSTRIDER_IMAP_IMAP_COMMAND_H
#define POSTRIDER_IMAP_IMAP_COMMAND_H

#include "base/span.h"

/* The states of RFC 9051 3, as bits.  LOGOUT takes no command. */
enum imap_state {
	IMAP_BEFORE = 1, /* not authenticated */
	IMAP_AUTHENTICATED = 2,
	IMAP_SELECTED = 4,
	IMAP_STATES_END = 8
};

/* COMMAND(NAME, states, has_uid, rfc); states: in which it may be given;
 * has_uid: UID may stand before it. */
#define IMAP_ANY   (IMAP_BEFORE | IMAP_AUTHENTICATED | IMAP_SELECTED)
#define IMAP_AFTER (IMAP_AUTHENTICATED | IMAP_SELECTED)
/* clang-format off */
#define IMAP_COMMANDS(COMMAND) \
	COMMAND(APPEND,       IMAP_AFTER,    false, "9051 6.3.12") \
	COMMAND(AUTHENTICATE, IMAP_BEFORE,   false, "9051 6.2.2")  \
	COMMAND(CANCELUPDATE, IMAP_SELECTED, false, "5267 4.3.5")  \
	COMMAND(CAPABILITY,   IMAP_ANY,      false, "9051 6.1.1")  \
	COMMAND(CHECK,        IMAP_SELECTED, false, "3501 6.4.1")  \
	COMMAND(CLOSE,        IMAP_SELECTED, false, "9051 6.4.1")  \
	COMMAND(COMPRESS,     IMAP_AFTER,    false, "4978 3")      \
	COMMAND(COPY,         IMAP_SELECTED, true,  "9051 6.4.7")  \
	COMMAND(CREATE,       IMAP_AFTER,    false, "9051 6.3.4")  \
	COMMAND(DELETE,       IMAP_AFTER,    false, "9051 6.3.5")  \
	COMMAND(ENABLE,       IMAP_AFTER,    false, "9051 6.3.1")  \
	COMMAND(ESEARCH,      IMAP_AFTER,    true,  "7377 2")      \
	COMMAND(EXAMINE,      IMAP_AFTER,    false, "9051 6.3.3")  \
	COMMAND(EXPUNGE,      IMAP_SELECTED, true,  "9051 6.4.3")  \
	COMMAND(FETCH,        IMAP_SELECTED, true,  "9051 6.4.5")  \
	COMMAND(GETMETADATA,  IMAP_AFTER,    false, "5464 4.2")    \
	COMMAND(GETQUOTA,     IMAP_AFTER,    false, "9208 4.1.1")  \
	COMMAND(GETQUOTAROOT, IMAP_AFTER,    false, "9208 4.1.2")  \
	COMMAND(ID,           IMAP_ANY,      false, "2971 3.1")    \
	COMMAND(IDLE,         IMAP_AFTER,    false, "9051 6.3.13") \
	COMMAND(LIST,         IMAP_AFTER,    false, "9051 6.3.9")  \
	COMMAND(LOGIN,        IMAP_BEFORE,   false, "9051 6.2.3")  \
	COMMAND(LOGOUT,       IMAP_ANY,      false, "9051 6.1.3")  \
	COMMAND(LSUB,         IMAP_AFTER,    false, "3501 6.3.9")  \
	COMMAND(MOVE,         IMAP_SELECTED, true,  "9051 6.4.8")  \
	COMMAND(NAMESPACE,    IMAP_AFTER,    false, "9051 6.3.10") \
	COMMAND(NOOP,         IMAP_ANY,      false, "9051 6.1.2")  \
	COMMAND(NOTIFY,       IMAP_AFTER,    false, "5465 3.1")    \
	COMMAND(RENAME,       IMAP_AFTER,    false, "9051 6.3.6")  \
	COMMAND(REPLACE,      IMAP_SELECTED, true,  "8508 3")      \
	COMMAND(SEARCH,       IMAP_SELECTED, true,  "9051 6.4.4")  \
	COMMAND(SELECT,       IMAP_AFTER,    false, "9051 6.3.2")  \
	COMMAND(SETMETADATA,  IMAP_AFTER,    false, "5464 4.3")    \
	COMMAND(SORT,         IMAP_SELECTED, true,  "5256 3")      \
	COMMAND(STARTTLS,     IMAP_BEFORE,   false, "9051 6.2.1")  \
	COMMAND(STATUS,       IMAP_AFTER,    false, "9051 6.3.11") \
	COMMAND(STORE,        IMAP_SELECTED, true,  "9051 6.4.6")  \
	COMMAND(SUBSCRIBE,    IMAP_AFTER,    false, "9051 6.3.7")  \
	COMMAND(THREAD,       IMAP_SELECTED, true,  "5256 3")      \
	COMMAND(UNAUTHENTICATE, IMAP_AFTER,  false, "8437 3")      \
	COMMAND(UNSELECT,     IMAP_SELECTED, false, "9051 6.4.2")  \
	COMMAND(UNSUBSCRIBE,  IMAP_AFTER,    false, "9051 6.3.8")
/* clang-format on */

enum imap_verb {
#define COMMAND(NAME, states, has_uid, rfc) IMAP_##NAME,
	IMAP_COMMANDS(COMMAND)
#undef COMMAND
	IMAP_VERB_COUNT
};

struct imap_command {
	const char *name;
	unsigned states; /* in which it may be given */
	bool has_uid;
	const char *rfc;
};
extern const struct imap_command imap_commands[IMAP_VERB_COUNT];

struct imap_call {
	enum imap_verb verb;
	bool is_uid; /* UID stood before it */
	size_t len;  /* of the name (and "UID "): the arguments follow */
};

/* What the text of a command (imap_line.h) begins with; also while the text is
 * not complete.  NULL: *out is a command that is allowed in this state; else
 * the sentence for BAD, and out->verb is the command or IMAP_VERB_COUNT. */
const char *imap_command_read(
	struct span text, enum imap_state state, struct imap_call *out);

#endif
