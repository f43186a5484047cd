/*
 * mem.h - the heap, which stands only in base/.
 *
 * These do not return NULL: a process without memory ends, its supervisor
 * starts it again, and nothing acknowledged is lost.
 */
#ifndef POSTRIDER_BASE_MEM_H
#define POSTRIDER_BASE_MEM_H

#include <stddef.h>

/* Zeroed memory for count objects; the caller frees it with mem_free. */
void *mem_new(size_t count, size_t size);
#define MEM_NEW(type) ((type *)mem_new(1, sizeof(type)))
/* As realloc, with the product checked; new memory is not zeroed. */
void *mem_resize(void *p, size_t count, size_t size);
void mem_free(void *p); /* takes NULL */
/* Gives back to the system what was freed, and what of the program's files is
 * mapped but can be read again: after a start, when idle. */
void mem_trim(void);

#endif
