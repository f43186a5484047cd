/*
 * store_signature.c - the signatures of messages: made in slices, asked in the
 * order of ids.  See store_signature.h.
 *
 * Before the filter stands a byte that says by which rules the text became
 * trigrams: our format, whether ICU was there to read rare character sets, which
 * tables libunistring has, and what becomes of a sample.  A filter made by other
 * rules is no filter, and all are made anew.
 */
#include "store/store_signature.h"

#include <unistring/version.h>

#include "codec/charset.h"
#include "codec/fold.h"
#include "message/search_text.h"
#include "store/store_int.h"

#include "base/banned.h"

/* ---- rules --------------------------------------------------------------------- */
/* Letters of each kind: folded otherwise, they are another text. */
#define SAMPLE                                                                 \
	"Aa Zz 09 \u00c4\u00df\u1e9e \u0130\u0131 e\u0301\u0323 \u00bd\ufb01 "       \
	"\u03a3\u03c2 \u0419 \u01c5 \uac00 \u6f22\u5b57 \u0645\u064f"

/* FNV-1a */
static uint32_t mix(uint32_t sum, uint32_t value)
{
	for (unsigned i = 0; i < 32; i += 8)
		sum = (sum ^ (value >> i & 0xff)) * 16777619u;
	return sum;
}

static uint8_t rules_now(void)
{
	struct store_terms terms;
	struct buf folded;
	uint32_t sum = mix(2166136261u, STORE_FILTER_FORMAT);

	sum = mix(sum, charset_is_known(SPAN("iso-2022-jp")));
	sum = mix(sum, (uint32_t)_libunistring_version);
	buf_init(&folded, sizeof(SAMPLE) * FOLD_GROWTH);
	fold_put(&folded, SPAN(SAMPLE));
	store_terms_of(&terms, buf_span(&folded));
	buf_clear(&folded);
	for (size_t i = 0; i < terms.count; i++)
		sum = mix(sum, terms.bits[i]);
	return (uint8_t)(1 + sum % 255);
}

static uint8_t rules(struct store *s)
{
	if (s->sign_rules == 0)
		s->sign_rules = rules_now();
	return s->sign_rules;
}

static bool is_filter(struct span f)
{
	return f.n == 0 || (f.n >= STORE_FILTER_BYTES_MIN &&
		f.n <= STORE_FILTER_BYTES && (f.n & (f.n - 1)) == 0);
}

/* The filter in a row; empty if it is none of ours. */
static struct span filter_of(struct store *s, struct span row)
{
	struct span filter = span_tail(row, 1);

	if (row.n == 0 || row.p[0] != rules(s)) {
		s->has_stale = true;
		return SPAN_EMPTY;
	}
	return is_filter(filter) ? filter : SPAN_EMPTY;
}

/* ---- asking ----------------------------------------------------------------------- */
/* The + keeps the dialects to the key's order. */
static const char sql_get_signatures[] =
	"SELECT message, trigrams FROM signature WHERE +account = $1 "
	"AND message >= $2 ORDER BY message";

/* More rows are not passed over to come to the next: it is looked up. */
#define PASSED_MAX 4

void store_signatures_end(struct store_signatures *m)
{
	if (m->q != NULL)
		db_reset(m->q);
	m->q = NULL;
}

static enum code step(struct store_signatures *m, struct err *e)
{
	enum code code = db_step(m->q, e);

	if (code == OK)
		m->message = (uint64_t)db_i64(m->q, 0);
	else
		m->q = NULL; /* it was reset */
	return code == NOT_FOUND ? code : store_trouble(code, e);
}

/* Brings the row of the message, or the first behind it, to hand. */
static enum code go_to(struct store *s, struct store_signatures *m,
	uint64_t message, struct err *e)
{
	enum code code = OK;

	if (m->q != NULL && (m->message > message ||
			message - m->message > PASSED_MAX))
		store_signatures_end(m);
	if (m->q == NULL) {
		m->q = db_stmt(s->db, sql_get_signatures);
		db_bind_i64(m->q, 1, s->account);
		db_bind_i64(m->q, 2, (int64_t)message);
		code = step(m, e);
	}
	while (code == OK && m->message < message)
		code = step(m, e);
	return code;
}

