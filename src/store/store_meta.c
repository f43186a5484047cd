/*
 * store_meta.c - what is known of a message without reading it: made while its
 * bytes come in, written with them, read by whoever shows it.  See store.h.
 *
 * No message is too wild for a delivery: the parser takes anything, and what
 * would be too long for a row is cut, first the parts below the message, then
 * what the one that is left says of itself.
 */
#include "store/store.h"
#include "store/store_int.h"

#include "base/banned.h"

/* More is not written of a structure, nor of an envelope. */
#define BLOB_BYTES (1u << 20)
/* What stays allocated between two messages. */
#define KEEP_BYTES (1u << 16)

void store_meta_init(struct store *s)
{
	arena_init(&s->meta.arena, SUMMARY_ARENA_BYTES);
	buf_init(&s->meta.envelope, BLOB_BYTES);
	buf_init(&s->meta.structure, BLOB_BYTES);
}

void store_meta_clear(struct store *s)
{
	arena_clear(&s->meta.arena);
	buf_clear(&s->meta.envelope);
	buf_clear(&s->meta.structure);
}

/* ---- make ------------------------------------------------------------------ */
static void empty(struct buf *b)
{
	if (b->room > KEEP_BYTES)
		buf_clear(b);
	buf_reset(b);
}

void store_meta_done(struct store *s)
{
	arena_reset(&s->meta.arena);
	empty(&s->meta.envelope);
	empty(&s->meta.structure);
}

void store_meta_begin(struct store *s, uint64_t size)
{
	store_meta_done(s);
	summary_begin(&s->meta.maker, &s->meta.arena, size);
}

void store_meta_feed(struct store *s, struct span bytes)
{
	summary_feed(&s->meta.maker, bytes);
}

static void cut_list(struct address_list *l, size_t max)
{
	if (l->count <= max)
		return;
	l->count = max;
	l->is_cut = true;
}

/* What is left of an envelope that is too long for its row. */
static void pack_cut(const struct envelope *whole, size_t max, struct buf *out)
{
	struct envelope e = *whole;
	struct address_list *lists[] = {&e.from, &e.sender, &e.reply_to, &e.to,
		&e.cc, &e.bcc};
	struct span *texts[] = {&e.date, &e.subject, &e.in_reply_to,
		&e.message_id, &e.references};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		cut_list(lists[i], max);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i] = span_head(*texts[i], BLOB_BYTES / 16);
	buf_reset(out);
	envelope_pack(&e, out);
}

static void pack_envelope(const struct envelope *e, struct buf *out)
{
	envelope_pack(e, out);
	for (size_t max = 1000; out->overflow && max > 0; max /= 10)
		pack_cut(e, max, out);
	if (out->overflow)
		pack_cut(e, 0, out);
}

/* The message alone, as one opaque part. */
static void pack_root(const struct mime_tree *whole, struct buf *out)
{
	struct mime_part root = whole->parts[0];
	struct mime_tree t = {.parts = &root, .count = 1, .size = whole->size,
		.is_cut = true};

	root.end = 1;
	root.is_cut = true;
	buf_reset(out);
	mime_tree_pack(&t, out);
	if (!out->overflow)
		return;
	root.params = root.disposition_params = (struct param_list){0};
	root.encoding_name = root.id = root.description = SPAN_EMPTY;
	root.md5 = root.location = root.language = SPAN_EMPTY;
	root.disposition = SPAN_EMPTY;
	root.type = span_head(root.type, MESSAGE_PARAM_MAX);
	root.subtype = span_head(root.subtype, MESSAGE_PARAM_MAX);
	buf_reset(out);
	mime_tree_pack(&t, out);
}

static void pack_structure(const struct mime_tree *t, struct buf *out)
{
	mime_tree_pack(t, out);
	if (out->overflow)
		pack_root(t, out);
}

enum code store_meta_end(struct store *s, struct err *e)
{
	struct store_making *m = &s->meta;

	summary_end(&m->maker, &m->summary);
	pack_envelope(m->summary.envelope, &m->envelope);
	pack_structure(m->summary.tree, &m->structure);
	must(!m->envelope.overflow && !m->structure.overflow);
	return store_thread_find(s, &m->summary, &m->thread, e);
}

void store_meta_bind(const struct store *s, struct db_stmt *q, int first)
{
	const struct store_making *m = &s->meta;

	db_bind_i64(q, first, m->thread);
	if (m->summary.has_sent)
		db_bind_i64(q, first + 1, m->summary.sent_ms);
	else
		db_bind_null(q, first + 1);
	db_bind_i64(q, first + 2, m->summary.has_attachment);
	db_bind_text(q, first + 3, m->summary.preview);
	db_bind_blob(q, first + 4, buf_span(&m->envelope));
	db_bind_blob(q, first + 5, buf_span(&m->structure));
}

