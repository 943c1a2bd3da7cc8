"""What a caller can ask for: one file, one verb. Knows no HTTP, no JSON, no SQL."""
