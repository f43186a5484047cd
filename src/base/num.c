/*
 * num.c - numbers from text.  See num.h.
 */
#include "base/num.h"

bool num_parse_u64(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_digit(s.p[i]) ||
			__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, s.p[i] - '0', &value))
			return false;
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

bool num_parse_u32(struct span s, uint32_t max, uint32_t *out)
{
	uint64_t wide;

	if (!num_parse_u64(s, max, &wide))
		return false;
	*out = (uint32_t)wide;
	return true;
}

/* Cuts the unit, one letter, off the end; its factor, or 0 if unknown. */
static uint64_t take_unit(struct span *s, const char *letters,
	const uint64_t *factors)
{
	if (s->n == 0 || ascii_is_digit(s->p[s->n - 1]))
		return 1;
	for (size_t i = 0; letters[i] != '\0'; i++) {
		if (ascii_lower(s->p[s->n - 1]) == (uint8_t)letters[i]) {
			s->n--;
			return factors[i];
		}
	}
	return 0;
}

bool num_parse_duration_ms(struct span s, int64_t *out)
{
	static const uint64_t seconds[] = {1, 60, 3600, 86400, 604800};
	uint64_t factor = take_unit(&s, "smhdw", seconds);
	uint64_t value;

	if (factor == 0 || !num_parse_u64(s, INT64_MAX / 1000 / factor, &value))
		return false;
	*out = (int64_t)(value * factor * 1000);
	return true;
}

bool num_parse_bytes(struct span s, uint64_t *out)
{
	static const uint64_t bytes[] = {1ULL << 10, 1ULL << 20, 1ULL << 30,
		1ULL << 40};
	uint64_t factor = take_unit(&s, "kmgt", bytes);
	uint64_t value;

	if (factor == 0 || !num_parse_u64(s, INT64_MAX / factor, &value))
		return false;
	*out = value * factor;
	return true;
}
