/*
 * master_admin.c - the admin socket: run_dir/admin.sock.
 *
 * Master takes the connection, checks who is there, reads one COMMAND, and
 * passes words and connection on to the role that knows the noun.  It holds
 * nothing of the command, and never waits for the client.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "ipc/wire.h"
#include "role/admin.h"
#include "role/master_int.h"

#include "base/banned.h"

#define COMMAND_BYTES_MAX (128u * 1024u)
#define COMMAND_WAIT_MS   5000
#define ACCEPT_PAUSE_MS   200

/* A connection whose command has not come yet. */
struct caller {
	struct master *master;
	int fd;
	struct watch *watch;
	struct timer deadline;
};

static const struct {
	const char *noun;
	enum role role;
} nouns[] = {
	{"domain", ROLE_DIRECTORY},
	{"account", ROLE_DIRECTORY},
	{"alias", ROLE_DIRECTORY},
	{"ban", ROLE_DIRECTORY},
	{"test", ROLE_DIRECTORY},
	{"queue", ROLE_QUEUE},
	{"mailbox", ROLE_DIRECTORY}, /* which knows whose it is */
};

static void hang_up(struct caller *c)
{
	watch_free(c->watch);
	timer_clear(&c->deadline);
	if (c->fd >= 0)
		close(c->fd);
	mem_free(c);
}

static void on_deadline(void *arg)
{
	hang_up(arg);
}

/* `status`: one row a process. */
static enum admin_exit show_status(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	static const struct span head[] = {SPAN_INIT("role"),
		SPAN_INIT("instance"), SPAN_INIT("pid"), SPAN_INIT("state"),
		SPAN_INIT("starts")};
	struct master *m = module;

	(void)words;
	if (count > 1) {
		err_set(e, SYNTAX, "status takes no arguments");
		return EXIT_USAGE;
	}
	out->row(out->arg, head, 5);
	for (size_t i = 0; i < m->child_count; i++) {
		const struct child *c = &m->children[i];
		char instance[16], pid[16], starts[32];
		const char *state = c->pid == 0 ? "down"
			: c->is_ready		? "ready"
						: "starting";

		(void)snprintf(instance, sizeof(instance), "%u", c->instance);
		(void)snprintf(pid, sizeof(pid), "%d", (int)c->pid);
		(void)snprintf(starts, sizeof(starts), "%llu",
			(unsigned long long)c->starts);
		out->row(out->arg,
			(const struct span[]){span_str(role_name(c->role)),
				span_str(instance), span_str(pid),
				span_str(state), span_str(starts)},
			5);
	}
	return EXIT_OK;
}

static void answer_self(struct caller *c, struct span words)
{
	struct role_run run = {.loop = c->master->loop};
	int fd = c->fd;

	c->fd = -1;
	admin_serve(&run, show_status, c->master, fd, words);
}

/* Says that nobody can answer now. */
static void refuse(struct caller *c, enum admin_exit status, const char *why)
{
	struct msg_end end = {.exit = status, .text = span_str(why)};
	struct buf frame;

	buf_init(&frame, 4096);
	wire_put_u32(&frame, MSG_END);
	wire_put_u64(&frame, 0);
	msg_put_end(&frame, &end);
	(void)send(c->fd, frame.p, buf_len(&frame),
		MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_clear(&frame);
}

static void pass_on(struct caller *c, enum role role, struct span words)
{
	struct child *child = master_child(c->master, role, 0);
	struct msg_admin m = {.words = words};

	if (child == NULL || child->channel == NULL || !child->is_ready) {
		refuse(c, EXIT_TRY_AGAIN, "that part of the server is being "
					  "started: try again");
		return;
	}
	channel_send(child->channel, admin, ADMIN, 0, &m, c->fd);
	c->fd = -1;
}

static void carry_out(struct caller *c, struct span packet)
{
	struct wire w = wire_of(packet);
	uint32_t type = wire_get_u32(&w);
	struct msg_command m;
	struct rec_cell noun;
	struct span words;

	(void)wire_get_u64(&w);
	if (w.failed || type != MSG_COMMAND || !msg_get_command(w.left, &m))
		return;
	words = m.words;
	if (rec_next_cell(&words, &noun) != MORE)
		return;
	if (span_eq(noun.text, SPAN("status"))) {
		answer_self(c, m.words);
		return;
	}
	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
		if (span_eq(noun.text, span_str(nouns[i].noun))) {
			pass_on(c, nouns[i].role, m.words);
			return;
		}
	}
	refuse(c, EXIT_USAGE, "the server does not know this command");
}

