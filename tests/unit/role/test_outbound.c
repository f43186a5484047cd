/*
 * test_outbound.c - the roles outbound and resolver as processes of their own,
 * in their sandboxes; this process is master and queue, and one more process
 * is the mail server at the other end.  Not a thread: a process with threads
 * that forks may leave the child a lock of the allocator that nobody opens.
 *
 * Names come from resolver.local, with `test.` as a static zone, so that no
 * question leaves the machine.
 */
#define _GNU_SOURCE /* memfd_create, close_range */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "role/role.h"
#include "role/roles.h"

#define MASTER_FD 3
#define SENT_MAX  64

/* ---- the mail server ------------------------------------------------------ */
/* What it saw; in memory that both processes have. */
struct seen {
	_Atomic unsigned connections, messages, body_bytes;
	_Atomic unsigned high_bytes, converted; /* bytes above 127; labels */
};

struct server {
	int fd;
	uint16_t port;
	const char *rcpt;       /* the reply to each RCPT */
	const char *greeting;
	bool hangs_up_at_dot;
	bool hangs_up_idle;     /* after each message */
	bool is_old;            /* it lacks 8BITMIME */
	struct seen *seen;
	pid_t pid;
};

static void say(int fd, const char *line)
{
	(void)send(fd, line, strlen(line), MSG_NOSIGNAL);
	(void)send(fd, "\r\n", 2, MSG_NOSIGNAL);
}

/* One command; false: the connection ends. */
static bool serve_line(struct server *s, int fd, const char *line,
	bool *in_data)
{
	if (*in_data) {
		s->seen->body_bytes += (unsigned)strlen(line);
		for (const char *p = line; *p != 0; p++)
			s->seen->high_bytes += (*p & 0x80) != 0;
		s->seen->converted += strstr(line, "quoted-printable") != NULL;
		if (strcmp(line, ".\r\n") != 0)
			return true;
		*in_data = false;
		if (s->hangs_up_at_dot)
			return false;
		s->seen->messages++;
		say(fd, "250 2.0.0 taken");
		return !s->hangs_up_idle;
	}
	if (strncmp(line, "EHLO", 4) == 0) {
		say(fd, s->is_old ?
			"250-there.test\r\n250 PIPELINING" :
			"250-there.test\r\n250-PIPELINING\r\n250 8BITMIME");
	} else if (strncmp(line, "RCPT", 4) == 0) {
		say(fd, strstr(line, "nobody") != NULL ? "550 5.1.1 no such" :
							 s->rcpt);
	} else if (strncmp(line, "DATA", 4) == 0) {
		*in_data = true;
		say(fd, "354 go");
	} else if (strncmp(line, "QUIT", 4) == 0) {
		say(fd, "221 bye");
		return false;
	} else {
		say(fd, "250 2.0.0 ok");
	}
	return true;
}

static void serve_connection(struct server *s, int fd)
{
	FILE *f = fdopen(fd, "r");
	char line[4096];
	bool in_data = false;

	say(fd, s->greeting);
	while (fgets(line, sizeof(line), f) != NULL)
		if (!serve_line(s, fd, line, &in_data))
			break;
	(void)fclose(f);
}

/* A process a connection; they end with it, or with its client. */
static void serve(struct server *s)
{
	int fd;

	(void)signal(SIGCHLD, SIG_IGN);
	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		s->seen->connections++;
		if (fork() == 0) {
			close(s->fd);
			serve_connection(s, fd);
			_exit(0);
		}
		close(fd);
	}
}

static void server_open(struct server *s, const char *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t bytes = sizeof(in);
	const int on = 1;

	s->greeting = s->greeting == NULL ? "220 there.test" : s->greeting;
	s->rcpt = s->rcpt == NULL ? "250 2.1.5 ok" : s->rcpt;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	in.sin_port = htons(s->port);
	assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&in, bytes), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&in, &bytes),
		0);
	s->port = ntohs(in.sin_port);
	s->seen = mmap(NULL, sizeof(*s->seen), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(s->seen != MAP_FAILED);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		serve(s);
		_exit(0);
	}
}

static void server_close(struct server *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
	close(s->fd);
}

