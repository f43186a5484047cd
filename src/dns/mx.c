/*
 * mx.c - the order of mail exchangers.  See mx.h.
 */
#include "dns/mx.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static int compare(const void *left, const void *right)
{
	const struct mx_host *a = left, *b = right;

	if (a->preference != b->preference)
		return a->preference < b->preference ? -1 : 1;
	if (a->random != b->random)
		return a->random < b->random ? -1 : 1;
	return 0;
}

void mx_sort(struct mx_host *hosts, size_t count)
{
	if (count > 1)
		qsort(hosts, count, sizeof(*hosts), compare);
}

bool mx_is_null(const struct mx_host *hosts, size_t count)
{
	return count == 1 && hosts[0].name.n == 0;
}

size_t mx_before_self(const struct mx_host *hosts, size_t count,
	struct span self)
{
	for (size_t i = 0; i < count; i++) {
		size_t first = i;

		if (!span_eq_fold(hosts[i].name, self))
			continue;
		while (first > 0 && hosts[first - 1].preference ==
				hosts[i].preference)
			first--;
		return first;
	}
	return count;
}

static bool is_usable_4(const uint8_t *a)
{
	bool is_link_local = a[0] == 169 && a[1] == 254;

	return a[0] != 0 && a[0] != 127 && a[0] < 224 && !is_link_local;
}

/* The IPv4 address within an IPv6 one, or NULL: mapped, compatible (with ::
 * and ::1 among them), NAT64 (RFC 6052 2.1), 6to4 (RFC 3056 2). */
static const uint8_t *inner_4(const uint8_t *a)
{
	static const uint8_t zeros[12];
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

	if (memcmp(a, zeros, 12) == 0 || memcmp(a, mapped, 12) == 0 ||
		memcmp(a, nat64, 12) == 0)
		return a + 12;
	return a[0] == 0x20 && a[1] == 0x02 ? a + 2 : NULL;
}

bool mx_address_is_usable(struct span address)
{
	const uint8_t *a = address.p;
	const uint8_t *inner;

	if (address.n == 4)
		return is_usable_4(a);
	if (address.n != 16)
		return false;
	inner = inner_4(a);
	if (inner != NULL)
		return is_usable_4(inner);
	return a[0] != 0xff && !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}
