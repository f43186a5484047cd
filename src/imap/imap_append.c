/*
 * imap_append.c - APPEND: a message, or more, from the client; REPLACE: one for
 * another.  RFC 9051 6.3.12, RFC 3502 (MULTIAPPEND), RFC 4315 3 (APPENDUID),
 * RFC 7889 (APPENDLIMIT and its TOOBIG), RFC 6855 4 (UTF8), RFC 8508 (REPLACE)
 *
 *	append  = "APPEND" SP mailbox 1*message
 *	replace = "REPLACE" SP number SP mailbox message
 *	message = SP ["(" flags ")" SP] [date-time SP] literal
 *	        / SP … "UTF8" SP "(" literal8 ")"
 *
 * The bytes go into the store's upload as they come and are never held whole.
 * All is checked before the client is told to send: the mailbox, the size,
 * the quota.  Nothing is stored before the command is complete.
 *
 * Deliberate: bytes above 127 in the head are taken from all clients, though
 * RFC 6855 4 wants NO for those that did not enable UTF8=ACCEPT: programs that
 * copy mailboxes copy the mail that there is.
 */
#include "base/mem.h"
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

/* Behind the mailbox, up to the literal of which only "{n}" is there. */
static bool read_message(struct imap_session *s, struct imap_reader *r,
	struct imap_append *a, struct store_append *out)
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
	a->is_utf8 = imap_skip(r, SPAN("UTF8 ("));
	if (!imap_read_announced(r))
		return false;
	keep_flags(a, &flags, out);
	return true;
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

static bool read_begin(struct imap_session *s, struct imap_reader *r)
{
	bool is_replace = s->call.verb == IMAP_REPLACE;
	uint32_t number = 0, replaced = 0;
	struct imap_mailbox_name name;
	const struct store_mailbox *m;

	r->at = s->call.len;
	if (is_replace && s->is_uidonly && !s->call.is_uid) {
		imap_bad(s, IMAP_UID_REQUIRED);
		return false;
	}
	if ((is_replace && !read_replaced(s, r, &number)) ||
		!imap_read_sp(r) || !imap_read_mailbox(r, &name)) {
		imap_bad(s, r->why);
		return false;
	}
	if (is_replace && !find_replaced(s, number, &replaced))
		return false;
	m = imap_find_mailbox(s, &name, "TRYCREATE");
	if (m == NULL)
		return false;
	s->append = imap_append_new(s);
	s->append->mailbox = m->id;
	s->append->replaced = replaced;
	return true;
}

static enum code begin_upload(struct imap_session *s, uint64_t size,
	struct store_append *item, struct err *e)
{
	struct imap_append *a = s->append;

	if (a->replaced != 0)
		return store_upload_begin_instead(s->cursor.view, a->replaced,
			size, &item->upload, e);
	return store_upload_begin(s->store, a->bytes + size, &item->upload, e);
}

/* The size that was announced; false: NO was said. */
static bool admit(struct imap_session *s, const struct imap_literal *literal,
	struct store_append *item)
{
	struct err e;
	enum code code;

	if (literal->size > s->append_max) {
		imap_no(s, "[TOOBIG] the message is larger than allowed");
		return false;
	}
	if (literal->size == 0) {
		/* as clients cancel one of many: RFC 3502 6.3.11 */
		imap_no(s, "a message has at least one byte");
		return false;
	}
	code = begin_upload(s, literal->size, item, &e);
	if (code == OK)
		return true;
	imap_no_code(s, code, &e);
	return false;
}

static bool begin_message(struct imap_session *s, struct imap_reader *r,
	const struct imap_line_got *got)
{
	struct imap_append *a = s->append;
	struct store_append *item;

	if (a->count == IMAP_APPEND_MESSAGES_MAX) {
		imap_no(s, "[LIMIT] too many messages in one command");
		return false;
	}
	if (a->replaced != 0 && a->count > 0) {
		imap_bad(s, "REPLACE is of one message");
		return false;
	}
	item = imap_append_room(a);
	if (!read_message(s, r, a, item)) {
		imap_bad(s, r->why);
		return false;
	}
	if (!admit(s, &got->literal, item))
		return false;
	a->count++;
	a->bytes += got->literal.size;
	return true;
}

/* ---- the face --------------------------------------------------------------------------- */
/* Of the second message on, the text begins behind the literal before. */
static bool read_next(struct imap_session *s, const struct imap_line_got *got)
{
	struct imap_reader *r = &s->reader;

	/* what the reader kept of the messages before must live on */
	imap_reader_init(r, got->text, &s->arena);
	r->is_utf8 = s->is_utf8;
	r->depth_max = IMAP_DEPTH_MAX;
	if (s->append->is_utf8 && !imap_read_byte(r, ')')) {
		imap_bad(s, r->why);
		return false;
	}
	return true;
}

void imap_append_literal(struct imap_session *s,
	const struct imap_line_got *got)
{
	bool is_good;

	is_good = s->append == NULL ? read_begin(s, &s->reader)
				    : read_next(s, got);
	if (!is_good || !begin_message(s, &s->reader, got)) {
		imap_append_clear(s);
		return;
	}
	imap_line_stream(&s->line);
	if (!got->literal.is_waiting)
		return;
	if (s->gather.count > 0) { /* behind the answers to those before */
		buf_puts(&s->final, "+ go on");
		imap_gather_say(s);
	} else {
		buf_puts(&s->out, "+ go on\r\n");
	}
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

void imap_append_rest(struct imap_session *s, const struct imap_line_got *got)
{
	if (s->append == NULL) { /* it was refused, and the answer given */
		imap_bad(s, "nothing to append");
		return;
	}
	if (read_next(s, got)) {
		if (!imap_read_end(&s->reader))
			imap_bad(s, s->reader.why);
		else if (s->append->replaced != 0)
			replace(s);
		else
			imap_gather_put(s);
	}
	imap_append_clear(s);
}

/* Reached only when no literal came at all. */
void imap_cmd_append(struct imap_session *s, struct imap_reader *r)
{
	(void)r;
	imap_bad(s, s->call.verb == IMAP_REPLACE ? "REPLACE needs a literal"
						 : "APPEND needs a literal");
}
