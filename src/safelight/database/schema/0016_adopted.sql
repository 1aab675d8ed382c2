-- index.txt beside the originals of a series says the highest reserved index.
--
-- Which number was written there last. Whoever writes it claims the row first, and says afterwards
-- what the file holds; who finds that its claim was taken by somebody else meanwhile may have
-- written over a newer number, so the file is then written again.
alter table series
    add column index_written bigint not null default 0,
    add column index_claim uuid,
    add column index_claimed_until timestamptz;
create index series_unwritten on series (user_id, character_id) where index_written <> highest;

-- The same at publishers that want it, wanted as soon as it stands in the store.
create table index_copies (
    publisher text not null,
    user_id text not null,
    character_id text not null,
    wanted bigint not null,
    written bigint not null default 0,
    claim uuid,
    due_at timestamptz not null default safelight_now(),  -- claimed, or tried in vain: not before
    tries int not null default 0,           -- in vain, one after the other
    reason text,                            -- of the last trouble
    primary key (publisher, user_id, character_id),
    foreign key (user_id, character_id) references series on delete cascade
);
create index index_copies_unwritten on index_copies (publisher, due_at) where written <> wanted;
