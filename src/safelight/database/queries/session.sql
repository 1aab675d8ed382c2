select pid || ':' || extract(epoch from backend_start) as session
from pg_stat_activity where pid = pg_backend_pid()
