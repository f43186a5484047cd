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
	size_t matched, done;
	bool is_past; /* messages that left */
	struct err *e;
	enum queue_verb verb;
};

bool queue_verb_apply(enum queue_verb verb, struct queue_rcpt *r,
	int64_t now_ms)
{
	static const struct {
		unsigned from; /* set of states */
		enum queue_state to;
	} moves[] = {
		[QUEUE_TRY] = {1u << QUEUE_WAITING, QUEUE_WAITING},
		[QUEUE_HOLD] = {1u << QUEUE_WAITING | 1u << QUEUE_SENDING,
			QUEUE_HELD},
		[QUEUE_RELEASE] = {1u << QUEUE_HELD, QUEUE_WAITING},
		[QUEUE_CANCEL] = {1u << QUEUE_WAITING | 1u << QUEUE_SENDING |
				1u << QUEUE_HELD | 1u << QUEUE_FAILED,
			QUEUE_CANCELLED},
	};

	if ((moves[verb].from >> r->state & 1u) == 0)
		return false;
	r->state = moves[verb].to;
	r->next_ms = now_ms;
	return true;
}

/* ---- a change on the database alone --------------------------------------------- */
static enum code write_change(struct queue_store *s, struct queue_msg *m,
	int64_t now_ms, struct err *e)
{
	bool is_open = false;
	enum code code = OK;

	for (size_t i = 0; i < m->rcpt_count; i++)
		is_open |= queue_is_open(m->rcpts[i].state);
	if (!is_open)
		return queue_store_remove(s, m,
			queue_store_has_attempts(s, m->qid), now_ms, e);
	if (!m->is_split)
		return queue_store_split(s, m, e);
	for (size_t i = 0; i < m->rcpt_count && code == OK; i++)
		code = queue_store_rcpt_put(s, m->qid, &m->rcpts[i], e);
	return code;
}

static enum code change_loaded(struct queue_admin *admin, struct queue_msg *m,
	enum queue_verb verb, struct err *e)
{
	bool has_changed = false;
	enum code code;

	for (size_t i = 0; i < m->rcpt_count; i++)
		has_changed |= queue_verb_apply(verb, &m->rcpts[i],
			admin->now_ms);
	if (!has_changed)
		return EXISTS;
	code = queue_store_begin(admin->store, e);
	if (code == OK)
		code = write_change(admin->store, m, admin->now_ms, e);
	if (code == OK)
		code = queue_store_commit(admin->store, e);
	if (code != OK)
		queue_store_rollback(admin->store);
	return code == EXISTS ? TEMP : code;
}

enum code queue_admin_change(void *arg, uint64_t qid, enum queue_verb verb,
	struct err *e)
{
	struct queue_admin *admin = arg;
	struct queue_msg m;
	struct arena a;
	enum code code;

	arena_init(&a, MESSAGE_MAX);
	code = queue_store_load(admin->store, qid, &a, &m, e);
	if (code == OK)
		code = change_loaded(admin, &m, verb, e);
	arena_clear(&a);
	return code;
}

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

static bool set_filter(struct filter *f, struct span name, struct span value)
{
	if (span_eq(name, SPAN("--older")))
		return num_parse_duration_ms(value, &f->older_ms);
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
			(void)err_set(e, SYNTAX, "\"%.*s\": filters are --from "
				"--to --domain --older --state",
				SPAN_ARG(f->words[i]));
			return EXIT_USAGE;
		}
	}
	return EXIT_OK;
}

static bool is_wanted_id(const struct filter *f, uint64_t qid)
{
	uint64_t id;

	for (size_t i = 0; i < f->count; i++) {
		if (span_starts(f->words[i], SPAN("--"))) {
			i += span_find(f->words[i], '=') == f->words[i].n;
			continue;
		}
		if (mid_parse(f->words[i], &id) && id == qid)
			return true;
	}
	return f->ids == 0;
}

static bool fits_rcpt(const struct filter *f, const struct queue_rcpt *r)
{
	struct span domain = span_tail(r->address,
		span_find_last(r->address, '@') + 1);

	return (f->to.n == 0 || span_eq_fold(f->to, r->address)) &&
		(f->domain.n == 0 || span_eq_fold(f->domain, domain)) &&
		(f->state.n == 0 || span_eq(f->state,
			span_str(queue_state_word(r->state))));
}

