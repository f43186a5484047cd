/*
 * directory_guess.c - the directory role against guessing: asks guess.h about
 * each login, tells the fronts who is banned, and keeps what shall outlive a
 * restart.
 *
 *	login ── before the work: directory_guess_ask ──▶ refused, known
 *	      ── after it: directory_guess_settle ──▶ how long to hold the answer
 *	                        │ a ban
 *	                        ├──▶ BANS to every front, at once
 *	                        ╰──▶ directory.db, with all of a second
 *
 * An attack from many networks makes many bans, and each network that somebody
 * logs in from is a row, too: so a second's are written together.  What is lost
 * with a crash is that second.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "crypto/secret.h"
#include "directory/directory_ban.h"
#include "role/directory_int.h"

#include "base/banned.h"

#define SAVE_MS   1000
#define SWEEP_MS  60000
#define NEWS_MAX  128
#define ROW_BYTES 64    /* a ban in a message, and more */
#define ROWS_BYTES 98304 /* RECORDS_BYTES of messages.def */

struct directory_guess {
	struct directory_role *role;
	struct guess *guess;
	struct timer save, sweep;
	bool is_saving, is_sweeping; /* the timer is armed */
	int64_t swept_ms;
	struct guess_ban bans[NEWS_MAX]; /* not in the file yet */
	size_t ban_count;
	struct directory_known known[NEWS_MAX];
	size_t known_count;
};

/* ---- to the fronts --------------------------------------------------------- */
static void put_ban(struct buf *rows, const struct guess_ban *ban,
	int64_t until_ms)
{
	const struct rec_ban row = {network_ip(&ban->network),
		ban->network.bits, until_ms};

	rec_put_ban(rows, &row);
}

static void send_bans(struct channel *front, bool is_all, struct buf *rows)
{
	const struct msg_bans m = {is_all, buf_span(rows)};

	channel_send(front, bans, BANS, 0, &m, -1);
	buf_reset(rows);
}

static void tell_fronts(struct directory_role *role,
	const struct guess_ban *ban, int64_t until_ms)
{
	struct buf rows;

	buf_init(&rows, ROWS_BYTES);
	for (size_t i = 0; i < ROLE_INSTANCES_MAX; i++) {
		struct channel *front = role->run->peers[ROLE_FRONT][i];

		if (front == NULL)
			continue;
		put_ban(&rows, ban, until_ms);
		send_bans(front, false, &rows);
	}
	buf_clear(&rows);
}

void directory_guess_front_up(struct directory_role *role, uint32_t front)
{
	struct channel *to = role->run->peers[ROLE_FRONT][front];
	int64_t now_ms = loop_wall_ms(role->run->loop);
	struct guess_walk walk = {0};
	const struct guess_ban *ban;
	bool is_first = true;
	struct buf rows;

	buf_init(&rows, ROWS_BYTES);
	while ((ban = guess_ban_next(role->guess->guess, &walk)) != NULL) {
		if (!guess_ban_holds(ban, now_ms) || !guess_ban_is_at_door(ban))
			continue;
		put_ban(&rows, ban, ban->until_ms);
		if (buf_left(&rows) < ROW_BYTES) {
			send_bans(to, is_first, &rows);
			is_first = false;
		}
	}
	if (is_first || buf_len(&rows) > 0)
		send_bans(to, is_first, &rows);
	buf_clear(&rows);
}

/* ---- the log ---------------------------------------------------------------- */
static void log_made(const struct guess_ban *ban)
{
	char room[NETWORK_TEXT_BYTES];
	struct buf until;

	buf_init(&until, 64);
	if (ban->until_ms == GUESS_FOR_EVER)
		buf_puts(&until, "never");
	else
		time_put_rfc3339(&until, ban->until_ms);
	LOG(EV_BAN_MADE, LOG_SPAN("network", network_text(&ban->network, room)),
		LOG_SPAN("until", buf_span(&until)),
		LOG_NUM("times", ban->times),
		LOG_STR("by", ban->is_manual ? "administrator"
				: ban->is_soft ? "logins" : "failures"));
	buf_clear(&until);
}

static void log_ended(const struct network *network, const char *why)
{
	char room[NETWORK_TEXT_BYTES];

	LOG(EV_BAN_ENDED, LOG_SPAN("network", network_text(network, room)),
		LOG_STR("why", why));
}

/* ---- the file ------------------------------------------------------------------ */
void directory_guess_save_now(struct directory_role *role)
{
	struct directory_guess *g = role->guess;
	const struct directory_guess_news news = {g->bans, g->ban_count,
		g->known, g->known_count};
	struct err e;

	if (g->is_saving)
		timer_disarm(&g->save);
	g->is_saving = false;
	if (g->ban_count + g->known_count == 0)
		return;
	/* in memory all of it holds on; what the file has not, a restart
	 * forgets */
	g->ban_count = g->known_count = 0;
	if (directory_guess_save(role->directory, &news, &e) != OK)
		directory_note_trouble(role, &e);
}

