/*
 * config_text.c - the configuration as text: for people, and for the roles.
 */
#include <string.h>

#include "config/config.h"
#include "config/config_int.h"

#include "base/banned.h"

#define LINE_COLUMNS 78

/* The sentence, broken at blanks, behind "# ". */
static void put_comment(struct buf *out, struct span sentence,
	const char *indent)
{
	size_t column = LINE_COLUMNS;
	bool is_first = true;

	while (sentence.n > 0) {
		struct span word = span_cut(&sentence, ' ');

		if (column + 1 + word.n > LINE_COLUMNS) {
			buf_printf(out, "%s%s#", is_first ? "" : "\n", indent);
			column = strlen(indent) + 1;
			is_first = false;
		}
		buf_putc(out, ' ');
		buf_put(out, word);
		column += 1 + word.n;
	}
	buf_putc(out, '\n');
}

static void put_all(struct buf *out, const struct config *c, bool has_comments)
{
	const char *section = "";

	for (size_t i = 0; i < config_option_count; i++) {
		const struct option *o = &config_options[i];
		const char *indent = *o->section == '\0' ? "" : "\t";

		if (strcmp(section, o->section) != 0) {
			buf_printf(out, "%s%s {\n",
				*section == '\0' ? "" : "}\n", o->section);
			section = o->section;
		}
		if (has_comments)
			put_comment(out, span_str(o->sentence), indent);
		buf_printf(out, "%s%s = ", indent, o->name);
		option_put_value(out, o, c);
		buf_putc(out, '\n');
	}
	buf_puts(out, *section == '\0' ? "" : "}\n");
}

void config_put(struct buf *out, const struct config *c)
{
	put_all(out, c, false);
}

void config_put_explained(struct buf *out, const struct config *c)
{
	put_all(out, c, true);
}

bool config_explain(struct buf *out, struct span path)
{
	const struct option *o = option_find(path);
	struct arena a;
	struct config presets;

	if (o == NULL) {
		o = option_nearest(path);
		if (o != NULL)
			option_put_path(out, o);
		return false;
	}
	arena_init(&a, 1u << 16);
	config_default(&presets, &a);
	option_put_path(out, o);
	buf_puts(out, " = ");
	option_put_value(out, o, &presets);
	buf_puts(out, "\n");
	put_comment(out, span_str(o->sentence), "");
	arena_clear(&a);
	return true;
}
