/*
 * tls_provider.c - keys that sign elsewhere, as a provider of OpenSSL.
 * See tls_key.h; the interface is that of provider-keymgmt(7) and
 * provider-signature(7).
 *
 * A key of ours is a struct tls_key: it answers what its public half answers
 * (kept as a key of the default provider), and signs by asking its owner.  The
 * hash is made here, so only a few bytes go to the keeper.
 *
 * Two traps.  EXPORT must fail when the private half is asked for, or OpenSSL
 * silently moves the public one to the default provider and signs there; and a
 * signature context must be able to be duplicated.
 */
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/mem.h"
#include "tls/tls_int.h"

#include "base/banned.h"

/* OpenSSL's tables hold all functions as one type. */
#define ROW(id, fn) {(id), (void (*)(void))(fn)}
#define END_OF_ROWS {0, NULL}

/* ---- keys ------------------------------------------------------------------- */
struct key_data {
	struct tls_key *key; /* NULL: not imported yet */
};

static void *key_new(void *provider)
{
	(void)provider;
	return MEM_NEW(struct key_data);
}

static void key_free(void *data)
{
	struct key_data *k = data;

	if (k != NULL && k->key != NULL)
		tls_key_unref(k->key);
	mem_free(k);
}

static int key_has(const void *data, int selection)
{
	const struct key_data *k = data;

	(void)selection;
	return k != NULL && k->key != NULL;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct key_data *x = a, *y = b;

	(void)selection;
	return x->key != NULL && y->key != NULL &&
		EVP_PKEY_eq(x->key->pub, y->key->pub) == 1;
}

static int key_import(void *data, int selection, const OSSL_PARAM params[])
{
	struct key_data *k = data;
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, TLS_PROVIDER_KEY);
	const void *pointer = NULL;
	size_t n = 0;

	(void)selection;
	if (p == NULL || !OSSL_PARAM_get_octet_ptr(p, &pointer, &n))
		return 0;
	k->key = (struct tls_key *)(uintptr_t)pointer;
	k->key->refs++;
	return 1;
}

static const OSSL_PARAM *key_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_ptr(TLS_PROVIDER_KEY, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)selection;
	return types;
}

static int key_export(void *data, int selection, OSSL_CALLBACK *take, void *arg)
{
	struct key_data *k = data;
	OSSL_PARAM *params = NULL;
	int is_done;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ||
		k->key == NULL ||
		EVP_PKEY_todata(k->key->pub, EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return 0;
	is_done = take(params, arg);
	OSSL_PARAM_free(params);
	return is_done;
}

static const OSSL_PARAM *key_export_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END,
	};

	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? NULL
								  : types;
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
	struct key_data *k = data;

	return k->key != NULL && EVP_PKEY_get_params(k->key->pub, params);
}

static const OSSL_PARAM *key_gettable(void *provider)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL,
			0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provider;
	return types;
}

static const char *ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC";
}

#define KEY_ROWS                                                               \
	ROW(OSSL_FUNC_KEYMGMT_NEW, key_new),                                   \
	ROW(OSSL_FUNC_KEYMGMT_FREE, key_free),                                 \
	ROW(OSSL_FUNC_KEYMGMT_HAS, key_has),                                   \
	ROW(OSSL_FUNC_KEYMGMT_MATCH, key_match),                               \
	ROW(OSSL_FUNC_KEYMGMT_IMPORT, key_import),                             \
	ROW(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),                 \
	ROW(OSSL_FUNC_KEYMGMT_EXPORT, key_export),                             \
	ROW(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_export_types),                 \
	ROW(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),                     \
	ROW(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable)

static const OSSL_DISPATCH key_rows[] = {KEY_ROWS, END_OF_ROWS};
static const OSSL_DISPATCH ec_key_rows[] = {
	KEY_ROWS,
	ROW(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation),
	END_OF_ROWS,
};

/* ---- signatures ----------------------------------------------------------------- */
struct signing {
	struct tls_key *key;
	enum tls_hash hash;
	bool is_pss;
	bool salt_is_hash; /* RFC 8446 4.2.3 */
};

static void *sign_new(void *provider, const char *query)
{
	(void)provider;
	(void)query;
	return MEM_NEW(struct signing);
}

static void sign_free(void *context)
{
	mem_free(context);
}

static void *sign_dup(void *context)
{
	struct signing *copy = MEM_NEW(struct signing);

	*copy = *(struct signing *)context;
	return copy;
}

static const struct {
	const char *name;
	enum tls_hash hash;
} hashes[] = {
	{"SHA256", TLS_SHA256}, {"SHA2-256", TLS_SHA256},
	{"SHA384", TLS_SHA384}, {"SHA2-384", TLS_SHA384},
	{"SHA512", TLS_SHA512}, {"SHA2-512", TLS_SHA512},
};

static int set_hash(struct signing *s, const char *name)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (OPENSSL_strcasecmp(name, hashes[i].name) == 0) {
			s->hash = hashes[i].hash;
			return 1;
		}
	return 0;
}

static int set_padding(struct signing *s, const OSSL_PARAM *p)
{
	int mode = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
			mode = RSA_PKCS1_PSS_PADDING;
		else if (strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0)
			mode = RSA_PKCS1_PADDING;
	} else if (!OSSL_PARAM_get_int(p, &mode)) {
		return 0;
	}
	s->is_pss = mode == RSA_PKCS1_PSS_PADDING;
	return s->is_pss || mode == RSA_PKCS1_PADDING;
}

