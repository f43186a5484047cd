/*
 * cli_certificate.c - reads a PEM file, for the server never sees the file.
 *
 * Whether it is a good certificate does not matter here: the login compares
 * the fingerprint with what the client shows, in a handshake that proved that
 * the client has the key.
 */
#include "cli/cli_certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "codec/base64.h"
#include "codec/hex.h"
#include "crypto/hash.h"

#include "base/banned.h"

#define FILE_BYTES_MAX (1u << 20)

static enum code read_file(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_errno(e, NOT_FOUND, "%s", path);
	do {
		uint8_t *room = buf_reserve(out, 4096);

		n = room == NULL ? 0 : read(fd, room, 4096);
		if (n > 0)
			buf_wrote(out, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	close(fd);
	if (n < 0)
		return err_errno(e, TEMP, "%s", path);
	return OK;
}

/* What stands between the two lines; empty: nothing. */
static struct span cut_certificate(struct span text)
{
	const struct span begin = SPAN("-----BEGIN CERTIFICATE-----");
	const struct span end = SPAN("-----END CERTIFICATE-----");
	size_t at = 0;

	while (text.n > 0 && !span_starts(text, begin))
		text = span_tail(text, 1);
	text = span_tail(text, begin.n);
	while (at < text.n && !span_starts(span_tail(text, at), end))
		at++;
	return at < text.n ? span_head(text, at) : SPAN_EMPTY;
}

static bool put_fingerprint(struct span letters, struct buf *out)
{
	struct base64_decoder decoder;
	struct sha256 sha256;
	struct buf der;
	bool is_good;

	buf_init(&der, FILE_BYTES_MAX);
	base64_decode_init(&decoder);
	base64_decode_feed(&decoder, letters, &der);
	base64_decode_end(&decoder, &der);
	/* a SEQUENCE, as every certificate is: RFC 5280 4.1 */
	is_good = !decoder.is_damaged && buf_len(&der) > 2 &&
		buf_span(&der).p[0] == 0x30;
	sha256 = sha256_of(buf_span(&der));
	if (is_good)
		hex_put(out, sha256_span(&sha256));
	buf_clear(&der);
	return is_good;
}

enum code cli_certificate_fingerprint(const char *path, struct buf *out,
	struct err *e)
{
	struct buf text;
	enum code code;

	buf_init(&text, FILE_BYTES_MAX);
	code = read_file(path, &text, e);
	if (code == OK &&
		!put_fingerprint(cut_certificate(buf_span(&text)), out))
		code = err_set(e, SYNTAX, "%s: there is no certificate in it; "
			"give a PEM file, or its SHA-256 fingerprint", path);
	buf_clear(&text);
	return code;
}