/* ---- the roles -------------------------------------------------------------- */
struct outcome {
	uint32_t idx, code;
	uint8_t result;
	char enhanced[20], text[300];
};

struct sent {
	uint64_t id;
	struct outcome outcomes[4];
	size_t count;
	char peer[300];
	char dialogue[2000];
};

struct world {
	struct loop *loop;
	struct channel *outbound_master, *resolver_master, *queue;
	pid_t outbound, resolver;
	unsigned ready;
	struct sent sent[SENT_MAX];
	size_t sent_count, wanted;
	struct timer timer;
	bool timed_out;
};

static void copy(char *out, size_t room, struct span s)
{
	(void)snprintf(out, room, "%.*s", SPAN_ARG(s));
}

static void check_done(struct world *w)
{
	if (w->sent_count >= w->wanted && w->ready == 2)
		loop_stop(w->loop);
}

static bool on_sent(void *arg, struct frame *f)
{
	struct world *w = arg;
	struct sent *s = &w->sent[w->sent_count++];
	struct msg_sent m;
	struct rec_outcome r;

	if (!msg_get_sent(f->body, &m))
		return false;
	s->id = f->id;
	copy(s->peer, sizeof(s->peer), m.peer);
	copy(s->dialogue, sizeof(s->dialogue), m.dialogue);
	while (s->count < 4 && rec_next_outcome(&m.outcomes, &r) == MORE) {
		struct outcome *o = &s->outcomes[s->count++];

		o->idx = r.idx;
		o->code = r.code;
		o->result = r.result;
		copy(o->enhanced, sizeof(o->enhanced), r.enhanced);
		copy(o->text, sizeof(o->text), r.text);
	}
	check_done(w);
	return true;
}

static bool on_ready(void *arg, struct frame *f)
{
	struct world *w = arg;

	(void)f;
	w->ready++;
	check_done(w);
	return true;
}

static bool on_failed(void *arg, struct frame *f)
{
	struct msg_failed m;

	(void)arg;
	if (msg_get_failed(f->body, &m))
		fail_msg("a role cannot start: %.*s", SPAN_ARG(m.why));
	return true;
}

static void on_lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
}

static void on_timer(void *arg)
{
	struct world *w = arg;

	w->timed_out = true;
	loop_stop(w->loop);
}

/* As master does, or the channel would be cut: a role tells who left it. */
static bool on_peer_lost(void *arg, struct frame *f)
{
	struct msg_peer_lost m;

	(void)arg;
	return msg_get_peer_lost(f->body, &m);
}

static const struct frame_handler master_handlers[] = {
	{MSG_READY, on_ready},
	{MSG_FAILED, on_failed},
	{MSG_PEER_LOST, on_peer_lost},
	{MSG_NONE, NULL},
};
static const struct frame_handler queue_handlers[] = {
	{MSG_SENT, on_sent},
	{MSG_NONE, NULL},
};

static void run(struct world *w)
{
	w->timed_out = false;
	timer_arm(&w->timer, 300000); /* against hanging for ever */
	if (w->sent_count < w->wanted || w->ready < 2)
		loop_run(w->loop);
	assert_false(w->timed_out);
}

static pid_t start(struct world *w, const struct role_def *def,
	struct channel **out_master, const char *settings)
{
	const struct channel_owner owner = {master_handlers, on_lost, NULL, w};
	struct msg_setup setup = {.hash = message_table_hash(),
		.settings = span_str(settings)};
	int fds[2];
	pid_t pid;

#ifdef POSTRIDER_SANITIZED
	setup.no_sandbox = 1; /* a sanitizer needs more than a role may */
#endif
	assert_true(channel_pair(fds));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(fds[1], MASTER_FD);
		(void)close_range(MASTER_FD + 1, ~0u, 0);
		_exit(role_main(def));
	}
	close(fds[1]);
	*out_master = channel_new(w->loop, fds[0], ROLE_MASTER, def->role, 0,
		&owner);
	channel_send(*out_master, setup, SETUP, 0, &setup, -1);
	return pid;
}

static void give_peer(struct channel *to, enum role peer, int fd)
{
	struct msg_peer m = {.role = (uint8_t)peer};

	channel_send(to, peer, PEER, 0, &m, fd);
}

