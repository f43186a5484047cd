/*
 * directory_admin_ban.c - the administrator's commands about bans: networks
 * that are not listened to.  See guess.h.
 *
 * A ban of an administrator holds for everybody, also who is known from there,
 * and without --for until it is removed.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/time.h"
#include "directory/directory_ban.h"
#include "directory/directory_int.h"

#include "base/banned.h"

#define REASON_BYTES_MAX 200
#define FOR_MS_MAX       (3650 * 86400000LL)
/* An administrator's; the others are bounded by guess.h. */
#define MANUAL_MAX       (GUESS_BANS_MAX / 2)

static enum admin_exit read_network(struct directory_command *c,
	struct span word, struct network *out)
{
	if (network_parse(word, out))
		return EXIT_OK;
	return directory_say(c, EXIT_BAD_DATA, "\"%.*s\" is no address; write "
		"192.0.2.1, 192.0.2.0/24, or 2001:db8::/64",
		SPAN_ARG(span_head(word, 128)));
}

/* ---- add ------------------------------------------------------------------- */
static enum admin_exit read_until(struct directory_command *c, int64_t now_ms,
	int64_t *out)
{
	struct span text;
	int64_t length_ms;

	*out = GUESS_FOR_EVER;
	if (!directory_option(c, SPAN("for"), &text))
		return EXIT_OK;
	if (!num_parse_duration_ms(text, &length_ms) || length_ms <= 0 ||
		length_ms > FOR_MS_MAX)
		return directory_say(c, EXIT_USAGE, "--for=%.*s is no time; "
			"write 30m, 12h, 7d or 4w; without it the ban holds "
			"until you remove it", SPAN_ARG(span_head(text, 64)));
	*out = now_ms + length_ms;
	return EXIT_OK;
}

static enum admin_exit check_count(struct directory_command *c)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"SELECT count(*) FROM bans WHERE is_manual = 1");
	enum code code = db_step(s, c->e);
	int64_t count = code == OK ? db_i64(s, 0) : 0;

	db_reset(s);
	if (code != OK)
		return directory_trouble(c);
	if (count <= MANUAL_MAX)
		return EXIT_OK;
	return directory_say(c, EXIT_DENIED, "there are %d bans already; ban "
		"larger networks, as 192.0.2.0/24", MANUAL_MAX);
}

static enum admin_exit put_ban(struct directory_command *c,
	const struct guess_ban *ban, struct span reason)
{
	struct db_stmt *s = db_stmt(c->d->db, "INSERT INTO bans (network, "
		"made_ms, until_ms, times, is_manual, is_soft, reason) "
		"VALUES ($1, $2, $3, 0, 1, 0, $4) ON CONFLICT (network) "
		"DO UPDATE SET made_ms = excluded.made_ms, until_ms = "
		"excluded.until_ms, times = 0, is_manual = 1, is_soft = 0, "
		"reason = excluded.reason");
	char room[NETWORK_TEXT_BYTES];

	db_bind_text(s, 1, network_text(&ban->network, room));
	db_bind_i64(s, 2, ban->made_ms);
	db_bind_i64(s, 3, ban->until_ms);
	db_bind_text(s, 4, reason);
	if (db_run(s, c->e) != OK)
		return directory_trouble(c);
	directory_tell_ban(c, ban);
	return EXIT_OK;
}

/* Nobody shall lock himself out of his own machine without a word. */
static enum admin_exit check_loopback(struct directory_command *c,
	const struct network *network)
{
	char room[NETWORK_TEXT_BYTES];

	if (!network_has_loopback(network))
		return EXIT_OK;
	return directory_say(c, EXIT_DENIED, "%.*s holds this machine itself "
		"(127.0.0.0/8, ::1), which is never banned; ban a smaller "
		"network", SPAN_ARG(network_text(network, room)));
}

