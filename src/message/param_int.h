/*
 * param_int.h - what the files of param.h share.
 */
#ifndef POSTRIDER_MESSAGE_PARAM_INT_H
#define POSTRIDER_MESSAGE_PARAM_INT_H

#include "message/param.h"

/* Joins the pieces of RFC 2231 3 in a list of at most MESSAGE_PARAMS_MAX
 * parameters.  Each joined one stands where its first piece stood; a piece that
 * does not fit (one before it is missing, or it came twice) stays as sent. */
void param_join_pieces(struct arena *a, struct param_list *list);

/* attribute-char of RFC 2231 7: needs no percent sign */
bool param_is_attribute_char(uint8_t c);

#endif
