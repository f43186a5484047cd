/*
 * outbound_target.c - to which addresses mail for a destination goes, and to
 * which never.  See outbound_int.h.
 *
 * The rule against circles: if we are one of the mail exchangers, only those
 * that are preferred to us may be tried (RFC 5321 5.1).  The rule against
 * talking to ourselves through somebody else's DNS: loopback and such, and the
 * addresses that we listen at, are only used when our own configuration named
 * them (smarthost, resolver.local).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "dns/mx.h"
#include "role/outbound_int.h"

#include "base/banned.h"

/* As many as an MX_ANSWER may hold. */
#define TARGETS_MAX 256

static const struct config *config_of(const struct destination *d)
{
	return d->outbound->run->config;
}

void outbound_target_text(const struct target *t, char *out, size_t room)
{
	char address[INET6_ADDRSTRLEN];

	if (inet_ntop(t->address_bytes == 4 ? AF_INET : AF_INET6, t->address,
		    address, sizeof(address)) == NULL)
		address[0] = '\0';
	(void)snprintf(out, room, "%.*s[%s]:%u", SPAN_ARG(t->host), address,
		(unsigned)t->port);
}

/* ---- addresses from text -------------------------------------------------- */
/* "192.0.2.1", "2001:db8::1", "IPv6:2001:db8::1" (RFC 5321 4.1.3). */
static bool parse_address(struct span text, struct target *out)
{
	char cstr[INET6_ADDRSTRLEN];

	if (span_starts_fold(text, SPAN("IPv6:")))
		text = span_tail(text, 5);
	if (text.n >= sizeof(cstr) || text.n == 0)
		return false;
	memcpy(cstr, text.p, text.n);
	cstr[text.n] = '\0';
	out->address_bytes = 4;
	if (inet_pton(AF_INET, cstr, out->address) == 1)
		return true;
	out->address_bytes = 16;
	return inet_pton(AF_INET6, cstr, out->address) == 1;
}

/* Cuts ":port" off the end of *host; without it the configured port. */
static uint16_t take_port(const struct destination *d, struct span *host)
{
	size_t colon = span_find_last(*host, ':');
	uint32_t port = config_of(d)->outbound_port;

	if (colon < host->n &&
		num_parse_u32(span_tail(*host, colon + 1), 65535, &port))
		*host = span_head(*host, colon);
	return (uint16_t)port;
}

static bool is_smarthost(const struct destination *d)
{
	return config_of(d)->smarthost.n > 0;
}

/* Where the destination's mail goes by name: the smarthost or the domain. */
static struct span route_of(const struct destination *d, uint16_t *out_port)
{
	struct span host = is_smarthost(d) ? config_of(d)->smarthost : d->name;
	bool has_port = is_smarthost(d);

	/* "[2001:db8::1]" ends with the bracket: no port */
	if (span_ends(host, SPAN("]")))
		has_port = false;
	*out_port = has_port ? take_port(d, &host) :
			       (uint16_t)config_of(d)->outbound_port;
	return host;
}

struct span outbound_host_to_ask(const struct destination *d)
{
	uint16_t port;

	return route_of(d, &port);
}

/* ---- which may be used ------------------------------------------------------ */
/* Does resolver.local name this address?  For whichever host: there may be
 * aliases between, and who writes such lines wants that server to be reached. */
static bool is_local_data(const struct config *config, const struct target *t)
{
	for (size_t i = 0; i < config->local_count; i++) {
		struct span line = span_trim(config->local[i]);
		struct target local;

		line = span_tail(line, span_find_last(line, ' ') + 1);
		if (parse_address(line, &local) &&
			span_eq(span_of(local.address, local.address_bytes),
				span_of(t->address, t->address_bytes)))
			return true;
	}
	return false;
}

static bool is_own(const struct config *config, const struct target *t)
{
	const struct config_listen *l = &config->listen[SERVICE_SMTP];

	for (size_t i = 0; i < l->address_count; i++) {
		struct config_address own;

		if (config_parse_address(l->addresses[i], &own) &&
			own.port == t->port &&
			span_eq(span_of(own.bytes, own.len),
				span_of(t->address, t->address_bytes)))
			return true;
	}
	return false;
}

