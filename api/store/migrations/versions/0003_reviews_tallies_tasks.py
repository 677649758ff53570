"""Reviews, pins and what an inspection is counted by; tallies; tasks.

Revision ID: 0003
Revises: 0002
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from api.store.tables import Utc

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ROWS, _COLUMNS = ("upper", "", "lower"), ("left", "", "right")


def upgrade() -> None:
    for column in (
        sa.Column("operator", sa.String(length=100), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recipe_version", sa.Integer(), nullable=True),
        sa.Column("model_id", sa.String(length=100), nullable=True),
        sa.Column("reason_code", sa.String(length=100), nullable=True),
        sa.Column("modality", sa.String(length=20), nullable=True),
        sa.Column("place", sa.String(length=20), nullable=True),
        sa.Column("is_reviewed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("reviewed_as", sa.String(length=20), nullable=True),
        sa.Column("reviews", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("is_pinned", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("kept_bytes", _BIG, nullable=False, server_default="0"),
        sa.Column("files_removed", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("inspections", column)
    kept = sa.text("kept_bytes > 0")
    op.drop_index("ix_inspections_created", "inspections")
    op.create_index("ix_inspections_created", "inspections", ["created", "sequence"])
    op.create_index("ix_inspections_order", "inspections", ["production_order", "sequence"])
    op.create_index("ix_inspections_recipe_evaluation", "inspections", ["recipe", "evaluation", "sequence"])
    op.create_index("ix_inspections_reviewed", "inspections", ["is_reviewed", "sequence"])
    op.create_index("ix_inspections_model", "inspections", ["recipe", "model_id", "sequence"])
    op.create_index("ix_inspections_kept", "inspections", ["is_pinned", "evaluation", "sequence"], sqlite_where=kept, postgresql_where=kept)
    op.create_table(
        "tallies",
        sa.Column("quarter", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recipe", sa.String(length=100), nullable=False),
        sa.Column("lot", sa.String(length=100), nullable=False),
        sa.Column("evaluation", sa.String(length=20), nullable=False),
        sa.Column("reviewed_as", sa.String(length=20), nullable=False),
        sa.Column("modality", sa.String(length=20), nullable=False),
        sa.Column("place", sa.String(length=20), nullable=False),
        sa.Column("reason_code", sa.String(length=100), nullable=False),
        sa.Column("inspections", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("quarter", "recipe", "lot", "evaluation", "reviewed_as", "modality", "place", "reason_code", name=op.f("pk_tallies")),
    )
    op.create_index("ix_tallies_recipe", "tallies", ["recipe", "quarter"])
    op.create_index("ix_tallies_lot", "tallies", ["lot", "quarter"])
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("recipe", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("message", sa.String(length=400), nullable=False),
        sa.Column("requested_by", sa.String(length=100), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index("ix_tasks_created", "tasks", ["created"])
    _count_what_is_there()


def _count_what_is_there() -> None:
    """Give inspections of the schema before what they are counted by, and count them."""
    names = ("sequence", "state", "evaluation", "recipe", "lot", "finished", "reason", "regions", "provenance", "artifacts", "width_px", "height_px")
    kinds = {"sequence": _BIG, "finished": Utc(), "width_px": sa.Integer(), "height_px": sa.Integer()}
    kinds |= dict.fromkeys(("reason", "regions", "provenance", "artifacts"), sa.JSON(none_as_null=True))
    written = {"model_id": sa.String(), "reason_code": sa.String(), "modality": sa.String(), "place": sa.String(), "kept_bytes": _BIG}
    table = sa.table("inspections", *(sa.column(n, kinds.get(n, sa.String())) for n in names), *(sa.column(n, k) for n, k in written.items()))
    connection = op.get_bind()
    tallies: Counter[tuple[object, ...]] = Counter()
    last = 0
    while rows := connection.execute(
        sa.select(*(table.c[n] for n in names)).where(table.c.sequence > last).order_by(table.c.sequence).limit(1000)
    ).all():
        for row in rows:
            last = row.sequence
            region = row.regions[0] if row.regions else None
            place = None
            if region and row.width_px and row.height_px:
                x = (region["x_px"] + region["width_px"] / 2) / row.width_px
                y = (region["y_px"] + region["height_px"] / 2) / row.height_px
                place = _ROWS[min(max(int(3 * y), 0), 2)] + _COLUMNS[min(max(int(3 * x), 0), 2)] or "centre"
            provenance: dict[str, Any] = row.provenance or {}
            reason: dict[str, Any] = row.reason or {}
            values: dict[str, Any] = {
                "model_id": provenance.get("model_id"),
                "reason_code": reason.get("code"),
                "modality": region["modality"] if region else None,
                "place": place,
                "kept_bytes": sum(artifact["size_bytes"] for artifact in row.artifacts),
            }
            connection.execute(table.update().where(table.c.sequence == row.sequence).values(**values))
            if row.state == "finished":
                quarter = datetime.fromtimestamp(row.finished.timestamp() // 900 * 900, UTC)
                counted = (values[n] or "" for n in ("modality", "place", "reason_code"))
                tallies[quarter, row.recipe, row.lot or "", row.evaluation, "", *counted] += 1
    if tallies:
        columns = ("quarter", "recipe", "lot", "evaluation", "reviewed_as", "modality", "place", "reason_code")
        tally = sa.table(
            "tallies", sa.column("quarter", Utc()), *(sa.column(n, sa.String()) for n in columns[1:]), sa.column("inspections", sa.Integer())
        )
        op.bulk_insert(tally, [dict(zip(columns, key, strict=True)) | {"inspections": n} for key, n in tallies.items()])
