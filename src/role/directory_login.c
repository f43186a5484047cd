/*
 * directory_login.c - who logs in.
 *
 *	LOGIN ────────── an app password ─────────────────────▶ settle
 *	   ╰── else ──▶ hashers (directory_hash.h) ── hashed ─────▶ │
 *	SCRAM_PROOF, CERTIFICATE_LOGIN ── compared here ──────────▶ │
 *	                                                            ▼
 *	         answer ◀── at once, or after a while (hold_ms) ── held
 *
 * Every way to log in comes by begin and settle: what has to be said before
 * the work and after it is said there.
 *
 * A password that is denied is answered at the next multiple of DENIAL_STEP_MS
 * after the question: hashes of other servers take less or more time than
 * ours, and than nobody's, and a clock shall not tell.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/secret.h"
#include "directory/directory_ban.h"
#include "role/directory_int.h"

#include "base/banned.h"

#define DENIAL_STEP_MS 250
/* A hash that changes while it is checked is looked up anew, so often. */
#define LOOKS_MAX 3
/* In all states, each 4 KiB and its password; the fronts ask for fewer. */
#define LOGINS_MAX 4096
/* With so many, only who is known is let in: answers that are held back shall
 * not take the places of those who know their passwords. */
#define STRANGERS_MAX (LOGINS_MAX / 4 * 3)

struct login {
	struct list link; /* of role->logins */
	struct directory_role *role;
	struct directory_success success; /* as far as it is known */
	enum code verdict;
	/* who it is about: in its one form, also of nobody */
	uint8_t user[DIRECTORY_ADDRESS_BYTES_MAX];
	size_t user_n;
	uint8_t ip[16];
	size_t ip_n;
	uint64_t account; /* 0: there is none of that name */
	uint32_t mark;    /* of the password, guess.h */
	struct guess_word word;
	int64_t begun_ms;
	struct timer hold;

	/* of a LOGIN */
	bool is_password;
	bool is_hashing;
	struct buf asked; /* the user as he was written */
	struct buf password;
	unsigned looks;   /* how often the hash was looked up */
	struct directory_login look;
	struct hash_job job;
};

/* What a service is for; without a row nobody can log in to it. */
static const unsigned purposes[SERVICE_COUNT] = {
	[SERVICE_SMTP] = DIRECTORY_SMTP,
	[SERVICE_SUBMISSION] = DIRECTORY_SMTP,
	[SERVICE_SUBMISSIONS] = DIRECTORY_SMTP,
	[SERVICE_POP3] = DIRECTORY_POP3,
	[SERVICE_POP3S] = DIRECTORY_POP3,
	[SERVICE_IMAP] = DIRECTORY_IMAP,
	[SERVICE_IMAPS] = DIRECTORY_IMAP,
};

/* ---- begin and end ------------------------------------------------------------ */
static void answer(struct login *l);

static void on_hold_over(void *arg)
{
	answer(arg);
}

static void take_user(struct login *l, struct span user)
{
	struct directory_address address;

	if (directory_login_user(l->role->directory, user, &address))
		user = directory_address_span(&address);
	user = span_head(user, sizeof(l->user));
	if (user.n > 0)
		memcpy(l->user, user.p, user.n);
	l->user_n = user.n;
}

static struct guess_try try_of(const struct login *l)
{
	return (struct guess_try){
		.ip = span_of(l->ip, l->ip_n),
		.user = span_of(l->user, l->user_n),
		/* a certificate may say for itself whose it is */
		.account = l->verdict == OK ? l->success.account.account
					    : l->account,
		.mark = l->mark,
	};
}

static void end(struct login *l);
static void settle(struct login *l, enum code verdict, const struct err *e);

/* What is known of who asks, before the work.  False: there is none to do, it
 * was answered or will be. */
static bool may_work(struct login *l)
{
	struct directory_role *role = l->role;
	struct guess_try try;

	l->verdict = TEMP;
	l->account = directory_guess_account(role->directory,
		span_of(l->user, l->user_n));
	try = try_of(l);
	l->word = directory_guess_ask(role, &try);
	if (!l->word.is_known && role->login_count > STRANGERS_MAX) {
		answer(l);
		return false;
	}
	if (l->word.is_refused)
		settle(l, DENIED, NULL);
	return !l->word.is_refused;
}

