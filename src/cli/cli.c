/*
 * cli.c - the table of verbs, and the way from the words to a row of it.
 *
 *	words --take_globals--> find_verb --load--> run --> rows, sentence, exit
 *
 * --config, --json and --help may stand anywhere before a lone "--".
 */
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/near.h"
#include "cli/cli_demo.h"
#include "cli/cli_mail.h"
#include "cli/cli_out.h"
#include "cli/cli_sendmail.h"
#include "cli/cli_serve.h"
#include "cli/cli_show.h"

#include "base/banned.h"

/* ---- verbs without a file of their own -------------------------------------------- */
static enum admin_exit show_version(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	(void)module;
	(void)words;
	(void)count;
	(void)e;
	out->row(out->arg, &SPAN("version"), 1);
	out->row(out->arg, &SPAN(POSTRIDER_VERSION), 1);
	return EXIT_OK;
}

/* ---- the table ----------------------------------------------------------------------- */
#define FILTERS                                                                \
	"[ID...] [--from=ADDRESS] [--to=ADDRESS] [--domain=NAME] "             \
	"[--state=STATE] [--older=TIME]"

/* clang-format off */
static const struct cli_verb verbs[] = {
	{"serve",   NULL,       "[--check] [--no-sandbox]", "run the server, in the foreground", CLI_CONFIG, cli_serve_run},
	{"status",  NULL,       "",                         "show the server's processes",       CLI_SELF,   cli_ask},
	{"domain",  "add",      "NAME...",                  "accept mail for a domain",          CLI_SELF,   cli_ask},
	{"domain",  "list",     "",                         "show your domains",                 CLI_SELF,   cli_ask},
	{"domain",  "remove",   "NAME...",                  "no longer accept mail for it",      CLI_SELF,   cli_ask},
	{"domain",  "alias",    "add NAME DOMAIN",          "another name of a domain: all its addresses are the domain's", CLI_SELF, cli_ask},
	{"domain",  "alias",    "list",                     "show other names of domains",       CLI_SELF,   cli_ask},
	{"domain",  "alias",    "remove NAME...",           "no longer accept mail for them",    CLI_SELF,   cli_ask},
	{"account", "add",      "ADDRESS... [--quota=SIZE] [--password-stdin | --password-hash=HASH]",
		"give people a mailbox; without a password one is made and shown once",                  CLI_SELF,   cli_ask},
	{"account", "list",     "[DOMAIN]",                 "show who has a mailbox",            CLI_SELF,   cli_ask},
	{"account", "show",     "ADDRESS",                  "show one of them",                  CLI_SELF,   cli_ask},
	{"account", "remove",   "ADDRESS...",               "remove people and all their mail",  CLI_SELF,   cli_ask},
	{"account", "password", "ADDRESS [--password-stdin | --password-hash=HASH]",
		"change a password; without one it is made and shown once",                              CLI_SELF,   cli_ask},
	{"account", "app-password", "add ADDRESS NAME [--only smtp,imap,pop3]",
		"make a password for one program or device; it is shown once",                           CLI_SELF,   cli_ask},
	{"account", "app-password", "list ADDRESS", "show which there are and when they were used", CLI_SELF, cli_ask},
	{"account", "app-password", "remove ADDRESS NAME", "take one away; who is logged in has to do it again", CLI_SELF, cli_ask},
	{"account", "certificate", "add ADDRESS FILE|FINGERPRINT", "let this client certificate log in",  CLI_SELF, cli_ask},
	{"account", "certificate", "list ADDRESS", "show which may",                                     CLI_SELF, cli_ask},
	{"account", "certificate", "remove ADDRESS FILE|FINGERPRINT", "no longer let it",                CLI_SELF, cli_ask},
	{"account", "quota",    "ADDRESS SIZE|none",        "limit the size of a mailbox",       CLI_SELF,   cli_ask},
	{"account", "forward",  "add ADDRESS TARGET... [--no-copy]", "send somebody's mail on to other addresses", CLI_SELF, cli_ask},
	{"account", "forward",  "list [ADDRESS]",           "show whose mail goes on, and where to", CLI_SELF, cli_ask},
	{"account", "forward",  "remove ADDRESS [TARGET...]", "no longer send it on, or not to these", CLI_SELF, cli_ask},
	{"alias",   "add",      "ADDRESS|@DOMAIN TARGET...", "send mail for an address on to others; @DOMAIN: for all that nobody has", CLI_SELF, cli_ask},
	{"alias",   "refuse",   "ADDRESS...",               "nobody has it, though @DOMAIN takes all others", CLI_SELF, cli_ask},
	{"alias",   "list",     "[ADDRESS|DOMAIN]",         "show aliases and their targets",    CLI_SELF,   cli_ask},
	{"alias",   "remove",   "ADDRESS [TARGET...]",      "remove an alias, or some targets",  CLI_SELF,   cli_ask},
	{"ban",     "add",      "ADDRESS[/BITS]... [--for=TIME] [--reason=TEXT]",
		"turn clients from there away",                                                          CLI_SELF,   cli_ask},
	{"ban",     "list",     "",                         "show who is turned away, and why",  CLI_SELF,   cli_ask},
	{"ban",     "remove",   "ADDRESS[/BITS]...",        "let them in again",                 CLI_SELF,   cli_ask},
	{"test",    "address",  "ADDRESS",                  "explain what becomes of a message to it", CLI_SELF, cli_ask},
	{"mailbox", "list",     "ADDRESS",                  "show somebody's mailboxes",         CLI_SELF,   cli_ask},
	{"mailbox", "create",   "ADDRESS NAME...",          "make mailboxes; '/' separates levels", CLI_SELF, cli_ask},
	{"mailbox", "rename",   "ADDRESS NAME NAME",        "rename one, with those below it",   CLI_SELF,   cli_ask},
	{"mailbox", "delete",   "ADDRESS [--children] NAME...", "remove mailboxes and their mail", CLI_SELF,  cli_ask},
	{"mailbox", "check",    "ADDRESS",                  "verify somebody's mail, every byte", CLI_SELF,  cli_ask},
	{"queue",   "list",     FILTERS,                    "show what waits",                   CLI_SELF,   cli_ask},
	{"queue",   "show",     "ID...",                    "show a message and its attempts",   CLI_SELF,   cli_ask},
	{"queue",   "log",      FILTERS,                    "show what became of messages",      CLI_SELF,   cli_ask},
	{"queue",   "try",      FILTERS,                    "try to deliver now",                CLI_SELF,   cli_ask},
	{"queue",   "hold",     FILTERS,                    "keep messages where they are",      CLI_SELF,   cli_ask},
	{"queue",   "release",  FILTERS,                    "let them go again",                 CLI_SELF,   cli_ask},
	{"queue",   "cancel",   FILTERS,                    "remove them; nobody is told",       CLI_SELF,   cli_ask},
	{"mail",    "send",     "-f ADDRESS -t ADDRESS... [-s SUBJECT] [-a FILE]... [--notify=never|success,failure,delay] [--return=hdrs|full] [--envid=ID] [-u ADDRESS] [--password-stdin] [--server=HOST:PORT]",
		"send the text on stdin, with files",                                                    CLI_CONFIG, cli_mail_run},
	{"mail",    "list",     "-u ADDRESS [--password-stdin] [--server=HOST:PORT]",
		"show what is in a mailbox",                                                             CLI_CONFIG, cli_mail_run},
	{"mail",    "read",     "-u ADDRESS N [--password-stdin] [--server=HOST:PORT]",
		"show a message",                                                                        CLI_CONFIG, cli_mail_run},
	{"mail",    "save",     "-u ADDRESS N [PART] [-o FOLDER] [--password-stdin] [--server=HOST:PORT]",
		"save the files of a message",                                                           CLI_CONFIG, cli_mail_run},
	{"mail",    "show",     "FILE|- [--structure | --headers | --part N]",
		"show a message that lies in a file",                                                    CLI_ALONE,  cli_show_run},
	{"sendmail", NULL,      "[-t] [-i] [-f ADDRESS] [-F NAME] [-N NOTIFY] [-R RETURN] [-V ENVID] [-v] [-bm|-bs|-bp|-bi|-bv|-bt] [--] [ADDRESS...]",
		"send the message on stdin, as programs expect of sendmail(8)",                          CLI_SELF,   cli_sendmail_run},
	{"mailq",   NULL,       "",                         "show what waits, as sendmail -bp",  CLI_SELF,   cli_sendmail_run},
	{"newaliases", NULL,    "",                         "nothing is to be done for aliases", CLI_SELF,   cli_sendmail_run},
	{"demo",    NULL,       "[--stay] [--break full|down|greylist]",
		"two servers on this computer; Alice writes to Bob",                                     CLI_NOTHING, cli_demo_run},
	{"config",  "show",     "",                         "show every option as it is now",    CLI_SELF,   cli_config_show},
	{"config",  "check",    "",                         "read the file and say what is wrong", CLI_SELF, cli_config_check},
	{"config",  "default",  "",                         "show every option, explained",      CLI_NOTHING, cli_config_default},
	{"config",  "explain",  "OPTION",                   "explain one option",                CLI_NOTHING, cli_config_explain},
	{"version", NULL,       "",                         "show the version",                  CLI_NOTHING, show_version},
};
/* clang-format on */

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

