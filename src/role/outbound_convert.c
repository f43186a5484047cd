/*
 * outbound_convert.c - the body of a job in another form, for a server that
 * does not take it as it is.  See outbound_int.h; RFC 6152 3.
 *
 * Nothing of this runs for a server that takes the message.  Else the body is
 * read from its beginning four times: for its tree, for what is in it, for the
 * size of the result (which MAIL tells), and to be sent; whole or spooled, it is
 * never held twice.  The tree, which may be large, is gone before the sending
 * begins.
 *
 * Deliberate: the loop waits meanwhile, about a second for a gigabyte.
 */
#include <unistd.h>

#include "base/mem.h"
#include "message/downgrade.h"
#include "role/outbound_int.h"

#include "base/banned.h"

#define RAW_BYTES 16384
/* Of what a feed writes: a head at once, and 4 bytes for one. */
#define CONVERTED_BYTES (DOWNGRADE_HEAD_BYTES + 4 * RAW_BYTES)

struct conversion {
	struct arena arena;
	struct downgrade *downgrade;
	struct buf converted; /* not given out yet */
	uint64_t offset;      /* of the body that the job has */
	bool is_ended;
};

/* Shared, as nothing is kept in it over a call. */
static uint8_t raw[RAW_BYTES];

typedef void take_fn(struct conversion *cv, void *arg, struct span bytes);

/* The next bytes of the body; empty: it cannot be read. */
static struct span read_raw(const struct job *j, uint64_t offset)
{
	const struct smtp_client_message *m = &j->message;
	uint64_t left = j->body_bytes - offset;
	size_t want = left < sizeof(raw) ? (size_t)left : sizeof(raw);
	ssize_t n;

	if (!m->is_streamed)
		return span_head(span_tail(m->body, (size_t)offset), want);
	n = pread(j->fd, raw, want, (off_t)offset);
	return span_of(raw, n > 0 ? (size_t)n : 0);
}

/* All of it, piece by piece; false: it cannot be read. */
static bool walk(struct job *j, take_fn *take, void *arg)
{
	uint64_t offset = 0;

	while (offset < j->body_bytes) {
		struct span bytes = read_raw(j, offset);

		if (bytes.n == 0)
			return false;
		take(j->conversion, arg, bytes);
		offset += bytes.n;
	}
	return true;
}

static void parse(struct conversion *cv, void *arg, struct span bytes)
{
	(void)cv;
	mime_parser_feed(arg, bytes);
}

static void look(struct conversion *cv, void *arg, struct span bytes)
{
	(void)arg;
	downgrade_look(cv->downgrade, bytes);
}

static void measure(struct conversion *cv, void *arg, struct span bytes)
{
	uint64_t *size = arg;

	downgrade_feed(cv->downgrade, bytes, &cv->converted);
	*size += buf_len(&cv->converted);
	buf_reset(&cv->converted);
}

static enum code fail_reading(struct err *e)
{
	return err_set(e, TEMP, "the message cannot be read");
}

static enum code find_parts(struct job *j, bool allows_8bit, struct err *e)
{
	struct conversion *cv = j->conversion;
	struct mime_parser *parser;
	struct arena arena;
	bool is_read;

	arena_init(&arena, MIME_ARENA_BYTES);
	parser = mime_parser_new(&arena);
	is_read = walk(j, parse, parser);
	if (is_read)
		cv->downgrade = downgrade_new(&cv->arena,
			mime_parser_end(parser), allows_8bit);
	arena_clear(&arena);
	return is_read ? OK : fail_reading(e);
}

enum code outbound_convert_begin(struct job *j, bool allows_8bit,
	uint64_t *out_bytes, struct err *e)
{
	struct conversion *cv = MEM_NEW(struct conversion);
	enum code code;

	outbound_convert_end(j);
	j->conversion = cv;
	arena_init(&cv->arena, DOWNGRADE_ARENA_BYTES);
	buf_init(&cv->converted, CONVERTED_BYTES);
	code = find_parts(j, allows_8bit, e);
	if (code != OK)
		return code;
	if (!walk(j, look, NULL))
		return fail_reading(e);
	code = downgrade_decide(cv->downgrade, e);
	if (code != OK)
		return code;
	*out_bytes = 0;
	if (!walk(j, measure, out_bytes))
		return fail_reading(e);
	downgrade_end(cv->downgrade, &cv->converted);
	*out_bytes += buf_len(&cv->converted);
	buf_reset(&cv->converted);
	return OK;
}

bool outbound_convert_next(struct job *j, struct span *out, bool *out_is_last)
{
	struct conversion *cv = j->conversion;

	while (buf_len(&cv->converted) == 0 && cv->offset < j->body_bytes) {
		struct span bytes = read_raw(j, cv->offset);

		if (bytes.n == 0)
			return false;
		downgrade_feed(cv->downgrade, bytes, &cv->converted);
		cv->offset += bytes.n;
	}
	if (cv->offset == j->body_bytes && !cv->is_ended) {
		downgrade_end(cv->downgrade, &cv->converted);
		cv->is_ended = true;
	}
	*out = span_head(buf_span(&cv->converted), SMTP_CLIENT_PIECE_BYTES);
	*out_is_last = cv->is_ended && out->n == buf_len(&cv->converted);
	return true;
}

void outbound_convert_took(struct job *j, size_t bytes)
{
	buf_consume(&j->conversion->converted, bytes);
}

void outbound_convert_end(struct job *j)
{
	struct conversion *cv = j->conversion;

	if (cv == NULL)
		return;
	downgrade_clear(cv->downgrade);
	buf_clear(&cv->converted);
	arena_clear(&cv->arena);
	mem_free(cv);
	j->conversion = NULL;
}
