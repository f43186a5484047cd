/*
 * master_tls.c - the files of tls.certificate and tls.key: opened here, as a
 * key may belong to root, and read by the role keys only.
 *
 * They are looked at every LOOK_MS, and at SIGHUP: when one is another file
 * than the one that was handed over, or has changed, all of them are handed
 * over anew.  A file that cannot be opened then is for later.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "role/master_int.h"

#include "base/banned.h"

#define PATH_BYTES 4097 /* config_option.c */
#define LOOK_MS    30000
/* Even index: a certificate; odd: its key. */
#define FILE_COUNT(m) (2 * (m)->config->tls_certificate_count)

static struct span path_of(const struct master *m, size_t i)
{
	return i % 2 == 0 ? m->config->tls_certificates[i / 2]
			  : m->config->tls_keys[i / 2];
}

static int open_file(const struct master *m, size_t i, struct err *e)
{
	char path[PATH_BYTES];
	int fd;

	(void)snprintf(path, sizeof(path), "%.*s", SPAN_ARG(path_of(m, i)));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		err_errno(e, SYNTAX, "tls.%s: opening %s",
			i % 2 == 0 ? "certificate" : "key", path);
	return fd;
}

static struct master_file look(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return (struct master_file){0};
	return (struct master_file){st.st_dev, st.st_ino, st.st_size,
		st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
}

static bool is_same(const struct master_file *a, const struct master_file *b)
{
	return a->device == b->device && a->inode == b->inode &&
		a->size == b->size && a->changed_s == b->changed_s &&
		a->changed_ns == b->changed_ns;
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

/* All of them, or none. */
static enum code open_all(const struct master *m, int *fds, struct err *e)
{
	for (size_t i = 0; i < FILE_COUNT(m); i++) {
		fds[i] = open_file(m, i, e);
		if (fds[i] >= 0)
			continue;
		close_all(fds, i);
		return SYNTAX;
	}
	return OK;
}

enum code master_check_tls(struct master *m, struct err *e)
{
	int fds[2 * CONFIG_PAIRS_MAX];
	enum code code = open_all(m, fds, e);

	if (code == OK)
		close_all(fds, FILE_COUNT(m));
	return code;
}

static void hand_over(struct master *m, struct channel *keys, const int *fds)
{
	struct msg_tls_file file = {
		.count = (uint32_t)m->config->tls_certificate_count};

	for (size_t i = 0; i < FILE_COUNT(m); i++) {
		file.pair = (uint32_t)(i / 2);
		file.is_key = i % 2 == 1;
		m->tls_files[i] = look(fds[i]);
		channel_send(keys, tls_file, TLS_FILE, 0, &file, fds[i]);
	}
}

void master_send_tls(struct master *m, struct channel *keys)
{
	int fds[2 * CONFIG_PAIRS_MAX];
	struct err e;

	if (open_all(m, fds, &e) == OK)
		hand_over(m, keys, fds);
	else
		LOG(EV_KEYS_REFUSED, LOG_STR("why", e.text));
}

/* Logged once, not every 30 s. */
static void note_trouble(struct master *m, const struct err *e)
{
	if (!m->has_tls_trouble)
		LOG(EV_KEYS_REFUSED, LOG_STR("why", e->text));
	m->has_tls_trouble = true;
}

static void look_again(struct master *m)
{
	struct child *keys = master_child(m, ROLE_KEYS, 0);
	int fds[2 * CONFIG_PAIRS_MAX];
	bool has_changed = false;
	struct err e;

	if (keys == NULL || keys->channel == NULL)
		return;
	if (open_all(m, fds, &e) != OK) {
		note_trouble(m, &e);
		return;
	}
	m->has_tls_trouble = false;
	for (size_t i = 0; i < FILE_COUNT(m); i++) {
		struct master_file now = look(fds[i]);

		has_changed |= !is_same(&now, &m->tls_files[i]);
	}
	if (has_changed)
		hand_over(m, keys->channel, fds);
	else
		close_all(fds, FILE_COUNT(m));
}

static void on_look(void *arg)
{
	struct master *m = arg;

	look_again(m);
	timer_arm(&m->tls_look, LOOK_MS);
}

void master_init_tls(struct master *m)
{
	timer_init(&m->tls_look, m->loop, on_look, m);
}

void master_watch_tls(struct master *m)
{
	if (FILE_COUNT(m) == 0)
		return;
	timer_arm(&m->tls_look, LOOK_MS);
	loop_on_signal(m->loop, SIGHUP, on_look, m);
}
