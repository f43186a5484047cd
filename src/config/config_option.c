/*
 * config_option.c - the table of options: find a row, set it, write it.
 *
 * A type is a row of `types`: how a word becomes the value of one element, and
 * how it is written again.  What can be wrong with a word is said as a
 * sentence that ends in the cure, because the person who reads it has a server
 * that does not start.
 */
#include "config/config_int.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/near.h"
#include "base/network.h"
#include "base/num.h"

#include "base/banned.h"

#define FILE_MAX 4096 /* PATH_MAX of Linux */

#define OPTION(section, name, type, field, preset, min, max, sentence)         \
	{section, #name, OPTION_##type, offsetof(struct config, field),        \
		OPTION_NO_COUNT, 1, preset, min, max, sentence},
#define LIST(section, name, type, field, count, preset, min, max, sentence)    \
	{section, #name, OPTION_##type, offsetof(struct config, field),        \
		offsetof(struct config, count),                                \
		sizeof(((struct config *)0)->field) /                          \
			sizeof(((struct config *)0)->field[0]),                \
		preset, min, max, sentence},
const struct option config_options[] = {
#include "config/options.def"
};
#undef OPTION
#undef LIST

const size_t config_option_count =
	sizeof(config_options) / sizeof(config_options[0]);

/* ---- finding a row --------------------------------------------------------- */
void option_put_path(struct buf *out, const struct option *o)
{
	for (const char *s = o->section; *s != '\0'; s++)
		buf_putc(out, *s == ' ' ? '.' : (uint8_t)*s);
	if (*o->section != '\0')
		buf_putc(out, '.');
	buf_puts(out, o->name);
}

static bool is_path_of(struct span path, const struct option *o)
{
	struct span section = span_str(o->section);
	struct span name = span_str(o->name);
	size_t skip = section.n == 0 ? 0 : section.n + 1;

	if (path.n != skip + name.n || !span_eq(span_tail(path, skip), name))
		return false;
	for (size_t i = 0; i < skip; i++) {
		uint8_t want = i == section.n || section.p[i] == ' '
				       ? '.'
				       : section.p[i];

		if (path.p[i] != want && !(path.p[i] == ' ' && want == '.'))
			return false;
	}
	return true;
}

const struct option *option_find(struct span path)
{
	for (size_t i = 0; i < config_option_count; i++)
		if (is_path_of(path, &config_options[i]))
			return &config_options[i];
	return NULL;
}

/* A name alone is compared with the names of all sections. */
const struct option *option_nearest(struct span path)
{
	struct span name = span_tail(path, span_find_last(path, '.') + 1);
	const struct option *best = NULL;
	size_t best_distance = NEAR_BYTES_MAX;

	if (span_find(path, '.') == path.n)
		name = path;
	for (size_t i = 0; i < config_option_count; i++) {
		const struct option *o = &config_options[i];
		size_t d = near_distance(name, span_str(o->name));

		if (d < best_distance) {
			best = o;
			best_distance = d;
		}
	}
	return near_enough(name, best_distance) ? best : NULL;
}

/* ---- words to values -------------------------------------------------------- */
static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static bool parse_text(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	if (word.n < o->min || word.n > o->max || has_control(word))
		return false;
	*(struct span *)out = arena_dup(a, word);
	return true;
}

bool option_is_hostname(struct span word)
{
	if (word.n == 0 || word.n > 255)
		return false;
	while (word.n > 0) {
		bool is_last = span_find(word, '.') == word.n;
		struct span label = span_cut(&word, '.');

		if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
			label.p[label.n - 1] == '-' ||
			(!is_last && word.n == 0))
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!ascii_is_alpha(label.p[i]) &&
				!ascii_is_digit(label.p[i]) &&
				label.p[i] != '-')
				return false;
	}
	return true;
}

static struct span machine_name(struct arena *a)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) != 0 ||
		!option_is_hostname(span_str(name)))
		return SPAN("localhost");
	return arena_dup(a, span_str(name));
}

static bool parse_hostname(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	(void)o;
	if (word.n == 0) {
		*(struct span *)out = machine_name(a);
		return true;
	}
	if (!option_is_hostname(word))
		return false;
	*(struct span *)out = arena_dup(a, word);
	return true;
}

