/*
 * test_keys.c - the role keys with a master and a front that are played here,
 * all in one loop.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "role/role.h"
#include "role/roles.h"
#include "tls/tls_context.h"

/* Against hanging for ever. */
#define STEPS_MAX 100000
#define NOW_S     1795000000

static struct {
	struct config config;
	struct role_run run;
	void *state;
	struct channel *front; /* its end */
	struct timer limit;
	char folder[64];
	struct buf chains[3];  /* as they came */
	unsigned identities, tickets, answers;
	uint32_t set, count;   /* of the last IDENTITY */
	struct tls_ticket_key ticket_keys[TLS_TICKET_KEYS];
	uint64_t question;
	enum code result;
	struct buf signature;
} t;

/* A role's state lives as long as its process, and is never given back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

struct pair {
	struct buf key, chain;
};

/* ---- the front ---------------------------------------------------------------- */
static bool on_identity(void *arg, struct frame *f)
{
	struct msg_identity m;

	(void)arg;
	assert_true(msg_get_identity(f->body, &m));
	assert_true(m.key < m.count && m.count <= 3);
	buf_reset(&t.chains[m.key]);
	buf_put(&t.chains[m.key], m.chain);
	t.set = m.set;
	t.count = m.count;
	t.identities++;
	return true;
}

static bool on_tickets(void *arg, struct frame *f)
{
	struct msg_ticket_keys m;

	(void)arg;
	assert_true(msg_get_ticket_keys(f->body, &m));
	assert_int_equal(m.keys.n, sizeof(t.ticket_keys));
	memcpy(t.ticket_keys, m.keys.p, m.keys.n);
	t.tickets++;
	return true;
}

static bool on_signed(void *arg, struct frame *f)
{
	struct msg_signed m;

	(void)arg;
	assert_true(msg_get_signed(f->body, &m));
	assert_int_equal(f->id, t.question);
	t.result = (enum code)m.result;
	buf_reset(&t.signature);
	buf_put(&t.signature, m.signature);
	t.answers++;
	return true;
}

static const struct frame_handler front_handlers[] = {
	{MSG_IDENTITY, on_identity},
	{MSG_TICKET_KEYS, on_tickets},
	{MSG_SIGNED, on_signed},
	{MSG_NONE, NULL},
};

static void on_lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
	fail_msg("a channel broke");
}

static void on_limit(void *arg)
{
	(void)arg;
	loop_stop(t.run.loop);
}

static void run_a_bit(void)
{
	timer_arm(&t.limit, 1);
	loop_run(t.run.loop);
}

static void wait_until(const unsigned *what, unsigned wanted)
{
	for (size_t i = 0; i < STEPS_MAX && *what < wanted; i++)
		run_a_bit();
	assert_int_equal(*what, wanted);
}

static void join_front(void)
{
	struct channel_owner owner = {.handlers = role_keys.handlers,
		.on_lost = on_lost, .arg = t.state};
	int fds[2];

	assert_true(channel_pair(fds));
	t.run.peers[ROLE_FRONT][0] = channel_new(t.run.loop, fds[0],
		ROLE_KEYS, ROLE_FRONT, 0, &owner);
	owner.handlers = front_handlers;
	t.front = channel_new(t.run.loop, fds[1], ROLE_FRONT, ROLE_KEYS, 0,
		&owner);
	role_keys.peer_up(t.state, ROLE_FRONT, 0);
}

static void part_front(void)
{
	channel_free(t.front);
	channel_free(t.run.peers[ROLE_FRONT][0]);
	t.front = t.run.peers[ROLE_FRONT][0] = NULL;
}

static void ask(uint32_t key, unsigned scheme, unsigned hash, struct span text)
{
	const struct msg_sign m = {.set = t.set, .key = key, .scheme = (uint8_t)scheme,
		.hash = (uint8_t)hash, .text = text};

	channel_send(t.front, sign, SIGN, ++t.question, &m, -1);
	wait_until(&t.answers, t.answers + 1);
}

