/*
 * srs.c - makes and reads addresses of the Sender Rewriting Scheme.  See srs.h.
 */
#include "directory/srs.h"

#include "crypto/hash.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define LOCAL_MAX  64u /* RFC 5321 4.5.3.1.1 */
#define HASH_CHARS 8u  /* 40 bits */
#define DAYS       1024 /* a day is two of these letters */

/* Letters that differ without case; RFC 4648 6. */
static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

/* ---- the hash -------------------------------------------------------------------- */
static void put_lower(struct hasher *h, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = ascii_lower(text.p[i]);

		hasher_feed(h, span_of(&c, 1));
	}
}

/* Keyed inside and outside, as HMAC is: nobody can lengthen the text. */
static void make_hash(struct span secret, struct span text,
	char out[HASH_CHARS])
{
	struct hasher *h = hasher_new();
	struct sha256 inner, outer;

	hasher_feed(h, secret);
	put_lower(h, text);
	inner = hasher_end(h);
	hasher_feed(h, secret);
	hasher_feed(h, sha256_span(&inner));
	outer = hasher_end(h);
	hasher_free(h);
	for (size_t i = 0; i < HASH_CHARS; i++)
		out[i] = letters[outer.bytes[i] & 31];
}

static bool is_hash_of(struct span secret, struct span hash, struct span text)
{
	char wanted[HASH_CHARS];
	uint8_t got[HASH_CHARS];

	if (hash.n != HASH_CHARS)
		return false;
	for (size_t i = 0; i < HASH_CHARS; i++)
		got[i] = ascii_lower(hash.p[i]);
	make_hash(secret, text, wanted);
	return secret_equal(span_of(got, HASH_CHARS),
		span_of(wanted, HASH_CHARS));
}

/* ---- out --------------------------------------------------------------------------- */
/* "SRS0=HASH=" in front of the text that the hash is of. */
static bool put_address(struct span secret, const char *tag, struct span text,
	struct span domain, struct buf *out)
{
	char hash[HASH_CHARS];
	size_t before = buf_len(out);

	make_hash(secret, text, hash);
	buf_puts(out, tag);
	buf_put(out, span_of(hash, HASH_CHARS));
	buf_putc(out, '=');
	buf_put(out, text);
	if (buf_len(out) - before > LOCAL_MAX) {
		buf_truncate(out, before);
		return false;
	}
	buf_putc(out, '@');
	buf_put(out, domain);
	return !out->overflow;
}

static bool is_tag(struct span local, const char *tag)
{
	return local.n > 5 && span_starts_fold(local, span_str(tag)) &&
		(local.p[4] == '=' || local.p[4] == '-' || local.p[4] == '+');
}

bool srs_is(struct span local)
{
	return is_tag(local, "SRS0") || is_tag(local, "SRS1");
}

bool srs_forward(struct span secret, struct span sender, struct span domain,
	int64_t day, struct buf *out)
{
	size_t at = span_find_last(sender, '@');
	struct span local = span_head(sender, at);
	struct span from = span_tail(sender, at + 1);
	struct buf text;
	bool is_made;

	if (local.n == 0 || from.n == 0 || local.p[0] == '"')
		return false;
	buf_init(&text, 512);
	if (is_tag(local, "SRS0")) {
		/* whoever made it gets it back from us: one hash suffices */
		buf_put(&text, from);
		buf_putc(&text, '=');
		buf_put(&text, span_tail(local, 4));
		is_made = put_address(secret, "SRS1=", buf_span(&text), domain,
			out);
	} else if (is_tag(local, "SRS1")) {
		struct span rest = span_tail(local, 5);

		(void)span_cut(&rest, '='); /* the last forwarder's hash */
		buf_put(&text, rest);
		is_made = put_address(secret, "SRS1=", buf_span(&text), domain,
			out);
	} else {
		buf_putc(&text, (uint8_t)letters[day % DAYS >> 5]);
		buf_putc(&text, (uint8_t)letters[day % DAYS & 31]);
		buf_putc(&text, '=');
		buf_put(&text, from);
		buf_putc(&text, '=');
		buf_put(&text, local);
		is_made = put_address(secret, "SRS0=", buf_span(&text), domain,
			out);
	}
	is_made = is_made && !text.overflow;
	buf_clear(&text);
	return is_made;
}

/* ---- back --------------------------------------------------------------------------- */
static int value_of(uint8_t c)
{
	for (int i = 0; i < 32; i++)
		if (ascii_lower(c) == (uint8_t)letters[i])
			return i;
	return -1;
}

static bool is_old(struct span day, int64_t today)
{
	int high = value_of(day.p[0]), low = value_of(day.p[1]);
	int64_t age;

	if (high < 0 || low < 0)
		return true;
	age = (today % DAYS - (high << 5 | low) + DAYS) % DAYS;
	return age > SRS_DAYS;
}

/* text: what the hash is of, "DAY=DOMAIN=LOCAL". */
static enum code reverse_0(struct span text, int64_t today, struct buf *out)
{
	struct span day = span_cut(&text, '=');
	struct span domain = span_cut(&text, '=');

	if (day.n != 2 || domain.n == 0 || text.n == 0)
		return DENIED;
	if (is_old(day, today))
		return TIMEOUT;
	buf_put(out, text);
	buf_putc(out, '@');
	buf_put(out, domain);
	return out->overflow ? DENIED : OK;
}

/* text: "FORWARDER==HASH=…", where the second sign is the other's separator. */
static enum code reverse_1(struct span text, struct buf *out)
{
	struct span forwarder = span_cut(&text, '=');

	if (forwarder.n == 0 || text.n < 2)
		return DENIED;
	buf_puts(out, "SRS0");
	buf_put(out, text);
	buf_putc(out, '@');
	buf_put(out, forwarder);
	return out->overflow ? DENIED : OK;
}

enum code srs_reverse(struct span secret, struct span local, int64_t day,
	struct buf *out)
{
	struct span text = span_tail(local, 5);
	struct span hash = span_cut(&text, '=');

	if (!srs_is(local) || !is_hash_of(secret, hash, text))
		return DENIED;
	return local.p[3] == '0' ? reverse_0(text, day, out)
				 : reverse_1(text, out);
}
