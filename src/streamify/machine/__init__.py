"""What this machine has and what a process may use of it."""