static int set_salt(struct signing *s, const OSSL_PARAM *p)
{
	int n = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		s->salt_is_hash =
			strcmp(p->data, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
	else
		s->salt_is_hash = OSSL_PARAM_get_int(p, &n) &&
			n == RSA_PSS_SALTLEN_DIGEST;
	return s->salt_is_hash;
}

static int sign_set_params(void *context, const OSSL_PARAM params[])
{
	struct signing *s = context;
	const OSSL_PARAM *p = NULL;

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p != NULL && !set_padding(s, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	return p == NULL || set_salt(s, p);
}

static const OSSL_PARAM *sign_settable(void *context, void *provider)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL,
			0),
		OSSL_PARAM_END,
	};

	(void)context;
	(void)provider;
	return types;
}

static int sign_init(void *context, const char *hash, void *data,
	const OSSL_PARAM params[])
{
	struct signing *s = context;
	struct key_data *k = data;

	if (k == NULL || k->key == NULL)
		return 0;
	s->key = k->key;
	s->hash = TLS_HASH_NONE;
	if (hash != NULL && hash[0] != '\0' && !set_hash(s, hash))
		return 0;
	return sign_set_params(context, params);
}

static const char *hash_name(enum tls_hash hash)
{
	static const char *const names[TLS_HASH_COUNT] = {
		[TLS_SHA256] = "SHA256",
		[TLS_SHA384] = "SHA384",
		[TLS_SHA512] = "SHA512",
	};

	return names[hash];
}

static enum tls_scheme scheme_of(const struct signing *s)
{
	if (EVP_PKEY_is_a(s->key->pub, "ED25519"))
		return TLS_ED25519;
	if (EVP_PKEY_is_a(s->key->pub, "EC"))
		return TLS_ECDSA;
	return s->is_pss ? TLS_RSA_PSS : TLS_RSA_PKCS1;
}

/* The text, or its hash, as the keeper wants it. */
static bool make_text(const struct signing *s, struct span text,
	uint8_t room[EVP_MAX_MD_SIZE], struct tls_sign *out)
{
	const char *name = hash_name(s->hash);
	size_t n = 0;

	*out = (struct tls_sign){scheme_of(s), s->hash, text};
	if (out->scheme == TLS_ED25519)
		return s->hash == TLS_HASH_NONE;
	if (name == NULL || (s->is_pss && !s->salt_is_hash) ||
		EVP_Q_digest(tls_library(), name, NULL, text.p, text.n, room,
			&n) != 1)
		return false;
	out->text = span_of(room, n);
	return true;
}

static int sign_once(void *context, unsigned char *signature, size_t *n,
	size_t room, const unsigned char *text, size_t text_n)
{
	struct signing *s = context;
	uint8_t hash[EVP_MAX_MD_SIZE];
	struct tls_sign what;
	struct buf made;
	bool is_made;

	if (signature == NULL) {
		*n = (size_t)EVP_PKEY_get_size(s->key->pub);
		return 1;
	}
	if (!make_text(s, span_of(text, text_n), hash, &what))
		return 0;
	buf_init(&made, TLS_SIGNATURE_BYTES_MAX);
	is_made = s->key->fn(s->key->arg, &what, &made) && !made.overflow &&
		buf_len(&made) > 0 && buf_len(&made) <= room;
	if (is_made) {
		*n = buf_len(&made);
		memcpy(signature, buf_span(&made).p, *n);
	}
	buf_clear(&made);
	return is_made;
}

static const OSSL_DISPATCH sign_rows[] = {
	ROW(OSSL_FUNC_SIGNATURE_NEWCTX, sign_new),
	ROW(OSSL_FUNC_SIGNATURE_FREECTX, sign_free),
	ROW(OSSL_FUNC_SIGNATURE_DUPCTX, sign_dup),
	ROW(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, sign_init),
	ROW(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign_once),
	ROW(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, sign_set_params),
	ROW(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, sign_settable),
	END_OF_ROWS,
};

/* ---- the provider ------------------------------------------------------------------ */
static const OSSL_ALGORITHM key_kinds[] = {
	{"RSA:rsaEncryption", TLS_PROVIDER_QUERY, key_rows, NULL},
	{"EC:id-ecPublicKey", TLS_PROVIDER_QUERY, ec_key_rows, NULL},
	{"ED25519", TLS_PROVIDER_QUERY, key_rows, NULL},
	{NULL, NULL, NULL, NULL},
};
static const OSSL_ALGORITHM signature_kinds[] = {
	{"RSA:rsaEncryption", TLS_PROVIDER_QUERY, sign_rows, NULL},
	{"ECDSA", TLS_PROVIDER_QUERY, sign_rows, NULL},
	{"ED25519", TLS_PROVIDER_QUERY, sign_rows, NULL},
	{NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *query(void *provider, int operation,
	int *out_no_cache)
{
	(void)provider;
	*out_no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return key_kinds;
	return operation == OSSL_OP_SIGNATURE ? signature_kinds : NULL;
}

static const OSSL_DISPATCH provider_rows[] = {
	ROW(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
	END_OF_ROWS,
};

int tls_provider_init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **out_provider)
{
	(void)core;
	(void)in;
	*out = provider_rows;
	*out_provider = (void *)(uintptr_t)provider_rows;
	return 1;
}
