/*
 * store_thread.c - which thread a message belongs to.  See schema.sql.
 *
 * RFC 8621 3: messages are a thread when they share an id, their own or one
 * that they refer to, and the base subject.  Both are hashed together, so that
 * one look-up an id answers the question, and a message without References
 * costs one look-up and one row.  There is no graph: ids that refer to each
 * other in a circle are just ids, and the work is bounded by SUMMARY_IDS_MAX
 * whatever the thread is.
 *
 * Deliberate: when a message turns out to belong to two threads it joins the
 * older one and both stay, for a message never changes its thread (RFC 8621
 * 4.1.1).
 */
#include <string.h>

#include "message/msgid.h"
#include "store/store.h"
#include "store/store_int.h"

#include "base/banned.h"

#define REFERENCE_BYTES 16
/* Of an id; what is longer differs in its beginning or is nobody's. */
#define ID_BYTES        1024

static const char sql_get_thread[] =
	"SELECT thread FROM thread_reference "
	"WHERE account = $1 AND reference = $2";
static const char sql_put_reference[] =
	"INSERT INTO thread_reference (account, reference, thread) "
	"VALUES ($1, $2, $3)";
static const char sql_drop_references[] =
	"DELETE FROM thread_reference WHERE account = $1 AND thread = $2 "
	"AND NOT EXISTS (SELECT 1 FROM message "
	"WHERE account = $1 AND thread = $2)";

struct reference {
	uint8_t bytes[REFERENCE_BYTES];
	bool is_known; /* it has its row */
};

struct references {
	struct reference items[SUMMARY_IDS_MAX];
	size_t count;
};

static bool has(const struct references *r, const uint8_t *bytes)
{
	for (size_t i = 0; i < r->count; i++)
		if (memcmp(r->items[i].bytes, bytes, REFERENCE_BYTES) == 0)
			return true;
	return false;
}

static void hash_ids(struct store *s, const struct summary *m,
	struct references *out)
{
	struct sha256 sum;

	out->count = 0;
	for (size_t i = 0; i < m->id_count; i++) {
		buf_reset(&s->tagged);
		buf_put(&s->tagged, m->subject);
		buf_putc(&s->tagged, '\n'); /* stands in no subject */
		msgid_put(&s->tagged, span_head(m->ids[i], ID_BYTES));
		sum = sha256_of(buf_span(&s->tagged));
		if (has(out, sum.bytes))
			continue;
		memcpy(out->items[out->count].bytes, sum.bytes,
			REFERENCE_BYTES);
		out->items[out->count++].is_known = false;
	}
}

static struct db_stmt *with_reference(struct store *s, const char *sql,
	const struct reference *r)
{
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_i64(q, 1, s->account);
	db_bind_blob(q, 2, span_of(r->bytes, REFERENCE_BYTES));
	return q;
}

/* The oldest thread that one of them stands in; 0: none. */
static enum code look_up(struct store *s, struct references *r,
	int64_t *out_thread, struct err *e)
{
	*out_thread = 0;
	for (size_t i = 0; i < r->count; i++) {
		struct db_stmt *q = with_reference(s, sql_get_thread,
			&r->items[i]);
		enum code code = db_step(q, e);
		int64_t thread;

		if (code == NOT_FOUND)
			continue;
		if (code != OK)
			return store_trouble(code, e);
		thread = db_i64(q, 0);
		db_reset(q);
		r->items[i].is_known = true;
		if (*out_thread == 0 || thread < *out_thread)
			*out_thread = thread;
	}
	return OK;
}

enum code store_thread_find(struct store *s, const struct summary *m,
	int64_t *out_thread, struct err *e)
{
	struct references r;
	enum code code;

	hash_ids(s, m, &r);
	code = look_up(s, &r, out_thread, e);
	if (code == OK && *out_thread == 0) {
		*out_thread = s->now.next_thread++;
		s->is_dirty = true;
	}
	for (size_t i = 0; code == OK && i < r.count; i++) {
		struct db_stmt *q;

		if (r.items[i].is_known)
			continue;
		q = with_reference(s, sql_put_reference, &r.items[i]);
		db_bind_i64(q, 3, *out_thread);
		code = store_trouble(db_run(q, e), e);
	}
	return code;
}

enum code store_thread_left(struct store *s, int64_t thread, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_drop_references);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, thread);
	return db_run(q, e);
}
