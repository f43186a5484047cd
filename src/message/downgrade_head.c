/*
 * downgrade_head.c - the head of a part with other fields.  See
 * downgrade_int.h.
 *
 * Fields are copied as they stand, lines that are no fields too.  Only
 * Content-Transfer-Encoding is replaced where it stood, or added at the end,
 * and free text with bytes above 127 becomes encoded words.
 */
#include "base/utf8.h"
#include "message/downgrade_int.h"
#include "message/header.h"
#include "message/words.h"

#include "base/banned.h"

/* Fields that hold nothing but text for people.  Nobody declared what these
 * bytes are, so they are what a reader would take them for.
 * Deliberate: not the names of people and files; they stand among syntax. */
static bool is_free_text(struct span name)
{
	static const struct span names[] = {
		SPAN_INIT("Subject"), SPAN_INIT("Comments"),
		SPAN_INIT("Content-Description"), SPAN_INIT("Organization"),
		SPAN_INIT("Thread-Topic"),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_eq_fold(name, names[i]))
			return true;
	return false;
}

static void put_free_text(struct span name, struct span value,
	struct buf *out)
{
	size_t column = name.n + 2;
	struct buf text;

	buf_init(&text, value.n * 4 + 64);
	words_put_decoded(&text, value);
	buf_put(out, name);
	buf_puts(out, ": ");
	words_put_text(out, buf_span(&text), &column);
	buf_puts(out, "\r\n");
	buf_clear(&text);
}

static void put_label(const struct piece *p, bool has_version,
	struct buf *out)
{
	if (p->needs_version && !has_version)
		buf_puts(out, "MIME-Version: 1.0\r\n");
	buf_printf(out, "Content-Transfer-Encoding: %s\r\n", p->label);
}

/* At the end of what follows the last field: lines that are none may be there
 * too. */
static size_t empty_line_len(struct span rest)
{
	if (span_eq(rest, SPAN("\r\n")) || span_ends(rest, SPAN("\n\r\n")))
		return 2;
	return span_eq(rest, SPAN("\n")) || span_ends(rest, SPAN("\n\n"));
}

void downgrade_head_put(const struct piece *p, struct span head,
	struct buf *out, bool *out_is_good)
{
	const struct span encoding = SPAN("Content-Transfer-Encoding");
	struct header_field f;
	struct span rest = head, before = head, value;
	bool has_version = header_find(head, SPAN("MIME-Version"), &value);
	bool is_labelled = p->label == NULL;

	*out_is_good = true;
	for (; header_next(&rest, &f); before = rest) {
		struct span junk = span_of(before.p,
			(size_t)(f.name.p - before.p));
		struct span field = span_of(f.name.p,
			(size_t)(before.p + before.n - f.name.p) - rest.n);

		buf_put(out, junk);
		*out_is_good &= utf8_is_ascii(junk);
		if (p->label != NULL && span_eq_fold(f.name, encoding)) {
			if (!is_labelled)
				put_label(p, has_version, out);
			is_labelled = true;
		} else if (!utf8_is_ascii(field) && is_free_text(f.name)) {
			put_free_text(f.name, f.value, out);
		} else {
			buf_put(out, field);
			*out_is_good &= utf8_is_ascii(field);
		}
	}
	value = span_head(before, before.n - empty_line_len(before));
	buf_put(out, value);
	*out_is_good &= utf8_is_ascii(value);
	if (!is_labelled)
		put_label(p, has_version, out);
	buf_puts(out, "\r\n");
}
