"""The tables of the transparency log. Hashes are SHA-256."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class LogHeadRow(Base):
    """How many leaves the log has: the one row that whoever appends locks first."""

    __tablename__ = "log_head"
    head_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int]


class LogLeafRow(Base):
    """A leaf: what it commits to is elsewhere, so that this row never has to go."""

    __tablename__ = "log_leaves"
    leaf_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    commitment: Mapped[bytes]
    leaf_hash: Mapped[bytes] = mapped_column(unique=True)


class LogNodeRow(Base):
    """Hash of a complete subtree of the log, leaves included (`crypto.merkle.Node`)."""

    __tablename__ = "log_nodes"
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    node_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes]


class LogOpeningRow(Base):
    """What opens an enrolment's leaf: personal, so a row that can be deleted without the leaf."""

    __tablename__ = "log_openings"
    enrollment_id: Mapped[str] = mapped_column(
        ForeignKey("enrollments.enrollment_id"), primary_key=True
    )
    leaf_index: Mapped[int] = mapped_column(ForeignKey("log_leaves.leaf_index"), unique=True)
    salt: Mapped[bytes]
    entry: Mapped[bytes]
