/*
 * imap_session.c - the face of the session: bytes into commands, commands into
 * jobs, jobs into effects.  See imap_session.h, and imap_int.h for the states.
 *
 * What a client pipelines is done in order, one command after the other is
 * complete; so the ambiguities of RFC 9051 5.5 do not arise.  Only APPENDs that
 * follow each other are stored and answered together (imap_gather.c): what comes
 * behind them is held until then.
 */
#include "imap/imap_session.h"

#include "base/mem.h"
#include "imap/imap_capability.h"
#include "imap/imap_int.h"

#include "base/banned.h"

static void set_phase(struct imap_session *s, enum imap_phase next)
{
	static const unsigned moves[] = {
		[IMAP_READY] = 1u << IMAP_WORKING | 1u << IMAP_TELLING |
			1u << IMAP_IDLING | 1u << IMAP_CLOSING,
		[IMAP_IDLING] = 1u << IMAP_TELLING | 1u << IMAP_CLOSING,
		[IMAP_WORKING] = 1u << IMAP_TELLING | 1u << IMAP_CLOSING,
		[IMAP_TELLING] = 1u << IMAP_READY | 1u << IMAP_CLOSING,
		[IMAP_CLOSING] = 1u << IMAP_CLOSED,
		[IMAP_CLOSED] = 0,
	};

	must(moves[s->phase] & 1u << next);
	s->phase = next;
}

static void end(struct imap_session *s, const char *why)
{
	s->why = why;
	set_phase(s, IMAP_CLOSING);
}

/* ---- how a command ends ------------------------------------------------------ */
void imap_begin_final(struct imap_session *s, const char *word)
{
	buf_reset(&s->final);
	buf_put(&s->final, buf_span(&s->tag));
	buf_putc(&s->final, ' ');
	buf_puts(&s->final, word);
	buf_putc(&s->final, ' ');
}

void imap_ok(struct imap_session *s, const char *text)
{
	imap_begin_final(s, "OK");
	buf_puts(&s->final, text);
}

void imap_no(struct imap_session *s, const char *text)
{
	imap_begin_final(s, "NO");
	buf_puts(&s->final, text);
}

void imap_bad(struct imap_session *s, const char *why)
{
	imap_begin_final(s, "BAD");
	buf_puts(&s->final, why != NULL ? why : "not understood");
}

void imap_trouble(struct imap_session *s, const struct err *e)
{
	s->trouble = *e;
	s->has_trouble = true;
}

void imap_no_code(struct imap_session *s, enum code code, const struct err *e)
{
	/* the words of RFC 9051 7.1 and RFC 5530 3 */
	static const char *const codes[CODE_COUNT] = {
		[SYNTAX] = "[CANNOT] that name cannot be used",
		[LIMIT] = "[LIMIT] there is no room for more",
		[DENIED] = "[CANNOT] that cannot be done to this mailbox",
		[NOT_FOUND] = "[NONEXISTENT] there is no such mailbox",
		[EXISTS] = "[ALREADYEXISTS] there is such a mailbox already",
		[FULL] = "[OVERQUOTA] the mailbox is full: delete something first",
		[CORRUPT] = "[CORRUPTION] what is stored is damaged",
	};
	const char *text = codes[code];

	if (text == NULL || code == CORRUPT)
		imap_trouble(s, e);
	imap_no(s, text != NULL ? text : "[UNAVAILABLE] try again later");
}

void imap_work(struct imap_session *s, imap_job_fn *job, void *state,
	imap_job_end_fn *job_end)
{
	imap_progress_begin(s);
	s->job = job;
	s->job_state = state;
	s->job_end = job_end;
}

static void end_job(struct imap_session *s)
{
	if (s->job != NULL && s->job_end != NULL)
		s->job_end(s);
	s->job = NULL;
	s->job_end = NULL;
}

