/*
 * cli.h - the command line: `postrider [--config FILE] [--json] NOUN [VERB] …`.
 *
 * Every verb is a row of the table in cli.c, from which come the dispatch, the
 * help, and "did you mean".  A verb is an admin_fn: its rows go to stdout as a
 * table, or with --json one object a line, whose names are the cells of the
 * head and whose values are strings; its sentence goes to stderr.  Exit
 * statuses are those of base/admin.h.
 */
#ifndef POSTRIDER_CLI_CLI_H
#define POSTRIDER_CLI_CLI_H

#include "base/admin.h"
#include "config/config.h"

/* What the verbs of modules CLI_SELF and CLI_ALONE get. */
struct cli {
	const struct config *config; /* NULL: CLI_ALONE */
	const char *config_path; /* NULL: there is no file, only defaults */
	bool is_json;
};

/* What a verb's admin_fn gets as its module. */
enum cli_module {
	CLI_NOTHING, /* NULL: the configuration is not even read */
	CLI_ALONE,   /* const struct cli *, without a configuration */
	CLI_CONFIG,  /* const struct config * */
	CLI_SELF     /* const struct cli * */
};

struct cli_verb {
	const char *noun;
	const char *verb; /* NULL: the noun has none; all words are passed */
	const char *words; /* what follows, for the help */
	const char *help;  /* half a sentence */
	enum cli_module module;
	admin_fn *run; /* words[0] is the noun, words[1] the verb */
};

/* The whole command line; returns the exit status. */
int cli_main(int argc, char **argv);

/* Asks the running server, or else works on its data: the domain, account,
 * alias, queue and status commands.  An admin_fn of module CLI_SELF. */
admin_fn cli_ask;
/* config show|check|default|explain.  CLI_SELF; default and explain are
 * CLI_NOTHING. */
admin_fn cli_config_show, cli_config_check, cli_config_default,
	cli_config_explain;

#endif
