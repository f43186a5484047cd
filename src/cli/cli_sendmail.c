/*
 * cli_sendmail.c - the front of `postrider sendmail`: which of its many things
 * is wanted, and the message that is on stdin.
 *
 *	words ─ flags ─▶ mode ── deliver: read, recipients, complete, submit
 *	                  ├───── -bs, -bv, -bt: cli_sendmail_talk.c
 *	                  └───── -bp, -q: commands of the administrator
 *
 * Date and Message-ID are put here, not at the server: a message that waits in
 * data_dir/drop is then always the same bytes, and so is known again when it
 * comes a second time (queue_repeat.h).
 */
#include "cli/cli_sendmail.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/cli_sendmail_int.h"
#include "cli/cli_sendmail_text.h"
#include "codec/hex.h"
#include "message/submission.h"

#include "base/banned.h"

#define ARENA_BYTES  (32u << 20)
#define READ_PIECE   65536
#define RANDOM_BYTES 12
#define ID_BYTES_MAX 400

void sendmail_say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)fputs("postrider: ", stderr);
	(void)vfprintf(stderr, format, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
}

bool cli_sendmail_is_name(struct span name)
{
	return span_eq(name, SPAN("sendmail")) || span_eq(name, SPAN("mailq")) ||
		span_eq(name, SPAN("newaliases"));
}

/* ---- recipients and sender ----------------------------------------------- */
static void add_rcpt(struct sendmail *s, struct span address)
{
	for (size_t i = 0; i < s->rcpt_count; i++)
		if (span_eq(s->rcpts[i], address))
			return;
	if (s->rcpt_count == s->rcpt_room) {
		size_t room = s->rcpt_room == 0 ? 64 : 2 * s->rcpt_room;
		struct span *rcpts = arena_alloc(s->arena, room,
			sizeof(*rcpts));

		for (size_t i = 0; i < s->rcpt_count; i++)
			rcpts[i] = s->rcpts[i];
		s->rcpts = rcpts;
		s->rcpt_room = room;
	}
	s->rcpts[s->rcpt_count++] = address;
}

static struct span text_of(struct sendmail *s, const struct address *one)
{
	struct buf text;
	struct span kept;

	buf_init(&text, READ_PIECE);
	address_put(&text, one);
	kept = arena_dup(s->arena, buf_span(&text));
	buf_clear(&text);
	return kept;
}

static void add_list(struct sendmail *s, const struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].kind == ADDRESS_MAILBOX)
			add_rcpt(s, text_of(s, &list->items[i]));
	if (list->is_cut)
		sendmail_say("too many recipients; the last ones are left out");
}

void sendmail_add_rcpts(struct sendmail *s, struct span text)
{
	struct address_list list = {0};

	address_list_read(s->arena, text, &list);
	add_list(s, &list);
}

/* -f, or who runs us; for the server a name alone is one of its domain. */
static enum admin_exit find_sender(struct sendmail *s)
{
	struct address_list list = {0};

	s->from = s->user;
	if (!s->flags.has_sender)
		return EXIT_OK;
	s->from = SPAN_EMPTY;
	if (s->flags.sender.n == 0)
		return EXIT_OK;
	address_list_read(s->arena, s->flags.sender, &list);
	if (list.count != 1 || list.items[0].kind != ADDRESS_MAILBOX) {
		(void)err_set(s->e, SYNTAX, "-f %.*s: this is no address",
			SPAN_ARG(span_head(s->flags.sender, 256)));
		return EXIT_BAD_DATA;
	}
	s->from = text_of(s, &list.items[0]);
	return EXIT_OK;
}

static void find_user(struct sendmail *s)
{
	const struct passwd *user = getpwuid(getuid());
	struct buf name;

	buf_init(&name, 256);
	if (user != NULL)
		buf_puts(&name, user->pw_name);
	else
		buf_printf(&name, "uid%u", (unsigned)getuid());
	s->user = arena_dup(s->arena, buf_span(&name));
	buf_clear(&name);
}

/* ---- the text ------------------------------------------------------------- */
static enum admin_exit read_text(struct sendmail *s, struct buf *raw)
{
	static uint8_t piece[READ_PIECE];
	struct sendmail_text t = {.ignores_dots = s->flags.ignores_dots};

