/*
 * idn.c - names in all scripts.  See idn.h.
 *
 * libidn2 knows the tables of domains, libunistring those of text; libidn2
 * itself stands on libunistring.
 *
 * Three ways of libidn2 are not trusted.  Asked for the ASCII rules of STD 3 it
 * drops characters that break them ("a@b" becomes "ab"), so it is not asked,
 * and its answer is held against our own rule: punycode shows every ASCII byte
 * of a label as it is.  Its Bidi rule has holes: idn_bidi.h.  And an answer
 * counts only if it is the answer to itself.
 *
 * Todo(rfc): RFC 5892 A.3 to A.9 (CONTEXTO: middle dots, digits of two kinds)
 * are not checked; UTS 46 leaves them out as well.
 */
#include "codec/idn.h"

#include <idn2.h>
#include <unicase.h>
#include <uninorm.h>
#include <unictype.h>

#include "base/utf8.h"
#include "codec/idn_bidi.h"

#include "base/banned.h"

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */
/* A local part in UTF-8: twice what RFC 5321 4.5.3.1.1 allows.  NFC makes at
 * most three bytes of one, and folding three of each of those: the rooms are
 * never too small, so the libraries never allocate their answers. */
#define LOCAL_MAX  128
#define NORMAL_MAX (3 * LOCAL_MAX)
#define FOLDED_MAX (3 * NORMAL_MAX)

static const struct span ace = SPAN_INIT("xn--"); /* RFC 5890 2.3.2.5 */

/* ---- characters -------------------------------------------------------- */

uint32_t idn_code_point(struct span s, size_t n)
{
	static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t value = s.p[0] & masks[n];

	for (size_t i = 1; i < n; i++)
		value = value << 6 | (s.p[i] & 0x3f);
	return value;
}

bool idn_is_harmful(uint32_t code, bool in_domain)
{
	enum where { ANYWHERE, DOMAIN, LOCAL };
	static const struct {
		uint32_t low, high;
		enum where where;
	} rows[] = {
		{0x00, 0x1f, ANYWHERE},
		{0x7f, 0x9f, ANYWHERE},     /* DEL, C1 controls */
		{0xa0, 0xa0, DOMAIN},       /* no-break space */
		{0xad, 0xad, ANYWHERE},     /* soft hyphen */
		{0x034f, 0x034f, ANYWHERE}, /* grapheme joiner */
		{0x061c, 0x061c, ANYWHERE}, /* Arabic letter mark */
		{0x180b, 0x180f, ANYWHERE}, /* Mongolian selectors */
		{0x200b, 0x200b, ANYWHERE}, /* zero width space */
		{0x200c, 0x200d, LOCAL},    /* joiners: RFC 5892 A.1, A.2 */
		{0x200e, 0x200f, ANYWHERE}, /* direction marks */
		{0x2028, 0x202e, ANYWHERE}, /* separators, bidi overrides */
		{0x2060, 0x206f, ANYWHERE}, /* invisible operators, isolates */
		{0x2260, 0x2260, DOMAIN},   /* composed of ASCII that no */
		{0x226e, 0x226f, DOMAIN},   /* label may have: "=", "<", ">" */
		{0xfe00, 0xfe0f, ANYWHERE}, /* variation selectors */
		{0xfeff, 0xfeff, ANYWHERE}, /* byte order mark */
		{0xfff9, 0xffff, ANYWHERE}, /* specials */
		{0xe0000, 0xe0fff, ANYWHERE}, /* tags */
	};
	enum where other = in_domain ? LOCAL : DOMAIN;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (code >= rows[i].low && code <= rows[i].high)
			return rows[i].where != other;
	return false;
}

/* All characters are well-formed and none is harmful. */
static bool is_clean(struct span text, bool in_domain)
{
	while (text.n > 0) {
		size_t n = utf8_char_len(text);

		if (n == 0 || idn_is_harmful(idn_code_point(text, n),
				      in_domain))
			return false;
		text = span_tail(text, n);
	}
	return true;
}

