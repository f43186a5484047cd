/*
 * fuzz_build.c - a random tree of parts is composed, and the parser has to find
 * it again: types, names, contents, people, subject.
 *
 * The bytes are drawn from the front: choices first, contents as they come.
 */
#include "base/utf8.h"
#include "decode.h"
#include "message/compose.h"
#include "message/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS_MAX    60
#define CHILDREN_MAX 4
#define PEOPLE_MAX   6
#define TEXT_MAX     600

/* Pieces of names and subjects: what is hard to write. */
static const char *const snippets[] = {"a", "b", " ", "\"", "\\", "\xc3\xa9",
	"\xf0\x9f\x8d\x94", "=?", "?=", "=?utf-8?Q?x?=", ";", "'", "%41", "*",
	"=", "(", ")", "<", "@", ",", ":", "..", "_", "word", "0123456789",
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"};
#define SNIPPETS (sizeof(snippets) / sizeof(snippets[0]))

static const struct span text_types[] = {SPAN_INIT("text/plain"),
	SPAN_INIT("text/html"), SPAN_INIT("message/delivery-status"),
	SPAN_INIT("")};
static const struct span file_types[] = {SPAN_INIT("image/png"),
	SPAN_INIT("text/csv"), SPAN_INIT("application/x-y")};
static const struct span multi_types[] = {SPAN_INIT("multipart/mixed"),
	SPAN_INIT("multipart/alternative"), SPAN_INIT("multipart/related"),
	SPAN_INIT("multipart/report"), SPAN_INIT("multipart/digest")};

struct made {
	struct arena *arena;
	struct span in; /* what is left */
	struct compose_part *parts;
	size_t count;
};

static uint8_t draw(struct made *m)
{
	uint8_t byte = m->in.n > 0 ? m->in.p[0] : 0;

	m->in = span_tail(m->in, 1);
	return byte;
}

static struct span draw_words(struct made *m)
{
	size_t count = draw(m) % 24;
	struct buf text;
	struct span kept;

	buf_init(&text, 4096);
	for (size_t i = 0; i < count; i++)
		buf_puts(&text, snippets[draw(m) % SNIPPETS]);
	kept = arena_dup(m->arena, buf_span(&text));
	buf_clear(&text);
	return kept;
}

static struct span draw_bytes(struct made *m)
{
	size_t n = draw(m);
	struct span bytes = span_head(m->in, n * 2);

	m->in = span_tail(m->in, bytes.n);
	return bytes;
}

/* A head, and anything behind it. */
static struct span draw_headed(struct made *m, const char *head)
{
	struct buf raw;
	struct span kept;

	buf_init(&raw, TEXT_MAX + 100);
	buf_puts(&raw, head);
	buf_put(&raw, draw_bytes(m));
	kept = arena_dup(m->arena, buf_span(&raw));
	buf_clear(&raw);
	return kept;
}

/* A part without children yet. */
static void draw_part(struct made *m, struct compose_part *p, bool may_nest)
{
	uint8_t choice = draw(m);

	p->kind = (enum compose_kind)(choice % 5);
	if (p->kind == COMPOSE_MULTIPART && !may_nest)
		p->kind = COMPOSE_FILE;
	if (p->kind == COMPOSE_RAW)
		p->content = draw_headed(m,
			"Content-Type: application/x-raw\r\n\r\n");
	else if (p->kind == COMPOSE_MESSAGE)
		p->content = draw_headed(m, "Subject: in\r\n\r\n");
	else if (p->kind != COMPOSE_MULTIPART)
		p->content = draw_bytes(m);
	if (p->kind == COMPOSE_TEXT && !utf8_is_valid(p->content))
		p->kind = COMPOSE_FILE;
	if (p->kind == COMPOSE_TEXT)
		p->type = text_types[choice / 5 % 4];
	else if (p->kind == COMPOSE_FILE)
		p->type = file_types[choice / 5 % 3];
	else if (p->kind == COMPOSE_MULTIPART)
		p->type = multi_types[choice / 5 % 5];
	if (p->kind == COMPOSE_TEXT || p->kind == COMPOSE_FILE) {
		p->name = draw_words(m);
		p->disposition = COMPOSE_ATTACHMENT;
		p->description = draw_words(m);
	}
}

/* A list in which the children of each multipart stand together, behind it. */
static void draw_tree(struct made *m)
{
	m->parts = arena_alloc(m->arena, PARTS_MAX + CHILDREN_MAX + 1,
		sizeof(*m->parts));
	draw_part(m, &m->parts[0], true);
	m->count = 1;
	for (size_t i = 0; i < m->count; i++) {
		struct compose_part *p = &m->parts[i];

		if (p->kind != COMPOSE_MULTIPART)
			continue;
		if (m->count > PARTS_MAX) { /* no room for its children */
			p->kind = COMPOSE_FILE;
			p->type = file_types[0];
			continue;
		}
		p->children = &m->parts[m->count];
		p->child_count = draw(m) % CHILDREN_MAX + 1;
		for (size_t j = 0; j < p->child_count; j++)
			draw_part(m, &m->parts[m->count + j],
				m->count + j < PARTS_MAX / 2);
		m->count += p->child_count;
	}
}

/* ---- is it the same? -------------------------------------------------------- */
/* Blanks may have been folded: they do not count. */
static void check_words(struct span raw, struct span wanted)
{
	struct buf found;
	size_t at = 0;

	buf_init(&found, 65536);
	words_put_decoded(&found, raw);
	for (size_t i = 0; i < buf_len(&found); i++) {
		uint8_t c = buf_span(&found).p[i];

		if (c == ' ' || c == '\t')
			continue;
		while (at < wanted.n && wanted.p[at] == ' ')
			at++;
		must(at < wanted.n && wanted.p[at] == c);
		at++;
	}
	must(span_trim(span_tail(wanted, at)).n == 0);
	buf_clear(&found);
}

static void put_lines(struct buf *out, struct span text)
{
	while (text.n > 0) {
		size_t cr = span_find(text, '\r'), lf = span_find(text, '\n');
		size_t n = cr < lf ? cr : lf;

		buf_put(out, span_head(text, n));
		buf_puts(out, "\r\n");
		text = span_tail(text, n + 1 + (cr + 1 == lf));
	}
}

static void check_content(struct span message, const struct mime_part *p,
	const struct compose_part *part)
{
	struct buf found, wanted;

	buf_init(&found, 65536);
	buf_init(&wanted, 65536);
	must(part_decode(message, p, &found));
	if (part->kind == COMPOSE_TEXT)
		put_lines(&wanted, part->content);
	else
		buf_put(&wanted, part->content);
	must(span_eq(buf_span(&found), buf_span(&wanted)));
	buf_clear(&found);
	buf_clear(&wanted);
}

static void check_name(const struct mime_part *p, struct span name)
{
	struct buf found;

	buf_init(&found, 65536);
	must(param_list_get(&p->disposition_params, SPAN("filename"),
		     &found) == (name.n > 0));
	must(span_eq(buf_span(&found), name));
	buf_clear(&found);
}

static void check_leaf(const struct mime_tree *t, struct span message,
	uint32_t i, const struct compose_part *part)
{
	const struct mime_part *p = &t->parts[i];
	struct span subtype = part->type, main = span_cut(&subtype, '/');
	struct span all = span_head(span_tail(message, (size_t)p->head_start),
		(size_t)(p->body_end - p->head_start));

	if (part->kind == COMPOSE_RAW) {
		/* at the top the other fields come before, a line end after */
		must(i == 0 ? span_find_span(all, part->content) < all.n :
			      span_eq(all, part->content));
		return;
	}
	if (part->kind == COMPOSE_MESSAGE) {
		must(mime_is_type(p, SPAN("message"), SPAN("rfc822")));
		must(i == 0 ? span_starts(part_body(message, p),
				      part->content) :
			      span_eq(part_body(message, p), part->content));
		return;
	}
	must(part->type.n == 0 || mime_is_type(p, main, subtype));
	check_content(message, p, part);
	check_name(p, part->name);
	check_words(p->description, part->description);
}

/* Side by side through both trees. */
static void check_tree(const struct mime_tree *t, struct span message,
	const struct made *m)
{
	uint32_t at[PARTS_MAX + CHILDREN_MAX] = {0};

	for (size_t i = 0; i < m->count; i++) {
		const struct compose_part *part = &m->parts[i];
		uint32_t child;

		if (part->kind != COMPOSE_MULTIPART) {
			check_leaf(t, message, at[i], part);
			continue;
		}
		must(t->parts[at[i]].kind == MIME_MULTIPART);
		child = mime_first_child(t, at[i]);
		for (size_t j = 0; j < part->child_count; j++) {
			must(child != MIME_NONE);
			at[part->children - m->parts + (ptrdiff_t)j] = child;
			child = t->parts[child].next;
		}
		must(child == MIME_NONE);
	}
}

static void check_lines(struct span s, unsigned needs)
{
	size_t line = 0;

	must(needs & COMPOSE_NEEDS_8BIT || utf8_is_ascii(s));
	for (size_t i = 0; i < s.n && !(needs & COMPOSE_NEEDS_BINARY); i++) {
		line = s.p[i] == '\n' ? 0 : line + 1;
		must(line <= 999);
		must(s.p[i] != '\n' || (i > 0 && s.p[i - 1] == '\r'));
		must(s.p[i] != '\r' || (i + 1 < s.n && s.p[i + 1] == '\n'));
	}
}

static void check_people(const struct address_list *list,
	const struct message_address *people, size_t count)
{
	must(list->count == count);
	for (size_t i = 0; i < count; i++) {
		must(list->items[i].kind == ADDRESS_MAILBOX);
		must(span_eq(list->items[i].local, SPAN("ann")));
		must(span_eq(list->items[i].domain, SPAN("a.test")));
		check_words(list->items[i].name, people[i].name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct made made = {&arena, span_of(data, size), NULL, 0};
	struct message_address people[PEOPLE_MAX];
	struct compose_message m = {.host = SPAN("a.test")};
	const struct mime_tree *t;
	unsigned needs;
	struct buf out;
	struct err e;

	arena_init(&arena, 2 * (size_t)MIME_ARENA_BYTES);
	buf_init(&out, 4u << 20);
	m.allows_8bit = draw(&made) & 1;
	m.subject = draw_words(&made);
	for (size_t i = 0; i < PEOPLE_MAX; i++)
		people[i] = (struct message_address){draw_words(&made),
			SPAN("ann@a.test")};
	m.from = (struct compose_addresses){people, 1};
	m.to = (struct compose_addresses){people + 1, PEOPLE_MAX - 1};
	draw_tree(&made);
	m.body = made.parts;
	must(compose_put(&m, &arena, &out, &needs, &e) == OK);
	check_lines(buf_span(&out), needs);
	t = mime_parse(&arena, buf_span(&out));
	check_words(t->parts[0].envelope->subject, m.subject);
	check_people(&t->parts[0].envelope->from, people, 1);
	check_people(&t->parts[0].envelope->to, people + 1, PEOPLE_MAX - 1);
	check_tree(t, buf_span(&out), &made);
	buf_clear(&out);
	arena_clear(&arena);
	return 0;
}
