-- What Safelight remembers.
--
-- The image row is the truth about an image, the open attempt row about a slot, the backend row
-- about who may drive a backend. Tokens in the job engine, memory and notifications are copies
-- that are repaired from these rows.
--
-- Locks are taken in this order everywhere: series, turns, batch, image, attempt.
-- A batch row is locked by whoever moves one of its images; so events of a batch are numbered in
-- commit order and "everything after event n" has no gaps.

create function safelight_now() returns timestamptz language sql stable
    as $$ select coalesce(nullif(current_setting('safelight.now', true), '')::timestamptz, clock_timestamp()) $$;

create table graphs (                       -- workflows by content, never changed
    sha256 text primary key,
    graph text not null,                    -- canonical JSON
    created_at timestamptz not null default now()
);

create table series (
    user_id text not null,
    character_id text not null,
    highest bigint not null,                -- highest reserved index
    seed_key bytea not null,                -- keys the permutation that draws seeds
    primary key (user_id, character_id)
);

create table turns (                        -- virtual time: the last turn each user took in a pool
    pool text not null,
    user_id text not null,
    turn bigint not null,
    primary key (pool, user_id)
);
create index turns_by_pool on turns (pool, turn);

create table batches (
    id uuid primary key,
    user_id text not null,
    character_id text not null,
    prompt text not null,                   -- as requested
    quantity int not null check (quantity > 0),
    pool text not null,
    plan jsonb not null,
    metadata jsonb,
    stored int not null default 0,
    failed int not null default 0,
    canceled int not null default 0,
    started_at timestamptz,                 -- first attempt
    ended_at timestamptz,
    deadline timestamptz not null,
    last_event int not null default 0,
    created_at timestamptz not null default safelight_now(),
    check (stored + failed + canceled <= quantity)
);
create index batches_newest on batches (created_at desc, id desc);
create index batches_of_user on batches (user_id, created_at desc, id desc);
create index batches_of_series on batches (user_id, character_id, created_at desc, id desc);

create table images (
    id uuid primary key,
    batch_id uuid not null references batches,
    user_id text not null,
    character_id text not null,
    index bigint not null check (index > 0),
    pool text not null,
    status text not null default 'queued'
        check (status in ('queued', 'dispatched', 'stored', 'failed', 'canceled')),
    seed bigint not null,
    seed_explicit boolean not null,
    seed_replaced boolean not null default false,
    redraws int not null default 0,         -- how often its seed was drawn anew
    turn bigint not null,
    tries int not null default 0,           -- how often it was put in line: names its token
    round int not null default 0,           -- how often somebody asked to retry it
    not_on text[] not null default '{}',    -- backends that cannot draw it
    key text,                               -- in the store
    bytes bigint,
    content_type text,
    width int,
    height int,
    sha256 text,
    pixels_sha256 text,
    prompt_id uuid,                         -- of the running attempt, then of the one that won
    backend text,
    error jsonb,                            -- {code, detail}
    queued_at timestamptz not null default safelight_now(),
    dispatched_at timestamptz,
    finished_at timestamptz,
    deleted_at timestamptz,
    unique (user_id, character_id, index),
    check (status <> 'stored' or (key is not null and pixels_sha256 is not null))
);
create index images_of_batch on images (batch_id, index desc);
create unique index images_differ on images (batch_id, pixels_sha256) where status = 'stored';
create index images_waiting on images (pool, turn) where status = 'queued';

create table backends (
    name text primary key,
    url text not null,                      -- without credentials
    pool text not null,
    slots int not null,
    owner uuid,                             -- the worker that drives it
    session text,                           -- of the owner: its end frees the backend at once
    epoch bigint not null default 0,        -- the fence: raised with every new owner
    lease_until timestamptz not null default '-infinity',
    state text not null default 'unknown',
    reason text,
    seen_at timestamptz,
    configured_at timestamptz not null default now()
);

create table attempts (
    prompt_id uuid primary key,
    image_id uuid not null references images,
    round int not null,
    backend text not null,
    epoch bigint not null,
    slot int not null,
    seed bigint not null,
    opened_at timestamptz not null default safelight_now(),
    closed_at timestamptz,
    outcome text,
    detail text
);
create unique index attempts_slot on attempts (backend, slot) where closed_at is null;
create unique index attempts_open on attempts (image_id) where closed_at is null;
create index attempts_of_image on attempts (image_id, opened_at);
create index attempts_closed on attempts (backend, closed_at) where closed_at is not null;

create table events (
    batch_id uuid not null references batches,
    number int not null,
    id bigint generated always as identity,
    txid xid8 not null default pg_current_xact_id(),
    type text not null,
    image_id uuid,
    data jsonb not null,
    at timestamptz not null default safelight_now(),
    primary key (batch_id, number)
);
create index events_in_commit_order on events (txid, id);
create index events_by_age on events (at);

create table idempotency_keys (
    scope text not null,                    -- API key and route
    key text not null,
    fingerprint text not null,              -- SHA-256 of the canonical body
    batch_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (scope, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

create table characters (
    id text primary key,
    document jsonb not null,
    updated_at timestamptz not null default now()
);

create table workflows (
    id text primary key,
    graph text not null references graphs,
    slots jsonb not null,
    exact_size boolean not null,
    updated_at timestamptz not null default now()
);

-- Tables that are mostly updated in place: vacuum early, keep room for HOT updates.
alter table images set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
alter table batches set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
alter table attempts set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
alter table backends set (fillfactor = 50);
alter table series set (fillfactor = 70);
alter table turns set (fillfactor = 70);
