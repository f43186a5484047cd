/*
 * bench_gmime.c - the same works as GMime 3.2 does them.
 *
 * It reads from memory without a copy of the message, as ours does, and is
 * asked for the same fields of the envelope.
 */
#include "bench.h"

#include <gmime/gmime.h>

#include <stdlib.h>

static size_t touch(GMimeMessage *message)
{
	size_t sum = g_mime_message_get_subject(message) != NULL;

	sum += g_mime_message_get_message_id(message) != NULL;
	sum += g_mime_message_get_date(message) != NULL;
	sum += (size_t)internet_address_list_length(
		g_mime_message_get_from(message));
	sum += (size_t)internet_address_list_length(
		g_mime_message_get_to(message));
	sum += (size_t)internet_address_list_length(
		g_mime_message_get_cc(message));
	return sum;
}

static size_t parse(const struct sample *s)
{
	size_t sum = 0;

	g_mime_init();
	for (size_t i = 0; i < s->count; i++) {
		GByteArray bytes = {(guint8 *)(uintptr_t)s->pieces[i].p,
			(guint)s->pieces[i].n};
		GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(
			&bytes);
		GMimeParser *parser;
		GMimeMessage *message;

		g_mime_stream_mem_set_owner((GMimeStreamMem *)(void *)stream,
			FALSE);
		parser = g_mime_parser_new_with_stream(stream);
		message = g_mime_parser_construct_message(parser, NULL);
		if (message != NULL) {
			sum += touch(message);
			g_object_unref(message);
		}
		g_object_unref(parser);
		g_object_unref(stream);
	}
	return sum;
}

static size_t code(const struct sample *s, GMimeContentEncoding encoding,
	gboolean is_encoding)
{
	static char *out;
	static size_t room;
	size_t sum = 0;

	for (size_t i = 0; i < s->count; i++) {
		GMimeEncoding state;
		const char *in = (const char *)s->pieces[i].p;
		size_t need;

		if (is_encoding)
			g_mime_encoding_init_encode(&state, encoding);
		else
			g_mime_encoding_init_decode(&state, encoding);
		need = g_mime_encoding_outlen(&state, s->pieces[i].n);
		if (need > room) {
			free(out);
			out = malloc(need);
			room = need;
		}
		if (out == NULL)
			abort();
		sum += g_mime_encoding_flush(&state, in, s->pieces[i].n, out);
	}
	return sum;
}

static size_t base64_encode(const struct sample *s)
{
	return code(s, GMIME_CONTENT_ENCODING_BASE64, TRUE);
}

static size_t base64_decode(const struct sample *s)
{
	return code(s, GMIME_CONTENT_ENCODING_BASE64, FALSE);
}

static size_t qp_encode(const struct sample *s)
{
	return code(s, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, TRUE);
}

static size_t qp_decode(const struct sample *s)
{
	return code(s, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, FALSE);
}

static size_t words(const struct sample *s)
{
	size_t sum = 0;

	g_mime_init();
	for (size_t i = 0; i < s->count; i++) {
		/* a NUL stands behind each piece */
		char *text = g_mime_utils_header_decode_text(NULL,
			(const char *)s->pieces[i].p);

		sum += text[0] != '\0';
		g_free(text);
	}
	return sum;
}

const struct works works_gmime = {
	.name = "GMime",
	.parse = parse,
	.base64_encode = base64_encode,
	.base64_decode = base64_decode,
	.qp_encode = qp_encode,
	.qp_decode = qp_decode,
	.words = words,
};