/* ---- help ------------------------------------------------------------------------------ */
static void put_usage(FILE *to, const struct cli_verb *v)
{
	(void)fprintf(to, "  postrider %s%s%s%s%s\n      %s\n", v->noun,
		v->verb == NULL ? "" : " ", v->verb == NULL ? "" : v->verb,
		*v->words == '\0' ? "" : " ", v->words, v->help);
}

static bool is_same(const struct cli_verb *a, const struct cli_verb *b)
{
	if (strcmp(a->noun, b->noun) != 0)
		return false;
	return a->verb == NULL || strcmp(a->verb, b->verb) == 0;
}

/* All verbs, or those of a noun (NULL: all), or one with all its rows. */
static void put_help(FILE *to, const char *noun, const struct cli_verb *one)
{
	(void)fprintf(to,
		"usage: postrider [--config FILE] [--json] NOUN [VERB] ...\n\n");
	for (size_t i = 0; i < VERB_COUNT; i++)
		if ((noun == NULL || strcmp(verbs[i].noun, noun) == 0) &&
			(one == NULL || is_same(one, &verbs[i])))
			put_usage(to, &verbs[i]);
}

/* ---- the words --------------------------------------------------------------------------- */
struct line {
	struct span words[ADMIN_WORDS_MAX + 1];
	size_t count;
	bool was_called; /* by the name of sendmail: argv[0] */
	const char *config_path;
	bool is_json;
	bool wants_help;
};

