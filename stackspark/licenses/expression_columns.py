"""Licence expressions in tables: each declaration as a struct that sorts the worst one first."""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from stackspark.licenses.expressions import LICENSE_CLASSES, NOT_A_LICENSE, evaluate_array
from stackspark.licenses.file_names import DECLARING, HOLDING, OTHER_EXTENSION

PERMISSIVE, UNKNOWN, NON_PERMISSIVE = LICENSE_CLASSES
WORST_FIRST = (NON_PERMISSIVE, UNKNOWN, PERMISSIVE, NOT_A_LICENSE)

DECLARATION_TYPE = "struct<place:int,expression:string,path:string,source:string>"
"""A declaration: the place of its class in `WORST_FIRST`, what it says, where, and how."""

OTHER_TERMS = "other_terms_elsewhere"
"""Conflict of a file whose text is not permissive in another place."""

VERDICT_FIELDS = [
    T.StructField("expression", T.StringType()),
    T.StructField("license_class", T.StringType()),
    T.StructField("license_ids", T.ArrayType(T.StringType())),
    T.StructField("has_choice", T.BooleanType()),
]
"""Columns that the evaluation of an expression adds."""


def with_verdicts(rows: DataFrame, column: str) -> DataFrame:
    """Append `VERDICT_FIELDS` of the expression in a column; equal ones cost once a batch."""
    schema = T.StructType([*rows.schema.fields, *VERDICT_FIELDS])
    return rows.mapInArrow(partial(_append_verdicts, column=column), schema)


def class_place(license_class: str | Column) -> Column:
    """Place of a licence class in `WORST_FIRST`, from 0."""
    order = F.array(*map(F.lit, WORST_FIRST))
    value = F.col(license_class) if isinstance(license_class, str) else license_class
    return (F.array_position(order, value) - 1).cast("int")


def declares(declarations: str | Column, license_class: str) -> Column:
    """Whether an array of declarations holds one of a class."""
    place = WORST_FIRST.index(license_class)
    return F.exists(declarations, lambda declaration: declaration["place"] == place)


def names_a_license(name: str) -> Column:
    """Whether the text of a file of this base name declares a licence for its folder."""
    return F.col(name).rlike(DECLARING) & ~F.col(name).rlike(OTHER_EXTENSION)


def must_be_a_license(name: str) -> Column:
    """Whether a declaring file of this name is a licence even where nobody knows which."""
    return F.col(name).rlike(HOLDING)


def _append_verdicts(batches: Iterator[pa.RecordBatch], column: str) -> Iterator[pa.RecordBatch]:
    names = [field.name for field in VERDICT_FIELDS]
    for batch in batches:
        verdicts = evaluate_array(batch.column(column)).flatten()
        yield pa.RecordBatch.from_arrays(
            [*batch.columns, *verdicts], names=[*batch.schema.names, *names]
        )
