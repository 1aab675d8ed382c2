-- Where in its caller's trace a batch was accepted: whoever works on it goes on there.
alter table batches add column traceparent text;
