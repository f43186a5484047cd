/*
 * cli_show.c - `postrider mail show`: its words, and the views that are short.
 */
#include "cli/cli_show.h"

#include <unistd.h>

#include "cli/cli.h"
#include "cli/cli_mail_text.h"
#include "cli/cli_show_int.h"
#include "codec/charset.h"
#include "message/header.h"
#include "message/words.h"

#include "base/banned.h"

#define FIELD_MAX  (8u << 20)
#define CELL_MAX   (64u << 10)
#define CELL_COUNT 9

static const char usage[] =
	"usage: postrider mail show FILE"
	" [--structure | --headers | --part N | --json]";

/* What was typed. */
struct request {
	struct span file, part;
	bool wants_structure, wants_headers, wants_part, wants_json;
};

/* ---- views ---------------------------------------------------------- */

/* What the words of the sender are: decoded, on a line, made harmless. */
static void put_clean(struct buf *out, struct span value)
{
	struct buf text;

	buf_init(&text, FIELD_MAX);
	words_put_decoded(&text, value);
	cli_text_put(out, buf_span(&text), false);
	buf_clear(&text);
}

static void show_headers(struct show *s)
{
	struct span rest = show_head(s, 0);
	struct header_field field;

	while (header_next(&rest, &field)) {
		cli_text_put(&s->out, field.name, false);
		buf_puts(&s->out, ": ");
		put_clean(&s->out, field.value);
		buf_putc(&s->out, '\n');
		show_flush(s);
	}
	if (s->tree->parts[0].body_start > MESSAGE_HEAD_MAX)
		buf_puts(&s->out, "(the head is longer than is shown)\n");
}

static void put_type(struct show *s, struct buf *out, uint32_t part)
{
	const struct mime_part *p = &s->tree->parts[part];

	for (uint32_t up = p->parent; up != MIME_NONE;
		up = s->tree->parts[up].parent)
		buf_puts(out, "  ");
	cli_text_put(out, p->type, false);
	buf_putc(out, '/');
	cli_text_put(out, p->subtype, false);
	if (p->is_cut)
		buf_puts(out, " (cut)");
}

static void put_row(struct show *s, const struct admin_out *out, uint32_t part)
{
	static const char *const encodings[] = {"7bit", "8bit", "binary", "qp",
		"base64", "unknown"};
	const struct mime_part *p = &s->tree->parts[part];
	struct jmap_part about;
	struct buf texts[CELL_COUNT];
	struct span cells[CELL_COUNT];

	for (size_t i = 0; i < CELL_COUNT; i++)
		buf_init(&texts[i], CELL_MAX);
	jmap_part_read(&s->scratch, p, &about);
	show_put_number(s, &texts[0], part);
	put_type(s, &texts[1], part);
	buf_puts(&texts[2], encodings[p->encoding]);
	buf_put_u64(&texts[3], p->head_start);
	buf_put_u64(&texts[4], p->body_start);
	buf_put_u64(&texts[5], p->body_end);
	buf_put_u64(&texts[6], p->body_lines);
	buf_put_u64(&texts[7], show_octets(s, part));
	cli_text_put(&texts[8], about.name, false);
	for (size_t i = 0; i < CELL_COUNT; i++)
		cells[i] = buf_span(&texts[i]);
	out->row(out->arg, cells, CELL_COUNT);
	for (size_t i = 0; i < CELL_COUNT; i++)
		buf_clear(&texts[i]);
	arena_reset(&s->scratch);
}

static void show_structure(struct show *s, const struct admin_out *out)
{
	static const struct span head[CELL_COUNT] = {SPAN_INIT("part"),
		SPAN_INIT("type"), SPAN_INIT("encoding"), SPAN_INIT("head"),
		SPAN_INIT("body"), SPAN_INIT("end"), SPAN_INIT("lines"),
		SPAN_INIT("octets"), SPAN_INIT("name")};

	out->row(out->arg, head, CELL_COUNT);
	for (uint32_t part = 0; part < s->tree->count; part++)
		put_row(s, out, part);
}

static enum admin_exit show_part(struct show *s, struct span number,
	struct err *e)
{
	uint32_t part;

	if (!jmap_part_of_id(s->tree, number, &part)) {
		(void)err_set(e, NOT_FOUND, "the message has no part %.*s",
			SPAN_ARG(number));
		return EXIT_NO_MATCH;
	}
	if (show_bytes(s, part))
		return EXIT_OK;
	(void)err_set(e, CORRUPT, "part %.*s came damaged", SPAN_ARG(number));
	return EXIT_WARNINGS;
}

static enum admin_exit show(struct show *s, const struct request *r,
	const struct admin_out *out, struct err *e)
{
	if (r->wants_part)
		return show_part(s, r->part, e);
	if (r->wants_structure)
		show_structure(s, out);
	else if (r->wants_headers)
		show_headers(s);
	else if (r->wants_json)
		show_json(s);
	else
		show_text(s);
	return EXIT_OK;
}

/* ---- words ---------------------------------------------------------- */

static bool take_word(struct request *r, const struct span *words,
	size_t count, size_t *at)
{
	struct span word = words[*at];

	if (span_eq(word, SPAN("--structure"))) {
		r->wants_structure = true;
	} else if (span_eq(word, SPAN("--headers"))) {
		r->wants_headers = true;
	} else if (span_eq(word, SPAN("--part")) && *at + 1 < count) {
		r->wants_part = true;
		r->part = words[++*at];
	} else if (span_starts(word, SPAN("--part="))) {
		r->wants_part = true;
		r->part = span_tail(word, SPAN("--part=").n);
	} else if (r->file.n == 0 &&
		(span_eq(word, SPAN("-")) || !span_starts(word, SPAN("-")))) {
		r->file = word;
	} else {
		return false;
	}
	return true;
}

static bool read_words(struct request *r, const struct span *words,
	size_t count)
{
	for (size_t at = 2; at < count; at++)
		if (!take_word(r, words, count, &at))
			return false;
	return r->file.n > 0 &&
		r->wants_structure + r->wants_headers + r->wants_part <= 1;
}

enum admin_exit cli_show_run(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	const struct cli *cli = module;
	struct request r = {.wants_json = cli->is_json};
	struct show s;
	enum admin_exit status = EXIT_NO_INPUT;

	if (!read_words(&r, words, count)) {
		(void)err_set(e, SYNTAX, "%s", usage);
		return EXIT_USAGE;
	}
	(void)charset_open();
	if (show_open_file(&s, r.file, STDOUT_FILENO, e) == OK)
		status = show(&s, &r, out, e);
	if (!show_close(&s) && status != EXIT_NO_INPUT) {
		(void)err_set(e, FULL, "cannot write to stdout");
		status = EXIT_IO;
	}
	return status;
}
