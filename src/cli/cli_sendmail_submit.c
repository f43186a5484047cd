/*
 * cli_sendmail_submit.c - the message goes to the server, or waits for it.
 *
 *	submit.sock ── all taken ──────────────────────────▶ 0
 *	     │  ├────── too many at once ─▶ the rest once more
 *	     │  ├────── refused ─▶ 64 to 77, and what the server said
 *	     │  └────── no server any more, its own trouble ─┐
 *	     └── nobody there ───────────────────────────────┴▶ data_dir/drop
 *
 * Most programs that call sendmail do not try again, so our own trouble is no
 * reason to lose a message; limits that the server has set (450, 452, 4.7.1)
 * are.
 */
#include "cli/cli_mail_smtp.h"
#include "cli/cli_mail_text.h"
#include "cli/cli_sendmail_drop.h"
#include "cli/cli_sendmail_int.h"

#include <stdio.h>

#include "base/utf8.h"

#include "base/banned.h"

#define ROUNDS_MAX     30 /* of a thousand recipients each */
#define DIALOGUE_BYTES (1u << 20)

static uint32_t flags_of(const struct sendmail *s)
{
	bool is_utf8 = s->flags.wants_utf8 || !utf8_is_ascii(s->from);

	for (size_t i = 0; i < s->rcpt_count; i++)
		is_utf8 = is_utf8 || !utf8_is_ascii(s->rcpts[i]);
	return (is_utf8 ? SMTP_CLIENT_MAIL_UTF8 : 0u) |
		(s->flags.wants_tls ? SMTP_CLIENT_MAIL_REQUIRETLS : 0u);
}

static void show_dialogue(const struct sendmail *s, const struct buf *dialogue)
{
	struct buf clean;

	if (!s->flags.is_verbose)
		return;
	buf_init(&clean, 8 * DIALOGUE_BYTES);
	cli_text_put(&clean, buf_span(dialogue), true);
	(void)fwrite(clean.p, 1, buf_len(&clean), stdout);
	(void)fflush(stdout);
	buf_clear(&clean);
}

/* ---- what became of it -------------------------------------------------------- */
/* Those that the server would have taken in another message. */
static size_t set_again(struct smtp_client_message *m)
{
	size_t count = 0;

	for (size_t i = 0; i < m->rcpt_count; i++) {
		struct span address = m->rcpts[i].address;

		if (!m->rcpts[i].was_crowded)
			continue;
		m->rcpts[i] = (struct smtp_client_rcpt){.address = address,
			.notify = m->rcpts[i].notify};
		count++;
	}
	return count;
}

/* Trouble of the server, or none that answers: it may wait for the next one. */
static bool may_wait(const struct smtp_client_rcpt *r)
{
	return !r->is_settled || (r->result != OK && r->result != DENIED &&
		r->code != 450 && r->code != 452 &&
		!span_eq(r->enhanced, SPAN("4.7.1")));
}

static const struct {
	const char *enhanced;
	enum admin_exit status;
} exits[] = {
	{"5.1.1", EXIT_NO_ADDRESS}, {"5.1.2", EXIT_NO_ADDRESS},
	{"5.1.3", EXIT_NO_ADDRESS}, {"5.1.7", EXIT_BAD_DATA},
	{"5.3.4", EXIT_BAD_DATA},   {"5.5.", EXIT_BAD_DATA},
	{"5.6.", EXIT_BAD_DATA},    {"5.4.6", EXIT_BAD_DATA},
};

static enum admin_exit exit_of(const struct smtp_client_rcpt *r)
{
	if (r->result != DENIED)
		return EXIT_TRY_AGAIN;
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		if (span_starts(r->enhanced, span_str(exits[i].enhanced)))
			return exits[i].status;
	return EXIT_DENIED;
}

