/*
 * store_signature_filter.c - a Bloom filter of the trigrams of a text.  See
 * store_signature_filter.h.
 */
#include "store/store_signature_filter.h"

#include <string.h>

#include "base/utf8.h"
#include "codec/fold_base.h"

#include "base/banned.h"

#define BITS_MAX (8u * STORE_FILTER_BYTES)

/* From here on are the scripts of East Asia, where two characters are a word. */
#define WIDE_FIRST 0x2e80u

#define CHAR_BITS 21
#define CHAR_MASK ((UINT64_C(1) << CHAR_BITS) - 1)
#define PAIR_MASK ((UINT64_C(1) << 2 * CHAR_BITS) - 1)
#define ALL_MASK  ((UINT64_C(1) << 3 * CHAR_BITS) - 1)
/* A pair is no trigram. */
#define IS_PAIR (UINT64_C(1) << 63)

/* So much text is read before it is looked whether there is room for more. */
#define CHECK_BYTES 65536u

/* Of a filter that is smaller the lower bits count. */
static uint16_t hash(uint64_t characters)
{
	return (uint16_t)(characters * UINT64_C(0x9e3779b97f4a7c15) >> 48);
}

/* ---- terms --------------------------------------------------------------------- */
/* The characters before with one more; *out_count: how many terms it makes. */
static uint64_t take(uint64_t last, uint32_t c, unsigned known,
	uint16_t out[2], unsigned *out_count)
{
	uint64_t all = (last << CHAR_BITS | c) & ALL_MASK;

	*out_count = 0;
	if (known >= 2)
		out[(*out_count)++] = hash(all);
	if (known >= 1 && c >= WIDE_FIRST && (last & CHAR_MASK) >= WIDE_FIRST)
		out[(*out_count)++] = hash((all & PAIR_MASK) | IS_PAIR);
	return all;
}

static void put_term(struct store_terms *t, uint16_t bit)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->bits[i] == bit)
			return;
	if (t->count < STORE_TERMS_MAX)
		t->bits[t->count++] = bit;
}

void store_terms_of(struct store_terms *out, struct span folded)
{
	uint64_t last = 0;
	unsigned known = 0;

	out->count = 0;
	/* half a character may be in the midst of one */
	if (!utf8_is_valid(folded))
		return;
	while (folded.n > 0 && out->count < STORE_TERMS_MAX) {
		uint32_t c = fold_base_next(&folded);
		uint16_t bits[2];
		unsigned n;

		if (c == FOLD_NONE)
			continue;
		last = take(last, c, known, bits, &n);
		for (unsigned i = 0; i < n; i++)
			put_term(out, bits[i]);
		known += known < 2;
	}
}

static bool has_bit(struct span filter, uint16_t bit)
{
	size_t at = bit & (8 * filter.n - 1);

	return (filter.p[at / 8] >> at % 8 & 1) != 0;
}

size_t store_filter_common(struct span filter, const struct store_terms *t)
{
	size_t n = 0;

	if (filter.n == 0)
		return t->count;
	for (size_t i = 0; i < t->count; i++)
		n += has_bit(filter, t->bits[i]);
	return n;
}

bool store_filter_may_have(struct span filter, const struct store_terms *t)
{
	for (size_t i = 0; filter.n > 0 && i < t->count; i++)
		if (!has_bit(filter, t->bits[i]))
			return false;
	return true;
}

/* ---- making ---------------------------------------------------------------------- */
void store_filter_begin(struct store_filter_maker *m)
{
	m->last = 0;
	m->known = 0;
	m->unchecked = 0;
	m->is_full = false;
	memset(m->bits, 0, sizeof(m->bits));
}

static void put_bit(struct store_filter_maker *m, uint16_t bit)
{
	m->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static void feed_char(struct store_filter_maker *m, uint32_t c)
{
	uint16_t bits[2];
	unsigned n;

	if (c == FOLD_NONE)
		return;
	m->last = take(m->last, c, m->known, bits, &n);
	for (unsigned i = 0; i < n; i++)
		put_bit(m, bits[i]);
	m->known += m->known < 2;
}

/* ASCII behind two characters: what nearly all text is.  How much it took. */
static size_t feed_ascii(struct store_filter_maker *m, struct span text)
{
	uint64_t last = m->last;
	size_t i = 0;

	for (; i < text.n && text.p[i] < 0x80 && text.p[i] != 0; i++) {
		last = (last << CHAR_BITS | text.p[i]) & ALL_MASK;
		put_bit(m, hash(last));
	}
	m->last = last;
	return i;
}

static uint64_t word_at(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static size_t count_set(const uint8_t *bits, size_t bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes; i += sizeof(uint64_t))
		n += (size_t)__builtin_popcountll(word_at(bits + i));
	return n;
}

/* Seven of eight bits are set: a text of twenty terms would be found by chance in
 * one of fifteen messages. */
static void check_room(struct store_filter_maker *m)
{
	m->unchecked = 0;
	m->is_full |= count_set(m->bits, sizeof(m->bits)) > BITS_MAX / 8 * 7;
}

void store_filter_feed(struct store_filter_maker *m, bool is_first,
	struct span folded)
{
	m->unchecked += folded.n;
	if (is_first)
		m->known = 0;
	while (folded.n > 0 && !m->is_full) {
		if (m->known >= 2)
			folded = span_tail(folded, feed_ascii(m, folded));
		if (folded.n > 0)
			feed_char(m, fold_base_next(&folded));
	}
	if (m->unchecked >= CHECK_BYTES)
		check_room(m);
}

/* How many bits a filter of half the size would have set. */
static size_t count_half(const uint8_t *bits, size_t half)
{
	size_t n = 0;

	for (size_t i = 0; i < half; i += sizeof(uint64_t))
		n += (size_t)__builtin_popcountll(word_at(bits + i) |
			word_at(bits + half + i));
	return n;
}

void store_filter_end(struct store_filter_maker *m, struct buf *out)
{
	size_t bytes = sizeof(m->bits);

	check_room(m);
	while (bytes > STORE_FILTER_BYTES_MIN &&
		count_half(m->bits, bytes / 2) * 3 <= bytes / 2 * 8) {
		bytes /= 2;
		for (size_t i = 0; i < bytes; i++)
			m->bits[i] |= m->bits[bytes + i];
	}
	if (!m->is_full)
		buf_put(out, span_of(m->bits, bytes));
}
