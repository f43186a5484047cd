/*
 * fuzz_password.c - any bytes as a password to be prepared, as a hash of
 * another server, and as a packed credential.
 *
 * What was prepared is UTF-8 and stays as it is when prepared again; what is
 * taken for a hash has a cost that was looked at, so that no hash of the fuzzer's
 * own is ever worked out here; what unpacks packs to the same bytes.
 */
#include <string.h>

#include "base/utf8.h"
#include "codec/saslprep.h"
#include "crypto/credential.h"
#include "crypto/password.h"
#include "crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void prepare(struct span text)
{
	static uint8_t once[SASLPREP_ROOM], twice[SASLPREP_ROOM];
	size_t once_n, twice_n;

	if (!saslprep(text, once, &once_n))
		return;
	must(text.n <= SASLPREP_BYTES_MAX && once_n > 0);
	must(utf8_is_valid(span_of(once, once_n)));
	if (once_n > SASLPREP_BYTES_MAX)
		return;
	must(saslprep(span_of(once, once_n), twice, &twice_n));
	must(span_eq(span_of(once, once_n), span_of(twice, twice_n)));
}

static void look(struct span text)
{
	if (!password_is_hash(text))
		return;
	must(text.n > 0 && text.n <= PASSWORD_IMPORTED_BYTES_MAX);
	must(text.p[0] == '{' || text.p[0] == '$');
	if (password_is_current(text))
		must(span_starts(
			text, SPAN("$argon2id$v=19$m=19456,t=2,p=1$")));
}

static void unpack(struct span packed)
{
	struct credential c;
	struct buf again;

	if (!credential_unpack(packed, &c))
		return;
	buf_init(&again, 1024);
	credential_pack(&c, &again);
	must(span_eq(buf_span(&again), packed));
	buf_clear(&again);
	must(!c.has_scram || (c.rounds > 0 && c.rounds <= SCRAM_ROUNDS_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span in = span_of(bytes, n);

	secret_init();
	prepare(in);
	look(in);
	unpack(in);
	return 0;
}
