/*
 * config.c - reads the file: libconfuse does the syntax, the table the rest.
 *
 * All options are strings for libconfuse; each is handed to option_set as soon
 * as it was read, so that the line of an error is the line of the option.
 * libconfuse gives its callbacks no argument of ours: what a parse works on
 * stands in `now`, for the time of the parse.
 */
#include "config/config.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config_int.h"

#include "base/banned.h"

/* What master hands to the roles has to fit into one SETUP message. */
#define FILE_BYTES_MAX (48u << 10)
#define PATH_BYTES_MAX 128
#define SECTIONS_MAX   16
/* libconfuse takes a section that never ends.  So one more option, known only
 * outside of sections, is put at the end of every text. */
#define LAST_OPTION "end_of_the_file"

static struct {
	const char *name; /* of the file, in errors */
	struct config *out;
	struct arena *arena;
	struct err *e;
	bool failed;
} now;

void config_default(struct config *out, struct arena *a)
{
	*out = (struct config){0};
	for (size_t i = 0; i < config_option_count; i++)
		option_reset(&config_options[i], out, a);
}

/* ---- errors ------------------------------------------------------------------ */
/* The first error is the one that counts: what follows is its echo. */
static int fail(const cfg_t *cfg, struct span path, const char *text)
{
	if (now.failed)
		return -1;
	now.failed = true;
	if (path.n > 0)
		err_set(now.e, SYNTAX, "%s:%d: %.*s: %s", now.name, cfg->line,
			SPAN_ARG(path), text);
	else
		err_set(now.e, SYNTAX, "%s:%d: %s", now.name, cfg->line, text);
	return -1;
}

/* The path of an option in this section. */
static void put_path(struct buf *out, cfg_t *cfg, const char *name)
{
	if (strcmp(cfg_name(cfg), "root") != 0) {
		buf_printf(out, "%s.", cfg_name(cfg));
		if (cfg_title(cfg) != NULL)
			buf_printf(out, "%s.", cfg_title(cfg));
	}
	buf_puts(out, name);
}

static void fail_unknown(cfg_t *cfg, struct span name)
{
	struct buf path, cure;
	char word[PATH_BYTES_MAX] = "";
	const struct option *near;

	if (span_eq(name, SPAN(LAST_OPTION))) {
		fail(cfg, span_str(cfg_name(cfg)),
			"the section does not end; write } behind it");
		return;
	}
	buf_init(&path, PATH_BYTES_MAX);
	buf_init(&cure, ERR_TEXT_MAX);
	memcpy(word, name.p, span_head(name, sizeof(word) - 1).n);
	put_path(&path, cfg, word);
	near = option_nearest(buf_span(&path));
	buf_puts(&cure, "there is no such option; ");
	if (near != NULL) {
		buf_puts(&cure, "did you mean ");
		option_put_path(&cure, near);
		buf_puts(&cure, "?");
	} else {
		buf_puts(&cure, "take it out, or see: postrider config default");
	}
	buf_putc(&cure, '\0');
	fail(cfg, buf_span(&path), (const char *)buf_span(&cure).p);
	buf_clear(&path);
	buf_clear(&cure);
}

/* What libconfuse itself has to say. */
__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg,
	const char *format, va_list ap)
{
	static const char unknown[] = "no such option '";
	char text[ERR_TEXT_MAX];
	struct span name;

	vsnprintf(text, sizeof(text), format, ap);
	if (strncmp(text, unknown, sizeof(unknown) - 1) == 0) {
		name = span_tail(span_str(text), sizeof(unknown) - 1);
		fail_unknown(cfg, span_head(name, span_find_last(name, '\'')));
		return;
	}
	fail(cfg, SPAN_EMPTY, text);
}

/* ---- one option --------------------------------------------------------------- */
static int set_option(cfg_t *cfg, cfg_opt_t *opt, struct span path)
{
	struct span values[CONFIG_LOCAL_MAX];
	const struct option *o = option_find(path);
	unsigned count = cfg_opt_size(opt);
	struct err e;

	/* a service that is not ours; libconfuse, which comes here for the
	 * default of a list as well, would abort: on_section says it */
	if (o == NULL)
		return 0;
	if (count > CONFIG_LOCAL_MAX)
		return fail(cfg, path, "too many values; take some out");
	for (unsigned i = 0; i < count; i++)
		values[i] = span_str(cfg_opt_getnstr(opt, i));
	if (option_set(o, now.out, values, count, now.arena, &e) != OK)
		return fail(cfg, path, e.text);
	return 0;
}

