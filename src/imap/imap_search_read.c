/*
 * imap_search_read.c - the keys of SEARCH into a program.  RFC 9051 6.4.4 and 9,
 * RFC 3501 6.4.4, RFC 5032 (WITHIN), RFC 7162 3.1.5, RFC 8474, RFC 8514
 *
 * A stack stands for what is open: a list of keys that must all be had, NOT
 * which waits for one, OR which waits for two, FUZZY which waits for one and is
 * no operation.  When a key is complete, so are those that waited for it.
 */
#include "base/num.h"
#include "base/utf8.h"
#include "codec/charset.h"
#include "imap/imap_int.h"
#include "imap/imap_search.h"

#include "base/banned.h"

#define DAY_S 86400

enum frame_kind { IN_LIST, IN_NOT, IN_OR, IN_FUZZY };
struct frame {
	enum frame_kind kind;
	uint32_t count; /* operands so far */
};

struct making {
	struct imap_session *session;
	const struct store_cursor *cursor; /* NULL: none yet */
	struct imap_reader *r;
	struct imap_search *search;
	struct span charset;
	size_t key_room;
	struct frame frames[IMAP_SEARCH_DEPTH_MAX];
	size_t depth;
};

struct row;
typedef bool read_fn(struct making *m, const struct row *row,
	struct imap_key *k);

struct row {
	const char *name;
	imap_key_fn *has;
	enum imap_search_cost cost;
	unsigned flags;
	enum imap_moment moment;
	read_fn *read; /* its argument; NULL: none */
};

/* ---- arguments ------------------------------------------------------------------ */
/* In the charset that was named; what it is not, is guessed (charset.h). */
static bool read_text(struct making *m, struct span *out)
{
	struct buf text;

	if (!imap_read_sp(m->r) || !imap_read_astring(m->r, out))
		return false;
	if (utf8_is_ascii(*out))
		return true;
	buf_init(&text, out->n * 4 + 16);
	(void)charset_put_utf8(&text, m->charset, *out);
	*out = arena_dup(m->r->arena, buf_span(&text));
	buf_clear(&text);
	return true;
}

/* A text that is looked for in what signatures know of. */
static void take_terms(struct making *m, struct imap_key *k)
{
	struct store_terms *t = ARENA_NEW(m->r->arena, struct store_terms);

	store_terms_of(t, k->needle.text);
	if (t->count == 0)
		return;
	k->terms = t;
	m->search->has_terms = true;
}

/* FUZZY, before this key or a list with it, is for texts; all else is matched
 * exactly (RFC 6203 5), and so is a text without words. */
static void take_fuzzy(struct making *m, struct imap_key *k)
{
	struct imap_fuzzy *f = ARENA_NEW(m->r->arena, struct imap_fuzzy);

	imap_fuzzy_init(f, m->r->arena, k->needle.text);
	if (f->count > 0)
		k->fuzzy = f;
}

static bool is_fuzzy(const struct making *m)
{
	for (size_t i = 0; i < m->depth; i++)
		if (m->frames[i].kind == IN_FUZZY)
			return true;
	return false;
}

static bool read_needle(struct making *m, const struct row *row,
	struct imap_key *k)
{
	struct span text;

	if (!read_text(m, &text))
		return false;
	imap_needle_init(&k->needle, m->r->arena, text);
	if (is_fuzzy(m))
		take_fuzzy(m, k);
	if (row->cost == IMAP_COST_HEAD || row->cost == IMAP_COST_TEXT)
		take_terms(m, k);
	return true;
}

static bool read_field(struct making *m, const struct row *row,
	struct imap_key *k)
{
	return imap_read_sp(m->r) && imap_read_astring(m->r, &k->word) &&
		read_needle(m, row, k);
}

static bool read_number(struct making *m, const struct row *row,
	struct imap_key *k)
{
	(void)row;
	return imap_read_sp(m->r) && imap_read_number64(m->r, &k->number);
}

static bool read_keyword(struct making *m, const struct row *row,
	struct imap_key *k)
{
	struct span name;
	int bit;

	(void)row;
	if (!imap_read_sp(m->r) || !imap_read_flag(m->r, &name))
		return false;
	bit = m->cursor != NULL ? store_view_keyword(m->cursor->view, name)
				: -1;
	k->keywords = bit >= 0 ? UINT64_C(1) << bit : 0;
	k->word = name; /* the bit may become another's */
	return true;
}

static bool read_day(struct making *m, int64_t *out_s)
{
	int32_t days;

	if (!imap_read_sp(m->r) || !imap_read_date(m->r, &days))
		return false;
	*out_s = (int64_t)days * DAY_S;
	return true;
}

