/*
 * front_int.h - shared by the parts of front: the role and its listeners
 * (front.c), the connection (front_session.c), and what each protocol's
 * effects mean (front_smtp.c, front_submission.c, front_body.c, front_pop3.c,
 * front_imap.c), with the logins of all (front_login.c) and what comes back from
 * the account processes (front_sleep.c).
 */
#ifndef POSTRIDER_ROLE_FRONT_INT_H
#define POSTRIDER_ROLE_FRONT_INT_H

#include "base/arena.h"
#include "base/dict.h"
#include "base/map.h"
#include "base/network.h"
#include "crypto/hash.h"
#include "imap/imap_door.h"
#include "message/submission.h"
#include "pop3/pop3_login.h"
#include "role/role.h"
#include "sasl/sasl.h"
#include "smtp/smtp_server.h"
#include "tls/tls.h"

/* Bytes that a client sent ahead and that its engine does not take yet. */
#define FRONT_IN_MAX    65536
/* The same, of one that may go to an account process: `pending` of ATTACH. */
#define FRONT_PENDING_MAX 8192
/* Bytes that a client does not read; then it is not listened to any more. */
#define FRONT_OUT_MAX   262144
#define FRONT_READ_MAX  65536
/* What one read may mean under TLS: also a record that had begun before. */
#define FRONT_PLAIN_MAX (FRONT_READ_MAX + 2 * 16384)
/* A handshake, from the first byte to the last. */
#define FRONT_HANDSHAKE_MS 30000
/* So long a client under TLS may take nothing of what its account process says:
 * the process itself only sees a socket that is full. */
#define FRONT_RELAY_MS 600000
/* A body in memory: what travels inline, and what comes while the spool file
 * is being opened: one read, and of a submission the header with it. */
#define FRONT_BODY_MAX  (65536 + FRONT_PLAIN_MAX + SUBMISSION_OUT_MAX)

#define TOKEN_BYTES 16

struct session;

/* What a session waits for; each wait ends by an answer, by the loss of the
 * role that was asked, or by its deadline: never without. */
enum front_wait {
	WAIT_NONE,
	WAIT_SENDER,  /* directory: SENDER_VERDICT, for MAIL */
	WAIT_RCPT,    /* directory: RCPT_VERDICT */
	WAIT_OWN,     /* directory: SENDER_VERDICT, for what a header names */
	WAIT_IDS,     /* queue: ID_BLOCK, for ASK_DATA */
	WAIT_SPOOL,   /* queue: SPOOL_OPENED, for ASK_DATA or amid a body */
	WAIT_COMMIT,  /* queue: SUBMITTED */
	WAIT_LOCAL,   /* directory: LOCAL_USER_IS */
	WAIT_LOGIN,   /* directory: LOGIN_RESULT, SCRAM_SALTED */
	WAIT_ATTACH   /* accounts: ATTACHED */
};

struct front {
	struct role_run *run;
	struct map sessions; /* by sid */
	struct map sleepers; /* those that sleep, by the number of SLEEPER */
	uint64_t next_sid;
	struct dict addresses; /* connections of an address: (void *)count */
	uint32_t session_count; /* without plain ones that sleep */
	uint64_t next_qid, end_qid; /* numbers that queue granted */
	bool has_asked_ids;
	struct list listeners;
	struct network relay[CONFIG_NETWORKS_MAX];
	size_t relay_count;
	struct timer accept_again; /* after EMFILE */
	int reserve_fd;
	bool is_stopping;
	bool has_certificates, has_bans; /* else the doors stay shut */
	struct front_keys *keys; /* certificates: see front_keys.c */
	struct front_bans *bans; /* see front_bans.c */
};

/* The body of the transaction under way: see front_body.c. */
struct front_body {
	uint64_t qid;          /* 0: none yet */
	struct buf bytes;      /* while it is small, or until the file opens */
	int spool_fd;          /* -1: inline */
	bool is_spooled;
	uint64_t size;         /* bytes so far */
	uint32_t flags;        /* MAIL_*, beside those of the transaction */
	enum code failed;      /* OK, or why it can't be taken */
	struct hasher *hasher; /* of a spooled body; NULL: none */
	struct sha256 hash;
};

/* The message of somebody who is logged in: see front_submission.c. */
struct front_submission {
	bool is_open;
	struct submission filter;
	struct buf id;         /* for Message-ID */
	enum code failed;      /* OK, or why it can't be taken */
	bool is_at_end;        /* it waits for the spool file, then goes on */
	struct span unasked;   /* senders in the filter */
	struct hasher *given;  /* of what was given, when fields were added */
	struct sha256 given_hash;
};

