/*
 * directory.h - who is who: domains, accounts, aliases.  Logins are in
 * directory_credential.h.
 *
 * One file, directory.db, opened by one process at a time: the directory role,
 * or the command line while the server stands.
 *
 * Addresses come as they were received, without angle brackets and source
 * route ("Bob@Hamburger.EDU", "\"a b\"@x.org", "postmaster"); here they are
 * brought into one form (codec/idn.h): local part without quotes, composed and
 * without regard to case; domain as A-labels in small letters (RFC 5321 2.3.11,
 * 2.4, RFC 6532 3.1).  So an address is one key in every spelling of Unicode.
 * A per cent sign, an exclamation mark or an "@" in a local part means nothing
 * (RFC 5321 3.6.1, RFC 2505 2.1): only the domain behind the last "@" says
 * where a message goes.
 *
 * postmaster and abuse of each of our domains are always somebody (RFC 5321
 * 4.5.1, RFC 2142 4): the account or alias of that name; without one the first
 * account of the domain; without that the first account of all.  "postmaster"
 * alone is that of the oldest domain.
 */
#ifndef POSTRIDER_DIRECTORY_DIRECTORY_H
#define POSTRIDER_DIRECTORY_DIRECTORY_H

#include "base/admin.h"
#include "base/arena.h"
#include "base/buf.h"

struct directory;

/* Opens or creates the file (absolute path).  BUSY: another process has it.
 * *out is the caller's, for directory_close. */
enum code directory_open(const char *path, struct directory **out,
	struct err *e) MUST_USE;
void directory_close(struct directory *d); /* takes NULL */
/* After an error that leaves the file's state unknown: the process ends. */
bool directory_is_broken(const struct directory *d);

/* ---- addresses ----------------------------------------------------------------- */
#define DIRECTORY_ADDRESS_BYTES_MAX 512

/* An address in its one form; local ends at local_n, then "@" and domain. */
struct directory_address {
	uint8_t text[DIRECTORY_ADDRESS_BYTES_MAX];
	size_t n;
	size_t local_n; /* == n: there is no domain */
};

static inline struct span directory_address_span(
	const struct directory_address *a)
{
	return span_of(a->text, a->n);
}

struct span directory_address_local(const struct directory_address *a);
struct span directory_address_domain(const struct directory_address *a);
/* False: it is too long, has control bytes, or its domain cannot be one. */
bool directory_address_parse(struct span text, struct directory_address *out);
/* A domain alone, in its one form; out->local_n is 0 and means nothing. */
bool directory_domain_parse(struct span name, struct directory_address *out);

/* ---- recipients ----------------------------------------------------------------- */
enum directory_kind {
	DIRECTORY_ACCOUNT,   /* a mailbox of ours */
	DIRECTORY_ALIAS,     /* directory_expand says where it goes */
	DIRECTORY_FOREIGN,   /* another server's */
	DIRECTORY_NO_USER,   /* our domain, nobody of that name */
	DIRECTORY_BAD_DOMAIN /* no address at all */
};

/* By which rule somebody was found; the first that applies, in this order. */
enum directory_rule {
	DIRECTORY_BY_NOTHING,
	DIRECTORY_BY_ACCOUNT,  /* the account's own address */
	DIRECTORY_BY_FORWARD,  /* the same, and its mail goes on: an alias */
	DIRECTORY_BY_ALIAS,
	DIRECTORY_BY_REFUSAL,  /* an administrator says: nobody */
	DIRECTORY_BY_DETAIL,   /* without what stands behind "+" it is somebody */
	DIRECTORY_BY_OFFICE,   /* postmaster, abuse: RFC 5321 4.5.1, RFC 2142 */
	DIRECTORY_BY_CATCH_ALL,/* the domain's alias for all others */
	DIRECTORY_BY_SRS,      /* a notice about what we passed on: srs.h */
	DIRECTORY_RULE_COUNT
};

