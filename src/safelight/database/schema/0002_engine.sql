-- The engine's tables are its own; this is how they live here.
-- Its trigger would notify inside every transaction, which serialises all commits: the process
-- rings after the commit instead (see bell.py).
alter table pgqueuer disable trigger tg_pgqueuer_changed;
alter table pgqueuer set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);
