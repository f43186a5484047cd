/*
 * queue_dsn_words.c - phrases and their values.  See queue_dsn_words.h.
 */
#include "queue/queue_dsn_words.h"

#include "base/banned.h"

static const char *const phrases[][CONFIG_LANGUAGE_COUNT] = {
#define PHRASE(name, ...) [QUEUE_PHRASE_##name] = {__VA_ARGS__},
#include "queue/queue_dsn_words.def"
#undef PHRASE
};

/* Up to which number the form _ONE goes, and from which: French has no plural
 * for nothing. */
static const struct {
	uint64_t first, last;
} ones[CONFIG_LANGUAGE_COUNT] = {
	[CONFIG_LANGUAGE_EN] = {1, 1},
	[CONFIG_LANGUAGE_DE] = {1, 1},
	[CONFIG_LANGUAGE_FR] = {0, 1},
};

const char *queue_phrase(enum config_language language, enum queue_phrase p)
{
	must(language < CONFIG_LANGUAGE_COUNT && p < QUEUE_PHRASE_COUNT);
	return phrases[p][language];
}

bool queue_phrase_is_one(enum config_language language, uint64_t number)
{
	must(language < CONFIG_LANGUAGE_COUNT);
	return number >= ones[language].first && number <= ones[language].last;
}

static bool put_value(struct buf *out, struct span name,
	const struct queue_phrase_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!span_eq(name, span_str(values[i].name)))
			continue;
		buf_put(out, values[i].text);
		return true;
	}
	return false;
}

void queue_phrase_put(struct buf *out, const char *phrase,
	const struct queue_phrase_value *values, size_t count)
{
	struct span rest = span_str(phrase);

	while (rest.n > 0) {
		size_t open = span_find(rest, '{');
		size_t close = span_find(rest, '}');

		buf_put(out, span_head(rest, open));
		if (open == rest.n)
			return;
		must(close < rest.n && close > open);
		if (!put_value(out, span_tail(span_head(rest, close), open + 1),
			    values, count))
			buf_put(out, span_tail(span_head(rest, close + 1),
				open));
		rest = span_tail(rest, close + 1);
	}
}
