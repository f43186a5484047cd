/*
 * cli_mail_send.c - `postrider mail send`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/time.h"
#include "base/utf8.h"
#include "cli/cli_mail_int.h"
#include "cli/cli_mail_smtp.h"
#include "cli/cli_mail_text.h"
#include "message/build.h"
#include "smtp/smtp_dsn.h"

#include "base/banned.h"

#define READ_PIECE 65536

static enum code read_all(int fd, const char *name, struct buf *out,
	struct err *e)
{
	for (;;) {
		uint8_t *to = buf_reserve(out, READ_PIECE);
		ssize_t n;

		if (to == NULL)
			return err_set(e, LIMIT, "%s is too large", name);
		n = read(fd, to, READ_PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, NOT_FOUND, "%s", name);
		if (n == 0)
			return OK;
		buf_wrote(out, (size_t)n);
	}
}

/* What a draft borrows; input_clear gives it back. */
struct input {
	struct buf text;
	struct buf files[MAIL_LIST_MAX];
	size_t file_count;
};

static void input_clear(struct input *in)
{
	buf_clear(&in->text);
	for (size_t i = 0; i < in->file_count; i++)
		buf_clear(&in->files[i]);
}

static enum code read_file(const struct mail_command *m, struct span path,
	struct input *in, struct message_file *out)
{
	struct buf *content = &in->files[in->file_count];
	const char *name = arena_cstr(m->arena, path);
	int fd = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
	size_t slash = span_find_last(path, '/');
	enum code code;

	if (fd < 0)
		return err_errno(m->e, NOT_FOUND, "%.*s", SPAN_ARG(path));
	buf_init(content, CLI_MESSAGE_MAX);
	in->file_count++;
	code = read_all(fd, name, content, m->e);
	(void)close(fd);
	out->name = slash == path.n ? path : span_tail(path, slash + 1);
	out->content = buf_span(content);
	return code;
}

static enum code parse_address(struct span text, struct message_address *out,
	struct err *e)
{
	if (message_address_parse(text, out))
		return OK;
	return err_set(e, SYNTAX, "%.*s: this is no address", SPAN_ARG(text));
}

static enum code make_draft(const struct mail_command *m,
	struct message_draft *d, struct input *in)
{
	const struct mail_options *o = m->options;
	struct message_address *to = arena_alloc(m->arena, o->to.count,
		sizeof(*to));
	struct message_file *files = arena_alloc(m->arena, o->file.count,
		sizeof(*files));
	enum code code = parse_address(o->from.items[0], &d->from, m->e);

	for (size_t i = 0; i < o->to.count && code == OK; i++)
		code = parse_address(o->to.items[i], &to[i], m->e);
	for (size_t i = 0; i < o->file.count && code == OK; i++)
		code = read_file(m, o->file.items[i], in, &files[i]);
	if (code == OK)
		code = read_all(STDIN_FILENO, "the text", &in->text, m->e);
	if (code != OK)
		return code;
	if (getrandom(d->random, sizeof(d->random), 0) != sizeof(d->random))
		return err_errno(m->e, TEMP, "random bytes");
	d->to = to;
	d->to_count = o->to.count;
	d->subject = o->subject.count > 0 ? o->subject.items[0] : SPAN_EMPTY;
	d->text = buf_span(&in->text);
	d->files = files;
	d->file_count = o->file.count;
	d->now_ms = time_wall_ms();
	d->host = span_tail(d->from.address,
		span_find_last(d->from.address, '@') + 1);
	return OK;
}

/* One row: who, outcome, reply, Message-ID. */
static void put_row(const struct mail_command *m,
	const struct smtp_client_rcpt *rcpt, struct span id)
{
	struct buf reply;
	const char *word = rcpt->result == OK ? "sent"
		: rcpt->result == TEMP	      ? "later"
					      : "refused";
	struct span cells[4] = {rcpt->address, span_str(word), SPAN_EMPTY, id};

	buf_init(&reply, 8192);
	buf_put_u64(&reply, rcpt->code);
	buf_putc(&reply, ' ');
	if (rcpt->enhanced.n > 0) {
		cli_text_put(&reply, rcpt->enhanced, false);
		buf_putc(&reply, ' ');
	}
	cli_text_put(&reply, rcpt->text, false);
	cells[2] = buf_span(&reply);
	m->out->row(m->out->arg, cells, 4);
	buf_clear(&reply);
}

/* RFC 3463 3.2: X.1.* is about the address */
static enum admin_exit exit_of_refusal(const struct smtp_client_rcpt *rcpt)
{
	return span_starts(rcpt->enhanced, SPAN("5.1.1")) ? EXIT_NO_ADDRESS
							  : EXIT_DENIED;
}

static enum admin_exit report(const struct mail_command *m,
	const struct smtp_client_message *message, struct span id)
{
	const struct span head[4] = {SPAN("recipient"), SPAN("result"),
		SPAN("reply"), SPAN("message_id")};
	size_t sent = 0;
	enum admin_exit status = EXIT_TRY_AGAIN;

	m->out->row(m->out->arg, head, 4);
	for (size_t i = 0; i < message->rcpt_count; i++) {
		const struct smtp_client_rcpt *rcpt = &message->rcpts[i];

		put_row(m, rcpt, id);
		sent += rcpt->result == OK;
		if (rcpt->result != OK && rcpt->result != TEMP &&
			message->rcpt_count == 1)
			status = exit_of_refusal(rcpt);
	}
	if (sent == message->rcpt_count)
		return EXIT_OK;
	return sent > 0 ? EXIT_PARTLY : status;
}

