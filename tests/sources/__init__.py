"""What becomes of every file of the corpus and the cases, judged by others: `python -m sources` writes the page."""