/* ---- commands ------------------------------------------------------------------ */
static imap_command_fn *const commands[IMAP_VERB_COUNT] = {
	[IMAP_APPEND] = imap_cmd_append,
	[IMAP_CANCELUPDATE] = imap_cmd_cancelupdate,
	[IMAP_CAPABILITY] = imap_cmd_capability,
	[IMAP_CHECK] = imap_cmd_check,
	[IMAP_CLOSE] = imap_cmd_close,
	[IMAP_COMPRESS] = imap_cmd_compress,
	[IMAP_COPY] = imap_cmd_copy,
	[IMAP_CREATE] = imap_cmd_create,
	[IMAP_DELETE] = imap_cmd_delete,
	[IMAP_ENABLE] = imap_cmd_enable,
	[IMAP_ESEARCH] = imap_cmd_esearch,
	[IMAP_EXAMINE] = imap_cmd_select,
	[IMAP_EXPUNGE] = imap_cmd_expunge,
	[IMAP_FETCH] = imap_cmd_fetch,
	[IMAP_GETMETADATA] = imap_cmd_getmetadata,
	[IMAP_GETQUOTA] = imap_cmd_getquota,
	[IMAP_GETQUOTAROOT] = imap_cmd_getquotaroot,
	[IMAP_ID] = imap_cmd_id,
	[IMAP_IDLE] = imap_cmd_idle,
	[IMAP_LIST] = imap_cmd_list,
	[IMAP_LOGOUT] = imap_cmd_logout,
	[IMAP_LSUB] = imap_cmd_lsub,
	[IMAP_MOVE] = imap_cmd_copy,
	[IMAP_NAMESPACE] = imap_cmd_namespace,
	[IMAP_NOOP] = imap_cmd_noop,
	[IMAP_NOTIFY] = imap_cmd_notify,
	[IMAP_RENAME] = imap_cmd_rename,
	[IMAP_REPLACE] = imap_cmd_append,
	[IMAP_SEARCH] = imap_cmd_search,
	[IMAP_SELECT] = imap_cmd_select,
	[IMAP_SETMETADATA] = imap_cmd_setmetadata,
	[IMAP_SORT] = imap_cmd_search,
	[IMAP_STATUS] = imap_cmd_status,
	[IMAP_STORE] = imap_cmd_store,
	[IMAP_SUBSCRIBE] = imap_cmd_subscribe,
	[IMAP_THREAD] = imap_cmd_search,
	[IMAP_UNAUTHENTICATE] = imap_cmd_unauthenticate,
	[IMAP_UNSELECT] = imap_cmd_unselect,
	[IMAP_UNSUBSCRIBE] = imap_cmd_subscribe,
};

/* No EXPUNGE in answer to these: RFC 9051 7.5.1.  After UID it may. */
static bool may_expunge(const struct imap_call *call)
{
	return call->is_uid || (call->verb != IMAP_FETCH &&
		call->verb != IMAP_STORE && call->verb != IMAP_SEARCH &&
		call->verb != IMAP_SORT && call->verb != IMAP_THREAD && call->verb != IMAP_ESEARCH);
}

/* In a session that knows uids only: RFC 9586. */
static bool needs_uid(const struct imap_session *s)
{
	return s->is_uidonly && !s->call.is_uid &&
		imap_commands[s->call.verb].has_uid &&
		s->call.verb != IMAP_EXPUNGE;
}

static enum imap_state state_of(const struct imap_session *s)
{
	return s->is_selected ? IMAP_SELECTED : IMAP_AUTHENTICATED;
}

/* The tag as the answer says it: "*" for a line that has none. */
static void take_tag(struct imap_session *s, struct span tag)
{
	buf_reset(&s->tag);
	buf_put(&s->tag, tag.n > 0 ? tag : SPAN("*"));
	buf_reset(&s->final);
	s->counts.commands++;
}

static void begin_command(struct imap_session *s, struct span text)
{
	arena_reset(&s->arena);
	s->has_saved_set = false;
	imap_reader_init(&s->reader, text, &s->arena);
	s->reader.is_utf8 = s->is_utf8;
	s->reader.depth_max = IMAP_DEPTH_MAX;
}

static void tell(struct imap_session *s)
{
	imap_tell_begin(s);
	set_phase(s, IMAP_TELLING);
}

