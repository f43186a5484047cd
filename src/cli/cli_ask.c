/*
 * cli_ask.c - a command for the server, or for its data when it stands.
 *
 *	connect to run_dir/admin.sock --there--> COMMAND, ROW …, END
 *	      |  nobody listens
 *	      v
 *	cli_offline
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cli_certificate.h"
#include "cli/cli_offline.h"
#include "codec/hex.h"
#include "crypto/hash.h"
#include "crypto/password.h"
#include "crypto/secret.h"
#include "ipc/messages.h"
#include "ipc/wire.h"

#include "base/banned.h"

#define FRAME_BYTES    (MESSAGE_BYTES_MAX + 12)
#define ANSWER_SECONDS 300 /* a hundred passwords to hash, and a slow disk */

/* ---- the running server ---------------------------------------------------------- */
/* NOT_FOUND: nobody listens there. */
static enum code connect_server(const struct config *config, int *out_fd,
	struct err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const struct timeval wait = {.tv_sec = ANSWER_SECONDS};
	int fd;

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%.*s/admin.sock",
		SPAN_ARG(config->run_dir));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, TEMP, "making a socket");
	/* the second is for connect, when the server accepts nobody */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) ==
			0 &&
		connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0) {
		*out_fd = fd;
		return OK;
	}
	err_errno(e, errno == ENOENT || errno == ECONNREFUSED ? NOT_FOUND
		: errno == EACCES			      ? DENIED
							      : TEMP,
		"%s", at.sun_path);
	close(fd);
	return e->code;
}

static bool send_command(int fd, const struct span *words, size_t count)
{
	struct buf records, frame;
	struct msg_command m;
	bool sent;

	buf_init(&records, 98304);
	buf_init(&frame, FRAME_BYTES);
	for (size_t i = 0; i < count; i++)
		rec_put_cell(&records, &(struct rec_cell){words[i]});
	m.words = buf_span(&records);
	wire_put_u32(&frame, MSG_COMMAND);
	wire_put_u64(&frame, 1);
	msg_put_command(&frame, &m);
	sent = !records.overflow && !frame.overflow &&
		send(fd, buf_span(&frame).p, buf_len(&frame), MSG_NOSIGNAL) ==
			(ssize_t)buf_len(&frame);
	if (frame.p != NULL)
		secret_wipe(frame.p, frame.room);
	if (records.p != NULL)
		secret_wipe(records.p, records.room);
	buf_clear(&records);
	buf_clear(&frame);
	return sent;
}

static bool take_row(struct span body, const struct admin_out *out)
{
	struct span cells[ADMIN_CELLS_MAX];
	struct msg_row m;
	struct rec_cell cell;
	enum step step;
	size_t count = 0;

	if (!msg_get_row(body, &m))
		return false;
	while ((step = rec_next_cell(&m.cells, &cell)) == MORE) {
		if (count == ADMIN_CELLS_MAX)
			return false;
		cells[count++] = cell.text;
	}
	if (step == DONE)
		out->row(out->arg, cells, count);
	return step == DONE;
}

static bool take_end(struct span body, enum admin_exit *out_exit,
	struct err *e)
{
	struct msg_end m;

	if (!msg_get_end(body, &m))
		return false;
	*out_exit = (enum admin_exit)m.exit;
	e->text[0] = '\0';
	if (m.text.n > 0)
		err_set(e, OK, "%.*s", SPAN_ARG(m.text));
	return true;
}

/* One frame of the answer.  DONE: it was the end. */
static enum step take_frame(struct span packet, const struct admin_out *out,
	enum admin_exit *out_exit, struct err *e)
{
	struct wire w = wire_of(packet);
	uint32_t type = wire_get_u32(&w);

	(void)wire_get_u64(&w);
	if (w.failed)
		return BAD;
	if (type == MSG_ROW)
		return take_row(w.left, out) ? MORE : BAD;
	if (type == MSG_END)
		return take_end(w.left, out_exit, e) ? DONE : BAD;
	return BAD;
}

static enum admin_exit take_answer(int fd, const struct admin_out *out,
	struct err *e)
{
	uint8_t *packet = mem_new(1, FRAME_BYTES);
	enum admin_exit exit = EXIT_OK;
	enum step step = MORE;

	while (step == MORE) {
		ssize_t n = recv(fd, packet, FRAME_BYTES, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set(e, GONE, "the server went away before it had "
				"answered; look into its log");
			exit = EXIT_TRY_AGAIN;
			break;
		}
		step = take_frame(span_of(packet, (size_t)n), out, &exit, e);
	}
	if (step == BAD) {
		err_set(e, SYNTAX, "the server answers as another version "
			"would; restart it");
		exit = EXIT_BUG;
	}
	secret_wipe(packet, FRAME_BYTES);
	mem_free(packet);
	return exit;
}

