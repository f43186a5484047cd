/*
 * front_rig.h - the front role between a client and fake peers that answer
 * late, twice, or not at all.
 *
 * All stand in one process and one loop; a test speaks for the client and for
 * the peers in turn, and looks at what each of them hears.  Included by one .c file
 * of a test program.
 */
#ifndef POSTRIDER_TESTS_FRONT_RIG_H
#define POSTRIDER_TESTS_FRONT_RIG_H

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "role/role.h"
#include "role/roles.h"
#include "tls/tls_key.h"

static struct {
	struct config config;
	struct role_run run;
	void *state;
	struct channel *directory, *queue, *keys; /* the peers' ends */
	int door, client;
	struct buf heard;       /* by the peers, a line each */
	uint64_t question;      /* the id of the last one */
	uint64_t submitted_bytes; /* as the last SUBMIT says */
	struct sha256 given;      /* the same */
	struct timer limit;
} t;

/* A role's state lives as long as its process, and is never given back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* ---- the peers ------------------------------------------------------------- */
static inline bool note(struct frame *f, const char *what, uint64_t number)
{
	buf_printf(&t.heard, "%s %d\n", what, (int)number);
	t.question = f->id;
	return true;
}

static inline bool on_rcpt_check(void *arg, struct frame *f)
{
	struct msg_rcpt_check m;

	(void)arg;
	assert_true(msg_get_rcpt_check(f->body, &m));
	return note(f, "rcpt", m.address.n);
}

/* Anybody is ann. */
static inline bool on_login(void *arg, struct frame *f)
{
	const struct msg_login_result m = {.result = OK, .account = 7,
		.address = SPAN("ann@here.test")};

	(void)arg;
	channel_send(f->from, login_result, LOGIN_RESULT, f->id, &m, -1);
	return true;
}

static inline bool on_sender_check(void *arg, struct frame *f)
{
	struct msg_sender_check m;

	(void)arg;
	assert_true(msg_get_sender_check(f->body, &m));
	assert_int_equal(m.account, 7);
	return note(f, m.is_new ? "sender" : "own", m.address.n);
}

static inline bool on_ids(void *arg, struct frame *f)
{
	const struct msg_id_block m = {.first = 1, .count = 1000};

	(void)arg;
	channel_send(f->from, id_block, ID_BLOCK, f->id, &m, -1);
	return true;
}

static inline bool on_submit(void *arg, struct frame *f)
{
	struct msg_submit m;

	(void)arg;
	assert_true(msg_get_submit(f->body, &m));
	t.submitted_bytes = m.size;
	if (m.given.n > 0)
		memcpy(t.given.bytes, m.given.p, SHA256_BYTES);
	assert_true(m.is_spooled || m.size == m.body.n);
	return note(f, m.account == 0 ? "submit" : "submit by ann", m.qid);
}

static inline bool on_unconfirmed(void *arg, struct frame *f)
{
	struct msg_unconfirmed m;

	(void)arg;
	assert_true(msg_get_unconfirmed(f->body, &m));
	return note(f, "unconfirmed", m.qid);
}

static inline bool on_spool_open(void *arg, struct frame *f)
{
	(void)arg;
	return note(f, "open", 0);
}

static inline bool on_spool_drop(void *arg, struct frame *f)
{
	(void)arg;
	return note(f, "drop", 0);
}

static const struct frame_handler peer_handlers[] = {
	{MSG_RCPT_CHECK, on_rcpt_check},
	{MSG_LOGIN, on_login},
	{MSG_SENDER_CHECK, on_sender_check},
	{MSG_IDS, on_ids},
	{MSG_SUBMIT, on_submit},
	{MSG_UNCONFIRMED, on_unconfirmed},
	{MSG_SPOOL_OPEN, on_spool_open},
	{MSG_SPOOL_DROP, on_spool_drop},
	{MSG_NONE, NULL},
};

