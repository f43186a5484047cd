/*
 * sasl_scram_read.c - the client's two messages of SCRAM, cut into their
 * attributes: "x=value", with commas between.
 */
#include "sasl/sasl_scram_read.h"

#include "base/err.h"
#include "base/utf8.h"

#include "base/banned.h"

struct span scram_error_name(enum scram_error e)
{
	static const struct span names[SCRAM_ERROR_COUNT] = {
		[SCRAM_ENCODING] = SPAN_INIT("invalid-encoding"),
		[SCRAM_EXTENSION] = SPAN_INIT("extensions-not-supported"),
		[SCRAM_PROOF] = SPAN_INIT("invalid-proof"),
		[SCRAM_BINDING] = SPAN_INIT("channel-bindings-dont-match"),
		[SCRAM_DOWNGRADE] =
			SPAN_INIT("server-does-support-channel-binding"),
		[SCRAM_NO_BINDING] = SPAN_INIT("channel-binding-not-supported"),
		[SCRAM_TYPE] = SPAN_INIT("unsupported-channel-binding-type"),
		[SCRAM_USERNAME] = SPAN_INIT("invalid-username-encoding"),
		[SCRAM_OTHER] = SPAN_INIT("other-error"),
	};

	must(e < SCRAM_ERROR_COUNT);
	return names[e];
}

struct attribute {
	uint8_t name;
	struct span value; /* not empty */
};

/* Cuts the next attribute off, with the comma behind it. */
static bool take(struct span *left, struct attribute *out)
{
	size_t end = span_find(*left, ',');
	struct span word = span_head(*left, end);

	if (word.n < 3 || !ascii_is_alpha(word.p[0]) || word.p[1] != '=')
		return false;
	if (end + 1 == left->n)
		return false; /* a comma with nothing behind it */
	*out = (struct attribute){word.p[0], span_tail(word, 2)};
	*left = span_tail(*left, end + 1);
	return true;
}

static bool take_named(struct span *left, uint8_t name, struct span *value)
{
	struct attribute a;

	if (!take(left, &a) || a.name != name)
		return false;
	*value = a.value;
	return true;
}

static bool is_text(struct span said)
{
	return utf8_is_valid(said) && span_find(said, '\0') == said.n;
}

/* printable of RFC 5802 7; there is no comma in it any more. */
static bool is_nonce(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return s.n > 0;
}

static bool read_flag(struct span word, struct scram_first *out)
{
	if (word.n == 0)
		return false;
	out->flag = word.p[0];
	if (word.n == 1)
		return out->flag == 'n' || out->flag == 'y';
	out->type = span_tail(word, 2);
	return span_starts(word, SPAN("p=")) && out->type.n > 0;
}

/* gs2-header: flag, perhaps "a=" and a name, each with its comma. */
static bool read_gs2(struct span *said, struct scram_first *out)
{
	size_t flag_n = span_find(*said, ',');
	struct span flag = span_head(*said, flag_n);
	struct span left = span_tail(*said, flag_n + 1);
	size_t authzid_n = span_find(left, ',');
	struct span authzid = span_head(left, authzid_n);

	/* both were ended by a comma */
	if (authzid_n == left.n || !read_flag(flag, out))
		return false;
	if (authzid.n > 0 &&
		(authzid.n < 3 || !span_starts(authzid, SPAN("a="))))
		return false;
	out->authzid = span_tail(authzid, 2);
	out->gs2 = span_head(*said, flag_n + authzid_n + 2);
	*said = span_tail(*said, out->gs2.n);
	return true;
}

enum scram_error scram_first_read(struct span said, struct scram_first *out)
{
	struct attribute a;

	*out = (struct scram_first){0};
	if (!is_text(said))
		return SCRAM_ENCODING;
	if (!read_gs2(&said, out))
		return SCRAM_SYNTAX;
	out->bare = said;
	if (span_starts(said, SPAN("m=")))
		return SCRAM_EXTENSION;
	if (!take_named(&said, 'n', &out->user) ||
		!take_named(&said, 'r', &out->nonce) || !is_nonce(out->nonce))
		return SCRAM_SYNTAX;
	while (said.n > 0) {
		if (!take(&said, &a))
			return SCRAM_SYNTAX;
		if (a.name == 'm')
			return SCRAM_EXTENSION;
	}
	return SCRAM_GOOD;
}

enum scram_error scram_final_read(struct span said, struct scram_final *out)
{
	const struct span whole = said;
	struct attribute a;

	*out = (struct scram_final){0};
	if (!is_text(said))
		return SCRAM_ENCODING;
	if (!take_named(&said, 'c', &out->binding) ||
		!take_named(&said, 'r', &out->nonce))
		return SCRAM_SYNTAX;
	while (take(&said, &a)) {
		if (a.name == 'm')
			return SCRAM_EXTENSION;
		if (a.name != 'p')
			continue;
		if (said.n > 0)
			return SCRAM_SYNTAX; /* the proof is the last */
		out->proof = a.value;
		out->bare = span_head(whole, whole.n - a.value.n - 3);
		return SCRAM_GOOD;
	}
	return SCRAM_SYNTAX;
}

bool scram_name_unescape(struct span name, uint8_t *out, size_t *out_n)
{
	size_t n = 0;

	while (name.n > 0) {
		uint8_t c = name.p[0];
		size_t used = 1;

		if (c == '=') {
			used = 3;
			if (span_starts(name, SPAN("=2C")))
				c = ',';
			else if (!span_starts(name, SPAN("=3D")))
				return false;
		}
		out[n++] = c;
		name = span_tail(name, used);
	}
	*out_n = n;
	return true;
}
