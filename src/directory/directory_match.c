/*
 * directory_match.c - who an address of ours is: the rules of directory.h, one
 * after the other, until one finds somebody or refuses.
 */
#include <string.h>

#include "base/time.h"
#include "directory/directory_int.h"
#include "directory/srs.h"

#include "base/banned.h"

/* ---- the tables -------------------------------------------------------------------- */
static const char find_account[] =
	"SELECT a.account, a.is_full, EXISTS (SELECT 1 FROM forwards f "
	"WHERE f.account = a.account) FROM accounts a WHERE a.address = $1";
static const char find_alias[] =
	"SELECT target <> '' FROM aliases WHERE address = $1 "
	"ORDER BY target LIMIT 1";
static const char first_of_domain[] =
	"SELECT address FROM accounts ORDER BY domain = $1 DESC, account "
	"LIMIT 1";
static const char oldest_domain[] =
	"SELECT name FROM domains ORDER BY created_ms, name LIMIT 1";

static enum code take_account(struct directory *d, struct span address,
	struct directory_hit *out, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, find_account);
	enum code code;

	db_bind_text(s, 1, address);
	code = db_step(s, e);
	if (code == OK) {
		bool goes_on = db_i64(s, 2) != 0;

		out->kind = goes_on ? DIRECTORY_ALIAS : DIRECTORY_ACCOUNT;
		out->rule = goes_on ? DIRECTORY_BY_FORWARD
				    : DIRECTORY_BY_ACCOUNT;
		out->account = (uint64_t)db_i64(s, 0);
		out->is_full = db_i64(s, 1) != 0;
	}
	db_reset(s);
	return code;
}

static enum code take_alias(struct directory *d, struct span address,
	struct directory_hit *out, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, find_alias);
	enum code code;

	db_bind_text(s, 1, address);
	code = db_step(s, e);
	if (code == OK) {
		bool is_somebody = db_i64(s, 0) != 0;

		out->kind = is_somebody ? DIRECTORY_ALIAS : DIRECTORY_NO_USER;
		out->rule = is_somebody ? DIRECTORY_BY_ALIAS
					: DIRECTORY_BY_REFUSAL;
	}
	db_reset(s);
	return code;
}

/* An account or an alias of that very name. */
static enum code take_exact(struct directory *d,
	const struct directory_address *address, struct directory_match *out,
	struct err *e)
{
	struct span text = directory_address_span(address);
	enum code code = take_account(d, text, &out->hit, e);

	if (code == NOT_FOUND)
		code = take_alias(d, text, &out->hit, e);
	if (code == OK)
		out->key = *address;
	return code;
}

/* ---- rules ---------------------------------------------------------------------------- */
/* "bob+shop@…" is bob's.  RFC 5233 1 */
static enum code by_detail(struct directory *d,
	const struct directory_address *address, struct directory_match *out,
	struct err *e)
{
	struct span local = directory_address_local(address);
	struct directory_address base = *address;
	size_t plus = span_find(local, '+');
	enum code code;

	if (plus == 0 || plus == local.n)
		return NOT_FOUND;
	memmove(base.text + plus, address->text + address->local_n,
		address->n - address->local_n);
	base.n = address->n - (address->local_n - plus);
	base.local_n = plus;
	code = take_exact(d, &base, out, e);
	out->hit.has_detail = code == OK;
	return code;
}

static bool is_office(const struct directory_address *a)
{
	struct span local = directory_address_local(a);

	return span_eq(local, SPAN("postmaster")) ||
		span_eq(local, SPAN("abuse"));
}

/* The first account of the domain, or of all. */
static enum code by_office(struct directory *d,
	const struct directory_address *address, struct directory_match *out,
	struct err *e)
{
	struct directory_address first;
	struct db_stmt *s;
	enum code code;

	if (!is_office(address))
		return NOT_FOUND;
	s = db_stmt(d->db, first_of_domain);
	db_bind_text(s, 1, directory_address_domain(address));
	code = db_step(s, e);
	if (code == OK && !directory_address_parse(db_bytes(s, 0), &first))
		code = err_set(e, CORRUPT, "an account has no address");
	db_reset(s);
	if (code == OK)
		code = take_exact(d, &first, out, e);
	if (code == OK && out->hit.rule == DIRECTORY_BY_ACCOUNT)
		out->hit.rule = DIRECTORY_BY_OFFICE;
	return code;
}

/* The alias "@hamburger.edu". */
static enum code by_catch_all(struct directory *d,
	const struct directory_address *address, struct directory_match *out,
	struct err *e)
{
	struct directory_address all = *address;
	enum code code;

	all.n = address->n - address->local_n;
	all.local_n = 0;
	memmove(all.text, address->text + address->local_n, all.n);
	code = take_alias(d, directory_address_span(&all), &out->hit, e);
	if (code != OK || out->hit.kind != DIRECTORY_ALIAS)
		return code;
	out->hit.rule = DIRECTORY_BY_CATCH_ALL;
	out->key = all;
	return OK;
}

