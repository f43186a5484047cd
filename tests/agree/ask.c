/*
 * ask.c - answers questions about one message after the other, for the Python
 * programs of this folder (ask.py is the other end).
 *
 *	request  = verb " " length LF argument
 *	answer   = length LF bytes
 *
 * Standard input and output; ends at the end of the input.  "message" sets the
 * message that all other verbs speak of; each verb is a row of the table at the
 * end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/charset.h"
#include "message/date.h"
#include "message/header.h"
#include "message/imap_view.h"
#include "message/section.h"
#include "message/section_binary.h"
#include "message/words.h"

#define ANSWER_MAX (256u << 20)

static struct arena arena, scratch;
static struct buf message, out;
static const struct mime_tree *tree;

static void put_string(struct span s)
{
	buf_put_u64(&out, s.n);
	buf_putc(&out, ':');
	buf_put(&out, s);
}

static void take_message(struct span arg)
{
	arena_clear(&arena);
	buf_reset(&message);
	buf_put(&message, arg);
	tree = mime_parse(&arena, buf_span(&message));
}

/* In two pieces, for the property that the split changes nothing. */
static void take_split(struct span arg)
{
	size_t at = buf_len(&message) * strtoul((const char *)arg.p, NULL, 10) /
		1000;
	struct mime_parser *parser;

	arena_clear(&arena);
	parser = mime_parser_new(&arena);
	mime_parser_feed(parser, span_head(buf_span(&message), at));
	mime_parser_feed(parser, span_tail(buf_span(&message), at));
	tree = mime_parser_end(parser);
}

static void tell_size(struct span arg)
{
	(void)arg;
	buf_put_u64(&out, tree->size);
}

static void tell_envelope(struct span arg)
{
	(void)arg;
	imap_put_envelope(&out, tree->parts[0].envelope);
}

static void tell_body(struct span arg)
{
	(void)arg;
	imap_put_structure(&out, tree, 0, false);
}

static void tell_structure(struct span arg)
{
	(void)arg;
	imap_put_structure(&out, tree, 0, true);
}

/* As the store keeps them. */
static void pack(struct span arg)
{
	struct envelope *e = tree->parts[0].envelope;
	struct mime_tree *packed = ARENA_NEW(&arena, struct mime_tree);

	(void)arg;
	mime_tree_pack(tree, &out);
	must(mime_tree_unpack(&arena, arena_dup(&arena, buf_span(&out)),
		packed));
	buf_reset(&out);
	envelope_pack(e, &out);
	e = ARENA_NEW(&arena, struct envelope);
	must(envelope_unpack(&arena, arena_dup(&arena, buf_span(&out)), e));
	buf_reset(&out);
	packed->parts[0].envelope = e;
	tree = packed;
}

/* One line a part: index behind its last, its type. */
static void tell_tree(struct span arg)
{
	(void)arg;
	for (uint32_t i = 0; i < tree->count; i++) {
		const struct mime_part *p = &tree->parts[i];

		buf_printf(&out, "%u ", p->end);
		buf_put(&out, p->type);
		buf_putc(&out, '/');
		buf_put(&out, p->subtype);
		buf_putc(&out, '\n');
	}
}

static enum code find(struct span text, struct section *s,
	struct section_range *r)
{
	enum code code = section_read(&scratch, text, s);

	if (code != OK)
		return code;
	return section_find(tree, s, r) ? OK : NOT_FOUND;
}

static struct span bytes_of(const struct section_range *r)
{
	return span_head(span_tail(buf_span(&message), r->start),
		r->end - r->start);
}

/* "ok start end part", or the word of a code. */
static void tell_section(struct span arg)
{
	struct section s;
	struct section_range r;
	enum code code = find(arg, &s, &r);

	buf_puts(&out, code_word(code));
	if (code == OK)
		buf_printf(&out, " %" PRIu64 " %" PRIu64 " %u", r.start, r.end,
			r.part);
}

static void tell_fields(struct span arg)
{
	struct section s;
	struct section_range r;

	if (find(arg, &s, &r) == OK)
		section_put_fields(&out, &s, bytes_of(&r));
}

