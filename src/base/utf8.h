/*
 * utf8.h - is this UTF-8?  RFC 3629.
 */
#ifndef POSTRIDER_BASE_UTF8_H
#define POSTRIDER_BASE_UTF8_H

#include "base/span.h"

/* Length in bytes (1-4) of the well-formed character at the start of s; 0 if
 * there is none: overlong forms, surrogates and values over U+10FFFF are not
 * well-formed. */
size_t utf8_char_len(struct span s);
/* For a span, not empty, that starts with no well-formed character: how many of
 * its bytes make one error (the maximal subpart of Unicode 3.9, D93b; 1-3).
 * out_is_open: the span ends there, and more bytes could make it a character. */
size_t utf8_error_len(struct span s, bool *out_is_open);
bool utf8_is_valid(struct span s);
bool utf8_is_ascii(struct span s);

#endif
