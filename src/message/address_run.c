/*
 * address_run.c - words without a separator, run by run.  See address_run.h.
 */
#include "message/address_run.h"

#include "base/banned.h"

/* Is this word one with the run, although there is a gap? */
static bool joins(struct span text, const struct address_run *run,
	const struct token *t)
{
	uint8_t last = text.p[run->end - 1];

	return last == '@' || last == '.' || t->kind == TOKEN_AT ||
		text.p[t->start] == '.';
}

/* Before an "@" they are gaps, behind it they end the run.  Separators are here
 * when brackets that said nothing stand amid the words. */
static bool is_mark(const struct token *t, const struct address_run *run)
{
	return t->kind == TOKEN_OPEN || t->kind == TOKEN_CLOSE ||
		t->kind == TOKEN_COMMA || t->kind == TOKEN_SEMICOLON ||
		(t->kind == TOKEN_COLON && run->has_at);
}

bool address_run_next(struct token_reader *t, struct address_run *out)
{
	struct token word;

	*out = (struct address_run){0};
	for (;;) {
		struct token_reader back = *t;

		token_next(t, &word);
		if (word.kind == TOKEN_END)
			return out->end > 0;
		if (is_mark(&word, out) && out->has_at)
			return true;
		if (is_mark(&word, out) || word.kind == TOKEN_GAP)
			continue;
		if (out->end > 0 && out->end < word.start &&
			!joins(t->value, out, &word)) {
			*t = back;
			return true;
		}
		if (out->end == 0)
			out->start = word.start;
		if (word.kind == TOKEN_AT) {
			out->has_at = true;
			out->at = word.start;
		}
		out->end = word.end;
	}
}