static void put_lower(struct buf *out, struct span s)
{
	uint8_t *to = buf_reserve(out, s.n);

	if (to == NULL)
		return;
	for (size_t i = 0; i < s.n; i++)
		to[i] = ascii_lower(s.p[i]);
	buf_wrote(out, s.n);
}

/* ---- domains ----------------------------------------------------------- */

static bool is_let_dig(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}

/* Let-dig and hyphens between; non-ASCII counts as letters, and then the
 * length is not the one that matters.  RFC 5321 4.1.2, RFC 6531 3.3 */
static bool is_label(struct span label)
{
	bool is_ascii = utf8_is_ascii(label);

	if (label.n == 0 || (is_ascii && label.n > LABEL_MAX) ||
		label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!is_let_dig(label.p[i]) && label.p[i] != '-' &&
			label.p[i] < 0x80)
			return false;
	return true;
}

static bool is_name(struct span name)
{
	if (name.n == 0 || name.n > IDN_DOMAIN_MAX ||
		name.p[name.n - 1] == '.')
		return false;
	while (name.n > 0)
		if (!is_label(span_cut(&name, '.')))
			return false;
	return true;
}

/* There is nothing to map and no punycode to check. */
static bool is_plain(struct span name)
{
	if (!utf8_is_ascii(name))
		return false;
	while (name.n > 0)
		if (span_starts_fold(span_cut(&name, '.'), ace))
			return false;
	return true;
}

