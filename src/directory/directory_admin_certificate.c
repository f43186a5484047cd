/*
 * directory_admin_certificate.c - the administrator's commands about client
 * certificates, which log in without a password (RFC 4422 A).
 *
 * A certificate is named by its fingerprint, SHA-256 of its DER form, in hex
 * digits with or without colons, as openssl prints it; the command line makes
 * it of a file.
 */
#include <string.h>

#include "base/buf.h"
#include "base/time.h"
#include "codec/hex.h"
#include "crypto/hash.h"
#include "directory/directory_int.h"

#include "base/banned.h"

static bool parse(struct span word, struct buf *out)
{
	struct buf digits;
	bool is_good;

	buf_init(&digits, 2 * SHA256_BYTES);
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] != ':')
			buf_putc(&digits, word.p[i]);
	is_good = !digits.overflow && hex_get(buf_span(&digits), out) &&
		buf_len(out) == SHA256_BYTES;
	buf_clear(&digits);
	return is_good;
}

/* Account and fingerprint of the command's words. */
static enum admin_exit read_words(struct directory_command *c,
	struct directory_address *address, int64_t *out_account,
	struct buf *fingerprint)
{
	struct span word, hex;
	enum admin_exit exit;

	(void)directory_word(c, 0, &word);
	(void)directory_word(c, 1, &hex);
	exit = directory_find_account(c, word, address, out_account);
	if (exit != EXIT_OK || parse(hex, fingerprint))
		return exit;
	return directory_say(c, EXIT_BAD_DATA, "\"%.*s\" is no SHA-256 "
		"fingerprint of a certificate; it has 64 hex digits, or give "
		"the file", SPAN_ARG(span_head(hex, 128)));
}

static enum admin_exit insert(struct directory_command *c, int64_t account,
	const struct directory_address *address, struct span fingerprint)
{
	struct db_stmt *s = db_stmt(c->d->db, "INSERT INTO certificates "
		"(account, fingerprint, created_ms) VALUES ($1, $2, $3)");
	enum code code;

	db_bind_i64(s, 1, account);
	db_bind_blob(s, 2, fingerprint);
	db_bind_i64(s, 3, time_wall_ms());
	code = db_run(s, c->e);
	if (code == EXISTS)
		return directory_say(c, EXIT_WARNINGS, "%.*s has this "
			"certificate already",
			SPAN_ARG(directory_address_span(address)));
	return code == OK ? EXIT_OK : directory_trouble(c);
}

static enum admin_exit delete(struct directory_command *c, int64_t account,
	const struct directory_address *address, struct span fingerprint)
{
	struct db_stmt *s = db_stmt(c->d->db, "DELETE FROM certificates "
		"WHERE account = $1 AND fingerprint = $2");

	db_bind_i64(s, 1, account);
	db_bind_blob(s, 2, fingerprint);
	if (db_run(s, c->e) != OK)
		return directory_trouble(c);
	if (db_changes(c->d->db) == 0)
		return directory_say(c, EXIT_NO_ADDRESS, "%.*s has no such "
			"certificate; see: postrider account certificate list "
			"%.*s", SPAN_ARG(directory_address_span(address)),
			SPAN_ARG(directory_address_span(address)));
	directory_tell_later(c, DIRECTORY_TELL_LOGOUT, (uint64_t)account, 0);
	return EXIT_OK;
}

typedef enum admin_exit certificate_fn(struct directory_command *c,
	int64_t account, const struct directory_address *address,
	struct span fingerprint);

static enum admin_exit with_words(struct directory_command *c,
	certificate_fn *fn)
{
	struct directory_address address;
	struct buf fingerprint;
	int64_t account;
	enum admin_exit exit;

	buf_init(&fingerprint, SHA256_BYTES);
	exit = read_words(c, &address, &account, &fingerprint);
	if (exit == EXIT_OK)
		exit = fn(c, account, &address, buf_span(&fingerprint));
	buf_clear(&fingerprint);
	return exit;
}

enum admin_exit directory_certificate_add(struct directory_command *c)
{
	return with_words(c, insert);
}

enum admin_exit directory_certificate_remove(struct directory_command *c)
{
	return with_words(c, delete);
}

static void put_row(struct directory_command *c, struct db_stmt *s)
{
	struct buf hex, created;

	buf_init(&hex, 2 * SHA256_BYTES);
	buf_init(&created, 64);
	hex_put(&hex, db_bytes(s, 0));
	time_put_rfc3339(&created, db_i64(s, 1));
	directory_row(c, (const struct span[]){buf_span(&hex),
		buf_span(&created)}, 2);
	buf_clear(&hex);
	buf_clear(&created);
}

enum admin_exit directory_certificate_list(struct directory_command *c)
{
	struct db_stmt *s = db_stmt(c->d->db, "SELECT fingerprint, created_ms "
		"FROM certificates WHERE account = $1 ORDER BY fingerprint");
	struct directory_address address;
	struct span word;
	int64_t account;
	enum admin_exit exit;
	enum code code;

	(void)directory_word(c, 0, &word);
	exit = directory_find_account(c, word, &address, &account);
	if (exit != EXIT_OK)
		return exit;
	directory_row(c, (const struct span[]){SPAN("fingerprint"),
		SPAN("created")}, 2);
	db_bind_i64(s, 1, account);
	while ((code = db_step(s, c->e)) == OK)
		put_row(c, s);
	db_reset(s);
	return code == NOT_FOUND ? EXIT_OK : directory_trouble(c);
}
