#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "dies.h"
#include "ipc/channel.h"
#include "ipc/wire.h"
#include "net/loop.h"

/* What one end has seen; one test at a time. */
struct end {
	struct channel *channel;
	unsigned frames, lost, drained;
	uint64_t ids; /* the next one that must come */
	size_t body;
	int fd;
	unsigned lost_fds;
	enum { KEEP, FREE_IN_HANDLER, REFUSE, STOP_AT } mood;
	unsigned stop_at;
	bool is_answered; /* SPOOL_OPENED: ids has come to stop_at */
};

static struct loop *loop;
static struct end front, queue;

static bool on_submit(void *arg, struct frame *f)
{
	struct end *e = arg;
	struct msg_submit m;

	assert_ptr_equal(f->from, e->channel);
	assert_true(msg_get_submit(f->body, &m));
	assert_true(f->id == e->ids);
	e->ids++;
	e->frames++;
	e->body = m.body.n;
	if (f->fd >= 0)
		e->fd = f->fd;
	if (e->mood == FREE_IN_HANDLER) {
		channel_free(e->channel);
		e->channel = NULL;
		loop_stop(loop);
	}
	if (e->mood == STOP_AT && e->frames == e->stop_at)
		loop_stop(loop);
	return e->mood != REFUSE;
}

static void on_lost(void *arg, struct channel *c)
{
	struct end *e = arg;

	assert_ptr_equal(c, e->channel);
	e->lost++;
	channel_free(c);
	e->channel = NULL;
	loop_stop(loop);
}

static void on_drained(void *arg, struct channel *c)
{
	struct end *e = arg;

	assert_ptr_equal(c, e->channel);
	e->drained++;
	if (e->mood == FREE_IN_HANDLER) {
		channel_free(c);
		e->channel = NULL;
	}
}

static const struct frame_handler queue_handlers[] = {
	{MSG_SUBMIT, on_submit},
	{MSG_NONE, NULL},
};

static bool on_spool_opened(void *arg, struct frame *f)
{
	struct end *e = arg;

	assert_true(f->id == e->ids);
	e->ids++;
	e->frames++;
	if (f->fd >= 0)
		e->fd = f->fd;
	e->lost_fds += f->is_fd_lost;
	e->is_answered = e->ids == e->stop_at;
	return e->mood != REFUSE || !f->is_fd_lost;
}

static const struct frame_handler front_handlers[] = {
	{MSG_SPOOL_OPENED, on_spool_opened},
	{MSG_NONE, NULL},
};

static struct channel *open_end(int fd, enum role self, enum role peer,
	const struct frame_handler *handlers, struct end *e)
{
	const struct channel_owner owner = {.handlers = handlers,
		.on_lost = on_lost, .on_drained = on_drained, .arg = e};

	return channel_new(loop, fd, self, peer, 3, &owner);
}

static int begin(void **state)
{
	int fds[2];

	(void)state;
	front = (struct end){.fd = -1};
	queue = (struct end){.fd = -1};
	loop = loop_new();
	log_open("test", -1, LOG_ERROR); /* violations are made here */
	if (!channel_pair(fds))
		return -1;
	front.channel = open_end(fds[0], ROLE_FRONT, ROLE_QUEUE,
		front_handlers, &front);
	queue.channel = open_end(fds[1], ROLE_QUEUE, ROLE_FRONT,
		queue_handlers, &queue);
	return 0;
}

static int end(void **state)
{
	(void)state;
	channel_free(front.channel);
	channel_free(queue.channel);
	channel_free(NULL);
	loop_free(loop);
	return 0;
}

static bool is_tick; /* what stopped the loop was the timer of run_for */

static void give_up(void *arg)
{
	(void)arg;
	is_tick = true;
	loop_stop(loop);
}

/* Runs the loop until a callback stops it; else so long, and so many turns: what
 * is on its way arrives also on a machine that has no time for us. */
static void run_for(int64_t ms)
{
	struct timer t;

	timer_init(&t, loop, give_up, NULL);
	do {
		is_tick = false;
		timer_arm(&t, 1);
		loop_run(loop);
	} while (is_tick && --ms > 0);
	timer_clear(&t);
}

static void submit(uint64_t id, size_t body, int fd)
{
	static uint8_t bytes[65536];
	struct msg_submit m = {.body = span_of(bytes, body)};

	channel_send(front.channel, submit, SUBMIT, id, &m, fd);
}

static void opened(uint64_t id, int fd)
{
	const struct msg_spool_opened m = {.result = OK};

	channel_send(queue.channel, spool_opened, SPOOL_OPENED, id, &m, fd);
}

