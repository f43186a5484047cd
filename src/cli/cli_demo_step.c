/*
 * cli_demo_step.c - the pieces that the stories of the demo are made of.
 *
 * Alice and Bob use what any user has: SMTP to their server, POP3 from it, and
 * the verbs of postrider.  What crepes.fr says to hamburger.edu is read from
 * its log.
 */
#include <stdio.h>
#include <sys/random.h>

#include "base/time.h"
#include "cli/cli_demo_int.h"
#include "cli/cli_mail_int.h"
#include "cli/cli_mail_smtp.h"
#include "cli/cli_mail_text.h"
#include "message/build.h"
#include "message/body_text.h"
#include "message/header.h"

#include "base/banned.h"

#define DIALOGUE_MAX   (1u << 20)
#define WAIT_MS        15000
#define TICK_MS        10
#define PICTURE_NAME   "hamburger.png"
#define TEXT           "Do you like ketchup? How about pickles?\r\n"

static void put_server(const struct demo_site *s, uint16_t port,
	struct buf *out)
{
	buf_printf(out, "%s:%u", s->ip, port);
}

static void put_address(const struct demo_site *s, struct buf *out)
{
	buf_printf(out, "%s@%s", s->person, s->domain);
}

/* ---- servers and accounts -------------------------------------------------- */

static void say_site(const struct demo_site *s)
{
	demo_say("%-14s %s  smtp %u submission %u pop3 %u imap %u",
		s->domain, s->ip, s->smtp_port, s->submission_port,
		s->pop3_port, s->imap_port);
}

enum code demo_start_both(struct demo *d)
{
	int64_t start = time_mono_ms();
	enum code code;

	demo_step(d, "Two mail servers start, on this computer only.");
	say_site(&d->crepes);
	say_site(&d->hamburger);
	code = demo_site_start(d, &d->crepes);
	if (code == OK)
		code = demo_site_start(d, &d->hamburger);
	if (code == OK)
		demo_say("Both are ready after %d ms.",
			(int)(time_mono_ms() - start));
	return code;
}

static enum code make_account(struct demo *d, struct demo_site *s)
{
	char address[64], password[64];
	const char *const domain[] = {"domain", "add", s->domain, NULL};
	const char *const account[] = {"account", "add", address,
		"--password-stdin", NULL};
	enum code code;

	(void)snprintf(address, sizeof(address), "%s@%s", s->person,
		s->domain);
	(void)snprintf(password, sizeof(password), "%s\n", s->password);
	demo_say("postrider domain add %s", s->domain);
	code = demo_site_run(d, s, domain, SPAN_EMPTY, NULL);
	if (code != OK)
		return code;
	demo_say("postrider account add %s --password-stdin", address);
	return demo_site_run(d, s, account, span_str(password), NULL);
}

enum code demo_make_accounts(struct demo *d)
{
	enum code code;

	demo_step(d, "Each server gets a domain and somebody who lives there.");
	code = make_account(d, &d->crepes);
	return code == OK ? make_account(d, &d->hamburger) : code;
}

/* ---- Alice writes ------------------------------------------------------------ */

static enum code build(struct demo *d, const char *subject, struct buf *out)
{
	struct buf from, to;
	struct message_address address = {SPAN("Bob"), SPAN_EMPTY};
	struct message_file file = {SPAN(PICTURE_NAME), SPAN_EMPTY};
	struct message_draft draft = {
		.from = {SPAN("Alice"), SPAN_EMPTY},
		.to = &address,
		.to_count = 1,
		.subject = span_str(subject),
		.text = SPAN(TEXT),
		.files = &file,
		.file_count = 1,
		.now_ms = time_wall_ms(),
		.host = span_str(d->crepes.domain),
	};
	enum code code;

	buf_init(&from, 64);
	buf_init(&to, 64);
	put_address(&d->crepes, &from);
	put_address(&d->hamburger, &to);
	draft.from.address = buf_span(&from);
	address.address = buf_span(&to);
	file.content = buf_span(&d->picture);
	if (getrandom(draft.random, sizeof(draft.random), 0) !=
		(ssize_t)sizeof(draft.random))
		code = err_errno(d->e, TEMP, "random bytes");
	else
		code = message_build(&draft, out, d->e);
	buf_clear(&from);
	buf_clear(&to);
	return code;
}

