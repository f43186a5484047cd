/*
 * address.c - lists of addresses in header fields.  See address.h.
 *
 * The words between two separators are an item.  Most items stand as they mean
 * (is_plain: one "@" and no gap, or a name that needs no change), and spans
 * are cut from the value; the others are looked at a second time, run by run,
 * and copied.  A run is what no gap divides, but for gaps beside "@" and ".".
 *
 *	item ends with   and is then
 *	, ; end          an address without brackets      finish
 *	:                the name of a group              begin_group
 *	<                the name of what is in brackets  take_angle
 *
 * What follows ">" is an item of its own (is_trailing) that counts only if
 * there is an address in it.
 */
#include "message/address.h"

#include "message/address_run.h"
#include "message/address_text.h"
#include "message/limits.h"
#include "message/token.h"

#include "base/banned.h"

#define FIRST_ROOM 4
#define ROUNDING   64 /* what the arena adds to the parts of an address */

struct item {
	size_t start, end; /* of its words, in the value */
	size_t at;         /* of its last "@" */
	size_t words;      /* tokens, gaps not counted */
	size_t quoted;     /* those in quotes */
	size_t at_count;
	bool has_gap;      /* between its words */
	bool is_dirty;     /* something is not what it means as it stands */
	bool is_trailing;  /* behind ">" */
	struct token gap;  /* behind its last word; valid if end < gap.end */
	struct span comment;
};

struct reader {
	struct arena *arena;
	struct address_list *list;
	struct token_reader tokens;
	struct item item;
	bool in_group;
};

/* ---- the list ---------------------------------------------------------- */

static bool has_bytes(const struct arena *a, size_t bytes)
{
	size_t half = a->cap_bytes / 2;

	return a->used_bytes < half && bytes < half - a->used_bytes;
}

/* Room for one more, and for the end of a group behind it. */
static bool grow(struct arena *a, struct address_list *list)
{
	size_t room = list->room == 0 ? FIRST_ROOM : list->room * 2;
	struct address *items;

	if (list->count + 2 <= list->room)
		return true;
	while (room < list->count + 2)
		room *= 2;
	if (list->count >= MESSAGE_ADDRESSES_MAX ||
		!has_bytes(a, room * sizeof(*items)))
		return false;
	items = arena_alloc(a, room, sizeof(*items));
	for (size_t i = 0; i < list->count; i++)
		items[i] = list->items[i];
	list->items = items;
	list->room = room;
	return true;
}

static void push(struct reader *r, const struct address *one)
{
	struct address_list *list = r->list;

	if (list->count >= MESSAGE_ADDRESSES_MAX || !grow(r->arena, list))
		list->is_cut = true;
	else
		list->items[list->count++] = *one;
}

static void push_mailbox(struct reader *r, struct address *one)
{
	one->kind = ADDRESS_MAILBOX;
	if (one->name.n + one->local.n + one->domain.n > 0)
		push(r, one);
}

/* The list has room for it: grow saw to that when the group began. */
static void end_group(struct reader *r)
{
	struct address_list *list = r->list;

	if (r->in_group)
		list->items[list->count++] =
			(struct address){.kind = ADDRESS_GROUP_END};
	r->in_group = false;
}

/* ---- items -------------------------------------------------------------- */

static struct span cut(const struct reader *r, size_t start, size_t end)
{
	return span_of(r->tokens.value.p + start, end - start);
}

static void note_gap(struct item *it, const struct token *t)
{
	if (it->words > 0 || it->is_trailing)
		if (t->comment.n > 0)
			it->comment = t->comment;
	if (it->gap.end == t->start && it->gap.end > it->end)
		it->gap.is_dirty = true;
	else
		it->gap.is_dirty = t->is_dirty || t->kind != TOKEN_GAP;
	it->gap.end = t->end;
}

static void add_word(struct item *it, const struct token *t)
{
	if (it->words == 0) {
		it->start = t->start;
	} else if (it->end < t->start) {
		it->has_gap = true;
		it->is_dirty = it->is_dirty || it->gap.is_dirty;
	}
	it->words++;
	it->is_dirty = it->is_dirty || t->is_dirty;
	it->quoted += t->kind == TOKEN_QUOTED;
	if (t->kind == TOKEN_AT) {
		it->at_count++;
		it->at = t->start;
	}
	/* behind the domain it ends the address */
	if (t->kind == TOKEN_COLON && it->at_count > 0)
		it->is_dirty = true;
	it->end = t->end;
}

