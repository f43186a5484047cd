/*
 * accounts_wait.c - who waits for an account: queue for a channel, front for a
 * session, new or woken.
 *
 * A question about an account waits in the account's slot until directory has
 * told that the account exists and its process runs; then it goes there, and
 * the answer back.  What waits is data with a number: if the asker is gone
 * meanwhile, the answer goes nowhere.
 */
#include <unistd.h>

#include "base/mem.h"
#include "role/accounts_int.h"
#include "role/admin.h"

#include "base/banned.h"

#define ADDRESS_MAX 512
#define PENDING_MAX 16384
#define TAG_MAX     64
#define WORDS_MAX   98304 /* RECORDS_BYTES of messages.def */
/* A process that was given an administrator's command does not end so soon: what
 * it answers has to go out. */
#define BUSY_MS     30000

/* ---- slots and waits ---------------------------------------------------------- */
struct account_slot *accounts_slot(struct accounts *s, uint64_t account)
{
	struct account_slot *slot = map_get(&s->slots, account);

	if (slot != NULL)
		return slot;
	slot = MEM_NEW(struct account_slot);
	slot->owner = s;
	slot->account = account;
	buf_init(&slot->address, ADDRESS_MAX);
	list_init(&slot->waits);
	list_init(&slot->sleepers);
	list_init(&slot->attached);
	map_put(&s->slots, account, slot);
	return slot;
}

struct wait *wait_new(enum message_type type, uint64_t id)
{
	struct wait *w = MEM_NEW(struct wait);

	list_init(&w->link);
	w->type = type;
	w->id = id;
	w->fd = -1;
	buf_init(&w->user, ADDRESS_MAX);
	buf_init(&w->tag, TAG_MAX);
	buf_init(&w->ip, 16);
	buf_init(&w->pending, PENDING_MAX);
	buf_init(&w->words, WORDS_MAX);
	return w;
}

void wait_free(struct wait *w)
{
	list_take(&w->link);
	if (w->fd >= 0)
		close(w->fd);
	buf_clear(&w->user);
	buf_clear(&w->tag);
	buf_clear(&w->ip);
	buf_clear(&w->pending);
	buf_clear(&w->words);
	mem_free(w);
}

static void answer_open(struct account_slot *slot, const struct wait *w,
	enum code code, int fd)
{
	struct channel *queue = role_peer(slot->owner->run, ROLE_QUEUE);
	const struct msg_account_opened m = {.result = (uint8_t)code,
		.account = slot->account};

	if (queue != NULL)
		channel_send(queue, account_opened, ACCOUNT_OPENED, w->id, &m,
			fd);
	else if (fd >= 0)
		close(fd);
}

void accounts_answer_attach(struct accounts *s, uint32_t front, uint64_t id,
	enum code code)
{
	struct channel *c = s->run->peers[ROLE_FRONT][front];
	const struct msg_attached m = {.result = (uint8_t)code};

	if (c != NULL)
		channel_send(c, attached, ATTACHED, id, &m, -1);
}

static enum admin_exit say_why(void *module, const struct span *words,
	size_t count, const struct admin_out *out, struct err *e)
{
	const enum code *code = module;

	(void)words;
	(void)count;
	(void)out;
	if (*code == NOT_FOUND) {
		err_set(e, NOT_FOUND, "the account is gone");
		return EXIT_NO_ADDRESS;
	}
	err_set(e, TEMP, "the mailbox cannot be opened now; the log says why");
	return EXIT_TRY_AGAIN;
}

static void answer_admin(struct account_slot *slot, struct wait *w,
	enum code code)
{
	admin_serve(slot->owner->run, say_why, &code, w->fd,
		buf_span(&w->words));
	w->fd = -1;
}

static void answer_resume(struct wait *w, enum code code)
{
	if (w->fd >= 0)
		accounts_refuse_sleeper(w->sid, w->fd, code);
	w->fd = -1;
}

