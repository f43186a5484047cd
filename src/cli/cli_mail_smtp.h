/*
 * cli_mail_smtp.h - hands one message to a server.
 */
#ifndef POSTRIDER_CLI_CLI_MAIL_SMTP_H
#define POSTRIDER_CLI_CLI_MAIL_SMTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "smtp/smtp_client.h"

/* Connects, sends m (with its body in m->body; whose recipients then have their outcomes), and quits.
 * dialogue: as in smtp_client_config; NULL: not wanted.  Not OK if there was
 * no connection at all: then nobody has the message. */
enum code cli_smtp_send(struct span server, struct smtp_client_message *m,
	struct buf *dialogue, struct err *e) MUST_USE;

#endif
