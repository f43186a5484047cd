/*
 * queue_history.c - the other half of queue_store.h: what is to do, what was
 * tried, what left, and the transactions whose 250 was perhaps not heard.
 */
#include "queue/queue_store_int.h"

#include <stdio.h>

#define PURGE_COUNT 500

/* ---- what is to do --------------------------------------------------------- */
static const char due_get[] =
	"SELECT qid FROM rcpt WHERE state = 0 AND next_ms <= $1"
	" ORDER BY next_ms LIMIT $2";
static const char due_next[] =
	"SELECT next_ms FROM rcpt WHERE state = 0 ORDER BY next_ms LIMIT 1";
static const char packed_get[] =
	"SELECT qid FROM message WHERE qid > $1 AND form = 0"
	" ORDER BY qid LIMIT $2";
static const char messages_get[] =
	"SELECT qid FROM message WHERE qid > $1 ORDER BY qid LIMIT $2";
static const char past_list[] =
	"SELECT qid FROM past WHERE qid > $1 ORDER BY qid LIMIT $2";
static const char untold_get[] =
	"SELECT qid FROM rcpt WHERE state = 2 AND qid > $1 UNION"
	" SELECT qid FROM rcpt WHERE tell > 0 AND qid > $1 LIMIT $2";
static const char interrupted_set[] =
	"UPDATE rcpt SET state = 0, next_ms = $1, attempts = attempts + 1"
	" WHERE state = 1";
static const char lowest_get[] = "SELECT min(qid) FROM message";
static const char message_has[] = "SELECT 1 FROM message WHERE qid = $1";

/* Runs a query with a start and a limit, whose rows are numbers. */
static enum code fill(struct queue_store *s, const char *sql, int64_t from,
	struct queue_list *out, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql);
	enum code code;

	out->count = 0;
	db_bind_i64(q, 1, from);
	db_bind_i64(q, 2, (int64_t)out->room);
	while ((code = db_step(q, e)) == OK)
		if (out->count < out->room)
			out->qids[out->count++] = (uint64_t)db_i64(q, 0);
	return code == NOT_FOUND ? OK : code;
}

enum code queue_store_due(struct queue_store *s, int64_t now_ms,
	struct queue_list *out, struct err *e)
{
	return fill(s, due_get, now_ms, out, e);
}

enum code queue_store_packed(struct queue_store *s, uint64_t after,
	struct queue_list *out, struct err *e)
{
	return fill(s, packed_get, (int64_t)after, out, e);
}

enum code queue_store_messages(struct queue_store *s, uint64_t after,
	struct queue_list *out, struct err *e)
{
	return fill(s, messages_get, (int64_t)after, out, e);
}

enum code queue_store_untold(struct queue_store *s, struct queue_list *out,
	struct err *e)
{
	return fill(s, untold_get, 0, out, e);
}

enum code queue_store_past(struct queue_store *s, uint64_t after,
	struct queue_list *out, struct err *e)
{
	return fill(s, past_list, (int64_t)after, out, e);
}

enum code queue_store_next_due(struct queue_store *s, int64_t *out_ms,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, due_next);
	enum code code = db_step(q, e);

	if (code == OK)
		*out_ms = db_i64(q, 0);
	db_reset(q);
	return code;
}

enum code queue_store_interrupted(struct queue_store *s, int64_t now_ms,
	int64_t *out, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, interrupted_set);
	enum code code = db_begin(s->db, e);

	*out = 0;
	if (code != OK)
		return code;
	db_bind_i64(q, 1, now_ms);
	code = db_run(q, e);
	if (code == OK)
		*out = db_changes(s->db);
	if (code == OK)
		code = db_commit(s->db, e);
	if (code != OK)
		db_rollback(s->db);
	return code;
}