/* What a login of this connection is made of: see front_login.c. */
struct front_login {
	struct span user;     /* as the client wrote it; in the arena */
	uint8_t binding[TLS_EXPORTER_BYTES];
	bool has_certificate; /* the client showed one */
	uint8_t fingerprint[TLS_FINGERPRINT_BYTES];
	/* what directory granted last; it holds when the exchange has ended */
	bool has_token;
	uint8_t token[TOKEN_BYTES];
	uint64_t account;
	struct span address;  /* in the arena */
};

/* Who is at the other end of a local connection: see front_local.c. */
struct front_local {
	struct smtp_local smtp; /* for the engine */
	bool is_trusted; /* root, or the server's own user */
	bool is_drop;    /* a message that waited in a file */
	bool must_wait;  /* DROP: a limit was met; not now */
	struct span name; /* of the user; in the arena */
};

struct session {
	struct front *front;
	uint64_t sid;
	int fd; /* owned; -1: it went to an account process */
	enum service service;
	struct watch *watch;
	struct timer timer;
	int64_t deadline_mono_ms;
	int64_t timer_mono_ms; /* when the timer fires; 0: not armed */
	uint8_t ip[16];
	uint8_t ip_len; /* 4 or 16 */
	bool is_loopback; /* the client is on this machine */
	bool may_relay;   /* to anywhere, without a login */
	struct arena arena;
	struct buf in;  /* came, not taken by the engine */
	struct buf out; /* to be written, not taken by the socket; under TLS
			what was left of the plain text, which goes first */
	struct tls *tls; /* owned; NULL: none */
	struct front_sleep *sleep; /* no process has it: see front_sleep.c */
	bool is_uncounted;    /* it was, and account processes have it since */
	bool is_relay;        /* an account process has the session */
	int relay_fd;         /* owned: to it; -1: none */
	uint64_t relay_cookie; /* of the end that it has */
	struct watch *relay_watch;
	struct span tls_text; /* "TLSv1.3 CIPHER"; empty: none, or not yet */
	enum front_wait wait;
	uint64_t question; /* id of the last one: see session_question */
	bool is_ending; /* close once `out` is empty */
	bool is_shut;   /* close_notify was said */
	bool has_eof;   /* the client sends no more */
	bool is_pumping;
	bool is_lingering;
	size_t lingered_bytes; /* read since then */
	struct span end_why;
	/* SMTP */
	struct smtp_server *smtp;
	struct front_body body;
	struct front_submission submission;
	uint64_t unconfirmed_qid; /* 250 sent, nothing heard since: RFC 1047 */
	uint64_t messages;
	/* POP3, IMAP */
	struct pop3_login *pop3;
	struct imap_door *imap;
	bool is_again;       /* IMAP: UNAUTHENTICATE led to its door */
	struct front_local *local; /* in the arena; NULL: not of this machine */
	struct front_login login;
	uint64_t account;    /* SMTP: who is logged in; 0: nobody */
	bool is_logged_out;  /* SMTP: it ends when nothing is waited for */
	struct span address; /* the same; in the arena */
};

/* ---- front_session.c ------------------------------------------------------- */
/* Takes fd; frees itself when it is over. */
void session_open(struct front *f, enum service service, int fd,
	const uint8_t *ip, uint8_t ip_len);
/* The same for a program of this machine; who is copied.  Its number. */
uint64_t session_open_local(struct front *f, int fd,
	const struct front_local *who);
/* One that an account process had, without engine and uncounted; takes fd.  NULL:
 * the socket's other end is gone; fd stays the caller's. */
struct session *session_adopt(struct front *f, enum service service,
	uint64_t sid, int fd);
/* It is one connection more; false: there are too many. */
bool session_count(struct session *s);
/* It begins at its door again, without a greeting. */
void session_begin_again(struct session *s);
struct session *session_find(struct front *f, uint64_t sid);
/* SMTP: the credentials that it was opened with hold no longer; it may be freed
 * by this. */
void session_log_out(struct session *s);
/* The id for a question to another role, never used before: what was asked in
 * vain (a time-out) may be answered later, amid another wait. */
uint64_t session_question(struct session *s);
/* Whose last question has this id, if it still waits so; or NULL. */
struct session *session_of_answer(struct front *f, uint64_t id,
	enum front_wait wait);
/* The session of a question, which may be gone. */
uint64_t session_sid_of(uint64_t question);
struct span session_ip(const struct session *s);
void session_write(struct session *s, struct span bytes);
/* Close after everything is written; why is for the log, a constant. */
void session_end(struct session *s, struct span why);
void session_wait(struct session *s, enum front_wait what);
/* The wait is over: goes on with the engine. */
void session_resume(struct session *s);
/* Something changed from outside (the server ends): goes on. */
void session_settle(struct session *s);
/* The connection is of no use any more: nothing is written or read. */
void session_break_off(struct session *s, struct span why);
/* Sends what waits, as far as the socket takes it. */
void session_flush(struct session *s);
/* The deadline is so far off from now. */
void session_touch(struct session *s, int64_t after_ms);
/* Bytes that the socket has not taken. */
bool session_has_unsent(const struct session *s);
/* Arranges what the socket is watched for. */
void session_want(struct session *s);
void session_free(struct session *s);
/* s->account has changed: who is logged in. */
void session_note_login(struct session *s);
/* The dotted or colon form of the client's address. */
struct span session_ip_text(const struct session *s, char room[46]);

