/*
 * queue_store.c - messages and recipients in queue.db.  See queue_store.h.
 *
 * The way of a message that goes through at once is one INSERT and one DELETE;
 * everything else is for messages that have to wait.  What is only read, or
 * written beside the messages, is in queue_history.c.
 */
#include "queue/queue_store.h"

#include "base/mem.h"
#include "crypto/hash.h"
#include "queue/queue_schema.h"
#include "queue/queue_store_int.h"

#define SCHEMA_VERSION 2
#define IDX_MAX        (UINT32_MAX - 1) /* parent is one more */

enum message_form { FORM_PACKED, FORM_SPLIT, FORM_DAMAGED };

/* ---- open, close, transactions ----------------------------------------------- */
static enum code run_script(struct db *db, const char *script, struct err *e)
{
	enum code code = db_begin(db, e);

	if (code == OK)
		code = db_script(db, script, e);
	if (code == OK)
		code = db_set_version(db, SCHEMA_VERSION, e);
	if (code == OK)
		code = db_commit(db, e);
	if (code != OK)
		db_rollback(db);
	return code;
}

/* Version 1 knew nothing of RFC 3461. */
static const char upgrade_1[] =
	"ALTER TABLE rcpt ADD COLUMN notify INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rcpt ADD COLUMN tell INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE rcpt ADD COLUMN orcpt BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE rcpt ADD COLUMN sender BLOB NOT NULL DEFAULT x'';"
	"CREATE INDEX rcpt_tell ON rcpt (qid) WHERE tell > 0;"
	"CREATE TABLE asked (qid INTEGER PRIMARY KEY, ret INTEGER NOT NULL,"
	" envid BLOB NOT NULL);";

static enum code prepare(struct db *db, struct err *e)
{
	int64_t version;
	enum code code = db_version(db, &version, e);

	if (code != OK)
		return code;
	if (version == 0)
		return run_script(db, queue_schema, e);
	if (version == 1)
		return run_script(db, upgrade_1, e);
	if (version > SCHEMA_VERSION)
		return err_set(e, CORRUPT, "queue.db was written by a newer "
			"version of this program (schema %lld, this one knows "
			"%d); nothing was changed: start the newer one",
			(long long)version, SCHEMA_VERSION);
	if (version != SCHEMA_VERSION)
		return err_set(e, CORRUPT,
			"queue.db has the schema %lld, which never was",
			(long long)version);
	return OK;
}

enum code queue_store_open(const char *path, struct queue_store **out,
	struct err *e)
{
	struct queue_store *s = MEM_NEW(struct queue_store);
	enum code code = db_open(path, &s->db, e);

	if (code == OK)
		code = prepare(s->db, e);
	if (code != OK) {
		err_wrap(e, "queue");
		db_close(s->db);
		mem_free(s);
		return code;
	}
	buf_init(&s->pack, QUEUE_PACKED_MAX);
	*out = s;
	return OK;
}

void queue_store_close(struct queue_store *s)
{
	if (s == NULL)
		return;
	db_close(s->db);
	buf_clear(&s->pack);
	mem_free(s);
}

bool queue_store_is_broken(const struct queue_store *s)
{
	return db_is_broken(s->db);
}

void queue_store_rest(struct queue_store *s)
{
	db_checkpoint(s->db);
}

enum code queue_store_begin(struct queue_store *s, struct err *e)
{
	return db_begin(s->db, e);
}

enum code queue_store_commit(struct queue_store *s, struct err *e)
{
	return db_commit(s->db, e);
}

void queue_store_rollback(struct queue_store *s)
{
	db_rollback(s->db);
}

/* ---- meta ------------------------------------------------------------------ */
static const char meta_get[] = "SELECT value FROM meta WHERE name = $1";
static const char meta_put[] =
	"INSERT INTO meta (name, value) VALUES ($1, $2) "
	"ON CONFLICT (name) DO UPDATE SET value = excluded.value";

static enum code get_meta(struct queue_store *s, const char *name,
	int64_t missing, int64_t *out, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, meta_get);
	enum code code;

	db_bind_text(q, 1, span_str(name));
	code = db_step(q, e);
	*out = code == OK ? db_i64(q, 0) : missing;
	db_reset(q);
	return code == NOT_FOUND ? OK : code;
}

