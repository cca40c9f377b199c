"""Slow, plain ways to cut, escape and render, to compare the kernels with."""

from collections.abc import Sequence

from stackspark.export.sentinels import SENTINELS


def cuts(sizes: Sequence[int], max_bytes: int, max_rows: int) -> list[tuple[int, int]]:
    runs: list[list[int]] = []
    total = 0
    for index, size in enumerate(sizes):
        is_full = runs and (len(runs[-1]) == max_rows or (size and total + size > max_bytes))
        if not runs or is_full:
            runs.append([])
            total = 0
        runs[-1].append(index)
        total += size
    return [(run[0], run[-1] + 1) for run in runs]


def escape(text: str) -> tuple[str, int]:
    """Walk over the text; at each "<" look past backslashes for the rest of a sentinel."""
    out, count, at = [], 0, 0
    while at < len(text):
        out.append(text[at])
        if text[at] == "<":
            body = text[at + 1 :].lstrip("\\")
            if any(body.startswith(sentinel[1:]) for sentinel in SENTINELS):
                out.append("\\")
                count += 1
        at += 1
    return "".join(out), count


def render(repo_name: str, files: Sequence[tuple[str, str]], *, has_metadata: bool) -> str:
    parts = [f"<repo_name>{escape(repo_name)[0]}"] if has_metadata else []
    for path, content in files:
        line = path.removeprefix("/").replace("\n", "\\x0a")
        head = f"{escape(line)[0]}\n" if has_metadata else ""
        parts.append(f"<file_sep>{head}{escape(content)[0]}")
    return "".join(parts) + "<|endoftext|>"
