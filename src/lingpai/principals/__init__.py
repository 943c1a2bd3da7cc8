"""Who is who and what they may do, and the one gate that all callers pass."""
