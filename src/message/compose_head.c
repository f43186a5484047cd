/*
 * compose_head.c - the head of a message that is composed.  See compose_int.h.
 *
 * Everything is checked before the first byte is written: what is not an
 * address, an id or the name of a field is refused, and free text goes through
 * words.h, which lets no line end through.
 */
#include "message/compose_int.h"

#include "base/time.h"
#include "base/utf8.h"
#include "codec/hex.h"
#include "message/limits.h"
#include "message/words.h"

#include "base/banned.h"

/* A longer name of a person is sent as encoded words: they can be folded. */
#define NAME_PLAIN_MAX 60
#define FIELD_NAME_MAX 70

/* ---- checks ------------------------------------------------------------- */
bool compose_is_address(struct span s)
{
	const struct span bad = SPAN("<>,;\"()\\");
	size_t at = span_find_last(s, '@');

	if (at == 0 || at + 1 >= s.n || s.n > COMPOSE_WORD_MAX ||
		!utf8_is_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f ||
			span_find(bad, s.p[i]) < bad.n)
			return false;
	return true;
}

bool compose_is_id(struct span id)
{
	if (id.n == 0 || id.n > COMPOSE_WORD_MAX || !utf8_is_valid(id))
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= ' ' || id.p[i] == 0x7f || id.p[i] == '<' ||
			id.p[i] == '>')
			return false;
	return true;
}

bool compose_is_token(struct span s)
{
	const struct span bad = SPAN("()<>@,;:\\\"/[]?=");

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
			span_find(bad, s.p[i]) < bad.n)
			return false;
	return s.n > 0 && s.n <= FIELD_NAME_MAX;
}

/* RFC 5322 3.6.8; fields that are made here may not come twice. */
static bool is_free_name(struct span name)
{
	static const struct span own[] = {
		SPAN_INIT("From"), SPAN_INIT("Sender"), SPAN_INIT("Reply-To"),
		SPAN_INIT("To"), SPAN_INIT("Cc"), SPAN_INIT("Bcc"),
		SPAN_INIT("Subject"), SPAN_INIT("Date"),
		SPAN_INIT("Message-ID"), SPAN_INIT("In-Reply-To"),
		SPAN_INIT("References"), SPAN_INIT("MIME-Version"),
	};

	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == ':')
			return false;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (span_eq_fold(name, own[i]))
			return false;
	return name.n > 0 && name.n <= FIELD_NAME_MAX &&
		!span_starts_fold(name, SPAN("Content-"));
}

/* Printable, and no word that is longer than a line. */
static bool is_structured(struct span value)
{
	size_t run = 0;

	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];

		if ((c < ' ' && c != '\t') || c >= 0x7f)
			return false;
		run = c == ' ' || c == '\t' ? 0 : run + 1;
		if (run > COMPOSE_WORD_MAX)
			return false;
	}
	return value.n > 0;
}

static enum code check_addresses(const struct compose_addresses *list,
	const char *what, struct err *e)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!compose_is_address(list->items[i].address))
			return err_set(e, SYNTAX, "%s %zu is not an address",
				what, i + 1);
		if (!utf8_is_valid(list->items[i].name))
			return err_set(e, SYNTAX,
				"the name of %s %zu is not UTF-8", what,
				i + 1);
	}
	return OK;
}

static enum code check_people(const struct compose_message *m, struct err *e)
{
	const struct {
		const struct compose_addresses *list;
		const char *what;
	} lists[] = {
		{&m->from, "sender"}, {&m->sender, "sender"},
		{&m->reply_to, "Reply-To"}, {&m->to, "recipient"},
		{&m->cc, "Cc"}, {&m->bcc, "Bcc"},
	};
	enum code code = OK;

