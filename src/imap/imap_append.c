/*
 * imap_append.c - APPEND: a message, or more, from the client; REPLACE: one for
 * another.  RFC 9051 6.3.12, RFC 3502 (MULTIAPPEND), RFC 4315 3 (APPENDUID),
 * RFC 7889 (APPENDLIMIT and its TOOBIG), RFC 6855 4 (UTF8), RFC 8508 (REPLACE),
 * RFC 4469 (CATENATE)
 *
 *	append  = "APPEND" SP mailbox 1*message
 *	replace = "REPLACE" SP number SP mailbox message
 *	message = SP ["(" flags ")" SP] [date-time SP] data
 *	data    = literal / "UTF8" SP "(" literal8 ")"
 *	        / "CATENATE" SP "(" part *(SP part) ")"
 *
 *	MESSAGE --literal--> MESSAGE_CLOSE --> MESSAGE --> … --> the end
 *	   '-- CATENATE ( --> PART --> [PART_CLOSE] --> PART_OR_CLOSE -->'
 *
 * The bytes go into the store's upload as they come and are never held whole.
 * All is checked before the client is told to send: the mailbox, the size,
 * the quota.  Nothing is stored before the command is complete.  The text
 * between two literals is gone when the bytes come, so it is read up to there,
 * and `place` says what follows.  A literal that is a name or a URL is kept in
 * the text, and reading goes on before it.
 *
 * Deliberate: bytes above 127 in the head are taken from all clients, though
 * RFC 6855 4 wants NO for those that did not enable UTF8=ACCEPT: programs that
 * copy mailboxes copy the mail that there is.
 */
#include "base/mem.h"
#include "base/size.h"
#include "imap/imap_append.h"
#include "imap/imap_flags.h"

#include "base/banned.h"

struct imap_append *imap_append_new(struct imap_session *s)
{
	struct imap_append *a = MEM_NEW(struct imap_append);

	arena_init(&a->arena, IMAP_APPEND_ARENA_BYTES);
	a->tag = arena_dup(&a->arena, buf_span(&s->tag));
	return a;
}

void imap_append_free(struct imap_append *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->count; i++)
		store_upload_free(a->items[i].upload);
	arena_clear(&a->arena);
	mem_free(a);
}

void imap_append_clear(struct imap_session *s)
{
	imap_append_free(s->append);
	s->append = NULL;
}

struct store_append *imap_append_room(struct imap_append *a)
{
	struct store_append *more;

	if (a->count < a->room)
		return &a->items[a->count];
	a->room = a->room == 0 ? 1 : IMAP_APPEND_MESSAGES_MAX;
	more = arena_alloc(&a->arena, a->room, sizeof(*more));
	for (size_t i = 0; i < a->count; i++)
		more[i] = a->items[i];
	a->items = more;
	return &a->items[a->count];
}

/* ---- reading ------------------------------------------------------------------------ */
/* The text is gone when the bytes come, and the commit may be later. */
static void keep_flags(struct imap_append *a, const struct imap_flags *flags,
	struct store_append *out)
{
	struct span *keywords = NULL;

	if (flags->count > 0)
		keywords = arena_alloc(&a->arena, flags->count,
			sizeof(*keywords));
	for (size_t i = 0; i < flags->count; i++)
		keywords[i] = arena_dup(&a->arena, flags->keywords[i]);
	out->flags = flags->bits;
	out->keywords = keywords;
	out->keyword_count = flags->count;
}

/* What stands before the bytes. */
static bool read_head(struct imap_session *s, struct imap_reader *r,
	struct store_append *out)
{
	struct imap_flags flags = {0};

	out->received_ms = s->now_ms;
	if (!imap_read_sp(r))
		return false;
	if (imap_next(r) == '(' &&
		(!imap_read_flags(r, &flags) || !imap_read_sp(r)))
		return false;
	if (imap_next(r) == '"' &&
		(!imap_read_date_time(r, &out->received_ms) ||
			!imap_read_sp(r)))
		return false;
	keep_flags(s->append, &flags, out);
	return true;
}

/* Does the text end here, in a literal that is about to come, however large?
 * NULL: none is. */
static bool is_announced(const struct imap_reader *r,
	const struct imap_literal *literal)
{
	struct imap_reader probe = *r;

	(void)imap_skip(&probe, SPAN("~"));
	if (literal == NULL || !imap_skip(&probe, SPAN("{")))
		return false;
	while (ascii_is_digit(imap_next(&probe)))
		probe.at++;
	(void)imap_skip(&probe, SPAN("+"));
	return imap_skip(&probe, SPAN("}\r\n")) && imap_is_end(&probe);
}