static inline void on_lost(void *arg, struct channel *c)
{
	(void)arg;
	(void)c;
	fail_msg("a channel broke");
}

static inline struct channel *join(enum role role)
{
	struct channel_owner owner = {.handlers = role_front.handlers,
		.on_lost = on_lost, .arg = t.state};
	int fds[2];

	assert_true(channel_pair(fds));
	t.run.peers[role][0] = channel_new(t.run.loop, fds[0], ROLE_FRONT,
		role, 0, &owner);
	role_front.peer_up(t.state, role, 0);
	owner.handlers = peer_handlers;
	return channel_new(t.run.loop, fds[1], role, ROLE_FRONT, 0, &owner);
}

static inline void answer_rcpt(uint64_t question, enum rcpt_verdict verdict)
{
	const struct msg_rcpt_verdict m = {.verdict = (uint8_t)verdict,
		.route = ROUTE_LOCAL, .account = 1};

	channel_send(t.directory, rcpt_verdict, RCPT_VERDICT, question, &m,
		-1);
}

static inline void answer_sender(enum code result)
{
	const struct msg_sender_verdict m = {(uint8_t)result};

	channel_send(t.directory, sender_verdict, SENDER_VERDICT, t.question,
		&m, -1);
}

static inline void answer_submit(uint64_t question, enum code result, uint64_t qid)
{
	const struct msg_submitted m = {(uint8_t)result, qid};

	channel_send(t.queue, submitted, SUBMITTED, question, &m, -1);
}

/* ---- the frame of a test ---------------------------------------------------- */
static inline void on_limit(void *arg)
{
	(void)arg;
	loop_stop(t.run.loop);
}

/* Lets the loop turn for so long, but four times at least: on a machine that has
 * no time for us all that is on its way arrives nevertheless. */
static inline void run_for(int64_t ms)
{
	for (unsigned i = 0; i < 4; i++) {
		timer_arm(&t.limit, ms / 4);
		loop_run(t.run.loop);
	}
}

/* Against hanging for ever, in steps of run_for. */
#define STEPS_MAX 100000

/* The peers hear that, and nothing else. */
static inline void peers_hear(const char *want)
{
	for (size_t i = 0; i < STEPS_MAX && buf_len(&t.heard) < strlen(want);
		i++)
		run_for(1);
	run_for(30);
	buf_putc(&t.heard, '\0');
	assert_string_equal((const char *)buf_span(&t.heard).p, want);
	buf_reset(&t.heard);
}

/* The client says this; then the peers hear that. */
static inline void say(const char *bytes, const char *want)
{
	size_t n = strlen(bytes);

	assert_int_equal(send(t.client, bytes, n, 0), n);
	peers_hear(want);
}

/* Where the last line of a text begins. */
static const char *last_line(const char *text)
{
	const char *last = text;

	for (const char *at = text;
		(at = strchr(at, '\n')) != NULL && at[1] != '\0';)
		last = ++at;
	return last;
}

/* The last reply that the client hears begins so; "": it hears nothing. */
static inline void hear(const char *want)
{
	char text[4096] = "";
	size_t n = 0;

	run_for(30);
	for (size_t i = 0; i < STEPS_MAX; i++) {
		ssize_t got = recv(t.client, text + n, sizeof(text) - 1 - n,
			MSG_DONTWAIT);

		n += got > 0 ? (size_t)got : 0;
		text[n] = '\0';
		if (strncmp(last_line(text), want, strlen(want)) == 0)
			break;
		run_for(1);
	}
	if (strncmp(last_line(text), want, strlen(want)) != 0 ||
		(*want == '\0' && n > 0))
		fail_msg("heard \"%s\", not \"%s\"", text, want);
}

/* A certificate, and who is banned, without which the doors stay shut.  Nobody
 * signs here: the front would wait for itself. */