	if (m->from.count == 0)
		return err_set(e, SYNTAX, "there is no sender");
	/* RFC 5322 3.6.2: From: with many names needs one that sent it */
	if (m->sender.count > 1 || (m->from.count > 1 && m->sender.count == 0))
		return err_set(e, SYNTAX, "there has to be one Sender");
	for (size_t i = 0; code == OK && i < sizeof(lists) / sizeof(*lists);
		i++)
		code = check_addresses(lists[i].list, lists[i].what, e);
	return code;
}

static enum code check_ids(const struct span *ids, size_t count,
	struct err *e)
{
	if (count > MESSAGE_IDS_MAX)
		return err_set(e, LIMIT, "%zu Message-IDs are too many",
			count);
	for (size_t i = 0; i < count; i++)
		if (!compose_is_id(ids[i]))
			return err_set(e, SYNTAX,
				"Message-ID %zu in a list is none", i + 1);
	return OK;
}

static enum code check_fields(const struct compose_message *m, struct err *e)
{
	for (size_t i = 0; i < m->field_count; i++) {
		const struct compose_field *f = &m->fields[i];

		if (!is_free_name(f->name))
			return err_set(e, SYNTAX,
				"field %zu cannot have its name", i + 1);
		if (f->is_structured ? !is_structured(f->value)
				     : !utf8_is_valid(f->value))
			return err_set(e, SYNTAX,
				"the value of field %zu cannot be written",
				i + 1);
	}
	return OK;
}

enum code compose_head_check(const struct compose_message *m, struct err *e)
{
	enum code code = check_people(m, e);

	if (code == OK)
		code = check_ids(m->in_reply_to, m->in_reply_to_count, e);
	if (code == OK)
		code = check_ids(m->references, m->reference_count, e);
	if (code == OK)
		code = check_fields(m, e);
	if (code != OK)
		return code;
	if (!utf8_is_valid(m->subject))
		return err_set(e, SYNTAX, "the subject is not UTF-8");
	if (!compose_is_id(m->id.n > 0 ? m->id : m->host))
		return err_set(e, SYNTAX, "the Message-ID is none");
	if (m->zone_min <= -24 * 60 || m->zone_min >= 24 * 60)
		return err_set(e, SYNTAX, "there is no such time zone");
	return OK;
}

static bool is_utf8_list(const struct compose_addresses *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!utf8_is_ascii(list->items[i].address))
			return true;
	return false;
}

static bool is_utf8_ids(const struct span *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!utf8_is_ascii(ids[i]))
			return true;
	return false;
}

/* RFC 6532 3: what no encoded word may stand for. */
bool compose_head_is_utf8(const struct compose_message *m)
{
	return is_utf8_list(&m->from) || is_utf8_list(&m->sender) ||
		is_utf8_list(&m->reply_to) || is_utf8_list(&m->to) ||
		is_utf8_list(&m->cc) || is_utf8_list(&m->bcc) ||
		is_utf8_ids(m->in_reply_to, m->in_reply_to_count) ||
		is_utf8_ids(m->references, m->reference_count) ||
		!utf8_is_ascii(m->id.n > 0 ? m->id : m->host);
}

/* ---- fields ------------------------------------------------------------- */
void compose_put_id(const struct compose_message *m, struct buf *out)
{
	buf_putc(out, '<');
	if (m->id.n > 0) {
		buf_put(out, m->id);
	} else {
		hex_put(out, span_of(m->random, sizeof(m->random)));
		buf_putc(out, '@');
		buf_put(out, m->host);
	}
	buf_putc(out, '>');
}

static void put_address(struct buf *out, const struct message_address *a,
	size_t *column)
{
	if (a->name.n == 0) {
		buf_put(out, a->address);
		*column += a->address.n;
		return;
	}
	if (a->name.n > NAME_PLAIN_MAX)
		words_put_encoded(out, a->name, column);
	else
		words_put_phrase(out, a->name, column);
	if (*column + a->address.n + 3 > WORDS_LINE) {
		buf_puts(out, "\r\n");
		*column = 0;
	}
	buf_puts(out, " <");
	buf_put(out, a->address);
	buf_puts(out, ">");
	*column += a->address.n + 3;
}

