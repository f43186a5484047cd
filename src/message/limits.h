/*
 * limits.h - how far a message is looked into.  One place for all of them.
 *
 * A message that goes further is never refused and loses no byte: what is
 * beyond a limit stays unread, as opaque bytes of the part around it, and the
 * tree says is_cut.
 */
#ifndef POSTRIDER_MESSAGE_LIMITS_H
#define POSTRIDER_MESSAGE_LIMITS_H

#define MESSAGE_DEPTH_MAX     100    /* levels of multiparts and messages */
#define MESSAGE_PARTS_MAX     10000  /* parts of a message, at all levels */
#define MESSAGE_HEAD_MAX      (1u << 20) /* bytes of one part's head */
#define MESSAGE_HEADS_MAX     (12u << 20) /* memory for what all heads say */
#define MESSAGE_BOUNDARY_MAX  200    /* RFC 2046 5.1.1 allows 70; more are seen */
#define MESSAGE_PARAMS_MAX    128    /* parameters of one field */
#define MESSAGE_PARAM_MAX     8192   /* bytes of one parameter's value */
#define MESSAGE_ADDRESSES_MAX 20000  /* addresses of one field */
#define MESSAGE_IDS_MAX       1000   /* Message-IDs of one References field */

#endif