static enum code get_password(void *arg, struct buf *out)
{
	const struct demo_site *s = arg;

	buf_puts(out, s->password);
	return OK;
}

static enum code submit(struct demo *d, struct span message,
	struct buf *dialogue)
{
	struct cli_smtp_login login = {.get_password = get_password,
		.arg = &d->crepes};
	struct buf server, from, to;
	struct smtp_client_rcpt rcpt = {0};
	struct smtp_client_message m = {.body = message, .size = message.n,
		.rcpts = &rcpt, .rcpt_count = 1, .arena = &d->arena};
	enum code code;

	buf_init(&server, 64);
	buf_init(&from, 64);
	buf_init(&to, 64);
	put_server(&d->crepes, d->crepes.submission_port, &server);
	put_address(&d->crepes, &from);
	put_address(&d->hamburger, &to);
	m.reverse_path = login.user = buf_span(&from);
	rcpt.address = buf_span(&to);
	code = cli_smtp_send(buf_span(&server), &m, &login, dialogue, d->e);
	if (code == OK && rcpt.result != OK)
		code = err_set(d->e, CORRUPT, "crepes.fr did not take Alice's"
			" message: %u %.*s", rcpt.code, SPAN_ARG(rcpt.text));
	buf_clear(&server);
	buf_clear(&from);
	buf_clear(&to);
	return code;
}

enum code demo_alice_writes(struct demo *d, const char *subject)
{
	struct buf message, dialogue;
	enum code code;

	buf_init(&message, 1 << 20);
	buf_init(&dialogue, DIALOGUE_MAX);
	code = build(d, subject, &message);
	if (code == OK) {
		demo_say("Subject: %s", subject);
		demo_say("%.*s", SPAN_ARG(span_head(SPAN(TEXT),
			sizeof(TEXT) - 3)));
		demo_say("[%s, %zu bytes]", PICTURE_NAME,
			buf_len(&d->picture));
		demo_say("Her user agent logs in, on this computer only and so"
			" without TLS:");
		code = submit(d, buf_span(&message), &dialogue);
		demo_print_lines(d, buf_span(&dialogue));
	}
	buf_clear(&message);
	buf_clear(&dialogue);
	return code;
}

/* ---- the way to hamburger.edu -------------------------------------------------- */

/* Prints a line of the SMTP dialogue with the other server. */
static void show_line(struct demo *d, struct span log_line)
{
	struct buf dir, line, shown;

	buf_init(&dir, 64);
	buf_init(&line, 8192);
	/* outside of an attempt: an idle connection closes */
	if (demo_log_field(log_line, "mid", &dir) &&
		span_eq(buf_span(&dir), SPAN("0"))) {
		buf_clear(&dir);
		return;
	}
	buf_init(&shown, 8192);
	(void)demo_log_field(log_line, "dir", &dir);
	(void)demo_log_field(log_line, "line", &line);
	buf_put(&shown, buf_span(&dir));
	buf_puts(&shown, ": ");
	buf_put(&shown, buf_span(&line));
	demo_print_lines(d, buf_span(&shown));
	buf_clear(&dir);
	buf_clear(&line);
	buf_clear(&shown);
}

static void say_trouble(struct demo *d, struct span reply)
{
	struct buf text;

	buf_init(&text, 8192);
	buf_puts(&text, "It did not work now: ");
	buf_put(&text, reply);
	demo_print_lines(d, buf_span(&text));
	buf_clear(&text);
}

/* Returns DONE when the attempt has ended, BAD when it failed for good. */
static enum step take_event(struct demo *d, struct span log_line,
	bool *out_is_sent)
{
	struct buf event, reply;
	enum step step = MORE;

	buf_init(&event, 256);
	buf_init(&reply, 8192);
	(void)demo_log_field(log_line, "ev", &event);
	if (span_eq(buf_span(&event), SPAN("smtp.client.line")))
		show_line(d, log_line);
	if (span_eq(buf_span(&event), SPAN("queue.sent")) ||
		span_eq(buf_span(&event), SPAN("queue.deferred")) ||
		span_eq(buf_span(&event), SPAN("queue.failed"))) {
		*out_is_sent = span_ends(buf_span(&event), SPAN("sent"));
		(void)demo_log_field(log_line, "reply", &reply);
		if (!*out_is_sent)
			say_trouble(d, buf_span(&reply));
		step = DONE;
	}
	buf_clear(&event);
	buf_clear(&reply);
	return step;
}

