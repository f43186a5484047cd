/*
 * messages.c - the codec of messages.def, made from the table itself.
 */
#include "ipc/messages.h"

#include <string.h>

#include "ipc/wire.h"

/* ---- writers -------------------------------------------------------------- */
#define U8(x)              wire_put_u8(out, m->x);
#define U32(x)             wire_put_u32(out, m->x);
#define U64(x)             wire_put_u64(out, m->x);
#define I64(x)             wire_put_i64(out, m->x);
#define BYTES(x, max)      wire_put_bytes(out, m->x);
#define RECORDS(x, r, max) wire_put_bytes(out, m->x);
#define RECORD(name, fields, sentence)                                         \
	void rec_put_##name(struct buf *out, const struct rec_##name *m)       \
	{                                                                      \
		fields                                                         \
	}
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	void msg_put_##name(struct buf *out, const struct msg_##name *m)       \
	{                                                                      \
		fields                                                         \
	}
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
#undef U8
#undef U32
#undef U64
#undef I64
#undef BYTES
#undef RECORDS

/* ---- readers -------------------------------------------------------------- */
#define U8(x)              out->x = wire_get_u8(&w);
#define U32(x)             out->x = wire_get_u32(&w);
#define U64(x)             out->x = wire_get_u64(&w);
#define I64(x)             out->x = wire_get_i64(&w);
#define BYTES(x, max)      out->x = wire_get_bytes(&w, max);
#define RECORDS(x, r, max) out->x = wire_get_bytes(&w, max);
#define RECORD(name, fields, sentence)                                         \
	enum step rec_next_##name(struct span *left, struct rec_##name *out)   \
	{                                                                      \
		struct wire w = wire_of(*left);                                \
                                                                               \
		if (left->n == 0)                                              \
			return DONE;                                           \
		fields;                                                        \
		*left = w.left;                                                \
		return w.failed ? BAD : MORE;                                  \
	}
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	bool msg_get_##name(struct span frame, struct msg_##name *out)         \
	{                                                                      \
		struct wire w = wire_of(frame);                                \
                                                                               \
		fields;                                                        \
		return wire_is_done(&w);                                       \
	}
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
#undef U8
#undef U32
#undef U64
#undef I64
#undef BYTES
#undef RECORDS

/* ---- names, permissions, hash -------------------------------------------- */
static const struct {
	const char *name;
	enum role from, to;
	const char *shape;
	const char *sentence;
} rows[MSG_COUNT] = {
#define RECORD(name, fields, sentence)
#define MESSAGE(NAME, name, from, to, fields, sentence)                        \
	[MSG_##NAME] = {#name, ROLE_##from, ROLE_##to, #fields, sentence},
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
};

static const char *const record_shapes[] = {
#define RECORD(name, fields, sentence) #name, #fields,
#define MESSAGE(NAME, name, from, to, fields, sentence)
#include "ipc/messages.def"
#undef MESSAGE
#undef RECORD
};

const char *role_name(enum role role)
{
	static const char *const names[ROLE_COUNT] = {"master", "front",
		"directory", "resolver", "keys", "queue", "outbound", "accounts",
		"account", "hasher", "cli", "any"};

	return (unsigned)role < ROLE_COUNT ? names[role] : "?";
}

const char *service_name(enum service service)
{
	static const char *const names[SERVICE_COUNT] = {"smtp", "submission",
		"pop3", "submissions", "pop3s", "imap", "imaps", "local"};

	return (unsigned)service < SERVICE_COUNT ? names[service] : "?";
}

const char *message_name(unsigned type)
{
	return type > MSG_NONE && type < MSG_COUNT ? rows[type].name : "?";
}

bool message_has_fd(unsigned type)
{
	return type > MSG_NONE && type < MSG_COUNT &&
		strstr(rows[type].sentence, "+ fd: ") != NULL;
}

/* ANY: every role that master starts; accounts starts account by itself. */
static bool matches(enum role wanted, enum role is)
{
	return wanted == is || (wanted == ROLE_ANY && is != ROLE_ACCOUNT &&
		is != ROLE_CLI);
}

bool message_is_allowed(unsigned type, enum role from, enum role to)
{
	return type > MSG_NONE && type < MSG_COUNT &&
		matches(rows[type].from, from) && matches(rows[type].to, to);
}

static uint64_t mix(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3ULL;
	while (*text++ != '\0');
	return hash;
}

uint64_t message_table_hash(void)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (unsigned type = MSG_NONE + 1; type < MSG_COUNT; type++) {
		hash = mix(hash, rows[type].name);
		hash = mix(hash, rows[type].shape);
	}
	for (size_t i = 0; i < sizeof(record_shapes) / sizeof(char *); i++)
		hash = mix(hash, record_shapes[i]);
	return hash;
}
