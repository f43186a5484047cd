/*
 * front_submission.c - what a message has to pass that somebody hands in after
 * a login: whose is it, and what does its header lack?  RFC 6409
 *
 *	ASK_SENDER ── SENDER_CHECK ──▶ directory: his address?  his limit?
 *	BODY ──▶ message/submission.h ──▶ front_body
 *	ASK_COMMIT ── a SENDER_CHECK for each sender that the header names ──▶
 *		front_body_commit
 *
 * An address that was found to be his own in this message is not asked for
 * again: mostly From is what MAIL said, and nothing is asked at the end.
 */
#include "base/mid.h"
#include "crypto/secret.h"
#include "role/front_int.h"

#include "base/banned.h"

#define ID_BYTES_MAX   320 /* a host name has 255 at most */
#define ID_RANDOM      8

bool front_is_submission(const struct session *s)
{
	return s->service == SERVICE_SUBMISSION ||
		s->service == SERVICE_SUBMISSIONS ||
		s->service == SERVICE_LOCAL;
}

static void answer(struct session *s, enum code verdict)
{
	smtp_server_answer(s->smtp, verdict, 0, 0, SPAN_EMPTY);
}

/* False: directory is not there. */
static bool ask(struct session *s, struct span address, enum front_wait wait)
{
	struct channel *directory = role_peer(s->front->run, ROLE_DIRECTORY);
	const struct msg_sender_check m = {.account = s->account,
		.is_new = wait == WAIT_SENDER, .address = address};

	if (directory == NULL)
		return false;
	channel_send(directory, sender_check, SENDER_CHECK,
		session_question(s), &m, -1);
	session_wait(s, wait);
	return true;
}

void front_submission_sender(struct session *s, struct span address)
{
	enum code verdict = s->local == NULL
		? BUSY
		: front_local_judge_sender(s, &address);

	if (verdict != BUSY)
		answer(s, verdict);
	else if (!ask(s, address, WAIT_SENDER))
		answer(s, TEMP);
}

/* ---- the body --------------------------------------------------------------- */

/* Unique by the number of the message; the rest of it tells nobody how many
 * messages there are between two of ours. */
static void put_id(struct session *s)
{
	struct front_submission *f = &s->submission;
	struct mid mid = mid_of(s->body.qid);
	uint8_t random[ID_RANDOM];

	secret_random(random, sizeof(random));
	buf_init(&f->id, ID_BYTES_MAX);
	buf_put(&f->id, mid_span(&mid));
	buf_putc(&f->id, '-');
	for (size_t i = 0; i < sizeof(random); i++)
		buf_printf(&f->id, "%02x", random[i]);
	buf_putc(&f->id, '@');
	buf_put(&f->id, s->front->run->config->hostname);
}

static void begin(struct session *s)
{
	struct front_submission *f = &s->submission;
	struct submission_config config = {.address = s->address,
		.now_ms = loop_wall_ms(s->front->run->loop)};

	if (f->is_open)
		return;
	if (s->local != NULL)
		front_local_complete(s, &config);
	put_id(s);
	config.message_id = buf_span(&f->id);
	submission_init(&f->filter, &config);
	f->is_open = true;
}

/* Date and Message-ID that were added are others when the client, which did not
 * hear our 250, gives the same once more: RFC 1047. */
static void note_given(struct session *s, const struct submission_out *out)
{
	struct front_submission *f = &s->submission;

	if (out->head.n > 0 && f->filter.added_bytes > 0) {
		f->given = hasher_new();
		hasher_feed(f->given,
			span_tail(out->head, f->filter.added_bytes));
	}
	if (f->given != NULL)
		hasher_feed(f->given, out->body);
}

struct span front_submission_given(struct session *s)
{
	struct front_submission *f = &s->submission;

	if (f->given == NULL)
		return SPAN_EMPTY;
	f->given_hash = hasher_end(f->given);
	return sha256_span(&f->given_hash);
}

/* What comes out of the filter goes on; else the message is refused at its
 * end. */
