/*
 * admin.c - answers an administrator's command.  See admin.h.
 *
 * The connection becomes a channel to ROLE_CLI, from which nothing more is
 * taken; it lives until the client, who has heard END, closes it.
 */
#include "role/admin.h"

#include "base/log.h"
#include "ipc/channel.h"
#include "role/role.h"

#include "base/banned.h"

/* A sentence is a frame's text: TEXT_BYTES of messages.def. */
_Static_assert(ERR_TEXT_MAX <= 1024, "a sentence fits");

static void on_client_gone(void *arg, struct channel *c)
{
	(void)arg;
	channel_free(c);
}

#define ROW_BYTES  98304 /* RECORDS_BYTES of messages.def */
#define CELL_BYTES 4     /* the length before each */

/* A cell that makes the row too long is cut. */
static void send_row(void *arg, const struct span *cells, size_t count)
{
	struct buf records;

	buf_init(&records, ROW_BYTES);
	for (size_t i = 0; i < count; i++) {
		size_t others = (count - i) * CELL_BYTES;
		size_t room = buf_left(&records) - others;

		rec_put_cell(&records,
			&(struct rec_cell){span_head(cells[i], room)});
	}
	must(!records.overflow && count <= ADMIN_CELLS_MAX);
	channel_send((struct channel *)arg, row, ROW, 0,
		&(struct msg_row){buf_span(&records)}, -1);
	buf_clear(&records);
}

bool admin_words(struct span field, struct span *out, size_t *out_count)
{
	struct rec_cell cell;
	enum step step;

	*out_count = 0;
	while ((step = rec_next_cell(&field, &cell)) == MORE) {
		if (*out_count == ADMIN_WORDS_MAX)
			return false;
		out[(*out_count)++] = cell.text;
	}
	return step == DONE && *out_count > 0;
}

/* Arguments are not logged: one of them may be a password. */
static void log_done(const struct span *words, size_t count,
	enum admin_exit status)
{
	LOG(EV_ADMIN_DONE, LOG_SPAN("noun", words[0]),
		LOG_SPAN("verb", count > 1 ? words[1] : SPAN_EMPTY),
		LOG_NUM("exit", status));
}

void admin_serve(const struct role_run *run, admin_fn *fn, void *module, int fd,
	struct span words)
{
	static const struct frame_handler nothing[] = {{MSG_NONE, NULL}};
	static struct span list[ADMIN_WORDS_MAX];
	const struct channel_owner owner = {
		.handlers = nothing,
		.on_lost = on_client_gone,
	};
	struct channel *client = channel_new(run->loop, fd,
		run->def == NULL ? ROLE_MASTER : run->def->role, ROLE_CLI, 0,
		&owner);
	const struct admin_out out = {send_row, client};
	struct err e = {.code = OK};
	enum admin_exit status = EXIT_USAGE;
	struct msg_end answer = {0};
	size_t count;

	if (!admin_words(words, list, &count)) {
		err_set(&e, LIMIT, "too many words; give fewer at once");
	} else {
		status = fn(module, list, count, &out, &e);
		log_done(list, count, status);
	}
	answer.exit = status;
	answer.text = span_str(e.text);
	channel_send(client, end, END, 0, &answer, -1);
}