static void on_save(void *arg)
{
	struct directory_guess *g = arg;

	directory_guess_save_now(g->role);
}

static void save_soon(struct directory_guess *g)
{
	if (g->ban_count == NEWS_MAX || g->known_count == NEWS_MAX) {
		directory_guess_save_now(g->role);
		return;
	}
	if (g->is_saving)
		return;
	g->is_saving = true;
	timer_arm(&g->save, SAVE_MS);
}

/* ---- bans end --------------------------------------------------------------------- */
static void sweep_later(struct directory_guess *g)
{
	struct guess_walk walk = {0};

	g->is_sweeping = guess_ban_next(g->guess, &walk) != NULL;
	if (g->is_sweeping)
		timer_arm(&g->sweep, SWEEP_MS);
}

static void on_sweep(void *arg)
{
	struct directory_guess *g = arg;
	int64_t now_ms = loop_wall_ms(g->role->run->loop);
	struct guess_walk walk = {0};
	const struct guess_ban *ban;

	while ((ban = guess_ban_next(g->guess, &walk)) != NULL)
		if (!guess_ban_holds(ban, now_ms) &&
			guess_ban_holds(ban, g->swept_ms))
			log_ended(&ban->network, "time");
	g->swept_ms = now_ms;
	guess_sweep(g->guess, now_ms);
	sweep_later(g);
}

static void note_ban(struct directory_guess *g, const struct guess_ban *ban)
{
	log_made(ban);
	if (guess_ban_is_at_door(ban))
		tell_fronts(g->role, ban, ban->until_ms);
	if (!g->is_sweeping)
		sweep_later(g);
}

void directory_guess_changed(void *arg, const struct guess_ban *ban)
{
	struct directory_role *role = arg;

	if (ban->until_ms != 0) {
		if (guess_ban_put(role->guess->guess, ban))
			note_ban(role->guess, ban);
		return;
	}
	(void)guess_ban_take(role->guess->guess, &ban->network);
	log_ended(&ban->network, "administrator");
	tell_fronts(role, ban, 0);
}

/* ---- logins ------------------------------------------------------------------------- */
struct guess_word directory_guess_ask(struct directory_role *role,
	const struct guess_try *t)
{
	return guess_ask(role->guess->guess, t, loop_wall_ms(role->run->loop));
}

static void log_delay(const struct guess_try *t, int64_t delay_ms)
{
	char room[NETWORK_TEXT_BYTES] = "";
	struct network from;

	if (network_of(t->ip, NETWORK_ALL, &from))
		(void)network_text(&from, room);
	LOG(EV_LOGIN_DELAYED, LOG_SPAN("user", t->user), LOG_STR("ip", room),
		LOG_NUM("ms", delay_ms));
}

static void keep(struct directory_guess *g, const struct guess_try *t,
	const struct guess_result *result, int64_t now_ms)
{
	if (result->ban != NULL) {
		g->bans[g->ban_count++] = *result->ban;
		note_ban(g, result->ban);
		save_soon(g);
	}
	if (result->is_new_pair) {
		g->known[g->known_count++] = (struct directory_known){
			t->account, guess_network(t->ip), now_ms};
		save_soon(g);
	}
}

int64_t directory_guess_settle(struct directory_role *role,
	const struct guess_try *t, enum code *verdict)
{
	struct directory_guess *g = role->guess;
	int64_t now_ms = loop_wall_ms(role->run->loop);
	struct guess_result result;

	guess_settle(g->guess, t, *verdict, now_ms, &result);
	keep(g, t, &result, now_ms);
	if (result.delay_ms > 0)
		log_delay(t, result.delay_ms);
	*verdict = result.verdict;
	return result.delay_ms;
}

uint32_t directory_guess_mark(const struct directory_role *role,
	struct span user, struct span password)
{
	return guess_mark(role->guess->guess, user, password);
}

/* ---- begin ---------------------------------------------------------------------------- */
enum code directory_guess_open(struct directory_role *role, struct err *e)
{
	struct directory_guess *g = MEM_NEW(struct directory_guess);
	int64_t now_ms = loop_wall_ms(role->run->loop);
	uint8_t key[GUESS_KEY_BYTES];

	secret_random(key, sizeof(key));
	g->role = role;
	g->guess = guess_new(key);
	g->swept_ms = now_ms;
	secret_wipe(key, sizeof(key));
	timer_init(&g->save, role->run->loop, on_save, g);
	timer_init(&g->sweep, role->run->loop, on_sweep, g);
	role->guess = g;
	sweep_later(g);
	return directory_guess_load(role->directory, g->guess, now_ms, e);
}
