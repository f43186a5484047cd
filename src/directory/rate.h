/*
 * rate.h - how much each account sent within the last hour.
 *
 * Pure: the caller says what time it is.  Counts stand in pieces of five
 * minutes, thirteen of them, so that the piece under way and the twelve before
 * it cover at least an hour: in no sixty minutes an account sends more than its
 * limit (a bucket of tokens would let it send twice as much).  A limit that is
 * reached gives way piece by piece, not at the full hour.
 *
 * What was refused is not counted, or a program that tries again each second
 * would never get out.  Memory: RATE_ACCOUNTS_MAX accounts, some 120 bytes each;
 * who sent nothing for an hour is forgotten, and when there is no room, who
 * sent least.  Nothing outlives a restart: an hour is soon over.
 */
#ifndef POSTRIDER_DIRECTORY_RATE_H
#define POSTRIDER_DIRECTORY_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_ACCOUNTS_MAX 65536
#define RATE_PIECE_MS     300000
#define RATE_PIECES       13

enum rate_kind { RATE_MESSAGES, RATE_RECIPIENTS, RATE_KIND_COUNT };

struct rate;

/* limits: how many of each kind within an hour; 0: no limit. */
struct rate *rate_new(const uint32_t limits[RATE_KIND_COUNT]);
void rate_free(struct rate *r); /* takes NULL */
/* Counts one more of this account; false: it has reached its limit, and this
 * one does not count.  A clock that goes backwards stands still here. */
bool rate_count(struct rate *r, uint64_t account, enum rate_kind kind,
	int64_t now_ms);
/* How many accounts it has in mind. */
size_t rate_accounts(const struct rate *r);

#endif
