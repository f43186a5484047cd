/*
 * role_table.c - which roles there are.
 */
#include "role/role.h"
#include "role/roles.h"

const struct role_def *role_def_of(enum role role)
{
	static const struct role_def *const table[ROLE_COUNT] = {
		[ROLE_FRONT] = &role_front,
		[ROLE_DIRECTORY] = &role_directory,
		[ROLE_HASHER] = &role_hasher,
		[ROLE_RESOLVER] = &role_resolver,
		[ROLE_KEYS] = &role_keys,
		[ROLE_QUEUE] = &role_queue,
		[ROLE_OUTBOUND] = &role_outbound,
		[ROLE_ACCOUNTS] = &role_accounts,
	};

	return (unsigned)role < ROLE_COUNT ? table[role] : NULL;
}