static void say(const char *text)
{
	(void)fprintf(stderr, "postrider: %s\n", text);
}

/* A word that is for all verbs; how many words it took, 0: it is none. */
static int take_global(struct line *l, int left, char **words)
{
	static const char config[] = "--config=";

	if (strcmp(words[0], "--json") == 0) {
		l->is_json = true;
		return 1;
	}
	if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) {
		l->wants_help = true;
		return 1;
	}
	if (strncmp(words[0], config, sizeof(config) - 1) == 0) {
		l->config_path = words[0] + sizeof(config) - 1;
		return 1;
	}
	if (strcmp(words[0], "--config") == 0 && left > 1) {
		l->config_path = words[1];
		return 2;
	}
	return 0;
}

/* Behind the name of sendmail all words are its own, "--" too. */
static bool is_sendmail(const struct line *l)
{
	return l->count > 0 && cli_sendmail_is_name(l->words[0]);
}

static bool read_line(struct line *l, int argc, char **argv)
{
	bool is_plain = is_sendmail(l);

	for (int i = 1; i < argc;) {
		int taken = is_plain ? 0 : take_global(l, argc - i, argv + i);

		if (taken == 0 && !is_plain && strcmp(argv[i], "--") == 0) {
			is_plain = true;
			taken = 1;
		}
		i += taken;
		if (taken > 0)
			continue;
		if (l->count == ADMIN_WORDS_MAX)
			return false;
		l->words[l->count++] = span_str(argv[i++]);
		is_plain = is_plain || is_sendmail(l);
	}
	return true;
}

/* ---- finding the row ------------------------------------------------------------------------ */
static const char *nearest(const struct line *l, bool has_noun)
{
	struct span typed = l->words[has_noun ? 1 : 0];
	size_t best = NEAR_BYTES_MAX;
	const char *found = NULL;

	for (size_t i = 0; i < VERB_COUNT; i++) {
		const char *name = has_noun ? verbs[i].verb : verbs[i].noun;
		size_t distance;

		if (has_noun &&
			!span_eq(l->words[0], span_str(verbs[i].noun)))
			continue;
		distance = near_distance(typed, span_str(name));
		if (distance < best) {
			best = distance;
			found = name;
		}
	}
	return near_enough(typed, best) ? found : NULL;
}