/* What is gathered becomes durable, is told and answered. */
static void settle(struct imap_session *s)
{
	imap_gather_settle(s);
	s->may_expunge = true;
	tell(s);
}

/* Commands whose literals are messages. */
static bool is_of_messages(const struct imap_session *s)
{
	return s->call.verb == IMAP_APPEND || s->call.verb == IMAP_REPLACE;
}

/* One of these is complete: it was gathered, or there is an answer. */
static void end_append(struct imap_session *s)
{
	if (buf_len(&s->final) == 0) {
		if (!imap_gather_has_room(s, 0))
			settle(s);
		return;
	}
	if (s->gather.count > 0) {
		imap_gather_say(s);
		return;
	}
	s->may_expunge = true;
	tell(s);
}

/* A complete command. */
static void run(struct imap_session *s, const struct imap_line_got *got)
{
	const char *wrong;

	take_tag(s, got->tag);
	begin_command(s, got->text);
	s->may_expunge = false;
	wrong = got->tag.n == 0
		? "a command begins with a tag"
		: imap_command_read(got->text, state_of(s), &s->call);
	if (wrong != NULL) {
		imap_bad(s, wrong);
		tell(s);
		return;
	}
	if (needs_uid(s)) {
		imap_bad(s, IMAP_UID_REQUIRED);
		tell(s);
		return;
	}
	s->reader.at = s->call.len;
	s->may_expunge = may_expunge(&s->call);
	commands[s->call.verb](s, &s->reader);
	if (is_of_messages(s)) {
		end_append(s);
		return;
	}
	if (s->phase != IMAP_READY)
		return; /* LOGOUT, UNAUTHENTICATE, IDLE */
	if (s->job != NULL)
		set_phase(s, IMAP_WORKING);
	else
		tell(s);
}

/* ---- lines and literals ------------------------------------------------------------ */
static void answer_now(struct imap_session *s)
{
	if (s->gather.count > 0) {
		imap_gather_say(s);
		return;
	}
	buf_put(&s->out, buf_span(&s->final));
	buf_puts(&s->out, "\r\n");
	if (s->final.room > IMAP_OUT_BYTES)
		buf_clear(&s->final);
	buf_reset(&s->final);
}

/* A command whose literals are messages; its name is in s->call then. */
static bool is_append(struct imap_session *s, struct span text)
{
	return imap_command_read(text, state_of(s), &s->call) == NULL &&
		is_of_messages(s);
}

static void on_literal(struct imap_session *s, const struct imap_line_got *got)
{
	take_tag(s, got->tag);
	if (s->append != NULL || is_append(s, got->text)) {
		if (s->append == NULL)
			begin_command(s, got->text);
		imap_append_literal(s, got);
	} else if (imap_line_may_keep(&s->line)) {
		imap_line_keep(&s->line);
		if (got->literal.is_waiting)
			buf_puts(&s->out, "+ OK\r\n");
		return;
	} else {
		imap_no(s, s->call.verb == IMAP_SETMETADATA
				? imap_metadata_too_long
				: "[TOOBIG] a literal is longer than allowed here");
	}
	if (buf_len(&s->final) == 0)
		return;
	imap_line_refuse(&s->line);
	answer_now(s);
}

static void on_bytes(struct imap_session *s, const struct imap_line_got *got)
{
	imap_append_bytes(s, got);
	if (buf_len(&s->final) == 0)
		return;
	imap_line_drop(&s->line);
	answer_now(s);
}

static void on_text(struct imap_session *s, struct span text)
{
	if (span_eq_fold(text, SPAN("DONE")))
		imap_ok(s, "IDLE is over");
	else
		imap_bad(s, "IDLE ends with DONE");
	s->may_expunge = true;
	tell(s);
}

static void on_command(struct imap_session *s, const struct imap_line_got *got)
{
	if (!got->is_rest) {
		run(s, got);
		return;
	}
	imap_append_end(s, got->text);
	end_append(s);
}