enum code store_signatures_get(struct store *s, struct store_signatures *m,
	uint64_t message, struct span *out, struct err *e)
{
	enum code code;

	*out = SPAN_EMPTY;
	if (message >= store_unsigned(s))
		return OK;
	code = go_to(s, m, message, e);
	if (code == OK && m->message == message)
		*out = filter_of(s, db_bytes(m->q, 1));
	return code == NOT_FOUND ? OK : code;
}

static const char sql_candidates[] =
	"SELECT e.message, g.trigrams FROM (SELECT DISTINCT account, message "
	"FROM entry WHERE account = $1 AND message >= $2) e "
	"LEFT JOIN signature g ON g.account = e.account "
	"AND g.message = e.message ORDER BY e.message";

static bool may_have_all(struct span filter, const struct store_candidates *c)
{
	for (size_t i = 0; i < c->term_count; i++)
		if (!store_filter_may_have(filter, &c->terms[i]))
			return false;
	return true;
}

enum code store_candidates_find(struct store *s,
	const struct store_candidates *c, size_t *out_count, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_candidates);
	enum code code = OK;

	*out_count = 0;
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)c->from);
	while (*out_count < c->room && (code = db_step(q, e)) == OK) {
		struct span filter = db_is_null(q, 1)
			? SPAN_EMPTY
			: filter_of(s, db_bytes(q, 1));

		if (may_have_all(filter, c))
			c->ids[(*out_count)++] = (uint64_t)db_i64(q, 0);
	}
	db_reset(q);
	return code == NOT_FOUND ? OK : store_trouble(code, e);
}

/* ---- one message ---------------------------------------------------------------------- */
static bool take_piece(void *arg, const struct search_piece *piece)
{
	struct store_filter_maker *m = arg;

	store_filter_feed(m, piece->is_first, piece->folded);
	return !m->is_full;
}

static enum code read_text(struct store *s, const struct store_meta *meta,
	struct store_filter_maker *maker, struct err *e)
{
	struct store_reader r;
	struct store_text first;
	struct span piece;
	struct search_text t;
	bool wants_more;
	enum code code = store_reader_open(s, meta->message, &r, &first, e);

	if (code != OK)
		return code;
	search_text_init(&t, meta->tree, take_piece, maker);
	wants_more = search_text_feed(&t, first.head) &&
		search_text_feed(&t, first.body);
	while (wants_more &&
		(code = store_reader_next(s, &r, &piece, e)) == OK)
		wants_more = search_text_feed(&t, piece);
	search_text_end(&t);
	store_reader_close(&r);
	/* who looks into a head looks at all of it */
	maker->is_full |= t.is_cut;
	return code == NOT_FOUND ? OK : code;
}

enum code store_signature_make(struct store *s, uint64_t message,
	struct buf *out, struct err *e)
{
	struct store_metas metas = {.what = STORE_META_TREE};
	struct store_filter_maker maker;
	struct store_meta meta;
	struct arena a;
	enum code code;

	arena_init(&a, STORE_META_ARENA_BYTES);
	buf_reset(out);
	buf_putc(out, rules(s));
	store_filter_begin(&maker);
	code = store_metas_get(s, &metas, message, &a, &meta, e);
	store_metas_end(&metas);
	if (code == OK)
		code = read_text(s, &meta, &maker, e);
	store_filter_end(&maker, out);
	arena_clear(&a);
	return code;
}

static const char sql_get_signature[] =
	"SELECT trigrams FROM signature WHERE account = $1 AND message = $2";

enum code store_signature_check(struct store *s, uint64_t message,
	struct buf *scratch, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_get_signature);
	struct buf stored;
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)message);
	code = db_step(q, e);
	if (code != OK)
		return code == NOT_FOUND ? OK : store_trouble(code, e);
	buf_init(&stored, STORE_SIGNATURE_ROW_BYTES);
	buf_put_most(&stored, db_bytes(q, 0));
	db_reset(q);
	code = store_signature_make(s, message, scratch, e);
	if (code == OK && buf_span(scratch).p[0] == buf_span(&stored).p[0] &&
		!span_eq(buf_span(scratch), buf_span(&stored)))
		code = err_set(e, CORRUPT,
			"message %llu: its signature is of another text",
			(unsigned long long)message);
	buf_clear(&stored);
	return code;
}

