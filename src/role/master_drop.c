/*
 * master_drop.c - data_dir/drop: messages that programs of this machine left
 * when the server was not there.
 *
 *	NAME ─ opened, looked at ─▶ DROP_FILE to a front ─▶ DROP_TAKEN
 *	  │ what is no plain file            OK:   removed
 *	  ▼                                  TEMP: stays, for the next look
 *	data_dir/drop-refused ◀───────────── else: put aside
 *
 * Anybody may put anything there, so nothing is believed but what fstat says of
 * the descriptor: a plain file, with one name, of a bounded size; its owner is
 * who sends it.  Master reads no byte of it.
 *
 * A file is removed after its message is durable in the queue.  Between the two
 * the server may die, and the file comes again: the queue has noted that the
 * 250 for it may not have been heard, and takes the same message once (front
 * says so, front_drop.c).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "message/drop_file.h"
#include "role/master_int.h"

#include "base/banned.h"

#define PATH_BYTES   4096
#define LOOK_MS      10000
#define FIRST_MS     1
/* Entries of one look, so that no flood of them keeps master from its work; the
 * next look goes on behind them. */
#define LOOKS_MAX    1000
#define REFUSED_MAX  1000 /* beyond, what is refused is removed */
#define STALE_S      86400 /* a file that its program has never finished */

static struct master_drop_open *find_open(struct master *m, const char *name)
{
	for (size_t i = 0; i < MASTER_DROPS_MAX; i++) {
		struct master_drop_open *o = &m->drop.open[i];

		if (o->id != 0 && strcmp(o->name, name) == 0)
			return o;
	}
	return NULL;
}

static struct master_drop_open *free_slot(struct master *m)
{
	for (size_t i = 0; i < MASTER_DROPS_MAX; i++)
		if (m->drop.open[i].id == 0)
			return &m->drop.open[i];
	return NULL;
}

static struct master_drop_open *find_id(struct master *m, uint64_t id)
{
	for (size_t i = 0; i < MASTER_DROPS_MAX && id != 0; i++)
		if (m->drop.open[i].id == id)
			return &m->drop.open[i];
	return NULL;
}

/* ---- out of the way ---------------------------------------------------------- */
static bool move_aside(struct master *m, const char *name)
{
	if (m->drop.refused_count < REFUSED_MAX &&
		renameat(m->drop.fd, name, m->drop.refused_fd, name) == 0) {
		m->drop.refused_count++;
		return true;
	}
	return unlinkat(m->drop.fd, name, 0) == 0 ||
		unlinkat(m->drop.fd, name, AT_REMOVEDIR) == 0;
}

/* What cannot even be moved (a folder of somebody's, when we are not root) is
 * said once, and passed by from then on. */
static void refuse(struct master *m, const char *name, const char *why)
{
	if (dict_get(&m->drop.stuck, span_str(name)) != NULL)
		return;
	LOG(EV_DROP_REFUSED, LOG_STR("file", name), LOG_STR("why", why));
	if (!move_aside(m, name) && m->drop.stuck.count < LOOKS_MAX)
		dict_put(&m->drop.stuck, span_str(name), m);
}

/* ---- what is there ------------------------------------------------------------- */
/* NULL: it may be a message. */
static const char *judge(const struct master *m, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is no file";
	if (st->st_nlink != 1)
		return "it has several names, or none";
	if ((uint64_t)st->st_size >
		m->config->message_size_max + DROP_HEAD_MAX)
		return "it is larger than limits.message_size";
	return NULL;
}

static const char *why_not_open(void)
{
	if (errno == EACCES || errno == EPERM)
		return "the server may not read it";
	return errno == ELOOP ? "it is a link" : "it cannot be opened";
}

static void hand_over(struct master *m, struct child *front, int fd,
	const char *name, const struct stat *st)
{
	struct master_drop_open *slot = free_slot(m);
	struct master_user user;
	struct msg_drop_file file;

	master_local_user(m, st->st_uid, &user);
	file = (struct msg_drop_file){.uid = user.uid,
		.is_trusted = user.is_trusted, .name = span_str(user.name)};
	*slot = (struct master_drop_open){.id = ++m->drop.last_id,
		.front = front->instance, .inode = st->st_ino};
	(void)snprintf(slot->name, sizeof(slot->name), "%s", name);
	channel_send(front->channel, drop_file, DROP_FILE, slot->id, &file,
		fd);
}

/* False: no front can take it now. */
static bool offer(struct master *m, const char *name)
{
	const char *why;
	struct child *front;
	struct stat st;
	int fd = openat(m->drop.fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
		O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		if (errno != ENOENT && errno != EMFILE && errno != ENFILE)
			refuse(m, name, why_not_open());
		return true;
	}
	why = fstat(fd, &st) == 0 ? judge(m, &st) : "it cannot be looked at";
	front = why == NULL ? master_next_front(m) : NULL;
	if (front == NULL) {
		close(fd);
		if (why != NULL)
			refuse(m, name, why);
		return why != NULL;
	}
	hand_over(m, front, fd, name, &st);
	return true;
}

