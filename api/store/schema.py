"""All tables of the database as one: a table belongs to it once its module is imported here."""

from api.store import tables, tables_people, tables_production, tables_webhooks
from api.store.tables import Base

METADATA = Base.metadata

__all__ = ["METADATA", "tables", "tables_people", "tables_production", "tables_webhooks"]
