/*
 * pop3.c - the TRANSACTION and UPDATE states of POP3.  See pop3.h.
 *
 *	        RETR TOP LIST UIDL
 *	READY ----------------------> SENDING
 *	  |  ^------ job done ----------'  |
 *	  | QUIT: expunge                  | a piece is damaged
 *	  '-------------> CLOSING <--------'  ---> CLOSED
 *
 * READY: commands are read.  SENDING: a job puts its answer into `out`, as much
 * as fits; no command is read.  CLOSING: the last bytes and CLOSE are owed.
 * A damaged message that has begun cannot be answered by -ERR any more: the
 * connection ends without the final dot, so no client takes it for whole.
 */
#include "pop3/pop3.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "pop3/pop3_command.h"
#include "store/store.h"

#include "base/banned.h"

/* A piece in which every other byte needs a dot before it, and the rest. */
#define OUT_MAX (POP3_OUT_BYTES + STORE_PIECE_BYTES * 2 + STORE_HEAD_BYTES * 2)

enum session_state { READY, SENDING, CLOSING, CLOSED };

struct pop3;
/* Puts more of the answer into out; DONE when it is complete. */
typedef enum step job_fn(struct pop3 *p);

struct pop3 {
	struct store *store;
	enum session_state state;
	struct pop3_line line;
	struct buf out;
	struct store_list list;
	uint8_t *is_deleted; /* owned; one a message */
	size_t deleted_count;
	uint64_t deleted_bytes;
	struct pop3_counts counts;
	struct err trouble;
	bool has_trouble;
	const char *why; /* of the end */
	/* the job, in SENDING */
	job_fn *job;
	size_t at; /* LIST, UIDL: index of the next message */
	struct store_reader reader;
	uint64_t lines_left; /* TOP: of the body */
	bool in_header;
	bool at_start;    /* of a line */
	bool is_blank;    /* so far, the line is empty or a CR */
	uint8_t last[2];  /* bytes of the message */
};

static void set_state(struct pop3 *p, enum session_state next)
{
	static const unsigned moves[] = {
		[READY] = 1u << SENDING | 1u << CLOSING,
		[SENDING] = 1u << READY | 1u << CLOSING,
		[CLOSING] = 1u << CLOSED,
		[CLOSED] = 0,
	};

	must(moves[p->state] & 1u << next);
	p->state = next;
}

static void end(struct pop3 *p, const char *why)
{
	p->why = why;
	set_state(p, CLOSING);
}

static void put_error(struct pop3 *p, const char *text)
{
	buf_printf(&p->out, "-ERR %s\r\n", text);
}

static size_t messages_left(const struct pop3 *p)
{
	return p->list.count - p->deleted_count;
}

static uint64_t bytes_left(const struct pop3 *p)
{
	return p->list.bytes - p->deleted_bytes;
}

/* ---- jobs: lists ------------------------------------------------------------ */
static void begin_job(struct pop3 *p, job_fn *job)
{
	p->job = job;
	p->at = 0;
	set_state(p, SENDING);
}

static void put_size(struct pop3 *p, size_t i)
{
	buf_put_u64(&p->out, i + 1);
	buf_putc(&p->out, ' ');
	buf_put_u64(&p->out, p->list.items[i].size);
	buf_puts(&p->out, "\r\n");
}

/* The message's id in this store, and a part of the store's own, so that an
 * account made anew under an old name gives none of the old ids. */
static void put_uid(struct pop3 *p, size_t i)
{
	static const char hex[] = "0123456789abcdef";
	struct span uuid = store_uuid(p->store);

	buf_put_u64(&p->out, i + 1);
	buf_putc(&p->out, ' ');
	for (size_t k = 0; k < 4; k++) {
		buf_putc(&p->out, (uint8_t)hex[uuid.p[k] >> 4]);
		buf_putc(&p->out, (uint8_t)hex[uuid.p[k] & 15]);
	}
	buf_putc(&p->out, '-');
	buf_put_u64(&p->out, p->list.items[i].message);
	buf_puts(&p->out, "\r\n");
}

