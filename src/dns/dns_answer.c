/*
 * dns_answer.c - reads DNS answers.  See dns_answer.h.
 *
 * A packet is read in passes over its answer section: one for each CNAME that
 * leads from the question to the name that holds the records, and one that
 * gathers these.  The order of records in a packet means nothing, so there is
 * no cheaper way that is right; the number of records is bounded by the packet
 * (65,535 bytes) and the passes by DNS_CNAMES_MAX.
 */
#include "dns/dns_answer.h"

#include <string.h>

#include "base/banned.h"

#define HEADER_BYTES 12
#define LABEL_MAX    63
#define POINTERS_MAX 64 /* in one name */

#define RCODE_OK       0
#define RCODE_NXDOMAIN 3
#define CLASS_IN       1

/* One record as it stands in the packet. */
struct record {
	struct dns_name owner;
	uint16_t type;
	uint16_t class;
	size_t data_at; /* within the packet */
	size_t data_bytes;
};

struct reader {
	struct span packet;
	size_t at;
};

static bool get_u16(struct reader *r, uint16_t *out)
{
	if (r->packet.n - r->at < 2)
		return false;
	*out = (uint16_t)(r->packet.p[r->at] << 8 | r->packet.p[r->at + 1]);
	r->at += 2;
	return true;
}

static bool is_host_byte(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '_';
}

/* Appends a label; false: the name gets too long. */
static bool put_label(struct dns_name *name, struct span label)
{
	size_t dot = name->len > 0 ? 1 : 0;

	if (name->len + dot + label.n > DNS_NAME_MAX - 1)
		return false;
	if (dot)
		name->text[name->len++] = '.';
	for (size_t i = 0; i < label.n; i++) {
		if (!is_host_byte(label.p[i]))
			name->is_odd = true;
		name->text[name->len++] = ascii_lower(label.p[i]);
	}
	return true;
}

/* Follows a pointer at `at`; false: it does not go back, or one too many. */
static bool follow(struct span packet, size_t *at, size_t *limit,
	unsigned *pointers)
{
	size_t to;

	if (packet.n - *at < 2 || ++*pointers > POINTERS_MAX)
		return false;
	to = (size_t)(packet.p[*at] & 0x3f) << 8 | packet.p[*at + 1];
	if (to >= *limit || to < HEADER_BYTES)
		return false;
	*at = *limit = to;
	return true;
}

bool dns_name_read(struct span packet, size_t *at, struct dns_name *out)
{
	size_t here = *at;
	size_t limit = *at; /* pointers must go before here: no loop is left */
	unsigned pointers = 0;

	*out = (struct dns_name){.len = 0};
	while (here < packet.n) {
		uint8_t n = packet.p[here];

		if ((n & 0xc0) == 0xc0) {
			if (pointers == 0)
				*at = here + 2;
			if (!follow(packet, &here, &limit, &pointers))
				return false;
			continue;
		}
		if (n > LABEL_MAX || packet.n - here - 1 < n)
			return false;
		if (n == 0) {
			if (pointers == 0)
				*at = here + 1;
			return true;
		}
		if (!put_label(out, span_of(packet.p + here + 1, n)))
			return false;
		here += (size_t)n + 1;
	}
	return false;
}

static bool get_record(struct reader *r, struct record *out)
{
	uint16_t bytes;

	if (!dns_name_read(r->packet, &r->at, &out->owner) ||
		!get_u16(r, &out->type) || !get_u16(r, &out->class))
		return false;
	if (r->packet.n - r->at < 4)
		return false;
	r->at += 4; /* the time to live: who received the packet caches */
	if (!get_u16(r, &bytes) || r->packet.n - r->at < bytes)
		return false;
	out->data_at = r->at;
	out->data_bytes = bytes;
	r->at += bytes;
	return true;
}

/* A name that fills the data of a record from `from` on to its end. */
static bool get_data_name(struct span packet, const struct record *r,
	size_t from, struct dns_name *out)
{
	size_t at = r->data_at + from;

	return r->data_bytes > from && dns_name_read(packet, &at, out) &&
		at == r->data_at + r->data_bytes;
}

