/*
 * cli_sendmail_flags.c - a row a letter.  See cli_sendmail_flags.h.
 *
 * -B is not needed: what a message holds is seen where somebody cannot take it.
 * -N, -R and -V are what a sender may ask about notices, RFC 3461 4.
 */
#include "cli/cli_sendmail_flags.h"

#include "base/num.h"
#include "smtp/smtp_dsn.h"

#include "base/banned.h"

struct reader {
	const struct span *words;
	size_t count, at; /* words[at] is being read */
	struct sendmail_flags *out;
	struct err *e;
};

enum takes {
	NOTHING,
	VALUE, /* behind the letter, or the next word */
	REST   /* behind the letter, or none */
};

static enum code set_sender(struct reader *r, struct span value)
{
	value = span_trim(value);
	if (value.n >= 2 && value.p[0] == '<' && value.p[value.n - 1] == '>')
		value = span_head(span_tail(value, 1), value.n - 2);
	r->out->has_sender = true;
	r->out->sender = value;
	return OK;
}

static enum code set_full_name(struct reader *r, struct span value)
{
	r->out->full_name = span_trim(value);
	return OK;
}

static enum code set_mode(struct reader *r, struct span value)
{
	static const struct {
		char letter;
		enum sendmail_mode mode;
	} modes[] = {
		{'m', SENDMAIL_DELIVER}, {'s', SENDMAIL_SMTP},
		{'p', SENDMAIL_LIST},    {'i', SENDMAIL_ALIASES},
		{'v', SENDMAIL_VERIFY},  {'t', SENDMAIL_TEST},
		{'d', SENDMAIL_DAEMON},  {'D', SENDMAIL_DAEMON},
		{'l', SENDMAIL_DAEMON},
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (value.n != 1 || value.p[0] != (uint8_t)modes[i].letter)
			continue;
		r->out->mode = modes[i].mode;
		return OK;
	}
	return err_set(r->e, SYNTAX, "there is no mode -b%.*s; those are -bm, "
		"-bs, -bp, -bi, -bv, -bt", SPAN_ARG(span_head(value, 32)));
}

static enum code set_aliases(struct reader *r, struct span value)
{
	(void)value;
	r->out->mode = SENDMAIL_ALIASES;
	return OK;
}

static enum code set_dots(struct reader *r, struct span value)
{
	(void)value;
	r->out->ignores_dots = true;
	return OK;
}

static enum code set_header(struct reader *r, struct span value)
{
	(void)value;
	r->out->reads_header = true;
	return OK;
}

static enum code set_verbose(struct reader *r, struct span value)
{
	(void)value;
	r->out->is_verbose = true;
	return OK;
}

static enum code ignore(struct reader *r, struct span value)
{
	(void)r;
	(void)value;
	return OK;
}

/* A wish that is none is no reason to lose the mail. */
static enum code note_wrong(struct reader *r, char letter, struct span value)
{
	struct sendmail_flags *out = r->out;

	if (out->wrong_count < SENDMAIL_UNKNOWN_MAX)
		out->wrong[out->wrong_count++] =
			(struct sendmail_wrong){letter, value};
	return OK;
}

static enum code set_notify(struct reader *r, struct span value)
{
	return smtp_dsn_take_notify(value, &r->out->notify)
		? OK : note_wrong(r, 'N', value);
}

static enum code set_ret(struct reader *r, struct span value)
{
	uint8_t ret;

	if (!smtp_dsn_take_ret(value, &ret))
		return note_wrong(r, 'R', value);
	r->out->ret = ret;
	return OK;
}

static enum code set_envid(struct reader *r, struct span value)
{
	struct span envid;

	if (!smtp_dsn_take_envid(value, &envid))
		return note_wrong(r, 'V', value);
	r->out->envid = envid;
	return OK;
}

/* "I7Q2", "I" "7Q2", "Rexample.org"; a time makes a daemon of sendmail. */
static enum code set_queue(struct reader *r, struct span value)
{
	struct span *const slots[] = {['I'] = &r->out->queue_id,
		['S'] = &r->out->queue_from, ['R'] = &r->out->queue_to};
	uint8_t letter = value.n > 0 ? value.p[0] : 0;

	if (ascii_is_digit(letter)) {
		r->out->mode = SENDMAIL_DAEMON;
		return OK;
	}
	if (r->out->mode != SENDMAIL_DAEMON)
		r->out->mode = SENDMAIL_RUN_QUEUE;
	if (letter >= sizeof(slots) / sizeof(slots[0]) || slots[letter] == NULL)
		return OK;
	value = span_tail(value, 1);
	if (value.n == 0 && r->at + 1 < r->count)
		value = r->words[++r->at];
	*slots[letter] = value;
	return OK;
}

static bool is_yes(struct span value)
{
	return value.n == 0 || span_starts_fold(value, SPAN("y")) ||
		span_starts_fold(value, SPAN("t"));
}

/* "name=value".  Those of sendmail's configuration mean nothing here. */
static enum code set_named(struct reader *r, struct span value)
{
	struct span name = span_cut(&value, '=');

