"""``python -m streamify``."""

from streamify.cli.main import main

main()
