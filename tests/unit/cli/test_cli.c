/*
 * test_cli.c - the whole command line, in a child process: on the data of a
 * server that stands, and against a server that this test plays.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "ipc/messages.h"
#include "ipc/wire.h"

#define WORDS_MAX 16

static struct {
	char folder[64];
	char config[96];
	char out[8192], err[4096]; /* of the last command */
	pid_t pid;
	int out_fd, err_fd; /* of the command that runs */
} t;

/* ---- a command in a child --------------------------------------------------- */
static void become_cli(const char *line, int in_fd, int out_fd, int err_fd)
{
	static char words[1024];
	char *argv[WORDS_MAX + 1] = {words};
	int argc = 1;
	char *at = words;

	(void)snprintf(words, sizeof(words), "postrider %s", line);
	for (; *at != '\0' && argc < WORDS_MAX; at++) {
		if (*at == ' ') {
			*at = '\0';
			argv[argc++] = at + 1;
		}
	}
	(void)dup2(in_fd, STDIN_FILENO);
	(void)dup2(out_fd, STDOUT_FILENO);
	(void)dup2(err_fd, STDERR_FILENO);
	argc = cli_main(argc, argv);
	(void)fflush(stdout);
	_exit(argc);
}

/* `postrider --config CONFIG line`, with this stdin. */
static void start(const char *line, const char *in)
{
	char whole[1024];
	int in_fds[2], out_fds[2], err_fds[2];

	(void)snprintf(whole, sizeof(whole), "--config %s %s", t.config, line);
	assert_int_equal(pipe(in_fds), 0);
	assert_int_equal(pipe(out_fds), 0);
	assert_int_equal(pipe(err_fds), 0);
	assert_int_equal(write(in_fds[1], in, strlen(in)), strlen(in));
	close(in_fds[1]);
	(void)fflush(NULL);
	t.pid = fork();
	assert_true(t.pid >= 0);
	if (t.pid == 0)
		become_cli(whole, in_fds[0], out_fds[1], err_fds[1]);
	close(in_fds[0]);
	close(out_fds[1]);
	close(err_fds[1]);
	t.out_fd = out_fds[0];
	t.err_fd = err_fds[0];
}

static void read_all(int fd, char *to, size_t room)
{
	size_t n = 0;
	ssize_t got;

	while (n + 1 < room && (got = read(fd, to + n, room - n - 1)) > 0)
		n += (size_t)got;
	to[n] = '\0';
	close(fd);
}

/* The exit status. */
static int finish(void)
{
	int status;

	read_all(t.out_fd, t.out, sizeof(t.out));
	read_all(t.err_fd, t.err, sizeof(t.err));
	assert_int_equal(waitpid(t.pid, &status, 0), t.pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect(const char *line, int exit, const char *out, const char *err)
{
	int got;

	start(line, "");
	got = finish();
	assert_string_equal(t.err, err);
	assert_string_equal(t.out, out);
	assert_int_equal(got, exit);
}

/* ---- the frame of a test --------------------------------------------------------- */
static int setup(void **state)
{
	const struct passwd *me = getpwuid(geteuid() == 0 ? 65534 : geteuid());
	FILE *f;

	(void)state;
	assert_non_null(me);
	(void)snprintf(t.folder, sizeof(t.folder), "/tmp/postrider-cli-XXXXXX");
	assert_non_null(mkdtemp(t.folder));
	/* as root the command becomes the server's user */
	assert_int_equal(chmod(t.folder, 0755), 0);
	(void)snprintf(t.config, sizeof(t.config), "%s/c.conf", t.folder);
	f = fopen(t.config, "w");
	assert_non_null(f);
	(void)fprintf(f, "data_dir = \"%s/data\"\nrun_dir = \"%s\"\n"
		"user = \"%s\"\n", t.folder, t.folder, me->pw_name);
	assert_int_equal(fclose(f), 0);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"data/directory/directory.db",
		"data/directory/directory.db-wal", "data/lock", "admin.sock",
		"c.conf"};
	char path[160];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", t.folder, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/data/directory", t.folder);
	(void)rmdir(path);
	(void)snprintf(path, sizeof(path), "%s/data", t.folder);
	(void)rmdir(path);
	return rmdir(t.folder);
}