static bool parse_path(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	return span_starts(word, SPAN("/")) && parse_text(o, word, out, a);
}

/* Of a list: min and max are those of the list. */
static bool parse_file(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	(void)o;
	if (!span_starts(word, SPAN("/")) || word.n >= FILE_MAX ||
		has_control(word))
		return false;
	*(struct span *)out = arena_dup(a, word);
	return true;
}

static bool parse_log_to(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	return (span_eq(word, SPAN("stderr")) ||
		       span_starts(word, SPAN("/"))) &&
		parse_text(o, word, out, a);
}

static bool parse_ip(struct span text, struct config_address *out)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (text.n == 0 || text.n >= sizeof(host))
		return false;
	memcpy(host, text.p, text.n);
	out->len = 4;
	if (inet_pton(AF_INET, host, out->bytes) == 1)
		return true;
	out->len = 16;
	return inet_pton(AF_INET6, host, out->bytes) == 1;
}

static bool parse_port(struct span text, uint32_t min, uint16_t *out)
{
	uint32_t port;

	if (!num_parse_u32(text, 65535, &port) || port < min)
		return false;
	*out = (uint16_t)port;
	return true;
}

/* "[x]:port" or "x:port" apart; false: no colon, or brackets that do not
 * close. */
static bool split_port(struct span text, struct span *host, struct span *port,
	bool *has_brackets)
{
	size_t colon = span_find_last(text, ':');

	if (colon == text.n)
		return false;
	*host = span_head(text, colon);
	*port = span_tail(text, colon + 1);
	*has_brackets = span_starts(*host, SPAN("["));
	if (!*has_brackets)
		return true;
	if (!span_ends(*host, SPAN("]")))
		return false;
	*host = span_tail(span_head(*host, host->n - 1), 1);
	return true;
}

/* Port 0: the system chooses one; for tests. */
bool config_parse_address(struct span text, struct config_address *out)
{
	struct span host, port;
	bool has_brackets;

	*out = (struct config_address){0};
	return split_port(text, &host, &port, &has_brackets) &&
		parse_ip(host, out) && has_brackets == (out->len == 16) &&
		parse_port(port, 0, &out->port);
}

static bool parse_address(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	struct config_address address;

	(void)o;
	if (!config_parse_address(word, &address))
		return false;
	*(struct span *)out = arena_dup(a, word);
	return true;
}

static bool is_host_or_ip(struct span host, bool has_brackets)
{
	struct config_address address;

	return has_brackets ? parse_ip(host, &address) : option_is_hostname(host);
}

static bool parse_host(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	struct span host = word, port = SPAN("25");
	bool has_brackets = span_starts(word, SPAN("["));
	uint16_t number;

	if (has_brackets && span_ends(word, SPAN("]")))
		host = span_tail(span_head(word, word.n - 1), 1);
	else if (span_find(word, ':') != word.n &&
		!split_port(word, &host, &port, &has_brackets))
		return false;
	if (word.n > 0 && (!is_host_or_ip(host, has_brackets) ||
		!parse_port(port, 1, &number)))
		return false;
	return parse_text(o, word, out, a);
}

static bool parse_server(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	struct span port = word;
	struct span host = span_cut(&port, '@');
	struct config_address address;

	(void)o;
	if (!parse_ip(host, &address) ||
		(host.n < word.n && !parse_port(port, 1, &address.port)))
		return false;
	*(struct span *)out = arena_dup(a, word);
	return true;
}

/* All addresses there are is nobody's network: it would be an open relay. */
static bool parse_network(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	struct network network;

	(void)o;
	if (!network_parse(word, &network) || network.bits == 0)
		return false;
	*(struct span *)out = arena_dup(a, word);
	return true;
}