static bool read_before(struct making *m, const struct row *row,
	struct imap_key *k)
{
	(void)row;
	k->from = INT64_MIN;
	return read_day(m, &k->to);
}

static bool read_since(struct making *m, const struct row *row,
	struct imap_key *k)
{
	(void)row;
	k->to = INT64_MAX;
	return read_day(m, &k->from);
}

static bool read_on(struct making *m, const struct row *row,
	struct imap_key *k)
{
	(void)row;
	if (!read_day(m, &k->from))
		return false;
	k->to = k->from + DAY_S;
	return true;
}

/* RFC 5032 2: seconds before now. */
static bool read_interval(struct making *m, int64_t *out_moment)
{
	uint32_t seconds;

	if (!imap_read_sp(m->r) || !imap_read_nz_number(m->r, &seconds))
		return false;
	*out_moment = m->session->now_ms / 1000 - (int64_t)seconds;
	return true;
}

static bool read_older(struct making *m, const struct row *row,
	struct imap_key *k)
{
	(void)row;
	k->from = INT64_MIN;
	if (!read_interval(m, &k->to))
		return false;
	k->to++;
	return true;
}

static bool read_younger(struct making *m, const struct row *row,
	struct imap_key *k)
{
	(void)row;
	k->to = INT64_MAX;
	return read_interval(m, &k->from);
}

/* [SP entry-name SP entry-type] SP modseq; which flag it was is not known, and
 * need not be: RFC 7162 3.1.5. */
static bool read_modseq(struct making *m, const struct row *row,
	struct imap_key *k)
{
	struct span ignored;

	(void)row;
	m->search->has_modseq = true;
	imap_enable_condstore(m->session);
	if (!imap_read_sp(m->r))
		return false;
	if (imap_next(m->r) == '"' &&
		(!imap_read_string(m->r, &ignored) || !imap_read_sp(m->r) ||
			!imap_read_atom(m->r, &ignored) ||
			!imap_read_sp(m->r)))
		return false;
	return imap_read_number64(m->r, &k->number);
}

/* An id of ours is a letter and a number; any other has no message. */
static bool read_id(struct making *m, const struct row *row,
	struct imap_key *k)
{
	struct span id;

	if (!imap_read_sp(m->r) || !imap_read_astring(m->r, &id))
		return false;
	if (id.n < 2 || id.p[0] != (row->has == imap_has_email_id ? 'M' : 'T') ||
		!num_parse_u64(span_tail(id, 1), UINT64_MAX, &k->number))
		k->has = imap_has_none;
	return true;
}

static bool read_uids(struct making *m, const struct row *row,
	struct imap_key *k)
{
	struct imap_set *set = ARENA_NEW(m->r->arena, struct imap_set);
	bool was_uid = m->session->call.is_uid;
	bool is_good;

	(void)row;
	m->session->call.is_uid = true;
	is_good = imap_read_sp(m->r) &&
		imap_read_messages_in(m->session, m->cursor, m->r, set);
	m->session->call.is_uid = was_uid;
	k->set = set;
	return is_good;
}

