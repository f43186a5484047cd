/*
 * driver.h - what the dialog player needs to know of an engine.
 *
 * One driver_NAME.c an engine defines dialog_driver; the player opens it anew
 * for each play, feeds it bytes, and takes its effects one at a time.
 */
#ifndef POSTRIDER_TESTS_DRIVER_H
#define POSTRIDER_TESTS_DRIVER_H

#include "base/buf.h"

enum driver_effect_type {
	DRIVER_SEND,     /* bytes for the other side */
	DRIVER_QUESTION, /* bytes: "rcpt ann@x"; nothing goes on until answer */
	DRIVER_BODY,     /* bytes of a message, checked by B: lines */
	DRIVER_EVENT,    /* bytes: "drop"; checked only by an E: line */
	DRIVER_CLOSE     /* the engine ends the connection */
};

struct driver_effect {
	enum driver_effect_type type;
	struct span bytes; /* valid until the next call of the driver */
};

struct driver {
	const char *name;
	/* The engine is the client: S: lines are fed and C: lines expected. */
	bool is_client;
	/* options: the O: lines, each "name value", count of them. */
	void *(*open)(const struct span *options, size_t count);
	void (*close)(void *engine);
	/* How many bytes were taken, as the engine's own feed. */
	size_t (*feed)(void *engine, struct span in, int64_t now_ms);
	bool (*next)(void *engine, struct driver_effect *out);
	/* False: the engine's question has no such answer. */
	bool (*answer)(void *engine, struct span question, struct span answer);
	/* Time passed, to now_ms, without bytes.  May be NULL. */
	void (*tick)(void *engine, int64_t now_ms);
	/* The other side has closed the connection.  May be NULL. */
	void (*lost)(void *engine);
	/* Writes one line for each row of the engine's tables that no play of
	 * this process has reached; returns their number.  May be NULL. */
	size_t (*put_unseen)(struct buf *out);
};

extern const struct driver dialog_driver;

/* For drivers: the first word of *s, which loses it and the blank after it. */
struct span driver_word(struct span *s);
/* For drivers: the code of a word ("ok", "not-found"); CODE_COUNT if none. */
enum code driver_code(struct span word);

#endif
