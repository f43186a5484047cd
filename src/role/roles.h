/*
 * roles.h - the definitions of all roles that master starts; each stands at
 * the end of the file of its name.
 */
#ifndef POSTRIDER_ROLE_ROLES_H
#define POSTRIDER_ROLE_ROLES_H

struct role_def;

extern const struct role_def role_front;
extern const struct role_def role_directory;
extern const struct role_def role_hasher;
extern const struct role_def role_resolver;
extern const struct role_def role_keys;
extern const struct role_def role_queue;
extern const struct role_def role_outbound;
extern const struct role_def role_accounts;

#endif