static void connect_queue(struct world *w)
{
	const struct channel_owner owner = {queue_handlers, on_lost, NULL, w};
	int fds[2];

	assert_true(channel_pair(fds));
	give_peer(w->outbound_master, ROLE_QUEUE, fds[1]);
	w->queue = channel_new(w->loop, fds[0], ROLE_QUEUE, ROLE_OUTBOUND, 0,
		&owner);
}

static void world_open(struct world *w, uint16_t port, const char *more)
{
	const struct msg_start start_now = {0};
	char settings[2048];
	int fds[2];

	memset(w, 0, sizeof(*w));
	(void)snprintf(settings, sizeof(settings),
		"hostname = \"me.test\"\nuser = \"nobody\"\n"
		"outbound { port = %u\n idle_timeout = \"20s\"\n"
		" connections_per_domain = 2\n %s }\n"
		"resolver { local = {\"test. static\", "
		"\"b.test. MX 10 mx.b.test.\", \"mx.b.test. A 127.0.0.3\", "
		"\"two.test. MX 10 dead.test.\", \"two.test. MX 20 mx.b.test.\","
		"\"dead.test. A 127.0.0.4\", \"null.test. MX 0 .\", "
		"\"implicit.test. A 127.0.0.3\", "
		"\"us.test. MX 10 me.test.\", \"me.test. A 127.0.0.3\", "
		"\"lost.test. MX 10 nowhere.test.\", "
		"\"down.test. MX 10 dead.test.\", "
		"\"alias.test. CNAME b.test.\", "
		"\"l1.test. CNAME l2.test.\", \"l2.test. CNAME l1.test.\", "
		"\"mxalias.test. MX 5 to.test.\", "
		"\"to.test. CNAME mx.b.test.\"} }\n",
		port, more);
	w->loop = loop_new();
	timer_init(&w->timer, w->loop, on_timer, w);
	w->outbound = start(w, &role_outbound, &w->outbound_master, settings);
	w->resolver = start(w, &role_resolver, &w->resolver_master, settings);
	assert_true(channel_pair(fds));
	give_peer(w->outbound_master, ROLE_RESOLVER, fds[0]);
	give_peer(w->resolver_master, ROLE_OUTBOUND, fds[1]);
	connect_queue(w);
	channel_send(w->outbound_master, start, START, 0, &start_now, -1);
	channel_send(w->resolver_master, start, START, 0, &start_now, -1);
	run(w);
}

static void world_close(struct world *w)
{
	int status;

	channel_free(w->queue);
	channel_free(w->outbound_master);
	channel_free(w->resolver_master);
	assert_int_equal(waitpid(w->outbound, &status, 0), w->outbound);
	assert_int_equal(status, 0);
	assert_int_equal(waitpid(w->resolver, &status, 0), w->resolver);
	assert_int_equal(status, 0);
	timer_clear(&w->timer);
	loop_free(w->loop);
}

/* ---- jobs -------------------------------------------------------------------- */
static void send_job(struct world *w, uint64_t id, const char *domain,
	struct span body, int fd)
{
	struct buf rcpts;
	struct msg_send m = {.qid = id, .size = body.n,
		.is_spooled = fd >= 0, .domain = span_str(domain),
		.reverse_path = SPAN("ann@a.test"),
		.trace = SPAN("Received: by me\r\n"),
		.body = fd >= 0 ? SPAN_EMPTY : body};

	buf_init(&rcpts, 1000);
	rec_put_rcpt(&rcpts, &(struct rec_rcpt){.idx = 7,
		.route = ROUTE_REMOTE, .address = SPAN("bob@b.test")});
	rec_put_rcpt(&rcpts, &(struct rec_rcpt){.idx = 9,
		.route = ROUTE_REMOTE, .address = SPAN("nobody@b.test")});
	m.rcpts = buf_span(&rcpts);
	channel_send(w->queue, send, SEND, id, &m, fd);
	buf_clear(&rcpts);
	w->wanted++;
}

static const struct sent *send_one(struct world *w, const char *domain)
{
	send_job(w, 100 + w->wanted, domain, SPAN("Hi\r\n"), -1);
	run(w);
	return &w->sent[w->sent_count - 1];
}

