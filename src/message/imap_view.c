/*
 * imap_view.c - a message as IMAP tells it.  See imap_view.h.
 *
 * The tree is walked along its links (child, next, parent), so that the depth
 * of a message costs nothing.  Each part is opened with what stands before its
 * children and closed with what stands behind them:
 *
 *	leaf       ("text" "plain" … 12 1 …)         opened and closed at once
 *	message    ("message" "rfc822" … ENVELOPE · BODY · lines …)
 *	multipart  ( · BODY BODY … · "mixed" …)
 *
 * What the grammar cannot say of a broken message is decided by section_form,
 * by which the parts are numbered as well.
 */
#include "message/imap_view.h"

#include <string.h>

#include "message/imap_string.h"
#include "message/section.h"

#include "base/banned.h"

/* No host is called so, and NIL would begin a group (RFC 9051 7.5.2). */
#define NO_DOMAIN SPAN("MISSING_DOMAIN")

static void put_nil(struct buf *out)
{
	buf_puts(out, "NIL");
}

/* A field that is there but empty is no field that is not there: RFC 9051
 * 7.5.2. */
static void put_text(struct buf *out, struct span s)
{
	if (s.p == NULL)
		put_nil(out);
	else
		imap_put_string(out, s);
}

/* ---- ENVELOPE ---------------------------------------------------------- */

static void put_group_end(struct buf *out)
{
	buf_puts(out, "(NIL NIL NIL NIL)");
}

static void put_address(struct buf *out, const struct address *one)
{
	buf_putc(out, '(');
	imap_put_nstring(out, one->name);
	buf_putc(out, ' ');
	imap_put_nstring(out, one->route);
	buf_putc(out, ' ');
	imap_put_string(out, one->local);
	buf_putc(out, ' ');
	imap_put_string(out, one->domain.n > 0 ? one->domain : NO_DOMAIN);
	buf_putc(out, ')');
}

static void put_addresses(struct buf *out, const struct address_list *list)
{
	bool in_group = false;

	if (list->count == 0) {
		put_nil(out);
		return;
	}
	buf_putc(out, '(');
	for (size_t i = 0; i < list->count && !out->overflow; i++) {
		const struct address *one = &list->items[i];

		if (one->kind == ADDRESS_MAILBOX) {
			put_address(out, one);
			continue;
		}
		if (one->kind == ADDRESS_GROUP_END) {
			put_group_end(out);
		} else {
			buf_puts(out, "(NIL NIL ");
			imap_put_string(out, one->name);
			buf_puts(out, " NIL)");
		}
		in_group = one->kind == ADDRESS_GROUP_START;
	}
	if (in_group)
		put_group_end(out);
	buf_putc(out, ')');
}

/* Puts what stands there from `start` to `end` once more. */
static void put_again(struct buf *out, size_t start, size_t end)
{
	uint8_t *to = buf_reserve(out, end - start);

	if (to == NULL)
		return;
	memcpy(to, buf_span(out).p + start, end - start);
	buf_wrote(out, end - start);
}

/* From, and where they are not said (RFC 9051 7.5.2) Sender and Reply-To. */
static void put_senders(struct buf *out, const struct envelope *e)
{
	const struct address_list *lists[] = {&e->sender, &e->reply_to};
	size_t start = buf_len(out), end;

	put_addresses(out, &e->from);
	end = buf_len(out);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		buf_putc(out, ' ');
		if (lists[i]->count > 0)
			put_addresses(out, lists[i]);
		else
			put_again(out, start, end);
	}
}

void imap_put_envelope(struct buf *out, const struct envelope *e)
{
	const struct address_list *lists[] = {&e->to, &e->cc, &e->bcc};

	buf_putc(out, '(');
	put_text(out, e->date);
	buf_putc(out, ' ');
	put_text(out, e->subject);
	buf_putc(out, ' ');
	put_senders(out, e);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		buf_putc(out, ' ');
		put_addresses(out, lists[i]);
	}
	buf_putc(out, ' ');
	put_text(out, e->in_reply_to);
	buf_putc(out, ' ');
	put_text(out, e->message_id);
	buf_putc(out, ')');
}

