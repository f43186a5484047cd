/*
 * param_piece.c - values that were sent in pieces.  See param.h.  RFC 2231 3
 *
 * The pieces may stand in any order.  Those of a name are joined in the order
 * of their numbers, from the lowest to the first gap; if one of them is
 * extended, the whole is, and the plain ones are escaped to fit.
 */
#include "message/param_int.h"

#include "base/num.h"
#include "message/limits.h"

#include "base/banned.h"

/* No program writes so many pieces; num_parse wants an end. */
#define PIECE_INDEX_MAX 9999
/* A longer name is nobody's, and is not compared with the others. */
#define PIECE_NAME_MAX 200

struct piece {
	struct span base;
	uint32_t index;
	bool is_extended; /* percent-encoded */
	bool is_piece;    /* has an index */
	bool is_used;
};

/* "name*3*" is an extended piece of name. */
static struct piece piece_of(struct span name)
{
	struct piece p = {.base = name};
	size_t star;

	if (name.n > PIECE_NAME_MAX)
		return p;
	if (span_ends(name, SPAN("*"))) {
		p.is_extended = true;
		name.n--;
	}
	star = span_find_last(name, '*');
	if (star < name.n && star > 0)
		p.is_piece = num_parse_u32(span_tail(name, star + 1),
			PIECE_INDEX_MAX, &p.index);
	if (p.is_piece)
		p.base = span_head(name, star);
	return p;
}

/* The piece of that name with the lowest index from low on, or count. */
static size_t next_piece(const struct piece *pieces, size_t count,
	struct span base, uint32_t low)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++)
		if (pieces[i].is_piece && !pieces[i].is_used &&
			pieces[i].index >= low &&
			span_eq_fold(pieces[i].base, base) &&
			(best == count || pieces[i].index < pieces[best].index))
			best = i;
	return best;
}

static void put_escaped(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (param_is_attribute_char(text.p[i]))
			buf_putc(out, text.p[i]);
		else
			buf_printf(out, "%%%02X", text.p[i]);
	}
}

struct joined {
	size_t order[MESSAGE_PARAMS_MAX];
	size_t count;
	bool is_extended;
};

/* The pieces of one name up to the first that is missing. */
static void gather(struct piece *pieces, size_t count, struct span base,
	struct joined *out)
{
	uint32_t low = 0;
	size_t i = next_piece(pieces, count, base, low);

	out->count = 0;
	out->is_extended = false;
	while (i < count && (out->count == 0 || pieces[i].index == low)) {
		out->order[out->count++] = i;
		out->is_extended |= pieces[i].is_extended;
		pieces[i].is_used = true;
		low = pieces[i].index + 1;
		i = next_piece(pieces, count, base, low);
	}
	for (i = next_piece(pieces, count, base, 0); i < count;
		i = next_piece(pieces, count, base, 0))
		pieces[i].is_piece = false;
}

/* The joined value; a plain piece among extended ones is made extended. */
static struct span join(struct arena *a, const struct param_list *list,
	const struct piece *pieces, const struct joined *j)
{
	struct buf text;
	struct span value;

	buf_init(&text, 4 * (size_t)MESSAGE_PARAM_MAX);
	if (j->is_extended && !pieces[j->order[0]].is_extended)
		buf_puts(&text, "''");
	for (size_t i = 0; i < j->count; i++) {
		size_t at = j->order[i];

		if (j->is_extended && !pieces[at].is_extended)
			put_escaped(&text, list->items[at].value);
		else
			buf_put(&text, list->items[at].value);
		if (buf_len(&text) > MESSAGE_PARAM_MAX)
			break;
	}
	value = arena_dup(a, span_head(buf_span(&text), MESSAGE_PARAM_MAX));
	buf_clear(&text);
	return value;
}

/* "name", or "name*" with the star of the piece in hand */
static struct span joined_name(struct arena *a, struct span base, bool has_star)
{
	uint8_t *p;

	if (!has_star)
		return base;
	p = arena_alloc(a, base.n + 1, 1);
	for (size_t i = 0; i < base.n; i++)
		p[i] = base.p[i];
	p[base.n] = '*';
	return span_of(p, base.n + 1);
}

/* Each name stands where its first piece stood.  A piece that does not fit (one
 * before it is missing, or it came twice) stays as it was sent. */
void param_join_pieces(struct arena *a, struct param_list *list)
{
	struct piece pieces[MESSAGE_PARAMS_MAX];
	struct joined j;
	size_t kept = 0;
	struct param *items = arena_alloc(a, list->count, sizeof(*items));

	for (size_t i = 0; i < list->count; i++)
		pieces[i] = piece_of(list->items[i].name);
	for (size_t i = 0; i < list->count; i++) {
		if (pieces[i].is_used)
			continue;
		items[kept] = list->items[i];
		if (pieces[i].is_piece) {
			gather(pieces, list->count, pieces[i].base, &j);
			items[kept].name = joined_name(a, pieces[i].base,
				j.is_extended);
			items[kept].value = join(a, list, pieces, &j);
		}
		kept++;
	}
	list->items = items;
	list->count = kept;
}
