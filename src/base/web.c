/*
 * web.c - what a web browser says.  See web.h.
 */
#include "base/web.h"

bool web_is_request(struct span line)
{
	static const struct span words[] = {
		SPAN_INIT("GET "), SPAN_INIT("HEAD "), SPAN_INIT("POST "),
		SPAN_INIT("PUT "), SPAN_INIT("DELETE "), SPAN_INIT("CONNECT "),
		SPAN_INIT("OPTIONS "), SPAN_INIT("TRACE "),
		SPAN_INIT("PATCH "), SPAN_INIT("PRI "), SPAN_INIT("HOST:"),
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_starts_fold(line, words[i]))
			return true;
	return false;
}