static bool fits(const struct command *c, const struct queue_msg *m)
{
	const struct filter *f = &c->filter;

	if (f->from.n > 0 && !span_eq_fold(f->from, m->reverse_path) &&
		!(span_eq(f->from, SPAN("<>")) && m->reverse_path.n == 0))
		return false;
	if (f->older_ms > 0 && c->admin->now_ms - m->since_ms < f->older_ms)
		return false;
	for (size_t i = 0; i < m->rcpt_count; i++)
		if (fits_rcpt(f, &m->rcpts[i]))
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

static void put_sender(struct buf *out, const struct queue_msg *m)
{
	buf_put(out, m->reverse_path.n == 0 ? SPAN("<>") : m->reverse_path);
}

static const char *const list_head[] = {"id", "received", "size", "state",
	"attempts", "next", "from", "to"};

static void list_rcpt(struct command *c, const struct queue_msg *m,
	const struct queue_rcpt *r)
{
	size_t ends[COLUMNS_MAX], n = 0;
	struct buf *b = &c->cells;

	buf_reset(b);
	put_mid(b, m->qid);
	ends[n++] = buf_len(b);
	time_put_rfc3339(b, m->received_wall_ms);
	ends[n++] = buf_len(b);
	buf_put_u64(b, m->size);
	ends[n++] = buf_len(b);
	buf_puts(b, queue_state_word(r->state));
	ends[n++] = buf_len(b);
	buf_put_u64(b, r->attempts);
	ends[n++] = buf_len(b);
	if (r->state == QUEUE_WAITING)
		put_duration(b, r->next_ms - c->admin->now_ms);
	ends[n++] = buf_len(b);
	put_sender(b, m);
	ends[n++] = buf_len(b);
	buf_put(b, r->address);
	ends[n++] = buf_len(b);
	emit(c, ends, n);
}

static void do_list(struct command *c, const struct queue_msg *m)
{
	for (size_t i = 0; i < m->rcpt_count; i++)
		if (fits_rcpt(&c->filter, &m->rcpts[i]) &&
			(queue_is_open(m->rcpts[i].state) ||
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

static void show_rcpt(struct command *c, const struct queue_rcpt *r)
{
	struct buf *b = &c->cells;

	buf_put(b, r->address);
	buf_printf(b, ": %s, %u attempts", queue_state_word(r->state),
		r->attempts);
	if (r->state == QUEUE_WAITING) {
		buf_puts(b, ", next ");
		time_put_rfc3339(b, c->admin->now_wall_ms + r->next_ms -
			c->admin->now_ms);
	}
	emit_pair(c, "recipient");
	if (r->text.n == 0)
		return;
	if (r->code != 0)
		buf_printf(b, "%u ", r->code);
	buf_put(b, r->enhanced);
	buf_putc(b, ' ');
	buf_put(b, r->text);
	emit_pair(c, "reply");
}

static void show_attempt(void *arg, const struct queue_attempt *a)
{
	struct command *c = arg;
	struct buf *b = &c->cells;
	struct span dialogue = a->dialogue;

	time_put_rfc3339(b, a->at_wall_ms);
	buf_printf(b, " recipient %u: %s ", a->idx, code_word(a->result));
	if (a->code != 0)
		buf_printf(b, "%u ", a->code);
	buf_put(b, a->enhanced);
	buf_putc(b, ' ');
	buf_put(b, a->text);
	if (a->peer.n > 0) {
		buf_puts(b, " from ");
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

static void do_show(struct command *c, const struct queue_msg *m)
{
	struct buf *b = &c->cells;

	buf_reset(b);
	put_mid(b, m->qid);
	emit_pair(c, "id");
	time_put_rfc3339(b, m->received_wall_ms);
	emit_pair(c, "received");
	put_sender(b, m);
	emit_pair(c, "from");
	if (!c->is_past) {
		buf_put_u64(b, m->size);
		emit_pair(c, "size");
		buf_printf(b, "%llx", (unsigned long long)m->sid);
		emit_pair(c, "session");
	}
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
	for (size_t i = 0; i < walk->m->rcpt_count; i++)
		if (walk->m->rcpts[i].idx == a->idx)
			buf_put(b, walk->m->rcpts[i].address);
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

	if (!is_wanted_id(&c->filter, qid))
		return;
	arena_init(&a, MESSAGE_MAX);
	code = c->is_past
		? queue_store_past_load(c->admin->store, qid, &a, &m, c->e)
		: queue_store_load(c->admin->store, qid, &a, &m, c->e);
	/* a damaged row is listed by `queue check`, and stops nothing */
	if (code == OK && fits(c, &m)) {
		c->matched++;
		v->run(c, &m);
	}
	arena_clear(&a);
}

static enum code walk(struct command *c, const struct verb *v, bool is_past)
{
	uint64_t qids[WALK_COUNT], after = 0;
	struct queue_list list = {qids, WALK_COUNT, WALK_COUNT};
	enum code code = OK;

	c->is_past = is_past;
	while (list.count == WALK_COUNT) {
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
