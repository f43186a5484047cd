/*
 * queue_admin.c - the verbs of `postrider queue`.  See queue_admin.h.
 *
 * Each verb is a row: what it does with a message that matched.  Matching is
 * the same for all: numbers, and filters that must all fit.
 */
#include "queue/queue_admin.h"

#include "base/mid.h"
#include "base/num.h"
#include "base/time.h"

#define WALK_COUNT  200u
#define MESSAGE_MAX (64u << 20) /* the memory of one message being shown */
#define CELL_MAX    4096u
/* The role does nothing else while it lists. */
#define LIST_MAX    10000u

struct filter {
	struct span from, to, domain, state; /* empty: any */
	int64_t older_ms;                    /* 0: any */
	const struct span *words;            /* the command's arguments */
	size_t count;
	size_t ids; /* how many of the words are numbers */
};

struct command {
	struct queue_admin *admin;
	const struct admin_out *out;
	struct filter filter;
	struct buf cells; /* text of the cells of one row */
	size_t matched, done, rows;
	bool is_past;    /* messages that left */
	bool is_damaged; /* the message at hand, for the reason in e */
	const struct queue_msg *msg; /* being shown */
	struct err *e;
	enum queue_verb verb;
};

/* ---- filters ---------------------------------------------------------------------- */
static const struct {
	const char *name;
	size_t offset; /* of the span in struct filter */
} filter_names[] = {
	{"--from", offsetof(struct filter, from)},
	{"--to", offsetof(struct filter, to)},
	{"--domain", offsetof(struct filter, domain)},
	{"--state", offsetof(struct filter, state)},
};

static const char damaged_word[] = "damaged";

static bool is_state(struct span word)
{
	for (unsigned i = 0; i < QUEUE_STATE_COUNT; i++)
		if (span_eq(word, span_str(queue_state_word(
			(enum queue_state)i))))
			return true;
	return span_eq(word, span_str(damaged_word));
}

static bool set_filter(struct filter *f, struct span name, struct span value)
{
	if (span_eq(name, SPAN("--older")))
		return num_parse_duration_ms(value, &f->older_ms);
	if (span_eq(name, SPAN("--state")) && !is_state(value))
		return false;
	for (size_t i = 0; i < sizeof(filter_names) / sizeof(filter_names[0]);
		i++) {
		if (!span_eq(name, span_str(filter_names[i].name)))
			continue;
		*(struct span *)(void *)((char *)f + filter_names[i].offset) =
			value;
		return value.n > 0;
	}
	return false;
}

/* "--name=value", "--name value", or a message's number. */
static enum admin_exit parse_filter(struct filter *f, struct err *e)
{
	uint64_t qid;

	for (size_t i = 0; i < f->count; i++) {
		struct span value = f->words[i], name;

		if (!span_starts(value, SPAN("--"))) {
			if (!mid_parse(value, &qid)) {
				(void)err_set(e, SYNTAX,
					"\"%.*s\" is not a message's number",
					SPAN_ARG(value));
				return EXIT_USAGE;
			}
			f->ids++;
			continue;
		}
		name = span_cut(&value, '=');
		if (name.n == f->words[i].n && i + 1 < f->count)
			value = f->words[++i];
		if (!set_filter(f, name, value)) {
			(void)err_set(e, SYNTAX, "\"%.*s\": filters are "
				"--from ADDRESS, --to ADDRESS, --domain NAME, "
				"--older TIME (as 2h), --state waiting|sending|"
				"held|failing|damaged|done|failed|cancelled",
				SPAN_ARG(f->words[i]));
			return EXIT_USAGE;
		}
	}
	return EXIT_OK;
}

static bool fits_rcpt(const struct filter *f, const struct queue_rcpt *r,
	bool is_damaged)
{
	struct span domain = span_tail(r->address,
		span_find_last(r->address, '@') + 1);
	const char *state = is_damaged ? damaged_word
				       : queue_state_word(r->state);

	return (f->to.n == 0 || span_eq_fold(f->to, r->address)) &&
		(f->domain.n == 0 || span_eq_fold(f->domain, domain)) &&
		(f->state.n == 0 || span_eq(f->state, span_str(state)));
}

