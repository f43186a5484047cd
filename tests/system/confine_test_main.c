/*
 * confine_test_main.c - confine_test by itself: usage: confine_test ROLE
 */
#include <stdio.h>
#include <string.h>

#include "base/admin.h"
#include "role/confine.h"

int main(int argc, char **argv)
{
	for (unsigned role = 0; argc == 2 && role < ROLE_COUNT; role++)
		if (strcmp(argv[1], role_name((enum role)role)) == 0)
			return confine_test((enum role)role) == 0
				? EXIT_OK
				: EXIT_CHECK_FAILED;
	(void)fprintf(stderr, "usage: confine_test ROLE\n");
	return EXIT_USAGE;
}
