/*
 * mime_type.h - the media type of a file by the end of its name.
 */
#ifndef POSTRIDER_MESSAGE_MIME_TYPE_H
#define POSTRIDER_MESSAGE_MIME_TYPE_H

#include "base/span.h"

/* "image/png" for "ketchup.PNG"; "application/octet-stream" for what is not
 * known.  RFC 2046 4.5.1 */
const char *mime_type_of_name(struct span name);

#endif
