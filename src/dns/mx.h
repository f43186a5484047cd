/*
 * mx.h - in which order the mail exchangers of a domain are tried, and which
 * are not.  RFC 5321 5.1, RFC 7505.
 */
#ifndef POSTRIDER_DNS_MX_H
#define POSTRIDER_DNS_MX_H

#include "base/span.h"

struct mx_host {
	uint32_t preference; /* the lowest first */
	uint32_t random;     /* the caller's: orders equals */
	struct span name;    /* lower case, no dot at the end; empty: the root */
};

/* Preference, then the random numbers. */
void mx_sort(struct mx_host *hosts, size_t count);

/* The one record that says "no mail at all": RFC 7505 3.  With other records
 * beside it, it is one more host that cannot be used. */
bool mx_is_null(const struct mx_host *hosts, size_t count);

/* How many of the sorted hosts may be tried by the host `self`: if it is one
 * of them, only those that are preferred to it, so that mail never runs in a
 * circle.  RFC 5321 5.1 */
size_t mx_before_self(const struct mx_host *hosts, size_t count,
	struct span self);

/* May we connect there for a name out of the DNS?  Not to loopback, the
 * unspecified address, link-local, multicast and broadcast, nor to any of
 * these dressed as IPv6 (RFC 4291 2.5.5.2).  address: 4 or 16 bytes. */
bool mx_address_is_usable(struct span address);

#endif