/* ---- words ---------------------------------------------------------------------------- */
static void test_wrong_words_are_named(void **state)
{
	(void)state;
	expect("acount list", 64, "",
		"postrider: there is no acount; did you mean account?\n");
	expect("account lst", 64, "",
		"postrider: there is no lst; did you mean list?\n");
	expect("account frobnicate", 64, "",
		"postrider: there is no frobnicate; see: postrider --help\n");
	expect("xyzzyxyzzy", 64, "",
		"postrider: there is no xyzzyxyzzy; see: postrider --help\n");
	expect("account add a@b.org --password=x", 64, "", "postrider: others "
		"can see the words of a command; give the password with "
		"--password-stdin\n");
}

static void test_help_is_data_and_its_lack_is_not(void **state)
{
	(void)state;
	start("--help", "");
	assert_int_equal(finish(), 0);
	assert_non_null(strstr(t.out, "  postrider alias add ADDRESS|@DOMAIN TARGET"));
	assert_string_equal(t.err, "");
	start("account quota --help", "");
	assert_int_equal(finish(), 0);
	assert_string_equal(t.out, "usage: postrider [--config FILE] [--json] "
		"NOUN [VERB] ...\n\n  postrider account quota ADDRESS "
		"SIZE|none\n      limit the size of a mailbox\n");
	start("", "");
	assert_int_equal(finish(), 64);
	assert_string_equal(t.out, "");
}

static void test_version(void **state)
{
	(void)state;
	expect("--json version", 0,
		"{\"version\":\"" POSTRIDER_VERSION "\"}\n", "");
}

static void test_config(void **state)
{
	char want[256];
	FILE *f = fopen(t.config, "a");

	(void)state;
	(void)snprintf(want, sizeof(want), "postrider: %s is in order\n",
		t.config);
	expect("config check", 0, "", want);
	expect("config explain outbound.port", 0, "outbound.port = 25\n"
		"# The port of other servers.\n", "");
	expect("config explain port", 64, "", "postrider: there is no option "
		"port; did you mean outbound.port?\n");
	assert_non_null(f);
	(void)fprintf(f, "limits { errors = 0 }\n");
	assert_int_equal(fclose(f), 0);
	(void)snprintf(want, sizeof(want), "postrider: %s:4: limits.errors: "
		"\"0\" is not a number in the range (1 to 1000)\n", t.config);
	expect("config check", 78, "", want);
	expect("account list", 78, "", want);
}

static void test_what_config_prints_can_be_read(void **state)
{
	static const char *const lines[] = {"config default", "config show"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct arena arena;
		struct config c;
		struct err e;

		start(lines[i], "");
		assert_int_equal(finish(), 0);
		arena_init(&arena, CONFIG_ARENA_BYTES);
		assert_int_equal(config_parse(span_str(t.out), lines[i], &c,
					 &arena, &e), OK);
		assert_int_equal(c.listen[0].address_count, 2);
		arena_clear(&arena);
	}
}

