/*
 * near.h - how much two words look alike: for "did you mean".
 */
#ifndef POSTRIDER_BASE_NEAR_H
#define POSTRIDER_BASE_NEAR_H

#include "base/span.h"

/* Longer words look like nothing. */
#define NEAR_BYTES_MAX 64

/* How many letters must be changed, put in or left out to make one of the
 * other; NEAR_BYTES_MAX if one is too long. */
size_t near_distance(struct span a, struct span b);
/* Is that so few that somebody who typed a may have meant b? */
bool near_enough(struct span typed, size_t distance);

#endif
