"""Where the project is published. One place; ``pyproject.toml`` names the same."""

PROJECT_URL = "https://github.com/streamify/streamify"
ERRORS_URL = f"{PROJECT_URL}/blob/main/docs/reference/errors.md"
"""The page that explains each error code under a heading of its own."""