static void on_too_long(struct imap_session *s,
	const struct imap_line_got *got)
{
	take_tag(s, got->tag);
	imap_append_clear(s);
	imap_bad(s, "[LIMIT] the command is too long: say it in several");
	answer_now(s);
}

static void on_end(struct imap_session *s, const struct imap_line_got *got)
{
	buf_puts(&s->out, "* BYE ");
	buf_puts(&s->out, got->why);
	buf_puts(&s->out, "\r\n");
	end(s, "what the client sent cannot be followed");
}

static void act(struct imap_session *s, enum imap_line_event event,
	const struct imap_line_got *got)
{
	switch (event) {
	case IMAP_LINE_COMMAND:
		on_command(s, got);
		return;
	case IMAP_LINE_TEXT:
		on_text(s, got->text);
		return;
	case IMAP_LINE_LITERAL:
		on_literal(s, got);
		return;
	case IMAP_LINE_BYTES:
		on_bytes(s, got);
		return;
	case IMAP_LINE_TOO_LONG:
		on_too_long(s, got);
		return;
	case IMAP_LINE_END:
		on_end(s, got);
		return;
	case IMAP_LINE_MORE:
	default:
		unreachable();
	}
}

/* Only more of APPENDs joins what is gathered. */
static bool may_join(struct imap_session *s, enum imap_line_event event,
	const struct imap_line_got *got)
{
	if (event == IMAP_LINE_BYTES)
		return true;
	if (event == IMAP_LINE_COMMAND)
		return got->is_rest;
	return event == IMAP_LINE_LITERAL &&
		(s->append != NULL || (is_append(s, got->text) &&
			s->call.verb == IMAP_APPEND)) &&
		imap_gather_has_room(s, got->literal.size);
}

/* One event of the input; false: nothing to do until more comes. */
static bool take(struct imap_session *s, struct span *left)
{
	struct imap_line_got got;
	enum imap_line_event event = imap_line_take(&s->line, left, &got);

	if (event == IMAP_LINE_MORE)
		return false;
	if (s->gather.count == 0 || may_join(s, event, &got)) {
		act(s, event, &got);
		return true;
	}
	s->held_event = event;
	s->held = got;
	s->is_held = true;
	settle(s);
	return true;
}

static bool may_release(const struct imap_session *s)
{
	return s->is_held && s->phase == IMAP_READY && imap_has_room(s);
}

/* ---- jobs ------------------------------------------------------------------------- */
static void end_damaged(struct imap_session *s)
{
	end(s, s->why != NULL ? s->why : "a message is damaged");
}

static void go_on_working(struct imap_session *s)
{
	enum step step = s->job(s);

	s->is_paused = step == MORE && imap_has_room(s);
	if (step == MORE)
		return;
	end_job(s);
	if (step == DONE) {
		tell(s);
		return;
	}
	end_damaged(s);
}

/* True: all was told. */
static bool go_on_with_tell(struct imap_session *s)
{
	enum step step = imap_tell(s);

	s->is_paused = step == MORE && imap_has_room(s);
	if (step == BAD)
		end_damaged(s);
	return step == DONE;
}

static void go_on_telling(struct imap_session *s)
{
	if (!go_on_with_tell(s))
		return;
	answer_now(s);
	set_phase(s, IMAP_READY);
}

static void go_on_idling(struct imap_session *s)
{
	if (s->tell == IMAP_TELL_DONE && !s->has_news &&
		!imap_notify_has_news(s))
		return;
	if (s->tell == IMAP_TELL_DONE)
		imap_tell_begin(s);
	(void)go_on_with_tell(s);
}

/* NOTIFY: there is something to say though no command is being answered, and
 * none has come in part that numbers messages or writes into the arena. */
static bool may_notice(const struct imap_session *s)
{
	return s->phase == IMAP_READY && !s->is_held && s->append == NULL &&
		s->gather.count == 0 &&
		(s->tell != IMAP_TELL_DONE || imap_notify_is_due(s));
}

static void go_on_noticing(struct imap_session *s)
{
	if (!may_notice(s))
		return;
	if (s->tell == IMAP_TELL_DONE) {
		s->may_expunge = imap_notify_may_expunge(s);
		imap_tell_begin(s);
	}
	(void)go_on_with_tell(s);
}

