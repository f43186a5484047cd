/*
 * db_vfs.h - how SQLite's files are written: fewer and larger writes.
 */
#ifndef POSTRIDER_DB_DB_VFS_H
#define POSTRIDER_DB_DB_VFS_H

/* The name to give to sqlite3_open_v2; registered by db_vfs_init, which may be
 * called again. */
#define DB_VFS_NAME "postrider"
void db_vfs_init(void);

/* For sqlite3_file_control of a database: *(bool *)arg says whether what is read
 * from now on belongs to a long scan (db_ahead.h). */
#define DB_VFS_SCAN 7001

#endif