enum code queue_store_lowest(struct queue_store *s, uint64_t *out,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, lowest_get);
	enum code code = db_step(q, e);

	*out = code == OK ? (uint64_t)db_i64(q, 0) : 0;
	db_reset(q);
	return code;
}

/* Does the query, whose one parameter is a message's number, have a row? */
static bool has_row(struct queue_store *s, const char *sql, uint64_t qid)
{
	struct db_stmt *q = db_stmt(s->db, sql);
	bool has;

	db_bind_i64(q, 1, (int64_t)qid);
	has = db_step(q, NULL) == OK;
	db_reset(q);
	return has;
}

bool queue_store_has(struct queue_store *s, uint64_t qid)
{
	return has_row(s, message_has, qid);
}

/* ---- attempts -------------------------------------------------------------- */
static const char attempt_add[] =
	"INSERT INTO attempt (qid, idx, at_wall_ms, result, code, enhanced,"
	" text, peer, dialogue) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
static const char attempts_get[] =
	"SELECT idx, at_wall_ms, result, code, enhanced, text, peer, dialogue"
	" FROM attempt WHERE qid = $1 ORDER BY id";
static const char attempt_has[] =
	"SELECT 1 FROM attempt WHERE qid = $1 LIMIT 1";

enum code queue_store_attempt_add(struct queue_store *s, uint64_t qid,
	const struct queue_attempt *a, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, attempt_add);

	db_bind_i64(q, 1, (int64_t)qid);
	db_bind_i64(q, 2, a->idx);
	db_bind_i64(q, 3, a->at_wall_ms);
	db_bind_i64(q, 4, a->result);
	db_bind_i64(q, 5, a->code);
	db_bind_blob(q, 6, a->enhanced);
	db_bind_blob(q, 7, a->text);
	db_bind_blob(q, 8, a->peer);
	db_bind_blob(q, 9, a->dialogue);
	return db_run(q, e);
}

bool queue_store_has_attempts(struct queue_store *s, uint64_t qid)
{
	return has_row(s, attempt_has, qid);
}

enum code queue_store_attempts(struct queue_store *s, uint64_t qid,
	queue_attempt_fn *fn, void *arg, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, attempts_get);
	enum code code;

	db_bind_i64(q, 1, (int64_t)qid);
	while ((code = db_step(q, e)) == OK) {
		int64_t result = db_i64(q, 2);
		struct queue_attempt a = {
			.idx = (uint32_t)db_i64(q, 0),
			.at_wall_ms = db_i64(q, 1),
			.result = result >= 0 && result < CODE_COUNT
				? (enum code)result : CORRUPT,
			.code = (uint32_t)db_i64(q, 3),
			.enhanced = db_bytes(q, 4),
			.text = db_bytes(q, 5),
			.peer = db_bytes(q, 6),
			.dialogue = db_bytes(q, 7),
		};

		fn(arg, &a);
	}
	return code == NOT_FOUND ? OK : code;
}

/* ---- what left ----------------------------------------------------------------- */
static const char past_add[] =
	"INSERT INTO past (qid, left_ms, received_wall_ms, reverse_path, packed)"
	" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (qid) DO NOTHING";
static const char past_get[] =
	"SELECT left_ms, received_wall_ms, reverse_path, packed"
	" FROM past WHERE qid = $1";
static const char past_old[] =
	"SELECT qid FROM past WHERE left_ms < $1 ORDER BY left_ms LIMIT $2";
static const char past_drop[] = "DELETE FROM past WHERE qid = $1";
static const char attempts_drop[] = "DELETE FROM attempt WHERE qid = $1";

enum code queue_store_past_add(struct queue_store *s,
	const struct queue_msg *m, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, past_add);

	buf_reset(&s->pack);
	queue_pack(&s->pack, m->rcpts, m->rcpt_count);
	db_bind_i64(q, 1, (int64_t)m->qid);
	db_bind_i64(q, 2, now_ms);
	db_bind_i64(q, 3, m->received_wall_ms);
	db_bind_blob(q, 4, m->reverse_path);
	db_bind_blob(q, 5, buf_span(&s->pack));
	return db_run(q, e);
}