static enum code put_meta(struct queue_store *s, const char *name,
	int64_t value, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, meta_put);

	db_bind_text(q, 1, span_str(name));
	db_bind_i64(q, 2, value);
	return db_run(q, e);
}

enum code queue_store_next_qid(struct queue_store *s, uint64_t *out,
	struct err *e)
{
	int64_t next;
	enum code code = get_meta(s, "next_qid", 1, &next, e);

	*out = (uint64_t)next;
	return code;
}

enum code queue_store_reserve(struct queue_store *s, uint32_t count,
	uint64_t *out_first, struct err *e)
{
	enum code code = db_begin(s->db, e);

	if (code == OK)
		code = queue_store_next_qid(s, out_first, e);
	if (code == OK)
		code = put_meta(s, "next_qid", (int64_t)(*out_first + count),
			e);
	if (code == OK)
		code = db_commit(s->db, e);
	if (code != OK) {
		db_rollback(s->db);
		err_wrap(e, "reserving %u numbers", count);
	}
	return code;
}

enum code queue_store_clock_get(struct queue_store *s, int64_t *out_queue_ms,
	int64_t *out_wall_ms, struct err *e)
{
	enum code code = get_meta(s, "queue_ms", 0, out_queue_ms, e);

	if (code == OK)
		code = get_meta(s, "seen_wall_ms", 0, out_wall_ms, e);
	return code;
}

enum code queue_store_clock_put(struct queue_store *s, int64_t queue_ms,
	int64_t wall_ms, struct err *e)
{
	enum code code = put_meta(s, "queue_ms", queue_ms, e);

	if (code == OK)
		code = put_meta(s, "seen_wall_ms", wall_ms, e);
	return code;
}

/* ---- messages that come and go ------------------------------------------------ */
static const char message_add[] =
	"INSERT INTO message (qid, form, sid, received_wall_ms, since_ms, flags,"
	" size, is_spooled, is_warned, sha256, reverse_path, packed, trace, body)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, $13)";
static const char message_drop[] = "DELETE FROM message WHERE qid = $1";
static const char rcpts_drop[] = "DELETE FROM rcpt WHERE qid = $1";
static const char asked_add[] =
	"INSERT INTO asked (qid, ret, envid) VALUES ($1, $2, $3)";
static const char asked_drop[] = "DELETE FROM asked WHERE qid = $1";
static const char message_split[] =
	"UPDATE message SET form = 1, packed = $1 WHERE qid = $2";
static const char message_warned[] =
	"UPDATE message SET is_warned = 1 WHERE qid = $1";
static const char message_damaged[] =
	"UPDATE message SET form = 2 WHERE qid = $1";
/* so that they are not due again and again */
static const char rcpts_damaged[] =
	"UPDATE rcpt SET state = 3 WHERE qid = $1 AND state IN (0, 1, 2)";
static const char message_mended[] =
	"UPDATE message SET form = EXISTS (SELECT 1 FROM rcpt WHERE"
	" rcpt.qid = message.qid) WHERE qid = $1 AND form NOT IN (0, 1)";
static const char rcpt_put[] =
	"INSERT INTO rcpt (qid, idx, state, next_ms, route, account, parent,"
	" depth, attempts, address, code, enhanced, text, peer, notify, tell,"
	" orcpt, sender) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
	" $12, $13, $14, $15, $16, $17, $18)"
	" ON CONFLICT (qid, idx) DO UPDATE SET state = excluded.state,"
	" next_ms = excluded.next_ms, route = excluded.route,"
	" account = excluded.account, attempts = excluded.attempts,"
	" code = excluded.code, enhanced = excluded.enhanced,"
	" text = excluded.text, peer = excluded.peer, notify = excluded.notify,"
	" tell = excluded.tell";

static bool has_asked(const struct queue_msg *m)
{
	return m->ret != 0 || m->envid.n > 0;
}

static enum code put_asked(struct queue_store *s, const struct queue_msg *m,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, asked_add);

	db_bind_i64(q, 1, (int64_t)m->qid);
	db_bind_i64(q, 2, m->ret);
	db_bind_blob(q, 3, m->envid);
	return db_run(q, e);
}

