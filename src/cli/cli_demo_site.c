/*
 * cli_demo_site.c - the two servers of the demo: folders, configurations,
 * logs, and the end of them all.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/cli_demo_int.h"

#include "base/banned.h"

#define READY_MS       10000
#define LOG_BYTES_MAX  (8u << 20)
#define CONFIG_MAX     8192
#define PORT_TRIES     50

static volatile sig_atomic_t is_stopped;

static void on_signal(int signal)
{
	(void)signal;
	is_stopped = 1;
}

bool demo_is_stopped(void)
{
	return is_stopped != 0;
}

bool demo_wait_ms(int64_t ms)
{
	(void)poll(NULL, 0, (int)ms);
	return !demo_is_stopped();
}

/* Without SA_RESTART: a wait in a system call ends at once. */
static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL);
}

/* A pipe that gets number 1 would not survive the exec of a child. */
static void hold_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* ---- ports, passwords, files -------------------------------------------- */

/* Binds address:port and says which port it was; 0: not free. */
static uint16_t try_port(const char *ip, uint16_t port, int *out_fd)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*out_fd = fd;
	if (fd < 0 || inet_pton(AF_INET, ip, &at.sin_addr) != 1 ||
		bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
		getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return 0;
	return ntohs(at.sin_port);
}

/* A port that is free on both addresses now. */
static enum code pick_port(struct demo *d, uint16_t *out)
{
	for (unsigned i = 0; i < PORT_TRIES; i++) {
		int a, b = -1;
		uint16_t port = try_port(d->crepes.ip, 0, &a);

		if (port != 0)
			*out = try_port(d->hamburger.ip, port, &b);
		if (a >= 0)
			(void)close(a);
		if (b >= 0)
			(void)close(b);
		if (port != 0 && *out == port)
			return OK;
	}
	return err_set(d->e, BUSY, "no free port on %s and %s", d->crepes.ip,
		d->hamburger.ip);
}

/* Letters and digits that are not mistaken for each other. */
static enum code make_password(char *out, struct err *e)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t bytes[DEMO_PASSWORD_LEN];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_errno(e, TEMP, "random bytes");
	for (size_t i = 0; i < sizeof(bytes); i++)
		out[i] = letters[bytes[i] % 32];
	out[sizeof(bytes)] = '\0';
	return OK;
}

/* Whom the servers become when the demo is started as root. */
static const char *pick_user(void)
{
	return getpwnam("postrider") != NULL ? "postrider" : "nobody";
}

static void put_config(const struct demo *d, const struct demo_site *s,
	struct buf *out)
{
	uint16_t smtp = s == &d->hamburger && d->gate_port != 0 ? d->gate_port
							       : s->smtp_port;

	buf_printf(out, "hostname = \"%s\"\n", s->host);
	buf_printf(out, "data_dir = \"%s/%s/data\"\n", d->folder, s->domain);
	buf_printf(out, "run_dir = \"%s/%s/run\"\n", d->folder, s->domain);
	buf_printf(out, "user = \"%s\"\nfronts = 1\n", pick_user());
	buf_printf(out, "listen smtp { addresses = {\"%s:%u\"} }\n", s->ip,
		smtp);
	buf_printf(out, "listen submission { addresses = {\"%s:%u\"} }\n",
		s->ip, s->submission_port);
	buf_printf(out, "listen pop3 { addresses = {\"%s:%u\"} }\n", s->ip,
		s->pop3_port);
	buf_printf(out, "listen imap { addresses = {\"%s:%u\"} }\n", s->ip,
		s->imap_port);
	/* Alice's and Bob's programs speak in plain text, as in the textbooks */
	buf_puts(out, "listen submissions { addresses = {} }\n"
		"listen pop3s { addresses = {} }\n"
		"listen imaps { addresses = {} }\n");
	buf_printf(out, "queue { retry = {\"1s\"} warn_after = \"%s\""
			" give_up_after = \"%s\" }\n",
		d->give_up_after, d->give_up_after);
	buf_printf(out, "outbound { port = %u idle_timeout = \"1s\" }\n",
		s->smtp_port);
	buf_printf(out,
		"resolver { local = {\n"
		"\t\"crepes.fr. MX 10 mx.crepes.fr.\",\n"
		"\t\"mx.crepes.fr. A %s\",\n"
		"\t\"hamburger.edu. MX 10 mx.hamburger.edu.\",\n"
		"\t\"mx.hamburger.edu. A %s\"} }\n",
		d->crepes.ip, d->hamburger.ip);
	buf_printf(out, "log { level = \"trace\" to = \"stderr\" }\n");
}