/* ---- the protocols: each is called by front_session.c ------------------------ */
struct front_protocol {
	void (*open)(struct session *s);
	/* Harmless if it is not open. */
	void (*close)(struct session *s);
	/* Offers bytes; how many the engine took. */
	size_t (*feed)(struct session *s, struct span in);
	/* Acts on one effect; false: there is none. */
	bool (*act)(struct session *s);
	/* Closes the question that was passed to front_login_ask. */
	void (*login_answered)(struct session *s,
		const struct sasl_answer *answer);
	/* The account can't be opened now; NULL: no session goes there. */
	void (*attach_failed)(struct session *s, enum code why);
	/* What the session waited for will not come: code TEMP, TIMEOUT. */
	void (*wait_failed)(struct session *s, enum code why);
	/* The client was silent for too long, or the server ends. */
	void (*shut)(struct session *s, bool is_timeout);
	int64_t (*timeout_ms)(const struct session *s);
	/* The handshake is over: s->tls_text. */
	void (*secured)(struct session *s);
	/* Nothing is lost if the connection ends now. */
	bool (*is_idle)(const struct session *s);
};
void front_smtp_log_out(struct session *s);
extern const struct front_protocol front_smtp;
extern const struct front_protocol front_pop3;
extern const struct front_protocol front_imap;
const struct front_protocol *front_protocol_of(enum service service);

/* front_smtp.c: answers from the other roles */
void front_smtp_verdict(struct session *s, const struct msg_rcpt_verdict *m);
void front_smtp_submitted(struct session *s, const struct msg_submitted *m);
/* The client may not have seen our last 250: tells queue. */
void front_smtp_unconfirmed(struct session *s);
/* The same for a session that is gone. */
void front_unconfirmed(struct front *f, uint64_t sid, uint64_t qid);

/* front_body.c */
void front_body_init(struct session *s);
void front_body_clear(struct session *s);
/* ASK_DATA: answers the engine at once, or waits for a number or a file. */
void front_body_begin(struct session *s);
void front_body_add(struct session *s, struct span bytes);
/* ASK_COMMIT: hands the message to queue, or answers the engine. */
void front_body_commit(struct session *s);
/* The transaction ended without a message. */
void front_body_drop(struct session *s);
void front_body_numbers_came(struct session *s);
void front_body_spool_opened(struct session *s, enum code result, int fd);

/* front_submission.c */
bool front_is_submission(const struct session *s);
/* ASK_SENDER */
void front_submission_sender(struct session *s, struct span address);
/* As those of front_body, which get what comes out. */
void front_submission_add(struct session *s, struct span bytes);
void front_submission_commit(struct session *s);
void front_submission_clear(struct session *s);
/* For SUBMIT, once the message is complete. */
struct span front_submission_given(struct session *s);
/* The spool file is there, or won't be: front_body knows. */
void front_submission_spool_opened(struct session *s);
/* In WAIT_SENDER, WAIT_OWN. */
void front_submission_wait_failed(struct session *s);
bool front_on_sender_verdict(void *arg, struct frame *f);

/* front_login.c */
/* What is known of the connection now. */
void front_login_config(struct session *s, struct sasl_config *out);
/* Asks directory; the answer comes to login_answered, perhaps at once. */
void front_login_ask(struct session *s, const struct sasl_question *q);
/* The login was good: the session goes to its account's process, and is gone or
 * a relay; or attach_failed.  tag: of IMAP's command. */
void front_login_attach(struct session *s, struct span tag);
/* In WAIT_LOGIN, WAIT_ATTACH; whatever the reason. */
void front_login_wait_failed(struct session *s, enum code why);
/* Of protocols that only log in here: no question is open. */
bool front_login_is_idle(const struct session *s);
bool front_on_login_result(void *arg, struct frame *f);
bool front_on_scram_salted(void *arg, struct frame *f);
bool front_on_attached(void *arg, struct frame *f);

/* front_local.c */
/* Takes fd. */
void front_local_client(void *state, const struct msg_local_client *m, int fd);
/* The same for a file; its session's number, 0: not now. */
uint64_t front_local_open(struct front *f, int fd,
	const struct front_local *who);
