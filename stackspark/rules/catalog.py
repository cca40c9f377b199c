"""Every rule in its order: the cause of a file's removal is the first of these that holds."""

from dataclasses import dataclass, field
from itertools import chain

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stackspark.contracts.tables import table_contract
from stackspark.errors import InvalidParamsError
from stackspark.rules.declared.contamination import CONTAMINATION, ContaminationParams
from stackspark.rules.declared.data_languages import DATA_LANGUAGE_LINES, DataLanguagesParams
from stackspark.rules.declared.duplicates import (
    EXACT_DUPLICATE,
    NEAR_DUPLICATE,
    NORMALIZED_DUPLICATE,
)
from stackspark.rules.declared.encoded_data import ENCODED_FRACTION, ENCODED_RUN, EncodedDataParams
from stackspark.rules.declared.entries import NOT_A_FILE
from stackspark.rules.declared.generated import GENERATED, GENERATED_MARKER
from stackspark.rules.declared.html import HTML_VISIBLE_TEXT, HtmlParams
from stackspark.rules.declared.languages import EXCLUDED_LANGUAGE, EXCLUDED_PAIR, LanguagesParams
from stackspark.rules.declared.letters import ALPHA_FRACTION, ALPHANUM_FRACTION, LettersParams
from stackspark.rules.declared.licenses import LICENSE, LICENSE_ELSEWHERE, LicensesParams
from stackspark.rules.declared.long_lines import (
    AVG_LINE_LENGTH,
    MAX_LINE_LENGTH,
    NUM_LINES,
    LongLinesParams,
)
from stackspark.rules.declared.opt_outs import OPT_OUT
from stackspark.rules.declared.statuses import (
    BINARY,
    EMPTY,
    LFS_POINTER,
    TOO_LARGE,
    UNDECODABLE,
)
from stackspark.rules.declared.text_files import TEXT_FILE_NAME, TextFilesParams
from stackspark.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    NOT_A_FILE,
    OPT_OUT,
    LFS_POINTER,
    TOO_LARGE,
    BINARY,
    UNDECODABLE,
    EMPTY,
    LICENSE,
    LICENSE_ELSEWHERE,
    EXCLUDED_PAIR,
    EXCLUDED_LANGUAGE,
    NUM_LINES,
    AVG_LINE_LENGTH,
    MAX_LINE_LENGTH,
    GENERATED,
    GENERATED_MARKER,
    ALPHA_FRACTION,
    ALPHANUM_FRACTION,
    ENCODED_RUN,
    ENCODED_FRACTION,
    DATA_LANGUAGE_LINES,
    HTML_VISIBLE_TEXT,
    TEXT_FILE_NAME,
    CONTAMINATION,
    EXACT_DUPLICATE,
    NORMALIZED_DUPLICATE,
    NEAR_DUPLICATE,
)

RULE_ORDER = tuple(rule.name for rule in RULES)

LEDGER_RULES = tuple(rule.name for rule in RULES if rule is not EXACT_DUPLICATE)
"""Rules that leave rows in `ledger`; an exact duplicate is derived."""

NEAR_DUPLICATE_RULES = (NORMALIZED_DUPLICATE.name, NEAR_DUPLICATE.name)
"""Causes that the search for near-duplicates finds."""


@dataclass(frozen=True, kw_only=True)
class FiltersParams:
    """Parameters of the rules, the section `filters` of a recipe; a field per `Rule.section`."""

    licenses: LicensesParams = field(default_factory=LicensesParams)
    languages: LanguagesParams = field(default_factory=LanguagesParams)
    long_lines: LongLinesParams = field(default_factory=LongLinesParams)
    letters: LettersParams = field(default_factory=LettersParams)
    encoded_data: EncodedDataParams = field(default_factory=EncodedDataParams)
    data_languages: DataLanguagesParams = field(default_factory=DataLanguagesParams)
    html: HtmlParams = field(default_factory=HtmlParams)
    text_files: TextFilesParams = field(default_factory=TextFilesParams)
    contamination: ContaminationParams = field(default_factory=ContaminationParams)


def rule_order(name: str) -> int:
    """Place of a rule in the fixed order.

    Raises:
        InvalidParamsError: if there is no such rule.
    """
    if name not in RULE_ORDER:
        raise InvalidParamsError(f"needed a rule of {__name__}.RULES, found {name!r}; add it there")
    return RULE_ORDER.index(name)


def ordered(verdicts: DataFrame) -> DataFrame:
    """Rows of `ledger` in contract order, from rows with `VERDICT_COLUMNS`."""
    pairs = chain.from_iterable((name, place) for place, name in enumerate(RULE_ORDER))
    orders = F.create_map(*map(F.lit, pairs))
    rows = verdicts.withColumn("rule_order", orders[F.col("rule")])
    return rows.select(*table_contract("ledger").column_names)
