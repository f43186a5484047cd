/*
 * dialog.h - a .dialog file, read into steps.  README.md describes the syntax.
 */
#ifndef POSTRIDER_TESTS_DIALOG_H
#define POSTRIDER_TESTS_DIALOG_H

#include "base/arena.h"
#include "base/err.h"

struct dialog_step {
	size_t line;      /* in the file, from 1 */
	char kind;        /* C S R B ? E T X */
	struct span text; /* R, B and the fed kind: bytes; else as it stands */
};

#define DIALOG_OPTIONS_MAX 16

struct dialog {
	struct dialog_step *steps;
	size_t count;
	struct span options[DIALOG_OPTIONS_MAX]; /* O: lines */
	size_t option_count;
	bool is_whole; /* O: whole: each C: arrives in one piece */
};

/* Reads a file; memory comes from the arena.  fed: C, or S when the engine is
 * the client; such lines become bytes.  SYNTAX with the line in e. */
enum code dialog_read(const char *path, char fed, struct arena *a,
	struct dialog *out, struct err *e);
/* Does the text match, where * stands for any run of bytes and \* for one? */
bool dialog_matches(struct span pattern, struct span text);

#endif
