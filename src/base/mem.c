/*
 * mem.c - the heap.  See mem.h.
 */
#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/num.h"

void *mem_new(size_t count, size_t size)
{
	void *p = calloc(count == 0 ? 1 : count, size);

	must(p != NULL);
	return p;
}

void *mem_resize(void *p, size_t count, size_t size)
{
	size_t bytes;
	void *grown;

	must(num_mul(count, size, &bytes));
	grown = realloc(p, bytes == 0 ? 1 : bytes);
	must(grown != NULL);
	return grown;
}

void mem_free(void *p)
{
	free(p);
}

void mem_trim(void)
{
	(void)malloc_trim(0);
}
