/*
 * store.c - open, create and close the store of an account; transactions and
 * counters.  See store.h.
 *
 * The counters live in memory beside the rows: `now` is what the open
 * transaction made of them, `committed` what a rollback goes back to.  Those of
 * the mailboxes are in store_box.c.
 */
#include "store/store.h"

#include <sys/random.h>

#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

/* A sender hears of a full mailbox at RCPT when less than this is left. */
#define ROOM_MIN_BYTES 1024u
#define STORE_PATH_BYTES 4096u

/* ---- errors, transactions --------------------------------------------------- */
enum code store_trouble(enum code code, struct err *e)
{
	if (code == FULL || code == LIMIT || code == BUSY)
		code = TEMP;
	else if (code == EXISTS || code == NOT_FOUND)
		code = CORRUPT;
	if (e != NULL)
		e->code = code;
	return code;
}

static const char sql_put_account[] =
	"UPDATE account SET next_message = $2, modseq = $3, used_bytes = $4, "
	"next_thread = $5, next_mailbox = $6, uidvalidity = $7, "
	"unsigned_message = $8 "
	"WHERE account = $1";

static enum code put_counters(struct store *s, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_put_account);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, s->now.next_message);
	db_bind_i64(q, 3, s->now.modseq);
	db_bind_i64(q, 4, s->now.used_bytes);
	db_bind_i64(q, 5, s->now.next_thread);
	db_bind_i64(q, 6, s->now.next_mailbox);
	db_bind_i64(q, 7, s->now.uidvalidity);
	db_bind_i64(q, 8, s->now.unsigned_message);
	return db_run(q, e);
}

static enum code commit(struct store *s, enum code (*db_fn)(struct db *,
	struct err *), struct err *e)
{
	enum code code = s->is_dirty ? put_counters(s, e) : OK;

	if (code == OK)
		code = store_boxes_put(s, e);
	if (code != OK) {
		store_rollback(s);
		return store_trouble(code, e);
	}
	code = db_fn(s->db, e);
	if (code != OK)
		return store_trouble(code, e);
	s->is_dirty = false;
	s->is_born = true;
	store_boxes_committed(s);
	return OK;
}

enum code store_commit_quietly(struct store *s, struct err *e)
{
	return commit(s, db_commit, e);
}

enum code store_commit_either(struct store *s, struct err *e)
{
	enum code code = commit(s, db_commit_either, e);

	if (code != OK && !store_is_broken(s))
		store_rollback(s);
	return code;
}

enum code store_commit(struct store *s, struct err *e)
{
	enum code code = store_commit_quietly(s, e);

	if (code == OK)
		store_publish(s);
	return code;
}

void store_rollback(struct store *s)
{
	db_rollback(s->db);
	s->now = s->committed;
	s->is_dirty = false;
	store_boxes_rolled_back(s);
	store_view_forget(s);
}

enum code store_finish(struct store *s, enum code code, struct err *e)
{
	if (code == OK)
		return store_commit(s, e);
	store_rollback(s);
	return code;
}

int64_t store_modseq(struct store *s, struct store_box *b)
{
	store_box_touch(b);
	if (s->now.modseq == s->committed.modseq)
		s->now.modseq++;
	b->m.highestmodseq = (uint64_t)s->now.modseq;
	s->is_dirty = true;
	return s->now.modseq;
}

/* ---- birth -------------------------------------------------------------------- */
/*
 * A new file is a copy of a template: tables without rows.  What the rows of
 * account and inbox say is made at each open until the first transaction
 * writes them, together with the first delivery and by the same sync.
 */
static const char sql_new_account[] =
	"INSERT INTO account (account, uuid, created_ms, next_message, "
	"next_mailbox, next_thread, uidvalidity, modseq, used_bytes, "
	"unsigned_message) VALUES ($1, $2, $3, 1, $5, 1, $4, 1, 0, 1)";

static enum code put_first_rows(struct store *s, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_new_account);
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_blob(q, 2, span_of(s->uuid, sizeof(s->uuid)));
	db_bind_i64(q, 3, s->born_ms);
	db_bind_i64(q, 4, s->now.uidvalidity);
	db_bind_i64(q, 5, s->now.next_mailbox);
	code = db_run(q, e);
	return code == OK ? store_boxes_put_first(s, e) : code;
}

