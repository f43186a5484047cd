/*
 * html_text.h - what a person reads of an HTML text, as lines of plain text.
 *
 * For previews, terminals and search: no layout, no styles.  Tags are read as
 * the HTML standard tokenizes them, so that what a browser hides (comments,
 * scripts, unfinished tags) is hidden here too, and the rest is there.  Blocks
 * begin lines, at most one empty line stands between two, quotations get "> "
 * before each line, lists a mark or number, and links their address behind
 * them if that is wanted.  White space is folded but in <pre>.
 *
 * Fed in pieces of any size; memory is this struct, time is linear.  The input
 * is UTF-8 (words.h and charset.h come before); then the output is too, and it
 * holds no control characters but LF.  It is at most HTML_TEXT_GROWTH times
 * as long as what was fed, and HTML_TEXT_SLACK.
 */
#ifndef POSTRIDER_MESSAGE_HTML_TEXT_H
#define POSTRIDER_MESSAGE_HTML_TEXT_H

#include "base/buf.h"
#include "base/span.h"

#define HTML_TEXT_GROWTH 10
#define HTML_TEXT_SLACK  4096

#define HTML_NAME_MAX  12   /* bytes of a tag's or attribute's name */
#define HTML_VALUE_MAX 2048 /* of an address or a picture's text */
#define HTML_ENTITY_MAX 32  /* of what stands behind "&" */
#define HTML_NEST_MAX  6    /* lists in lists, quotations in quotations */

enum html_state {
	HTML_TEXT,
	HTML_C2,         /* the first byte of a character below U+00C0 */
	HTML_ENTITY,     /* behind "&" */
	HTML_LT,         /* behind "<" */
	HTML_CLOSE_LT,   /* behind "</" */
	HTML_NAME,
	HTML_GAP,        /* between attributes */
	HTML_ATTRIBUTE,  /* in the name of one */
	HTML_EQUALS,     /* behind its "=" */
	HTML_VALUE,
	HTML_BANG,       /* behind "<!" or "<!-" */
	HTML_COMMENT,
	HTML_BOGUS,      /* "<!DOCTYPE", "<?xml": nothing up to ">" */
	HTML_RAW,        /* in <script>, <style>, <title> */
	HTML_RAW_CLOSE   /* where that may end */
};

/* All private. */
struct html_text {
	enum html_state state;
	bool with_links;
	bool has_text;       /* something was written */
	bool is_line_open;   /* the line has text already */
	uint8_t breaks;      /* line ends that wait for text: 0, 1, 2 */
	uint8_t blanks;      /* the same for blanks; more than 1: <pre> */
	uint8_t pre;         /* how many <pre> are open */
	uint8_t quotes;      /* how many <blockquote> */
	uint8_t line_quotes; /* marks before the line at hand */
	uint8_t lists;       /* how many lists */
	bool has_mark;       /* a list's mark waits for text */
	uint16_t numbers[HTML_NEST_MAX]; /* 0: <ul>; else the next of <ol> */

	const struct html_tag *raw; /* the element whose end is waited for */
	const struct html_tag *tag; /* the one at hand; NULL: not known */
	size_t matched;      /* bytes of "</name" that were seen; dashes of
				comments */
	bool is_close;       /* the tag at hand is "</x>" */
	uint8_t quote;       /* that began the value; 0: none did */
	char name[HTML_NAME_MAX];
	size_t name_len;     /* more than HTML_NAME_MAX: none that we know */
	char attribute[HTML_NAME_MAX];
	size_t attribute_len;
	uint8_t value[HTML_VALUE_MAX]; /* of the one that the tag wants */
	size_t value_len;    /* more than HTML_VALUE_MAX: too long */
	bool has_value;      /* the tag has given it */
	bool keeps_value;    /* the value at hand is it */
	uint8_t entity[HTML_ENTITY_MAX];
	size_t entity_len;

	bool is_in_link;
	uint8_t link[HTML_VALUE_MAX];
	size_t link_len;
	uint8_t shown[HTML_VALUE_MAX]; /* the text of the link */
	size_t shown_len;
};

/* with_links: "text <https://…>", unless the text is the address. */
void html_text_init(struct html_text *h, bool with_links);
void html_text_feed(struct html_text *h, struct span in, struct buf *out);
/* What is held is written, and the last line ended if there is one. */
void html_text_end(struct html_text *h, struct buf *out);

/* The same for an HTML text that lies in memory. */
void html_text_put(struct buf *out, struct span html, bool with_links);

#endif
