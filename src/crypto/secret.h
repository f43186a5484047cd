/*
 * secret.h - bytes that must not stay behind, be guessed, or be timed.
 */
#ifndef POSTRIDER_CRYPTO_SECRET_H
#define POSTRIDER_CRYPTO_SECRET_H

#include "base/span.h"

/* Before the first use, and before the process is confined. */
void secret_init(void);
/* Overwrites them; the compiler cannot leave it out. */
void secret_wipe(void *bytes, size_t n);
/* Takes the same time wherever they differ. */
bool secret_equal(struct span a, struct span b);
void secret_random(void *out_bytes, size_t n);

/* A password that can be read out: five groups of four letters and digits
 * without look-alikes, 100 bits. */
#define SECRET_PASSWORD_BYTES 24
void secret_make_password(char out[SECRET_PASSWORD_BYTES + 1]);

#endif
