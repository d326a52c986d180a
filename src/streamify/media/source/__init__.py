"""Sources: opening, probing, indexing, cutting."""
