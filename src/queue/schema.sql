-- schema.sql - queue.db: every message that was accepted and is not yet
-- settled for all of its recipients, when to try again, and what was tried.
--
-- A message stands here in one of three forms.  Packed: one row, its
-- recipients in message.packed, all of them being worked on; the form of a
-- message that goes through at once (one INSERT, one DELETE).  Split: a row in
-- rcpt for each recipient, as soon as one of them has to wait.  Damaged: a row
-- that could not be read at start; it is left alone and reported.
--
-- Two clocks: *_wall_ms is the wall clock (ms since 1970, UTC), for people;
-- *_ms is queue time (queue_schedule.h), which does not jump, for decisions.
--
-- Invariants:
--  1. every message.qid is below meta next_qid;
--  2. a packed message has no row in rcpt; a split one has at least one, and
--     message.packed is empty;
--  3. every rcpt.qid has its message;
--  4. a message has at least one recipient that is not settled (rcpt.state
--     below 4), or of whom its sender has to be told (rcpt.tell), or is packed,
--     or damaged;
--  5. message.size is the length of message.body, or of the spool file when
--     is_spooled is 1 (then body is empty);
--  6. rcpt.parent is 0 or idx + 1 of an expanded recipient of the message;
--  7. a qid is never both in message and in past;
--  8. every asked.qid has its message.

-- Numbers that must survive: next_qid (the first number not yet reserved),
-- queue_ms and seen_wall_ms (queue time, and the wall clock at that moment).
CREATE TABLE meta (
	name TEXT PRIMARY KEY,
	value BIGINT NOT NULL
);

-- One accepted message.  The small columns stand first: lists are made
-- without touching the pages that hold bodies.
CREATE TABLE message (
	qid INTEGER PRIMARY KEY,        -- its number, 64 bits, never reused
	form INTEGER NOT NULL,          -- 0 packed, 1 split, 2 damaged
	sid BIGINT NOT NULL,            -- the session that brought it, for the log
	received_wall_ms BIGINT NOT NULL, -- when front got it
	since_ms BIGINT NOT NULL,       -- queue time of its acceptance
	flags INTEGER NOT NULL,         -- MAIL_* of the envelope
	size BIGINT NOT NULL,           -- bytes of the body
	is_spooled INTEGER NOT NULL,    -- 1: the body is in the spool file
	is_warned INTEGER NOT NULL,     -- 1: the "delayed" notice was made
	sha256 BLOB NOT NULL,           -- of the body
	reverse_path BLOB NOT NULL,     -- empty: the null sender
	packed BLOB NOT NULL,           -- recipients (queue_pack.h), or empty
	trace BLOB NOT NULL,            -- Received: field(s) put on top
	body BLOB NOT NULL              -- the bytes, or empty
);

-- One recipient of a split message.
CREATE TABLE rcpt (
	qid BIGINT NOT NULL,            -- its message
	idx INTEGER NOT NULL,           -- its number in the message, from 0
	state INTEGER NOT NULL,         -- enum queue_state
	next_ms BIGINT NOT NULL,        -- queue time of the next attempt
	route INTEGER NOT NULL,         -- enum queue_route
	account BIGINT NOT NULL,        -- valid for the route "local"
	parent INTEGER NOT NULL,        -- idx + 1 of the alias it came from; or 0
	depth INTEGER NOT NULL,         -- how many aliases lie before it
	attempts INTEGER NOT NULL,      -- made so far
	address BLOB NOT NULL,          -- local-part@domain
	code INTEGER NOT NULL,          -- the last reply; 0: none
	enhanced BLOB NOT NULL,         -- RFC 3463, "4.2.2"
	text BLOB NOT NULL,             -- the last reply's text, or our reason
	peer BLOB NOT NULL,             -- the server that said so, or empty
	notify INTEGER NOT NULL DEFAULT 0, -- QUEUE_NOTIFY_* (RFC 3461)
	tell INTEGER NOT NULL DEFAULT 0, -- enum queue_tell: not told yet
	orcpt BLOB NOT NULL DEFAULT x'', -- ORCPT as it came, or empty
	sender BLOB NOT NULL DEFAULT x'', -- its reverse-path, or the message's
	PRIMARY KEY (qid, idx)
);
-- What is due, and what a dead process left behind.
CREATE INDEX rcpt_open ON rcpt (state, next_ms) WHERE state < 4;

-- Of which recipients does the sender have to be told that all is well?
CREATE INDEX rcpt_tell ON rcpt (qid) WHERE tell > 0;

-- What a sender asked about notices (RFC 3461); most ask for nothing.
CREATE TABLE asked (
	qid INTEGER PRIMARY KEY,        -- the message
	ret INTEGER NOT NULL,           -- SMTP_RET_*; 0: not said
	envid BLOB NOT NULL             -- ENVID as it came, or empty
);

-- Every attempt that was not an immediate success in our own mailbox.
CREATE TABLE attempt (
	id INTEGER PRIMARY KEY,
	qid BIGINT NOT NULL,
	idx INTEGER NOT NULL,           -- which recipient
	at_wall_ms BIGINT NOT NULL,     -- when its outcome was known
	result INTEGER NOT NULL,        -- enum code
	code INTEGER NOT NULL,          -- the reply's code; 0: no reply
	enhanced BLOB NOT NULL,
	text BLOB NOT NULL,
	peer BLOB NOT NULL,             -- the server that spoke last
	dialogue BLOB NOT NULL          -- with the first recipient of a job only
);
CREATE INDEX attempt_qid ON attempt (qid);

-- Messages that left and had attempts: kept for queue.keep_history.
CREATE TABLE past (
	qid INTEGER PRIMARY KEY,
	left_ms BIGINT NOT NULL,        -- queue time of its end
	received_wall_ms BIGINT NOT NULL,
	reverse_path BLOB NOT NULL,
	packed BLOB NOT NULL            -- its recipients in their last state
);
CREATE INDEX past_left ON past (left_ms);

-- The last groups of accepted messages: whether their senders heard 250 is
-- not known after a crash (RFC 1047).  Slots are overwritten in turn.
CREATE TABLE recent (
	slot INTEGER PRIMARY KEY,
	pairs BLOB NOT NULL             -- 16 bytes of hash, 8 bytes of qid, each
);

-- Transactions whose 250 was perhaps not heard: a repetition is not stored.
CREATE TABLE unconfirmed (
	hash BLOB PRIMARY KEY,          -- 16 bytes, queue_repeat.h
	qid BIGINT NOT NULL,            -- the first one
	until_ms BIGINT NOT NULL        -- queue time of its end
);
