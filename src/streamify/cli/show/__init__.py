"""What a person reads: progress, tables, text."""
