-- Servers that were seen to serve each other's files: they write to one folder.
alter table backends add column shares_output text[] not null default '{}';

-- Backends that died while a graph ran there, since its last picture in that pool.
create table deaths (
    prompt_id uuid primary key,             -- the attempt
    pool text not null,
    graph text not null,
    backend text not null,
    opened_at timestamptz not null,
    died_at timestamptz not null default safelight_now(),
    proven boolean not null                 -- false: silent since then, it may still have it
);
create index deaths_of_graph on deaths (pool, graph);

-- Graphs that are not drawn in a pool until somebody resumes their workflow.
create table holds (
    pool text not null,
    graph text not null,
    workflow text not null,                 -- its id, for people
    backends text[] not null,               -- that died
    held_at timestamptz not null default safelight_now(),
    primary key (pool, graph)
);

-- Queued, but without a place in the line: its graph was found to be held when its turn came.
alter table images add column held boolean not null default false;
create index images_held on images (pool) where held and status = 'queued';
drop index images_waiting;
create index images_waiting on images (pool, turn, queued_at, id) include (aside, held) where status = 'queued';
