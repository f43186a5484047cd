/*
 * fold_base.h - a character without what stands on it: "é" and "e" are the same.
 * For text that was folded (fold.h); Unicode 3.13, D68 (canonical
 * decomposition).
 */
#ifndef POSTRIDER_CODEC_FOLD_BASE_H
#define POSTRIDER_CODEC_FOLD_BASE_H

#include "base/span.h"

/* Not a character of any text. */
#define FOLD_NONE 0u

/* Cuts the next character off *text, which is not empty, and returns its base
 * letter; FOLD_NONE: it is a mark that stands on the one before, or NUL.  A byte
 * that begins no character is one by itself, above all characters.
 * What comes out of a piece of text depends on nothing around it. */
uint32_t fold_base_next(struct span *text);

#endif
