"""Pure decisions: grid, ladder, audio cuts, encoder options, ids."""
