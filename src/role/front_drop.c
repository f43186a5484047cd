/*
 * front_drop.c - hands in a message that waited in data_dir/drop.
 *
 *	DROP_FILE ─▶ head read ─▶ smtp_client ◀─ a pair of sockets ─▶ session
 *	                              │ SETTLED              (front_local.c)
 *	                              ▼
 *	                          DROP_TAKEN
 *
 * The file is what a stranger to us wrote, so it goes the way of all mail: its
 * addresses and its text are only looked at by the engine of a session, which
 * has the rights of the file's owner.
 *
 * Exactly once: when the message is durable, queue is told at once that the 250
 * for it may not have been heard (front_smtp_submitted).  If we die before the
 * file is removed, it comes again, and is answered as what is there already.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "message/drop_file.h"
#include "role/front_int.h"
#include "smtp/smtp_client.h"
#include "smtp/smtp_dsn.h"

#include "base/banned.h"

#define PIECE       SMTP_CLIENT_PIECE_BYTES
#define OUT_MAX     (4u << 20)
#define ARENA_BYTES (1u << 20)
#define FLAGS                                                                  \
	(SMTP_CLIENT_MAIL_8BIT | SMTP_CLIENT_MAIL_UTF8 |                       \
		SMTP_CLIENT_MAIL_REQUIRETLS)

struct drop {
	struct front *front;
	uint64_t id;       /* of DROP_FILE */
	uint64_t sid;      /* of its session */
	uint32_t uid;
	int file;          /* owned */
	int fd;            /* owned: our end of the pair; -1: none yet */
	struct watch *watch;
	struct arena arena;
	struct span name;
	struct smtp_client *client; /* NULL: none yet */
	struct smtp_client_message message;
	uint64_t left;     /* bytes of the message that were not read */
	struct buf in, out;
};

static uint8_t piece_room[PIECE];

static void free_drop(struct drop *d)
{
	watch_free(d->watch);
	if (d->client != NULL)
		smtp_client_close(d->client);
	if (d->fd >= 0)
		close(d->fd);
	close(d->file);
	buf_clear(&d->in);
	buf_clear(&d->out);
	arena_clear(&d->arena);
	mem_free(d);
}

/* The answer to master, and the end. */
static void finish(struct drop *d, enum code result, struct span why)
{
	struct msg_drop_taken m = {.result = (uint8_t)result, .why = why};

	if (result == OK)
		LOG(EV_DROP_TAKEN, LOG_SID(d->sid), LOG_NUM("uid", d->uid),
			LOG_SPAN("user", d->name));
	channel_send(d->front->run->master, drop_taken, DROP_TAKEN, d->id, &m,
		-1);
	free_drop(d);
}

/* ---- the outcome -------------------------------------------------------------- */
/* The worst of all recipients: one that has to wait, then one that is refused
 * for good, as the others have the message then. */
static void settle(struct drop *d)
{
	const struct smtp_client_rcpt *refused = NULL;
	struct buf why;

	for (size_t i = 0; i < d->message.rcpt_count; i++) {
		const struct smtp_client_rcpt *r = &d->message.rcpts[i];

		if (!r->is_settled || (r->result != OK && r->result != DENIED)) {
			finish(d, TEMP, span_head(r->text, 512));
			return;
		}
		if (r->result == DENIED)
			refused = r;
	}
	if (refused == NULL) {
		finish(d, OK, SPAN_EMPTY);
		return;
	}
	buf_init(&why, 1024);
	buf_put(&why, span_head(refused->address, 256));
	buf_printf(&why, ": %u ", refused->code);
	buf_put(&why, span_head(refused->text, 512));
	finish(d, DENIED, buf_span(&why));
	buf_clear(&why);
}

/* ---- the dialogue ---------------------------------------------------------------- */
static void give_piece(struct drop *d)
{
	size_t want = d->left < PIECE ? (size_t)d->left : PIECE;
	ssize_t n;

	do
		n = read(d->file, piece_room, want);
	while (n < 0 && errno == EINTR);
	/* it is shorter than it was: its owner cut it */
	if (n <= 0 && want > 0) {
		smtp_client_body_failed(d->client);
		return;
	}
	d->left -= (uint64_t)n;
	smtp_client_body(d->client, span_of(piece_room, (size_t)n),
		d->left == 0);
}

static void flush(struct drop *d)
{
	while (buf_len(&d->out) > 0) {
		ssize_t n = send(d->fd, buf_span(&d->out).p, buf_len(&d->out),
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			smtp_client_lost(d->client, GONE);
			buf_reset(&d->out);
			break;
		}
		buf_consume(&d->out, (size_t)n);
	}
}

/* True: it is over, d is gone. */
static bool run_effects(struct drop *d)
{
	struct smtp_client_effect effect;

	while (buf_len(&d->out) < OUT_MAX / 2 &&
		smtp_client_next(d->client, &effect)) {
		if (effect.type == SMTP_CLIENT_SEND)
			buf_put(&d->out, effect.bytes);
		if (effect.type == SMTP_CLIENT_SEND)
			flush(d);
		if (effect.type == SMTP_CLIENT_BODY)
			give_piece(d);
		if (effect.type == SMTP_CLIENT_SETTLED ||
			effect.type == SMTP_CLIENT_CLOSE) {
			settle(d);
			return true;
		}
	}
	return false;
}

