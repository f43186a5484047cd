/*
 * fuzz_mime.c - a message at any split, and the packed tree.
 *
 * "U" and a blob: it is unpacked as it is.  Else eight bytes, then a message:
 * the sizes of four feeds, which go round; where a packed tree is damaged and
 * to what.  The tree must be sound, the same as that of the whole, and the same
 * when it was packed and unpacked.
 */
#include <stddef.h>
#include <stdint.h>

#include "mime_sound.h"

#define FEEDS    4
#define PREFIX   8
#define PACK_MAX (8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void pack_all(const struct mime_tree *t, struct buf *out)
{
	buf_init(out, PACK_MAX);
	mime_tree_pack(t, out);
	envelope_pack(t->parts[0].envelope, out);
	must(!out->overflow);
}

/* What is unpacked packs to a blob that unpacks to the same. */
static bool try_unpack(struct span packed)
{
	struct arena arena, second;
	struct mime_tree t, again;
	struct buf out, twice;
	bool is_good;

	arena_init(&arena, MIME_ARENA_BYTES);
	arena_init(&second, MIME_ARENA_BYTES);
	buf_init(&out, PACK_MAX);
	buf_init(&twice, PACK_MAX);
	is_good = mime_tree_unpack(&arena, packed, &t);
	if (is_good) {
		sound_unpacked(&t);
		mime_tree_pack(&t, &out);
		must(mime_tree_unpack(&second, buf_span(&out), &again));
		mime_tree_pack(&again, &twice);
		must(span_eq(buf_span(&out), buf_span(&twice)));
	}
	buf_clear(&out);
	buf_clear(&twice);
	arena_clear(&arena);
	arena_clear(&second);
	return is_good;
}

/* Each piece is a copy of its own: the sanitizer sees whoever keeps a span. */
static const struct mime_tree *parse_pieces(struct arena *a,
	const uint8_t *sizes, struct span rest)
{
	struct mime_parser *parser = mime_parser_new(a);

	for (size_t i = 0; rest.n > 0; i++) {
		size_t size = (size_t)sizes[i % FEEDS] + 1;
		struct buf piece;

		buf_init(&piece, size);
		buf_put(&piece, span_head(rest, size));
		mime_parser_feed(parser, buf_span(&piece));
		buf_clear(&piece);
		rest = span_tail(rest, size);
	}
	return mime_parser_end(parser);
}

static void check_pack(const struct mime_tree *t, const uint8_t *damage)
{
	struct buf packed;
	size_t at;

	buf_init(&packed, PACK_MAX);
	mime_tree_pack(t, &packed);
	must(try_unpack(buf_span(&packed)));
	at = ((size_t)damage[0] << 8 | damage[1]) % buf_len(&packed);
	packed.p[packed.start + at] = damage[2];
	(void)try_unpack(buf_span(&packed));
	buf_clear(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena whole, pieces;
	struct span message;
	struct buf one, other;
	const struct mime_tree *t;

	if (n > 0 && p[0] == 'U')
		(void)try_unpack(span_of(p + 1, n - 1));
	if (n < PREFIX)
		return 0;
	message = span_of(p + PREFIX, n - PREFIX);
	arena_init(&whole, MIME_ARENA_BYTES);
	arena_init(&pieces, MIME_ARENA_BYTES);
	t = mime_parse(&whole, message);
	sound_tree(t, message);
	pack_all(t, &one);
	pack_all(parse_pieces(&pieces, p, message), &other);
	must(span_eq(buf_span(&one), buf_span(&other)));
	check_pack(t, p + FEEDS);
	buf_clear(&one);
	buf_clear(&other);
	arena_clear(&whole);
	arena_clear(&pieces);
	return 0;
}