static void say_bye(struct imap_session *s)
{
	buf_puts(&s->out, "* BYE ");
	buf_puts(&s->out, s->why);
	buf_puts(&s->out, "\r\n");
	end(s, s->why);
}

/* OK was said to COMPRESS: nothing comes between it and the effect. */
static bool is_compress_due(const struct imap_session *s)
{
	return s->compress == IMAP_COMPRESS_DUE && s->phase == IMAP_READY;
}

static void move(struct imap_session *s)
{
	if (s->phase == IMAP_WORKING)
		go_on_working(s);
	if (s->phase == IMAP_TELLING && imap_has_room(s))
		go_on_telling(s);
	if (s->phase == IMAP_IDLING)
		go_on_idling(s);
	if (s->phase == IMAP_READY && imap_has_room(s))
		go_on_noticing(s);
}

static void pump(struct imap_session *s)
{
	s->is_paused = false;
	if (is_compress_due(s))
		return;
	move(s);
	if (may_release(s)) {
		s->is_held = false;
		act(s, s->held_event, &s->held);
		move(s);
	}
	if (s->is_ending && !s->is_held && s->tell == IMAP_TELL_DONE && !is_compress_due(s) &&
		(s->phase == IMAP_READY || s->phase == IMAP_IDLING))
		say_bye(s);
	must(!s->out.overflow && !s->final.overflow);
}

/* ---- the face ----------------------------------------------------------------------- */
static void on_event(void *arg, const struct store_event *event)
{
	struct imap_session *s = arg;

	if (s->is_selected && event->mailbox == s->cursor.view->mailbox)
		s->has_news = true;
	if (s->notify != NULL)
		imap_notify_hear(s, event);
}

struct imap_session *imap_session_new(const struct imap_session_config *c)
{
	static const struct imap_line_limits limits = {
		.line_max = IMAP_SESSION_LINE_MAX,
		.command_max = IMAP_SESSION_COMMAND_MAX,
		.literal_max = IMAP_SESSION_LITERAL_MAX,
		.thrown_max = IMAP_SESSION_THROWN_MAX,
	};
	struct imap_session *s = MEM_NEW(struct imap_session);

	s->store = c->store;
	s->append_max = c->append_max;
	s->tell = IMAP_TELL_DONE;
	imap_line_init(&s->line, &limits);
	buf_init(&s->out, IMAP_OUT_MAX);
	buf_init(&s->final, IMAP_OUT_MAX / 4);
	buf_init(&s->tag, IMAP_TAG_MAX);
	arena_init(&s->arena, IMAP_COMMAND_ARENA_BYTES);
	s->listener.fn = on_event;
	s->listener.arg = s;
	store_listen(s->store, &s->listener);
	return s;
}

struct imap_session *imap_session_open(const struct imap_session_config *c)
{
	struct imap_session *s = imap_session_new(c);

	buf_put(&s->out, c->tag);
	buf_puts(&s->out, " OK [CAPABILITY ");
	imap_put_session_capabilities(s, &s->out);
	buf_puts(&s->out, "] welcome\r\n");
	return s;
}

void imap_session_close(struct imap_session *s)
{
	if (s == NULL)
		return;
	end_job(s);
	imap_append_clear(s);
	imap_gather_clear(s);
	imap_notify_free(s);
	imap_unselect(s);
	store_unlisten(&s->listener);
	imap_line_clear(&s->line);
	buf_clear(&s->out);
	buf_clear(&s->final);
	buf_clear(&s->tag);
	arena_clear(&s->arena);
	mem_free(s);
}

static bool takes_bytes(const struct imap_session *s)
{
	return imap_has_room(s) && !s->is_held &&
		s->compress != IMAP_COMPRESS_DUE &&
		s->tell == IMAP_TELL_DONE &&
		(s->phase == IMAP_READY || s->phase == IMAP_IDLING);
}