/* Asks directory who that is; the greeting waits. */
void front_local_begin(struct session *s);
bool front_on_local_user_is(void *arg, struct frame *f);
void front_local_wait_failed(struct session *s);
/* May it send as this address?  OK, DENIED; BUSY: ask SENDER_CHECK, with
 * *address. */
enum code front_local_judge_sender(const struct session *s,
	struct span *address);
/* What the header of its message gets. */
void front_local_complete(const struct session *s,
	struct submission_config *config);
/* What is answered to RCPT, which may be more than directory allows. */
enum rcpt_verdict front_local_judge_rcpt(struct session *s,
	const struct msg_rcpt_verdict *m);

/* front_drop.c: takes fd */
void front_drop_file(void *state, const struct msg_drop_file *m, uint64_t id,
	int fd);

/* front_keys.c */
void front_keys_open(struct front *f);
bool front_on_identity(void *arg, struct frame *f);
bool front_on_ticket_keys(void *arg, struct frame *f);
bool front_on_signed(void *arg, struct frame *f);
/* NULL: no certificate has come yet. */
struct tls_server *front_keys_server(const struct front *f,
	enum service service);
bool front_keys_can_sign(const struct front *f);

/* front_bans.c */
/* Why a client is not let in. */
enum front_away {
	AWAY_NOT,
	AWAY_BUSY,    /* over a limit of connections */
	AWAY_NO_ROOM, /* no descriptor is left for him: RFC 3463 3.4, X.3.2 */
	AWAY_BANNED,  /* its network, for a while */
	AWAY_FOR_EVER /* until an administrator thinks better of it */
};
void front_bans_open(struct front *f);
bool front_on_bans(void *arg, struct frame *f);
/* Is the network of an address banned? */
enum front_away front_bans_ask(struct front *f, enum service service,
	struct span ip);
/* How many networks it has in mind. */
size_t front_bans_count(const struct front *f);
/* Says so in one line, without an engine, and closes fd. */
void front_turn_away(struct front *f, enum service service, int fd,
	enum front_away away);

/* front_tls.c */
bool front_tls_may_begin(const struct session *s);
/* From here on the client speaks TLS. */
void front_tls_begin(struct session *s);
/* What is known of it, for those who begin again: s->tls_text. */
void front_tls_keep_text(struct session *s);
bool front_tls_is_shaking(const struct session *s);
/* Takes what came; plain gets what it means.  False: the session was broken
 * off. */
bool front_tls_receive(struct session *s, struct span wire, struct buf *plain);
void front_tls_send(struct session *s, struct span bytes);

/* front_relay.c: the socket for an account process; false: none can be made. */
bool front_relay_open(struct session *s, int *out_account_fd);
/* The account process has it: the engine is not needed any more. */
void front_relay_begin(struct session *s);
/* Did it get this very socket for this session?  A process that names the
 * session of another account has no socket of it. */
bool front_relay_is_other_end(const struct session *s, int fd);
/* All that the process wrote before it let go of its end. */
void front_relay_take_last(struct session *s);
/* Carries on; may_read: the client takes what comes. */
void front_relay_settle(struct session *s, bool may_read);
void front_relay_close(struct session *s);
/* FRONT_RELAY_MS are over, or it is looked at once more. */
void front_relay_timer(struct session *s);

/* front_sleep.c */
bool front_on_sleeper(void *arg, struct frame *f);
bool front_on_wake(void *arg, struct frame *f);
bool front_on_sleeper_end(void *arg, struct frame *f);
bool front_on_given_back(void *arg, struct frame *f);
/* Of one that sleeps: something happened; s may be gone. */
void front_sleep_settle(struct session *s);
void front_sleep_timeout(struct session *s);
/* Says BYE and text. */
void front_sleep_end(struct session *s, struct span text);
/* Forgets that it slept, if it does. */
void front_sleep_drop(struct session *s);

/* front.c: one connection more of these; false: there are too many */
bool front_count_in(struct front *f, struct span whose);
/* The client's address, of a connection that is there; false: it is not. */
bool front_peer_ip(int fd, uint8_t ip[16], uint8_t *out_len);
/* Whose connections are counted with those of this one. */
#define FRONT_COUNTED_BYTES 8
struct span front_counted(const struct session *s,
	uint8_t room[FRONT_COUNTED_BYTES]);
/* front_local.c: of a user of this machine */
struct span front_local_counted(uint32_t uid,
	uint8_t room[FRONT_COUNTED_BYTES]);
/* front.c: certificates or bans have come; with both, clients may. */
void front_doors_may_open(struct front *f);
/* front.c: does the address lie in relay.networks? */
bool front_may_relay(const struct front *f, struct span ip);
/* front.c: a number for a message, or 0: none now, ID_BLOCK will come. */
uint64_t front_take_qid(struct front *f);
void front_session_ended(struct front *f, const struct session *s);

#endif
