"""Parts of `make check`, one module for each kind of file (assistant/check.py runs them all)."""
