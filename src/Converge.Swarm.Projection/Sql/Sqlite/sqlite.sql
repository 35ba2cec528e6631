-- The projection of a governance ledger in SQLite. docs/projection.md explains every table.

CREATE TABLE projection_position (
  only_row       INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
  schema_version INTEGER NOT NULL,
  sequence       INTEGER NOT NULL,
  hash           TEXT    NOT NULL
) STRICT;

CREATE TABLE records (
  sequence        INTEGER NOT NULL PRIMARY KEY,
  kind            TEXT    NOT NULL,
  log_index       INTEGER NOT NULL,
  term            INTEGER NOT NULL,
  committed_at_ms INTEGER NOT NULL,
  lamport_counter INTEGER NOT NULL,
  lamport_node    INTEGER NOT NULL,
  session         TEXT,
  command_number  INTEGER,
  previous_hash   TEXT    NOT NULL,
  hash            TEXT    NOT NULL
) STRICT;

CREATE TABLE facts (
  sequence                INTEGER NOT NULL PRIMARY KEY,
  kind                    TEXT    NOT NULL,
  proposal_id             TEXT    NOT NULL,
  revision                INTEGER NOT NULL,
  actor                   TEXT    NOT NULL,
  text                    TEXT,
  content_hash            TEXT,
  claimed_at_s            INTEGER,
  expected_revision       INTEGER,
  claimed_lamport_counter INTEGER,
  claimed_lamport_node    INTEGER
) STRICT;
CREATE INDEX facts_of_proposal ON facts (proposal_id, sequence);

CREATE TABLE authority (
  sequence        INTEGER NOT NULL PRIMARY KEY,
  term            INTEGER NOT NULL,
  leader          INTEGER NOT NULL,
  log_index       INTEGER NOT NULL,
  committed_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE membership (
  sequence        INTEGER NOT NULL,
  place           INTEGER NOT NULL,
  step            TEXT    NOT NULL,
  node            INTEGER NOT NULL,
  role            TEXT,
  peer            TEXT,
  http            TEXT,
  committed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (sequence, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE members_after (
  sequence INTEGER NOT NULL,
  node     INTEGER NOT NULL,
  role     TEXT    NOT NULL,
  PRIMARY KEY (sequence, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE proposals (
  created_sequence  INTEGER NOT NULL PRIMARY KEY,
  proposal_id       TEXT    NOT NULL UNIQUE,
  status            TEXT    NOT NULL CHECK (status IN ('open', 'approved', 'rejected')),
  revision          INTEGER NOT NULL,
  author            TEXT    NOT NULL,
  title             TEXT,
  content_hash      TEXT,
  decided_by        TEXT,
  decided_sequence  INTEGER,
  override_sequence INTEGER,
  last_sequence     INTEGER NOT NULL,
  created_at_ms     INTEGER NOT NULL,
  last_at_ms        INTEGER NOT NULL
) STRICT;
CREATE INDEX proposals_by_status ON proposals (status, created_sequence);

CREATE TABLE validators (
  proposal_id TEXT    NOT NULL,
  validator   TEXT    NOT NULL,
  passed      INTEGER NOT NULL CHECK (passed IN (0, 1)),
  overridden  INTEGER NOT NULL CHECK (overridden IN (0, 1)),
  sequence    INTEGER NOT NULL,
  at_ms       INTEGER NOT NULL,
  text        TEXT,
  PRIMARY KEY (proposal_id, validator)
) STRICT, WITHOUT ROWID;

CREATE TABLE decisions (
  sequence    INTEGER NOT NULL PRIMARY KEY,
  proposal_id TEXT    NOT NULL,
  kind        TEXT    NOT NULL,
  actor       TEXT    NOT NULL,
  reason      TEXT,
  at_ms       INTEGER NOT NULL,
  ended_by    INTEGER
) STRICT;
CREATE INDEX decisions_of_proposal ON decisions (proposal_id, sequence);

CREATE VIEW fact_log AS
SELECT sequence, strftime('%Y-%m-%dT%H:%M:%fZ', r.committed_at_ms / 1000.0, 'unixepoch') AS committed_at,
       f.kind, f.proposal_id, f.revision, f.actor, f.text, r.term, r.log_index, r.session, r.command_number, r.hash
FROM facts AS f JOIN records AS r USING (sequence);
