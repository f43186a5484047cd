/*
 * err.h - the one list of result codes, errors with context, and assertions.
 *
 * A function that may fail returns enum code and fills a struct err that its
 * caller owns.  The deepest function sets it, each caller that knows more
 * wraps it, and the top logs it once; it is read from the outside in.
 */
#ifndef POSTRIDER_BASE_ERR_H
#define POSTRIDER_BASE_ERR_H

#include <stdint.h>
#include <stdnoreturn.h>

#define MUST_USE       __attribute__((warn_unused_result))
#define FORMAT(f, a)   __attribute__((format(printf, f, a)))

/* CODE(name, word): the word is what logs and the wire show. */
#define ERR_CODES(CODE)                                                        \
	CODE(OK, "ok")               /* it is done                        */   \
	CODE(SYNTAX, "syntax")       /* the other side's bytes are wrong  */   \
	CODE(LIMIT, "limit")         /* more than we allow                */   \
	CODE(DENIED, "denied")       /* not permitted                     */   \
	CODE(NOT_FOUND, "not-found") /* no such thing                     */   \
	CODE(EXISTS, "exists")       /* there is one already              */   \
	CODE(BUSY, "busy")           /* somebody else has it now          */   \
	CODE(FULL, "full")           /* no room: quota or disk            */   \
	CODE(GONE, "gone")           /* the peer or process went away     */   \
	CODE(CORRUPT, "corrupt")     /* what is stored cannot be right    */   \
	CODE(TEMP, "temp")           /* our own trouble; later may work   */   \
	CODE(TIMEOUT, "timeout")     /* nothing came in time              */

enum code {
#define CODE(name, word) name,
	ERR_CODES(CODE)
#undef CODE
	CODE_COUNT
};

/* What a parser that is fed piece by piece says. */
enum step { MORE, DONE, BAD };

#define ERR_TEXT_MAX 512

struct err {
	enum code code;
	char text[ERR_TEXT_MAX]; /* NUL-ended, cut at the end if too long */
};

const char *code_word(enum code code);

/* Sets code and text; returns code.  e may be NULL: then only the code. */
enum code err_set(struct err *e, enum code code, const char *format, ...)
	FORMAT(3, 4);
/* As err_set, with ": " and the text of errno at the end. */
enum code err_errno(struct err *e, enum code code, const char *format, ...)
	FORMAT(3, 4);
/* Puts "format: " before what is there; returns the code that is there. */
enum code err_wrap(struct err *e, const char *format, ...) FORMAT(2, 3);

/* An invariant that only our own code can break: stays in production. */
#define must(x) ((x) ? (void)0 : bug(__FILE__, __LINE__, #x))
/* The same, for debug and fuzz builds: may be slow. */
#ifdef POSTRIDER_DEBUG
#define check(x) must(x)
#else
#define check(x) ((void)sizeof(x))
#endif
#define unreachable() bug(__FILE__, __LINE__, "unreachable")

/* Writes where and what to stderr and ends this process with a core. */
noreturn void bug(const char *file, int line, const char *what);

#endif
