-- schema.sql - who is who: directory.db, version 3.
--
-- Addresses are in their canonical form everywhere: the local part without
-- quotes, in NFC and case-folded, the domain as A-labels in small letters.
--
-- D1  every account and alias belongs to a domain of ours
-- D2  an address is an account or an alias, never both
-- D3  counters.next is above every account, also above removed ones
-- D4  every account has a credential whose name is empty
-- D5  a name is a domain or another name of one, never both

-- One row a domain of ours: its mail is accepted here.
CREATE TABLE domains (
	-- "hamburger.edu"
	name text PRIMARY KEY,
	-- when it was added, milliseconds since 1970
	created_ms bigint NOT NULL
);

-- One row a person (or a thing) with a mailbox.
CREATE TABLE accounts (
	-- names the folder of the mailbox; never given out again
	account bigint PRIMARY KEY,
	-- "bob@hamburger.edu"
	address text NOT NULL UNIQUE,
	-- its domain, for D1 and for lists
	domain text NOT NULL REFERENCES domains (name),
	-- bytes; 0: none
	quota_bytes bigint NOT NULL,
	-- what the account process last said that it holds, bytes
	used_bytes bigint NOT NULL,
	-- 1: over its quota; mail waits at its sender until it is not
	is_full integer NOT NULL,
	-- when it was added, milliseconds since 1970
	created_ms bigint NOT NULL
);
CREATE INDEX accounts_by_domain ON accounts (domain, account);

-- One row a password.
CREATE TABLE credentials (
	account bigint NOT NULL REFERENCES accounts (account)
		ON DELETE CASCADE,
	-- of an app password, as its owner calls it; empty: the main password
	name text NOT NULL,
	-- the main password's, slow to guess (crypto/password.h); NULL: an app
	-- password, whose 100 random bits are not guessed
	hash text,
	-- of an app password, SHA-256; NULL: the main password
	sha256 blob,
	-- StoredKey and ServerKey for SCRAM-SHA-256, then for SCRAM-SHA-1, 104
	-- bytes; NULL: a hash of another server, with which nobody logged in yet
	scram blob,
	-- how many rounds made these keys
	scram_rounds integer NOT NULL,
	-- what it is good for, a sum of: 1 SMTP, 2 IMAP, 4 POP3
	services integer NOT NULL,
	-- when it was made, and when somebody last logged in with it (to the
	-- day; 0: never), milliseconds since 1970
	created_ms bigint NOT NULL,
	used_ms bigint NOT NULL,
	PRIMARY KEY (account, name)
);

-- One row a client certificate that logs in without a password.
CREATE TABLE certificates (
	account bigint NOT NULL REFERENCES accounts (account)
		ON DELETE CASCADE,
	-- SHA-256 of its DER form
	fingerprint blob NOT NULL,
	-- when it was bound, milliseconds since 1970
	created_ms bigint NOT NULL,
	PRIMARY KEY (account, fingerprint)
);
CREATE INDEX certificates_by_fingerprint ON certificates (fingerprint);

-- One row a network that is not listened to, or was until a day ago: guess.h.
CREATE TABLE bans (
	-- "192.0.2.1", "192.0.2.0/24", "2001:db8::/64"
	network text PRIMARY KEY,
	-- milliseconds since 1970, until_ms the largest number: for ever
	made_ms bigint NOT NULL,
	until_ms bigint NOT NULL,
	-- how often for failed logins, within a day each
	times integer NOT NULL,
	-- 1: an administrator's
	is_manual integer NOT NULL,
	-- 1: only logins are refused, for somebody is known from there
	is_soft integer NOT NULL,
	-- an administrator's words
	reason text NOT NULL
);

-- One row a network that an account logged in from within 30 days.
CREATE TABLE known_networks (
	account bigint NOT NULL REFERENCES accounts (account)
		ON DELETE CASCADE,
	-- guess_network's number of it
	network bigint NOT NULL,
	-- when last, to the day, milliseconds since 1970
	seen_ms bigint NOT NULL,
	PRIMARY KEY (account, network)
);

-- One row a number that nobody else knows.
CREATE TABLE secrets (
	-- "scram": the salts of SCRAM are made from it; "srs": whoever knows it
	-- can make reverse-paths of ours (srs.h)
	name text PRIMARY KEY,
	-- 32 random bytes
	value blob NOT NULL
);

-- One row another name of a domain: each address of it is the same of the domain.
CREATE TABLE domain_aliases (
	-- "hamburger.example"
	name text PRIMARY KEY,
	-- "hamburger.edu"
	domain text NOT NULL REFERENCES domains (name),
	created_ms bigint NOT NULL
);

-- One row an account and an address that its mail goes on to.
CREATE TABLE forwards (
	account bigint NOT NULL REFERENCES accounts (account)
		ON DELETE CASCADE,
	-- any address; empty: a copy stays in the mailbox
	target text NOT NULL,
	PRIMARY KEY (account, target)
);

-- One row an alias and target.
CREATE TABLE aliases (
	-- "kitchen@hamburger.edu"; "@hamburger.edu": all that nobody has
	address text NOT NULL,
	-- any address, ours or not; may be an alias again; empty: nobody, whoever
	-- might have it else
	target text NOT NULL,
	-- the domain of address
	domain text NOT NULL REFERENCES domains (name),
	PRIMARY KEY (address, target)
);
CREATE INDEX aliases_by_domain ON aliases (domain, address);
CREATE INDEX aliases_by_target ON aliases (target);

-- One row an account that was removed: its folder has to go, also when the
-- server did not run then.
CREATE TABLE removed (
	account bigint PRIMARY KEY,
	-- milliseconds since 1970
	removed_ms bigint NOT NULL
);

-- One row a number that only grows.
CREATE TABLE counters (
	-- "account"
	name text PRIMARY KEY,
	-- the next one that is free
	next bigint NOT NULL
);
INSERT INTO counters (name, next) VALUES ('account', 1);
