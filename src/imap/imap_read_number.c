/*
 * imap_read_number.c - numbers, sets, dates and times of a command's arguments.
 * See imap_read.h.
 */
#include <string.h>

#include "base/num.h"
#include "imap/imap_read.h"

#include "base/banned.h"

/* ---- numbers ------------------------------------------------------------ */
static struct span take_digits(struct imap_reader *r)
{
	size_t start = r->at;

	while (ascii_is_digit(imap_next(r)))
		r->at++;
	return span_of(r->text.p + start, r->at - start);
}

static bool read_number(struct imap_reader *r, uint64_t max, uint64_t *out)
{
	return num_parse_u64(take_digits(r), max, out) ||
	       imap_read_fails(r, "a number is missing or too large");
}

bool imap_read_number64(struct imap_reader *r, uint64_t *out)
{
	return read_number(r, INT64_MAX, out);
}

bool imap_read_number(struct imap_reader *r, uint32_t *out)
{
	uint64_t value;

	if (!read_number(r, UINT32_MAX, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

bool imap_read_nz_number(struct imap_reader *r, uint32_t *out)
{
	return imap_read_number(r, out) &&
	       (*out > 0 || imap_read_fails(r, "a number is zero"));
}

bool imap_read_partial(
	struct imap_reader *r, uint64_t *out_from, uint64_t *out_count)
{
	return imap_read_byte(r, '<') && imap_read_number64(r, out_from) &&
	       imap_read_byte(r, '.') && imap_read_number64(r, out_count) &&
	       (*out_count > 0 || imap_read_fails(r, "a number is zero")) &&
	       imap_read_byte(r, '>');
}

/* ---- windows ------------------------------------------------------------ */
static bool read_limit(
	struct imap_reader *r, const struct imap_window *w, uint32_t *out)
{
	return (!w->is_from_end || imap_read_byte(r, '-')) &&
	       imap_read_nz_number(r, out);
}

bool imap_read_window(struct imap_reader *r, struct imap_window *out)
{
	out->is_from_end = imap_next(r) == '-';
	return read_limit(r, out, &out->from) && imap_read_byte(r, ':') &&
	       read_limit(r, out, &out->to);
}

void imap_window_find(const struct imap_window *w, size_t count,
	size_t *out_first, size_t *out_end)
{
	size_t low = w->from < w->to ? w->from : w->to;
	size_t high = w->from < w->to ? w->to : w->from;

	*out_first = *out_end = 0;
	if (low > count)
		return;
	if (high > count)
		high = count;
	*out_first = w->is_from_end ? count - high : low - 1;
	*out_end = w->is_from_end ? count - low + 1 : high;
}

/* ---- sets --------------------------------------------------------------- */
static bool is_set_char(uint8_t c)
{
	return ascii_is_digit(c) || (c != '\0' && strchr(":,*$", c) != NULL);
}

bool imap_read_set_text(struct imap_reader *r, struct span *out)
{
	size_t start = r->at;

	while (is_set_char(imap_next(r)))
		r->at++;
	*out = span_of(r->text.p + start, r->at - start);
	return out->n > 0 || imap_read_fails(r, "a set is missing");
}

bool imap_read_set(struct imap_reader *r, uint32_t star, struct imap_set *out)
{
	struct span text;
	const char *wrong;

	if (!imap_read_set_text(r, &text))
		return false;
	wrong = imap_set_read(text, star, r->arena, out);
	return wrong == NULL || imap_read_fails(r, wrong);
}

/* ---- moments ------------------------------------------------------------ */
struct day {
	uint32_t day, month, year; /* month from 1 */
};

static bool is_leap(uint32_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_day(const struct day *d)
{
	static const uint8_t lengths[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (d->day == 29 && d->month == 2)
		return is_leap(d->year);
	return d->day >= 1 && d->day <= lengths[d->month - 1];
}

/* Days since 1970-01-01: years begin in March, so the leap day is the last. */
static int32_t day_number(const struct day *d)
{
	int32_t year = (int32_t)d->year - (d->month <= 2);
	int32_t month = (int32_t)(d->month + 9) % 12;
	int32_t era = (year >= 0 ? year : year - 399) / 400;
	int32_t of_era = year - era * 400;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       (153 * month + 2) / 5 + (int32_t)d->day - 1 - 719468;
}

/* Exactly n digits. */
static bool read_fixed(
	struct imap_reader *r, size_t n, uint32_t max, uint32_t *out)
{
	struct span digits = span_head(span_tail(r->text, r->at), n);

	if (digits.n < n || !num_parse_u32(digits, max, out))
		return imap_read_fails(r, "a date or time is wrong");
	r->at += n;
	return true;
}

static bool read_month(struct imap_reader *r, uint32_t *out)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (*out = 1; *out <= 12; ++*out)
		if (imap_skip(r, span_of(names + 3 * (*out - 1), 3)))
			return true;
	return imap_read_fails(r, "a month is Jan to Dec");
}

static bool read_day(struct imap_reader *r, struct day *out)
{
	struct span digits = take_digits(r);

	if (digits.n > 2 || !num_parse_u32(digits, 31, &out->day))
		return imap_read_fails(r, "a date is wrong");
	return imap_read_byte(r, '-') && read_month(r, &out->month) &&
	       imap_read_byte(r, '-') && read_fixed(r, 4, 9999, &out->year) &&
	       (is_day(out) || imap_read_fails(r, "there is no such day"));
}

bool imap_read_date(struct imap_reader *r, int32_t *out_days)
{
	bool is_quoted = imap_skip(r, SPAN("\""));
	struct day day;

	if (!read_day(r, &day) || (is_quoted && !imap_read_byte(r, '"')))
		return false;
	*out_days = day_number(&day);
	return true;
}

/* The second 60 is the next one's first. */
static bool read_time(struct imap_reader *r, uint32_t *out_seconds)
{
	uint32_t hour, minute, second;

	if (!read_fixed(r, 2, 23, &hour) || !imap_read_byte(r, ':') ||
		!read_fixed(r, 2, 59, &minute) || !imap_read_byte(r, ':') ||
		!read_fixed(r, 2, 60, &second))
		return false;
	*out_seconds = hour * 3600 + minute * 60 + second;
	return true;
}

static bool read_zone(struct imap_reader *r, int32_t *out_seconds)
{
	bool is_west = imap_next(r) == '-';
	uint32_t hours, minutes;

	if (!imap_read_byte(r, is_west ? '-' : '+') ||
		!read_fixed(r, 2, 23, &hours) ||
		!read_fixed(r, 2, 59, &minutes))
		return false;
	*out_seconds = (int32_t)(hours * 3600 + minutes * 60);
	if (is_west)
		*out_seconds = -*out_seconds;
	return true;
}

bool imap_read_date_time(struct imap_reader *r, int64_t *out_wall_ms)
{
	struct day day;
	uint32_t seconds;
	int32_t zone;

	if (!imap_read_byte(r, '"'))
		return false;
	/* date-day-fixed: a blank for the first of two digits */
	(void)imap_skip(r, SPAN(" "));
	if (!read_day(r, &day) || !imap_read_sp(r) || !read_time(r, &seconds) ||
		!imap_read_sp(r) || !read_zone(r, &zone) ||
		!imap_read_byte(r, '"'))
		return false;
	*out_wall_ms =
		((int64_t)day_number(&day) * 86400 + seconds - zone) * 1000;
	return true;
}
