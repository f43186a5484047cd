/*
 * cli_demo.c - `postrider demo`: options, the frame around a story, the end.
 */
#include "cli/cli_demo.h"

#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/cli_demo_int.h"

#include "base/banned.h"

#define DEMO_ARENA_BYTES (64u << 20)

static const char usage[] =
	"usage: postrider demo [--stay] [--break full|down|greylist]";

static const struct {
	const char *name;
	demo_story *tell;
	const char *give_up_after;
	bool has_gate;
} stories[] = {
	{"", demo_story_plain, "5d", false},
	{"full", demo_story_full, "5d", false},
	{"down", demo_story_down, "5s", false},
	{"greylist", demo_story_greylist, "5d", true},
};

struct options {
	bool is_staying;
	size_t story;
};

static bool find_story(struct span name, size_t *out)
{
	for (size_t i = 1; i < sizeof(stories) / sizeof(stories[0]); i++)
		if (span_eq(name, span_str(stories[i].name))) {
			*out = i;
			return true;
		}
	return false;
}

static bool parse(const struct span *words, size_t count, struct options *out)
{
	const struct span prefix = SPAN("--break=");

	for (size_t i = 1; i < count; i++) {
		struct span name = span_tail(words[i], prefix.n);

		if (span_eq(words[i], SPAN("--stay"))) {
			out->is_staying = true;
			continue;
		}
		if (span_eq(words[i], SPAN("--break")) && i + 1 < count)
			name = words[++i];
		else if (!span_starts(words[i], prefix))
			return false;
		if (!find_story(name, &out->story))
			return false;
	}
	return true;
}

static void say_address(const struct demo_site *s)
{
	demo_say("%s@%s   password: %s", s->person, s->domain, s->password);
	demo_say("  SMTP (submission)  %s port %u", s->ip, s->submission_port);
	demo_say("  POP3, IMAP         %s port %u, %u", s->ip, s->pop3_port,
		s->imap_port);
	demo_say("  postrider --config %s", s->config);
}

/* Until Ctrl-C; a server that ends by itself ends the demo. */
static enum code stay(struct demo *d)
{
	demo_step(d, "Both servers stay, for a mail program without TLS.");
	say_address(&d->crepes);
	say_address(&d->hamburger);
	demo_say("Ctrl-C ends them and removes everything.");
	while (demo_wait_ms(200))
		if (!demo_site_is_alive(&d->crepes) ||
			(d->hamburger.pid > 0 &&
				!demo_site_is_alive(&d->hamburger)))
			return err_set(d->e, GONE, "a server has ended");
	return OK;
}

static enum code tell(struct demo *d, const struct options *o)
{
	enum code code = demo_open(d);

	if (code == OK)
		code = stories[o->story].tell(d);
	if (code == OK && o->is_staying && d->hamburger.pid == 0)
		code = demo_site_start(d, &d->hamburger);
	if (code == OK && o->is_staying)
		code = stay(d);
	return code;
}

enum admin_exit cli_demo_run(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	struct options o = {0};
	struct demo d = {
		.crepes = {.domain = "crepes.fr", .host = "mx.crepes.fr",
			.ip = "127.0.0.2", .person = "alice", .ready_fd = -1,
			.log_fd = -1},
		.hamburger = {.domain = "hamburger.edu",
			.host = "mx.hamburger.edu", .ip = "127.0.0.3",
			.person = "bob", .ready_fd = -1, .log_fd = -1},
		.is_terminal = isatty(STDOUT_FILENO) == 1,
		.e = e,
	};
	int64_t start = time_mono_ms();
	enum code code;

	(void)module;
	(void)out;
	if (!parse(words, count, &o)) {
		(void)err_set(e, SYNTAX, "%s", usage);
		return EXIT_USAGE;
	}
	d.keeps_mail = o.is_staying;
	d.give_up_after = stories[o.story].give_up_after;
	d.gate_port = stories[o.story].has_gate ? 1 : 0; /* chosen later */
	arena_init(&d.arena, DEMO_ARENA_BYTES);
	buf_init(&d.picture, 8192);
	demo_picture(&d.picture);
	code = tell(&d, &o);
	demo_close(&d);
	if (code == OK && !o.is_staying)
		demo_say("\n     All was as it should be (%.1f s); everything is"
			" removed.", (double)(time_mono_ms() - start) / 1000);
	if (demo_is_stopped() && !o.is_staying)
		(void)err_set(e, TEMP, "stopped; everything is removed");
	return code == OK ? EXIT_OK : EXIT_CHECK_FAILED;
}
