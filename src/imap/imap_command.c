/*
 * imap_command.c - the table of commands.  See imap_command.h.
 */
#include "imap/imap_command.h"

#include "base/banned.h"

const struct imap_command imap_commands[IMAP_VERB_COUNT] = {
#define COMMAND(NAME, states, has_uid, rfc)                                    \
	[IMAP_##NAME] = {#NAME, states, has_uid, rfc},
	IMAP_COMMANDS(COMMAND)
#undef COMMAND
};

static enum imap_verb find(struct span word)
{
	size_t i = 0;

	while (i < IMAP_VERB_COUNT &&
		!span_eq_fold(word, span_str(imap_commands[i].name)))
		i++;
	return (enum imap_verb)i;
}

const char *imap_command_read(
	struct span text, enum imap_state state, struct imap_call *out)
{
	const struct imap_command *c;
	struct span word;

	*out = (struct imap_call){.verb = IMAP_VERB_COUNT};
	if (text.n == 0)
		return "a command is missing";
	if (span_starts_fold(text, SPAN("UID "))) {
		out->is_uid = true;
		out->len = 4;
	}
	word = span_tail(text, out->len);
	word = span_head(word, span_find(word, ' '));
	out->verb = find(word);
	if (out->verb == IMAP_VERB_COUNT)
		return "unknown command";
	out->len += word.n;
	c = &imap_commands[out->verb];
	if (out->is_uid && !c->has_uid)
		return "UID does not stand before this command";
	if (c->states & (unsigned)state)
		return NULL;
	if (state == IMAP_BEFORE)
		return "not before the login";
	return state == IMAP_SELECTED      ? "not after the login"
	       : c->states & IMAP_SELECTED ? "no mailbox is selected"
					   : "not after the login";
}
