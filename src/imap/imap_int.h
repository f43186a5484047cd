/*
 * imap_int.h - what the files of the session share; for nobody else.
 *
 * imap_session.c takes bytes and gives effects, and runs one command after the
 * other; imap_cmd_*.c are the commands, a file a family; imap_tell.c says what
 * changed in the mailbox that is selected.
 *
 *	READY --a command--> WORKING --its job is done--> TELLING --tagged--> READY
 *	  | ^----- IDLING <--- IDLE; DONE ----------------^
 *	  '--LOGOUT, BYE--> CLOSING --> CLOSED
 *
 * A handler reads its arguments and either does all at once or leaves a job;
 * either way it says how the command ends: imap_ok, imap_no, imap_bad.  What is
 * untagged comes before that.
 */
#ifndef POSTRIDER_IMAP_IMAP_INT_H
#define POSTRIDER_IMAP_IMAP_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "imap/imap_command.h"
#include "imap/imap_line.h"
#include "imap/imap_read.h"
#include "imap/imap_session.h"
#include "store/store_change.h"
#include "store/store_mailbox.h"
#include "store/store_view.h"

/* A line, a literal that is kept, all of a command. */
#define IMAP_SESSION_LINE_MAX    65536u
#define IMAP_SESSION_LITERAL_MAX 65536u
#define IMAP_SESSION_COMMAND_MAX (256u << 10)
/* What is read and thrown away of what the client should not have sent. */
#define IMAP_SESSION_THROWN_MAX  (64u << 20)
/* The reader takes 16 times the text, sections 32 times; "$" 8 bytes a message. */
#define IMAP_COMMAND_ARENA_BYTES (64u << 20)
/* Never reached: an answer is given in pieces, and one piece is bounded by what
 * a message's structure or a mailbox's set of uids is at most. */
#define IMAP_OUT_MAX       (64u << 20)

enum imap_phase {
	IMAP_READY,   /* takes commands, and the bytes of an APPEND */
	IMAP_IDLING,  /* IDLE: takes DONE */
	IMAP_WORKING, /* a job puts its answer */
	IMAP_TELLING, /* what changed is told, then the tagged answer */
	IMAP_CLOSING, /* the last bytes and CLOSE are owed */
	IMAP_CLOSED
};

/* Puts more of the answer into out; MORE: out is full, or it pauses; DONE; BAD:
 * the connection has to end, s->why says it. */
typedef enum step imap_job_fn(struct imap_session *s);
/* Frees what the job of an open session holds. */
typedef void imap_job_end_fn(struct imap_session *s);

enum imap_tell_stage {
	IMAP_TELL_KEYWORDS,
	IMAP_TELL_CHANGED,
	IMAP_TELL_CONTEXTS_CHANGED,
	IMAP_TELL_EXPUNGED,
	IMAP_TELL_NEW,
	IMAP_TELL_CONTEXTS_NEW,
	IMAP_TELL_FETCH, /* of what is new: NOTIFY */
	IMAP_TELL_NEWS,  /* of other mailboxes */
	IMAP_TELL_DONE
};

/* RFC 4978; DUE: OK was said, and no byte may be taken or given before the caller
 * knows. */
enum imap_compress { IMAP_PLAIN, IMAP_COMPRESS_DUE, IMAP_COMPRESSED };

struct imap_append;
struct imap_context;
struct imap_notify;

/* APPENDs that are complete and wait for one commit: imap_gather.c. */
struct imap_gather {
	struct imap_append *first, *last; /* owned */
	size_t count;
	uint64_t bytes;
};

/* A new field that a client would notice has to be carried over a sleep, or to
 * forbid it: imap_sleep.c. */
