/*
 * master_int.h - shared by the parts of master: folders and ports, the
 * processes, the admin socket.
 */
#ifndef POSTRIDER_ROLE_MASTER_INT_H
#define POSTRIDER_ROLE_MASTER_INT_H

#include <dirent.h>

#include "base/admin.h"
#include "base/dict.h"
#include "config/config.h"
#include "ipc/channel.h"
#include "net/loop.h"
#include "role/role.h"

#define MASTER_LISTENERS_MAX                                                   \
	(CONFIG_LISTENERS * CONFIG_ADDRESSES_MAX * ROLE_INSTANCES_MAX)

/* A bound socket; it stays open here, so that a front that died loses no
 * connection that waits in it. */
struct listener {
	enum service service;
	uint32_t front; /* the instance that serves it */
	int fd;
};

/* Fronts, hashers, one of each other. */
#define CHILDREN_MAX (ROLE_INSTANCES_MAX + CONFIG_WORKERS_MAX + ROLE_COUNT)

/* One process of a role. */
struct child {
	enum role role;
	uint32_t instance;
	pid_t pid;               /* 0: not running */
	struct channel *channel; /* NULL: not running */
	bool is_ready;
	bool is_stopping;
	int64_t started_mono_ms;
	int64_t backoff_ms; /* before the next start */
	uint64_t starts;
	struct timer again;
	struct master *master;
	bool wants_channel[CHILDREN_MAX]; /* to this other child: it broke */
};

/* What a file was when it was handed over. */
struct master_file {
	uint64_t device, inode;
	int64_t size, changed_s, changed_ns;
};

/* A user of this machine. */
#define MASTER_USER_NAME_BYTES 64
struct master_user {
	uint32_t uid;
	bool is_trusted; /* may send as anybody: root, the server's own */
	char name[MASTER_USER_NAME_BYTES]; /* "uid1000" if it has none */
};

/* A file of data_dir/drop that a front has. */
#define MASTER_DROPS_MAX       4
#define MASTER_DROP_NAME_BYTES 64
struct master_drop_open {
	uint64_t id; /* 0: none */
	uint32_t front;
	uint64_t inode;
	char name[MASTER_DROP_NAME_BYTES];
};

struct master_drop {
	int fd, refused_fd; /* the folders; -1: none */
	DIR *list;          /* owned; NULL: none is being read */
	size_t looks_left;  /* entries of this look */
	struct master_drop_open open[MASTER_DROPS_MAX];
	uint64_t last_id;
	size_t refused_count; /* in drop-refused */
	struct dict stuck;    /* names that cannot be moved; values mean nothing */
	struct timer look;
};

struct master {
	struct loop *loop;
	const struct config *config;
	bool no_sandbox;
	uint32_t front_count;
	int lock_fd;
	struct listener listeners[MASTER_LISTENERS_MAX];
	size_t listener_count;
	struct child children[CHILDREN_MAX];
	size_t child_count;
	struct buf settings; /* the configuration as SETUP carries it */
	int64_t begun_mono_ms;
	struct timer rejoin; /* for all wants_channel */
	bool is_rejoin_armed;
	bool is_ready; /* everything was ready once */
	unsigned stop_phase; /* 0: not stopping */
	struct timer stop_deadline;
	int exit_status;

	struct master_file tls_files[2 * CONFIG_PAIRS_MAX];
	struct timer tls_look;
	bool has_tls_trouble;

	uid_t uid; /* what the roles become */
	uint32_t next_front; /* whose turn it is */
	int local_fd; /* listening; -1: none */
	struct watch *local_watch;
	struct timer local_again; /* after EMFILE */
	struct master_drop drop;

	int admin_fd; /* listening; -1: none */
	struct watch *admin_watch;
	struct timer admin_again; /* after EMFILE */
};

/* master_setup.c: data_dir and what belongs into it, run_dir, the lock. */
enum code master_make_folders(struct master *m, struct err *e) MUST_USE;
enum code master_lock(struct master *m, struct err *e) MUST_USE;
enum code master_listen(struct master *m, struct err *e) MUST_USE;

/* master_tls.c: can the files of tls be opened? */
enum code master_check_tls(struct master *m, struct err *e) MUST_USE;
/* Hands them to keys, which has just been started. */
void master_send_tls(struct master *m, struct channel *keys);
/* Looks at them from now on. */
void master_init_tls(struct master *m);
void master_watch_tls(struct master *m);

/* master_admin.c */
enum code master_admin_open(struct master *m, struct err *e) MUST_USE;
void master_admin_close(struct master *m);

/* master_local.c: run_dir/submit.sock */
enum code master_local_open(struct master *m, struct err *e) MUST_USE;
void master_local_begin(struct master *m); /* all roles are there */
void master_local_close(struct master *m);
void master_local_user(const struct master *m, uid_t uid,
	struct master_user *out);
/* A front that can take work, each in its turn; NULL: none can. */
struct child *master_next_front(struct master *m);

/* master_drop.c: data_dir/drop */
void master_drop_init(struct master *m);
void master_drop_begin(struct master *m);
void master_drop_front_lost(struct master *m, uint32_t front);
bool master_on_drop_taken(void *arg, struct frame *f);
void master_drop_close(struct master *m);

/* master.c: a running process of the role, or NULL. */
struct child *master_child(struct master *m, enum role role,
	uint32_t instance);

#endif
