/*
 * print_dsn.c - prints one notice, for check_dsn.py: print_dsn NAME.
 *
 * The names are the rows below; a hostile server's words stand in "hostile".
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "queue/queue_dsn.h"

/* A span that may stand in a static initializer. */
#define WORDS(literal) {(const uint8_t *)("" literal), sizeof(literal) - 1}

#define ZOE "zo\xc3\xab@crepes.fr"
#define BOB                                                                    \
	{.state = QUEUE_FAILED, .address = WORDS("bob@hamburger.edu"),          \
		.code = 552, .enhanced = WORDS("5.2.2"),                        \
		.tried_wall_ms = 1700000000000 - 60000,                         \
		.text = WORDS("mailbox full"),                                  \
		.peer = WORDS("mx.hamburger.edu[192.0.2.7]:25")}
#define ORIGINAL                                                               \
	"From: Alice <alice@crepes.fr>\r\nMessage-ID: <1@crepes.fr>\r\n"       \
	"Subject: ketchup\r\n\r\nDo you like ketchup?\r\n"
#define UTF8_HEAD                                                              \
	"Message-ID: <1@crepes.fr>\r\nSubject: cr\xc3\xaapes = 7\r\n\r\nyes\r\n"
#define LATIN1_HEAD                                                            \
	"Message-ID: <1@crepes.fr>\r\nSubject: cr\xeapes\r\n\r\nyes\r\n"
#define FOLDED "Message-ID :\r\n (of) <1@crepes.fr>\r\n\r\n"
#define NO_ID  "Subject: ketchup\r\n\r\nMessage-ID: <2@crepes.fr>\r\n"

static const struct queue_rcpt failed[] = {
	BOB,
	{.state = QUEUE_DONE, .address = WORDS("eve@hamburger.edu")},
	{.state = QUEUE_FAILED, .address = WORDS("carol@example.org"),
		.enhanced = WORDS("4.4.7"), .peer =
			WORDS("mx.example.org[192.0.2.1]:25"),
		.text = WORDS("connecting to mx.example.org[192.0.2.1]:25: "
			"Connection refused")},
};
static const struct queue_rcpt own[] = {
	{.state = QUEUE_FAILED, .address = WORDS("a@example.org"),
		.enhanced = WORDS("5.7.1"), .text = WORDS("no relaying")},
	{.state = QUEUE_FAILED, .address = WORDS("b@example.org"),
		.code = 556, .enhanced = WORDS("5.3.0"), .text = WORDS("why")},
	{.state = QUEUE_FAILED, .address = WORDS("c@example.org"),
		.enhanced = WORDS("5.0.0")},
};
static const struct queue_rcpt delayed[] = {
	{.state = QUEUE_WAITING, .address = WORDS("carol@example.org"),
		.code = 451, .enhanced = WORDS("4.7.1"),
		.text = WORDS("greylisted"), .peer = WORDS("[192.0.2.1]:25")},
};
static const struct queue_rcpt hostile[] = {
	{.state = QUEUE_FAILED, .address = WORDS("bob@hamburger.edu"),
		.code = 550, .enhanced = WORDS("5.x\r\nBcc: a@b"),
		.text = WORDS("no\r\nTo: victim@example.org\r\n\r\n\xff\0--x"),
		.peer = WORDS("mx\r\nSubject: bought")},
};
static const struct queue_rcpt utf8[] = {
	{.state = QUEUE_FAILED, .address = WORDS("j\xc3\xb6rg@example.org"),
		.code = 550, .enhanced = WORDS("5.1.1"),
		.text = WORDS("kein Postfach f\xc3\xbcr j\xc3\xb6rg"),
		.peer = WORDS("mx.example.org")},
};

static const struct queue_rcpt seven[] = {
	{.state = QUEUE_FAILED, .address = WORDS("j\xc3\xb6rg@example.org"),
		.orcpt = WORDS("utf-8;\xe2\x82\xac\\x{2B}@example.org"),
		.code = 550, .enhanced = WORDS("5.1.1"),
		.text = WORDS("kein Postfach f\xc3\xbcr j\xc3\xb6rg"),
		.peer = WORDS("mx.example.org")},
};
/* its ORCPT came in the form that is ASCII */
static const struct queue_rcpt escaped[] = {
	{.state = QUEUE_FAILED, .address = WORDS("j\xc3\xb6rg@example.org"),
		.orcpt = WORDS("utf-8;j\\x{F6}rg@example.org"),
		.enhanced = WORDS("5.1.1")},
	{.state = QUEUE_FAILED, .address = WORDS("bob@example.org"),
		.orcpt = WORDS("utf-8;b\\x{D800}@example.org"),
		.enhanced = WORDS("5.1.1")},
};
#define GOOD(t, name)                                                          \
	.state = QUEUE_DONE, .tell = (t), .address = WORDS(name "@x.org"),      \
		.orcpt = WORDS("rfc822;" name "+2Blist@x.org")
static const struct queue_rcpt done[] = {
	{GOOD(QUEUE_TELL_DELIVERED, "bob"), .enhanced = WORDS("2.1.5"),
		.tried_wall_ms = 1700000000000 - 60000},
	{GOOD(QUEUE_TELL_RELAYED, "carol"), .code = 250,
		.enhanced = WORDS("2.0.0"), .text = WORDS("queued as 7"),
		.peer = WORDS("mx.x.org[192.0.2.7]:25"),
		.tried_wall_ms = 1700000000000 - 60000},
	{GOOD(QUEUE_TELL_EXPANDED, "list"), .enhanced = WORDS("5.1.1")},
	{GOOD(QUEUE_TELL_NOTHING, "eve")},
};
static const struct queue_rcpt tried[] = {
	{.state = QUEUE_FAILED, .address = WORDS("bob@hamburger.edu"),
		.code = 552, .enhanced = WORDS("5.2.2"), .attempts = 5,
		.text = WORDS("bo\xc3\xaete pleine"),
		.peer = WORDS("mx.hamburger.edu[192.0.2.7]:25")},
};

