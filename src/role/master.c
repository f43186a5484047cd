/*
 * master.c - starts the roles, gives each pair its channel, starts again what
 * dies, and ends all in order.
 *
 * It may touch: the configuration, the folders, the ports (as root only until
 * they are bound); no byte of the network, no message.  It talks to every role
 * (SETUP PEER LISTEN START STOP ADMIN) and hears READY and FAILED.
 *
 * A child:   down --spawn--> starting --READY--> ready --exit--> down
 *            down again: after its back-off, which doubles from
 *            BACKOFF_FIRST_MS to BACKOFF_MAX_MS and begins anew once it lived
 *            for BACKOFF_HEALED_MS.
 * A channel that breaks between two that live is made anew after REJOIN_MS; when
 * one of them died it is made at the new start.
 * Stopping:  phase 1: the fronts finish and end; phase 2: all others.
 */
#define _GNU_SOURCE
#include "role/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "role/master_int.h"

#include "base/banned.h"

#define BACKOFF_FIRST_MS  50
#define BACKOFF_MAX_MS    10000
#define BACKOFF_HEALED_MS 5000
#define STOP_WAIT_MS      15000
#define REJOIN_MS         1000
#define ROLE_FD           3
#define LOCK_FD           4
#define OPEN_FILES        65536

/* Which roles talk to each other.  The picture is in ARCHITECTURE.md. */
static const struct {
	enum role a, b;
} pairs[] = {
	{ROLE_FRONT, ROLE_DIRECTORY},
	{ROLE_FRONT, ROLE_QUEUE},
	{ROLE_FRONT, ROLE_ACCOUNTS},
	{ROLE_FRONT, ROLE_KEYS},
	{ROLE_DIRECTORY, ROLE_ACCOUNTS},
	{ROLE_DIRECTORY, ROLE_HASHER},
	{ROLE_QUEUE, ROLE_DIRECTORY},
	{ROLE_QUEUE, ROLE_ACCOUNTS},
	{ROLE_QUEUE, ROLE_OUTBOUND},
	{ROLE_OUTBOUND, ROLE_RESOLVER},
};

static void start_child(struct child *c);

struct child *master_child(struct master *m, enum role role, uint32_t instance)
{
	for (size_t i = 0; i < m->child_count; i++)
		if (m->children[i].role == role &&
			m->children[i].instance == instance)
			return &m->children[i];
	return NULL;
}

/* ---- start ----------------------------------------------------------------- */
static void send_peer(struct child *to, const struct child *peer, int fd)
{
	struct msg_peer m = {.role = (uint8_t)peer->role,
		.instance = peer->instance};

	channel_send(to->channel, peer, PEER, 0, &m, fd);
}

static bool are_pair(enum role a, enum role b)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if ((pairs[i].a == a && pairs[i].b == b) ||
			(pairs[i].a == b && pairs[i].b == a))
			return true;
	return false;
}

static size_t index_of(const struct child *c)
{
	return (size_t)(c - c->master->children);
}

static void set_wants(struct child *a, struct child *b, bool wants)
{
	a->wants_channel[index_of(b)] = b->wants_channel[index_of(a)] = wants;
}

static void rejoin_later(struct master *m)
{
	if (!m->is_rejoin_armed)
		timer_arm(&m->rejoin, REJOIN_MS);
	m->is_rejoin_armed = true;
}

/* A new channel between the two, if they run. */
static void join(struct child *c, struct child *peer)
{
	struct err e;
	int fds[2];

	set_wants(c, peer, false);
	if (peer == c || c->channel == NULL || peer->channel == NULL ||
		!are_pair(c->role, peer->role))
		return;
	if (channel_pair(fds)) {
		send_peer(c, peer, fds[0]);
		send_peer(peer, c, fds[1]);
		return;
	}
	err_errno(&e, TEMP, "channel %s-%s", role_name(c->role),
		role_name(peer->role));
	LOG(EV_START_FAILED, LOG_STR("why", e.text));
	set_wants(c, peer, true);
	rejoin_later(c->master);
}

/* New channels between this child and all of its peers that run. */
static void connect_child(struct child *c)
{
	struct master *m = c->master;

	for (size_t i = 0; i < m->child_count; i++)
		join(c, &m->children[i]);
}

static void on_rejoin(void *arg)
{
	struct master *m = arg;

	m->is_rejoin_armed = false;
	for (size_t i = 0; i < m->child_count; i++)
		for (size_t k = 0; k < i; k++)
			if (m->children[i].wants_channel[k])
				join(&m->children[i], &m->children[k]);
}

