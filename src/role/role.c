/*
 * role.c - the life of every role's process.  See role.h.
 *
 *	WAITING --START--> open, confine, begin, READY --STOP or no master--> end
 *
 * WAITING: settings, channels and sockets arrive from master, and are kept.
 * After START further PEER messages replace channels to roles that died.
 */
#include "role/role.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "role/admin.h"
#include "role/confine.h"

#define MASTER_FD       3
#define LOCK_FD         4
#define CONFIG_MAX      (1u << 20)
#define KEPT_MAX        (ROLE_COUNT * ROLE_INSTANCES_MAX + 64)

/* A descriptor that came before START. */
struct kept {
	enum message_type type; /* whose body this was */
	struct msg_peer peer;
	struct msg_listen listen;
	struct msg_tls_file tls_file;
	int fd;
};

/* One role a process, so its state may stand here. */
static struct {
	struct role_run run;
	void *state;
	struct arena arena; /* the configuration */
	struct config config;
	struct kept kept[KEPT_MAX];
	size_t kept_count;
	bool is_started;
	bool has_failed;
	int exit_status;
} self;

static void tell_master(enum role role, uint32_t instance)
{
	const struct msg_peer_lost m = {(uint8_t)role, instance};

	channel_send(self.run.master, peer_lost, PEER_LOST, 0, &m, -1);
}

static void on_peer_lost(void *arg, struct channel *c)
{
	enum role role = channel_peer(c);
	uint32_t instance = channel_peer_instance(c);

	if (self.run.peers[role][instance] == c)
		self.run.peers[role][instance] = NULL;
	channel_free(c);
	LOG(EV_CHANNEL_LOST, LOG_STR("peer", role_name(role)));
	tell_master(role, instance);
	if (self.run.def->peer_lost != NULL)
		self.run.def->peer_lost(arg, role, instance);
}

static void on_peer_drained(void *arg, struct channel *c)
{
	if (self.run.def->peer_drained != NULL)
		self.run.def->peer_drained(arg, channel_peer(c),
			channel_peer_instance(c));
}

static void connect_peer(enum role role, uint32_t instance, int fd)
{
	const struct channel_owner owner = {
		.handlers = self.run.def->handlers,
		.on_lost = on_peer_lost,
		.on_drained = on_peer_drained,
		.arg = self.state,
	};
	struct channel **slot = &self.run.peers[role][instance];

	if (*slot != NULL) {
		/* master knew before us that the old one is dead */
		struct channel *old = *slot;

		*slot = NULL;
		channel_free(old);
		if (self.run.def->peer_lost != NULL)
			self.run.def->peer_lost(self.state, role, instance);
	}
	*slot = channel_new(self.run.loop, fd, self.run.def->role, role,
		instance, &owner);
	if (self.run.def->peer_up != NULL)
		self.run.def->peer_up(self.state, role, instance);
}

static void take_listener(enum service service, int fd)
{
	if (self.run.def->listen != NULL)
		self.run.def->listen(self.state, service, fd);
	else
		close(fd);
}

static bool keep(struct kept k)
{
	if (k.fd < 0 || self.kept_count == KEPT_MAX)
		return false;
	self.kept[self.kept_count++] = k;
	return true;
}

static bool on_peer(void *arg, struct frame *f)
{
	struct msg_peer m;

	(void)arg;
	if (!msg_get_peer(f->body, &m) || m.role >= ROLE_COUNT ||
		m.instance >= ROLE_INSTANCES_MAX ||
		(f->fd < 0 && !f->is_fd_lost))
		return false;
	if (f->is_fd_lost) {
		/* it makes another one, a while later */
		tell_master((enum role)m.role, m.instance);
		return true;
	}
	if (!self.is_started)
		return keep((struct kept){MSG_PEER, .peer = m, .fd = f->fd});
	connect_peer((enum role)m.role, m.instance, f->fd);
	return true;
}

static bool on_listen(void *arg, struct frame *f)
{
	struct msg_listen m;

	(void)arg;
	if (!msg_get_listen(f->body, &m) || m.service >= SERVICE_COUNT ||
		f->fd < 0)
		return false;
	if (!self.is_started)
		return keep((struct kept){MSG_LISTEN, .listen = m,
			.fd = f->fd});
	take_listener((enum service)m.service, f->fd);
	return true;
}