/* ---- without a server -------------------------------------------------------------------- */
static void test_the_data_of_a_server_that_stands(void **state)
{
	struct stat st;
	char path[128], want[256];

	(void)state;
	(void)snprintf(want, sizeof(want), "postrider: there is no data in "
		"%s/data, and no server runs; is --config right?\n", t.folder);
	expect("account list", 66, "", want);
	expect("domain add crepes.fr", 0, "", "");
	start("account add alice@crepes.fr --password-stdin", "crepe\r\n");
	assert_int_equal(finish(), 0);
	assert_string_equal(t.out, "ACCOUNT          PASSWORD\n"
		"alice@crepes.fr  -\n");
	expect("--json account show alice@crepes.fr", 0,
		"{\"account\":\"alice@crepes.fr\",\"number\":\"1\","
		"\"quota\":\"none\",\"used\":\"0\",\"full\":\"no\","
		"\"password\":\"set\",\"app-passwords\":\"0\","
		"\"certificates\":\"0\"}\n", "");
	expect("account show alise@crepes.fr", 67, "", "postrider: there is "
		"no account alise@crepes.fr; did you mean alice@crepes.fr?\n");
	expect("alias list", 0, "", "");
	(void)snprintf(want, sizeof(want), "postrider: there is no queue in "
		"%s/data/queue yet\n", t.folder);
	expect("queue list", 66, "", want);
	expect("status", 69, "", "postrider: the server does not run; start "
		"it: postrider serve\n");
	(void)snprintf(path, sizeof(path), "%s/data", t.folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

/* The first certificate of a file is named by its fingerprint; the words of
 * --only may be one or two. */
static void test_credentials_of_an_account(void **state)
{
	static const char pem[] = "text before it\n"
		"-----BEGIN CERTIFICATE-----\nMAMC\nAQE=\n"
		"-----END CERTIFICATE-----\n";
	char path[128], line[256], want[256];
	FILE *file;

	(void)state;
	expect("domain add crepes.fr", 0, "", "");
	start("account add alice@crepes.fr --password-stdin", "crepe\n");
	assert_int_equal(finish(), 0);
	start("account app-password add alice@crepes.fr phone --only imap,pop3",
		"");
	assert_int_equal(finish(), 0);
	expect("account app-password add alice@crepes.fr x --only ftp", 65, "",
		"postrider: --only: \"ftp\" is no service; write some of "
		"smtp,imap,pop3\n");
	start("--json account app-password list alice@crepes.fr", "");
	assert_int_equal(finish(), 0);
	assert_non_null(strstr(t.out,
		"{\"name\":\"phone\",\"only\":\"imap,pop3\","));
	(void)snprintf(path, sizeof(path), "%s/data/cert.pem", t.folder);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fputs(pem, file) >= 0 && fclose(file) == 0, 1);
	(void)snprintf(line, sizeof(line),
		"account certificate add alice@crepes.fr %s", path);
	expect(line, 0, "", "");
	start("--json account certificate list alice@crepes.fr", "");
	assert_int_equal(finish(), 0);
	assert_non_null(strstr(t.out, "{\"fingerprint\":\"1b65f68a522c858715f5"
		"dd951cd0402dc16691778814bf0759822b7a257421d0\","));
	expect("account certificate remove alice@crepes.fr 1B:65:F6:8A:52:2C:"
	       "85:87:15:F5:DD:95:1C:D0:40:2D:C1:66:91:77:88:14:BF:07:59:82:"
	       "2B:7A:25:74:21:D0", 0, "", "");
	(void)snprintf(line, sizeof(line), "account certificate add "
		"alice@crepes.fr %s/data/lock", t.folder);
	(void)snprintf(want, sizeof(want), "postrider: %s/data/lock: there is "
		"no certificate in it; give a PEM file, or its SHA-256 "
		"fingerprint\n", t.folder);
	expect(line, 66, "", want);
	expect("account certificate add alice@crepes.fr nothing", 66, "",
		"postrider: nothing: No such file or directory\n");
	(void)unlink(path);
}

static void test_a_lock_without_a_socket(void **state)
{
	char path[128], want[256];
	int fd;

	(void)state;
	expect("domain add crepes.fr", 0, "", "");
	(void)snprintf(path, sizeof(path), "%s/data/lock", t.folder);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	(void)snprintf(want, sizeof(want), "postrider: a server has %s/data, "
		"but does not listen at %s/admin.sock; is it just starting, "
		"or has it another run_dir?\n", t.folder, t.folder);
	expect("domain list", 69, "", want);
	close(fd);
}

/* ---- with a server ------------------------------------------------------------------------ */
static int listen_as_server(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/admin.sock",
		t.folder);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Takes the command; its words by blanks into out. */
static int take_command(int listener, char out[256])
{
	uint8_t packet[4096];
	int fd = accept(listener, NULL, NULL);
	ssize_t n = recv(fd, packet, sizeof(packet), 0);
	struct wire w = wire_of(span_of(packet, n < 0 ? 0 : (size_t)n));
	struct msg_command m;
	struct rec_cell cell;
	size_t at = 0;

	assert_int_equal(wire_get_u32(&w), MSG_COMMAND);
	(void)wire_get_u64(&w);
	assert_true(msg_get_command(w.left, &m));
	out[0] = '\0';
	while (rec_next_cell(&m.words, &cell) == MORE)
		at += (size_t)snprintf(out + at, 256 - at, "%s%.*s",
			at == 0 ? "" : " ", SPAN_ARG(cell.text));
	return fd;
}

static void send_packet(int fd, struct buf *packet)
{
	assert_int_equal(send(fd, buf_span(packet).p, buf_len(packet), 0),
		buf_len(packet));
	buf_reset(packet);
}

static void begin_packet(struct buf *packet, uint32_t type)
{
	wire_put_u32(packet, type);
	wire_put_u64(packet, 0);
}

static void send_row(int fd, struct buf *packet, const char *a, const char *b)
{
	struct rec_cell cells[2] = {{span_str(a)}, {span_str(b)}};
	struct msg_row m;
	struct buf records;

	buf_init(&records, 1024);
	rec_put_cell(&records, &cells[0]);
	rec_put_cell(&records, &cells[1]);
	m.cells = buf_span(&records);
	begin_packet(packet, MSG_ROW);
	msg_put_row(packet, &m);
	send_packet(fd, packet);
	buf_clear(&records);
}

static void test_a_running_server_is_asked(void **state)
{
	struct msg_end end = {EXIT_PARTLY, SPAN("not all of it")};
	int listener = listen_as_server();
	struct buf packet;
	char words[256];
	int fd;

	(void)state;
	buf_init(&packet, 4096);
	start("--json account password a@b.org --password-stdin", "secret\nx");
	fd = take_command(listener, words);
	assert_string_equal(words,
		"account password a@b.org --password=secret");
	send_row(fd, &packet, "account", "password");
	send_row(fd, &packet, "a@b.org", "");
	begin_packet(&packet, MSG_END);
	msg_put_end(&packet, &end);
	send_packet(fd, &packet);
	assert_int_equal(finish(), EXIT_PARTLY);
	assert_string_equal(t.out,
		"{\"account\":\"a@b.org\",\"password\":\"\"}\n");
	assert_string_equal(t.err, "postrider: not all of it\n");
	close(fd);
	close(listener);
	buf_clear(&packet);
}

static void test_a_server_that_goes_away(void **state)
{
	int listener = listen_as_server();
	char words[256];

	(void)state;
	start("status", "");
	close(take_command(listener, words));
	assert_string_equal(words, "status");
	assert_int_equal(finish(), EXIT_TRY_AGAIN);
	assert_string_equal(t.err, "postrider: the server went away before it "
		"had answered; look into its log\n");
	close(listener);
}

static void test_a_server_that_talks_nonsense(void **state)
{
	int listener = listen_as_server();
	char words[256];
	int fd;

	(void)state;
	start("status", "");
	fd = take_command(listener, words);
	assert_int_equal(send(fd, "nonsense, and more of it", 24, 0), 24);
	assert_int_equal(finish(), EXIT_BUG);
	close(fd);
	close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wrong_words_are_named),
		TEST(test_help_is_data_and_its_lack_is_not),
		TEST(test_version),
		TEST(test_config),
		TEST(test_what_config_prints_can_be_read),
		TEST(test_the_data_of_a_server_that_stands),
		TEST(test_credentials_of_an_account),
		TEST(test_a_lock_without_a_socket),
		TEST(test_a_running_server_is_asked),
		TEST(test_a_server_that_goes_away),
		TEST(test_a_server_that_talks_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