/* The A-labels of a name; false: it has none.  *out is libidn2's. */
static bool look_up(struct span name, uint8_t **out, struct span *out_labels)
{
	uint8_t text[IDN_DOMAIN_MAX + 1];

	*out = NULL;
	for (size_t i = 0; i < name.n; i++)
		text[i] = name.p[i];
	text[name.n] = '\0';
	if (idn2_lookup_u8(text, out,
		    IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
		return false;
	*out_labels = span_str((const char *)*out);
	return utf8_is_ascii(*out_labels) && is_name(*out_labels);
}

static bool is_stable(struct span labels)
{
	struct span again;
	uint8_t *made;
	bool is_same = look_up(labels, &made, &again) &&
		span_eq(again, labels);

	idn2_free(made);
	return is_same;
}

/* labels ends with NUL. */
static bool is_readable(struct span labels)
{
	char *made = NULL;
	bool is_good = idn2_to_unicode_8z8z((const char *)labels.p, &made,
			       IDN2_NONTRANSITIONAL) == IDN2_OK &&
		is_clean(span_str(made), true) &&
		idn_bidi_is_kept(span_str(made));

	idn2_free(made);
	return is_good;
}

enum code idn_domain_put(struct buf *out, struct span domain)
{
	struct span labels;
	uint8_t *made;
	bool is_good;

	if (!is_name(domain))
		return SYNTAX;
	if (is_plain(domain)) {
		put_lower(out, domain);
		return OK;
	}
	if (!is_clean(domain, true))
		return SYNTAX;
	is_good = look_up(domain, &made, &labels) &&
		is_readable(labels) && is_stable(labels);
	if (is_good)
		put_lower(out, labels);
	idn2_free(made);
	return is_good ? OK : SYNTAX;
}

/* ---- local parts ------------------------------------------------------- */

/* Folding may leave something to be composed, and that to be folded: twice. */
static bool fold(struct span normal, struct buf *out)
{
	uint8_t first[FOLDED_MAX], second[FOLDED_MAX];
	size_t n = sizeof(first), m = sizeof(second);

	if (u8_casefold(normal.p, normal.n, NULL, UNINORM_NFC, first, &n) !=
			first ||
		u8_casefold(first, n, NULL, UNINORM_NFC, second, &m) != second)
		return false;
	buf_put(out, span_of(second, m));
	return true;
}

enum code idn_local_put(struct buf *out, struct span local)
{
	uint8_t normal[NORMAL_MAX];
	size_t n = sizeof(normal);

	if (!is_clean(local, false))
		return SYNTAX;
	if (utf8_is_ascii(local)) {
		put_lower(out, local);
		return OK;
	}
	if (local.n > LOCAL_MAX || u8_normalize(UNINORM_NFC, local.p, local.n,
					   normal, &n) != normal)
		return SYNTAX;
	return fold(span_of(normal, n), out) ? OK : SYNTAX;
}

/* ---- for people -------------------------------------------------------- */

/* Scripts that are written together; everything else stands alone. */
enum script_bit { HAN = 1, KANA = 2, HANGUL = 4, BOPOMOFO = 8, OTHER = 16 };

static enum script_bit bit_of(const uc_script_t *script)
{
	static const struct {
		struct span name;
		enum script_bit bit;
	} rows[] = {
		{SPAN_INIT("Han"), HAN},
		{SPAN_INIT("Hiragana"), KANA},
		{SPAN_INIT("Katakana"), KANA},
		{SPAN_INIT("Hangul"), HANGUL},
		{SPAN_INIT("Bopomofo"), BOPOMOFO},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_eq(span_str(script->name), rows[i].name))
			return rows[i].bit;
	return OTHER;
}

/* What the scripts of two characters become together; 0: they do not go. */
static unsigned join(unsigned bits, enum script_bit bit)
{
	static const unsigned groups[] = {HAN | KANA, HAN | HANGUL,
		HAN | BOPOMOFO};
	unsigned both = bits | bit;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if ((both & ~groups[i]) == 0)
			return both;
	return 0;
}

/* Common characters (digits, hyphens) and combining marks are of no script of
 * their own. */
static bool is_of_one_script(struct span label)
{
	const uc_script_t *script = NULL;
	unsigned bits = 0;

	while (label.n > 0) {
		size_t n = utf8_char_len(label);
		const uc_script_t *next = n == 0 ? NULL :
			uc_script(idn_code_point(label, n));

		if (next == NULL)
			return false;
		label = span_tail(label, n);
		if (next == script || next == uc_script('0') ||
			span_eq(span_str(next->name), SPAN("Inherited")))
			continue;
		if (bits != 0 && join(bits, bit_of(next)) == 0)
			return false;
		bits |= bit_of(next);
		script = next;
	}
	return true;
}

static void show_label(struct buf *out, struct span label)
{
	char text[LABEL_MAX + 1];
	char *made = NULL;
	struct span shown = label;

	for (size_t i = 0; i < label.n; i++)
		text[i] = (char)label.p[i];
	text[label.n] = '\0';
	if (span_starts_fold(label, ace) &&
		idn2_to_unicode_8z8z(text, &made, IDN2_NONTRANSITIONAL) ==
			IDN2_OK &&
		is_of_one_script(span_str(made)))
		shown = span_str(made);
	buf_put(out, shown);
	idn2_free(made);
}

/* Only of a domain in its one form can the labels be shown. */
static bool has_labels(struct span domain)
{
	struct buf form;
	bool is_form;

	if (!utf8_is_ascii(domain) || is_plain(domain))
		return false;
	buf_init(&form, IDN_DOMAIN_MAX);
	is_form = idn_domain_put(&form, domain) == OK &&
		span_eq_fold(buf_span(&form), domain);
	buf_clear(&form);
	return is_form;
}

void idn_show(struct buf *out, struct span text)
{
	size_t at = span_find_last(text, '@');
	size_t local_n = at < text.n ? at + 1 : 0;
	struct span domain = span_tail(text, local_n);

	if (!has_labels(domain)) {
		buf_put(out, text);
		return;
	}
	buf_put(out, span_head(text, local_n));
	while (domain.n > 0) {
		show_label(out, span_cut(&domain, '.'));
		if (domain.n > 0)
			buf_putc(out, '.');
	}
}
