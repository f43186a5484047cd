/*
 * near.c - how much two words look alike: Levenshtein's distance.
 */
#include "base/near.h"

static size_t smallest(size_t a, size_t b, size_t c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

size_t near_distance(struct span a, struct span b)
{
	size_t row[NEAR_BYTES_MAX + 1];

	if (a.n > NEAR_BYTES_MAX || b.n > NEAR_BYTES_MAX)
		return NEAR_BYTES_MAX;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t up = row[j];
			size_t same = a.p[i - 1] == b.p[j - 1] ? 0 : 1;

			row[j] = smallest(up + 1, row[j - 1] + 1,
				diagonal + same);
			diagonal = up;
		}
	}
	return row[b.n];
}

bool near_enough(struct span typed, size_t distance)
{
	return distance <= 1 + typed.n / 4;
}
