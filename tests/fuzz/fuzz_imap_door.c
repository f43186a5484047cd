/*
 * fuzz_imap_door.c - any bytes to IMAP before the login.
 *
 * The first byte says in pieces of which size the rest arrives, the second how
 * questions are answered and what is known of the connection.  The same bytes
 * in one piece must be answered alike, and the session must begin at the same
 * byte.
 */
#include "base/buf.h"
#include "imap/imap_door.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct play {
	struct arena arena;
	struct imap_door *door;
	struct buf said;
	uint8_t rule;
	unsigned asked;
	size_t taken;
	bool is_over; /* closed, handed over, or a handshake */
};

static void answer(struct play *p, const struct sasl_question *q)
{
	static const enum code verdicts[] = {OK, DENIED, TEMP, OK};
	struct sasl_answer a = {.verdict = verdicts[(p->rule + p->asked++) & 3],
		.salt = SPAN("0123456789abcdef"),
		.rounds = 4096,
		.nonce = {1, 2, 3},
		.signature = span_of("0123456789abcdef0123456789abcdef",
			q->is_sha1 ? 20 : 32)};

	must(q->user.n <= IMAP_DOOR_USER_MAX);
	buf_printf(&p->said, "[%d ", (int)q->type);
	buf_put(&p->said, q->user);
	buf_put(&p->said, q->password);
	buf_put(&p->said, q->proof);
	buf_putc(&p->said, ']');
	imap_door_answer(p->door, &a);
}

static void take_effects(struct play *p)
{
	struct imap_door_effect e;

	while (!p->is_over && imap_door_next(p->door, &e)) {
		if (e.type == IMAP_DOOR_SEND) {
			must(e.bytes.n > 0);
			buf_put(&p->said, e.bytes);
		} else if (e.type == IMAP_DOOR_ASK) {
			answer(p, e.question);
		} else if (e.type == IMAP_DOOR_ASK_TLS) {
			imap_door_tls_answer(p->door, p->rule & 4 ? OK : TEMP);
		} else if (e.type == IMAP_DOOR_HANDOVER && p->rule & 8) {
			must(e.tag.n > 0);
			imap_door_failed(p->door, BUSY);
		} else {
			buf_printf(&p->said, "{%d}", (int)e.type);
			p->is_over = true;
		}
	}
}

static void feed(struct play *p, struct span in, size_t piece)
{
	struct span left = SPAN_EMPTY;
	size_t arrived = 0;
	bool is_moving = true;

	take_effects(p);
	while (is_moving && !p->is_over) {
		size_t taken;

		arrived = in.n - arrived < piece ? in.n : arrived + piece;
		left = span_tail(span_head(in, arrived), p->taken);
		taken = imap_door_feed(p->door, left);
		must(taken <= left.n);
		p->taken += taken;
		take_effects(p);
		is_moving = taken > 0 || arrived < in.n;
	}
}

static void open_play(struct play *p, uint8_t rule)
{
	struct imap_door_config config = {.hostname = SPAN("mx.test"),
		.errors_max = rule & 16 ? 3 : 1000,
		.has_tls = rule & 32,
		.login = {.may_plain = !(rule & 64),
			.has_certificate = rule & 128}};

	*p = (struct play){.rule = rule};
	arena_init(&p->arena, IMAP_DOOR_ARENA_BYTES);
	buf_init(&p->said, 64u << 20);
	p->door = imap_door_open(&p->arena, &config);
	if (rule & 128)
		imap_door_secured(p->door, &config.login);
}

static void close_play(struct play *p)
{
	imap_door_close(p->door);
	arena_clear(&p->arena);
	buf_clear(&p->said);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct play whole, pieces;
	struct span in;

	if (n < 2)
		return 0;
	in = span_of(bytes + 2, n - 2);
	open_play(&whole, bytes[1]);
	open_play(&pieces, bytes[1]);
	feed(&whole, in, in.n);
	feed(&pieces, in, bytes[0] + 1u);
	must(span_eq(buf_span(&whole.said), buf_span(&pieces.said)));
	must(whole.is_over == pieces.is_over);
	must(!whole.is_over || whole.taken == pieces.taken);
	close_play(&whole);
	close_play(&pieces);
	return 0;
}
