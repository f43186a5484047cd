/*
 * store_admin.h - `postrider mailbox list|create|rename|delete|check`.
 *
 * The same function answers in the account's process, for the running server,
 * and on the file of a server that stands.
 */
#ifndef POSTRIDER_STORE_STORE_ADMIN_H
#define POSTRIDER_STORE_STORE_ADMIN_H

#include "base/admin.h"
#include "store/store.h"

/* module is a struct store, outside of a transaction.  The third word is the
 * account's address, which brought the command here. */
admin_fn store_admin_run;

#endif
