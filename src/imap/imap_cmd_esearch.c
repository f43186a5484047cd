/*
 * imap_cmd_esearch.c - ESEARCH: one search in several mailboxes.  RFC 7377
 *
 *	esearch = "ESEARCH" [SP "IN" SP "(" filter *(SP filter) ")"]
 *	          [SP "RETURN" SP "(" [options] ")"] SP
 *	          ["CHARSET" SP charset SP] keys
 *
 * The mailboxes are opened one after the other, and the program is read anew for
 * each, as its numbers, "*" and keywords mean something else there.  The one that
 * is selected is searched as the client knows it, and not touched.
 *
 * Each mailbox counts once, however often it is meant, and one that is not there
 * is passed over: so are another account's, of which there are none here
 * (RFC 7377 5).
 */
#include "imap/imap_context.h"
#include "imap/imap_filter.h"

#include "base/banned.h"

/* Of a command; and names in them: more mailboxes there cannot be. */
#define FILTERS_MAX 100
#define NAMES_MAX   STORE_MAILBOXES_MAX

/* So many mailboxes are opened before others have their turn. */
#define SLICE_MAILBOXES 10

struct esearching {
	struct imap_searching q;
	struct imap_filter *filters;
	size_t filter_count, name_count;
	bool has_other;      /* than the mailbox that is selected */
	uint64_t *mailboxes; /* ids, in the order of names */
	size_t count, next;
	size_t program_at;   /* where the keys stand in the text */
	struct arena program;
	uint64_t done, total; /* messages; of those in mailboxes before this one */
	bool is_open;        /* q is about mailboxes[next - 1] */
	struct store_view *view; /* NULL: it is the one that is selected */
	struct store_cursor cursor;
};

/* ---- reading ------------------------------------------------------------------- */
static bool read_filter(struct imap_session *s, struct imap_reader *r,
	struct esearching *j)
{
	struct imap_filter *f = &j->filters[j->filter_count];

	if (j->filter_count == FILTERS_MAX)
		return imap_read_fails(r, "too many mailboxes");
	if (imap_next(r) == '(')
		return imap_read_fails(r, "there are no such options");
	if (!imap_filter_read(r, IMAP_FILTERS_ESEARCH, &s->arena, f))
		return false;
	j->filter_count++;
	j->name_count += f->count;
	j->has_other = j->has_other || f->kind != IMAP_FILTER_SELECTED;
	return true;
}

/* ["IN" SP "(" … ")" SP] */
static bool read_sources(struct imap_session *s, struct imap_reader *r,
	struct esearching *j)
{
	static const struct imap_filter selected = {
		.kind = IMAP_FILTER_SELECTED};

	j->filters = arena_alloc(&s->arena, FILTERS_MAX, sizeof(*j->filters));
	if (!imap_skip_word(r, SPAN("IN"))) {
		j->filters[j->filter_count++] = selected;
		return true;
	}
	if (!imap_read_sp(r) || !imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_filter(s, r, j))
			return false;
	if (r->why == NULL && j->filter_count == 0)
		return imap_read_fails(r, "in which mailboxes?");
	return r->why == NULL && imap_read_sp(r);
}

/* What may not stand together, or not now: RFC 7377 2.2. */
static const char *wrong_of(const struct imap_session *s,
	const struct esearching *j)
{
	for (size_t i = 0; i < j->filter_count; i++)
		if (j->filters[i].kind == IMAP_FILTER_SELECTED &&
			!s->is_selected)
			return "no mailbox is selected";
	if (j->q.wants_save && j->has_other)
		return "SAVE is for the mailbox that is selected";
	return imap_context_wrong(s, &j->q);
}

/* ---- which mailboxes ------------------------------------------------------------- */
static bool is_source(const struct imap_session *s, const struct esearching *j,
	const struct store_mailbox *m)
{
	const struct imap_filtered is = {
		.name = m->name,
		.is_subscribed = m->is_subscribed,
		.is_selected = s->is_selected &&
			m->id == s->cursor.view->mailbox,
	};

	for (size_t i = 0; i < j->filter_count; i++)
		if (imap_filter_matches(&j->filters[i], &is))
			return true;
	return false;
}

static void collect(struct imap_session *s, struct esearching *j)
{
	size_t count = store_mailbox_count(s->store);

	j->mailboxes = arena_alloc(&s->arena, count + 1, sizeof(uint64_t));
	for (size_t i = 0; i < count; i++) {
		const struct store_mailbox *m = store_mailbox_at(s->store, i);

		if (!is_source(s, j, m))
			continue;
		j->mailboxes[j->count++] = m->id;
		j->total += m->messages;
	}
}

