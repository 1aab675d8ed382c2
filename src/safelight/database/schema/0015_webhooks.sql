-- Who is told of what happens, and what each of them was told. A row of deliveries is one event for
-- one webhook: that it is due, and to be tried, is said here, its token only says: look.
create table webhooks (
    id uuid primary key,
    batch_id uuid unique references batches,    -- whose own it is; null: a subscription to all
    url text not null,
    origin text not null,                       -- scheme, host and port of it
    events text[] not null,
    base text not null,                         -- what links in its messages begin with
    secret text,                                -- null: that of the settings
    old_secret text,                            -- signs too, until:
    old_until timestamptz,
    since_txid xid8 not null,                   -- its place in the stream of all events: it is told
    since_id bigint not null,                   -- of those behind it
    ended_at timestamptz,                       -- it is told nothing more, because:
    reason text,
    created_at timestamptz not null default safelight_now()
);
create index webhooks_alive on webhooks (since_txid, since_id) where ended_at is null;
create index webhooks_subscribed on webhooks (created_at, id) where batch_id is null;

-- Up to where the events of all batches were looked through for those who are to be told.
create table telling (
    one boolean primary key default true check (one),
    txid xid8 not null default '0',
    id bigint not null default 0
);
insert into telling default values;

-- No reference to batches: it would take locks that whoever moves an image waits for.
create table deliveries (
    id uuid primary key default gen_random_uuid(),
    webhook_id uuid not null references webhooks on delete cascade,
    origin text not null,                       -- the webhook's
    batch_id uuid not null,
    number int not null,                        -- of the event
    type text not null,                         -- likewise
    image_id uuid,
    at timestamptz not null,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
    tries int not null default 0,               -- that ended, since it was last asked for
    nudges int not null default 0,              -- tokens made for it: one of an earlier nudge is another
    due_at timestamptz not null default safelight_now(),
    claimed_by uuid,                            -- the worker that tries now, and may until:
    claimed_until timestamptz,
    http_status int,                            -- of the last answer
    reason text,                                -- of the last trouble
    tried_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz not null default safelight_now(),
    unique (webhook_id, batch_id, number)
);
create index deliveries_pending on deliveries (origin, due_at) where status = 'pending';
create index deliveries_of_webhook on deliveries (webhook_id, created_at desc, id desc);
create index deliveries_by_age on deliveries (finished_at) where finished_at is not null;
alter table deliveries set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
