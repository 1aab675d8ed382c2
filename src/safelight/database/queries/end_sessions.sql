-- Sessions of other processes of ours: what comes back asks which life this is.
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
  and application_name like 'safelight%' and usename = current_user
