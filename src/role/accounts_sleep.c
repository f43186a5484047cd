/*
 * accounts_sleep.c - IMAP sessions that go back to the fronts: those that sleep
 * while no process of their account runs, and those that gave up their login.
 *
 *	account --SLEEP--> accounts --SLEEPER--> front
 *	account <--WOKEN-- accounts <--RESUME--- front
 *	                   accounts ---WAKE----> front
 *
 * Which front has which session is known here, and nothing of what is in it: that
 * is in the front's hands, sealed.  A front can give it back once, as it was, for
 * the account it is of, and only while the login holds: whatever ends the logins
 * of an account forgets its sleepers, and what is forgotten is not let in again.
 * The key lives as long as this process; after it all sleepers begin anew.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "role/accounts_int.h"

#include "base/banned.h"

#define STATE_MAX  2048 /* STATE_BYTES, SEALED_BYTES of messages.def */
#define SEALED_MAX (STATE_MAX + SHA256_BYTES)

struct sleeper {
	struct list link; /* in account_slot.sleepers */
	struct account_slot *slot;
	uint64_t number;
	uint64_t sid;
	uint32_t front;
};

void accounts_sleep_init(struct accounts *s)
{
	map_init(&s->sleepers);
	secret_init();
	secret_random(s->seal_key, sizeof(s->seal_key));
}

/* ---- the seal ------------------------------------------------------------------- */
static void put_number(struct buf *out, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		buf_putc(out, (uint8_t)(value >> 8 * i));
}

/* Of this sleep of this session of this account. */
static struct sha256 seal_of(const struct accounts *s, const struct sleeper *l,
	struct span state)
{
	struct buf text;
	struct sha256 seal;

	buf_init(&text, 24 + STATE_MAX);
	put_number(&text, l->slot->account);
	put_number(&text, l->number);
	put_number(&text, l->sid);
	buf_put(&text, state);
	must(!text.overflow);
	seal = hmac_sha256_of(span_of(s->seal_key, sizeof(s->seal_key)),
		buf_span(&text));
	buf_clear(&text);
	return seal;
}

/* False: these are not the bytes that were given to the front. */
static bool open_seal(const struct accounts *s, const struct sleeper *l,
	struct span sealed, struct span *out_state)
{
	struct sha256 seal;

	if (sealed.n < SHA256_BYTES || sealed.n > SEALED_MAX)
		return false;
	*out_state = span_head(sealed, sealed.n - SHA256_BYTES);
	seal = seal_of(s, l, *out_state);
	return secret_equal(sha256_span(&seal),
		span_tail(sealed, sealed.n - SHA256_BYTES));
}

/* ---- the end of one ----------------------------------------------------------------- */
static void forget(struct accounts *s, struct sleeper *l)
{
	(void)map_take(&s->sleepers, l->number);
	list_take(&l->link);
	mem_free(l);
}

