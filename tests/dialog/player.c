/*
 * player.c - plays .dialog files on an engine, at every split size.
 *
 * Room: one play is one opened engine and one walk through the steps of a
 * file.  The bytes of the fed side "arrive" a few at a time, as many as the
 * split says, and what the engine does not take stays and is offered again,
 * as in a socket's buffer.  Each offer is a fresh copy in a block of its exact
 * size, so that a sanitizer sees an engine that reads past it or keeps it.
 *
 *	step C (or R)  bytes are queued for the engine
 *	step S ? B E   the engine runs until it has done what the step says
 *	step T X       time passes; a side closes
 *
 * A question is answered as soon as it is asked, by the next ?: line that
 * stands before the next bytes of the client: replies gather while questions
 * are open, so their order in the file is one of reading, not of time.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "dialog.h"
#include "driver.h"
#include "base/banned.h"

#define ARENA_BYTES     (512u << 20)
#define TRANSCRIPT_MAX  (1u << 20)
#define TRANSCRIPT_SHOW 1500
/* Every split size up to this, then doubling: bounds the time of a dialogue
 * with a large message. */
#define SPLIT_EACH_MAX     512
#define SPLIT_EACH_BYTES   (64u << 10) /* for longer ones: a choice of sizes */
#define PUMPS_MAX          (100u << 20) /* an engine that runs in circles */

enum play_status { PLAYING, FAILED };

struct play {
	const char *path;
	const struct dialog *dialog;
	size_t split;
	void *engine;
	bool *used;        /* a flag a step: taken ahead of its turn */
	size_t at;         /* the step whose turn it is */
	struct buf in;     /* queued for the engine */
	size_t arrived;    /* of in, offered so far */
	uint8_t *offered;  /* the copy that the engine may borrow */
	struct buf out;    /* sent by the engine, not matched yet */
	struct buf body;   /* as out */
	bool checks_body;  /* a B: line was seen for this message */
	bool is_closed;    /* by the engine */
	int64_t now_ms;
	enum play_status status;
	struct buf transcript;
};

struct span driver_word(struct span *s)
{
	return span_cut(s, ' ');
}

enum code driver_code(struct span word)
{
	int code = 0;

	while (code < CODE_COUNT &&
		!span_eq(word, span_str(code_word((enum code)code))))
		code++;
	return (enum code)code;
}

/* ---- telling ------------------------------------------------------------ */

static void show(FILE *to, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			(void)fputs("\\n", to);
		else if (s.p[i] == '\r')
			(void)fputs("\\r", to);
		else if (s.p[i] >= ' ' && s.p[i] < 0x7f)
			(void)fputc(s.p[i], to);
		else
			(void)fprintf(to, "\\x%02x", s.p[i]);
	}
}

static void record(struct play *p, const char *head, struct span text)
{
	while (text.n > 0 && !p->transcript.overflow) {
		struct span line = span_cut(&text, '\n');

		buf_puts(&p->transcript, head);
		buf_put(&p->transcript, span_head(line, 200));
		buf_putc(&p->transcript, '\n');
	}
}

static void show_transcript(const struct play *p)
{
	struct span all = buf_span(&p->transcript);

	if (all.n > TRANSCRIPT_SHOW)
		all = span_tail(all, all.n - TRANSCRIPT_SHOW);
	(void)printf("  so far:\n");
	while (all.n > 0) {
		struct span line = span_cut(&all, '\n');

		(void)printf("    ");
		show(stdout, line);
		(void)printf("\n");
	}
}

static void fail(struct play *p, const char *wanted, struct span got)
{
	size_t last = p->dialog->count - 1;
	const struct dialog_step *step =
		&p->dialog->steps[p->at < last ? p->at : last];

	if (p->status == FAILED)
		return;
	p->status = FAILED;
	(void)printf("FAIL %s:%zu at split %zu\n  step      %c: ", p->path,
		step->line, p->split, step->kind);
	show(stdout, span_head(step->text, 300));
	(void)printf("\n  expected  %s\n  got       ", wanted);
	show(stdout, span_head(got, 300));
	(void)printf("%s\n", got.n > 300 ? "..." : "");
	show_transcript(p);
}

/* ---- running the engine -------------------------------------------------- */

static char fed_kind(void)
{
	return dialog_driver.is_client ? 'S' : 'C';
}

static bool feeds(char kind)
{
	return kind == fed_kind() || kind == 'R';
}

