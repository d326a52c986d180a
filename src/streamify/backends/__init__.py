"""Where whole jobs are carried out."""
