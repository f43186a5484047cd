/*
 * charset_icu.c - converters of ICU.  See charset_icu.h.
 *
 * One binary serves all roles, and linking ICU would cost each of them 300 KiB
 * of relocations.  So the library is opened by name: the one whose headers were
 * compiled against, since its functions carry the version in their names.
 * Its tables are part of the library; no other file is ever opened.
 *
 * State of the process, not of an engine: the functions and a few converters.
 */
#include "codec/charset_icu.h"

#include <dlfcn.h>
#include <string.h>

#include <unicode/ucnv.h>
#include <unicode/udata.h>

#include "base/banned.h"

#define TEXT_OF(x)  #x
#define NAME_OF(x)  TEXT_OF(x)
#define LIBRARY     "libicuuc.so." NAME_OF(U_ICU_VERSION_MAJOR_NUM)

/* As many sets as one message may name at once; more are opened and closed. */
#define CONVERTERS_MAX 8

struct charset_icu {
	char name[CHARSET_ICU_NAME_MAX];
	UConverter *converter; /* NULL: free */
	uint64_t used_at;      /* count of takes, to find the oldest */
	bool is_taken;
};

static struct {
	bool is_tried, is_loaded;
	__typeof__(ucnv_open) *open;
	__typeof__(ucnv_close) *close;
	__typeof__(ucnv_reset) *reset;
	__typeof__(ucnv_toUnicode) *to_unicode;
	__typeof__(udata_setFileAccess) *set_file_access;
	uint64_t takes;
	struct charset_icu converters[CONVERTERS_MAX];
} icu;

/* One function of the library; false: it is not there. */
static bool find(void *library, const char *name, void *out_function)
{
	void *found = dlsym(library, name);

	/* the one way from void * to a function that C allows */
	memcpy(out_function, &found, sizeof(found));
	return found != NULL;
}

static bool load(void)
{
	UErrorCode code = U_ZERO_ERROR;
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		return false;
	if (!find(library, NAME_OF(ucnv_open), &icu.open) ||
		!find(library, NAME_OF(ucnv_close), &icu.close) ||
		!find(library, NAME_OF(ucnv_reset), &icu.reset) ||
		!find(library, NAME_OF(ucnv_toUnicode), &icu.to_unicode) ||
		!find(library, NAME_OF(udata_setFileAccess),
			&icu.set_file_access))
		return false;
	/* in a sandbox an attempt to open one ends the process */
	icu.set_file_access(UDATA_NO_FILES, &code);
	return U_SUCCESS(code);
}

bool charset_icu_load(void)
{
	if (!icu.is_tried)
		icu.is_loaded = load();
	icu.is_tried = true;
	return icu.is_loaded;
}

static struct charset_icu *find_open(const char *name)
{
	for (size_t i = 0; i < CONVERTERS_MAX; i++) {
		struct charset_icu *c = &icu.converters[i];

		if (c->converter != NULL && !c->is_taken &&
			strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

/* A free place, or that of the converter that was unused for longest; NULL:
 * all are taken. */
static struct charset_icu *find_place(void)
{
	struct charset_icu *oldest = NULL;

	for (size_t i = 0; i < CONVERTERS_MAX; i++) {
		struct charset_icu *c = &icu.converters[i];

		if (!c->is_taken &&
			(oldest == NULL || c->used_at < oldest->used_at))
			oldest = c;
	}
	return oldest;
}

static struct charset_icu *open_new(const char *name)
{
	UErrorCode code = U_ZERO_ERROR;
	struct charset_icu *place = find_place();
	UConverter *converter;

	if (place == NULL)
		return NULL;
	converter = icu.open(name, &code);
	if (U_FAILURE(code))
		return NULL;
	if (place->converter != NULL)
		icu.close(place->converter);
	*place = (struct charset_icu){.converter = converter};
	memcpy(place->name, name, strlen(name) + 1);
	return place;
}

struct charset_icu *charset_icu_take(const char *name)
{
	struct charset_icu *c;

	if (!icu.is_loaded || strlen(name) >= CHARSET_ICU_NAME_MAX)
		return NULL;
	c = find_open(name);
	if (c == NULL)
		c = open_new(name);
	if (c == NULL)
		return NULL;
	icu.reset(c->converter);
	c->used_at = ++icu.takes;
	c->is_taken = true;
	return c;
}

void charset_icu_give(struct charset_icu *c)
{
	if (c != NULL)
		c->is_taken = false;
}

size_t charset_icu_read(struct charset_icu *c, struct span *in, bool is_last,
	uint16_t *out, size_t room)
{
	UErrorCode code = U_ZERO_ERROR;
	const char *from = (const char *)in->p;
	const char *end = from + in->n;
	UChar *to = (UChar *)out;

	icu.to_unicode(c->converter, &to, (UChar *)out + room, &from, end,
		NULL, is_last, &code);
	*in = span_of(from, (size_t)(end - from));
	/* wrong bytes are no error here, but U+FFFD; if there is another, what
	 * is left cannot be read */
	if (U_FAILURE(code) && code != U_BUFFER_OVERFLOW_ERROR)
		*in = SPAN_EMPTY;
	return (size_t)(to - (UChar *)out);
}
