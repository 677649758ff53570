"""Secrets of webhooks are sealed, and there may be two of one webhook while they are exchanged.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import context, op

from api.store.clock import now
from api.store.sealing import Sealing
from api.store.tables import Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "webhook_secrets",
        sa.Column("sequence", _BIG, autoincrement=True, nullable=False),
        sa.Column("webhook_id", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.String(length=300), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_secrets_webhook_id")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_webhook_secrets")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_secrets_webhook", "webhook_secrets", ["webhook_id", "sequence"])
    connection, sealing = op.get_bind(), Sealing(context.config.attributes["data_dir"])
    webhooks = sa.table("webhooks", sa.column("id", sa.String()), sa.column("secret", sa.String()))
    sealed = sa.table("webhook_secrets", sa.column("webhook_id", sa.String()), sa.column("sealed", sa.String()), sa.column("created", Utc()))
    for row in connection.execute(sa.select(webhooks.c.id, webhooks.c.secret)).all():
        connection.execute(sa.insert(sealed).values(webhook_id=row.id, sealed=sealing.seal(row.secret), created=now()))
    op.drop_column("webhooks", "secret")
