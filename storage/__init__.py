"""The only room that talks to PostgreSQL: migrations, pool, one function per query."""