static void take_tls_file(const struct msg_tls_file *m, int fd)
{
	if (self.run.def->tls_file != NULL)
		self.run.def->tls_file(self.state, m, fd);
	else
		close(fd);
}

static bool on_tls_file(void *arg, struct frame *f)
{
	struct msg_tls_file m;

	(void)arg;
	if (!msg_get_tls_file(f->body, &m) || f->fd < 0)
		return false;
	if (!self.is_started)
		return keep((struct kept){MSG_TLS_FILE, .tls_file = m,
			.fd = f->fd});
	take_tls_file(&m, f->fd);
	return true;
}

static bool on_local_client(void *arg, struct frame *f)
{
	struct msg_local_client m;

	(void)arg;
	if (!msg_get_local_client(f->body, &m) || f->fd < 0)
		return false;
	if (!self.is_started || self.run.def->local_client == NULL)
		close(f->fd);
	else
		self.run.def->local_client(self.state, &m, f->fd);
	return true;
}

static bool on_drop_file(void *arg, struct frame *f)
{
	const struct msg_drop_taken not_now = {.result = TEMP};
	struct msg_drop_file m;

	(void)arg;
	if (f->is_fd_lost)
		channel_send(f->from, drop_taken, DROP_TAKEN, f->id, &not_now,
			-1);
	if (!msg_get_drop_file(f->body, &m) || f->fd < 0)
		return false;
	if (!self.is_started || self.run.def->drop_file == NULL)
		close(f->fd);
	else
		self.run.def->drop_file(self.state, &m, f->id, f->fd);
	return true;
}

void role_fail(struct err *e)
{
	struct msg_failed m = {.code = (uint8_t)e->code,
		.why = span_str(e->text)};

	LOG(EV_START_FAILED, LOG_STR("why", e->text));
	if (!channel_is_lost(self.run.master)) {
		channel_send(self.run.master, failed, FAILED, 0, &m, -1);
		channel_drain(self.run.master);
	}
	self.has_failed = true;
	self.exit_status = e->code == SYNTAX ? EXIT_CONFIG : EXIT_TRY_AGAIN;
	loop_stop(self.run.loop);
}

static bool on_setup(void *arg, struct frame *f)
{
	struct msg_setup m;
	struct err e = {.code = OK};

	(void)arg;
	if (!msg_get_setup(f->body, &m) || self.run.config != NULL)
		return false;
	if (m.hash != message_table_hash()) {
		err_set(&e, TEMP, "master is of another version: restart it");
		role_fail(&e);
		return true;
	}
	if (config_parse(m.settings, "settings", &self.config, &self.arena,
		    &e) != OK) {
		role_fail(&e);
		return true;
	}
	self.run.config = &self.config;
	self.run.instance = m.instance;
	self.run.no_sandbox = m.no_sandbox != 0;
	log_open(role_name(self.run.def->role), STDERR_FILENO,
		self.config.log_level);
	return true;
}

static enum code confine(struct err *e)
{
	/* the one folder of a role below data_dir; the others have none */
	static const char *const folders[ROLE_COUNT] = {
		[ROLE_DIRECTORY] = "directory",
		[ROLE_QUEUE] = "queue",
		[ROLE_ACCOUNTS] = "accounts",
	};
	const struct config *config = self.run.config;
	enum role role = self.run.def->role;
	char user[64], folder[4096];
	struct confine_request request = {
		.role = role,
		.folder = folders[role] == NULL ? NULL : folder,
		.user = user,
		/* 0: a smarthost may stand at any port */
		.tcp_port = config->smarthost.n > 0
			? 0
			: (uint16_t)config->outbound_port,
	};

	if (self.run.no_sandbox) {
		LOG(EV_CONFINE_OFF, LOG_STR("why", "--no-sandbox"));
		return OK;
	}
	(void)snprintf(user, sizeof(user), "%.*s", SPAN_ARG(config->user));
	if (folders[role] != NULL)
		(void)snprintf(folder, sizeof(folder), "%.*s/%s",
			SPAN_ARG(config->data_dir), folders[role]);
	return confine_self(&request, e);
}

/* What open makes must belong to the user that the role becomes: a file of
 * root could not be opened again.  Only for the time of open: confinement
 * still needs root. */
static enum code open_as_user(struct err *e)
{
	char name[64];
	const struct passwd *user;
	enum code code;