static bool fits(const struct command *c, const struct queue_msg *m)
{
	const struct filter *f = &c->filter;

	if (f->from.n > 0 && !span_eq_fold(f->from, m->reverse_path) &&
		!(span_eq(f->from, SPAN("<>")) && m->reverse_path.n == 0))
		return false;
	if (f->older_ms > 0 && c->admin->now_ms - m->since_ms < f->older_ms)
		return false;
	if (c->is_damaged && f->to.n == 0 && f->domain.n == 0)
		return f->state.n == 0 ||
			span_eq(f->state, span_str(damaged_word));
	for (size_t i = 0; i < m->rcpt_count; i++)
		if (fits_rcpt(f, &m->rcpts[i], c->is_damaged))
			return true;
	return false;
}

/* ---- rows -------------------------------------------------------------------------- */
#define COLUMNS_MAX 8u

/* Cells are written one after the other into c->cells, each ended by mark. */
static void emit(struct command *c, const size_t *ends, size_t count)
{
	struct span cells[COLUMNS_MAX], all = buf_span(&c->cells);
	size_t from = 0;

	for (size_t i = 0; i < count; i++) {
		cells[i] = span_of(all.p + from, ends[i] - from);
		from = ends[i];
	}
	c->out->row(c->out->arg, cells, count);
}

static void emit_words(struct command *c, const char *const *words,
	size_t count)
{
	struct span cells[COLUMNS_MAX];

	for (size_t i = 0; i < count; i++)
		cells[i] = span_str(words[i]);
	c->out->row(c->out->arg, cells, count);
}

static void put_mid(struct buf *out, uint64_t qid)
{
	struct mid mid = mid_of(qid);

	buf_put(out, mid_span(&mid));
}

/* A distance in the biggest unit that fits: "12m". */
static void put_duration(struct buf *out, int64_t ms)
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = {{86400000, 'd'}, {3600000, 'h'}, {60000, 'm'}, {1000, 's'}};
	size_t i = 0;

	ms = ms < 0 ? 0 : ms;
	while (i < 3 && ms < units[i].ms)
		i++;
	buf_put_u64(out, (uint64_t)(ms / units[i].ms));
	buf_putc(out, (uint8_t)units[i].unit);
}

/* A size in three digits and a unit: "1.8K". */
static void put_size(struct buf *out, uint64_t bytes)
{
	static const char units[] = "KMGT";
	uint64_t tenths = bytes / 1024 * 10 +
		(bytes % 1024 * 10 + 512) / 1024;
	size_t i = 0;

	if (bytes < 1000) {
		buf_put_u64(out, bytes);
		return;
	}
	for (; tenths >= 10000 && i < 3; i++)
		tenths /= 1024;
	buf_put_u64(out, tenths / 10);
	if (tenths < 100) {
		buf_putc(out, '.');
		buf_put_u64(out, tenths % 10);
	}
	buf_putc(out, (uint8_t)units[i]);
}

static void put_sender(struct buf *out, const struct queue_msg *m)
{
	buf_put(out, m->reverse_path.n == 0 ? SPAN("<>") : m->reverse_path);
}

/* Short cells: a row fits into 80 columns with addresses of 18. */
static const char *const list_head[] = {"id", "age", "size", "state", "tries",
	"next", "from", "to"};

/* r: NULL if no recipient can be read. */
static void list_rcpt(struct command *c, const struct queue_msg *m,
	const struct queue_rcpt *r)
{
	size_t ends[COLUMNS_MAX], n = 0;
	struct buf *b = &c->cells;

	buf_reset(b);
	put_mid(b, m->qid);
	ends[n++] = buf_len(b);
	put_duration(b, c->admin->now_ms - m->since_ms);
	ends[n++] = buf_len(b);
	put_size(b, m->size);
	ends[n++] = buf_len(b);
	buf_puts(b, c->is_damaged ? damaged_word : queue_state_word(r->state));
	ends[n++] = buf_len(b);
	buf_put_u64(b, r == NULL ? 0 : r->attempts);
	ends[n++] = buf_len(b);
	if (!c->is_damaged && r->state == QUEUE_WAITING) {
		if (r->next_ms <= c->admin->now_ms)
			buf_puts(b, "now");
		else
			put_duration(b, r->next_ms - c->admin->now_ms);
	}
	ends[n++] = buf_len(b);
	put_sender(b, m);
	ends[n++] = buf_len(b);
	if (r != NULL)
		buf_put(b, r->address);
	ends[n++] = buf_len(b);
	emit(c, ends, n);
	c->rows++;
}

