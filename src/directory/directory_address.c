/*
 * directory_address.c - an address in its one form.  RFC 5321 4.1.2
 *
 * What comes here was read by an SMTP engine already, or typed by a person; it
 * is read again, strictly, because the answer decides who gets the mail.
 */
#include <string.h>

#include "base/buf.h"
#include "codec/idn.h"
#include "directory/directory.h"

#include "base/banned.h"

struct span directory_address_local(const struct directory_address *a)
{
	return span_of(a->text, a->local_n);
}

struct span directory_address_domain(const struct directory_address *a)
{
	return span_tail(directory_address_span(a), a->local_n + 1);
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

/* Without the quotes: "\"a b\"" and "a\ b" never differ.  RFC 5321 4.1.2 */
static bool put_unquoted(struct buf *out, struct span local)
{
	for (size_t i = 1; i < local.n - 1; i++) {
		if (local.p[i] == '"')
			return false;
		if (local.p[i] == '\\' && ++i == local.n - 1)
			return false;
		buf_putc(out, local.p[i]);
	}
	return true;
}

static bool put_local(struct buf *out, struct span local)
{
	struct buf raw;
	bool is_good;

	if (local.n < 2 || local.p[0] != '"' || local.p[local.n - 1] != '"')
		return local.n > 0 && idn_local_put(out, local) == OK;
	buf_init(&raw, DIRECTORY_ADDRESS_BYTES_MAX);
	is_good = put_unquoted(&raw, local) &&
		idn_local_put(out, buf_span(&raw)) == OK;
	buf_clear(&raw);
	return is_good;
}

static bool put_domain(struct buf *out, struct span domain)
{
	if (!is_literal(domain))
		return idn_domain_put(out, domain) == OK;
	for (size_t i = 0; i < domain.n; i++)
		buf_putc(out, ascii_lower(domain.p[i]));
	return true;
}

static bool put_address(struct buf *out, struct span text, size_t *out_local_n)
{
	size_t at = span_find_last(text, '@');

	if (!put_local(out, span_head(text, at)))
		return false;
	*out_local_n = buf_len(out);
	if (at == text.n)
		return true;
	buf_putc(out, '@');
	return put_domain(out, span_tail(text, at + 1));
}

static bool take(struct directory_address *out, const struct buf *form)
{
	struct span text = buf_span(form);

	out->n = 0;
	if (form->overflow || text.n > sizeof(out->text))
		return false;
	memcpy(out->text, text.p, text.n);
	out->n = text.n;
	return true;
}

bool directory_address_parse(struct span text, struct directory_address *out)
{
	struct buf form;
	bool is_good;

	out->n = out->local_n = 0;
	if (text.n > sizeof(out->text))
		return false;
	buf_init(&form, sizeof(out->text));
	is_good = put_address(&form, text, &out->local_n) && take(out, &form);
	buf_clear(&form);
	return is_good;
}

bool directory_domain_parse(struct span name, struct directory_address *out)
{
	struct buf form;
	bool is_good;

	out->n = out->local_n = 0;
	buf_init(&form, sizeof(out->text));
	is_good = idn_domain_put(&form, name) == OK && take(out, &form);
	buf_clear(&form);
	return is_good;
}
