-- Whether another process works with this database. $1 what our own sessions are called
select exists (select from pg_stat_activity
               where datname = current_database() and application_name like 'safelight %'
                 and application_name <> $1) as others
