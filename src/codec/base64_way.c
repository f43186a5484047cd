/*
 * base64_way.c - the inner loops of base64.  See base64_way.h.
 *
 * The plain way is one table either way.  The wide one takes 32 letters a
 * step, after W. Muła and D. Lemire, "Faster Base64 Encoding and Decoding
 * Using AVX2 Instructions": what a byte is follows from its two nibbles, so
 * two lookups in the register tell whether it is a letter, and a third what to
 * add to it for its value.
 */
#include "codec/base64_way.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/banned.h"

#define A BASE64_OTHER
#define W BASE64_WHITE
#define P BASE64_PAD
#define A16 A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A
/* clang-format off */
const uint8_t base64_values[256] = {
	A, A, A, A, A, A, A, A, A, W, W, A, A, W, A, A,
	A16,
	W, A, A, A, A, A, A, A, A, A, A, 62, A, A, A, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, A, A, A, P, A, A,
	A, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, A, A, A, A, A,
	A, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, A, A, A, A, A,
	A16, A16, A16, A16, A16, A16, A16, A16,
};
/* clang-format on */
#undef A
#undef W
#undef P
#undef A16

/* ---- the plain way ------------------------------------------------------- */
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "abcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_everywhere(void)
{
	return true;
}

static void encode_plain(const uint8_t *in, size_t groups, uint8_t *out)
{
	for (; groups > 0; groups--, in += 3, out += 4) {
		uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 |
			in[2];

		out[0] = (uint8_t)letters[bits >> 18];
		out[1] = (uint8_t)letters[bits >> 12 & 63];
		out[2] = (uint8_t)letters[bits >> 6 & 63];
		out[3] = (uint8_t)letters[bits & 63];
	}
}

static size_t decode_plain(struct span in, uint8_t *out)
{
	size_t groups = in.n / 4;
	const uint8_t *p = in.p;

	for (size_t i = 0; i < groups; i++, p += 4, out += 3) {
		uint32_t a = base64_values[p[0]], b = base64_values[p[1]];
		uint32_t c = base64_values[p[2]], d = base64_values[p[3]];
		uint32_t bits = a << 18 | b << 12 | c << 6 | d;

		if (((a | b | c | d) & 0x80) != 0)
			return i;
		out[0] = (uint8_t)(bits >> 16);
		out[1] = (uint8_t)(bits >> 8);
		out[2] = (uint8_t)bits;
	}
	return groups;
}

/* ---- 32 letters a step ------------------------------------------------- */
#if defined(__x86_64__)

#define WIDE __attribute__((target("avx2")))
#define WIDE_LETTERS 32
#define WIDE_BYTES   24

/* The same 16 bytes in both halves, as the lookups want them. */
#define TWICE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))

static bool has_wide(void)
{
	return __builtin_cpu_supports("avx2") != 0;
}

/* 4 values of 6 bits, one a byte, in each word of 32 bits. */
WIDE static inline __m256i split_sextets(__m256i in)
{
	/* bytes 1 0 2 1 of each group: every sextet lies in one half word */
	const __m256i order = TWICE(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9,
		11, 10);
	__m256i x = _mm256_shuffle_epi8(in, order);
	/* a product moves to the right (high half) or to the left (low half),
	 * by as much as its sextet needs */
	__m256i high = _mm256_mulhi_epu16(
		_mm256_and_si256(x, _mm256_set1_epi32(0x0fc0fc00)),
		_mm256_set1_epi32(0x04000040));
	__m256i low = _mm256_mullo_epi16(
		_mm256_and_si256(x, _mm256_set1_epi32(0x003f03f0)),
		_mm256_set1_epi32(0x01000010));

	return _mm256_or_si256(high, low);
}

/* Values to letters.  A row a range: 0: a-z, 1-10: the digits, 11: "+",
 * 12: "/", 13: A-Z. */
WIDE static inline __m256i to_letters(__m256i values)
{
	const __m256i shift = TWICE('a' - 26, '0' - 52, '0' - 52, '0' - 52,
		'0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
		'0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
	__m256i row = _mm256_subs_epu8(values, _mm256_set1_epi8(51));
	__m256i is_capital = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), values);

	row = _mm256_or_si256(row,
		_mm256_and_si256(is_capital, _mm256_set1_epi8(13)));
	return _mm256_add_epi8(values, _mm256_shuffle_epi8(shift, row));
}

