/*
 * store_upgrade.c - a file of an older release becomes one of this.
 *
 * One transaction when it is opened, so that a file is either of a version or
 * of the next.  Tables and indexes are made by the very text of schema.sql.
 * After version 1 the messages are there with nothing known of them;
 * store_fill reads them when there is time.
 */
#include <string.h>

#include "base/err.h"
#include "store/store_int.h"

#include "base/banned.h"

/* What version 2 made or made anew, in its order. */
static const char *const made_2[] = {
	"CREATE TABLE message ",
	"CREATE INDEX message_thread ",
	"CREATE INDEX message_unknown ",
	"CREATE TABLE thread_reference ",
	"CREATE INDEX thread_reference_thread ",
	NULL,
};

/* The same of version 3. */
static const char *const made_3[] = {
	"CREATE TABLE mailbox ",
	"CREATE TABLE subscription ",
	"CREATE TABLE keyword ",
	"CREATE TABLE entry ",
	"CREATE INDEX entry_message ",
	NULL,
};

/* The same of version 4. */
static const char *const made_4[] = {
	"CREATE TABLE account ",
	"CREATE TABLE signature ",
	"CREATE TABLE annotation ",
	NULL,
};

#define MOVED                                                                  \
	"account, message, size, received_ms, flags, body_size, sha256, tag, " \
	"head"

/* No release before 3 gave anybody a flag that is no bit, so there are no
 * keywords to take over. */
#define FILL_ENTRIES                                                           \
	"INSERT INTO entry (account, mailbox, uid, message, flags, keywords, " \
	"modseq, saved_ms, size, received_ms) SELECT e.account, e.mailbox, "   \
	"e.uid, e.message, e.flags, 0, e.modseq, e.saved_ms, m.size, "         \
	"m.received_ms FROM entry_2 e JOIN message m "                         \
	"ON m.account = e.account AND m.message = e.message;"                  \
	"DROP TABLE entry_2;"

#define FILL_MAILBOXES                                                         \
	"INSERT INTO subscription (account, name) "                            \
	"SELECT account, name FROM mailbox_2 WHERE is_subscribed = 1;"         \
	"INSERT INTO mailbox (account, mailbox, name, special_use, "           \
	"uidvalidity, uidnext, highestmodseq, floor_modseq, entries, unseen, " \
	"deleted, bytes, recent_uid) SELECT b.account, b.mailbox, b.name, "    \
	"b.special_use, b.uidvalidity, b.uidnext, b.highestmodseq, "           \
	"b.floor_modseq, b.entries, "                                          \
	"(SELECT count(*) FROM entry e WHERE e.account = b.account "           \
	"AND e.mailbox = b.mailbox AND e.flags & 1 = 0), "                     \
	"(SELECT count(*) FROM entry e WHERE e.account = b.account "           \
	"AND e.mailbox = b.mailbox AND e.flags & 8 <> 0), "                    \
	"(SELECT coalesce(sum(e.size), 0) FROM entry e "                       \
	"WHERE e.account = b.account AND e.mailbox = b.mailbox), 1 "           \
	"FROM mailbox_2 b; DROP TABLE mailbox_2;"

/* A folder that every account has since version 3, if its name is free. */
#define NEW_FOLDER(name, use)                                                  \
	"INSERT INTO mailbox (account, mailbox, name, special_use, "           \
	"uidvalidity, uidnext, highestmodseq, floor_modseq, entries, unseen, " \
	"deleted, bytes, recent_uid) SELECT account, next_mailbox, '" name     \
	"', '" use "', uidvalidity + 1, 1, 1, 0, 0, 0, 0, 0, 1 FROM account "  \
	"WHERE true ON CONFLICT (account, name) "                              \
	"DO UPDATE SET special_use = '" use "';"                               \
	"INSERT INTO subscription (account, name) "                            \
	"SELECT account, '" name "' FROM account WHERE true "                  \
	"ON CONFLICT (account, name) DO NOTHING;"                              \
	"UPDATE account SET next_mailbox = next_mailbox + 1, "                 \
	"uidvalidity = uidvalidity + 1;"

/* The statement of schema.sql that begins so. */
static void put_statement(struct buf *out, const char *beginning)
{
	const char *at = strstr(store_schema_sql, beginning);
	const char *end;

	must(at != NULL);
	end = strchr(at, ';');
	must(end != NULL);
	buf_put(out, span_of(at, (size_t)(end - at) + 1));
}

/* Before them, the statements of `made`, and behind them. */
static enum code run(struct store *s, const char *before,
	const char *const *made, const char *behind, struct err *e)
{
	struct buf script;
	enum code code;

	buf_init(&script, 65536);
	buf_puts(&script, before);
	for (; *made != NULL; made++)
		put_statement(&script, *made);
	buf_puts(&script, behind);
	buf_putc(&script, '\0');
	must(!script.overflow);
	code = db_script(s->db, (const char *)buf_span(&script).p, e);
	buf_clear(&script);
	return code;
}

static enum code make_2(struct store *s, struct err *e)
{
	return run(s, "ALTER TABLE message RENAME TO message_1;"
		      "DROP TABLE thread; DROP TABLE thread_reference;",
		made_2, "INSERT INTO message (" MOVED ") SELECT " MOVED
			" FROM message_1; DROP TABLE message_1;", e);
}

static enum code make_3(struct store *s, struct err *e)
{
	return run(s, "ALTER TABLE mailbox RENAME TO mailbox_2;"
		      "ALTER TABLE entry RENAME TO entry_2;"
		      "DROP INDEX entry_message;",
		made_3, FILL_ENTRIES FILL_MAILBOXES
			NEW_FOLDER("Drafts", "drafts")
			NEW_FOLDER("Sent", "sent")
			NEW_FOLDER("Junk", "junk")
			NEW_FOLDER("Trash", "trash")
			NEW_FOLDER("Archive", "archive"), e);
}

static enum code make_4(struct store *s, struct err *e)
{
	return run(s, "ALTER TABLE account RENAME TO account_3;", made_4,
		"INSERT INTO account (account, uuid, created_ms, "
		"next_message, next_mailbox, next_thread, uidvalidity, "
		"modseq, used_bytes, unsigned_message) SELECT account, uuid, "
		"created_ms, next_message, next_mailbox, next_thread, "
		"uidvalidity, modseq, used_bytes, 1 FROM account_3;"
		"DROP TABLE account_3;", e);
}

enum code store_upgrade(struct store *s, int64_t version, struct err *e)
{
	enum code code = db_begin(s->db, e);

	if (code != OK)
		return store_trouble(code, e);
	if (version < 2)
		code = make_2(s, e);
	if (code == OK && version < 3)
		code = make_3(s, e);
	if (code == OK)
		code = make_4(s, e);
	if (code == OK)
		code = db_set_version(s->db, STORE_VERSION, e);
	if (code != OK) {
		db_rollback(s->db);
		err_wrap(e, "changing it from version %lld",
			(long long)version);
		return store_trouble(code, e);
	}
	return store_trouble(db_commit(s->db, e), e);
}
