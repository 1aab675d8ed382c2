-- Its name at the publisher, before the first try; one that has a name keeps it.
update publications set place = coalesce(place, $2) where id = $1 returning place