/* ---- fill ------------------------------------------------------------------ */
static const char sql_put_meta[] =
	"UPDATE message SET thread = $3, sent_ms = $4, has_attachment = $5, "
	"preview = $6, envelope = $7, structure = $8 "
	"WHERE account = $1 AND message = $2";
static const char sql_next_unknown[] =
	"SELECT message, size FROM message WHERE account = $1 "
	"AND message > $2 AND structure IS NULL ORDER BY message LIMIT 1";

/* Reads the bytes of a message into its summary. */
static enum code read_all(struct store *s, uint64_t message, uint64_t size,
	struct err *e)
{
	struct store_reader r;
	struct store_text first;
	struct span piece;
	enum code code = store_reader_open(s, message, &r, &first, e);

	if (code != OK)
		return code;
	store_meta_begin(s, size);
	store_meta_feed(s, first.head);
	store_meta_feed(s, first.body);
	while ((code = store_reader_next(s, &r, &piece, e)) == OK)
		store_meta_feed(s, piece);
	store_reader_close(&r);
	return code == NOT_FOUND ? OK : code;
}

static enum code fill_one(struct store *s, uint64_t message, uint64_t size,
	struct err *e)
{
	struct db_stmt *q;
	enum code code = read_all(s, message, size, e);

	if (code == OK)
		code = store_meta_end(s, e);
	if (code != OK)
		return code;
	q = db_stmt(s->db, sql_put_meta);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)message);
	store_meta_bind(s, q, 3);
	code = store_trouble(db_run(q, e), e);
	store_meta_done(s);
	return code;
}

/* NOT_FOUND: none is left behind s->fill_after. */
static enum code next_unknown(struct store *s, uint64_t *out_size, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_next_unknown);
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, s->fill_after);
	code = db_step(q, e);
	if (code == NOT_FOUND)
		return code;
	if (code != OK)
		return store_trouble(code, e);
	s->fill_after = db_i64(q, 0);
	*out_size = (uint64_t)db_i64(q, 1);
	db_reset(q);
	return OK;
}

static enum code fill_slice(struct store *s, struct err *e)
{
	uint64_t size, bytes = 0;
	enum code code;

	for (unsigned i = 0; i < STORE_FILL_MESSAGES && bytes < STORE_FILL_BYTES;
		i++) {
		code = next_unknown(s, &size, e);
		if (code != OK)
			return code;
		code = fill_one(s, (uint64_t)s->fill_after, size, e);
		/* its bytes are damaged: who reads it hears of it */
		if (code == CORRUPT && !store_is_broken(s))
			code = OK;
		if (code != OK)
			return code;
		bytes += size;
	}
	return OK;
}

enum code store_fill(struct store *s, bool *out_more, struct err *e)
{
	uint64_t size;
	int64_t before = s->fill_after;
	enum code code = next_unknown(s, &size, e);

	*out_more = false;
	s->fill_after = before;
	if (code != OK)
		return code == NOT_FOUND ? OK : code;
	code = store_begin(s, e);
	if (code != OK)
		return code;
	code = fill_slice(s, e);
	if (code != OK && code != NOT_FOUND) {
		s->fill_after = before;
		store_rollback(s);
		return code;
	}
	*out_more = code == OK;
	return store_commit(s, e);
}

/* ---- read ------------------------------------------------------------------ */
/* The + keeps SQLite from the index of threads. */
#define SQL_META(envelope, structure, facts) \
	"SELECT message, size, " envelope ", " structure facts \
	" FROM message WHERE +account = $1 AND message >= $2 ORDER BY message"
#define FACTS ", received_ms, thread, sent_ms, has_attachment"

/* A column that nobody looks at costs a tenth of a row. */
static const char *const sql_get_metas[] = {
	[STORE_META_ENVELOPE] = SQL_META("envelope", "NULL", ""),
	[STORE_META_TREE] = SQL_META("NULL", "structure", ""),
	[STORE_META_ENVELOPE | STORE_META_TREE] =
		SQL_META("envelope", "structure", ""),
	[STORE_META_FACTS] = SQL_META("NULL", "NULL", FACTS),
	[STORE_META_FACTS | STORE_META_ENVELOPE] =
		SQL_META("envelope", "NULL", FACTS),
	[STORE_META_FACTS | STORE_META_TREE] =
		SQL_META("NULL", "structure", FACTS),
	[STORE_META_ALL] = SQL_META("envelope", "structure", FACTS ", preview"),
};

enum { MESSAGE, SIZE, ENVELOPE, STRUCTURE, RECEIVED, THREAD, SENT, ATTACHMENT,
	PREVIEW };

/* More rows are not passed over to come to the next message: it is looked up. */
#define PASSED_MAX 4

static enum code damaged(const struct store_meta *m, struct err *e)
{
	return err_set(e, CORRUPT, "message %llu: what is known of it is damaged",
		(unsigned long long)m->message);
}

static enum code take_tree(struct db_stmt *q, struct arena *a,
	struct envelope *envelope, struct store_meta *out, struct err *e)
{
	struct mime_tree *tree = ARENA_NEW(a, struct mime_tree);

