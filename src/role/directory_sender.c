/*
 * directory_sender.c - whom an account that handed in a login may send as.
 *
 * RFC 6409 6.1: front asks for each sender whether it belongs to the account.
 */
#include "role/directory_int.h"

#include "base/banned.h"

static enum code count_message(struct directory_role *role,
	const struct msg_sender_check *m)
{
	if (!m->is_new || rate_count(role->rates, m->account, RATE_MESSAGES,
		    loop_wall_ms(role->run->loop)))
		return OK;
	return LIMIT;
}

bool directory_on_sender_check(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct msg_sender_verdict answer = {.result = DENIED};
	struct msg_sender_check m;
	struct err e;
	bool may = false;

	if (!msg_get_sender_check(f->body, &m))
		return false;
	if (directory_may_send_as(role->directory, m.account, m.address,
		    &role->command, &may, &e) != OK) {
		err_wrap(&e, "%.*s", SPAN_ARG(m.address));
		directory_note_trouble(role, &e);
		answer.result = TEMP;
	} else if (may) {
		answer.result = (uint8_t)count_message(role, &m);
	}
	arena_reset(&role->command);
	channel_send(f->from, sender_verdict, SENDER_VERDICT, f->id, &answer,
		-1);
	return true;
}
