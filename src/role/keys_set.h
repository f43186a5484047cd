/*
 * keys_set.h - certificates and the keys that sign for them: a set that is
 * replaced as a whole.
 */
#ifndef POSTRIDER_ROLE_KEYS_SET_H
#define POSTRIDER_ROLE_KEYS_SET_H

#include "base/buf.h"
#include "config/config.h"
#include "tls/tls_key.h"

/* A file of a certificate or key; larger ones are something else. */
#define KEYS_FILE_MAX 65536

struct keys_pair {
	struct buf chain;    /* PEM */
	struct buf pem;      /* of the key, until it is read; then wiped */
	struct tls_key *key; /* owned */
	bool has_chain;
};

struct keys_set {
	struct keys_pair pairs[CONFIG_PAIRS_MAX];
	uint32_t count;
};

void keys_set_init(struct keys_set *s, uint32_t count);
/* Wipes and frees. */
void keys_set_clear(struct keys_set *s);

/* Takes what a file holds, from its start.  The set stays as it is when that
 * cannot be read. */
enum code keys_set_read(struct keys_set *s, uint32_t pair, bool is_key, int fd,
	struct err *e) MUST_USE;
/* Has everything come? */
bool keys_set_is_whole(const struct keys_set *s);
/* Reads the keys of a whole set.  SYNTAX: one is none, or not that of its
 * certificate. */
enum code keys_set_finish(struct keys_set *s, struct err *e) MUST_USE;

#endif
