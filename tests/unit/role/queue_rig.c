/*
 * queue_rig.c - the role queue in a process of its own.  See queue_rig.h.
 */
#define _GNU_SOURCE
#include "queue_rig.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "ipc/channel.h"
#include "ipc/wire.h"
#include "role/role.h"
#include "role/roles.h"

/* Against hanging for ever; no measure of anything. */
#define PATIENCE_MS 300000

/* ---- the child -------------------------------------------------------------------- */
static struct role_run run;
static void *state;
static int control_fd;

static void on_lost(void *arg, struct channel *c)
{
	enum role role = channel_peer(c);

	run.peers[role][0] = NULL;
	channel_free(c);
	role_queue.peer_lost(arg, role, 0);
}

static void child_peer(enum role role, int fd)
{
	struct channel_owner owner = {role_queue.handlers, on_lost, NULL,
		state};

	run.peers[role][0] = channel_new(run.loop, fd, ROLE_QUEUE, role, 0,
		&owner);
	role_queue.peer_up(state, role, 0);
}

static void no_row(void *arg, const struct span *cells, size_t count)
{
	(void)arg;
	(void)cells;
	(void)count;
}

/* A byte '!' is STOP; else "verb word". */
static void on_control(void *arg, unsigned ready)
{
	const struct admin_out out = {no_row, NULL};
	struct span words[3] = {SPAN("queue")};
	char line[256];
	ssize_t n = read(control_fd, line, sizeof(line));
	struct span left;
	struct err e = {.text = ""};
	uint8_t status;

	(void)arg;
	(void)ready;
	if (n <= 0)
		_exit(0);
	if (line[0] == '!') {
		role_queue.stop(state);
		return;
	}
	left = span_of(line, (size_t)n);
	words[1] = span_cut(&left, ' ');
	words[2] = left;
	status = (uint8_t)role_queue.admin(state, words, left.n == 0 ? 2 : 3,
		&out, &e);
	if (write(control_fd, &status, 1) != 1)
		_exit(1);
}

static void child(struct rig *r, const int fds[5])
{
	struct watch *watch;
	struct err e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_open("queue", getenv("RIG_LOG") != NULL ? 2 : -1, LOG_DEBUG);
	run = (struct role_run){.def = &role_queue, .config = &r->config,
		.loop = loop_new()};
	if (role_queue.open(&run, &state, &e) != OK) {
		(void)fprintf(stderr, "open: %s\n", e.text);
		_exit(2);
	}
	control_fd = fds[4];
	watch = watch_new(run.loop, control_fd, on_control, NULL);
	watch_want(watch, WATCH_READ);
	child_peer(ROLE_FRONT, fds[0]);
	child_peer(ROLE_DIRECTORY, fds[1]);
	child_peer(ROLE_OUTBOUND, fds[2]);
	child_peer(ROLE_ACCOUNTS, fds[3]);
	role_queue.begin(state);
	loop_run(run.loop);
	_exit(0);
}

/* ---- the parent ------------------------------------------------------------------- */
static int64_t retries[] = {200};

void rig_open(struct rig *r)
{
	char path[128];

	*r = (struct rig){.pid = 0, .front = -1, .account = -1};
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/rig.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	(void)snprintf(path, sizeof(path), "%s/queue", r->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/queue/spool", r->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	r->config.hostname = SPAN("mx.crepes.fr");
	r->config.data_dir = span_str(r->dir);
	r->config.retry_ms[0] = retries[0];
	r->config.retry_count = 1;
	r->config.warn_after_ms = 3600 * 1000;
	r->config.give_up_after_ms = 5 * 3600 * 1000;
	r->config.bounce_give_up_after_ms = 3600 * 1000;
	r->config.keep_history_ms = 3600 * 1000;
}

static void close_ends(struct rig *r)
{
	int *ends[] = {&r->front, &r->directory, &r->outbound, &r->accounts,
		&r->control, &r->account};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (*ends[i] >= 0)
			close(*ends[i]);
		*ends[i] = -1;
	}
}

void rig_start(struct rig *r)
{
	int mine[5], theirs[5];

	for (size_t i = 0; i < 5; i++) {
		int pair[2];

		assert_true(channel_pair(pair));
		mine[i] = pair[0];
		theirs[i] = pair[1];
	}
	r->pid = fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		for (size_t i = 0; i < 5; i++)
			close(mine[i]);
		child(r, theirs);
	}
	for (size_t i = 0; i < 5; i++)
		close(theirs[i]);
	r->front = mine[0];
	r->directory = mine[1];
	r->outbound = mine[2];
	r->accounts = mine[3];
	r->control = mine[4];
	r->account = -1;
}