static void send_listeners(struct child *c)
{
	struct master *m = c->master;

	for (size_t i = 0; i < m->listener_count; i++) {
		struct listener *l = &m->listeners[i];
		struct msg_listen listen = {.service = (uint8_t)l->service};

		if (l->front == c->instance)
			channel_send(c->channel, listen, LISTEN, 0, &listen,
				fcntl(l->fd, F_DUPFD_CLOEXEC, 0));
	}
}

static void hand_over(struct child *c)
{
	struct master *m = c->master;
	struct msg_setup setup = {.hash = message_table_hash(),
		.instance = c->instance,
		.no_sandbox = m->no_sandbox,
		.settings = buf_span(&m->settings)};
	const struct msg_start start = {0};

	channel_send(c->channel, setup, SETUP, 0, &setup, -1);
	connect_child(c);
	/* at the first start the doors open when everybody is there */
	if (c->role == ROLE_FRONT && m->is_ready)
		send_listeners(c);
	if (c->role == ROLE_KEYS)
		master_send_tls(m, c->channel);
	channel_send(c->channel, start, START, 0, &start, -1);
	channel_flush(c->channel);
}

/* In the child, between fork and exec: only calls that are safe there. */
static void become_role(struct child *c, int fd)
{
	const char *argv[] = {"postrider", "--role", role_name(c->role), NULL};
	sigset_t none;
	int lock_fd;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* first out of each other's way; the copies live on after exec */
	fd = fcntl(fd, F_DUPFD, LOCK_FD + 1);
	lock_fd = fcntl(c->master->lock_fd, F_DUPFD, LOCK_FD + 1);
	if (dup2(fd, ROLE_FD) != ROLE_FD || dup2(lock_fd, LOCK_FD) != LOCK_FD ||
		dup2(STDERR_FILENO, 1) != 1)
		_exit(EXIT_BUG);
	(void)close_range(LOCK_FD + 1, ~0U, 0);
	(void)execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(EXIT_BUG);
}

/* True if a process was made. */
static bool spawn(struct child *c, int *out_fd)
{
	int fds[2];

	if (!channel_pair(fds))
		return false;
	c->pid = fork();
	if (c->pid == 0)
		become_role(c, fds[1]);
	close(fds[1]);
	if (c->pid < 0) {
		c->pid = 0;
		close(fds[0]);
		return false;
	}
	*out_fd = fds[0];
	return true;
}

/* ---- what a child says, and its end ---------------------------------------- */
static struct child *child_of(struct master *m, const struct channel *c)
{
	return master_child(m, channel_peer(c), channel_peer_instance(c));
}

static void announce(struct master *m)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd;

	(void)printf("ready\n");
	(void)fflush(stdout);
	LOG(EV_READY, LOG_NUM("ms", time_mono_ms() - m->begun_mono_ms));
	if (path == NULL || strlen(path) >= sizeof(to.sun_path))
		return;
	/* sd_notify(3): one datagram to the socket that systemd named */
	memcpy(to.sun_path, path, strlen(path));
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			strlen(path)));
	close(fd);
}

/* All roles serve: clients that waited in the sockets are let in. */
static void open_doors(struct master *m)
{
	m->is_ready = true;
	for (size_t i = 0; i < m->child_count; i++)
		if (m->children[i].role == ROLE_FRONT)
			send_listeners(&m->children[i]);
	master_local_begin(m);
	master_drop_begin(m);
	announce(m);
}

static bool on_role_ready(void *arg, struct frame *f)
{
	struct master *m = arg;
	struct child *c = child_of(m, f->from);

	if (c == NULL)
		return false;
	c->is_ready = true;
	for (size_t i = 0; i < m->child_count; i++)
		if (!m->children[i].is_ready)
			return true;
	if (!m->is_ready && m->stop_phase == 0)
		open_doors(m);
	return true;
}

/* Both ends tell, or the one that lives: then its peer's new start is soon. */
static bool on_role_peer_lost(void *arg, struct frame *f)
{
	struct master *m = arg;
	struct child *c = child_of(m, f->from), *peer;
	struct msg_peer_lost lost;

	if (!msg_get_peer_lost(f->body, &lost) || c == NULL)
		return false;
	peer = master_child(m, (enum role)lost.role, lost.instance);
	if (peer == NULL || !are_pair(c->role, peer->role))
		return false;
	set_wants(c, peer, true);
	rejoin_later(m);
	return true;
}

static void stop_all(struct master *m, const char *why);

/* A role that cannot even start the first time: no half server. */
static bool on_role_failed(void *arg, struct frame *f)
{
	struct master *m = arg;
	struct msg_failed failed;

	if (!msg_get_failed(f->body, &failed))
		return false;
	if (!m->is_ready) {
		m->exit_status = failed.code == SYNTAX ? EXIT_CONFIG
						       : EXIT_CANNOT_CREATE;
		stop_all(m, "a role cannot start");
	}
	return true;
}

