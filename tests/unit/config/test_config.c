/*
 * test_config.c - defaults, every kind of error with its exact text, and the
 * round trip through text.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

static struct arena arena;

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena, CONFIG_ARENA_BYTES);
	return 0;
}

static int clear_arena(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

static void assert_span(struct span s, const char *want)
{
	if (!span_eq(s, span_str(want)))
		fail_msg("\"%.*s\" instead of \"%s\"", SPAN_ARG(s), want);
}

static enum code parse(const char *text, struct config *c, struct err *e)
{
	e->text[0] = '\0';
	return config_parse(span_str(text), "t.conf", c, &arena, e);
}

static void parse_ok(const char *text, struct config *c)
{
	struct err e;

	if (parse(text, c, &e) != OK)
		fail_msg("%s", e.text);
}

static void test_empty_file_is_the_defaults(void **state)
{
	struct config c;
	char host[256] = "";

	(void)state;
	parse_ok("", &c);
	gethostname(host, sizeof(host) - 1);
	assert_span(c.hostname, host);
	assert_span(c.data_dir, "/var/lib/postrider");
	assert_span(c.run_dir, "/run/postrider");
	assert_span(c.user, "postrider");
	assert_int_equal(c.listen[0].address_count, 2);
	assert_span(c.listen[0].addresses[0], "0.0.0.0:25");
	assert_span(c.listen[0].addresses[1], "[::]:25");
	assert_span(c.listen[1].addresses[0], "0.0.0.0:587");
	assert_span(c.listen[2].addresses[0], "0.0.0.0:110");
	assert_int_equal(c.login_plaintext, PLAINTEXT_LOOPBACK);
	assert_int_equal(c.message_size_max, 50 << 20);
	assert_int_equal(c.recipients_max, 1000);
	assert_int_equal(c.connections_max, 10000);
	assert_int_equal(c.connections_per_address, 50);
	assert_int_equal(c.errors_max, 10);
	assert_int_equal(c.received_max, 100);
	assert_int_equal(c.fronts, 0);
	assert_int_equal(c.retry_count, 4);
	assert_int_equal(c.retry_ms[0], 60000);
	assert_int_equal(c.retry_ms[3], 1800000);
	assert_int_equal(c.warn_after_ms, 4 * 3600000);
	assert_int_equal(c.give_up_after_ms, 5 * 86400000LL);
	assert_int_equal(c.bounce_give_up_after_ms, 86400000);
	assert_int_equal(c.keep_history_ms, 30 * 86400000LL);
	assert_int_equal(c.outbound_port, 25);
	assert_int_equal(c.outbound_per_domain, 20);
	assert_int_equal(c.outbound_idle_ms, 20000);
	assert_int_equal(c.outbound_tls, CONFIG_TLS_MAY);
	assert_int_equal(c.relay_network_count, 2);
	assert_span(c.relay_networks[0], "127.0.0.0/8");
	assert_int_equal(c.submission_from, SUBMISSION_FROM_OWN);
	assert_int_equal(c.notice_language, CONFIG_LANGUAGE_EN);
	assert_true(c.submission_hide_client);
	assert_int_equal(c.tls_policy_count, 0);
	assert_int_equal(c.smarthost.n, 0);
	assert_int_equal(c.server_count, 0);
	assert_int_equal(c.local_count, 0);
	assert_int_equal(c.account_idle_ms, 60000);
	assert_int_equal(c.log_level, LOG_INFO);
	assert_span(c.log_to, "stderr");
}

static const char full[] =
	"# a comment\n"
	"hostname = \"mx.crepes.fr\"\n"
	"data_dir = '/tmp/d'\n"
	"run_dir = /tmp/r\n"
	"user = \"\"\n"
	"fronts = 2\n"
	"listen smtp { addresses = {\"127.0.0.2:2525\", \"[::1]:2525\"} }\n"
	"listen pop3 { addresses = {} }\n"
	"login { plaintext = \"always\" }\n"
	"limits { message_size = 10K recipients = 200 received = 50 }\n"
	"queue { retry = {\"30m\"} give_up_after = 2d "
	"notice_language = fr }\n"
	"outbound { port = 2525 smarthost = \"[127.0.0.1]:26\" tls = must\n"
	"  tls_policy = {\"bank.example must\", \".old.example never\"} }\n"
	"resolver { servers = {\"127.0.0.1@5353\"}\n"
	"  local = {\"a. MX 10 b.\", \"b. TXT \\\"it's $5 \\\\\\\" x\"} }\n"
	"log { level = \"debug\" to = \"/tmp/log\" }\n";

static void assert_full(const struct config *c)
{
	assert_span(c->hostname, "mx.crepes.fr");
	assert_span(c->data_dir, "/tmp/d");
	assert_span(c->run_dir, "/tmp/r");
	assert_int_equal(c->user.n, 0);
	assert_int_equal(c->fronts, 2);
	assert_int_equal(c->listen[0].address_count, 2);
	assert_span(c->listen[0].addresses[1], "[::1]:2525");
	assert_int_equal(c->listen[1].address_count, 2);
	assert_int_equal(c->listen[2].address_count, 0);
	assert_int_equal(c->login_plaintext, PLAINTEXT_ALWAYS);
	assert_int_equal(c->message_size_max, 10240);
	assert_int_equal(c->recipients_max, 200);
	assert_int_equal(c->connections_max, 10000);
	assert_int_equal(c->received_max, 50);
	assert_int_equal(c->retry_count, 1);
	assert_int_equal(c->retry_ms[0], 1800000);
	assert_int_equal(c->give_up_after_ms, 2 * 86400000);
	assert_int_equal(c->notice_language, CONFIG_LANGUAGE_FR);
	assert_int_equal(c->outbound_port, 2525);
	assert_span(c->smarthost, "[127.0.0.1]:26");
	assert_int_equal(c->outbound_tls, CONFIG_TLS_MUST);
	assert_int_equal(c->tls_policy_count, 2);
	assert_span(c->tls_policies[1], ".old.example never");
	assert_span(c->servers[0], "127.0.0.1@5353");
	assert_int_equal(c->local_count, 2);
	assert_span(c->local[0], "a. MX 10 b.");
	assert_span(c->local[1], "b. TXT \"it's $5 \\\" x");
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_span(c->log_to, "/tmp/log");
}

static void test_every_option_is_read(void **state)
{
	struct config c;

	(void)state;
	parse_ok(full, &c);
	assert_full(&c);
}

static void test_put_and_parse_give_the_same(void **state)
{
	static struct config c, again;
	struct buf text, second;
	struct err e;

	(void)state;
	parse_ok(full, &c);
	buf_init(&text, 65536);
	buf_init(&second, 65536);
	config_put(&text, &c);
	assert_int_equal(config_parse(buf_span(&text), "put", &again, &arena,
				 &e), OK);
	assert_full(&again);
	config_put(&second, &again);
	assert_true(span_eq(buf_span(&text), buf_span(&second)));
	buf_reset(&text);
	config_put_explained(&text, &c);
	assert_int_equal(config_parse(buf_span(&text), "put", &again,
				 &arena, &e), OK);
	assert_full(&again);
	buf_clear(&text);
	buf_clear(&second);
}

static void test_a_list_grows_from_its_default(void **state)
{
	struct config c;

	(void)state;
	parse_ok("listen smtp { addresses += {\"127.0.0.1:26\"} }", &c);
	assert_int_equal(c.listen[0].address_count, 3);
	assert_span(c.listen[0].addresses[0], "0.0.0.0:25");
	assert_span(c.listen[0].addresses[2], "127.0.0.1:26");
}

/* A person reads these: they are tested to the letter. */
static const struct {
	const char *text, *error;
} errors[] = {
	{"hostnam = x",
		"t.conf:1: hostnam: there is no such option; did you mean "
		"hostname?"},
	{"\n\nlimits {\n message_syze = 5M\n}",
		"t.conf:4: limits.message_syze: there is no such option; did "
		"you mean limits.message_size?"},
	{"recipients = 5",
		"t.conf:1: recipients: there is no such option; did you mean "
		"limits.recipients?"},
	{"frobnicate { certificate = x }",
		"t.conf:1: frobnicate: there is no such option; take it out, or "
		"see: postrider config default"},
	{"tls { certificate = x key = /y }",
		"t.conf:1: tls.certificate: \"x\" is not a file; write its "
		"path from the root, as in \"/etc/postrider/fullchain.pem\""},
	{"tls { certificate = /x }",
		"t.conf: tls.key: there are not as many as in "
		"tls.certificate; write one for each, in the same order"},
	{"listen ftp { addresses = {\"0.0.0.0:21\"} }",
		"t.conf:1: listen: there is no such service; "
		"write listen smtp, submission, submissions, pop3, pop3s, imap "
		"or imaps"},
	{"listen ftp { }",
		"t.conf:1: listen: there is no such service; "
		"write listen smtp, submission, submissions, pop3, pop3s, imap "
		"or imaps"},
	{"hostname = \"a b\"",
		"t.conf:1: hostname: \"a b\" is not a host name; write "
		"letters, digits, hyphens and dots, as in \"mx.example.org\""},
	{"data_dir = data",
		"t.conf:1: data_dir: \"data\" is not a path that can be used; "
		"write it from the root and not too long, as in "
		"\"/var/lib/postrider\""},
	{"listen smtp {\naddresses = {\"127.0.0.1\"}\n}",
		"t.conf:2: listen.smtp.addresses: \"127.0.0.1\" is not an "
		"address to listen on; write \"0.0.0.0:25\" or \"[::]:25\""},
	{"listen smtp { addresses = {\"::1:25\"} }",
		"t.conf:1: listen.smtp.addresses: \"::1:25\" is not an "
		"address to listen on; write \"0.0.0.0:25\" or \"[::]:25\""},
	{"limits { recipients = 10 }",
		"t.conf:1: limits.recipients: \"10\" is not a number in the "
		"range (100 to 1000)"},
	{"limits { message_size = huge }",
		"t.conf:1: limits.message_size: \"huge\" is not a size in the "
		"range; write a number and K, M or G, as in \"50M\" (\"1K\" "
		"to \"1T\")"},
	{"queue { retry = {\"1m\", \"soon\"} }",
		"t.conf:1: queue.retry: \"soon\" is not a time in the range; "
		"write a number and s, m, h, d or w, as in \"15m\" (\"1s\" to "
		"\"30d\")"},
	{"queue { retry = {} }",
		"t.conf:1: queue.retry: there is no value; write at least "
		"one, as in {\"30m\"}"},
	{"limits {\n errors = 5\n",
		"t.conf:4: limits: the section does not end; write } behind "
		"it"},
	{"queue { warn_after = 9d }",
		"t.conf: queue.warn_after: it is later than "
		"queue.give_up_after; write a shorter time"},
	{"login { plaintext = maybe }",
		"t.conf:1: login.plaintext: \"maybe\" is not one of the words; "
		"write \"never\", \"loopback\" or \"always\""},
	{"queue { notice_language = xx }",
		"t.conf:1: queue.notice_language: \"xx\" is not one of the "
		"languages; write \"en\", \"de\" or \"fr\""},
	{"log { level = loud }",
		"t.conf:1: log.level: \"loud\" is not a level; write "
		"\"error\", \"warn\", \"info\", \"debug\" or \"trace\""},
	{"log { to = here }",
		"t.conf:1: log.to: \"here\" is not a place for the log; write "
		"\"stderr\" or the whole path of a file"},
	{"outbound { smarthost = \"a:b\" }",
		"t.conf:1: outbound.smarthost: \"a:b\" is not a server; write "
		"\"mx.example.org\", \"mx.example.org:587\" or "
		"\"[192.0.2.1]:25\""},
	{"outbound { tls = yes }",
		"t.conf:1: outbound.tls: \"yes\" is not one of the words; "
		"write \"never\", \"may\" or \"must\""},
	{"relay { networks = {\"192.0.2.0/24\", \"0.0.0.0/0\"} }",
		"t.conf:1: relay.networks: \"0.0.0.0/0\" is not a "
		"network; write \"192.0.2.0/24\" or \"2001:db8::/32\", and "
		"not all addresses there are"},
	{"submission { from = \"everybody\" }",
		"t.conf:1: submission.from: \"everybody\" is not one of the "
		"words; write \"own\" or \"any\""},
	{"outbound { tls_policy = {\"bank.example\"} }",
		"t.conf:1: outbound.tls_policy: \"bank.example\" is not a "
		"domain and a word; write \"bank.example must\", or "
		"\".example never\" for all domains below example"},
	{"outbound { tls_policy = {\"*.example must\"} }",
		"t.conf:1: outbound.tls_policy: \"*.example must\" is not a "
		"domain and a word; write \"bank.example must\", or "
		"\".example never\" for all domains below example"},
	{"outbound { tls_policy = {\". must\"} }",
		"t.conf:1: outbound.tls_policy: \". must\" is not a "
		"domain and a word; write \"bank.example must\", or "
		"\".example never\" for all domains below example"},
	{"outbound { tls_policy = {\"a.example must not\"} }",
		"t.conf:1: outbound.tls_policy: \"a.example must not\" is not "
		"a domain and a word; write \"bank.example must\", or "
		"\".example never\" for all domains below example"},
	{"resolver { servers = {\"ns\"} }",
		"t.conf:1: resolver.servers: \"ns\" is not a DNS server; write "
		"\"192.0.2.53\" or \"192.0.2.53@5353\""},
};