static bool expects(char kind)
{
	return kind == (dialog_driver.is_client ? 'C' : 'S');
}

/* The next unused step of a kind that may be matched ahead of its turn. */
static size_t find_ahead(const struct play *p, char kind)
{
	const struct dialog *d = p->dialog;

	for (size_t i = p->at; i < d->count; i++) {
		if (i > p->at && (feeds(d->steps[i].kind) ||
			d->steps[i].kind == 'T' || d->steps[i].kind == 'X'))
			break;
		if (d->steps[i].kind == kind && !p->used[i])
			return i;
	}
	return d->count;
}

/* The B: lines up to step `end` are matched against the body gathered. */
static void match_body(struct play *p, size_t end)
{
	for (size_t i = p->at; i < end && p->status == PLAYING; i++) {
		const struct dialog_step *step = &p->dialog->steps[i];

		if (step->kind != 'B' || p->used[i])
			continue;
		p->checks_body = true;
		p->used[i] = true;
		if (!span_starts(buf_span(&p->body), step->text)) {
			p->at = i;
			fail(p, "this body", buf_span(&p->body));
		}
		buf_consume(&p->body, step->text.n);
	}
}

/* A message is complete: its B: lines have to be the whole of it. */
static void end_body(struct play *p, size_t end)
{
	match_body(p, end);
	if (p->checks_body && buf_len(&p->body) > 0)
		fail(p, "no more body", buf_span(&p->body));
	buf_reset(&p->body);
	p->checks_body = false;
}

static void answer_question(struct play *p, struct span question)
{
	const struct span arrow = SPAN(" -> ");
	size_t i = find_ahead(p, '?');
	struct span text;
	size_t cut;

	record(p, "?: ", question);
	if (i == p->dialog->count) {
		fail(p, "no question", question);
		return;
	}
	text = p->dialog->steps[i].text;
	cut = span_find_span(text, arrow);
	p->used[i] = true;
	if (span_starts(question, SPAN("commit")))
		end_body(p, i);
	if (!dialog_matches(span_head(text, cut), question)) {
		p->at = i;
		fail(p, "this question", question);
		return;
	}
	if (!dialog_driver.answer(p->engine, question,
		span_tail(text, cut + arrow.n))) {
		p->at = i;
		fail(p, "an answer that there is", question);
	}
}

static void take_event(struct play *p, struct span event)
{
	size_t i = find_ahead(p, 'E');

	record(p, "E: ", event);
	if (span_eq(event, SPAN("drop"))) {
		buf_reset(&p->body);
		p->checks_body = false;
	}
	if (i < p->dialog->count &&
		dialog_matches(p->dialog->steps[i].text, event))
		p->used[i] = true;
}

static void take_effect(struct play *p, const struct driver_effect *effect)
{
	switch (effect->type) {
	case DRIVER_SEND:
		if (p->is_closed || effect->bytes.n == 0)
			fail(p, "no empty or late SEND", effect->bytes);
		record(p, dialog_driver.is_client ? "C: " : "S: ",
			effect->bytes);
		buf_put(&p->out, effect->bytes);
		break;
	case DRIVER_QUESTION:
		answer_question(p, effect->bytes);
		break;
	case DRIVER_BODY:
		if (effect->bytes.n == 0)
			fail(p, "no empty BODY", effect->bytes);
		buf_put(&p->body, effect->bytes);
		break;
	case DRIVER_EVENT:
		take_event(p, effect->bytes);
		break;
	case DRIVER_CLOSE:
		p->is_closed = true;
		record(p, "X: ", SPAN("closed by the engine"));
		break;
	}
}

static struct span offer(struct play *p)
{
	size_t all = buf_len(&p->in);
	size_t left = all - p->arrived;

	p->arrived += p->split < left ? p->split : left;
	mem_free(p->offered);
	p->offered = mem_new(p->arrived > 0 ? p->arrived : 1, 1);
	if (p->arrived > 0)
		memcpy(p->offered, buf_span(&p->in).p, p->arrived);
	return span_of(p->offered, p->arrived);
}

static bool take_effects(struct play *p)
{
	struct driver_effect effect;
	bool has_any = false;

	while (p->status == PLAYING &&
		dialog_driver.next(p->engine, &effect)) {
		take_effect(p, &effect);
		has_any = true;
	}
	return has_any;
}

