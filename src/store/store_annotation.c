/*
 * store_annotation.c - annotations of mailboxes and of the server.  See
 * store_annotation.h.
 *
 * They stand in no memory: clients ask for them when they begin, and then
 * seldom.  How much all of them are is counted when one is set.
 */
#include "store/store_annotation.h"

#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

/* ---- set ------------------------------------------------------------------------ */
static const char sql_get[] =
	"SELECT value FROM annotation "
	"WHERE account = $1 AND mailbox = $2 AND name = $3";
static const char sql_put[] =
	"INSERT INTO annotation (account, mailbox, name, value) "
	"VALUES ($1, $2, $3, $4) ON CONFLICT (account, mailbox, name) "
	"DO UPDATE SET value = $4";
static const char sql_drop[] =
	"DELETE FROM annotation "
	"WHERE account = $1 AND mailbox = $2 AND name = $3";
static const char sql_count[] =
	"SELECT coalesce(sum(mailbox = $2), 0), "
	"coalesce(sum(length(name) + length(value) + 64), 0) "
	"FROM annotation WHERE account = $1";

static struct db_stmt *with_mailbox(
	struct store *s, const char *sql, uint64_t mailbox)
{
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)mailbox);
	return q;
}

/* Is it so already? */
static enum code is_same(struct store *s, uint64_t mailbox,
	const struct store_annotation *a, bool *out_same, struct err *e)
{
	struct db_stmt *q = with_mailbox(s, sql_get, mailbox);
	enum code code;

	db_bind_text(q, 3, a->entry);
	code = db_step(q, e);
	*out_same = code == NOT_FOUND
			    ? a->value.p == NULL
			    : code == OK && a->value.p != NULL &&
				      span_eq(db_bytes(q, 0), a->value);
	db_reset(q);
	return code == NOT_FOUND ? OK : code;
}

static enum code write_one(struct store *s, uint64_t mailbox,
	const struct store_annotation *a, struct err *e)
{
	bool is_none = a->value.p == NULL;
	struct db_stmt *q =
		with_mailbox(s, is_none ? sql_drop : sql_put, mailbox);

	db_bind_text(q, 3, a->entry);
	if (!is_none)
		db_bind_blob(q, 4, a->value);
	return db_run(q, e);
}

/* With what was written: is there too much? */
static enum code look_at_limits(
	struct store *s, uint64_t mailbox, struct err *e)
{
	struct db_stmt *q = with_mailbox(s, sql_count, mailbox);
	enum code code = db_step(q, e);
	int64_t count = code == OK ? db_i64(q, 0) : 0;
	int64_t bytes = code == OK ? db_i64(q, 1) : 0;

	db_reset(q);
	if (code != OK)
		return store_trouble(code, e);
	if (count > STORE_ANNOTATIONS_MAX || bytes > STORE_ANNOTATIONS_BYTES)
		return err_set(e, LIMIT, "there are too many annotations");
	return OK;
}

/* has_changed: of each, whether it is new. */
static enum code write_all(struct store *s, uint64_t mailbox,
	const struct store_annotations *change, bool *has_changed,
	struct err *e)
{
	bool adds = false, is_same_value;

	for (size_t i = 0; i < change->count; i++) {
		const struct store_annotation *a = &change->items[i];
		enum code code = is_same(s, mailbox, a, &is_same_value, e);

		must(a->entry.n <= STORE_ENTRY_BYTES &&
			a->value.n <= STORE_ANNOTATION_BYTES);
		has_changed[i] = !is_same_value;
		if (code == OK && !is_same_value)
			code = write_one(s, mailbox, a, e);
		if (code != OK)
			return store_trouble(code, e);
		adds = adds || (!is_same_value && a->value.p != NULL);
	}
	/* who removes may always do so */
	return adds ? look_at_limits(s, mailbox, e) : OK;
}

