-- How far the sequences of these tables ($1) have come.
select sequence.relname as name, known.last_value as last
from pg_sequences known
join pg_class sequence on sequence.relname = known.sequencename
join pg_depend depend on depend.objid = sequence.oid and depend.classid = 'pg_class'::regclass
                     and depend.deptype in ('a', 'i')
join pg_class class on class.oid = depend.refobjid
where known.schemaname = current_schema() and known.last_value is not null
  and sequence.relnamespace = current_schema()::regnamespace and class.relname = any($1)
order by sequence.relname
