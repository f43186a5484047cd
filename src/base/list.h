/*
 * list.h - a doubly linked list through a field of its members.
 *
 * The list owns nothing.  A member is in at most one list per field.
 */
#ifndef POSTRIDER_BASE_LIST_H
#define POSTRIDER_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev; /* to itself when empty or not in a list */
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Puts a member at the end of the list. */
static inline void list_put(struct list *l, struct list *member)
{
	member->prev = l->prev;
	member->next = l;
	l->prev->next = member;
	l->prev = member;
}

/* Takes a member out of its list; harmless if it is in none. */
static inline void list_take(struct list *member)
{
	member->next->prev = member->prev;
	member->prev->next = member->next;
	list_init(member);
}

/* The struct around a member. */
#define LIST_OF(type, field, member)                                           \
	((type *)(void *)((char *)(member) - offsetof(type, field)))

/* Walks from first to last; the current member may be taken out. */
#define LIST_FOR_EACH(it, l)                                                   \
	for (struct list *it = (l)->next, *it##_next = it->next; it != (l);   \
		it = it##_next, it##_next = it->next)

#endif
