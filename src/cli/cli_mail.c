/*
 * cli_mail.c - the front of `postrider mail`: options, password, server.
 *
 * The verbs are in cli_mail_send.c and cli_mail_read.c.
 */
#include "cli/cli_mail.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/num.h"
#include "cli/cli_mail_int.h"
#include "cli/cli_mail_smtp.h"
#include "codec/charset.h"

#include "base/banned.h"

#define MAIL_ARENA_BYTES (16u << 20)
#define SERVER_MAX       300

const char cli_mail_usage[] =
	"usage: postrider mail send -f ADDRESS -t ADDRESS... -s SUBJECT"
	" [-a FILE]... [-u ADDRESS]\n"
	"           [--notify never|success,failure,delay]"
	" [--return hdrs|full] [--envid ID] < TEXT\n"
	"       postrider mail list -u ADDRESS\n"
	"       postrider mail read -u ADDRESS N\n"
	"       postrider mail save -u ADDRESS N [PART] [-o DIRECTORY]\n"
	"options: --server HOST:PORT, --password-stdin"
	" (or POSTRIDER_PASSWORD in the environment)";

static const struct {
	const char *verb;
	mail_fn *run;
	size_t args_min, args_max;
} verbs[] = {
	{"send", mail_send, 0, 0},
	{"list", mail_show_list, 0, 0},
	{"read", mail_read, 1, 1},
	{"save", mail_save, 1, 2},
};

/* Options with a value; each may be given max times. */
static const struct {
	const char *short_name, *long_name;
	size_t list; /* offset of its struct mail_list */
	size_t max;
} options[] = {
	{"-f", "--from", offsetof(struct mail_options, from), 1},
	{"-t", "--to", offsetof(struct mail_options, to), MAIL_LIST_MAX},
	{"-s", "--subject", offsetof(struct mail_options, subject), 1},
	{"-a", "--attach", offsetof(struct mail_options, file), MAIL_LIST_MAX},
	{"-u", "--user", offsetof(struct mail_options, user), 1},
	{"-o", "--output", offsetof(struct mail_options, folder), 1},
	{"--server", "--server", offsetof(struct mail_options, server), 1},
	{"--notify", "--notify", offsetof(struct mail_options, notify), 1},
	{"--return", "--return", offsetof(struct mail_options, ret), 1},
	{"--envid", "--envid", offsetof(struct mail_options, envid), 1},
};

static const struct {
	enum code code;
	enum admin_exit status;
} exits[] = {
	{SYNTAX, EXIT_BAD_DATA}, {LIMIT, EXIT_BAD_DATA},
	{DENIED, EXIT_DENIED},	 {NOT_FOUND, EXIT_NO_MATCH},
	{GONE, EXIT_NO_SERVER},
};

enum admin_exit mail_exit_of(enum code code)
{
	if (code == OK)
		return EXIT_OK;
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		if (exits[i].code == code)
			return exits[i].status;
	return EXIT_TRY_AGAIN;
}

/* ---- words ------------------------------------------------------------ */

/* Puts a value into the list of option i; false: too often. */
static bool put_value(struct mail_options *o, size_t i, struct span value)
{
	struct mail_list *list =
		(struct mail_list *)(void *)((char *)o + options[i].list);

	if (list->count == options[i].max)
		return false;
	list->items[list->count++] = value;
	return true;
}

/* Is this word option i?  "--to=x" carries its value, else it is the next. */
static bool is_option(struct span word, size_t i, struct span *out_value)
{
	struct span name;

	*out_value = SPAN_EMPTY;
	if (span_eq(word, span_str(options[i].short_name)) ||
		span_eq(word, span_str(options[i].long_name)))
		return true;
	if (!span_starts(word, SPAN("--")) ||
		span_find(word, '=') == word.n)
		return false;
	name = span_cut(&word, '=');
	*out_value = word;
	return span_eq(name, span_str(options[i].long_name));
}

static enum code take_word(struct mail_options *o, const struct span *words,
	size_t count, size_t *at, struct err *e)
{
	struct span word = words[*at];

	if (span_eq(word, SPAN("--password-stdin"))) {
		o->has_password_stdin = true;
		return OK;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct span value;

		if (!is_option(word, i, &value))
			continue;
		if (value.p == NULL && *at + 1 == count)
			return err_set(e, SYNTAX, "%.*s wants a value",
				SPAN_ARG(word));
		if (value.p == NULL)
			value = words[++*at];
		return put_value(o, i, value) ? OK
			: err_set(e, SYNTAX, "%.*s was given too often",
				SPAN_ARG(word));
	}
	if (word.n > 1 && word.p[0] == '-')
		return err_set(e, SYNTAX, "no such option: %.*s",
			SPAN_ARG(word));
	if (o->arg_count == sizeof(o->args) / sizeof(o->args[0]))
		return err_set(e, SYNTAX, "too many words");
	o->args[o->arg_count++] = word;
	return OK;
}

