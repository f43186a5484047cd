/*
 * db_ahead.h - pages of a database that will be read soon are asked for before,
 * all at once: a disk gives a hundred of them in the time of ten, one by one.
 */
#ifndef POSTRIDER_DB_DB_AHEAD_H
#define POSTRIDER_DB_DB_AHEAD_H

#include "base/span.h"

/* A page of a B-tree was read, the first of the file or another.  If it names
 * other pages, and the kernel does not hold them, it is asked to read them; this
 * does not wait.  fd: the database. */
void db_ahead(int fd, struct span page, bool is_first);

#endif
