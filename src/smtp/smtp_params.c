/*
 * smtp_params.c - parameters of MAIL and RCPT.  See smtp_params.h.
 *
 * A row a keyword; each may come once.  RFC 5321 4.1.1.11
 */
#include "smtp/smtp_params.h"

#include "base/num.h"
#include "smtp/smtp_address.h"
#include "smtp/smtp_dsn.h"
#include "smtp/smtp_server.h"

#include "base/banned.h"

#define SIZE_DIGITS_MAX 20   /* RFC 1870 3 */
#define AUTH_VALUE_MAX  1024

static bool take_size(struct span value, struct smtp_params *out)
{
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_is_digit(value.p[i]))
			return false;
	if (value.n == 0 || value.n > SIZE_DIGITS_MAX)
		return false;
	if (!num_parse_u64(value, UINT64_MAX, &out->size))
		out->size = UINT64_MAX;
	return true;
}

static bool take_body(struct span value, struct smtp_params *out)
{
	static const struct {
		const char *word;
		uint32_t flag;
	} rows[] = {
		{"7BIT", 0},
		{"8BITMIME", SMTP_MAIL_8BIT},
		{"BINARYMIME", SMTP_MAIL_BINARY},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!span_eq_fold(value, span_str(rows[i].word)))
			continue;
		out->flags |= rows[i].flag;
		return true;
	}
	return false;
}

static bool take_utf8(struct span value, struct smtp_params *out)
{
	out->flags |= SMTP_MAIL_UTF8;
	return value.p == NULL; /* RFC 6531 3.1: no value, not even empty */
}

static bool take_requiretls(struct span value, struct smtp_params *out)
{
	out->flags |= SMTP_MAIL_REQUIRETLS;
	return value.p == NULL;
}

static bool take_ret(struct span value, struct smtp_params *out)
{
	return smtp_dsn_take_ret(value, &out->ret);
}

static bool take_envid(struct span value, struct smtp_params *out)
{
	return smtp_dsn_take_envid(value, &out->envid);
}

static bool take_notify(struct span value, struct smtp_params *out)
{
	return smtp_dsn_take_notify(value, &out->notify);
}

static bool take_orcpt(struct span value, struct smtp_params *out)
{
	return smtp_dsn_take_orcpt(value, out->may_utf8, &out->orcpt);
}

/* Deliberate: nobody is trusted to name another author, so all that is done
 * is what RFC 4954 5 asks of such a server: the value is checked and dropped. */
static bool take_auth(struct span value, struct smtp_params *out)
{
	struct buf text, mailbox;
	bool is_utf8, is_good;

	buf_init(&text, AUTH_VALUE_MAX);
	buf_init(&mailbox, AUTH_VALUE_MAX);
	is_good = smtp_dsn_decode(value, &text) &&
		(span_eq(buf_span(&text), SPAN("<>")) ||
			smtp_mailbox_parse(buf_span(&text), &mailbox,
				&is_utf8) == OK);
	buf_clear(&text);
	buf_clear(&mailbox);
	out->has_auth = true;
	return is_good;
}

static const struct row {
	const char *name;
	bool of_rcpt; /* else of MAIL */
	bool is_dsn;  /* unknown where that is not offered */
	bool (*take)(struct span value, struct smtp_params *out);
} rows[] = {
	{"SIZE", false, false, take_size},     /* RFC 1870 3 */
	{"BODY", false, false, take_body},     /* RFC 6152 2, RFC 3030 3 */
	{"SMTPUTF8", false, false, take_utf8}, /* RFC 6531 3.1 */
	{"REQUIRETLS", false, false, take_requiretls}, /* RFC 8689 2 */
	{"AUTH", false, false, take_auth},     /* RFC 4954 5 */
	{"RET", false, true, take_ret},       /* RFC 3461 4.3 */
	{"ENVID", false, true, take_envid},   /* RFC 3461 4.4 */
	{"NOTIFY", true, true, take_notify},  /* RFC 3461 4.1 */
	{"ORCPT", true, true, take_orcpt},    /* RFC 3461 4.2 */
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static size_t find_row(struct span name, bool of_rcpt, bool may_dsn)
{
	size_t i = 0;

	while (i < ROW_COUNT && (rows[i].of_rcpt != of_rcpt ||
		(rows[i].is_dsn && !may_dsn) ||
		!span_eq_fold(name, span_str(rows[i].name))))
		i++;
	return i;
}

static bool is_keyword(struct span name)
{
	if (name.n == 0 || name.p[0] == '-')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_alpha(name.p[i]) && !ascii_is_digit(name.p[i]) &&
			name.p[i] != '-')
			return false;
	return true;
}

/* The next parameter off the front; its value has p NULL if there is no
 * "=".  One blank or more stand before each. */
static bool take_param(struct span *text, struct span *name,
	struct span *value)
{
	struct span param;
	size_t equals;

	if (text->p[0] != ' ')
		return false;
	while (text->n > 0 && text->p[0] == ' ')
		*text = span_tail(*text, 1);
	param = span_head(*text, span_find(*text, ' '));
	*text = span_tail(*text, param.n);
	equals = span_find(param, '=');
	*name = span_head(param, equals);
	*value = equals < param.n ? span_tail(param, equals + 1) : SPAN_EMPTY;
	return is_keyword(*name);
}

static enum smtp_reply parse(struct span text, bool of_rcpt,
	struct smtp_params *out)
{
	unsigned seen = 0;

	while (text.n > 0) {
		struct span name, value;
		size_t i;

		if (!take_param(&text, &name, &value))
			return SMTP_REPLY_BAD_PARAM;
		i = find_row(name, of_rcpt, out->may_dsn);
		if (i == ROW_COUNT)
			return SMTP_REPLY_UNKNOWN_PARAM;
		if ((seen & 1u << i) != 0 || !rows[i].take(value, out))
			return SMTP_REPLY_BAD_PARAM;
		seen |= 1u << i;
		out->count++;
	}
	return SMTP_REPLY_NONE;
}

enum smtp_reply smtp_mail_params_parse(struct span text,
	struct smtp_params *out)
{
	return parse(text, false, out);
}

enum smtp_reply smtp_rcpt_params_parse(struct span text,
	struct smtp_params *out)
{
	return parse(text, true, out);
}
