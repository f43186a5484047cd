/*
 * config_tls.c - whether mail to a domain goes under TLS: outbound.tls and
 * outbound.tls_policy.
 */
#include "config/config_int.h"

#include "base/banned.h"

static const char *const words[] = {
	[CONFIG_TLS_NEVER] = "never",
	[CONFIG_TLS_MAY] = "may",
	[CONFIG_TLS_MUST] = "must",
};

const char *config_tls_word(enum config_tls tls)
{
	return words[tls];
}

bool config_tls_parse(struct span word, enum config_tls *out)
{
	for (unsigned i = CONFIG_TLS_NEVER; i <= CONFIG_TLS_MUST; i++) {
		if (!span_eq(word, span_str(words[i])))
			continue;
		*out = (enum config_tls)i;
		return true;
	}
	return false;
}

bool config_tls_parse_policy(struct span text, struct span *out_domain,
	enum config_tls *out)
{
	struct span word = text;
	struct span domain = span_cut(&word, ' ');
	bool is_below = span_starts(domain, SPAN("."));

	*out_domain = domain;
	return option_is_hostname(span_tail(domain, is_below ? 1 : 0)) &&
		config_tls_parse(span_trim(word), out);
}

/* "bank.example" is the domain itself, ".example" all that is below it. */
static bool is_for(struct span row, struct span domain)
{
	if (!span_starts(row, SPAN(".")))
		return span_eq_fold(row, domain);
	return domain.n > row.n &&
		span_eq_fold(span_tail(domain, domain.n - row.n), row);
}

/* A domain's own name is longer than all that it is below of, with their
 * dots. */
enum config_tls config_tls_for(const struct config *c, struct span domain)
{
	enum config_tls best = c->outbound_tls;
	size_t best_n = 0;

	for (size_t i = 0; i < c->tls_policy_count; i++) {
		struct span row;
		enum config_tls tls;

		if (!config_tls_parse_policy(c->tls_policies[i], &row, &tls) ||
			!is_for(row, domain) || row.n < best_n)
			continue;
		if (row.n > best_n || tls > best)
			best = tls;
		best_n = row.n;
	}
	return best;
}
