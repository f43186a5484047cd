/*
 * bench_sample.c - what is worked on, the same in every run.
 *
 * A NUL stands behind each piece, for libraries that want strings.
 */
#include "bench.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/transfer.h"
#include "message/words.h"

#define PLAIN_COUNT      256
#define PLAIN_BYTES      4096
#define ATTACHMENT_BYTES (10u << 20)
#define CODED_BYTES      (8u << 20)
#define WORDS_COUNT      4096

static const char text_lines[] =
	"Hello Bob,\r\n"
	"\r\n"
	"the boat goes at nine from the old pier, and it waits for nobody. We\r\n"
	"bring the bread, the cheese and the thermos; could you look after the\r\n"
	"maps and the small anchor? The weather should hold until the evening.\r\n"
	"\r\n"
	"> Are we going to sail on Sunday, or is it too windy for that?\r\n"
	"\r\n"
	"-- not before I have seen the forecast. Yours, Alice\r\n";

static const char german_lines[] =
	"Sch\xc3\xb6ne Gr\xc3\xbc\xc3\x9f" "e aus Z\xc3\xbcrich, "
	"wo es seit gestern regnet und niemand ohne Schirm geht.\r\n"
	"Das Boot f\xc3\xa4hrt um neun, und wir bringen Brot, K\xc3\xa4se und "
	"eine Kanne Kaffee mit. 2 + 2 = 4, wie immer.\r\n"
	"\r\n";

static void sample_init(struct sample *s, size_t max_bytes, size_t max_count)
{
	buf_init(&s->bytes, max_bytes);
	s->pieces = calloc(max_count, sizeof(*s->pieces));
	must(s->pieces != NULL);
	s->count = 0;
}

/* What was written since start is a piece; buf may move: set_pieces. */
static void end_piece(struct sample *s, size_t start)
{
	s->pieces[s->count++] = span_of(NULL, buf_len(&s->bytes) - start);
	buf_putc(&s->bytes, 0);
}

static void set_pieces(struct sample *s)
{
	const uint8_t *p = buf_span(&s->bytes).p;

	must(!s->bytes.overflow);
	for (size_t i = 0; i < s->count; i++) {
		s->pieces[i].p = p;
		p += s->pieces[i].n + 1;
	}
}

void sample_clear(struct sample *s)
{
	buf_clear(&s->bytes);
	free(s->pieces);
}

static void put_head(struct buf *out, unsigned number)
{
	buf_printf(out,
		"Received: from mx.crepes.fr (mx.crepes.fr [192.0.2.7])\r\n"
		"\tby mail.example.org with ESMTPS id %08x\r\n"
		"\tfor <bob@example.org>; Sun, 22 Nov 2026 20:44:57 +0000\r\n"
		"Return-Path: <alice@crepes.fr>\r\n"
		"From: \"Alice A. Adams\" <alice@crepes.fr>\r\n"
		"To: Bob Brown <bob@example.org>, carol@example.net\r\n"
		"Cc: =?utf-8?q?Ren=C3=A9?= <rene@example.com>\r\n"
		"Subject: The boat goes at nine, number %u\r\n"
		"Date: Sun, 22 Nov 2026 21:44:57 +0100\r\n"
		"Message-ID: <%u.4711@crepes.fr>\r\n"
		"In-Reply-To: <4710@example.org>\r\n"
		"References: <4708@example.org> <4709@crepes.fr>\r\n"
		"\t<4710@example.org>\r\n"
		"MIME-Version: 1.0\r\n", number, number, number);
}

static void put_text(struct buf *out, size_t end)
{
	while (buf_len(out) + sizeof(text_lines) < end)
		buf_puts(out, text_lines);
}