static enum code write_file(const char *path, struct span text, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool is_written;

	if (fd < 0)
		return err_errno(e, TEMP, "%s", path);
	is_written = write(fd, text.p, text.n) == (ssize_t)text.n;
	if (close(fd) != 0 || !is_written)
		return err_errno(e, FULL, "%s", path);
	return OK;
}

static enum code make_site(struct demo *d, struct demo_site *s)
{
	char folder[DEMO_PATH_MAX];
	struct buf text;
	enum code code;

	(void)snprintf(folder, sizeof(folder), "%.60s/%s", d->folder,
		s->domain);
	/* the servers' user passes through, whatever the umask */
	if (mkdir(folder, 0711) != 0 || chmod(folder, 0711) != 0)
		return err_errno(d->e, TEMP, "%s", folder);
	(void)snprintf(s->config, sizeof(s->config),
		"%.60s/%s/postrider.conf", d->folder, s->domain);
	(void)snprintf(s->log, sizeof(s->log), "%.60s/%s/log", d->folder,
		s->domain);
	code = make_password(s->password, d->e);
	if (code != OK)
		return code;
	buf_init(&text, CONFIG_MAX);
	put_config(d, s, &text);
	code = write_file(s->config, buf_span(&text), d->e);
	buf_clear(&text);
	return code;
}

static enum code pick_ports(struct demo *d)
{
	uint16_t *const ports[] = {&d->crepes.smtp_port,
		&d->crepes.submission_port, &d->crepes.pop3_port,
		&d->crepes.imap_port};
	enum code code = OK;

	for (size_t i = 0; i < 4 && code == OK; i++)
		code = pick_port(d, ports[i]);
	d->hamburger.smtp_port = d->crepes.smtp_port;
	d->hamburger.submission_port = d->crepes.submission_port;
	d->hamburger.pop3_port = d->crepes.pop3_port;
	d->hamburger.imap_port = d->crepes.imap_port;
	/* behind the gate, which has the port that the world knows */
	if (code == OK && d->gate_port != 0)
		code = pick_port(d, &d->gate_port);
	return code;
}

enum code demo_open(struct demo *d)
{
	const char *base = getenv("TMPDIR");
	enum code code;

	catch_signals();
	hold_standard_descriptors();
	/* a socket's path in it must stay short */
	if (base == NULL || base[0] != '/' || strlen(base) > 30)
		base = "/tmp";
	(void)snprintf(d->folder, sizeof(d->folder),
		"%s/postrider-demo-XXXXXX", base);
	if (mkdtemp(d->folder) == NULL) {
		code = err_errno(d->e, TEMP, "%s", d->folder);
		d->folder[0] = '\0';
		return code;
	}
	if (chmod(d->folder, 0711) != 0)
		return err_errno(d->e, TEMP, "%s", d->folder);
	code = pick_ports(d);
	if (code == OK)
		code = make_site(d, &d->crepes);
	if (code == OK)
		code = make_site(d, &d->hamburger);
	return code;
}

/* ---- starting and stopping ---------------------------------------------------- */

/* Why it did not start: its last line of an error. */
static enum code not_started(struct demo *d, struct demo_site *s)
{
	struct buf line, why;
	enum code code;