void accounts_refuse_sleeper(uint64_t sid, int fd, enum code code)
{
	const char *text = code == DENIED
		? "* BYE the account's credentials changed\r\n"
		: code == NOT_FOUND ? "* BYE the account is gone\r\n"
				    : "* BYE [UNAVAILABLE] try again later\r\n";

	LOG(EV_IMAP_LOST, LOG_SID(sid), LOG_STR("why", code_word(code)));
	(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

void accounts_end_sleepers(struct account_slot *slot, const char *why)
{
	const struct msg_sleeper_end m = {.why = span_str(why)};

	LIST_FOR_EACH(it, &slot->sleepers) {
		struct sleeper *l = LIST_OF(struct sleeper, link, it);
		struct channel *front =
			slot->owner->run->peers[ROLE_FRONT][l->front];

		if (front != NULL)
			channel_send(front, sleeper_end, SLEEPER_END,
				l->number, &m, -1);
		forget(slot->owner, l);
	}
}

void accounts_wake_sleepers(struct account_slot *slot)
{
	const struct msg_wake m = {0};

	LIST_FOR_EACH(it, &slot->sleepers) {
		struct sleeper *l = LIST_OF(struct sleeper, link, it);
		struct channel *front =
			slot->owner->run->peers[ROLE_FRONT][l->front];

		if (front != NULL)
			channel_send(front, wake, WAKE, l->number, &m, -1);
	}
}

void accounts_front_lost(struct accounts *s, uint32_t front)
{
	struct account_slot *slot;

	for (size_t i = 0; (slot = map_next(&s->slots, &i)) != NULL;)
		LIST_FOR_EACH(it, &slot->sleepers) {
			struct sleeper *l = LIST_OF(struct sleeper, link, it);

			if (l->front == front)
				forget(s, l);
		}
}

/* ---- from the account's process -------------------------------------------------------- */
/* NULL: it is not there now; the socket that was meant for it is closed. */
static struct channel *front_for(struct account_slot *slot, uint32_t number,
	uint64_t sid, int fd)
{
	struct channel *front = number < ROLE_INSTANCES_MAX
		? slot->owner->run->peers[ROLE_FRONT][number] : NULL;

	if (front != NULL)
		return front;
	LOG(EV_IMAP_LOST, LOG_SID(sid),
		LOG_STR("why", "the front that it came through is gone"));
	close(fd);
	return NULL;
}

bool accounts_on_give_back(void *arg, struct frame *f)
{
	struct account_slot *slot = arg;
	struct msg_give_back m;
	struct msg_given_back given;
	struct channel *front;

	if (!msg_get_give_back(f->body, &m) || f->fd < 0)
		return false;
	front = front_for(slot, m.front, m.sid, f->fd);
	if (front == NULL)
		return true;
	given = (struct msg_given_back){.sid = m.sid, .pending = m.pending};
	channel_send(front, given_back, GIVEN_BACK, 0, &given, f->fd);
	return true;
}

static void send_sleeper(struct channel *front, const struct sleeper *l,
	const struct msg_sleep *m, int fd)
{
	struct sha256 seal = seal_of(l->slot->owner, l, m->state);
	struct msg_sleeper sleeper = {.sid = m->sid, .left_ms = m->left_ms};
	struct buf sealed;

	buf_init(&sealed, SEALED_MAX);
	buf_put(&sealed, m->state);
	buf_put(&sealed, sha256_span(&seal));
	must(!sealed.overflow);
	sleeper.state = buf_span(&sealed);
	channel_send(front, sleeper, SLEEPER, l->number, &sleeper, fd);
	buf_clear(&sealed);
}

bool accounts_on_sleep(void *arg, struct frame *f)
{
	struct account_slot *slot = arg;
	struct channel *front;
	struct msg_sleep m;
	struct sleeper *l;

	/* a session that sleeps beside the process would miss what happens */
	if (!msg_get_sleep(f->body, &m) || f->fd < 0 ||
		slot->state != PROCESS_ENDS)
		return false;
	if (slot->is_logged_out) {
		accounts_refuse_sleeper(m.sid, f->fd, DENIED);
		return true;
	}
	front = front_for(slot, m.front, m.sid, f->fd);
	if (front == NULL)
		return true;
	l = MEM_NEW(struct sleeper);
	l->slot = slot;
	l->number = ++slot->owner->next_number;
	l->sid = m.sid;
	l->front = m.front;
	list_init(&l->link);
	list_put(&slot->sleepers, &l->link);
	map_put(&slot->owner->sleepers, l->number, l);
	send_sleeper(front, l, &m, f->fd);
	return true;
}

bool accounts_on_stay(void *arg, struct frame *f)
{
	struct account_slot *slot = arg;
	const struct msg_logout logout = {0};
	struct msg_stay m;

	if (!msg_get_stay(f->body, &m) || slot->state != PROCESS_ENDS)
		return false;
	slot->state = PROCESS_RUNS;
	if (slot->is_logged_out)
		channel_send(slot->channel, logout, LOGOUT, 0, &logout, -1);
	slot->is_logged_out = false;
	accounts_serve_waits(slot);
	return true;
}

/* ---- from front ----------------------------------------------------------------------- */
/* The sleeper that this front has under this number, or NULL. */
static struct sleeper *sleeper_of(const struct accounts *s,
	const struct frame *f)
{
	struct sleeper *l = map_get(&s->sleepers, f->id);

	return l != NULL && l->front == channel_peer_instance(f->from) ? l
								      : NULL;
}

bool accounts_on_resume(void *arg, struct frame *f)
{
	struct accounts *s = arg;
	struct account_slot *slot;
	struct msg_resume m;
	struct sleeper *l;
	struct span state;
	struct wait *w;

	if (!msg_get_resume(f->body, &m) || (f->fd < 0 && !f->is_fd_lost))
		return false;
	l = sleeper_of(s, f);
	if (f->is_fd_lost) {
		if (l != NULL)
			forget(s, l);
		return true;
	}
	if (l == NULL || l->sid != m.sid) {
		/* its login ended a moment ago */
		accounts_refuse_sleeper(m.sid, f->fd, DENIED);
		return true;
	}
	if (!open_seal(s, l, m.state, &state)) {
		close(f->fd);
		return false; /* a front that makes up sessions is cut off */
	}
	w = wait_new(MSG_RESUME, f->id);
	w->front = l->front;
	w->fd = f->fd;
	w->sid = m.sid;
	w->left_ms = m.left_ms;
	buf_put(&w->pending, state);
	slot = l->slot;
	forget(s, l);
	list_put(&slot->waits, &w->link);
	accounts_serve_waits(slot);
	return true;
}

bool accounts_on_sleeper_gone(void *arg, struct frame *f)
{
	struct accounts *s = arg;
	struct msg_sleeper_gone m;
	struct sleeper *l;

	if (!msg_get_sleeper_gone(f->body, &m))
		return false;
	l = sleeper_of(s, f);
	if (l != NULL)
		forget(s, l);
	return true;
}
