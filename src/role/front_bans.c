/*
 * front_bans.c - who is turned away at the door, and in what words.
 *
 * Directory tells which networks are banned (BANS), all of them when it comes
 * up and each change after that; they end by themselves, by the wall clock.  A
 * client from there is told so in one line of its protocol, without an engine,
 * and not even that under TLS, where a handshake would come first.  Sessions
 * that are there go on: who is in has shown that he may be.
 *
 * An attack must not fill the log: one line a minute tells how many came.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/network.h"
#include "role/front_int.h"

#include "base/banned.h"

#define LOG_EACH_MS 60000
/* Bans that are over are looked for when there are so many more. */
#define SWEEP_EACH  1024

struct ban {
	struct network network;
	int64_t until_ms;
};

struct front_bans {
	struct network_set set; /* of struct ban, owned */
	size_t sweep_at;        /* when there are so many */
	int64_t logged_mono_ms; /* the last line; 0: none */
	uint64_t refused;       /* since then */
};

void front_bans_open(struct front *f)
{
	f->bans = MEM_NEW(struct front_bans);
	network_set_init(&f->bans->set);
	f->bans->sweep_at = SWEEP_EACH;
}

/* ---- what directory says --------------------------------------------------- */
/* Takes out all that are over by then. */
static void sweep(struct front_bans *b, int64_t now_ms)
{
	struct ban **over = mem_new(network_set_count(&b->set) + 1,
		sizeof(struct ban *));
	struct dict_walk walk = {0};
	struct ban *ban;
	size_t count = 0;

	while ((ban = dict_next(&b->set.rows, &walk, NULL)) != NULL)
		if (ban->until_ms <= now_ms)
			over[count++] = ban;
	while (count > 0) {
		ban = over[--count];
		(void)network_set_take(&b->set, &ban->network);
		mem_free(ban);
	}
	mem_free(over);
	b->sweep_at = network_set_count(&b->set) + SWEEP_EACH;
}

static void put(struct front_bans *b, const struct network *network,
	int64_t until_ms)
{
	struct ban *ban = network_set_get(&b->set, network);

	if (ban == NULL) {
		ban = MEM_NEW(struct ban);
		ban->network = *network;
		network_set_put(&b->set, network, ban);
	}
	ban->until_ms = until_ms;
}

bool front_on_bans(void *arg, struct frame *frame)
{
	struct front *f = arg;
	int64_t now_ms = loop_wall_ms(f->run->loop);
	struct rec_ban row;
	struct msg_bans m;
	enum step step;

	if (!msg_get_bans(frame->body, &m))
		return false;
	if (m.is_all)
		sweep(f->bans, INT64_MAX);
	while ((step = rec_next_ban(&m.bans, &row)) == MORE) {
		struct network network;

		if (!network_of(row.ip, row.bits, &network))
			return false;
		put(f->bans, &network, row.until_ms);
	}
	if (m.is_all && !f->has_bans) {
		f->has_bans = true;
		front_doors_may_open(f);
	}
	if (network_set_count(&f->bans->set) >= f->bans->sweep_at)
		sweep(f->bans, now_ms);
	return step == DONE;
}

size_t front_bans_count(const struct front *f)
{
	return network_set_count(&f->bans->set);
}

/* ---- at the door ------------------------------------------------------------- */
static void note(struct front *f, enum service service, struct span ip)
{
	struct front_bans *b = f->bans;
	int64_t now_ms = loop_mono_ms(f->run->loop);
	char room[NETWORK_TEXT_BYTES];
	struct network network;

	b->refused++;
	if (b->logged_mono_ms != 0 && now_ms - b->logged_mono_ms < LOG_EACH_MS)
		return;
	(void)network_of(ip, NETWORK_ALL, &network);
	LOG(EV_BAN_REFUSED, LOG_SPAN("ip", network_text(&network, room)),
		LOG_STR("service", service_name(service)),
		LOG_NUM("count", b->refused));
	b->logged_mono_ms = now_ms;
	b->refused = 0;
}

enum front_away front_bans_ask(struct front *f, enum service service,
	struct span ip)
{
	int64_t now_ms = loop_wall_ms(f->run->loop);
	enum front_away away = AWAY_NOT;
	unsigned bits = NETWORK_ALL;
	const struct ban *ban;

	while ((ban = network_set_find(&f->bans->set, ip, &bits)) != NULL) {
		if (ban->until_ms == INT64_MAX)
			away = AWAY_FOR_EVER;
		else if (ban->until_ms > now_ms && away == AWAY_NOT)
			away = AWAY_BANNED;
	}
	if (away != AWAY_NOT)
		note(f, service, ip);
	return away;
}

/* A ban that ends is a temporary refusal: a mail server behind the same
 * address comes again, and its mail is late, not lost.  RFC 5321 3.1, 3.8,
 * RFC 3206, RFC 5530 */
static const struct {
	const char *smtp, *pop3, *imap, *why;
} words[] = {
	[AWAY_BUSY] = {"421 4.7.0", "[SYS/TEMP]", "[UNAVAILABLE]",
		"Too many connections: close some, or try again later"},
	[AWAY_NO_ROOM] = {"421 4.3.2", "[SYS/TEMP]", "[UNAVAILABLE]",
		"No more connections can be taken now: try again later"},
	[AWAY_BANNED] = {"421 4.7.0", "[SYS/TEMP]", "[UNAVAILABLE]",
		"Too many failed logins from your network, try again later"},
	[AWAY_FOR_EVER] = {"554 5.7.1", "[SYS/PERM]", "[CONTACTADMIN]",
		"Your network is not served here: ask the administrator"},
};

void front_turn_away(struct front *f, enum service service, int fd,
	enum front_away away)
{
	struct buf line;

	if (service_is_tls(service)) {
		close(fd); /* nothing can be said before a handshake */
		return;
	}
	buf_init(&line, 512);
	if (service == SERVICE_POP3)
		buf_printf(&line, "-ERR %s %s\r\n", words[away].pop3,
			words[away].why);
	else if (service == SERVICE_IMAP)
		buf_printf(&line, "* BYE %s %s\r\n", words[away].imap,
			words[away].why);
	else
		buf_printf(&line, "%s %.*s %s\r\n", words[away].smtp,
			SPAN_ARG(f->run->config->hostname), words[away].why);
	(void)send(fd, buf_span(&line).p, buf_len(&line),
		MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_clear(&line);
	close(fd);
}
