"""Medians, spreads and verdicts, as text, Markdown or JSON."""
import statistics

from rows import ROWS


def shown(value):
    if value is None:
        return "-"
    if value >= 100000:
        return f"{value / 1000:.0f}k"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if value >= 10 else f"{value:.3f}"


class Result:
    """All values of one run: values[file system][row key] is the list of repetitions."""

    def __init__(self, names):
        self.names = names
        self.values = {name: {} for name in names}
        self.failures = []

    def add(self, name, key, value):
        self.values[name].setdefault(key, []).append(value)

    def median(self, name, key):
        values = self.values.get(name, {}).get(key)
        return statistics.median(values) if values else None

    def half_range(self, name, key):
        """How far the farthest repetition is from the median; 0 for a single one."""
        values = self.values.get(name, {}).get(key, [])
        middle = self.median(name, key)
        return max((abs(value - middle) for value in values), default=0)

    def spread(self, key):
        """The largest max/min of any file system; None when nothing was repeated."""
        spreads = [max(values) / min(values)
                   for values in (self.values[name].get(key, []) for name in self.names)
                   if len(values) > 1 and min(values) > 0]
        return max(spreads) if spreads else None

    def ratio(self, name, row):
        """How many times worse than the plain directory: slower, or fewer operations."""
        plain, value = self.median("plain", row.key), self.median(name, row.key)
        if not plain or not value:
            return None
        return plain / value if row.more_is_better else value / plain

    def limit(self, row):
        """The target in the unit of the row, or None where its base was not measured."""
        if row.target is None:
            return None
        base, factor = row.target
        if base is None:
            return factor
        value = self.base_value(base, row)
        return value * factor if value is not None else None

    def base_value(self, base, row):
        """What a target is measured against: a neighbour in the same row, or emrfs itself in another ("=KEY")."""
        return self.median("emrfs", base[1:]) if base.startswith("=") else self.median(base, row.key)

    def verdict(self, row):
        value, limit = self.median("emrfs", row.key), self.limit(row)
        if row.target is None:
            return ""
        if value is None or not limit:
            return "not measured"
        need = limit / value if row.more_is_better else value / limit
        word = "met" if need <= 1 else "within 2x" if need <= 2 else "missed"
        base = row.target[0]
        noise = max(self.half_range("emrfs", row.key),
                    self.half_range(base, row.key) * row.target[1] if base in self.names else 0)
        return word + (", inside the spread" if abs(value - limit) < noise else "")

    def is_measured(self, row):
        return any(self.median(name, row.key) is not None for name in self.names)

    def missed(self):
        return [row for row in ROWS if self.verdict(row).startswith("missed")]


def target_text(row):
    if row.target is None:
        return ""
    base, factor = row.target
    sign = ">=" if row.more_is_better else "<="
    if base is None:
        return f"{sign} {factor} {row.unit}"
    if base.startswith("="):
        return f"{sign} {factor} x " + next(other.title for other in ROWS if other.key == base[1:])
    return f"{sign} {factor} x {base}"


def cells(result, row):
    first = [row.title, row.unit]
    for name in result.names:
        text = shown(result.median(name, row.key))
        ratio = result.ratio(name, row)
        first.append(text if name == "plain" or ratio is None else f"{text} x{ratio:.2f}")
    spread = result.spread(row.key)
    return first + [f"{spread:.2f}" if spread else "-", target_text(row), result.verdict(row)]


def table(result):
    head = ["workload", "unit"] + result.names + ["spread", "target", "verdict"]
    return [head] + [cells(result, row) for row in ROWS if result.is_measured(row)]


def as_text(result):
    lines = table(result)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def as_markdown(result):
    lines = table(result)
    text = ["| " + " | ".join(lines[0]) + " |", "|" + "---|" * len(lines[0])]
    return "\n".join(text + ["| " + " | ".join(cell.strip() for cell in line) + " |"
                             for line in lines[1:]])


def as_json(result, machine):
    return {
        "machine": machine,
        "failures": result.failures,
        "rows": [{
            "key": row.key, "title": row.title.strip(), "unit": row.unit,
            "target": target_text(row), "verdict": result.verdict(row),
            "limit": result.limit(row), "spread": result.spread(row.key),
            "values": {name: result.values[name].get(row.key, []) for name in result.names},
            "medians": {name: result.median(name, row.key) for name in result.names},
            "times_worse_than_plain": {name: result.ratio(name, row) for name in result.names},
        } for row in ROWS if result.is_measured(row)],
    }
