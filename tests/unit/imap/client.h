/*
 * client.h - what tests of the session share: a client of a store, and what it
 * heard.
 */
#ifndef TESTS_UNIT_IMAP_CLIENT_H
#define TESTS_UNIT_IMAP_CLIENT_H

#include "unit/store/fixture.h"

#include "base/mem.h"
#include "imap/imap_session.h"

#define NOW_MS INT64_C(1700000000000)

struct client {
	struct imap_session *session;
	struct buf got;
	size_t largest; /* SEND */
	bool is_closed;
	unsigned trouble;
};

static inline int set_up(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);

	fixture_path(f);
	fixture_open(f);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	fixture_remove(*state);
	mem_free(*state);
	return 0;
}

/* One effect; false: there is none. */
static inline bool take_one(struct client *c)
{
	struct imap_session_effect e;

	if (!imap_session_next(c->session, &e))
		return false;
	assert_false(c->is_closed);
	if (e.type == IMAP_SESSION_SEND) {
		buf_put(&c->got, e.bytes);
		if (e.bytes.n > c->largest)
			c->largest = e.bytes.n;
	} else if (e.type == IMAP_SESSION_TROUBLE) {
		c->trouble++;
	} else if (e.type != IMAP_SESSION_COMPRESS) {
		c->is_closed = true;
	}
	return true;
}

static inline void take(struct client *c)
{
	do {
		while (take_one(c))
			;
	} while (imap_session_is_working(c->session));
}

static inline void begin(struct client *c, struct fixture *f)
{
	const struct imap_session_config config = {.store = f->store,
		.tag = SPAN("a0"), .append_max = 1 << 20};

	memset(c, 0, sizeof(*c));
	buf_init(&c->got, 64 << 20);
	c->session = imap_session_open(&config);
	take(c);
}

static inline void finish(struct client *c)
{
	imap_session_close(c->session);
	buf_clear(&c->got);
}

static inline size_t feed(struct client *c, const char *line)
{
	char text[400];
	int n = snprintf(text, sizeof(text), "%s\r\n", line);

	buf_reset(&c->got);
	c->largest = 0;
	return imap_session_feed(c->session, span_of(text, (size_t)n), NOW_MS);
}

static inline struct span say(struct client *c, const char *line)
{
	(void)feed(c, line);
	take(c);
	return buf_span(&c->got);
}

static inline bool has(const struct client *c, const char *text)
{
	struct span got = buf_span(&c->got);

	return span_find_span(got, span_str(text)) < got.n;
}

#endif