size_t imap_session_feed(struct imap_session *s, struct span in,
	int64_t now_ms)
{
	struct span left = in;

	s->now_ms = now_ms;
	/* what a large answer took is given back when the next command comes */
	if (buf_len(&s->out) == 0 && s->out.room > 2 * IMAP_OUT_BYTES)
		buf_clear(&s->out);
	s->is_acting = true;
	while (takes_bytes(s) && take(s, &left))
		pump(s);
	s->is_acting = false;
	return in.n - left.n;
}

bool imap_session_next(struct imap_session *s,
	struct imap_session_effect *out)
{
	s->is_acting = true;
	if (s->gather.count > 0 && s->phase == IMAP_READY && !s->is_held)
		settle(s);
	if (imap_has_room(s))
		pump(s);
	s->is_acting = false;
	if (s->has_trouble) {
		s->has_trouble = false;
		out->type = IMAP_SESSION_TROUBLE;
		out->bytes = span_str(s->trouble.text);
		return true;
	}
	if (buf_len(&s->out) > 0) {
		out->type = IMAP_SESSION_SEND;
		out->bytes = buf_span(&s->out);
		buf_consume(&s->out, out->bytes.n);
		return true;
	}
	if (is_compress_due(s)) {
		s->compress = IMAP_COMPRESSED;
		out->type = IMAP_SESSION_COMPRESS;
		out->bytes = SPAN("compressed");
		return true;
	}
	if (s->phase != IMAP_CLOSING)
		return false;
	set_phase(s, IMAP_CLOSED);
	out->type = s->is_unauthenticated ? IMAP_SESSION_RETURN
					  : IMAP_SESSION_CLOSE;
	out->bytes = span_str(s->why);
	return true;
}

bool imap_session_is_working(const struct imap_session *s)
{
	return s->is_paused;
}

bool imap_session_is_gathering(const struct imap_session *s)
{
	return s->gather.count > 0;
}

bool imap_session_has_news(const struct imap_session *s)
{
	if (s->phase == IMAP_IDLING)
		return s->has_news || imap_notify_has_news(s);
	return may_notice(s);
}

bool imap_session_has_notify(const struct imap_session *s)
{
	return s->notify != NULL;
}

void imap_session_end(struct imap_session *s, const char *why)
{
	if (s->phase == IMAP_CLOSING || s->phase == IMAP_CLOSED)
		return;
	s->is_ending = true;
	s->why = why;
}

struct imap_session_counts imap_session_counts(const struct imap_session *s)
{
	return s->counts;
}

/* Commands that change the phase themselves. */
void imap_cmd_logout(struct imap_session *s, struct imap_reader *r)
{
	if (!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	buf_puts(&s->out, "* BYE good bye\r\n");
	imap_ok(s, "logged out");
	answer_now(s);
	end(s, "logout");
}

/* RFC 8437 3: NO is not permitted; what is enabled, selected and saved goes with
 * the session.  Deliberate: a connection that is compressed ends, as 3 allows: in
 * the client's stream nothing says where its compression ends (4.1). */
void imap_cmd_unauthenticate(struct imap_session *s, struct imap_reader *r)
{
	if (!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	s->is_unauthenticated = s->compress == IMAP_PLAIN;
	if (s->is_unauthenticated) {
		imap_ok(s, "who are you now?");
		answer_now(s);
	} else {
		buf_puts(&s->out, "* BYE [UNAVAILABLE] connect again: this "
			"connection is compressed\r\n");
	}
	end(s, "unauthenticate");
}

void imap_session_idle(struct imap_session *s)
{
	s->call = (struct imap_call){.verb = IMAP_IDLE};
	s->may_expunge = true;
	s->has_news = true; /* what waits is told at once */
	imap_line_want_text(&s->line, 16);
	set_phase(s, IMAP_IDLING);
}

void imap_cmd_idle(struct imap_session *s, struct imap_reader *r)
{
	if (!imap_read_end(r)) {
		imap_bad(s, r->why);
		return;
	}
	buf_puts(&s->out, "+ idling\r\n");
	imap_session_idle(s);
}