/* On the bare end of open_bare: past the checks of a channel. */
static void send_raw(struct span packet)
{
	assert_int_equal(send(queue.fd, packet.p, packet.n, 0), packet.n);
}

/* ---- the tests ------------------------------------------------------------------- */
static void test_a_thousand_frames_in_order(void **state)
{
	(void)state;
	queue.mood = STOP_AT;
	queue.stop_at = 1000;
	for (uint64_t i = 0; i < 1000; i++)
		submit(i, (size_t)(i * 61 % 3000), -1);
	run_for(5000);
	assert_int_equal(queue.frames, 1000);
	assert_int_equal(queue.lost + front.lost, 0);
	assert_int_equal(channel_peer(queue.channel), ROLE_FRONT);
	assert_int_equal(channel_peer_instance(queue.channel), 3);
}

static void test_a_descriptor_goes_with_its_frame(void **state)
{
	int fds[2];
	struct stat sent, got;
	char c;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fstat(fds[1], &sent), 0);
	opened(0, -1);
	opened(1, fds[1]); /* taken */
	opened(2, -1);
	run_for(20);
	assert_int_equal(front.frames, 3);
	assert_true(front.fd >= 0);
	assert_int_equal(fstat(front.fd, &got), 0);
	assert_true(sent.st_ino == got.st_ino);
	assert_int_equal(fcntl(front.fd, F_GETFD), FD_CLOEXEC);
	/* the sender kept no copy: closing the last one ends the pipe */
	assert_int_equal(write(front.fd, "x", 1), 1);
	close(front.fd);
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(read(fds[0], &c, 1), 0);
	close(fds[0]);
}

/* The sender is not to blame: neither what it says next is lost, nor the
 * channel, whether or not the handler has an answer. */
static void test_a_descriptor_for_which_there_is_no_room(void **state)
{
	struct rlimit before, none;
	int fds[2];
	char c;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	opened(0, -1);
	opened(1, fds[1]);
	opened(2, -1);
	front.mood = REFUSE;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	run_for(20);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(front.frames, 3);
	assert_int_equal(front.lost_fds, 1);
	assert_int_equal(front.fd, -1);
	assert_int_equal(front.lost + queue.lost, 0);
	assert_int_equal(read(fds[0], &c, 1), 0); /* it is nowhere */
	close(fds[0]);
}

/* Else whoever sends them fills the table of the other. */
static void test_a_descriptor_that_the_row_does_not_name(void **state)
{
	int fds[2];
	char c;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	submit(0, 10, -1);
	submit(1, 10, fds[1]);
	run_for(1000);
	assert_int_equal(queue.frames, 1);
	assert_int_equal(queue.lost, 1);
	assert_int_equal(read(fds[0], &c, 1), 0);
	close(fds[0]);
}

static void test_the_largest_frame(void **state)
{
	static uint8_t bytes[98304];
	struct msg_submit m = {.body = span_of(bytes, 65536),
		.rcpts = span_of(bytes, 98304), .trace = span_of(bytes, 2048)};

	(void)state;
	channel_send(front.channel, submit, SUBMIT, 0, &m, -1);
	channel_send(front.channel, submit, SUBMIT, 1, &m, -1);
	run_for(50);
	assert_int_equal(queue.frames, 2);
	assert_int_equal(queue.body, 65536);
}

static void test_clog_and_drain(void **state)
{
	unsigned sent = 0;

	(void)state;
	/* nobody reads while no loop runs */
	while (!channel_is_clogged(front.channel) && sent < 1000)
		submit(sent++, 65536, -1);
	assert_true(channel_is_clogged(front.channel));
	assert_in_range(sent, CHANNEL_CLOG_BYTES / 65536 - 2,
		CHANNEL_CLOG_BYTES / 65536 + 2);
	assert_int_equal(front.drained, 0);
	queue.mood = STOP_AT;
	queue.stop_at = sent;
	run_for(5000);
	assert_int_equal(queue.frames, sent);
	run_for(10);
	assert_false(channel_is_clogged(front.channel));
	assert_int_equal(front.drained, 1);
}

static void test_freeing_when_drained(void **state)
{
	unsigned sent = 0;

	(void)state;
	while (!channel_is_clogged(front.channel))
		submit(sent++, 65536, -1);
	front.mood = FREE_IN_HANDLER;
	run_for(1000);
	assert_int_equal(front.drained, 1);
	assert_int_equal(front.lost, 0);
	assert_int_equal(queue.frames, sent);
	assert_int_equal(queue.lost, 1);
}

