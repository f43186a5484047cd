/*
 * admin.h - answers an administrator's command on the connection it came by.
 */
#ifndef POSTRIDER_ROLE_ADMIN_H
#define POSTRIDER_ROLE_ADMIN_H

#include "base/admin.h"

struct role_run;

/* The words of a field of cells, up to ADMIN_WORDS_MAX.  False: there are more,
 * or none, or it is malformed. */
bool admin_words(struct span field, struct span *out, size_t *out_count);

/* Takes fd, the connection to the command line; words is a field of cells
 * (messages.def).  Carries the command out with fn(module, …) before it
 * returns; the rows and the end of the answer go out as the client takes them,
 * so one that does not read stops nobody.  run's loop is used; a run without a
 * def is master's. */
void admin_serve(const struct role_run *run, admin_fn *fn, void *module, int fd,
	struct span words);

#endif
