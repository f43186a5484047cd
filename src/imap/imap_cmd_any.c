/*
 * imap_cmd_any.c - commands that are about no mailbox: CAPABILITY, NOOP, CHECK,
 * ID, ENABLE, NAMESPACE, COMPRESS.  (LOGOUT and IDLE stand in imap_session.c.)
 * RFC 9051 6.1, 6.3.1, 6.3.10; RFC 3501 6.4.1; RFC 2971;
 * RFC 4978
 */
#include "imap/imap_capability.h"
#include "imap/imap_id.h"
#include "imap/imap_int.h"

#include "base/banned.h"

/* True: nothing follows; else BAD was said. */
static bool is_alone(struct imap_session *s, struct imap_reader *r)
{
	if (imap_read_end(r))
		return true;
	imap_bad(s, r->why);
	return false;
}

void imap_put_session_capabilities(struct imap_session *s, struct buf *out)
{
	imap_put_capabilities(out,
		s->is_selected ? IMAP_SELECTED : IMAP_AUTHENTICATED);
	buf_puts(out, " APPENDLIMIT=");
	buf_put_u64(out, s->append_max);
}

void imap_cmd_capability(struct imap_session *s, struct imap_reader *r)
{
	if (!is_alone(s, r))
		return;
	buf_puts(&s->out, "* CAPABILITY ");
	imap_put_session_capabilities(s, &s->out);
	buf_puts(&s->out, "\r\n");
	imap_ok(s, "that is all");
}

void imap_cmd_noop(struct imap_session *s, struct imap_reader *r)
{
	if (is_alone(s, r))
		imap_ok(s, "done");
}

/* All is durable before it is answered: RFC 3501 6.4.1 has nothing left. */
void imap_cmd_check(struct imap_session *s, struct imap_reader *r)
{
	if (is_alone(s, r))
		imap_ok(s, "done");
}

void imap_cmd_id(struct imap_session *s, struct imap_reader *r)
{
	if (!imap_id_read(r)) {
		imap_bad(s, r->why);
		return;
	}
	imap_id_put(&s->out);
	imap_ok(s, "nice to meet you");
}

/* RFC 4978 3 */
void imap_cmd_compress(struct imap_session *s, struct imap_reader *r)
{
	struct span name;

	if (!imap_read_sp(r) || !imap_read_atom(r, &name) ||
		!imap_read_end(r)) {
		imap_bad(s, r->why);
	} else if (!span_eq_fold(name, SPAN("DEFLATE"))) {
		imap_bad(s, "DEFLATE is the only way to compress");
	} else if (s->compress != IMAP_PLAIN) {
		imap_bad(s, "[COMPRESSIONACTIVE] it is compressed already");
	} else {
		s->compress = IMAP_COMPRESS_DUE;
		imap_ok(s, "DEFLATE from here on");
	}
}

/* One space for all, the levels of which are separated by "/". */
void imap_cmd_namespace(struct imap_session *s, struct imap_reader *r)
{
	if (!is_alone(s, r))
		return;
	buf_puts(&s->out, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	imap_ok(s, "that is all");
}

void imap_enable_condstore(struct imap_session *s)
{
	if (s->has_condstore)
		return;
	s->has_condstore = true;
	if (s->is_selected)
		buf_printf(&s->out, "* OK [HIGHESTMODSEQ %llu] of now\r\n",
			(unsigned long long)s->cursor.view->highestmodseq);
}

/* ---- ENABLE ------------------------------------------------------------------- */
static void enable_rev2(struct imap_session *s)
{
	s->is_rev2 = s->is_utf8 = true;
}

static void enable_utf8(struct imap_session *s)
{
	s->is_utf8 = true;
}

static void enable_qresync(struct imap_session *s)
{
	imap_enable_condstore(s);
	s->has_qresync = true;
}

static void enable_uidonly(struct imap_session *s)
{
	s->is_uidonly = true;
}

static const struct {
	const char *name;
	void (*enable)(struct imap_session *s);
} extensions[] = {
	{"IMAP4rev2", enable_rev2},
	{"UTF8=ACCEPT", enable_utf8},
	{"CONDSTORE", imap_enable_condstore},
	{"QRESYNC", enable_qresync},
	{"UIDONLY", enable_uidonly},
	{"METADATA", imap_notify_enable_metadata},
};
#define EXTENSIONS (sizeof(extensions) / sizeof(extensions[0]))

/* What nobody knows is passed over: RFC 9051 6.3.1. */
void imap_cmd_enable(struct imap_session *s, struct imap_reader *r)
{
	bool is_named[EXTENSIONS] = {false};
	struct span name;

	do {
		if (!imap_read_sp(r) || !imap_read_atom(r, &name)) {
			imap_bad(s, r->why);
			return;
		}
		for (size_t i = 0; i < EXTENSIONS; i++)
			if (span_eq_fold(name, span_str(extensions[i].name)))
				is_named[i] = true;
	} while (!imap_is_end(r));
	/* first all, as CONDSTORE has a line of its own to say */
	for (size_t i = 0; i < EXTENSIONS; i++)
		if (is_named[i])
			extensions[i].enable(s);
	buf_puts(&s->out, "* ENABLED");
	for (size_t i = 0; i < EXTENSIONS; i++) {
		if (!is_named[i])
			continue;
		buf_putc(&s->out, ' ');
		buf_puts(&s->out, extensions[i].name);
	}
	buf_puts(&s->out, "\r\n");
	imap_ok(s, "done");
}
