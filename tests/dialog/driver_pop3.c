/*
 * driver_pop3.c - plays dialogues on both POP3 engines, as a client sees them:
 * the login of front, then the session over a store in a temporary folder.
 *
 * O: drop NAME chooses what is in the maildrop (see drops below).  After each
 * play the store is counted: only what QUIT deleted is gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "driver.h"
#include "login.h"
#include "pop3/pop3.h"
#include "pop3/pop3_login.h"
#include "store/store.h"

#include "base/banned.h"

#define DROP_MESSAGES 3

/* What is in the maildrop; the live tests deliver the same by SMTP. */
static const struct drop {
	const char *name;
	const char *bodies[DROP_MESSAGES];
} drops[] = {
	{"two", {"Subject: one\r\n\r\nHello Bob\r\nsecond line\r\n",
			"Subject: two\r\n\r\nDo you like ketchup?\r\n"}},
	{"empty", {NULL}},
	{"dots", {".hidden: no\r\n\r\n.\r\n..\r\n...x\r\nx.\r\n.\r\n",
			"Subject: no end\r\n\r\nno end of line",
			"Subject: bare\n\n.\nLF\n"}},
	{"header", {"Subject: only a header\r\n",
			"Subject: empty\r\n\r\n", ""}},
};
#define DROP_COUNT (sizeof(drops) / sizeof(drops[0]))

/* The stores are kept from play to play: to make one costs more than to play. */
static struct maildrop {
	struct store *store;
	size_t count;
	uint64_t next_qid;
} maildrops[DROP_COUNT];

struct engine {
	struct arena arena;
	struct pop3_login_config config;
	struct pop3_login *login;
	struct pop3 *session; /* NULL: not logged in */
	struct maildrop *drop;
	const struct drop *filling;
	struct buf text;
	bool asks_attach;
	bool is_closed;
};

/* ---- the store ---------------------------------------------------------------- */
static void give_up(const struct err *e)
{
	(void)fprintf(stderr, "driver_pop3: %s\n", e->text);
	exit(70);
}

static char folder[64];
static void remove_folder(void)
{
	char path[160];

	for (size_t i = 0; i < DROP_COUNT; i++) {
		store_close(maildrops[i].store);
		(void)snprintf(path, sizeof(path), "%s/%zu.db", folder, i);
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), "%s/%zu.db-wal", folder, i);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

static void make_folder(void)
{
	struct stat st;
	bool has_shm = stat("/dev/shm", &st) == 0;

	(void)snprintf(folder, sizeof(folder), "%s/postrider-dialog-XXXXXX",
		has_shm ? "/dev/shm" : "/tmp");
	if (mkdtemp(folder) == NULL)
		exit(70);
	(void)atexit(remove_folder);
}

static size_t count_messages(struct store *s)
{
	struct store_list l;
	struct err e;
	size_t n;

	if (store_message_list(s, store_inbox(s), &l, &e) != OK)
		give_up(&e);
	n = l.count;
	store_list_clear(&l);
	return n;
}

static void deliver(struct maildrop *d, const char *text)
{
	struct span body = span_str(text);
	struct sha256 sum = sha256_of(body);
	struct store_delivery delivery = {
		.qid = ++d->next_qid,
		.reverse_path = SPAN("alice@crepes.fr"),
		.trace = SPAN("Received: by mx.test\r\n"),
		.body = body,
		.fd = -1,
		.size = body.n,
		.sha256 = sha256_span(&sum),
	};
	struct err e;
	uint64_t uid;

	if (store_delivery_add(d->store, &delivery, &uid, &e) != OK)
		give_up(&e);
}

static void empty(struct maildrop *d)
{
	struct store_list l;
	struct err e;

	if (store_message_list(d->store, store_inbox(d->store), &l, &e) != OK)
		give_up(&e);
	for (size_t i = 0; i < l.count; i++)
		if (store_messages_expunge(d->store, store_inbox(d->store),
			    &l.items[i].uid, 1, &e) != OK)
			give_up(&e);
	store_list_clear(&l);
}

static void fill(struct maildrop *d, const struct drop *with)
{
	struct err e;

	if (store_delivery_begin(d->store, &e) != OK)
		give_up(&e);
	d->count = 0;
	for (size_t i = 0; i < DROP_MESSAGES && with->bodies[i] != NULL; i++) {
		deliver(d, with->bodies[i]);
		d->count++;
	}
	if (store_delivery_commit(d->store, &e) != OK)
		give_up(&e);
}

/* The maildrop as it is at the beginning of each play. */
static struct maildrop *maildrop_of(const struct drop *with)
{
	struct maildrop *d = &maildrops[with - drops];
	char path[160];
	struct err e;

	if (folder[0] == '\0')
		make_folder();
	if (d->store == NULL) {
		(void)snprintf(path, sizeof(path), "%s/%td.db", folder,
			with - drops);
		if (store_open(path, 1, 1700000000000, &d->store, &e) != OK)
			give_up(&e);
		fill(d, with);
	} else if (count_messages(d->store) != d->count) {
		empty(d);
		fill(d, with);
	}
	return d;
}