void sample_plain(struct sample *s)
{
	sample_init(s, PLAIN_COUNT * (PLAIN_BYTES + 64), PLAIN_COUNT);
	for (unsigned i = 0; i < PLAIN_COUNT; i++) {
		size_t start = buf_len(&s->bytes);

		put_head(&s->bytes, i);
		buf_puts(&s->bytes, "Content-Type: text/plain; charset=utf-8\r\n"
			"Content-Transfer-Encoding: 7bit\r\n\r\n");
		put_text(&s->bytes, start + PLAIN_BYTES);
		while (buf_len(&s->bytes) < start + PLAIN_BYTES - 2)
			buf_putc(&s->bytes, '.');
		buf_puts(&s->bytes, "\r\n");
		end_piece(s, start);
	}
	set_pieces(s);
}

static void put_bytes(struct buf *out, size_t n)
{
	uint32_t seed = 42;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		buf_putc(out, (uint8_t)(seed >> 24));
	}
}

void sample_attachment(struct sample *s)
{
	struct transfer_encoder e;
	struct buf file;

	sample_init(s, ATTACHMENT_BYTES * 2, 1);
	put_head(&s->bytes, 1);
	buf_puts(&s->bytes, "Content-Type: multipart/mixed;\r\n"
		"\tboundary=\"=_boat_4711\"\r\n\r\n--=_boat_4711\r\n\r\n");
	put_text(&s->bytes, 4096);
	buf_puts(&s->bytes, "\r\n--=_boat_4711\r\n"
		"Content-Type: image/jpeg; name=\"boat.jpg\"\r\n"
		"Content-Disposition: attachment; filename=\"boat.jpg\"\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n");
	buf_init(&file, ATTACHMENT_BYTES);
	put_bytes(&file, ATTACHMENT_BYTES / 78 * 57);
	transfer_encode_init(&e, TRANSFER_BASE64);
	transfer_encode_feed(&e, buf_span(&file), &s->bytes);
	transfer_encode_end(&e, &s->bytes);
	buf_clear(&file);
	buf_puts(&s->bytes, "\r\n--=_boat_4711--\r\n");
	end_piece(s, 0);
	set_pieces(s);
}

static bool put_file(struct buf *out, const char *folder, const char *name)
{
	char path[1024];
	uint8_t part[8192];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(out, span_of(part, n));
	(void)fclose(f);
	return true;
}

bool sample_folder(struct sample *s, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (dir == NULL)
		return false;
	sample_init(s, 256u << 20, 65536);
	while ((entry = readdir(dir)) != NULL && s->count < 65536) {
		size_t start = buf_len(&s->bytes);

		if (!span_ends(span_str(entry->d_name), SPAN(".eml")))
			continue;
		if (put_file(&s->bytes, folder, entry->d_name))
			end_piece(s, start);
	}
	(void)closedir(dir);
	set_pieces(s);
	return true;
}

void sample_bytes(struct sample *s)
{
	sample_init(s, CODED_BYTES + 64, 1);
	put_bytes(&s->bytes, CODED_BYTES);
	end_piece(s, 0);
	set_pieces(s);
}

void sample_text(struct sample *s)
{
	sample_init(s, CODED_BYTES + 1024, 1);
	while (buf_len(&s->bytes) < CODED_BYTES) {
		buf_puts(&s->bytes, german_lines);
		buf_puts(&s->bytes, text_lines);
	}
	end_piece(s, 0);
	set_pieces(s);
}

void sample_words(struct sample *s)
{
	static const char *const values[] = {
		"=?utf-8?q?Sch=C3=B6ne_Gr=C3=BC=C3=9Fe_aus_Z=C3=BCrich?=",
		"=?UTF-8?B?5pel5pys6Kqe44Gu5Lu25ZCN?= =?UTF-8?B?44Gn44GZ?=",
		"Re: =?iso-8859-1?q?R=E9sum=E9?= of the meeting on Sunday",
		"The boat goes at nine, and it waits for nobody",
		"=?windows-1252?q?=80_100?= is the price",
	};

	sample_init(s, WORDS_COUNT * 128, WORDS_COUNT);
	for (size_t i = 0; i < WORDS_COUNT; i++) {
		size_t start = buf_len(&s->bytes);

		buf_puts(&s->bytes,
			values[i % (sizeof(values) / sizeof(values[0]))]);
		end_piece(s, start);
	}
	set_pieces(s);
}
