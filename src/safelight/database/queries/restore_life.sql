-- Another life: ids of the stream of all events, and what processes remember, are void.
update installation set life = gen_random_uuid(), pruned_txid = '0', pruned_id = 0
