/*
 * guess.c - against guessing of passwords: failures and known pairs.  See
 * guess.h for the figures and their reasons; bans stand in guess_ban.c.
 *
 * Both tables are sets of a few places; what is looked for hashes, under the
 * key of this process, to one set, and there is looked for at each place.  So
 * memory is fixed, a look-up touches one set, and who fills the table pushes out
 * what counts least in the set, which is mostly his own.
 */
#include "directory/guess.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "directory/guess_int.h"

#include "base/banned.h"

#define CELL_WAYS   8
#define PAIR_WAYS   32
#define DAY_MS      86400000LL
/* Points: one failure, one of a known pair, the same password again. */
#define POINT       64u
#define KNOWN_SHARE 4u
#define AGAIN_SHARE 16u
#define SCORE_MAX   (1u << 20)
#define BAN_FROM    20u /* failures of a network */
#define TRUST_UP_TO 8u  /* failures of a known pair */

enum kind { KIND_NETWORK, KIND_NETWORK_48, KIND_USER, KIND_PAIR };

/* ---- how long ------------------------------------------------------------ */
struct delay {
	uint32_t failures; /* from here on */
	int64_t ms;
};

static const struct delay of_network[] = {
	{8, GUESS_DELAY_MS_MAX}, {7, 8000}, {6, 4000}, {5, 2000}, {4, 1000},
	{0, 0}};
static const struct delay of_network_48[] = {
	{36, GUESS_DELAY_MS_MAX}, {35, 8000}, {34, 4000}, {33, 2000},
	{32, 1000}, {0, 0}};
static const struct delay of_user[] = {
	{40, 4000}, {20, 2000}, {10, 1000}, {0, 0}};

static int64_t delay_of(const struct delay *table, uint32_t failures)
{
	while (failures < table->failures)
		table++;
	return table->ms;
}

/* ---- open and close ------------------------------------------------------ */
struct guess *guess_new(const uint8_t key[GUESS_KEY_BYTES])
{
	struct guess *g = MEM_NEW(struct guess);

	memcpy(g->key, key, sizeof(g->key));
	g->hasher = hasher_new();
	g->cells = mem_new(GUESS_CELLS, sizeof(*g->cells));
	g->pairs = mem_new(GUESS_KNOWN, sizeof(*g->pairs));
	network_set_init(&g->bans);
	return g;
}

void guess_free(struct guess *g)
{
	if (g == NULL)
		return;
	guess_ban_clear(g);
	hasher_free(g->hasher);
	mem_free(g->cells);
	mem_free(g->pairs);
	secret_wipe(g, sizeof(*g));
	mem_free(g);
}

/* ---- names for what is counted ------------------------------------------- */
static uint64_t key_word(const struct guess *g, size_t i)
{
	uint64_t word;

	memcpy(&word, g->key + i * sizeof(word), sizeof(word));
	return word;
}

/* Spreads a number, twice, with a part of the key between: who does not know
 * that cannot tell which numbers meet. */