/* libconfuse: an option was read. */
static int on_option(cfg_t *cfg, cfg_opt_t *opt)
{
	struct buf path;
	int result;

	buf_init(&path, PATH_BYTES_MAX);
	put_path(&path, cfg, cfg_opt_name(opt));
	if (path.overflow)
		result = fail(cfg, SPAN_EMPTY, "there is no such section");
	else
		result = set_option(cfg, opt, buf_span(&path));
	buf_clear(&path);
	return result;
}

static bool is_service(const char *title)
{
	for (size_t i = 0; i < config_option_count; i++) {
		struct span section = span_str(config_options[i].section);

		if (span_starts(section, SPAN("listen ")) &&
			span_eq(span_tail(section, 7), span_str(title)))
			return true;
	}
	return false;
}

/* libconfuse: a section ended.  It does not call on_option for "{}". */
static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

	if (cfg_title(section) != NULL && !is_service(cfg_title(section)))
		return fail(cfg, SPAN("listen"), "there is no such service; "
			"write listen smtp, submission, submissions, pop3, "
			"pop3s, imap or imaps");
	for (cfg_opt_t *each = section->opts; each->name != NULL; each++)
		if ((each->flags & CFGF_LIST) != 0 && cfg_opt_size(each) == 0 &&
			on_option(section, each) != 0)
			return -1;
	return 0;
}

/* ---- the table in libconfuse's terms --------------------------------------------- */
/* A list's default, as libconfuse wants it. */
static char *confuse_list(struct arena *a, const char *preset)
{
	struct span left = span_str(preset);
	struct buf text;
	char *result;

	buf_init(&text, 1024);
	buf_putc(&text, '{');
	while (left.n > 0) {
		struct span word = span_cut(&left, ' ');

		buf_printf(&text, "\"%.*s\"%s", SPAN_ARG(word),
			left.n > 0 ? "," : "");
	}
	buf_putc(&text, '}');
	result = arena_cstr(a, buf_span(&text));
	buf_clear(&text);
	return result;
}

static cfg_opt_t option_row(const struct option *o, struct arena *a)
{
	cfg_opt_t text = CFG_STR(o->name, NULL, CFGF_NONE);
	cfg_opt_t list = CFG_STR_LIST(o->name, NULL, CFGF_NONE);

	if (!option_is_list(o)) {
		text.validcb = on_option;
		return text;
	}
	list.def.parsed = confuse_list(a, o->preset);
	list.validcb = on_option;
	return list;
}

/* The rows of a section, in an array with an end; the sections `listen x` are
 * one with a title for libconfuse. */
static cfg_opt_t *section_rows(const char *section, size_t extra,
	size_t *out_count, struct arena *a)
{
	cfg_opt_t *rows = arena_alloc(a, config_option_count + extra + 1,
		sizeof(cfg_opt_t));
	cfg_opt_t end = CFG_END();
	size_t n = 0;

	for (size_t i = 0; i < config_option_count; i++)
		if (strcmp(config_options[i].section, section) == 0)
			rows[n++] = option_row(&config_options[i], a);
	rows[n] = end;
	*out_count = n;
	return rows;
}

static cfg_opt_t section_row(const char *section, struct arena *a)
{
	size_t count;
	bool has_title = span_starts(span_str(section), SPAN("listen "));
	cfg_opt_t *rows = section_rows(section, 0, &count, a);
	cfg_opt_t plain = CFG_SEC("", rows, CFGF_NONE);
	cfg_opt_t titled = CFG_SEC("listen", rows,
		CFGF_TITLE | CFGF_MULTI | CFGF_NO_TITLE_DUPES);

	plain.name = section;
	plain.validcb = on_section;
	titled.validcb = on_section;
	return has_title ? titled : plain;
}

