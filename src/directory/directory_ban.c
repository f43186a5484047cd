/*
 * directory_ban.c - bans and known networks in directory.db.  See
 * directory_ban.h; what an administrator says about bans is in
 * directory_admin_ban.c.
 */
#include "directory/directory_ban.h"

#include "directory/directory_int.h"

#include "base/banned.h"

#define DAY_MS 86400000LL

void directory_listen_bans(struct directory *d, directory_ban_fn *fn,
	void *arg)
{
	d->on_ban = fn;
	d->on_ban_arg = arg;
}

/* ---- read ------------------------------------------------------------------ */
/* A row that cannot be one is passed over: it bans nobody. */
static enum code load_bans(struct directory *d, struct guess *g, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "SELECT network, made_ms, until_ms, "
		"times, is_manual, is_soft FROM bans ORDER BY until_ms");
	enum code code;

	while ((code = db_step(s, e)) == OK) {
		struct guess_ban ban = {
			.made_ms = db_i64(s, 1),
			.until_ms = db_i64(s, 2),
			.times = (uint32_t)db_i64(s, 3),
			.is_manual = db_i64(s, 4) != 0,
			.is_soft = db_i64(s, 5) != 0,
		};

		if (network_parse(db_bytes(s, 0), &ban.network))
			(void)guess_ban_put(g, &ban);
	}
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}

static enum code load_known(struct directory *d, struct guess *g,
	struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "SELECT account, network, seen_ms "
		"FROM known_networks ORDER BY seen_ms");
	enum code code;

	while ((code = db_step(s, e)) == OK)
		guess_known_put(g, (uint64_t)db_i64(s, 0),
			(uint64_t)db_i64(s, 1), db_i64(s, 2));
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}

static enum code delete_before(struct directory *d, const char *sql,
	int64_t before_ms, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, sql);

	db_bind_i64(s, 1, before_ms);
	return db_run(s, e);
}

enum code directory_guess_load(struct directory *d, struct guess *g,
	int64_t now_ms, struct err *e)
{
	enum code code = delete_before(d,
		"DELETE FROM bans WHERE until_ms < $1", now_ms - DAY_MS, e);

	if (code == OK)
		code = delete_before(d,
			"DELETE FROM known_networks WHERE seen_ms < $1",
			now_ms - GUESS_KNOWN_MS, e);
	if (code == OK)
		code = load_bans(d, g, e);
	if (code == OK)
		code = load_known(d, g, e);
	return code;
}

uint64_t directory_guess_account(struct directory *d, struct span address)
{
	struct db_stmt *s = db_stmt(d->db,
		"SELECT account FROM accounts WHERE address = $1");
	uint64_t account = 0;
	struct err e;

	db_bind_text(s, 1, address);
	if (db_step(s, &e) == OK)
		account = (uint64_t)db_i64(s, 0);
	db_reset(s);
	return account;
}

/* ---- write ------------------------------------------------------------------- */
/* An administrator's ban is his to change, also the one he made meanwhile. */
static enum code save_ban(struct directory *d, const struct guess_ban *ban,
	struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "INSERT INTO bans (network, "
		"made_ms, until_ms, times, is_manual, is_soft, reason) "
		"VALUES ($1, $2, $3, $4, 0, $5, '') ON CONFLICT (network) "
		"DO UPDATE SET made_ms = excluded.made_ms, until_ms = "
		"excluded.until_ms, times = excluded.times, is_manual = 0, "
		"is_soft = excluded.is_soft, reason = '' "
		"WHERE is_manual = 0 OR bans.until_ms < excluded.made_ms");
	char room[NETWORK_TEXT_BYTES];

	db_bind_text(s, 1, network_text(&ban->network, room));
	db_bind_i64(s, 2, ban->made_ms);
	db_bind_i64(s, 3, ban->until_ms);
	db_bind_i64(s, 4, ban->times);
	db_bind_i64(s, 5, ban->is_soft ? 1 : 0);
	return db_run(s, e);
}

/* The account may be gone by now, and the oldest networks go. */
static enum code save_known(struct directory *d,
	const struct directory_known *known, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, "INSERT INTO known_networks "
		"(account, network, seen_ms) SELECT account, $2, $3 "
		"FROM accounts WHERE account = $1 "
		"ON CONFLICT (account, network) "
		"DO UPDATE SET seen_ms = excluded.seen_ms");
	struct db_stmt *old = db_stmt(d->db, "DELETE FROM known_networks "
		"WHERE account = $1 AND network NOT IN (SELECT network FROM "
		"known_networks WHERE account = $1 "
		"ORDER BY seen_ms DESC, network LIMIT $2)");
	enum code code;

	db_bind_i64(s, 1, (int64_t)known->account);
	db_bind_i64(s, 2, (int64_t)known->network);
	db_bind_i64(s, 3, known->seen_ms);
	code = db_run(s, e);
	if (code != OK)
		return code;
	db_bind_i64(old, 1, (int64_t)known->account);
	db_bind_i64(old, 2, DIRECTORY_KNOWN_MAX);
	return db_run(old, e);
}

enum code directory_guess_save(struct directory *d,
	const struct directory_guess_news *news, struct err *e)
{
	enum code code = db_begin(d->db, e);

	for (size_t i = 0; code == OK && i < news->ban_count; i++)
		code = save_ban(d, &news->bans[i], e);
	for (size_t i = 0; code == OK && i < news->known_count; i++)
		code = save_known(d, &news->known[i], e);
	if (code == OK)
		return db_commit(d->db, e);
	db_rollback(d->db);
	return code;
}
