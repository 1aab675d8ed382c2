"""Who works: the lease on a backend, its lanes, the pull, the reconciler."""
