"""Requests to the clinic: the form that takes them, the outbox that delivers them, the inbox that
shows them."""
