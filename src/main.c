/*
 * main.c - one binary: a command line, and every role.
 *
 * Master starts `postrider --role NAME` with a channel as descriptor 3; all
 * other words are the command line's.
 */
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "role/role.h"

static const struct role_def *find_role(const char *name)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		const struct role_def *def = role_def_of((enum role)role);

		if (def != NULL && strcmp(role_name(def->role), name) == 0)
			return def;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct role_def *def = NULL;

	/* whatever any of us makes is nobody else's to read */
	(void)umask(077);
	if (argc == 3 && strcmp(argv[1], "--role") == 0)
		def = find_role(argv[2]);
	return def != NULL ? role_main(def) : cli_main(argc, argv);
}