/* What stands behind the name of a record; "static" makes a zone of it. */
static bool is_record_type(struct span word)
{
	static const char *const types[] = {"A", "AAAA", "MX", "CNAME", "TXT",
		"NS", "SOA", "PTR", "SRV", "TLSA", "static"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (span_eq_fold(word, span_str(types[i])))
			return true;
	return false;
}

static bool parse_record(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	struct span rest = word;
	struct span type;
	uint32_t ttl;

	(void)o;
	(void)span_cut(&rest, ' ');
	type = span_cut(&rest, ' ');
	if (num_parse_u32(type, INT32_MAX, &ttl))
		type = span_cut(&rest, ' ');
	if (span_eq_fold(type, SPAN("IN")))
		type = span_cut(&rest, ' ');
	if (!is_record_type(type) || word.n >= 1024 || has_control(word))
		return false;
	*(struct span *)out = arena_dup(a, word);
	return true;
}

static bool parse_count(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	uint64_t value;

	(void)a;
	if (!num_parse_u64(word, o->max, &value) || value < o->min)
		return false;
	*(uint32_t *)out = (uint32_t)value;
	return true;
}

static bool parse_bytes(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	uint64_t value;

	(void)a;
	if (!num_parse_bytes(word, &value) || value < o->min || value > o->max)
		return false;
	*(uint64_t *)out = value;
	return true;
}

static bool parse_time(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	int64_t value;

	(void)a;
	if (!num_parse_duration_ms(word, &value) ||
		value < (int64_t)o->min || value > (int64_t)o->max)
		return false;
	*(int64_t *)out = value;
	return true;
}

static const char *const plaintext_words[] = {"never", "loopback", "always"};

static bool parse_plaintext(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	(void)o;
	(void)a;
	for (unsigned i = PLAINTEXT_NEVER; i <= PLAINTEXT_ALWAYS; i++) {
		if (span_eq(word, span_str(plaintext_words[i]))) {
			*(enum config_plaintext *)out =
				(enum config_plaintext)i;
			return true;
		}
	}
	return false;
}

static const char *const language_words[] = {
#define LANGUAGE(name, tag) [CONFIG_LANGUAGE_##name] = tag,
	CONFIG_LANGUAGES(LANGUAGE)
#undef LANGUAGE
};

static bool parse_language(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	(void)o;
	(void)a;
	for (unsigned i = 0; i < CONFIG_LANGUAGE_COUNT; i++) {
		if (!span_eq(word, span_str(language_words[i])))
			continue;
		*(enum config_language *)out = (enum config_language)i;
		return true;
	}
	return false;
}

static const char *const from_words[] = {
	[SUBMISSION_FROM_OWN] = "own",
	[SUBMISSION_FROM_ANY] = "any",
};

static bool parse_from(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	(void)o;
	(void)a;
	*(enum config_from *)out = span_eq(word, SPAN("any"))
		? SUBMISSION_FROM_ANY
		: SUBMISSION_FROM_OWN;
	return span_eq(word,
		span_str(from_words[*(enum config_from *)out]));
}

static bool parse_yes_no(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	(void)o;
	(void)a;
	*(bool *)out = span_eq(word, SPAN("yes"));
	return *(bool *)out || span_eq(word, SPAN("no"));
}

static bool parse_tls(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	(void)o;
	(void)a;
	return config_tls_parse(word, out);
}

static bool parse_tls_policy(const struct option *o, struct span word,
	void *out, struct arena *a)
{
	struct span domain;
	enum config_tls tls;

	(void)o;
	if (!config_tls_parse_policy(word, &domain, &tls))
		return false;
	*(struct span *)out = arena_dup(a, word);
	return true;
}

static bool parse_level(const struct option *o, struct span word, void *out,
	struct arena *a)
{
	(void)o;
	(void)a;
	return log_level_parse(word, out);
}

/* ---- values to words -------------------------------------------------------- */
/* In double quotes libconfuse puts variables of the environment in, and knows
 * many escapes; in single ones, only these two. */
static void put_text(struct buf *out, const void *value)
{
	struct span s = *(const struct span *)value;
	bool is_plain = span_find(s, '"') == s.n && span_find(s, '\\') == s.n &&
		span_find(s, '$') == s.n;

	buf_putc(out, is_plain ? '"' : '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (!is_plain && (s.p[i] == '\'' || s.p[i] == '\\'))
			buf_putc(out, '\\');
		buf_putc(out, s.p[i]);
	}
	buf_putc(out, is_plain ? '"' : '\'');
}

static void put_count(struct buf *out, const void *value)
{
	buf_put_u64(out, *(const uint32_t *)value);
}

