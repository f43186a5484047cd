/*
 * fuzz_param.c - values with parameters, both ways.
 *
 * Lists keep to their limits, texts are clean, and a name that is written comes
 * back as it was.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"
#include "codec/charset.h"
#include "message/limits.h"
#include "message/param.h"
#include "message/words.h"

/* 128 values as sent, and the same again, joined. */
#define ARENA_BYTES (4u << 20)
#define SLACK       16

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_clean(struct span text)
{
	must(utf8_is_valid(text));
	for (size_t i = 0; i < text.n; i++)
		must(text.p[i] >= ' ' && text.p[i] != 0x7f);
}

static void check_list(struct span value)
{
	struct arena a;
	struct param_list list;
	struct buf text;

	arena_init(&a, ARENA_BYTES);
	buf_init(&text, 4 * (size_t)MESSAGE_PARAM_MAX + SLACK);
	must(param_list_read(&a, value, &list).n <= MESSAGE_PARAM_MAX);
	must(list.count <= MESSAGE_PARAMS_MAX);
	for (size_t i = 0; i < list.count; i++) {
		must(list.items[i].name.n > 0);
		must(list.items[i].value.n <= MESSAGE_PARAM_MAX);
		buf_reset(&text);
		must(param_list_get(&list, list.items[i].name, &text));
		must(!text.overflow);
		check_clean(buf_span(&text));
	}
	buf_clear(&text);
	arena_clear(&a);
}

static void check_round_trip(struct span name)
{
	struct arena a;
	struct param_list list;
	struct buf text, back;

	/* more would not fit into 128 pieces, and is nobody's name */
	name = span_trim(span_head(name, 1000));
	if (!utf8_is_valid(name) || span_starts(name, SPAN("\xef\xbb\xbf")))
		return;
	arena_init(&a, ARENA_BYTES);
	buf_init(&text, 8 * name.n + 64);
	buf_init(&back, 4 * name.n + SLACK);
	buf_puts(&text, "attachment");
	param_put(&text, "filename", name);
	must(!text.overflow);
	must(span_eq(param_list_read(&a, buf_span(&text), &list),
		SPAN("attachment")));
	must(list.count == 1);
	must(param_list_get(&list, SPAN("FileName"), &back));
	must(span_eq(buf_span(&back), name));
	buf_clear(&text);
	buf_clear(&back);
	arena_clear(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n);
	struct buf clean;

	must(charset_open());
	check_list(in);
	buf_init(&clean, 4 * in.n + SLACK);
	words_put_clean(&clean, SPAN_EMPTY, in);
	check_round_trip(buf_span(&clean));
	buf_clear(&clean);
	return 0;
}
