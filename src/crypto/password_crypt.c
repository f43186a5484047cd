/*
 * password_crypt.c - crypt(3) of libxcrypt, for hashes from elsewhere.
 *
 * It takes what it needs from the heap and opens no file, so it works in a
 * confined process.  Each method's cost is read here first: a hash is what an
 * administrator imported, but a server must not stand still for it.
 */
#include "crypto/password_crypt.h"

#include <crypt.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define HASH_MAX     384 /* CRYPT_OUTPUT_SIZE */
#define ROUNDS_LIMIT 1000000
#define BCRYPT_LIMIT 14
#define MEMORY_LIMIT (64u << 20)
#define DES_LETTERS  13

_Static_assert(HASH_MAX == CRYPT_OUTPUT_SIZE, "as crypt.h says");

/* The six bits of one of "./0-9A-Za-z"; or 64. */
static uint32_t value(uint8_t c)
{
	if (c >= '.' && c <= '9')
		return (uint32_t)(c - '.');
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A' + 12);
	return c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a' + 38) : 64;
}

static bool is_letters(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (value(s.p[i]) > 63)
			return false;
	return true;
}

static bool costs_little(struct span parameters)
{
	(void)parameters;
	return true;
}

/* "rounds=N$salt", or no number: 5000 */
static bool rounds_fit(struct span parameters)
{
	const struct span key = SPAN("rounds=");
	struct span word = span_cut(&parameters, '$');
	uint32_t rounds;

	return !span_starts(word, key) ||
	       num_parse_u32(span_tail(word, key.n), ROUNDS_LIMIT, &rounds);
}

/* "05$salt": 2^5 */
static bool bcrypt_fits(struct span parameters)
{
	struct span word = span_cut(&parameters, '$');
	uint32_t cost;

	return word.n == 2 && num_parse_u32(word, BCRYPT_LIMIT, &cost);
}

/* log2_n below 64, r below 2^30 */
static bool memory_fits(uint32_t log2_n, uint64_t r)
{
	return log2_n < 26 && r > 0 && r << log2_n <= MEMORY_LIMIT / 128;
}

/* "j9T$salt": the flavour of all that crypt_gensalt makes, N, r; what more there
 * could be is not used by anybody. */
static bool yescrypt_fits(struct span parameters)
{
	struct span word = span_cut(&parameters, '$');

	return word.n == 3 && word.p[0] == 'j' &&
	       memory_fits(value(word.p[1]) + 1, value(word.p[2]) + 1);
}

/* Five letters, the lowest six bits first. */
static uint64_t read_30_bits(struct span s)
{
	uint64_t bits = 0;

	for (size_t i = 5; i-- > 0;)
		bits = bits << 6 | value(s.p[i]);
	return bits;
}

/* "BU..../....salt": N, r, p */
static bool scrypt_fits(struct span parameters)
{
	if (parameters.n < 11 || !is_letters(span_head(parameters, 11)))
		return false;
	return memory_fits(value(parameters.p[0]),
		       read_30_bits(span_tail(parameters, 1))) &&
	       read_30_bits(span_tail(parameters, 6)) == 1;
}

static const struct method {
	struct span prefix;
	size_t letters; /* behind the last "$" */
	bool (*fits)(struct span parameters);
} methods[] = {
	{SPAN_INIT("$1$"), 22, costs_little},
	{SPAN_INIT("$5$"), 43, rounds_fit},
	{SPAN_INIT("$6$"), 86, rounds_fit},
	{SPAN_INIT("$2a$"), 53, bcrypt_fits},
	{SPAN_INIT("$2b$"), 53, bcrypt_fits},
	{SPAN_INIT("$2y$"), 53, bcrypt_fits},
	{SPAN_INIT("$y$"), 43, yescrypt_fits},
	{SPAN_INIT("$gy$"), 43, yescrypt_fits},
	{SPAN_INIT("$7$"), 43, scrypt_fits},
};

bool password_crypt_is_hash(struct span hash)
{
	struct span last = span_tail(hash, span_find_last(hash, '$') + 1);

	if (hash.n >= HASH_MAX || span_find(hash, '\0') != hash.n)
		return false;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (span_starts(hash, methods[i].prefix))
			return last.n == methods[i].letters &&
			       is_letters(last) &&
			       methods[i].fits(
				       span_tail(hash, methods[i].prefix.n));
	return false;
}

bool password_crypt_is_any(struct span hash)
{
	return password_crypt_is_hash(hash) ||
	       (hash.n == DES_LETTERS && is_letters(hash));
}

bool password_crypt_verify(struct span hash, struct span password)
{
	char said[CRYPT_MAX_PASSPHRASE_SIZE + 1] = "", setting[HASH_MAX] = "";
	struct crypt_data *room;
	const char *made;
	bool is_good;

	if (password.n >= CRYPT_MAX_PASSPHRASE_SIZE ||
		span_find(password, '\0') != password.n ||
		!password_crypt_is_any(hash))
		return false;
	memcpy(said, password.p, password.n);
	memcpy(setting, hash.p, hash.n);
	room = MEM_NEW(struct crypt_data);
	/* not crypt_r: a sanitizer puts its own in that one's place */
	made = crypt_rn(said, setting, room, sizeof(*room));
	is_good = made != NULL && secret_equal(span_str(made), hash);
	secret_wipe(room, sizeof(*room));
	secret_wipe(said, sizeof(said));
	mem_free(room);
	return is_good;
}