static int refuse(const struct line *l, bool has_noun)
{
	struct span typed = l->words[has_noun ? 1 : 0];
	const char *near = nearest(l, has_noun);

	if (near != NULL)
		(void)fprintf(stderr,
			"postrider: there is no %.*s; did you mean %s?\n",
			SPAN_ARG(typed), near);
	else
		(void)fprintf(stderr, "postrider: there is no %.*s; see: "
			"postrider --help\n", SPAN_ARG(typed));
	return EXIT_USAGE;
}

/* The row, or NULL; *out_noun: the noun at least is one of ours. */
static const struct cli_verb *find_verb(const struct line *l,
	const char **out_noun)
{
	*out_noun = NULL;
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const struct cli_verb *v = &verbs[i];

		if (l->count == 0 ||
			!span_eq(l->words[0], span_str(v->noun)))
			continue;
		*out_noun = v->noun;
		if (v->verb == NULL || (l->count > 1 &&
			span_eq(l->words[1], span_str(v->verb))))
			return v;
	}
	return NULL;
}

/* A program may call sendmail in a folder of anybody's: what lies there says
 * nothing. */
static const char *config_of_machine(void)
{
	static const char place[] = "/etc/postrider/postrider.conf";
	const char *path = getenv("POSTRIDER_CONFIG");

	if (path != NULL)
		return path;
	return access(place, F_OK) == 0 ? place : NULL;
}

/* ---- running it ------------------------------------------------------------------------------- */
static enum admin_exit load(const struct line *l, struct arena *arena,
	struct config *config, struct cli *cli)
{
	const char *path = l->config_path;
	struct err e;

	if (path == NULL)
		path = l->was_called ? config_of_machine() : config_find();
	*cli = (struct cli){config, path, l->is_json};
	if (path == NULL) {
		config_default(config, arena);
		return EXIT_OK;
	}
	if (config_load(path, config, arena, &e) == OK)
		return EXIT_OK;
	say(e.text);
	return EXIT_CONFIG;
}

static void *module_of(const struct cli_verb *v, struct cli *cli,
	struct config *config)
{
	void *const modules[] = {
		[CLI_NOTHING] = NULL, [CLI_ALONE] = cli,
		[CLI_CONFIG] = config, [CLI_SELF] = cli};

	return modules[v->module];
}

static int run(const struct cli_verb *v, const struct line *l)
{
	struct arena arena;
	struct config config;
	struct cli cli = {.is_json = l->is_json};
	struct cli_out rows;
	struct admin_out out;
	struct err e = {.code = OK};
	enum admin_exit exit = EXIT_OK;

	arena_init(&arena, CONFIG_ARENA_BYTES);
	if (v->module == CLI_CONFIG || v->module == CLI_SELF)
		exit = load(l, &arena, &config, &cli);
	if (exit == EXIT_OK) {
		cli_out_init(&rows, STDOUT_FILENO, l->is_json);
		out = cli_out_admin(&rows);
		exit = v->run(module_of(v, &cli, &config), l->words, l->count,
			&out, &e);
		if (!cli_out_end(&rows) && exit == EXIT_OK)
			exit = EXIT_IO;
		if (e.text[0] != '\0')
			say(e.text);
	}
	arena_clear(&arena);
	return (int)exit;
}

/* `sendmail`, `mailq` and `newaliases` are links to this program. */
static void take_name(struct line *l, const char *path)
{
	struct span name = span_str(path);
	size_t slash = span_find_last(name, '/');

	name = slash == name.n ? name : span_tail(name, slash + 1);
	l->was_called = cli_sendmail_is_name(name);
	if (l->was_called)
		l->words[l->count++] = name;
}

int cli_main(int argc, char **argv)
{
	static struct line line;
	const struct cli_verb *v;
	const char *noun;

	if (argc > 0)
		take_name(&line, argv[0]);

	/* a pipe that ends is an error of write, not the end of us */
	(void)signal(SIGPIPE, SIG_IGN);
	if (!read_line(&line, argc, argv)) {
		say("too many words; give fewer at once");
		return EXIT_USAGE;
	}
	v = find_verb(&line, &noun);
	if (line.wants_help) {
		put_help(stdout, noun, v);
		return EXIT_OK;
	}
	if (v != NULL)
		return run(v, &line);
	if (line.count == 0 || (noun != NULL && line.count == 1)) {
		put_help(stderr, noun, NULL);
		return EXIT_USAGE;
	}
	return refuse(&line, noun != NULL);
}