	while (!t.is_over && !raw->overflow) {
		ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)err_errno(s->e, TEMP, "reading the message");
			return EXIT_IO;
		}
		if (n == 0)
			break;
		sendmail_text_feed(&t, span_of(piece, (size_t)n), raw);
	}
	sendmail_text_end(&t, raw);
	if (!raw->overflow)
		return EXIT_OK;
	(void)err_set(s->e, LIMIT, "the message is larger than this server "
		"takes (limits.message_size)");
	return EXIT_BAD_DATA;
}

static enum code put_id(const struct sendmail *s, int64_t now_ms,
	struct buf *out)
{
	uint8_t random[RANDOM_BYTES];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_errno(s->e, TEMP, "random bytes");
	buf_printf(out, "%llx.", (unsigned long long)now_ms);
	hex_put(out, span_of(random, sizeof(random)));
	buf_putc(out, '@');
	buf_put(out, s->cli->config->hostname);
	return OK;
}

/* From only for a name that the caller gave: the server knows the address. */
static enum code complete(struct sendmail *s, struct span raw)
{
	struct buf id;
	struct submission filter;
	struct submission_out piece;
	struct submission_config config = {.now_ms = time_wall_ms()};
	enum code code;

	buf_init(&id, ID_BYTES_MAX);
	code = put_id(s, config.now_ms, &id);
	config.message_id = buf_span(&id);
	if (s->flags.full_name.n > 0) {
		config.name = s->flags.full_name;
		config.address = s->from.n > 0 ? s->from : s->user;
	}
	submission_init(&filter, &config);
	if (code == OK)
		code = submission_feed(&filter, raw, &piece);
	if (code == OK) {
		buf_put(&s->text, piece.head);
		buf_put(&s->text, piece.body);
		code = submission_end(&filter, &piece);
	}
	if (code == OK)
		buf_put(&s->text, piece.head);
	submission_clear(&filter);
	buf_clear(&id);
	if (code == LIMIT || s->text.overflow)
		return err_set(s->e, LIMIT, "the message, or its header, is "
			"larger than this server takes");
	return code;
}

/* Those of the command line, and with -t those of the header. */
static enum admin_exit find_rcpts(struct sendmail *s, struct span raw)
{
	struct address_list list = {0};

	for (size_t i = 0; i < s->flags.rcpt_count; i++)
		sendmail_add_rcpts(s, s->flags.rcpts[i]);
	if (s->flags.reads_header) {
		submission_recipients(s->arena, raw, &list);
		add_list(s, &list);
	}
	if (s->rcpt_count > 0)
		return EXIT_OK;
	if (s->flags.reads_header) {
		(void)err_set(s->e, SYNTAX, "the message names no recipient in "
			"To, Cc or Bcc");
		return EXIT_BAD_DATA;
	}
	(void)err_set(s->e, SYNTAX, "to whom? name recipients, or say -t if "
		"the message does");
	return EXIT_USAGE;
}

static enum admin_exit deliver(struct sendmail *s)
{
	uint64_t most = s->cli->config->message_size_max;
	struct buf raw;
	enum admin_exit status;

	if (!s->flags.reads_header && s->flags.rcpt_count == 0)
		return find_rcpts(s, SPAN_EMPTY);
	buf_init(&raw, most);
	buf_init(&s->text, most + SUBMISSION_ADDED_MAX);
	status = find_sender(s);
	if (status == EXIT_OK)
		status = read_text(s, &raw);
	if (status == EXIT_OK)
		status = find_rcpts(s, buf_span(&raw));
	if (status == EXIT_OK) {
		enum code code = complete(s, buf_span(&raw));

		status = code == OK ? EXIT_OK
			: code == LIMIT ? EXIT_BAD_DATA : EXIT_TRY_AGAIN;
	}
	if (status == EXIT_OK)
		status = sendmail_submit(s);
	buf_clear(&raw);
	buf_clear(&s->text);
	return status;
}

