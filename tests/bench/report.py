"""Medians, spreads and verdicts, as text, Markdown or JSON."""
import statistics

from filesystems import ENCRYPTED
from rows import FLUSHED, ROWS

STEADY = 1.15
SELF_LIMIT = 1.1  # of a self-check: between no change and a fifth
# The rows of doc/speed.md.
PAGE = ("seq_write", "create_10k", "open_cold_p50", "mount_empty", "seq_read_cold", "rand_read_cold", "cp_tree", "mount_10k", "ls_cold", "save_fsync_p50")


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
        self.first = None  # of working days: what each row took the first time
        self.failures = []
        self.careless = set()  # who does not flush when told to

    def add(self, name, key, value):
        self.values[name].setdefault(key, []).append(value)

    def median(self, name, key):
        values = self.values.get(name, {}).get(key)
        return statistics.median(values) if values else None

    def middle(self, name, key):
        """The repetitions without the quarter at either end, so that more of them tell more."""
        values = sorted(self.values.get(name, {}).get(key, []))
        cut = len(values) // 4
        return values[cut:len(values) - cut]

    def half_range(self, name, key):
        """How far the farthest of the middle repetitions is from the median; 0 for a single one."""
        middle = self.median(name, key)
        return max((abs(value - middle) for value in self.middle(name, key)), default=0)

    def spread(self, key, names=None):
        """The largest max/min of any file system's middle repetitions; None when nothing was repeated."""
        spreads = [max(values) / min(values)
                   for values in (self.middle(name, key) for name in names or self.names)
                   if len(values) > 1 and min(values) > 0]
        return max(spreads) if spreads else None

    def judges(self, row):
        """The file systems that the row's verdict compares."""
        return [name for name in (self.base_name(row), "emrfs") if name in self.names]

    def unsteady(self, group):
        """The judged rows of GROUP whose compared values still lie too far apart."""
        return [row for row in ROWS if row.group == group and row.target is not None
                and (self.spread(row.key, self.judges(row)) or 1) > STEADY]

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
        if base.startswith("="):
            value = self.median("emrfs", base[1:])
        else:
            value = self.median(self.base_name(row), row.key)
        return value * factor if value is not None else None

    def base_name(self, row):
        """The file system that a target is measured against; None where there is none in this run."""
        base = row.target[0] if row.target is not None else None
        if base != "best":
            return base
        there = [name for name in ENCRYPTED if self.median(name, row.key) is not None
                 and not (name in self.careless and row.key in FLUSHED)]
        best = max if row.more_is_better else min
        return best(there, key=lambda name: self.median(name, row.key), default=None)

    def verdict(self, row):
        value, limit = self.median("emrfs", row.key), self.limit(row)
        if row.target is None:
            return ""
        if value is None or not limit:
            return "not measured"
        need = limit / value if row.more_is_better else value / limit
        word = "met" if need <= 1 else "within 2x" if need <= 2 else "missed"
        base = self.base_name(row)
        noise = max(self.half_range("emrfs", row.key),
                    self.half_range(base, row.key) * row.target[1] if base in self.names else 0)
        return word + (", inside the spread" if abs(value - limit) < noise else "")

    def behind(self):
        """Judged rows that emrfs has not met, with how far it is from its limit."""
        found = []
        for row in ROWS:
            value, limit = self.median("emrfs", row.key), self.limit(row)
            if value and limit and not self.verdict(row).startswith(("met", "not")):
                found.append((row, limit / value if row.more_is_better else value / limit))
        return found

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
    return f"{sign} {factor} x {'the best encrypted' if base == 'best' else base}"


def full_title(row):
    """p99 and the like say nothing without the row above them."""
    if not row.title.startswith(" "):
        return row.title
    above = [other for other in ROWS[:ROWS.index(row)] if not other.title.startswith(" ")][-1]
    return above.title.removesuffix(", p50") + ", " + row.title.strip()


def day_text(result, row):
    """How many times the first of a working day its third took emrfs."""
    first, third = result.first.median("emrfs", row.key), result.median("emrfs", row.key)
    if not first or not third:
        return "-"
    return f"{first / third if row.more_is_better else third / first:.2f}"


def cells(result, row):
    first = [row.title, row.unit]
    for name in result.names:
        text = shown(result.median(name, row.key))
        ratio = result.ratio(name, row)
        first.append(text if name == "plain" or ratio is None else f"{text} x{ratio:.2f}")
    spread = result.spread(row.key)
    if result.first is not None:
        first.append(day_text(result, row))
    return first + [f"{spread:.2f}" if spread else "-", target_text(row), result.verdict(row)]


def table(result):
    head = ["workload", "unit"] + result.names + (["third/first"] if result.first is not None else []) + ["spread", "target", "verdict"]
    return [head] + [cells(result, row) for row in ROWS if result.is_measured(row)]


def as_text(result):
    lines = table(result)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def as_markdown(result):
    lines = table(result)
    text = ["| " + " | ".join(lines[0]) + " |", "|" + "---|" * len(lines[0])]
    return "\n".join(text + ["| " + " | ".join(cell.strip() for cell in line) + " |" for line in lines[1:]])


def behind_sentence(result):
    rows = result.behind()
    if not rows:
        return "Every judged row is met."
    return "Not met, and how many times the limit: " + "; ".join(
        f"{full_title(row)} {times:.2f}" for row, times in rows) + "."


def unsteady_sentence(result):
    rows = [row for group in dict.fromkeys(row.group for row in ROWS) for row in result.unsteady(group)]
    if not rows:
        return f"What each verdict compares lies within {STEADY}."
    return f"Not steady, so that the verdict says little (over {STEADY}): " + "; ".join(
        f"{full_title(row)} {result.spread(row.key, result.judges(row)):.2f}" for row in rows) + "."


def few_rows(result, keys):
    """Some rows for people: medians with their units, and no more."""
    names = [name for name in result.names if name != "pt_ll"]
    text = ["| workload | " + " | ".join(names) + " |", "|" + "---|" * (len(names) + 1)]
    for row in ROWS:
        if row.key in keys:
            text.append(f"| {row.title} | " + " | ".join(
                f"{shown(result.median(name, row.key))} {row.unit}" for name in names) + " |")
    return "\n".join(text)


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