static void expect(const struct sent *s, uint8_t result, uint32_t code,
	const char *enhanced)
{
	assert_int_equal(s->count, 2);
	assert_int_equal(s->outcomes[0].idx, 7);
	assert_int_equal(s->outcomes[0].result, result);
	assert_int_equal(s->outcomes[0].code, code);
	assert_string_equal(s->outcomes[0].enhanced, enhanced);
}

static void test_delivers(void **state)
{
	struct server s = {.port = 0};
	static struct world w;
	const struct sent *sent;

	(void)state;
	server_open(&s, "127.0.0.3");
	world_open(&w, s.port, "");
	sent = send_one(&w, "B.test");
	expect(sent, OK, 250, "2.0.0");
	assert_string_equal(sent->outcomes[0].text, "taken");
	assert_int_equal(sent->outcomes[1].result, DENIED);
	assert_int_equal(sent->outcomes[1].code, 550);
	assert_non_null(strstr(sent->peer, "mx.b.test[127.0.0.3]:"));
	assert_non_null(strstr(sent->dialogue, "C: RCPT TO:<nobody@b.test>"));
	assert_non_null(strstr(sent->dialogue, "S: 550 5.1.1 no such"));
	assert_null(strstr(sent->dialogue, "Hi"));
	/* without MX, and by an alias: RFC 5321 5.1 */
	expect(send_one(&w, "implicit.test"), OK, 250, "2.0.0");
	expect(send_one(&w, "alias.test"), OK, 250, "2.0.0");
	expect(send_one(&w, "mxalias.test"), OK, 250, "2.0.0");
	world_close(&w);
	server_close(&s);
	assert_int_equal(s.seen->messages, 4);
}

/* Many jobs, few connections; each is answered once. */
static void test_reuses(void **state)
{
	struct server s = {.port = 0};
	static struct world w;
	uint64_t seen = 0;

	(void)state;
	server_open(&s, "127.0.0.3");
	world_open(&w, s.port, "connections_per_domain = 1");
	for (uint64_t i = 0; i < 50; i++)
		send_job(&w, i, "b.test", SPAN(".dot\r\n"), -1);
	run(&w);
	for (size_t i = 0; i < 50; i++) {
		assert_int_equal(w.sent[i].outcomes[0].result, OK);
		seen |= 1ull << w.sent[i].id;
	}
	assert_true(seen == (1ull << 50) - 1);
	world_close(&w);
	server_close(&s);
	assert_int_equal(s.seen->messages, 50);
	assert_int_equal(s.seen->connections, 1);
}

/* A connection that died while it was idle is no reason to wait. */
static void test_idle_died(void **state)
{
	struct server s = {.hangs_up_idle = true};
	static struct world w;

	(void)state;
	server_open(&s, "127.0.0.3");
	world_open(&w, s.port, "");
	for (unsigned i = 0; i < 5; i++)
		expect(send_one(&w, "b.test"), OK, 250, "2.0.0");
	world_close(&w);
	server_close(&s);
	assert_int_equal(s.seen->messages, 5);
}

static void test_large(void **state)
{
	static char body[3000000];
	struct server s = {.port = 0};
	static struct world w;
	int fd = memfd_create("body", MFD_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < sizeof(body); i += 10)
		memcpy(body + i, ".2345678\r\n", 10);
	assert_int_equal(write(fd, body, sizeof(body)), sizeof(body));
	server_open(&s, "127.0.0.3");
	world_open(&w, s.port, "");
	send_job(&w, 1, "b.test", span_of(body, sizeof(body)), fd);
	run(&w);
	expect(&w.sent[0], OK, 250, "2.0.0");
	world_close(&w);
	server_close(&s);
	assert_int_equal(s.seen->body_bytes, sizeof(body) / 10 * 11 + 3 +
		sizeof("Received: by me\r\n") - 1);
}

