/*
 * fuzz_envelope.c - an envelope from a head, and from packed bytes.
 *
 * What a head gives is packed and unpacked as itself; packed bytes of anybody
 * are refused, or are the ones that packing makes.
 */
#include <stddef.h>
#include <stdint.h>

#include "message/envelope.h"
#include "message/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_BYTES (64u << 20)

static void check_packed(struct span packed)
{
	struct arena arena;
	struct envelope e;
	struct buf again;

	arena_init(&arena, ARENA_BYTES);
	buf_init(&again, packed.n);
	if (envelope_unpack(&arena, packed, &e)) {
		envelope_pack(&e, &again);
		must(!again.overflow && span_eq(buf_span(&again), packed));
	}
	buf_clear(&again);
	arena_clear(&arena);
}

static void check_head(struct span head)
{
	struct arena arena;
	struct envelope e = {0};
	struct header_field field;
	struct span rest = head;
	struct envelope back;
	struct buf packed;
	struct date date;

	arena_init(&arena, ARENA_BYTES);
	while (header_next(&rest, &field))
		envelope_take(&e, &arena, field.name, field.value);
	(void)envelope_sent(&e, &date);
	buf_init(&packed, head.n * 8 + 64);
	envelope_pack(&e, &packed);
	must(!packed.overflow);
	must(envelope_unpack(&arena, buf_span(&packed), &back));
	check_packed(buf_span(&packed));
	buf_clear(&packed);
	arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);

	check_head(in);
	check_packed(in);
	return 0;
}
