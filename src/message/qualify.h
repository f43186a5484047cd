/*
 * qualify.h - addresses without a domain, as programs of one machine write them
 * to each other ("root", "bob (his job)"), get one: outside of the machine they
 * name nobody.  RFC 5322 3.4.1
 *
 * Only what is missing is put in; every other byte of the value stays.
 */
#ifndef POSTRIDER_MESSAGE_QUALIFY_H
#define POSTRIDER_MESSAGE_QUALIFY_H

#include "base/buf.h"
#include "base/span.h"

/* Is it a field with addresses that this is for? */
bool qualify_is_for(struct span name);
/* Appends the value, with "@domain" behind each name that stands alone; adds at
 * most max bytes: what is over stays as it is.  How many were added. */
size_t qualify_put(struct buf *out, struct span value, struct span domain,
	size_t max);

#endif