/* NULL: there is nothing to do, see may_work. */
static struct login *begin(struct directory_role *role, const struct frame *f,
	enum service service, struct span user, struct span ip)
{
	uint32_t front = channel_peer_instance(f->from);
	struct login *l;

	if (role->login_count >= LOGINS_MAX) {
		directory_answer_no(role, front, f->id, TEMP);
		return NULL;
	}
	l = MEM_NEW(struct login);
	l->role = role;
	l->begun_ms = loop_mono_ms(role->run->loop);
	l->success.front = front;
	l->success.question = f->id;
	l->success.service = service;
	l->success.is_mailbox = purposes[service] != DIRECTORY_SMTP;
	take_user(l, user);
	ip = span_head(ip, sizeof(l->ip));
	if (ip.n > 0)
		memcpy(l->ip, ip.p, ip.n);
	l->ip_n = ip.n;
	buf_init(&l->asked, DIRECTORY_ADDRESS_BYTES_MAX);
	buf_init(&l->password, PASSWORD_BYTES_MAX);
	timer_init(&l->hold, role->run->loop, on_hold_over, l);
	list_put(&role->logins, &l->link);
	role->login_count++;
	return may_work(l) ? l : NULL;
}

static void end(struct login *l)
{
	if (l->is_hashing)
		hash_cancel(&l->job);
	timer_clear(&l->hold);
	list_take(&l->link);
	l->role->login_count--;
	if (l->password.p != NULL)
		secret_wipe(l->password.p, l->password.room);
	buf_clear(&l->password);
	buf_clear(&l->asked);
	secret_wipe(l, sizeof(*l));
	mem_free(l);
}

static void answer(struct login *l)
{
	if (l->verdict == OK)
		directory_answer_yes(l->role, &l->success);
	else
		directory_answer_no(l->role, l->success.front,
			l->success.question, l->verdict);
	end(l);
}

/* How long the answer is held back. */
static int64_t hold_ms(const struct login *l)
{
	int64_t spent_ms = loop_mono_ms(l->role->run->loop) - l->begun_ms;

	if (l->verdict != DENIED || !l->is_password)
		return 0;
	return DENIAL_STEP_MS - spent_ms % DENIAL_STEP_MS;
}

/* It is known how it ends; e is read for our own trouble only. */
static void settle(struct login *l, enum code verdict, const struct err *e)
{
	struct guess_try try;
	int64_t wait_ms;

	if (verdict != OK && verdict != DENIED) {
		if (e != NULL)
			directory_note_trouble(l->role, e);
		verdict = TEMP;
	}
	l->verdict = verdict;
	try = try_of(l);
	wait_ms = directory_guess_settle(l->role, &try, &l->verdict);
	wait_ms += hold_ms(l);
	if (wait_ms > 0)
		timer_arm(&l->hold, wait_ms);
	else
		answer(l);
}

void directory_login_front_lost(struct directory_role *role, uint32_t front)
{
	LIST_FOR_EACH(it, &role->logins) {
		struct login *l = LIST_OF(struct login, link, it);

		if (l->success.front == front)
			end(l);
	}
}

/* Whose answer is held back was let in with what may be gone by now.  Those at
 * a hasher are looked at again when it is done. */
void directory_login_changed(struct directory_role *role, uint64_t account)
{
	LIST_FOR_EACH(it, &role->logins) {
		struct login *l = LIST_OF(struct login, link, it);

		if (l->verdict == OK && l->success.account.account == account)
			l->verdict = DENIED;
	}
}

/* ---- by password ------------------------------------------------------------------ */
static void look_up(struct login *l);

static void hashed(struct hash_job *job, enum code verdict, struct span keys)
{
	struct login *l = job->owner;
	struct credential made;
	bool has_made = credential_unpack(keys, &made);
	struct err e = {.code = OK};
	enum code code = verdict;

	l->is_hashing = false;
	if (verdict == OK || verdict == DENIED)
		code = directory_login_end(l->role->directory, &l->look,
			verdict, has_made ? &made : NULL, &e);
	credential_wipe(&made);
	/* another login has just renewed the hash: a right password is not
	 * denied for it */
	if (code == BUSY && l->looks < LOOKS_MAX)
		look_up(l);
	else
		settle(l, code, e.code == OK ? NULL : &e);
}

/* Somebody from the same network is at a hasher, or on his way.  What he will
 * have said is not known yet, so this one is no newcomer's: else one address
 * could fill the line with tries that come at once. */
