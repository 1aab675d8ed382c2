-- How images that are being drawn look just now, and who wants to see that. Unlogged: none of it is
-- worth keeping. A backup leaves it out, a crash of the server empties it.

-- The latest preview of an image, as long as that attempt draws it.
create unlogged table previews (
    image_id uuid primary key,
    prompt_id uuid not null,
    number bigint not null,                     -- rises with each: milliseconds of Unix time
    picture bytea not null check (octet_length(picture) <= 15000)
);
-- What a picture is made of does not compress a second time.
alter table previews alter column picture set storage external;
alter table previews set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Batches to whose events somebody listens, at whichever process: each renews what it needs.
create unlogged table watches (
    batch_id uuid primary key,
    until timestamptz not null
);
alter table watches set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
