/*
 * bench_ours.c - the works as Postrider does them.
 */
#include "bench.h"

#include "codec/transfer.h"
#include "message/imap_view.h"
#include "message/mime.h"
#include "message/words.h"

static struct arena arena;
static struct buf out;

static void start(void)
{
	if (arena.cap_bytes == 0)
		arena_init(&arena, MIME_ARENA_BYTES);
	if (out.max == 0)
		buf_init(&out, 256u << 20);
	arena_reset(&arena);
	buf_reset(&out);
}

static size_t parse(const struct sample *s)
{
	size_t sum = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct mime_tree *tree;

		start();
		tree = mime_parse(&arena, s->pieces[i]);
		sum += tree->count + tree->parts[0].envelope->from.count;
	}
	return sum;
}

static size_t view(const struct sample *s)
{
	size_t sum = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct mime_tree *tree;

		start();
		tree = mime_parse(&arena, s->pieces[i]);
		imap_put_envelope(&out, tree->parts[0].envelope);
		imap_put_structure(&out, tree, 0, true);
		sum += buf_len(&out);
	}
	return sum;
}

static size_t pack(const struct sample *s)
{
	size_t sum = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct mime_tree *tree;

		start();
		tree = mime_parse(&arena, s->pieces[i]);
		envelope_pack(tree->parts[0].envelope, &out);
		mime_tree_pack(tree, &out);
		sum += buf_len(&out);
	}
	return sum;
}

static size_t encode(const struct sample *s, enum transfer_coding coding)
{
	struct transfer_encoder e;

	start();
	for (size_t i = 0; i < s->count; i++) {
		transfer_encode_init(&e, coding);
		transfer_encode_feed(&e, s->pieces[i], &out);
		transfer_encode_end(&e, &out);
	}
	return buf_len(&out);
}

static size_t decode(const struct sample *s, enum transfer_coding coding)
{
	struct transfer_decoder d;

	start();
	for (size_t i = 0; i < s->count; i++) {
		transfer_decode_init(&d, coding);
		transfer_decode_feed(&d, s->pieces[i], &out);
		(void)transfer_decode_end(&d, &out);
	}
	return buf_len(&out);
}

static size_t base64_encode(const struct sample *s)
{
	return encode(s, TRANSFER_BASE64);
}

static size_t base64_decode(const struct sample *s)
{
	return decode(s, TRANSFER_BASE64);
}

static size_t qp_encode(const struct sample *s)
{
	return encode(s, TRANSFER_QP);
}

static size_t qp_decode(const struct sample *s)
{
	return decode(s, TRANSFER_QP);
}

static size_t words(const struct sample *s)
{
	start();
	for (size_t i = 0; i < s->count; i++)
		words_put_decoded(&out, s->pieces[i]);
	return buf_len(&out);
}

const struct works works_ours = {
	.name = "Postrider",
	.parse = parse,
	.view = view,
	.pack = pack,
	.base64_encode = base64_encode,
	.base64_decode = base64_decode,
	.qp_encode = qp_encode,
	.qp_decode = qp_decode,
	.words = words,
};
