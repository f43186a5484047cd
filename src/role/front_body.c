/*
 * front_body.c - the body of a message on its way from the client to queue.
 *
 *	none --begin--> [waits for a number] --> in memory --add--> in memory
 *	in memory --too large--> [waits for a file] --> in a spool file
 *	in memory, in a spool file --commit--> SUBMIT --> none
 *
 * A body that declared its size (SIZE=) goes to a file from the start.  Files
 * are opened by queue, which passes a descriptor that can only append.  When a
 * file cannot be written the rest is read and thrown away, so the client hears
 * 452 or 451 at the end and keeps its session.
 */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mid.h"
#include "role/front_int.h"
#include "smtp/smtp_address.h"

#define INLINE_MAX 65536 /* INLINE_BYTES of messages.def */
#define TRACE_MAX  2048

void front_body_init(struct session *s)
{
	s->body.spool_fd = -1;
	buf_init(&s->body.bytes, FRONT_BODY_MAX);
}

void front_body_clear(struct session *s)
{
	struct front_body *b = &s->body;

	if (b->spool_fd >= 0)
		close(b->spool_fd);
	front_submission_clear(s);
	hasher_free(b->hasher);
	buf_clear(&b->bytes);
	*b = (struct front_body){.spool_fd = -1, .bytes = b->bytes};
}

static void answer(struct session *s, enum code verdict)
{
	smtp_server_answer(s->smtp, verdict, 0, 0, SPAN_EMPTY);
}

/* There will be no body: the next message begins anew. */
static void refuse(struct session *s, enum code verdict)
{
	front_body_drop(s);
	answer(s, verdict);
}

/* Asks queue for a file; false: queue is not there. */
static bool ask_spool(struct session *s)
{
	struct channel *queue = role_peer(s->front->run, ROLE_QUEUE);
	struct msg_spool_open m = {.qid = s->body.qid};

	if (queue == NULL)
		return false;
	channel_send(queue, spool_open, SPOOL_OPEN,
		session_question(s), &m, -1);
	session_wait(s, WAIT_SPOOL);
	s->body.is_spooled = true;
	return true;
}

/* A number is there: does the body need a file from the start? */
static void begin_numbered(struct session *s)
{
	const struct smtp_transaction *t = smtp_server_transaction(s->smtp);

	if (t->declared_size <= INLINE_MAX)
		answer(s, OK);
	else if (!ask_spool(s))
		refuse(s, TEMP);
}

void front_body_begin(struct session *s)
{
	must(s->body.qid == 0);
	s->body.qid = front_take_qid(s->front);
	if (s->body.qid != 0)
		begin_numbered(s);
	else if (role_peer(s->front->run, ROLE_QUEUE) == NULL)
		answer(s, TEMP);
	else
		session_wait(s, WAIT_IDS);
}

void front_body_numbers_came(struct session *s)
{
	s->body.qid = front_take_qid(s->front);
	if (s->body.qid == 0)
		return;
	s->wait = WAIT_NONE;
	begin_numbered(s);
	if (s->wait == WAIT_NONE) {
		s->wait = WAIT_IDS; /* resume ends a wait */
		session_resume(s);
	}
}

/* ---- the spool file ------------------------------------------------------- */
static void write_spool(struct session *s, struct span bytes)
{
	struct front_body *b = &s->body;

	if (b->hasher == NULL)
		b->hasher = hasher_new();
	hasher_feed(b->hasher, bytes);
	while (b->failed == OK && bytes.n > 0) {
		ssize_t n = write(b->spool_fd, bytes.p, bytes.n);

		if (n >= 0)
			bytes = span_tail(bytes, (size_t)n);
		else if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
			b->failed = FULL;
		else if (errno != EINTR)
			b->failed = TEMP;
	}
	if (b->failed != OK) {
		close(b->spool_fd);
		b->spool_fd = -1;
	}
}

