/*
 * master_setup.c - what has to be there before the first role: folders, the
 * lock of the data, bound ports.
 *
 * Everything is tried before anything is started, so a wrong configuration
 * never starts half a server.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "role/master_int.h"

#include "base/banned.h"

#define PATH_BYTES 4096
#define BACKLOG    1024
/* The roles of a server that was killed end by themselves, soon. */
#define LOCK_WAIT_MS 5000
#define PORT_WAIT_MS 500 /* their sockets may go a moment after the lock */
#define STEP_MS      20

struct owner {
	uid_t uid;
	gid_t gid;
};

/* Whom the roles become: ourselves, unless we are root. */
static enum code find_user(const struct master *m, struct owner *out,
	struct err *e)
{
	char name[64];
	const struct passwd *entry;

	*out = (struct owner){geteuid(), getegid()};
	if (out->uid != 0)
		return OK;
	(void)snprintf(name, sizeof(name), "%.*s", SPAN_ARG(m->config->user));
	entry = getpwnam(name);
	if (entry == NULL || entry->pw_uid == 0)
		return err_set(e, SYNTAX,
			"user \"%s\" does not exist or is root: make it "
			"(adduser --system --group %s) or set the option user",
			name, name);
	*out = (struct owner){entry->pw_uid, entry->pw_gid};
	return OK;
}

/* The owner's own, or with the mode that its row says: adds what is missing.
 * Through a descriptor: the user of the data could put a link in its place. */
static enum code set_mode(const char *path, mode_t mode, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	bool is_set;

	if (fd < 0)
		return err_errno(e, DENIED, "opening %s", path);
	is_set = fstat(fd, &st) == 0 && ((st.st_mode & mode) == mode ||
		fchmod(fd, (st.st_mode & 07777) | mode) == 0);
	close(fd);
	return is_set ? OK : err_errno(e, DENIED, "chmod %o %s", mode, path);
}

/* Makes a folder if it is not there; it must be a real folder of the owner
 * that nobody else can write to, if its mode does not say so. */
static enum code make_folder(const char *path, mode_t mode,
	const struct owner *owner, struct err *e)
{
	struct stat st;

	if (mkdir(path, 0700) == 0) {
		/* not through a link that the user of the data puts there */
		if (geteuid() == 0 &&
			lchown(path, owner->uid, owner->gid) != 0)
			return err_errno(e, TEMP, "giving %s to its user", path);
		return set_mode(path, mode, e);
	}
	if (errno != EEXIST)
		return err_errno(e, DENIED, "making the folder %s", path);
	if (lstat(path, &st) != 0)
		return err_errno(e, TEMP, "looking at %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, DENIED, "%s is not a folder", path);
	if ((st.st_mode & 022 & ~mode) != 0 ||
		(st.st_uid != owner->uid && st.st_uid != 0))
		return err_set(e, DENIED,
			"%s belongs to somebody else or others may write to it: "
			"chown it to the server's user and chmod 700", path);
	return set_mode(path, mode, e);
}

/* mkdir -p for the parents, which may be shared: only made, not judged. */
static void make_parents(const char *path)
{
	char part[PATH_BYTES];

	for (size_t i = 1; path[i] != '\0' && i < sizeof(part); i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		(void)mkdir(part, 0755);
	}
}

/* data_dir and run_dir let others through, to what is for them: drop, where
 * they may write and see nothing, and submit.sock. */
static const struct {
	const char *name;
	mode_t mode;
} folders[] = {
	{"", 0711},       {"/directory", 0700},    {"/queue", 0700},
	{"/queue/spool", 0700}, {"/accounts", 0700}, {"/keys", 0700},
	{"/drop", 01733}, {"/drop-refused", 0700},
};

enum code master_make_folders(struct master *m, struct err *e)
{
	const struct owner self = {geteuid(), getegid()};
	struct owner owner;
	char path[PATH_BYTES];
	enum code code = find_user(m, &owner, e);

	m->uid = owner.uid;
	for (size_t i = 0;
		code == OK && i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%.*s%s",
			SPAN_ARG(m->config->data_dir), folders[i].name);
		if (i == 0)
			make_parents(path);
		code = make_folder(path, folders[i].mode, &owner, e);
	}
	if (code != OK)
		return code;
	(void)snprintf(path, sizeof(path), "%.*s",
		SPAN_ARG(m->config->run_dir));
	make_parents(path);
	return make_folder(path, 0711, &self, e);
}

static void pause_step(void)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};

	(void)nanosleep(&step, NULL);
}

/* The roles hold it too, so a server that was killed holds it until the last of
 * them has ended, and with them their ports and transactions. */
static bool take_lock(int fd)
{
	for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0;
		waited_ms += STEP_MS) {
		if (waited_ms >= LOCK_WAIT_MS)
			return false;
		pause_step();
	}
	return true;
}

