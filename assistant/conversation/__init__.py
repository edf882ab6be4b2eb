"""What a conversation is besides answers: the clinic's desk, manners, privacy requests."""