/* ---- the fields of a part ---------------------------------------------- */

/* The next pair of a list of parameters, which it opens or goes on with. */
static void put_param(struct buf *out, bool *is_open, struct span name,
	struct span value)
{
	buf_putc(out, *is_open ? ' ' : '(');
	*is_open = true;
	imap_put_string(out, name);
	buf_putc(out, ' ');
	imap_put_string(out, value);
}

static void put_params(struct buf *out, const struct param_list *list,
	bool is_ascii)
{
	bool is_open = false;

	for (size_t i = 0; i < list->count; i++)
		put_param(out, &is_open, list->items[i].name,
			list->items[i].value);
	if (is_ascii)
		put_param(out, &is_open, SPAN("charset"), SPAN("us-ascii"));
	if (is_open)
		buf_putc(out, ')');
	else
		put_nil(out);
}

static bool has_charset(const struct param_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (span_eq_fold(list->items[i].name, SPAN("charset")) ||
			span_eq_fold(list->items[i].name, SPAN("charset*")))
			return true;
	return false;
}

static bool is_text(const struct mime_part *p)
{
	return span_eq_fold(p->type, SPAN("text"));
}

/* RFC 2046 4.1.2 gives plain text a charset when nothing was said.  Where the
 * bytes show that it is another, nothing is said. */
static bool is_ascii_by_default(const struct mime_part *p)
{
	return is_text(p) && span_eq_fold(p->subtype, SPAN("plain")) &&
		!p->has_8bit && !has_charset(&p->params);
}

static bool ends_tag(uint8_t c)
{
	return c == ',' || c == '(' || c == ' ' || c == '\t';
}

/* What stands between two tags: commas, blanks, comments in comments. */
static void skip_to_tag(struct span *rest)
{
	size_t depth = 0, n = 0;

	for (; n < rest->n; n++) {
		uint8_t c = rest->p[n];

		if (c == '(')
			depth++;
		else if (depth == 0 && !ends_tag(c))
			break;
		else if (c == ')')
			depth--;
	}
	*rest = span_tail(*rest, n);
}

/* Cuts the next tag of Content-Language off *rest: RFC 3282 2.  False: there
 * is none left. */
static bool next_tag(struct span *rest, struct span *out_tag)
{
	size_t n = 0;

	skip_to_tag(rest);
	while (n < rest->n && !ends_tag(rest->p[n]))
		n++;
	*out_tag = span_head(*rest, n);
	*rest = span_tail(*rest, n);
	return n > 0;
}

static void put_languages(struct buf *out, struct span value)
{
	struct span tag;
	bool is_open = false;

	while (next_tag(&value, &tag)) {
		buf_putc(out, is_open ? ' ' : '(');
		is_open = true;
		imap_put_string(out, tag);
	}
	if (is_open)
		buf_putc(out, ')');
	else
		put_nil(out);
}

/* Disposition, language, location: at the end of every part. */
static void put_extension(struct buf *out, const struct mime_part *p)
{
	if (p->disposition.n + p->language.n + p->location.n == 0) {
		buf_puts(out, " NIL NIL NIL"); /* nearly all */
		return;
	}
	buf_putc(out, ' ');
	if (p->disposition.n == 0) {
		put_nil(out);
	} else {
		buf_putc(out, '(');
		imap_put_string(out, p->disposition);
		buf_putc(out, ' ');
		put_params(out, &p->disposition_params, false);
		buf_putc(out, ')');
	}
	buf_putc(out, ' ');
	put_languages(out, p->language);
	buf_putc(out, ' ');
	imap_put_nstring(out, p->location);
}

static void put_number(struct buf *out, uint64_t n)
{
	buf_putc(out, ' ');
	buf_put_u64(out, n);
}

/* ---- BODY and BODYSTRUCTURE -------------------------------------------- */

struct walk {
	struct buf *out;
	const struct mime_tree *tree;
	bool with_extension;
};