static enum code put_all(struct queue_store *s, const struct queue_msg *m,
	struct err *e)
{
	enum code code = OK;

	for (size_t i = 0; i < m->rcpt_count && code == OK; i++)
		code = queue_store_rcpt_put(s, m->qid, &m->rcpts[i], e);
	return code;
}

enum code queue_store_add(struct queue_store *s, const struct queue_msg *m,
	struct span body, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, message_add);
	enum code code;

	buf_reset(&s->pack);
	if (!m->is_split)
		queue_pack(&s->pack, m->rcpts, m->rcpt_count);
	if (s->pack.overflow)
		return err_set(e, LIMIT, "too many recipients");
	db_bind_i64(q, 1, (int64_t)m->qid);
	db_bind_i64(q, 2, m->is_split ? FORM_SPLIT : FORM_PACKED);
	db_bind_i64(q, 3, (int64_t)m->sid);
	db_bind_i64(q, 4, m->received_wall_ms);
	db_bind_i64(q, 5, m->since_ms);
	db_bind_i64(q, 6, m->flags);
	db_bind_i64(q, 7, (int64_t)m->size);
	db_bind_i64(q, 8, m->is_spooled);
	db_bind_blob(q, 9, m->sha256);
	db_bind_blob(q, 10, m->reverse_path);
	db_bind_blob(q, 11, buf_span(&s->pack));
	db_bind_blob(q, 12, m->trace);
	db_bind_blob(q, 13, body);
	code = db_run(q, e);
	if (code == OK && has_asked(m))
		code = put_asked(s, m, e);
	return code == OK && m->is_split ? put_all(s, m, e) : code;
}

enum code queue_store_split(struct queue_store *s, struct queue_msg *m,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, message_split);
	enum code code;

	db_bind_blob(q, 1, SPAN_EMPTY);
	db_bind_i64(q, 2, (int64_t)m->qid);
	code = db_run(q, e);
	return code == OK ? put_all(s, m, e) : code;
}

enum code queue_store_rcpt_put(struct queue_store *s, uint64_t qid,
	const struct queue_rcpt *r, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, rcpt_put);

	db_bind_i64(q, 1, (int64_t)qid);
	db_bind_i64(q, 2, r->idx);
	db_bind_i64(q, 3, r->state);
	db_bind_i64(q, 4, r->next_ms);
	db_bind_i64(q, 5, r->route);
	db_bind_i64(q, 6, (int64_t)r->account);
	db_bind_i64(q, 7, r->parent);
	db_bind_i64(q, 8, r->depth);
	db_bind_i64(q, 9, r->attempts);
	db_bind_blob(q, 10, r->address);
	db_bind_i64(q, 11, r->code);
	db_bind_blob(q, 12, r->enhanced);
	db_bind_blob(q, 13, r->text);
	db_bind_blob(q, 14, r->peer);
	db_bind_i64(q, 15, r->notify);
	db_bind_i64(q, 16, r->tell);
	db_bind_blob(q, 17, r->orcpt);
	db_bind_blob(q, 18, r->sender);
	return db_run(q, e);
}

/* Runs a statement whose one parameter is the number of a message. */
enum code queue_store_run_qid(struct queue_store *s, const char *sql,
	uint64_t qid, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_i64(q, 1, (int64_t)qid);
	return db_run(q, e);
}

enum code queue_store_set_warned(struct queue_store *s, uint64_t qid,
	struct err *e)
{
	return queue_store_run_qid(s, message_warned, qid, e);
}

enum code queue_store_quarantine(struct queue_store *s, uint64_t qid,
	struct err *e)
{
	enum code code = db_begin(s->db, e);

	if (code == OK)
		code = queue_store_run_qid(s, message_damaged, qid, e);
	if (code == OK)
		code = queue_store_run_qid(s, rcpts_damaged, qid, e);
	if (code == OK)
		code = db_commit(s->db, e);
	if (code != OK)
		db_rollback(s->db);
	return code;
}

