/*
 * header.c - the fields at the top of a message.  See header.h.
 */
#include "message/header.h"

#include "message/token.h"

#include "base/banned.h"

struct span header_cut_line(struct span *rest)
{
	struct span line = span_cut(rest, '\n');

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

size_t header_len(struct span message)
{
	struct span rest = message;

	while (rest.n > 0)
		if (header_cut_line(&rest).n == 0)
			break;
	return message.n - rest.n;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* RFC 5322 3.6.8: printable, no colon; blanks before the colon are obsolete
 * but legal (4.5). */
static bool is_field(struct span line, struct header_field *out)
{
	struct span value = line;
	struct span name = span_cut(&value, ':');

	if (name.n == line.n)
		return false;
	name = span_trim(name);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			return false;
	*out = (struct header_field){name, value};
	return name.n > 0;
}

bool header_next(struct span *rest, struct header_field *out)
{
	while (rest->n > 0) {
		struct span line = header_cut_line(rest);

		if (line.n == 0)
			return false;
		if (is_blank(line.p[0]) || !is_field(line, out))
			continue;
		while (rest->n > 0 && is_blank(rest->p[0])) {
			line = header_cut_line(rest);
			out->value.n = (size_t)(line.p + line.n - out->value.p);
		}
		return true;
	}
	return false;
}

bool header_find(struct span head, struct span name, struct span *out_value)
{
	struct header_field field;
	bool found = false;

	while (header_next(&head, &field))
		if (span_eq_fold(field.name, name)) {
			*out_value = field.value;
			found = true;
		}
	return found;
}

void header_put_unfolded(struct buf *out, struct span value)
{
	value = token_trim(value);
	while (value.n > 0)
		buf_put(out, header_cut_line(&value));
}