static void do_list(struct command *c, const struct queue_msg *m)
{
	if (c->is_damaged && m->rcpt_count == 0)
		list_rcpt(c, m, NULL);
	for (size_t i = 0; i < m->rcpt_count; i++)
		if (fits_rcpt(&c->filter, &m->rcpts[i], c->is_damaged) &&
			(queue_is_open(m->rcpts[i].state) || c->is_damaged ||
				c->filter.state.n > 0))
			list_rcpt(c, m, &m->rcpts[i]);
	c->done++;
}

/* ---- show, log --------------------------------------------------------------------- */
static const char *const pair_head[] = {"field", "value"};
static const char *const log_head[] = {"time", "id", "from", "to", "result",
	"reply", "server"};

static void emit_pair(struct command *c, const char *field)
{
	struct span cells[2] = {span_str(field), buf_span(&c->cells)};

	c->out->row(c->out->arg, cells, 2);
	buf_reset(&c->cells);
}

/* "2026-11-22T19:00:00Z (in 12m)" for a moment of queue time. */
static void put_moment(struct command *c, int64_t at_ms)
{
	int64_t left_ms = at_ms - c->admin->now_ms;

	time_put_rfc3339(&c->cells, c->admin->now_wall_ms + left_ms);
	if (left_ms <= 0) {
		buf_puts(&c->cells, " (now)");
		return;
	}
	buf_puts(&c->cells, " (in ");
	put_duration(&c->cells, left_ms);
	buf_putc(&c->cells, ')');
}

/* Where to, what is so, and what comes next, in an administrator's words. */
static void show_prospect(struct command *c, const struct queue_rcpt *r)
{
	static const char *const words[QUEUE_STATE_COUNT] = {
		[QUEUE_WAITING] = "waiting; next attempt ",
		[QUEUE_SENDING] = "on its way now",
		[QUEUE_FAILED] = "failed; the sender is being told",
		[QUEUE_HELD] = "held until it is released",
		[QUEUE_DONE] = "delivered",
		[QUEUE_TOLD] = "failed; the sender was told if there is one",
		[QUEUE_EXPANDED] = "an alias; its targets stand below",
		[QUEUE_CANCELLED] = "cancelled by an administrator",
	};
	static const char *const places[QUEUE_ROUTE_COUNT] = {
		[QUEUE_TO_UNKNOWN] = "", [QUEUE_TO_LOCAL] = " (mailbox here)",
		[QUEUE_TO_REMOTE] = " (another server)",
		[QUEUE_TO_ALIAS] = " (alias)",
	};

	buf_put(&c->cells, r->address);
	buf_puts(&c->cells, places[r->route]);
	emit_pair(c, "recipient");
	buf_puts(&c->cells, words[r->state]);
	if (r->state == QUEUE_WAITING)
		put_moment(c, r->next_ms);
	emit_pair(c, "state");
}

static void show_rcpt(struct command *c, const struct queue_rcpt *r)
{
	struct buf *b = &c->cells;

	show_prospect(c, r);
	if (c->is_past || r->attempts == 0)
		return;
	buf_printf(b, "%u attempt%s", r->attempts, r->attempts == 1 ? "" : "s");
	if (r->text.n > 0) {
		buf_puts(b, ", the last: ");
		if (r->code != 0)
			buf_printf(b, "%u ", r->code);
		buf_put(b, r->text);
	}
	emit_pair(c, "tried");
}

static void put_address_of(struct buf *out, const struct queue_msg *m,
	uint32_t idx)
{
	for (size_t i = 0; i < m->rcpt_count; i++)
		if (m->rcpts[i].idx == idx)
			buf_put(out, m->rcpts[i].address);
}

static void show_attempt(void *arg, const struct queue_attempt *a)
{
	struct command *c = arg;
	struct buf *b = &c->cells;
	struct span dialogue = a->dialogue;

	time_put_rfc3339(b, a->at_wall_ms);
	buf_putc(b, ' ');
	put_address_of(b, c->msg, a->idx);
	buf_puts(b, a->result == OK || a->result == EXISTS ? ": delivered: "
							   : ": no: ");
	if (a->code != 0)
		buf_printf(b, "%u ", a->code);
	buf_put(b, a->enhanced);
	buf_putc(b, ' ');
	buf_put(b, a->text);
	if (a->peer.n > 0) {
		buf_puts(b, ", server ");
		buf_put(b, a->peer);
	}
	emit_pair(c, "attempt");
	while (dialogue.n > 0) {
		struct span line = span_cut(&dialogue, '\n');

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		buf_put(b, line);
		emit_pair(c, "dialogue");
	}
}

