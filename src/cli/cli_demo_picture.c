/*
 * cli_demo_picture.c - the picture that Alice attaches, drawn here so that no
 * file is needed.  PNG: RFC 2083.
 *
 * The pixels are indices into a small palette, and the zlib stream is made of
 * stored blocks (RFC 1951 3.2.4), so no compressor is needed either.
 */
#include "cli/cli_demo_int.h"

#include "base/banned.h"

#define WIDTH  32u
#define HEIGHT 24u

/* One letter a pixel, two pixels wide: see colour_of. */
static const char *const rows[HEIGHT] = {
	"................", "................", ".....bbbbbb.....",
	"...bbbwbbbbbb...", "..bbwbbbbwbbbb..", ".bbbbbbwbbbbbwb.",
	".bwbbbbbbbwbbbb.", ".bbbbbbbbbbbbbb.", "gggggggggggggggg",
	".g.gg.ggg.gg.gg.", "kkkkkkkkkkkkkkkk", ".kkkkkkkkkkkkkk.",
	"mmmmmmmmmmmmmmmm", "mmmmmmmmmmmmmmmm", "mmmmmmmmmmmmmmmm",
	"yyyyyyyyyyyyyyyy", "..yy...yyy...y..", ".bbbbbbbbbbbbbb.",
	".bbbbbbbbbbbbbb.", "..bbbbbbbbbbbb..", "...bbbbbbbbbb...",
	"................", "................", "................",
};

static const struct {
	char letter;
	uint8_t rgb[3];
} palette[] = {
	{'.', {250, 246, 238}}, {'b', {206, 142, 68}}, {'w', {250, 230, 190}},
	{'g', {96, 160, 64}},	{'k', {196, 32, 36}},  {'m', {104, 60, 36}},
	{'y', {244, 196, 60}},
};
#define COLOURS (sizeof(palette) / sizeof(palette[0]))

static void put_u32(struct buf *out, uint32_t n)
{
	buf_putc(out, (uint8_t)(n >> 24));
	buf_putc(out, (uint8_t)(n >> 16));
	buf_putc(out, (uint8_t)(n >> 8));
	buf_putc(out, (uint8_t)n);
}

/* RFC 2083 15 */
static uint32_t crc_of(struct span s)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= s.p[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
	}
	return ~crc;
}

/* RFC 1950 8.2 */
static uint32_t adler_of(struct span s)
{
	uint32_t a = 1, b = 0;

	for (size_t i = 0; i < s.n; i++) {
		a = (a + s.p[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

static void put_chunk(struct buf *out, const char *type, struct span content)
{
	size_t at;

	put_u32(out, (uint32_t)content.n);
	at = buf_len(out);
	buf_puts(out, type);
	buf_put(out, content);
	put_u32(out, crc_of(span_tail(buf_span(out), at)));
}

static uint8_t colour_of(char letter)
{
	uint8_t i = 0;

	while (palette[i].letter != letter)
		i++;
	must(i < COLOURS);
	return i;
}

/* Each line begins with its filter: none. */
static void put_pixels(struct buf *out)
{
	for (size_t y = 0; y < HEIGHT; y++) {
		buf_putc(out, 0);
		for (size_t x = 0; x < WIDTH; x++)
			buf_putc(out, colour_of(rows[y][x / 2]));
	}
}

static void put_zlib(struct buf *out, struct span content)
{
	buf_put(out, SPAN("\x78\x01\x01")); /* zlib; the last block, stored */
	buf_putc(out, (uint8_t)content.n);
	buf_putc(out, (uint8_t)(content.n >> 8));
	buf_putc(out, (uint8_t)~content.n);
	buf_putc(out, (uint8_t)(~content.n >> 8));
	buf_put(out, content);
	put_u32(out, adler_of(content));
}

void demo_picture(struct buf *out)
{
	struct buf chunk, pixels;

	buf_init(&chunk, 4096);
	buf_init(&pixels, 4096);
	buf_put(out, SPAN("\x89PNG\r\n\x1a\n"));
	put_u32(&chunk, WIDTH);
	put_u32(&chunk, HEIGHT);
	buf_put(&chunk, SPAN("\x08\x03\0\0\0")); /* 8 bits, palette */
	put_chunk(out, "IHDR", buf_span(&chunk));
	buf_reset(&chunk);
	for (size_t i = 0; i < COLOURS; i++)
		buf_put(&chunk, span_of(palette[i].rgb, 3));
	put_chunk(out, "PLTE", buf_span(&chunk));
	buf_reset(&chunk);
	put_pixels(&pixels);
	put_zlib(&chunk, buf_span(&pixels));
	put_chunk(out, "IDAT", buf_span(&chunk));
	put_chunk(out, "IEND", SPAN_EMPTY);
	buf_clear(&chunk);
	buf_clear(&pixels);
}
