-- schema.sql - the store of an account: what stands in accounts/<id>/mail.db.
--
-- One process owns the file.  Every key begins with the account, so that the
-- same tables can hold many accounts on a server of another kind.  The text is
-- the dialect that SQLite and PostgreSQL share; comments are taken out when it
-- is compiled into the program (embed.py).  Foreign keys are not declared: they
-- would be looked up at every delivery, and the invariants below say more.
--
-- Invariants; store_check verifies each and names the broken rows:
--  1. There is one account row, it is of this account, and its uuid has 16 bytes.
--     (A store has no rows at all until its first transaction.)
--  2. account.next_message is above every message's id, account.next_mailbox
--     above every mailbox's, account.next_thread above every thread.
--  3. mailbox.uidnext is above every uid of its entries and tombstones.
--  4. mailbox.highestmodseq is at least every modseq of its entries and
--     tombstones, account.modseq at least every highestmodseq.
--  5. Every entry has its mailbox and its message.
--  6. Every message stands in at least one entry.
--  7. Every message has its bytes: the pieces are numbered from 0 without a gap
--     and their lengths are body_size; size is body_size and the head's length.
--  8. The SHA-256 of the body is sha256, and the tag is that of this account,
--     this id, this head and this sha256.
--  9. There is no tombstone for a living uid, and none at or below the floor.
-- 10. account.used_bytes is the sum of all message sizes.
-- 11. mailbox.entries is the number of its entries, unseen of those without
--     \Seen, deleted of those with \Deleted, bytes the sum of their sizes.
-- 12. There is a mailbox with special_use 'inbox', and its name is INBOX.
-- 13. Every piece of a body belongs to a message.
-- 14. Of a message all that was read from its bytes is there, but sent_ms, or
--     nothing.
-- 15. Envelope and structure unpack, the structure's size is the message's, and
--     the preview is UTF-8 of at most 800 bytes.
-- 16. Every thread_reference has 16 bytes and the thread of some message.
-- 17. size and received_ms of an entry are those of its message.
-- 18. Every bit of entry.keywords has its name in keyword, each name of a mailbox
--     is there once, whatever its case, and no entry has other flags than ours.
-- 19. Every name is as store_name_make writes it, and its parent has its mailbox.
-- 20. Every tombstone and every keyword has its mailbox.
-- 21. special_use is one of those we know, and no two mailboxes have the same.
-- 22. mailbox.uidvalidity is between 1 and account.uidvalidity, recent_uid is
--     between 1 and uidnext.
-- 23. Every annotation has its mailbox, or it is the server's.
-- 24. Every signature has its message, which is below
--     account.unsigned_message; that is not above next_message.
-- 25. The name of an annotation is a path in lower case of at most 255 bytes, its
--     value has at most 65,536.
-- 26. Every signature of our rules is that of its message's text.

-- The account: the numbers that are given out next, and what is counted.
CREATE TABLE account (
	account bigint NOT NULL PRIMARY KEY,  -- its number in the directory
	uuid blob NOT NULL,             -- 16 random bytes of this store's birth
	created_ms bigint NOT NULL,     -- wall clock at that moment
	next_message bigint NOT NULL,   -- id of the next message; never reused
	next_mailbox bigint NOT NULL,   -- id of the next mailbox; never reused
	next_thread bigint NOT NULL,    -- id of the next thread; never reused
	uidvalidity bigint NOT NULL,    -- the highest ever given to a mailbox
	modseq bigint NOT NULL,         -- the last change's number (RFC 7162)
	used_bytes bigint NOT NULL,     -- sum of all message sizes: the quota
	unsigned_message bigint NOT NULL -- from this id on no signatures are made
);

-- A mailbox (a folder); its counters give out uids and modseqs.
CREATE TABLE mailbox (
	account bigint NOT NULL,
	mailbox bigint NOT NULL,        -- its id for JMAP; survives a rename
	name text NOT NULL,             -- UTF-8, levels separated by '/'
	special_use text,               -- 'inbox', 'sent', ... (RFC 6154); NULL: none
	uidvalidity bigint NOT NULL,    -- RFC 9051 2.3.1.1
	uidnext bigint NOT NULL,        -- uid of the next entry
	highestmodseq bigint NOT NULL,  -- of its last change (RFC 7162 3.1.2)
	floor_modseq bigint NOT NULL,   -- tombstones up to here were dropped
	entries bigint NOT NULL,        -- how many messages stand in it
	unseen bigint NOT NULL,         -- those without \Seen
	deleted bigint NOT NULL,        -- those with \Deleted
	bytes bigint NOT NULL,          -- sum of their sizes
	recent_uid bigint NOT NULL,     -- from here on \Recent; may lag behind
	PRIMARY KEY (account, mailbox),
	UNIQUE (account, name)
);

-- Names that the person wants to see, with or without a mailbox (RFC 9051 6.3.7).
CREATE TABLE subscription (
	account bigint NOT NULL,
	name text NOT NULL,
	PRIMARY KEY (account, name)
);