/* The word of a code, a line end, and the bytes. */
static void tell_binary(struct span arg)
{
	struct section s;
	struct section_range r;
	struct section_binary b;
	enum code code = section_read(&scratch, arg, &s);

	if (code == OK)
		code = section_binary_begin(&b, tree, &s, &r);
	buf_printf(&out, "%s\n", code_word(code));
	if (code != OK)
		return;
	section_binary_feed(&b, bytes_of(&r), &out);
	section_binary_end(&b, &out);
}

/* Of the message: the text of a field as people read it. */
static void tell_text(struct span arg)
{
	struct span value;
	struct buf flat;

	buf_init(&flat, ANSWER_MAX);
	if (header_find(buf_span(&message), arg, &value)) {
		header_put_unfolded(&flat, value);
		words_put_decoded(&out, buf_span(&flat));
	}
	buf_clear(&flat);
}

/* kind, name, local part, domain of each. */
static void put_address(const struct address *one)
{
	struct buf name;

	buf_init(&name, ANSWER_MAX);
	words_put_decoded(&name, one->name);
	buf_put(&out, span_head(span_tail(SPAN("MGE"), one->kind), 1));
	put_string(buf_span(&name));
	put_string(one->local);
	put_string(one->domain);
	buf_clear(&name);
}

static void tell_addresses(struct span arg)
{
	struct address_list list = {0};
	struct span value;

	if (!header_find(buf_span(&message), arg, &value))
		return;
	address_list_read(&scratch, value, &list);
	for (size_t i = 0; i < list.count; i++)
		put_address(&list.items[i]);
}

/* "seconds minutes-east", or nothing. */
static void tell_date(struct span arg)
{
	struct span value;
	struct date date;

	if (header_find(buf_span(&message), arg, &value) &&
		date_read(value, &date))
		buf_printf(&out, "%" PRId64 " %" PRId32, date.seconds,
			date.zone_min);
}

/* "section name": the parameter of Content-Disposition or else of Content-Type
 * of that name, behind a "+"; nothing: there is none. */
static void tell_param(struct span arg)
{
	struct span name = arg, text = span_cut(&name, ' ');
	struct section s;
	struct section_range r;
	const struct mime_part *p;

	if (find(text, &s, &r) != OK)
		return;
	p = &tree->parts[r.part];
	buf_putc(&out, '+');
	if (!param_list_get(&p->disposition_params, name, &out) &&
		!param_list_get(&p->params, name, &out))
		buf_reset(&out);
}

static const struct {
	const char *verb;
	void (*run)(struct span arg);
} verbs[] = {
	{"message", take_message},
	{"split", take_split},
	{"pack", pack},
	{"size", tell_size},
	{"envelope", tell_envelope},
	{"body", tell_body},
	{"structure", tell_structure},
	{"tree", tell_tree},
	{"section", tell_section},
	{"fields", tell_fields},
	{"binary", tell_binary},
	{"text", tell_text},
	{"addresses", tell_addresses},
	{"date", tell_date},
	{"param", tell_param},
};

static void answer(const char *verb, struct span arg)
{
	buf_reset(&out);
	arena_clear(&scratch);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].verb, verb) != 0)
			continue;
		verbs[i].run(arg);
		must(!out.overflow);
		printf("%zu\n", buf_len(&out));
		(void)fwrite(out.p, 1, buf_len(&out), stdout);
		(void)fflush(stdout);
		return;
	}
	unreachable();
}

int main(void)
{
	char verb[32];
	size_t len;
	struct buf arg;

	must(charset_open());
	buf_init(&arg, ANSWER_MAX);
	buf_init(&message, ANSWER_MAX);
	buf_init(&out, ANSWER_MAX);
	arena_init(&arena, 4 * (size_t)MIME_ARENA_BYTES);
	arena_init(&scratch, MIME_ARENA_BYTES);
	while (scanf("%31s %zu", verb, &len) == 2 && getchar() == '\n') {
		buf_reset(&arg);
		if (fread(buf_reserve(&arg, len + 1), 1, len, stdin) != len)
			break;
		buf_wrote(&arg, len);
		arg.p[len] = 0;
		answer(verb, buf_span(&arg));
	}
	buf_clear(&arg);
	buf_clear(&message);
	buf_clear(&out);
	arena_clear(&arena);
	arena_clear(&scratch);
	return 0;
}
