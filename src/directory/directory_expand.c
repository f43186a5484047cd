/*
 * directory_expand.c - what an alias comes to in the end.
 *
 * A walk by breadth: `queue` holds every address that was met, each once, so
 * a circle of aliases ends by itself; those that are no alias are the answer.
 * RFC 5321 3.9.1, 3.9.2
 */
#include <string.h>

#include "directory/directory_int.h"

#include "base/banned.h"

/* Addresses that are met on the way, aliases too. */
#define MET_MAX (2 * DIRECTORY_TARGETS_MAX)

struct met {
	struct span address; /* as it was written */
	unsigned depth;
};

struct expansion {
	struct directory *d;
	struct arena *arena;
	struct dict seen; /* addresses in their one form */
	struct met *queue; /* in the arena */
	size_t count, room;
	struct directory_targets *out;
};

static void grow(struct arena *a, void *rows, size_t count, size_t *room,
	size_t size)
{
	size_t wanted = *room == 0 ? 8 : *room * 2;
	void *old, *larger;

	if (count < *room)
		return;
	larger = arena_alloc(a, wanted, size);
	memcpy(&old, rows, sizeof(old));
	if (count > 0)
		memcpy(larger, old, count * size);
	memcpy(rows, &larger, sizeof(larger));
	*room = wanted;
}

static enum code meet(struct expansion *x, struct span address, unsigned depth,
	struct err *e)
{
	struct directory_address read;
	struct span key = address;
	enum code code = directory_read(x->d, address, &read, e);

	if (code == OK)
		key = directory_address_span(&read);
	else if (code != SYNTAX)
		return code;
	if (dict_get(&x->seen, key) != NULL)
		return OK;
	if (x->count >= MET_MAX)
		return err_set(e, LIMIT, "an alias has too many targets");
	dict_put(&x->seen, key, x);
	grow(x->arena, &x->queue, x->count, &x->room, sizeof(struct met));
	x->queue[x->count++] =
		(struct met){arena_dup(x->arena, address), depth};
	return OK;
}

static enum code put_target(struct expansion *x, struct span address,
	const struct directory_hit *hit, struct err *e)
{
	struct directory_targets *t = x->out;

	if (t->count >= DIRECTORY_TARGETS_MAX)
		return err_set(e, LIMIT, "an alias has too many targets");
	grow(x->arena, &t->rows, t->count, &t->room, sizeof(*t->rows));
	t->rows[t->count++] = (struct directory_target){address, *hit};
	return OK;
}

/* Of an alias; "" is nobody. */
static const char targets_of_alias[] =
	"SELECT target FROM aliases WHERE address = $1 AND target <> '' "
	"ORDER BY target";
/* Of an account whose mail goes on; "" is itself. */
static const char targets_of_forward[] =
	"SELECT target FROM forwards f JOIN accounts a "
	"ON a.account = f.account WHERE a.address = $1 ORDER BY target";

/* One target of a row; an account that keeps a copy is the end of it. */
static enum code meet_target(struct expansion *x, const struct met *from,
	const struct directory_match *match, struct span target, struct err *e)
{
	struct directory_hit hit = match->hit;

	if (target.n > 0)
		return meet(x, target, from->depth + 1, e);
	hit.kind = DIRECTORY_ACCOUNT;
	return put_target(x, from->address, &hit, e);
}

static enum code meet_targets(struct expansion *x, const struct met *from,
	const struct directory_match *match, struct err *e)
{
	struct db_stmt *s = db_stmt(x->d->db,
		match->hit.rule == DIRECTORY_BY_FORWARD ? targets_of_forward
							: targets_of_alias);
	enum code code = OK;

	db_bind_text(s, 1, directory_address_span(&match->key));
	while (code == OK) {
		code = db_step(s, e);
		if (code == OK)
			code = meet_target(x, from, match, db_bytes(s, 0), e);
	}
	db_reset(s);
	return code == NOT_FOUND ? OK : code;
}

/* An alias, an account whose mail goes on, or what came back to its sender. */
static enum code follow_on(struct expansion *x, const struct met *from,
	struct err *e)
{
	struct directory_match match;
	enum code code = directory_find(x->d, from->address, &match, e);

	if (code != OK)
		return code;
	if (from->depth >= DIRECTORY_ALIAS_DEPTH_MAX)
		return err_set(e, LIMIT, "aliases are nested too deep");
	if (match.hit.rule == DIRECTORY_BY_SRS)
		return meet(x, directory_address_span(&match.key),
			from->depth + 1, e);
	return meet_targets(x, from, &match, e);
}

/* The i-th that was met: followed, or put into the answer. */
static enum code follow(struct expansion *x, size_t i, struct err *e)
{
	struct met met = x->queue[i];
	struct directory_hit hit;
	enum code code = directory_resolve(x->d, met.address, &hit, e);

	if (code != OK)
		return code;
	if (hit.kind == DIRECTORY_ALIAS)
		return follow_on(x, &met, e);
	if (hit.kind == DIRECTORY_BAD_DOMAIN ||
		(i == 0 && hit.kind == DIRECTORY_NO_USER))
		return OK;
	return put_target(x, met.address, &hit, e);
}

enum code directory_expand(struct directory *d, struct span address,
	struct arena *a, struct directory_targets *out, struct err *e)
{
	struct expansion x = {.d = d, .arena = a, .out = out};
	enum code code;

	*out = (struct directory_targets){0};
	dict_init(&x.seen);
	code = meet(&x, address, 0, e);
	for (size_t i = 0; code == OK && i < x.count; i++)
		code = follow(&x, i, e);
	dict_clear(&x.seen);
	return code;
}

enum code directory_may_send_as(struct directory *d, uint64_t account,
	struct span address, struct arena *a, bool *out_may, struct err *e)
{
	struct directory_targets targets = {0};
	struct directory_account known;
	struct directory_hit hit = {0};
	enum code code = directory_account_of(d, account, &known, e);

	*out_may = code == OK && address.n == 0;
	if (code == NOT_FOUND || *out_may)
		return OK;
	if (code == OK)
		code = directory_resolve(d, address, &hit, e);
	/* its own, also if its mail goes on; one of another account, whose mail
	 * goes on to this one, is not lent with it */
	if (code == OK && hit.account != 0)
		*out_may = hit.account == account;
	else if (code == OK)
		code = directory_expand(d, address, a, &targets, e);
	for (size_t i = 0; code == OK && i < targets.count; i++)
		if (targets.rows[i].hit.kind == DIRECTORY_ACCOUNT &&
			targets.rows[i].hit.account == account)
			*out_may = true;
	return code;
}