/* ---- dropping ---------------------------------------------------------------------------- */
static const char sql_drop[] =
	"DELETE FROM signature WHERE +account = $1 AND message >= $2 "
	"AND message <= $3 AND NOT EXISTS (SELECT 1 FROM entry e "
	"WHERE e.account = signature.account "
	"AND e.message = signature.message)";

enum code store_signatures_drop(struct store *s, int64_t from, int64_t to,
	struct err *e)
{
	struct db_stmt *q;

	if (from >= s->now.unsigned_message)
		return OK;
	q = db_stmt(s->db, sql_drop);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, from);
	db_bind_i64(q, 3, to);
	return db_run(q, e);
}

/* ---- slices ---------------------------------------------------------------------------- */
static const char sql_next[] =
	"SELECT message, size FROM message WHERE +account = $1 "
	"AND message >= $2 ORDER BY message LIMIT 1";
static const char sql_put[] =
	"INSERT INTO signature (account, message, trigrams) "
	"VALUES ($1, $2, $3)";
static const char sql_drop_all[] = "DELETE FROM signature WHERE account = $1";

uint64_t store_unsigned(const struct store *s)
{
	return (uint64_t)s->now.unsigned_message;
}

/* NOT_FOUND: none waits. */
static enum code next(struct store *s, int64_t *out_message, uint64_t *out_size,
	struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_next);
	enum code code;

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, s->now.unsigned_message);
	code = db_step(q, e);
	if (code != OK)
		return code == NOT_FOUND ? code : store_trouble(code, e);
	*out_message = db_i64(q, 0);
	*out_size = (uint64_t)db_i64(q, 1);
	db_reset(q);
	return OK;
}

static enum code sign_one(struct store *s, int64_t message, struct buf *row,
	struct err *e)
{
	enum code code = store_signature_make(s, (uint64_t)message, row, e);
	struct db_stmt *q;

	/* who reads it hears of it */
	if (code == CORRUPT && !store_is_broken(s))
		return OK;
	if (code != OK)
		return code;
	q = db_stmt(s->db, sql_put);
	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, message);
	db_bind_blob(q, 3, buf_span(row));
	return store_trouble(db_run(q, e), e);
}

static enum code sign_slice(struct store *s, struct buf *row, struct err *e)
{
	uint64_t size = 0, bytes = 0;
	int64_t message = 0;
	enum code code = OK;

	for (unsigned i = 0; i < STORE_SIGN_MESSAGES &&
		bytes < STORE_SIGN_BYTES; i++) {
		code = next(s, &message, &size, e);
		if (code == NOT_FOUND) {
			s->now.unsigned_message = s->now.next_message;
			return OK;
		}
		if (code == OK)
			code = sign_one(s, message, row, e);
		if (code != OK)
			return code;
		s->now.unsigned_message = message + 1;
		bytes += size;
	}
	return OK;
}

/* Filters of other rules are of no use to anybody. */
static enum code begin_anew(struct store *s, struct err *e)
{
	struct db_stmt *q = db_stmt(s->db, sql_drop_all);

	db_bind_i64(q, 1, s->account);
	s->now.unsigned_message = 1;
	return store_trouble(db_run(q, e), e);
}

static bool is_waiting(const struct store *s)
{
	return s->has_stale || s->now.next_message > s->now.unsigned_message;
}

bool store_wants_sign(const struct store *s)
{
	return s->has_stale || s->now.next_message - s->now.unsigned_message >=
		(int64_t)STORE_SIGN_MIN;
}

enum code store_sign(struct store *s, bool *out_more, struct err *e)
{
	struct buf row;
	enum code code;

	*out_more = false;
	if (!is_waiting(s))
		return OK;
	code = store_begin(s, e);
	if (code != OK)
		return code;
	s->is_dirty = true;
	buf_init(&row, STORE_SIGNATURE_ROW_BYTES);
	if (s->has_stale)
		code = begin_anew(s, e);
	s->has_stale = false;
	if (code == OK)
		code = sign_slice(s, &row, e);
	buf_clear(&row);
	if (code != OK) {
		store_rollback(s);
		return code;
	}
	code = store_commit_either(s, e);
	*out_more = code == OK && is_waiting(s);
	return code;
}