/* ---- master ------------------------------------------------------------------- */
static void make_pair(struct pair *p)
{
	const struct span name = SPAN("mx.test");
	struct err e;

	buf_init(&p->key, 10000);
	buf_init(&p->chain, 10000);
	assert_int_equal(tls_make_self_signed(&name, 1, NOW_S, &p->key,
		&p->chain, &e), OK);
}

static void drop_pair(struct pair *p)
{
	buf_clear(&p->key);
	buf_clear(&p->chain);
}

static void hand_over(uint32_t pair, uint32_t count, bool is_key,
	struct span bytes)
{
	const struct msg_tls_file m = {.pair = pair, .count = count,
		.is_key = is_key};
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	role_keys.tls_file(t.state, &m, fd);
	/* it was the role's to close */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void hand_over_pair(const struct pair *chain, const struct pair *key)
{
	hand_over(0, 1, false, buf_span(&chain->chain));
	hand_over(0, 1, true, buf_span(&key->key));
}

/* ---- the frame of a test -------------------------------------------------------- */
static void open_keys(unsigned certificates)
{
	struct err e;

	memset(&t.config, 0, sizeof(t.config));
	t.config.hostname = SPAN("mx.here.test");
	t.config.data_dir = span_str(t.folder);
	t.config.tls_certificate_count = certificates;
	memset(&t.run, 0, sizeof(t.run));
	t.run.def = &role_keys;
	t.run.loop = loop_new();
	t.run.config = &t.config;
	timer_init(&t.limit, t.run.loop, on_limit, NULL);
	if (role_keys.open(&t.run, &t.state, &e) != OK)
		fail_msg("%s", e.text);
}

static int setup(void **state)
{
	char path[128];

	(void)state;
	memset(&t, 0, sizeof(t));
	(void)snprintf(t.folder, sizeof(t.folder), "/tmp/test_keys.XXXXXX");
	assert_non_null(mkdtemp(t.folder));
	(void)snprintf(path, sizeof(path), "%s/keys", t.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < 3; i++)
		buf_init(&t.chains[i], 65536);
	buf_init(&t.signature, TLS_SIGNATURE_BYTES_MAX);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"keys/key.pem",
		"keys/certificate.pem", "keys", ""};
	char path[128];

	(void)state;
	part_front();
	timer_clear(&t.limit);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", t.folder,
			names[i]);
		(void)remove(path);
	}
	for (size_t i = 0; i < 3; i++)
		buf_clear(&t.chains[i]);
	buf_clear(&t.signature);
	return 0;
}

static void assert_shown(size_t i, const struct pair *p)
{
	assert_int_equal(buf_len(&t.chains[i]), buf_len(&p->chain));
	assert_memory_equal(buf_span(&t.chains[i]).p, buf_span(&p->chain).p,
		buf_len(&p->chain));
}

/* ---- tests -------------------------------------------------------------------- */
/* What a front may ask, and what it may not. */
static void test_what_is_signed(void **state)
{
	static const uint8_t hash[64] = {7};
	static const struct {
		uint32_t key;
		unsigned scheme, hash;
		size_t n;
		enum code want;
	} rows[] = {
		{0, TLS_ECDSA, TLS_SHA256, 32, OK},
		{0, TLS_ECDSA, TLS_SHA384, 48, OK},
		{0, TLS_ECDSA, TLS_SHA256, 31, DENIED},
		{0, TLS_ECDSA, TLS_SHA256, 0, DENIED},
		{0, TLS_ECDSA, TLS_HASH_NONE, 32, DENIED},
		{0, TLS_RSA_PSS, TLS_SHA256, 32, DENIED},
		{0, TLS_ED25519, TLS_HASH_NONE, 32, DENIED},
		{1, TLS_ECDSA, TLS_SHA256, 32, DENIED},
		{UINT32_MAX, TLS_ECDSA, TLS_SHA256, 32, DENIED},
		{0, TLS_SCHEME_COUNT, TLS_SHA256, 32, DENIED},
		{0, 255, 255, 64, DENIED},
		{0, TLS_ECDSA, TLS_HASH_COUNT, 64, DENIED},
	};

	(void)state;
	open_keys(0);
	role_keys.begin(t.state);
	join_front();
	wait_until(&t.identities, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(rows[i].key, rows[i].scheme, rows[i].hash,
			span_of(hash, rows[i].n));
		assert_int_equal(t.result, rows[i].want);
		assert_int_equal(buf_len(&t.signature) > 0,
			rows[i].want == OK);
	}
}

