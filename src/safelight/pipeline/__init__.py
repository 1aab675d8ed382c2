"""What happens to an image, in this order: accept, dispatch, gather, publish, report, stream."""
