"""Small charts as inline SVG: plain strings, the same bytes for the same numbers, no script.

Colours come from CSS classes of the page, so that charts follow its light, dark and print styles.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from markupsafe import Markup

from stackspark.report.summary import BandCurve, Histogram, Limit
from stackspark.runtime.formatting import number, size, visible

WIDTH, HEIGHT = 360, 176
LEFT, RIGHT, TOP, BOTTOM = 6, 354, 34, 150
THINNEST = 0.5
"""Per cent of a bar's width that anything but nothing takes."""


def bar(parts: Iterable[tuple[str, float]], label: str) -> Markup:
    """A horizontal bar of full width: parts of (CSS class, share of the width in 0..1)."""
    drawn, x = [], 0.0
    for css, fraction in parts:
        if fraction > 0:
            width = min(max(100 * fraction, THINNEST), 100)
            rect = Markup('<rect class="{}" x="{}" y="0" width="{}" height="8"/>')
            drawn.append(rect.format(css, _n(min(x, 100 - width)), _n(width)))
        x += 100 * fraction
    svg = Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>'
    )
    return svg.format(visible(label), Markup("").join(drawn))


def histogram(data: Histogram) -> Markup:
    """A histogram with its limits drawn in; bins on the wrong side of a limit are marked."""
    num_bins = _last_bin(data) + 1
    edges, counts = data.edges[: num_bins + 1], data.counts[:num_bins]
    highest = max(counts, default=0) or 1
    step = (RIGHT - LEFT) / num_bins
    bars = Markup("").join(
        _bin(data, place, count / highest, step) for place, count in enumerate(counts)
    )
    ticks = Markup("").join(_tick(LEFT + step * x, text) for x, text in _ticks(data, edges))
    marks = [
        _limit_line(limit, LEFT + step * _position(edges, limit.value), row)
        for row, limit in enumerate(data.limits)
    ]
    lines, names = (
        (Markup("").join(part) for part in zip(*marks, strict=True)) if marks else ("", "")
    )
    return _svg(Markup("").join((bars, _axis(), ticks, lines, names)), histogram_words(data))


def histogram_words(data: Histogram) -> str:
    """The histogram in words."""
    total = sum(data.counts)
    beyond = sum(
        count for place, count in enumerate(data.counts) if _is_out(data.limits, data.edges, place)
    )
    limits = f"; {number(beyond)} on the removed side of a limit" if data.limits else ""
    return f"{data.metric}: {number(total)} contents{limits}"


def bin_words(data: Histogram, place: int) -> str:
    """The range of one bin: ``100 to under 178``, and ``1,000 or more`` for the last."""
    low, high = data.edges[place], data.edges[place + 1]
    is_last = place == len(data.counts) - 1
    if is_last:
        return f"{_mark(low, data.unit)} or more"
    return f"{_mark(low, data.unit)} to under {_mark(high, data.unit)}"


def curve(data: BandCurve) -> Markup:
    """Chance of a pair to be found over its similarity, with the threshold drawn in."""
    low, high = data.found[0][0], data.found[-1][0]

    def at(similarity: float, probability: float) -> tuple[float, float]:
        x = LEFT + 26 + (RIGHT - LEFT - 38) * (similarity - low) / (high - low)
        return x, BOTTOM - (BOTTOM - TOP) * probability

    points = [at(*pair) for pair in data.found]
    path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    dots = Markup("").join(
        Markup('<circle class="in" cx="{}" cy="{}" r="3"><title>{}</title></circle>').format(
            _n(x), _n(y), f"similarity {similarity:.2f}: found {probability:.4f}"
        )
        for (x, y), (similarity, probability) in zip(points, data.found, strict=True)
    )
    grid = Markup("").join(
        Markup('<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(
            LEFT + 26, RIGHT, y=_n(at(low, share)[1])
        )
        + Markup('<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>').format(
            LEFT + 22, _n(at(low, share)[1] + 4), f"{share:.1f}"
        )
        for share in (0.0, 0.5, 1.0)
    )
    ticks = Markup("").join(_tick(at(s, 0)[0], f"{s:.2f}") for s, _ in data.found[::3])
    limit = Limit(value=data.threshold, removes="above", label=f"threshold {data.threshold:g}")
    line, name = _limit_line(limit, at(data.threshold, 0)[0], 0)
    drawn = Markup('<polyline class="curve" points="{}"/>').format(path)
    words = f"Chance of being found, {data.num_bands} bands of {data.rows_per_band} rows"
    return _svg(Markup("").join((grid, drawn, dots, ticks, line, name)), words)