/* ---- open and close ------------------------------------------------------------- */
static void close_engine(void *engine)
{
	struct engine *e = engine;
	uint64_t deleted = 0;

	if (e->session != NULL)
		deleted = pop3_counts(e->session).deleted;
	pop3_close(e->session);
	if (e->login != NULL)
		pop3_login_close(e->login);
	if (e->drop != NULL)
		must(count_messages(e->drop->store) + deleted == e->drop->count);
	arena_clear(&e->arena);
	buf_clear(&e->text);
	mem_free(e);
}

static bool take_option(struct engine *e, struct span option)
{
	struct span name = driver_word(&option);

	if (span_eq(name, SPAN("no_login")))
		e->config.login.may_plain = false;
	else if (span_eq(name, SPAN("tls")))
		e->config.has_tls = true;
	else if (span_eq(name, SPAN("attach")))
		e->asks_attach = true;
	else if (span_eq(name, SPAN("errors_max")))
		return num_parse_u32(option, UINT32_MAX,
			&e->config.errors_max);
	else if (!span_eq(name, SPAN("drop")))
		return span_eq(name, SPAN("engine"));
	for (size_t i = 0; i < DROP_COUNT; i++)
		if (span_eq(option, span_str(drops[i].name)))
			e->filling = &drops[i];
	return true;
}

static void *open_engine(const struct span *options, size_t count)
{
	struct engine *e = MEM_NEW(struct engine);

	arena_init(&e->arena, POP3_LOGIN_ARENA_BYTES);
	buf_init(&e->text, 1 << 20);
	e->config = (struct pop3_login_config){.hostname = SPAN("mx.test"),
		.errors_max = 10, .login = {.may_plain = true}};
	e->filling = &drops[0];
	for (size_t i = 0; i < count; i++) {
		if (take_option(e, options[i]))
			continue;
		close_engine(e);
		return NULL;
	}
	e->drop = maildrop_of(e->filling);
	e->login = pop3_login_open(&e->arena, &e->config);
	return e;
}

/* ---- the engines --------------------------------------------------------------- */
static size_t feed(void *engine, struct span in, int64_t now_ms)
{
	struct engine *e = engine;

	(void)now_ms;
	return e->session != NULL ? pop3_feed(e->session, in)
				  : pop3_login_feed(e->login, in);
}

static void attach(struct engine *e)
{
	struct err why;

	if (pop3_open(e->drop->store, &e->session, &why) != OK)
		give_up(&why);
}

static bool next_of_session(struct engine *e, struct driver_effect *out)
{
	static const enum driver_effect_type types[] = {
		[POP3_SEND] = DRIVER_SEND,
		[POP3_TROUBLE] = DRIVER_EVENT,
		[POP3_CLOSE] = DRIVER_CLOSE,
	};
	struct pop3_effect effect;

	if (!pop3_next(e->session, &effect))
		return false;
	must(!e->is_closed);
	e->is_closed = effect.type == POP3_CLOSE;
	*out = (struct driver_effect){types[effect.type], effect.bytes};
	return true;
}

static bool next(void *engine, struct driver_effect *out)
{
	struct engine *e = engine;
	struct pop3_login_effect effect;

	if (e->session != NULL)
		return next_of_session(e, out);
	if (!pop3_login_next(e->login, &effect))
		return false;
	must(!e->is_closed);
	buf_reset(&e->text);
	switch (effect.type) {
	case POP3_LOGIN_SEND:
		*out = (struct driver_effect){DRIVER_SEND, effect.bytes};
		return true;
	case POP3_LOGIN_ASK:
		login_put_question(&e->text, effect.question);
		*out = (struct driver_effect){DRIVER_QUESTION,
			buf_span(&e->text)};
		return true;
	case POP3_LOGIN_ASK_TLS:
		*out = (struct driver_effect){DRIVER_QUESTION, SPAN("tls")};
		return true;
	case POP3_LOGIN_START_TLS:
		e->config.login = (struct sasl_config){.may_plain = true,
			.binding = SPAN("0123456789abcdef0123456789abcdef")};
		pop3_login_secured(e->login, &e->config.login);
		*out = (struct driver_effect){DRIVER_EVENT, SPAN("tls")};
		return true;
	case POP3_LOGIN_HANDOVER:
		if (e->asks_attach) {
			*out = (struct driver_effect){DRIVER_QUESTION,
				SPAN("attach")};
			return true;
		}
		attach(e);
		return next_of_session(e, out);
	case POP3_LOGIN_CLOSE:
		e->is_closed = true;
		*out = (struct driver_effect){DRIVER_CLOSE, effect.why};
		return true;
	}
	unreachable();
}

static bool answer(void *engine, struct span question, struct span answer)
{
	struct engine *e = engine;
	struct login_answer login;
	enum code verdict;

	if (login_is_question(question)) {
		if (!login_read_answer(question, answer, &login))
			return false;
		pop3_login_answer(e->login, &login.answer);
		return true;
	}
	verdict = driver_code(driver_word(&answer));
	if (verdict == CODE_COUNT)
		return false;
	if (span_eq(question, SPAN("tls")))
		pop3_login_tls_answer(e->login, verdict);
	else if (verdict == OK)
		attach(e);
	else
		pop3_login_failed(e->login, verdict);
	return true;
}

const struct driver dialog_driver = {
	.name = "pop3",
	.open = open_engine,
	.close = close_engine,
	.feed = feed,
	.next = next,
	.answer = answer,
};
