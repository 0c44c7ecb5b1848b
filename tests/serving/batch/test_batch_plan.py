"""The cut into shards: every row once, ids that are used twice, and an input that gives nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from serving.batch import plan as planning
from serving.batch.config import ScoreConfig
from serving.batch.doubles import Double, IdLedger
from serving.batch.errors import InputError, OutputError
from serving.batch.plan import Plan, make_plan, read_spool, spool_path, stored_plan
from serving.batch.sources import find_sources
from tests.serving.batch.helpers import documents, write_jsonl


def cut(tmp_path: Path, *inputs: Path, **settings: Any) -> Plan:
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    config = ScoreConfig(inputs=tuple(map(str, inputs)), out=out, **settings)
    sources, _ = find_sources(config.inputs, out)
    return make_plan(sources, config, lambda rows: None, lambda plan: None)


@pytest.mark.parametrize(("rows", "size", "shards"), [(10, 3, [3, 3, 3, 1]), (6, 3, [3, 3]), (1, 100, [1])])
def test_every_row_is_in_one_shard(tmp_path: Path, rows: int, size: int, shards: list[int]) -> None:
    plan = cut(tmp_path, write_jsonl(tmp_path / "in.jsonl", documents(rows)), shard_rows=size)
    assert [shard.rows for shard in plan.shards] == shards
    spooled = [row for shard in plan.shards for row in read_spool(tmp_path / "out", shard)]
    assert [row["position"] for row in spooled] == list(range(rows))
    assert [row["id"] for row in spooled] == [f"d{i}" for i in range(rows)]
    assert stored_plan(tmp_path / "out") == plan


def test_long_texts_end_a_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "SHARD_CHARACTERS", 100)
    rows = [{"id": str(i), "text": "x" * 60} for i in range(5)]
    plan = cut(tmp_path, write_jsonl(tmp_path / "in.jsonl", rows))
    assert [shard.rows for shard in plan.shards] == [2, 2, 1]


def test_the_digest_is_of_the_rows_and_not_of_the_cut(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "in.jsonl", documents(9))
    first = cut(tmp_path, path, shard_rows=2)
    assert cut(tmp_path, path, shard_rows=5).digest == first.digest
    write_jsonl(path, [*documents(8), {"id": "d8", "text": "Another text."}])
    changed = cut(tmp_path, path, shard_rows=2)
    assert changed.digest != first.digest
    assert changed.shards[:4] == first.shards[:4]


def test_doubled_ids_name_the_first(tmp_path: Path) -> None:
    one = write_jsonl(tmp_path / "one.jsonl", documents(4))
    two = write_jsonl(tmp_path / "two.jsonl", [{"id": "x", "text": "t"}, {"id": "d2", "text": "t"}, {"id": "d2"}])
    plan = cut(tmp_path, one, two, shard_rows=3)
    doubled = [(shard.index, d.position, Path(d.file).name, d.row) for shard in plan.shards for d in shard.doubled]
    # The last row has no text: that is what is wrong with it.
    assert doubled == [(1, 5, "one.jsonl", 3)]


def test_the_ledger_agrees_with_a_dictionary(tmp_path: Path) -> None:
    rng = random.Random(0)
    names = [f"id{rng.randrange(3000)}" for _ in range(5000)]
    seen: dict[str, int] = {}
    expected = []
    with IdLedger(tmp_path / "ids") as ledger:
        for position, name in enumerate(names):
            ledger.add(name, position, 0, position + 1)
            if name in seen:
                expected.append(Double(position, 0, seen[name] + 1))
            seen.setdefault(name, position)
        assert ledger.doubles() == expected


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_input_without_rows_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.jsonl").write_bytes(content)
    with pytest.raises(InputError, match="holds no row"):
        cut(tmp_path, tmp_path / "in.jsonl")
    assert list((tmp_path / "out").iterdir()) == []


def test_only_unreadable_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="cannot be read"):
        cut(tmp_path, tmp_path / "in.parquet")


def test_one_unreadable_file_among_others_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    plan = cut(tmp_path, tmp_path / "a.parquet", write_jsonl(tmp_path / "b.jsonl", documents(2)))
    spooled = list(read_spool(tmp_path / "out", plan.shards[0]))
    assert [row["fault"] and row["fault"][0] for row in spooled] == ["unreadable_file", None, None]


def test_a_link_to_nowhere_costs_no_other_file_its_rows(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    write_jsonl(tmp_path / "in" / "b.jsonl", documents(2))
    plan = cut(tmp_path, tmp_path / "in")
    spooled = list(read_spool(tmp_path / "out", plan.shards[0]))
    assert [row["fault"] and row["fault"][0] for row in spooled] == ["unreadable_file", None, None]


def test_a_table_without_the_column_is_refused_before_the_files_before_it_are_read(tmp_path: Path) -> None:
    first = write_jsonl(tmp_path / "a.jsonl", documents(2))
    (tmp_path / "b.csv").write_text("id,body\nx,y\n")
    told: list[int] = []
    config = ScoreConfig(inputs=(str(first), str(tmp_path / "b.csv")), out=tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="has no column 'text'"):
        make_plan(find_sources(config.inputs, config.out)[0], config, told.append, lambda plan: None)
    assert not told
    assert list((tmp_path / "out").iterdir()) == []


def test_altered_rows_are_noticed(tmp_path: Path) -> None:
    plan = cut(tmp_path, write_jsonl(tmp_path / "in.jsonl", documents(3)))
    other = cut(tmp_path, write_jsonl(tmp_path / "in.jsonl", documents(2)))
    with pytest.raises(OutputError, match="altered"):
        list(read_spool(tmp_path / "out", plan.shards[0]))
    spool_path(tmp_path / "out", other.shards[0]).write_bytes(b"nonsense")
    with pytest.raises(OutputError, match="run the same command again"):
        list(read_spool(tmp_path / "out", other.shards[0]))


def test_a_damaged_plan_counts_as_none(tmp_path: Path) -> None:
    cut(tmp_path, write_jsonl(tmp_path / "in.jsonl", documents(3)))
    path = tmp_path / "out" / ".plan" / "plan.json"
    path.write_text(json.dumps({"digest": 3}))
    assert stored_plan(tmp_path / "out") is None
    path.write_text("{")
    assert stored_plan(tmp_path / "out") is None