static void test_the_end_of_the_peer_is_told_once(void **state)
{
	(void)state;
	submit(0, 10, -1);
	channel_flush(front.channel);
	channel_free(front.channel);
	front.channel = NULL;
	run_for(1000);
	/* what it had sent came first */
	assert_int_equal(queue.frames, 1);
	assert_int_equal(queue.lost, 1);
	assert_null(queue.channel);
}

static void test_a_lost_channel_takes_everything_and_sends_nothing(void **state)
{
	int fds[2];
	char c;

	(void)state;
	channel_free(queue.channel);
	queue.channel = NULL;
	assert_int_equal(pipe(fds), 0);
	submit(0, 10, -1);
	channel_flush(front.channel);
	assert_true(channel_is_lost(front.channel));
	submit(1, 10, fds[1]);
	channel_drain(front.channel);
	/* the descriptor was closed all the same */
	assert_int_equal(read(fds[0], &c, 1), 0);
	close(fds[0]);
	run_for(1000);
	assert_int_equal(front.lost, 1);
}

static void test_freeing_in_a_handler(void **state)
{
	int fds[2];
	char c;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	queue.mood = FREE_IN_HANDLER;
	submit(0, 10, -1);
	submit(1, 10, fds[1]);
	submit(2, 10, -1);
	run_for(1000);
	assert_int_equal(queue.frames, 1);
	assert_int_equal(queue.lost, 0);
	/* what came behind it is dropped, its descriptor closed */
	run_for(20);
	assert_int_equal(read(fds[0], &c, 1), 0);
	close(fds[0]);
}

static void test_a_malformed_body_ends_the_channel(void **state)
{
	(void)state;
	queue.mood = REFUSE;
	submit(0, 10, -1);
	submit(1, 10, -1);
	run_for(1000);
	assert_int_equal(queue.frames, 1);
	assert_int_equal(queue.lost, 1);
}

/* A second pair whose one end is bare, to send what no channel would. */
static void open_bare(void)
{
	int fds[2];

	assert_true(channel_pair(fds));
	channel_free(front.channel);
	front.channel = NULL;
	channel_free(queue.channel);
	queue.channel = open_end(fds[1], ROLE_QUEUE, ROLE_FRONT,
		queue_handlers, &queue);
	queue.fd = fds[0];
}

static struct span packet(struct buf *b, uint32_t type, struct span body)
{
	buf_init(b, 1 << 20);
	wire_put_u32(b, type);
	wire_put_u64(b, 0);
	buf_put(b, body);
	return buf_span(b);
}

static void violate(uint32_t type, struct span body)
{
	struct buf b;

	queue.lost = 0;
	open_bare();
	send_raw(packet(&b, type, body));
	run_for(1000);
	assert_int_equal(queue.lost, 1);
	assert_int_equal(queue.frames, 0);
	close(queue.fd);
	buf_clear(&b);
}

static void test_what_the_table_forbids_ends_the_channel(void **state)
{
	static uint8_t bytes[MESSAGE_BYTES_MAX + 100];

	(void)state;
	violate(MSG_NONE, SPAN_EMPTY);
	violate(MSG_SETUP, SPAN_EMPTY);   /* master's, not front's */
	violate(MSG_DELIVERED, SPAN_EMPTY); /* account's */
	violate(MSG_IDS, SPAN("\x05\0\0\0")); /* allowed, but no handler */
	violate(MSG_COUNT, SPAN_EMPTY);
	violate(UINT32_MAX, SPAN_EMPTY);
	violate(MSG_SUBMIT, span_of(bytes, sizeof(bytes))); /* cut by the kernel */
}

static void test_a_packet_too_short_for_its_head(void **state)
{
	(void)state;
	open_bare();
	send_raw(SPAN("\x01\0\0\0\x01"));
	run_for(1000);
	assert_int_equal(queue.lost, 1);
	close(queue.fd);
}

static size_t open_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* No row sends two; what comes anyway must not gather here. */
static void test_descriptors_too_many_are_closed(void **state)
{
	uint8_t control[CMSG_SPACE(sizeof(int) * 8)] = {0};
	uint8_t one[12] = {0};
	struct iovec part = {one, sizeof(one)};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&m);
	size_t before;

	(void)state;
	open_bare();
	before = open_descriptors();
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int) * 8);
	/* eight times our own stdin */
	memset(CMSG_DATA(head), 0, sizeof(int) * 8);
	assert_int_equal(sendmsg(queue.fd, &m, 0), sizeof(one));
	run_for(1000);
	assert_int_equal(queue.lost, 1);
	assert_int_equal(open_descriptors(), before - 1); /* the channel's */
	close(queue.fd);
}

