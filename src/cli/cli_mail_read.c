/*
 * cli_mail_read.c - `postrider mail list` and `read`: mail on a terminal.
 */
#include <stdio.h>

#include "base/num.h"
#include "cli/cli_mail_int.h"
#include "cli/cli_mail_text.h"
#include "codec/charset.h"
#include "message/header.h"
#include "message/words.h"

#include "base/banned.h"

/* A header field that is longer is not shown. */
#define FIELD_MAX (1u << 20)
#define LIST_MAX  10000 /* messages that are listed: the newest */

void mail_put_size(struct buf *out, uint64_t bytes)
{
	static const char units[] = "KMG";
	size_t unit = 0;

	if (bytes < 1024) {
		buf_printf(out, "%u", (unsigned)bytes);
		return;
	}
	while (bytes >= 1024 * 1024 && unit < 2) {
		bytes /= 1024;
		unit++;
	}
	if (bytes < 10 * 1024)
		buf_printf(out, "%u.%u%c", (unsigned)(bytes / 1024),
			(unsigned)(bytes % 1024 * 10 / 1024), units[unit]);
	else
		buf_printf(out, "%u%c", (unsigned)(bytes / 1024), units[unit]);
}

void mail_put_field(struct buf *out, struct span head, const char *name)
{
	struct buf text;
	struct span value;

	if (!header_find(head, span_str(name), &value))
		return;
	buf_init(&text, FIELD_MAX);
	words_put_decoded(&text, value);
	cli_text_put(out, buf_span(&text), false);
	buf_clear(&text);
}

/* ---- list --------------------------------------------------------------- */

/* TOP is optional (RFC 1939 7); without it the message itself. */
static enum code get_head(struct cli_pop3 *p, uint32_t n, struct err *e)
{
	struct buf line;
	enum code code;

	buf_init(&line, 32);
	buf_printf(&line, "TOP %u 0", n);
	code = cli_pop3_do(p, buf_span(&line), true, e);
	buf_clear(&line);
	return code == NOT_FOUND ? cli_pop3_get(p, n, e) : code;
}

static enum code get_size(struct cli_pop3 *p, uint32_t n, uint64_t *out,
	struct err *e)
{
	struct buf line;
	struct span text;
	enum code code;

	buf_init(&line, 32);
	buf_printf(&line, "LIST %u", n);
	code = cli_pop3_do(p, buf_span(&line), false, e);
	buf_clear(&line);
	if (code != OK)
		return code;
	text = pop3_client_text(&p->reader);
	(void)span_cut(&text, ' ');
	*out = 0;
	(void)num_parse_u64(span_cut(&text, ' '), UINT64_MAX, out);
	return OK;
}

static enum code list_one(const struct mail_command *m, struct cli_pop3 *p,
	uint32_t n)
{
	static const char *const fields[] = {"Date", "From", "Subject"};
	struct buf texts[5];
	struct span cells[5], head;
	uint64_t size;
	enum code code = get_size(p, n, &size, m->e);

	if (code == OK)
		code = get_head(p, n, m->e);
	if (code != OK)
		return code;
	for (size_t i = 0; i < 5; i++)
		buf_init(&texts[i], FIELD_MAX);
	buf_put_u64(&texts[0], n);
	mail_put_size(&texts[1], size);
	head = buf_span(&p->reader.body);
	for (size_t i = 0; i < 3; i++)
		mail_put_field(&texts[2 + i], head, fields[i]);
	for (size_t i = 0; i < 5; i++)
		cells[i] = buf_span(&texts[i]);
	m->out->row(m->out->arg, cells, 5);
	for (size_t i = 0; i < 5; i++)
		buf_clear(&texts[i]);
	return OK;
}

enum admin_exit mail_show_list(struct mail_command *m)
{
	const struct span head[5] = {SPAN("n"), SPAN("size"), SPAN("date"),
		SPAN("from"), SPAN("subject")};
	struct cli_pop3 p = {0};
	uint32_t count = 0;
	uint32_t n = 1;
	enum code code = mail_open(m, &p);

