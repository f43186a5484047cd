/*
 * log.c - one event, one line.  See log.h.
 *
 * The log is the one thing that is global to a process: it has no state but
 * where to write, and threading it through every call would teach nobody
 * anything.
 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log_limit.h"
#include "base/mid.h"
#include "base/network.h"
#include "base/time.h"
#include "base/utf8.h"

#include "base/banned.h"

#define LOG_LINE_MAX   4096  /* a longer value is cut: atomic on a pipe */
#define LOG_VALUE_MAX  1024
#define LOG_BUFFER_MAX 65536
/* So long we wait for whoever reads our log, once; then not until it does. */
#define LOG_WAIT_MS    200

static struct {
	const char *role;
	int fd;
	enum log_level level;
	bool may_block; /* a pipe, a terminal: not a file */
	bool is_stuck;  /* it took nothing the last time */
	bool is_limited; /* `limit` was used */
	struct buf lines;
	struct buf line;
	struct log_limit limit;
} logger = {.role = "postrider", .fd = STDERR_FILENO, .level = LOG_INFO,
	.lines = {.max = LOG_BUFFER_MAX}, .line = {.max = LOG_LINE_MAX}};

static const struct {
	enum log_level level;
	const char *name;
	const char *by; /* LIMITED; NULL: every line is written */
} events[LOG_EVENT_COUNT] = {
#define EVENT(name, level, text, fields, sentence)                             \
	[name] = {LOG_##level, text, NULL},
#define LIMITED(name, level, text, by, fields, sentence)                       \
	[name] = {LOG_##level, text, by},
#include "base/log_events.def"
#undef EVENT
};

static const char *const level_words[] = {"error", "warn", "info", "debug",
	"trace"};

void log_open(const char *role, int fd, enum log_level level)
{
	struct stat st;

	logger.may_block = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
	logger.is_stuck = false;
	logger.role = role;
	logger.fd = fd;
	logger.level = level;
	/* a process that was forked does not tell what its parent left out */
	if (logger.is_limited)
		memset(&logger.limit, 0, sizeof(logger.limit));
	logger.is_limited = false;
}

bool log_wants(enum log_event event)
{
	return events[event].level <= logger.level;
}

const char *log_level_word(enum log_level level)
{
	return level_words[level];
}

bool log_level_parse(struct span word, enum log_level *out)
{
	for (unsigned i = 0; i < sizeof(level_words) / sizeof(char *); i++) {
		if (span_eq(word, span_str(level_words[i]))) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static bool is_plain(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

/* Quoted, with \n \r \t \" \\ and \xNN; runs of UTF-8 stay as they are, but
 * for the C1 controls and the marks that turn the direction of writing. */
static void put_quoted(struct buf *out, struct span s)
{
	static const char hex[] = "0123456789abcdef";

	buf_putc(out, '"');
	while (s.n > 0) {
		size_t n = utf8_char_len(s);
		uint8_t c = s.p[0];
		bool is_hidden = n == 2 && c == 0xc2 && s.p[1] < 0xa0;

		is_hidden = is_hidden || (n == 3 && c == 0xe2 &&
			(s.p[1] == 0x80 || s.p[1] == 0x81));
		if (n > 1 && !is_hidden) {
			buf_put(out, span_head(s, n));
		} else if (n == 1 && c >= ' ' && c != 0x7f) {
			if (c == '"' || c == '\\')
				buf_putc(out, '\\');
			buf_putc(out, c);
		} else {
			uint8_t escape[4] = {'\\', 'x', (uint8_t)hex[c >> 4],
				(uint8_t)hex[c & 15]};

			n = 1;
			if (c == '\n' || c == '\r' || c == '\t') {
				escape[1] = c == '\n' ? 'n' : c == '\r' ? 'r'
									: 't';
				buf_put(out, span_of(escape, 2));
			} else {
				buf_put(out, span_of(escape, 4));
			}
		}
		s = span_tail(s, n);
	}
	buf_putc(out, '"');
}

static void put_value(struct buf *out, struct span s)
{
	s = span_head(s, LOG_VALUE_MAX);
	for (size_t i = 0; i < s.n; i++) {
		if (!is_plain(s.p[i])) {
			put_quoted(out, s);
			return;
		}
	}
	if (s.n == 0)
		buf_puts(out, "\"\"");
	buf_put(out, s);
}

static void put_field(struct buf *out, const struct log_field *f)
{
	struct mid mid;

	buf_putc(out, ' ');
	buf_puts(out, f->key);
	buf_putc(out, '=');
	switch (f->type) {
	case LOG_TYPE_SPAN:
		put_value(out, f->s);
		break;
	case LOG_TYPE_NUM:
		if (f->n < 0)
			buf_putc(out, '-');
		buf_put_u64(out, f->n < 0 ? -(uint64_t)f->n : (uint64_t)f->n);
		break;
	case LOG_TYPE_SID:
		buf_printf(out, "%llx", (unsigned long long)f->n);
		break;
	case LOG_TYPE_MID:
		mid = mid_of((uint64_t)f->n);
		buf_put(out, mid_span(&mid));
		break;
	default:
		unreachable();
	}
}

/* sid and mid stand before the event, so that one life is read in columns. */
static bool stands_first(const struct log_field *f)
{
	return f->type == LOG_TYPE_SID || f->type == LOG_TYPE_MID;
}

/* As many whole lines as fit into one atomic write. */
static size_t next_chunk(struct span lines)
{
	struct span chunk = span_head(lines, LOG_LINE_MAX);
	size_t last = span_find_last(chunk, '\n');

	return last == chunk.n ? chunk.n : last + 1;
}

/* False: who reads the log does not, and a write would stop us. */
static bool has_room(void)
{
	struct pollfd p = {.fd = logger.fd, .events = POLLOUT};

	if (!logger.may_block)
		return true;
	logger.is_stuck = poll(&p, 1, logger.is_stuck ? 0 : LOG_WAIT_MS) == 0;
	return !logger.is_stuck;
}

static void flush(void)
{
	while (buf_len(&logger.lines) > 0) {
		struct span lines = buf_span(&logger.lines);
		size_t chunk = next_chunk(lines);
		ssize_t n = has_room() ? write(logger.fd, lines.p, chunk) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		/* Deliberate: a log that takes nothing loses lines, not mail. */
		buf_consume(&logger.lines, n <= 0 ? chunk : (size_t)n);
	}
	buf_reset(&logger.lines);
}

static void write_line(enum log_level level, enum log_event event,
	const struct log_field *fields, size_t count)
{
	struct buf *line = &logger.line;

	buf_reset(line);
	buf_puts(line, "t=");
	time_put_rfc3339(line, time_wall_ms());
	buf_puts(line, " lvl=");
	buf_puts(line, level_words[level]);
	buf_puts(line, " role=");
	buf_puts(line, logger.role);
	for (size_t i = 0; i < count; i++)
		if (stands_first(&fields[i]))
			put_field(line, &fields[i]);
	buf_puts(line, " ev=");
	buf_puts(line, events[event].name);
	for (size_t i = 0; i < count; i++)
		if (!stands_first(&fields[i]))
			put_field(line, &fields[i]);
	if (buf_left(line) < 1)
		buf_truncate(line, LOG_LINE_MAX - 1);
	line->overflow = false;
	buf_putc(line, '\n');
	if (buf_left(&logger.lines) < buf_len(line))
		flush();
	buf_put(&logger.lines, buf_span(line));
	if (level == LOG_ERROR)
		flush();
}

/* ---- what is left out ------------------------------------------------------- */
static void tell_left_out(int64_t now_ms)
{
	struct log_limit_row row;

	while (log_limit_take(&logger.limit, now_ms, &row)) {
		const struct log_field fields[] = {
			LOG_STR("of", events[row.event].name),
			LOG_NUM("count", row.left_out),
			LOG_SPAN(events[row.event].by,
				span_of(row.who, row.who_bytes)),
		};

		write_line(events[row.event].level, EV_LOG_LIMITED, fields,
			row.who_bytes > 0 ? 3 : 2);
	}
}

/* The network of an address, as who has one of IPv6 has many. */
static struct span cause_of(const struct log_field *f,
	char room[NETWORK_TEXT_BYTES])
{
	struct network one, net;

	if (f->type == LOG_TYPE_NUM) {
		int n = snprintf(room, NETWORK_TEXT_BYTES, "%lld",
			(long long)f->n);

		return span_of((const uint8_t *)room, (size_t)n);
	}
	if (!network_parse(f->s, &one) || one.len == 4 ||
		!network_of(network_ip(&one), 64, &net))
		return f->s;
	return network_text(&net, room);
}

static bool may_write(enum log_event event, const struct log_field *fields,
	size_t count)
{
	const char *by = events[event].by;
	int64_t now_ms = time_mono_ms();
	char room[NETWORK_TEXT_BYTES];
	struct span who = SPAN_EMPTY;

	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i].key, by) == 0)
			who = cause_of(&fields[i], room);
	logger.is_limited = true;
	tell_left_out(now_ms);
	return log_limit_may(&logger.limit, event, who, now_ms);
}

int64_t log_due_mono_ms(void)
{
	return logger.limit.due_ms;
}

void log_write_always(enum log_event event, const struct log_field *fields,
	size_t count)
{
	if (log_wants(event))
		write_line(events[event].level, event, fields, count);
}

void log_write(enum log_event event, const struct log_field *fields,
	size_t count)
{
	if (!log_wants(event) ||
		(events[event].by != NULL && logger.level < LOG_DEBUG &&
			!may_write(event, fields, count)))
		return;
	write_line(events[event].level, event, fields, count);
}

void log_flush(void)
{
	if (logger.limit.due_ms != 0)
		tell_left_out(time_mono_ms());
	flush();
}

void log_end(void)
{
	tell_left_out(INT64_MAX);
	flush();
}