static void say_refused(const struct smtp_client_rcpt *r)
{
	struct buf text;

	buf_init(&text, 65536);
	cli_text_put(&text, r->address, false);
	buf_printf(&text, ": %u ", r->code);
	cli_text_put(&text, r->enhanced, false);
	buf_puts(&text, r->enhanced.n > 0 ? " " : "");
	cli_text_put(&text, r->text, false);
	sendmail_say("%.*s", SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

/* The first refusal is the exit status; all of them are said. */
static enum admin_exit report(const struct smtp_client_message *m)
{
	enum admin_exit status = EXIT_OK;

	for (size_t i = 0; i < m->rcpt_count; i++) {
		const struct smtp_client_rcpt *r = &m->rcpts[i];

		if (may_wait(r) || r->result == OK)
			continue;
		say_refused(r);
		if (status == EXIT_OK)
			status = exit_of(r);
	}
	return status;
}

/* ---- the drop folder ------------------------------------------------------------- */
static enum code drop_some(const struct sendmail *s, const struct span *rcpts,
	size_t count)
{
	const struct drop_file head = {
		.flags = flags_of(s),
		.size = buf_len(&s->text),
		.ret = s->flags.ret,
		.notify = s->flags.notify,
		.envid = s->flags.envid,
		.from = s->from,
		.rcpts = rcpts,
		.rcpt_count = count,
	};

	return cli_sendmail_drop(s->cli->config, &head, buf_span(&s->text),
		s->e);
}

static enum admin_exit say_not_left(struct sendmail *s, const struct err *why)
{
	struct err left = *s->e;

	(void)err_set(s->e, left.code, "the server does not answer%s%s, and "
		"the message cannot wait for it: %s",
		why->text[0] == '\0' ? "" : ": ", why->text, left.text);
	return left.code == NOT_FOUND ? EXIT_NO_SERVER : EXIT_TRY_AGAIN;
}

/* why: what was wrong with the server. */
static enum admin_exit leave(struct sendmail *s,
	const struct smtp_client_message *m, const struct err *why)
{
	struct span rcpts[DROP_RCPTS_MAX];
	size_t count = 0;
	enum code code = OK;

	for (size_t i = 0; i < m->rcpt_count && code == OK; i++) {
		if (!may_wait(&m->rcpts[i]))
			continue;
		rcpts[count++] = m->rcpts[i].address;
		if (count < DROP_RCPTS_MAX)
			continue;
		code = drop_some(s, rcpts, count);
		count = 0;
	}
	if (code == OK && count > 0)
		code = drop_some(s, rcpts, count);
	return code == OK ? EXIT_OK : say_not_left(s, why);
}

/* ---- the way there ------------------------------------------------------------------ */
static enum code hand_in(struct sendmail *s, struct smtp_client_message *m,
	struct err *why)
{
	struct buf dialogue;
	enum code code = OK;

	for (int round = 0; round < ROUNDS_MAX && code == OK; round++) {
		buf_init(&dialogue, DIALOGUE_BYTES);
		code = cli_smtp_send(s->server, m, NULL, &dialogue, why);
		show_dialogue(s, &dialogue);
		buf_clear(&dialogue);
		if (set_again(m) == 0)
			break;
	}
	return code;
}

enum admin_exit sendmail_submit(struct sendmail *s)
{
	struct smtp_client_message m = {
		.reverse_path = s->from,
		.flags = flags_of(s),
		.ret = s->flags.ret,
		.envid = s->flags.envid,
		.body = buf_span(&s->text),
		.size = buf_len(&s->text),
		.rcpt_count = s->rcpt_count,
		.arena = s->arena,
	};
	struct err why = {.code = OK};
	enum admin_exit refused, left;

	m.rcpts = arena_alloc(s->arena, s->rcpt_count, sizeof(*m.rcpts));
	for (size_t i = 0; i < s->rcpt_count; i++)
		m.rcpts[i] = (struct smtp_client_rcpt){
			.address = s->rcpts[i], .notify = s->flags.notify};
	(void)hand_in(s, &m, &why);
	refused = report(&m);
	left = leave(s, &m, &why);
	return left != EXIT_OK ? left : refused;
}
