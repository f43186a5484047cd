/*
 * web.h - what a web browser says, for servers that are none.
 *
 * A page can make a browser send a form to any port, and put commands of a
 * mail server into it: who says one line of HTTP is not listened to further.
 */
#ifndef POSTRIDER_BASE_WEB_H
#define POSTRIDER_BASE_WEB_H

#include <stdbool.h>

#include "base/span.h"

/* Does a line (without its CR LF) begin like a request of HTTP, or is it the
 * field that each request has?  RFC 9110 9, 7.2; RFC 9113 3.4 */
bool web_is_request(struct span line);

#endif