/* Lets the engine do one thing; false when there is nothing it could do. */
static bool pump(struct play *p)
{
	size_t before = p->arrived;
	size_t taken;

	if (take_effects(p))
		return true;
	if (p->status != PLAYING || p->is_closed || buf_len(&p->in) == 0)
		return false;
	taken = dialog_driver.feed(p->engine, offer(p), p->now_ms);
	if (taken > p->arrived) {
		fail(p, "no more taken than given", SPAN_EMPTY);
		return false;
	}
	record(p, dialog_driver.is_client ? "S: " : "C: ",
		span_head(buf_span(&p->in), taken));
	p->arrived -= taken;
	/* the spans of its effects end with them */
	bool has_any = take_effects(p);
	buf_consume(&p->in, taken);
	return has_any || taken > 0 || p->arrived > before;
}

static bool pump_some(struct play *p)
{
	return p->status == PLAYING && pump(p);
}

/* ---- the steps ------------------------------------------------------------ */

static void expect_line(struct play *p, struct span pattern)
{
	struct span line;
	size_t n;

	while (span_find_span(buf_span(&p->out), SPAN("\r\n")) ==
			buf_len(&p->out) &&
		pump_some(p))
		;
	if (p->status != PLAYING)
		return;
	n = span_find_span(buf_span(&p->out), SPAN("\r\n"));
	line = span_head(buf_span(&p->out), n);
	if (n == buf_len(&p->out))
		fail(p, "this line", p->is_closed ? SPAN("(closed)")
						  : buf_span(&p->out));
	else if (!dialog_matches(pattern, line))
		fail(p, "this line", line);
	else
		buf_consume(&p->out, n + 2);
}

static void run_until_used(struct play *p)
{
	while (!p->used[p->at] && pump_some(p))
		;
	if (!p->used[p->at])
		fail(p, "this question or event", SPAN("(nothing)"));
}

static void expect_body(struct play *p, struct span text)
{
	while (!p->used[p->at] && buf_len(&p->body) < text.n && pump_some(p))
		;
	match_body(p, p->at + 1);
}

static void pass_time(struct play *p, struct span text)
{
	int64_t passed_ms;

	if (!span_starts(text, SPAN("+")) ||
		!num_parse_duration_ms(span_tail(text, 1), &passed_ms)) {
		fail(p, "a time such as +30s", text);
		return;
	}
	while (pump_some(p))
		;
	p->now_ms += passed_ms;
	if (p->status == PLAYING && dialog_driver.tick != NULL)
		dialog_driver.tick(p->engine, p->now_ms);
}

static void close_side(struct play *p, struct span who)
{
	while (pump_some(p))
		;
	if (buf_len(&p->out) > 0)
		fail(p, "no more", buf_span(&p->out));
	if (span_eq(who, SPAN("server closes")) ||
		span_eq(who, SPAN("client closes"))) {
		if (!p->is_closed)
			fail(p, "the engine to close", SPAN("(open)"));
	} else if (!span_eq(who, SPAN("close"))) {
		fail(p, "close or server closes", who);
	} else if (p->is_closed) {
		fail(p, "an open connection", SPAN("(closed)"));
	} else if (dialog_driver.lost != NULL) {
		dialog_driver.lost(p->engine);
	}
}

static void queue_bytes(struct play *p, const struct dialog_step *step)
{
	bool is_first = p->at == 0; /* before the greeting is taken */

	while (!is_first && !feeds(p->dialog->steps[p->at - 1].kind) &&
		pump_some(p))
		;
	if (buf_len(&p->out) > 0)
		fail(p, "no more before the next bytes", buf_span(&p->out));
	buf_put(&p->in, step->text);
	if (is_first && p->status == PLAYING) {
		size_t taken = dialog_driver.feed(p->engine, offer(p),
			p->now_ms);

		p->arrived -= taken;
		buf_consume(&p->in, taken);
	}
}

static void do_step(struct play *p)
{
	const struct dialog_step *step = &p->dialog->steps[p->at];

	if (feeds(step->kind))
		queue_bytes(p, step);
	else if (expects(step->kind))
		expect_line(p, step->text);
	else if (step->kind == '?' || step->kind == 'E')
		run_until_used(p);
	else if (step->kind == 'B')
		expect_body(p, step->text);
	else if (step->kind == 'T')
		pass_time(p, step->text);
	else
		close_side(p, step->text);
}

static void finish(struct play *p)
{
	while (pump_some(p))
		;
	if (buf_len(&p->out) > 0)
		fail(p, "the end", buf_span(&p->out));
	if (buf_len(&p->in) > 0 && !p->is_closed)
		fail(p, "all bytes to be taken", buf_span(&p->in));
}

