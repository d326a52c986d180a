"""Settings from flags, environment, file and arguments."""
