/*
 * confine_landlock.c - files, TCP ports and signals of a confined process.
 *
 * The kernel's interface is spoken directly: the C library has no functions
 * for it and Debian 12's header knows two of the seven versions.  What this
 * kernel lacks is left out of the request and named in the log.
 *
 * Landlock does not stop stat, chmod, UDP, or a connection to a UNIX socket
 * by its path: those are seccomp's.
 */
#define _GNU_SOURCE
#include "role/confine_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ABI_REFER    2
#define ABI_TRUNCATE 3
#define ABI_NET      4
#define ABI_IOCTL    5
#define ABI_SCOPE    6

#define VERSION_FLAG   1u
#define RULE_PATH      1
#define RULE_PORT      2
#define NET_BIND       (1ULL << 0)
#define NET_CONNECT    (1ULL << 1)
#define SCOPE_ABSTRACT (1ULL << 0)
#define SCOPE_SIGNAL   (1ULL << 1)

/* struct landlock_ruleset_attr and its rules as the kernel reads them. */
struct ruleset_attr {
	uint64_t files, net, scope;
};

struct path_rule {
	uint64_t rights;
	int32_t folder_fd;
} __attribute__((packed));

struct port_rule {
	uint64_t rights, port;
};

int landlock_abi(void)
{
	/* asked once: the filter ends who asks again */
	static long abi = -2;

	if (abi == -2)
		abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			VERSION_FLAG);
	return abi < 0 ? 0 : (int)abi;
}

const char *landlock_level(int abi)
{
	static char text[48];

	if (abi == 0)
		return "none";
	(void)snprintf(text, sizeof(text), "%d files%s%s", abi,
		abi >= ABI_NET ? "+tcp" : "", abi >= ABI_SCOPE ? "+scope" : "");
	return text;
}

/* All rights that this version knows. */
static uint64_t known_rights(int abi)
{
	uint64_t rights = RIGHT_REFER - 1;

	if (abi >= ABI_REFER)
		rights |= RIGHT_REFER;
	if (abi >= ABI_TRUNCATE)
		rights |= RIGHT_TRUNCATE;
	if (abi >= ABI_IOCTL)
		rights |= RIGHT_IOCTL_DEV;
	return rights;
}

static size_t attr_bytes(int abi)
{
	if (abi >= ABI_SCOPE)
		return sizeof(struct ruleset_attr);
	return abi >= ABI_NET ? offsetof(struct ruleset_attr, scope)
			      : offsetof(struct ruleset_attr, net);
}

static enum code add_folder(int ruleset, const char *folder, uint64_t rights,
	struct err *e)
{
	struct path_rule rule = {.rights = rights};
	long rc;

	rule.folder_fd = open(folder,
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (rule.folder_fd < 0)
		return err_errno(e, TEMP, "opening folder %s", folder);
	rc = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0);
	close(rule.folder_fd);
	if (rc != 0)
		return err_errno(e, TEMP, "landlock rule for %s", folder);
	return OK;
}

static enum code add_port(int ruleset, uint16_t port, struct err *e)
{
	struct port_rule rule = {NET_CONNECT, port};

	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &rule, 0) != 0)
		return err_errno(e, TEMP, "landlock rule for port %u", port);
	return OK;
}

/* The only port that may be connected to; 0: none, or any. */
static uint16_t the_port(const struct confine_row *row,
	const struct confine_request *request)
{
	return row->has_port ? request->tcp_port : 0;
}

static enum code add_rules(int ruleset, const struct confine_row *row,
	const struct confine_request *request, int abi, struct err *e)
{
	enum code code = OK;

	if (row->has_folder)
		code = add_folder(ruleset, request->folder,
			row->folder_rights & known_rights(abi), e);
	if (code == OK && the_port(row, request) != 0 && abi >= ABI_NET)
		code = add_port(ruleset, request->tcp_port, e);
	return code;
}

enum code landlock_enter(const struct confine_row *row,
	const struct confine_request *request, struct err *e)
{
	int abi = landlock_abi();
	struct ruleset_attr attr = {known_rights(abi), NET_BIND | NET_CONNECT,
		SCOPE_ABSTRACT | SCOPE_SIGNAL};
	enum code code;
	int ruleset;

	if (abi == 0)
		return OK;
	/* no list of ports: then connecting is not Landlock's to judge */
	if (row->may_connect && the_port(row, request) == 0)
		attr.net = NET_BIND;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
		attr_bytes(abi), 0);
	if (ruleset < 0)
		return err_errno(e, TEMP, "landlock ruleset");
	code = add_rules(ruleset, row, request, abi, e);
	if (code == OK &&
		syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		code = err_errno(e, TEMP, "landlock");
	close(ruleset);
	return code;
}