#define ROWS(r) .rcpts = (r), .rcpt_count = sizeof(r) / sizeof((r)[0])

static const struct {
	const char *name;
	struct queue_dsn dsn;
} cases[] = {
	{"failed", {.kind = QUEUE_DSN_FAILED, ROWS(failed),
		.original = WORDS(ORIGINAL),
		.original_size = sizeof(ORIGINAL) - 1}},
	{"delayed", {.kind = QUEUE_DSN_DELAYED, ROWS(delayed),
		.original = WORDS(ORIGINAL),
		.original_size = sizeof(ORIGINAL) - 1}},
	{"own", {.kind = QUEUE_DSN_FAILED, ROWS(own),
		.original = WORDS(ORIGINAL),
		.original_size = sizeof(ORIGINAL) - 1}},
	{"hostile", {.kind = QUEUE_DSN_FAILED, ROWS(hostile),
		.original = WORDS(ORIGINAL),
		.original_size = sizeof(ORIGINAL) - 1}},
	{"utf8", {.kind = QUEUE_DSN_FAILED, ROWS(utf8), .to = WORDS(ZOE),
		.original = WORDS(ORIGINAL),
		.original_size = sizeof(ORIGINAL) - 1}},
	{"escaped", {.kind = QUEUE_DSN_FAILED, ROWS(escaped), .to = WORDS(ZOE),
		.language = CONFIG_LANGUAGE_FR, .original = WORDS(ORIGINAL),
		.original_size = sizeof(ORIGINAL) - 1}},
	{"seven", {.kind = QUEUE_DSN_FAILED, ROWS(seven),
		.original = WORDS(UTF8_HEAD),
		.original_size = sizeof(UTF8_HEAD) - 1}},
	{"seven_head", {.kind = QUEUE_DSN_DELAYED, ROWS(delayed),
		.original = WORDS(UTF8_HEAD),
		.original_size = sizeof(UTF8_HEAD) - 1}},
	{"latin1", {.kind = QUEUE_DSN_FAILED, ROWS(tried),
		.original = WORDS(LATIN1_HEAD),
		.language = CONFIG_LANGUAGE_DE,
		.original_size = sizeof(LATIN1_HEAD) - 1}},
	{"done", {.kind = QUEUE_DSN_DONE, ROWS(done), .envid = WORDS("QQ+2B7"),
		.original = WORDS(ORIGINAL),
		.original_size = sizeof(ORIGINAL) - 1}},
	{"german", {.kind = QUEUE_DSN_FAILED, ROWS(tried),
		.language = CONFIG_LANGUAGE_DE, .original = WORDS(ORIGINAL),
		.original_size = sizeof(ORIGINAL) - 1}},
	{"french", {.kind = QUEUE_DSN_DELAYED, ROWS(delayed),
		.language = CONFIG_LANGUAGE_FR, .original = WORDS(ORIGINAL),
		.original_size = sizeof(ORIGINAL) - 1}},
	{"long", {.kind = QUEUE_DSN_FAILED, ROWS(failed),
		.original = WORDS(ORIGINAL),
		.original_size = QUEUE_DSN_WHOLE_MAX + 1}},
	{"binary", {.kind = QUEUE_DSN_FAILED, ROWS(failed),
		.original = WORDS(ORIGINAL), .is_binary = true,
		.original_size = sizeof(ORIGINAL) - 1}},
	{"folded", {.kind = QUEUE_DSN_FAILED, ROWS(failed),
		.original = WORDS(FOLDED), .original_size = sizeof(FOLDED) - 1}},
	{"no_id", {.kind = QUEUE_DSN_FAILED, ROWS(failed),
		.original = WORDS(NO_ID), .original_size = sizeof(NO_ID) - 1}},
	/* the boundary that would be taken occurs in the original */
	{"boundary", {.kind = QUEUE_DSN_FAILED, ROWS(failed),
		.original = WORDS(ORIGINAL "--postrider=_9K_0--\r\n"),
		.original_size = sizeof(ORIGINAL) - 1 + 21}},
};

static void print(const struct queue_dsn *row)
{
	struct queue_dsn d = *row;
	struct buf out;
	uint32_t flags;

	d.hostname = SPAN("mx.crepes.fr");
	d.qid = 9 * 32 + 19;
	d.about_qid = 7;
	if (d.to.n == 0)
		d.to = SPAN("alice@crepes.fr");
	d.now_wall_ms = 1700000000000;
	d.received_wall_ms = d.now_wall_ms - 3600000;
	d.give_up_wall_ms = d.now_wall_ms + 86400000;
	d.trace = SPAN("Received: from test by mx.crepes.fr\r\n");
	buf_init(&out, QUEUE_DSN_MAX);
	queue_dsn_put(&out, &d, &flags);
	must(!out.overflow);
	(void)printf("X-Flags: %u\r\n", flags);
	(void)fwrite(buf_span(&out).p, 1, buf_len(&out), stdout);
	buf_clear(&out);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc != 2 || strcmp(cases[i].name, argv[1]) != 0)
			continue;
		print(&cases[i].dsn);
		return 0;
	}
	return 64;
}