enum code master_lock(struct master *m, struct err *e)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%.*s/lock",
		SPAN_ARG(m->config->data_dir));
	m->lock_fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		0600);
	if (m->lock_fd < 0)
		return err_errno(e, DENIED, "opening %s", path);
	if (!take_lock(m->lock_fd))
		return err_set(e, BUSY,
			"another postrider works on %.*s (%s is locked)",
			SPAN_ARG(m->config->data_dir), path);
	return OK;
}

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t fill_address(const struct config_address *from,
	union any_address *to)
{
	memset(to, 0, sizeof(*to));
	if (from->len == 4) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(from->port);
		memcpy(&to->v4.sin_addr, from->bytes, 4);
		return sizeof(to->v4);
	}
	to->v6.sin6_family = AF_INET6;
	to->v6.sin6_port = htons(from->port);
	memcpy(&to->v6.sin6_addr, from->bytes, 16);
	return sizeof(to->v6);
}

/* A client that says nothing for so long is asked whether it is there still, and
 * is not after so many questions: IDLE lasts for half an hour, RFC 9051 5.4. */
#define ALIVE_AFTER_S 600
#define ALIVE_EVERY_S 60
#define ALIVE_COUNT   5

static void set_to(int fd, int level, int option, int value)
{
	/* Deliberate: an option that a kernel lacks costs speed, not mail */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void set(int fd, int level, int option)
{
	set_to(fd, level, option, 1);
}

/* What accepted sockets inherit: no system call for each of them. */
static void set_inherited(int fd)
{
	set(fd, IPPROTO_TCP, TCP_NODELAY);
	set(fd, SOL_SOCKET, SO_KEEPALIVE);
	set_to(fd, IPPROTO_TCP, TCP_KEEPIDLE, ALIVE_AFTER_S);
	set_to(fd, IPPROTO_TCP, TCP_KEEPINTVL, ALIVE_EVERY_S);
	set_to(fd, IPPROTO_TCP, TCP_KEEPCNT, ALIVE_COUNT);
}

/* A probe only binds: a client that came to a socket which is closed again
 * would be cut off. */
enum bind_for { BIND_PROBE, BIND_ALONE, BIND_SHARED };

static enum code bind_one(struct span text, enum bind_for what, int *out_fd,
	struct err *e)
{
	struct config_address parsed;
	union any_address address;
	socklen_t len;
	int fd;

	if (!config_parse_address(text, &parsed))
		return err_set(e, SYNTAX, "\"%.*s\" is no address and port",
			SPAN_ARG(text));
	len = fill_address(&parsed, &address);
	fd = socket(address.any.sa_family,
		SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, TEMP, "socket for %.*s", SPAN_ARG(text));
	set(fd, SOL_SOCKET, SO_REUSEADDR);
	if (what == BIND_SHARED)
		set(fd, SOL_SOCKET, SO_REUSEPORT);
	if (parsed.len == 16)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	set_inherited(fd);
	if (bind(fd, &address.any, len) != 0 ||
		(what != BIND_PROBE && listen(fd, BACKLOG) != 0)) {
		int error = errno;

		err_errno(e, BUSY, "listening on %.*s", SPAN_ARG(text));
		close(fd);
		errno = error; /* for the caller */
		return BUSY;
	}
	*out_fd = fd;
	return OK;
}

/* A first try without SO_REUSEPORT: with it, a second server of the same user
 * would share our port instead of being told that it is taken. */
static enum code probe(struct span address, struct err *e)
{
	int fd = -1;
	int waited_ms = 0;
	enum code code;

	while ((code = bind_one(address, BIND_PROBE, &fd, e)) == BUSY &&
		errno == EADDRINUSE && waited_ms < PORT_WAIT_MS) {
		waited_ms += STEP_MS;
		pause_step();
	}
	if (code == OK)
		close(fd);
	return code;
}

static enum code listen_on(struct master *m, enum service service,
	struct span address, struct err *e)
{
	enum code code = probe(address, e);

	for (uint32_t front = 0; code == OK && front < m->front_count;
		front++) {
		struct listener *l = &m->listeners[m->listener_count];

		must(m->listener_count < MASTER_LISTENERS_MAX);
		l->service = service;
		l->front = front;
		code = bind_one(address,
			m->front_count > 1 ? BIND_SHARED : BIND_ALONE, &l->fd,
			e);
		if (code == OK)
			m->listener_count++;
	}
	return code;
}

/* An address of IPv6 on a machine without IPv6 is no error if it is "any". */
static bool may_be_missing(struct span address)
{
	return errno == EAFNOSUPPORT && span_starts(address, SPAN("[::]"));
}

enum code master_listen(struct master *m, struct err *e)
{
	for (unsigned s = 0; s < CONFIG_LISTENERS; s++) {
		const struct config_listen *l = &m->config->listen[s];

		for (size_t i = 0; i < l->address_count; i++) {
			enum code code = listen_on(m, (enum service)s,
				l->addresses[i], e);

			if (code != OK && !may_be_missing(l->addresses[i]))
				return err_wrap(e, "listen %s",
					service_name((enum service)s));
		}
	}
	return OK;
}
