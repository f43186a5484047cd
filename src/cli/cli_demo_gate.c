/*
 * cli_demo_gate.c - greylisting before hamburger.edu.
 *
 * Its own process listens at hamburger.edu's SMTP port.  The first client is
 * told 450 4.7.1 to its RCPT, as a greylisting server tells every stranger;
 * all others are carried to the real server behind, byte for byte.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli_demo_int.h"

#include "base/banned.h"

#define IDLE_MS 30000
#define PIECE   8192
#define LINE    1024

/* What the stranger hears; the last row is for everything else. */
static const struct {
	const char *command, *reply;
	bool is_end;
} replies[] = {
	{"EHLO", "250-mx.hamburger.edu\r\n250-PIPELINING\r\n"
		 "250 ENHANCEDSTATUSCODES\r\n", false},
	{"HELO", "250 mx.hamburger.edu\r\n", false},
	{"MAIL", "250 2.1.0 ok\r\n", false},
	{"RCPT", "450 4.7.1 greylisted: I do not know you yet, come back"
		 " soon\r\n", false},
	{"DATA", "554 5.5.1 no recipients\r\n", false},
	{"QUIT", "221 2.0.0 bye\r\n", true},
	{"", "421 4.7.0 come back soon\r\n", true},
};

static bool say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) > 0;
}

/* Answers one command; false: the session is over. */
static bool answer(int fd, struct span line)
{
	size_t i = 0;

	while (!span_starts_fold(line, span_str(replies[i].command)))
		i++;
	return say(fd, replies[i].reply) && !replies[i].is_end;
}

static void refuse(int fd)
{
	struct buf in;
	bool is_open = say(fd, "220 mx.hamburger.edu ESMTP\r\n");

	buf_init(&in, PIECE);
	while (is_open) {
		uint8_t *to = buf_reserve(&in, LINE);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		/* a connection that is kept for later is not: the next
		 * attempt shall come to the gate again */
		if (to == NULL || poll(&p, 1, 300) <= 0)
			break;
		n = recv(fd, to, LINE, 0);
		if (n <= 0)
			break;
		buf_wrote(&in, (size_t)n);
		while (is_open && span_find(buf_span(&in), '\n') <
				buf_len(&in)) {
			struct span line = buf_span(&in);
			size_t len = span_find(line, '\n') + 1;

			is_open = answer(fd, line);
			buf_consume(&in, len);
		}
	}
	buf_clear(&in);
}

static int connect_behind(const struct demo *d)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons(d->gate_port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && inet_pton(AF_INET, d->hamburger.ip, &at.sin_addr) == 1 &&
		connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static bool carry_piece(int from, int to)
{
	uint8_t piece[PIECE];
	ssize_t n = recv(from, piece, sizeof(piece), 0);

	return n > 0 && send(to, piece, (size_t)n, MSG_NOSIGNAL) == n;
}

static void carry(int client, int server)
{
	struct pollfd p[2] = {{.fd = client, .events = POLLIN},
		{.fd = server, .events = POLLIN}};
	bool is_open = true;

	while (is_open && poll(p, 2, IDLE_MS) > 0) {
		if (p[0].revents != 0)
			is_open = carry_piece(client, server);
		if (is_open && p[1].revents != 0)
			is_open = carry_piece(server, client);
	}
}

static void serve(const struct demo *d, int listener)
{
	bool is_known = false;

	for (;;) {
		int client = accept(listener, NULL, NULL);
		int server;

		if (client < 0)
			continue;
		if (!is_known) {
			refuse(client);
			is_known = true;
		} else {
			server = connect_behind(d);
			if (server >= 0) {
				carry(client, server);
				(void)close(server);
			}
		}
		(void)close(client);
	}
}

enum code demo_gate_start(struct demo *d)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons(d->hamburger.smtp_port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;
	pid_t parent = getpid();

	if (fd < 0 || inet_pton(AF_INET, d->hamburger.ip, &at.sin_addr) != 1 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes,
			sizeof(yes)) != 0 ||
		bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
		listen(fd, 16) != 0)
		return err_errno(d->e, BUSY, "the gate's port");
	(void)fflush(NULL);
	d->gate_pid = fork();
	if (d->gate_pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setpgid(0, 0);
		(void)signal(SIGTERM, SIG_DFL);
		if (getppid() != parent)
			_exit(1);
		serve(d, fd);
	}
	(void)close(fd);
	return d->gate_pid < 0 ? err_errno(d->e, TEMP, "fork") : OK;
}