static void test_drain_waits_for_the_peer(void **state)
{
	unsigned frames = 0;
	int fds[2], status;
	pid_t reader;

	(void)state;
	channel_free(front.channel);
	assert_true(channel_pair(fds));
	front.channel = open_end(fds[0], ROLE_FRONT, ROLE_QUEUE,
		front_handlers, &front);
	reader = fork();
	if (reader == 0) {
		static uint8_t bytes[200000];

		close(fds[0]);
		(void)fcntl(fds[1], F_SETFL, 0);
		usleep(20000);
		while (frames < 100 && recv(fds[1], bytes, sizeof(bytes), 0) > 0)
			frames++;
		_exit(frames == 100 ? 0 : 1);
	}
	close(fds[1]);
	for (uint64_t i = 0; i < 100; i++)
		submit(i, 60000, -1);
	channel_drain(front.channel);
	channel_free(front.channel);
	front.channel = NULL;
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
}

/* Answers the first packet with so many, one after the other. */
static void answer_slowly(int fd, unsigned count)
{
	static uint8_t bytes[1000];
	const struct msg_spool_opened m = {.result = OK};

	(void)fcntl(fd, F_SETFL, 0);
	if (recv(fd, bytes, sizeof(bytes), 0) <= 0)
		_exit(1);
	for (uint64_t i = 0; i < count; i++) {
		struct buf packet;

		buf_init(&packet, 100);
		wire_put_u32(&packet, MSG_SPOOL_OPENED);
		wire_put_u64(&packet, i);
		msg_put_spool_opened(&packet, &m);
		usleep(10000);
		(void)send(fd, packet.p, buf_len(&packet), 0);
		buf_clear(&packet);
	}
	_exit(0);
}

/* A peer in another process that gives so many answers and is gone. */
static pid_t open_answerer(unsigned count)
{
	const struct msg_spool_open m = {.qid = 1};
	int fds[2];
	pid_t pid;

	channel_free(front.channel);
	assert_true(channel_pair(fds));
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		answer_slowly(fds[1], count);
	}
	close(fds[1]);
	front = (struct end){.fd = -1};
	front.channel = open_end(fds[0], ROLE_FRONT, ROLE_QUEUE,
		front_handlers, &front);
	channel_send(front.channel, spool_open, SPOOL_OPEN, 0, &m, -1);
	return pid;
}

static void test_waiting_for_an_answer(void **state)
{
	pid_t pid;

	(void)state;
	/* nobody answers */
	assert_false(channel_wait(queue.channel, &queue.is_answered, 20));
	pid = open_answerer(3);
	/* what it asked is not sent yet; another answer comes first */
	front.stop_at = 2;
	assert_true(channel_wait(front.channel, &front.is_answered, 600000));
	assert_int_equal(front.frames, 2);
	/* the peer ends before the answer */
	front.is_answered = false;
	front.stop_at = 9;
	assert_false(channel_wait(front.channel, &front.is_answered, 600000));
	assert_int_equal(front.frames, 3);
	assert_int_equal(front.lost, 0); /* in the loop */
	run_for(1000);
	assert_int_equal(front.lost, 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void send_what_is_not_ours(void)
{
	const struct msg_delivered m = {.done = SPAN_EMPTY};

	channel_send(front.channel, delivered, DELIVERED, 0, &m, -1);
}

static void begin_twice(void)
{
	(void)channel_begin(front.channel, MSG_SUBMIT, 0);
	(void)channel_begin(front.channel, MSG_SUBMIT, 1);
}

static void test_our_own_mistakes_end_the_process(void **state)
{
	(void)state;
	assert_true(dies(send_what_is_not_ours));
	assert_true(dies(begin_twice));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_thousand_frames_in_order),
		TEST(test_a_descriptor_goes_with_its_frame),
		TEST(test_a_descriptor_for_which_there_is_no_room),
		TEST(test_a_descriptor_that_the_row_does_not_name),
		TEST(test_the_largest_frame),
		TEST(test_clog_and_drain),
		TEST(test_freeing_when_drained),
		TEST(test_the_end_of_the_peer_is_told_once),
		TEST(test_a_lost_channel_takes_everything_and_sends_nothing),
		TEST(test_freeing_in_a_handler),
		TEST(test_a_malformed_body_ends_the_channel),
		TEST(test_what_the_table_forbids_ends_the_channel),
		TEST(test_a_packet_too_short_for_its_head),
		TEST(test_descriptors_too_many_are_closed),
		TEST(test_drain_waits_for_the_peer),
		TEST(test_waiting_for_an_answer),
		TEST(test_our_own_mistakes_end_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