/* Its process follows, and SIGCHLD tells. */
static void on_role_lost(void *arg, struct channel *channel)
{
	struct master *m = arg;
	struct child *c = child_of(m, channel);

	if (c == NULL)
		return;
	c->channel = NULL;
	channel_free(channel);
}

static void on_again(void *arg)
{
	struct child *c = arg;

	if (c->master->stop_phase == 0)
		start_child(c);
}

static void start_later(struct child *c)
{
	if (time_mono_ms() - c->started_mono_ms >= BACKOFF_HEALED_MS ||
		c->backoff_ms == 0)
		c->backoff_ms = BACKOFF_FIRST_MS;
	else if (c->backoff_ms < BACKOFF_MAX_MS)
		c->backoff_ms *= 2;
	timer_arm(&c->again, c->backoff_ms);
}

static void start_child(struct child *c)
{
	static const struct frame_handler handlers[] = {
		{MSG_READY, on_role_ready},
		{MSG_PEER_LOST, on_role_peer_lost},
		{MSG_FAILED, on_role_failed},
		{MSG_DROP_TAKEN, master_on_drop_taken},
		{MSG_NONE, NULL},
	};
	const struct channel_owner owner = {.handlers = handlers,
		.on_lost = on_role_lost, .arg = c->master};
	int fd;

	c->started_mono_ms = time_mono_ms();
	c->starts++;
	c->is_ready = false;
	if (!spawn(c, &fd)) {
		start_later(c);
		LOG(EV_ROLE_DIED, LOG_STR("peer", role_name(c->role)),
			LOG_NUM("pid", 0), LOG_STR("why", strerror(errno)),
			LOG_NUM("again_ms", c->backoff_ms));
		return;
	}
	c->channel = channel_new(c->master->loop, fd, ROLE_MASTER, c->role,
		c->instance, &owner);
	LOG(EV_ROLE_STARTED, LOG_STR("peer", role_name(c->role)),
		LOG_NUM("pid", c->pid));
	hand_over(c);
}

static void next_stop_phase(struct master *m);

static void on_exit_of(struct child *c, int status)
{
	struct master *m = c->master;
	char why[64];

	if (WIFSIGNALED(status))
		(void)snprintf(why, sizeof(why), "signal %d",
			WTERMSIG(status));
	else
		(void)snprintf(why, sizeof(why), "exit %d",
			WEXITSTATUS(status));
	channel_free(c->channel);
	c->channel = NULL;
	c->is_ready = false;
	if (c->role == ROLE_FRONT)
		master_drop_front_lost(m, c->instance);
	if (m->stop_phase > 0) {
		c->pid = 0;
		next_stop_phase(m);
		return;
	}
	start_later(c);
	LOG(EV_ROLE_DIED, LOG_STR("peer", role_name(c->role)),
		LOG_NUM("pid", c->pid), LOG_STR("why", why),
		LOG_NUM("again_ms", c->backoff_ms));
	c->pid = 0;
}

static void on_sigchld(void *arg)
{
	struct master *m = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < m->child_count; i++)
			if (m->children[i].pid == pid)
				on_exit_of(&m->children[i], status);
}

/* ---- stop ------------------------------------------------------------------- */
static bool belongs_to_phase(const struct child *c, unsigned phase)
{
	return (c->role == ROLE_FRONT) == (phase == 1);
}

static void stop_phase_begin(struct master *m)
{
	const struct msg_stop stop = {0};

	for (size_t i = 0; i < m->child_count; i++) {
		struct child *c = &m->children[i];

		if (!belongs_to_phase(c, m->stop_phase) || c->channel == NULL)
			continue;
		channel_send(c->channel, stop, STOP, 0, &stop, -1);
	}
	timer_arm(&m->stop_deadline, STOP_WAIT_MS);
}

static bool phase_is_over(const struct master *m)
{
	for (size_t i = 0; i < m->child_count; i++)
		if (belongs_to_phase(&m->children[i], m->stop_phase) &&
			m->children[i].pid != 0)
			return false;
	return true;
}

static void next_stop_phase(struct master *m)
{
	while (phase_is_over(m)) {
		if (m->stop_phase == 2) {
			loop_stop(m->loop);
			return;
		}
		m->stop_phase++;
		stop_phase_begin(m);
	}
}

static void on_stop_deadline(void *arg)
{
	struct master *m = arg;

	for (size_t i = 0; i < m->child_count; i++)
		if (belongs_to_phase(&m->children[i], m->stop_phase) &&
			m->children[i].pid != 0)
			(void)kill(m->children[i].pid, SIGKILL);
}

