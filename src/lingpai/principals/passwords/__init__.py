"""Passwords: how they are kept, and the bounded gate before the hashing."""