static void put_type(const struct walk *w, const struct mime_part *p,
	enum section_form form)
{
	struct buf *out = w->out;

	if (form == SECTION_CLOSED_MULTIPART) {
		buf_puts(out, "\"application\" \"octet-stream\" NIL");
		return;
	}
	imap_put_string(out, p->type);
	buf_putc(out, ' ');
	imap_put_string(out, p->subtype);
	buf_putc(out, ' ');
	put_params(out, &p->params, is_ascii_by_default(p));
}

/* RFC 9051 7.5.2: the basic fields. */
static void put_basic(const struct walk *w, const struct mime_part *p,
	enum section_form form)
{
	struct buf *out = w->out;

	buf_putc(out, '(');
	put_type(w, p, form);
	if (p->id.n + p->description.n == 0) {
		buf_puts(out, " NIL NIL ");
	} else {
		buf_putc(out, ' ');
		imap_put_nstring(out, p->id);
		buf_putc(out, ' ');
		imap_put_nstring(out, p->description);
		buf_putc(out, ' ');
	}
	imap_put_string(out, p->encoding_name.n > 0 ? p->encoding_name :
		SPAN("7bit"));
	put_number(out, p->body_end - p->body_start);
}

static void put_no_part(const struct walk *w)
{
	buf_puts(w->out, "(\"text\" \"plain\" (\"charset\" \"us-ascii\")"
		" NIL NIL \"7bit\" 0 0");
	buf_puts(w->out, w->with_extension ? " NIL NIL NIL NIL)" : ")");
}

static bool is_multipart(enum section_form form)
{
	return form == SECTION_MULTIPART || form == SECTION_BARE_MULTIPART;
}

static bool is_message(enum section_form form)
{
	return form == SECTION_MESSAGE || form == SECTION_CLOSED_MESSAGE;
}

/* The envelope of the message in this part. */
static void put_inner_envelope(const struct walk *w, uint32_t i,
	enum section_form form)
{
	static const struct envelope none;
	const struct envelope *e = form == SECTION_MESSAGE ?
		w->tree->parts[i + 1].envelope : NULL;

	buf_putc(w->out, ' ');
	imap_put_envelope(w->out, e == NULL ? &none : e);
	buf_putc(w->out, ' ');
}

/* What stands before the children. */
static void open_part(const struct walk *w, uint32_t i)
{
	const struct mime_part *p = &w->tree->parts[i];
	enum section_form form = section_form(w->tree, i);

	if (is_multipart(form))
		buf_putc(w->out, '(');
	else
		put_basic(w, p, form);
	if (is_message(form))
		put_inner_envelope(w, i, form);
	if (form == SECTION_BARE_MULTIPART || form == SECTION_CLOSED_MESSAGE)
		put_no_part(w);
}

/* What stands behind them. */
static void close_part(const struct walk *w, uint32_t i)
{
	const struct mime_part *p = &w->tree->parts[i];
	enum section_form form = section_form(w->tree, i);

	if (is_multipart(form)) {
		buf_putc(w->out, ' ');
		imap_put_string(w->out, p->subtype);
	} else if (is_message(form) || is_text(p)) {
		put_number(w->out, p->body_lines);
	}
	if (w->with_extension) {
		buf_putc(w->out, ' ');
		if (is_multipart(form))
			put_params(w->out, &p->params, false);
		else
			imap_put_nstring(w->out, p->md5);
		put_extension(w->out, p);
	}
	buf_putc(w->out, ')');
}

void imap_put_structure(struct buf *out, const struct mime_tree *t,
	uint32_t part, bool with_extension)
{
	const struct walk w = {out, t, with_extension};
	uint32_t i = part;

	while (!out->overflow) {
		open_part(&w, i);
		if (t->parts[i].end > i + 1) {
			i++; /* the first child stands next */
			continue;
		}
		close_part(&w, i);
		while (i != part && t->parts[i].next == MIME_NONE) {
			i = t->parts[i].parent;
			close_part(&w, i);
		}
		if (i == part)
			return;
		i = t->parts[i].next;
	}
}
