/*
 * guess.h - against guessing of passwords: who has to wait for an answer, and
 * who is not listened to any more.
 *
 * Pure: the caller says what time it is, and what became of each try.  Failures
 * are counted over all protocols, and forgotten by half every ten minutes:
 *
 *	of a network   IPv4 by address, IPv6 by /64, the least that
 *	               a customer gets.  Three are everybody's typing errors; from
 *	               the 4th on the answer takes 1, 2, 4, 8, then 15 s (a
 *	               client's patience is 30 s or more).  At the 20th the
 *	               network is banned for ten minutes, and twice as long each
 *	               time within a day after, up to a day: that leaves at
 *	               most 160 tries on the first day and 20 on each other.
 *	of a /48       IPv6 only, for who has many /64: the same delays from the
 *	               32nd on, and no ban: a /48 may be many people.
 *	of an account  from everywhere, for whom it does not know: from the 10th
 *	               on 1 s, the 20th 2 s, the 40th 4 s.  Never more: who wants
 *	               to lock somebody out by failing in his name cannot.
 *
 * A network is KNOWN to an account that logged in from there within 30 days.
 * Who comes from a known network is delayed by nobody's failures but his own
 * from there, passes a ban that was made because of others, and goes first where
 * work waits.  His own failures count a quarter for the network: a program that
 * keeps an old password shall not bring a ban over an office.  With the 8th all
 * that ends until they are forgotten, or whoever sits in his house could guess
 * on.  A network that anybody is known from is banned without closing the door:
 * it is still heard out, and only strangers' logins are refused.
 *
 * The same wrong password for the same user again is not one more guess: it
 * counts a sixteenth, so that a telephone with the old one goes unpunished, and
 * one who sends it a thousand times to wear us out does not.  It is known again
 * by a hash under a key of this process; no password is kept.  SCRAM shows no
 * password, so there each failure counts.
 *
 * A user who does not exist is counted like one who does, by the name: nothing
 * here tells one from the other.
 *
 * This machine (loopback) is delayed and never banned: it is where the
 * administrator sits, and where web mail will come from.
 *
 * Memory is fixed: GUESS_CELLS counts (56 bytes each; one or two a network, one
 * an account), GUESS_KNOWN pairs (24), GUESS_BANS_MAX bans (about 150).  Where there is no
 * room, what has failed least, as far as that is not faded, is forgotten; of
 * the pairs the oldest of the account that has most; of the bans that which
 * ends first.  Cells stand in sets of eight under a key of this process, so
 * nobody can choose whom he pushes out.
 */
#ifndef POSTRIDER_DIRECTORY_GUESS_H
#define POSTRIDER_DIRECTORY_GUESS_H

#include "base/err.h"
#include "base/network.h"

#define GUESS_CELLS     131072
#define GUESS_KNOWN     65536
#define GUESS_BANS_MAX  32768
#define GUESS_KEY_BYTES 32

#define GUESS_HALF_MS      600000LL
#define GUESS_DELAY_MS_MAX 15000
#define GUESS_BAN_MS       600000LL
#define GUESS_BAN_MS_MAX   86400000LL
#define GUESS_KNOWN_MS     (30 * 86400000LL)
/* until_ms of a ban that has no end. */
#define GUESS_FOR_EVER     INT64_MAX

struct guess;

/* key: random bytes, of this process only. */
struct guess *guess_new(const uint8_t key[GUESS_KEY_BYTES]);
void guess_free(struct guess *g); /* takes NULL */

/* One try to log in. */
struct guess_try {
	struct span ip;   /* 4 or 16 bytes; empty: this machine */
	struct span user; /* the address in its one form, also of nobody */
	uint64_t account; /* 0: there is none */
	uint32_t mark;    /* guess_mark of the password; 0: not seen */
};
uint32_t guess_mark(const struct guess *g, struct span user,
	struct span password);

struct guess_word {
	bool is_refused; /* no work: DENIED, after GUESS_DELAY_MS_MAX */
	bool is_known;   /* goes first */
	bool is_fresh;   /* nobody failed from there lately: goes second, or
			    many networks with many tries each would keep a
			    user out who comes from a new one */
};
/* Before the work. */
struct guess_word guess_ask(struct guess *g, const struct guess_try *t,
	int64_t now_ms);

/* A network that is not listened to. */
struct guess_ban {
	struct network network;
	int64_t made_ms, until_ms; /* wall clock; until has passed: it is kept
				      for a day, as the next will be longer */
	uint32_t times;            /* how often, within a day each */
	bool is_manual;            /* an administrator's: holds for all */
	bool is_soft;              /* somebody is known from there */
};

struct guess_result {
	enum code verdict;           /* that of the work; DENIED also for what
					was right, when a ban came meanwhile:
					tries at the same time are no way round
					it */
	int64_t delay_ms;            /* hold the answer back for so long */
	const struct guess_ban *ban; /* NULL; or just made, to be told and kept;
					until the next call */
	bool is_new_pair;            /* to be kept: guess_known_put after a
					restart; at most once a day a pair */
};
/* After the work: verdict OK, DENIED, or anything else: our own trouble, which
 * counts as nothing. */
void guess_settle(struct guess *g, const struct guess_try *t,
	enum code verdict, int64_t now_ms, struct guess_result *out);

/* ---- bans ------------------------------------------------------------------ */
/* Puts or replaces: an administrator's, or one that is read back.  Never this
 * machine's: false. */
bool guess_ban_put(struct guess *g, const struct guess_ban *ban);
/* Lifts it, and forgets how often there was one, and what failed from there.
 * False: there is none. */
bool guess_ban_take(struct guess *g, const struct network *n);
/* Walks all, also those that are over. */
struct guess_walk {
	struct dict_walk walk;
};
const struct guess_ban *guess_ban_next(const struct guess *g,
	struct guess_walk *walk);
static inline bool guess_ban_holds(const struct guess_ban *ban, int64_t now_ms)
{
	return ban->until_ms > now_ms;
}
/* Is a client of such a ban turned away before it says anything? */
static inline bool guess_ban_is_at_door(const struct guess_ban *ban)
{
	return ban->is_manual || !ban->is_soft;
}
/* Forgets what was over for a day; after a clock that was set back, also cuts
 * what would last longer than any ban does. */
void guess_sweep(struct guess *g, int64_t now_ms);

/* ---- known pairs, for a file ------------------------------------------------- */
/* What stands for a network there: never 0. */
uint64_t guess_network(struct span ip);
void guess_known_put(struct guess *g, uint64_t account, uint64_t network,
	int64_t seen_ms);

#endif
