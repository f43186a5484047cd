/*
 * cli_mail_conn.h - a blocking connection to a server, with time-outs.
 *
 * For verbs of the command line only: a server's process never waits like
 * this.
 */
#ifndef POSTRIDER_CLI_CLI_MAIL_CONN_H
#define POSTRIDER_CLI_CLI_MAIL_CONN_H

#include "base/buf.h"

#define CLI_CONN_TIMEOUT_MS 30000
#define CLI_CONN_PIECE      65536

struct cli_conn {
	int fd; /* -1: closed */
	struct buf in;   /* read and not yet taken */
	char local[64];  /* our own address as a literal, "[127.0.0.1]" */
	bool is_loopback; /* nobody else hears it */
};

/* To "host:port", "127.0.0.1:25" or "[::1]:25", or a socket "/run/…".  GONE: nobody listens there;
 * SYNTAX: that is no server; TIMEOUT, TEMP.  On OK cli_conn_close follows. */
enum code cli_conn_open(struct cli_conn *c, struct span server,
	struct err *e) MUST_USE;
void cli_conn_close(struct cli_conn *c);

enum code cli_conn_write(struct cli_conn *c, struct span bytes,
	struct err *e) MUST_USE;
/* Waits for bytes and appends them to c->in; GONE: the server closed. */
enum code cli_conn_read(struct cli_conn *c, int64_t timeout_ms,
	struct err *e) MUST_USE;

#endif
