-- A new driver takes over every open attempt of its backend: older epochs can no longer write.
update attempts set epoch = $2
where backend = $1 and closed_at is null
  and exists (select from backends where name = $1 and epoch = $2)
