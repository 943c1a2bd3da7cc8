"""Everything in SQL: one file per role, the same statements for SQLite and PostgreSQL."""