	if (!mime_tree_unpack(a, arena_dup(a, db_bytes(q, STRUCTURE)), tree) ||
		tree->size != out->size)
		return damaged(out, e);
	tree->parts[0].envelope = envelope;
	out->tree = tree;
	return OK;
}

static void take_facts(struct db_stmt *q, struct store_meta *out)
{
	out->received_ms = db_i64(q, RECEIVED);
	out->thread = (uint64_t)db_i64(q, THREAD);
	out->has_sent = !db_is_null(q, SENT);
	out->sent_ms = db_i64(q, SENT);
	out->has_attachment = db_i64(q, ATTACHMENT) != 0;
}

static enum code take_row(const struct store_metas *m, struct arena *a,
	struct store_meta *out, struct err *e)
{
	struct envelope *envelope = NULL;

	if (m->what & STORE_META_FACTS)
		take_facts(m->q, out);
	if (m->what == STORE_META_ALL)
		out->preview = arena_dup(a, db_bytes(m->q, PREVIEW));
	if (m->what & STORE_META_ENVELOPE) {
		envelope = ARENA_NEW(a, struct envelope);
		if (!envelope_unpack(a, arena_dup(a, db_bytes(m->q, ENVELOPE)),
			    envelope))
			return damaged(out, e);
	}
	out->envelope = envelope;
	return m->what & STORE_META_TREE ? take_tree(m->q, a, envelope, out, e)
					 : OK;
}

void store_metas_end(struct store_metas *m)
{
	if (m->q != NULL)
		db_reset(m->q);
	if (m->db != NULL)
		db_scan_end(m->db);
	m->q = NULL;
	m->db = NULL;
}

static void begin(struct store *s, struct store_metas *m, uint64_t message)
{
	m->q = db_stmt(s->db, sql_get_metas[m->what]);
	db_bind_i64(m->q, 1, s->account);
	db_bind_i64(m->q, 2, (int64_t)message);
	if (!m->is_long)
		return;
	m->db = s->db;
	db_scan_begin(m->db);
}

static enum code step(struct store_metas *m, struct err *e)
{
	enum code code = db_step(m->q, e);

	if (code == OK)
		m->message = (uint64_t)db_i64(m->q, MESSAGE);
	else
		m->q = NULL; /* it was reset */
	return code == NOT_FOUND ? code : store_trouble(code, e);
}

/* Brings the row of the message, or the first behind it, to hand. */
static enum code go_to(struct store *s, struct store_metas *m,
	uint64_t message, struct err *e)
{
	enum code code = OK;

	if (m->q != NULL && (m->message > message ||
			message - m->message > PASSED_MAX))
		store_metas_end(m);
	if (m->q == NULL) {
		begin(s, m, message);
		code = step(m, e);
	}
	while (code == OK && m->message < message)
		code = step(m, e);
	return code;
}

/* One that is there if the message was read. */
static int column_of(unsigned what)
{
	if (what & STORE_META_TREE)
		return STRUCTURE;
	return what & STORE_META_ENVELOPE ? ENVELOPE : THREAD;
}

/* OK; NOT_FOUND: no such message; GONE: it was never read. */
static enum code get_row(struct store *s, struct store_metas *m,
	struct arena *a, struct store_meta *out, struct err *e)
{
	enum code code = go_to(s, m, out->message, e);

	if (code != OK)
		return code;
	if (m->message != out->message)
		return err_set(e, NOT_FOUND, "no row");
	out->size = (uint64_t)db_i64(m->q, SIZE);
	if (db_is_null(m->q, column_of(m->what)))
		return GONE;
	return take_row(m, a, out, e);
}

/* A message that nobody read yet is read now. */
static enum code fill_now(struct store *s, const struct store_meta *m,
	struct err *e)
{
	bool is_own = !db_in_transaction(s->db);
	enum code code = is_own ? store_begin(s, e) : OK;

	if (code != OK)
		return code;
	code = fill_one(s, m->message, m->size, e);
	if (!is_own)
		return code;
	if (code == OK)
		return store_commit(s, e);
	store_rollback(s);
	return code;
}

enum code store_metas_get(struct store *s, struct store_metas *m,
	uint64_t message, struct arena *a, struct store_meta *out,
	struct err *e)
{
	enum code code;

	*out = (struct store_meta){.message = message};
	code = get_row(s, m, a, out, e);
	if (code != GONE)
		return code;
	store_metas_end(m);
	code = fill_now(s, out, e);
	if (code == OK)
		code = get_row(s, m, a, out, e);
	return code == GONE ? err_set(e, CORRUPT, "it cannot be read") : code;
}

enum code store_message_meta(struct store *s, uint64_t message, struct arena *a,
	struct store_meta *out, struct err *e)
{
	struct store_metas m = {.what = STORE_META_ALL};
	enum code code = store_metas_get(s, &m, message, a, out, e);

	store_metas_end(&m);
	return code;
}
