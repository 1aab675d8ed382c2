-- Those of our tables ($1) that are there, with their columns and the tables their rows refer to.
select class.relname as name,
       (select array_agg(attname::text order by attnum) from pg_attribute
        where attrelid = class.oid and attnum > 0 and not attisdropped and attgenerated = ''
       ) as columns,
       array(select distinct other.relname::text from pg_constraint
             join pg_class other on other.oid = confrelid
             where conrelid = class.oid and contype = 'f' and other.oid <> class.oid) as needs
from pg_class class
where class.relnamespace = current_schema()::regnamespace and class.relkind = 'r'
  and class.relpersistence = 'p' and class.relname = any($1)
order by class.relname
