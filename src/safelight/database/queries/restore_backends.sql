-- Leases are void, and epochs above all that were ever given.
update backends set owner = null, session = null, lease_until = '-infinity', state = 'unknown',
                    epoch = greatest(epoch + 1, extract(epoch from now())::bigint - 1577836800)
