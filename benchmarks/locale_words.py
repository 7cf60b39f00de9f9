"""Draw `deltamem_cli/readers/parse/locale_words.json` from CLDR (through babel): the words in dates and clocks.

    pip install babel && python benchmarks/locale_words.py

Words are kept as `stamps.folded` gives them: small letters, one Unicode form, without points and blanks.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deltamem_cli.readers.parse.stamps import folded

TARGET = Path(__file__).parent.parent / "deltamem_cli/readers/parse/locale_words.json"
_QUOTED = re.compile(r"'([^']+)'")
_LETTERS = re.compile(r"[^\W\d_]")
_HALVES = {"am": "a", "pm": "p", "noon": "p", "midnight": "a"}


def words() -> dict[str, Any]:
    """The table: halves of the day, words between numbers, months, days of the week, orders of the date."""
    from babel import Locale, localedata

    tables: dict[str, dict[str, Any]] = {name: {} for name in ("halves", "first", "months", "weekdays")}
    fillers: set[str] = set()
    for names in _by_coverage(localedata.locale_identifiers()):
        plain: dict[str, set[str]] = defaultdict(set)  # "am" and "pm" before words of night: Turkish ÖÖ, Estonian öö
        halves: dict[str, set[str]] = defaultdict(set)
        orders: dict[str, set[str]] = defaultdict(set)
        months: dict[str, set[int]] = defaultdict(set)
        weekdays: dict[str, int] = {}
        more: set[str] = set()
        for locale in map(Locale.parse, names):
            order = "".join(dict.fromkeys(re.findall("[yMd]", locale.date_formats["short"].pattern))).lower()
            for period, word in _worded(locale.day_periods):
                (plain if period in ("am", "pm") else halves)[word].update(_half(locale, period))
                orders[word].add(order)
            for number, word in _worded(locale.months):
                months[word].add(number)
            weekdays |= {word: 1 for _, word in _worded(locale.days)}
            more |= _fillers(locale)
        found = {
            "halves": {word: "".join(sorted(kinds)) for word, kinds in (halves | plain).items()},
            "first": {word: next(iter(kinds)) for word, kinds in orders.items() if len(kinds) == 1},
            "months": {word: sorted(numbers) for word, numbers in months.items()},
            "weekdays": weekdays,
        }
        known = set[str]().union(fillers, *tables.values())  # well-known languages go before
        for name, values in found.items():
            tables[name] |= {word: meaning for word, meaning in values.items() if word not in known}
        fillers |= more
    sorted_tables = {name: dict(sorted(table.items())) for name, table in tables.items()}
    return sorted_tables | {"weekdays": sorted(tables["weekdays"]), "fillers": sorted(fillers)}


def _by_coverage(names: list[str]) -> tuple[list[str], list[str]]:
    """Locales of languages that CLDR knows well (it has their rules of the day's periods), and the others."""
    from babel import Locale

    well = {name for name in names if Locale.parse(name.split("_")[0]).day_period_rules}
    return sorted(well), sorted(set(names) - well)


def _worded(contexts: Any) -> Iterator[tuple[Any, str]]:
    """(what it means, folded word) of the wide and abbreviated names of months, days or periods."""
    for context in contexts.values():
        for width in ("wide", "abbreviated", "short"):
            for meaning, name in context.get(width, {}).items():
                word = folded(re.sub(r"\d", "", name))
                if _LETTERS.search(word) and (len(word) > 1 or ord(word) > 127):
                    yield meaning, word


def _fillers(locale: Any) -> set[str]:
    """The words that stand in the patterns of a locale between the numbers."""
    patterns = [pattern.pattern for pattern in (*locale.date_formats.values(), *locale.time_formats.values())]
    patterns += [re.sub(r"\{\d\}", " ", str(glue)) for glue in locale.datetime_formats.values()]
    literal = ""
    for pattern in patterns:
        literal += " ".join(_QUOTED.findall(pattern)) + " " + re.sub(r"'[^']*'|[A-Za-z]", " ", pattern) + " "
    return {folded(word) for word in re.split(r"[\s\d{}]+", literal) if _LETTERS.search(word)} - {""}


def _half(locale: Any, period: str) -> str:
    """The halves of the day (a, p) that a period of a locale reaches into."""
    if period in _HALVES:
        return _HALVES[period]
    found = ""
    for rule in (rule for ruleset in locale.day_period_rules.values() for rule in ruleset.get(period, [])):
        start, end = (int(rule[key]) // 3600 for key in (("from", "before") if "from" in rule else ("at", "at")))
        hours = range(start, end) if start < end else [*range(start, 24), *range(end)]
        found += "".join(sorted({"a" if hour < 12 else "p" for hour in hours}))
    return found


if __name__ == "__main__":
    table = words()
    TARGET.write_text(json.dumps(table, ensure_ascii=False, indent=0, sort_keys=True).replace("\n", "") + "\n")
    print({key: len(value) for key, value in table.items()}, TARGET.stat().st_size, "bytes")
