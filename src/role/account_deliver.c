/*
 * account_deliver.c - deliveries into the account's store, in batches.
 *
 * The first DELIVER of a turn begins a transaction; each is put into the store
 * at once (its bytes borrow from the frame); when the turn ends, or the batch
 * is large, one commit makes them durable and one DELIVERED answers them all.
 */
#include <unistd.h>

#include "base/log.h"
#include "role/account_int.h"
#include "smtp/smtp_address.h"

#include "base/banned.h"

/* What the rows of a batch may copy: BATCH_MESSAGES times address and why. */
#define BATCH_ARENA_BYTES (BATCH_MESSAGES * 2048u)
#define FORGET_MAX        8192

static void on_commit(void *arg)
{
	account_settle(arg);
}

void account_deliver_init(struct account *a)
{
	arena_init(&a->batch.arena, BATCH_ARENA_BYTES);
	deferred_init(&a->batch.commit, on_commit, a);
	buf_init(&a->forget, FORGET_MAX * sizeof(uint64_t));
}

/* ---- forget ----------------------------------------------------------------- */
static enum code forget(struct account *a, struct err *e)
{
	struct span qids = buf_span(&a->forget);
	enum code code;

	if (a->forget_below == 0)
		return OK;
	/* the buf starts at malloc's alignment, and is never consumed */
	code = store_forget(a->store, a->forget_below,
		(const uint64_t *)(const void *)qids.p,
		qids.n / sizeof(uint64_t), e);
	if (code != OK)
		return code;
	a->forget_below = 0;
	buf_reset(&a->forget);
	return OK;
}

void account_forget(struct account *a)
{
	struct err e = {.code = OK};

	if (forget(a, &e) != OK)
		(void)account_is_broken(a, &e);
}

bool account_on_forget(void *arg, struct frame *f)
{
	struct account *a = arg;
	struct msg_forget m;
	struct rec_qid r;
	enum step step;

	if (!msg_get_forget(f->body, &m))
		return false;
	while ((step = rec_next_qid(&m.qids, &r)) == MORE)
		buf_put(&a->forget, span_of(&r.qid, sizeof(r.qid)));
	if (step == BAD)
		return false;
	/* at least 1, so that it says that something is to be done */
	if (m.below > a->forget_below)
		a->forget_below = m.below;
	if (a->forget_below == 0)
		a->forget_below = 1;
	if (buf_left(&a->forget) < FORGET_MAX / 2 * sizeof(uint64_t)) {
		account_settle(a);
		account_forget(a);
	}
	if (a->forget.overflow) /* they stay a little longer, until `below` */
		buf_reset(&a->forget);
	return true;
}

/* ---- the batch ---------------------------------------------------------------- */
static void log_row(const struct account *a, const struct batch_row *r)
{
	if (r->result == OK)
		LOG(EV_DELIVERED, LOG_MID(r->qid), LOG_SPAN("rcpt", r->rcpt),
			LOG_NUM("account", a->start->account),
			LOG_NUM("uid", r->uid), LOG_NUM("size", r->size));
	else if (r->result != EXISTS)
		LOG(EV_DELIVERY_REFUSED, LOG_MID(r->qid),
			LOG_SPAN("rcpt", r->rcpt),
			LOG_STR("code", code_word(r->result)),
			LOG_SPAN("why", r->why));
}

/* One DELIVERED for all rows, then the batch is empty. */
static void answer(struct account *a)
{
	struct batch *b = &a->batch;
	struct buf records;
	struct msg_delivered m;

	buf_init(&records, BATCH_ARENA_BYTES);
	for (size_t i = 0; i < b->count; i++) {
		const struct batch_row *r = &b->rows[i];
		const struct rec_done done = {.qid = r->qid, .idx = r->idx,
			.result = (uint8_t)r->result, .uid = r->uid,
			.text = r->why};

		rec_put_done(&records, &done);
		log_row(a, r);
	}
	m.done = buf_span(&records);
	if (b->count > 0 && a->queue != NULL)
		channel_send(a->queue, delivered, DELIVERED, 0, &m, -1);
	buf_clear(&records);
	b->count = 0;
	b->bytes = 0;
	arena_reset(&b->arena);
	account_report_usage(a);
}