enum code queue_store_mend(struct queue_store *s, uint64_t qid, struct err *e)
{
	return queue_store_run_qid(s, message_mended, qid, e);
}

enum code queue_store_drop(struct queue_store *s, uint64_t qid, struct err *e)
{
	enum code code = queue_store_run_qid(s, message_drop, qid, e);

	if (code == OK)
		code = queue_store_run_qid(s, asked_drop, qid, e);
	return code == OK ? queue_store_run_qid(s, rcpts_drop, qid, e) : code;
}

enum code queue_store_remove(struct queue_store *s, const struct queue_msg *m,
	bool has_history, int64_t now_ms, struct err *e)
{
	enum code code = queue_store_run_qid(s, message_drop, m->qid, e);

	if (code == OK && m->is_split)
		code = queue_store_run_qid(s, rcpts_drop, m->qid, e);
	if (code == OK && has_asked(m))
		code = queue_store_run_qid(s, asked_drop, m->qid, e);
	if (code == OK && has_history)
		code = queue_store_past_add(s, m, now_ms, e);
	return code;
}

/* ---- reading one message --------------------------------------------------------- */
static const char message_get[] =
	"SELECT form, sid, received_wall_ms, since_ms, flags, size, is_spooled,"
	" is_warned, sha256, reverse_path, packed, trace, length(body)"
	" FROM message WHERE qid = $1";
static const char rcpts_get[] =
	"SELECT idx, state, next_ms, route, account, parent, depth, attempts,"
	" address, code, enhanced, text, peer, notify, tell, orcpt,"
	" sender"
	" FROM rcpt WHERE qid = $1 ORDER BY idx";
static const char asked_get[] = "SELECT ret, envid FROM asked WHERE qid = $1";
static const char rcpts_count[] = "SELECT count(*) FROM rcpt WHERE qid = $1";
static const char body_get[] = "SELECT body FROM message WHERE qid = $1";

/* A number of a row that must be from 0 to max; else *is_bad. */
static uint64_t number(struct db_stmt *q, int column, int64_t max, bool *is_bad)
{
	int64_t value = db_i64(q, column);

	if (value >= 0 && value <= max)
		return (uint64_t)value;
	*is_bad = true;
	return 0;
}

static bool take_rcpt(struct db_stmt *q, struct arena *a, struct queue_rcpt *r)
{
	bool is_bad = false;

	*r = (struct queue_rcpt){
		.idx = (uint32_t)number(q, 0, IDX_MAX, &is_bad),
		.state = (enum queue_state)number(q, 1, QUEUE_STATE_COUNT - 1,
			&is_bad),
		.next_ms = (int64_t)number(q, 2, INT64_MAX, &is_bad),
		.route = (enum queue_route)number(q, 3, QUEUE_ROUTE_COUNT - 1,
			&is_bad),
		.account = (uint64_t)db_i64(q, 4),
		.parent = (uint32_t)number(q, 5, IDX_MAX + 1, &is_bad),
		.depth = (uint32_t)number(q, 6, UINT8_MAX, &is_bad),
		.attempts = (uint32_t)number(q, 7, UINT32_MAX, &is_bad),
		.address = arena_dup(a, db_bytes(q, 8)),
		.code = (uint32_t)number(q, 9, UINT32_MAX, &is_bad),
		.enhanced = arena_dup(a, db_bytes(q, 10)),
		.text = arena_dup(a, db_bytes(q, 11)),
		.peer = arena_dup(a, db_bytes(q, 12)),
		.notify = (uint8_t)number(q, 13, UINT8_MAX, &is_bad),
		.tell = (enum queue_tell)number(q, 14, QUEUE_TELL_COUNT - 1,
			&is_bad),
		.orcpt = arena_dup(a, db_bytes(q, 15)),
		.sender = arena_dup(a, db_bytes(q, 16)),
	};
	return !is_bad && r->address.n > 0;
}

