-- Leases are void, and epochs above all that were ever given.
update backends set owner = null, session = null, lease_until = '-infinity', state = 'unknown',
                    epoch = greatest(epoch + 1, (extract(epoch from now()) - 1577836800)::bigint)
