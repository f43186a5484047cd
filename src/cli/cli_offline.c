/*
 * cli_offline.c - a command on the data of a server that stands.
 *
 *	lock data_dir/lock --locked by another--> 69: it is being started, or hangs
 *	      |  ours
 *	      v
 *	become the server's user, open the file, call the module
 *
 * The lock is the one that the server holds as long as it lives, so the data
 * never has two masters.
 */
#define _GNU_SOURCE
#include "cli/cli_offline.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "directory/directory.h"
#include "queue/queue_admin.h"
#include "queue/queue_schedule.h"
#include "store/store_admin.h"

#include "base/banned.h"

#define PATH_BYTES 2048

struct offline {
	const struct config *config;
	int lock_fd;
	char path[PATH_BYTES];
};

static const char *path_of(struct offline *o, const char *below)
{
	(void)snprintf(o->path, sizeof(o->path), "%.*s%s",
		SPAN_ARG(o->config->data_dir), below);
	return o->path;
}

/* Makes a folder as the server would; one that is there is left as it is. */
static enum code make_folder(const char *path, const struct passwd *user,
	struct err *e)
{
	if (mkdir(path, 0700) == 0) {
		if (user != NULL && chown(path, user->pw_uid, user->pw_gid) != 0)
			return err_errno(e, DENIED, "%s", path);
		return OK;
	}
	return errno == EEXIST ? OK : err_errno(e, DENIED, "%s", path);
}

/* As root: whose the data is.  NULL: we are not root. */
static enum code find_user(const struct config *config,
	const struct passwd **out, struct err *e)
{
	char name[64];

	*out = NULL;
	if (geteuid() != 0)
		return OK;
	(void)snprintf(name, sizeof(name), "%.*s", SPAN_ARG(config->user));
	*out = getpwnam(name);
	if (*out == NULL)
		return err_set(e, NOT_FOUND, "there is no user %s on this "
			"machine; add it, or set the option user", name);
	return OK;
}

