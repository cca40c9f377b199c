r"""Escape a tokenizer's sentinels where they occur in text that is not meant as one.

Code that mentions ``<|endoftext|>`` would otherwise end a training document in its middle. A
backslash goes in after the ``<``: ``<\|endoftext|>``. What is escaped already gets one more, so
that `unescape_sentinels` gives back exactly the text that was escaped.
"""

import pyarrow as pa
import pyarrow.compute as pc

SENTINELS = (
    "<|endoftext|>",
    "<fim_prefix>",
    "<fim_middle>",
    "<fim_suffix>",
    "<fim_pad>",
    "<repo_name>",
    "<file_sep>",
    "<issue_start>",
    "<issue_comment>",
    "<issue_closed>",
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<jupyter_script>",
    "<empty_output>",
    "<code_to_intermediate>",
    "<intermediate_to_code>",
    "<pr>",
    "<pr_status>",
    "<pr_is_merged>",
    "<pr_base>",
    "<pr_file>",
    "<pr_base_code>",
    "<pr_diff>",
    "<pr_diff_hunk>",
    "<pr_comment>",
    "<pr_event_id>",
    "<pr_review>",
    "<pr_review_state>",
    "<pr_review_comment>",
    "<pr_in_reply_to_review_id>",
    "<pr_in_reply_to_comment_id>",
    "<pr_diff_hunk_comment_line>",
)
"""Sentinels of StarCoder2's tokenizer that give a text its structure.

Its placeholders for redacted personal data are left out: redaction puts them in on purpose.
"""

# Arrow runs RE2: linear in the text, and no text starts a match but at a "<".
_BODIES = "|".join(sentinel[1:].replace("|", r"\|") for sentinel in SENTINELS)
_ESCAPABLE = rf"<(?:\\*)(?:{_BODIES})"
_ESCAPE = rf"<(\\*(?:{_BODIES}))"
_UNESCAPE = rf"<\\(\\*(?:{_BODIES}))"


def escape_sentinels(texts: pa.StringArray) -> tuple[pa.StringArray, pa.Int32Array]:
    """Escape sentinels, and count them.

    Args:
        texts: shape (n,), string; nulls stay null.

    Returns:
        The texts without any sentinel, shape (n,), and how many were escaped in each, int32.
    """
    counts = pc.fill_null(pc.count_substring_regex(texts, _ESCAPABLE), 0)
    found = pc.greater(counts, 0)
    if not pc.any(found).as_py():
        return texts, counts
    escaped = pc.replace_substring_regex(texts.filter(found), _ESCAPE, r"<\\\1")
    return pc.replace_with_mask(texts, found, escaped), counts


def unescape_sentinels(texts: pa.StringArray) -> pa.StringArray:
    """The texts that `escape_sentinels` was given."""
    return pc.replace_substring_regex(texts, _UNESCAPE, r"<\1")
