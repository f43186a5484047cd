/*
 * charset_icu.h - the character sets that ICU knows, as UTF-16.
 *
 * The one face of the library: it is loaded at run time, by the processes that
 * need it (doc/decisions/0010).  Converters are kept open; opening one costs
 * some ten microseconds.
 */
#ifndef POSTRIDER_CODEC_CHARSET_ICU_H
#define POSTRIDER_CODEC_CHARSET_ICU_H

#include "base/span.h"

/* Opens the library and forbids it to open further files.  False: it is not
 * there.  Calls after the first give the same answer. */
bool charset_icu_load(void);

/* The name of a converter: ASCII letters, digits and marks, NUL-ended. */
#define CHARSET_ICU_NAME_MAX 48

struct charset_icu;

/* A converter in its first state; NULL: no such set, or nothing is loaded. */
struct charset_icu *charset_icu_take(const char *name);
void charset_icu_give(struct charset_icu *c); /* takes it back */

/* Reads from *in and returns how many units of out it wrote; as long as that
 * is all the room, or *in is not empty, it wants to be called again.
 * is_last: nothing follows. */
size_t charset_icu_read(struct charset_icu *c, struct span *in, bool is_last,
	uint16_t *out, size_t room);

#endif
