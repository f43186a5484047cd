/*
 * keys_set.c - certificates and their keys.  See keys_set.h.
 */
#include "role/keys_set.h"

#include <errno.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "tls/tls_context.h"

#include "base/banned.h"

void keys_set_init(struct keys_set *s, uint32_t count)
{
	*s = (struct keys_set){.count = count};
	for (uint32_t i = 0; i < count; i++) {
		buf_init(&s->pairs[i].chain, KEYS_FILE_MAX);
		buf_init(&s->pairs[i].pem, KEYS_FILE_MAX);
	}
}

/* All that was ever written to it: bytes in front may have been consumed. */
static void wipe(struct buf *b)
{
	if (b->p != NULL)
		secret_wipe(b->p, b->room);
	buf_clear(b);
}

void keys_set_clear(struct keys_set *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		buf_clear(&s->pairs[i].chain);
		wipe(&s->pairs[i].pem);
		tls_key_free(s->pairs[i].key);
	}
	*s = (struct keys_set){0};
}

/* In one piece: a buf that grows leaves copies behind. */
static enum code read_file(int fd, struct buf *out, struct err *e)
{
	uint8_t *room;
	ssize_t n = 1;

	wipe(out);
	room = buf_reserve(out, KEYS_FILE_MAX);
	for (size_t at = 0; n > 0 && at < KEYS_FILE_MAX; at += (size_t)n) {
		do
			n = pread(fd, room + at, KEYS_FILE_MAX - at,
				(off_t)at);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return err_errno(e, TEMP, "reading a file of tls");
		buf_wrote(out, (size_t)n);
	}
	return n > 0 ? err_set(e, LIMIT, "a file of tls is too long") : OK;
}

enum code keys_set_read(struct keys_set *s, uint32_t pair, bool is_key, int fd,
	struct err *e)
{
	struct keys_pair *p;

	if (pair >= s->count)
		return err_set(e, SYNTAX, "there is no such pair");
	p = &s->pairs[pair];
	if (is_key)
		return read_file(fd, &p->pem, e);
	p->has_chain = true;
	return read_file(fd, &p->chain, e);
}

bool keys_set_is_whole(const struct keys_set *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (!s->pairs[i].has_chain || buf_len(&s->pairs[i].pem) == 0)
			return false;
	return s->count > 0;
}

/* What a front would refuse, a key that is too short say, is refused here. */
static enum code try_pair(const struct keys_pair *p, struct err *e)
{
	const struct tls_server_setup setup = {.service = SPAN("trial")};
	struct tls_server *server = tls_server_new(&setup, e);
	enum code code = server == NULL
		? TEMP
		: tls_server_add(server, buf_span(&p->chain), p->key, e);

	tls_server_free(server);
	return code;
}

enum code keys_set_finish(struct keys_set *s, struct err *e)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct keys_pair *p = &s->pairs[i];

		p->key = tls_key_read(buf_span(&p->pem), e);
		wipe(&p->pem);
		if (p->key == NULL)
			return err_wrap(e, "tls.key, number %u", i + 1);
		if (!tls_key_fits(p->key, buf_span(&p->chain)))
			return err_set(e, SYNTAX, "tls.key, number %u, is not "
				"the key of tls.certificate, number %u: give "
				"both in the same order", i + 1, i + 1);
		if (try_pair(p, e) != OK)
			return err_wrap(e, "tls.certificate, number %u", i + 1);
	}
	return OK;
}