static void add_target(struct destination *d, const struct target *t)
{
	struct target *added;

	if (!t->is_trusted && (is_own(config_of(d), t) ||
			!mx_address_is_usable(span_of(t->address,
				t->address_bytes))))
		return;
	added = &d->targets[d->target_count++];
	*added = *t;
	added->host = arena_dup(&d->target_arena, t->host);
}

static void forget(struct destination *d, size_t room)
{
	arena_reset(&d->target_arena);
	d->target_count = 0;
	d->targets = arena_alloc(&d->target_arena, room, sizeof(*d->targets));
}

static void say(struct fault *out, enum code result, uint32_t code,
	const char *enhanced)
{
	out->result = result;
	out->code = code;
	out->enhanced = enhanced;
}

static bool say_circle(const struct destination *d, struct fault *out)
{
	say(out, DENIED, 0, "5.4.6");
	(void)snprintf(out->text, sizeof(out->text),
		"mail for %.*s comes back to this server", SPAN_ARG(d->name));
	return false;
}

bool outbound_take_literal(struct destination *d, struct fault *out_fault)
{
	struct target t = {.is_trusted = is_smarthost(d),
		.is_sure = true};
	struct span host = route_of(d, &t.port);

	out_fault->result = OK;
	if (host.n < 3 || host.p[0] != '[' || host.p[host.n - 1] != ']')
		return false;
	t.host = host;
	forget(d, 1);
	if (!parse_address(span_tail(span_head(host, host.n - 1), 1), &t)) {
		say(out_fault, DENIED, 0, "5.1.2");
		(void)snprintf(out_fault->text, sizeof(out_fault->text),
			"%.*s is not an address", SPAN_ARG(host));
		return true;
	}
	add_target(d, &t);
	if (d->target_count == 0)
		say_circle(d, out_fault);
	return true;
}

/* What the resolver says when there is no host. */
static bool say_no_host(const struct destination *d,
	const struct msg_mx_answer *m, struct fault *out)
{
	const char *what = is_smarthost(d) ? "the smarthost cannot be found" :
					     "the domain cannot be found";

	if (m->is_null_mx) {
		say(out, DENIED, 556, "5.1.10"); /* RFC 7505 5 */
		(void)snprintf(out->text, sizeof(out->text),
			"%.*s takes no mail (null MX)", SPAN_ARG(d->name));
		return false;
	}
	/* a smarthost that is not there is our own trouble */
	if (m->result == NOT_FOUND && !is_smarthost(d))
		say(out, DENIED, 0, "5.1.2");
	else
		say(out, TEMP, 0, "4.4.3");
	(void)snprintf(out->text, sizeof(out->text), "%s: %.*s", what,
		SPAN_ARG(span_head(m->why, 400)));
	return false;
}

static size_t read_hosts(struct span records, struct mx_host *hosts,
	struct span *addresses)
{
	struct rec_host r;
	size_t n = 0;

	while (n < TARGETS_MAX && rec_next_host(&records, &r) == MORE) {
		hosts[n] = (struct mx_host){r.preference, 0, r.name};
		addresses[n++] = r.address;
	}
	return n;
}

bool outbound_take_hosts(struct destination *d, const struct msg_mx_answer *m,
	struct fault *out)
{
	struct mx_host hosts[TARGETS_MAX];
	struct span addresses[TARGETS_MAX];
	struct target t = {0};
	size_t n;

	(void)route_of(d, &t.port);
	if (m->result != OK || m->is_null_mx)
		return say_no_host(d, m, out);
	n = read_hosts(m->hosts, hosts, addresses);
	if (!is_smarthost(d))
		n = mx_before_self(hosts, n, config_of(d)->hostname);
	forget(d, n + 1);
	for (size_t i = 0; i < n; i++) {
		if (addresses[i].n != 4 && addresses[i].n != 16)
			continue;
		t.host = hosts[i].name;
		t.address_bytes = (uint8_t)addresses[i].n;
		memcpy(t.address, addresses[i].p, addresses[i].n);
		t.is_trusted = is_smarthost(d) ||
			is_local_data(config_of(d), &t);
		t.is_sure = t.is_trusted || m->is_secure;
		add_target(d, &t);
	}
	return d->target_count > 0 || say_circle(d, out);
}
