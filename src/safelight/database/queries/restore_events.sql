-- Transaction numbers of another server say nothing here: all were written by this transaction.
update events set txid = pg_current_xact_id()
