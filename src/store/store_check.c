/*
 * store_check.c - the invariants of schema.sql, verified.  See store.h.
 *
 * Most are one query that finds the rows which break it; its two columns, a
 * name and a number, go into the sentence.  The bytes of each message are read
 * as a client would read them.
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "message/preview.h"
#include "store/store.h"
#include "store/store_int.h"

#include "base/banned.h"

#define SENTENCE_BYTES 256

/* clang-format off */
static const struct rule {
	int invariant;
	const char *sentence; /* %s and %lld: the columns */
	const char *sql;      /* $1: the account */
} rules[] = {
	{1, "%s row is of account %lld",
	 "SELECT 'an account', account FROM account WHERE account <> $1 "
	 "OR length(uuid) <> 16"},
	{2, "%s %lld has an id that will be given out again",
	 "SELECT 'message', message FROM message m JOIN account a "
	 "ON a.account = m.account WHERE m.account = $1 "
	 "AND m.message >= a.next_message UNION ALL "
	 "SELECT 'mailbox', mailbox FROM mailbox b JOIN account a "
	 "ON a.account = b.account WHERE b.account = $1 "
	 "AND b.mailbox >= a.next_mailbox UNION ALL "
	 "SELECT 'thread', thread FROM message m JOIN account a "
	 "ON a.account = m.account WHERE m.account = $1 "
	 "AND (m.thread >= a.next_thread OR m.thread <= 0)"},
	{3, "%s with uid %lld has a uid that will be given out again",
	 "SELECT 'an entry', e.uid FROM entry e JOIN mailbox b "
	 "ON b.account = e.account AND b.mailbox = e.mailbox "
	 "WHERE e.account = $1 AND e.uid >= b.uidnext UNION ALL "
	 "SELECT 'a tombstone', t.uid FROM tombstone t JOIN mailbox b "
	 "ON b.account = t.account AND b.mailbox = t.mailbox "
	 "WHERE t.account = $1 AND t.uid >= b.uidnext"},
	{4, "%s %lld has a modseq above its counter",
	 "SELECT 'entry', e.uid FROM entry e JOIN mailbox b "
	 "ON b.account = e.account AND b.mailbox = e.mailbox "
	 "WHERE e.account = $1 AND e.modseq > b.highestmodseq UNION ALL "
	 "SELECT 'tombstone', t.uid FROM tombstone t JOIN mailbox b "
	 "ON b.account = t.account AND b.mailbox = t.mailbox "
	 "WHERE t.account = $1 AND t.modseq > b.highestmodseq UNION ALL "
	 "SELECT 'mailbox', b.mailbox FROM mailbox b JOIN account a "
	 "ON a.account = b.account "
	 "WHERE b.account = $1 AND b.highestmodseq > a.modseq"},
	{5, "an entry with uid %2$lld has no %1$s",
	 "SELECT 'message', e.uid FROM entry e WHERE e.account = $1 AND NOT "
	 "EXISTS (SELECT 1 FROM message m WHERE m.account = e.account "
	 "AND m.message = e.message) UNION ALL "
	 "SELECT 'mailbox', e.uid FROM entry e WHERE e.account = $1 AND NOT "
	 "EXISTS (SELECT 1 FROM mailbox b WHERE b.account = e.account "
	 "AND b.mailbox = e.mailbox)"},
	{6, "%s %lld stands in no mailbox",
	 "SELECT 'message', m.message FROM message m WHERE m.account = $1 AND "
	 "NOT EXISTS (SELECT 1 FROM entry e WHERE e.account = m.account "
	 "AND e.message = m.message)"},
	{7, "%s %lld: its size is not that of its pieces",
	 "SELECT 'message', m.message FROM message m LEFT JOIN "
	 "(SELECT account, message, count(*) AS pieces, max(piece) AS last, "
	 "sum(length(content)) AS bytes FROM body GROUP BY account, message) b "
	 "ON b.account = m.account AND b.message = m.message "
	 "WHERE m.account = $1 AND (b.pieces IS NULL OR b.last <> b.pieces - 1 "
	 "OR b.bytes <> m.body_size "
	 "OR m.size <> m.body_size + length(m.head))"},
	{9, "%s for uid %lld, which lives or is below the floor",
	 "SELECT 'a tombstone', t.uid FROM tombstone t JOIN mailbox b "
	 "ON b.account = t.account AND b.mailbox = t.mailbox "
	 "WHERE t.account = $1 AND (t.modseq <= b.floor_modseq OR "
	 "EXISTS (SELECT 1 FROM entry e WHERE e.account = t.account "
	 "AND e.mailbox = t.mailbox AND e.uid = t.uid))"},
	{10, "%s is counted as %lld bytes, which is not the sum of all sizes",
	 "SELECT 'the quota', a.used_bytes FROM account a WHERE a.account = $1 "
	 "AND a.used_bytes <> (SELECT coalesce(sum(size), 0) FROM message m "
	 "WHERE m.account = a.account)"},
	{11, "%s %lld counts its entries wrong",
	 "SELECT 'mailbox', b.mailbox FROM mailbox b LEFT JOIN "
	 "(SELECT account, mailbox, count(*) AS entries, "
	 "sum(flags & 1 = 0) AS unseen, sum(flags & 8 <> 0) AS deleted, "
	 "sum(size) AS bytes FROM entry GROUP BY account, mailbox) e "
	 "ON e.account = b.account AND e.mailbox = b.mailbox "
	 "WHERE b.account = $1 AND (b.entries <> coalesce(e.entries, 0) "
	 "OR b.unseen <> coalesce(e.unseen, 0) "
	 "OR b.deleted <> coalesce(e.deleted, 0) "
	 "OR b.bytes <> coalesce(e.bytes, 0))"},
	{12, "%s of account %lld is missing",
	 "SELECT 'the inbox', a.account FROM account a WHERE a.account = $1 "
	 "AND NOT EXISTS (SELECT 1 FROM mailbox b "
	 "WHERE b.account = a.account AND b.special_use = 'inbox' "
	 "AND b.name = 'INBOX')"},
	{13, "%s of a body belongs to no message %lld",
	 "SELECT 'a piece', b.message FROM body b WHERE b.account = $1 AND "
	 "NOT EXISTS (SELECT 1 FROM message m WHERE m.account = b.account "
	 "AND m.message = b.message)"},
	{14, "%s %lld is known in part",
	 "SELECT 'message', message FROM message WHERE account = $1 AND "
	 "((thread IS NULL) + (has_attachment IS NULL) + (preview IS NULL) + "
	 "(envelope IS NULL) + (structure IS NULL) NOT IN (0, 5) OR "
	 "(structure IS NULL AND sent_ms IS NOT NULL))"},
	{16, "a reference has %s %lld",
	 "SELECT 'a wrong length, of thread', thread FROM thread_reference "
	 "WHERE account = $1 AND length(reference) <> 16 UNION ALL "
	 "SELECT 'no message in thread', r.thread FROM thread_reference r "
	 "WHERE r.account = $1 AND NOT EXISTS (SELECT 1 FROM message m "
	 "WHERE m.account = r.account AND m.thread = r.thread)"},
	{17, "%s with uid %lld has not the size or date of its message",
	 "SELECT 'an entry', e.uid FROM entry e JOIN message m "
	 "ON m.account = e.account AND m.message = e.message "
	 "WHERE e.account = $1 AND (e.size <> m.size "
	 "OR e.received_ms <> m.received_ms)"},
	{18, "%s %lld: a flag without a name, or a name twice",
	 "SELECT 'the entry with uid', e.uid FROM entry e "
	 "WHERE e.account = $1 AND (e.flags < 0 OR e.flags > 31 OR "
	 "e.keywords & ~coalesce((SELECT sum(1 << k.bit) FROM keyword k "
	 "WHERE k.account = e.account AND k.mailbox = e.mailbox), 0) <> 0) "
	 "UNION ALL SELECT 'the mailbox', k.mailbox FROM keyword k "
	 "WHERE k.account = $1 AND (k.bit < 0 OR k.bit > 63 OR k.name = '' "
	 "OR EXISTS (SELECT 1 FROM keyword o WHERE o.account = k.account "
	 "AND o.mailbox = k.mailbox AND o.bit <> k.bit "
	 "AND lower(o.name) = lower(k.name)))"},
	{20, "%s of mailbox %lld, which is gone",
	 "SELECT 'a tombstone', t.mailbox FROM tombstone t "
	 "WHERE t.account = $1 AND NOT EXISTS (SELECT 1 FROM mailbox b "
	 "WHERE b.account = t.account AND b.mailbox = t.mailbox) UNION ALL "
	 "SELECT 'a keyword', k.mailbox FROM keyword k "
	 "WHERE k.account = $1 AND NOT EXISTS (SELECT 1 FROM mailbox b "
	 "WHERE b.account = k.account AND b.mailbox = k.mailbox)"},
	{21, "%s %lld has a use that is unknown or another's",
	 "SELECT 'mailbox', b.mailbox FROM mailbox b WHERE b.account = $1 "
	 "AND b.special_use IS NOT NULL AND (b.special_use NOT IN ('inbox', "
	 "'drafts', 'sent', 'junk', 'trash', 'archive') OR EXISTS "
	 "(SELECT 1 FROM mailbox o WHERE o.account = b.account "
	 "AND o.mailbox <> b.mailbox AND o.special_use = b.special_use))"},
	{22, "%s %lld: its uidvalidity or recent_uid cannot be",
	 "SELECT 'mailbox', b.mailbox FROM mailbox b JOIN account a "
	 "ON a.account = b.account WHERE b.account = $1 AND "
	 "(b.uidvalidity < 1 OR b.uidvalidity > a.uidvalidity "
	 "OR b.recent_uid < 1 OR b.recent_uid > b.uidnext)"},
	{23, "%s of mailbox %lld, which is gone",
	 "SELECT 'an annotation', n.mailbox FROM annotation n "
	 "WHERE n.account = $1 AND n.mailbox <> 0 AND NOT EXISTS "
	 "(SELECT 1 FROM mailbox b WHERE b.account = n.account "
	 "AND b.mailbox = n.mailbox)"},
	{24, "%s for message %lld, which is gone or has its turn later",
	 "SELECT 'a signature', g.message FROM signature g JOIN account a "
	 "ON a.account = g.account WHERE g.account = $1 "
	 "AND (g.message >= a.unsigned_message OR NOT EXISTS "
	 "(SELECT 1 FROM message m WHERE m.account = g.account "
	 "AND m.message = g.message)) UNION ALL "
	 "SELECT 'a signature', unsigned_message FROM account "
	 "WHERE account = $1 AND unsigned_message > next_message"},
	{25, "%s of mailbox %lld is none that could be set",
	 "SELECT 'an annotation', mailbox FROM annotation "
	 "WHERE account = $1 AND (name <> lower(name) OR name NOT LIKE '/_%' "
	 "OR length(name) > 255 OR length(value) > 65536)"},
};
/* clang-format on */

