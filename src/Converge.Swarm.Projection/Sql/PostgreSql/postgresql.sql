-- The projection of a governance ledger in PostgreSQL. docs/projection.md explains every table.

CREATE TABLE projection_position (
  only_row       BIGINT  NOT NULL PRIMARY KEY CHECK (only_row = 1),
  schema_version BIGINT  NOT NULL,
  sequence       BIGINT  NOT NULL,
  hash           TEXT    NOT NULL
);

CREATE TABLE records (
  sequence        BIGINT  NOT NULL PRIMARY KEY,
  kind            TEXT    NOT NULL,
  log_index       BIGINT  NOT NULL,
  term            BIGINT  NOT NULL,
  committed_at_ms BIGINT  NOT NULL,
  lamport_counter BIGINT  NOT NULL,
  lamport_node    BIGINT  NOT NULL,
  session         TEXT,
  command_number  BIGINT,
  previous_hash   TEXT    NOT NULL,
  hash            TEXT    NOT NULL
);

CREATE TABLE facts (
  sequence                BIGINT  NOT NULL PRIMARY KEY,
  kind                    TEXT    NOT NULL,
  proposal_id             TEXT    NOT NULL,
  revision                BIGINT  NOT NULL,
  actor                   TEXT    NOT NULL,
  text                    TEXT,
  content_hash            TEXT,
  claimed_at_s            BIGINT,
  expected_revision       BIGINT,
  claimed_lamport_counter BIGINT,
  claimed_lamport_node    BIGINT
);
CREATE INDEX facts_of_proposal ON facts (proposal_id, sequence);

CREATE TABLE authority (
  sequence        BIGINT  NOT NULL PRIMARY KEY,
  term            BIGINT  NOT NULL,
  leader          BIGINT  NOT NULL,
  log_index       BIGINT  NOT NULL,
  committed_at_ms BIGINT  NOT NULL
);

CREATE TABLE membership (
  sequence        BIGINT  NOT NULL,
  place           BIGINT  NOT NULL,
  step            TEXT    NOT NULL,
  node            BIGINT  NOT NULL,
  role            TEXT,
  peer            TEXT,
  http            TEXT,
  committed_at_ms BIGINT  NOT NULL,
  PRIMARY KEY (sequence, place)
);

CREATE TABLE members_after (
  sequence BIGINT  NOT NULL,
  node     BIGINT  NOT NULL,
  role     TEXT    NOT NULL,
  PRIMARY KEY (sequence, node)
);

CREATE TABLE proposals (
  created_sequence  BIGINT  NOT NULL PRIMARY KEY,
  proposal_id       TEXT    NOT NULL UNIQUE,
  status            TEXT    NOT NULL CHECK (status IN ('open', 'approved', 'rejected')),
  revision          BIGINT  NOT NULL,
  author            TEXT    NOT NULL,
  title             TEXT,
  content_hash      TEXT,
  decided_by        TEXT,
  decided_sequence  BIGINT,
  override_sequence BIGINT,
  last_sequence     BIGINT  NOT NULL,
  created_at_ms     BIGINT  NOT NULL,
  last_at_ms        BIGINT  NOT NULL
);
CREATE INDEX proposals_by_status ON proposals (status, created_sequence);

CREATE TABLE validators (
  proposal_id TEXT    NOT NULL,
  validator   TEXT    NOT NULL,
  passed      BOOLEAN NOT NULL,
  overridden  BOOLEAN NOT NULL,
  sequence    BIGINT  NOT NULL,
  at_ms       BIGINT  NOT NULL,
  text        TEXT,
  PRIMARY KEY (proposal_id, validator)
);

CREATE TABLE decisions (
  sequence    BIGINT  NOT NULL PRIMARY KEY,
  proposal_id TEXT    NOT NULL,
  kind        TEXT    NOT NULL,
  actor       TEXT    NOT NULL,
  reason      TEXT,
  at_ms       BIGINT  NOT NULL,
  ended_by    BIGINT
);
CREATE INDEX decisions_of_proposal ON decisions (proposal_id, sequence);

CREATE VIEW fact_log AS
SELECT sequence, to_timestamp(r.committed_at_ms / 1000.0) AS committed_at,
       f.kind, f.proposal_id, f.revision, f.actor, f.text, r.term, r.log_index, r.session, r.command_number, r.hash
FROM facts AS f JOIN records AS r USING (sequence);