static void on_command(void *arg, unsigned ready)
{
	struct caller *c = arg;
	uint8_t *packet = mem_new(1, COMMAND_BYTES_MAX);
	ssize_t n = recv(c->fd, packet, COMMAND_BYTES_MAX, MSG_DONTWAIT);

	(void)ready;
	if (n > 0)
		carry_out(c, span_of(packet, (size_t)n));
	explicit_bzero(packet, COMMAND_BYTES_MAX); /* a password may be in it */
	mem_free(packet);
	if (n >= 0 || (errno != EAGAIN && errno != EINTR))
		hang_up(c);
}

/* Root, or whoever runs the server. */
static bool may_command(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
		(who.uid == 0 || who.uid == geteuid());
}

static void on_caller(void *arg, unsigned ready)
{
	struct master *m = arg;
	int fd = accept4(m->admin_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct caller *c;

	(void)ready;
	if (fd < 0) {
		/* EMFILE perhaps: epoll would wake us for nothing, over and
		 * over */
		watch_want(m->admin_watch, 0);
		timer_arm(&m->admin_again, ACCEPT_PAUSE_MS);
		return;
	}
	c = MEM_NEW(struct caller);
	c->master = m;
	c->fd = fd;
	timer_init(&c->deadline, m->loop, on_deadline, c);
	if (!may_command(fd)) {
		refuse(c, EXIT_DENIED, "only root and the user of the server "
				       "may give commands");
		hang_up(c);
		return;
	}
	c->watch = watch_new(m->loop, fd, on_command, c);
	watch_want(c->watch, WATCH_READ);
	timer_arm(&c->deadline, COMMAND_WAIT_MS);
}

static void on_accept_again(void *arg)
{
	struct master *m = arg;

	watch_want(m->admin_watch, WATCH_READ);
}

/* Does another server, of other data, listen there? */
static bool is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0);
	bool is_there;

	if (fd < 0)
		return false;
	is_there = connect(fd, (const struct sockaddr *)address,
			   sizeof(*address)) == 0 || errno == EAGAIN;
	close(fd);
	return is_there;
}

enum code master_admin_open(struct master *m, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path),
		"%.*s/admin.sock", SPAN_ARG(m->config->run_dir));

	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return err_set(e, SYNTAX,
			"run_dir is too long: its path must be under %zu bytes",
			sizeof(address.sun_path) - sizeof("/admin.sock"));
	if (is_served(&address))
		return err_set(e, BUSY, "another postrider listens at %s: give "
			"each its own run_dir", address.sun_path);
	m->admin_fd = socket(AF_UNIX,
		SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (m->admin_fd < 0)
		return err_errno(e, TEMP, "admin socket");
	/* nobody listens there: it is a dead one */
	(void)unlink(address.sun_path);
	if (bind(m->admin_fd, (struct sockaddr *)&address, sizeof(address)) !=
			0 ||
		chmod(address.sun_path, 0600) != 0 ||
		listen(m->admin_fd, 64) != 0)
		return err_errno(e, DENIED, "admin socket %s",
			address.sun_path);
	m->admin_watch = watch_new(m->loop, m->admin_fd, on_caller, m);
	watch_want(m->admin_watch, WATCH_READ);
	timer_init(&m->admin_again, m->loop, on_accept_again, m);
	return OK;
}

void master_admin_close(struct master *m)
{
	char path[4096];

	if (m->admin_fd < 0)
		return;
	if (m->admin_watch != NULL)
		timer_clear(&m->admin_again);
	watch_free(m->admin_watch);
	m->admin_watch = NULL;
	close(m->admin_fd);
	m->admin_fd = -1;
	(void)snprintf(path, sizeof(path), "%.*s/admin.sock",
		SPAN_ARG(m->config->run_dir));
	(void)unlink(path);
}