/* ---- one mailbox ------------------------------------------------------------------- */
/* As it was read before; *out_code when it cannot be opened. */
static const struct store_cursor *cursor_of(struct imap_session *s,
	struct esearching *j, uint64_t id)
{
	struct err e;
	enum code code;

	if (s->is_selected && s->cursor.view->mailbox == id)
		return &s->cursor;
	code = store_view_open(s->store, id, &j->view, &e);
	if (code == OK) {
		store_cursor_open(&j->cursor, j->view);
		return &j->cursor;
	}
	j->view = NULL;
	if (code != NOT_FOUND) {
		imap_trouble(s, &e);
		j->q.has_damaged = true;
	}
	return NULL;
}

static void open_next(struct imap_session *s, struct esearching *j)
{
	const struct store_cursor *cursor =
		cursor_of(s, j, j->mailboxes[j->next++]);
	struct imap_reader r;
	bool bad_charset;

	if (cursor == NULL)
		return;
	arena_reset(&j->program);
	imap_reader_init(&r, s->reader.text, &j->program);
	r.is_utf8 = s->is_utf8;
	r.depth_max = IMAP_DEPTH_MAX;
	r.at = j->program_at;
	/* it was right when it was read for no mailbox, and is so here */
	must(imap_search_read(s, cursor, &r, &j->q.search, &bad_charset));
	imap_search_begin(s, &j->q, cursor);
	j->is_open = true;
}

static void close_it(struct esearching *j)
{
	if (j->view != NULL) {
		store_cursor_close(&j->cursor);
		store_view_close(j->view);
	}
	j->view = NULL;
	j->is_open = false;
}

/* Nothing is said of a mailbox that has nothing: RFC 7377 2.1. */
static void answer_one(struct imap_session *s, struct esearching *j)
{
	struct imap_searching *q = &j->q;

	if (q->wants_save)
		imap_save_found(s, q);
	if (q->found.count > 0 && imap_wants_answer(q) &&
		!q->cursor->view->is_deleted)
		imap_put_esearch(s, q);
	if (j->view == NULL)
		imap_context_keep(s, q);
	j->done += q->number;
	close_it(j);
}

static enum step job_esearch(struct imap_session *s)
{
	struct esearching *j = s->job_state;

	for (unsigned opened = 0; j->is_open || j->next < j->count;) {
		bool is_enough = j->is_open
			? imap_search_some(s, &j->q) == MORE
			: !imap_has_room(s) || opened++ == SLICE_MAILBOXES;

		if (is_enough) {
			imap_progress(s, j->done + (j->is_open ? j->q.number : 0),
				j->total);
			return MORE;
		}
		if (j->is_open)
			answer_one(s, j);
		else
			open_next(s, j);
	}
	imap_context_refuse(s, &j->q);
	imap_end_found(s, &j->q);
	return DONE;
}

static void end_esearch(struct imap_session *s)
{
	struct esearching *j = s->job_state;

	close_it(j);
	imap_search_end(&j->q);
	arena_clear(&j->program);
}

/* ---- the command ---------------------------------------------------------------------- */
static bool read_all(struct imap_session *s, struct imap_reader *r,
	struct esearching *j, bool *out_bad_charset)
{
	if (!imap_read_sp(r) || !read_sources(s, r, j) ||
		!imap_read_search_options(r, &j->q))
		return false;
	j->program_at = r->at;
	return imap_search_read(s, NULL, r, &j->q.search, out_bad_charset);
}

void imap_cmd_esearch(struct imap_session *s, struct imap_reader *r)
{
	struct esearching *j = ARENA_NEW(&s->arena, struct esearching);
	bool bad_charset = false;
	const char *wrong;

	j->q.is_multi = j->q.is_uid = true;
	j->q.is_extended = j->q.wants_all = true;
	if (!read_all(s, r, j, &bad_charset)) {
		imap_bad(s, r->why);
		return;
	}
	wrong = wrong_of(s, j);
	if (wrong == NULL && !bad_charset)
		wrong = imap_search_wrong(&j->q);
	if (wrong != NULL) {
		imap_bad(s, wrong);
		return;
	}
	if (bad_charset) {
		imap_refuse_charset(s, &j->q);
		return;
	}
	if (j->name_count > NAMES_MAX) {
		imap_no(s, "[LIMIT] too many mailboxes are named");
		return;
	}
	if (j->q.wants_update)
		imap_context_begin(s, &j->q,
			span_tail(r->text, j->program_at));
	collect(s, j);
	arena_init(&j->program, IMAP_COMMAND_ARENA_BYTES);
	imap_work(s, job_esearch, j, end_esearch);
}
