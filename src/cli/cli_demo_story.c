/*
 * cli_demo_story.c - what happens in the demo: when all is well, and when it
 * is not.  Each story ends with the message read, or back at its sender.
 */
#include <stdio.h>

#include "cli/cli_demo_int.h"
#include "cli/cli_mail_smtp.h"

#include "base/banned.h"

#define SUBJECT        "Ketchup and pickles"
#define ATTEMPTS_MAX   20
#define SMALL_QUOTA    "8K"
#define LARGE_QUOTA    "50M"
#define FILLER_BYTES   9000

static enum code begin(struct demo *d)
{
	enum code code = demo_start_both(d);

	return code == OK ? demo_make_accounts(d) : code;
}

/* Shows attempts until the message is sent. */
static enum code show_until_sent(struct demo *d)
{
	bool is_sent = false;
	enum code code = OK;

	for (unsigned i = 0; i < ATTEMPTS_MAX && code == OK && !is_sent; i++)
		code = demo_show_attempt(d, &is_sent);
	if (code == OK && !is_sent)
		code = err_set(d->e, TIMEOUT, "the message never arrived");
	return code;
}

/* One attempt, which is expected to fail for now. */
static enum code show_failing(struct demo *d)
{
	bool is_sent;
	enum code code = demo_show_attempt(d, &is_sent);

	if (code == OK && is_sent)
		code = err_set(d->e, CORRUPT, "the message was delivered,"
			" which should not be possible now");
	return code;
}

enum code demo_story_plain(struct demo *d)
{
	enum code code = begin(d);

	if (code != OK)
		return code;
	demo_step(d, "Alice writes to Bob.");
	code = demo_alice_writes(d, SUBJECT);
	if (code != OK)
		return code;
	demo_step(d, "crepes.fr asks the DNS for the MX of hamburger.edu, and"
		" hands it over.");
	demo_say("hamburger.edu  MX  10 mx.hamburger.edu   A  %s",
		d->hamburger.ip);
	code = show_until_sent(d);
	return code == OK ? demo_bob_reads(d, SUBJECT) : code;
}

enum code demo_story_greylist(struct demo *d)
{
	enum code code = begin(d);

	if (code == OK)
		code = demo_gate_start(d);
	if (code != OK)
		return code;
	demo_step(d, "Alice writes to Bob; hamburger.edu greylists strangers.");
	code = demo_alice_writes(d, SUBJECT);
	if (code != OK)
		return code;
	demo_step(d, "The first attempt is put off.");
	code = show_failing(d);
	if (code == OK)
		code = demo_show_queue(d);
	if (code != OK)
		return code;
	demo_step(d, "crepes.fr comes back, as mail servers do and spammers do"
		" not.");
	code = show_until_sent(d);
	return code == OK ? demo_bob_reads(d, SUBJECT) : code;
}

/* ---- down -------------------------------------------------------------------- */

/* hamburger.edu goes away for good: the message comes back. */
static enum code tell_never(struct demo *d)
{
	enum code code;

	demo_step(d, "hamburger.edu stops again, for good. Alice writes once"
		" more.");
	demo_site_stop(&d->hamburger);
	code = demo_alice_writes(d, "Are you there?");
	if (code == OK)
		code = show_failing(d);
	if (code != OK)
		return code;
	demo_step(d, "After %s crepes.fr gives up and tells Alice (POP3).",
		d->give_up_after);
	return demo_alice_reads_notice(d);
}

enum code demo_story_down(struct demo *d)
{
	enum code code = begin(d);

	if (code != OK)
		return code;
	demo_step(d, "hamburger.edu stops. Alice writes to Bob.");
	demo_site_stop(&d->hamburger);
	code = demo_alice_writes(d, SUBJECT);
	if (code != OK)
		return code;
	demo_step(d, "crepes.fr cannot hand it over, and keeps it.");
	code = show_failing(d);
	if (code == OK)
		code = demo_show_queue(d);
	if (code != OK)
		return code;
	demo_step(d, "hamburger.edu comes back; crepes.fr tries again.");
	code = demo_site_start(d, &d->hamburger);
	if (code == OK)
		code = show_until_sent(d);
	if (code == OK)
		code = demo_bob_reads(d, SUBJECT);
	return code == OK ? tell_never(d) : code;
}

/* ---- full -------------------------------------------------------------------- */

static enum code set_quota(struct demo *d, const char *quota)
{
	const char *const words[] = {"account", "quota", "bob@hamburger.edu",
		quota, NULL};

	demo_say("postrider account quota bob@hamburger.edu %s", quota);
	return demo_site_run(d, &d->hamburger, words, SPAN_EMPTY, NULL);
}

/* A newsletter fills Bob's mailbox. */
static enum code fill_mailbox(struct demo *d)
{
	struct smtp_client_rcpt rcpt = {.address = SPAN("bob@hamburger.edu")};
	struct smtp_client_message m = {.reverse_path = SPAN_EMPTY,
		.rcpts = &rcpt, .rcpt_count = 1, .arena = &d->arena};
	struct buf text, server;
	enum code code;

	buf_init(&text, FILLER_BYTES * 2);
	buf_init(&server, 64);
	buf_puts(&text, "From: news@hamburger.edu\r\n"
			"Subject: All our burgers\r\n\r\n");
	while (buf_len(&text) < FILLER_BYTES)
		buf_puts(&text, "One more burger with everything on it.\r\n");
	m.body = buf_span(&text);
	m.size = m.body.n;
	buf_printf(&server, "%s:%u", d->hamburger.ip, d->hamburger.smtp_port);
	code = cli_smtp_send(buf_span(&server), &m, NULL, NULL, d->e);
	if (code == OK && rcpt.result != OK)
		code = err_set(d->e, CORRUPT, "the newsletter was refused: %u",
			rcpt.code);
	buf_clear(&text);
	buf_clear(&server);
	return code;
}

/* The newsletter is larger than the quota that Bob gets when it is there. */
static enum code make_full(struct demo *d)
{
	enum code code;

	demo_step(d, "A newsletter of %d bytes fills Bob's mailbox.",
		FILLER_BYTES);
	code = fill_mailbox(d);
	if (code == OK)
		code = demo_wait_for_bobs_mail(d);
	return code == OK ? set_quota(d, SMALL_QUOTA) : code;
}

enum code demo_story_full(struct demo *d)
{
	enum code code = begin(d);

	if (code == OK)
		code = make_full(d);
	if (code != OK)
		return code;
	demo_step(d, "Alice writes to Bob.");
	code = demo_alice_writes(d, SUBJECT);
	if (code != OK)
		return code;
	demo_step(d, "hamburger.edu has no room for it; crepes.fr keeps it.");
	code = show_failing(d);
	if (code == OK)
		code = demo_show_queue(d);
	if (code != OK)
		return code;
	demo_step(d, "Bob gets more room; crepes.fr tries again.");
	code = demo_bob_makes_room(d);
	if (code == OK)
		code = set_quota(d, LARGE_QUOTA);
	if (code == OK)
		code = show_until_sent(d);
	return code == OK ? demo_bob_reads(d, SUBJECT) : code;
}
