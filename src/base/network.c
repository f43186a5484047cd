/*
 * network.c - addresses of the Internet by the net.  See network.h.
 *
 * A set is a dict under "length, bits, prefix", and a count of the networks of
 * each number of bits, so that only lengths that occur are looked for.
 */
#include "base/network.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"

#include "base/banned.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void cut_off(struct network *n)
{
	unsigned whole = n->bits / 8u;

	if (whole >= n->len)
		return;
	n->ip[whole] &= (uint8_t)(0xff00u >> (n->bits % 8u));
	memset(n->ip + whole + 1, 0, sizeof(n->ip) - whole - 1);
}

bool network_of(struct span ip, unsigned bits, struct network *out)
{
	struct network n = {0};

	if (ip.n != 4 && ip.n != 16) {
		*out = n;
		return false;
	}
	if (ip.n == 16 && bits >= 96 && memcmp(ip.p, mapped, 12) == 0) {
		ip = span_tail(ip, 12);
		bits -= 96;
	}
	memcpy(n.ip, ip.p, ip.n);
	n.len = (uint8_t)ip.n;
	n.bits = (uint8_t)(bits > ip.n * 8 ? ip.n * 8 : bits);
	cut_off(&n);
	*out = n;
	return true;
}

static bool read_ip(struct span text, uint8_t ip[16], size_t *out_n)
{
	char room[INET6_ADDRSTRLEN];

	if (span_starts(text, SPAN("[")) && span_ends(text, SPAN("]")))
		text = span_head(span_tail(text, 1), text.n - 2);
	if (text.n >= sizeof(room) || span_find(text, '\0') < text.n)
		return false;
	memcpy(room, text.p, text.n);
	room[text.n] = '\0';
	*out_n = span_find(text, ':') < text.n ? 16 : 4;
	return inet_pton(*out_n == 4 ? AF_INET : AF_INET6, room, ip) == 1;
}

bool network_parse(struct span text, struct network *out)
{
	struct span left = text;
	struct span address = span_cut(&left, '/');
	uint32_t bits = NETWORK_ALL;
	uint8_t ip[16];
	size_t n;

	if (text.n == 0 || !read_ip(address, ip, &n))
		return false;
	if (address.n < text.n &&
		!num_parse_u32(left, (uint32_t)(n * 8), &bits))
		return false;
	return network_of(span_of(ip, n), bits, out);
}

struct span network_text(const struct network *n,
	char room[NETWORK_TEXT_BYTES])
{
	struct buf out;
	char ip[INET6_ADDRSTRLEN];
	size_t len;

	must(inet_ntop(n->len == 4 ? AF_INET : AF_INET6, n->ip, ip,
		     sizeof(ip)) != NULL);
	buf_init(&out, NETWORK_TEXT_BYTES - 1);
	buf_puts(&out, ip);
	if (n->bits < n->len * 8)
		buf_printf(&out, "/%u", n->bits);
	len = buf_len(&out);
	memcpy(room, buf_span(&out).p, len);
	room[len] = '\0';
	buf_clear(&out);
	return span_of(room, len);
}

bool network_has(const struct network *n, struct span ip)
{
	struct network whole, around;

	return network_of(ip, NETWORK_ALL, &whole) && whole.len == n->len &&
		network_of(network_ip(&whole), n->bits, &around) &&
		memcmp(around.ip, n->ip, sizeof(n->ip)) == 0;
}

bool network_has_loopback(const struct network *n)
{
	static const uint8_t v4[4] = {127}, v6[16] = {[15] = 1};
	struct network loopback;

	if (n->len == 16)
		return network_has(n, span_of(v6, 16));
	/* either lies in the other */
	if (n->bits < 8)
		return network_has(n, span_of(v4, 4));
	return network_of(network_ip(n), 8, &loopback) &&
		loopback.ip[0] == 127;
}

/* ---- sets ---------------------------------------------------------------- */
#define KEY_BYTES 18

static struct span key_of(const struct network *n, uint8_t room[KEY_BYTES])
{
	room[0] = n->len;
	room[1] = n->bits;
	memcpy(room + 2, n->ip, 16);
	return span_of(room, KEY_BYTES);
}

static uint32_t *count_of(struct network_set *s, const struct network *n)
{
	return &s->counts[n->len == 16][n->bits];
}

void network_set_init(struct network_set *s)
{
	*s = (struct network_set){0};
	dict_init(&s->rows);
}

void network_set_clear(struct network_set *s)
{
	dict_clear(&s->rows);
	memset(s->counts, 0, sizeof(s->counts));
}

void network_set_put(struct network_set *s, const struct network *n,
	void *value)
{
	uint8_t room[KEY_BYTES];
	size_t before = s->rows.count;

	dict_put(&s->rows, key_of(n, room), value);
	if (s->rows.count > before)
		(*count_of(s, n))++;
}

void *network_set_get(const struct network_set *s, const struct network *n)
{
	uint8_t room[KEY_BYTES];

	return dict_get(&s->rows, key_of(n, room));
}

void *network_set_take(struct network_set *s, const struct network *n)
{
	uint8_t room[KEY_BYTES];
	void *value = dict_take(&s->rows, key_of(n, room));

	if (value != NULL)
		(*count_of(s, n))--;
	return value;
}

void *network_set_find(const struct network_set *s, struct span ip,
	unsigned *bits)
{
	struct network around;

	if (s->rows.count == 0 || !network_of(ip, NETWORK_ALL, &around))
		return NULL;
	ip = network_ip(&around);
	if (*bits > around.len * 8u + 1)
		*bits = around.len * 8u + 1;
	while (*bits > 0) {
		struct network wanted;
		void *value;

		--*bits;
		if (s->counts[around.len == 16][*bits] == 0)
			continue;
		(void)network_of(ip, *bits, &wanted);
		value = network_set_get(s, &wanted);
		if (value != NULL)
			return value;
	}
	return NULL;
}
