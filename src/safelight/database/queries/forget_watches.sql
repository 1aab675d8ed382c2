-- What nobody has renewed for a while.
delete from watches where batch_id in (
    select batch_id from watches where until < safelight_now() - interval '1 minute'
    for update skip locked)
