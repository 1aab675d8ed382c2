-- $1 user
delete from quotas where subject = 'user:' || $1::text
