/*
 * fuzz_date.c - dates, Message-IDs and base subjects.
 *
 * A date that is read is one of the calendar, and what is written of it is
 * read as the same; ids stand in the value in order; the base of a base
 * subject is itself.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "message/date.h"
#include "message/msgid.h"
#include "message/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 1900-01-01 to 9999-12-31, and a day for the zones. */
#define FIRST (-2208988800 - 86400)
#define LAST  (253402300800 + 86400)

static void check_date(struct span value)
{
	struct date date, again;
	struct buf text;

	if (!date_read(value, &date))
		return;
	must(date.seconds >= FIRST && date.seconds <= LAST);
	must(date.zone_min > -1440 && date.zone_min < 1440);
	must(!date.is_zone_unknown || date.zone_min == 0);
	if (date.seconds < FIRST + 86400 || date.seconds >= LAST - 86400)
		return;
	buf_init(&text, 100);
	time_put_rfc5322(&text, date.seconds * 1000);
	must(date_read(buf_span(&text), &again));
	must(again.seconds == date.seconds);
	buf_clear(&text);
}

static void check_ids(struct span value)
{
	const uint8_t *at = value.p;
	struct span rest = value, id;
	struct buf text;

	buf_init(&text, value.n);
	while (msgid_next(&rest, &id)) {
		must(id.n > 0 && id.p >= at);
		at = id.p + id.n;
		must(at <= value.p + value.n);
		buf_reset(&text);
		msgid_put(&text, id);
		must(!text.overflow);
	}
	buf_clear(&text);
}

static void check_subject(struct span value)
{
	struct buf base, again;
	bool is_reply;

	buf_init(&base, value.n);
	buf_init(&again, value.n);
	subject_put_base(&base, value, &is_reply);
	must(!base.overflow);
	must(is_reply || buf_len(&base) <= value.n);
	subject_put_base(&again, buf_span(&base), &is_reply);
	must(span_eq(buf_span(&base), buf_span(&again)) && !is_reply);
	buf_clear(&base);
	buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span value = span_of(data, size);

	check_date(value);
	check_ids(value);
	check_subject(value);
	return 0;
}