struct checking {
	struct store *store;
	store_finding_fn *fn;
	void *arg;
	bool is_broken;
};

static void find(struct checking *c, int invariant, const char *sentence)
{
	c->is_broken = true;
	c->fn(c->arg, invariant, sentence);
}

static enum code check_rule(struct checking *c, const struct rule *r,
	struct err *e)
{
	struct db_stmt *q = db_stmt(c->store->db, r->sql);
	char name[32];
	char sentence[SENTENCE_BYTES];
	enum code code;

	db_bind_i64(q, 1, c->store->account);
	while ((code = db_step(q, e)) == OK) {
		(void)snprintf(name, sizeof(name), "%.*s",
			SPAN_ARG(db_bytes(q, 0)));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		/* the table above is ours */
		(void)snprintf(sentence, sizeof(sentence), r->sentence, name,
			(long long)db_i64(q, 1));
#pragma GCC diagnostic pop
		find(c, r->invariant, sentence);
	}
	return code == NOT_FOUND ? OK : store_trouble(code, e);
}

/* Reads a message to its end. */
static enum code read_all(struct store *s, uint64_t message, struct err *e)
{
	struct store_reader r;
	struct store_text first;
	struct span piece;
	enum code code = store_reader_open(s, message, &r, &first, e);

	if (code == NOT_FOUND)
		return OK; /* invariants 5 and 7 tell */
	while (code == OK)
		code = store_reader_next(s, &r, &piece, e);
	store_reader_close(&r);
	return code == NOT_FOUND ? OK : code;
}

