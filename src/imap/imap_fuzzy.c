/*
 * imap_fuzzy.c - text that is about the words of a needle.  See imap_fuzzy.h.
 */
#include "imap/imap_fuzzy.h"

#include "codec/fold_base.h"

#include "base/banned.h"

/* From here on are the scripts of East Asia (and what else has no blanks). */
#define WIDE_FIRST 0x2e80u

#define TYPO_LETTERS_MIN   4u
#define INSIDE_LETTERS_MIN 3u
/* So many trigrams of a word a typo takes away: two letters exchanged. */
#define TYPO_TERMS 4u

/* ---- letters ------------------------------------------------------------------- */
/* Blanks and marks of writing; whatever else is not ASCII stands in words. */
static const struct {
	uint32_t first, last;
} gaps[] = {
	{0x80, 0xa9}, {0xab, 0xb4}, {0xb6, 0xb9}, {0xbb, 0xbf}, {0xd7, 0xd7},
	{0xf7, 0xf7}, {0x0589, 0x058a}, {0x05be, 0x05be}, {0x060c, 0x060c},
	{0x061b, 0x061f}, {0x066a, 0x066d}, {0x06d4, 0x06d4}, {0x0964, 0x0965},
	{0x1680, 0x1680}, {0x2000, 0x206f}, {0x20a0, 0x20cf}, {0x2190, 0x2bff},
	{0x3000, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x3030}, {0xfe10, 0xfe6f},
	{0xff01, 0xff0f}, {0xff1a, 0xff20}, {0xff3b, 0xff40}, {0xff5b, 0xff65},
	{0xfff0, 0xffff}, {0x110000, UINT32_MAX},
};

static bool is_letter(uint32_t c)
{
	if (c < 0x80)
		return ascii_is_alpha((uint8_t)c) || ascii_is_digit((uint8_t)c);
	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		if (c >= gaps[i].first && c <= gaps[i].last)
			return false;
	return true;
}

/* ---- the needle ------------------------------------------------------------------ */
/* Cuts the next word off *rest; false: there is none. */
static bool next_word(struct span *rest, struct imap_fuzzy_word *out)
{
	struct span from = *rest, at = *rest;

	*out = (struct imap_fuzzy_word){0};
	while (rest->n > 0 && out->count < FUZZY_LETTERS_MAX) {
		uint32_t c;

		at = *rest;
		c = fold_base_next(rest);
		if (c == FOLD_NONE)
			continue;
		if (is_letter(c)) {
			if (out->count == 0)
				from = at;
			out->is_wide |= c >= WIDE_FIRST;
			out->letters[out->count++] = c;
			at = *rest;
		} else if (out->count > 0) {
			break;
		}
	}
	store_terms_of(&out->terms, span_head(from, from.n - at.n));
	return out->count > 0;
}

/* What is left of a word that was cut. */
static void skip_rest(struct span *rest)
{
	while (rest->n > 0) {
		uint32_t c = fold_base_next(rest);

		if (c != FOLD_NONE && !is_letter(c))
			return;
	}
}

void imap_fuzzy_init(struct imap_fuzzy *f, struct arena *a, struct span folded)
{
	struct imap_fuzzy_word words[FUZZY_WORDS_MAX];

	*f = (struct imap_fuzzy){0};
	while (f->count < FUZZY_WORDS_MAX && next_word(&folded,
			&words[f->count])) {
		if (words[f->count].count == FUZZY_LETTERS_MAX)
			skip_rest(&folded);
		f->count++;
	}
	f->words = arena_alloc(a, f->count, sizeof(*f->words));
	for (size_t i = 0; i < f->count; i++)
		f->words[i] = words[i];
}

static bool may_be_typo(const struct imap_fuzzy_word *w)
{
	return w->count >= TYPO_LETTERS_MIN && !w->is_wide;
}

bool imap_fuzzy_may_have(const struct imap_fuzzy *f, struct span filter)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct imap_fuzzy_word *w = &f->words[i];
		size_t lost = may_be_typo(w) ? TYPO_TERMS : 0;

		if (store_filter_common(filter, &w->terms) + lost <
			w->terms.count)
			return false;
	}
	return true;
}

