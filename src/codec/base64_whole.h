/*
 * base64_whole.h - base64 of one short text, all at once and strict.
 * RFC 4648 3.1 to 3.5, 4.
 *
 * For protocols, where base64.h is for mail: nothing is forgiven, and no memory
 * is taken that a secret would stay behind in.
 */
#ifndef POSTRIDER_CODEC_BASE64_WHOLE_H
#define POSTRIDER_CODEC_BASE64_WHOLE_H

#include "base/span.h"

/* False unless in is groups of four letters, the last with its padding and
 * with bits of zero under it, and fits.  out: room bytes; may be the memory of
 * in itself. */
bool base64_get(struct span in, uint8_t *out, size_t room, size_t *out_n);
/* As base64_get, without padding at the end. */
bool base64_get_bare(struct span in, uint8_t *out, size_t room, size_t *out_n);
/* Writes base64_encoded_len(in.n) letters, and no NUL. */
void base64_put(struct span in, uint8_t *out);

#endif