static inline void give_certificate(void)
{
	const struct span name = SPAN("mx.test");
	const struct msg_bans nobody = {.is_all = 1};
	struct msg_identity m = {.key = 0, .count = 1};
	struct buf key, chain;
	struct err e;

	buf_init(&key, 10000);
	buf_init(&chain, 10000);
	assert_int_equal(tls_make_self_signed(&name, 1, 1795000000, &key,
		&chain, &e), OK);
	m.chain = buf_span(&chain);
	channel_send(t.keys, identity, IDENTITY, 0, &m, -1);
	channel_send(t.directory, bans, BANS, 0, &nobody, -1);
	run_for(4);
	buf_clear(&key);
	buf_clear(&chain);
}

static inline void set_config(void)
{
	t.config = (struct config){
		.hostname = SPAN_INIT("mx.test"),
		.message_size_max = 1u << 20,
		.recipients_max = 10,
		.errors_max = 20,
		.received_max = 100,
		.connections_max = 10,
		.connections_per_address = 10,
		.login_plaintext = PLAINTEXT_ALWAYS,
	};
}

static inline void connect_client(enum service service)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	t.door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(t.door, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(t.door, 1), 0);
	assert_int_equal(getsockname(t.door, (struct sockaddr *)&at, &len), 0);
	role_front.listen(t.state, service, t.door);
	t.client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(t.client, (struct sockaddr *)&at, len), 0);
}

static inline void open_peers(void)
{
	struct err e;

	memset(&t, 0, sizeof(t));
	set_config();
	t.run.def = &role_front;
	t.run.loop = loop_new();
	t.run.config = &t.config;
	buf_init(&t.heard, 65536);
	timer_init(&t.limit, t.run.loop, on_limit, NULL);
	if (role_front.open(&t.run, &t.state, &e) != OK)
		fail_msg("%s", e.text);
	t.directory = join(ROLE_DIRECTORY);
	t.queue = join(ROLE_QUEUE);
	t.keys = join(ROLE_KEYS);
}

/* The client has heard the greeting. */
static inline void open_to(enum service service, const char *greeting)
{
	open_peers();
	connect_client(service);
	hear(""); /* nobody is let in yet */
	give_certificate();
	hear(greeting);
}

static inline void open_all(enum service service)
{
	open_to(service, "220 ");
	say("EHLO c.test\r\n", "");
	hear("250 ");
}

static inline int teardown(void **state)
{
	(void)state;
	channel_free(t.directory);
	channel_free(t.queue);
	channel_free(t.keys);
	channel_free(t.run.peers[ROLE_KEYS][0]);
	channel_free(t.run.peers[ROLE_DIRECTORY][0]);
	channel_free(t.run.peers[ROLE_QUEUE][0]);
	t.run.peers[ROLE_DIRECTORY][0] = t.run.peers[ROLE_QUEUE][0] =
		t.run.peers[ROLE_KEYS][0] = NULL;
	close(t.client);
	run_for(20);
	timer_clear(&t.limit);
	buf_clear(&t.heard);
	return 0;
}

/* MAIL and one good RCPT; size: what MAIL declares. */
static inline void begin_message(const char *mail)
{
	say(mail, "");
	hear("250 ");
	say("RCPT TO:<ann@here.test>\r\n", "rcpt 13\n");
	answer_rcpt(t.question, RCPT_OK);
	hear("250 ");
}

/* Reads to the end of the connection; how many bytes came, without an answer to
 * a command among them. */
static inline void expect_end(void)
{
	char text[4096];
	size_t n = 0;
	ssize_t got = -1;

	for (size_t i = 0; i < STEPS_MAX && got != 0; i++) {
		got = recv(t.client, text + n, sizeof(text) - 1 - n,
			MSG_DONTWAIT);
		n += got > 0 ? (size_t)got : 0;
		run_for(1);
	}
	text[n] = '\0';
	assert_int_equal(got, 0);
	assert_null(strstr(text, "250"));
	assert_null(strstr(text, "503"));
}

#endif
