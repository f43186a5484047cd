/*
 * confine_int.h - what the files of confine share: the table of the roles and
 * the two mechanisms of the kernel.
 */
#ifndef POSTRIDER_ROLE_CONFINE_INT_H
#define POSTRIDER_ROLE_CONFINE_INT_H

#include <sys/resource.h>
#include <sys/types.h>

#include "role/confine.h"

/* ---- the table: confine_table.c ------------------------------------------- */
#define CONFINE_TESTS_MAX 2

/* Stands in a table for the number of the process that confines itself. */
#define CONFINE_OWN_PID 0x7ffffffeu

/* (argument & mask) == value.  Masks are of 32 bits where the kernel reads an
 * int: what the upper half of the register holds is no difference to it. */
struct confine_argument {
	uint32_t index;
	uint64_t mask, value;
};

/* One system call that is answered, and not the end of the process.  Several
 * rows for one call: any of them. */
struct confine_call {
	int number;
	int error; /* 0: it is carried out; else it fails with this errno */
	unsigned test_count;
	struct confine_argument tests[CONFINE_TESTS_MAX]; /* all must hold */
};

/* Ends with a row whose number is CONFINE_END. */
#define CONFINE_END (-1000000)

struct confine_limit {
	__rlimit_resource_t resource;
	rlim_t value;
};

#define CONFINE_LISTS_MAX  5
#define CONFINE_LIMITS_MAX 6

struct confine_row {
	enum role role;
	bool has_folder;   /* request.folder is its own */
	bool may_connect;  /* TCP, to any port ... */
	bool has_port;     /* ... or, unless it is 0, to request.tcp_port */
	bool starts_roles; /* its children confine themselves further */
	uint64_t folder_rights; /* LANDLOCK_*, of its own folder */
	const struct confine_call *lists[CONFINE_LISTS_MAX]; /* NULL: no more */
	struct confine_limit limits[CONFINE_LIMITS_MAX];
	size_t limit_count;
};

/* NULL: this role is not confined (master, cli). */
const struct confine_row *confine_row_of(enum role role);

/* ---- Landlock: confine_landlock.c ----------------------------------------- */
/* Rights of files, as the kernel numbers them; Debian 12's header knows only
 * those of ABI 2. */
#define RIGHT_EXECUTE     (1ULL << 0)
#define RIGHT_WRITE_FILE  (1ULL << 1)
#define RIGHT_READ_FILE   (1ULL << 2)
#define RIGHT_READ_DIR    (1ULL << 3)
#define RIGHT_REMOVE_DIR  (1ULL << 4)
#define RIGHT_REMOVE_FILE (1ULL << 5)
#define RIGHT_MAKE_CHAR   (1ULL << 6)
#define RIGHT_MAKE_DIR    (1ULL << 7)
#define RIGHT_MAKE_REG    (1ULL << 8)
#define RIGHT_MAKE_SOCK   (1ULL << 9)
#define RIGHT_MAKE_FIFO   (1ULL << 10)
#define RIGHT_MAKE_BLOCK  (1ULL << 11)
#define RIGHT_MAKE_SYM    (1ULL << 12)
#define RIGHT_REFER       (1ULL << 13) /* ABI 2 */
#define RIGHT_TRUNCATE    (1ULL << 14) /* ABI 3 */
#define RIGHT_IOCTL_DEV   (1ULL << 15) /* ABI 5 */

/* The version that the kernel has; 0: none. */
int landlock_abi(void);
/* "7 files+tcp+scope", "2 files", "none"; for the log. */
const char *landlock_level(int abi);
/* Needs no_new_privs.  OK too when the kernel has no Landlock. */
enum code landlock_enter(const struct confine_row *row,
	const struct confine_request *request, struct err *e) MUST_USE;

/* ---- seccomp: confine_seccomp.c -------------------------------------------- */
struct filter; /* a program for the kernel, kept for the life of the process */

/* Makes the filter of a row, or returns the one made before, also by a parent:
 * making it is dear, entering it is not. */
enum code filter_make(const struct confine_row *row, struct filter **out,
	struct err *e) MUST_USE;
/* How many system calls it carries out, in whole or in part. */
unsigned filter_calls(const struct filter *f);
enum code filter_enter(const struct filter *f, struct err *e) MUST_USE;

/* ---- what confine_test tries: confine_tries.c ------------------------------ */
/* Where an action finds what it tries to reach. */
struct stage {
	char top[64];   /* the two folders stand in it */
	char own[64];   /* the role's own folder, with a file "file" */
	char other[64]; /* another folder of the same owner, with "secret" */
	pid_t outside;  /* a process that is not confined */
	uint16_t port;  /* somebody listens, and outbound may connect */
	uint16_t other_port; /* somebody listens */
};

#define ROLE_BIT(role) (1u << (role))

struct try {
	const char *name;
	unsigned may; /* ROLE_BIT of the roles whose row permits it */
	/* 0: it was done; else the errno that refused it */
	int (*run)(const struct stage *s);
};

/* Ends with a row without a name. */
extern const struct try confine_tries[];

#endif