enum code store_begin(struct store *s, struct err *e)
{
	enum code code = db_begin(s->db, e);

	s->committed = s->now;
	s->is_dirty = false;
	if (code == OK && !s->is_born) {
		code = put_first_rows(s, e);
		if (code != OK)
			db_rollback(s->db);
	}
	return code == OK ? OK : store_trouble(code, e);
}

/* UIDVALIDITY must differ from that of any earlier store of this account, and
 * the clock may have been wrong then or now: RFC 9051 2.3.1.1.  So some random
 * bits are added, and within one store it only rises. */
static int64_t first_uidvalidity(int64_t now_ms, uint16_t noise)
{
	int64_t value = (now_ms / 1000 + noise) & 0x7fffffff;

	return value == 0 ? 1 : value;
}

/* The file may only be without an account if it is without everything. */
static const char sql_get_any[] =
	"SELECT 1 FROM account UNION ALL SELECT 1 FROM mailbox "
	"UNION ALL SELECT 1 FROM message LIMIT 1";

static enum code be_born(struct store *s, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_get_any);
	enum code code = db_step(q, e);
	uint16_t noise;

	db_reset(q);
	if (code == OK)
		return err_set(e, CORRUPT, "the file is another account's");
	if (code != NOT_FOUND)
		return code;
	if (getrandom(&noise, sizeof(noise), 0) != (ssize_t)sizeof(noise) ||
		getrandom(s->uuid, sizeof(s->uuid), 0) !=
			(ssize_t)sizeof(s->uuid))
		return err_errno(e, TEMP, "no random bytes");
	s->born_ms = now_ms;
	s->now = (struct store_counters){
		.next_message = 1,
		.next_mailbox = 1,
		.next_thread = 1,
		.uidvalidity = first_uidvalidity(now_ms, noise),
		.modseq = 1,
		.unsigned_message = 1,
	};
	store_boxes_bear(s);
	return OK;
}

static struct db_template *template;

enum code store_before_fork(struct err *e)
{
	if (template != NULL)
		return OK;
	return db_template_new(store_schema_sql, STORE_VERSION, &template, e);
}

/* ---- open ----------------------------------------------------------------------- */
static const char sql_get_account[] =
	"SELECT uuid, next_message, modseq, used_bytes, next_thread, "
	"next_mailbox, uidvalidity, unsigned_message FROM account "
	"WHERE account = $1";

static enum code load_account(struct store *s, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_get_account);
	struct span uuid;
	enum code code;

	db_bind_i64(q, 1, s->account);
	code = db_step(q, e);
	if (code != OK)
		return code;
	uuid = db_bytes(q, 0);
	if (uuid.n == sizeof(s->uuid))
		for (size_t i = 0; i < uuid.n; i++)
			s->uuid[i] = uuid.p[i];
	else
		code = err_set(e, CORRUPT, "the account's uuid is damaged");
	s->now.next_message = db_i64(q, 1);
	s->now.modseq = db_i64(q, 2);
	s->now.used_bytes = db_i64(q, 3);
	s->now.next_thread = db_i64(q, 4);
	s->now.next_mailbox = db_i64(q, 5);
	s->now.uidvalidity = db_i64(q, 6);
	s->now.unsigned_message = db_i64(q, 7);
	db_reset(q);
	return code;
}

static enum code load(struct store *s, int64_t now_ms, struct err *e)
{
	int64_t version;
	enum code code = db_version(s->db, &version, e);

	if (code == OK && version > 0 && version < STORE_VERSION) {
		code = store_upgrade(s, version, e);
		version = STORE_VERSION;
	}
	if (code != OK)
		return code;
	if (version != STORE_VERSION)
		return err_set(e, CORRUPT,
			"its version is %lld; this release knows %d",
			(long long)version, STORE_VERSION);
	code = load_account(s, e);
	if (code == NOT_FOUND)
		return be_born(s, now_ms, e);
	s->is_born = true;
	return code == OK ? store_boxes_load(s, e) : code;
}

static enum code open_file(struct store *s, const char *path, struct err *e)
{
	enum code code = store_before_fork(e);

	if (code == OK)
		code = db_template_put(template, path, e);
	return code == OK ? db_open(path, &s->db, e) : code;
}

