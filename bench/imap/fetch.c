/*
 * fetch.c - one command of an IMAP session again and again, without sockets.
 * usage: bench_fetch FILE ACCOUNT COMMAND [TURNS]
 *
 * FILE is an account's mail.db, which no server has open.  Prints the CPU of the
 * best turn and the bytes of an answer; under valgrind --tool=callgrind it counts
 * instructions, which no neighbour changes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "imap/imap_session.h"
#include "store/store.h"

static double cpu_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static size_t drain(struct imap_session *s)
{
	struct imap_session_effect effect;
	size_t bytes = 0;

	while (imap_session_next(s, &effect))
		if (effect.type == IMAP_SESSION_SEND)
			bytes += effect.bytes.n;
	return bytes;
}

/* All of the line is taken before the answer is complete. */
static size_t run(struct imap_session *s, const char *command)
{
	struct buf line;
	size_t bytes;

	buf_init(&line, 65536);
	buf_printf(&line, "a %s\r\n", command);
	(void)imap_session_feed(s, buf_span(&line), 1700000000000);
	bytes = drain(s);
	buf_clear(&line);
	return bytes;
}

int main(int argc, char **argv)
{
	struct imap_session_config config = {.tag = span_str("a"),
		.append_max = 1u << 20};
	struct imap_session *s;
	struct err e;
	double best = 1e9;
	size_t bytes = 0;
	int turns;

	if (argc < 4)
		return 64;
	turns = argc > 4 ? atoi(argv[4]) : 9;
	if (store_open(argv[1], strtoull(argv[2], NULL, 10), 1700000000000,
		    &config.store, &e) != OK) {
		(void)fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	s = imap_session_open(&config);
	(void)run(s, "EXAMINE INBOX");
	for (int i = 0; i < turns; i++) {
		double before = cpu_ms(), took;

		bytes = run(s, argv[3]);
		took = cpu_ms() - before;
		best = took < best ? took : best;
	}
	printf("%s: %.2f ms, %zu bytes\n", argv[3], best, bytes);
	imap_session_close(s);
	store_close(config.store);
	return 0;
}
