/*
 * log.h - one event, one logfmt line; events stand in log_events.def.
 *
 *	LOG(EV_SMTP_RCPT_REFUSED, LOG_SID(sid), LOG_SPAN("rcpt", rcpt),
 *		LOG_NUM("code", 550), LOG_STR("why", "unknown"));
 *	t=2026-11-22T15:27:39.123Z lvl=info role=front sid=7f3a01
 *	    ev=smtp.rcpt.refused rcpt=x@y code=550 why=unknown
 *
 * Values are escaped here, never by the caller: control bytes, quotes, and
 * bytes that are not UTF-8 cannot break or forge a line.  Nothing secret is
 * logged: no password, token or message text.
 *
 * Of events that others can cause at will only so many lines are written in a
 * minute, and then how many more there were (LIMITED in log_events.def).
 *
 * Lines gather in a buffer; log_flush writes them (the loop calls it once a
 * turn, errors at once).  A log that cannot be written never stops mail.
 */
#ifndef POSTRIDER_BASE_LOG_H
#define POSTRIDER_BASE_LOG_H

#include "base/span.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

enum log_event {
#define EVENT(name, level, text, fields, sentence) name,
#include "base/log_events.def"
#undef EVENT
	LOG_EVENT_COUNT
};

enum log_type { LOG_TYPE_SPAN, LOG_TYPE_NUM, LOG_TYPE_SID, LOG_TYPE_MID };

struct log_field {
	const char *key;
	enum log_type type;
	struct span s;
	int64_t n;
};

#define LOG_SPAN(key, s)  ((struct log_field){(key), LOG_TYPE_SPAN, (s), 0})
#define LOG_STR(key, str) LOG_SPAN((key), span_str(str))
#define LOG_NUM(key, n)                                                        \
	((struct log_field){(key), LOG_TYPE_NUM, SPAN_EMPTY, (int64_t)(n)})
/* The session's number, in hexadecimal; the message's, as mid.h writes it. */
#define LOG_SID(n)                                                             \
	((struct log_field){"sid", LOG_TYPE_SID, SPAN_EMPTY, (int64_t)(n)})
#define LOG_MID(n)                                                             \
	((struct log_field){"mid", LOG_TYPE_MID, SPAN_EMPTY, (int64_t)(n)})

#define LOG(event, ...)                                                        \
	log_write((event), (const struct log_field[]){__VA_ARGS__},            \
		sizeof((const struct log_field[]){__VA_ARGS__}) /              \
			sizeof(struct log_field))

/* The same where no limit of the event holds. */
#define LOG_ALWAYS(event, ...)                                                 \
	log_write_always((event), (const struct log_field[]){__VA_ARGS__},     \
		sizeof((const struct log_field[]){__VA_ARGS__}) /              \
			sizeof(struct log_field))

/* role: the "role=" of every line, kept by pointer.  fd: where lines go, not
 * owned.  level: the chattiest that is written. */
void log_open(const char *role, int fd, enum log_level level);
/* False if such an event would not be written: saves the work before it. */
bool log_wants(enum log_event event);
void log_write(enum log_event event, const struct log_field *fields,
	size_t count);
void log_write_always(enum log_event event, const struct log_field *fields,
	size_t count);
void log_flush(void);
/* The same, and what was left out so far is told: before the process ends. */
void log_end(void);
/* When log_flush has something to tell again that was left out, by the monotonic
 * clock; 0: nothing. */
int64_t log_due_mono_ms(void);

/* From and to the words of the configuration; false if there is none. */
bool log_level_parse(struct span word, enum log_level *out);
const char *log_level_word(enum log_level level);

#endif