struct directory_hit {
	enum directory_kind kind;
	enum directory_rule rule;
	bool has_other_name; /* its domain is another name of one of ours */
	bool has_detail;  /* found without what stands behind "+" */
	uint64_t account; /* DIRECTORY_ACCOUNT, DIRECTORY_BY_FORWARD */
	bool is_full;     /* DIRECTORY_ACCOUNT: over its quota */
};

/* Who is this?  Answers from memory after the first time.  TEMP, CORRUPT: our
 * own trouble, never the sender's. */
enum code directory_resolve(struct directory *d, struct span address,
	struct directory_hit *out, struct err *e) MUST_USE;

/* One final target of an alias; kind is ACCOUNT, FOREIGN, or NO_USER for one
 * of ours that is not there (any more). */
struct directory_target {
	struct span address;
	struct directory_hit hit;
};

#define DIRECTORY_TARGETS_MAX     10000
#define DIRECTORY_ALIAS_DEPTH_MAX 10

struct directory_targets {
	struct directory_target *rows; /* in the arena */
	size_t count;
	size_t room;
};

/* Is this domain, as an address names it, one of ours? */
bool directory_is_ours(const struct directory *d, struct span address);
/* The reverse-path under which a message from `sender` goes on to other servers,
 * when `rcpt` of ours passes it on; *out borrows from room.  Empty: as it is. */
struct span directory_rewrite_sender(struct directory *d, struct span sender,
	struct span rcpt, int64_t wall_ms, struct buf *room);

/* All that an alias comes to in the end, each once: an alias in an alias is
 * followed, up to DIRECTORY_ALIAS_DEPTH_MAX deep, and one that leads back to
 * where it was met is met once.  LIMIT: too deep or too many.  An address that
 * is no alias gives itself, but NO_USER and BAD_DOMAIN give nothing. */
enum code directory_expand(struct directory *d, struct span address,
	struct arena *a, struct directory_targets *out, struct err *e) MUST_USE;

/* May this account send as this address?  It is its own, or an alias that comes
 * to it in the end; that the mail of another account goes on to it is no reason.
 * The empty address is everybody's (RFC 5321 4.5.5).  RFC 6409 6.1.  Errors as
 * directory_expand. */
enum code directory_may_send_as(struct directory *d, uint64_t account,
	struct span address, struct arena *a, bool *out_may,
	struct err *e) MUST_USE;

/* A user of this machine, by the name he has there: *out is his address at the
 * oldest domain (local_n == n: there is no domain), *out_account the account of
 * that very address, or 0. */
enum code directory_local_user(struct directory *d, struct span name,
	struct directory_address *out, uint64_t *out_account,
	struct err *e) MUST_USE;

/* ---- accounts ------------------------------------------------------------------ */
struct directory_account {
	uint64_t account;
	uint64_t quota_bytes; /* 0: none */
	uint64_t used_bytes;
	bool is_full;
	uint8_t address[DIRECTORY_ADDRESS_BYTES_MAX];
	size_t address_n;
};

/* NOT_FOUND: there is no such account (any more). */
enum code directory_account_of(struct directory *d, uint64_t account,
	struct directory_account *out, struct err *e) MUST_USE;
/* What the account process says about itself; kept over a restart. */
enum code directory_account_set_full(struct directory *d, uint64_t account,
	bool is_full, uint64_t used_bytes, struct err *e) MUST_USE;

/* ---- changes --------------------------------------------------------------------- */
/* Told after the commit. */
struct directory_listener {
	void (*quota)(void *arg, uint64_t account, uint64_t quota_bytes);
	void (*gone)(void *arg, uint64_t account);
	/* its credentials changed: who is logged in has to do it again */
	void (*logout)(void *arg, uint64_t account);
	void *arg;
};
void directory_listen(struct directory *d,
	const struct directory_listener *listener);
/* Calls gone() for every account that was removed during the last 30 days. */
enum code directory_tell_removed(struct directory *d, struct err *e) MUST_USE;

/* domain, account and alias commands; module is the struct directory. */
admin_fn directory_admin;

#endif
