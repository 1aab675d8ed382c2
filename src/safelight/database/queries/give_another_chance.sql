-- Images that have waited for so long may be drawn by every backend again: by now it may have what
-- it lacked. $1 seconds
update images set not_on = '{}'
where status = 'queued' and not_on <> '{}'
  and queued_at < safelight_now() - make_interval(secs => $1)
