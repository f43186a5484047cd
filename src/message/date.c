/*
 * date.c - Date: and its relatives.  See date.h.
 *
 * A cursor goes over the value once; each function takes what it knows, or
 * leaves the cursor where it is and says no.
 */
#include "message/date.h"

#include "base/num.h"
#include "message/token.h"

#include "base/banned.h"

#define YEAR_MIN   1900 /* RFC 5322 3.3 */
#define YEAR_MAX   9999
#define NUMBER_MAX 99999 /* more digits are no part of a date */

struct parts {
	uint32_t year, month, day, hour, minute, second; /* month: from 1 */
	bool has_year;
	bool has_zone;   /* of either kind */
	bool has_offset; /* a zone as a number: there is no second one */
	int32_t zone_min;
	bool is_zone_unknown;
};

/* ---- words and numbers ------------------------------------------------------ */

static void skip(struct span *in)
{
	*in = span_tail(*in, token_cfws_len(*in));
}

static bool take_byte(struct span *in, uint8_t byte)
{
	if (in->n == 0 || in->p[0] != byte)
		return false;
	*in = span_tail(*in, 1);
	return true;
}

static size_t digits_len(struct span s)
{
	size_t n = 0;

	while (n < s.n && ascii_is_digit(s.p[n]))
		n++;
	return n;
}

/* A number of so many digits, and no digit behind it. */
static bool take_number(struct span *in, size_t least, size_t most,
	uint32_t *out)
{
	size_t n = digits_len(*in);

	if (n < least || n > most ||
		!num_parse_u32(span_head(*in, n), NUMBER_MAX, out))
		return false;
	*in = span_tail(*in, n);
	return true;
}

/* Letters; those beyond ASCII too: names of days have them. */
static struct span take_word(struct span *in)
{
	struct span word;
	size_t n = 0;

	while (n < in->n && (ascii_is_alpha(in->p[n]) || in->p[n] >= 0x80))
		n++;
	word = span_head(*in, n);
	*in = span_tail(*in, n);
	return word;
}

static uint32_t month_of(struct span word)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	if (word.n < 3)
		return 0;
	for (uint32_t i = 0; i < 12; i++)
		if (span_starts_fold(word,
			    span_of(names + (size_t)i * 3, 3)))
			return i + 1;
	return 0;
}

/* ---- the pieces -------------------------------------------------------------- */

/* RFC 5322 4.3: two digits below 50 are of this century, the others of the
 * last one; three digits count from 1900. */
static bool take_year(struct span *in, struct parts *p)
{
	size_t n = digits_len(*in);

	if (!take_number(in, 2, 4, &p->year))
		return false;
	if (n == 2 && p->year < 50)
		p->year += 2000;
	else if (n < 4)
		p->year += 1900;
	p->has_year = true;
	return p->year >= YEAR_MIN && p->year <= YEAR_MAX;
}

/* AM or PM behind a time of twelve hours; false: the hour is none of these. */
static bool take_half(struct span *in, struct parts *p)
{
	struct span rest = *in;
	struct span word = take_word(&rest);
	bool is_pm = span_eq_fold(word, SPAN("pm"));

	if (!is_pm && !span_eq_fold(word, SPAN("am")))
		return true;
	*in = rest;
	if (p->hour < 1 || p->hour > 12)
		return false;
	p->hour = p->hour % 12 + (is_pm ? 12 : 0);
	return true;
}

static bool take_time(struct span *in, struct parts *p)
{
	if (!take_number(in, 1, 2, &p->hour) || p->hour > 23)
		return false;
	skip(in);
	if (!take_byte(in, ':'))
		return false;
	skip(in);
	if (!take_number(in, 1, 2, &p->minute) || p->minute > 59)
		return false;
	skip(in);
	if (take_byte(in, ':')) {
		skip(in);
		if (!take_number(in, 1, 2, &p->second) || p->second > 60)
			return false;
		if (take_byte(in, '.') || take_byte(in, ','))
			*in = span_tail(*in, digits_len(*in));
	}
	skip(in);
	return take_half(in, p);
}

/* "+0100", "+01:00", "+1", "+100"; a zone is less than a day. */
static bool take_offset(struct span *in, struct parts *p)
{
	bool is_west = in->p[0] == '-';
	uint32_t hours, minutes = 0;
	size_t n;

	*in = span_tail(*in, 1);
	n = digits_len(*in);
	if (!take_number(in, 1, 4, &hours))
		return false;
	if (n > 2) {
		minutes = hours % 100;
		hours /= 100;
	} else if (take_byte(in, ':') && !take_number(in, 2, 2, &minutes)) {
		return false;
	}
	if (hours > 23 || minutes > 59)
		return false;
	p->zone_min = (int32_t)(hours * 60 + minutes);
	p->is_zone_unknown = is_west && p->zone_min == 0;
	p->zone_min = is_west ? -p->zone_min : p->zone_min;
	p->has_zone = true;
	p->has_offset = true;
	return true;
}

/* RFC 5322 4.3, and what else means one thing only.  Deliberate: a lone Z is
 * UTC, as RFC 3339 has it; the other letters are unknown, as they should. */
