/*
 * size.h - a size beside its limit, for people: "61 MB; this server takes 50 MB".
 */
#ifndef POSTRIDER_BASE_SIZE_H
#define POSTRIDER_BASE_SIZE_H

#include "base/buf.h"

/* size is more than limit, and both are of one unit, so that they show it. */
void size_put_over(struct buf *out, uint64_t size, uint64_t limit);

#endif
