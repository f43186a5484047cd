/*
 * smtp_reply.h - every reply of the SMTP server, one row each.
 *
 * REPLY(name, code, "enhanced code", "text", "why"): `$` in the text is where
 * the one argument goes; why is the word for the log.  Codes: RFC 5321 4.2.3;
 * enhanced codes: RFC 3463, none in the greeting, after HELO or EHLO, and in
 * 354 (RFC 2034 4).  The reply to EHLO has several lines and is made from its
 * keywords.
 */
#ifndef POSTRIDER_SMTP_SMTP_REPLY_H
#define POSTRIDER_SMTP_SMTP_REPLY_H

#include "base/buf.h"

/* clang-format off */
#define SMTP_REPLIES(REPLY)                                                                                                          \
	REPLY(GREETING,         220, "",      "$ ESMTP Postrider",                                              "")                  \
	REPLY(TLS,               220, "2.0.0", "Begin the handshake",                                                  ""                   )\
	REPLY(BYE,              221, "2.0.0", "$ closes the connection",                                        "")                  \
	REPLY(AUTH_OK,          235, "2.7.0", "Welcome",                                                        "")                  \
	REPLY(HELO,             250, "",      "$",                                                              "")                  \
	REPLY(OK,               250, "2.0.0", "Ok",                                                             "")                  \
	REPLY(QUEUED,           250, "2.0.0", "Ok: queued as $",                                                "")                  \
	REPLY(CHUNK_OK,         250, "2.0.0", "$ octets received",                                              "")                  \
	REPLY(MAIL_OK,          250, "2.1.0", "Sender ok",                                                      "")                  \
	REPLY(RCPT_OK,          250, "2.1.5", "Recipient ok",                                                   "")                  \
	REPLY(HELP,             214, "2.0.0", "Commands: $",                                                    "")                  \
	REPLY(VRFY,             252, "2.0.0", "Cannot verify: send the message and see",                        "")                  \
	REPLY(DATA,             354, "",      "End the message with <CRLF>.<CRLF>",                             "")                  \
	REPLY(ERRORS,           421, "4.7.0", "Too many errors: the limit is $ in one connection",              "errors")            \
	REPLY(LINE_FLOOD,       421, "4.7.0", "A line without an end; lines end with CR LF",                    "line-flood")        \
	REPLY(RCPT_LIMIT,       450, "4.7.1", "Your account has reached its limit of recipients for this hour: try again later", "rcpt-limit") \
	REPLY(MAIL_LIMIT,       451, "4.7.1", "Your account has reached its limit of messages for this hour: try again later", "mail-limit") \
	REPLY(TEMP,             451, "4.3.0", "Our own trouble: try again later",                               "temp")              \
	REPLY(MAILBOX_FULL,     452, "4.2.2", "The mailbox $ is full: try again later, when there is room",     "over-quota")        \
	REPLY(STORAGE_FULL,     452, "4.3.1", "No storage for now: try again later",                            "storage-full")      \
	REPLY(TOO_MANY_RCPTS,   452, "4.5.3", "This message has $ recipients, and may have no more: send the rest in another message", "too-many-rcpts")    \
	REPLY(NO_TLS_NOW,        454, "4.7.0", "TLS is not available now: try again later",                            "no-tls-now"         )\
	REPLY(AUTH_TEMP,        454, "4.7.0", "Logins do not work just now: try again later",                   "auth-temp")         \
	REPLY(UNKNOWN,          500, "5.5.1", "Command not recognized: HELP lists those that are",              "unknown-command")   \
	REPLY(LINE_TOO_LONG,    500, "5.5.2", "Line too long",                                                  "line-too-long")     \
	REPLY(AUTH_TOO_LONG,    500, "5.5.6", "A line of AUTH is too long",                                     "line-too-long")     \
	REPLY(BARE_NEWLINE,     500, "5.5.2", "A line ends with CR LF, and holds neither alone",                "bare-newline")      \
	REPLY(NUL,              500, "5.5.2", "A command holds no NUL",                                         "nul")               \
	REPLY(BAD_SENDER,       501, "5.1.7", "The sender is no <mailbox@domain> and no <>",                    "bad-sender")        \
	REPLY(BAD_RCPT,         501, "5.1.3", "The recipient is no <mailbox@domain>",                           "bad-recipient")     \
	REPLY(AUTH_BASE64,      501, "5.5.2", "This is no base64",                                              "auth-syntax")       \
	REPLY(AUTH_SYNTAX,      501, "5.5.2", "This is not what the mechanism says",                            "auth-syntax")       \
	REPLY(AUTH_CANCELLED,   501, "5.7.0", "Login cancelled",                                                "auth-cancelled")    \
	REPLY(SYNTAX,           501, "5.5.4", "Syntax: $",                                                      "syntax")            \
	REPLY(BAD_PARAM,        501, "5.5.4", "Bad or repeated parameter",                                      "bad-parameter")     \
	REPLY(BAD_CHUNK,        501, "5.5.4", "Syntax: BDAT size [LAST]; without a size nothing can follow",    "bad-chunk")         \
	REPLY(NOT_IMPLEMENTED,  502, "5.5.1", "Command not implemented: HELP lists those that are",             "not-implemented")   \
	REPLY(TLS_TWICE,         503, "5.5.1", "TLS is up already",                                                    "sequence"           )\
	REPLY(AUTH_TWICE,       503, "5.5.1", "You are logged in already",                                      "sequence")          \
	REPLY(HELLO_FIRST,      503, "5.5.1", "EHLO or HELO first",                                             "sequence")          \
	REPLY(MAIL_FIRST,       503, "5.5.1", "MAIL first",                                                     "sequence")          \
	REPLY(MAIL_TWICE,       503, "5.5.1", "MAIL was given: RSET begins anew",                               "sequence")          \
	REPLY(CHUNKS_BEGUN,     503, "5.5.1", "Only BDAT or RSET after BDAT",                                   "sequence")          \
	REPLY(BINARY_NEEDS_BDAT,503, "5.5.1", "BODY=BINARYMIME needs BDAT",                                     "sequence")          \
	REPLY(AUTH_UNKNOWN,     504, "5.5.4", "This mechanism is not known here: EHLO lists those that are",    "auth-unknown")      \
	REPLY(TLS_NEEDED,       530, "5.7.10", "STARTTLS first: REQUIRETLS is for messages under TLS",          "tls-needed")        \
	REPLY(AUTH_REQUIRED,    530, "5.7.0", "Log in first: mail is taken here from accounts of this server only", "auth-required")     \
	REPLY(AUTH_WRONG,       535, "5.7.8", "Name or password is wrong: check both",                          "auth-wrong")        \
	REPLY(AUTH_NEEDS_TLS,   538, "5.7.11", "STARTTLS first: no password over a line that others can read",  "auth-needs-tls")    \
	REPLY(NO_USER,          550, "5.1.1", "There is no mailbox $ here: check the address",                  "unknown")           \
	REPLY(BAD_DOMAIN,       550, "5.1.2", "There can be no such domain: check what stands behind the @",    "bad-domain")        \
	REPLY(BODY_BARE,        550, "5.5.2", "Lines end with CR LF; the message holds a CR or LF alone",       "bare-newline")      \
	REPLY(BODY_NUL,         550, "5.6.0", "The message holds a NUL: such content has to be encoded, as base64", "nul")               \
	REPLY(HEADER_LIMIT,     550, "5.6.0", "The header is too long, or damaged: send fewer or shorter fields", "header-limit")      \
	REPLY(NO_RELAY,         550, "5.7.1", "Mail for this domain is not taken from strangers: log in, or check the address", "no-relay")          \
	REPLY(NOT_YOUR_SENDER,  550, "5.7.1", "Not your address: send as yourself or as one of your aliases",   "not-your-address")  \
	REPLY(NOT_YOUR_FROM,    550, "5.7.1", "From, Sender or Resent-From of the message is not your address, nor one of your aliases", "not-your-from") \
	REPLY(TOO_BIG,          552, "5.3.4", "The message is $",                                               "too-big")           \
	REPLY(UTF8_NEEDED,      553, "5.6.7", "This address needs SMTPUTF8: say it behind MAIL",                "utf8-needed")       \
	REPLY(LOOP,             554, "5.4.6", "More than $ Received: fields: the message goes round in a circle", "loop")              \
	REPLY(EARLY_TALK,       554, "5.5.0", "Text before the greeting: wait for the 220",                     "early-talk")        \
	REPLY(NO_WEB,           554, "5.5.1", "This is no web server",                                          "http")              \
	REPLY(PIPELINED,        554, "5.5.0", "Text after a command whose reply has to be awaited (RFC 2920 3.1)", "pipelining")     \
	REPLY(NO_RCPTS,         554, "5.5.1", "No valid recipients: name one with RCPT",                        "no-recipients")     \
	REPLY(UNKNOWN_PARAM,    555, "5.5.4", "Parameter not recognized: EHLO lists the extensions",            "unknown-parameter")
/* clang-format on */

enum smtp_reply {
	SMTP_REPLY_NONE,
#define REPLY(name, code, enhanced, text, why) SMTP_REPLY_##name,
	SMTP_REPLIES(REPLY)
#undef REPLY
	SMTP_REPLY_COUNT
};

struct smtp_reply_row {
	uint16_t code;
	const char *enhanced;
	const char *text;
	const char *why;
};

const struct smtp_reply_row *smtp_reply_row(enum smtp_reply reply);
/* Appends the reply as one line with its CRLF; argument fills the `$`. */
void smtp_reply_put(struct buf *out, enum smtp_reply reply,
	struct span argument);

#endif