/* The message that goes: a number or a uid, as it is at this moment.  Nothing is
 * told before the command is complete, so the numbers stay. */
static bool read_replaced(struct imap_session *s, struct imap_reader *r,
	uint32_t *out_number)
{
	if (!imap_read_sp(r) || !imap_read_nz_number(r, out_number))
		return false;
	return s->call.is_uid ||
		*out_number <= store_cursor_count(&s->cursor) ||
		imap_read_fails(r, "there is no message of that number");
}

/* False: NO was said. */
static bool find_replaced(struct imap_session *s, uint32_t number,
	uint32_t *out_uid)
{
	const struct store_row *row = NULL;

	if (s->is_read_only) {
		imap_no(s, "[NOPERM] the mailbox was opened to be looked at");
		return false;
	}
	*out_uid = number;
	if (s->call.is_uid)
		row = store_view_row(s->cursor.view, number);
	else
		store_cursor_at(&s->cursor, number, out_uid, &row);
	if (row == NULL)
		imap_no(s, s->call.is_uid
			? "there is no message of that uid"
			: "[EXPUNGEISSUED] the message is gone");
	return row != NULL;
}

/* How far the reading of a text came. */
enum reading {
	READ_ON,     /* there is more in it */
	READ_KEEP,   /* the literal belongs into the text */
	READ_STREAM, /* its bytes are of a message */
	READ_END,    /* the command is complete */
	READ_FAILED  /* s->final says why */
};

static enum reading fail(struct imap_session *s, const char *why)
{
	imap_bad(s, why);
	return READ_FAILED;
}

/* Up to the mailbox. */
static enum reading read_begin(struct imap_session *s, struct imap_reader *r,
	const struct imap_literal *literal)
{
	bool is_replace = s->call.verb == IMAP_REPLACE;
	uint32_t number = 0, replaced = 0;
	struct imap_mailbox_name name;
	const struct store_mailbox *m;

	r->at = s->call.len;
	if (is_replace && s->is_uidonly && !s->call.is_uid)
		return fail(s, IMAP_UID_REQUIRED);
	if (is_replace && !read_replaced(s, r, &number))
		return fail(s, r->why);
	if (imap_is_end(r))
		return fail(s, is_replace ? "REPLACE needs a literal"
					  : "APPEND needs a literal");
	if (!imap_read_sp(r))
		return fail(s, r->why);
	if (is_announced(r, literal))
		return READ_KEEP;
	if (!imap_read_mailbox(r, &name))
		return fail(s, r->why);
	if (is_replace && !find_replaced(s, number, &replaced))
		return READ_FAILED;
	m = imap_find_mailbox(s, &name, "TRYCREATE");
	if (m == NULL)
		return READ_FAILED;
	s->append = imap_append_new(s);
	s->append->mailbox = m->id;
	s->append->replaced = replaced;
	return READ_ON;
}

void imap_append_too_big(struct imap_session *s, uint64_t size)
{
	struct buf text;

	buf_init(&text, 256);
	buf_puts(&text, "[TOOBIG] the message is ");
	size_put_over(&text, size, s->append_max);
	buf_putc(&text, '\0');
	imap_no(s, (const char *)buf_span(&text).p);
	buf_clear(&text);
}

/* A message begins, of so many bytes at least. */
static enum reading begin_upload(struct imap_session *s,
	struct store_append *item, uint64_t size)
{
	struct imap_append *a = s->append;
	struct err e;
	enum code code = a->replaced != 0
		? store_upload_begin_instead(s->cursor.view, a->replaced, size,
			  &item->upload, &e)
		: store_upload_begin(s->store, size, &item->upload, &e);

	if (code == OK && !imap_append_is_within_quota(s, size)) {
		store_upload_free(item->upload);
		code = err_set(&e, FULL, "the mailbox is full");
	}
	if (code != OK) {
		imap_no_code(s, code, &e);
		return READ_FAILED;
	}
	a->count++;
	a->size = size;
	a->bytes += size;
	return READ_ON;
}