static enum step put_rows(struct pop3 *p, void (*put)(struct pop3 *, size_t))
{
	for (; p->at < p->list.count; p->at++) {
		if (buf_len(&p->out) >= POP3_OUT_BYTES)
			return MORE;
		if (!p->is_deleted[p->at])
			put(p, p->at);
	}
	buf_puts(&p->out, ".\r\n");
	return DONE;
}

static enum step job_list(struct pop3 *p)
{
	return put_rows(p, put_size);
}

static enum step job_uidl(struct pop3 *p)
{
	return put_rows(p, put_uid);
}

/* ---- jobs: messages ---------------------------------------------------------- */
/* What the end of a line changes; false: TOP has shown enough. */
static bool end_line(struct pop3 *p)
{
	if (p->in_header)
		p->in_header = !p->is_blank;
	else if (p->lines_left > 0)
		p->lines_left--;
	p->at_start = p->is_blank = true;
	return p->in_header || p->lines_left > 0;
}

/* Byte-stuffing: RFC 1939 3.  False: TOP has shown enough.
 * Deliberate: a dot is doubled after a bare LF too (only BINARYMIME brings
 * one), for some clients end lines there, and a stranger's ".\n" must not look
 * to them like the end of the message. */
static bool put_text(struct pop3 *p, struct span text)
{
	while (text.n > 0) {
		size_t n = span_find(text, '\n');
		struct span line = span_head(text, n < text.n ? n + 1 : n);

		if (p->at_start && line.p[0] == '.')
			buf_putc(&p->out, '.');
		buf_put(&p->out, line);
		p->last[0] = line.n > 1 ? line.p[line.n - 2] : p->last[1];
		p->last[1] = line.p[line.n - 1];
		if (n == text.n) {
			p->at_start = false;
			p->is_blank = p->is_blank && n == 1 &&
				line.p[0] == '\r';
			return true;
		}
		p->is_blank = p->is_blank &&
			(n == 0 || (n == 1 && line.p[0] == '\r' && p->at_start));
		if (!end_line(p))
			return false;
		text = span_tail(text, line.n);
	}
	return true;
}

static enum step end_message(struct pop3 *p)
{
	store_reader_close(&p->reader);
	/* the final dot stands on a line of its own, for those too to whom
	 * only CRLF ends one */
	if (p->last[0] != '\r' || p->last[1] != '\n')
		buf_puts(&p->out, "\r\n");
	buf_puts(&p->out, ".\r\n");
	return DONE;
}

static enum step job_message(struct pop3 *p)
{
	while (buf_len(&p->out) < POP3_OUT_BYTES) {
		struct span piece;
		enum code code = store_reader_next(p->store, &p->reader,
			&piece, &p->trouble);

		if (code == NOT_FOUND)
			return end_message(p);
		if (code != OK) {
			store_reader_close(&p->reader);
			p->has_trouble = true;
			return BAD;
		}
		if (!put_text(p, piece))
			return end_message(p);
	}
	return MORE;
}

/* Begins to send message i, with so many lines of its body. */
static void send_message(struct pop3 *p, size_t i, uint64_t lines)
{
	struct store_text first;
	enum code code = store_reader_open(p->store, p->list.items[i].message,
		&p->reader, &first, &p->trouble);

	if (code != OK) {
		p->has_trouble = true;
		put_error(p, code == TEMP
				? "[SYS/TEMP] the message cannot be read now: try "
				  "again later"
				: "[SYS/PERM] the message is damaged: tell the "
				  "administrator");
		return;
	}
	buf_puts(&p->out, "+OK ");
	buf_put_u64(&p->out, p->list.items[i].size);
	buf_puts(&p->out, " octets\r\n");
	p->in_header = p->at_start = p->is_blank = true;
	p->lines_left = lines;
	begin_job(p, job_message);
	if (put_text(p, first.head) && put_text(p, first.body))
		return;
	(void)end_message(p);
	set_state(p, READY);
}

/* ---- commands ---------------------------------------------------------------- */
typedef void command_fn(struct pop3 *p, const struct pop3_call *call);

