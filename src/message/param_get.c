/*
 * param_get.c - the text of a parameter, for people.  See param.h.
 */
#include "message/param.h"

#include "codec/hex.h"
#include "message/limits.h"
#include "message/words.h"

#include "base/banned.h"

static const struct span *find(const struct param_list *list, struct span name,
	bool is_extended)
{
	for (size_t i = 0; i < list->count; i++) {
		struct span found = list->items[i].name;

		if (is_extended && !span_ends(found, SPAN("*")))
			continue;
		found.n -= is_extended ? 1 : 0;
		if (span_eq_fold(found, name))
			return &list->items[i].value;
	}
	return NULL;
}

static void put_percent_decoded(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && s.n - i > 2 &&
			hex_get(span_of(s.p + i + 1, 2), out))
			i += 2;
		else
			buf_putc(out, s.p[i]);
	}
}

/* RFC 2231 4: charset'language'text; without the two quotes it is all text. */
static void put_extended(struct buf *out, struct span value)
{
	struct span text = value;
	struct span charset = span_cut(&text, '\'');
	struct buf bytes;

	if (span_find(text, '\'') < text.n) {
		(void)span_cut(&text, '\'');
	} else {
		charset = SPAN_EMPTY;
		text = value;
	}
	buf_init(&bytes, text.n);
	put_percent_decoded(&bytes, text);
	words_put_clean(out, charset, buf_span(&bytes));
	buf_clear(&bytes);
}

bool param_list_get(const struct param_list *list, struct span name,
	struct buf *out)
{
	const struct span *value = find(list, name, true);

	if (value != NULL) {
		put_extended(out, *value);
		return true;
	}
	value = find(list, name, false);
	if (value != NULL)
		words_put_decoded(out, *value);
	return value != NULL;
}
