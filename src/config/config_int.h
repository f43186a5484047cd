/*
 * config_int.h - shared by the files of config/: the table and its types.
 */
#ifndef POSTRIDER_CONFIG_CONFIG_INT_H
#define POSTRIDER_CONFIG_CONFIG_INT_H

#include "config/config.h"

enum option_type {
	OPTION_TEXT,
	OPTION_HOSTNAME,
	OPTION_PATH,
	OPTION_FILE,
	OPTION_LOG_TO,
	OPTION_HOST,
	OPTION_ADDRESS,
	OPTION_SERVER,
	OPTION_NETWORK,
	OPTION_RECORD,
	OPTION_COUNT,
	OPTION_BYTES,
	OPTION_TIME,
	OPTION_YES_NO,
	OPTION_PLAINTEXT,
	OPTION_FROM,
	OPTION_TLS,
	OPTION_TLS_POLICY,
	OPTION_LEVEL,
	OPTION_LANGUAGE,
	OPTION_TYPE_COUNT
};

#define OPTION_NO_COUNT ((size_t)-1)

struct option {
	const char *section; /* "", "limits", "listen smtp" */
	const char *name;
	enum option_type type;
	size_t field;         /* offset in struct config */
	size_t count;         /* the same of a list's number; OPTION_NO_COUNT */
	size_t elements_max;  /* of a list */
	const char *preset;   /* a list: split at blanks */
	uint64_t min, max;    /* see options.def */
	const char *sentence;
};

extern const struct option config_options[];
extern const size_t config_option_count;

static inline bool option_is_list(const struct option *o)
{
	return o->count != OPTION_NO_COUNT;
}

/* ---- config_tls.c ----------------------------------------------------- */
bool config_tls_parse(struct span word, enum config_tls *out);
const char *config_tls_word(enum config_tls tls);
/* "bank.example must" apart; false: not of that form. */
bool config_tls_parse_policy(struct span text, struct span *out_domain,
	enum config_tls *out);

/* ---- config_option.c -------------------------------------------------- */
/* Labels of letters, digits, hyphens.  RFC 1123 2.1 */
bool option_is_hostname(struct span word);
/* "limits.message_size", "listen.smtp.addresses". */
void option_put_path(struct buf *out, const struct option *o);
/* NULL: none of that path; blanks count as dots. */
const struct option *option_find(struct span path);
/* The path that looks most like this one, or NULL. */
const struct option *option_nearest(struct span path);

/* Sets an option from its words (one, if it is no list).  LIMIT, SYNTAX: e says
 * what is wrong and the cure. */
enum code option_set(const struct option *o, struct config *c,
	const struct span *values, size_t count, struct arena *a,
	struct err *e) MUST_USE;
/* Sets the default. */
void option_reset(const struct option *o, struct config *c, struct arena *a);
/* The value as it stands behind "name = ". */
void option_put_value(struct buf *out, const struct option *o,
	const struct config *c);

#endif
