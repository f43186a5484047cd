/*
 * header_form.c - a header field in the forms of JMAP.  See header_form.h.
 */
#include "message/header_form.h"

#include "base/utf8.h"
#include "codec/nfc.h"
#include "message/address.h"
#include "message/msgid.h"
#include "message/token.h"
#include "message/words.h"

#include "base/banned.h"

#define REPLACEMENT SPAN("\xef\xbf\xbd")

/* ---- which field has which forms ------------------------------------ */

static const char *const form_names[HEADER_FORM_COUNT] = {
	[HEADER_RAW] = "asRaw",
	[HEADER_TEXT] = "asText",
	[HEADER_ADDRESSES] = "asAddresses",
	[HEADER_GROUPED_ADDRESSES] = "asGroupedAddresses",
	[HEADER_MESSAGE_IDS] = "asMessageIds",
	[HEADER_DATE] = "asDate",
	[HEADER_URLS] = "asURLs",
};

#define BIT(form) (1u << (form))
#define ADDRESSES (BIT(HEADER_ADDRESSES) | BIT(HEADER_GROUPED_ADDRESSES))
#define IDS       BIT(HEADER_MESSAGE_IDS)
#define DATE      BIT(HEADER_DATE)
#define TEXT      BIT(HEADER_TEXT)
#define URLS      BIT(HEADER_URLS)

/* The fields of RFC 5322 and RFC 2369; any other has every form. */
static const struct {
	const char *name;
	unsigned forms; /* bits; raw goes without saying */
} fields[] = {
	{"Bcc", ADDRESSES},
	{"Cc", ADDRESSES},
	{"Comments", TEXT},
	{"Date", DATE},
	{"From", ADDRESSES},
	{"In-Reply-To", IDS},
	{"Keywords", TEXT},
	{"List-Archive", URLS},
	{"List-Help", URLS},
	{"List-Owner", URLS},
	{"List-Post", URLS},
	{"List-Subscribe", URLS},
	{"List-Unsubscribe", URLS},
	{"Message-ID", IDS},
	{"Received", 0},
	{"References", IDS},
	{"Reply-To", ADDRESSES},
	{"Resent-Bcc", ADDRESSES},
	{"Resent-Cc", ADDRESSES},
	{"Resent-Date", DATE},
	{"Resent-From", ADDRESSES},
	{"Resent-Message-ID", IDS},
	{"Resent-Reply-To", ADDRESSES},
	{"Resent-Sender", ADDRESSES},
	{"Resent-To", ADDRESSES},
	{"Return-Path", 0},
	{"Sender", ADDRESSES},
	{"Subject", TEXT},
	{"To", ADDRESSES},
};

enum header_form header_form_of_name(struct span name)
{
	unsigned form = 0;

	while (form < HEADER_FORM_COUNT &&
		!span_eq(name, span_str(form_names[form])))
		form++;
	return (enum header_form)form;
}

bool header_form_is_allowed(struct span field, enum header_form form)
{
	if (form == HEADER_RAW)
		return true;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (span_eq_fold(field, span_str(fields[i].name)))
			return (fields[i].forms & BIT(form)) != 0;
	return true;
}

/* ---- text ----------------------------------------------------------- */

void header_form_put_raw(struct buf *out, struct span value)
{
	bool is_in_run = false;

	while (value.n > 0) {
		size_t n = utf8_char_len(value);
		struct span c = span_head(value, n == 0 ? 1 : n);

		if (n == 0 && !is_in_run)
			buf_put(out, REPLACEMENT);
		else if (n > 0 && value.p[0] != 0)
			buf_put(out, c);
		is_in_run = n == 0;
		value = span_tail(value, c.n);
	}
}

/* Deliberate: RFC 8621 4.1.2.2 forbids to decode an encoded word that stands
 * where RFC 2047 allows none (glued to other text).  Much mail has such words,
 * and all that show it decode them: so do we, in every view the same. */
void header_form_put_text(struct buf *out, struct span value)
{
	struct buf text;

	buf_init(&text, SIZE_MAX / 2);
	words_put_decoded(&text, value);
	nfc_put(out, buf_span(&text));
	buf_clear(&text);
}

/* The value as text that JSON can hold, in the arena. */
static struct span raw_dup(struct arena *a, struct span value)
{
	struct buf text;
	struct span copy;

	buf_init(&text, SIZE_MAX / 2);
	header_form_put_raw(&text, value);
	copy = arena_dup(a, buf_span(&text));
	buf_clear(&text);
	return copy;
}

/* ---- addresses ------------------------------------------------------ */

/* Decoded; NULL if there is none. */
static struct span decode_name(struct arena *a, struct span name)
{
	struct buf text;
	struct span decoded = SPAN_EMPTY;

