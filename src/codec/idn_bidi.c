/*
 * idn_bidi.c - the Bidi rule.  See idn_bidi.h.
 *
 * libidn2 2.3 looks at each label alone, and lets digits of two kinds pass.
 * The rule is about the whole domain: one label that runs from right to left
 * binds all of them, for a digit beside it would be shown at the wrong end.
 */
#include "codec/idn_bidi.h"

#include <unictype.h>

#include "base/utf8.h"
#include "codec/idn.h"

#include "base/banned.h"

#define BIT(class) (1u << (class))

#define RIGHT   (BIT(UC_BIDI_R) | BIT(UC_BIDI_AL))
#define NUMBERS (BIT(UC_BIDI_EN) | BIT(UC_BIDI_AN))
#define NEUTRAL                                                                \
	(BIT(UC_BIDI_ES) | BIT(UC_BIDI_CS) | BIT(UC_BIDI_ET) |                 \
		BIT(UC_BIDI_ON) | BIT(UC_BIDI_BN) | BIT(UC_BIDI_NSM))

/* The classes in a label. */
struct classes {
	unsigned first, last; /* last: without the marks at the end */
	unsigned all;
};

static struct classes classes_of(struct span label)
{
	struct classes c = {0};

	while (label.n > 0) {
		size_t n = utf8_char_len(label);
		unsigned bit;

		if (n == 0)
			return (struct classes){0};
		bit = BIT(uc_bidi_class(idn_code_point(label, n)));
		c.all |= bit;
		if (c.first == 0)
			c.first = bit;
		if (bit != BIT(UC_BIDI_NSM))
			c.last = bit;
		label = span_tail(label, n);
	}
	return c;
}

/* The numbers are those of RFC 5893 2. */
static bool is_label_right(const struct classes *c)
{
	if (c->first & RIGHT) /* 1 */
		return (c->all & ~(RIGHT | NUMBERS | NEUTRAL)) == 0 && /* 2 */
			(c->last & (RIGHT | NUMBERS)) != 0 &&          /* 3 */
			(c->all & NUMBERS) != NUMBERS;                 /* 4 */
	return c->first == BIT(UC_BIDI_L) && /* 1 */
		(c->all & ~(BIT(UC_BIDI_L) | BIT(UC_BIDI_EN) | NEUTRAL)) ==
			0 &&                                              /* 5 */
		(c->last & (BIT(UC_BIDI_L) | BIT(UC_BIDI_EN))) != 0;     /* 6 */
}

bool idn_bidi_is_kept(struct span domain)
{
	bool is_bidi = false, is_right = true;

	while (domain.n > 0) {
		struct classes c = classes_of(span_cut(&domain, '.'));

		is_bidi = is_bidi || (c.all & (RIGHT | BIT(UC_BIDI_AN)));
		is_right = is_right && is_label_right(&c);
	}
	return !is_bidi || is_right;
}
