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
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mid.h"
#include "base/time.h"
#include "base/utf8.h"

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
	struct buf lines;
	struct buf line;
} logger = {.role = "postrider", .fd = STDERR_FILENO, .level = LOG_INFO,
	.lines = {.max = LOG_BUFFER_MAX}, .line = {.max = LOG_LINE_MAX}};

static const struct {
	enum log_level level;
	const char *name;
} events[LOG_EVENT_COUNT] = {
#define EVENT(name, level, text, fields, sentence) [name] = {LOG_##level, text},
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

void log_write(enum log_event event, const struct log_field *fields,
	size_t count)
{
	struct buf *line = &logger.line;

	if (!log_wants(event))
		return;
	buf_reset(line);
	buf_puts(line, "t=");
	time_put_rfc3339(line, time_wall_ms());
	buf_puts(line, " lvl=");
	buf_puts(line, level_words[events[event].level]);
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
		log_flush();
	buf_put(&logger.lines, buf_span(line));
	if (events[event].level == LOG_ERROR)
		log_flush();
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

void log_flush(void)
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
