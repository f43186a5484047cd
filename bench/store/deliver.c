/*
 * deliver.c - what a delivery into a store costs: BATCHES times 32 messages of
 * 4 KiB, each batch with a forget, as the account's process does it.
 *
 * usage: deliver FOLDER [BATCHES [SHAPE]]; SHAPE: plain (no References), reply
 * (ten of them), crowd (the same id and subject on all), html
 * (multipart/alternative), file (a multipart of 1 MiB).  Prints the CPU of this
 * process a message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "store/store.h"

#define BATCH 32

/* A crowd has the number 0 on all. */
static void put_head(struct buf *b, unsigned number, bool is_reply)
{
	buf_printf(b,
		"From: Alice Example <alice@crepes.fr>\r\n"
		"To: Bob <bob@hamburger.edu>, \"Carol, of sales\" "
		"<carol@example.org>\r\n"
		"Subject: %sthe ketchup of week %u\r\n"
		"Date: Sat, 21 Nov 2026 10:20:30 +0100\r\n"
		"Message-ID: <%u.ketchup@crepes.fr>\r\n",
		is_reply ? "Re: " : "", number / (is_reply ? 50 : 1), number);
	if (!is_reply)
		return;
	buf_printf(b, "In-Reply-To: <%u.ketchup@crepes.fr>\r\nReferences:",
		number - 1);
	for (unsigned i = 10; i > 0; i--)
		buf_printf(b, "%s<%u.ketchup@crepes.fr>",
			i == 10 ? " " : "\r\n ", number - i);
	buf_puts(b, "\r\n");
}

static void fill(struct buf *b, size_t size)
{
	while (buf_len(b) < size)
		buf_puts(b, "Do you like ketchup?  I do, as everybody who "
			    "ever had some does.\r\n");
}

static void put_message(struct buf *b, unsigned number, const char *shape)
{
	static const char alternative[] = "multipart/alternative";
	bool is_file = strcmp(shape, "file") == 0;

	buf_reset(b);
	put_head(b, strcmp(shape, "crowd") == 0 ? 0 : number,
		strcmp(shape, "reply") == 0);
	buf_puts(b, "MIME-Version: 1.0\r\n");
	if (!is_file && strcmp(shape, "html") != 0) {
		buf_puts(b, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
		fill(b, 4096);
		return;
	}
	buf_printf(b, "Content-Type: %s; boundary=\"=-b\"\r\n\r\n--=-b\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n\r\n",
		is_file ? "multipart/mixed" : alternative);
	fill(b, 2048);
	buf_puts(b, is_file ? "--=-b\r\nContent-Type: application/pdf; "
			      "name=x.pdf\r\nContent-Disposition: attachment; "
			      "filename=x.pdf\r\n\r\n"
			    : "--=-b\r\nContent-Type: text/html; "
			      "charset=utf-8\r\n\r\n<p>");
	fill(b, is_file ? 1 << 20 : 4096);
	buf_puts(b, "--=-b--\r\n");
}

static double cpu_us(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return 1e6 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void need(enum code code, const struct err *e)
{
	if (code == OK)
		return;
	(void)fprintf(stderr, "deliver: %s\n", e->text);
	exit(1);
}

static void batch(struct store *s, unsigned first, const char *shape)
{
	static struct buf b = {.max = 2 << 20};
	struct err e;

	need(store_delivery_begin(s, &e), &e);
	need(store_forget(s, first, NULL, 0, &e), &e);
	for (unsigned i = 0; i < BATCH; i++) {
		struct store_delivery d = {.qid = first + i, .fd = -1,
			.received_ms = 1700000000000,
			.reverse_path = SPAN("alice@crepes.fr"),
			.rcpt = SPAN("bob@hamburger.edu"),
			.trace = SPAN("Received: from mx.crepes.fr "
				"([127.0.0.1])\r\n\tby mx.hamburger.edu with "
				"ESMTP id 0123456789;\r\n\tSat, 21 Nov 2026 "
				"10:20:31 +0100\r\n")};
		struct sha256 sum;
		uint64_t uid;

		put_message(&b, first + i, shape);
		d.body = buf_span(&b);
		d.size = d.body.n;
		sum = sha256_of(d.body);
		d.sha256 = sha256_span(&sum);
		need(store_delivery_add(s, &d, &uid, &e), &e);
	}
	need(store_delivery_commit(s, &e), &e);
}

int main(int argc, char **argv)
{
	unsigned batches = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 300;
	const char *shape = argc > 3 ? argv[3] : "plain";
	char path[4096];
	struct store *s;
	struct err e;
	double begun;

	if (argc < 2 || snprintf(path, sizeof(path), "%s/mail.db", argv[1]) < 0) {
		(void)fputs("usage: deliver FOLDER [BATCHES [SHAPE]]\n", stderr);
		return 64;
	}
	need(store_open(path, 1, 1700000000000, &s, &e), &e);
	begun = cpu_us();
	for (unsigned i = 0; i < batches; i++)
		batch(s, 1000 + i * BATCH, shape);
	(void)printf("%s: %.1f us a message\n", shape,
		(cpu_us() - begun) / (batches * BATCH));
	store_close(s);
	return 0;
}