enum code queue_store_past_load(struct queue_store *s, uint64_t qid,
	struct arena *a, struct queue_msg *out, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, past_get);
	struct span packed;
	enum code code;

	*out = (struct queue_msg){.qid = qid};
	db_bind_i64(q, 1, (int64_t)qid);
	code = db_step(q, e);
	if (code != OK)
		return code;
	out->since_ms = db_i64(q, 0);
	out->received_wall_ms = db_i64(q, 1);
	out->reverse_path = arena_dup(a, db_bytes(q, 2));
	packed = arena_dup(a, db_bytes(q, 3));
	db_reset(q);
	return queue_unpack(packed, a, &out->rcpts, &out->rcpt_count, e);
}

static const char unconfirmed_old[] =
	"DELETE FROM unconfirmed WHERE until_ms < $1";

static enum code purge_some(struct queue_store *s, const struct queue_list *old,
	int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, unconfirmed_old);
	enum code code = db_begin(s->db, e);

	if (code != OK)
		return code;
	db_bind_i64(q, 1, now_ms);
	code = db_run(q, e);
	for (size_t i = 0; i < old->count && code == OK; i++) {
		code = queue_store_run_qid(s, past_drop, old->qids[i], e);
		if (code == OK)
			code = queue_store_run_qid(s, attempts_drop,
				old->qids[i], e);
	}
	if (code == OK)
		code = db_commit(s->db, e);
	if (code != OK)
		db_rollback(s->db);
	return code;
}

enum code queue_store_purge(struct queue_store *s, int64_t before_ms,
	int64_t now_ms, bool *out_more, struct err *e)
{
	uint64_t qids[PURGE_COUNT];
	struct queue_list old = {qids, PURGE_COUNT, 0};
	enum code code = fill(s, past_old, before_ms, &old, e);

	*out_more = old.count == PURGE_COUNT;
	return code == OK ? purge_some(s, &old, now_ms, e) : code;
}

/* ---- 250 that were perhaps not heard ----------------------------------------------- */
#define HASH_BYTES 16u
#define PAIR_BYTES 24u

static const char recent_put[] =
	"INSERT INTO recent (slot, pairs) VALUES ($1, $2)"
	" ON CONFLICT (slot) DO UPDATE SET pairs = excluded.pairs";
static const char recent_get[] = "SELECT pairs FROM recent";
static const char unconfirmed_put[] =
	"INSERT INTO unconfirmed (hash, qid, until_ms) VALUES ($1, $2, $3)"
	" ON CONFLICT (hash) DO UPDATE SET qid = excluded.qid,"
	" until_ms = excluded.until_ms";
static const char unconfirmed_drop[] = "DELETE FROM unconfirmed WHERE hash = $1";
static const char unconfirmed_get[] =
	"SELECT hash, qid, until_ms FROM unconfirmed";

enum code queue_store_recent_put(struct queue_store *s, uint32_t slot,
	struct span pairs, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, recent_put);

	db_bind_i64(q, 1, slot);
	db_bind_blob(q, 2, pairs);
	return db_run(q, e);
}

enum code queue_store_unconfirmed_put(struct queue_store *s, struct span hash,
	uint64_t qid, int64_t until_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, unconfirmed_put);

	db_bind_blob(q, 1, hash);
	db_bind_i64(q, 2, (int64_t)qid);
	db_bind_i64(q, 3, until_ms);
	return db_run(q, e);
}

enum code queue_store_unconfirmed_drop(struct queue_store *s, struct span hash,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, unconfirmed_drop);

	db_bind_blob(q, 1, hash);
	return db_run(q, e);
}

