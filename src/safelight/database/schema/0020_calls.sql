-- Requests whose clients send them again without saying so, and whether their answer arrived. A row
-- is a few hours old at most.
create table calls (
    batch_id uuid primary key,
    scope text not null,                        -- API key and route
    fingerprint text not null,                  -- SHA-256 of the canonical body
    holder uuid,                                -- the request that is to be answered; null: none
    process text,                               -- the holder's, by the name of its sessions
    arrived_at timestamptz,                     -- the answer went out to its last byte
    created_at timestamptz not null default safelight_now()
);
create index calls_to_take_up on calls (scope, fingerprint, created_at) where arrived_at is null;
create unique index calls_held on calls (holder) where holder is not null;
create index calls_by_age on calls (created_at);
alter table calls set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
