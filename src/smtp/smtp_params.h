/*
 * smtp_params.h - the parameters behind the path of MAIL and RCPT.
 *
 *	esmtp-param = esmtp-keyword ["=" esmtp-value]	RFC 5321 4.1.2
 */
#ifndef POSTRIDER_SMTP_SMTP_PARAMS_H
#define POSTRIDER_SMTP_SMTP_PARAMS_H

#include "smtp/smtp_reply.h"

struct smtp_mail_params {
	uint64_t size;  /* SIZE=; UINT64_MAX for anything above; 0: none */
	uint32_t flags; /* SMTP_MAIL_* */
	bool has_auth;  /* AUTH=, which says nothing to us: RFC 4954 5 */
	uint32_t count; /* how many parameters there were */
};

/* text: what follows the path, blanks at its end cut.  NONE: all is well;
 * else the reply: BAD_PARAM or UNKNOWN_PARAM. */
enum smtp_reply smtp_mail_params_parse(struct span text,
	struct smtp_mail_params *out);
/* RCPT has no parameters that we know. */
enum smtp_reply smtp_rcpt_params_parse(struct span text);

#endif
