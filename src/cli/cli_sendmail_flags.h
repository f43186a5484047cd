/*
 * cli_sendmail_flags.h - the words that programs have said to `sendmail` for
 * forty years: what each of them means here.
 *
 * Pure.  Flags may stand in a cluster ("-ti"), a value behind its letter or in
 * the next word, recipients between flags; "--" ends them.  Nothing that a
 * program may say to be understood elsewhere is an error: what is not known is
 * gathered, for a warning, and the mail still goes.
 */
#ifndef POSTRIDER_CLI_CLI_SENDMAIL_FLAGS_H
#define POSTRIDER_CLI_CLI_SENDMAIL_FLAGS_H

#include "base/err.h"
#include "base/span.h"

enum sendmail_mode {
	SENDMAIL_DELIVER,   /* -bm, or nothing: a message is on stdin */
	SENDMAIL_SMTP,      /* -bs */
	SENDMAIL_LIST,      /* -bp, mailq */
	SENDMAIL_ALIASES,   /* -bi, -I, newaliases */
	SENDMAIL_VERIFY,    /* -bv: the recipients */
	SENDMAIL_TEST,      /* -bt: addresses on stdin */
	SENDMAIL_RUN_QUEUE, /* -q */
	SENDMAIL_DAEMON     /* -bd, -q30m: what we are not */
};

#define SENDMAIL_WORDS_MAX   1000
#define SENDMAIL_UNKNOWN_MAX 8

/* A value that its flag does not have: it is not heeded. */
struct sendmail_wrong {
	char letter;
	struct span value;
};

struct sendmail_flags {
	enum sendmail_mode mode;
	bool reads_header; /* -t: recipients are those of the header */
	bool ignores_dots; /* -i: a line with a dot alone is text */
	bool is_verbose;   /* -v: shows the dialogue */
	bool wants_utf8;   /* -O smtputf8=yes */
	bool wants_tls;    /* -O requiretls=yes: all the way, RFC 8689 */
	bool has_sender;
	struct span sender;    /* -f; empty: the null sender */
	struct span full_name; /* -F; empty: none */
	uint8_t notify;        /* -N: SMTP_NOTIFY_* of smtp_dsn.h; 0: none */
	uint8_t ret;           /* -R: SMTP_RET_*; 0: none */
	struct span envid;     /* -V, in xtext; empty: none */
	struct span queue_id, queue_from, queue_to; /* -qI, -qS, -qR */
	struct span rcpts[SENDMAIL_WORDS_MAX];
	size_t rcpt_count;
	struct span unknown[SENDMAIL_UNKNOWN_MAX]; /* words with such a flag */
	size_t unknown_count;
	struct sendmail_wrong wrong[SENDMAIL_UNKNOWN_MAX];
	size_t wrong_count;
};

/* words: without the name of the program.  name: its last part ("mailq" and
 * "newaliases" set the mode).  SYNTAX: a flag without its value, or a mode that
 * does not exist; LIMIT: too many recipients. */
enum code sendmail_flags_read(const struct span *words, size_t count,
	struct span name, struct sendmail_flags *out, struct err *e) MUST_USE;

#endif