enum code store_open(const char *path, uint64_t account, int64_t now_ms,
	struct store **out_store, struct err *e)
{
	struct store *s = MEM_NEW(struct store);
	enum code code;

	s->account = (int64_t)account;
	list_init(&s->listeners);
	buf_init(&s->folder, STORE_PATH_BYTES);
	buf_put(&s->folder, span_head(span_str(path),
		span_find_last(span_str(path), '/')));
	buf_putc(&s->folder, '\0');
	buf_init(&s->name, 2 * STORE_NAME_BYTES);
	buf_init(&s->head, STORE_HEAD_BYTES);
	buf_init(&s->piece, STORE_PIECE_BYTES);
	buf_init(&s->tagged, STORE_HEAD_BYTES + 256);
	store_meta_init(s);
	code = open_file(s, path, e);
	if (code == OK) {
		code = load(s, now_ms, e);
		if (code != OK)
			err_wrap(e, "%s", path);
	}
	if (code != OK) {
		store_close(s);
		return code;
	}
	s->committed = s->now;
	*out_store = s;
	return OK;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->db != NULL)
		db_rollback(s->db);
	db_close(s->db);
	store_view_drop_kept(s);
	store_boxes_clear(s);
	store_view_forget(s);
	mem_free(s->coming);
	mem_free(s->going);
	buf_clear(&s->folder);
	buf_clear(&s->name);
	buf_clear(&s->head);
	buf_clear(&s->piece);
	buf_clear(&s->tagged);
	store_meta_clear(s);
	store_proofs_drop(s);
	mem_free(s);
}

bool store_is_broken(const struct store *s)
{
	return db_is_broken(s->db);
}

enum code store_be_durable(struct store *s, struct err *e)
{
	enum code code = s->is_born ? OK : store_begin(s, e);

	return code == OK && !s->is_born ? store_commit(s, e) : code;
}

void store_tidy(struct store *s)
{
	store_changes_tidy(s);
	if (!db_in_transaction(s->db))
		store_view_drop_kept(s);
	store_proofs_drop(s);
	db_checkpoint(s->db);
	buf_clear(&s->piece);
	store_meta_clear(s);
}

/* ---- quota ------------------------------------------------------------------------- */
void store_set_quota(struct store *s, uint64_t quota_bytes)
{
	s->quota_bytes = quota_bytes;
}

uint64_t store_quota(const struct store *s)
{
	return s->quota_bytes;
}

void store_set_message_limit(struct store *s, uint64_t limit)
{
	s->message_limit = limit;
}

uint64_t store_message_limit(const struct store *s)
{
	return s->message_limit;
}

uint64_t store_messages(const struct store *s)
{
	uint64_t count = 0;

	for (size_t i = 0; i < s->box_count; i++)
		count += s->boxes[i]->m.messages;
	return count;
}

uint64_t store_used_bytes(const struct store *s)
{
	return (uint64_t)s->now.used_bytes;
}

bool store_is_full(const struct store *s)
{
	uint64_t used = (uint64_t)s->now.used_bytes;

	if (!store_entries_fit(s, 1))
		return true;
	return s->quota_bytes != 0 && (used >= s->quota_bytes ||
		s->quota_bytes - used < ROOM_MIN_BYTES);
}

struct span store_uuid(const struct store *s)
{
	return span_of(s->uuid, sizeof(s->uuid));
}

uint64_t store_inbox(const struct store *s)
{
	return s->inbox->m.id;
}

/* ---- the tag ------------------------------------------------------------------------ */
struct sha256 store_tag(struct store *s, int64_t message, struct span sha256,
	struct span head)
{
	uint8_t id[8];

	for (unsigned i = 0; i < sizeof(id); i++)
		id[i] = (uint8_t)((uint64_t)message >> 8 * i);
	buf_reset(&s->tagged);
	buf_puts(&s->tagged, "postrider message 1\n");
	buf_put(&s->tagged, span_of(s->uuid, sizeof(s->uuid)));
	buf_put(&s->tagged, span_of(id, sizeof(id)));
	buf_put(&s->tagged, sha256);
	buf_put(&s->tagged, head);
	return sha256_of(buf_span(&s->tagged));
}