/* ---- commands of the administrator -------------------------------------------- */
static enum admin_exit ask(struct sendmail *s, const struct span *words,
	size_t count)
{
	struct cli *cli = (struct cli *)(uintptr_t)s->cli;
	enum admin_exit status = cli_ask(cli, words, count, s->out, s->e);

	if (status == EXIT_DENIED)
		(void)err_set(s->e, DENIED, "only root and the server's own "
			"user may look into the queue");
	return status;
}

/* An empty queue is what mailq hopes for, not a failure. */
static enum admin_exit list_queue(struct sendmail *s)
{
	const struct span words[] = {SPAN("queue"), SPAN("list")};
	enum admin_exit status = ask(s, words, 2);

	return status == EXIT_NO_MATCH ? EXIT_OK : status;
}

static enum admin_exit run_queue(struct sendmail *s)
{
	struct span words[4] = {SPAN("queue"), SPAN("try")};
	size_t count = 2;
	struct buf from, to;
	enum admin_exit status;

	buf_init(&from, READ_PIECE);
	buf_init(&to, READ_PIECE);
	if (s->flags.queue_id.n > 0)
		words[count++] = s->flags.queue_id;
	if (s->flags.queue_from.n > 0) {
		buf_printf(&from, "--from=%.*s", SPAN_ARG(s->flags.queue_from));
		words[count++] = buf_span(&from);
	} else if (s->flags.queue_to.n > 0) {
		buf_printf(&to, "--to=%.*s", SPAN_ARG(s->flags.queue_to));
		words[count++] = buf_span(&to);
	}
	status = ask(s, words, count);
	buf_clear(&from);
	buf_clear(&to);
	return status == EXIT_NO_MATCH && s->flags.queue_id.n == 0 ? EXIT_OK
								   : status;
}

static enum admin_exit say_aliases(struct sendmail *s)
{
	(void)err_set(s->e, OK, "aliases are in force as soon as they are "
		"made, see: postrider alias list");
	return EXIT_OK;
}

static enum admin_exit say_daemon(struct sendmail *s)
{
	(void)err_set(s->e, SYNTAX, "the server is started by: systemctl start "
		"postrider (or: postrider serve); it looks after the queue "
		"itself");
	return EXIT_CONFIG;
}

/* ---- the front ------------------------------------------------------------------ */
static enum admin_exit run(struct sendmail *s)
{
	static enum admin_exit (*const modes[])(struct sendmail *s) = {
		[SENDMAIL_DELIVER] = deliver,
		[SENDMAIL_SMTP] = sendmail_talk,
		[SENDMAIL_LIST] = list_queue,
		[SENDMAIL_ALIASES] = say_aliases,
		[SENDMAIL_VERIFY] = sendmail_verify,
		[SENDMAIL_TEST] = sendmail_verify,
		[SENDMAIL_RUN_QUEUE] = run_queue,
		[SENDMAIL_DAEMON] = say_daemon,
	};

	for (size_t i = 0; i < s->flags.unknown_count; i++)
		sendmail_say("there is no flag %.*s; it is ignored",
			SPAN_ARG(span_head(s->flags.unknown[i], 64)));
	for (size_t i = 0; i < s->flags.wrong_count; i++)
		sendmail_say("-%c has no value %.*s; it is ignored",
			s->flags.wrong[i].letter,
			SPAN_ARG(span_head(s->flags.wrong[i].value, 64)));
	return modes[s->flags.mode](s);
}

enum admin_exit cli_sendmail_run(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	const struct cli *cli = module;
	struct arena arena;
	struct buf server;
	struct sendmail *s;
	enum admin_exit status = EXIT_USAGE;

	arena_init(&arena, ARENA_BYTES);
	buf_init(&server, 256);
	s = ARENA_NEW(&arena, struct sendmail);
	s->cli = cli;
	s->out = out;
	s->e = e;
	s->arena = &arena;
	buf_printf(&server, "%.*s/submit.sock", SPAN_ARG(cli->config->run_dir));
	s->server = buf_span(&server);
	find_user(s);
	if (sendmail_flags_read(words + 1, count - 1, words[0], &s->flags, e) ==
		OK)
		status = run(s);
	buf_clear(&server);
	arena_clear(&arena);
	return status;
}
