/*
 * front_local.c - programs of this machine: SMTP on run_dir/submit.sock, and
 * messages that waited in data_dir/drop.
 *
 *	LOCAL_CLIENT ─▶ session ─ LOCAL_USER ─▶ directory
 *	                   ◀───── LOCAL_USER_IS ── greeting, MAIL, RCPT ...
 *
 * There is nothing to log in with: who it is came from the kernel.  The rule:
 *
 *	root, the server's user   send as anybody, without a limit
 *	everybody                 sends as the null sender, as NAME@ the oldest
 *	                          domain, as NAME@hostname
 *	whose NAME@ that domain   also sends as that account may, with its
 *	is an account             limits
 *
 * From of the header may be anybody: cron writes root's name there, whoever
 * the job is of; Received: tells.
 */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "role/front_int.h"

#include "base/banned.h"

/* ---- the connection ---------------------------------------------------------- */
/* Never the bytes of an address: one byte longer than IPv4's, three shorter than
 * a /64. */
struct span front_local_counted(uint32_t uid,
	uint8_t room[FRONT_COUNTED_BYTES])
{
	room[0] = 'u';
	memcpy(room + 1, &uid, sizeof(uid));
	return span_of(room, 1 + sizeof(uid));
}

uint64_t front_local_open(struct front *f, int fd,
	const struct front_local *who)
{
	uint8_t room[FRONT_COUNTED_BYTES];

	if (!f->is_stopping &&
		front_count_in(f, front_local_counted(who->smtp.uid, room)))
		return session_open_local(f, fd, who);
	/* the program leaves its message for later */
	LOG(EV_SMTP_LIMIT, LOG_STR("why", "local connections"));
	close(fd);
	return 0;
}

void front_local_client(void *state, const struct msg_local_client *m, int fd)
{
	const struct front_local who = {.smtp = {.uid = m->uid},
		.is_trusted = m->is_trusted != 0, .name = m->name};

	(void)front_local_open(state, fd, &who);
}

/* ---- who is it? ------------------------------------------------------------------ */
static void fail(struct session *s)
{
	smtp_server_shut(s->smtp, SPAN("4.3.0"),
		SPAN("Our own trouble: try again later"),
		SPAN("directory does not answer"));
}

void front_local_begin(struct session *s)
{
	struct channel *directory = role_peer(s->front->run, ROLE_DIRECTORY);
	const struct msg_local_user m = {.name = s->local->name};

	LOG(EV_LOCAL_CLIENT, LOG_SID(s->sid),
		LOG_NUM("uid", s->local->smtp.uid),
		LOG_SPAN("user", s->local->name));
	s->may_relay = true;
	if (directory == NULL) {
		fail(s);
		return;
	}
	channel_send(directory, local_user, LOCAL_USER, session_question(s),
		&m, -1);
	session_wait(s, WAIT_LOCAL);
}

static struct span put_address(struct session *s, struct span domain)
{
	struct buf text;
	struct span kept;

	buf_init(&text, 1024);
	buf_put(&text, s->local->name);
	buf_putc(&text, '@');
	buf_put(&text, domain);
	kept = arena_dup(&s->arena, buf_span(&text));
	buf_clear(&text);
	return kept;
}

static void take_user(struct session *s, const struct msg_local_user_is *m)
{
	struct span hostname = s->front->run->config->hostname;

	s->local->smtp.domain = arena_dup(&s->arena,
		m->domain.n > 0 ? m->domain : hostname);
	s->address = put_address(s, s->local->smtp.domain);
	/* no account's limits for the machine itself */
	if (!s->local->is_trusted)
		s->account = m->account;
}

bool front_on_local_user_is(void *arg, struct frame *frame)
{
	struct session *s = session_of_answer(arg, frame->id, WAIT_LOCAL);
	struct msg_local_user_is m;

	if (!msg_get_local_user_is(frame->body, &m))
		return false;
	if (s == NULL)
		return true;
	if (m.result == OK)
		take_user(s, &m);
	else
		fail(s);
	session_resume(s);
	return true;
}

void front_local_wait_failed(struct session *s)
{
	fail(s);
	session_resume(s);
}

/* ---- what it may ------------------------------------------------------------------- */
static bool is_own(const struct session *s, struct span address)
{
	struct span hostname = s->front->run->config->hostname;
	size_t at = span_find_last(address, '@');

	if (span_eq_fold(address, s->address))
		return true;
	return span_eq_fold(span_head(address, at), s->local->name) &&
		span_eq_fold(span_tail(address, at + 1), hostname);
}

enum code front_local_judge_sender(const struct session *s,
	struct span *address)
{
	if (s->local->is_trusted)
		return OK;
	if (s->account != 0) {
		/* also counted there */
		if (is_own(s, *address))
			*address = s->address;
		return BUSY;
	}
	return address->n == 0 || is_own(s, *address) ? OK : DENIED;
}

void front_local_complete(const struct session *s,
	struct submission_config *config)
{
	struct span sender = smtp_server_transaction(s->smtp)->reverse_path;

	/* root may have named somebody else */
	if (sender.n > 0)
		config->address = sender;
	config->domain = s->local->smtp.domain;
}

/* The sender of a message that waited cannot be asked any more: recipients that
 * are not there are for queue, which tells it. */
enum rcpt_verdict front_local_judge_rcpt(struct session *s,
	const struct msg_rcpt_verdict *m)
{
	enum rcpt_verdict verdict = (enum rcpt_verdict)m->verdict;

	if (!s->local->is_drop || verdict == RCPT_OK)
		return verdict;
	if (verdict == RCPT_LIMIT) {
		s->local->must_wait = true;
		return verdict;
	}
	return RCPT_OK;
}