struct imap_session {
	struct store *store;
	uint64_t append_max;
	struct store_listener listener;
	bool has_news;      /* something was committed; set by the listener */
	bool is_acting;     /* in feed or next: what is committed is its own */
	enum imap_phase phase;
	struct imap_line line;
	struct buf out;
	int64_t now_ms;
	struct imap_session_counts counts;
	const char *why;    /* of the end: static text */
	struct err trouble;
	bool has_trouble;
	bool is_ending;     /* BYE at the next chance */
	enum imap_compress compress;
	bool is_unauthenticated; /* it ends, the connection goes on */
	bool is_paused;     /* the job gave nothing, and is not done */

	/* the client */
	bool is_utf8;       /* names and strings: IMAP4rev2 or UTF8=ACCEPT */
	bool is_rev2;
	bool has_condstore; /* RFC 7162 3.1 */
	bool has_qresync;
	bool is_uidonly;    /* knows no numbers, only uids: RFC 9586 */
	uint64_t told_modseq; /* all up to here was told, expunges too */
	uint64_t tell_modseq; /* the same, when TELLING is over */

	struct imap_notify *notify; /* owned; NULL: nothing was asked for */

	/* the mailbox that is selected */
	bool is_selected;
	bool is_read_only;
	struct store_cursor cursor;
	struct store_uids saved; /* "$": RFC 5182 */
	struct imap_set saved_set; /* the same, for the command at hand, when it
				      names it first; in arena */
	bool has_saved_set;
	struct imap_context *contexts; /* UPDATE: imap_context.h; owned */

	/* the command */
	struct arena arena; /* emptied for each */
	struct buf tag;
	int64_t progress_ms; /* it began, or how far it is was last said */
	struct imap_call call;
	struct imap_reader reader;
	struct buf final;   /* the tagged answer, when it is known */
	bool may_expunge;   /* TELLING: sequence numbers may change */
	imap_job_fn *job;
	imap_job_end_fn *job_end; /* may be NULL */
	void *job_state;    /* in the arena */
	enum imap_tell_stage tell;
	uint32_t told;      /* IMAP_TELL_CHANGED: up to this number */
	struct imap_append *append; /* one whose bytes come; owned */
	struct imap_gather gather;
	/* An event of the input that has to wait until what is gathered was
	 * stored and told. */
	bool is_held;
	enum imap_line_event held_event;
	struct imap_line_got held;
};

typedef void imap_command_fn(struct imap_session *s, struct imap_reader *r);

/* ---- imap_session.c --------------------------------------------------------- */
/* Without a word to the client. */
struct imap_session *imap_session_new(const struct imap_session_config *c);
/* Takes DONE from now on. */
void imap_session_idle(struct imap_session *s);
/* How the command ends; text may begin with a response code. */
void imap_ok(struct imap_session *s, const char *text);
void imap_no(struct imap_session *s, const char *text);
/* As OK and NO, with a text of parts: the caller puts it into s->final behind
 * this. */
void imap_begin_final(struct imap_session *s, const char *word);
/* BAD to a client that enabled UIDONLY and names a message by its number. */
#define IMAP_UID_REQUIRED "[UIDREQUIRED] UIDONLY is enabled"
/* Not understood: says what the reader found. */
void imap_bad(struct imap_session *s, const char *why);
/* NO with the response code that belongs to it, and the store's words. */
void imap_no_code(struct imap_session *s, enum code code, const struct err *e);
/* Leaves a job. */
void imap_work(struct imap_session *s, imap_job_fn *job, void *state,
	imap_job_end_fn *end);
/* For the log: the store could not do what was asked. */
void imap_trouble(struct imap_session *s, const struct err *e);
/* Is there room in out for more of a job's answer? */
static inline bool imap_has_room(const struct imap_session *s)
{
	return buf_len(&s->out) < IMAP_OUT_BYTES;
}

/* ---- imap_cmd_any.c --- */
/* What the session can do, as CAPABILITY says it. */
void imap_put_session_capabilities(struct imap_session *s, struct buf *out);

/* The client said that it knows of modseqs: RFC 7162 3.1. */
void imap_enable_condstore(struct imap_session *s);