/* ---- one word beside another --------------------------------------------------------- */
static bool is_same(const uint32_t *a, const uint32_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/* Has b one letter more than a? */
static bool has_one_more(const uint32_t *a, size_t a_len, const uint32_t *b)
{
	size_t i = 0;

	while (i < a_len && a[i] == b[i])
		i++;
	return is_same(a + i, b + i + 1, a_len - i);
}

/* Is one letter another, or are two exchanged? */
static bool has_one_other(const uint32_t *a, const uint32_t *b, size_t n)
{
	size_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	if (i == n || is_same(a + i + 1, b + i + 1, n - i - 1))
		return true;
	return i + 1 < n && a[i] == b[i + 1] && a[i + 1] == b[i] &&
		is_same(a + i + 2, b + i + 2, n - i - 2);
}

static bool is_typo(const struct imap_fuzzy *f,
	const struct imap_fuzzy_word *w)
{
	if (f->len == w->count)
		return has_one_other(f->letters, w->letters, f->len);
	if (f->len + 1 == w->count)
		return has_one_more(f->letters, f->len, w->letters);
	return f->len == w->count + 1 &&
		has_one_more(w->letters, w->count, f->letters);
}

static bool is_inside(const struct imap_fuzzy *f,
	const struct imap_fuzzy_word *w)
{
	for (size_t i = 0; i + w->count <= f->len; i++)
		if (f->letters[i] == w->letters[0] &&
			is_same(f->letters + i, w->letters, w->count))
			return true;
	return false;
}

/* What the text's word at hand says of the needle's; is_end: it is all there. */
static unsigned compare(const struct imap_fuzzy *f,
	const struct imap_fuzzy_word *w, bool is_end)
{
	bool is_whole = is_end && !f->is_tail;

	if (w->is_wide)
		return is_inside(f, w) ? FUZZY_EXACT : 0;
	if (!f->is_tail && f->len >= w->count &&
		is_same(f->letters, w->letters, w->count))
		return is_whole && f->len == w->count ? FUZZY_EXACT
						      : FUZZY_PREFIX;
	if (is_whole && may_be_typo(w) && is_typo(f, w))
		return FUZZY_TYPO;
	return w->count >= INSIDE_LETTERS_MIN && is_inside(f, w) ? FUZZY_INSIDE
								 : 0;
}

static void judge(struct imap_fuzzy *f, bool is_end)
{
	for (size_t i = 0; i < f->count; i++) {
		struct imap_fuzzy_word *w = &f->words[i];
		unsigned score;

		if (w->best >= f->worth)
			continue;
		score = compare(f, w, is_end) * f->worth;
		if (score > w->best * 100)
			w->best = (score + 99) / 100;
	}
}

/* ---- the text -------------------------------------------------------------------------- */
static void end_word(struct imap_fuzzy *f)
{
	if (f->len > 0)
		judge(f, true);
	f->len = 0;
	f->is_tail = false;
}

/* A word is longer than that: its last letters stay. */
static void shift(struct imap_fuzzy *f)
{
	size_t keep = FUZZY_LETTERS_MAX - 1;

	judge(f, false);
	for (size_t i = 0; i < keep; i++)
		f->letters[i] = f->letters[f->len - keep + i];
	f->len = keep;
	f->is_tail = true;
}

void imap_fuzzy_begin(struct imap_fuzzy *f)
{
	f->len = 0;
	f->is_tail = false;
	f->score = 0;
	for (size_t i = 0; i < f->count; i++)
		f->words[i].best = 0;
}

void imap_fuzzy_feed(struct imap_fuzzy *f, bool is_first, unsigned worth,
	struct span folded)
{
	if (is_first)
		end_word(f);
	f->worth = worth;
	while (folded.n > 0) {
		uint32_t c = fold_base_next(&folded);

		if (c == FOLD_NONE)
			continue;
		if (!is_letter(c)) {
			end_word(f);
			continue;
		}
		if (f->len == FUZZY_TEXT_LETTERS)
			shift(f);
		f->letters[f->len++] = c;
	}
}

bool imap_fuzzy_is_done(const struct imap_fuzzy *f, unsigned worth)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->words[i].best < worth)
			return false;
	return true;
}

unsigned imap_fuzzy_end(struct imap_fuzzy *f)
{
	unsigned sum = 0;

	end_word(f);
	for (size_t i = 0; i < f->count; i++) {
		if (f->words[i].best == 0)
			return 0;
		sum += f->words[i].best;
	}
	f->score = f->count > 0 ? sum / (unsigned)f->count : 0;
	return f->score;
}