/* Nothing of the batch is stored: what was to be OK is TEMP. */
static void abandon(struct account *a, const struct err *e)
{
	struct batch *b = &a->batch;

	store_delivery_rollback(a->store);
	b->is_open = false;
	for (size_t i = 0; i < b->count; i++) {
		struct batch_row *r = &b->rows[i];

		if (r->result != OK && r->result != EXISTS)
			continue;
		r->result = TEMP;
		r->why = arena_dup(&b->arena,
			span_head(span_str(e->text), 512));
	}
	answer(a);
}

void account_settle(struct account *a)
{
	struct batch *b = &a->batch;
	struct err e = {.code = OK};

	deferred_cancel(&b->commit);
	if (!b->is_open)
		return;
	if (store_delivery_commit(a->store, &e) != OK) {
		/* if it is broken the outcome is unknown, so no answer */
		if (!account_is_broken(a, &e))
			abandon(a, &e);
		return;
	}
	b->is_open = false;
	answer(a);
}

static enum code begin(struct account *a, struct err *e)
{
	struct batch *b = &a->batch;
	enum code code;

	if (b->is_open)
		return OK;
	code = store_delivery_begin(a->store, e);
	if (code != OK)
		return code;
	b->is_open = true;
	loop_defer(a->loop, &b->commit);
	return forget(a, e);
}

static struct batch_row *new_row(struct account *a, const struct msg_deliver *m)
{
	struct batch *b = &a->batch;
	struct batch_row *r = &b->rows[b->count++];

	*r = (struct batch_row){
		.qid = m->qid,
		.idx = m->idx,
		.size = m->size,
		.rcpt = arena_dup(&b->arena, m->rcpt),
	};
	b->bytes += m->size;
	return r;
}

/* RFC 5233 4: "bob+shop@…" is for bob's mailbox "shop".  An account whose own name
 * has a "+" gets all its mail into the inbox. */
static struct span folder_of(const struct account *a, struct span rcpt)
{
	return a->has_plus ? SPAN_EMPTY : smtp_address_detail(rcpt);
}

static enum code add(struct account *a, const struct msg_deliver *m, int fd,
	uint64_t *out_uid, struct err *e)
{
	const struct store_delivery d = {
		.qid = m->qid,
		.idx = m->idx,
		.flags = m->flags,
		.received_ms = m->received_ms,
		.reverse_path = m->reverse_path,
		.rcpt = m->rcpt,
		.folder = folder_of(a, m->rcpt),
		.trace = m->trace,
		.body = m->body,
		.fd = m->is_spooled ? fd : -1,
		.size = m->size,
		.sha256 = m->sha256,
	};
	enum code code = begin(a, e);

	return code == OK ? store_delivery_add(a->store, &d, out_uid, e) : code;
}

static bool ends_batch(enum code code)
{
	return code != OK && code != EXISTS && code != FULL && code != CORRUPT;
}

static void deliver(struct account *a, const struct msg_deliver *m, int fd)
{
	struct batch *b = &a->batch;
	struct err e = {.code = OK};
	struct batch_row *r = new_row(a, m);

	e.text[0] = '\0';
	r->result = add(a, m, fd, &r->uid, &e);
	if (account_is_broken(a, &e))
		return;
	if (r->result != OK)
		r->why = arena_dup(&b->arena,
			span_head(span_str(e.text), 512));
	if (ends_batch(r->result))
		abandon(a, &e);
	else if (b->count == BATCH_MESSAGES || b->bytes >= BATCH_BYTES)
		account_settle(a);
}

/* Its body is in a file, and this process had no descriptor left for that: queue
 * hears so with the batch, or it would wait for an answer as long as we live. */
static void put_off(struct account *a, const struct msg_deliver *m)
{
	struct err e = {.code = OK};
	struct batch_row *r = new_row(a, m);
	enum code code;

	r->result = TEMP;
	r->why = SPAN("the account has too many files open");
	code = begin(a, &e);
	if (account_is_broken(a, &e))
		return;
	if (code != OK)
		abandon(a, &e);
	else if (a->batch.count == BATCH_MESSAGES)
		account_settle(a);
}

bool account_on_deliver(void *arg, struct frame *f)
{
	struct account *a = arg;
	struct msg_deliver m;
	bool is_good = msg_get_deliver(f->body, &m) &&
		(m.is_spooled != 0) == (f->fd >= 0 || f->is_fd_lost);

	if (is_good && !store_is_broken(a->store)) {
		if (f->is_fd_lost)
			put_off(a, &m);
		else
			deliver(a, &m, f->fd);
		account_touch(a);
	}
	if (f->fd >= 0)
		close(f->fd);
	return is_good;
}