/* Being written, or left so by a program that died. */
static void look_at_unfinished(struct master *m, const char *name)
{
	struct stat st;

	if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		fstatat(m->drop.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_mtim.tv_sec < time_wall_ms() / 1000 - STALE_S)
		refuse(m, name, "nobody finished it within a day");
}

/* ---- looking ---------------------------------------------------------------------- */
static bool open_list(struct master *m)
{
	int fd;

	if (m->drop.list != NULL)
		return true;
	fd = openat(m->drop.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->drop.list = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && m->drop.list == NULL)
		close(fd);
	return m->drop.list != NULL;
}

static void close_list(struct master *m)
{
	if (m->drop.list != NULL)
		(void)closedir(m->drop.list);
	m->drop.list = NULL;
}

/* Goes on with the list until its end, or until enough are under way; the next
 * DROP_TAKEN or the next look goes on then. */
static void go_on(struct master *m)
{
	const struct dirent *entry;

	while (m->drop.looks_left > 0 && free_slot(m) != NULL &&
		open_list(m)) {
		errno = 0;
		entry = readdir(m->drop.list);
		if (entry == NULL) {
			close_list(m);
			m->drop.looks_left = 0;
			return;
		}
		m->drop.looks_left--;
		if (entry->d_name[0] == '.')
			look_at_unfinished(m, entry->d_name);
		else if (strlen(entry->d_name) >= MASTER_DROP_NAME_BYTES)
			refuse(m, entry->d_name, "its name is too long");
		else if (find_open(m, entry->d_name) == NULL &&
			!offer(m, entry->d_name))
			return;
	}
}

static void on_look(void *arg)
{
	struct master *m = arg;

	if (m->stop_phase > 0)
		return;
	m->drop.looks_left = LOOKS_MAX;
	go_on(m);
	timer_arm(&m->drop.look, LOOK_MS);
}

/* Is it still the file that was handed in?  Its owner may have put another one
 * there. */
static void remove_taken(struct master *m, const struct master_drop_open *o)
{
	struct stat st;

	if (fstatat(m->drop.fd, o->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_ino == o->inode && unlinkat(m->drop.fd, o->name, 0) != 0)
		LOG(EV_DROP_REFUSED, LOG_STR("file", o->name),
			LOG_STR("why", strerror(errno)));
}

bool master_on_drop_taken(void *arg, struct frame *f)
{
	struct master *m = arg;
	struct master_drop_open *slot = find_id(m, f->id), done;
	struct msg_drop_taken taken;
	char why[256];

	if (!msg_get_drop_taken(f->body, &taken))
		return false;
	if (slot == NULL)
		return true;
	done = *slot;
	slot->id = 0;
	(void)snprintf(why, sizeof(why), "%.*s", SPAN_ARG(taken.why));
	if (taken.result == OK)
		remove_taken(m, &done);
	else if (taken.result != TEMP)
		refuse(m, done.name, why);
	if (m->stop_phase == 0)
		go_on(m);
	return true;
}

void master_drop_front_lost(struct master *m, uint32_t front)
{
	for (size_t i = 0; i < MASTER_DROPS_MAX; i++)
		if (m->drop.open[i].front == front)
			m->drop.open[i].id = 0;
}

/* ---- begin and end ------------------------------------------------------------------ */
static int open_folder(const struct master *m, const char *name)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%.*s/%s",
		SPAN_ARG(m->config->data_dir), name);
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static size_t count_entries(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	size_t count = 0;

	while (list != NULL && count < REFUSED_MAX && readdir(list) != NULL)
		count++;
	if (list != NULL)
		(void)closedir(list);
	return count;
}

void master_drop_init(struct master *m)
{
	m->drop.fd = m->drop.refused_fd = -1;
	dict_init(&m->drop.stuck);
	timer_init(&m->drop.look, m->loop, on_look, m);
}

void master_drop_begin(struct master *m)
{
	m->drop.fd = open_folder(m, "drop");
	m->drop.refused_fd = open_folder(m, "drop-refused");
	if (m->drop.fd < 0 || m->drop.refused_fd < 0) {
		LOG(EV_DROP_REFUSED, LOG_STR("file", "data_dir/drop"),
			LOG_STR("why", strerror(errno)));
		return;
	}
	m->drop.refused_count = count_entries(m->drop.refused_fd);
	timer_arm(&m->drop.look, FIRST_MS);
}

void master_drop_close(struct master *m)
{
	close_list(m);
	timer_clear(&m->drop.look);
	dict_clear(&m->drop.stuck);
	if (m->drop.fd >= 0)
		close(m->drop.fd);
	if (m->drop.refused_fd >= 0)
		close(m->drop.refused_fd);
}
