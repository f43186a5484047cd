/*
 * directory_address.c - an address in its one form.  RFC 5321 4.1.2
 *
 * What comes here was read by an SMTP engine already, or typed by a person; it
 * is read again, strictly, because the answer decides who gets the mail.
 */
#include <string.h>

#include "base/utf8.h"
#include "directory/directory.h"

#include "base/banned.h"

#define LABEL_BYTES_MAX  63
#define DOMAIN_BYTES_MAX 255

struct span directory_address_local(const struct directory_address *a)
{
	return span_of(a->text, a->local_n);
}

struct span directory_address_domain(const struct directory_address *a)
{
	return span_tail(directory_address_span(a), a->local_n + 1);
}

static bool is_label(struct span label)
{
	if (label.n == 0 || label.n > LABEL_BYTES_MAX || label.p[0] == '-' ||
		label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_is_alpha(label.p[i]) &&
			!ascii_is_digit(label.p[i]) && label.p[i] != '-')
			return false;
	return true;
}

bool directory_is_domain(struct span name)
{
	if (name.n == 0 || name.n > DOMAIN_BYTES_MAX ||
		name.p[name.n - 1] == '.')
		return false;
	while (name.n > 0)
		if (!is_label(span_cut(&name, '.')))
			return false;
	return true;
}

/* "[192.0.2.1]", "[IPv6:…]": never ours.  RFC 5321 4.1.3 */
static bool is_literal(struct span name)
{
	if (name.n < 3 || name.p[0] != '[' || name.p[name.n - 1] != ']')
		return false;
	for (size_t i = 1; i < name.n - 1; i++)
		if (!ascii_is_alpha(name.p[i]) && !ascii_is_digit(name.p[i]) &&
			name.p[i] != '.' && name.p[i] != ':')
			return false;
	return true;
}

static void put(struct directory_address *out, uint8_t byte)
{
	out->text[out->n++] = byte;
}

/* Without the quotes: "\"a b\"" and "a\ b" never differ.  RFC 5321 4.1.2 */
static bool put_quoted(struct directory_address *out, struct span local)
{
	for (size_t i = 1; i < local.n - 1; i++) {
		if (local.p[i] == '"')
			return false;
		if (local.p[i] == '\\' && ++i == local.n - 1)
			return false;
		put(out, ascii_lower(local.p[i]));
	}
	return true;
}

static bool put_local(struct directory_address *out, struct span local)
{
	if (local.n >= 2 && local.p[0] == '"' && local.p[local.n - 1] == '"')
		return put_quoted(out, local);
	for (size_t i = 0; i < local.n; i++)
		put(out, ascii_lower(local.p[i]));
	return local.n > 0;
}

static bool is_clean(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	return utf8_is_valid(text);
}

bool directory_address_parse(struct span text, struct directory_address *out)
{
	size_t at = span_find_last(text, '@');
	struct span domain = span_tail(text, at + 1);

	out->n = out->local_n = 0;
	if (text.n > sizeof(out->text) || !is_clean(text) ||
		!put_local(out, span_head(text, at)))
		return false;
	out->local_n = out->n;
	if (at == text.n)
		return true;
	if (!directory_is_domain(domain) && !is_literal(domain))
		return false;
	put(out, '@');
	for (size_t i = 0; i < domain.n; i++)
		put(out, ascii_lower(domain.p[i]));
	return true;
}