/* The spool file is shorter than it should be: our trouble, for later. */
static void test_short_file(void **state)
{
	struct server s = {.port = 0};
	static struct world w;

	(void)state;
	server_open(&s, "127.0.0.3");
	world_open(&w, s.port, "");
	send_job(&w, 1, "b.test", SPAN("Hi\r\n"),
		memfd_create("body", MFD_CLOEXEC));
	run(&w);
	expect(&w.sent[0], TEMP, 0, "4.3.0");
	world_close(&w);
	server_close(&s);
	assert_int_equal(s.seen->messages, 0);
}

#define HEAD_8BIT "MIME-Version: 1.0\r\nContent-Type: text/plain;" \
	" charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
#define LINES 30000

/* What a server does not take is converted, whole and spooled; for one that
 * does nothing is changed.  RFC 6152 3 */
static void test_converts(void **state)
{
	static char body[sizeof(HEAD_8BIT) - 1 + LINES * 10];
	const size_t head = sizeof(HEAD_8BIT) - 1;
	struct server old = {.is_old = true}, good = {.port = 0};
	static struct world w;
	int fd = memfd_create("body", MFD_CLOEXEC);

	(void)state;
	memcpy(body, HEAD_8BIT, head);
	for (size_t i = 0; i < LINES; i++)
		memcpy(body + head + i * 10, ".23\xc3\xa9" "678\r\n", 10);
	assert_int_equal(write(fd, body, sizeof(body)), sizeof(body));
	server_open(&old, "127.0.0.3");
	good.port = old.port;
	server_open(&good, "127.0.0.4");
	world_open(&w, old.port, "");
	send_job(&w, 1, "b.test", SPAN(HEAD_8BIT "caf\xc3\xa9\r\n"), -1);
	run(&w);
	send_job(&w, 2, "b.test",
		span_of(body, sizeof(body)), fd);
	run(&w);
	send_job(&w, 3, "down.test", SPAN(HEAD_8BIT "caf\xc3\xa9\r\n"), -1);
	run(&w);
	for (size_t i = 0; i < 3; i++)
		expect(&w.sent[i], OK, 250, "2.0.0");
	world_close(&w);
	server_close(&old);
	server_close(&good);
	assert_int_equal(old.seen->messages, 2);
	assert_int_equal(old.seen->high_bytes, 0);
	assert_int_equal(old.seen->converted, 2);
	assert_int_equal(good.seen->high_bytes, 2);
	assert_int_equal(good.seen->converted, 0);
}

/* What is signed fails for good, a body that is not there for now; neither is
 * begun, and the connection serves the next. */
static void test_cannot_convert(void **state)
{
	struct server s = {.is_old = true};
	static struct world w;

	(void)state;
	server_open(&s, "127.0.0.3");
	world_open(&w, s.port, "");
	send_job(&w, 1, "b.test", SPAN("Content-Type: multipart/signed;"
		" boundary=b\r\n\r\n--b\r\n\r\n\xe9\r\n--b--\r\n"), -1);
	run(&w);
	expect(&w.sent[0], DENIED, 0, "5.6.3");
	assert_string_equal(w.sent[0].outcomes[0].text,
		"the server does not take 8-bit text, and a signed or "
		"encrypted part has 8-bit text");
	send_job(&w, 2, "b.test", SPAN("Hi\r\n"),
		memfd_create("body", MFD_CLOEXEC));
	run(&w);
	expect(&w.sent[1], TEMP, 0, "4.3.0");
	expect(send_one(&w, "b.test"), OK, 250, "2.0.0");
	world_close(&w);
	server_close(&s);
	assert_int_equal(s.seen->messages, 1);
	assert_int_equal(s.seen->connections, 1);
}

/* The first address is dead, the second serves. */
static void test_next_address(void **state)
{
	struct server s = {.port = 0};
	static struct world w;
	const struct sent *sent;

	(void)state;
	server_open(&s, "127.0.0.3");
	world_open(&w, s.port, "");
	sent = send_one(&w, "two.test");
	expect(sent, OK, 250, "2.0.0");
	assert_non_null(strstr(sent->dialogue,
		"X: connecting to dead.test[127.0.0.4]"));
	world_close(&w);
	server_close(&s);
}

