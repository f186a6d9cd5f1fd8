-- docs/schema.md says what these mean. Times are milliseconds since the Unix epoch; *_key columns are case folded.

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    username      TEXT NOT NULL,
    username_key  TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) WITHOUT ROWID;

-- What a search for people may begin with: the username, and the name from each of its words on.
CREATE TABLE user_words (
    word    TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (word, user_id)
) WITHOUT ROWID;

CREATE TABLE channels (
    number       INTEGER PRIMARY KEY,     -- short stand-in for id in the large tables
    id           TEXT NOT NULL UNIQUE,
    kind         TEXT NOT NULL,
    name         TEXT NOT NULL,
    name_key     TEXT NOT NULL,
    pair         TEXT UNIQUE,             -- direct channels: both user ids in order
    creator_id   TEXT NOT NULL,
    epoch        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    member_count INTEGER NOT NULL
);
CREATE UNIQUE INDEX public_channels ON channels (name_key) WHERE kind = 'public';

-- The logs. One range of this one clustered table is one channel's history.
CREATE TABLE entries (
    channel        INTEGER NOT NULL REFERENCES channels (number),
    seq            INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    sender_id      TEXT NOT NULL,
    key            TEXT NOT NULL,
    text           TEXT NOT NULL,
    members        TEXT NOT NULL,         -- user ids with spaces between
    created_at     INTEGER NOT NULL,
    message_number INTEGER NOT NULL,
    PRIMARY KEY (channel, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX entry_keys ON entries (channel, sender_id, key) WHERE key <> '';

CREATE TABLE members (
    channel INTEGER NOT NULL REFERENCES channels (number),
    user_id TEXT NOT NULL,
    PRIMARY KEY (channel, user_id)
) WITHOUT ROWID;
CREATE INDEX channels_of_user ON members (user_id, channel);

CREATE TABLE refresh_tokens (
    digest     BLOB PRIMARY KEY,
    family     TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) WITHOUT ROWID;
CREATE INDEX refresh_token_families ON refresh_tokens (family);
CREATE INDEX refresh_tokens_of_user ON refresh_tokens (user_id);
CREATE INDEX refresh_token_expiries ON refresh_tokens (expires_at);

-- check_writable writes here, and takes it back.
CREATE TABLE probes (id INTEGER PRIMARY KEY);