static const char sql_next_message[] =
	"SELECT message, structure IS NULL FROM message "
	"WHERE +account = $1 AND message > $2 ORDER BY message LIMIT 1";

/* What is known of a message, as a client would be told. */
static enum code check_meta(struct checking *c, uint64_t message,
	struct err *e)
{
	struct store_meta m;
	struct arena a;
	enum code code;

	arena_init(&a, STORE_META_ARENA_BYTES);
	code = store_message_meta(c->store, message, &a, &m, e);
	if (code == OK && (m.preview.n > PREVIEW_BYTES_MAX ||
			  !utf8_is_valid(m.preview)))
		code = err_set(e, CORRUPT, "message %llu: its preview is damaged",
			(unsigned long long)message);
	arena_clear(&a);
	if (code == CORRUPT && !store_is_broken(c->store)) {
		find(c, 15, e->text);
		return OK;
	}
	return code;
}

/* What its signature says of its text. */
static enum code check_signature(struct checking *c, uint64_t message,
	struct err *e)
{
	struct buf made;
	enum code code;

	buf_init(&made, STORE_SIGNATURE_ROW_BYTES);
	code = store_signature_check(c->store, message, &made, e);
	buf_clear(&made);
	if (code == CORRUPT && !store_is_broken(c->store)) {
		find(c, 26, e->text);
		return OK;
	}
	return code;
}

