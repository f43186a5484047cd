/*
 * confine_linux.c - confines the process for ever.  See confine.h.
 *
 * The order matters: what needs files or root comes first, the filter of
 * system calls last.  After confine_self nothing may look up a name, a time
 * zone, a module or a character set: what libraries open at their first use is
 * used once here.
 */
#define _GNU_SOURCE
#include "role/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"
#include "role/confine_int.h"

struct owner {
	uid_t uid;
	gid_t gid;
};

/* First uses that would open a file: the time zone, OpenSSL's settings. */
static void warm_up(void)
{
	tzset();
	(void)sha256_of(SPAN(""));
}

static enum code find_owner(const char *user, struct owner *out, struct err *e)
{
	const struct passwd *entry;

	if (user == NULL || user[0] == '\0')
		return err_set(e, DENIED,
			"started as root without a user to become: set user");
	errno = 0;
	entry = getpwnam(user);
	if (entry == NULL)
		return err_set(e, NOT_FOUND,
			"no user \"%s\": create it, or set another user", user);
	if (entry->pw_uid == 0)
		return err_set(e, DENIED, "user \"%s\" is root", user);
	*out = (struct owner){entry->pw_uid, entry->pw_gid};
	return OK;
}

/* The root folder becomes one that has no name any more: nothing is in it and
 * nothing can be put there. */
static enum code enter_nowhere(struct err *e)
{
	char path[] = "/tmp/postrider-XXXXXX";

	if (mkdtemp(path) == NULL)
		return err_errno(e, TEMP, "creating %s", path);
	if (chdir(path) != 0 || rmdir(path) != 0 || chroot(".") != 0)
		return err_errno(e, TEMP, "chroot to %s", path);
	return OK;
}

static enum code become(struct owner who, struct err *e)
{
	if (setgroups(1, &who.gid) != 0 ||
		setresgid(who.gid, who.gid, who.gid) != 0 ||
		setresuid(who.uid, who.uid, who.uid) != 0)
		return err_errno(e, TEMP, "becoming user %u", who.uid);
	must(who.uid == 0 || setuid(0) != 0);
	return OK;
}

/* What a service manager lent to an ordinary user. */
static enum code drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0}, {0}};

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) != 0)
		return err_errno(e, TEMP, "dropping capabilities");
	return OK;
}

#ifndef POSTRIDER_SANITIZED
/* The log goes to a file: then no limit of FSIZE 0, which would end the
 * process at its first line. */
static bool writes_files(void)
{
	struct stat st;

	for (int fd = 0; fd < 64; fd++)
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
			(fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
			return true;
	return false;
}

static enum code set_limit(struct confine_limit l, struct err *e)
{
	struct rlimit now, want = {l.value, l.value};

	if (getrlimit(l.resource, &now) != 0)
		return err_errno(e, TEMP, "getrlimit %d", (int)l.resource);
	if (now.rlim_max < l.value)
		want.rlim_cur = want.rlim_max = now.rlim_max;
	if (setrlimit(l.resource, &want) != 0)
		return err_errno(e, TEMP, "setrlimit %d", (int)l.resource);
	return OK;
}

static enum code set_limits(const struct confine_row *row, struct err *e)
{
	enum code code = set_limit((struct confine_limit){RLIMIT_CORE, 0}, e);

	for (size_t i = 0; code == OK && i < row->limit_count; i++) {
		if (row->limits[i].resource == RLIMIT_FSIZE && writes_files())
			continue;
		code = set_limit(row->limits[i], e);
	}
	return code;
}

static enum code seal_process(const struct confine_row *row, struct err *e)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_errno(e, TEMP, "PR_SET_DUMPABLE");
	return set_limits(row, e);
}
#else
/* Sanitizers map terabytes and look at their own process. */
static enum code seal_process(const struct confine_row *row, struct err *e)
{
	(void)row;
	(void)e;
	return OK;
}
#endif

/* Before root is gone: a role's filter, and those of the roles it starts. */
static enum code make_filters(const struct confine_row *row,
	struct filter **out, struct err *e)
{
	struct filter *unused;
	enum code code = filter_make(row, out, e);

	if (code == OK && row->starts_roles)
		code = filter_make(confine_row_of(ROLE_ACCOUNT), &unused, e);
	return code;
}

static enum code leave_root(const struct confine_row *row, const char *user,
	bool *out_chroot, struct err *e)
{
	struct owner who;
	enum code code;

	*out_chroot = false;
	if (geteuid() != 0)
		return drop_capabilities(e);
	code = find_owner(user, &who, e);
	if (code == OK && !row->has_folder) {
		code = enter_nowhere(e);
		*out_chroot = true;
	}
	if (code == OK)
		code = become(who, e);
	return code;
}

static void tell(const struct filter *f, bool has_chroot)
{
	int abi = landlock_abi();

	LOG(EV_CONFINED, LOG_STR("landlock", landlock_level(abi)),
		LOG_NUM("seccomp", filter_calls(f)), LOG_NUM("uid", getuid()),
		LOG_STR("chroot", has_chroot ? "yes" : "no"));
	if (abi == 0)
		LOG(EV_CONFINE_WEAK, LOG_STR("missing", "landlock"));
}

enum code confine_self(const struct confine_request *request, struct err *e)
{
	const struct confine_row *row = confine_row_of(request->role);
	struct filter *filter;
	bool has_chroot;
	enum code code;

	must(row != NULL && (!row->has_folder || request->folder != NULL));
	warm_up();
	code = make_filters(row, &filter, e);
	if (code == OK)
		code = leave_root(row, request->user, &has_chroot, e);
	if (code == OK)
		code = seal_process(row, e);
	if (code == OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		code = err_errno(e, TEMP, "no_new_privs");
	if (code == OK)
		code = landlock_enter(row, request, e);
	if (code == OK)
		code = filter_enter(filter, e);
	if (code != OK)
		return err_wrap(e, "confining %s", role_name(row->role));
	tell(filter, has_chroot);
	return OK;
}