/* ---- the table -------------------------------------------------------------------- */
/* clang-format off */
#define ROW IMAP_COST_ROW
#define META IMAP_COST_META
#define HEAD IMAP_COST_HEAD
#define TEXT IMAP_COST_TEXT
static const struct row rows[] = {
	{"ALL", imap_has_all, ROW, 0, 0, NULL},
	{"ANSWERED", imap_has_flags, ROW, STORE_FLAG_ANSWERED, 0, NULL},
	{"BCC", imap_has_bcc, META, 0, 0, read_needle},
	{"BEFORE", imap_in_time, ROW, 0, IMAP_RECEIVED, read_before},
	{"BODY", imap_has_body, TEXT, 0, 0, read_needle},
	{"CC", imap_has_cc, META, 0, 0, read_needle},
	{"DELETED", imap_has_flags, ROW, STORE_FLAG_DELETED, 0, NULL},
	{"DRAFT", imap_has_flags, ROW, STORE_FLAG_DRAFT, 0, NULL},
	{"EMAILID", imap_has_email_id, ROW, 0, 0, read_id},
	{"FLAGGED", imap_has_flags, ROW, STORE_FLAG_FLAGGED, 0, NULL},
	{"FROM", imap_has_from, META, 0, 0, read_needle},
	{"HEADER", imap_has_field, HEAD, 0, 0, read_field},
	{"KEYWORD", imap_has_keyword, ROW, 0, 0, read_keyword},
	{"LARGER", imap_is_larger, ROW, 0, 0, read_number},
	{"MODSEQ", imap_is_modseq, ROW, 0, 0, read_modseq},
	{"NEW", imap_is_new, ROW, 0, 0, NULL},
	{"OLD", imap_is_old, ROW, 0, 0, NULL},
	{"OLDER", imap_in_time, ROW, 0, IMAP_RECEIVED, read_older},
	{"ON", imap_in_time, ROW, 0, IMAP_RECEIVED, read_on},
	{"RECENT", imap_is_recent, ROW, 0, 0, NULL},
	{"SAVEDATESUPPORTED", imap_has_all, ROW, 0, 0, NULL},
	{"SAVEDBEFORE", imap_in_time, ROW, 0, IMAP_SAVED, read_before},
	{"SAVEDON", imap_in_time, ROW, 0, IMAP_SAVED, read_on},
	{"SAVEDSINCE", imap_in_time, ROW, 0, IMAP_SAVED, read_since},
	{"SEEN", imap_has_flags, ROW, STORE_FLAG_SEEN, 0, NULL},
	{"SENTBEFORE", imap_in_time, META, 0, IMAP_SENT, read_before},
	{"SENTON", imap_in_time, META, 0, IMAP_SENT, read_on},
	{"SENTSINCE", imap_in_time, META, 0, IMAP_SENT, read_since},
	{"SINCE", imap_in_time, ROW, 0, IMAP_RECEIVED, read_since},
	{"SMALLER", imap_is_smaller, ROW, 0, 0, read_number},
	{"SUBJECT", imap_has_subject, META, 0, 0, read_needle},
	{"TEXT", imap_has_text, TEXT, 0, 0, read_needle},
	{"THREADID", imap_has_thread_id, META, 0, 0, read_id},
	{"TO", imap_has_to, META, 0, 0, read_needle},
	{"UID", imap_in_uids, ROW, 0, 0, read_uids},
	{"UNANSWERED", imap_has_no_flags, ROW, STORE_FLAG_ANSWERED, 0, NULL},
	{"UNDELETED", imap_has_no_flags, ROW, STORE_FLAG_DELETED, 0, NULL},
	{"UNDRAFT", imap_has_no_flags, ROW, STORE_FLAG_DRAFT, 0, NULL},
	{"UNFLAGGED", imap_has_no_flags, ROW, STORE_FLAG_FLAGGED, 0, NULL},
	{"UNKEYWORD", imap_has_no_keyword, ROW, 0, 0, read_keyword},
	{"UNSEEN", imap_has_no_flags, ROW, STORE_FLAG_SEEN, 0, NULL},
	{"YOUNGER", imap_in_time, ROW, 0, IMAP_RECEIVED, read_younger},
};
/* clang-format on */
#define ROWS (sizeof(rows) / sizeof(rows[0]))

const char *imap_search_key(size_t i)
{
	return i < ROWS ? rows[i].name : NULL;
}

/* ---- the program --------------------------------------------------------------------- */
static void put_op(struct making *m, enum imap_op_kind kind, uint32_t n)
{
	m->search->ops[m->search->op_count++] = (struct imap_op){kind, n};
}

static bool push(struct making *m, enum frame_kind kind)
{
	if (m->depth == IMAP_SEARCH_DEPTH_MAX)
		return imap_read_fails(m->r, "too deep a search");
	m->frames[m->depth++] = (struct frame){.kind = kind};
	return true;
}

/* An operand is complete: what waited only for it is, too. */
static void complete(struct making *m)
{
	while (m->depth > 0) {
		struct frame *top = &m->frames[m->depth - 1];

		top->count++;
		if (top->kind == IN_LIST || (top->kind == IN_OR &&
				top->count < 2))
			return;
		if (top->kind != IN_FUZZY)
			put_op(m, top->kind == IN_NOT ? IMAP_OP_NOT
						      : IMAP_OP_OR, 0);
		m->depth--;
	}
}

static struct imap_key *new_key(struct making *m)
{
	struct imap_search *s = m->search;

	if (s->key_count == m->key_room) {
		(void)imap_read_fails(m->r, "too many search keys");
		return NULL;
	}
	put_op(m, IMAP_OP_KEY, (uint32_t)s->key_count);
	return &s->keys[s->key_count++];
}

static bool take_row(struct making *m, const struct row *row)
{
	struct imap_key *k = new_key(m);

	if (k == NULL)
		return false;
	k->has = row->has;
	k->cost = row->cost;
	k->flags = row->flags;
	k->moment = row->moment;
	if (row->read != NULL && !row->read(m, row, k))
		return false;
	m->search->is_costly[k->cost] = true;
	complete(m);
	return true;
}

