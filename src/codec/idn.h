/*
 * idn.h - names in all scripts: one form for each.  RFC 5890, 5891, UTS 46.
 *
 * A domain is kept, compared and looked up as A-labels in small letters: its
 * U-labels and its A-labels are one name.  A local part is compared by a key:
 * NFC and case folding (RFC 6532 3.1); what is sent on is never the key, for
 * only the last server knows what a local part means (RFC 5321 2.3.11).
 *
 * Text that is plain ASCII without an A-label costs a look at its bytes: the
 * libraries are asked for the rest only.  They keep no state between calls and
 * touch no file, clock or locale, so engines may call what is here.
 */
#ifndef POSTRIDER_CODEC_IDN_H
#define POSTRIDER_CODEC_IDN_H

#include "base/buf.h"

/* RFC 1035 2.3.4: 255 bytes on the wire; in text the dots are the lengths. */
#define IDN_DOMAIN_MAX 255

/* Appends the domain as A-labels in small letters; full stops of other scripts
 * and letters of other widths are mapped as UTS 46 4 says (non-transitional:
 * sharp s stays itself).  SYNTAX: it is no domain: an empty label, a final
 * dot, other ASCII than letters, digits and hyphens, a label that IDNA2008
 * does not know or that is not the one of its punycode, a broken rule for
 * joiners or the writing direction, a length; then out is as it was. */
enum code idn_domain_put(struct buf *out, struct span domain) MUST_USE;

/* Appends the key of a local part (without quotes).  SYNTAX: not UTF-8, or a
 * character that idn_is_harmful; then out is as it was. */
enum code idn_local_put(struct buf *out, struct span local) MUST_USE;

/* Appends a domain, or an address, as people read it: U-labels where all
 * letters of a label are of one script (the Japanese and Korean mixtures count
 * as one; a digit or hyphen is of none), A-labels where they are not.  UTS 39
 * 5.2.  Anything else is appended as it is. */
void idn_show(struct buf *out, struct span text);

/* Code points that no address may hold, nor a domain before it is mapped: they
 * are invisible, or turn the reading direction. */
bool idn_is_harmful(uint32_t code, bool in_domain);

/* The first character of s, which utf8_char_len gave n bytes (1-4). */
uint32_t idn_code_point(struct span s, size_t n);

#endif