static void show_damage(struct command *c)
{
	struct buf *b = &c->cells;

	buf_puts(b, c->e->text);
	emit_pair(c, "damaged");
	buf_puts(b, "nothing is done with it; `queue release` tries it again "
		"when it was put right, `queue cancel` removes it");
	emit_pair(c, "next");
}

/* What stands only in the rows of messages that are here. */
static void show_here(struct command *c, const struct queue_msg *m)
{
	int64_t patience_ms = m->reverse_path.n == 0
		? c->admin->bounce_give_up_after_ms
		: c->admin->give_up_after_ms;
	struct buf *b = &c->cells;

	buf_printf(b, "%llu bytes, in %s", (unsigned long long)m->size,
		m->is_spooled ? "a spool file" : "queue.db");
	emit_pair(c, "size");
	buf_printf(b, "%llx", (unsigned long long)m->sid);
	emit_pair(c, "session");
	if (patience_ms > 0) {
		put_moment(c, m->since_ms + patience_ms);
		emit_pair(c, "gives up");
	}
	if (m->is_warned) {
		buf_puts(b, "the sender was told that it is delayed");
		emit_pair(c, "warned");
	}
}

static void do_show(struct command *c, const struct queue_msg *m)
{
	struct buf *b = &c->cells;

	buf_reset(b);
	c->msg = m;
	put_mid(b, m->qid);
	emit_pair(c, "id");
	if (c->is_damaged)
		show_damage(c);
	time_put_rfc3339(b, m->received_wall_ms);
	emit_pair(c, "received");
	put_sender(b, m);
	emit_pair(c, "from");
	if (!c->is_past)
		show_here(c, m);
	for (size_t i = 0; i < m->rcpt_count; i++)
		show_rcpt(c, &m->rcpts[i]);
	if (queue_store_attempts(c->admin->store, m->qid, show_attempt, c,
		c->e) == OK)
		c->done++;
}

struct log_walk {
	struct command *c;
	const struct queue_msg *m;
};

static void log_attempt(void *arg, const struct queue_attempt *a)
{
	struct log_walk *walk = arg;
	struct buf *b = &walk->c->cells;
	size_t ends[COLUMNS_MAX], n = 0;

	buf_reset(b);
	time_put_rfc3339(b, a->at_wall_ms);
	ends[n++] = buf_len(b);
	put_mid(b, walk->m->qid);
	ends[n++] = buf_len(b);
	put_sender(b, walk->m);
	ends[n++] = buf_len(b);
	put_address_of(b, walk->m, a->idx);
	ends[n++] = buf_len(b);
	buf_puts(b, code_word(a->result));
	ends[n++] = buf_len(b);
	if (a->code != 0)
		buf_printf(b, "%u ", a->code);
	buf_put(b, a->text);
	ends[n++] = buf_len(b);
	buf_put(b, a->peer);
	ends[n++] = buf_len(b);
	emit(walk->c, ends, n);
}

static void do_log(struct command *c, const struct queue_msg *m)
{
	struct log_walk walk = {c, m};

	if (queue_store_attempts(c->admin->store, m->qid, log_attempt, &walk,
		c->e) == OK)
		c->done++;
}

static void do_change(struct command *c, const struct queue_msg *m)
{
	enum code code = c->admin->change(c->admin->arg, m->qid, c->verb,
		c->e);

	if (code != OK)
		return;
	buf_reset(&c->cells);
	put_mid(&c->cells, m->qid);
	c->out->row(c->out->arg, &(struct span){buf_span(&c->cells).p,
		buf_len(&c->cells)}, 1);
	c->done++;
}

/* ---- verbs ------------------------------------------------------------------------- */
static const char *const change_head[] = {"id"};

enum scope { SCOPE_HERE, SCOPE_PAST, SCOPE_BOTH };

