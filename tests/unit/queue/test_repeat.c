/*
 * test_repeat.c - which transactions have one name, and which have not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "queue/queue_repeat.h"

struct transaction {
	const char *what;
	uint8_t client[16];
	size_t client_bytes;
	const char *from;
	const char *to[3];
	uint8_t hash; /* first byte of the body's */
	bool is_same; /* as the first row */
};

#define V4(a, b, c, d) {a, b, c, d}, 4
static const struct transaction rows[] = {
	{"the first", V4(192, 0, 2, 1), "alice@crepes.fr",
		{"bob@h.edu", "carol@h.edu"}, 1, true},
	{"again", V4(192, 0, 2, 1), "alice@crepes.fr",
		{"bob@h.edu", "carol@h.edu"}, 1, true},
	{"another order", V4(192, 0, 2, 1), "alice@crepes.fr",
		{"carol@h.edu", "bob@h.edu"}, 1, true},
	{"a neighbouring address", V4(192, 0, 2, 254), "alice@crepes.fr",
		{"bob@h.edu", "carol@h.edu"}, 1, true},
	{"another network", V4(192, 0, 3, 1), "alice@crepes.fr",
		{"bob@h.edu", "carol@h.edu"}, 1, false},
	{"another sender", V4(192, 0, 2, 1), "alicia@crepes.fr",
		{"bob@h.edu", "carol@h.edu"}, 1, false},
	{"the null sender", V4(192, 0, 2, 1), "",
		{"bob@h.edu", "carol@h.edu"}, 1, false},
	{"one recipient less", V4(192, 0, 2, 1), "alice@crepes.fr",
		{"bob@h.edu"}, 1, false},
	{"one recipient more", V4(192, 0, 2, 1), "alice@crepes.fr",
		{"bob@h.edu", "carol@h.edu", "dave@h.edu"}, 1, false},
	{"another recipient", V4(192, 0, 2, 1), "alice@crepes.fr",
		{"bob@h.edu", "dave@h.edu"}, 1, false},
	{"a recipient twice", V4(192, 0, 2, 1), "alice@crepes.fr",
		{"bob@h.edu", "bob@h.edu"}, 1, false},
	{"another body", V4(192, 0, 2, 1), "alice@crepes.fr",
		{"bob@h.edu", "carol@h.edu"}, 2, false},
	{"IPv6", {192, 0, 2, 1}, 16, "alice@crepes.fr",
		{"bob@h.edu", "carol@h.edu"}, 1, false},
};

static struct queue_repeat name_of(const struct transaction *t)
{
	struct queue_rcpt rcpts[3] = {0};
	uint8_t hash[32] = {t->hash};
	struct queue_msg m = {.reverse_path = span_str(t->from),
		.sha256 = span_of(hash, 32), .rcpts = rcpts};
	struct queue_repeat r;
	struct buf scratch;

	while (m.rcpt_count < 3 && t->to[m.rcpt_count] != NULL) {
		rcpts[m.rcpt_count].idx = (uint32_t)m.rcpt_count;
		rcpts[m.rcpt_count].address = span_str(t->to[m.rcpt_count]);
		m.rcpt_count++;
	}
	/* of no consequence: numbers and times */
	m.qid = (uint64_t)(t - rows);
	m.since_ms = 1000 + t->hash;
	buf_init(&scratch, 4096);
	buf_puts(&scratch, "left from before");
	r = queue_repeat_of(&m, m.sha256,
		span_of(t->client, t->client_bytes), &scratch);
	buf_clear(&scratch);
	return r;
}

static void knows_repetitions(void **state)
{
	struct queue_repeat first = name_of(&rows[0]);

	(void)state;
	for (size_t i = 1; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct queue_repeat r = name_of(&rows[i]);

		if ((memcmp(&r, &first, sizeof(r)) == 0) != rows[i].is_same)
			fail_msg("%s", rows[i].what);
	}
}

/* Sender and recipient may not flow into each other. */
static void keeps_the_parts_apart(void **state)
{
	struct transaction a = rows[0], b = rows[0];
	struct queue_repeat one, other;

	(void)state;
	a.from = "ab";
	b.from = "a";
	a.to[0] = "c";
	b.to[0] = "bc";
	a.to[1] = b.to[1] = NULL;
	one = name_of(&a);
	other = name_of(&b);
	assert_memory_not_equal(&one, &other, sizeof(one));
}

static void takes_the_64_of_ipv6(void **state)
{
	struct transaction a = rows[0], b = rows[0];
	struct queue_repeat one, other;

	(void)state;
	a.client_bytes = b.client_bytes = 16;
	b.client[8] = 1;
	one = name_of(&a);
	other = name_of(&b);
	assert_memory_equal(&one, &other, sizeof(one));
	b.client[7] = 1;
	other = name_of(&b);
	assert_memory_not_equal(&one, &other, sizeof(one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_repetitions),
		cmocka_unit_test(keeps_the_parts_apart),
		cmocka_unit_test(takes_the_64_of_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
