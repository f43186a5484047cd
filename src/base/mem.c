/*
 * mem.c - the heap.  See mem.h.
 */
#define _GNU_SOURCE
#include "base/mem.h"

#include <link.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

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

#ifdef POSTRIDER_DEBUG
/* a debugger's breakpoints stand in such pages */
static void drop_unwritten(void)
{
}
#else
/* The pages of the program and its libraries that nobody writes to.  They were
 * touched while all was put together; the next use brings them back from the
 * system's cache.  (Code without text relocations, as any that is shared.) */
static int drop_of_object(struct dl_phdr_info *object, size_t size, void *arg)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)arg;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		uintptr_t start = object->dlpi_addr + part->p_vaddr;
		uintptr_t end = start + part->p_memsz;

		if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0)
			continue;
		start -= start % page;
		(void)madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

static void drop_unwritten(void)
{
	(void)dl_iterate_phdr(drop_of_object, NULL);
}
#endif

void mem_trim(void)
{
	(void)malloc_trim(0);
	drop_unwritten();
}
