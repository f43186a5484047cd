/*
 * fuzz_message.c - header, encoded words and parameters.
 *
 * What the encoders write of any bytes must decode to the same.
 */
#include <stddef.h>
#include <stdint.h>

#include "codec/base64.h"
#include "codec/qp.h"
#include "message/header.h"
#include "message/param.h"
#include "message/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_round_trips(struct span in)
{
	struct qp_encoder qp;
	struct qp_decoder un_qp;
	struct base64_encoder b64;
	struct base64_decoder un_b64;
	struct buf coded, back;

	buf_init(&coded, in.n * 4 + 64);
	buf_init(&back, in.n * 4 + 64);
	qp_encode_init(&qp);
	qp_encode_feed(&qp, in, &coded);
	qp_encode_end(&qp, &coded);
	qp_decode_init(&un_qp);
	qp_decode_feed(&un_qp, buf_span(&coded), &back);
	qp_decode_end(&un_qp, &back);
	must(!un_qp.is_damaged && span_eq(buf_span(&back), in));
	buf_reset(&coded);
	buf_reset(&back);
	base64_encode_init(&b64, BASE64_MAIL_LINE);
	base64_encode_feed(&b64, in, &coded);
	base64_encode_end(&b64, &coded);
	base64_decode_init(&un_b64);
	base64_decode_feed(&un_b64, buf_span(&coded), &back);
	base64_decode_end(&un_b64, &back);
	must(!un_b64.is_damaged && span_eq(buf_span(&back), in));
	buf_clear(&coded);
	buf_clear(&back);
}

static void read_header(struct span in)
{
	struct span rest = in;
	struct header_field field;
	struct buf out;

	buf_init(&out, in.n * 4 + 64);
	while (header_next(&rest, &field)) {
		buf_reset(&out);
		words_put_decoded(&out, field.value);
		must(!out.overflow);
	}
	(void)param_get(in, SPAN("name"), &out);
	buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n);

	read_header(in);
	check_round_trips(in);
	return 0;
}