static struct span phrase(struct reader *r, const struct item *it)
{
	struct span raw = cut(r, it->start, it->end);

	if (it->words == 0)
		return SPAN_EMPTY;
	if (it->words == 1 && it->quoted == 1 && !it->is_dirty)
		return span_of(raw.p + 1, raw.n - 2);
	if (it->quoted == 0 && !it->is_dirty)
		return raw;
	return address_text(r->arena, raw, ADDRESS_PHRASE);
}

/* Do copies of the parts of so many bytes still fit?  None is longer than what
 * it is copied from. */
static bool may_copy(struct reader *r, size_t bytes)
{
	if (has_bytes(r->arena, bytes + ROUNDING))
		return true;
	r->list->is_cut = true;
	return false;
}

/* ---- an address, run by run ----------------------------------------------- */

static struct span part(struct span text, size_t start, size_t end)
{
	return span_of(text.p + start, end - start);
}

/* Of words with an "@" somewhere: those before one are the name of its address,
 * and those behind the last are nothing. */
static void take_runs(struct reader *r, struct span text, struct address *one)
{
	struct token_reader t = {.value = text};
	size_t words_start = 0, words_end = 0;
	struct address_run run;

	while (!r->list->is_cut && address_run_next(&t, &run)) {
		if (words_end == 0)
			words_start = run.start;
		if (!run.has_at) {
			words_end = run.end;
			continue;
		}
		if (!may_copy(r, run.end - words_start))
			return;
		if (one->name.n == 0)
			one->name = address_text(r->arena,
				part(text, words_start, words_end == 0
						? words_start
						: words_end),
				ADDRESS_PHRASE);
		one->local = address_text(r->arena,
			part(text, run.start, run.at), ADDRESS_LOCAL);
		one->domain = address_text(r->arena,
			part(text, run.at + 1, run.end), ADDRESS_DOMAIN);
		push_mailbox(r, one);
		*one = (struct address){0};
		words_end = 0;
	}
}

/* Takes the words of an item as an address, which has what one already says. */
static void take_address(struct reader *r, const struct item *it,
	struct address *one)
{
	if (it->at_count == 0) {
		if (!may_copy(r, it->end - it->start))
			return;
		one->local = phrase(r, it);
		push_mailbox(r, one);
	} else if (it->at_count == 1 && it->quoted == 0 && !it->has_gap &&
		!it->is_dirty) {
		one->local = cut(r, it->start, it->at);
		one->domain = cut(r, it->at + 1, it->end);
		push_mailbox(r, one);
	} else {
		take_runs(r, cut(r, it->start, it->end), one);
	}
}

/* The comment names the address before it if nothing else does. */
static void name_last(struct reader *r, struct span comment)
{
	struct address_list *list = r->list;
	struct address *last;

	if (comment.n == 0 || list->count == 0 || list->is_cut)
		return;
	last = &list->items[list->count - 1];
	if (last->kind != ADDRESS_MAILBOX || last->name.n > 0)
		return;
	if (may_copy(r, comment.n))
		last->name = address_text(r->arena, comment, ADDRESS_COMMENT);
}

static void finish(struct reader *r)
{
	struct item *it = &r->item;
	struct address one = {0};
	size_t before = r->list->count;
	bool is_trailing = it->is_trailing;

	if (it->words > 0 && (!is_trailing || it->at_count > 0))
		take_address(r, it, &one);
	if (r->list->count > before || is_trailing)
		name_last(r, it->comment);
	*it = (struct item){0};
}

/* ---- groups and brackets ------------------------------------------------------ */

static void begin_group(struct reader *r)
{
	struct address one = {.kind = ADDRESS_GROUP_START};

	if (r->item.words == 0 || r->item.at_count > 0) {
		finish(r);
		return;
	}
	if (!may_copy(r, r->item.end - r->item.start))
		return;
	end_group(r);
	one.name = phrase(r, &r->item);
	push(r, &one);
	r->in_group = !r->list->is_cut;
	r->item = (struct item){0};
}