enum code demo_show_attempt(struct demo *d, bool *out_is_sent)
{
	int64_t until = time_mono_ms() + WAIT_MS;
	struct buf line;
	enum step step = MORE;

	*out_is_sent = false;
	buf_init(&line, 65536);
	while (step == MORE && time_mono_ms() < until) {
		if (demo_log_line(&d->crepes, &line))
			step = take_event(d, buf_span(&line), out_is_sent);
		else if (!demo_wait_ms(TICK_MS))
			break;
	}
	buf_clear(&line);
	if (step == DONE)
		return OK;
	return err_set(d->e, TIMEOUT, "crepes.fr has not tried to deliver");
}

enum code demo_show_queue(struct demo *d)
{
	const char *const words[] = {"queue", "list", NULL};
	struct buf out;
	enum code code;

	buf_init(&out, 65536);
	demo_say("postrider queue list");
	code = demo_site_run(d, &d->crepes, words, SPAN_EMPTY, &out);
	demo_print_lines(d, buf_span(&out));
	buf_clear(&out);
	return code;
}

/* ---- reading ---------------------------------------------------------------------- */

static enum code open_mailbox(struct demo *d, struct demo_site *s,
	struct cli_pop3 *p)
{
	struct buf server, user;
	enum code code;

	buf_init(&server, 64);
	buf_init(&user, 64);
	put_server(s, s->pop3_port, &server);
	put_address(s, &user);
	code = cli_pop3_open(p, buf_span(&server), buf_span(&user),
		span_str(s->password), d->e);
	buf_clear(&server);
	buf_clear(&user);
	return code;
}

/* Opens the mailbox again and again until something is in it. */
static enum code wait_for_mail(struct demo *d, struct demo_site *s,
	struct cli_pop3 *p, struct buf *dialogue)
{
	int64_t until = time_mono_ms() + WAIT_MS;

	while (time_mono_ms() < until && !demo_is_stopped()) {
		uint32_t count = 0;
		enum code code;

		buf_reset(dialogue);
		*p = (struct cli_pop3){.dialogue = dialogue};
		code = open_mailbox(d, s, p);
		if (code != OK && code != BUSY && code != TEMP)
			return code;
		if (code == OK) {
			code = cli_pop3_count(p, &count, d->e);
			if (code == OK && count > 0)
				return OK;
			cli_pop3_close(p);
		}
		(void)demo_wait_ms(5 * TICK_MS);
	}
	return err_set(d->e, TIMEOUT, "nothing arrived for %s@%s", s->person,
		s->domain);
}

/* Fetches the first message; deletes it or keeps it. */
static enum code fetch(struct demo *d, struct demo_site *s, bool keeps,
	struct buf *out)
{
	struct cli_pop3 p = {0};
	struct buf dialogue;
	enum code code, quit;

	buf_init(&dialogue, DIALOGUE_MAX);
	code = wait_for_mail(d, s, &p, &dialogue);
	if (code != OK) {
		buf_clear(&dialogue);
		return code;
	}
	code = cli_pop3_do(&p, SPAN("LIST"), true, d->e);
	if (code == OK)
		code = cli_pop3_get(&p, 1, d->e);
	if (code == OK)
		buf_put(out, buf_span(&p.reader.body));
	if (code == OK && !keeps)
		code = cli_pop3_do(&p, SPAN("DELE 1"), false, d->e);
	quit = cli_pop3_quit(&p, d->e);
	demo_print_lines(d, buf_span(&dialogue));
	buf_clear(&dialogue);
	return code == OK ? quit : code;
}

enum code demo_wait_for_bobs_mail(struct demo *d)
{
	struct cli_pop3 p = {0};
	struct buf dialogue;
	enum code code;

	buf_init(&dialogue, DIALOGUE_MAX);
	code = wait_for_mail(d, &d->hamburger, &p, &dialogue);
	if (code == OK)
		cli_pop3_close(&p);
	buf_clear(&dialogue);
	return code;
}

enum code demo_bob_makes_room(struct demo *d)
{
	struct buf message;
	enum code code;

	buf_init(&message, 1 << 20);
	code = fetch(d, &d->hamburger, false, &message);
	buf_clear(&message);
	return code;
}

