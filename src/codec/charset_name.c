/*
 * charset_name.c - the names that character sets have in mail.  See
 * charset_name.h.
 *
 * Names are compared by their letters and digits alone: "ISO_8859-1",
 * "iso8859-1" and "iso-88591" are one.  What the table does not have is asked
 * of ICU, which knows the registry; the table has what ICU does not, and what
 * has to be read as something larger than its name says.
 */
#include "codec/charset_name.h"

#include "base/banned.h"

struct row {
	struct span squeezed; /* lower case, without marks */
	enum charset_kind kind;
	const char *icu_name;
};

/* clang-format off */
static const struct row rows[] = {
	/* the usual ones first */
	{SPAN_INIT("utf8"), CHARSET_UTF_8, NULL},
	{SPAN_INIT("usascii"), CHARSET_GUESS, NULL},
	{SPAN_INIT("iso88591"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("windows1252"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("iso885915"), CHARSET_ISO_8859_15, NULL},
	/* UTF-8 */
	{SPAN_INIT("unicode11utf8"), CHARSET_UTF_8, NULL},
	{SPAN_INIT("unicode20utf8"), CHARSET_UTF_8, NULL},
	{SPAN_INIT("xunicode20utf8"), CHARSET_UTF_8, NULL},
	{SPAN_INIT("xutf8"), CHARSET_UTF_8, NULL},
	{SPAN_INIT("cp65001"), CHARSET_UTF_8, NULL},
	{SPAN_INIT("csutf8"), CHARSET_UTF_8, NULL},
	{SPAN_INIT("utf8mb4"), CHARSET_UTF_8, NULL},
	/* US-ASCII, and none at all */
	{SPAN_INIT("ascii"), CHARSET_GUESS, NULL},
	{SPAN_INIT("us"), CHARSET_GUESS, NULL},
	{SPAN_INIT("646"), CHARSET_GUESS, NULL},
	{SPAN_INIT("iso646us"), CHARSET_GUESS, NULL},
	{SPAN_INIT("iso646irv1991"), CHARSET_GUESS, NULL},
	{SPAN_INIT("ansix341968"), CHARSET_GUESS, NULL},
	{SPAN_INIT("ansix341986"), CHARSET_GUESS, NULL},
	{SPAN_INIT("csascii"), CHARSET_GUESS, NULL},
	{SPAN_INIT("isoir6"), CHARSET_GUESS, NULL},
	{SPAN_INIT("cp367"), CHARSET_GUESS, NULL},
	{SPAN_INIT("ibm367"), CHARSET_GUESS, NULL},
	{SPAN_INIT("7bit"), CHARSET_GUESS, NULL},
	{SPAN_INIT("unknown"), CHARSET_GUESS, NULL},
	{SPAN_INIT("unknown8bit"), CHARSET_GUESS, NULL},
	{SPAN_INIT("xunknown"), CHARSET_GUESS, NULL},
	{SPAN_INIT("default"), CHARSET_GUESS, NULL},
	{SPAN_INIT("none"), CHARSET_GUESS, NULL},
	{SPAN_INIT("8bit"), CHARSET_GUESS, NULL},
	{SPAN_INIT("binary"), CHARSET_GUESS, NULL},
	{SPAN_INIT("xuserdefined"), CHARSET_GUESS, NULL},
	/* windows-1252 and ISO-8859-1 */
	{SPAN_INIT("latin1"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("l1"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("iso885911987"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("isoir100"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("csisolatin1"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("819"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("cp819"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("ibm819"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("cp1252"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("xcp1252"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("win1252"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("ms1252"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("ansi1252"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("ansi"), CHARSET_WINDOWS_1252, NULL},
	{SPAN_INIT("xansi"), CHARSET_WINDOWS_1252, NULL},
	/* ISO-8859-15 */
	{SPAN_INIT("latin9"), CHARSET_ISO_8859_15, NULL},
	{SPAN_INIT("l9"), CHARSET_ISO_8859_15, NULL},
	{SPAN_INIT("csisolatin9"), CHARSET_ISO_8859_15, NULL},
	{SPAN_INIT("iso8859151999"), CHARSET_ISO_8859_15, NULL},
	/* ISO-8859-16 */
	{SPAN_INIT("iso885916"), CHARSET_ISO_8859_16, NULL},
	{SPAN_INIT("latin10"), CHARSET_ISO_8859_16, NULL},
	{SPAN_INIT("l10"), CHARSET_ISO_8859_16, NULL},
	{SPAN_INIT("isoir226"), CHARSET_ISO_8859_16, NULL},
	/* supersets, as browsers take them */
	{SPAN_INIT("iso88599"), CHARSET_ICU, "windows-1254"},
	{SPAN_INIT("iso885991989"), CHARSET_ICU, "windows-1254"},
	{SPAN_INIT("latin5"), CHARSET_ICU, "windows-1254"},
	{SPAN_INIT("l5"), CHARSET_ICU, "windows-1254"},
	{SPAN_INIT("csisolatin5"), CHARSET_ICU, "windows-1254"},
	{SPAN_INIT("isoir148"), CHARSET_ICU, "windows-1254"},
	{SPAN_INIT("iso885911"), CHARSET_ICU, "windows-874"},
	{SPAN_INIT("tis620"), CHARSET_ICU, "windows-874"},
	{SPAN_INIT("tis6202533"), CHARSET_ICU, "windows-874"},
	{SPAN_INIT("windows874"), CHARSET_ICU, "windows-874"},
	{SPAN_INIT("cp874"), CHARSET_ICU, "windows-874"},
	{SPAN_INIT("dos874"), CHARSET_ICU, "windows-874"},
	{SPAN_INIT("gb2312"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("gb231280"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("csgb2312"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("csiso58gb231280"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("isoir58"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("chinese"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("euccn"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("xeuccn"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("gbk"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("xgbk"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("cngb"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("cp936"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("ms936"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("windows936"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("gb180302000"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("gb180302005"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("gb180302022"), CHARSET_ICU, "gb18030"},
	{SPAN_INIT("euckr"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("cseuckr"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("ksc56011987"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("ksc56011989"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("ksc5601"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("csksc56011987"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("isoir149"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("korean"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("windows949"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("cp949"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("ms949"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("uhc"), CHARSET_ICU, "windows-949"},
	{SPAN_INIT("shiftjis"), CHARSET_ICU, "windows-31j"},
	{SPAN_INIT("csshiftjis"), CHARSET_ICU, "windows-31j"},
	{SPAN_INIT("sjis"), CHARSET_ICU, "windows-31j"},
	{SPAN_INIT("xsjis"), CHARSET_ICU, "windows-31j"},
	{SPAN_INIT("mskanji"), CHARSET_ICU, "windows-31j"},
	{SPAN_INIT("cp932"), CHARSET_ICU, "windows-31j"},
	{SPAN_INIT("ms932"), CHARSET_ICU, "windows-31j"},
	{SPAN_INIT("windows932"), CHARSET_ICU, "windows-31j"},
	{SPAN_INIT("windows31j"), CHARSET_ICU, "windows-31j"},
	{SPAN_INIT("cswindows31j"), CHARSET_ICU, "windows-31j"},
	{SPAN_INIT("big5"), CHARSET_ICU, "windows-950"},
	{SPAN_INIT("csbig5"), CHARSET_ICU, "windows-950"},
	{SPAN_INIT("cnbig5"), CHARSET_ICU, "windows-950"},
	{SPAN_INIT("xxbig5"), CHARSET_ICU, "windows-950"},
	{SPAN_INIT("cp950"), CHARSET_ICU, "windows-950"},
	{SPAN_INIT("ms950"), CHARSET_ICU, "windows-950"},
	{SPAN_INIT("big5tw"), CHARSET_ICU, "windows-950"},
	/* with JIS X 0212 and half-width katakana */
	{SPAN_INIT("iso2022jp"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("csiso2022jp"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("iso2022jp1"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("iso2022jp2"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("iso2022jp3"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("iso2022jpms"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("cp50220"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("cp50221"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("cp50222"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("jis"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("jis7"), CHARSET_ICU, "ISO-2022-JP-2"},
	{SPAN_INIT("csjisencoding"), CHARSET_ICU, "ISO-2022-JP-2"},
	/* other names of what ICU has */
	{SPAN_INIT("eucjp"), CHARSET_ICU, "EUC-JP"},
	{SPAN_INIT("xeucjp"), CHARSET_ICU, "EUC-JP"},
	{SPAN_INIT("xeuc"), CHARSET_ICU, "EUC-JP"},
	{SPAN_INIT("ujis"), CHARSET_ICU, "EUC-JP"},
	{SPAN_INIT("cseucpkdfmtjapanese"), CHARSET_ICU, "EUC-JP"},
	{SPAN_INIT("hz"), CHARSET_ICU, "HZ-GB-2312"},
	{SPAN_INIT("hzgb2312"), CHARSET_ICU, "HZ-GB-2312"},
	{SPAN_INIT("koi8"), CHARSET_ICU, "KOI8-R"},
	{SPAN_INIT("koi"), CHARSET_ICU, "KOI8-R"},
	{SPAN_INIT("koi8r"), CHARSET_ICU, "KOI8-R"},
	{SPAN_INIT("cskoi8r"), CHARSET_ICU, "KOI8-R"},
	{SPAN_INIT("koi8u"), CHARSET_ICU, "KOI8-U"},
	{SPAN_INIT("koi8ru"), CHARSET_ICU, "KOI8-U"},
	{SPAN_INIT("utf7"), CHARSET_ICU, "UTF-7"},
	{SPAN_INIT("unicode11utf7"), CHARSET_ICU, "UTF-7"},
	{SPAN_INIT("unicode20utf7"), CHARSET_ICU, "UTF-7"},
	{SPAN_INIT("xunicode20utf7"), CHARSET_ICU, "UTF-7"},
	{SPAN_INIT("csunicode11utf7"), CHARSET_ICU, "UTF-7"},
	{SPAN_INIT("cp65000"), CHARSET_ICU, "UTF-7"},
	{SPAN_INIT("utf16"), CHARSET_ICU, "UTF-16"},
	{SPAN_INIT("ucs2"), CHARSET_ICU, "UTF-16"},
	{SPAN_INIT("unicode"), CHARSET_ICU, "UTF-16"},
	{SPAN_INIT("csunicode"), CHARSET_ICU, "UTF-16"},
	{SPAN_INIT("iso10646ucs2"), CHARSET_ICU, "UTF-16"},
	{SPAN_INIT("unicodefeff"), CHARSET_ICU, "UTF-16"},
	{SPAN_INIT("utf32"), CHARSET_ICU, "UTF-32"},
	{SPAN_INIT("ucs4"), CHARSET_ICU, "UTF-32"},
	{SPAN_INIT("iso10646ucs4"), CHARSET_ICU, "UTF-32"},
	{SPAN_INIT("csucs4"), CHARSET_ICU, "UTF-32"},
	{SPAN_INIT("iso88598i"), CHARSET_ICU, "ISO-8859-8"},
	{SPAN_INIT("iso88598e"), CHARSET_ICU, "ISO-8859-8"},
	{SPAN_INIT("csiso88598i"), CHARSET_ICU, "ISO-8859-8"},
	{SPAN_INIT("csiso88598e"), CHARSET_ICU, "ISO-8859-8"},
	{SPAN_INIT("logical"), CHARSET_ICU, "ISO-8859-8"},
	{SPAN_INIT("visual"), CHARSET_ICU, "ISO-8859-8"},
	{SPAN_INIT("iso88596i"), CHARSET_ICU, "ISO-8859-6"},
	{SPAN_INIT("iso88596e"), CHARSET_ICU, "ISO-8859-6"},
	{SPAN_INIT("csiso88596i"), CHARSET_ICU, "ISO-8859-6"},
	{SPAN_INIT("csiso88596e"), CHARSET_ICU, "ISO-8859-6"},
	{SPAN_INIT("macroman"), CHARSET_ICU, "macintosh"},
	{SPAN_INIT("xmacroman"), CHARSET_ICU, "macintosh"},
	{SPAN_INIT("mac"), CHARSET_ICU, "macintosh"},
	{SPAN_INIT("csmacintosh"), CHARSET_ICU, "macintosh"},
	{SPAN_INIT("xmacukrainian"), CHARSET_ICU, "x-mac-cyrillic"},
	{SPAN_INIT("maccyrillic"), CHARSET_ICU, "x-mac-cyrillic"},
	{SPAN_INIT("win1250"), CHARSET_ICU, "windows-1250"},
	{SPAN_INIT("ansi1250"), CHARSET_ICU, "windows-1250"},
	{SPAN_INIT("xcp1250"), CHARSET_ICU, "windows-1250"},
	{SPAN_INIT("win1251"), CHARSET_ICU, "windows-1251"},
	{SPAN_INIT("ansi1251"), CHARSET_ICU, "windows-1251"},
	{SPAN_INIT("xcp1251"), CHARSET_ICU, "windows-1251"},
	{SPAN_INIT("win1253"), CHARSET_ICU, "windows-1253"},
	{SPAN_INIT("ansi1253"), CHARSET_ICU, "windows-1253"},
	{SPAN_INIT("xcp1253"), CHARSET_ICU, "windows-1253"},
	{SPAN_INIT("win1254"), CHARSET_ICU, "windows-1254"},
	{SPAN_INIT("ansi1254"), CHARSET_ICU, "windows-1254"},
	{SPAN_INIT("xcp1254"), CHARSET_ICU, "windows-1254"},
	{SPAN_INIT("win1255"), CHARSET_ICU, "windows-1255"},
	{SPAN_INIT("ansi1255"), CHARSET_ICU, "windows-1255"},
	{SPAN_INIT("xcp1255"), CHARSET_ICU, "windows-1255"},
	{SPAN_INIT("win1256"), CHARSET_ICU, "windows-1256"},
	{SPAN_INIT("ansi1256"), CHARSET_ICU, "windows-1256"},
	{SPAN_INIT("xcp1256"), CHARSET_ICU, "windows-1256"},
	{SPAN_INIT("win1257"), CHARSET_ICU, "windows-1257"},
	{SPAN_INIT("ansi1257"), CHARSET_ICU, "windows-1257"},
	{SPAN_INIT("xcp1257"), CHARSET_ICU, "windows-1257"},
	{SPAN_INIT("win1258"), CHARSET_ICU, "windows-1258"},
	{SPAN_INIT("ansi1258"), CHARSET_ICU, "windows-1258"},
	{SPAN_INIT("xcp1258"), CHARSET_ICU, "windows-1258"},
	/* not of this world: forms of storage, and names of older holes */
	{SPAN_INIT("scsu"), CHARSET_UNKNOWN, NULL},
	{SPAN_INIT("bocu1"), CHARSET_UNKNOWN, NULL},
	{SPAN_INIT("cesu8"), CHARSET_UNKNOWN, NULL},
	{SPAN_INIT("imapmailboxname"), CHARSET_UNKNOWN, NULL},
	{SPAN_INIT("lmbcs"), CHARSET_UNKNOWN, NULL},
	{SPAN_INIT("lmbcs1"), CHARSET_UNKNOWN, NULL},
	{SPAN_INIT("xlmbcs1"), CHARSET_UNKNOWN, NULL},
	{SPAN_INIT("x11compoundtext"), CHARSET_UNKNOWN, NULL},
	{SPAN_INIT("compoundtext"), CHARSET_UNKNOWN, NULL},
	{SPAN_INIT("replacement"), CHARSET_UNKNOWN, NULL},
};
/* clang-format on */

/* Quotes and blanks are no part of a name, wherever they stand. */
static bool is_around(uint8_t c)
{
	return c <= ' ' || c == '"' || c == '\'' || c == '<' || c == '>' ||
		c == ';' || c == ',';
}

static struct span trim(struct span s)
{
	while (s.n > 0 && is_around(s.p[0]))
		s = span_tail(s, 1);
	while (s.n > 0 && is_around(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* A comma would be an option of ICU's. */
static bool is_name_char(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' ||
		c == '_' || c == '.' || c == ':' || c == '+';
}

static size_t squeeze(struct span name, char out[CHARSET_ICU_NAME_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++)
		if (ascii_is_alpha(name.p[i]) || ascii_is_digit(name.p[i]))
			out[n++] = (char)ascii_lower(name.p[i]);
	return n;
}

static void set_name(struct charset_name *name, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		name->icu_name[i] = (char)text.p[i];
	name->icu_name[text.n] = 0;
}

struct charset_name charset_name_find(struct span name)
{
	struct charset_name found = {.kind = CHARSET_UNKNOWN};
	char squeezed[CHARSET_ICU_NAME_MAX];
	struct span key;

	name = trim(name);
	if (name.n == 0 || name.n >= CHARSET_ICU_NAME_MAX)
		return found;
	for (size_t i = 0; i < name.n; i++)
		if (!is_name_char(name.p[i]))
			return found;
	key = span_of(squeezed, squeeze(name, squeezed));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if (!span_eq(key, row->squeezed))
			continue;
		found.kind = row->kind;
		if (row->icu_name != NULL)
			set_name(&found, span_str(row->icu_name));
		return found;
	}
	found.kind = CHARSET_ICU;
	set_name(&found, name);
	return found;
}