/* A server without files has a pair of its own, made once, that nobody else
 * may read. */
static void test_own_pair_is_made_once(void **state)
{
	struct pair first = {0};
	struct stat st;
	char path[128];

	(void)state;
	open_keys(0);
	role_keys.begin(t.state);
	join_front();
	wait_until(&t.identities, 1);
	assert_int_equal(t.count, 1);
	buf_init(&first.chain, 65536);
	buf_put(&first.chain, buf_span(&t.chains[0]));
	(void)snprintf(path, sizeof(path), "%s/keys/key.pem", t.folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	part_front();
	open_keys(0);
	role_keys.begin(t.state);
	join_front();
	wait_until(&t.identities, 2);
	assert_shown(0, &first);
	drop_pair(&first);
}

/* Files in order, then others; those that do not fit change nothing: T09. */
static void test_files_and_others(void **state)
{
	struct pair a, b;

	(void)state;
	make_pair(&a);
	make_pair(&b);
	open_keys(1);
	hand_over_pair(&a, &a);
	role_keys.begin(t.state);
	join_front();
	wait_until(&t.identities, 1);
	assert_shown(0, &a);
	/* another's key; no key; no certificate; half a key */
	hand_over_pair(&b, &a);
	hand_over(0, 1, false, buf_span(&b.chain));
	hand_over(0, 1, true, SPAN("no key"));
	hand_over(0, 1, false, SPAN(""));
	hand_over(0, 1, true, buf_span(&b.key));
	hand_over(0, 1, false, buf_span(&b.chain));
	hand_over(0, 1, true, span_head(buf_span(&b.key), 100));
	ask(0, TLS_ECDSA, TLS_SHA256, span_of((const uint8_t[32]){1}, 32));
	assert_int_equal(t.result, OK);
	assert_int_equal(t.identities, 1);
	hand_over_pair(&b, &b);
	wait_until(&t.identities, 2);
	assert_shown(0, &b);
	drop_pair(&a);
	drop_pair(&b);
}

/* A set is told when it is whole, in order; numbers that cannot be are not
 * taken for places. */
static void test_sets_of_two(void **state)
{
	struct pair a, b;

	(void)state;
	make_pair(&a);
	make_pair(&b);
	open_keys(2);
	hand_over(0, 2, false, buf_span(&a.chain));
	hand_over(0, 2, true, buf_span(&a.key));
	hand_over(1, 2, false, buf_span(&b.chain));
	hand_over(1, 2, true, buf_span(&b.key));
	role_keys.begin(t.state);
	hand_over(7, 2, true, buf_span(&b.key));
	hand_over(0, CONFIG_PAIRS_MAX + 1, false, buf_span(&b.chain));
	hand_over(UINT32_MAX, UINT32_MAX, true, buf_span(&b.key));
	join_front();
	wait_until(&t.identities, 2);
	assert_int_equal(t.count, 2);
	assert_shown(0, &a);
	assert_shown(1, &b);
	ask(1, TLS_ECDSA, TLS_SHA256, span_of((const uint8_t[32]){1}, 32));
	assert_int_equal(t.result, OK);
	drop_pair(&a);
	drop_pair(&b);
}

/* A handshake that began with the set before is signed for by that: the front
 * hears of the new one later.  Two back is over. */
static void test_the_set_before(void **state)
{
	const struct span hash = SPAN("0123456789abcdef0123456789abcdef");
	struct pair a, b;
	uint32_t first;

	(void)state;
	make_pair(&a);
	make_pair(&b);
	open_keys(1);
	hand_over_pair(&a, &a);
	role_keys.begin(t.state);
	join_front();
	wait_until(&t.identities, 1);
	first = t.set;
	hand_over(0, 2, false, buf_span(&a.chain));
	hand_over(0, 2, true, buf_span(&a.key));
	hand_over(1, 2, false, buf_span(&b.chain));
	hand_over(1, 2, true, buf_span(&b.key));
	wait_until(&t.identities, 3);
	assert_int_equal(t.set, first + 1);
	ask(1, TLS_ECDSA, TLS_SHA256, hash);
	assert_int_equal(t.result, OK);
	t.set = first;
	ask(0, TLS_ECDSA, TLS_SHA256, hash);
	assert_int_equal(t.result, OK);
	ask(1, TLS_ECDSA, TLS_SHA256, hash);
	assert_int_equal(t.result, DENIED);
	hand_over_pair(&b, &b);
	wait_until(&t.identities, 4);
	t.set = first;
	ask(0, TLS_ECDSA, TLS_SHA256, hash);
	assert_int_equal(t.result, DENIED);
	t.set = first + 3;
	ask(0, TLS_ECDSA, TLS_SHA256, hash);
	assert_int_equal(t.result, DENIED);
	drop_pair(&a);
	drop_pair(&b);
}

/* A key that OpenSSL would not serve with is refused here, not in a front. */
static void test_too_short_a_key(void **state)
{
	char command[512];
	struct pair good;
	char path[128];
	const struct msg_tls_file chain = {.pair = 0, .count = 1};
	const struct msg_tls_file key = {.pair = 0, .count = 1, .is_key = 1};

	(void)state;
	make_pair(&good);
	open_keys(1);
	hand_over_pair(&good, &good);
	role_keys.begin(t.state);
	join_front();
	wait_until(&t.identities, 1);
	(void)snprintf(command, sizeof(command), "cd %s/keys && "
		"openssl req -x509 -newkey rsa:512 -nodes -days 9 "
		"-subj /CN=mx.test -keyout key.pem -out certificate.pem "
		"2>/dev/null", t.folder);
	assert_int_equal(system(command), 0);
	(void)snprintf(path, sizeof(path), "%s/keys/certificate.pem",
		t.folder);
	role_keys.tls_file(t.state, &chain, open(path, O_RDONLY));
	(void)snprintf(path, sizeof(path), "%s/keys/key.pem", t.folder);
	role_keys.tls_file(t.state, &key, open(path, O_RDONLY));
	ask(0, TLS_ECDSA, TLS_SHA256, span_of((const uint8_t[32]){1}, 32));
	assert_int_equal(t.result, OK);
	assert_int_equal(t.identities, 1);
	drop_pair(&good);
}

/* Each front has the same keys of tickets, one that comes late too; and they
 * are no zeros. */
static void test_tickets(void **state)
{
	static const struct tls_ticket_key zero;
	struct tls_ticket_key before[TLS_TICKET_KEYS];

	(void)state;
	open_keys(0);
	role_keys.begin(t.state);
	join_front();
	wait_until(&t.tickets, 1);
	memcpy(before, t.ticket_keys, sizeof(before));
	for (size_t i = 0; i < TLS_TICKET_KEYS; i++)
		assert_memory_not_equal(&before[i], &zero, sizeof(zero));
	assert_memory_not_equal(&before[0], &before[1], sizeof(zero));
	part_front();
	join_front();
	wait_until(&t.tickets, 2);
	assert_memory_equal(before, t.ticket_keys, sizeof(before));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_signed),
		TEST(test_own_pair_is_made_once),
		TEST(test_files_and_others),
		TEST(test_sets_of_two),
		TEST(test_the_set_before),
		TEST(test_too_short_a_key),
		TEST(test_tickets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