static enum code differs(struct demo *d, const char *what)
{
	return err_set(d->e, CORRUPT, "%s came out different", what);
}

static bool is_text(const struct mime_part *p, struct span message,
	struct span text)
{
	struct buf bytes;
	bool is_same;

	buf_init(&bytes, message.n);
	is_same = body_put_bytes(&bytes, p, message) &&
		span_eq(buf_span(&bytes), text);
	buf_clear(&bytes);
	return is_same;
}

static bool is_named(const struct mime_part *p, struct span name)
{
	struct buf text;
	bool is_same;

	buf_init(&text, 4096);
	is_same = param_list_get(&p->disposition_params, SPAN("filename"),
			  &text) &&
		span_eq(buf_span(&text), name);
	buf_clear(&text);
	return is_same;
}

/* Compares what came with what Alice sent. */
static enum code compare(struct demo *d, struct span message,
	const char *subject)
{
	struct arena arena;
	const struct mime_tree *t;
	struct buf field;
	enum code code = OK;

	buf_init(&field, 4096);
	arena_init(&arena, MIME_ARENA_BYTES);
	t = mime_parse(&arena, message);
	mail_put_field(&field, span_head(message, header_len(message)),
		"Subject");
	if (!span_eq(buf_span(&field), span_str(subject)))
		code = differs(d, "the subject");
	else if (t->count != 3 || !is_text(&t->parts[1], message, SPAN(TEXT)))
		code = differs(d, "the text");
	else if (!is_text(&t->parts[2], message, buf_span(&d->picture)) ||
		!is_named(&t->parts[2], SPAN(PICTURE_NAME)))
		code = differs(d, "the picture");
	arena_clear(&arena);
	buf_clear(&field);
	return code;
}

static void show_fields(struct demo *d, struct span message)
{
	static const char *const fields[] = {"Return-Path", "Delivered-To",
		"Received", "From", "To", "Subject"};
	struct span head = span_head(message, header_len(message));
	struct buf line;

	buf_init(&line, 8192);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		buf_reset(&line);
		buf_printf(&line, "%s: ", fields[i]);
		mail_put_field(&line, head, fields[i]);
		if (!span_ends(buf_span(&line), SPAN(": ")))
			demo_print_lines(d, buf_span(&line));
	}
	buf_clear(&line);
}

enum code demo_bob_reads(struct demo *d, const char *subject)
{
	struct buf message;
	enum code code;

	demo_step(d, "Bob reads his mail (POP3).");
	buf_init(&message, 1 << 20);
	code = fetch(d, &d->hamburger, true, &message);
	if (code == OK) {
		demo_step(d, "What Bob sees.");
		show_fields(d, buf_span(&message));
		demo_say("%.*s", SPAN_ARG(span_head(SPAN(TEXT),
			sizeof(TEXT) - 3)));
		code = compare(d, buf_span(&message), subject);
	}
	if (code == OK)
		demo_say("[%s, %zu bytes: byte for byte what Alice sent]",
			PICTURE_NAME, buf_len(&d->picture));
	buf_clear(&message);
	return code == OK ? demo_bob_looks_again(d) : code;
}

/* RFC 3464: the part for people, and the one for programs */
static enum code show_notice(struct demo *d, struct span message)
{
	struct arena arena;
	const struct mime_tree *t;
	struct buf text;
	enum code code = OK;

	arena_init(&arena, MIME_ARENA_BYTES);
	buf_init(&text, message.n);
	t = mime_parse(&arena, message);
	if (t->count < 3 ||
		!mime_is_type(&t->parts[0], SPAN("multipart"), SPAN("report")))
		code = err_set(d->e, CORRUPT,
			"what Alice got is no failure notice");
	if (code == OK)
		show_fields(d, message);
	for (uint32_t i = 1; code == OK && i < 3; i++) {
		buf_reset(&text);
		(void)body_put_bytes(&text, &t->parts[i], message);
		demo_print_lines(d, buf_span(&text));
	}
	buf_clear(&text);
	arena_clear(&arena);
	return code;
}

enum code demo_alice_reads_notice(struct demo *d)
{
	struct buf message;
	enum code code;

	buf_init(&message, 1 << 20);
	code = fetch(d, &d->crepes, false, &message);
	if (code == OK)
		code = show_notice(d, buf_span(&message));
	buf_clear(&message);
	return code;
}