/* The bytes of a message as one literal. */
static enum reading begin_literal(struct imap_session *s,
	struct imap_reader *r, struct store_append *item,
	const struct imap_literal *literal)
{
	struct imap_append *a = s->append;

	a->place = imap_skip(r, SPAN("UTF8 (")) ? IMAP_APPEND_MESSAGE_CLOSE
						: IMAP_APPEND_MESSAGE;
	if (!is_announced(r, literal))
		return fail(s, s->call.verb == IMAP_REPLACE
				? "REPLACE needs a literal"
				: "APPEND needs a literal");
	if (literal->size == 0) {
		/* as clients cancel one of many: RFC 3502 6.3.11 */
		imap_no(s, "a message has at least one byte");
		return READ_FAILED;
	}
	if (literal->size > s->append_max) {
		imap_append_too_big(s, literal->size);
		return READ_FAILED;
	}
	return begin_upload(s, item, literal->size) == READ_ON
		? READ_STREAM : READ_FAILED;
}

static enum reading read_message(struct imap_session *s,
	struct imap_reader *r, const struct imap_literal *literal)
{
	struct imap_append *a = s->append;
	struct store_append *item;

	if (a->count > 0 && imap_is_end(r))
		return READ_END;
	if (a->count == IMAP_APPEND_MESSAGES_MAX) {
		imap_no(s, "[LIMIT] too many messages in one command: "
			"send the rest in another");
		return READ_FAILED;
	}
	if (a->replaced != 0 && a->count > 0)
		return fail(s, "REPLACE is of one message");
	if (imap_is_end(r))
		return fail(s, s->call.verb == IMAP_REPLACE
				? "REPLACE needs a literal"
				: "APPEND needs a literal");
	item = imap_append_room(a);
	if (!read_head(s, r, item))
		return fail(s, r->why);
	if (!imap_skip(r, SPAN("CATENATE (")))
		return begin_literal(s, r, item, literal);
	a->place = IMAP_APPEND_PART;
	return begin_upload(s, item, 0);
}

static enum reading read_message_close(struct imap_session *s,
	struct imap_reader *r, const struct imap_literal *literal)
{
	(void)literal;
	s->append->place = IMAP_APPEND_MESSAGE;
	return imap_read_byte(r, ')') ? READ_ON : fail(s, r->why);
}

/* ---- CATENATE ------------------------------------------------------------------------ */
static enum reading read_url(struct imap_session *s, struct imap_reader *r)
{
	struct span url;

	s->append->place = IMAP_APPEND_PART_OR_CLOSE;
	if (!imap_read_astring(r, &url))
		return fail(s, r->why);
	return imap_append_url(s, url) ? READ_ON : READ_FAILED;
}

static enum reading read_part(struct imap_session *s, struct imap_reader *r,
	const struct imap_literal *literal)
{
	struct imap_append *a = s->append;
	size_t start = r->at;

	if (imap_skip(r, SPAN("URL "))) {
		if (!is_announced(r, literal))
			return imap_append_may_have_part(s) ? read_url(s, r)
							    : READ_FAILED;
		r->at = start;
		return READ_KEEP;
	}
	a->place = IMAP_APPEND_PART_OR_CLOSE;
	if (imap_skip(r, SPAN("UTF8 (")))
		a->place = IMAP_APPEND_PART_CLOSE;
	else if (!imap_skip(r, SPAN("TEXT ")))
		return fail(s, "TEXT or URL is expected here");
	if (!is_announced(r, literal))
		return fail(s, "a literal is missing");
	return imap_append_may_have_part(s) && imap_append_grow(s, literal->size)
		? READ_STREAM : READ_FAILED;
}

static enum reading read_part_close(struct imap_session *s,
	struct imap_reader *r, const struct imap_literal *literal)
{
	(void)literal;
	s->append->place = IMAP_APPEND_PART_OR_CLOSE;
	return imap_read_byte(r, ')') ? READ_ON : fail(s, r->why);
}

static enum reading read_part_or_close(struct imap_session *s,
	struct imap_reader *r, const struct imap_literal *literal)
{
	struct imap_append *a = s->append;

	(void)literal;
	if (!imap_skip(r, SPAN(")"))) {
		a->place = IMAP_APPEND_PART;
		return imap_read_sp(r) ? READ_ON : fail(s, r->why);
	}
	a->place = IMAP_APPEND_MESSAGE;
	if (a->size > 0)
		return READ_ON;
	imap_no(s, "a message has at least one byte");
	return READ_FAILED;
}

/* ---- the face --------------------------------------------------------------------------- */
typedef enum reading read_fn(struct imap_session *s, struct imap_reader *r,
	const struct imap_literal *literal);