static bool is_about(const struct record *r, uint16_t type,
	const struct dns_name *owner)
{
	return r->type == type && r->class == CLASS_IN &&
		span_eq(dns_name_span(&r->owner), dns_name_span(owner));
}

/* The header and the question; the reader stands at the answers then. */
static enum code read_head(struct reader *r, struct dns_name *out_name,
	uint16_t *out_answers, struct err *e)
{
	uint16_t id, flags, questions, skipped;

	if (!get_u16(r, &id) || !get_u16(r, &flags) ||
		!get_u16(r, &questions) || !get_u16(r, out_answers) ||
		!get_u16(r, &skipped) || !get_u16(r, &skipped))
		return err_set(e, CORRUPT, "DNS answer without a header");
	if (questions != 1 || !dns_name_read(r->packet, &r->at, out_name) ||
		!get_u16(r, &skipped) || !get_u16(r, &skipped))
		return err_set(e, CORRUPT, "DNS answer without its question");
	switch (flags & 0xf) {
	case RCODE_OK:
		return OK;
	case RCODE_NXDOMAIN:
		return err_set(e, NOT_FOUND, "no such domain");
	default:
		return err_set(e, TEMP, "the name server failed (rcode %u)",
			flags & 0xfu);
	}
}

/* Replaces *name by the target of its CNAME; NOT_FOUND: it has none. */
static enum code follow_cname(struct reader r, uint16_t answers,
	struct dns_name *name, struct err *e)
{
	for (uint16_t i = 0; i < answers; i++) {
		struct record record;
		struct dns_name target;

		if (!get_record(&r, &record))
			return err_set(e, CORRUPT, "malformed DNS record");
		if (!is_about(&record, DNS_CNAME, name))
			continue;
		if (!get_data_name(r.packet, &record, 0, &target))
			return err_set(e, CORRUPT, "malformed CNAME");
		*name = target;
		return OK;
	}
	return NOT_FOUND;
}

static enum code follow_cnames(const struct reader *r, uint16_t answers,
	struct dns_answer *out, struct err *e)
{
	for (unsigned hops = 0; hops <= DNS_CNAMES_MAX; hops++) {
		enum code code = follow_cname(*r, answers, &out->name, e);

		if (code != OK)
			return code == NOT_FOUND ? OK : code;
		out->is_alias = true;
	}
	return err_set(e, TEMP, "too many CNAMEs, or a loop of them");
}

/* The data of one record; false: malformed. */
static bool take_data(struct span packet, const struct record *r,
	struct dns_record *out)
{
	struct reader data = {packet, r->data_at};

	*out = (struct dns_record){.preference = 0};
	if (r->type == DNS_MX)
		return r->data_bytes >= 3 && get_u16(&data, &out->preference) &&
			get_data_name(packet, r, 2, &out->name);
	out->address_bytes = r->type == DNS_A ? 4 : 16;
	if (r->data_bytes != out->address_bytes)
		return false;
	memcpy(out->address, packet.p + r->data_at, out->address_bytes);
	return true;
}

static enum code gather(struct reader r, uint16_t answers,
	enum dns_type type, struct dns_answer *out, struct err *e)
{
	for (uint16_t i = 0; i < answers; i++) {
		struct record record;
		struct dns_record taken;

		if (!get_record(&r, &record))
			return err_set(e, CORRUPT, "malformed DNS record");
		if (!is_about(&record, (uint16_t)type, &out->name))
			continue;
		if (!take_data(r.packet, &record, &taken))
			return err_set(e, CORRUPT, "malformed DNS data");
		if (!taken.name.is_odd && out->count < DNS_RECORDS_MAX)
			out->records[out->count++] = taken;
	}
	return OK;
}

enum code dns_answer_read(struct span packet, enum dns_type type,
	struct dns_answer *out, struct err *e)
{
	struct reader r = {packet, 0};
	uint16_t answers = 0;
	enum code code;

	must(type == DNS_A || type == DNS_AAAA || type == DNS_MX);
	out->count = 0;
	out->is_alias = false;
	code = read_head(&r, &out->name, &answers, e);
	if (code == OK)
		code = follow_cnames(&r, answers, out, e);
	if (code == OK)
		code = gather(r, answers, type, out, e);
	if (code != OK)
		out->count = 0;
	return code;
}