static void go_on(struct drop *d)
{
	size_t taken;

	do {
		if (run_effects(d))
			return;
		taken = smtp_client_feed(d->client, buf_span(&d->in));
		buf_consume(&d->in, taken);
	} while (taken > 0);
	if (run_effects(d))
		return;
	watch_want(d->watch,
		WATCH_READ | (buf_len(&d->out) > 0 ? WATCH_WRITE : 0u));
}

static void take_input(struct drop *d)
{
	ssize_t n = recv(d->fd, piece_room, sizeof(piece_room), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		smtp_client_lost(d->client, GONE);
	else
		buf_put(&d->in, span_of(piece_room, (size_t)n));
	if (d->in.overflow)
		smtp_client_lost(d->client, LIMIT);
}

static void on_ready(void *arg, unsigned ready)
{
	struct drop *d = arg;

	if (ready & WATCH_READ)
		take_input(d);
	if (ready & WATCH_WRITE)
		flush(d);
	go_on(d);
}

/* ---- the file ----------------------------------------------------------------------- */
/* Its first bytes; what is behind the head is read again. */
static bool read_head(struct drop *d, struct buf *head)
{
	while (buf_len(head) < DROP_HEAD_MAX) {
		ssize_t n = read(d->file, piece_room, sizeof(piece_room));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		buf_put_most(head, span_of(piece_room, (size_t)n));
	}
	return true;
}

static void take_rcpts(struct drop *d, const struct drop_file *file)
{
	struct smtp_client_rcpt *rcpts = arena_alloc(&d->arena,
		file->rcpt_count, sizeof(*rcpts));

	for (size_t i = 0; i < file->rcpt_count; i++)
		rcpts[i] = (struct smtp_client_rcpt){.notify = file->notify,
			.address = arena_dup(&d->arena, file->rcpts[i])};
	d->message.rcpts = rcpts;
	d->message.rcpt_count = file->rcpt_count;
}

/* It goes into a command as it is. */
static bool is_envid(struct span envid)
{
	return envid.n == 0 || smtp_dsn_take_envid(envid, &envid);
}

static void take_message(struct drop *d, const struct drop_file *file)
{
	d->left = file->size;
	d->message = (struct smtp_client_message){
		.reverse_path = arena_dup(&d->arena, file->from),
		.flags = file->flags & FLAGS,
		.ret = file->ret,
		.envid = arena_dup(&d->arena, file->envid),
		.size = file->size,
		.is_streamed = true,
		.arena = &d->arena};
	take_rcpts(d, file);
}

/* How long it is, is asked with lseek: fstat is none of this role's calls. */
static enum code read_file(struct drop *d, struct span *why)
{
	struct buf head;
	struct drop_file file;
	off_t all = lseek(d->file, 0, SEEK_END);
	size_t n = 0;
	enum code code = OK;

	buf_init(&head, DROP_HEAD_MAX);
	*why = SPAN("it is no message of sendmail's");
	if (all < 0 || lseek(d->file, 0, SEEK_SET) != 0 ||
		!read_head(d, &head))
		code = TEMP;
	else if (drop_file_read(buf_span(&head), &d->arena, &file, &n) != OK)
		code = SYNTAX;
	else if (file.size > INT64_MAX - n ||
		(uint64_t)all != n + file.size || !is_envid(file.envid))
		code = SYNTAX;
	else if (lseek(d->file, (off_t)n, SEEK_SET) < 0)
		code = TEMP;
	if (code == OK)
		take_message(d, &file);
	buf_clear(&head);
	return code;
}

static bool connect_self(struct drop *d, const struct msg_drop_file *m)
{
	const struct front_local who = {.smtp = {.uid = m->uid},
		.is_trusted = m->is_trusted != 0, .is_drop = true,
		.name = m->name};
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		    fds) != 0)
		return false;
	d->fd = fds[0];
	d->sid = front_local_open(d->front, fds[1], &who);
	return d->sid != 0;
}

static void begin(struct drop *d)
{
	const struct smtp_client_config config = {.is_local = true,
		.hostname = SPAN("localhost")};

	d->client = smtp_client_open(&d->arena, &config);
	d->watch = watch_new(d->front->run->loop, d->fd, on_ready, d);
	smtp_client_begin(d->client, &d->message);
	go_on(d);
}

void front_drop_file(void *state, const struct msg_drop_file *m, uint64_t id,
	int fd)
{
	struct drop *d = MEM_NEW(struct drop);
	struct span why;
	enum code code;

	d->front = state;
	d->id = id;
	d->uid = m->uid;
	d->file = fd;
	d->fd = -1;
	arena_init(&d->arena, ARENA_BYTES);
	buf_init(&d->in, 2 * PIECE);
	buf_init(&d->out, OUT_MAX);
	d->name = arena_dup(&d->arena, m->name);
	code = read_file(d, &why);
	if (code != OK)
		finish(d, code, why);
	else if (!connect_self(d, m))
		finish(d, TEMP, SPAN("too many connections"));
	else
		begin(d);
}