static enum code write_use(struct store *s, uint64_t mailbox,
	const struct store_annotations *change, struct err *e)
{
	struct store_box *b = store_box_get(s, mailbox);

	if (!change->sets_use || b->m.use == change->use)
		return OK;
	return store_box_set_use(s, b, change->use, e);
}

static void tell_all(struct store *s, uint64_t mailbox,
	const struct store_annotations *change, const bool *has_changed)
{
	for (size_t i = 0; i < change->count; i++) {
		const struct store_event event = {
			.mailbox = mailbox,
			.what = STORE_EVENT_ANNOTATED,
			.name = change->items[i].entry,
		};

		if (has_changed[i])
			store_tell(s, &event);
	}
}

enum code store_annotate(struct store *s, uint64_t mailbox,
	const struct store_annotations *change, struct err *e)
{
	bool *has_changed;
	enum code code;

	must(!db_in_transaction(s->db));
	must(!change->sets_use || mailbox != STORE_SERVER);
	if (mailbox != STORE_SERVER && store_box_get(s, mailbox) == NULL)
		return err_set(e, NOT_FOUND, "there is no such mailbox");
	code = store_begin(s, e);
	if (code != OK)
		return code;
	has_changed = mem_new(change->count + 1, sizeof(*has_changed));
	code = write_all(s, mailbox, change, has_changed, e);
	if (code == OK)
		code = write_use(s, mailbox, change, e);
	code = store_finish(s, code, e);
	if (code == OK)
		tell_all(s, mailbox, change, has_changed);
	mem_free(has_changed);
	return code;
}

/* ---- read ----------------------------------------------------------------------- */
/* All below "/a" stand between "/a/" and "/a0": '0' follows '/'. */
static const char sql_read[] =
	"SELECT name, value FROM annotation "
	"WHERE account = $1 AND mailbox = $2 AND (name = $3 "
	"OR (name > $4 AND name < $5)) ORDER BY name";

static bool is_deep(struct span name, struct span entry)
{
	return name.n > entry.n && span_find(span_tail(name, entry.n + 1),
					   '/') < name.n - entry.n - 1;
}

enum code store_annotations_read(struct store *s, uint64_t mailbox,
	struct span entry, enum store_depth depth, store_annotation_fn *fn,
	void *arg, struct err *e)
{
	struct db_stmt *q = with_mailbox(s, sql_read, mailbox);
	struct buf below, end;
	enum code code;

	buf_init(&below, entry.n + 1);
	buf_init(&end, entry.n + 1);
	buf_put(&below, entry);
	buf_put(&end, entry);
	buf_putc(&below, '/');
	buf_putc(&end, depth == STORE_DEPTH_ENTRY ? '/' : '0');
	db_bind_text(q, 3, entry);
	db_bind_text(q, 4, buf_span(&below));
	db_bind_text(q, 5, buf_span(&end));
	while ((code = db_step(q, e)) == OK) {
		const struct store_annotation found = {
			.entry = db_bytes(q, 0),
			.value = db_bytes(q, 1),
		};

		if (depth == STORE_DEPTH_ALL || !is_deep(found.entry, entry))
			fn(arg, &found);
	}
	buf_clear(&below);
	buf_clear(&end);
	return code == NOT_FOUND ? OK : store_trouble(code, e);
}

/* ---- with a mailbox --------------------------------------------------------------- */
static const char sql_copy[] =
	"INSERT INTO annotation (account, mailbox, name, value) "
	"SELECT account, $3, name, value FROM annotation "
	"WHERE account = $1 AND mailbox = $2";

enum code store_annotations_copy(struct store *s, const struct store_box *from,
	const struct store_box *to, struct err *e)
{
	struct db_stmt *q = with_mailbox(s, sql_copy, from->m.id);
	enum code code;

	db_bind_i64(q, 3, (int64_t)to->m.id);
	code = store_trouble(db_run(q, e), e);
	return code == OK ? look_at_limits(s, to->m.id, e) : code;
}
