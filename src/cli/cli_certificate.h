/*
 * cli_certificate.h - the fingerprint of a certificate that lies in a file.
 */
#ifndef POSTRIDER_CLI_CLI_CERTIFICATE_H
#define POSTRIDER_CLI_CLI_CERTIFICATE_H

#include "base/buf.h"

/* 64 hex digits: SHA-256 of the DER form of the first certificate in a PEM file
 * (RFC 7468 5).  SYNTAX: there is none in it. */
enum code cli_certificate_fingerprint(const char *path, struct buf *out,
	struct err *e) MUST_USE;

#endif