void wait_answer(struct account_slot *slot, struct wait *w, enum code code)
{
	if (w->type == MSG_ACCOUNT_OPEN)
		answer_open(slot, w, code, -1);
	else if (w->type == MSG_MAILBOX_ADMIN)
		answer_admin(slot, w, code);
	else if (w->type == MSG_RESUME)
		answer_resume(w, code);
	else
		accounts_answer_attach(slot->owner, w->front, w->id, code);
	wait_free(w);
}

void accounts_fail_waits(struct account_slot *slot, enum code code)
{
	while (!list_is_empty(&slot->waits))
		wait_answer(slot, LIST_OF(struct wait, link, slot->waits.next),
			code);
}

/* ---- to the account's process --------------------------------------------------- */
static void send_queue_peer(struct account_slot *slot, struct wait *w)
{
	const struct msg_queue_peer m = {0};
	int fds[2];

	if (!channel_pair(fds)) {
		wait_answer(slot, w, TEMP);
		return;
	}
	channel_send(slot->channel, queue_peer, QUEUE_PEER, 0, &m, fds[0]);
	answer_open(slot, w, OK, fds[1]);
	wait_free(w);
}

static void send_session(struct account_slot *slot, struct wait *w)
{
	const struct msg_session m = {
		.sid = w->sid,
		.front = w->front,
		.service = w->service,
		.user = buf_span(&w->user),
		.tag = buf_span(&w->tag),
		.ip = buf_span(&w->ip),
		.pending = buf_span(&w->pending),
	};

	w->number = ++slot->owner->next_number;
	channel_send(slot->channel, session, SESSION, w->number, &m, w->fd);
	w->fd = -1;
	list_take(&w->link);
	list_put(&slot->attached, &w->link);
}

/* No answer is needed: after IDLE_END it says STAY when it has it. */
static void send_woken(struct account_slot *slot, struct wait *w)
{
	const struct msg_woken m = {.sid = w->sid, .front = w->front,
		.left_ms = w->left_ms, .state = buf_span(&w->pending)};

	channel_send(slot->channel, woken, WOKEN, 0, &m, w->fd);
	w->fd = -1;
	wait_free(w);
}

static void send_admin(struct account_slot *slot, struct wait *w)
{
	const struct msg_account_admin m = {.words = buf_span(&w->words)};

	slot->busy_until_ms = loop_mono_ms(slot->owner->run->loop) + BUSY_MS;
	channel_send(slot->channel, account_admin, ACCOUNT_ADMIN, 0, &m, w->fd);
	w->fd = -1;
	wait_free(w);
}

static void ask_facts(struct account_slot *slot)
{
	struct channel *directory = role_peer(slot->owner->run, ROLE_DIRECTORY);
	const struct msg_account_info m = {.account = slot->account};

	if (slot->facts == FACTS_ASKED)
		return;
	if (directory == NULL) {
		accounts_fail_waits(slot, TEMP);
		return;
	}
	slot->facts = FACTS_ASKED;
	channel_send(directory, account_info, ACCOUNT_INFO, slot->account, &m,
		-1);
}

void accounts_serve_waits(struct account_slot *slot)
{
	struct err e;

	if (list_is_empty(&slot->waits) || slot->state == PROCESS_ENDS)
		return;
	if (slot->facts != FACTS_KNOWN) {
		ask_facts(slot);
		return;
	}
	if (slot->state == PROCESS_NONE &&
		account_process_start(slot, &e) != OK) {
		accounts_fail_waits(slot, TEMP);
		return;
	}
	while (!list_is_empty(&slot->waits)) {
		struct wait *w = LIST_OF(struct wait, link, slot->waits.next);

		if (w->type == MSG_ACCOUNT_OPEN)
			send_queue_peer(slot, w);
		else if (w->type == MSG_MAILBOX_ADMIN)
			send_admin(slot, w);
		else if (w->type == MSG_RESUME)
			send_woken(slot, w);
		else
			send_session(slot, w);
	}
	/* both sides of a cold delivery wait for it */
	if (slot->sync != slot->owner->next_sync)
		channel_flush(slot->channel);
}
