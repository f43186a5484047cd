/*
 * dns_answer.h - what a DNS answer says: MX, A, AAAA, CNAME.  RFC 1035 4.
 *
 * Pure, and for hostile bytes: every length is checked against the packet,
 * compression pointers only go back (RFC 1035 4.1.4) and their number is
 * bounded, a chain of CNAMEs is followed at most DNS_CNAMES_MAX times.  Who
 * sent the packet, and whether it belongs to the question, has been checked
 * by who received it.
 */
#ifndef POSTRIDER_DNS_DNS_ANSWER_H
#define POSTRIDER_DNS_DNS_ANSWER_H

#include "base/err.h"
#include "base/span.h"

#define DNS_NAME_MAX    254 /* as text, without the last dot */
#define DNS_CNAMES_MAX  8
#define DNS_RECORDS_MAX 64 /* of one answer; what follows is left out */

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_MX = 15, DNS_AAAA = 28 };

/* A domain name as text: lower case, no dot at the end; the root is empty.  A
 * byte that no host name has (RFC 1035 2.3.1, and "_") makes it odd: such a
 * name is never used. */
struct dns_name {
	uint8_t text[DNS_NAME_MAX];
	uint8_t len;
	bool is_odd;
};

static inline struct span dns_name_span(const struct dns_name *n)
{
	return span_of(n->text, n->len);
}

/* Reads the name at *at of the packet and moves *at behind it; false: it is
 * malformed. */
bool dns_name_read(struct span packet, size_t *at, struct dns_name *out);

struct dns_record {
	uint16_t preference;   /* MX */
	struct dns_name name;  /* MX: the host */
	uint8_t address[16];   /* A, AAAA */
	uint8_t address_bytes; /* 4 or 16 */
};

struct dns_answer {
	struct dns_name name; /* whose records they are: behind the CNAMEs */
	bool is_alias;        /* it is not the name that was asked */
	struct dns_record records[DNS_RECORDS_MAX];
	size_t count;
};

/* The records of this type for the name that was asked, behind its CNAMEs.
 * OK: count of them, 0 if the name has none; NOT_FOUND: there is no such name;
 * TEMP: the server failed, or the CNAMEs are a loop or too many; CORRUPT: the
 * packet is malformed, and nothing in it may be used. */
enum code dns_answer_read(struct span packet, enum dns_type type,
	struct dns_answer *out, struct err *e) MUST_USE;

#endif