/* With the largest unit that loses nothing. */
static void put_bytes(struct buf *out, const void *value)
{
	uint64_t n = *(const uint64_t *)value;
	size_t unit = 0;

	while (unit < 4 && n > 0 && n % 1024 == 0) {
		n /= 1024;
		unit++;
	}
	buf_printf(out, "\"%" PRIu64 "%.*s\"", n, unit == 0 ? 0 : 1,
		&"KMGT"[unit == 0 ? 0 : unit - 1]);
}

static void put_time(struct buf *out, const void *value)
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t seconds = *(const int64_t *)value / 1000;
	size_t i = 0;

	while (seconds == 0 ? i < 3 : seconds % units[i].seconds != 0)
		i++;
	buf_printf(out, "\"%" PRId64 "%c\"", seconds / units[i].seconds,
		units[i].letter);
}

static void put_plaintext(struct buf *out, const void *value)
{
	buf_printf(out, "\"%s\"",
		plaintext_words[*(const enum config_plaintext *)value]);
}

static void put_language(struct buf *out, const void *value)
{
	buf_printf(out, "\"%s\"",
		language_words[*(const enum config_language *)value]);
}

static void put_from(struct buf *out, const void *value)
{
	buf_printf(out, "\"%s\"",
		from_words[*(const enum config_from *)value]);
}

static void put_yes_no(struct buf *out, const void *value)
{
	buf_puts(out, *(const bool *)value ? "\"yes\"" : "\"no\"");
}

static void put_tls(struct buf *out, const void *value)
{
	buf_printf(out, "\"%s\"",
		config_tls_word(*(const enum config_tls *)value));
}

static void put_level(struct buf *out, const void *value)
{
	buf_printf(out, "\"%s\"",
		log_level_word(*(const enum log_level *)value));
}

/* ---- the types ---------------------------------------------------------------- */
/* clang-format off */
static const struct {
	size_t bytes; /* of one element */
	bool (*parse)(const struct option *o, struct span word, void *out,
		struct arena *a);
	void (*put)(struct buf *out, const void *value);
	const char *cure; /* "… is not": what to write */
} types[OPTION_TYPE_COUNT] = {
	[OPTION_TEXT] = {sizeof(struct span), parse_text, put_text,
		"a name of that length"},
	[OPTION_HOSTNAME] = {sizeof(struct span), parse_hostname, put_text,
		"a host name; write letters, digits, hyphens and dots, as in \"mx.example.org\""},
	[OPTION_PATH] = {sizeof(struct span), parse_path, put_text,
		"a path that can be used; write it from the root and not too long, as in \"/var/lib/postrider\""},
	[OPTION_FILE] = {sizeof(struct span), parse_file, put_text,
		"a file; write its path from the root, as in \"/etc/postrider/fullchain.pem\""},
	[OPTION_LOG_TO] = {sizeof(struct span), parse_log_to, put_text,
		"a place for the log; write \"stderr\" or the whole path of a file"},
	[OPTION_HOST] = {sizeof(struct span), parse_host, put_text,
		"a server; write \"mx.example.org\", \"mx.example.org:587\" or \"[192.0.2.1]:25\""},
	[OPTION_ADDRESS] = {sizeof(struct span), parse_address, put_text,
		"an address to listen on; write \"0.0.0.0:25\" or \"[::]:25\""},
	[OPTION_SERVER] = {sizeof(struct span), parse_server, put_text,
		"a DNS server; write \"192.0.2.53\" or \"192.0.2.53@5353\""},
	[OPTION_NETWORK] = {sizeof(struct span), parse_network, put_text,
		"a network; write \"192.0.2.0/24\" or \"2001:db8::/32\", and not all addresses there are"},
	[OPTION_RECORD] = {sizeof(struct span), parse_record, put_text,
		"a DNS record; write \"name. TYPE value\", as in \"example.org. MX 10 mx.example.org.\""},
	[OPTION_COUNT] = {sizeof(uint32_t), parse_count, put_count,
		"a number in the range"},
	[OPTION_BYTES] = {sizeof(uint64_t), parse_bytes, put_bytes,
		"a size in the range; write a number and K, M or G, as in \"50M\""},
	[OPTION_TIME] = {sizeof(int64_t), parse_time, put_time,
		"a time in the range; write a number and s, m, h, d or w, as in \"15m\""},
	[OPTION_YES_NO] = {sizeof(bool), parse_yes_no, put_yes_no,
		"one of the words; write \"yes\" or \"no\""},
	[OPTION_PLAINTEXT] = {sizeof(enum config_plaintext), parse_plaintext, put_plaintext,
		"one of the words; write \"never\", \"loopback\" or \"always\""},
	[OPTION_FROM] = {sizeof(enum config_from), parse_from, put_from,
		"one of the words; write \"own\" or \"any\""},
	[OPTION_TLS] = {sizeof(enum config_tls), parse_tls, put_tls,
		"one of the words; write \"never\", \"may\" or \"must\""},
	[OPTION_TLS_POLICY] = {sizeof(struct span), parse_tls_policy, put_text,
		"a domain and a word; write \"bank.example must\", or \".example never\" for all domains below example"},
	[OPTION_LANGUAGE] = {sizeof(enum config_language), parse_language, put_language,
		"one of the languages; write \"en\", \"de\" or \"fr\""},
	[OPTION_LEVEL] = {sizeof(enum log_level), parse_level, put_level,
		"a level; write \"error\", \"warn\", \"info\", \"debug\" or \"trace\""},
};
/* clang-format on */

