/*
 * queue_notice.c - notices to senders.  See queue_int.h.
 *
 * A notice is made when its message rests (nobody works on a recipient now):
 * so a message with a thousand bad recipients brings one notice, and a bad
 * one beside a slow one does not wait for it.  It is stored in the same
 * transaction in which its recipients become "told".  The null sender is
 * never told, RFC 5321 4.5.5.
 */
#include "role/queue_int.h"

#include <unistd.h>

#include "base/mem.h"
#include "base/mid.h"
#include "crypto/hash.h"
#include "queue/queue_dsn.h"
#include "smtp/smtp_dsn.h"

#define NOTICE_INLINE_MAX 65536u /* INLINE_BYTES of messages.def */

/* Is there somebody whom such a notice is about? */
static bool has_news(const struct work *w, enum queue_dsn_kind kind)
{
	for (size_t i = 0; i < w->msg.rcpt_count; i++)
		if (queue_dsn_concerns(kind, &w->msg.rcpts[i]))
			return true;
	return false;
}

/* Those who failed, also of whom the sender wants to hear nothing. */
static void mark_told(struct work *w)
{
	for (size_t i = 0; i < w->msg.rcpt_count; i++) {
		if (w->msg.rcpts[i].state != QUEUE_FAILED)
			continue;
		w->msg.rcpts[i].state = QUEUE_TOLD;
		w->seats[i]->is_dirty = true;
	}
}

static void mark_good(struct work *w)
{
	for (size_t i = 0; i < w->msg.rcpt_count; i++) {
		if (w->msg.rcpts[i].tell == QUEUE_TELL_NOTHING)
			continue;
		w->msg.rcpts[i].tell = QUEUE_TELL_NOTHING;
		w->seats[i]->is_dirty = true;
	}
}

/* As much of the original as a notice needs, copied into *out. */
static bool take_original(struct queue *q, struct work *w, struct buf *out,
	struct err *e)
{
	struct span body;
	uint8_t *to;
	ssize_t n;
	int fd;

	if (!w->msg.is_spooled) {
		if (work_body(q, w, &body, e) != OK)
			return false;
		buf_put(out, body);
		return true;
	}
	if (queue_spool_read(&q->spool, w->msg.qid, &fd, e) != OK)
		return false;
	to = buf_reserve(out, QUEUE_DSN_HEADER_MAX);
	n = pread(fd, to, QUEUE_DSN_HEADER_MAX, 0);
	close(fd);
	if (n > 0)
		buf_wrote(out, (size_t)n);
	return n > 0;
}

/* The work of a notice whose text is given; front-less, not stored. */
static bool make_work(struct queue *q, const struct work *about, uint64_t qid,
	struct span text, uint32_t flags)
{
	struct work *w = work_new(1);
	struct sha256 hash = sha256_of(text);
	struct err e;

	w->msg.qid = w->first_qid = qid;
	w->msg.received_wall_ms = loop_wall_ms(q->run->loop);
	w->msg.since_ms = queue_now_ms(q);
	w->msg.flags = flags;
	w->msg.size = text.n;
	w->msg.sha256 = arena_dup(&w->arena, sha256_span(&hash));
	w->msg.is_spooled = text.n > NOTICE_INLINE_MAX;
	w->msg.rcpt_count = 1;
	w->msg.rcpts[0] = (struct queue_rcpt){
		.state = QUEUE_SENDING,
		.route = QUEUE_TO_UNKNOWN,
		.address = arena_dup(&w->arena, about->msg.reverse_path),
	};
	work_seat(w, 0);
	if (w->msg.is_spooled && (queue_spool_write(&q->spool, qid, text, &e) !=
		OK || queue_spool_sync(&q->spool, &e) != OK)) {
		work_free(q, w);
		queue_trouble(q, &e);
		return false;
	}
	if (!w->msg.is_spooled) {
		struct buf copy;

		buf_init(&copy, NOTICE_INLINE_MAX);
		buf_put(&copy, text);
		w->body = copy.p; /* the work's from now on */
		q->body_bytes += text.n;
	}
	seat_move(w->seats[0], PLACE_CLAIMED);
	list_put(&q->submits, &w->link);
	return true;
}

static bool make_notice(struct queue *q, struct work *w,
	enum queue_dsn_kind kind)
{
	struct queue_dsn d = {
		.kind = kind,
		.language = q->run->config->notice_language,
		.hostname = q->run->config->hostname,
		.about_qid = w->msg.qid,
		.to = w->msg.reverse_path,
		.now_wall_ms = loop_wall_ms(q->run->loop),
		.received_wall_ms = w->msg.received_wall_ms,
		.rcpts = w->msg.rcpts,
		.rcpt_count = w->msg.rcpt_count,
		.envid = w->msg.envid,
		.trace = w->msg.trace,
		.original_size = w->msg.size,
		.is_binary = (w->msg.flags & MAIL_BINARY) != 0,
		.is_header_only = (w->msg.flags & MAIL_REQUIRETLS) != 0 ||
			w->msg.ret == SMTP_RET_HDRS,
	};
	struct buf original, text;
	struct err e = {.text = ""};
	uint32_t flags;
	struct mid about = mid_of(w->msg.qid);
	bool is_made;

	d.give_up_wall_ms = d.now_wall_ms + w->msg.since_ms +
		q->schedule.give_up_after_ms - queue_now_ms(q);
	if (!queue_take_qid(q, 1, &d.qid))
		return false;
	buf_init(&original, NOTICE_INLINE_MAX + 1);
	buf_init(&text, QUEUE_DSN_MAX);
	if (!take_original(q, w, &original, &e))
		queue_trouble(q, &e); /* the notice goes without it */
	d.original = buf_span(&original);
	queue_dsn_put(&text, &d, &flags);
	/* as well protected as what it is about: RFC 8689 5 */
	flags |= w->msg.flags & MAIL_REQUIRETLS;
	is_made = make_work(q, w, d.qid, buf_span(&text), flags);
	if (is_made)
		LOG(EV_QUEUE_NOTIFIED, LOG_MID(d.qid),
			LOG_SPAN("about", mid_span(&about)),
			LOG_SPAN("to", w->msg.reverse_path));
	buf_clear(&original);
	buf_clear(&text);
	return is_made;
}

void notice_make(struct queue *q, struct work *w)
{
	bool is_null = w->msg.reverse_path.n == 0 ||
		(w->msg.flags & MAIL_INTERNAL) != 0;

	if (is_null || !has_news(w, QUEUE_DSN_FAILED) ||
		make_notice(q, w, QUEUE_DSN_FAILED))
		mark_told(w);
	if (is_null || !has_news(w, QUEUE_DSN_DONE) ||
		make_notice(q, w, QUEUE_DSN_DONE))
		mark_good(w);
	if (is_null || w->msg.is_warned || w->wants_warned ||
		!has_news(w, QUEUE_DSN_DELAYED) ||
		!queue_schedule_wants_warning(&q->schedule, w->msg.since_ms,
			queue_now_ms(q)))
		return;
	w->wants_warned = make_notice(q, w, QUEUE_DSN_DELAYED);
}
