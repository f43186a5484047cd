/*
 * fuzz_imap_sleep.c - any bytes as a session that slept (row I13): it is refused,
 * or it goes on and answers, and the store's invariants hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "imap/imap_sleep.h"
#include "store/store.h"

#define NOW_MS INT64_C(1700000000000)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static char folder[] = "/dev/shm/fuzz-sleep-XXXXXX";
static char path[64];

static void give_up(const struct err *e)
{
	(void)fprintf(stderr, "fuzz_imap_sleep: %s\n", e->text);
	abort();
}

static void deliver(struct store *s, uint64_t qid)
{
	struct span body = SPAN("Subject: x\r\n\r\nx\r\n");
	struct sha256 sum = sha256_of(body);
	struct store_delivery d = {.fd = -1, .qid = qid, .body = body,
		.size = body.n, .sha256 = sha256_span(&sum),
		.received_ms = NOW_MS};
	struct err e;
	uint64_t uid;

	if (store_delivery_begin(s, &e) != OK ||
		store_delivery_add(s, &d, &uid, &e) != OK ||
		store_delivery_commit(s, &e) != OK)
		give_up(&e);
}

/* One for all inputs: a session that only idles changes nothing. */
static struct store *the_store(void)
{
	static struct store *s;
	struct err e;

	if (s != NULL)
		return s;
	if (mkdtemp(folder) == NULL)
		abort();
	(void)snprintf(path, sizeof(path), "%s/mail.db", folder);
	if (store_open(path, 1, NOW_MS, &s, &e) != OK)
		give_up(&e);
	/* it lives on without its name */
	if (unlink(path) != 0 || rmdir(folder) != 0)
		(void)0;
	for (uint64_t qid = 1; qid <= 4; qid++)
		deliver(s, qid);
	return s;
}

static void take(struct imap_session *s)
{
	struct imap_session_effect e;

	do {
		while (imap_session_next(s, &e))
			;
	} while (imap_session_is_working(s));
}

static void say(struct imap_session *s, struct span line)
{
	take(s);
	(void)imap_session_feed(s, line, NOW_MS);
	take(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct imap_session_config config = {.store = the_store(),
		.append_max = 1000};
	struct imap_session *s;
	struct err e;

	if (imap_session_wake(&config, span_of(bytes, n), &s, &e) != OK)
		return 0;
	say(s, SPAN("DONE\r\n"));
	say(s, SPAN("a FETCH 1:* (UID FLAGS)\r\n"));
	say(s, SPAN("b FETCH $ UID\r\n"));
	say(s, SPAN("c IDLE\r\n"));
	if (imap_session_may_sleep(s)) {
		struct buf state;

		buf_init(&state, IMAP_SLEEP_BYTES);
		imap_session_sleep(s, &state);
		must(!state.overflow);
		buf_clear(&state);
	}
	imap_session_close(s);
	return 0;
}
