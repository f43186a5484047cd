/*
 * test_spool.c - the files of big bodies, on a real file system.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mid.h"
#include "queue/queue_spool.h"

static char dir[64];
static struct queue_spool spool;
static struct err e;

#define GOOD(call) assert_int_equal((call), OK)

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/spool.XXXXXX");
	assert_non_null(mkdtemp(dir));
	GOOD(queue_spool_open(&spool, dir, &e));
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	queue_spool_close(&spool);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static const char *path_of(uint64_t qid, const char *suffix)
{
	static char path[128];
	struct mid mid = mid_of(qid);

	(void)snprintf(path, sizeof(path), "%s/%.*s%s", dir,
		SPAN_ARG(mid_span(&mid)), suffix);
	return path;
}

static bool is_there(uint64_t qid, const char *suffix)
{
	struct stat st;

	return lstat(path_of(qid, suffix), &st) == 0;
}

/* A file as front leaves it before SUBMIT. */
static void begin(uint64_t qid, const char *text)
{
	int fd;

	GOOD(queue_spool_create(&spool, qid, &fd, &e));
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void check_body(uint64_t qid, const char *want)
{
	char body[64];
	ssize_t n;
	int fd;

	GOOD(queue_spool_read(&spool, qid, &fd, &e));
	n = read(fd, body, sizeof(body));
	assert_int_equal(n, strlen(want));
	assert_memory_equal(body, want, strlen(want));
	assert_int_equal(write(fd, "x", 1), -1); /* to be read only */
	close(fd);
}

static void names_a_file_when_it_is_whole(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	begin(7, "hello");
	assert_true(is_there(7, ".tmp") && !is_there(7, ""));
	assert_int_equal(stat(path_of(7, ".tmp"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(queue_spool_create(&spool, 7, &fd, &e), EXISTS);
	assert_int_equal(queue_spool_read(&spool, 7, &fd, &e), NOT_FOUND);
	GOOD(queue_spool_keep(&spool, 7, 5, &e));
	GOOD(queue_spool_sync(&spool, &e));
	assert_true(!is_there(7, ".tmp") && is_there(7, ""));
	check_body(7, "hello");
	GOOD(queue_spool_check(&spool, 7, 5, &e));
	assert_int_equal(queue_spool_keep(&spool, 7, 5, &e), NOT_FOUND);
}

static void refuses_another_length(void **state)
{
	(void)state;
	begin(7, "hello");
	assert_int_equal(queue_spool_keep(&spool, 7, 4, &e), CORRUPT);
	assert_int_equal(queue_spool_keep(&spool, 7, 6, &e), CORRUPT);
	assert_true(is_there(7, ".tmp") && !is_there(7, ""));
	GOOD(queue_spool_keep(&spool, 7, 5, &e));
	assert_int_equal(queue_spool_check(&spool, 7, 6, &e), CORRUPT);
	assert_int_equal(queue_spool_check(&spool, 8, 5, &e), CORRUPT);
}

static void says_that_a_sync_failed(void **state)
{
	struct queue_spool pipe_end = {.folder = -1};
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pipe_end.folder = ends[0]; /* fsync: EINVAL */
	assert_int_equal(queue_spool_sync(&pipe_end, &e), TEMP);
	close(ends[0]);
	close(ends[1]);
}

static void writes_whole_files(void **state)
{
	(void)state;
	begin(9, "what a dead process left");
	GOOD(queue_spool_write(&spool, 9, SPAN("notice"), &e));
	check_body(9, "notice");
	assert_false(is_there(9, ".tmp"));
	GOOD(queue_spool_write(&spool, 9, SPAN_EMPTY, &e));
	check_body(9, "");
}

static void leaves_nothing_when_there_is_no_room(void **state)
{
	static uint8_t bytes[100000];
	struct rlimit old, small;
	enum code code;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 65536;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	code = queue_spool_write(&spool, 9, span_of(bytes, sizeof(bytes)), &e);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(code, FULL);
	assert_false(is_there(9, "") || is_there(9, ".tmp"));
	GOOD(queue_spool_write(&spool, 9, span_of(bytes, sizeof(bytes)), &e));
	GOOD(queue_spool_check(&spool, 9, sizeof(bytes), &e));
}

static void removes(void **state)
{
	(void)state;
	begin(1, "a");
	GOOD(queue_spool_write(&spool, 2, SPAN("b"), &e));
	queue_spool_drop(&spool, 1);
	queue_spool_drop(&spool, 2); /* it is finished: stays */
	assert_false(is_there(1, ".tmp"));
	assert_true(is_there(2, ""));
	begin(3, "c");
	queue_spool_remove(&spool, 2);
	queue_spool_remove(&spool, 3);
	queue_spool_remove(&spool, 4); /* there is none */
	assert_false(is_there(2, "") || is_there(3, ".tmp"));
}

static bool is_two(void *arg, uint64_t qid)
{
	(*(int *)arg)++;
	return qid == 2;
}

static void sweeps_garbage_at_start(void **state)
{
	char readme[96], inner[96], two[128];
	int asked = 0;

	(void)state;
	begin(1, "unfinished");
	begin(2, "unfinished, of a message that is there");
	GOOD(queue_spool_write(&spool, 5, SPAN("no message"), &e));
	GOOD(queue_spool_write(&spool, 6, SPAN("no message"), &e));
	begin(7, "x");
	(void)snprintf(two, sizeof(two), "%s", path_of(2, ""));
	assert_int_equal(rename(path_of(7, ".tmp"), two), 0);
	(void)snprintf(readme, sizeof(readme), "%s/read me!", dir);
	close(open(readme, O_CREAT | O_WRONLY, 0600));
	(void)snprintf(inner, sizeof(inner), "%s/lost+found", dir);
	assert_int_equal(mkdir(inner, 0700), 0);
	/* twice: the folder is read from its start each time */
	for (size_t i = 0; i < 2; i++) {
		queue_spool_sweep(&spool, is_two, &asked);
		assert_false(is_there(1, ".tmp") || is_there(2, ".tmp"));
		assert_false(is_there(5, "") || is_there(6, ""));
		assert_true(is_there(2, ""));
		assert_int_equal(access(readme, F_OK), 0);
		assert_int_equal(access(inner, F_OK), 0);
	}
	assert_int_equal(asked, 4);
}

static void follows_no_link(void **state)
{
	char target[96];
	int fd;

	(void)state;
	(void)snprintf(target, sizeof(target), "%s/read me!", dir);
	fd = open(target, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "secret", 6), 6);
	close(fd);
	assert_int_equal(symlink(target, path_of(3, "")), 0);
	assert_int_equal(symlink(target, path_of(4, ".tmp")), 0);
	assert_int_equal(queue_spool_read(&spool, 3, &fd, &e), TEMP);
	assert_int_equal(queue_spool_check(&spool, 3, 6, &e), CORRUPT);
	assert_int_equal(queue_spool_check(&spool, 3, strlen(target), &e),
		CORRUPT); /* as long as the link itself */
	assert_int_equal(queue_spool_create(&spool, 4, &fd, &e), EXISTS);
	assert_int_equal(queue_spool_keep(&spool, 4, 6, &e), TEMP);
	GOOD(queue_spool_write(&spool, 4, SPAN("mine"), &e));
	check_body(4, "mine");
	queue_spool_remove(&spool, 3);
	assert_false(is_there(3, ""));
	assert_int_equal(access(target, F_OK), 0);
}

static void knows_its_room(void **state)
{
	uint64_t room, all;

	(void)state;
	assert_true(queue_spool_room(&spool, &room, &all));
	assert_true(all > 0 && room <= all);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(names_a_file_when_it_is_whole),
		ROW(refuses_another_length),
		ROW(says_that_a_sync_failed),
		ROW(writes_whole_files),
		ROW(leaves_nothing_when_there_is_no_room),
		ROW(removes),
		ROW(sweeps_garbage_at_start),
		ROW(follows_no_link),
		ROW(knows_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