-- What the bits of entry.keywords mean in a mailbox.
CREATE TABLE keyword (
	account bigint NOT NULL,
	mailbox bigint NOT NULL,
	bit bigint NOT NULL,            -- from 0 to 63
	name text NOT NULL,             -- an atom, as it was first written
	PRIMARY KEY (account, mailbox, bit)
);

-- What never changes about a message, read from its bytes once at delivery.  A
-- store of an older release has messages whose columns from thread on are NULL;
-- an idle pass fills them (store_fill).  The key's last column is SQLite's rowid
-- (embed.py), so long rows cost a search nothing.
CREATE TABLE message (
	account bigint NOT NULL,
	message bigint NOT NULL,        -- its id: UIDL, JMAP Email id
	size bigint NOT NULL,           -- bytes of head and body together
	received_ms bigint NOT NULL,    -- internal date, wall clock
	flags bigint NOT NULL,          -- MAIL_* of the envelope
	body_size bigint NOT NULL,      -- bytes of the body
	sha256 blob NOT NULL,           -- of the body
	tag blob NOT NULL,              -- SHA-256 over uuid, id, sha256 and head
	head blob NOT NULL,             -- Return-Path, Delivered-To, Received: ours
	thread bigint,                  -- the thread that it belongs to
	sent_ms bigint,                 -- Date:, wall clock; NULL: no readable one
	has_attachment bigint,          -- 1: something to save is in it
	preview text,                   -- first words of its text
	envelope blob,                  -- envelope_pack of message/envelope.h
	structure blob,                 -- mime_tree_pack of message/mime.h
	PRIMARY KEY (account, message)
);
-- Which messages are a thread?
CREATE INDEX message_thread ON message (account, thread);
-- Of which messages is nothing known?  None, usually.
CREATE INDEX message_unknown ON message (account, message)
	WHERE structure IS NULL;

-- The bytes of a body: up to 64 KiB in one piece, else in pieces of 256 KiB.
-- A heap with an index, not ordered by its key (embed.py says why).
CREATE TABLE body (
	account bigint NOT NULL,
	message bigint NOT NULL,
	piece bigint NOT NULL,          -- from 0
	content blob NOT NULL,
	PRIMARY KEY (account, message, piece)
);

-- A message in a mailbox; what changes lives here.  Size and date are its
-- message's: an open mailbox has them in memory, and a row of message is long.
CREATE TABLE entry (
	account bigint NOT NULL,
	mailbox bigint NOT NULL,
	uid bigint NOT NULL,
	message bigint NOT NULL,
	flags bigint NOT NULL,          -- bits: STORE_FLAG_*
	keywords bigint NOT NULL,       -- other flags: bits, see keyword
	modseq bigint NOT NULL,         -- of its last change
	saved_ms bigint NOT NULL,       -- when it came into this mailbox (RFC 8514)
	size bigint NOT NULL,
	received_ms bigint NOT NULL,
	PRIMARY KEY (account, mailbox, uid)
);
-- In which mailboxes does a message stand?
CREATE INDEX entry_message ON entry (account, message);

-- What the words of a message are, roughly: which trigrams its text may have.  A
-- search reads these and then only the messages that may match.  Made in idle
-- time in the order of ids; a message without one may always match.
CREATE TABLE signature (
	account bigint NOT NULL,
	message bigint NOT NULL,
	trigrams blob NOT NULL,         -- by which rules (a byte), and a Bloom
	                                -- filter (store_signature.h)
	PRIMARY KEY (account, message)
);

-- What clients note about mailboxes and the server (RFC 5464).
CREATE TABLE annotation (
	account bigint NOT NULL,
	mailbox bigint NOT NULL,        -- 0: the server's
	name text NOT NULL,             -- /private/comment; in lower case
	value blob NOT NULL,
	PRIMARY KEY (account, mailbox, name)
);

-- What was expunged: for QRESYNC (RFC 7162) and /changes of JMAP.
CREATE TABLE tombstone (
	account bigint NOT NULL,
	mailbox bigint NOT NULL,
	uid bigint NOT NULL,
	message bigint NOT NULL,        -- it may live on in other mailboxes
	modseq bigint NOT NULL,         -- of the expunge
	PRIMARY KEY (account, mailbox, uid)
);

-- Deliveries that the queue may repeat: it has not forgotten them yet.
CREATE TABLE delivered (
	account bigint NOT NULL,
	qid bigint NOT NULL,            -- number of the message in the queue
	idx bigint NOT NULL,            -- which of its recipients
	mailbox bigint NOT NULL,        -- where it went
	uid bigint NOT NULL,            -- and under which uid
	PRIMARY KEY (account, qid, idx)
);

-- Which thread has a message with this id and subject?  Messages are a thread
-- when they share an id, their own or one that they refer to, and the base
-- subject (RFC 8621 3).  So a row stands for both: a new message looks its own
-- up, and is one more.  A thread is nothing but its number; its rows go with its
-- last message.
CREATE TABLE thread_reference (
	account bigint NOT NULL,
	reference blob NOT NULL,        -- SHA-256 of subject and id, first 16 bytes
	thread bigint NOT NULL,
	PRIMARY KEY (account, reference)
);
CREATE INDEX thread_reference_thread ON thread_reference (account, thread);