static enum code load_rcpts(struct queue_store *s, struct arena *a,
	struct queue_msg *m, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, rcpts_count);
	enum code code;
	int64_t count;

	db_bind_i64(q, 1, (int64_t)m->qid);
	code = db_step(q, e);
	count = code == OK ? db_i64(q, 0) : 0;
	db_reset(q);
	if (code != OK)
		return code;
	if (count <= 0 || count > QUEUE_RCPTS_MAX)
		return err_set(e, CORRUPT, "%lld recipients",
			(long long)count);
	m->rcpts = arena_alloc(a, (size_t)count, sizeof(*m->rcpts));
	q = db_stmt(s->db, rcpts_get);
	db_bind_i64(q, 1, (int64_t)m->qid);
	while ((code = db_step(q, e)) == OK) {
		if (m->rcpt_count >= (size_t)count ||
			!take_rcpt(q, a, &m->rcpts[m->rcpt_count++])) {
			db_reset(q);
			return err_set(e, CORRUPT, "recipient %zu",
				m->rcpt_count);
		}
	}
	return code == NOT_FOUND ? OK : code;
}

static bool take_message(struct db_stmt *q, struct arena *a,
	struct queue_msg *m)
{
	bool is_bad = false;
	uint64_t body_bytes;

	m->is_split = db_i64(q, 0) == FORM_SPLIT;
	m->sid = (uint64_t)db_i64(q, 1);
	m->received_wall_ms = (int64_t)number(q, 2, INT64_MAX, &is_bad);
	m->since_ms = (int64_t)number(q, 3, INT64_MAX, &is_bad);
	m->flags = (uint32_t)number(q, 4, UINT32_MAX, &is_bad);
	m->size = number(q, 5, INT64_MAX, &is_bad);
	m->is_spooled = number(q, 6, 1, &is_bad) != 0;
	m->is_warned = number(q, 7, 1, &is_bad) != 0;
	m->sha256 = arena_dup(a, db_bytes(q, 8));
	m->reverse_path = arena_dup(a, db_bytes(q, 9));
	m->trace = arena_dup(a, db_bytes(q, 11));
	body_bytes = number(q, 12, INT64_MAX, &is_bad);
	return !is_bad && m->sha256.n == SHA256_BYTES &&
		body_bytes == (m->is_spooled ? 0 : m->size);
}

static enum code load_asked(struct queue_store *s, struct arena *a,
	struct queue_msg *m, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, asked_get);
	enum code code;

	db_bind_i64(q, 1, (int64_t)m->qid);
	code = db_step(q, e);
	if (code == OK) {
		m->ret = (uint8_t)db_i64(q, 0);
		m->envid = arena_dup(a, db_bytes(q, 1));
	}
	db_reset(q);
	return code == NOT_FOUND ? OK : code;
}

enum code queue_store_load(struct queue_store *s, uint64_t qid,
	struct arena *a, struct queue_msg *out, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, message_get);
	struct span packed;
	enum code code;
	int64_t form;
	bool is_good;

	*out = (struct queue_msg){.qid = qid};
	db_bind_i64(q, 1, (int64_t)qid);
	code = db_step(q, e);
	if (code != OK)
		return code;
	form = db_i64(q, 0);
	is_good = take_message(q, a, out);
	packed = arena_dup(a, db_bytes(q, 10));
	db_reset(q);
	if (form == FORM_SPLIT || (form >= FORM_DAMAGED && packed.n == 0))
		code = load_rcpts(s, a, out, e);
	else
		code = queue_unpack(packed, a, &out->rcpts, &out->rcpt_count,
			e);
	if (code == OK)
		code = load_asked(s, a, out, e);
	if (code == OK && !is_good)
		code = err_set(e, CORRUPT, "its row has numbers or bytes "
			"that cannot be");
	if (code == OK && (form < 0 || form >= FORM_DAMAGED))
		code = err_set(e, CORRUPT, "it was set aside as damaged");
	return code == OK ? OK : (err_wrap(e, "message %llu",
		(unsigned long long)qid), code);
}

enum code queue_store_body(struct queue_store *s, uint64_t qid,
	struct span *out, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, body_get);
	enum code code;

	db_bind_i64(q, 1, (int64_t)qid);
	code = db_step(q, e);
	buf_reset(&s->pack);
	/* copied, so that no statement stays open over a commit */
	if (code == OK)
		buf_put(&s->pack, db_bytes(q, 0));
	db_reset(q);
	*out = buf_span(&s->pack);
	return code;
}
