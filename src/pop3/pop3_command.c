/*
 * pop3_command.c - the table of commands, and lines.  See pop3_command.h.
 */
#include "pop3/pop3_command.h"

#include <string.h>

#include "base/banned.h"

#define BEFORE (POP3_AUTHORIZATION | POP3_AFTER_USER)

/* Deliberate: USER may follow USER (RFC 1939 7 wants a failure between them);
 * a person who mistyped may begin again. */
/* clang-format off */
const struct pop3_command pop3_commands[POP3_VERB_COUNT] = {
	/*             name    allowed in                 arguments      RFC */
	[POP3_AUTH] = {"AUTH", BEFORE,                    0, 2, false, "5034 4"},
	[POP3_CAPA] = {"CAPA", BEFORE | POP3_TRANSACTION, 0, 0, false, "2449 5"},
	[POP3_DELE] = {"DELE", POP3_TRANSACTION,          1, 1, false, "1939 5"},
	[POP3_LIST] = {"LIST", POP3_TRANSACTION,          0, 1, false, "1939 5"},
	[POP3_NOOP] = {"NOOP", POP3_TRANSACTION,          0, 0, false, "1939 5"},
	[POP3_PASS] = {"PASS", POP3_AFTER_USER,           1, 1, true,  "1939 7"},
	[POP3_QUIT] = {"QUIT", BEFORE | POP3_TRANSACTION, 0, 0, false, "1939 6"},
	[POP3_RETR] = {"RETR", POP3_TRANSACTION,          1, 1, false, "1939 5"},
	[POP3_RSET] = {"RSET", POP3_TRANSACTION,          0, 0, false, "1939 5"},
	[POP3_STAT] = {"STAT", POP3_TRANSACTION,          0, 0, false, "1939 5"},
	[POP3_STLS] = {"STLS", BEFORE,                    0, 0, false, "2595 4"},
	[POP3_TOP]  = {"TOP",  POP3_TRANSACTION,          2, 2, false, "1939 7"},
	[POP3_UIDL] = {"UIDL", POP3_TRANSACTION,          0, 1, false, "1939 7"},
	[POP3_USER] = {"USER", BEFORE,                    1, 1, true,  "1939 7"},
};
/* clang-format on */

static const struct pop3_command *find(struct span word)
{
	for (size_t i = 0; i < POP3_VERB_COUNT; i++)
		if (span_eq_fold(word, span_str(pop3_commands[i].name)))
			return &pop3_commands[i];
	return NULL;
}

/* Control bytes have no place in a command: RFC 2449 3 (VCHAR).  Bytes of
 * UTF-8 may stand in names and passwords: RFC 6856. */
static bool is_clean(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] < ' ' || line.p[i] == 0x7f)
			return false;
	return true;
}

/* Splits at each blank; false: more than POP3_ARGS_MAX, or an empty one. */
static bool split(struct span rest, bool is_text, struct pop3_call *out)
{
	while (rest.n > 0) {
		size_t n = is_text ? rest.n : span_find(rest, ' ');

		if (n == 0 || out->count == POP3_ARGS_MAX)
			return false;
		out->args[out->count++] = span_head(rest, n);
		rest = span_tail(rest, n == rest.n ? n : n + 1);
	}
	return true;
}

const char *pop3_command_read(struct span line, enum pop3_state state,
	struct pop3_call *out)
{
	const struct pop3_command *c;
	struct span rest = line;

	if (!is_clean(line))
		return "control characters in a command";
	c = find(span_cut(&rest, ' '));
	if (c == NULL)
		return "unknown command";
	if (!(c->states & (unsigned)state))
		return "not allowed in this state";
	out->verb = (enum pop3_verb)(c - pop3_commands);
	out->count = 0;
	/* blanks at the end are forgiven, but may be of a password */
	if (!c->is_text)
		rest = span_trim(rest);
	if (!split(rest, c->is_text, out) || out->count < c->min ||
		out->count > c->max)
		return "wrong number of arguments";
	return NULL;
}

void pop3_put_capabilities(struct buf *out, bool has_user,
	struct span mechanisms, bool has_stls)
{
	buf_puts(out, "+OK\r\n");
	if (has_stls)
		buf_puts(out, "STLS\r\n");
	if (has_user)
		buf_puts(out, "USER\r\n");
	if (mechanisms.n > 0) {
		buf_puts(out, "SASL");
		buf_put(out, mechanisms);
		buf_puts(out, "\r\n");
	}
	/* AUTH-RESP-CODE: RFC 3206 */
	buf_puts(out, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
		"PIPELINING\r\nEXPIRE NEVER\r\nIMPLEMENTATION Postrider\r\n"
		".\r\n");
}

/* ---- lines ------------------------------------------------------------------ */
static void gather(struct pop3_line *l, struct span piece)
{
	if (piece.n > sizeof(l->bytes) - l->len) {
		l->is_too_long = true;
		l->thrown += piece.n;
		return;
	}
	memcpy(l->bytes + l->len, piece.p, piece.n);
	l->len += piece.n;
}

bool pop3_line_take(struct pop3_line *l, struct span *in, struct span *out,
	bool *out_too_long)
{
	size_t n = span_find(*in, '\n');
	bool is_complete = n < in->n;
	struct span piece = span_head(*in, is_complete ? n + 1 : n);

	if (piece.n == 0)
		return false;
	*in = span_tail(*in, piece.n);
	/* a whole line in one piece is not copied */
	if (l->len > 0 || l->is_too_long || !is_complete ||
		piece.n > sizeof(l->bytes)) {
		gather(l, piece);
		piece = span_of(l->bytes, l->len);
	}
	if (!is_complete)
		return false;
	*out_too_long = l->is_too_long;
	l->len = 0;
	l->is_too_long = false;
	l->thrown = 0;
	piece = *out_too_long ? SPAN_EMPTY : span_head(piece, piece.n - 1);
	if (piece.n > 0 && piece.p[piece.n - 1] == '\r')
		piece.n--;
	*out = piece;
	return true;
}