static void test_errors_name_place_and_cure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct config c;
		struct err e;

		assert_int_equal(parse(errors[i].text, &c, &e), SYNTAX);
		assert_string_equal(e.text, errors[i].error);
	}
}

/* The words of these are libconfuse's; the place is ours. */
static void test_broken_syntax_names_its_line(void **state)
{
	static const char *const broken[] = {"\nhostname", "\nhostname = ",
		"\nlimits {", "\n}", "\nlimits = 5", "\nlisten { }",
		"\nhostname = \"x", "\nlisten smtp {}\nlisten smtp {}",
		"\nfronts = {1, 2}"};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct config c;
		struct err e;

		if (parse(broken[i], &c, &e) != SYNTAX)
			fail_msg("taken: %s", broken[i]);
		if (strncmp(e.text, "t.conf:", 7) != 0 ||
			(e.text[7] < '2' || e.text[7] > '4'))
			fail_msg("%zu: %s", i, e.text);
	}
}

static void test_the_nearest_tls_policy_counts(void **state)
{
	static const struct {
		const char *domain;
		enum config_tls tls;
	} rows[] = {
		{"other.test", CONFIG_TLS_MAY},
		{"example", CONFIG_TLS_MAY},
		{"a.example", CONFIG_TLS_NEVER},
		{"badexample", CONFIG_TLS_MAY},
		{".example", CONFIG_TLS_MAY},
		{"bank.example", CONFIG_TLS_MUST},
		{"BANK.Example", CONFIG_TLS_MUST},
		{"evilbank.example", CONFIG_TLS_NEVER},
		{"www.bank.example", CONFIG_TLS_MAY},
		{"a.www.bank.example", CONFIG_TLS_MAY},
		{"old.www.bank.example", CONFIG_TLS_NEVER},
		{"two.test", CONFIG_TLS_MUST},
		{"[127.0.0.1]", CONFIG_TLS_MAY},
		{"", CONFIG_TLS_MAY},
	};
	struct config c;

	(void)state;
	parse_ok("outbound { tls_policy = {\"Bank.example must\", "
		 "\".example never\", \".bank.example may\", "
		 "\"old.www.bank.example never\", "
		 "\"two.test must\", \"two.test never\"} }", &c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (config_tls_for(&c, span_str(rows[i].domain)) !=
			rows[i].tls)
			fail_msg("%s", rows[i].domain);
}

static void test_nul_and_too_long_are_refused(void **state)
{
	static char large[60000];
	struct config c;
	struct err e;

	(void)state;
	assert_int_equal(config_parse(SPAN("user = x\0y"), "n", &c, &arena,
				 &e), SYNTAX);
	memset(large, '\n', sizeof(large) - 1);
	assert_int_equal(parse(large, &c, &e), LIMIT);
}

static void test_load_reads_a_file(void **state)
{
	char path[] = "/tmp/postrider-config-XXXXXX";
	int fd = mkstemp(path);
	struct config c;
	struct err e;
	char want[128];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "fronts = 3\nport = 1\n", 20), 20);
	assert_int_equal(config_load(path, &c, &arena, &e), SYNTAX);
	snprintf(want, sizeof(want), "%s:2: port: there is no such option; did "
		"you mean outbound.port?", path);
	assert_string_equal(e.text, want);
	assert_int_equal(ftruncate(fd, 11), 0);
	assert_int_equal(config_load(path, &c, &arena, &e), OK);
	assert_int_equal(c.fronts, 3);
	close(fd);
	unlink(path);
	assert_int_equal(config_load(path, &c, &arena, &e), NOT_FOUND);
}

