/*
 * front_tls.c - TLS between a connection's socket and its engine.
 *
 *	socket ─ read ─▶ front_tls_receive ─▶ engine
 *	socket ◀ flush ─ tls_wire ◀─ front_tls_send ◀─ engine
 *
 * While the handshake goes on the engine is not asked for anything, so that a
 * greeting waits for it.  What was still to be written in plain text goes out
 * before the first byte of TLS.
 */
#include <stdio.h>

#include "base/log.h"
#include "role/front_int.h"
#include "smtp/smtp_server.h"
#include "tls/tls_context.h"

#include "base/banned.h"

bool front_tls_may_begin(const struct session *s)
{
	return front_keys_server(s->front, s->service) != NULL &&
		front_keys_can_sign(s->front);
}

void front_tls_begin(struct session *s)
{
	struct tls_server *server = front_keys_server(s->front, s->service);

	/* bytes that came before the client could have heard of our 220 */
	if (buf_len(&s->in) > 0) {
		session_break_off(s, SPAN("plain text behind STARTTLS"));
		return;
	}
	s->tls = server == NULL ? NULL : tls_accept(server);
	if (s->tls == NULL) {
		session_break_off(s, SPAN("no TLS now"));
		return;
	}
	session_touch(s, FRONT_HANDSHAKE_MS);
}

bool front_tls_is_shaking(const struct session *s)
{
	return s->tls != NULL && tls_state(s->tls) == TLS_HANDSHAKE;
}

void front_tls_keep_text(struct session *s)
{
	struct tls_facts facts;
	char text[120];

	tls_get_facts(s->tls, &facts);
	(void)snprintf(text, sizeof(text), "%s %s", facts.version,
		facts.cipher);
	s->tls_text = arena_dup(&s->arena, span_str(text));
}

/* For Received: and the log. */
static void keep_facts(struct session *s)
{
	struct tls_facts facts;
	char room[46];

	front_tls_keep_text(s);
	tls_get_facts(s->tls, &facts);
	LOG(EV_TLS_UP, LOG_SID(s->sid),
		LOG_SPAN("ip", session_ip_text(s, room)),
		LOG_STR("service", service_name(s->service)),
		LOG_SPAN("tls", s->tls_text),
		LOG_STR("resumed", facts.is_resumed ? "yes" : "no"));
}

static void note_broken(struct session *s)
{
	char room[46];

	LOG(EV_TLS_FAILED, LOG_SID(s->sid),
		LOG_SPAN("ip", session_ip_text(s, room)),
		LOG_STR("service", service_name(s->service)),
		LOG_STR("why", tls_why(s->tls)));
}

bool front_tls_receive(struct session *s, struct span wire, struct buf *plain)
{
	bool was_shaking = front_tls_is_shaking(s);
	enum tls_state state = tls_receive(s->tls, wire, plain);

	if (was_shaking && state == TLS_OPEN) {
		keep_facts(s);
		front_protocol_of(s->service)->secured(s);
		session_touch(s, front_protocol_of(s->service)->timeout_ms(s));
	}
	if (state == TLS_BROKEN) {
		note_broken(s);
		/* the alert still goes out, if it can */
		session_flush(s);
		session_break_off(s, SPAN("TLS failed"));
		return false;
	}
	if (state == TLS_ENDED)
		s->has_eof = true;
	return true;
}

void front_tls_send(struct session *s, struct span bytes)
{
	/* what is said in the handshake is for nobody: the engine waits */
	if (tls_send(s->tls, bytes) == TLS_BROKEN)
		session_break_off(s, SPAN("TLS failed"));
}