static cfg_opt_t *all_rows(struct arena *a)
{
	cfg_opt_t end = CFG_END(), last_option = CFG_STR(LAST_OPTION, NULL,
		CFGF_NONE);
	size_t n;
	cfg_opt_t *rows = section_rows("", SECTIONS_MAX, &n, a);
	const char *last = "";
	bool has_listen = false;

	for (size_t i = 0; i < config_option_count; i++) {
		const char *section = config_options[i].section;
		bool is_listen = span_starts(span_str(section),
			SPAN("listen "));

		if (strcmp(section, last) == 0 || (is_listen && has_listen))
			continue;
		rows[n++] = section_row(section, a);
		last = section;
		has_listen = has_listen || is_listen;
	}
	rows[n++] = last_option;
	rows[n] = end;
	return rows;
}

/* ---- a whole file ------------------------------------------------------------------- */
static enum code check_whole(const struct config *c, const char *name,
	struct err *e)
{
	if (c->warn_after_ms > c->give_up_after_ms)
		return err_set(e, SYNTAX, "%s: queue.warn_after: it is later "
			"than queue.give_up_after; write a shorter time", name);
	if (c->tls_certificate_count != c->tls_key_count)
		return err_set(e, SYNTAX, "%s: tls.key: there are not as many "
			"as in tls.certificate; write one for each, in the "
			"same order", name);
	return OK;
}

/* NULL: there is a NUL in it. */
static char *with_end(struct arena *a, struct span text)
{
	struct buf all;
	char *cstr;

	buf_init(&all, FILE_BYTES_MAX + 64);
	buf_put(&all, text);
	buf_puts(&all, "\n" LAST_OPTION " = x\n");
	cstr = arena_cstr(a, buf_span(&all));
	buf_clear(&all);
	return cstr;
}

enum code config_parse(struct span text, const char *name, struct config *out,
	struct arena *a, struct err *e)
{
	struct arena scratch;
	char *cstr;
	cfg_t *cfg;
	int result;

	config_default(out, a);
	if (text.n > FILE_BYTES_MAX)
		return err_set(e, LIMIT, "%s: larger than 48 KiB; "
			"take comments or records out", name);
	arena_init(&scratch, FILE_BYTES_MAX + (1u << 20));
	cstr = with_end(&scratch, text);
	if (cstr == NULL) {
		arena_clear(&scratch);
		return err_set(e, SYNTAX, "%s: there is a NUL byte in it; "
			"write plain text", name);
	}
	now.name = name;
	now.out = out;
	now.arena = a;
	now.e = e;
	now.failed = false;
	cfg = cfg_init(all_rows(&scratch), CFGF_NONE);
	must(cfg != NULL);
	cfg_set_error_function(cfg, on_error);
	result = cfg_parse_buf(cfg, cstr);
	if (result != CFG_SUCCESS && !now.failed)
		err_set(e, SYNTAX, "%s: it cannot be read", name);
	cfg_free(cfg);
	arena_clear(&scratch);
	if (result != CFG_SUCCESS || now.failed)
		return SYNTAX;
	return check_whole(out, name, e);
}

static enum code read_file(int fd, struct buf *text)
{
	for (;;) {
		uint8_t *room = buf_reserve(text, 4096);
		ssize_t n;

		if (room == NULL)
			return LIMIT;
		n = read(fd, room, 4096);
		if (n < 0 && errno != EINTR)
			return TEMP;
		if (n == 0)
			return OK;
		if (n > 0)
			buf_wrote(text, (size_t)n);
	}
}

enum code config_load(const char *path, struct config *out, struct arena *a,
	struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf text;
	enum code result;

	config_default(out, a);
	if (fd < 0)
		return err_errno(e, errno == ENOENT ? NOT_FOUND : DENIED,
			"%s", path);
	buf_init(&text, FILE_BYTES_MAX + 8192);
	result = read_file(fd, &text);
	if (result == LIMIT)
		err_set(e, LIMIT, "%s: larger than 48 KiB; "
			"take comments or records out", path);
	else if (result != OK)
		err_errno(e, result, "%s", path);
	else
		result = config_parse(buf_span(&text), path, out, a, e);
	close(fd);
	buf_clear(&text);
	return result;
}

const char *config_find(void)
{
	static const char *const places[] = {
		"/etc/postrider/postrider.conf", "./postrider.conf"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], F_OK) == 0)
			return places[i];
	return NULL;
}
