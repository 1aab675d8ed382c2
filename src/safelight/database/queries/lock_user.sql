-- Until commit nobody else counts this user's images. $1 user, $2 what is counted
select pg_advisory_xact_lock(hashtextextended($1, $2))
