/*
 * queue_dsn_words.h - the catalogue of a notice's words, in each language.
 *
 * A phrase is text in UTF-8 with {values}.  Another language is a column of
 * queue_dsn_words.def, a row of CONFIG_LANGUAGES and one of its rule for
 * numbers.
 */
#ifndef POSTRIDER_QUEUE_QUEUE_DSN_WORDS_H
#define POSTRIDER_QUEUE_QUEUE_DSN_WORDS_H

#include "base/buf.h"
#include "config/config.h"

enum queue_phrase {
#define PHRASE(name, ...) QUEUE_PHRASE_##name,
#include "queue/queue_dsn_words.def"
#undef PHRASE
	QUEUE_PHRASE_COUNT
};

struct queue_phrase_value {
	const char *name; /* without the braces */
	struct span text;
};

/* As it stands in the table. */
const char *queue_phrase(enum config_language language, enum queue_phrase p);
/* Appends it with its values; one that is not given stays as it stands. */
void queue_phrase_put(struct buf *out, const char *phrase,
	const struct queue_phrase_value *values, size_t count);
/* Does the number take the form _ONE? */
bool queue_phrase_is_one(enum config_language language, uint64_t number);

#endif
