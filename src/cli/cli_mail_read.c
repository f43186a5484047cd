/*
 * cli_mail_read.c - `postrider mail list` and `read`: mail on a terminal.
 */
#include <unistd.h>

#include "base/num.h"
#include "cli/cli_mail_int.h"
#include "cli/cli_mail_text.h"
#include "cli/cli_show_int.h"
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

enum admin_exit mail_read(struct mail_command *m)
{
	struct cli_pop3 p = {0};
	struct show s;
	bool is_written;
	enum code code = mail_open_message(m, &p);

	if (code != OK)
		return mail_exit_of(code);
	show_open_memory(&s, buf_span(&p.reader.body), STDOUT_FILENO);
	show_text(&s);
	is_written = show_close(&s);
	cli_pop3_close(&p);
	if (!is_written) {
		(void)err_set(m->e, FULL, "cannot write to stdout");
		return EXIT_IO;
	}
	return EXIT_OK;
}