/* The first server has no service for us, the second serves. */
static void test_next_server(void **state)
{
	struct server bad = {.greeting = "554 5.3.2 no service"};
	struct server good = {.port = 0};
	static struct world w;

	(void)state;
	server_open(&good, "127.0.0.3");
	bad.port = good.port;
	server_open(&bad, "127.0.0.4");
	world_open(&w, good.port, "");
	expect(send_one(&w, "two.test"), OK, 250, "2.0.0");
	expect(send_one(&w, "down.test"), DENIED, 554, "5.3.2");
	world_close(&w);
	server_close(&good);
	server_close(&bad);
	assert_int_equal(bad.seen->connections, 2);
}

static void test_nowhere(void **state)
{
	struct server s = {.port = 0};
	static struct world w;
	const struct sent *sent;

	(void)state;
	server_open(&s, "127.0.0.3");
	world_open(&w, s.port, "");
	expect(send_one(&w, "null.test"), DENIED, 556, "5.1.10");
	expect(send_one(&w, "unknown.test"), DENIED, 0, "5.1.2");
	expect(send_one(&w, "lost.test"), DENIED, 0, "5.1.2");
	expect(send_one(&w, "l1.test"), TEMP, 0, "4.4.3");
	expect(send_one(&w, "us.test"), DENIED, 0, "5.4.6");
	expect(send_one(&w, "[127.0.0.3]"), DENIED, 0, "5.4.6");
	expect(send_one(&w, "[one]"), DENIED, 0, "5.1.2");
	sent = send_one(&w, "down.test");
	expect(sent, TEMP, 0, "4.4.1");
	assert_non_null(strstr(sent->outcomes[0].text, "refused"));
	assert_string_equal(sent->peer, ""); /* nobody spoke */
	world_close(&w);
	server_close(&s);
	assert_int_equal(s.seen->connections, 0);
}

/* The smarthost gets everything, whatever the domain's name servers say. */
static void test_smarthost(void **state)
{
	struct server s = {.port = 0};
	static struct world w;
	char more[100];

	(void)state;
	server_open(&s, "127.0.0.3");
	(void)snprintf(more, sizeof(more), "smarthost = \"[127.0.0.3]:%u\"",
		s.port);
	world_open(&w, 1, more);
	expect(send_one(&w, "null.test"), OK, 250, "2.0.0");
	world_close(&w);
	(void)snprintf(more, sizeof(more), "smarthost = \"mx.b.test:%u\"",
		s.port);
	world_open(&w, 1, more);
	expect(send_one(&w, "unknown.test"), OK, 250, "2.0.0");
	world_close(&w);
	server_close(&s);
	assert_int_equal(s.seen->messages, 2);
}

static void test_cut_at_dot(void **state)
{
	struct server s = {.hangs_up_at_dot = true};
	static struct world w;

	(void)state;
	server_open(&s, "127.0.0.3");
	world_open(&w, s.port, "");
	expect(send_one(&w, "b.test"), TEMP, 0, "4.4.2");
	world_close(&w);
	server_close(&s);
	assert_int_equal(s.seen->connections, 1);
}

/* Without a resolver it is for later; with a new queue it goes on. */
static void test_lost_peers(void **state)
{
	struct server s = {.port = 0};
	static struct world w;

	(void)state;
	server_open(&s, "127.0.0.3");
	world_open(&w, s.port, "");
	channel_free(w.queue);
	connect_queue(&w);
	expect(send_one(&w, "b.test"), OK, 250, "2.0.0");
	assert_int_equal(kill(w.resolver, SIGKILL), 0);
	(void)waitpid(w.resolver, NULL, 0);
	expect(send_one(&w, "implicit.test"), TEMP, 0, "4.4.3");
	w.resolver = fork(); /* for world_close to wait for */
	if (w.resolver == 0)
		_exit(0);
	world_close(&w);
	server_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivers),
		cmocka_unit_test(test_reuses),
		cmocka_unit_test(test_idle_died),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_short_file),
		cmocka_unit_test(test_converts),
		cmocka_unit_test(test_cannot_convert),
		cmocka_unit_test(test_next_address),
		cmocka_unit_test(test_next_server),
		cmocka_unit_test(test_nowhere),
		cmocka_unit_test(test_smarthost),
		cmocka_unit_test(test_cut_at_dot),
		cmocka_unit_test(test_lost_peers),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