static bool play_once(const char *path, const struct dialog *d, size_t split)
{
	struct play p = {.path = path, .dialog = d, .split = split};

	buf_init(&p.in, ARENA_BYTES);
	buf_init(&p.out, ARENA_BYTES);
	buf_init(&p.body, ARENA_BYTES);
	buf_init(&p.transcript, TRANSCRIPT_MAX);
	p.used = mem_new(d->count + 1, sizeof(bool));
	p.engine = dialog_driver.open(d->options, d->option_count);
	if (p.engine == NULL)
		fail(&p, "options that there are", SPAN_EMPTY);
	for (p.at = 0; p.at < d->count && p.status == PLAYING; p.at++)
		do_step(&p);
	if (p.status == PLAYING)
		finish(&p);
	if (p.engine != NULL)
		dialog_driver.close(p.engine);
	mem_free(p.offered);
	mem_free(p.used);
	buf_clear(&p.in);
	buf_clear(&p.out);
	buf_clear(&p.body);
	buf_clear(&p.transcript);
	return p.status == PLAYING;
}

/* ---- files ------------------------------------------------------------------ */

static size_t count_fed(const struct dialog *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++)
		if (feeds(d->steps[i].kind))
			n += d->steps[i].text.n;
	return n;
}

static size_t next_split(size_t split, size_t all)
{
	if (split >= all)
		return 0;
	if (split >= SPLIT_EACH_MAX)
		split *= 2;
	else if (all > SPLIT_EACH_BYTES)
		split = split * 3 + 1;
	else
		split++;
	return split < all ? split : all;
}

/* Returns the number of plays; 0: it failed. */
static size_t play_file(const char *path)
{
	struct arena a;
	struct dialog d;
	struct err e = {0};
	size_t plays = 0;
	size_t all, split;

	arena_init(&a, ARENA_BYTES);
	if (dialog_read(path, fed_kind(), &a, &d, &e) != OK || d.count == 0) {
		(void)printf("FAIL %s: %s\n", path, e.text);
		arena_clear(&a);
		return 0;
	}
	all = count_fed(&d);
	all = all > 0 ? all : 1;
	split = d.is_whole ? all : all > (1u << 20) ? 4093 : 1;
	for (; split > 0; split = next_split(split, all)) {
		if (!play_once(path, &d, split)) {
			plays = 0;
			break;
		}
		plays++;
	}
	arena_clear(&a);
	return plays;
}

static int is_dialog(const struct dirent *entry)
{
	return span_ends(span_str(entry->d_name), SPAN(".dialog"));
}

struct score {
	size_t files, failed, plays;
};

/* A line of TAP a file: script/test counts them. */
static void play_one(const char *path, struct score *score)
{
	const char *slash = strrchr(path, '/');
	size_t plays = play_file(path);

	score->files++;
	(void)printf("%s %zu - %s (%zu plays)\n", plays > 0 ? "ok" : "not ok",
		score->files, slash != NULL ? slash + 1 : path, plays);
	score->plays += plays;
	score->failed += plays == 0;
}

static void play_folder(const char *folder, struct score *score)
{
	struct dirent **entries = NULL;
	int n = scandir(folder, &entries, is_dialog, alphasort);

	if (n < 0) {
		play_one(folder, score); /* a file */
		return;
	}
	for (int i = 0; i < n; i++) {
		char path[4096];

		(void)snprintf(path, sizeof(path), "%s/%s", folder,
			entries[i]->d_name);
		play_one(path, score);
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	struct score score = {0};
	struct buf unseen;
	size_t missing = 0;
	bool all_rows = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--all-rows") == 0)
			all_rows = true;
		else
			play_folder(argv[i], &score);
	}
	buf_init(&unseen, TRANSCRIPT_MAX);
	if (dialog_driver.put_unseen != NULL)
		missing = dialog_driver.put_unseen(&unseen);
	if (all_rows && missing > 0)
		(void)printf("rows that no dialogue reaches:\n%.*s",
			SPAN_ARG(buf_span(&unseen)));
	buf_clear(&unseen);
	(void)printf("%s: %zu dialogues, %zu plays, %zu failed\n",
		dialog_driver.name, score.files, score.plays, score.failed);
	return score.files == 0 || score.failed > 0 ||
			(all_rows && missing > 0)
		? 1
		: 0;
}
