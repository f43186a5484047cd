/*
 * rate.c - how much each account sent within the last hour.  See rate.h.
 *
 * An account's pieces are a ring; the number of the piece under way, counted
 * since 1970, says where in the ring it is.  Pieces that were passed since the
 * account was last seen are emptied when it is seen again.
 */
#include "directory/rate.h"

#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"

#include "base/banned.h"

struct sender {
	uint64_t account;
	int64_t piece; /* the one under way when it was last seen */
	uint32_t counts[RATE_KIND_COUNT][RATE_PIECES];
};

struct rate {
	uint32_t limits[RATE_KIND_COUNT];
	struct map senders; /* by account; of struct sender, owned */
};

struct rate *rate_new(const uint32_t limits[RATE_KIND_COUNT])
{
	struct rate *r = MEM_NEW(struct rate);

	memcpy(r->limits, limits, sizeof(r->limits));
	map_init(&r->senders);
	return r;
}

void rate_free(struct rate *r)
{
	struct sender *s;

	if (r == NULL)
		return;
	for (size_t i = 0; (s = map_next(&r->senders, &i)) != NULL;)
		mem_free(s);
	map_clear(&r->senders);
	mem_free(r);
}

size_t rate_accounts(const struct rate *r)
{
	return r->senders.count;
}

static uint64_t sum(const struct sender *s, enum rate_kind kind)
{
	uint64_t total = 0;

	for (size_t i = 0; i < RATE_PIECES; i++)
		total += s->counts[kind][i];
	return total;
}

/* Empties the pieces that were passed since the account was last seen. */
static void turn(struct sender *s, int64_t piece)
{
	if (piece <= s->piece)
		return;
	if (piece - s->piece >= RATE_PIECES)
		memset(s->counts, 0, sizeof(s->counts));
	else
		for (int64_t p = s->piece + 1; p <= piece; p++)
			for (size_t k = 0; k < RATE_KIND_COUNT; k++)
				s->counts[k][p % RATE_PIECES] = 0;
	s->piece = piece;
}

/* Everybody's pieces as of now; who sent nothing is forgotten, and if that was
 * nobody, who sent least.  Seldom: when RATE_ACCOUNTS_MAX sent within an hour. */
static void make_room(struct rate *r, int64_t piece)
{
	uint64_t *idle = mem_new(r->senders.count, sizeof(*idle));
	uint64_t least = UINT64_MAX, least_account = 0;
	size_t idle_count = 0;
	struct sender *s;

	for (size_t i = 0; (s = map_next(&r->senders, &i)) != NULL;) {
		uint64_t total;

		turn(s, piece);
		total = sum(s, RATE_MESSAGES) + sum(s, RATE_RECIPIENTS);
		if (total == 0)
			idle[idle_count++] = s->account;
		if (total < least) {
			least = total;
			least_account = s->account;
		}
	}
	if (idle_count == 0)
		idle[idle_count++] = least_account;
	for (size_t i = 0; i < idle_count; i++)
		mem_free(map_take(&r->senders, idle[i]));
	mem_free(idle);
}

static struct sender *find(struct rate *r, uint64_t account, int64_t piece)
{
	struct sender *s = map_get(&r->senders, account);

	if (s != NULL) {
		turn(s, piece);
		return s;
	}
	if (r->senders.count >= RATE_ACCOUNTS_MAX)
		make_room(r, piece);
	s = MEM_NEW(struct sender);
	s->account = account;
	s->piece = piece;
	map_put(&r->senders, account, s);
	return s;
}

bool rate_count(struct rate *r, uint64_t account, enum rate_kind kind,
	int64_t now_ms)
{
	int64_t piece = now_ms < 0 ? 0 : now_ms / RATE_PIECE_MS;
	struct sender *s;

	must(kind < RATE_KIND_COUNT);
	if (r->limits[kind] == 0)
		return true;
	s = find(r, account, piece);
	if (sum(s, kind) >= r->limits[kind])
		return false;
	s->counts[kind][s->piece % RATE_PIECES]++;
	return true;
}