	if (name.n == 0)
		return decoded;
	buf_init(&text, SIZE_MAX / 2);
	header_form_put_text(&text, name);
	if (buf_len(&text) > 0)
		decoded = arena_dup(a, buf_span(&text));
	buf_clear(&text);
	return decoded;
}

static struct span email_of(struct arena *a, const struct address *address)
{
	struct buf text;
	struct span email;

	buf_init(&text, SIZE_MAX / 2);
	address_put(&text, address);
	email = raw_dup(a, buf_span(&text));
	buf_clear(&text);
	return email;
}

/* Each address falls into a group: that which is open, or one without name.
 * The mailboxes of all groups stand in one array, in order. */
struct gathering {
	struct header_group *groups;
	size_t group_count;
	struct header_mailbox *mailboxes;
	size_t mailbox_count;
	bool is_in_group;
	bool is_open; /* the last group takes more */
};

static void open_group(struct gathering *g, struct span name)
{
	g->groups[g->group_count++] = (struct header_group){
		.name = name,
		.items = g->mailboxes + g->mailbox_count,
	};
	g->is_open = true;
}

static void gather(struct arena *a, struct gathering *g,
	const struct address *address)
{
	struct header_mailbox *mailbox;

	if (address->kind == ADDRESS_GROUP_START) {
		struct span name = decode_name(a, address->name);

		open_group(g, name.p == NULL ? SPAN("") : name);
		return;
	}
	if (address->kind == ADDRESS_GROUP_END) {
		g->is_open = false;
		return;
	}
	if (!g->is_open)
		open_group(g, SPAN_EMPTY);
	mailbox = &g->mailboxes[g->mailbox_count++];
	mailbox->name = decode_name(a, address->name);
	mailbox->email = email_of(a, address);
	g->groups[g->group_count - 1].count++;
}

static void gather_all(struct arena *a, const struct address_list *list,
	struct gathering *g)
{
	*g = (struct gathering){
		.groups = arena_alloc(a, list->count,
			sizeof(struct header_group)),
		.mailboxes = arena_alloc(a, list->count,
			sizeof(struct header_mailbox)),
	};
	for (size_t i = 0; i < list->count; i++)
		gather(a, g, &list->items[i]);
}

void header_form_addresses_of(struct arena *a, const struct address_list *list,
	struct header_mailboxes *out)
{
	struct gathering g;

	gather_all(a, list, &g);
	*out = (struct header_mailboxes){g.mailboxes, g.mailbox_count};
}

void header_form_addresses(struct arena *a, struct span value,
	struct header_mailboxes *out)
{
	struct address_list list = {.count = 0};

	address_list_read(a, value, &list);
	header_form_addresses_of(a, &list, out);
}

void header_form_groups(struct arena *a, struct span value,
	struct header_groups *out)
{
	struct address_list list = {.count = 0};
	struct gathering g;

	address_list_read(a, value, &list);
	gather_all(a, &list, &g);
	*out = (struct header_groups){g.groups, g.group_count};
}

/* ---- lists of strings ----------------------------------------------- */

static size_t count_byte(struct span s, uint8_t byte)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == byte;
	return n;
}

bool header_form_message_ids(struct arena *a, struct span value,
	struct header_strings *out)
{
	struct span rest = raw_dup(a, value);
	struct span *items;
	struct span id;
	size_t count = 0;

	for (struct span left = rest; msgid_next(&left, &id);)
		count++;
	items = arena_alloc(a, count, sizeof(struct span));
	*out = (struct header_strings){items, count};
	for (size_t i = 0; msgid_next(&rest, &id); i++)
		items[i] = id;
	return count > 0;
}

/* RFC 2369 2: white space inside of the brackets is to be ignored. */
static struct span without_blanks(struct arena *a, struct span s)
{
	uint8_t *copy = arena_alloc(a, s.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] > ' ')
			copy[n++] = s.p[i];
	return span_of(copy, n);
}

bool header_form_urls(struct arena *a, struct span value,
	struct header_strings *out)
{
	struct span rest = raw_dup(a, value);
	struct span *items = arena_alloc(a, count_byte(rest, '<'),
		sizeof(struct span));
	size_t count = 0;

	while (rest.n > 0) {
		size_t end;

		if (rest.p[0] == '(') {
			rest = span_tail(rest, token_comment_len(rest));
			continue;
		}
		if (rest.p[0] != '<') {
			rest = span_tail(rest, 1);
			continue;
		}
		end = span_find(rest, '>');
		if (end == rest.n)
			break; /* none is closed any more */
		items[count++] = without_blanks(a,
			span_head(span_tail(rest, 1), end - 1));
		rest = span_tail(rest, end);
	}
	*out = (struct header_strings){items, count};
	return count > 0;
}
