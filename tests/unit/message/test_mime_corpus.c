/*
 * Every message of tests/corpus/mime: its tree is sound, the same at every
 * split, and packed and unpacked the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "mime_check.h"

#define MESSAGE_MAX   (1u << 20)
#define MESSAGES_LEAST 100

static void read_file(const char *folder, const char *name, struct buf *out)
{
	char path[1024];
	uint8_t *to;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	to = buf_reserve(out, MESSAGE_MAX);
	assert_non_null(to);
	buf_wrote(out, fread(to, 1, MESSAGE_MAX, file));
	assert_true(feof(file));
	(void)fclose(file);
}

static void test_corpus(void **state)
{
	const char *path = getenv("POSTRIDER_CORPUS");
	DIR *folder;
	struct dirent *entry;
	struct buf message;
	unsigned count = 0;

	(void)state;
	assert_non_null(path);
	folder = opendir(path);
	assert_non_null(folder);
	buf_init(&message, MESSAGE_MAX);
	for (entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		struct arena arena;

		if (!span_ends(span_str(entry->d_name), SPAN(".eml")))
			continue;
		buf_reset(&message);
		read_file(path, entry->d_name, &message);
		assert_false(mime_check(&arena, buf_span(&message))->is_cut);
		arena_clear(&arena);
		count++;
	}
	buf_clear(&message);
	(void)closedir(folder);
	assert_true(count >= MESSAGES_LEAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