/* A set without a word before it: numbers, also in UID SEARCH. */
static bool take_set(struct making *m)
{
	struct imap_key *k = new_key(m);
	struct imap_set *set = ARENA_NEW(m->r->arena, struct imap_set);
	bool was_uid = m->session->call.is_uid;
	bool is_good;

	if (k == NULL)
		return false;
	if (m->session->is_uidonly && imap_next(m->r) != '$')
		return imap_read_fails(m->r, IMAP_UID_REQUIRED);
	m->session->call.is_uid = false;
	is_good = imap_read_messages_in(m->session, m->cursor, m->r, set);
	m->session->call.is_uid = was_uid;
	k->has = set->is_saved ? imap_in_uids : imap_in_numbers;
	k->cost = IMAP_COST_ROW;
	k->set = set;
	if (is_good)
		complete(m);
	return is_good;
}

static bool is_set(uint8_t c)
{
	return ascii_is_digit(c) || c == '*' || c == '$';
}

/* One word: a key, or what opens more. */
static bool take_one(struct making *m)
{
	struct imap_reader *r = m->r;

	if (imap_next(r) == '(')
		return imap_read_open(r) && push(m, IN_LIST);
	if (is_set(imap_next(r)))
		return take_set(m);
	if (imap_skip_word(r, SPAN("NOT")))
		return imap_read_sp(r) && push(m, IN_NOT);
	if (imap_skip_word(r, SPAN("OR")))
		return imap_read_sp(r) && push(m, IN_OR);
	if (imap_skip_word(r, SPAN("FUZZY"))) {
		m->search->has_fuzzy = true;
		return imap_read_sp(r) && push(m, IN_FUZZY);
	}
	for (size_t i = 0; i < ROWS; i++)
		if (imap_skip_word(r, span_str(rows[i].name)))
			return take_row(m, &rows[i]);
	return imap_read_fails(r, "there is no such search key");
}

/* ")" ends a list; false: one was not expected here. */
static bool close_list(struct making *m)
{
	struct frame *top = &m->frames[m->depth - 1];

	if (m->depth < 2 || top->kind != IN_LIST || top->count == 0)
		return imap_read_fails(m->r, "a search key is expected here");
	put_op(m, IMAP_OP_AND, top->count);
	m->depth--;
	complete(m);
	return imap_read_close(m->r);
}

/* What comes behind an operand: the end, ")", or another one. */
static bool go_on(struct making *m, bool *out_is_over)
{
	while (imap_next(m->r) == ')')
		if (!close_list(m))
			return false;
	*out_is_over = imap_is_end(m->r);
	return *out_is_over || imap_read_sp(m->r);
}

static bool read_all(struct making *m)
{
	bool is_over = false;

	if (!push(m, IN_LIST))
		return false;
	while (!is_over) {
		size_t depth = m->depth;

		if (!take_one(m))
			return false;
		/* what was opened wants its first operand at once */
		if (m->depth > depth)
			continue;
		if (!go_on(m, &is_over))
			return false;
	}
	if (m->depth != 1)
		return imap_read_fails(m->r, "a search key is missing");
	put_op(m, IMAP_OP_AND, m->frames[0].count);
	return true;
}

static bool read_charset(struct making *m, bool *out_bad_charset)
{
	*out_bad_charset = false;
	m->charset = SPAN("UTF-8");
	/* SORT and THREAD always have one: RFC 5256 3 */
	if (m->session->call.verb != IMAP_SORT &&
		m->session->call.verb != IMAP_THREAD &&
		(!imap_skip_word(m->r, SPAN("CHARSET")) ||
			!imap_read_sp(m->r)))
		return m->r->why == NULL;
	if ( !imap_read_astring(m->r, &m->charset))
		return false;
	*out_bad_charset = !span_eq_fold(m->charset, SPAN("US-ASCII")) &&
		!span_eq_fold(m->charset, SPAN("UTF-8"));
	return imap_read_sp(m->r);
}

bool imap_search_read(struct imap_session *s,
	const struct store_cursor *cursor, struct imap_reader *r,
	struct imap_search *out, bool *out_bad_charset)
{
	struct making m = {.session = s, .cursor = cursor, .r = r,
		.search = out};

	*out = (struct imap_search){0};
	if (!read_charset(&m, out_bad_charset))
		return false;
	if (*out_bad_charset)
		return true;
	m.key_room = r->text.n / 2 + 1; /* a key is a byte and a blank */
	if (m.key_room > IMAP_SEARCH_KEYS_MAX)
		m.key_room = IMAP_SEARCH_KEYS_MAX;
	out->keys = arena_alloc(r->arena, m.key_room, sizeof(*out->keys));
	/* an operation a key, and one for each frame that was ever open */
	out->ops = arena_alloc(r->arena, r->text.n + 2,
		sizeof(*out->ops));
	if (!read_all(&m))
		return false;
	out->verdicts = arena_alloc(r->arena, out->key_count + 1, 1);
	out->stack = arena_alloc(r->arena, out->op_count + 1, 1);
	return true;
}
