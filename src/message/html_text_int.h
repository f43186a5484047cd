/*
 * html_text_int.h - what the files of html_text share.
 */
#ifndef POSTRIDER_MESSAGE_HTML_TEXT_INT_H
#define POSTRIDER_MESSAGE_HTML_TEXT_INT_H

#include "message/html_text.h"

#define C2 0xc2 /* begins the characters U+0080 to U+00BF */

/* ---- html_flow.c: lines --------------------------------------------- */

/* What comes next begins a line (1), behind an empty one (2). */
void html_need_break(struct html_text *h, uint8_t breaks);
/* Text without controls, and without white space but single blanks inside. */
void html_put_text(struct html_text *h, struct span text, struct buf *out);
/* White space of any kind. */
void html_put_blank(struct html_text *h, uint8_t c);
/* One character, whichever. */
void html_put_code(struct html_text *h, uint32_t code, struct buf *out);
/* How deep a list or quotation is shown. */
size_t html_nest(uint8_t depth);

/* How much of in is text that only has to be put: words, and single blanks
 * between them. */
size_t html_run_len(struct span in);
/* May it stand in an entity's name or number? */
bool html_is_entity_byte(uint8_t c);

/* The link whose address is the value at hand; its address is written when it
 * ends, if there is one that is open. */
void html_begin_link(struct html_text *h);
void html_end_link(struct html_text *h, struct buf *out);
/* The text of a picture is the value at hand. */
void html_put_picture(struct html_text *h, struct buf *out);

/* ---- html_tag.c: tags ----------------------------------------------- */

struct html_tag {
	const char *name;
	void (*run)(struct html_text *h, struct buf *out);
	const char *wants; /* the attribute that is read; NULL: none */
};

/* The tag whose name was read; NULL: none that we know. */
const struct html_tag *html_tag_find(const struct html_text *h);
/* The ">" of the tag at hand. */
void html_tag_end(struct html_text *h, struct buf *out);

#endif