static void take_zone_name(struct span word, struct parts *p)
{
	/* clang-format off */
	static const struct {
		struct span name;
		int32_t hours;
	} zones[] = {
		{SPAN_INIT("gmt"), 0},  {SPAN_INIT("utc"), 0},
		{SPAN_INIT("ut"), 0},   {SPAN_INIT("z"), 0},
		{SPAN_INIT("est"), -5}, {SPAN_INIT("edt"), -4},
		{SPAN_INIT("cst"), -6}, {SPAN_INIT("cdt"), -5},
		{SPAN_INIT("mst"), -7}, {SPAN_INIT("mdt"), -6},
		{SPAN_INIT("pst"), -8}, {SPAN_INIT("pdt"), -7},
		{SPAN_INIT("wet"), 0},  {SPAN_INIT("west"), 1},
		{SPAN_INIT("cet"), 1},  {SPAN_INIT("cest"), 2},
		{SPAN_INIT("met"), 1},  {SPAN_INIT("mest"), 2},
		{SPAN_INIT("eet"), 2},  {SPAN_INIT("eest"), 3},
		{SPAN_INIT("bst"), 1},  {SPAN_INIT("msk"), 3},
		{SPAN_INIT("jst"), 9},  {SPAN_INIT("kst"), 9},
		{SPAN_INIT("aest"), 10}, {SPAN_INIT("aedt"), 11},
		{SPAN_INIT("nzst"), 12}, {SPAN_INIT("nzdt"), 13},
	};
	/* clang-format on */

	p->has_zone = true;
	p->is_zone_unknown = true;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (span_eq_fold(word, zones[i].name)) {
			p->zone_min = zones[i].hours * 60;
			p->is_zone_unknown = false;
		}
}

static bool is_sign(struct span s)
{
	return s.n > 1 && (s.p[0] == '+' || s.p[0] == '-') &&
		ascii_is_digit(s.p[1]);
}

/* Zone and year behind the time, each at most once, in any order. */
static bool take_tail(struct span *in, struct parts *p)
{
	for (int i = 0; i < 3; i++) {
		struct span word;

		skip(in);
		if (is_sign(*in)) {
			if (p->has_offset || !take_offset(in, p))
				return false;
			continue;
		}
		word = take_word(in);
		if (word.n > 0 && !p->has_zone)
			take_zone_name(word, p);
		else if (word.n == 0 && digits_len(*in) > 0 && !p->has_year &&
			!take_year(in, p))
			return false;
	}
	return true;
}

/* ---- the forms -------------------------------------------------------------- */

/* Blanks, commas, dots and hyphens between the pieces of a day. */
static void skip_marks(struct span *in)
{
	do
		skip(in);
	while (take_byte(in, ',') || take_byte(in, '.') || take_byte(in, '-'));
}

/* yyyy-mm-dd, up to the time.  RFC 3339 5.6 */
static bool take_iso_day(struct span *in, struct parts *p)
{
	if (!take_year(in, p) || !take_byte(in, '-') ||
		!take_number(in, 2, 2, &p->month) || !take_byte(in, '-') ||
		!take_number(in, 2, 2, &p->day))
		return false;
	if (!take_byte(in, 'T'))
		(void)take_byte(in, 't');
	return true;
}

/* "3 Feb 2005", "3-Feb-05", "Feb 3, 2005", "Feb 3" (ctime: the year comes
 * later); word: what stood before, a month or not. */
static bool take_named_day(struct span *in, struct span word, struct parts *p)
{
	p->month = month_of(word);
	if (!take_number(in, 1, 2, &p->day))
		return false;
	skip_marks(in);
	word = take_word(in);
	/* "Mar, 3 Feb": a Tuesday in French */
	if (word.n == 0 && p->month > 0)
		return digits_len(*in) != 4 || take_year(in, p);
	p->month = month_of(word);
	skip_marks(in);
	return p->month > 0 && take_year(in, p);
}

static bool take_day(struct span *in, struct parts *p)
{
	struct span word;

	skip_marks(in);
	if (digits_len(*in) == 4 && in->n > 4 && in->p[4] == '-')
		return take_iso_day(in, p);
	word = take_word(in);
	skip_marks(in);
	/* the first word was the name of the day if there is another */
	if (word.n > 0 && digits_len(*in) == 0) {
		word = take_word(in);
		skip_marks(in);
		return month_of(word) > 0 && take_named_day(in, word, p);
	}
	if (digits_len(*in) == 4 && in->n > 4 && in->p[4] == '-')
		return take_iso_day(in, p);
	return take_named_day(in, word, p);
}

/* ---- the moment -------------------------------------------------------------- */

static bool is_leap(uint32_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool day_exists(const struct parts *p)
{
	static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30,
		31, 30, 31};

	if (p->month < 1 || p->month > 12 || p->day < 1)
		return false;
	return p->day <= lengths[p->month - 1] +
		(p->month == 2 && is_leap(p->year) ? 1u : 0u);
}

/* Since 1970-01-01, by the calendar of today; the year begins in March, so
 * that the leap day is its last. */
static int64_t days_of(const struct parts *p)
{
	int64_t year = (int64_t)p->year - (p->month <= 2);
	int64_t month = p->month <= 2 ? p->month + 9 : p->month - 3;

	return year * 365 + year / 4 - year / 100 + year / 400 +
		(month * 153 + 2) / 5 + p->day - 1 - 719468;
}

bool date_read(struct span value, struct date *out)
{
	struct parts p = {0};

	if (!take_day(&value, &p))
		return false;
	do
		skip(&value);
	while (take_byte(&value, ','));
	if (digits_len(value) > 0 && !take_time(&value, &p))
		return false;
	if (!take_tail(&value, &p) || !p.has_year || !day_exists(&p))
		return false;
	if (!p.has_zone)
		p.is_zone_unknown = true;
	out->zone_min = p.zone_min;
	out->is_zone_unknown = p.is_zone_unknown;
	out->seconds = days_of(&p) * 86400 + (int64_t)p.hour * 3600 +
		(int64_t)p.minute * 60 + p.second - (int64_t)p.zone_min * 60;
	return true;
}
