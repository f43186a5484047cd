/*
 * token.h - the words of structured fields.  RFC 5322 3.2 and 4.1 (obsolete)
 *
 * Cuts a value into tokens, tolerantly: every byte belongs to one, and what
 * the grammar does not know is a word.  Linear, without recursion; nothing is
 * copied.
 */
#ifndef POSTRIDER_MESSAGE_TOKEN_H
#define POSTRIDER_MESSAGE_TOKEN_H

#include "base/arena.h"
#include "base/span.h"

enum token_kind {
	TOKEN_END,
	TOKEN_GAP,     /* blanks, folds, comments, a stray ")" or quote */
	TOKEN_WORD,    /* any run of other bytes, dots too; an encoded word whole,
			whatever it holds, but in a domain there is none */
	TOKEN_QUOTED,  /* "...", with its quotes */
	TOKEN_PAIR,    /* a backslash and a byte, outside of quotes */
	TOKEN_LITERAL, /* [...], only where a domain or its label begins */
	TOKEN_AT,
	TOKEN_OPEN,    /* < */
	TOKEN_CLOSE,   /* > */
	TOKEN_COMMA,
	TOKEN_COLON,
	TOKEN_SEMICOLON
};

struct token {
	enum token_kind kind;
	size_t start, end;   /* offsets in the value */
	bool is_dirty;       /* WORD, QUOTED, LITERAL: not what it means as it
				stands (pairs, folds, control characters);
				GAP: other than one blank */
	struct span comment; /* GAP: its last comment with what is in the
				parentheses; empty: none */
};

/* All zero but value: at the start of a value. */
struct token_reader {
	struct span value;
	size_t at;
	bool in_domain;      /* behind an "@", up to the next separator */
	bool is_at_label;    /* a label of the domain begins here */
	bool has_open_quote; /* one was found that nothing closes */
};

/* Behind the "@" of a value that is cut there. */
#define TOKEN_READER_DOMAIN(text)                                              \
	((struct token_reader){.value = (text), .in_domain = true,             \
		.is_at_label = true})

void token_next(struct token_reader *r, struct token *out);

/* Length of the comment at the start of s, which begins with "(", up to its
 * closing parenthesis; 0: nothing closes it.  RFC 5322 3.2.2 */
size_t token_closed_comment_len(struct span s);
/* The same, but one that nothing closes goes to the end. */
size_t token_comment_len(struct span s);
/* Length of the blanks, folds and comments at the start of s. */
size_t token_cfws_len(struct span s);
/* Without the blanks and folds at its start, at its end, at both. */
struct span token_trim_start(struct span s);
struct span token_trim_end(struct span s);
struct span token_trim(struct span s);
/* The text of a value in the arena: trimmed, and unfolded as RFC 5322 2.2.3
 * has it: the line ends go, the blanks behind them stay.  An empty one has a p
 * too. */
struct span token_keep_text(struct arena *a, struct span value);

/* Blank, tab or a part of a line end. */
static inline bool token_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A control character that no value may hold: it is dropped when read. */
static inline bool token_is_control(uint8_t c)
{
	return (c < ' ' && c != '\t') || c == 0x7f;
}

#endif