static void test_addresses(void **state)
{
	struct config_address at;

	(void)state;
	assert_true(config_parse_address(SPAN("127.0.0.1:25"), &at));
	assert_int_equal(at.len, 4);
	assert_int_equal(at.port, 25);
	assert_memory_equal(at.bytes, "\x7f\0\0\1", 4);
	assert_true(config_parse_address(SPAN("[::1]:0"), &at));
	assert_int_equal(at.len, 16);
	assert_int_equal(at.bytes[15], 1);
	assert_false(config_parse_address(SPAN("[127.0.0.1]:25"), &at));
	assert_false(config_parse_address(SPAN("::1:25"), &at));
	assert_false(config_parse_address(SPAN("127.0.0.1:65536"), &at));
	assert_false(config_parse_address(SPAN("127.0.0.1:"), &at));
	assert_false(config_parse_address(SPAN(""), &at));
}

static void test_explain(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_true(config_explain(&out, SPAN("limits.received")));
	assert_span(buf_span(&out), "limits.received = 100\n"
		"# A message with more Received: fields goes round in circles "
		"and is refused\n# (RFC 5321 6.3).\n");
	buf_reset(&out);
	assert_true(config_explain(&out, SPAN("listen smtp.addresses")));
	buf_reset(&out);
	assert_false(config_explain(&out, SPAN("limits.recieved")));
	assert_span(buf_span(&out), "limits.received");
	buf_reset(&out);
	assert_false(config_explain(&out, SPAN("zzzzzz")));
	assert_int_equal(buf_len(&out), 0);
	buf_clear(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, clear_arena)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_empty_file_is_the_defaults),
		TEST(test_every_option_is_read),
		TEST(test_put_and_parse_give_the_same),
		TEST(test_a_list_grows_from_its_default),
		TEST(test_errors_name_place_and_cure),
		TEST(test_broken_syntax_names_its_line),
		TEST(test_the_nearest_tls_policy_counts),
		TEST(test_nul_and_too_long_are_refused),
		TEST(test_load_reads_a_file),
		TEST(test_addresses),
		TEST(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
