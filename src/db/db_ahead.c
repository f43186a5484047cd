/*
 * db_ahead.c - see db_ahead.h.
 *
 * An inner page of a B-tree (fileformat2 1.6 of SQLite) is a header, offsets of
 * cells, and cells that begin with the number of a page below:
 *
 *	0  2: of an index, 5: of a table     3  how many cells (2 bytes)
 *	8  the last page below (4)           12 the offsets (2 each)
 *
 * Nothing is believed: a page that is damaged asks for pages in vain, and it is
 * SQLite that says so.
 */
#define _GNU_SOURCE
#include "db/db_ahead.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>

#define INNER_INDEX 2
#define INNER_TABLE 5
#define FIRST_HEADER_BYTES 100 /* in front of the first page of the file */
#define CELLS_AT 12
#define PAGES_MAX 2048 /* more do not fit on a page of 64 KiB that is sound */

static uint32_t number_at(struct span page, size_t at, unsigned bytes)
{
	uint32_t n = 0;

	if (at + bytes > page.n)
		return 0;
	for (unsigned i = 0; i < bytes; i++)
		n = n << 8 | page.p[at + i];
	return n;
}

static int cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The pages below, rising; returns how many. */
static size_t pages_below(struct span page, size_t start,
	uint32_t pages[PAGES_MAX])
{
	size_t cells = number_at(page, start + 3, 2), count = 0;

	for (size_t i = 0; i < cells && count < PAGES_MAX - 1; i++) {
		size_t cell = number_at(page, start + CELLS_AT + 2 * i, 2);

		pages[count++] = number_at(page, cell, 4);
	}
	pages[count++] = number_at(page, start + 8, 4);
	qsort(pages, count, sizeof(*pages), cmp);
	return count;
}

static off_t place_of(uint32_t number, size_t page_bytes)
{
	return number == 0 ? 0 : (off_t)(number - 1) * (off_t)page_bytes;
}

/* Does the kernel have it at hand? */
static bool is_near(int fd, off_t at)
{
	uint8_t byte;
	struct iovec to = {.iov_base = &byte, .iov_len = 1};

	return preadv2(fd, &to, 1, at, RWF_NOWAIT) == 1;
}

static void ask(int fd, struct span page, size_t start)
{
	uint32_t pages[PAGES_MAX];
	size_t count = pages_below(page, start, pages);

	/* the one in the middle stands for all */
	if (is_near(fd, place_of(pages[count / 2], page.n)))
		return;
	for (size_t i = 0; i < count; i++)
		(void)posix_fadvise(fd, place_of(pages[i], page.n),
			(off_t)page.n, POSIX_FADV_WILLNEED);
}

void db_ahead(int fd, struct span page, bool is_first)
{
	size_t start = is_first ? FIRST_HEADER_BYTES : 0;
	uint32_t kind = number_at(page, start, 1);

	if (kind == INNER_INDEX || kind == INNER_TABLE)
		ask(fd, page, start);
}