void rig_kill(struct rig *r)
{
	int status;

	if (r->pid <= 0)
		return;
	kill(r->pid, SIGKILL);
	waitpid(r->pid, &status, 0);
	r->pid = 0;
	close_ends(r);
}

void rig_stop(struct rig *r)
{
	int status;

	assert_int_equal(write(r->control, "!", 1), 1);
	waitpid(r->pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	r->pid = 0;
	close_ends(r);
}

void rig_close(struct rig *r)
{
	char command[128];

	rig_kill(r);
	(void)snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	assert_int_equal(system(command), 0);
}

/* ---- frames ----------------------------------------------------------------------- */
static struct buf frame = {.max = 256 * 1024};

struct buf *rig_begin(enum message_type type, uint64_t id)
{
	buf_reset(&frame);
	wire_put_u32(&frame, type);
	wire_put_u64(&frame, id);
	return &frame;
}

void rig_send(int to, int fd)
{
	struct span s = buf_span(&frame);
	struct iovec part = {(void *)(uintptr_t)s.p, s.n};
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *head;

		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		head = CMSG_FIRSTHDR(&m);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(to, &m, MSG_NOSIGNAL), s.n);
	if (fd >= 0)
		close(fd);
}

bool rig_get(int from, struct got *out, int timeout_ms)
{
	static uint8_t bytes[256 * 1024];
	struct pollfd p = {.fd = from, .events = POLLIN};
	struct iovec part = {bytes, sizeof(bytes)};
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control)};
	struct wire w;
	ssize_t n;

	if (poll(&p, 1, timeout_ms) != 1)
		return false;
	n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return false;
	w = wire_of(span_of(bytes, (size_t)n));
	out->type = wire_get_u32(&w);
	out->id = wire_get_u64(&w);
	out->body = w.left;
	out->fd = -1;
	if (CMSG_FIRSTHDR(&m) != NULL)
		memcpy(&out->fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return true;
}

