-- One row that says which database this is and who may work on it.
--
-- A life ends with a restore: what processes and listeners remember of another life is void. Every
-- new session of a process asks for the life it began with, ids of the stream of all events begin
-- with it.
create table installation (
    one boolean primary key default true check (one),
    life uuid not null default gen_random_uuid(),
    oldest int not null default 10,         -- the newest migration a worker must know to work on
    pruned_txid xid8 not null default '0',  -- events up to here may be gone
    pruned_id bigint not null default 0
);
insert into installation default values;
