/*
 * date.h - Date: and its relatives.  RFC 5322 3.3 and 4.3 (obsolete)
 *
 * Beside the two grammars of RFC 5322 these are read, for real mail has them:
 *
 *	Thu Feb  3 12:34:56 PST 2005     what ctime and date print, the year and
 *	                                 the zone in any order
 *	2005-02-03T12:34:56.7+01:00      RFC 3339, a blank for T, without zone
 *	Thu, 03-Feb-05 12:34:56 GMT      hyphens between day, month and year
 *	Feb 3, 2005 1:34:56 PM           month first, twelve hours
 *	Thu, 3 Feb 2005 12:34 GMT+0100   a number behind a name decides
 *	3 Feb 2005                       midnight, zone unknown
 *
 * The name of the day is not looked at, in any language.  What follows a date
 * is passed over.
 */
#ifndef POSTRIDER_MESSAGE_DATE_H
#define POSTRIDER_MESSAGE_DATE_H

#include "base/span.h"

struct date {
	int64_t seconds;      /* since 1970 UTC */
	int32_t zone_min;     /* minutes east of UTC; 0 if is_zone_unknown */
	bool is_zone_unknown; /* -0000, no zone, or one that nobody knows */
};

/* Tolerant, as above: comments, folds, missing day names and seconds, zones by
 * name, years of two and three digits, the second 60 (that is the next one's
 * first).  False: no date: another month or day than there is, a year before
 * 1900 or after 9999, a zone of a day or more, an hour 24, … */
bool date_read(struct span value, struct date *out);

#endif
