-- schema.sql - who is who: directory.db, version 1.
--
-- Addresses are in their canonical form everywhere: the local part without
-- quotes, in NFC and case-folded, the domain as A-labels in small letters.
--
-- D1  every account and alias belongs to a domain of ours
-- D2  an address is an account or an alias, never both
-- D3  counters.next is above every account, also above removed ones

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
	-- Argon2id, as text
	password text NOT NULL,
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

-- One row an alias and target.
CREATE TABLE aliases (
	-- "kitchen@hamburger.edu"
	address text NOT NULL,
	-- any address, ours or not; may be an alias again
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
