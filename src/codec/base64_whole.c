/*
 * base64_whole.c - base64 of one short text, all at once and strict.
 */
#include "codec/base64_whole.h"

#include "base/banned.h"

static const uint8_t letters[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Its six bits, or -1. */
static int value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* A byte is written when two letters of it are read: never before them. */
bool base64_get_bare(struct span in, uint8_t *out, size_t room, size_t *out_n)
{
	uint32_t bits = 0;
	size_t n = 0;

	if (in.n % 4 == 1)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		int v = value(in.p[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		if (i % 4 == 0)
			continue;
		if (n == room)
			return false;
		out[n++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	*out_n = n;
	if (in.n % 4 == 0)
		return true;
	/* the bits under the padding: RFC 4648 3.5 */
	return (bits & (in.n % 4 == 2 ? 15u : 3u)) == 0;
}

bool base64_get(struct span in, uint8_t *out, size_t room, size_t *out_n)
{
	if (in.n % 4 != 0)
		return false;
	for (int i = 0; i < 2 && in.n > 0 && in.p[in.n - 1] == '='; i++)
		in.n--;
	return base64_get_bare(in, out, room, out_n);
}

void base64_put(struct span in, uint8_t *out)
{
	for (size_t i = 0; i < in.n; i += 3) {
		size_t left = in.n - i;
		uint32_t bits = (uint32_t)in.p[i] << 16;

		if (left > 1)
			bits |= (uint32_t)in.p[i + 1] << 8;
		if (left > 2)
			bits |= in.p[i + 2];
		*out++ = letters[bits >> 18];
		*out++ = letters[bits >> 12 & 63];
		*out++ = left > 1 ? letters[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? letters[bits & 63] : '=';
	}
}
