/*
 * cli_demo_imap.c - the demo's look at the message over IMAP: the server knows
 * its parts, so that only the picture is fetched.
 */
#include "cli/cli_demo_int.h"
#include "cli/cli_mail_imap.h"
#include "codec/base64.h"

#include "base/banned.h"

#define DIALOGUE_MAX 65536

static enum code open_session(struct demo *d, struct cli_imap *p)
{
	const struct demo_site *s = &d->hamburger;
	struct buf server, user;
	enum code code;

	buf_init(&server, 64);
	buf_init(&user, 64);
	buf_printf(&server, "%s:%u", s->ip, s->imap_port);
	buf_printf(&user, "%s@%s", s->person, s->domain);
	code = cli_imap_open(p, buf_span(&server), buf_span(&user),
		span_str(s->password), d->e);
	buf_clear(&server);
	buf_clear(&user);
	return code;
}

/* Is the part that was fetched last the picture? */
static enum code check_picture(struct demo *d, const struct cli_imap *p)
{
	struct base64_decoder decoder;
	struct buf bytes;
	bool is_same;

	buf_init(&bytes, buf_len(&p->literal) + 1);
	base64_decode_init(&decoder);
	base64_decode_feed(&decoder, buf_span(&p->literal), &bytes);
	base64_decode_end(&decoder, &bytes);
	is_same = span_eq(buf_span(&bytes), buf_span(&d->picture));
	buf_clear(&bytes);
	return is_same ? OK : err_set(d->e, CORRUPT,
		"the picture came out different over IMAP");
}

static enum code look(struct demo *d, struct cli_imap *p)
{
	enum code code = cli_imap_do(p, SPAN("SELECT INBOX"), d->e);

	if (code == OK)
		code = cli_imap_do(p,
			SPAN("FETCH * (FLAGS ENVELOPE BODYSTRUCTURE)"), d->e);
	if (code == OK)
		code = cli_imap_do(p, SPAN("FETCH * BODY[2]"), d->e);
	if (code == OK)
		code = check_picture(d, p);
	if (code != OK || d->keeps_mail)
		return code;
	code = cli_imap_do(p, SPAN("STORE * +FLAGS (\\Deleted)"), d->e);
	return code == OK ? cli_imap_do(p, SPAN("EXPUNGE"), d->e) : code;
}

enum code demo_bob_looks_again(struct demo *d)
{
	struct buf dialogue;
	struct cli_imap p = {.dialogue = &dialogue};
	enum code code;

	demo_step(d, "On another machine Bob looks once more, for the picture"
		" alone (IMAP).");
	buf_init(&dialogue, DIALOGUE_MAX);
	code = open_session(d, &p);
	if (code == OK) {
		code = look(d, &p);
		cli_imap_close(&p);
	}
	demo_print_lines(d, buf_span(&dialogue));
	buf_clear(&dialogue);
	if (code == OK)
		demo_say("[%zu bytes: the same picture]",
			buf_len(&d->picture));
	return code;
}
