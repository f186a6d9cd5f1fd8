-- Changes of messages, mentions, roles, read positions.

ALTER TABLE entries ADD COLUMN target INTEGER NOT NULL DEFAULT 0;     -- the message that it is about; 0: none
ALTER TABLE entries ADD COLUMN mentions TEXT NOT NULL DEFAULT '';     -- user ids with spaces between; *: everybody
CREATE INDEX entry_changes ON entries (channel, target, seq) WHERE target <> 0 AND kind <> 'message';
CREATE INDEX entry_deletions ON entries (channel, target) WHERE kind = 'deleted';
CREATE INDEX entry_pins ON entries (channel, target) WHERE kind = 'pinned';

-- Which messages mention whom, for counting them.
CREATE TABLE mentions (
    user_id TEXT NOT NULL,
    channel INTEGER NOT NULL REFERENCES channels (number),
    seq     INTEGER NOT NULL,
    PRIMARY KEY (user_id, channel, seq)
) WITHOUT ROWID;

ALTER TABLE channels ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN last_seen INTEGER NOT NULL DEFAULT 0;

ALTER TABLE members ADD COLUMN role TEXT NOT NULL DEFAULT 'member';
ALTER TABLE members ADD COLUMN since INTEGER NOT NULL DEFAULT 0;      -- seq of the entry that brought them in; 0: unknown
ALTER TABLE members ADD COLUMN read_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN mute TEXT NOT NULL DEFAULT 'none';
ALTER TABLE members ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0;
-- What was there before read positions were kept counts as read.
UPDATE members SET read_seq = (SELECT coalesce(max(seq), 0) FROM entries WHERE entries.channel = members.channel);
-- A group belongs to its creator, or, if that one has left, to the oldest account.
UPDATE members SET role = 'owner' WHERE (channel, user_id) IN (
    SELECT m.channel, coalesce(max(CASE WHEN m.user_id = c.creator_id THEN m.user_id END), min(m.user_id))
    FROM members m JOIN channels c ON c.number = m.channel
    WHERE c.kind <> 'direct' GROUP BY m.channel
);
