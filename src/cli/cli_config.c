/*
 * cli_config.c - `postrider config`: what is set, what could be.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#include "base/banned.h"

#define TEXT_BYTES_MAX (256u << 10)

static enum admin_exit print(const struct buf *text)
{
	struct span s = buf_span(text);

	return fwrite(s.p, 1, s.n, stdout) == s.n && fflush(stdout) == 0
		? EXIT_OK
		: EXIT_IO;
}

enum admin_exit cli_config_show(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	const struct cli *cli = module;
	struct buf text;
	enum admin_exit exit;

	(void)words;
	(void)count;
	(void)out;
	(void)e;
	buf_init(&text, TEXT_BYTES_MAX);
	config_put(&text, cli->config);
	exit = print(&text);
	buf_clear(&text);
	return exit;
}

/* That it was read is the check. */
enum admin_exit cli_config_check(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	const struct cli *cli = module;

	(void)words;
	(void)count;
	(void)out;
	if (cli->config_path != NULL)
		err_set(e, OK, "%s is in order", cli->config_path);
	else
		err_set(e, OK, "there is no configuration file; the defaults "
			"are used");
	return EXIT_OK;
}

enum admin_exit cli_config_default(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	struct arena arena;
	struct config config;
	struct buf text;
	enum admin_exit exit;

	(void)module;
	(void)words;
	(void)count;
	(void)out;
	(void)e;
	arena_init(&arena, CONFIG_ARENA_BYTES);
	buf_init(&text, TEXT_BYTES_MAX);
	config_default(&config, &arena);
	config_put_explained(&text, &config);
	exit = print(&text);
	buf_clear(&text);
	arena_clear(&arena);
	return exit;
}

enum admin_exit cli_config_explain(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	struct buf text;
	enum admin_exit exit = EXIT_USAGE;

	(void)module;
	(void)out;
	if (count != 3) {
		err_set(e, SYNTAX, "which option? postrider config explain "
			"limits.message_size");
		return EXIT_USAGE;
	}
	buf_init(&text, TEXT_BYTES_MAX);
	if (config_explain(&text, words[2]))
		exit = print(&text);
	else if (buf_len(&text) > 0)
		err_set(e, NOT_FOUND, "there is no option %.*s; did you mean "
			"%.*s?", SPAN_ARG(span_head(words[2], 64)),
			SPAN_ARG(buf_span(&text)));
	else
		err_set(e, NOT_FOUND, "there is no option %.*s; see: "
			"postrider config default",
			SPAN_ARG(span_head(words[2], 64)));
	buf_clear(&text);
	return exit;
}
