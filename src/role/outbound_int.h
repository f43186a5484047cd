/*
 * outbound_int.h - what the parts of the outbound role share.
 *
 *	outbound.c             the role: messages, destinations, who goes next
 *	outbound_target.c      the addresses of a destination, and which are not
 *	                       to be used
 *	outbound_connection.c  one socket with one SMTP client engine
 *	outbound_socket.c      the socket alone
 *	outbound_tls.c         TLS between the two
 *	outbound_job.c         one SEND, until it is answered by SENT
 *	outbound_convert.c     its body for a server that takes less
 *
 * A job belongs to the list of its destination until a connection takes it;
 * then to the connection, which reports it or gives it back.  A destination
 * works (opens connections, hands out jobs, ends itself) only in its deferred
 * function, so nothing vanishes under a caller; the others poke it.
 */
#ifndef POSTRIDER_ROLE_OUTBOUND_INT_H
#define POSTRIDER_ROLE_OUTBOUND_INT_H

#include "base/dict.h"
#include "base/map.h"
#include "role/role.h"
#include "smtp/smtp_client.h"
#include "tls/tls_context.h"

/* Sockets of the process at most; RLIMIT_NOFILE is above. */
#define OUTBOUND_CONNECTIONS_MAX 500
/* RFC 5321 4.5.4.1 leaves it open; N addresses times this bounds a pass. */
#define OUTBOUND_CONNECT_MS 30000
/* A handshake, in all. */
#define OUTBOUND_HANDSHAKE_MS 30000
/* No further address is tried for a job after this. */
#define OUTBOUND_PASS_MS 300000
/* An answer about a destination is used this long. */
#define OUTBOUND_KNOWN_MS 60000
#define OUTBOUND_DIALOGUE_BYTES 16384 /* of SENT */
#define OUTBOUND_PEER_BYTES     400
#define OUTBOUND_TLS_BYTES      640

struct outbound {
	struct role_run *run;
	struct tls_client *tls;
	int authorities[CONFIG_AUTHORITIES_MAX]; /* owned, not read yet */
	size_t authority_count;
	struct dict destinations;
	struct map asked;      /* id of an MX message: its destination */
	struct list idle;      /* connections, the longest idle first */
	struct list starved;   /* destinations that want a connection */
	unsigned connection_count;
	uint64_t next_id;      /* of MX messages, of connections */
	bool is_stopping;
	struct timer stop_timer;
};

struct target {
	struct span host; /* as named by the DNS or the configuration */
	uint8_t address[16];
	uint8_t address_bytes;
	uint16_t port;
	bool is_trusted; /* named by our own configuration: may be anywhere */
	bool is_sure;    /* it is the domain's for certain: DNSSEC, or ours */
};

/* What to tell of recipients when there is no server to say it. */
struct fault {
	enum code result; /* TEMP or DENIED */
	uint32_t code;    /* 0: nobody said it but us; 556: RFC 7505 */
	const char *enhanced;
	char text[512];
};

enum destination_state { DESTINATION_NEW, DESTINATION_ASKING, DESTINATION_KNOWN };

struct destination {
	struct outbound *outbound;
	struct arena arena; /* name */
	struct arena target_arena;
	struct span name;   /* lower case; the key */
	enum destination_state state;
	uint64_t ask_id;        /* while ASKING */
	int64_t known_until_ms; /* while KNOWN */
	struct target *targets; /* while KNOWN */
	size_t target_count;
	struct list jobs;        /* that wait */
	struct list connections;
	unsigned connection_count;
	struct list starved;
	struct deferred work;
};

struct job {
	struct list link; /* destination.jobs, or in none */
	uint64_t id;      /* of the SEND */
	uint64_t qid;
	bool is_orphan;   /* nobody waits for the result */
	struct arena arena;
	struct smtp_client_message message;
	uint32_t *idx;    /* of each recipient */
	int fd;           /* the body when it is streamed; -1 */
	uint64_t body_bytes;
	uint64_t offset;  /* of the body, given to the engine */
	struct conversion *conversion; /* owned; NULL: it goes as it is */
	size_t next_target;
	unsigned restarts; /* after an idle connection turned out dead */
	bool was_moved;    /* away from a server that lacks SMTPUTF8 */
	int64_t deadline_ms; /* 0: not begun */
	struct buf dialogue; /* of earlier servers */
	char peer[OUTBOUND_PEER_BYTES];
	char tls_line[OUTBOUND_TLS_BYTES]; /* with the server that spoke last */
};

enum connection_state { CONNECTING, OPEN, CONNECTION_IDLE };

struct connection {
	struct list link; /* destination.connections */
	struct list idle; /* outbound.idle, while CONNECTION_IDLE */
	struct destination *destination;
	enum connection_state state;
	bool is_dead;     /* run() will free it */
	bool is_moving;   /* run() will take its job to the next address */
	bool wants_piece; /* of the body, when there is room */
	bool is_falling_back; /* run() will connect once more, without TLS */
	bool is_silent;   /* what came is TLS's own, and no progress */
	int fd;
	struct watch *watch;
	struct timer timer;
	struct arena arena;
	struct smtp_client *engine; /* while OPEN or idle */
	enum smtp_client_tls wish; /* of this address */
	struct tls *tls; /* NULL: plain text */
	char tls_line[OUTBOUND_TLS_BYTES]; /* what came of TLS, for the dialogue
	                                    of each job; empty: nothing */
	struct buf unsent; /* plain text; under TLS: what came before it */
	struct buf dialogue; /* of the present job */
	size_t logged_bytes; /* of dialogue */
	struct job *job;     /* owned; NULL: none */
	struct target target;
	struct fault fault;  /* why the last address did not serve */
	unsigned messages;
	uint64_t sid;
	char peer[OUTBOUND_PEER_BYTES];
};