static void pass_on(struct session *s, enum code code,
	const struct submission_out *out)
{
	if (code != OK) {
		s->submission.failed = code;
		return;
	}
	note_given(s, out);
	if (out->head.n > 0)
		front_body_add(s, out->head);
	if (out->body.n > 0)
		front_body_add(s, out->body);
}

void front_submission_add(struct session *s, struct span bytes)
{
	struct submission_out out;

	begin(s);
	if (s->submission.failed == OK)
		pass_on(s, submission_feed(&s->submission.filter, bytes, &out),
			&out);
}

/* ---- whose is it? ------------------------------------------------------------- */

static bool is_his(const struct session *s, struct span address)
{
	return span_eq_fold(address, s->address) ||
		span_eq_fold(address,
			smtp_server_transaction(s->smtp)->reverse_path);
}

static void refuse(struct session *s, enum code verdict)
{
	front_body_drop(s);
	answer(s, verdict);
}

/* Asks for the next sender of the header that is not known to be his; behind
 * the last one the message goes on. */
static void ask_next(struct session *s)
{
	struct span sender;

	while (submission_next_sender(&s->submission.unasked, &sender)) {
		if (is_his(s, sender))
			continue;
		if (!ask(s, sender, WAIT_OWN))
			refuse(s, TEMP);
		return;
	}
	front_body_commit(s);
}

/* Programs of this machine too: see front_local.c. */
static bool may_name_anybody(const struct session *s)
{
	return s->local != NULL || s->front->run->config->submission_from ==
		SUBMISSION_FROM_ANY;
}

static void judge(struct session *s)
{
	struct front_submission *f = &s->submission;

	if (submission_added_utf8(&f->filter))
		s->body.flags |= MAIL_UTF8 | MAIL_8BIT;
	f->unasked = submission_senders(&f->filter);
	if (may_name_anybody(s))
		front_body_commit(s);
	else if (submission_is_unclear(&f->filter))
		refuse(s, DENIED);
	else
		ask_next(s);
}

void front_submission_commit(struct session *s)
{
	struct front_submission *f = &s->submission;
	struct submission_out out;

	begin(s);
	if (f->failed == OK)
		pass_on(s, submission_end(&f->filter, &out), &out);
	if (f->failed != OK)
		refuse(s, f->failed);
	else if (s->wait == WAIT_SPOOL)
		f->is_at_end = true; /* a header that is all of a message */
	else
		judge(s);
}

/* Goes on in the wait that is over; the engine goes on if it was answered. */
static void go_on(struct session *s, void (*next)(struct session *s))
{
	enum front_wait wait = s->wait;

	s->wait = WAIT_NONE;
	next(s);
	if (s->wait != WAIT_NONE)
		return;
	s->wait = wait; /* resume ends a wait */
	session_resume(s);
}

void front_submission_spool_opened(struct session *s)
{
	s->submission.is_at_end = false;
	go_on(s, judge);
}

void front_submission_clear(struct session *s)
{
	struct front_submission *f = &s->submission;

	if (!f->is_open)
		return;
	submission_clear(&f->filter);
	hasher_free(f->given);
	buf_clear(&f->id);
	*f = (struct front_submission){.is_open = false};
}

/* ---- answers -------------------------------------------------------------------- */

bool front_on_sender_verdict(void *arg, struct frame *frame)
{
	struct session *sender = session_of_answer(arg, frame->id, WAIT_SENDER);
	struct session *own = session_of_answer(arg, frame->id, WAIT_OWN);
	struct msg_sender_verdict m;

	if (!msg_get_sender_verdict(frame->body, &m))
		return false;
	if (sender != NULL) {
		answer(sender, (enum code)m.result);
		session_resume(sender);
	} else if (own != NULL && m.result == OK) {
		go_on(own, ask_next);
	} else if (own != NULL) {
		refuse(own, m.result == DENIED ? DENIED : TEMP);
		session_resume(own);
	}
	return true;
}

void front_submission_wait_failed(struct session *s)
{
	if (s->wait == WAIT_OWN)
		refuse(s, TEMP);
	else
		answer(s, TEMP);
	session_resume(s);
}
