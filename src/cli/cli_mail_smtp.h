/*
 * cli_mail_smtp.h - hands one message to a server.
 */
#ifndef POSTRIDER_CLI_CLI_MAIL_SMTP_H
#define POSTRIDER_CLI_CLI_MAIL_SMTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "smtp/smtp_client.h"

#define CLI_PASSWORD_MAX 512

/* Who logs in, where the server takes passwords; over the loopback only, for
 * this connection has no TLS. */
struct cli_smtp_login {
	struct span user;
	/* Appends the password; not OK: there is none, and it goes on without
	 * a login. */
	enum code (*get_password)(void *arg, struct buf *out);
	void *arg;
};

/* Connects, sends m (with its body in m->body; whose recipients then have their
 * outcomes), and quits.  login: NULL: nobody.
 * dialogue: as in smtp_client_config; NULL: not wanted.  Not OK if there was
 * no connection at all: then nobody has the message. */
enum code cli_smtp_send(struct span server, struct smtp_client_message *m,
	const struct cli_smtp_login *login, struct buf *dialogue,
	struct err *e) MUST_USE;

#endif
