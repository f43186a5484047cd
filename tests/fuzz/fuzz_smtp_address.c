/*
 * fuzz_smtp_address.c - paths: no control byte gets in, the canonical form is
 * within the limits and is read again as itself.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"
#include "smtp/smtp_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_form(struct span form)
{
	struct buf again;
	bool is_utf8;

	must(form.n <= SMTP_PATH_MAX - 2 && utf8_is_valid(form));
	for (size_t i = 0; i < form.n; i++)
		must(form.p[i] >= ' ' && form.p[i] != 0x7f);
	if (span_find(form, '@') == form.n) {
		must(form.n == 0 || span_eq(form, SPAN("postmaster")));
		return;
	}
	buf_init(&again, SMTP_PATH_MAX);
	must(smtp_mailbox_parse(form, &again, &is_utf8) == OK);
	must(span_eq(buf_span(&again), form));
	must(is_utf8 == !utf8_is_ascii(form));
	must(smtp_domain_is_valid(
		span_tail(form, span_find_last(form, '@') + 1)));
	buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	struct buf out;
	bool is_utf8;

	buf_init(&out, 4096);
	if (smtp_path_take(&text, SMTP_PATH_NULL | SMTP_PATH_POSTMASTER, &out,
		    &is_utf8) == OK) {
		must(text.n < size && data[size - text.n - 1] == '>');
		check_form(buf_span(&out));
	}
	buf_reset(&out);
	text = span_of(data, size);
	if (smtp_mailbox_parse(text, &out, &is_utf8) == OK)
		check_form(buf_span(&out));
	buf_clear(&out);
	return 0;
}