static void stop_all(struct master *m, const char *why)
{
	if (m->stop_phase > 0)
		return;
	LOG(EV_STOPPING, LOG_STR("why", why));
	/* from here on messages go into data_dir/drop */
	master_local_close(m);
	m->stop_phase = 1;
	stop_phase_begin(m);
	next_stop_phase(m);
}

static void on_sigterm(void *arg)
{
	stop_all(arg, "signal");
}

/* ---- the whole --------------------------------------------------------------- */
static void add_child(struct master *m, enum role role, uint32_t instance)
{
	struct child *c = &m->children[m->child_count++];

	c->role = role;
	c->instance = instance;
	c->master = m;
	timer_init(&c->again, m->loop, on_again, c);
}

static uint32_t count_of(const struct master *m, enum role role)
{
	if (role == ROLE_HASHER)
		return m->config->login_workers;
	return role == ROLE_FRONT ? m->front_count : 1;
}

static void add_children(struct master *m)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		uint32_t count = count_of(m, (enum role)role);

		if (role_def_of((enum role)role) == NULL)
			continue;
		for (uint32_t i = 0; i < count; i++)
			add_child(m, (enum role)role, i);
	}
}

static uint32_t count_fronts(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->fronts > 0)
		cores = (long)config->fronts;
	return cores < 1		    ? 1
		: cores > ROLE_INSTANCES_MAX ? ROLE_INSTANCES_MAX
					     : (uint32_t)cores;
}

static void prepare_process(void)
{
	struct rlimit files = {OPEN_FILES, OPEN_FILES};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_NOFILE, &files) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

static enum code open_log(const struct config *config, struct err *e)
{
	char path[4096];
	int fd;

	log_open("master", STDERR_FILENO, config->log_level);
	if (span_eq(config->log_to, SPAN("stderr")))
		return OK;
	(void)snprintf(path, sizeof(path), "%.*s", SPAN_ARG(config->log_to));
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_errno(e, DENIED, "log %s", path);
	/* every role inherits it as its stderr */
	must(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	close(fd);
	return OK;
}

static enum code prepare(struct master *m, struct err *e)
{
	enum code code = master_make_folders(m, e);

	if (code == OK)
		code = master_lock(m, e);
	if (code == OK)
		code = master_check_tls(m, e);
	if (code == OK)
		code = master_listen(m, e);
	return code;
}

static void init(struct master *m, const struct config *config)
{
	m->config = config;
	m->lock_fd = -1;
	m->admin_fd = -1;
	m->local_fd = -1;
	m->begun_mono_ms = time_mono_ms();
	m->front_count = count_fronts(config);
	m->loop = loop_new();
	buf_init(&m->settings, 65536);
	config_put(&m->settings, config);
	timer_init(&m->stop_deadline, m->loop, on_stop_deadline, m);
	timer_init(&m->rejoin, m->loop, on_rejoin, m);
	master_init_tls(m);
	master_drop_init(m);
}

static void clear(struct master *m)
{
	master_admin_close(m);
	master_local_close(m);
	master_drop_close(m);
	for (size_t i = 0; i < m->listener_count; i++)
		close(m->listeners[i].fd);
	for (size_t i = 0; i < m->child_count; i++) {
		channel_free(m->children[i].channel);
		timer_clear(&m->children[i].again);
	}
	timer_clear(&m->stop_deadline);
	timer_clear(&m->rejoin);
	timer_clear(&m->tls_look);
	buf_clear(&m->settings);
	if (m->lock_fd >= 0)
		close(m->lock_fd);
	loop_free(m->loop);
	log_end();
	mem_free(m);
}

enum code master_check(const struct config *config, struct err *e)
{
	struct master *m = MEM_NEW(struct master);
	enum code code;

	init(m, config);
	code = prepare(m, e);
	clear(m);
	return code;
}

int master_run(const struct config *config, bool no_sandbox)
{
	struct master *m = MEM_NEW(struct master);
	struct err e = {.code = OK};
	int status;

	prepare_process();
	init(m, config);
	m->no_sandbox = no_sandbox;
	if (open_log(config, &e) != OK || prepare(m, &e) != OK ||
		master_admin_open(m, &e) != OK ||
		master_local_open(m, &e) != OK) {
		LOG(EV_START_FAILED, LOG_STR("why", e.text));
		clear(m);
		return e.code == SYNTAX ? EXIT_CONFIG : EXIT_CANNOT_CREATE;
	}
	loop_on_signal(m->loop, SIGTERM, on_sigterm, m);
	loop_on_signal(m->loop, SIGINT, on_sigterm, m);
	loop_on_signal(m->loop, SIGCHLD, on_sigchld, m);
	master_watch_tls(m);
	add_children(m);
	for (size_t i = 0; i < m->child_count; i++)
		start_child(&m->children[i]);
	loop_run(m->loop);
	status = m->exit_status;
	clear(m);
	return status;
}
