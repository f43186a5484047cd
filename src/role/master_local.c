/*
 * master_local.c - run_dir/submit.sock: programs of this machine.
 *
 * Everybody may connect.  Master takes the connection, sees who is there by the
 * peer's uid (SO_PEERCRED, which nobody can pretend), finds the name of that
 * user, and passes both on to one of the fronts in turn: LOCAL_CLIENT.  It
 * reads no byte of it.  A name has to be found here, as no other process may
 * open /etc/passwd; and it is found in that file alone.
 *
 * Deliberate: users that only a network knows (LDAP) have no name here: to ask
 * for it could stop master for as long as that network is down.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "role/master_int.h"

#include "base/banned.h"

#define BACKLOG         1024
#define ACCEPTS_MAX     32 /* a turn */
#define ACCEPT_PAUSE_MS 200

static const struct passwd *find_user(FILE *passwd, uid_t uid)
{
	const struct passwd *entry;

	while ((entry = fgetpwent(passwd)) != NULL)
		if (entry->pw_uid == uid)
			return entry;
	return NULL;
}

/* A name that can stand before an "@" as it is.  RFC 5322 3.2.3 */
static bool is_plain(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!ascii_is_alpha((uint8_t)name[i]) &&
			!ascii_is_digit((uint8_t)name[i]) &&
			strchr("._-+", name[i]) == NULL)
			return false;
	return n > 0 && n < MASTER_USER_NAME_BYTES && name[0] != '.' &&
		name[n - 1] != '.' && strstr(name, "..") == NULL;
}

void master_local_user(const struct master *m, uid_t uid,
	struct master_user *out)
{
	FILE *passwd = fopen("/etc/passwd", "re");
	const struct passwd *entry = passwd == NULL ? NULL
						    : find_user(passwd, uid);

	out->uid = uid;
	out->is_trusted = uid == 0 || uid == geteuid() || uid == m->uid;
	if (entry != NULL && is_plain(entry->pw_name))
		(void)snprintf(out->name, sizeof(out->name), "%s",
			entry->pw_name);
	else
		(void)snprintf(out->name, sizeof(out->name), "uid%u",
			(unsigned)uid);
	if (passwd != NULL)
		(void)fclose(passwd);
}

struct child *master_next_front(struct master *m)
{
	for (uint32_t i = 0; i < m->front_count; i++) {
		struct child *c = master_child(m, ROLE_FRONT,
			m->next_front++ % m->front_count);

		if (c != NULL && c->channel != NULL && c->is_ready &&
			!channel_is_clogged(c->channel))
			return c;
	}
	return NULL;
}

/* Without a front the connection is closed, and the program leaves the message
 * in data_dir/drop. */
static void pass_on(struct master *m, int fd)
{
	struct child *front = master_next_front(m);
	struct msg_local_client client;
	struct master_user user;
	struct ucred who;
	socklen_t len = sizeof(who);

	if (front == NULL ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0) {
		close(fd);
		return;
	}
	master_local_user(m, who.uid, &user);
	client = (struct msg_local_client){.uid = user.uid,
		.is_trusted = user.is_trusted, .name = span_str(user.name)};
	channel_send(front->channel, local_client, LOCAL_CLIENT, 0, &client,
		fd);
}

static void on_knock(void *arg, unsigned ready)
{
	struct master *m = arg;

	(void)ready;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(m->local_fd, NULL, NULL,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			pass_on(m, fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		/* EMFILE perhaps: epoll would wake us for nothing */
		watch_want(m->local_watch, 0);
		timer_arm(&m->local_again, ACCEPT_PAUSE_MS);
		return;
	}
}

static void on_accept_again(void *arg)
{
	struct master *m = arg;

	watch_want(m->local_watch, WATCH_READ);
}

static void put_path(const struct master *m, struct sockaddr_un *out)
{
	/* run_dir has at most 90 bytes: options.def */
	(void)snprintf(out->sun_path, sizeof(out->sun_path), "%.*s/submit.sock",
		SPAN_ARG(m->config->run_dir));
}

/* Nobody listens there: master_admin_open has seen to it that run_dir is
 * ours. */
enum code master_local_open(struct master *m, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	put_path(m, &address);
	m->local_fd = socket(AF_UNIX,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (m->local_fd < 0)
		return err_errno(e, TEMP, "local socket");
	(void)unlink(address.sun_path);
	if (bind(m->local_fd, (struct sockaddr *)&address, sizeof(address)) !=
			0 ||
		chmod(address.sun_path, 0666) != 0 ||
		listen(m->local_fd, BACKLOG) != 0)
		return err_errno(e, DENIED, "local socket %s",
			address.sun_path);
	m->local_watch = watch_new(m->loop, m->local_fd, on_knock, m);
	timer_init(&m->local_again, m->loop, on_accept_again, m);
	return OK;
}

void master_local_begin(struct master *m)
{
	watch_want(m->local_watch, WATCH_READ);
}

void master_local_close(struct master *m)
{
	struct sockaddr_un address;

	if (m->local_fd < 0)
		return;
	if (m->local_watch != NULL)
		timer_clear(&m->local_again);
	watch_free(m->local_watch);
	m->local_watch = NULL;
	close(m->local_fd);
	m->local_fd = -1;
	put_path(m, &address);
	(void)unlink(address.sun_path);
}
