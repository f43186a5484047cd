/*
 * bench.h - what the files of the benchmark share.
 *
 * A work goes over its sample once a call; each library brings a row of works
 * with the same names, and who lacks one prints no figure.
 */
#ifndef POSTRIDER_BENCH_MESSAGE_H
#define POSTRIDER_BENCH_MESSAGE_H

#include "base/buf.h"
#include "base/span.h"

/* What is worked on: pieces that lie in one buf. */
struct sample {
	struct buf bytes;
	struct span *pieces;
	size_t count;
};

void sample_clear(struct sample *s);
/* Messages of 4 KiB of plain text. */
void sample_plain(struct sample *s);
/* One message of 10 MB: some text, and a file in base64. */
void sample_attachment(struct sample *s);
/* The files of a folder; false: it cannot be read. */
bool sample_folder(struct sample *s, const char *folder);
/* 8 MB of any bytes; of text in German, with CRLF. */
void sample_bytes(struct sample *s);
void sample_text(struct sample *s);
/* Values of fields with encoded words. */
void sample_words(struct sample *s);

/* One round over a sample.  Returns a number made of the results, so that
 * nobody leaves the work out. */
typedef size_t work_run(const struct sample *s);

struct works {
	const char *name;
	work_run *parse, *view, *pack;
	work_run *base64_encode, *base64_decode;
	work_run *qp_encode, *qp_decode;
	work_run *words;
};

extern const struct works works_ours;
/* Its name is NULL where it was not there when this was built. */
extern const struct works works_gmime;

#endif