void front_body_spool_opened(struct session *s, enum code result, int fd)
{
	struct front_body *b = &s->body;
	bool is_amid = buf_len(&b->bytes) > 0;

	if (s->wait != WAIT_SPOOL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	b->failed = result == OK && fd < 0 ? TEMP : result;
	b->spool_fd = fd;
	if (b->failed == OK && is_amid)
		write_spool(s, buf_span(&b->bytes));
	buf_clear(&b->bytes);
	if (!is_amid && b->failed != OK)
		refuse(s, b->failed);
	else if (!is_amid)
		answer(s, OK);
	if (s->submission.is_at_end)
		front_submission_spool_opened(s);
	else
		session_resume(s);
}

/* ---- the body --------------------------------------------------------------- */
void front_body_add(struct session *s, struct span bytes)
{
	struct front_body *b = &s->body;

	if (b->failed != OK)
		return;
	b->size += bytes.n;
	if (b->is_spooled && s->wait != WAIT_SPOOL) {
		write_spool(s, bytes);
		return;
	}
	buf_put(&b->bytes, bytes);
	if (b->bytes.overflow || (!b->is_spooled &&
		buf_len(&b->bytes) > INLINE_MAX && !ask_spool(s)))
		b->failed = TEMP;
}

void front_body_drop(struct session *s)
{
	struct channel *queue = role_peer(s->front->run, ROLE_QUEUE);
	struct msg_spool_drop m = {.qid = s->body.qid};

	if (s->body.is_spooled && queue != NULL)
		channel_send(queue, spool_drop, SPOOL_DROP, s->sid, &m, -1);
	front_body_clear(s);
}

/* ---- commit ------------------------------------------------------------------ */
/* Ann@x and ann@x are one mailbox, and get one copy; ann+shop@x may be for another
 * folder. */
static bool is_repeated(const struct smtp_transaction *t, size_t at)
{
	const struct smtp_rcpt *r = &t->rcpts[at];

	if (r->route != ROUTE_LOCAL)
		return false;
	for (size_t i = 0; i < at; i++)
		if (t->rcpts[i].route == ROUTE_LOCAL &&
			t->rcpts[i].cookie == r->cookie &&
			span_eq_fold(smtp_address_detail(t->rcpts[i].address),
				smtp_address_detail(r->address)))
			return true;
	return false;
}

/* All recipients as records; false: more than fits. */
static bool put_rcpts(const struct smtp_transaction *t, struct buf *out)
{
	for (size_t i = 0; i < t->rcpt_count; i++) {
		struct rec_rcpt r = {.idx = (uint32_t)i,
			.route = t->rcpts[i].route,
			.account = t->rcpts[i].cookie,
			.notify = t->rcpts[i].notify,
			.address = t->rcpts[i].address,
			.orcpt = t->rcpts[i].orcpt};

		if (!is_repeated(t, i))
			rec_put_rcpt(out, &r);
	}
	return !out->overflow;
}

static void send_message(struct session *s, struct channel *queue,
	struct span rcpts)
{
	const struct smtp_transaction *t = smtp_server_transaction(s->smtp);
	struct front_body *b = &s->body;
	int64_t now_ms = loop_wall_ms(s->front->run->loop);
	struct mid mid = mid_of(b->qid);
	struct buf trace;
	struct msg_submit m = {.qid = b->qid, .sid = s->sid,
		.received_ms = now_ms, .flags = t->flags | b->flags,
		.size = b->size, .is_spooled = b->is_spooled,
		.account = s->account, .client = session_ip(s),
		.reverse_path = t->reverse_path, .ret = t->ret,
		.envid = t->envid, .rcpts = rcpts,
		.body = buf_span(&b->bytes)};

	buf_init(&trace, TRACE_MAX);
	smtp_server_put_received(s->smtp, &trace, mid_span(&mid), now_ms);
	b->hash = b->is_spooled ? hasher_end(b->hasher) : sha256_of(m.body);
	m.trace = buf_span(&trace);
	m.sha256 = sha256_span(&b->hash);
	m.given = front_submission_given(s);
	channel_send(queue, submit, SUBMIT, session_question(s), &m, -1);
	buf_clear(&trace);
	session_wait(s, WAIT_COMMIT);
}

void front_body_commit(struct session *s)
{
	struct channel *queue = role_peer(s->front->run, ROLE_QUEUE);
	struct front_body *b = &s->body;
	enum code failed = b->failed;
	struct buf rcpts;

	if (queue == NULL && failed == OK)
		failed = TEMP;
	if (b->is_spooled && failed == OK && b->hasher == NULL)
		write_spool(s, SPAN_EMPTY);
	if (failed != OK) {
		refuse(s, failed);
		return;
	}
	buf_init(&rcpts, 98304);
	if (put_rcpts(smtp_server_transaction(s->smtp), &rcpts)) {
		send_message(s, queue, buf_span(&rcpts));
	} else {
		refuse(s, TEMP);
	}
	buf_clear(&rcpts);
}
