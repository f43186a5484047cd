/*
 * cli_show_text.c - a message as a person reads it: the main fields, the text,
 * and what else is there.
 */
#include "cli/cli_mail_int.h"
#include "cli/cli_mail_text.h"
#include "cli/cli_show_int.h"
#include "message/body_text.h"
#include "message/html_text.h"

#include "base/banned.h"

/* What goes through the decoders at once. */
#define SLICE     4096
#define CHARS_MAX (SLICE * BODY_TEXT_GROWTH + 8192)
#define LINES_MAX (CHARS_MAX * HTML_TEXT_GROWTH + HTML_TEXT_SLACK)

static void put_fields(struct show *s)
{
	static const char *const fields[] = {"From", "To", "Cc", "Date",
		"Subject"};
	struct span head = show_head(s, 0);

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t before = buf_len(&s->out);

		buf_printf(&s->out, "%s: ", fields[i]);
		mail_put_field(&s->out, head, fields[i]);
		if (buf_len(&s->out) - before == span_str(fields[i]).n + 2)
			buf_truncate(&s->out, before); /* not there */
		else
			buf_putc(&s->out, '\n');
		show_flush(s);
	}
	buf_putc(&s->out, '\n');
	arena_reset(&s->scratch);
}

/* ---- the text ------------------------------------------------------- */

/* A text on its way to the terminal. */
struct flow {
	struct show *show;
	struct body_text body;
	struct html_text html;
	bool is_html;
	bool is_line_open;   /* the last line has no end yet */
	struct buf chars, lines;
};

static void put_lines(struct flow *f, struct span text)
{
	if (text.n == 0)
		return;
	cli_text_put(&f->show->out, text, true);
	f->is_line_open = text.p[text.n - 1] != '\n';
	show_flush(f->show);
}

static void pass_on(struct flow *f)
{
	if (f->is_html) {
		html_text_feed(&f->html, buf_span(&f->chars), &f->lines);
		put_lines(f, buf_span(&f->lines));
		buf_reset(&f->lines);
	} else {
		put_lines(f, buf_span(&f->chars));
	}
	buf_reset(&f->chars);
}

static void feed(struct flow *f, struct span piece)
{
	for (; piece.n > 0; piece = span_tail(piece, SLICE)) {
		body_text_feed(&f->body, span_head(piece, SLICE), &f->chars);
		pass_on(f);
	}
}

static void end(struct flow *f)
{
	body_text_end(&f->body, &f->chars);
	pass_on(f);
	if (f->is_html)
		html_text_end(&f->html, &f->lines);
	put_lines(f, buf_span(&f->lines));
	if (f->is_line_open)
		buf_putc(&f->show->out, '\n');
}

static void put_text(struct show *s, const struct mime_part *p)
{
	struct flow f = {.show = s};
	struct span piece;

	f.is_html = mime_is_type(p, SPAN("text"), SPAN("html"));
	body_text_init(&f.body, p);
	html_text_init(&f.html, true);
	buf_init(&f.chars, CHARS_MAX);
	buf_init(&f.lines, LINES_MAX);
	for (uint64_t at = p->body_start;; at += piece.n) {
		piece = show_read(s, at, p->body_end);
		if (piece.n == 0)
			break;
		feed(&f, piece);
	}
	end(&f);
	buf_clear(&f.chars);
	buf_clear(&f.lines);
}

/* ---- the rest ------------------------------------------------------- */

static void put_part_line(struct show *s, uint32_t part)
{
	struct jmap_part about;

	jmap_part_read(&s->scratch, &s->tree->parts[part], &about);
	buf_putc(&s->out, '[');
	show_put_number(s, &s->out, part);
	buf_puts(&s->out, "] ");
	cli_text_put(&s->out, about.name.n > 0 ? about.name : SPAN("(no name)"),
		false);
	buf_puts(&s->out, "  ");
	cli_text_put(&s->out, about.type, false);
	buf_puts(&s->out, "  ");
	mail_put_size(&s->out, show_octets(s, part));
	buf_putc(&s->out, '\n');
	show_flush(s);
	arena_reset(&s->scratch);
}

static bool is_text(const struct mime_part *p)
{
	return span_eq_fold(p->type, SPAN("text"));
}

/* Texts of the body come first, then everything that is not one: pictures that
 * stand in the text are in both lists, and shown once. */
void show_text(struct show *s)
{
	struct jmap_bodies bodies;
	uint32_t text = 0;
	uint32_t file = 0;

	jmap_bodies_find(&s->arena, s->tree, &bodies);
	put_fields(s);
	for (uint32_t i = 0; i < bodies.text.count; i++) {
		const struct mime_part *p =
			&s->tree->parts[bodies.text.items[i]];

		if (is_text(p))
			put_text(s, p);
	}
	/* both lists are in the order of the message */
	while (text < bodies.text.count || file < bodies.attachments.count) {
		uint32_t a = text < bodies.text.count
			? bodies.text.items[text] : MIME_NONE;
		uint32_t b = file < bodies.attachments.count
			? bodies.attachments.items[file] : MIME_NONE;

		text += a <= b;
		file += b <= a;
		if (b <= a || !is_text(&s->tree->parts[a]))
			put_part_line(s, b <= a ? b : a);
	}
	if (s->tree->is_cut)
		buf_puts(&s->out,
			"(the message has more fields or parts than are read)\n");
}
