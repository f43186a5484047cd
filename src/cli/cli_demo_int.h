/*
 * cli_demo_int.h - what the files of `postrider demo` share.
 *
 * Everything the demo starts or makes stands in struct demo, so that one
 * function can end and remove it (demo_close), whatever happened.
 */
#ifndef POSTRIDER_CLI_CLI_DEMO_INT_H
#define POSTRIDER_CLI_CLI_DEMO_INT_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"

#define DEMO_PATH_MAX     128
#define DEMO_PASSWORD_LEN 12

/* One of the two servers. */
struct demo_site {
	const char *domain, *host, *ip; /* "crepes.fr", "mx.crepes.fr", … */
	const char *person;             /* "alice" */
	char password[DEMO_PASSWORD_LEN + 1];
	uint16_t smtp_port, submission_port, pop3_port, imap_port;
	char config[DEMO_PATH_MAX], log[DEMO_PATH_MAX];
	pid_t pid;      /* of its master; 0: does not run */
	int ready_fd;   /* its stdout; -1: none */
	int log_fd;     /* the demo reads what was logged; -1: none */
	struct buf log_lines; /* read and not yet looked at */
};

struct demo {
	struct arena arena;
	char folder[DEMO_PATH_MAX]; /* "" : none was made */
	struct demo_site crepes, hamburger;
	const char *give_up_after;  /* as in the configuration */
	pid_t gate_pid;             /* the greylisting gate; 0: none */
	uint16_t gate_port;         /* where the real server is behind it */
	unsigned step;
	bool is_terminal;
	bool keeps_mail; /* Bob leaves it on the server, to be read again */
	struct buf picture;
	struct err *e;
};

/* ---- cli_demo_print.c ----------------------------------------------------- */

/* "  3  Alice writes to Bob" */
void demo_step(struct demo *d, const char *format, ...) FORMAT(2, 3);
/* Indented, below a step. */
void demo_say(const char *format, ...) FORMAT(1, 2);
/* Lines of others, "C: …", "S: …" and text: escaped, wrapped to a page. */
void demo_print_lines(struct demo *d, struct span lines);
/* One field of a line of the log, unquoted; false if it is not there. */
bool demo_log_field(struct span line, const char *key, struct buf *out);

/* ---- cli_demo_site.c ------------------------------------------------------ */

/* Was Ctrl-C pressed, or the demo told to end? */
bool demo_is_stopped(void);
/* Sleeps a moment; false if the demo shall end. */
bool demo_wait_ms(int64_t ms);

/* Makes the folder, chooses ports and passwords, writes both configurations. */
enum code demo_open(struct demo *d) MUST_USE;
/* Ends what runs and removes the folder; may be called at any time. */
void demo_close(struct demo *d);

enum code demo_site_start(struct demo *d, struct demo_site *s) MUST_USE;
void demo_site_stop(struct demo_site *s);
/* False once its master has ended by itself. */
bool demo_site_is_alive(struct demo_site *s);
/* Reads what the server logged; one line at a time, false: none is there. */
bool demo_log_line(struct demo_site *s, struct buf *out);

/* ---- cli_demo_process.c --------------------------------------------------- */

struct demo_spawn {
	char *const *argv;
	int in, out, err; /* descriptors; -1: /dev/null */
};
/* Starts this binary; it dies with this process. */
enum code demo_spawn(const struct demo_spawn *s, pid_t *out_pid,
	struct err *e) MUST_USE;
/* A child is this process's only to end: waits up to 5 s, then kills. */
void demo_end_child(pid_t *pid);
/* Runs "postrider --config … WORDS", input on its stdin; what it writes goes
 * to out (may be NULL). */
enum code demo_site_run(struct demo *d, struct demo_site *s,
	const char *const *words, struct span input, struct buf *out) MUST_USE;

/* ---- cli_demo_gate.c ------------------------------------------------------ */

/* Starts a process before hamburger.edu's SMTP port that refuses the first
 * attempt (450 4.7.1) and carries the others through. */
enum code demo_gate_start(struct demo *d) MUST_USE;

/* ---- cli_demo_picture.c ----------------------------------------------------- */

/* A picture of a hamburger, as PNG.  Deterministic. */
void demo_picture(struct buf *out);

/* ---- cli_demo_imap.c ------------------------------------------------------- */

/* Bob fetches the picture over IMAP, it is compared, and the message goes unless
 * he keeps his mail. */
enum code demo_bob_looks_again(struct demo *d) MUST_USE;

/* ---- cli_demo_step.c: the pieces that the stories are made of --------------- */

enum code demo_start_both(struct demo *d) MUST_USE;
enum code demo_make_accounts(struct demo *d) MUST_USE;
enum code demo_alice_writes(struct demo *d, const char *subject) MUST_USE;
/* Shows the next attempt of crepes.fr: its dialogue and what became of it.
 * *out_is_sent: the other server took it. */
enum code demo_show_attempt(struct demo *d, bool *out_is_sent) MUST_USE;
enum code demo_show_queue(struct demo *d) MUST_USE;
/* Bob reads the message over POP3, and once more over IMAP; both times it is
 * compared with what Alice sent. */
enum code demo_bob_reads(struct demo *d, const char *subject) MUST_USE;
/* Until something is in Bob's mailbox; shows nothing. */
enum code demo_wait_for_bobs_mail(struct demo *d) MUST_USE;
/* Bob deletes what is in his mailbox. */
enum code demo_bob_makes_room(struct demo *d) MUST_USE;
/* Alice reads the failure notice. */
enum code demo_alice_reads_notice(struct demo *d) MUST_USE;

/* ---- cli_demo_story.c --------------------------------------------------------- */

typedef enum code demo_story(struct demo *d);
demo_story demo_story_plain, demo_story_full, demo_story_down,
	demo_story_greylist;

#endif
