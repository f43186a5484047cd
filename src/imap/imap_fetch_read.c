/*
 * imap_fetch_read.c - the items of FETCH.  RFC 9051 6.4.5 and 9 (fetch-att)
 */
#include "imap/imap_fetch.h"

#include "base/banned.h"

/* ---- the table ------------------------------------------------------------------ */
enum kind { PLAIN, SECTION, FIXED_SECTION, BINARY };

struct row {
	const char *name;
	imap_item_fn *put;
	const char *answer;  /* its name in the answer; NULL: the same */
	enum kind kind;
	unsigned needs;      /* STORE_META_*: what of the message is looked at */
	bool sets_seen;
	const char *section; /* FIXED_SECTION: that of a name of RFC 3501 */
};

/* clang-format off */
static const struct row rows[] = {
	{"FLAGS", imap_put_item_flags, NULL, PLAIN, 0, false, NULL},
	{"UID", imap_put_item_uid, NULL, PLAIN, 0, false, NULL},
	{"INTERNALDATE", imap_put_item_date, NULL, PLAIN, 0, false, NULL},
	{"SAVEDATE", imap_put_item_saved, NULL, PLAIN, 0, false, NULL},
	{"RFC822.SIZE", imap_put_item_size, NULL, PLAIN, 0, false, NULL},
	{"MODSEQ", imap_put_item_modseq, NULL, PLAIN, 0, false, NULL},
	{"ENVELOPE", imap_put_item_envelope, NULL, PLAIN, STORE_META_ENVELOPE, false, NULL},
	{"BODYSTRUCTURE", imap_put_item_bodystructure, NULL, PLAIN, STORE_META_TREE, false, NULL},
	{"EMAILID", imap_put_item_email_id, NULL, PLAIN, 0, false, NULL},
	{"THREADID", imap_put_item_thread_id, NULL, PLAIN, STORE_META_FACTS, false, NULL},
	{"PREVIEW", imap_put_item_preview, NULL, PLAIN, STORE_META_ALL, false, NULL},
	{"BODY.PEEK[", imap_put_item_section, "BODY", SECTION, STORE_META_TREE, false, NULL},
	{"BODY[", imap_put_item_section, "BODY", SECTION, STORE_META_TREE, true, NULL},
	{"BODY", imap_put_item_body_form, NULL, PLAIN, STORE_META_TREE, false, NULL},
	{"BINARY.PEEK[", imap_put_item_binary, "BINARY", BINARY, STORE_META_TREE, false, NULL},
	{"BINARY.SIZE[", imap_put_item_binary_size, "BINARY.SIZE", BINARY, STORE_META_TREE, false, NULL},
	{"BINARY[", imap_put_item_binary, "BINARY", BINARY, STORE_META_TREE, true, NULL},
	{"RFC822.HEADER", imap_put_item_section, NULL, FIXED_SECTION, STORE_META_TREE, false, "HEADER"},
	{"RFC822.TEXT", imap_put_item_section, NULL, FIXED_SECTION, STORE_META_TREE, true, "TEXT"},
	{"RFC822", imap_put_item_section, NULL, FIXED_SECTION, STORE_META_TREE, true, ""},
};
/* clang-format on */
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct {
	const char *name;
	const char *items;
} macros[] = {
	{"ALL", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"},
	{"FAST", "(FLAGS INTERNALDATE RFC822.SIZE)"},
	{"FULL", "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)"},
};
#define MACROS (sizeof(macros) / sizeof(macros[0]))

/* ---- sections --------------------------------------------------------------------- */
/* One name of a field that came as a literal or with quotes, in the form that
 * section_read knows. */
static bool copy_string(struct imap_reader *r, struct buf *out)
{
	struct span s;

	if (!imap_read_string(r, &s))
		return false;
	if (span_find(s, '"') < s.n || span_find(s, '\\') < s.n)
		return imap_read_fails(r, "that is no name of a field");
	buf_putc(out, '"');
	buf_put(out, s);
	buf_putc(out, '"');
	return true;
}

/* The text up to the bracket, in the arena. */
static bool read_section_text(struct imap_reader *r, struct span *out)
{
	struct buf text;
	bool is_good = true;

	buf_init(&text, IMAP_SESSION_COMMAND_MAX + 16);
	while (is_good && !imap_is_end(r) && imap_next(r) != ']') {
		uint8_t c = imap_next(r);

		if (c == '"' || c == '{') {
			is_good = copy_string(r, &text);
		} else {
			buf_putc(&text, c);
			r->at++;
		}
	}
	*out = arena_dup(r->arena, buf_span(&text));
	buf_clear(&text);
	return is_good && imap_read_byte(r, ']');
}

static bool set_section(struct imap_reader *r, struct imap_item *item)
{
	enum code code = section_read(r->arena, item->text, &item->section);

	if (code == LIMIT)
		return imap_read_fails(r, "more numbers or names than allowed");
	return code == OK || imap_read_fails(r, "that is no section");
}

static bool read_section(struct imap_reader *r, const struct row *row,
	struct imap_item *item)
{
	item->has_brackets = true;
	if (!read_section_text(r, &item->text) || !set_section(r, item))
		return false;
	/* only numbers: RFC 9051 9, section-binary */
	if (row->kind == BINARY && item->section.what != SECTION_ALL)
		return imap_read_fails(r, "BINARY is of numbers");
	if (imap_next(r) != '<' || item->put == imap_put_item_binary_size)
		return true;
	item->has_partial = true;
	return imap_read_partial(r, &item->from, &item->count);
}

/* ---- items -------------------------------------------------------------------------- */
static bool add(struct imap_reader *r, struct imap_fetch *f,
	const struct row *row)
{
	struct imap_item *item = &f->items[f->item_count];

	if (f->item_count == IMAP_FETCH_ITEMS_MAX)
		return imap_read_fails(r, "too many items");
	*item = (struct imap_item){
		.put = row->put,
		.name = row->answer != NULL ? row->answer : row->name,
		.sets_seen = row->sets_seen,
	};
	if (row->kind == FIXED_SECTION) {
		must(section_read(r->arena, span_str(row->section),
			     &item->section) == OK);
	} else if (row->kind != PLAIN && !read_section(r, row, item)) {
		return false;
	}
	f->has_flags = f->has_flags || row->put == imap_put_item_flags;
	f->has_uid = f->has_uid || row->put == imap_put_item_uid;
	f->has_modseq = f->has_modseq || row->put == imap_put_item_modseq;
	f->metas.what |= imap_is_whole(item) ? 0 : row->needs;
	f->sets_seen = f->sets_seen || row->sets_seen;
	f->item_count++;
	return true;
}

static bool has_bracket(const struct row *row)
{
	return row->kind == SECTION || row->kind == BINARY;
}

static bool read_item(struct imap_reader *r, struct imap_fetch *f)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct span name = span_str(rows[i].name);
		struct span rest = span_tail(r->text, r->at);

		if (has_bracket(&rows[i])
				? !(span_starts_fold(rest, name) &&
					  imap_skip(r, span_head(rest, name.n)))
				: !imap_skip_word(r, name))
			continue;
		if (!add(r, f, &rows[i]))
			return false;
		/* RFC 8970 3.1: LAZY is no hurry; it is stored, so none */
		if (rows[i].put == imap_put_item_preview)
			(void)(imap_skip(r, SPAN(" (LAZY)")) ||
				imap_skip(r, SPAN(" (lazy)")));
		return true;
	}
	return imap_read_fails(r, "FETCH has no such item");
}

