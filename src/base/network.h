/*
 * network.h - addresses of the Internet by the net: "192.0.2.0/24",
 * "2001:db8::/32", and sets of them that are asked "is this address in one?".
 *
 * An address has 4 or 16 bytes.  IPv4 in IPv6 clothes (::ffff:192.0.2.1,
 * RFC 4291 2.5.5.2) is undressed, so that nobody has two addresses.
 */
#ifndef POSTRIDER_BASE_NETWORK_H
#define POSTRIDER_BASE_NETWORK_H

#include "base/dict.h"

struct network {
	uint8_t ip[16]; /* what lies behind the prefix is zero */
	uint8_t len;    /* 4 or 16 */
	uint8_t bits;   /* of the prefix: up to 32 or 128 */
};

#define NETWORK_TEXT_BYTES 52 /* the longest address, "/128", NUL */

/* The network of so many bits around an address (4 or 16 bytes); bits beyond
 * its length mean all of it.  False: it is no address. */
bool network_of(struct span ip, unsigned bits, struct network *out);
/* "ADDRESS" or "ADDRESS/BITS", IPv6 also in brackets; what stands behind the
 * prefix is ignored.  False: it is none. */
bool network_parse(struct span text, struct network *out);
/* An address alone is written without its bits. */
struct span network_text(const struct network *n,
	char room[NETWORK_TEXT_BYTES]);
static inline struct span network_ip(const struct network *n)
{
	return span_of(n->ip, n->len);
}
bool network_has(const struct network *n, struct span ip);
/* Does any address of this machine itself lie in it?  127/8 (RFC 1122 3.2.1.3)
 * and ::1. */
bool network_has_loopback(const struct network *n);

/* From networks to pointers.  A look-up costs one step for each length of
 * prefix that is in use, however many networks there are.  Values are not
 * owned. */
struct network_set {
	struct dict rows;
	uint32_t counts[2][129]; /* networks of IPv4 and IPv6 by their bits */
};

void network_set_init(struct network_set *s);
void network_set_clear(struct network_set *s);
void network_set_put(struct network_set *s, const struct network *n,
	void *value);
void *network_set_get(const struct network_set *s, const struct network *n);
void *network_set_take(struct network_set *s, const struct network *n);
/* The networks around an address, the smallest first:
 *	unsigned bits = NETWORK_ALL;
 *	while ((v = network_set_find(s, ip, &bits)) != NULL) ... */
#define NETWORK_ALL 129
void *network_set_find(const struct network_set *s, struct span ip,
	unsigned *bits);
static inline size_t network_set_count(const struct network_set *s)
{
	return s->rows.count;
}

#endif
