/*
 * bench_message.c - how fast messages are understood, beside GMime.
 *
 * usage: bench_message [FOLDER]
 *
 * FOLDER holds messages, one a file *.eml.  Times are CPU of this process; the
 * libraries take turns, and the best of many turns counts: what else runs on
 * the machine can only make one slower.
 */
#include <stdio.h>
#include <time.h>

#include "bench.h"

#include "codec/transfer.h"

#define TURNS   9
#define TURN_NS 30000000

static volatile size_t sink;

static int64_t cpu_ns(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Nanoseconds of one round. */
static double turn(work_run *run, const struct sample *s)
{
	int64_t start = cpu_ns(), now;
	unsigned rounds = 0;

	do {
		sink += run(s);
		rounds++;
		now = cpu_ns();
	} while (now - start < TURN_NS);
	return (double)(now - start) / rounds;
}

static void print_speed(double ns, size_t bytes)
{
	if (ns > 0)
		printf(" %8.0f |", (double)bytes * 1000 / ns);
	else
		printf("        - |");
}

static void measure(const char *name, const struct sample *s, work_run *ours,
	work_run *theirs)
{
	double best_ours = 0, best_theirs = 0;
	size_t bytes = 0;

	for (size_t i = 0; i < s->count; i++)
		bytes += s->pieces[i].n;
	for (unsigned i = 0; i < TURNS; i++) {
		double ns = turn(ours, s);

		if (i == 0 || ns < best_ours)
			best_ours = ns;
		ns = theirs == NULL ? 0 : turn(theirs, s);
		if (i == 0 || ns < best_theirs)
			best_theirs = ns;
	}
	printf("| %-38s |", name);
	print_speed(best_ours, bytes);
	print_speed(best_theirs, bytes);
	if (best_theirs > 0)
		printf(" %5.1f | %8.0f |\n", best_theirs / best_ours,
			best_ours / (double)s->count);
	else
		printf("     - | %8.0f |\n", best_ours / (double)s->count);
	(void)fflush(stdout);
}

static void measure_messages(const char *folder)
{
	const struct works *a = &works_ours, *b = &works_gmime;
	struct sample s;

	sample_plain(&s);
	measure("parse, plain text of 4 KiB", &s, a->parse, b->parse);
	measure("the same, ENVELOPE and BODYSTRUCTURE", &s, a->view, b->view);
	measure("the same, packed for the store", &s, a->pack, b->pack);
	sample_clear(&s);
	sample_attachment(&s);
	measure("parse, 10 MB with a file", &s, a->parse, b->parse);
	sample_clear(&s);
	if (folder == NULL)
		return;
	if (!sample_folder(&s, folder)) {
		(void)fprintf(stderr, "bench_message: no folder %s\n", folder);
		return;
	}
	measure("parse, the corpus", &s, a->parse, b->parse);
	measure("the same, ENVELOPE and BODYSTRUCTURE", &s, a->view, b->view);
	sample_clear(&s);
}

/* The encoded form of a sample. */
static void encode(struct sample *s, enum transfer_coding coding)
{
	struct transfer_encoder e;
	struct buf coded;

	buf_init(&coded, s->pieces[0].n * 4 + 64);
	transfer_encode_init(&e, coding);
	transfer_encode_feed(&e, s->pieces[0], &coded);
	transfer_encode_end(&e, &coded);
	buf_clear(&s->bytes);
	s->bytes = coded;
	s->pieces[0] = buf_span(&coded);
}

static void measure_codecs(void)
{
	const struct works *a = &works_ours, *b = &works_gmime;
	struct sample s;

	sample_bytes(&s);
	measure("base64, encode", &s, a->base64_encode, b->base64_encode);
	encode(&s, TRANSFER_BASE64);
	measure("base64, decode", &s, a->base64_decode, b->base64_decode);
	sample_clear(&s);
	sample_text(&s);
	measure("quoted-printable, encode", &s, a->qp_encode, b->qp_encode);
	encode(&s, TRANSFER_QP);
	measure("quoted-printable, decode", &s, a->qp_decode, b->qp_decode);
	sample_clear(&s);
	sample_words(&s);
	measure("encoded words of a subject", &s, a->words, b->words);
	sample_clear(&s);
}

int main(int argc, char **argv)
{
	const char *peer = works_gmime.name;

	if (peer == NULL)
		(void)fprintf(stderr, "bench_message: built without GMime; "
			"its package is libgmime-3.0-dev\n");
	printf("| MB/s of input                          | %8s | %8s | ratio |"
	       "  ns each |\n|---|---|---|---|---|\n", works_ours.name,
		peer == NULL ? "GMime" : peer);
	measure_messages(argc > 1 ? argv[1] : NULL);
	measure_codecs();
	return 0;
}
