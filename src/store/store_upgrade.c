/*
 * store_upgrade.c - a file of an older release becomes one of this.
 *
 * One transaction when it is opened, so that a file is either of a version or
 * of the next.  Tables and indexes are made by the very text of schema.sql.
 * Afterwards the messages are there with nothing known of them; store_fill
 * reads them when there is time.
 */
#include <string.h>

#include "base/err.h"
#include "store/store.h"
#include "store/store_int.h"

#include "base/banned.h"

/* What version 2 made or made anew, in its order. */
static const char *const made[] = {
	"CREATE TABLE message ",
	"CREATE INDEX message_thread ",
	"CREATE INDEX message_unknown ",
	"CREATE TABLE thread_reference ",
	"CREATE INDEX thread_reference_thread ",
};

#define MOVED                                                                  \
	"account, message, size, received_ms, flags, body_size, sha256, tag, " \
	"head"

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

static enum code run(struct store *s, struct err *e)
{
	struct buf script;
	enum code code;

	buf_init(&script, 65536);
	buf_puts(&script, "ALTER TABLE message RENAME TO message_1;"
			  "DROP TABLE thread; DROP TABLE thread_reference;");
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		put_statement(&script, made[i]);
	buf_puts(&script, "INSERT INTO message (" MOVED ") SELECT " MOVED
			  " FROM message_1; DROP TABLE message_1;");
	buf_putc(&script, '\0');
	must(!script.overflow);
	code = db_script(s->db, (const char *)buf_span(&script).p, e);
	buf_clear(&script);
	return code;
}

enum code store_upgrade(struct store *s, struct err *e)
{
	enum code code = db_begin(s->db, e);

	if (code != OK)
		return store_trouble(code, e);
	code = run(s, e);
	if (code == OK)
		code = db_set_version(s->db, STORE_VERSION, e);
	if (code != OK) {
		db_rollback(s->db);
		err_wrap(e, "changing it from version 1");
		return store_trouble(code, e);
	}
	return store_trouble(db_commit(s->db, e), e);
}
