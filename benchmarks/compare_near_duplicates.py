"""Compare our search for near-duplicates with others, on the same files, by the exact truth.

    python benchmarks/compare_near_duplicates.py --work DIR compare 50MB --parts 1 4 16
    python benchmarks/compare_near_duplicates.py --work DIR compare 1GB --tools ours
    python benchmarks/compare_near_duplicates.py --work DIR results 50MB
    python benchmarks/compare_near_duplicates.py --work DIR scaling 100MB
    python benchmarks/compare_near_duplicates.py --work DIR kernel 100MB
    python benchmarks/compare_near_duplicates.py --work DIR skew
    python benchmarks/compare_near_duplicates.py --work DIR corpora 50MB 300MB held-back
    python benchmarks/compare_near_duplicates.py --work DIR truth 50MB
    python benchmarks/compare_near_duplicates.py --work DIR score 50MB --removed FOLDER_OR_FILE

Every step builds what it needs and does not find below DIR.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet as pq
from near_duplicates.comparison import Extent, compare, table
from near_duplicates.corpora import Corpus, build
from near_duplicates.kernel import kernel_table
from near_duplicates.scaling import scale
from near_duplicates.score import THRESHOLD, order_of, score
from near_duplicates.skew import skew
from near_duplicates.tools import TOOLS
from near_duplicates.truth import find_truth


def main(arguments: Sequence[str] | None = None) -> int:
    """Take one step."""
    given = parser().parse_args(arguments)
    given.step(given)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    top.add_argument("--work", type=lambda text: Path(text).expanduser().resolve(), required=True)
    steps = top.add_subparsers(required=True)
    plain = {
        "corpora": show_corpora,
        "truth": show_truth,
        "results": show_results,
        "kernel": show_kernel,
    }
    for name, step in plain.items():
        each = steps.add_parser(name, help=str(step.__doc__))
        each.add_argument(
            "names", nargs="+", help="a size such as 50MB, held-back, or a Parquet file"
        )
        each.set_defaults(step=step)
    contest = steps.add_parser("compare", help=str(show_comparison.__doc__))
    contest.add_argument(
        "names", nargs="+", help="a size such as 50MB, held-back, or a Parquet file"
    )
    contest.add_argument("--tools", nargs="+", choices=list(TOOLS), default=list(TOOLS))
    contest.add_argument("--repeat", type=int, default=3, help="runs of each, for the medians")
    contest.add_argument("--searches", type=int, default=2, help="in each of the runs")
    contest.add_argument("--parts", type=int, nargs="*", default=[], help="such as 1 4 16")
    contest.set_defaults(step=show_comparison)
    growth = steps.add_parser("scaling", help=str(show_scaling.__doc__))
    growth.add_argument("name", help="the corpus that is taken once, three and ten times")
    growth.add_argument("--tool", choices=list(TOOLS), default="ours")
    growth.set_defaults(step=show_scaling)
    families = steps.add_parser("skew", help=str(show_skew.__doc__))
    families.add_argument("--rows", type=int, default=1_000_000)
    families.add_argument("--memory", default="1g", help="of the JVM, in Spark's notation")
    families.set_defaults(step=show_skew)
    judge = steps.add_parser("score", help=str(show_score.__doc__))
    judge.add_argument("name")
    judge.add_argument("--removed", required=True, help="Parquet with the ids that were removed")
    judge.add_argument("--column", default="id")
    judge.add_argument("--order", choices=["rank", "row"], default="rank")
    judge.set_defaults(step=show_score)
    return top


def built(given: argparse.Namespace, name: str) -> Corpus:
    """A corpus, built if it is not there."""
    corpus = Corpus(work=given.work, name=name)
    build(corpus)
    return corpus


def show_corpora(given: argparse.Namespace) -> None:
    """Build corpora."""
    for name in given.names:
        corpus = built(given, name)
        print(f"{corpus.path}: {corpus.num_rows:,} texts")


def show_truth(given: argparse.Namespace) -> None:
    """Find all pairs of similar files, exactly."""
    for name in given.names:
        truth = find_truth(built(given, name))
        print(
            f"{name}: {len(truth.num_bytes):,} texts of {truth.num_bytes.sum() / 1e6:,.1f} MB, "
            f"{len(truth.left):,} pairs, {(truth.similarity >= THRESHOLD).sum():,} of them at 0.7"
        )


def show_comparison(given: argparse.Namespace) -> None:
    """Run tools, store what they did, and print it beside what is stored of the others."""
    for name in given.names:
        corpus = built(given, name)
        extent = Extent(repeat=given.repeat, searches=given.searches, parts=tuple(given.parts))
        compare(corpus, given.tools, extent)
    show_results(given)


def show_results(given: argparse.Namespace) -> None:
    """Print what is stored of each tool."""
    for name in given.names:
        print(f"\n{name}\n\n{table(Corpus(work=given.work, name=name))}")


def show_kernel(given: argparse.Namespace) -> None:
    """Show the speed of the kernel alone."""
    for name in given.names:
        print(f"\n{name}\n\n{kernel_table(built(given, name))}")


def show_scaling(given: argparse.Namespace) -> None:
    """Show how CPU time grows with the rows."""
    print(scale(built(given, given.name), given.tool))


def show_skew(given: argparse.Namespace) -> None:
    """Show what one family of all files costs, beside families of ten."""
    print(skew(given.rows, given.memory))


def show_score(given: argparse.Namespace) -> None:
    """Judge which ids a search removed."""
    corpus = built(given, given.name)
    removed = set(pq.read_table(given.removed, columns=[given.column])[given.column].to_pylist())
    ids = corpus.read("id")["id"].to_pylist()
    found = score(find_truth(corpus), ids, removed, order_of(corpus, given.order))
    print(json.dumps(asdict(found) | {"left_share": round(found.left_share, 4)}, indent=2))


if __name__ == "__main__":
    sys.exit(main())
