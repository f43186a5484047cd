/*
 * charset_name.h - the names that character sets have in mail.
 * IANA's registry, and what programs write instead
 */
#ifndef POSTRIDER_CODEC_CHARSET_NAME_H
#define POSTRIDER_CODEC_CHARSET_NAME_H

#include "base/span.h"
#include "codec/charset_icu.h"

/* Who reads it; the one-byte sets of our own first. */
enum charset_kind {
	CHARSET_WINDOWS_1252,
	CHARSET_ISO_8859_15,
	CHARSET_ISO_8859_16,
	CHARSET_UTF_8,
	CHARSET_GUESS,  /* US-ASCII, and names that say "I do not know" */
	CHARSET_ICU,    /* perhaps: ICU has to be asked */
	CHARSET_UNKNOWN /* no name of a character set */
};

struct charset_name {
	enum charset_kind kind;
	char icu_name[CHARSET_ICU_NAME_MAX]; /* for CHARSET_ICU */
};

struct charset_name charset_name_find(struct span name);

#endif