/* The same address at the domain that this one is another name of. */
static void use_domain(const struct directory_domain *domain,
	struct directory_address *address, struct directory_hit *hit)
{
	if (domain->of_n == 0 || address->local_n + 1 + domain->of_n >
			sizeof(address->text))
		return;
	memcpy(address->text + address->local_n + 1, domain->of, domain->of_n);
	address->n = address->local_n + 1 + domain->of_n;
	hit->has_other_name = true;
}

enum code directory_match(struct directory *d,
	const struct directory_address *address, struct directory_match *out,
	struct err *e)
{
	struct directory_address at = *address;
	const struct directory_domain *domain =
		dict_get(&d->domains, directory_address_domain(address));
	enum code code;

	*out = (struct directory_match){.hit = {.kind = DIRECTORY_NO_USER},
		.key = at};
	if (address->local_n < address->n && domain == NULL) {
		out->hit.kind = DIRECTORY_FOREIGN;
		return OK;
	}
	if (domain != NULL)
		use_domain(domain, &at, &out->hit);
	code = take_exact(d, &at, out, e);
	if (code == NOT_FOUND)
		code = by_detail(d, &at, out, e);
	if (code == NOT_FOUND)
		code = by_office(d, &at, out, e);
	if (code == NOT_FOUND && at.local_n < at.n)
		code = by_catch_all(d, &at, out, e);
	return code == NOT_FOUND ? OK : code;
}

/* ---- addresses as they are written ------------------------------------------------------- */
/* "postmaster" alone, the one name that needs no domain.  RFC 5321 4.5.1 */
static enum code add_domain(struct directory *d,
	struct directory_address *address, struct err *e)
{
	struct db_stmt *s = db_stmt(d->db, oldest_domain);
	enum code code = db_step(s, e);

	if (code == OK) {
		struct span name = db_bytes(s, 0);

		must(address->n + 1 + name.n <= sizeof(address->text));
		address->text[address->n++] = '@';
		memcpy(address->text + address->n, name.p, name.n);
		address->n += name.n;
	}
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}

enum code directory_read(struct directory *d, struct span text,
	struct directory_address *out, struct err *e)
{
	if (!directory_address_parse(text, out))
		return err_set(e, SYNTAX, "it is no address");
	if (out->local_n < out->n)
		return OK;
	if (!span_eq(directory_address_local(out), SPAN("postmaster")))
		return err_set(e, SYNTAX, "it has no domain");
	return add_domain(d, out, e);
}

/* Something that we passed on came back: its sender is who is meant.  The local
 * part is taken as it was written, for its letters are the sender's. */
static bool by_srs(struct directory *d, struct span text,
	struct directory_match *out)
{
	struct span local = span_head(text, span_find_last(text, '@'));
	struct buf sender;
	bool is_ours;

	if (!srs_is(local) || !directory_is_ours(d, text))
		return false;
	buf_init(&sender, DIRECTORY_ADDRESS_BYTES_MAX);
	is_ours = srs_reverse(span_of(d->srs_secret, sizeof(d->srs_secret)),
			  local, srs_day(time_wall_ms()), &sender) == OK;
	if (is_ours) {
		*out = (struct directory_match){.hit = {
			.kind = DIRECTORY_ALIAS, .rule = DIRECTORY_BY_SRS}};
		memcpy(out->key.text, buf_span(&sender).p, buf_len(&sender));
		out->key.n = buf_len(&sender);
		out->key.local_n = span_find_last(buf_span(&sender), '@');
	}
	buf_clear(&sender);
	return is_ours;
}

enum code directory_find(struct directory *d, struct span text,
	struct directory_match *out, struct err *e)
{
	struct directory_address read;
	enum code code;

	if (by_srs(d, text, out))
		return OK;
	code = directory_read(d, text, &read, e);
	return code == OK ? directory_match(d, &read, out, e) : code;
}

struct span directory_rewrite_sender(struct directory *d, struct span sender,
	struct span rcpt, int64_t wall_ms, struct buf *room)
{
	struct directory_address read;

	if (sender.n == 0 || directory_is_ours(d, sender) ||
		!directory_address_parse(rcpt, &read) ||
		read.local_n == read.n ||
		!srs_forward(span_of(d->srs_secret, sizeof(d->srs_secret)),
			sender, directory_address_domain(&read),
			srs_day(wall_ms), room))
		return SPAN_EMPTY;
	return buf_span(room);
}

enum code directory_local_user(struct directory *d, struct span name,
	struct directory_address *out, uint64_t *out_account, struct err *e)
{
	struct directory_hit hit = {0};
	enum code code;

	*out_account = 0;
	if (!directory_address_parse(name, out) || out->local_n < out->n)
		return err_set(e, SYNTAX, "it is no name");
	code = add_domain(d, out, e);
	if (code != OK || out->local_n == out->n)
		return code;
	/* no other rule: a user postmaster is not the first account */
	code = take_account(d, directory_address_span(out), &hit, e);
	*out_account = code == OK ? hit.account : 0;
	return code == NOT_FOUND ? OK : code;
}
