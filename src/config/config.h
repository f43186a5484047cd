/*
 * config.h - the configuration: one file, one table of options.
 *
 * The table is options.def: name, type, default, range, sentence.  From it
 * come the parser (libconfuse does the syntax), the defaults, `postrider
 * config show|check|default|explain`, the pages of the manual, and the form in
 * which master hands the settings to the roles, which open no file.
 */
#ifndef POSTRIDER_CONFIG_CONFIG_H
#define POSTRIDER_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"

#define CONFIG_ADDRESSES_MAX 16
#define CONFIG_RETRIES_MAX   16
#define CONFIG_LOCAL_MAX     256
#define CONFIG_SERVERS_MAX   8
#define CONFIG_NETWORKS_MAX  32
#define CONFIG_PAIRS_MAX     16
#define CONFIG_AUTHORITIES_MAX 4
#define CONFIG_POLICIES_MAX  256
#define CONFIG_WORKERS_MAX   16

/* The sections `listen NAME`, in the order of enum service. */
#define CONFIG_LISTENERS 7

struct config_listen {
	struct span addresses[CONFIG_ADDRESSES_MAX]; /* "127.0.0.1:25", "[::]:25" */
	size_t address_count;
};

/* Of notices to senders: a column each in queue_dsn_words.def. */
#define CONFIG_LANGUAGES(LANGUAGE)                                             \
	LANGUAGE(EN, "en")                                                     \
	LANGUAGE(DE, "de")                                                     \
	LANGUAGE(FR, "fr")

enum config_language {
#define LANGUAGE(name, tag) CONFIG_LANGUAGE_##name,
	CONFIG_LANGUAGES(LANGUAGE)
#undef LANGUAGE
	CONFIG_LANGUAGE_COUNT
};

enum config_plaintext { PLAINTEXT_NEVER, PLAINTEXT_LOOPBACK, PLAINTEXT_ALWAYS };

/* TLS with another server: must is encrypted or not at all. */
enum config_tls { CONFIG_TLS_NEVER, CONFIG_TLS_MAY, CONFIG_TLS_MUST };

#define CONFIG_ARENA_BYTES (512u << 10)

/* Spans live in the arena that config_load was given, whose cap is at least
 * CONFIG_ARENA_BYTES. */
/* Whom the header of a message may name as its sender. */
enum config_from { SUBMISSION_FROM_OWN, SUBMISSION_FROM_ANY };

struct config {
	struct span hostname;
	struct span data_dir, run_dir;
	struct span user;
	struct config_listen listen[CONFIG_LISTENERS];
	/* PEM files; the n-th key is that of the n-th certificate.  None: a
	 * certificate is made (src/role/keys.c) */
	struct span tls_certificates[CONFIG_PAIRS_MAX];
	size_t tls_certificate_count;
	struct span tls_keys[CONFIG_PAIRS_MAX];
	size_t tls_key_count;
	enum config_plaintext login_plaintext;
	/* "192.0.2.0/24": what network_parse of base/network.h reads */
	struct span relay_networks[CONFIG_NETWORKS_MAX];
	size_t relay_network_count;
	enum config_from submission_from;
	bool submission_hide_client;
	uint32_t login_workers; /* processes that check hashes */
	uint32_t messages_per_hour, recipients_per_hour; /* 0: no limit */
	bool login_certificates;
	uint64_t message_size_max;
	uint32_t recipients_max;
	uint32_t connections_max, connections_per_address;
	uint32_t errors_max;
	uint32_t received_max;
	uint32_t messages_per_account; /* 0: no limit */
	uint32_t fronts; /* processes of that kind; 0 in the file: one a core */
	int64_t retry_ms[CONFIG_RETRIES_MAX];
	size_t retry_count; /* at least 1 */
	int64_t warn_after_ms, give_up_after_ms, bounce_give_up_after_ms;
	int64_t keep_history_ms;
	enum config_language notice_language;
	uint32_t outbound_port;
	uint32_t outbound_per_domain;
	int64_t outbound_idle_ms;
	struct span outbound_authorities[CONFIG_AUTHORITIES_MAX];
	size_t outbound_authority_count; /* 0: those of the system */
	enum config_tls outbound_tls; /* config_tls_for() knows the exceptions */
	/* "bank.example must", ".example never" (what is below example) */
	struct span tls_policies[CONFIG_POLICIES_MAX];
	size_t tls_policy_count;
	struct span smarthost; /* "", "host", "host:port", "[1.2.3.4]:port" */
	struct span servers[CONFIG_SERVERS_MAX];
	size_t server_count;
	struct span local[CONFIG_LOCAL_MAX];
	size_t local_count;
	int64_t account_idle_ms; /* an unused account process ends */
	int64_t hibernate_after_ms; /* one whose clients only idle; 0: never */
	enum log_level log_level;
	struct span log_to; /* "stderr" or a file */
};

/* Fills *out with the defaults: an empty file is a working server. */
void config_default(struct config *out, struct arena *a);
/* Reads and checks a file; NOT_FOUND: there is none; SYNTAX: e names file,
 * line, option and the cure. */
enum code config_load(const char *path, struct config *out, struct arena *a,
	struct err *e) MUST_USE;
/* The file that is used without --config; NULL: there is none. */
const char *config_find(void);

/* As text that config_load reads back: `config show`, and SETUP messages. */
void config_put(struct buf *out, const struct config *c);
enum code config_parse(struct span text, const char *name, struct config *out,
	struct arena *a, struct err *e) MUST_USE;

/* The same with each option's sentence above it: `config default`. */
void config_put_explained(struct buf *out, const struct config *c);
/* One option ("limits.message_size"), its default and its sentence.  False:
 * there is none; out has the path that looks most like it, if there is one. */
bool config_explain(struct buf *out, struct span path);

/* What holds for mail to this domain: its own row of the policies, then that of
 * the nearest domain above it, then outbound.tls.  Of two rows for one domain
 * the stricter one. */
enum config_tls config_tls_for(const struct config *c, struct span domain);

/* "127.0.0.1:25" or "[::1]:25" to an address of 4 or 16 bytes and a port. */
struct config_address {
	uint8_t bytes[16];
	uint8_t len; /* 4 or 16 */
	uint16_t port;
};
bool config_parse_address(struct span text, struct config_address *out);

#endif
