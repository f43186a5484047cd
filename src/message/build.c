/*
 * build.c - the message that a person writes.  See build.h.
 *
 * Here is only what such a message looks like: a text alone, or a
 * multipart/mixed of text and files.  compose.c writes it.
 */
#include "message/build.h"

#include <string.h>

#include "base/banned.h"

bool message_address_parse(struct span text, struct message_address *out)
{
	struct span rest = span_trim(text);
	struct span name = span_cut(&rest, '<');

	*out = (struct message_address){SPAN_EMPTY, name};
	if (rest.p != NULL && rest.n > 0) {
		if (rest.p[rest.n - 1] != '>')
			return false;
		out->name = span_trim(name);
		out->address = span_head(rest, rest.n - 1);
	}
	if (out->name.n >= 2 && out->name.p[0] == '"' &&
		out->name.p[out->name.n - 1] == '"')
		out->name = span_head(span_tail(out->name, 1),
			out->name.n - 2);
	return compose_is_address(out->address);
}

static struct compose_message message_of(const struct message_draft *d)
{
	struct compose_message m = {
		.from = {&d->from, 1},
		.to = {d->to, d->to_count},
		.subject = d->subject.p == NULL ? SPAN("") : d->subject,
		.date_ms = d->now_ms,
		.host = d->host,
	};

	memcpy(m.random, d->random, sizeof(m.random));
	return m;
}

void message_put_id(const struct message_draft *d, struct buf *out)
{
	struct compose_message m = message_of(d);

	compose_put_id(&m, out);
}

/* The text, and the files behind it. */
static struct compose_part *make_parts(const struct message_draft *d,
	struct arena *a)
{
	struct compose_part *parts =
		arena_alloc(a, d->file_count + 1, sizeof(*parts));

	parts[0] = (struct compose_part){.kind = COMPOSE_TEXT,
		.content = d->text};
	for (size_t i = 0; i < d->file_count; i++)
		parts[i + 1] = (struct compose_part){.kind = COMPOSE_FILE,
			.content = d->files[i].content,
			.name = d->files[i].name,
			.disposition = COMPOSE_ATTACHMENT};
	return parts;
}

enum code message_build(const struct message_draft *d, struct buf *out,
	struct err *e)
{
	struct compose_message m = message_of(d);
	struct compose_part mixed = {.kind = COMPOSE_MULTIPART};
	struct arena arena;
	unsigned needs;
	enum code code;

	if (d->file_count > MESSAGE_FILES_MAX)
		return err_set(e, LIMIT, "%zu files are too many",
			d->file_count);
	arena_init(&arena, 2 * COMPOSE_ARENA_BYTES);
	mixed.children = make_parts(d, &arena);
	mixed.child_count = d->file_count + 1;
	m.body = d->file_count > 0 ? &mixed : mixed.children;
	code = compose_put(&m, &arena, out, &needs, e);
	arena_clear(&arena);
	return code;
}
