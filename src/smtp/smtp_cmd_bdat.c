/*
 * smtp_cmd_bdat.c - BDAT.  RFC 3030 2
 *
 *	bdat = "BDAT" SP chunk-size [ SP "LAST" ]
 *
 * The octets of a chunk follow at once and are not a command whatever becomes
 * of it: a refused chunk is taken too, and then answered.  Without a size
 * nobody knows where the next command is, so the session ends.
 */
#include "base/log.h"
#include "base/num.h"
#include "smtp/smtp_server_int.h"

#include "base/banned.h"

static bool parse(struct smtp_server *s, struct span args)
{
	struct span size = span_cut(&args, ' ');

	args = span_trim(args);
	s->chunk_is_last = args.n > 0;
	return num_parse_u64(size, UINT64_MAX, &s->chunk_left) &&
		(args.n == 0 || span_eq_fold(args, SPAN("LAST")));
}

static void end_session(struct smtp_server *s)
{
	smtp_reply_put(&s->out, SMTP_REPLY_BAD_CHUNK, SPAN_EMPTY);
	smtp_server_end(s,
		span_str(smtp_reply_row(SMTP_REPLY_BAD_CHUNK)->why));
}

static void begin_chunk(struct smtp_server *s, enum smtp_reply refusal)
{
	s->input = SMTP_INPUT_CHUNK;
	s->chunk_refusal = refusal;
	if (s->chunk_left == 0)
		smtp_transfer_end_chunk(s);
}

void smtp_cmd_bdat(struct smtp_server *s, struct span args)
{
	if (!parse(s, args))
		end_session(s);
	else if (s->body == SMTP_BODY_NONE)
		smtp_server_ask(s, SMTP_QUESTION_CHUNK);
	else
		begin_chunk(s, SMTP_REPLY_NONE);
}

void smtp_cmd_bdat_refuse(struct smtp_server *s, struct span args,
	enum smtp_reply reply)
{
	if (!parse(s, args))
		end_session(s);
	else
		begin_chunk(s, reply);
}

void smtp_cmd_bdat_answered(struct smtp_server *s, enum code verdict)
{
	if (verdict == OK) {
		smtp_server_set_state(s, SMTP_STATE_CHUNKS);
		smtp_transfer_begin(s, SMTP_INPUT_CHUNK);
		begin_chunk(s, SMTP_REPLY_NONE);
		return;
	}
	smtp_server_forget(s);
	begin_chunk(s, smtp_transfer_trouble(verdict));
}