bool imap_fetch_read_list(struct imap_reader *r, struct imap_fetch *f)
{
	if (!imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_item(r, f))
			return false;
	if (r->why == NULL && f->item_count == 0)
		return imap_read_fails(r, "FETCH of what?");
	return r->why == NULL;
}

static bool read_items(struct imap_reader *r, struct imap_fetch *f)
{
	for (size_t i = 0; i < MACROS; i++) {
		struct imap_reader sub;

		if (!imap_skip_word(r, span_str(macros[i].name)))
			continue;
		imap_reader_init(&sub, span_str(macros[i].items), r->arena);
		sub.depth_max = 1;
		return imap_fetch_read_list(&sub, f);
	}
	return imap_next(r) == '(' ? imap_fetch_read_list(r, f) : read_item(r, f);
}

/* ---- modifiers ---------------------------------------------------------------------- */
static bool read_changed_since(struct imap_session *s, struct imap_reader *r,
	struct imap_fetch *f)
{
	f->has_changed_since = true;
	imap_enable_condstore(s);
	return imap_read_sp(r) && imap_read_number64(r, &f->changed_since);
}

static bool read_partial(struct imap_session *s, struct imap_reader *r,
	struct imap_fetch *f)
{
	if (!s->call.is_uid)
		return imap_read_fails(r, "PARTIAL needs UID FETCH");
	if (f->has_window)
		return imap_read_fails(r, "PARTIAL stands there twice");
	f->has_window = true;
	return imap_read_sp(r) && imap_read_window(r, &f->window);
}

static bool read_modifier(struct imap_session *s, struct imap_reader *r,
	struct imap_fetch *f)
{
	if (imap_skip_word(r, SPAN("CHANGEDSINCE")))
		return read_changed_since(s, r, f);
	if (imap_skip_word(r, SPAN("PARTIAL")))
		return read_partial(s, r, f);
	if (!s->has_qresync || !s->call.is_uid ||
		!imap_skip_word(r, SPAN("VANISHED")))
		return imap_read_fails(r, "no such modifier");
	f->wants_vanished = true;
	return true;
}

static bool read_modifiers(struct imap_session *s, struct imap_reader *r,
	struct imap_fetch *f)
{
	if (imap_is_end(r))
		return true;
	if (!imap_read_sp(r) || !imap_read_open(r))
		return false;
	for (bool first = true; imap_read_more(r, first); first = false)
		if (!read_modifier(s, r, f))
			return false;
	if (r->why == NULL && f->wants_vanished && !f->has_changed_since)
		return imap_read_fails(r, "VANISHED needs CHANGEDSINCE");
	return r->why == NULL;
}

/* The messages that PARTIAL leaves: those that are gone do not count, and what
 * CHANGEDSINCE passes over does (RFC 9394 3.4). */
static void apply_window(struct imap_session *s, struct imap_fetch *f)
{
	struct store_uids uids = {0};
	bool has_ghosts;
	size_t first, end;

	imap_collect_uids(s, &f->asked, &uids, &has_ghosts);
	imap_window_find(&f->window, uids.count, &first, &end);
	f->set = first == end ? (struct imap_set){0}
			      : imap_set_of(uids.items + first, end - first,
					&s->arena);
	store_uids_clear(&uids);
}

bool imap_fetch_read(struct imap_session *s, struct imap_reader *r,
	struct imap_fetch *f)
{
	if (!read_items(r, f) || !read_modifiers(s, r, f) ||
		!imap_read_end(r))
		return false;
	if (f->has_modseq)
		imap_enable_condstore(s);
	f->set = f->asked;
	if (f->has_window)
		apply_window(s, f);
	return true;
}
