/*
 * smtp_address.h - mailboxes and paths as they stand in SMTP commands.
 *
 * RFC 5321 4.1.2 and 4.1.3, with the UTF-8 of RFC 6531 3.3.  What is read is
 * written again in one canonical form: quotes only where they are needed, the
 * domain as A-labels in lower case (codec/idn.h), no source route.  Nothing with
 * a control byte, or a character that turns the reading direction, ever gets in.
 */
#ifndef POSTRIDER_SMTP_SMTP_ADDRESS_H
#define POSTRIDER_SMTP_SMTP_ADDRESS_H

#include "base/buf.h"

/* RFC 5321 4.5.3.1.1 to 4.5.3.1.3; the path counts its brackets */
#define SMTP_LOCAL_MAX  64
#define SMTP_DOMAIN_MAX 255 /* IDN_DOMAIN_MAX */
#define SMTP_PATH_MAX   256

#define SMTP_PATH_NULL       1u /* "<>" is fine: the null sender */
#define SMTP_PATH_POSTMASTER 2u /* "<Postmaster>" is fine, in any case */
#define SMTP_PATH_BARE       4u /* "<bob>" is fine, and comes out as "bob@" */

/* Takes a path, "<" to ">", off the front of *text and appends its mailbox in
 * canonical form to out: nothing for "<>", "postmaster" for <Postmaster>.
 * *out_is_utf8: it came with UTF-8 (in its domain, perhaps: then none is left),
 * and is only valid under SMTPUTF8.  SYNTAX: it is no path, or
 * passes a limit; then out is as it was. */
enum code smtp_path_take(struct span *text, unsigned allowed, struct buf *out,
	bool *out_is_utf8);

/* A whole mailbox without brackets, the same way. */
enum code smtp_mailbox_parse(struct span text, struct buf *out,
	bool *out_is_utf8);

/* A domain of RFC 5321 4.1.2 (no final dot, no underscore), U-labels
 * included; or an address literal with its brackets. */
bool smtp_domain_is_valid(struct span domain);

/* An address of 4 or 16 bytes as "[192.0.2.1]" or "[IPv6:2001:db8::1]";
 * "[unknown]" for any other length. */
void smtp_literal_put(struct buf *out, struct span address);

/* What stands behind the first "+" of the local part of an address, which says
 * which folder of a mailbox is meant; empty: nothing does.  RFC 5233 1 */
struct span smtp_address_detail(struct span address);

#endif