/* The message that an argument names, or -ERR and false. */
static bool find(struct pop3 *p, struct span arg, size_t *out)
{
	uint32_t number;

	if (!num_parse_u32(arg, UINT32_MAX, &number)) {
		put_error(p, "that is no message number");
		return false;
	}
	if (number == 0 || number > p->list.count) {
		buf_printf(&p->out, "-ERR no such message, only %zu here\r\n",
			p->list.count);
		return false;
	}
	if (p->is_deleted[number - 1]) {
		put_error(p, "this message is deleted: RSET brings it back");
		return false;
	}
	*out = number - 1;
	return true;
}

static void cmd_capa(struct pop3 *p, const struct pop3_call *call)
{
	(void)call;
	/* USER is announced in both states: RFC 2449 6.2 */
	pop3_put_capabilities(&p->out, true, SPAN_EMPTY, false);
}

static void cmd_noop(struct pop3 *p, const struct pop3_call *call)
{
	(void)call;
	buf_puts(&p->out, "+OK\r\n");
}

static void cmd_stat(struct pop3 *p, const struct pop3_call *call)
{
	(void)call;
	buf_printf(&p->out, "+OK %zu %llu\r\n", messages_left(p),
		(unsigned long long)bytes_left(p));
}

/* LIST and UIDL: of one message, or of all. */
static void list(struct pop3 *p, const struct pop3_call *call,
	void (*put)(struct pop3 *, size_t), job_fn *job)
{
	size_t i;

	if (call->count == 0) {
		buf_printf(&p->out, "+OK %zu messages (%llu octets)\r\n",
			messages_left(p), (unsigned long long)bytes_left(p));
		begin_job(p, job);
	} else if (find(p, call->args[0], &i)) {
		buf_puts(&p->out, "+OK ");
		put(p, i);
	}
}

static void cmd_list(struct pop3 *p, const struct pop3_call *call)
{
	list(p, call, put_size, job_list);
}

static void cmd_uidl(struct pop3 *p, const struct pop3_call *call)
{
	list(p, call, put_uid, job_uidl);
}

static void cmd_retr(struct pop3 *p, const struct pop3_call *call)
{
	size_t i;

	if (!find(p, call->args[0], &i))
		return;
	p->counts.retrieved++;
	send_message(p, i, UINT64_MAX);
}

static void cmd_top(struct pop3 *p, const struct pop3_call *call)
{
	uint32_t lines;
	size_t i;

	if (!find(p, call->args[0], &i))
		return;
	if (num_parse_u32(call->args[1], UINT32_MAX, &lines))
		send_message(p, i, lines);
	else
		put_error(p, "that is no number of lines");
}

static void cmd_dele(struct pop3 *p, const struct pop3_call *call)
{
	size_t i;

	if (!find(p, call->args[0], &i))
		return;
	p->is_deleted[i] = true;
	p->deleted_count++;
	p->deleted_bytes += p->list.items[i].size;
	buf_printf(&p->out, "+OK message %zu deleted\r\n", i + 1);
}

static void cmd_rset(struct pop3 *p, const struct pop3_call *call)
{
	(void)call;
	if (p->list.count > 0)
		memset(p->is_deleted, 0, p->list.count);
	p->deleted_count = 0;
	p->deleted_bytes = 0;
	buf_printf(&p->out, "+OK %zu messages (%llu octets)\r\n",
		p->list.count, (unsigned long long)p->list.bytes);
}

/* The UPDATE state: all that was marked goes, or nothing. */
static enum code update(struct pop3 *p)
{
	uint64_t *uids;
	size_t n = 0;
	enum code code;

	if (p->deleted_count == 0)
		return OK;
	uids = mem_new(p->deleted_count, sizeof(*uids));
	for (size_t i = 0; i < p->list.count; i++)
		if (p->is_deleted[i])
			uids[n++] = p->list.items[i].uid;
	code = store_messages_expunge(p->store, store_inbox(p->store), uids, n,
		&p->trouble);
	mem_free(uids);
	return code;
}