	if (geteuid() != 0)
		return self.run.def->open(&self.run, &self.state, e);
	(void)snprintf(name, sizeof(name), "%.*s",
		SPAN_ARG(self.run.config->user));
	user = getpwnam(name);
	if (user == NULL || setegid(user->pw_gid) != 0 ||
		seteuid(user->pw_uid) != 0)
		return err_set(e, SYNTAX, "cannot become user \"%s\"", name);
	code = self.run.def->open(&self.run, &self.state, e);
	if (seteuid(0) != 0 || setegid(0) != 0)
		return err_errno(e, TEMP, "becoming root again");
	return code;
}

static void take_kept(const struct kept *k)
{
	if (k->type == MSG_LISTEN)
		take_listener((enum service)k->listen.service, k->fd);
	else if (k->type == MSG_TLS_FILE)
		take_tls_file(&k->tls_file, k->fd);
	else
		connect_peer((enum role)k->peer.role, k->peer.instance, k->fd);
}

static bool on_start(void *arg, struct frame *f)
{
	const struct msg_ready ready = {0};
	struct err e = {.code = OK};

	(void)arg;
	(void)f;
	if (self.run.config == NULL || self.is_started)
		return false;
	if (open_as_user(&e) != OK || confine(&e) != OK) {
		role_fail(&e);
		return true;
	}
	self.is_started = true;
	for (size_t i = 0; i < self.kept_count; i++)
		take_kept(&self.kept[i]);
	if (self.run.def->begin != NULL)
		self.run.def->begin(self.state);
	if (self.has_failed)
		return true;
	/* building the sandbox took some, and an idle server should be small */
	mem_trim();
	channel_send(self.run.master, ready, READY, 0, &ready, -1);
	return true;
}

static bool on_stop(void *arg, struct frame *f)
{
	(void)arg;
	(void)f;
	if (self.is_started && self.run.def->stop != NULL)
		self.run.def->stop(self.state);
	else
		loop_stop(self.run.loop);
	return true;
}

static bool on_admin(void *arg, struct frame *f)
{
	struct msg_admin m;

	(void)arg;
	if (!msg_get_admin(f->body, &m) || f->fd < 0)
		return false;
	if (!self.is_started || self.run.def->admin == NULL)
		close(f->fd);
	else if (self.run.def->admin_later == NULL ||
		!self.run.def->admin_later(self.state, m.words, f->fd))
		admin_serve(&self.run, self.run.def->admin, self.state, f->fd,
			m.words);
	return true;
}

/* Without master there is no server: what is committed is safe. */
static void on_master_lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
	loop_stop(self.run.loop);
}

/* What was said last shall be heard, as far as it goes without waiting. */
static void flush_peers(void)
{
	for (size_t role = 0; role < ROLE_COUNT; role++)
		for (size_t i = 0; i < ROLE_INSTANCES_MAX; i++)
			if (self.run.peers[role][i] != NULL)
				channel_flush(self.run.peers[role][i]);
}

int role_main(const struct role_def *def)
{
	static const struct frame_handler handlers[] = {
		{MSG_SETUP, on_setup},
		{MSG_PEER, on_peer},
		{MSG_LISTEN, on_listen},
		{MSG_TLS_FILE, on_tls_file},
		{MSG_LOCAL_CLIENT, on_local_client},
		{MSG_DROP_FILE, on_drop_file},
		{MSG_START, on_start},
		{MSG_STOP, on_stop},
		{MSG_ADMIN, on_admin},
		{MSG_NONE, NULL},
	};
	const struct channel_owner owner = {
		.handlers = handlers,
		.on_lost = on_master_lost,
	};

	char name[16]; /* as long as the kernel keeps it */

	(void)snprintf(name, sizeof(name), "pr:%s", role_name(def->role));
	(void)prctl(PR_SET_NAME, name);
	/* Ctrl-C goes to all of us; master decides who ends when */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	log_open(role_name(def->role), STDERR_FILENO, LOG_INFO);
	arena_init(&self.arena, CONFIG_MAX);
	self.run.def = def;
	self.run.loop = loop_new();
	self.run.master = channel_new(self.run.loop, MASTER_FD, def->role,
		ROLE_MASTER, 0, &owner);
	self.run.lock_fd = LOCK_FD;
	loop_run(self.run.loop);
	flush_peers();
	log_end();
	return self.exit_status;
}
