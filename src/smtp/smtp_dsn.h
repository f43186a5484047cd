/*
 * smtp_dsn.h - what a sender may ask about notices: RET and ENVID of MAIL, NOTIFY
 * and ORCPT of RCPT.  RFC 3461 4; RFC 6533 3 for addresses in UTF-8.
 *
 * ENVID and ORCPT are checked and kept as they came, in xtext: the next server
 * gets the very same (RFC 3461 5.2.1).  smtp_dsn_decode is for notices.
 */
#ifndef POSTRIDER_SMTP_SMTP_DSN_H
#define POSTRIDER_SMTP_SMTP_DSN_H

#include "base/buf.h"

#define SMTP_ENVID_MAX 100 /* RFC 3461 4.4 */
#define SMTP_ORCPT_MAX 500 /* RFC 3461 4.2 */

/* RET; 0: not said */
#define SMTP_RET_FULL 1u
#define SMTP_RET_HDRS 2u

/* NOTIFY; 0: not said, which is FAILURE and DELAY */
#define SMTP_NOTIFY_NEVER   1u
#define SMTP_NOTIFY_SUCCESS 2u
#define SMTP_NOTIFY_FAILURE 4u
#define SMTP_NOTIFY_DELAY   8u

/* The value of each; false: it is not one.  *out borrows from value. */
bool smtp_dsn_take_ret(struct span value, uint8_t *out);
bool smtp_dsn_take_envid(struct span value, struct span *out);
bool smtp_dsn_take_notify(struct span value, uint8_t *out);
bool smtp_dsn_take_orcpt(struct span value, bool may_utf8, struct span *out);

/* The same numbers as the words stand in a command: " RET=HDRS", ... */
void smtp_dsn_put_ret(struct buf *out, uint8_t ret);
void smtp_dsn_put_notify(struct buf *out, uint8_t notify);

/* An ORCPT for an address: "rfc822;…", or RFC 6533's "utf-8;…". */
void smtp_dsn_put_orcpt(struct buf *out, struct span address);

/* The address of an ORCPT of the type utf-8 in the form that is ASCII: what is not,
 * and what no xtext holds, becomes "\x{HEX}".  What has been escaped stays so.
 * RFC 6533 3, utf-8-addr-xtext */
void smtp_dsn_put_7bit(struct buf *out, struct span address);
/* The other way: the address in UTF-8.  False: something in it is no such form;
 * out has then what came before. */
bool smtp_dsn_decode_utf8(struct span address, struct buf *out);

/* xtext: as it stands, or "+" and two capital hexadecimal digits.  False: it is
 * none; out has then what came before.  RFC 3461 4 */
bool smtp_dsn_decode(struct span xtext, struct buf *out);

#endif