enum admin_exit directory_ban_add(struct directory_command *c)
{
	struct guess_ban ban = {.made_ms = time_wall_ms(), .is_manual = true};
	struct span word, reason = SPAN_EMPTY;
	enum admin_exit exit = read_until(c, ban.made_ms, &ban.until_ms);

	if (directory_option(c, SPAN("reason"), &reason) &&
		reason.n > REASON_BYTES_MAX)
		return directory_say(c, EXIT_USAGE,
			"a reason has at most %d bytes", REASON_BYTES_MAX);
	for (size_t i = 0; exit == EXIT_OK && directory_word(c, i, &word);
		i++) {
		exit = read_network(c, word, &ban.network);
		if (exit == EXIT_OK)
			exit = check_loopback(c, &ban.network);
		if (exit == EXIT_OK)
			exit = put_ban(c, &ban, reason);
	}
	return exit == EXIT_OK ? check_count(c) : exit;
}

/* ---- list -------------------------------------------------------------------- */
static struct span moment(int64_t ms, struct buf *room)
{
	if (ms == GUESS_FOR_EVER)
		return SPAN("never");
	buf_reset(room);
	time_put_rfc3339(room, ms);
	return buf_span(room);
}

static void put_row(struct directory_command *c, struct db_stmt *s)
{
	struct buf made, until;
	char times[24];
	bool is_manual = db_i64(s, 3) != 0;

	buf_init(&made, 64);
	buf_init(&until, 64);
	(void)snprintf(times, sizeof(times), "%" PRId64, db_i64(s, 5));
	directory_row(c, (const struct span[]){
		db_bytes(s, 0),
		moment(db_i64(s, 2), &until),
		db_i64(s, 4) != 0 ? SPAN("logins") : SPAN("everything"),
		is_manual ? SPAN("administrator") : SPAN("failed logins"),
		span_str(times),
		moment(db_i64(s, 1), &made),
		db_bytes(s, 6)}, 7);
	buf_clear(&made);
	buf_clear(&until);
}

enum admin_exit directory_ban_list(struct directory_command *c)
{
	struct db_stmt *s = db_stmt(c->d->db, "SELECT network, made_ms, "
		"until_ms, is_manual, is_soft, times, reason FROM bans "
		"WHERE until_ms > $1 ORDER BY made_ms, network");
	enum code code;

	directory_row(c, (const struct span[]){SPAN("network"), SPAN("ends"),
		SPAN("refused"), SPAN("because_of"), SPAN("times"),
		SPAN("made"), SPAN("reason")}, 7);
	db_bind_i64(s, 1, time_wall_ms());
	while ((code = db_step(s, c->e)) == OK)
		put_row(c, s);
	db_reset(s);
	return code == NOT_FOUND ? EXIT_OK : directory_trouble(c);
}

/* ---- remove -------------------------------------------------------------------- */
static enum admin_exit delete_ban(struct directory_command *c,
	const struct network *network)
{
	struct db_stmt *s = db_stmt(c->d->db,
		"DELETE FROM bans WHERE network = $1");
	const struct guess_ban lifted = {.network = *network};
	char room[NETWORK_TEXT_BYTES];
	struct span name = network_text(network, room);

	db_bind_text(s, 1, name);
	if (db_run(s, c->e) != OK)
		return directory_trouble(c);
	if (db_changes(c->d->db) == 0)
		return directory_say(c, EXIT_NO_ADDRESS, "there is no ban of "
			"%.*s; see: postrider ban list", SPAN_ARG(name));
	directory_tell_ban(c, &lifted);
	return EXIT_OK;
}

enum admin_exit directory_ban_remove(struct directory_command *c)
{
	struct network network;
	struct span word;
	enum admin_exit exit = EXIT_OK;

	for (size_t i = 0; exit == EXIT_OK && directory_word(c, i, &word);
		i++) {
		exit = read_network(c, word, &network);
		if (exit == EXIT_OK)
			exit = delete_ban(c, &network);
	}
	return exit;
}
