-- A picture clears its graph of what died under it. The deaths are kept for a day all the same: they
-- say that servers die here, whatever they draw.
alter table deaths add column cleared boolean not null default false;
create index deaths_recent on deaths (died_at) where proven;
