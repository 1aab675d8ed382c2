-- Its token ends with this; its turn stays.
update images set aside = true where id = $1 and status = 'queued'
