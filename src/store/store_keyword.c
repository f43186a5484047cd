/*
 * store_keyword.c - the names of a mailbox's keywords and their bits.
 *
 * A mailbox gives 64 bits to names.  A name comes with the first message that
 * has it and is only taken back when all bits are used and no message has it any
 * more; so a bit never changes its meaning under a message.
 */
#include "base/mem.h"
#include "store/store_int.h"

#include "base/banned.h"

static const char sql_load[] =
	"SELECT bit, name FROM keyword WHERE account = $1 AND mailbox = $2";
static const char sql_put[] =
	"INSERT INTO keyword (account, mailbox, bit, name) "
	"VALUES ($1, $2, $3, $4) "
	"ON CONFLICT (account, mailbox, bit) DO UPDATE SET name = $4";
static const char sql_used[] =
	"SELECT DISTINCT keywords FROM entry "
	"WHERE account = $1 AND mailbox = $2";

void store_keywords_free(struct store_keywords *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->count; i++)
		mem_free((void *)(uintptr_t)k->names[i].p); /* ours */
	mem_free(k);
}

static void set_name(struct store_keywords *k, size_t bit, struct span name)
{
	mem_free((void *)(uintptr_t)k->names[bit].p); /* ours */
	k->names[bit] = store_span_dup(name);
	if (bit >= k->count)
		k->count = bit + 1;
	k->serial++;
}

static struct db_stmt *with_box(struct store *s, const char *sql,
	const struct store_box *b)
{
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_i64(q, 1, s->account);
	db_bind_i64(q, 2, (int64_t)b->m.id);
	return q;
}

enum code store_keywords_load(struct store *s, struct store_box *b,
	struct err *e)
{
	struct store_keywords *k;
	struct db_stmt *q;
	enum code code;

	if (b->keywords != NULL)
		return OK;
	k = MEM_NEW(struct store_keywords);
	q = with_box(s, sql_load, b);
	while ((code = db_step(q, e)) == OK) {
		int64_t bit = db_i64(q, 0);

		if (bit >= 0 && bit < STORE_KEYWORDS_MAX)
			set_name(k, (size_t)bit, db_bytes(q, 1));
	}
	if (code != NOT_FOUND) {
		store_keywords_free(k);
		return store_trouble(code, e);
	}
	b->keywords = k;
	return OK;
}

int store_keyword_find(const struct store_keywords *k, struct span name)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->names[i].n > 0 && span_eq_fold(k->names[i], name))
			return (int)i;
	return -1;
}

/* An atom: RFC 9051 9. */
static bool is_atom(struct span name)
{
	static const struct span special = SPAN_INIT("(){%*\"\\]");

	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f ||
			span_find(special, name.p[i]) < special.n)
			return false;
	return name.n > 0;
}

/* A bit without a name, or whose name no message has; none: LIMIT. */
static enum code find_room(struct store *s, const struct store_box *b,
	uint64_t taken, size_t *out_bit, struct err *e)
{
	const struct store_keywords *k = b->keywords;
	uint64_t used = taken;
	struct db_stmt *q;
	enum code code;

	for (*out_bit = 0; *out_bit < STORE_KEYWORDS_MAX; ++*out_bit)
		if (*out_bit >= k->count || k->names[*out_bit].n == 0)
			return OK;
	q = with_box(s, sql_used, b);
	while ((code = db_step(q, e)) == OK)
		used |= (uint64_t)db_i64(q, 0);
	if (code != NOT_FOUND)
		return store_trouble(code, e);
	for (*out_bit = 0; *out_bit < STORE_KEYWORDS_MAX; ++*out_bit)
		if ((used >> *out_bit & 1) == 0)
			return OK;
	return err_set(e, LIMIT, "the mailbox has too many keywords");
}

static enum code make(struct store *s, struct store_box *b, struct span name,
	uint64_t taken, size_t *out_bit, struct err *e)
{
	enum code code;

	if (!is_atom(name))
		return err_set(e, SYNTAX, "a keyword is no atom");
	if (name.n > STORE_KEYWORD_BYTES)
		return err_set(e, LIMIT, "a keyword is too long");
	code = find_room(s, b, taken, out_bit, e);
	if (code != OK)
		return code;
	set_name(b->keywords, *out_bit, name);
	b->keywords->unwritten |= UINT64_C(1) << *out_bit;
	return OK;
}

enum code store_keyword_bits(struct store *s, struct store_box *b,
	const struct span *names, size_t count, bool may_make,
	uint64_t *out_bits, struct err *e)
{
	enum code code = store_keywords_load(s, b, e);

	*out_bits = 0;
	for (size_t i = 0; code == OK && i < count; i++) {
		int found = store_keyword_find(b->keywords, names[i]);
		size_t bit = (size_t)found;

		if (found < 0 && !may_make)
			continue;
		if (found < 0)
			code = make(s, b, names[i], *out_bits, &bit, e);
		if (code == OK)
			*out_bits |= UINT64_C(1) << bit;
	}
	return code;
}

enum code store_keywords_put(struct store *s, struct store_box *b,
	struct err *e)
{
	struct store_keywords *k = b->keywords;
	enum code code = OK;

	for (size_t i = 0; code == OK && i < k->count; i++) {
		struct db_stmt *q;

		if ((k->unwritten >> i & 1) == 0)
			continue;
		q = with_box(s, sql_put, b);
		db_bind_i64(q, 3, (int64_t)i);
		db_bind_text(q, 4, k->names[i]);
		code = store_trouble(db_run(q, e), e);
		k->written |= UINT64_C(1) << i;
	}
	return code;
}
