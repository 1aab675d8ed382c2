-- Who may ask, and for what. A key is kept after it was revoked: from the first one on nobody is
-- answered without.
create table api_keys (
    id text primary key,
    sha256 text not null,                       -- of the whole key; the key itself is kept nowhere
    name text not null,
    scopes text[] not null,
    batches_per_minute int,                     -- null: as the settings say
    images_per_day int,                         -- likewise
    created_at timestamptz not null default safelight_now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz                    -- to the minute
);

-- What links and sessions are signed with: the newest signs, those not retired are believed.
create table link_keys (
    id text primary key,
    secret bytea not null,
    created_at timestamptz not null default safelight_now(),
    retired_at timestamptz
);

-- What was used up of a quota in the window that began then.
create table quotas (
    subject text not null,                      -- key:ID or user:ID
    quota text not null,                        -- batches or images
    begins timestamptz not null,
    used bigint not null,
    primary key (subject, quota)
);
alter table quotas set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