def _svg(body: Markup, label: str) -> Markup:
    svg = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return svg.format(WIDTH, HEIGHT, visible(label), body)


def _axis() -> Markup:
    line = Markup('<line class="axis" x1="{}" x2="{}" y1="{y}" y2="{y}"/>')
    return line.format(LEFT, RIGHT, y=BOTTOM)


def _bin(data: Histogram, place: int, fraction: float, step: float) -> Markup:
    height = max((BOTTOM - TOP) * fraction, 1.0 if fraction > 0 else 0.0)
    if height == 0:
        return Markup("")
    css = "out" if _is_out(data.limits, data.edges, place) else "in"
    rect = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>')
    title = f"{bin_words(data, place)}: {number(data.counts[place])}"
    x, width = LEFT + step * place + 0.5, max(step - 1, 0.5)
    return rect.format(css, _n(x), _n(BOTTOM - height), _n(width), _n(height), visible(title))


def _is_out(limits: Sequence[Limit], edges: Sequence[float], place: int) -> bool:
    low, high = edges[place], edges[place + 1]
    return any(
        low >= limit.value if limit.removes == "above" else high <= limit.value for limit in limits
    )


def _last_bin(data: Histogram) -> int:
    """The last bin that is drawn: the last one with contents, and past every limit."""
    if data.unit == "share":
        return len(data.counts) - 1
    filled = [place for place, count in enumerate(data.counts) if count]
    past = [math.ceil(_position(data.edges, limit.value)) for limit in data.limits]
    return min(max((*filled, *past, 0)), len(data.counts) - 1)


def _position(edges: Sequence[float], value: float) -> float:
    """Where a value lies among the edges, in bins."""
    for place, (low, high) in enumerate(pairwise(edges)):
        if low <= value < high:
            return place + (value - low) / (high - low)
    return float(len(edges) - 1) if value >= edges[-1] else 0.0


def _ticks(data: Histogram, edges: Sequence[float]) -> list[tuple[int, str]]:
    """Edges that are named below the axis: powers of ten, or quarters of a share."""
    if data.unit == "share":
        return [(p, f"{100 * e:g} %") for p, e in enumerate(edges) if p % 5 == 0]
    tens = [p for p, e in enumerate(edges) if e >= 1 and math.log10(e).is_integer()]
    return [(place, _mark(edges[place], data.unit)) for place in tens]


def _mark(value: float, unit: str) -> str:
    if unit == "share":
        return f"{100 * value:g} %"
    if unit == "bytes":
        return size(value)
    return f"{value / 1e6:.3g}M" if value >= 1e6 else number(float(f"{value:.3g}"))


def _tick(x: float, text: str) -> Markup:
    anchor = "start" if x < LEFT + 12 else "end" if x > RIGHT - 14 else "middle"
    tick = Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>')
    return tick.format(_n(x), BOTTOM + 16, anchor, text)


def _limit_line(limit: Limit, x: float, row: int) -> tuple[Markup, Markup]:
    """The line and its name; names are drawn last, over all lines."""
    y = 12 + 12 * row
    anchor, shift = ("end", -4) if x > WIDTH / 2 else ("start", 4)
    line = Markup('<line class="limit" x1="{x}" x2="{x}" y1="{}" y2="{}"/>')
    text = Markup('<text class="limit-name" x="{}" y="{}" text-anchor="{}">{}</text>')
    name = text.format(_n(x + shift), y, anchor, visible(limit.label))
    return line.format(y - 8, BOTTOM, x=_n(x)), name


def _n(value: float) -> str:
    """A coordinate, short and always the same."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