/* ---- outbound.c --------------------------------------------------------- */
void outbound_destination_poke(struct destination *d);
/* The connection has ended: it is in no list any more. */
void outbound_connection_ended(struct destination *d);
/* No address can be reached: all jobs that wait fail in this way. */
void outbound_destination_fail(struct destination *d, const struct fault *f);

/* ---- outbound_target.c -------------------------------------------------- */
/* Fills d->targets.  False: none; *out says why. */
bool outbound_take_hosts(struct destination *d, const struct msg_mx_answer *m,
	struct fault *out);
/* Does the name stand for one address ("[192.0.2.1]", or such a smarthost)?
 * Then d->targets is it, or *out_fault->result is set. */
bool outbound_take_literal(struct destination *d, struct fault *out_fault);
/* The name to ask the resolver for: of the smarthost or the domain. */
struct span outbound_host_to_ask(const struct destination *d);
/* "mx.example[192.0.2.1]:25" */
void outbound_target_text(const struct target *t, char *out, size_t room);

/* ---- outbound_socket.c --------------------------------------------------- */
/* Begins to connect to c->target; NULL, or why not.  Close it in any case. */
const char *outbound_socket_connect(struct connection *c);
/* It can be written: is it connected?  NULL, or why not. */
const char *outbound_socket_trouble(struct connection *c);
/* Under TLS if that is up. */
void outbound_socket_write(struct connection *c, struct span bytes);
size_t outbound_socket_unsent(const struct connection *c);
/* Sends what it can, and watches for more room if it must. */
void outbound_socket_flush(struct connection *c);
/* Ends TLS too. */
void outbound_socket_close(struct connection *c);

/* ---- outbound_tls.c ------------------------------------------------------ */
/* Makes what all connections have in common; before the confinement. */
enum code outbound_tls_open(struct outbound *o, struct err *e) MUST_USE;
/* What is wanted of TLS with the servers of a destination. */
enum smtp_client_tls outbound_tls_wish(const struct destination *d);
/* Begins the handshake: the hello stands in tls_wire.  False: there is no TLS
 * to be had. */
bool outbound_tls_begin(struct connection *c);
bool outbound_tls_is_shaking(const struct connection *c);
/* Is it certain that this is the server, and nobody else? */
bool outbound_tls_is_verified(const struct connection *c);
/* The handshake is over: says so in the dialogue and in the log. */
void outbound_tls_note_up(struct connection *c);
/* It failed, or broke before the server had said anything under it: so too. */
void outbound_tls_note_failure(struct connection *c, const char *why);
/* Ends TLS, if there is some; what can be sent at once is sent. */
void outbound_tls_end(struct connection *c);

/* ---- outbound_connection.c ---------------------------------------------- */
/* Opens one for the first job that waits. */
void outbound_connection_open(struct destination *d);
/* Gives a job to an idle one; false: there is none. */
bool outbound_connection_reuse(struct destination *d, struct job *j);
/* Says QUIT on the connection that is idle the longest; false: none is. */
bool outbound_connection_retire(struct outbound *o);
/* Queue is gone or we stop: ends what has not handed its message over.
 * is_orphaned: nobody waits for what becomes of the rest. */
void outbound_connections_abort(struct destination *d, bool is_orphaned);

/* ---- outbound_convert.c -------------------------------------------------- */
/* Finds out how the body is to be changed, and how large it is then.  TEMP: it
 * cannot be read; DENIED, SYNTAX: it cannot be converted. */
enum code outbound_convert_begin(struct job *j, bool allows_8bit,
	uint64_t *out_bytes, struct err *e) MUST_USE;
/* The next piece, at most SMTP_CLIENT_PIECE_BYTES; valid until it is told how
 * much of it was taken.  False: the body cannot be read. */
bool outbound_convert_next(struct job *j, struct span *out, bool *out_is_last);
void outbound_convert_took(struct job *j, size_t bytes);
/* The job has no conversion any more, if it had one. */
void outbound_convert_end(struct job *j);

/* ---- outbound_job.c ------------------------------------------------------ */
/* From a SEND; takes fd.  NULL: malformed, fd is closed. */
struct job *outbound_job_new(const struct frame *f, struct msg_send *out_m);
void outbound_job_free(struct job *j);
/* All recipients without outcome get this one. */
void outbound_job_fail(struct job *j, const struct fault *f);
/* Appends to the dialogue of earlier servers, as far as it fits. */
void outbound_job_note(struct job *j, struct span lines);
/* Sends SENT (latest: the dialogue with the last server) and frees the job. */
void outbound_job_report(struct outbound *o, struct job *j,
	struct span latest);
/* Why recipients are tried again: the session broke, they were too many for
 * one transaction, the server lacks what the message needs. */
enum outbound_again { AGAIN_CUT, AGAIN_CROWDED, AGAIN_UNFIT };
bool outbound_job_has(struct job *j, enum outbound_again why);
/* They are unsettled then; false: none. */
bool outbound_job_reopen(struct job *j, enum outbound_again why);

#endif