static enum code check_messages(struct checking *c, struct err *e)
{
	struct store *s = c->store;
	int64_t message = 0;
	bool is_read;
	enum code code;

	for (;;) {
		struct db_stmt *q = db_stmt(s->db, sql_next_message);

		db_bind_i64(q, 1, s->account);
		db_bind_i64(q, 2, message);
		code = db_step(q, e);
		if (code == NOT_FOUND)
			return OK;
		if (code != OK)
			return store_trouble(code, e);
		message = db_i64(q, 0);
		is_read = db_i64(q, 1) == 0;
		db_reset(q);
		code = read_all(s, (uint64_t)message, e);
		if (code == CORRUPT && !store_is_broken(s)) {
			find(c, 8, e->text);
			code = OK;
		}
		if (code == OK && is_read)
			code = check_meta(c, (uint64_t)message, e);
		if (code == OK && is_read)
			code = check_signature(c, (uint64_t)message, e);
		if (code != OK)
			return code;
	}
}

static const char sql_names[] =
	"SELECT b.name, b.mailbox FROM mailbox b WHERE b.account = $1";
static const char sql_is_mailbox[] =
	"SELECT 1 FROM mailbox WHERE account = $1 AND name = $2";

/* A name is as we write it, and there is what it is below. */
static enum code check_name(struct checking *c, struct span name, int64_t id,
	struct buf *made, struct err *e)
{
	struct store *s = c->store;
	struct span parent = store_name_parent(name);
	char sentence[SENTENCE_BYTES];
	struct db_stmt *q;
	enum code code = store_name_make(name, made, e);

	if (code == OK && !span_eq(buf_span(made), name))
		code = SYNTAX;
	if (code == OK && parent.n > 0) {
		q = db_stmt(s->db, sql_is_mailbox);
		db_bind_i64(q, 1, s->account);
		db_bind_text(q, 2, parent);
		code = db_step(q, e);
		if (code == OK)
			db_reset(q);
	}
	if (code != SYNTAX && code != LIMIT && code != NOT_FOUND)
		return code;
	(void)snprintf(sentence, sizeof(sentence),
		"mailbox %lld: its name cannot be, or has no parent",
		(long long)id);
	find(c, 19, sentence);
	return OK;
}

static enum code check_names(struct checking *c, struct err *e)
{
	struct store *s = c->store;
	struct db_stmt *q = db_stmt(s->db, sql_names);
	struct buf made;
	enum code code = OK;

	buf_init(&made, 2 * STORE_NAME_BYTES);
	db_bind_i64(q, 1, s->account);
	while (code == OK && (code = db_step(q, e)) == OK)
		code = check_name(c, db_bytes(q, 0), db_i64(q, 1), &made, e);
	buf_clear(&made);
	db_reset(q);
	return code == NOT_FOUND ? OK : store_trouble(code, e);
}

enum code store_check(struct store *s, store_finding_fn *fn, void *arg,
	struct err *e)
{
	struct checking c = {.store = s, .fn = fn, .arg = arg};
	enum code code = OK;

	store_proofs_drop(s); /* no hash is believed that was not made now */
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		code = check_rule(&c, &rules[i], e);
		if (code != OK)
			return code;
	}
	code = check_names(&c, e);
	if (code == OK)
		code = check_messages(&c, e);
	if (code != OK)
		return code;
	return c.is_broken ? err_set(e, CORRUPT, "the store is damaged") : OK;
}