	if (code != OK)
		return mail_exit_of(code);
	code = cli_pop3_count(&p, &count, m->e);
	if (count > LIST_MAX)
		n = count - LIST_MAX + 1;
	if (code == OK)
		m->out->row(m->out->arg, head, 5);
	for (; code == OK && n <= count; n++)
		code = list_one(m, &p, n);
	cli_pop3_close(&p);
	if (code == OK && count == 0) {
		(void)err_set(m->e, OK, "no messages");
		return EXIT_NO_MATCH;
	}
	return mail_exit_of(code);
}

/* ---- read --------------------------------------------------------------- */

static void put_head(struct buf *out, struct span head)
{
	static const char *const fields[] = {"From", "To", "Cc", "Date",
		"Subject"};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t before = buf_len(out);

		buf_printf(out, "%s: ", fields[i]);
		mail_put_field(out, head, fields[i]);
		if (buf_len(out) - before == span_str(fields[i]).n + 2)
			buf_truncate(out, before); /* not there */
		else
			buf_putc(out, '\n');
	}
}

static void put_text(struct buf *out, struct span message,
	const struct message_part *part)
{
	struct buf bytes, text;

	buf_init(&bytes, message.n);
	buf_init(&text, message.n * 4 + 16);
	(void)message_part_decode(message, part, &bytes);
	(void)charset_put_utf8(&text, part->charset, buf_span(&bytes));
	cli_text_put(out, buf_span(&text), true);
	if (buf_len(&text) > 0 && !span_ends(buf_span(&text), SPAN("\n")))
		buf_putc(out, '\n');
	buf_clear(&bytes);
	buf_clear(&text);
}

static void put_part_line(struct buf *out, struct span message,
	const struct message_part *part)
{
	struct buf bytes;

	buf_init(&bytes, message.n);
	(void)message_part_decode(message, part, &bytes);
	buf_printf(out, "[%.*s] ", SPAN_ARG(part->number));
	cli_text_put(out, part->name.n > 0 ? part->name : SPAN("(no name)"),
		false);
	buf_puts(out, "  ");
	cli_text_put(out, part->type, false);
	buf_puts(out, "  ");
	mail_put_size(out, buf_len(&bytes));
	buf_putc(out, '\n');
	buf_clear(&bytes);
}

static bool is_shown(const struct message_part *part)
{
	return span_eq(part->type, SPAN("text/plain")) && !part->is_attachment;
}

static void put_message(struct buf *out, struct span message,
	const struct message_structure *s)
{
	put_head(out, span_head(message, header_len(message)));
	buf_putc(out, '\n');
	for (size_t i = 0; i < s->count; i++)
		if (is_shown(&s->parts[i]))
			put_text(out, message, &s->parts[i]);
	for (size_t i = 0; i < s->count; i++)
		if (!is_shown(&s->parts[i]) && !s->parts[i].is_multipart)
			put_part_line(out, message, &s->parts[i]);
	if (s->is_cut)
		buf_puts(out, "(the message has more parts than are shown)\n");
}

enum admin_exit mail_read(struct mail_command *m)
{
	struct cli_pop3 p = {0};
	struct message_structure s;
	struct buf text;
	struct span message;
	enum code code = mail_open_message(m, &p);

	if (code != OK)
		return mail_exit_of(code);
	message = buf_span(&p.reader.body);
	message_structure_read(m->arena, message, &s);
	buf_init(&text, SIZE_MAX / 2);
	put_message(&text, message, &s);
	(void)fwrite(buf_span(&text).p, 1, buf_len(&text), stdout);
	buf_clear(&text);
	cli_pop3_close(&p);
	if (fflush(stdout) != 0) {
		(void)err_errno(m->e, TEMP, "stdout");
		return EXIT_IO;
	}
	return EXIT_OK;
}
