/*
 * date.h - Date: and its relatives.  RFC 5322 3.3 and 4.3 (obsolete)
 */
#ifndef POSTRIDER_MESSAGE_DATE_H
#define POSTRIDER_MESSAGE_DATE_H

#include "base/span.h"

struct date {
	int64_t seconds;     /* since 1970 UTC */
	int32_t zone_min;    /* minutes east of UTC; 0 if is_zone_unknown */
	bool is_zone_unknown; /* -0000, or a zone that nobody knows */
};

/* Tolerant: comments, missing day names and seconds, zones by name, years of
 * two and three digits.  False: no date (year 0, 99999, zone +9999, …). */
bool date_read(struct span value, struct date *out);

#endif