static void each_pair(struct span pairs, queue_pair_fn *fn, void *arg)
{
	while (pairs.n >= PAIR_BYTES) {
		uint64_t qid = 0;

		for (size_t i = 8; i > 0; i--)
			qid = qid << 8 | pairs.p[HASH_BYTES + i - 1];
		fn(arg, span_head(pairs, HASH_BYTES), qid, 0);
		pairs = span_tail(pairs, PAIR_BYTES);
	}
}

enum code queue_store_pairs(struct queue_store *s, queue_pair_fn *fn,
	void *arg, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, unconfirmed_get);
	enum code code;

	while ((code = db_step(q, e)) == OK)
		fn(arg, db_bytes(q, 0), (uint64_t)db_i64(q, 1), db_i64(q, 2));
	if (code != NOT_FOUND)
		return code;
	q = db_stmt(s->db, recent_get);
	while ((code = db_step(q, e)) == OK)
		each_pair(db_bytes(q, 0), fn, arg);
	return code == NOT_FOUND ? OK : code;
}

/* ---- the invariants of schema.sql ---------------------------------------------- */
static const struct {
	const char *sql; /* rows: qid that breaks it */
	const char *sentence;
} invariants[] = {
	{"SELECT qid FROM message WHERE qid >= (SELECT coalesce((SELECT value"
	 " FROM meta WHERE name = 'next_qid'), 1))",
		"1: a number that was never reserved"},
	{"SELECT qid FROM message m WHERE form = 0 AND EXISTS"
	 " (SELECT 1 FROM rcpt r WHERE r.qid = m.qid)",
		"2: packed, and has rows in rcpt"},
	{"SELECT qid FROM message m WHERE form = 1 AND (packed <> $1 OR NOT"
	 " EXISTS (SELECT 1 FROM rcpt r WHERE r.qid = m.qid))",
		"2: split, and has no rows in rcpt"},
	{"SELECT DISTINCT qid FROM rcpt WHERE qid NOT IN"
	 " (SELECT qid FROM message)",
		"3: recipients without a message"},
	{"SELECT qid FROM message m WHERE form = 1 AND NOT EXISTS (SELECT 1"
	 " FROM rcpt r WHERE r.qid = m.qid AND (r.state < 4 OR r.tell > 0))",
		"4: every recipient is settled"},
	{"SELECT qid FROM message WHERE length(body) <>"
	 " CASE WHEN is_spooled = 1 THEN 0 ELSE size END",
		"5: the body has another length"},
	{"SELECT DISTINCT qid FROM rcpt r WHERE parent > 0 AND NOT EXISTS"
	 " (SELECT 1 FROM rcpt p WHERE p.qid = r.qid AND"
	 " p.idx = r.parent - 1 AND p.state = 6)",
		"6: the alias of a recipient is not there"},
	{"SELECT qid FROM message WHERE qid IN (SELECT qid FROM past)",
		"7: is here, and has left"},
	{"SELECT qid FROM asked WHERE qid NOT IN (SELECT qid FROM message)",
		"8: notices were asked for of no message"},
	{"SELECT qid FROM message WHERE form = 2", "damaged"},
};

size_t queue_store_check(struct queue_store *s, queue_finding_fn *fn, void *arg)
{
	size_t found = 0;

	for (size_t i = 0; i < sizeof(invariants) / sizeof(invariants[0]);
		i++) {
		struct db_stmt *q = db_stmt(s->db, invariants[i].sql);
		struct err e;
		char line[ERR_TEXT_MAX + 64];
		enum code code;

		if (i == 2)
			db_bind_blob(q, 1, SPAN_EMPTY);
		while ((code = db_step(q, &e)) == OK) {
			found++;
			(void)snprintf(line, sizeof(line), "%lld: %s",
				(long long)db_i64(q, 0),
				invariants[i].sentence);
			fn(arg, span_str(line));
		}
		if (code == NOT_FOUND)
			continue;
		found++;
		fn(arg, span_str(e.text));
	}
	return found;
}
