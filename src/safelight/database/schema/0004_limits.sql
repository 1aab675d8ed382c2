-- Fairness and limits: a clock that never goes back, images that wait for their user's own others,
-- deadlines that are looked after every second, and how long renderings take.

-- The highest turn drawn at this backend; the clock of a pool is the highest of its backends'.
alter table backends add column clock bigint not null default 0;
update backends set clock = coalesce(
    (select max(turn) from images where images.pool = backends.pool and dispatched_at is not null),
    0);

-- Queued, but without a place in the line: its user has as many images at backends as allowed.
alter table images add column aside boolean not null default false;
create index images_aside on images (user_id, pool, turn) where aside and status = 'queued';

-- Those ahead of an image are counted in this index alone.
drop index images_waiting;
create index images_waiting on images (pool, turn, queued_at, id) include (aside) where status = 'queued';

create index batches_unended on batches (user_id) where ended_at is null;
create index batches_due on batches (deadline) where ended_at is null;

alter table attempts add column workflow text;  -- null: opened by an earlier version