/* ---- imap_tell.c -------------------------------------------------------------- */
void imap_tell_begin(struct imap_session *s);
/* As a job; BAD: a message that NOTIFY sends is damaged. */
imap_job_fn imap_tell;
/* Only flags, in the numbers as they are. */
imap_job_fn imap_tell_flags;
/* "FLAGS (…)" of a message. */
void imap_put_flags(struct imap_session *s, const struct store_row *row);
/* "* FLAGS (…)" and PERMANENTFLAGS. */
void imap_put_mailbox_flags(struct imap_session *s);
/* "* 5 FETCH (", or "* 3012 UIDFETCH (" for a client that knows uids only. */
void imap_put_fetch(struct imap_session *s, uint32_t number, uint32_t uid);
/* Does a FETCH of flags that nobody asked for say the uid as well? */
bool imap_wants_uid(const struct imap_session *s);
/* "* 5 FETCH (FLAGS (…)" and UID and MODSEQ as the client wants them, ")". */
void imap_put_flags_response(struct imap_session *s, uint32_t number,
	const struct store_row *row);

/* ---- imap_context.c: searches that are kept up to date --------------------------- */
imap_job_fn imap_context_tell_changed, imap_context_tell_new;
/* Before the client hears of an EXPUNGE. */
void imap_context_tell_gone(struct imap_session *s);
void imap_context_end_all(struct imap_session *s);

/* ---- imap_progress.c: INPROGRESS, RFC 9585 ----------------------------------------- */
/* The first after so long, and one each time it has passed again. */
#define IMAP_PROGRESS_MS 10000
/* A command was taken. */
void imap_progress_begin(struct imap_session *s);
/* Its job pauses: so many are done, of so many.  Says so, if it is time. */
void imap_progress(struct imap_session *s, uint64_t done, uint64_t total);

/* ---- imap_name.c: mailboxes in commands ------------------------------------------ */
/* A quoted string, or as the client's revision has it. */
void imap_put_mailbox(struct imap_session *s, struct span name);
/* The mailbox that a command names: NULL: there is none, and NO was said. */
const struct store_mailbox *imap_find_mailbox(struct imap_session *s,
	const struct imap_mailbox_name *name, const char *code);

/* ---- imap_select.c -------------------------------------------------------------- */
void imap_unselect(struct imap_session *s);

/* ---- imap_numbers.c: the messages that a set names ------------------------------- */
/* Reads a set of numbers or, after UID, of uids; "$" too. */
bool imap_read_messages(struct imap_session *s, struct imap_reader *r,
	struct imap_set *out);
/* The same of another mailbox, where "$" has none; NULL: none at all yet. */
bool imap_read_messages_in(struct imap_session *s,
	const struct store_cursor *cursor, struct imap_reader *r,
	struct imap_set *out);
/* Walks them, as numbers of the cursor; ghosts too.
 *	struct imap_walk w = {.set = set};
 *	while (imap_walk(s, &w)) … w.number */
struct imap_walk {
	const struct imap_set *set;
	uint32_t number; /* the message */
	uint32_t end;    /* of the run; the walk's own, as next */
	size_t next;
};
bool imap_walk(struct imap_session *s, struct imap_walk *w);
/* All their uids that are no ghosts, for store verbs; out_has_ghosts: some were
 * expunged by others. */
void imap_collect_uids(struct imap_session *s, const struct imap_set *set,
	struct store_uids *out, bool *out_has_ghosts);

/* The uids of a set (empty: of all) that were given out and are not there: what
 * vanished, when the store does not know it exactly any more.  In s->arena. */
struct imap_set imap_missing(struct imap_session *s,
	const struct imap_set *known);

