/*
 * smtp_params.h - the parameters behind the path of MAIL and RCPT.
 *
 *	esmtp-param = esmtp-keyword ["=" esmtp-value]	RFC 5321 4.1.2
 */
#ifndef POSTRIDER_SMTP_SMTP_PARAMS_H
#define POSTRIDER_SMTP_SMTP_PARAMS_H

#include "smtp/smtp_reply.h"

struct smtp_params {
	/* set by the caller */
	bool may_dsn;  /* DSN was offered: RFC 3461 */
	bool may_utf8; /* RCPT: MAIL said SMTPUTF8 */
	/* MAIL */
	uint64_t size;  /* SIZE=; UINT64_MAX for anything above; 0: none */
	uint32_t flags; /* SMTP_MAIL_* */
	bool has_auth;  /* AUTH=, which says nothing to us: RFC 4954 5 */
	uint8_t ret;    /* SMTP_RET_* */
	struct span envid; /* xtext; borrows from text */
	/* RCPT */
	uint8_t notify;    /* SMTP_NOTIFY_* */
	struct span orcpt; /* borrows from text */
	/* both */
	uint32_t count; /* how many parameters there were */
};

/* text: what follows the path, blanks at its end cut.  out: zeroed, but for
 * what the caller sets.  NONE: all is well; else the reply: BAD_PARAM or UNKNOWN_PARAM. */
enum smtp_reply smtp_mail_params_parse(struct span text,
	struct smtp_params *out);
enum smtp_reply smtp_rcpt_params_parse(struct span text,
	struct smtp_params *out);

#endif