static bool is_one_of_many(const struct login *l)
{
	uint64_t network = guess_network(span_of(l->ip, l->ip_n));

	LIST_FOR_EACH(it, &l->role->logins) {
		const struct login *o = LIST_OF(struct login, link, it);

		if (o->is_hashing && !o->word.is_known &&
			guess_network(span_of(o->ip, o->ip_n)) == network)
			return true;
	}
	return false;
}

static enum hash_class class_of(const struct login *l)
{
	if (l->word.is_known)
		return HASH_KNOWN;
	return l->word.is_fresh && !is_one_of_many(l) ? HASH_FRESH
						      : HASH_UNKNOWN;
}

static void ask_hasher(struct login *l)
{
	l->job = (struct hash_job){
		.class = class_of(l),
		.hash = span_str(l->look.hash),
		.password = buf_span(&l->password),
		.salt = span_of(l->look.salt, sizeof(l->look.salt)),
		.wants_keys = l->look.wants_keys,
		.done = hashed,
		.owner = l,
	};
	l->is_hashing = hash_put(&l->role->hashes, &l->job);
	if (!l->is_hashing)
		settle(l, TEMP, NULL);
}

static void look_up(struct login *l)
{
	struct err e = {.code = OK};
	enum code code = directory_login_begin(l->role->directory,
		buf_span(&l->asked), buf_span(&l->password),
		purposes[l->success.service], &l->look, &e);

	l->looks++;
	l->success.account = l->look.account;
	if (code != OK || l->look.is_done)
		settle(l, code, &e);
	else
		ask_hasher(l);
}

static void check_password(struct login *l, const struct msg_login *m)
{
	l->is_password = true;
	if (m->password.n == 0 || m->password.n > PASSWORD_BYTES_MAX) {
		settle(l, DENIED, NULL); /* nobody has such a one */
		return;
	}
	buf_put(&l->asked, m->user);
	buf_put(&l->password, m->password);
	l->mark = directory_guess_mark(l->role, span_of(l->user, l->user_n),
		m->password);
	look_up(l);
}

bool directory_on_login(void *arg, struct frame *f)
{
	struct msg_login m;
	struct login *l;

	if (!msg_get_login(f->body, &m) || m.service >= SERVICE_COUNT)
		return false;
	l = begin(arg, f, (enum service)m.service, m.user, m.ip);
	if (l != NULL)
		check_password(l, &m);
	return true;
}

/* ---- SCRAM -------------------------------------------------------------------------- */
bool directory_on_scram_salt(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct msg_scram_salted answer = {.result = OK, .rounds = SCRAM_ROUNDS};
	uint8_t salt[SCRAM_SALT_BYTES];
	struct msg_scram_salt m;

	if (!msg_get_scram_salt(f->body, &m))
		return false;
	directory_login_salt(role->directory, m.user, salt);
	answer.salt = span_of(salt, sizeof(salt));
	channel_send(f->from, scram_salted, SCRAM_SALTED, f->id, &answer, -1);
	return true;
}

bool directory_on_scram_proof(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct directory_proof proof;
	struct msg_scram_proof m;
	struct err e = {.code = OK};
	struct login *l;
	enum code code;

	if (!msg_get_scram_proof(f->body, &m) || m.service >= SERVICE_COUNT)
		return false;
	l = begin(role, f, (enum service)m.service, m.user, m.ip);
	if (l == NULL)
		return true;
	proof = (struct directory_proof){
		.user = m.user,
		.service = purposes[m.service],
		.hash = m.is_sha1 != 0 ? SCRAM_SHA_1 : SCRAM_SHA_256,
		.text = m.text,
		.proof = m.proof,
	};
	code = directory_login_proof(role->directory, &proof,
		&l->success.account, l->success.signature, &e);
	l->success.signature_n = scram_hash_bytes(proof.hash);
	settle(l, code, &e);
	return true;
}

/* ---- by certificate ------------------------------------------------------------------- */
bool directory_on_certificate_login(void *arg, struct frame *f)
{
	struct directory_role *role = arg;
	struct msg_certificate_login m;
	struct err e = {.code = OK};
	struct login *l;

	if (!msg_get_certificate_login(f->body, &m) ||
		m.service >= SERVICE_COUNT)
		return false;
	l = begin(role, f, (enum service)m.service, m.user, m.ip);
	if (l != NULL)
		settle(l, directory_login_certificate(role->directory, m.user,
				  m.fingerprint, &l->success.account, &e), &e);
	return true;
}
