/*
 * password_scheme.h - "{SCHEME}text", as Dovecot and LDAP servers keep
 * passwords.
 */
#ifndef POSTRIDER_CRYPTO_PASSWORD_SCHEME_H
#define POSTRIDER_CRYPTO_PASSWORD_SCHEME_H

#include "base/span.h"

/* Is text a scheme that is known, with a hash that is one?  Then, with a
 * password: is it the one?  password NULL: only the first. */
bool password_scheme_check(struct span text, const struct span *password);

#endif