static void cmd_quit(struct pop3 *p, const struct pop3_call *call)
{
	(void)call;
	if (update(p) == OK) {
		p->counts.deleted = p->deleted_count;
		buf_printf(&p->out, "+OK good bye (%zu messages left)\r\n",
			messages_left(p));
	} else {
		p->has_trouble = true;
		put_error(p, "[SYS/TEMP] the deleted messages are not removed: "
			"try again later");
	}
	end(p, "quit");
}

static command_fn *const commands[POP3_VERB_COUNT] = {
	[POP3_CAPA] = cmd_capa,
	[POP3_DELE] = cmd_dele,
	[POP3_LIST] = cmd_list,
	[POP3_NOOP] = cmd_noop,
	[POP3_QUIT] = cmd_quit,
	[POP3_RETR] = cmd_retr,
	[POP3_RSET] = cmd_rset,
	[POP3_STAT] = cmd_stat,
	[POP3_TOP] = cmd_top,
	[POP3_UIDL] = cmd_uidl,
};

static void run(struct pop3 *p, struct span line, bool is_too_long)
{
	struct pop3_call call;
	const char *wrong = is_too_long
		? "line too long"
		: pop3_command_read(line, POP3_TRANSACTION, &call);

	if (wrong != NULL)
		put_error(p, wrong);
	else
		commands[call.verb](p, &call);
}

/* Lets the job go on until out has enough, or the job is done. */
static void pump(struct pop3 *p)
{
	enum step step;

	if (p->state != SENDING)
		return;
	step = p->job(p);
	if (step == DONE)
		set_state(p, READY);
	else if (step == BAD)
		end(p, "a message is damaged");
	must(!p->out.overflow);
}

/* ---- the face ----------------------------------------------------------------- */
enum code pop3_open(struct store *store, struct pop3 **out_p, struct err *e)
{
	struct pop3 *p = MEM_NEW(struct pop3);
	enum code code;

	p->store = store;
	buf_init(&p->out, OUT_MAX);
	code = store_message_list(store, store_inbox(store), &p->list, e);
	if (code != OK) {
		pop3_close(p);
		return code;
	}
	if (p->list.count > 0)
		p->is_deleted = mem_new(p->list.count, 1);
	buf_printf(&p->out, "+OK %zu messages (%llu octets)\r\n",
		p->list.count, (unsigned long long)p->list.bytes);
	*out_p = p;
	return OK;
}

void pop3_close(struct pop3 *p)
{
	if (p == NULL)
		return;
	store_reader_close(&p->reader);
	store_list_clear(&p->list);
	mem_free(p->is_deleted);
	buf_clear(&p->out);
	mem_free(p);
}

size_t pop3_feed(struct pop3 *p, struct span in)
{
	struct span left = in;
	struct span line;
	bool is_too_long;

	while (p->state == READY && buf_len(&p->out) < POP3_OUT_BYTES &&
		pop3_line_take(&p->line, &left, &line, &is_too_long)) {
		run(p, line, is_too_long);
		pump(p);
	}
	if (p->state == READY && p->line.thrown > POP3_THROWN_MAX) {
		put_error(p, "a line without an end, good bye");
		end(p, "endless line");
	}
	return in.n - left.n;
}

bool pop3_next(struct pop3 *p, struct pop3_effect *out)
{
	if (buf_len(&p->out) < POP3_OUT_BYTES)
		pump(p);
	if (p->has_trouble) {
		p->has_trouble = false;
		out->type = POP3_TROUBLE;
		out->bytes = span_str(p->trouble.text);
		return true;
	}
	if (buf_len(&p->out) > 0) {
		out->type = POP3_SEND;
		out->bytes = buf_span(&p->out);
		buf_consume(&p->out, out->bytes.n);
		return true;
	}
	if (p->state != CLOSING)
		return false;
	set_state(p, CLOSED);
	out->type = POP3_CLOSE;
	out->bytes = span_str(p->why);
	return true;
}

struct pop3_counts pop3_counts(const struct pop3 *p)
{
	return p->counts;
}