static enum code lock(struct offline *o, struct err *e)
{
	o->lock_fd = open(path_of(o, "/lock"),
		O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (o->lock_fd < 0)
		return err_errno(e, DENIED, "%s", o->path);
	if (flock(o->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, BUSY, "a server has %.*s, but does not "
			"listen at %.*s/admin.sock; is it just starting, or "
			"has it another run_dir?",
			SPAN_ARG(o->config->data_dir),
			SPAN_ARG(o->config->run_dir));
	return OK;
}

/* What we write is the server's: as root we become its user. */
static enum code become(const struct passwd *user, struct err *e)
{
	if (user == NULL || user->pw_uid == 0)
		return OK;
	if (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 ||
		setuid(user->pw_uid) != 0)
		return err_errno(e, DENIED, "becoming %s", user->pw_name);
	return OK;
}

static enum code prepare(struct offline *o, bool may_create, struct err *e)
{
	const struct passwd *user;
	enum code code = find_user(o->config, &user, e);

	if (code == OK && may_create)
		code = make_folder(path_of(o, ""), user, e);
	if (code == OK && access(path_of(o, ""), F_OK) != 0)
		return err_set(e, NOT_FOUND, "there is no data in %s, and no "
			"server runs; is --config right?", o->path);
	if (code == OK)
		code = lock(o, e);
	if (code == OK && may_create)
		code = make_folder(path_of(o, "/directory"), user, e);
	return code == OK ? become(user, e) : code;
}

static enum admin_exit exit_of(enum code code)
{
	if (code == BUSY)
		return EXIT_NO_SERVER;
	if (code == NOT_FOUND)
		return EXIT_NO_INPUT;
	return code == DENIED ? EXIT_DENIED : EXIT_IO;
}

static enum admin_exit run_directory(struct offline *o,
	const struct span *words, size_t count, const struct admin_out *out,
	struct err *e)
{
	struct directory *d;
	enum admin_exit exit;
	enum code code = directory_open(path_of(o, "/directory/directory.db"),
		&d, e);

	if (code != OK)
		return exit_of(code);
	exit = directory_admin(d, words, count, out, e);
	directory_close(d);
	return exit;
}

/* As the role does: the queue's clock goes on as the wall clock did. */
static enum code start_clock(struct queue_store *store,
	struct queue_admin *admin, struct err *e)
{
	struct queue_clock clock;
	int64_t queue_ms, wall_ms;
	int64_t mono_ms = time_mono_ms();
	enum code code = queue_store_clock_get(store, &queue_ms, &wall_ms, e);

	admin->now_wall_ms = time_wall_ms();
	if (code == OK) {
		(void)queue_clock_start(&clock, queue_ms, wall_ms,
			admin->now_wall_ms, mono_ms);
		admin->now_ms = queue_clock_now_ms(&clock, mono_ms);
	}
	return code;
}

static enum admin_exit run_queue(struct offline *o, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	struct queue_store *store;
	struct queue_admin admin = {.change = queue_admin_change,
		.arg = &admin,
		.give_up_after_ms = o->config->give_up_after_ms,
		.bounce_give_up_after_ms = o->config->bounce_give_up_after_ms};
	enum admin_exit exit;
	enum code code;

	if (access(path_of(o, "/queue"), F_OK) != 0) {
		err_set(e, NOT_FOUND, "there is no queue in %s yet", o->path);
		return EXIT_NO_INPUT;
	}
	code = queue_store_open(path_of(o, "/queue/queue.db"), &store, e);
	if (code != OK)
		return exit_of(code);
	admin.store = store;
	code = start_clock(store, &admin, e);
	exit = code == OK ? queue_admin_run(&admin, words, count, out, e)
			  : exit_of(code);
	queue_store_close(store);
	return exit;
}

/* The account of an address; EXIT_OK, or why not. */
static enum admin_exit find_account(struct offline *o, struct span address,
	uint64_t *out, struct err *e)
{
	struct directory *d;
	struct directory_hit hit;
	enum code code = directory_open(path_of(o, "/directory/directory.db"),
		&d, e);

	if (code != OK)
		return exit_of(code);
	code = directory_resolve(d, address, &hit, e);
	directory_close(d);
	if (code != OK)
		return exit_of(code);
	if (hit.kind == DIRECTORY_ACCOUNT) {
		*out = hit.account;
		return EXIT_OK;
	}
	err_set(e, NOT_FOUND, "nobody here has a mailbox as %.*s; see "
		"postrider account list", SPAN_ARG(address));
	return EXIT_NO_ADDRESS;
}

static enum admin_exit run_mailbox(struct offline *o, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	char below[64];
	struct store *store;
	uint64_t account;
	enum admin_exit exit;
	enum code code;

	if (count < 3)
		return store_admin_run(NULL, words, count, out, e);
	exit = find_account(o, words[2], &account, e);
	if (exit != EXIT_OK)
		return exit;
	(void)snprintf(below, sizeof(below), "/accounts/%llu",
		(unsigned long long)account);
	if (access(path_of(o, below), F_OK) != 0) {
		err_set(e, NOT_FOUND, "no mail ever came for %.*s",
			SPAN_ARG(words[2]));
		return EXIT_NO_INPUT;
	}
	(void)snprintf(below, sizeof(below), "/accounts/%llu/mail.db",
		(unsigned long long)account);
	code = store_open(path_of(o, below), account, time_wall_ms(), &store,
		e);
	if (code != OK)
		return code == CORRUPT ? EXIT_CHECK_FAILED : exit_of(code);
	exit = store_admin_run(store, words, count, out, e);
	store_close(store);
	return exit;
}

typedef enum admin_exit offline_fn(struct offline *o, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e);

static const struct {
	const char *noun;
	offline_fn *run;
} offline_nouns[] = {
	{"domain", run_directory},
	{"account", run_directory},
	{"alias", run_directory},
	{"ban", run_directory},
	{"test", run_directory},
	{"queue", run_queue},
	{"mailbox", run_mailbox},
};

static offline_fn *offline_of(struct span noun)
{
	for (size_t i = 0; i < sizeof(offline_nouns) / sizeof(offline_nouns[0]);
		i++)
		if (span_eq(noun, span_str(offline_nouns[i].noun)))
			return offline_nouns[i].run;
	return NULL;
}

enum admin_exit cli_offline(const struct config *config,
	const struct span *words, size_t count, const struct admin_out *out,
	struct err *e)
{
	struct offline o = {.config = config, .lock_fd = -1};
	offline_fn *run = offline_of(words[0]);
	enum admin_exit exit;
	enum code code;

	if (run == NULL) {
		err_set(e, NOT_FOUND, "the server does not run; start it: "
			"postrider serve");
		return EXIT_NO_SERVER;
	}
	code = prepare(&o, count > 1 && span_eq(words[1], SPAN("add")), e);
	exit = code == OK ? run(&o, words, count, out, e) : exit_of(code);
	if (o.lock_fd >= 0)
		close(o.lock_fd);
	return exit;
}
