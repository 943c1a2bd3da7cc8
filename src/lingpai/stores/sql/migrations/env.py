"""What Alembic runs: the scripts, on the connection and in the transaction that `migrate` began."""

from alembic import context

from lingpai.stores.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