static void put_addresses(struct buf *out, const char *name,
	const struct compose_addresses *list)
{
	size_t before = buf_len(out), column;

	if (list->count == 0)
		return;
	buf_printf(out, "%s: ", name);
	column = buf_len(out) - before;
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0) {
			/* an address a line: readable, and never too long */
			buf_puts(out, ",\r\n\t");
			column = 8;
		}
		put_address(out, &list->items[i], &column);
	}
	buf_puts(out, "\r\n");
}

static void put_ids(struct buf *out, const char *name, const struct span *ids,
	size_t count)
{
	size_t before = buf_len(out), column;

	if (count == 0)
		return;
	buf_printf(out, "%s:", name);
	column = buf_len(out) - before;
	for (size_t i = 0; i < count; i++) {
		if (column + ids[i].n + 3 > WORDS_LINE) {
			buf_puts(out, "\r\n");
			column = 0;
		}
		buf_puts(out, " <");
		buf_put(out, ids[i]);
		buf_putc(out, '>');
		column += ids[i].n + 3;
	}
	buf_puts(out, "\r\n");
}

static void put_text_field(struct buf *out, struct span name,
	struct span value)
{
	size_t column = name.n + 2;

	buf_put(out, name);
	buf_puts(out, ": ");
	words_put_text(out, value, &column);
	buf_puts(out, "\r\n");
}

/* Words as they are; a line breaks before one that does not fit. */
static void put_structured(struct buf *out, const struct compose_field *f)
{
	struct span rest = f->value;
	size_t column = f->name.n + 1;

	buf_put(out, f->name);
	buf_putc(out, ':');
	while (rest.n > 0) {
		struct span word = span_cut(&rest, ' ');

		word = span_trim(word);
		if (word.n == 0)
			continue;
		if (column + 1 + word.n > WORDS_LINE) {
			buf_puts(out, "\r\n");
			column = 0;
		}
		buf_putc(out, ' ');
		buf_put(out, word);
		column += 1 + word.n;
	}
	buf_puts(out, "\r\n");
}

/* RFC 5322 3.3 */
static void put_date(struct buf *out, int64_t date_ms, int zone_min)
{
	unsigned east = (unsigned)(zone_min < 0 ? -zone_min : zone_min);

	buf_puts(out, "Date: ");
	time_put_rfc5322(out, date_ms + (int64_t)zone_min * 60000);
	if (zone_min != 0 && !out->overflow) {
		buf_truncate(out, buf_len(out) - 5);
		buf_printf(out, "%c%02u%02u", zone_min < 0 ? '-' : '+',
			east / 60, east % 60);
	}
	buf_puts(out, "\r\n");
}

void compose_head_put(const struct compose_message *m, struct buf *out)
{
	put_addresses(out, "From", &m->from);
	put_addresses(out, "Sender", &m->sender);
	put_addresses(out, "Reply-To", &m->reply_to);
	put_addresses(out, "To", &m->to);
	put_addresses(out, "Cc", &m->cc);
	put_addresses(out, "Bcc", &m->bcc);
	if (m->subject.p != NULL)
		put_text_field(out, SPAN("Subject"), m->subject);
	put_date(out, m->date_ms, m->zone_min);
	buf_puts(out, "Message-ID: ");
	compose_put_id(m, out);
	buf_puts(out, "\r\n");
	put_ids(out, "In-Reply-To", m->in_reply_to, m->in_reply_to_count);
	put_ids(out, "References", m->references, m->reference_count);
	for (size_t i = 0; i < m->field_count; i++) {
		if (m->fields[i].is_structured)
			put_structured(out, &m->fields[i]);
		else
			put_text_field(out, m->fields[i].name,
				m->fields[i].value);
	}
	buf_puts(out, "MIME-Version: 1.0\r\n");
}