/* ---- imap_status.c -------------------------------------------------------------- */
#define IMAP_STATUS_MAX 12
struct imap_status {
	uint8_t items[IMAP_STATUS_MAX]; /* rows of its table */
	size_t count;
};
bool imap_read_status(struct imap_reader *r, struct imap_status *out);
/* "* STATUS name (…)" */
void imap_put_status(struct imap_session *s, const struct imap_status *items,
	const struct store_mailbox *m);

/* The same of what NOTIFY asks for: IMAP_NOTIFY_* of messages; is_first: it is
 * the first that is said of the mailbox. */
void imap_put_status_news(struct imap_session *s, unsigned events,
	bool is_first, const struct store_mailbox *m);

/* ---- imap_notify.c, imap_notify_say.c ------------------------------------------- */
/* The listener's: notes what the client wants to hear of. */
void imap_notify_hear(struct imap_session *s, const struct store_event *event);
/* Does the client want to hear this event (IMAP_NOTIFY_*) of the mailbox that is
 * selected?  Without NOTIFY: yes. */
bool imap_notify_wants(const struct imap_session *s, unsigned event);
/* News wait. */
bool imap_notify_has_news(const struct imap_session *s);
/* There is something to say though no command is being answered. */
bool imap_notify_is_due(const struct imap_session *s);
/* May numbers change then? */
bool imap_notify_may_expunge(const struct imap_session *s);
void imap_notify_enable_metadata(struct imap_session *s);
/* EXISTS was said; up to `known` the client knew before. */
void imap_notify_came(struct imap_session *s, uint32_t known);
/* As jobs, for imap_tell. */
imap_job_fn imap_notify_fetch, imap_notify_say;
void imap_notify_end_fetch(struct imap_session *s);
void imap_notify_free(struct imap_session *s);

/* ---- imap_cmd_metadata.c --- */
/* NO for a value that is longer than IMAP_SESSION_LITERAL_MAX: RFC 5464 4.3. */
extern const char imap_metadata_too_long[];

/* ---- imap_append.c --------------------------------------------------------------- */
/* A literal was announced: true if it was dealt with. */
void imap_append_literal(struct imap_session *s,
	const struct imap_line_got *got);
void imap_append_bytes(struct imap_session *s, const struct imap_line_got *got);
/* The command is complete; its text behind the last literal of bytes: it is
 * gathered, or s->final says how it ends. */
void imap_append_end(struct imap_session *s, struct span text);
void imap_append_clear(struct imap_session *s);

/* ---- imap_gather.c --------------------------------------------------------------- */
/* s->append is complete. */
void imap_gather_put(struct imap_session *s);
/* What s->final says is owed behind what is gathered. */
void imap_gather_say(struct imap_session *s);
/* Would a message of so many bytes keep it within its bounds? */
bool imap_gather_has_room(const struct imap_session *s, uint64_t bytes);
/* Stores all in one transaction; s->final is all their answers then. */
void imap_gather_settle(struct imap_session *s);
/* Forgets them, unanswered. */
void imap_gather_clear(struct imap_session *s);

/* ---- the commands ------------------------------------------------------------------ */
imap_command_fn imap_cmd_append, imap_cmd_capability, imap_cmd_check,
	imap_cmd_close, imap_cmd_compress, imap_cmd_copy, imap_cmd_create, imap_cmd_delete,
	imap_cmd_enable, imap_cmd_expunge, imap_cmd_fetch,
	imap_cmd_getmetadata, imap_cmd_getquota, imap_cmd_getquotaroot, imap_cmd_id,
	imap_cmd_idle, imap_cmd_list, imap_cmd_logout, imap_cmd_lsub,
	imap_cmd_namespace, imap_cmd_noop, imap_cmd_notify, imap_cmd_rename, imap_cmd_search,
	imap_cmd_select, imap_cmd_setmetadata, imap_cmd_status, imap_cmd_store, imap_cmd_subscribe,
	imap_cmd_unauthenticate, imap_cmd_unselect;
imap_command_fn imap_cmd_cancelupdate, imap_cmd_esearch;

#endif
