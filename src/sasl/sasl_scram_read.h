/*
 * sasl_scram_read.h - the client's two messages of SCRAM, cut into their
 * attributes.  RFC 5802 5.1, 7
 */
#ifndef POSTRIDER_SASL_SASL_SCRAM_READ_H
#define POSTRIDER_SASL_SASL_SCRAM_READ_H

#include "base/span.h"

/* What is wrong; all but the first two are server-error-value of RFC 5802 7. */
enum scram_error {
	SCRAM_GOOD,
	SCRAM_SYNTAX,    /* it is not SCRAM: the exchange ends without a word */
	SCRAM_ENCODING,  /* no UTF-8, or a NUL */
	SCRAM_EXTENSION, /* m=: something that must be understood, and is not */
	SCRAM_PROOF,
	SCRAM_BINDING,
	SCRAM_DOWNGRADE, /* the client did not see what we offered */
	SCRAM_NO_BINDING,
	SCRAM_TYPE,      /* a channel binding that is not tls-exporter */
	SCRAM_USERNAME,
	SCRAM_OTHER,
	SCRAM_ERROR_COUNT
};
/* "invalid-proof" … */
struct span scram_error_name(enum scram_error e);

/* Spans of the message; names are still escaped. */
struct scram_first {
	uint8_t flag;         /* 'n', 'y', 'p' */
	struct span type;     /* flag p: of the channel binding */
	struct span gs2;      /* what stands before bare */
	struct span authzid;  /* empty: none */
	struct span bare;     /* client-first-message-bare */
	struct span user, nonce;
};
enum scram_error scram_first_read(struct span said, struct scram_first *out);

struct scram_final {
	struct span binding;  /* base64 */
	struct span nonce;
	struct span proof;    /* base64 */
	struct span bare;     /* client-final-message-without-proof */
};
enum scram_error scram_final_read(struct span said, struct scram_final *out);

/* Writes name without its escapes, at most name.n bytes.  False: an "=" that is
 * no escape.  RFC 5802 5.1 */
bool scram_name_unescape(struct span name, uint8_t *out, size_t *out_n);

#endif