static uint64_t spread(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* Never 0. */
static uint64_t name_of(const struct guess *g, enum kind kind, uint64_t a,
	uint64_t b)
{
	uint64_t x = spread(a ^ key_word(g, 0));

	x = spread(x ^ b ^ key_word(g, 1));
	x = spread(x ^ kind ^ key_word(g, 2));
	return x == 0 ? 1 : x;
}

/* A hash of two texts under the key; nothing of them stays in the hasher. */
static uint64_t hash_texts(const struct guess *g, uint8_t what, struct span a,
	struct span b)
{
	static const uint8_t zeros[64];
	const uint8_t length[2] = {(uint8_t)(a.n >> 8), (uint8_t)a.n};
	struct sha256 hash;
	uint64_t word;

	hasher_feed(g->hasher, span_of(g->key, sizeof(g->key)));
	hasher_feed(g->hasher, span_of(&what, 1));
	hasher_feed(g->hasher, span_of(length, sizeof(length)));
	hasher_feed(g->hasher, a);
	hasher_feed(g->hasher, b);
	hash = hasher_end(g->hasher);
	hasher_feed(g->hasher, span_of(zeros, sizeof(zeros)));
	(void)hasher_end(g->hasher);
	memcpy(&word, hash.bytes, sizeof(word));
	return word;
}

uint32_t guess_mark(const struct guess *g, struct span user,
	struct span password)
{
	return (uint32_t)hash_texts(g, 'p', user, password) | 1;
}

/* IPv4 where no /64 of IPv6 is given out: 0:ffff:ADDRESS::/64 */
uint64_t guess_network(struct span ip)
{
	static const uint8_t loopback[4] = {127, 0, 0, 1};
	struct network n;
	uint64_t number = 0;

	if (!network_of(ip, NETWORK_ALL, &n))
		(void)network_of(span_of(loopback, 4), NETWORK_ALL, &n);
	for (size_t i = 0; i < (n.len == 4 ? 4 : 8); i++)
		number = number << 8 | n.ip[i];
	if (n.len == 4)
		number |= 0x0000ffff00000000ULL;
	return number == 0 ? 1 : number;
}

/* ---- counts -------------------------------------------------------------- */
/* By half each GUESS_HALF_MS, and evenly between. */
static uint32_t score_now(const struct guess_cell *c, int64_t now_ms)
{
	int64_t passed_ms = now_ms - c->last_ms;
	uint64_t score = c->score;

	if (passed_ms <= 0)
		return c->score;
	if (passed_ms / GUESS_HALF_MS >= 32)
		return 0;
	score >>= passed_ms / GUESS_HALF_MS;
	score -= score * (uint64_t)(passed_ms % GUESS_HALF_MS) /
		(2 * (uint64_t)GUESS_HALF_MS);
	return (uint32_t)score;
}

static struct guess_cell *set_of(const struct guess *g, uint64_t name)
{
	return g->cells + name % (GUESS_CELLS / CELL_WAYS) * CELL_WAYS;
}

static struct guess_cell *find(const struct guess *g, uint64_t name)
{
	struct guess_cell *set = set_of(g, name);

	for (size_t i = 0; i < CELL_WAYS; i++)
		if (set[i].key == name)
			return &set[i];
	return NULL;
}

static uint32_t failures(const struct guess *g, uint64_t name, int64_t now_ms)
{
	const struct guess_cell *c = find(g, name);

	return c == NULL ? 0 : (score_now(c, now_ms) + POINT / 2) / POINT;
}

/* A place for a new name: a free one, or that which counts least. */
static struct guess_cell *place(const struct guess *g, uint64_t name,
	int64_t now_ms)
{
	struct guess_cell *set = set_of(g, name);
	struct guess_cell *least = &set[0];

	for (size_t i = 1; i < CELL_WAYS && least->key != 0; i++) {
		if (set[i].key == 0 ||
			score_now(&set[i], now_ms) < score_now(least, now_ms))
			least = &set[i];
	}
	*least = (struct guess_cell){.key = name, .last_ms = now_ms};
	return least;
}

/* Was this password tried before?  Remembers it. */
static bool is_again(struct guess_cell *c, uint32_t mark)
{
	if (mark == 0)
		return false;
	for (size_t i = 0; i < GUESS_MARKS; i++)
		if (c->marks[i] == mark)
			return true;
	c->marks[c->next_mark++ % GUESS_MARKS] = mark;
	return false;
}

static void count(struct guess *g, uint64_t name, uint32_t points,
	uint32_t mark, int64_t now_ms)
{
	struct guess_cell *c = find(g, name);

	if (c == NULL)
		c = place(g, name, now_ms);
	c->score = score_now(c, now_ms);
	c->last_ms = now_ms;
	if (is_again(c, mark))
		points /= AGAIN_SHARE;
	if (c->score < SCORE_MAX)
		c->score += points;
}

static void forget(struct guess *g, uint64_t name)
{
	struct guess_cell *c = find(g, name);

	if (c != NULL)
		*c = (struct guess_cell){0};
}

void guess_forgive(struct guess *g, uint64_t network)
{
	forget(g, name_of(g, KIND_NETWORK, network, 0));
}

/* ---- known pairs --------------------------------------------------------- */
static struct guess_pair *pairs_of(const struct guess *g, uint64_t account)
{
	uint64_t name = name_of(g, KIND_PAIR, account, 0);

	return g->pairs + name % (GUESS_KNOWN / PAIR_WAYS) * PAIR_WAYS;
}

static struct guess_pair *find_pair(const struct guess *g, uint64_t account,
	uint64_t network)
{
	struct guess_pair *set = pairs_of(g, account);

	for (size_t i = 0; account != 0 && i < PAIR_WAYS; i++)
		if (set[i].account == account && set[i].network == network)
			return &set[i];
	return NULL;
}

static size_t count_pairs(const struct guess_pair *set, uint64_t account)
{
	size_t n = 0;

	for (size_t i = 0; i < PAIR_WAYS; i++)
		n += set[i].account == account;
	return n;
}

/* A free place, or the oldest of the account that has most. */
static struct guess_pair *place_pair(struct guess_pair *set)
{
	struct guess_pair *worst = NULL;
	size_t worst_count = 0;

	for (size_t i = 0; i < PAIR_WAYS; i++) {
		size_t n = count_pairs(set, set[i].account);

		if (set[i].account == 0)
			return &set[i];
		if (worst == NULL || n > worst_count ||
			(n == worst_count && set[i].seen_ms < worst->seen_ms)) {
			worst = &set[i];
			worst_count = n;
		}
	}
	return worst;
}

void guess_known_put(struct guess *g, uint64_t account, uint64_t network,
	int64_t seen_ms)
{
	struct guess_pair *p = find_pair(g, account, network);

	if (account == 0)
		return;
	if (p == NULL)
		p = place_pair(pairs_of(g, account));
	*p = (struct guess_pair){account, network, seen_ms};
}

static bool is_fresh(const struct guess_pair *p, int64_t now_ms)
{
	return p != NULL && p->account != 0 &&
		now_ms - p->seen_ms < GUESS_KNOWN_MS;
}

bool guess_is_anybodys(const struct guess *g, uint64_t network, int64_t now_ms)
{
	for (size_t i = 0; i < GUESS_KNOWN; i++)
		if (g->pairs[i].network == network &&
			is_fresh(&g->pairs[i], now_ms))
			return true;
	return false;
}

/* ---- a try --------------------------------------------------------------- */
/* Under what it is counted. */
struct names {
	uint64_t network;
	uint64_t of_network, of_network_48, of_user, of_pair;
	bool has_48;
	bool is_known;
};

static struct names names_of(const struct guess *g, const struct guess_try *t,
	int64_t now_ms)
{
	uint64_t network = guess_network(t->ip);
	uint64_t user = hash_texts(g, 'u', t->user, SPAN_EMPTY);
	struct names n = {
		.network = network,
		.of_network = name_of(g, KIND_NETWORK, network, 0),
		.of_network_48 = name_of(g, KIND_NETWORK_48, network >> 16, 0),
		.of_user = name_of(g, KIND_USER, user, 0),
		.of_pair = name_of(g, KIND_PAIR, network, t->account),
		.has_48 = network >> 32 != 0x0000ffff,
	};

	n.is_known = is_fresh(find_pair(g, t->account, network), now_ms) &&
		failures(g, n.of_pair, now_ms) < TRUST_UP_TO;
	return n;
}

struct guess_word guess_ask(struct guess *g, const struct guess_try *t,
	int64_t now_ms)
{
	struct names n = names_of(g, t, now_ms);
	const struct guess_ban *ban = guess_ban_of(g, t->ip, n.is_known,
		now_ms);

	return (struct guess_word){ban != NULL, n.is_known,
		failures(g, n.of_network, now_ms) == 0};
}

static int64_t delay(const struct guess *g, const struct names *n,
	int64_t now_ms)
{
	int64_t ms, other_ms;

	if (n->is_known)
		return delay_of(of_network, failures(g, n->of_pair, now_ms));
	ms = delay_of(of_network, failures(g, n->of_network, now_ms));
	other_ms = delay_of(of_user, failures(g, n->of_user, now_ms));
	if (other_ms > ms)
		ms = other_ms;
	other_ms = delay_of(of_network_48,
		failures(g, n->of_network_48, now_ms));
	return other_ms > ms ? other_ms : ms;
}

static void succeed(struct guess *g, const struct guess_try *t,
	const struct names *n, int64_t now_ms, struct guess_result *out)
{
	const struct guess_pair *p = find_pair(g, t->account, n->network);

	out->delay_ms = n->is_known ? 0 : delay(g, n, now_ms);
	out->is_new_pair = p == NULL || now_ms - p->seen_ms >= DAY_MS;
	if (out->is_new_pair)
		guess_known_put(g, t->account, n->network, now_ms);
	forget(g, n->of_pair);
}

static void fail(struct guess *g, const struct guess_try *t,
	const struct names *n, int64_t now_ms, struct guess_result *out)
{
	uint32_t points = n->is_known ? POINT / KNOWN_SHARE : POINT;

	count(g, n->of_network, points, t->mark, now_ms);
	if (n->has_48)
		count(g, n->of_network_48, points, t->mark, now_ms);
	/* for the pair also of who is not known any more: it goes on */
	if (find_pair(g, t->account, n->network) != NULL)
		count(g, n->of_pair, POINT, t->mark, now_ms);
	if (!n->is_known)
		count(g, n->of_user, POINT, t->mark, now_ms);
	out->delay_ms = delay(g, n, now_ms);
	if (failures(g, n->of_network, now_ms) >= BAN_FROM)
		out->ban = guess_ban_make(g, t->ip, now_ms);
}

void guess_settle(struct guess *g, const struct guess_try *t,
	enum code verdict, int64_t now_ms, struct guess_result *out)
{
	struct names n;

	*out = (struct guess_result){.verdict = verdict};
	if (verdict != OK && verdict != DENIED)
		return;
	n = names_of(g, t, now_ms);
	if (guess_ban_of(g, t->ip, n.is_known, now_ms) != NULL) {
		out->verdict = DENIED;
		out->delay_ms = GUESS_DELAY_MS_MAX;
	} else if (verdict == OK) {
		succeed(g, t, &n, now_ms, out);
	} else {
		fail(g, t, &n, now_ms, out);
	}
}