WIDE static void encode_wide(const uint8_t *in, size_t groups, uint8_t *out)
{
	/* a step reads 28 bytes: 12 for the low half, 12 and 4 more for the
	 * high one */
	while (groups >= 10) {
		__m128i low = _mm_loadu_si128((const void *)in);
		__m128i high = _mm_loadu_si128((const void *)(in + 12));
		__m256i x = _mm256_set_m128i(high, low);

		_mm256_storeu_si256((void *)out, to_letters(split_sextets(x)));
		in += WIDE_BYTES;
		out += WIDE_LETTERS;
		groups -= WIDE_LETTERS / 4;
	}
	encode_plain(in, groups, out);
}

/* Letters to values; false if one is none.
 *
 * The bit of a row (high nibble) is set in the mask of a column (low nibble)
 * when the byte of both is no letter:
 *	0x02: + and /   0x03: 0-9   0x04, 0x06: not 0   0x05, 0x07: up to A */
WIDE static inline bool to_values(__m256i in, __m256i *out)
{
	const __m256i row_bit = TWICE(16, 16, 1, 2, 4, 8, 4, 8, 16, 16, 16, 16,
		16, 16, 16, 16);
	const __m256i bad_rows = TWICE(16 | 4 | 1, 16 | 1, 16 | 1, 16 | 1,
		16 | 1, 16 | 1, 16 | 1, 16 | 1, 16 | 1, 16 | 1, 16 | 2 | 1,
		16 | 8 | 2, 16 | 8 | 2 | 1, 16 | 8 | 2 | 1, 16 | 8 | 2 | 1,
		16 | 8 | 2);
	/* by row; "/" moves to row 1 */
	const __m256i shift = TWICE(0, 63 - '/', 62 - '+', 52 - '0', -'A',
		-'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
	const __m256i nibble = _mm256_set1_epi8(15);
	__m256i row = _mm256_and_si256(_mm256_srli_epi32(in, 4), nibble);
	__m256i column = _mm256_and_si256(in, nibble);
	__m256i is_slash = _mm256_cmpeq_epi8(in, _mm256_set1_epi8('/'));

	if (!_mm256_testz_si256(_mm256_shuffle_epi8(row_bit, row),
		_mm256_shuffle_epi8(bad_rows, column)))
		return false;
	row = _mm256_add_epi8(row, is_slash); /* true is -1 */
	*out = _mm256_add_epi8(in, _mm256_shuffle_epi8(shift, row));
	return true;
}

/* 4 values of 6 bits to 3 bytes each, which come to lie in the first 24. */
WIDE static inline __m256i join_sextets(__m256i values)
{
	const __m256i order = TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1,
		-1, -1, -1);
	const __m256i together = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
	__m256i twelve = _mm256_maddubs_epi16(values,
		_mm256_set1_epi16(0x0140));
	__m256i bits = _mm256_madd_epi16(twelve, _mm256_set1_epi32(0x00011000));

	return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(bits, order),
		together);
}

WIDE static size_t decode_wide(struct span in, uint8_t *out)
{
	size_t groups = 0;
	__m256i x;

	while (in.n >= WIDE_LETTERS) {
		x = _mm256_loadu_si256((const void *)in.p);
		if (!to_values(x, &x))
			break;
		_mm256_storeu_si256((void *)out, join_sextets(x));
		in.p += WIDE_LETTERS;
		in.n -= WIDE_LETTERS;
		out += WIDE_BYTES;
		groups += WIDE_LETTERS / 4;
	}
	return groups + decode_plain(in, out);
}

#endif

/* ---- the choice ---------------------------------------------------------- */
const struct base64_way base64_ways[] = {
	{"plain", is_everywhere, encode_plain, decode_plain},
#if defined(__x86_64__)
	{"avx2", has_wide, encode_wide, decode_wide},
#endif
};
const size_t base64_way_count = sizeof(base64_ways) / sizeof(base64_ways[0]);

const struct base64_way *base64_way_best(void)
{
	size_t i = base64_way_count - 1;

	while (!base64_ways[i].is_there())
		i--;
	return &base64_ways[i];
}