/* RFC 6531 3.4: an address beyond ASCII asks for it */
static uint32_t flags_of(const struct message_draft *d)
{
	bool is_ascii = utf8_is_ascii(d->from.address);

	for (size_t i = 0; i < d->to_count; i++)
		is_ascii = is_ascii && utf8_is_ascii(d->to[i].address);
	return is_ascii ? 0 : SMTP_CLIENT_MAIL_UTF8;
}

/* What the sender wants to be told: RFC 3461 4. */
struct wishes {
	uint8_t notify, ret;
	struct span envid;
};

static enum code refuse_value(const struct mail_command *m, const char *name,
	struct span value, const char *good)
{
	return err_set(m->e, SYNTAX, "--%s %.*s: say %s", name,
		SPAN_ARG(span_head(value, 256)), good);
}

static enum code take_wishes(const struct mail_command *m, struct wishes *out)
{
	const struct mail_options *o = m->options;

	if (o->notify.count > 0 &&
		!smtp_dsn_take_notify(o->notify.items[0], &out->notify))
		return refuse_value(m, "notify", o->notify.items[0],
			"never, or some of success,failure,delay");
	if (o->ret.count > 0 && !smtp_dsn_take_ret(o->ret.items[0], &out->ret))
		return refuse_value(m, "return", o->ret.items[0],
			"hdrs or full");
	if (o->envid.count > 0 &&
		!smtp_dsn_take_envid(o->envid.items[0], &out->envid))
		return refuse_value(m, "envid", o->envid.items[0],
			"1 to 100 letters, digits and signs, + as +2B");
	return OK;
}

/* Whose password; what came on stdin stands before the text, so it was read
 * already. */
struct asker {
	const struct mail_command *m;
	struct span given; /* p is NULL: none */
};

static enum code get_password(void *arg, struct buf *out)
{
	const struct asker *a = arg;

	if (a->given.p == NULL)
		return mail_get_password(a->m, out);
	buf_put(out, a->given);
	return OK;
}

/* Without a password, where the server is: as the user who runs it. */
static bool take_local(const struct mail_command *m, struct buf *out)
{
	const struct mail_options *o = m->options;
	char path[128];

	if (m->config == NULL || o->server.count > 0 || o->user.count > 0 ||
		o->has_password_stdin || getenv("POSTRIDER_PASSWORD") != NULL)
		return false;
	(void)snprintf(path, sizeof(path), "%.*s/submit.sock",
		SPAN_ARG(m->config->run_dir));
	if (access(path, W_OK) != 0)
		return false;
	buf_puts(out, path);
	return true;
}

static enum admin_exit submit(const struct mail_command *m,
	const struct message_draft *d, struct span text, struct span password)
{
	struct wishes wishes = {0};
	static const enum service services[] = {SERVICE_SUBMISSION,
		SERVICE_SMTP};
	struct smtp_client_message message = {
		.reverse_path = d->from.address,
		.flags = flags_of(d),
		.body = text,
		.size = text.n,
		.rcpt_count = d->to_count,
		.arena = m->arena,
	};
	struct asker asker = {.m = m, .given = password};
	const struct cli_smtp_login login = {
		.user = m->options->user.count > 0 ? m->options->user.items[0]
						   : d->from.address,
		.get_password = get_password, .arg = &asker};
	struct buf id, server;
	enum admin_exit status;
	enum code code = take_wishes(m, &wishes);
	bool is_local;

	message.ret = wishes.ret;
	message.envid = wishes.envid;
	message.rcpts = arena_alloc(m->arena, d->to_count,
		sizeof(*message.rcpts));
	for (size_t i = 0; i < d->to_count; i++)
		message.rcpts[i] = (struct smtp_client_rcpt){
			.address = d->to[i].address, .notify = wishes.notify};
	buf_init(&id, 1024);
	buf_init(&server, 300);
	message_put_id(d, &id);
	is_local = take_local(m, &server);
	if (code == OK && !is_local)
		code = mail_server(m, services, 2, &server, m->e);
	if (code == OK)
		code = cli_smtp_send(buf_span(&server), &message,
			is_local ? NULL : &login, NULL, m->e);
	status = code == OK ? report(m, &message, buf_span(&id))
			    : mail_exit_of(code);
	buf_clear(&id);
	buf_clear(&server);
	return status;
}

enum admin_exit mail_send(struct mail_command *m)
{
	struct message_draft d = {0};
	struct input *in = ARENA_NEW(m->arena, struct input);
	struct buf message, password;
	enum admin_exit status;
	enum code code = OK;

	if (m->options->from.count == 0 || m->options->to.count == 0) {
		(void)err_set(m->e, SYNTAX,
			"from whom, to whom? say -f ADDRESS -t ADDRESS");
		return EXIT_USAGE;
	}
	buf_init(&in->text, CLI_MESSAGE_MAX);
	buf_init(&message, CLI_MESSAGE_MAX);
	buf_init(&password, CLI_PASSWORD_MAX);
	(void)buf_reserve(&password, CLI_PASSWORD_MAX);
	if (m->options->has_password_stdin)
		code = mail_get_password(m, &password);
	if (code == OK)
		code = make_draft(m, &d, in);
	if (code == NOT_FOUND) {
		status = EXIT_NO_INPUT;
	} else {
		if (code == OK)
			code = message_build(&d, &message, m->e);
		status = code == OK
			? submit(m, &d, buf_span(&message),
				  m->options->has_password_stdin
					  ? buf_span(&password)
					  : SPAN_EMPTY)
			: mail_exit_of(code);
	}
	buf_wipe(&password);
	buf_clear(&password);
	input_clear(in);
	buf_clear(&message);
	return status;
}