bool rig_is_heard(int from, int timeout_ms)
{
	struct pollfd p = {.fd = from, .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

void rig_want(int from, enum message_type type, struct got *out)
{
	assert_true(rig_get(from, out, PATIENCE_MS));
	assert_string_equal(message_name(out->type), message_name(type));
}

void rig_want_silence(int from, int for_ms)
{
	struct got g;

	if (rig_get(from, &g, for_ms))
		fail_msg("unexpected %s", message_name(g.type));
}

int rig_admin(struct rig *r, const char *verb, const char *word)
{
	struct pollfd p = {.fd = r->control, .events = POLLIN};
	char line[256];
	uint8_t status;
	int n = snprintf(line, sizeof(line), "%s%s%s", verb,
		word[0] == '\0' ? "" : " ", word);

	assert_int_equal(write(r->control, line, (size_t)n), n);
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_int_equal(read(r->control, &status, 1), 1);
	return status;
}

/* ---- whole steps ------------------------------------------------------------------ */
uint64_t rig_ids(struct rig *r, uint32_t count)
{
	struct msg_ids m = {count};
	struct msg_id_block block;
	struct got g;

	msg_put_ids(rig_begin(MSG_IDS, 7), &m);
	rig_send(r->front, -1);
	rig_want(r->front, MSG_ID_BLOCK, &g);
	assert_true(msg_get_id_block(g.body, &block));
	assert_int_equal(g.id, 7);
	assert_int_equal(block.count, count);
	return block.first;
}

static void put_records(struct buf *out, const struct rig_rcpt *rcpts,
	size_t count, uint8_t notify)
{
	buf_init(out, 65536);
	for (size_t i = 0; i < count; i++) {
		struct rec_rcpt rec = {.idx = (uint32_t)i,
			.route = (uint8_t)rcpts[i].route,
			.account = rcpts[i].account,
			.notify = notify,
			.address = span_str(rcpts[i].address)};

		rec_put_rcpt(out, &rec);
	}
}

void rig_submit(struct rig *r, uint64_t qid, const char *from,
	const struct rig_rcpt *rcpts, size_t count, const char *body)
{
	static const uint8_t client[4] = {127, 0, 0, 1};
	struct sha256 hash = sha256_of(span_str(body));
	struct buf records;
	struct msg_submit m = {
		.qid = qid,
		.sid = 1,
		.received_ms = 1700000000000,
		.size = strlen(body),
		.client = span_of(client, 4),
		.sha256 = sha256_span(&hash),
		.reverse_path = span_str(from == NULL ? "alice@crepes.fr"
						      : from),
		.ret = r->ret,
		.envid = r->notify != 0 ? SPAN("QQ+2B314") : SPAN_EMPTY,
		.trace = SPAN("Received: from test\r\n"),
		.body = span_str(body),
	};

	put_records(&records, rcpts, count, r->notify);
	m.rcpts = buf_span(&records);
	msg_put_submit(rig_begin(MSG_SUBMIT, qid + 1000000), &m);
	rig_send(r->front, -1);
	buf_clear(&records);
}

uint64_t rig_submitted(struct rig *r)
{
	struct msg_submitted m;
	struct got g;

	rig_want(r->front, MSG_SUBMITTED, &g);
	assert_true(msg_get_submitted(g.body, &m));
	assert_int_equal(m.result, OK);
	return m.qid;
}

void rig_account(struct rig *r, uint64_t account)
{
	struct msg_account_open m;
	struct msg_account_opened answer = {OK, account};
	struct got g;
	int pair[2];

	rig_want(r->accounts, MSG_ACCOUNT_OPEN, &g);
	assert_true(msg_get_account_open(g.body, &m));
	assert_int_equal(m.account, account);
	assert_true(channel_pair(pair));
	msg_put_account_opened(rig_begin(MSG_ACCOUNT_OPENED, g.id), &answer);
	rig_send(r->accounts, pair[1]);
	if (r->account >= 0)
		close(r->account);
	r->account = pair[0];
}

void rig_deliver(struct rig *r, struct msg_deliver *out)
{
	struct got g = {.type = MSG_FORGET};

	while (g.type == MSG_FORGET)
		assert_true(rig_get(r->account, &g, PATIENCE_MS));
	assert_int_equal(g.type, MSG_DELIVER);
	assert_true(msg_get_deliver(g.body, out));
	if (g.fd >= 0)
		close(g.fd);
}

void rig_delivered(struct rig *r, uint64_t qid, uint32_t idx, enum code result)
{
	struct rec_done d = {qid, idx, (uint8_t)result, 1, SPAN_EMPTY};
	struct msg_delivered m;
	struct buf records;

	buf_init(&records, 4096);
	rec_put_done(&records, &d);
	m.done = buf_span(&records);
	msg_put_delivered(rig_begin(MSG_DELIVERED, 0), &m);
	rig_send(r->account, -1);
	buf_clear(&records);
}

uint64_t rig_sending(struct rig *r, struct msg_send *out, uint32_t *out_idx)
{
	struct rec_rcpt first;
	struct span left;
	struct got g;

	rig_want(r->outbound, MSG_SEND, &g);
	assert_true(msg_get_send(g.body, out));
	left = out->rcpts;
	assert_int_equal(rec_next_rcpt(&left, &first), MORE);
	*out_idx = first.idx;
	if (g.fd >= 0)
		close(g.fd);
	return g.id;
}

void rig_sent(struct rig *r, uint64_t job, uint64_t qid, uint32_t idx,
	enum code result, uint32_t code, const char *text)
{
	struct rec_outcome o = {.idx = idx, .result = (uint8_t)result,
		.has_dsn = r->has_dsn, .code = code, .text = span_str(text)};
	struct msg_sent m = {.qid = qid, .peer = SPAN("mx.hamburger.edu"),
		.dialogue = SPAN("C: EHLO\r\nS: 250\r\n")};
	struct buf records;

	buf_init(&records, 4096);
	rec_put_outcome(&records, &o);
	m.outcomes = buf_span(&records);
	msg_put_sent(rig_begin(MSG_SENT, job), &m);
	rig_send(r->outbound, -1);
	buf_clear(&records);
}

void rig_routed(struct rig *r, enum rcpt_verdict verdict, bool was_alias,
	const struct rig_rcpt *targets, size_t count)
{
	struct msg_routed m = {.verdict = (uint8_t)verdict,
		.was_alias = was_alias, .sender = span_str(
			r->sender == NULL ? "" : r->sender)};
	struct buf records;
	struct got g;

	rig_want(r->directory, MSG_ROUTE, &g);
	put_records(&records, targets, count, 0);
	m.targets = buf_span(&records);
	msg_put_routed(rig_begin(MSG_ROUTED, g.id), &m);
	rig_send(r->directory, -1);
	buf_clear(&records);
}

void rig_account_dies(struct rig *r)
{
	close(r->account);
	r->account = -1;
}