static const struct verb {
	const char *name;
	void (*run)(struct command *c, const struct queue_msg *m);
	enum scope scope;
	bool needs_filter; /* not on everything by accident */
	enum queue_verb change;
	const char *const *head;
	size_t columns;
} verbs[] = {
	{"list", do_list, SCOPE_HERE, false, QUEUE_TRY, list_head, 8},
	{"show", do_show, SCOPE_BOTH, true, QUEUE_TRY, pair_head, 2},
	{"log", do_log, SCOPE_BOTH, false, QUEUE_TRY, log_head, 7},
	{"try", do_change, SCOPE_HERE, false, QUEUE_TRY, change_head, 1},
	{"hold", do_change, SCOPE_HERE, true, QUEUE_HOLD, change_head, 1},
	{"release", do_change, SCOPE_HERE, true, QUEUE_RELEASE, change_head, 1},
	{"cancel", do_change, SCOPE_HERE, true, QUEUE_CANCEL, change_head, 1},
};

static void consider(struct command *c, const struct verb *v, uint64_t qid)
{
	struct queue_msg m;
	struct arena a;
	enum code code;

	arena_init(&a, MESSAGE_MAX);
	code = c->is_past
		? queue_store_past_load(c->admin->store, qid, &a, &m, c->e)
		: queue_store_load(c->admin->store, qid, &a, &m, c->e);
	c->is_damaged = code == CORRUPT && !c->is_past;
	if ((code == OK || c->is_damaged) && fits(c, &m)) {
		c->matched++;
		v->run(c, &m);
	}
	arena_clear(&a);
}

/* The messages that the command names by number. */
static void each_named(struct command *c, const struct verb *v, bool is_past)
{
	uint64_t qid;

	c->is_past = is_past;
	for (size_t i = 0; i < c->filter.count; i++) {
		struct span word = c->filter.words[i];

		if (span_starts(word, SPAN("--")))
			i += span_find(word, '=') == word.n;
		else if (mid_parse(word, &qid))
			consider(c, v, qid);
	}
}

static enum code walk(struct command *c, const struct verb *v, bool is_past)
{
	uint64_t qids[WALK_COUNT], after = 0;
	struct queue_list list = {qids, WALK_COUNT, WALK_COUNT};
	enum code code = OK;

	if (c->filter.ids > 0) {
		each_named(c, v, is_past);
		return OK;
	}
	c->is_past = is_past;
	while (list.count == WALK_COUNT && c->rows < LIST_MAX) {
		code = is_past
			? queue_store_past(c->admin->store, after, &list, c->e)
			: queue_store_messages(c->admin->store, after, &list,
				c->e);
		if (code != OK)
			return code;
		for (size_t i = 0; i < list.count; i++) {
			after = qids[i];
			consider(c, v, qids[i]);
		}
	}
	return OK;
}

static enum admin_exit run_verb(struct command *c, const struct verb *v)
{
	enum code code = OK;

	if (v->needs_filter && c->filter.count == 0) {
		(void)err_set(c->e, SYNTAX,
			"queue %s: name messages by number or by filter",
			v->name);
		return EXIT_USAGE;
	}
	c->verb = v->change;
	emit_words(c, v->head, v->columns);
	if (v->scope != SCOPE_HERE)
		code = walk(c, v, true);
	if (v->scope != SCOPE_PAST && code == OK)
		code = walk(c, v, false);
	if (code != OK)
		return EXIT_IO;
	c->e->text[0] = '\0';
	if (c->matched == 0 && c->filter.count > 0) {
		(void)err_set(c->e, NOT_FOUND, "no message matched");
		return EXIT_NO_MATCH;
	}
	if (c->rows >= LIST_MAX)
		(void)err_set(c->e, LIMIT, "these are the first %zu; name "
			"others by a filter, as --domain", c->rows);
	if (c->done == c->matched)
		return EXIT_OK;
	(void)err_set(c->e, EXISTS, "%zu of %zu messages: nothing to do",
		c->matched - c->done, c->matched);
	return c->done == 0 ? EXIT_NO_MATCH : EXIT_PARTLY;
}

enum admin_exit queue_admin_run(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	struct command c = {.admin = module, .out = out, .e = e};
	enum admin_exit status;

	for (size_t i = 0; count >= 2 && i < sizeof(verbs) / sizeof(verbs[0]);
		i++) {
		if (!span_eq(words[1], span_str(verbs[i].name)))
			continue;
		c.filter.words = words + 2;
		c.filter.count = count - 2;
		status = parse_filter(&c.filter, e);
		if (status != EXIT_OK)
			return status;
		buf_init(&c.cells, CELL_MAX * 8);
		status = run_verb(&c, &verbs[i]);
		buf_clear(&c.cells);
		return status;
	}
	(void)err_set(e, SYNTAX,
		"verbs of queue: list show log try hold release cancel");
	return EXIT_USAGE;
}
