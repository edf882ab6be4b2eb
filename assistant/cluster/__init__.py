"""Several Rasa workers and action workers behind nginx, with PostgreSQL and Redis, on one machine:
`make cluster` (docs/deployment.md)."""
