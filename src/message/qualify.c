/*
 * qualify.c - domains for names.  See qualify.h.
 */
#include "message/qualify.h"

#include "message/address.h"

#include "base/banned.h"

#define ARENA_BYTES (8u << 20)

bool qualify_is_for(struct span name)
{
	static const char *const fields[] = {"From", "Sender", "Reply-To", "To",
		"Cc", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc"};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (span_eq_fold(name, span_str(fields[i])))
			return true;
	return false;
}

/* A dot-atom, which an encoded word looks like.  RFC 5322 3.2.3 */
static bool is_name(struct span local)
{
	const struct span marks = SPAN("!#$%&'*+-/=?^_`{|}~.");

	for (size_t i = 0; i < local.n; i++)
		if (!ascii_is_alpha(local.p[i]) &&
			!ascii_is_digit(local.p[i]) &&
			span_find(marks, local.p[i]) == marks.n)
			return false;
	return local.n > 0 && !span_starts(local, SPAN("=?"));
}

/* Does the local part stand in rest, as it is, and alone? */
static bool is_lonely(const struct address *one, struct span rest)
{
	uintptr_t from = (uintptr_t)rest.p;
	uintptr_t at = (uintptr_t)one->local.p;

	return one->kind == ADDRESS_MAILBOX && one->domain.n == 0 &&
		is_name(one->local) && at >= from &&
		at + one->local.n <= from + rest.n;
}

size_t qualify_put(struct buf *out, struct span value, struct span domain,
	size_t max)
{
	struct address_list list = {0};
	struct span rest = value;
	struct arena arena;
	size_t added = 0;

	arena_init(&arena, ARENA_BYTES);
	address_list_read(&arena, value, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct span local = list.items[i].local;
		size_t n;

		if (!is_lonely(&list.items[i], rest) ||
			added + 1 + domain.n > max)
			continue;
		n = (size_t)(local.p - rest.p) + local.n;
		/* "ann@": what was to follow is not ours to guess */
		if (span_starts(span_trim(span_tail(rest, n)), SPAN("@")))
			continue;
		buf_put(out, span_head(rest, n));
		buf_putc(out, '@');
		buf_put(out, domain);
		added += 1 + domain.n;
		rest = span_tail(rest, n);
	}
	buf_put(out, rest);
	arena_clear(&arena);
	return added;
}
