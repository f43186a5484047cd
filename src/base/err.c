/*
 * err.c - result codes, errors with context, the end of a process with a bug.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

const char *code_word(enum code code)
{
	static const char *const words[CODE_COUNT] = {
#define CODE(name, word) [name] = word,
		ERR_CODES(CODE)
#undef CODE
	};

	return (unsigned)code < CODE_COUNT ? words[code] : "unknown";
}

enum code err_set(struct err *e, enum code code, const char *format, ...)
{
	va_list args;

	if (e == NULL)
		return code;
	e->code = code;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return code;
}

enum code err_errno(struct err *e, enum code code, const char *format, ...)
{
	int saved = errno;
	size_t used;
	va_list args;

	if (e == NULL)
		return code;
	e->code = code;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s",
		strerror(saved));
	errno = saved;
	return code;
}

enum code err_wrap(struct err *e, const char *format, ...)
{
	char inner[ERR_TEXT_MAX];
	size_t used;
	va_list args;

	if (e == NULL)
		return TEMP;
	(void)snprintf(inner, sizeof(inner), "%s", e->text);
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", inner);
	return e->code;
}

noreturn void bug(const char *file, int line, const char *what)
{
	char text[256];
	int n = snprintf(text, sizeof(text),
		"lvl=error ev=bug pid=%d where=%s:%d what=\"%s\"\n",
		(int)getpid(), file, line, what);

	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(70);
	abort();
}
