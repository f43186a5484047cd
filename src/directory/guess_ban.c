/*
 * guess_ban.c - against guessing of passwords: networks that are not listened
 * to.  See guess.h.
 *
 * A ban that is over stays for a day, for the next one shall be longer.
 */
#include "base/mem.h"
#include "directory/guess_int.h"

#include "base/banned.h"

#define DAY_MS 86400000LL

static bool holds_for(const struct guess_ban *ban, bool is_known,
	int64_t now_ms)
{
	return guess_ban_holds(ban, now_ms) && (ban->is_manual || !is_known);
}

const struct guess_ban *guess_ban_of(const struct guess *g, struct span ip,
	bool is_known, int64_t now_ms)
{
	const struct guess_ban *ban;
	unsigned bits = NETWORK_ALL;

	while ((ban = network_set_find(&g->bans, ip, &bits)) != NULL)
		if (holds_for(ban, is_known, now_ms))
			return ban;
	return NULL;
}

const struct guess_ban *guess_ban_next(const struct guess *g,
	struct guess_walk *walk)
{
	return dict_next(&g->bans.rows, &walk->walk, NULL);
}

/* That which ends first; an administrator's never.  NULL: there is none. */
static const struct guess_ban *find_least(const struct guess *g)
{
	struct guess_walk walk = {0};
	const struct guess_ban *ban, *least = NULL;

	while ((ban = guess_ban_next(g, &walk)) != NULL)
		if (!ban->is_manual &&
			(least == NULL || ban->until_ms < least->until_ms))
			least = ban;
	return least;
}

static void drop(struct guess *g, const struct network *n)
{
	mem_free(network_set_take(&g->bans, n));
}

bool guess_ban_put(struct guess *g, const struct guess_ban *ban)
{
	struct guess_ban *kept = network_set_get(&g->bans, &ban->network);
	const struct guess_ban *least;

	if (network_has_loopback(&ban->network))
		return false;
	if (kept == NULL && network_set_count(&g->bans) >= GUESS_BANS_MAX) {
		struct network n;

		least = find_least(g);
		if (least == NULL)
			return false;
		n = least->network;
		drop(g, &n);
	}
	if (kept == NULL) {
		kept = MEM_NEW(struct guess_ban);
		network_set_put(&g->bans, &ban->network, kept);
	}
	*kept = *ban;
	return true;
}

bool guess_ban_take(struct guess *g, const struct network *n)
{
	if (network_set_get(&g->bans, n) == NULL)
		return false;
	drop(g, n);
	guess_forgive(g, guess_network(network_ip(n)));
	return true;
}

static int64_t length_ms(uint32_t times)
{
	int64_t ms = GUESS_BAN_MS;

	while (times-- > 1 && ms < GUESS_BAN_MS_MAX)
		ms *= 2;
	return ms < GUESS_BAN_MS_MAX ? ms : GUESS_BAN_MS_MAX;
}

const struct guess_ban *guess_ban_make(struct guess *g, struct span ip,
	int64_t now_ms)
{
	struct guess_ban ban = {.made_ms = now_ms, .times = 1};
	const struct guess_ban *last;
	struct network whole;

	if (!network_of(ip, NETWORK_ALL, &whole))
		return NULL;
	(void)network_of(network_ip(&whole), whole.len == 4 ? 32 : 64,
		&ban.network);
	last = network_set_get(&g->bans, &ban.network);
	if (last != NULL && guess_ban_holds(last, now_ms))
		return NULL;
	if (last != NULL && now_ms - last->until_ms < DAY_MS)
		ban.times = last->times + 1;
	ban.until_ms = now_ms + length_ms(ban.times);
	ban.is_soft = guess_is_anybodys(g, guess_network(ip), now_ms);
	if (!guess_ban_put(g, &ban))
		return NULL;
	return network_set_get(&g->bans, &ban.network);
}

void guess_sweep(struct guess *g, int64_t now_ms)
{
	struct network *over = mem_new(network_set_count(&g->bans) + 1,
		sizeof(*over));
	struct dict_walk walk = {0};
	struct guess_ban *ban;
	size_t count = 0;

	while ((ban = dict_next(&g->bans.rows, &walk, NULL)) != NULL) {
		if (ban->until_ms <= now_ms - DAY_MS)
			over[count++] = ban->network;
		else if (!ban->is_manual &&
			ban->until_ms - GUESS_BAN_MS_MAX > now_ms)
			ban->until_ms = now_ms + GUESS_BAN_MS_MAX;
	}
	while (count > 0)
		drop(g, &over[--count]);
	mem_free(over);
}

void guess_ban_clear(struct guess *g)
{
	struct dict_walk walk = {0};
	struct guess_ban *ban;

	while ((ban = dict_next(&g->bans.rows, &walk, NULL)) != NULL)
		mem_free(ban);
	network_set_clear(&g->bans);
}
