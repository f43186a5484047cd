/*
 * outbound_job.c - one SEND of queue, until SENT answers it.  See
 * outbound_int.h.
 *
 * A job owns a copy of its frame; all spans of its message point into that.
 * Texts of outcomes lie in the same arena.
 */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "role/outbound_int.h"

#include "base/banned.h"

/* A frame, and an outcome of TEXT_BYTES for each of as many recipients as fit
 * into one. */
#define JOB_ARENA_BYTES (16u << 20)

#define OUTCOMES_BYTES  98304 /* RECORDS_BYTES of messages.def */
#define OUTCOME_BYTES   40    /* of one, without its text */
#define TEXT_BYTES_MAX  1024

_Static_assert(SMTP_CLIENT_MAIL_8BIT == MAIL_8BIT &&
		SMTP_CLIENT_MAIL_BINARY == MAIL_BINARY &&
		SMTP_CLIENT_MAIL_UTF8 == MAIL_UTF8 &&
		SMTP_CLIENT_MAIL_REQUIRETLS == MAIL_REQUIRETLS,
	"the engine's flags are those of the envelope");

/* How many recipients there are; 0: malformed, or none. */
static size_t count_rcpts(struct span records)
{
	struct rec_rcpt r;
	size_t n = 0;
	enum step step;

	while ((step = rec_next_rcpt(&records, &r)) == MORE)
		n++;
	return step == DONE ? n : 0;
}

static void take_rcpts(struct job *j, struct span records, size_t count)
{
	struct smtp_client_message *m = &j->message;
	struct rec_rcpt r;

	m->rcpts = arena_alloc(&j->arena, count, sizeof(*m->rcpts));
	j->idx = arena_alloc(&j->arena, count, sizeof(*j->idx));
	while (rec_next_rcpt(&records, &r) == MORE) {
		j->idx[m->rcpt_count] = r.idx;
		m->rcpts[m->rcpt_count].address = r.address;
		m->rcpts[m->rcpt_count].notify = r.notify;
		m->rcpts[m->rcpt_count++].orcpt = r.orcpt;
	}
}

struct job *outbound_job_new(const struct frame *f, struct msg_send *out_m)
{
	struct job *j = MEM_NEW(struct job);
	struct smtp_client_message *m = &j->message;
	size_t count;

	arena_init(&j->arena, JOB_ARENA_BYTES);
	list_init(&j->link);
	buf_init(&j->dialogue, OUTBOUND_DIALOGUE_BYTES);
	j->fd = f->fd;
	j->id = f->id;
	if (!msg_get_send(arena_dup(&j->arena, f->body), out_m))
		goto bad;
	count = count_rcpts(out_m->rcpts);
	if (count == 0 ||
		(out_m->is_spooled != 0) != (f->fd >= 0 || f->is_fd_lost))
		goto bad;
	j->qid = out_m->qid;
	j->body_bytes = out_m->size;
	m->reverse_path = out_m->reverse_path;
	m->flags = out_m->flags;
	m->ret = out_m->ret;
	m->envid = out_m->envid;
	m->head = out_m->trace;
	m->body = out_m->body;
	m->is_streamed = f->fd >= 0;
	m->may_convert = true;
	m->size = out_m->size + out_m->trace.n;
	m->arena = &j->arena;
	take_rcpts(j, out_m->rcpts, count);
	return j;
bad:
	outbound_job_free(j);
	return NULL;
}

void outbound_job_free(struct job *j)
{
	list_take(&j->link);
	outbound_convert_end(j);
	if (j->fd >= 0)
		close(j->fd);
	buf_clear(&j->dialogue);
	arena_clear(&j->arena);
	mem_free(j);
}

void outbound_job_fail(struct job *j, const struct fault *f)
{
	struct span text = arena_dup(&j->arena, span_str(f->text));

	for (size_t i = 0; i < j->message.rcpt_count; i++) {
		struct smtp_client_rcpt *r = &j->message.rcpts[i];

		if (r->is_settled)
			continue;
		r->is_settled = true;
		r->result = f->result;
		r->code = f->code;
		r->enhanced = span_str(f->enhanced);
		r->text = text;
	}
}

void outbound_job_note(struct job *j, struct span lines)
{
	while (lines.n > 0) {
		size_t end = span_find(lines, '\n');
		size_t n = end < lines.n ? end + 1 : end;

		if (buf_left(&j->dialogue) < n)
			return;
		buf_put(&j->dialogue, span_head(lines, n));
		lines = span_tail(lines, n);
	}
}

static bool *why_again(struct smtp_client_rcpt *r, enum outbound_again why)
{
	if (why == AGAIN_CUT)
		return &r->was_cut;
	return why == AGAIN_CROWDED ? &r->was_crowded : &r->was_unfit;
}

bool outbound_job_has(struct job *j, enum outbound_again why)
{
	for (size_t i = 0; i < j->message.rcpt_count; i++)
		if (*why_again(&j->message.rcpts[i], why))
			return true;
	return false;
}

bool outbound_job_reopen(struct job *j, enum outbound_again why)
{
	bool has_any = false;

	for (size_t i = 0; i < j->message.rcpt_count; i++) {
		struct smtp_client_rcpt *r = &j->message.rcpts[i];

		if (!r->is_settled || !*why_again(r, why))
			continue;
		r->is_settled = r->was_cut = r->was_crowded = false;
		r->was_unfit = false;
		has_any = true;
	}
	j->offset = 0;
	outbound_convert_end(j);
	return has_any;
}

/* The outcomes, with texts cut so that all fit. */
static void put_outcomes(const struct job *j, struct buf *out)
{
	size_t count = j->message.rcpt_count;
	size_t each = OUTCOMES_BYTES / count;
	size_t room = each > OUTCOME_BYTES ? each - OUTCOME_BYTES : 0;

	room = room > TEXT_BYTES_MAX ? TEXT_BYTES_MAX : room;
	for (size_t i = 0; i < count; i++) {
		const struct smtp_client_rcpt *r = &j->message.rcpts[i];
		struct rec_outcome o = {.idx = j->idx[i],
			.result = (uint8_t)r->result,
			.has_dsn = r->has_dsn, .code = r->code,
			.enhanced = span_head(r->enhanced, room > 0 ? 16 : 0),
			.text = span_head(r->text, room)};

		must(r->is_settled);
		rec_put_outcome(out, &o);
	}
}

static bool is_all_ok(const struct job *j)
{
	for (size_t i = 0; i < j->message.rcpt_count; i++)
		if (j->message.rcpts[i].result != OK)
			return false;
	return true;
}

void outbound_job_report(struct outbound *o, struct job *j,
	struct span latest)
{
	struct channel *queue = role_peer(o->run, ROLE_QUEUE);
	struct msg_sent m = {.qid = j->qid, .peer = span_str(j->peer)};
	struct buf outcomes;

	if (queue != NULL && !j->is_orphan) {
		buf_init(&outcomes, OUTCOMES_BYTES);
		put_outcomes(j, &outcomes);
		m.outcomes = buf_span(&outcomes);
		if (!is_all_ok(j) || log_wants(EV_SMTP_CLIENT_LINE)) {
			outbound_job_note(j, latest);
			m.dialogue = buf_span(&j->dialogue);
		} else {
			m.dialogue = span_str(j->tls_line);
		}
		channel_send(queue, sent, SENT, j->id, &m, -1);
		buf_clear(&outcomes);
	}
	outbound_job_free(j);
}