static enum admin_exit ask_server(int fd, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	enum admin_exit exit;

	/* a server that refuses may close first, and its answer waits */
	if (!send_command(fd, words, count) && errno != EPIPE) {
		err_set(e, LIMIT, "the command is too long; give fewer words "
			"at once");
		exit = EXIT_USAGE;
	} else {
		exit = take_answer(fd, out, e);
	}
	close(fd);
	return exit;
}

/* ---- the command ----------------------------------------------------------------------- */
/* The first line of stdin, as the word "--password=…". */
static bool read_password(struct buf *word)
{
	uint8_t c;

	buf_puts(word, "--password=");
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		buf_putc(word, c);
	if (buf_len(word) > 0 && word->p[word->end - 1] == '\r')
		buf_truncate(word, buf_len(word) - 1);
	return !word->overflow;
}

/* Puts the password in the place of --password-stdin. */
static bool fill_password(struct span *words, size_t count, struct buf *word,
	struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		if (span_starts(words[i], SPAN("--password="))) {
			err_set(e, SYNTAX, "others can see the words of a "
				"command; give the password with "
				"--password-stdin");
			return false;
		}
		if (!span_eq(words[i], SPAN("--password-stdin")) ||
			buf_len(word) > 0)
			continue;
		if (!read_password(word)) {
			err_set(e, LIMIT, "the password is too long; give at "
				"most %d bytes", PASSWORD_BYTES_MAX);
			return false;
		}
		words[i] = buf_span(word);
	}
	return true;
}

/* "--only LIST" becomes one word, as the server knows it. */
static void join_only(struct span *words, size_t *count, struct buf *word)
{
	for (size_t i = 0; i + 1 < *count; i++) {
		if (!span_eq(words[i], SPAN("--only")) || buf_len(word) > 0)
			continue;
		buf_puts(word, "--only=");
		buf_put(word, span_head(words[i + 1], 64));
		words[i] = buf_span(word);
		(*count)--;
		memmove(words + i + 1, words + i + 2,
			(*count - i - 1) * sizeof(*words));
	}
}

static bool is_fingerprint(struct span word)
{
	size_t digits = 0;

	for (size_t i = 0; i < word.n; i++)
		if (hex_digit(word.p[i]) >= 0)
			digits++;
		else if (word.p[i] != ':')
			return false;
	return digits == 2 * SHA256_BYTES;
}

/* The file of `account certificate add|remove ADDRESS FILE` becomes its
 * fingerprint: the server never sees it. */
static bool fill_fingerprint(struct span *words, size_t count,
	struct buf *word, struct err *e)
{
	char path[4096];

	if (count != 5 || !span_eq(words[0], SPAN("account")) ||
		!span_eq(words[1], SPAN("certificate")) ||
		is_fingerprint(words[4]) || words[4].n >= sizeof(path))
		return true;
	(void)snprintf(path, sizeof(path), "%.*s", SPAN_ARG(words[4]));
	if (cli_certificate_fingerprint(path, word, e) != OK)
		return false;
	words[4] = buf_span(word);
	return true;
}

static enum admin_exit ask(const struct config *config,
	const struct span *words, size_t count, const struct admin_out *out,
	struct err *e)
{
	int fd;
	enum code code = connect_server(config, &fd, e);

	if (code == OK)
		return ask_server(fd, words, count, out, e);
	if (code == DENIED)
		return EXIT_DENIED;
	if (code != NOT_FOUND)
		return EXIT_NO_SERVER;
	e->text[0] = '\0';
	return cli_offline(config, words, count, out, e);
}

enum admin_exit cli_ask(void *module, const struct span *words, size_t count,
	const struct admin_out *out, struct err *e)
{
	const struct cli *cli = module;
	static struct span own[ADMIN_WORDS_MAX];
	struct buf password, only, fingerprint;
	enum admin_exit exit = EXIT_USAGE;

	if (count > ADMIN_WORDS_MAX) {
		err_set(e, LIMIT, "more than %d words at once; give fewer",
			ADMIN_WORDS_MAX);
		return EXIT_USAGE;
	}
	memcpy(own, words, count * sizeof(*own));
	buf_init(&password, sizeof("--password=\r") + PASSWORD_BYTES_MAX);
	buf_init(&only, 128);
	buf_init(&fingerprint, 2 * SHA256_BYTES);
	join_only(own, &count, &only);
	if (!fill_fingerprint(own, count, &fingerprint, e))
		exit = EXIT_NO_INPUT;
	else if (fill_password(own, count, &password, e))
		exit = ask(cli->config, own, count, out, e);
	buf_clear(&only);
	buf_clear(&fingerprint);
	if (password.p != NULL)
		secret_wipe(password.p, password.room);
	buf_clear(&password);
	return exit;
}
