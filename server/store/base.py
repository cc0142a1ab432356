"""What all tables share: names of constraints, and how types are stored."""

from sqlalchemy import JSON, BigInteger, Integer, LargeBinary, MetaData, String
from sqlalchemy.orm import DeclarativeBase

# A column without a value is NULL, not JSON's null.
OPTIONAL_JSON = JSON(none_as_null=True)
# SQLite counts in a column of this very type only; elsewhere registrations may outgrow 32 bits.
COUNTER = BigInteger().with_variant(Integer, "sqlite")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of all tables; constraints are named so that migrations can refer to them."""

    metadata = MetaData(naming_convention=NAMING)
    # Seconds since 1970 outgrow 32 bits in 2038.
    type_annotation_map = {int: BigInteger, bytes: LargeBinary, str: String}  # noqa: RUF012