static void put_range(struct buf *out, const struct option *o)
{
	int64_t min_ms = (int64_t)o->min, max_ms = (int64_t)o->max;

	if (o->type == OPTION_COUNT) {
		buf_printf(out, " (%" PRIu64 " to %" PRIu64 ")", o->min,
			o->max);
	} else if (o->type == OPTION_BYTES) {
		buf_puts(out, " (");
		put_bytes(out, &o->min);
		buf_puts(out, " to ");
		put_bytes(out, &o->max);
		buf_puts(out, ")");
	} else if (o->type == OPTION_TIME) {
		buf_puts(out, " (");
		put_time(out, &min_ms);
		buf_puts(out, " to ");
		put_time(out, &max_ms);
		buf_puts(out, ")");
	}
}

static enum code refuse(const struct option *o, struct span word, struct err *e)
{
	struct buf range;

	buf_init(&range, 128);
	put_range(&range, o);
	word = span_head(word, 100);
	err_set(e, SYNTAX, "\"%.*s\" is not %s%.*s", SPAN_ARG(word),
		types[o->type].cure, SPAN_ARG(buf_span(&range)));
	buf_clear(&range);
	return SYNTAX;
}

enum code option_set(const struct option *o, struct config *c,
	const struct span *values, size_t count, struct arena *a, struct err *e)
{
	uint8_t *field = (uint8_t *)c + o->field;

	if (count > o->elements_max)
		return err_set(e, LIMIT,
			"too many values; write at most %zu", o->elements_max);
	for (size_t i = 0; i < count; i++)
		if (!types[o->type].parse(o, values[i],
			    field + i * types[o->type].bytes, a))
			return refuse(o, values[i], e);
	/* a list of times is a schedule, which cannot be empty */
	if (count == 0 && o->type == OPTION_TIME)
		return err_set(e, LIMIT, "there is no value; write at least "
			"one, as in {\"30m\"}");
	if (option_is_list(o))
		*(size_t *)(void *)((uint8_t *)c + o->count) = count;
	return OK;
}

void option_reset(const struct option *o, struct config *c, struct arena *a)
{
	struct span values[CONFIG_RETRIES_MAX];
	struct span left = span_str(o->preset);
	size_t count = 0;

	if (option_is_list(o))
		while (left.n > 0)
			values[count++] = span_cut(&left, ' ');
	else
		values[count++] = left;
	must(option_set(o, c, values, count, a, NULL) == OK);
}

void option_put_value(struct buf *out, const struct option *o,
	const struct config *c)
{
	const uint8_t *field = (const uint8_t *)c + o->field;
	size_t count;

	if (!option_is_list(o)) {
		types[o->type].put(out, field);
		return;
	}
	memcpy(&count, (const uint8_t *)c + o->count, sizeof(count));
	buf_putc(out, '{');
	for (size_t i = 0; i < count; i++) {
		buf_puts(out, i == 0 ? "" : ", ");
		types[o->type].put(out, field + i * types[o->type].bytes);
	}
	buf_putc(out, '}');
}