	if (span_eq_fold(name, SPAN("smtputf8")))
		r->out->wants_utf8 = is_yes(value);
	else if (span_eq_fold(name, SPAN("requiretls")))
		r->out->wants_tls = is_yes(value);
	else if (span_eq_fold(name, SPAN("IgnoreDots")))
		r->out->ignores_dots = is_yes(value);
	return OK;
}

/* -oi and -oitrue; -oem, -odb and all others ask for what is always so: an
 * error is told by the exit status, and delivery begins at once. */
static enum code set_option(struct reader *r, struct span value)
{
	if (span_find(value, '=') < value.n)
		return set_named(r, value);
	if (value.n > 0 && value.p[0] == 'i')
		r->out->ignores_dots = is_yes(span_tail(value, 1));
	return OK;
}

static const struct {
	char letter;
	enum takes takes;
	enum code (*run)(struct reader *r, struct span value);
} rows[] = {
	{'A', VALUE, ignore},      {'B', VALUE, ignore},
	{'b', VALUE, set_mode},    {'C', VALUE, ignore},
	{'c', NOTHING, ignore},    {'d', REST, ignore},
	{'E', REST, ignore},       {'e', VALUE, ignore},
	{'F', VALUE, set_full_name}, {'f', VALUE, set_sender},
	{'G', NOTHING, ignore},    {'h', VALUE, ignore},
	{'I', NOTHING, set_aliases}, {'i', NOTHING, set_dots},
	{'J', REST, ignore},       {'L', VALUE, ignore},
	{'M', VALUE, ignore},      {'m', NOTHING, ignore},
	{'N', VALUE, set_notify},  {'n', NOTHING, ignore},
	{'O', VALUE, set_named},   {'o', VALUE, set_option},
	{'p', VALUE, ignore},      {'q', REST, set_queue},
	{'R', VALUE, set_ret},     {'r', VALUE, set_sender},
	{'S', NOTHING, ignore},    {'s', NOTHING, ignore},
	{'T', NOTHING, ignore},    {'t', NOTHING, set_header},
	{'U', NOTHING, ignore},    {'V', VALUE, set_envid},
	{'v', NOTHING, set_verbose}, {'X', VALUE, ignore},
	{'x', NOTHING, ignore},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static size_t find_row(uint8_t letter)
{
	size_t i = 0;

	while (i < ROW_COUNT && (uint8_t)rows[i].letter != letter)
		i++;
	return i;
}

static void note_unknown(struct sendmail_flags *out, struct span word)
{
	if (out->unknown_count < SENDMAIL_UNKNOWN_MAX)
		out->unknown[out->unknown_count++] = word;
}

/* The flags of words[at], behind its hyphen. */
static enum code read_cluster(struct reader *r)
{
	struct span word = r->words[r->at], rest = span_tail(word, 1);

	while (rest.n > 0) {
		size_t row = find_row(rest.p[0]);
		enum code code;

		rest = span_tail(rest, 1);
		if (row == ROW_COUNT) {
			note_unknown(r->out, word);
			return OK; /* what follows may be its value */
		}
		if (rows[row].takes == NOTHING) {
			code = rows[row].run(r, SPAN_EMPTY);
			if (code != OK)
				return code;
			continue;
		}
		if (rest.n == 0 && rows[row].takes == VALUE) {
			if (r->at + 1 == r->count)
				return err_set(r->e, SYNTAX,
					"-%c wants a value", rows[row].letter);
			rest = r->words[++r->at];
		}
		return rows[row].run(r, rest);
	}
	return OK;
}

static enum code take_word(struct reader *r, bool *is_plain)
{
	struct span word = r->words[r->at];

	if (!*is_plain && span_eq(word, SPAN("--"))) {
		*is_plain = true;
		return OK;
	}
	if (!*is_plain && span_starts(word, SPAN("--"))) {
		note_unknown(r->out, word);
		return OK;
	}
	if (!*is_plain && word.n > 1 && word.p[0] == '-')
		return read_cluster(r);
	if (r->out->rcpt_count == SENDMAIL_WORDS_MAX)
		return err_set(r->e, LIMIT, "more than %d recipients; give "
			"them in several messages", SENDMAIL_WORDS_MAX);
	r->out->rcpts[r->out->rcpt_count++] = word;
	return OK;
}

enum code sendmail_flags_read(const struct span *words, size_t count,
	struct span name, struct sendmail_flags *out, struct err *e)
{
	static const struct sendmail_flags none;
	struct reader r = {words, count, 0, out, e};
	bool is_plain = false;
	enum code code = OK;

	*out = none; /* large: no second one on the stack */
	if (span_eq(name, SPAN("mailq")))
		out->mode = SENDMAIL_LIST;
	else if (span_eq(name, SPAN("newaliases")))
		out->mode = SENDMAIL_ALIASES;
	for (; r.at < count && code == OK; r.at++)
		code = take_word(&r, &is_plain);
	return code;
}