	buf_init(&line, LOG_BYTES_MAX);
	buf_init(&why, 4096);
	while (demo_log_line(s, &line))
		if (!demo_log_field(buf_span(&line), "why", &why))
			buf_put(&why, span_head(buf_span(&line), 300));
	code = err_set(d->e, GONE, "%s did not start: %.*s", s->domain,
		SPAN_ARG(span_head(buf_span(&why), 300)));
	buf_clear(&line);
	buf_clear(&why);
	return code;
}

/* Waits for the line "ready" on the server's stdout. */
static enum code wait_ready(struct demo *d, struct demo_site *s)
{
	int64_t until = time_mono_ms() + READY_MS;
	char text[256];
	size_t used = 0;

	while (time_mono_ms() < until && !demo_is_stopped()) {
		struct pollfd p = {.fd = s->ready_fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(s->ready_fd, text + used, sizeof(text) - 1 - used);
		if (n <= 0)
			return not_started(d, s);
		used += (size_t)n;
		text[used] = '\0';
		if (strstr(text, "ready\n") != NULL)
			return OK;
	}
	return err_set(d->e, TIMEOUT, "%s is not ready", s->domain);
}

enum code demo_site_start(struct demo *d, struct demo_site *s)
{
	char name[] = "postrider", flag[] = "--config", serve[] = "serve";
	char *const argv[] = {name, flag, s->config, serve, NULL};
	struct demo_spawn how = {.argv = argv, .in = -1};
	int pipe_fds[2];
	enum code code;

	how.err = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (how.err < 0)
		return err_errno(d->e, TEMP, "%s", s->log);
	if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
		(void)close(how.err);
		return err_errno(d->e, TEMP, "pipe");
	}
	how.out = pipe_fds[1];
	code = demo_spawn(&how, &s->pid, d->e);
	(void)close(how.err);
	(void)close(pipe_fds[1]);
	s->ready_fd = pipe_fds[0];
	if (s->log_fd < 0)
		s->log_fd = open(s->log, O_RDONLY | O_CLOEXEC);
	return code == OK ? wait_ready(d, s) : code;
}

void demo_site_stop(struct demo_site *s)
{
	demo_end_child(&s->pid);
	if (s->ready_fd >= 0)
		(void)close(s->ready_fd);
	s->ready_fd = -1;
}

bool demo_site_is_alive(struct demo_site *s)
{
	int status;

	if (s->pid > 0 && waitpid(s->pid, &status, WNOHANG) == s->pid)
		s->pid = 0;
	return s->pid > 0;
}

/* ---- the log ---------------------------------------------------------------- */

bool demo_log_line(struct demo_site *s, struct buf *out)
{
	uint8_t piece[8192];
	struct span lines;
	size_t end;
	ssize_t n;

	buf_reset(out);
	if (s->log_fd < 0)
		return false;
	if (s->log_lines.max == 0)
		buf_init(&s->log_lines, LOG_BYTES_MAX);
	n = read(s->log_fd, piece, sizeof(piece));
	if (n > 0)
		buf_put(&s->log_lines, span_of(piece, (size_t)n));
	lines = buf_span(&s->log_lines);
	end = span_find(lines, '\n');
	if (end == lines.n)
		return false;
	buf_put(out, span_head(lines, end));
	buf_consume(&s->log_lines, end + 1);
	return true;
}

/* ---- the end ------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *st, int type,
	struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void close_site(struct demo_site *s)
{
	demo_site_stop(s);
	if (s->log_fd >= 0)
		(void)close(s->log_fd);
	s->log_fd = -1;
	buf_clear(&s->log_lines);
}

void demo_close(struct demo *d)
{
	demo_end_child(&d->gate_pid);
	/* both are told before either is waited for */
	if (d->crepes.pid > 0)
		(void)kill(d->crepes.pid, SIGTERM);
	if (d->hamburger.pid > 0)
		(void)kill(d->hamburger.pid, SIGTERM);
	close_site(&d->crepes);
	close_site(&d->hamburger);
	if (d->folder[0] != '\0')
		(void)nftw(d->folder, remove_one, 16,
			FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	d->folder[0] = '\0';
	buf_clear(&d->picture);
	arena_clear(&d->arena);
}