/* "@a,@b:" at the start of what is in brackets, obsolete; RFC 5322 4.4 */
static struct span take_route(struct reader *r)
{
	struct token_reader ahead = r->tokens;
	struct token t;
	size_t start = 0, end = 0;

	do {
		token_next(&ahead, &t);
		if (end == 0 && t.kind != TOKEN_GAP && t.kind != TOKEN_AT &&
			t.kind != TOKEN_COMMA)
			return SPAN_EMPTY;
		if (t.kind == TOKEN_END || t.kind == TOKEN_OPEN ||
			t.kind == TOKEN_CLOSE || t.kind == TOKEN_QUOTED ||
			t.kind == TOKEN_SEMICOLON)
			return SPAN_EMPTY;
		if (t.kind == TOKEN_AT && end == 0)
			start = t.start;
		if (t.kind == TOKEN_AT || end > 0)
			end = t.start;
	} while (t.kind != TOKEN_COLON);
	if (!has_bytes(r->arena, end - start + ROUNDING))
		return SPAN_EMPTY;
	r->tokens.at = ahead.at;
	return address_text(r->arena, cut(r, start, end), ADDRESS_DOMAIN);
}

/* What is in brackets, up to ">" or what shows that it is missing. */
static enum token_kind read_angle(struct reader *r, struct item *out)
{
	struct token t;

	*out = (struct item){0};
	for (;;) {
		token_next(&r->tokens, &t);
		switch (t.kind) {
		case TOKEN_GAP: note_gap(out, &t); break;
		case TOKEN_CLOSE: return TOKEN_CLOSE;
		case TOKEN_END:
		case TOKEN_OPEN:
		case TOKEN_COMMA:
		case TOKEN_SEMICOLON:
			r->tokens.at = t.start;
			return t.kind;
		case TOKEN_WORD:
		case TOKEN_QUOTED:
		case TOKEN_PAIR:
		case TOKEN_LITERAL:
		case TOKEN_AT:
		case TOKEN_COLON:
		default: add_word(out, &t); break;
		}
	}
}

/* Does another bracket open behind this one? */
static bool opens_again(const struct reader *r)
{
	struct token_reader ahead = r->tokens;
	struct token t;

	do
		token_next(&ahead, &t);
	while (t.kind == TOKEN_GAP);
	return t.kind == TOKEN_OPEN;
}

/* Brackets without an address before other brackets are a part of the name. */
static void join_name(struct item *name, const struct item *angle)
{
	if (angle->words == 0)
		return;
	if (name->words == 0)
		name->start = angle->start;
	name->words += angle->words;
	name->quoted += angle->quoted;
	name->end = angle->end;
	name->is_dirty = true;
}

static void take_angle(struct reader *r)
{
	struct address one = {.route = take_route(r)};
	struct item angle;
	enum token_kind end = read_angle(r, &angle);

	if (angle.at_count == 0 && one.route.n == 0 &&
		(end == TOKEN_OPEN || (end == TOKEN_CLOSE && opens_again(r)))) {
		join_name(&r->item, &angle);
		return;
	}
	/* empty brackets say nothing against an address before them */
	if (angle.words == 0 && (r->item.at_count > 0 || end != TOKEN_CLOSE))
		return;
	if (!may_copy(r, r->item.end - r->item.start))
		return;
	one.name = phrase(r, &r->item);
	take_address(r, &angle, &one);
	r->item = (struct item){.is_trailing = true};
}

void address_list_read(struct arena *a, struct span value,
	struct address_list *list)
{
	struct reader r = {.arena = a, .list = list, .tokens.value = value};
	struct token t;

	do {
		token_next(&r.tokens, &t);
		switch (t.kind) {
		case TOKEN_OPEN: take_angle(&r); break;
		case TOKEN_COLON: begin_group(&r); break;
		case TOKEN_GAP:
		case TOKEN_CLOSE: note_gap(&r.item, &t); break;
		case TOKEN_END:
		case TOKEN_COMMA: finish(&r); break;
		case TOKEN_SEMICOLON:
			finish(&r);
			end_group(&r);
			break;
		case TOKEN_WORD:
		case TOKEN_QUOTED:
		case TOKEN_PAIR:
		case TOKEN_LITERAL:
		case TOKEN_AT:
		default: add_word(&r.item, &t); break;
		}
	} while (t.kind != TOKEN_END && !list->is_cut);
	end_group(&r);
}
