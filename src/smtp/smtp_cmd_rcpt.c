/*
 * smtp_cmd_rcpt.c - RCPT.  RFC 5321 4.1.1.3
 *
 *	rcpt = "RCPT TO:" ( "<Postmaster>" / Forward-path ) [SP parameters]
 *
 * A recipient that was accepted before is accepted again without a question,
 * and kept once.
 */
#include "base/log.h"
#include "smtp/smtp_params.h"
#include "smtp/smtp_server_int.h"

#include "base/banned.h"

/* All recipients of a transaction travel in one field of one message between
 * processes (RECORDS_BYTES of ipc/messages.def): this much in all, each with
 * its address and this much beside.  It is room for 300 of the longest. */
#define RCPT_BYTES_MAX  90000
#define RCPT_BYTES_ELSE 32
#define RCPT_ROOM_FIRST 8

static enum smtp_reply parse(struct smtp_server *s, struct span args,
	struct smtp_params *params)
{
	const struct span to = SPAN("TO:");
	enum smtp_reply fault;
	struct span path;
	bool is_utf8;

	if (!span_starts_fold(args, to))
		return SMTP_REPLY_SYNTAX;
	args = path = span_trim(span_tail(args, to.n));
	if (smtp_server_take_path(s, &args, SMTP_PATH_POSTMASTER, &is_utf8) !=
		OK) {
		buf_put(&s->address, path); /* for the log */
		return SMTP_REPLY_BAD_RCPT;
	}
	params->may_utf8 = (s->transaction.flags & SMTP_MAIL_UTF8) != 0;
	fault = smtp_rcpt_params_parse(args, params);
	if (fault != SMTP_REPLY_NONE)
		return fault;
	if (is_utf8 && (s->transaction.flags & SMTP_MAIL_UTF8) == 0)
		return SMTP_REPLY_UTF8_NEEDED;
	return SMTP_REPLY_NONE;
}

static bool is_known(const struct smtp_server *s, struct span address)
{
	for (size_t i = 0; i < s->transaction.rcpt_count; i++)
		if (span_eq(s->rcpts[i].address, address))
			return true;
	return false;
}

static bool has_room(const struct smtp_server *s, struct span address,
	struct span orcpt)
{
	return s->transaction.rcpt_count < s->config.recipients_max &&
		s->rcpt_bytes + address.n + orcpt.n + RCPT_BYTES_ELSE <=
			RCPT_BYTES_MAX;
}

static void refuse(struct smtp_server *s, enum smtp_reply reply)
{
	smtp_server_log(s, EV_SMTP_RCPT_REFUSED, reply);
	smtp_server_reply(s, reply,
		reply == SMTP_REPLY_SYNTAX ? smtp_cmd_syntax("RCPT")
					   : SPAN_EMPTY);
}

static void ask(struct smtp_server *s, const struct smtp_params *params)
{
	s->notify = params->notify;
	buf_reset(&s->orcpt);
	buf_put(&s->orcpt, params->orcpt);
	smtp_server_ask(s, SMTP_QUESTION_RCPT);
}

void smtp_cmd_rcpt(struct smtp_server *s, struct span args)
{
	struct smtp_params params = {.may_dsn = s->config.has_dsn};
	enum smtp_reply fault = parse(s, args, &params);

	if (fault != SMTP_REPLY_NONE)
		refuse(s, fault);
	else if (is_known(s, buf_span(&s->address)))
		smtp_server_reply(s, SMTP_REPLY_RCPT_OK, SPAN_EMPTY);
	else if (!has_room(s, buf_span(&s->address), params.orcpt))
		refuse(s, SMTP_REPLY_TOO_MANY_RCPTS);
	else
		ask(s, &params);
}

static void grow(struct smtp_server *s)
{
	size_t room = s->rcpt_room == 0 ? RCPT_ROOM_FIRST : 2 * s->rcpt_room;
	struct smtp_rcpt *rcpts = arena_alloc(&s->arena, room, sizeof(*rcpts));

	for (size_t i = 0; i < s->transaction.rcpt_count; i++)
		rcpts[i] = s->rcpts[i];
	s->rcpts = rcpts;
	s->rcpt_room = room;
	s->transaction.rcpts = rcpts;
}

static void keep(struct smtp_server *s, uint64_t cookie, uint8_t route)
{
	struct span address = arena_dup(&s->arena, buf_span(&s->address));

	if (s->transaction.rcpt_count == s->rcpt_room)
		grow(s);
	s->rcpts[s->transaction.rcpt_count++] = (struct smtp_rcpt){
		.address = address, .cookie = cookie, .route = route,
		.notify = s->notify,
		.orcpt = arena_dup(&s->arena, buf_span(&s->orcpt))};
	s->rcpt_bytes += address.n + buf_len(&s->orcpt) + RCPT_BYTES_ELSE;
	smtp_server_set_state(s, SMTP_STATE_RCPT);
}

static enum smtp_reply reply_to(enum code verdict)
{
	static const struct {
		enum code verdict;
		enum smtp_reply reply;
	} rows[] = {
		{OK, SMTP_REPLY_RCPT_OK},
		{NOT_FOUND, SMTP_REPLY_NO_USER},
		{DENIED, SMTP_REPLY_NO_RELAY},
		{FULL, SMTP_REPLY_MAILBOX_FULL},
		{SYNTAX, SMTP_REPLY_BAD_DOMAIN},
		{LIMIT, SMTP_REPLY_RCPT_LIMIT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].verdict == verdict)
			return rows[i].reply;
	return SMTP_REPLY_TEMP; /* our own trouble is never the client's */
}

void smtp_cmd_rcpt_answered(struct smtp_server *s, enum code verdict,
	uint64_t cookie, uint8_t route)
{
	if (verdict == OK) {
		keep(s, cookie, route);
		smtp_server_reply(s, SMTP_REPLY_RCPT_OK, SPAN_EMPTY);
		return;
	}
	/* A list with a few dead names is no attack: refused recipients count
	 * as errors only beyond the number of good ones. */
	if (++s->refused > s->transaction.rcpt_count) {
		refuse(s, reply_to(verdict));
		return;
	}
	smtp_server_log(s, EV_SMTP_RCPT_REFUSED, reply_to(verdict));
	smtp_server_put(s, reply_to(verdict), SPAN_EMPTY);
}