enum admin_exit cli_mail_run(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	struct arena arena;
	struct mail_options *o;
	struct mail_command m = {.config = module, .out = out, .e = e};
	enum admin_exit status = EXIT_USAGE;
	size_t verb = 0;

	while (verb < sizeof(verbs) / sizeof(verbs[0]) &&
		(count < 2 || !span_eq(words[1], span_str(verbs[verb].verb))))
		verb++;
	if (verb == sizeof(verbs) / sizeof(verbs[0])) {
		(void)err_set(e, SYNTAX, "%s", cli_mail_usage);
		return EXIT_USAGE;
	}
	arena_init(&arena, MAIL_ARENA_BYTES);
	m.arena = &arena;
	m.options = o = ARENA_NEW(&arena, struct mail_options);
	for (size_t at = 2; at < count; at++)
		if (take_word(o, words, count, &at, e) != OK)
			goto out;
	if (o->arg_count < verbs[verb].args_min ||
		o->arg_count > verbs[verb].args_max) {
		(void)err_set(e, SYNTAX, "%s", cli_mail_usage);
		goto out;
	}
	(void)charset_open(); /* without it rare sets are guessed */
	status = verbs[verb].run(&m);
out:
	arena_clear(&arena);
	return status;
}

/* ---- server ------------------------------------------------------------- */

static const struct {
	const char *any, *loopback;
} wildcards[] = {{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}};

enum code mail_server(const struct mail_command *m,
	const enum service *services, size_t count, struct buf *out,
	struct err *e)
{
	const struct config_listen *listen = NULL;
	struct span address;

	if (m->options->server.count > 0) {
		buf_put(out, m->options->server.items[0]);
		return OK;
	}
	for (size_t i = 0; i < count && m->config != NULL; i++) {
		listen = &m->config->listen[services[i]];
		if (listen->address_count > 0)
			break;
		listen = NULL;
	}
	if (listen == NULL)
		return err_set(e, NOT_FOUND,
			"the configuration has no such listener; say"
			" --server HOST:PORT");
	address = listen->addresses[0];
	for (size_t i = 0; i < 2; i++) {
		struct span any = span_str(wildcards[i].any);

		if (!span_starts(address, any))
			continue;
		buf_puts(out, wildcards[i].loopback);
		address = span_tail(address, any.n);
	}
	buf_put(out, address);
	return OK;
}

/* ---- password ----------------------------------------------------------- */

/* Reads one line; the newline is not part of it. */
static bool read_line(int fd, struct buf *out)
{
	uint8_t c;
	bool is_any = false;

	while (read(fd, &c, 1) == 1) {
		is_any = true;
		if (c == '\n')
			break;
		buf_putc(out, c);
	}
	if (span_ends(buf_span(out), SPAN("\r")))
		buf_truncate(out, buf_len(out) - 1);
	return is_any && !out->overflow;
}

static bool ask_terminal(struct buf *out)
{
	static const char question[] = "Password: ";
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, quiet;
	bool is_read = false;

	if (fd < 0)
		return false;
	if (tcgetattr(fd, &before) == 0) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(fd, TCSAFLUSH, &quiet);
		is_read = write(fd, question, sizeof(question) - 1) > 0 &&
			read_line(fd, out);
		(void)tcsetattr(fd, TCSAFLUSH, &before);
		is_read = write(fd, "\n", 1) == 1 && is_read;
	}
	(void)close(fd);
	return is_read;
}

enum code mail_get_password(const struct mail_command *m, struct buf *out)
{
	const char *given = getenv("POSTRIDER_PASSWORD");

	if (m->options->has_password_stdin)
		return read_line(STDIN_FILENO, out) ? OK
			: err_set(m->e, SYNTAX, "no password on stdin");
	if (given != NULL) {
		buf_puts(out, given);
		return OK;
	}
	return ask_terminal(out) ? OK
		: err_set(m->e, SYNTAX, "no password: use --password-stdin"
			" or POSTRIDER_PASSWORD");
}

/* ---- a session ------------------------------------------------------------ */

enum code mail_open(const struct mail_command *m, struct cli_pop3 *p)
{
	static const enum service services[] = {SERVICE_POP3};
	struct buf server, password;
	enum code code;

	if (m->options->user.count == 0)
		return err_set(m->e, SYNTAX, "whose mail? say -u ADDRESS");
	buf_init(&server, SERVER_MAX);
	buf_init(&password, CLI_PASSWORD_MAX);
	code = mail_server(m, services, 1, &server, m->e);
	if (code == OK)
		code = mail_get_password(m, &password);
	if (code == OK)
		code = cli_pop3_open(p, buf_span(&server),
			m->options->user.items[0], buf_span(&password), m->e);
	if (password.p != NULL)
		explicit_bzero(password.p, password.room);
	buf_clear(&password);
	buf_clear(&server);
	return code;
}

enum code mail_open_message(const struct mail_command *m, struct cli_pop3 *p)
{
	uint32_t n;
	enum code code;

	if (!num_parse_u32(m->options->args[0], UINT32_MAX, &n) || n == 0)
		return err_set(m->e, SYNTAX, "%.*s: the number of a message?",
			SPAN_ARG(m->options->args[0]));
	code = mail_open(m, p);
	if (code != OK)
		return code;
	code = cli_pop3_get(p, n, m->e);
	if (code != OK)
		cli_pop3_close(p);
	return code;
}
