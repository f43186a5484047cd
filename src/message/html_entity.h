/*
 * html_entity.h - what "&nbsp;" and its kin stand for.
 */
#ifndef POSTRIDER_MESSAGE_HTML_ENTITY_H
#define POSTRIDER_MESSAGE_HTML_ENTITY_H

#include "base/span.h"

/* name is what stands behind the ampersand, without the semicolon ("nbsp",
 * "#233", "#xE9"); is_closed: there was one.  False: it is none that we know.
 * *out is a character that UTF-8 can hold. */
bool html_entity_read(struct span name, bool is_closed, uint32_t *out);

#endif