/* Reads the text as far as it goes; literal: at its end, or NULL. */
static enum reading read_on(struct imap_session *s, struct span text,
	const struct imap_literal *literal)
{
	static read_fn *const places[] = {
		[IMAP_APPEND_MESSAGE] = read_message,
		[IMAP_APPEND_MESSAGE_CLOSE] = read_message_close,
		[IMAP_APPEND_PART] = read_part,
		[IMAP_APPEND_PART_CLOSE] = read_part_close,
		[IMAP_APPEND_PART_OR_CLOSE] = read_part_or_close,
	};
	struct imap_reader *r = &s->reader;
	enum reading got = READ_ON;

	arena_reset(&s->arena);
	imap_reader_init(r, text, &s->arena);
	r->is_utf8 = s->is_utf8;
	r->depth_max = IMAP_DEPTH_MAX;
	if (s->append != NULL)
		r->at = s->append->at;
	else
		got = read_begin(s, r, literal);
	while (got == READ_ON)
		got = places[s->append->place](s, r, literal);
	if (s->append != NULL)
		s->append->at = got == READ_STREAM ? 0 : r->at;
	if (got == READ_FAILED)
		imap_append_clear(s);
	return got;
}

/* The client waits; what is owed to it comes first. */
static void say_go_on(struct imap_session *s, const char *line)
{
	if (s->gather.count > 0) {
		buf_puts(&s->final, line);
		imap_gather_say(s);
	} else {
		buf_puts(&s->out, line);
		buf_puts(&s->out, "\r\n");
	}
}

void imap_append_literal(struct imap_session *s,
	const struct imap_line_got *got)
{
	enum reading reading = read_on(s, got->text, &got->literal);

	if (reading == READ_KEEP && !imap_line_may_keep(&s->line)) {
		imap_no(s, "[TOOBIG] a literal is longer than allowed here");
		imap_append_clear(s);
		return;
	}
	if (reading == READ_KEEP)
		imap_line_keep(&s->line);
	else if (reading == READ_STREAM)
		imap_line_stream(&s->line);
	else
		return;
	if (got->literal.is_waiting)
		say_go_on(s, "+ go on");
}

void imap_append_bytes(struct imap_session *s, const struct imap_line_got *got)
{
	struct imap_append *a = s->append;
	struct err e;
	enum code code = store_upload_feed(a->items[a->count - 1].upload,
		got->bytes, &e);

	if (code == OK)
		return;
	imap_no_code(s, code, &e);
	imap_append_clear(s);
}

void imap_append_put_uids(struct imap_session *s, const struct imap_append *a,
	uint32_t first_uid, struct buf *out)
{
	const struct store_mailbox *m = store_mailbox_get(s->store,
		a->mailbox);

	if (m == NULL)
		return;
	buf_printf(out, "[APPENDUID %u %u", m->uidvalidity, first_uid);
	if (a->count > 1)
		buf_printf(out, ":%u", first_uid + (uint32_t)a->count - 1);
	buf_puts(out, "] ");
}

/* The new uid before the expunge: RFC 8508 4.3; the modseq as after an EXPUNGE:
 * 4.5. */
static void answer_replace(struct imap_session *s, uint32_t uid)
{
	s->counts.expunged++;
	buf_puts(&s->out, "* OK ");
	imap_append_put_uids(s, s->append, uid, &s->out);
	buf_puts(&s->out, "it is there\r\n");
	imap_begin_final(s, "OK");
	if (s->has_qresync)
		buf_printf(&s->final, "[HIGHESTMODSEQ %llu] ",
			(unsigned long long)s->cursor.view->highestmodseq);
	buf_puts(&s->final, "replaced");
}

/* What was there when the client was told to go on is not any more. */
static void say_gone(struct imap_session *s)
{
	imap_no(s, store_mailbox_get(s->store, s->append->mailbox) == NULL
		? "[TRYCREATE] the mailbox is gone"
		: "[EXPUNGEISSUED] the message is gone");
}

static void replace(struct imap_session *s)
{
	struct imap_append *a = s->append;
	uint32_t uid;
	struct err e;
	enum code code = store_replace(s->cursor.view, a->replaced, a->mailbox,
		a->items, s->now_ms, &uid, &e);

	if (code == NOT_FOUND) {
		say_gone(s);
		return;
	}
	if (code != OK) {
		imap_no_code(s, code, &e);
		return;
	}
	s->counts.appended++;
	answer_replace(s, uid);
}

void imap_append_end(struct imap_session *s, struct span text)
{
	if (read_on(s, text, NULL) != READ_END)
		return;
	if (s->append->replaced != 0)
		replace(s);
	else
		imap_gather_put(s);
	imap_append_clear(s);
}

/* No literal came, or none but of names. */
void imap_cmd_append(struct imap_session *s, struct imap_reader *r)
{
	imap_append_end(s, r->text);
}
