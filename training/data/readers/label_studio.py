"""Label Studio's JSON export, labelled with the interface in `data/label_studio.xml`."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stance.labelled import LabelledDocument
from stance.schema import AUTHOR
from stance.text import split_sentences
from training.data.errors import DataError, RowProblem
from training.data.keys import unique
from training.data.readers.common import mention_kind, open_bytes

#: How many annotators the refusal of an unknown one lists.
LISTED = 20
#: The interface's names of what stands on one region.
_ON_REGION = ("actor", "kind", "sentiment", "author_stance")


class _Unusable(ValueError):
    """What is wrong in a task: the field and a message with the mend."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


@dataclass
class _Region:
    start: int
    end: int
    type: str = "organization"
    values: dict[str, str] = field(default_factory=dict)


def read_label_studio(path: Path, annotator: str | None = None) -> Iterator[LabelledDocument]:
    """Yield one document a task of a JSON export, in its order.

    A task's only finished annotation counts; of several, the one marked as ground truth or, where
    `annotator` (id or e-mail) is given, that person's. Predictions are never labels. Every bad task is
    collected and, after the last good one, raised as one `DataError`; `line` is the task's position from 1.
    An annotator that the file does not have is a `DataError` at once.
    """
    problems: list[RowProblem] = []
    yield from unique(path, numbered_tasks(path, problems, annotator), problems)
    if problems:
        raise DataError(problems)


def numbered_tasks(
    path: Path, problems: list[RowProblem], annotator: str | None = None, left_out: list[str] | None = None
) -> Iterator[tuple[int, LabelledDocument]]:
    """Yield `(position from 1, document)`; what cannot be used is added to `problems`.

    How many tasks nobody has finished is added to `left_out`, a sentence, once all were read. Raises `DataError` for
    an annotator that the file does not have.
    """
    tasks = _tasks(path)
    if annotator is not None:
        _refuse_unknown(path, tasks, annotator)
    unfinished = 0
    for number, entry in enumerate(tasks, start=1):
        try:
            document = _document(entry, number, annotator)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            problems.append(RowProblem(str(path), number, *_fault(error)))
            continue
        if document is None:
            unfinished += 1
        else:
            yield number, document
    if unfinished and left_out is not None:
        by = "" if annotator is None else f" by {annotator}"
        left_out.append(f"{path}: {unfinished} of {len(tasks)} tasks left out: without a finished annotation{by}")


def _fault(error: Exception) -> tuple[str, str]:
    """The field and the message of what a task failed with: a fault that was looked for, or a damaged export."""
    if isinstance(error, _Unusable):
        return error.place, str(error)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
    if isinstance(error, KeyError):
        return str(error.args[0]), "is missing in a part of the task; export it as JSON again"
    return "", f"is no task of this interface ({error}); export it as JSON again"


def _refuse_unknown(path: Path, tasks: list[Any], annotator: str) -> None:
    lists = [entry.get("annotations") for entry in tasks if isinstance(entry, dict)]
    annotations = [one for found in lists if isinstance(found, list) for one in found if isinstance(one, dict)]
    people = [names for one in annotations if (names := _names(one.get("completed_by")))]
    if any(annotator in names for names in people):
        return
    # An e-mail says more than an id; where a person has both, it stands last.
    present = list(dict.fromkeys(names[-1] for names in people))
    more = f" and {len(present) - LISTED} more" if len(present) > LISTED else ""
    listed = ", ".join(present[:LISTED]) + more if present else "nobody"
    raise DataError.single(path, 0, "", f"has no annotation by {annotator!r}; it has those of {listed}")


def _tasks(path: Path) -> list[Any]:
    with open_bytes(path) as stream:
        try:
            tasks = json.loads(stream.read().decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise DataError.single(path, 0, "", f"not UTF-8 ({error.reason}); export it as JSON again") from error
        except json.JSONDecodeError as error:
            raise DataError.single(path, error.lineno, "", f"not JSON: {error.msg}; export it as JSON again") from error
    if not isinstance(tasks, list):
        raise DataError.single(path, 0, "", "is no list of tasks; choose the export format JSON (not JSON-MIN)")
    return tasks


def _document(entry: Any, number: int, annotator: str | None) -> LabelledDocument | None:
    """The labelled document of a task; None where nobody has annotated it yet."""
    if not isinstance(entry, dict) or not isinstance(entry.get("data"), dict):
        raise _Unusable("data", "is missing; choose the export format JSON (not JSON-MIN)")
    data = entry["data"]
    text = data.get("text")
    if not isinstance(text, str):
        raise _Unusable("data.text", "is missing; the interface in data/label_studio.xml shows $text")
    annotation = _annotation(entry.get("annotations") or [], annotator)
    if annotation is None:
        return None
    spans = data.get("sentences") or [[s.start, s.end] for s in split_sentences(text)]
    found, relations = _regions(text, annotation)
    actors, ids = _actors(text, found, data.get("actors") or [])
    return LabelledDocument.model_validate(
        {
            "id": str(data.get("id") or f"task-{entry.get('id', number)}"),
            "text": text,
            "source": data.get("source") or "label-studio",
            "license": data.get("license") or "",
            "actors": actors,
            "mentions": [
                {
                    "actor": ids[key],
                    "start": region.start,
                    "end": region.end,
                    "kind": region.values.get("kind") or mention_kind(text[region.start : region.end]),
                }
                for key, region in found.items()
            ],
            "sentiment": _sentiment(found, ids, spans),
            "stances": _stances(found, relations, ids, spans),
            "sentences": spans,
            "mentions_complete": bool(data.get("mentions_complete", False)),
        }
    )


def _annotation(annotations: list[dict[str, Any]], annotator: str | None) -> list[dict[str, Any]] | None:
    if not isinstance(annotations, list) or not all(isinstance(one, dict) for one in annotations):
        raise _Unusable("annotations", "are no list of annotations; export it as JSON again")
    finished = [a for a in annotations if not a.get("was_cancelled")]
    if annotator is not None:
        finished = [a for a in finished if annotator in _names(a.get("completed_by"))]
    if len(finished) > 1:
        marked = [a for a in finished if a.get("ground_truth")]
        if len(marked) != 1:
            message = f"{len(finished)} annotations; mark one as ground truth, or name the annotator to import"
            raise _Unusable("annotations", message)
        finished = marked
    return finished[0].get("result") or [] if finished else None


def _names(person: Any) -> list[str]:
    """What a person goes by: the id, then the e-mail."""
    if isinstance(person, dict):
        return [str(person[key]) for key in ("id", "email") if person.get(key) is not None]
    return [] if person is None else [str(person)]


def _regions(text: str, results: list[dict[str, Any]]) -> tuple[dict[str, _Region], list[dict[str, Any]]]:
    """The mentions by region id with what stands on them, and the relations."""
    found: dict[str, _Region] = {}
    for part in results:
        if part.get("type") == "labels":
            start, end = _span(text, part["value"])
            found[part["id"]] = _Region(start, end, str(part["value"]["labels"][0]))
    for part in results:
        name = part.get("from_name")
        if part.get("type") != "relation" and name in _ON_REGION:
            if part.get("id") not in found:
                raise _Unusable(str(name), "stands on no region; mark the mention first")
            values = part["value"].get("choices") or part["value"].get("text") or []
            found[part["id"]].values[name] = str((values if isinstance(values, list) else [values])[0]).strip()
    return found, [part for part in results if part.get("type") == "relation"]


def _span(text: str, value: dict[str, Any]) -> tuple[int, int]:
    """A region's code points; offsets in UTF-16 units, as browsers count, are mended by the region's own text."""
    start, end, stated = int(value["start"]), int(value["end"]), value.get("text")
    if not isinstance(stated, str) or text[start:end] == stated:
        return start, end
    units = text.encode("utf-16-le")
    before = len(units[: 2 * start].decode("utf-16-le", "replace"))
    inside = units[2 * start : 2 * end].decode("utf-16-le", "replace")
    if inside == stated:
        return before, before + len(inside)
    message = f"the text there is {text[start:end][:40]!r}, not {stated[:40]!r}; was the text changed?"
    raise _Unusable(f"region {start}-{end}", message)


def _actors(
    text: str, found: dict[str, _Region], listed: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """All actors, those of the task first, and each region's actor id."""
    actors = {str(actor["id"]): actor for actor in listed}
    known = {name.casefold(): key for key, actor in actors.items() for name in (str(actor["name"]), key)}
    ids: dict[str, str] = {}
    for key, region in found.items():
        name = region.values.get("actor") or text[region.start : region.end]
        if name.casefold() not in known:
            made = _free(re.sub(r"\W+", "_", name.casefold()).strip("_") or "actor", actors)
            actors[made] = {"id": made, "name": name, "type": region.type}
            known[name.casefold()] = made
        ids[key] = known[name.casefold()]
    return list(actors.values()), ids


def _free(wanted: str, taken: dict[str, Any]) -> str:
    number = 2
    name = f"{wanted}_" if wanted == AUTHOR else wanted
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def _sentiment(found: dict[str, _Region], ids: dict[str, str], spans: list[list[int]]) -> list[dict[str, Any]]:
    labels: dict[tuple[int, int, str], str] = {}
    for key, region in found.items():
        if label := region.values.get("sentiment"):
            start, end = _sentence(region, spans)
            _agree(labels, (start, end, ids[key]), label, "sentiment")
    return [{"sentence": [a, b], "actor": actor, "label": label} for (a, b, actor), label in labels.items()]


def _stances(
    found: dict[str, _Region], relations: list[dict[str, Any]], ids: dict[str, str], spans: list[list[int]]
) -> list[dict[str, Any]]:
    labels: dict[tuple[int, int, str, str], str] = {}
    for relation in relations:
        ends = [relation["from_id"], relation["to_id"]]
        if relation.get("direction") == "left":
            ends.reverse()
        missing = [end for end in ends if end not in found]
        if missing or relation.get("direction") == "bi":
            raise _Unusable("relation", "must lead from one mention to another in one direction; draw it again")
        if len(relation.get("labels") or []) != 1:
            raise _Unusable("relation", "has no single label; choose one of against, neutral, favor")
        start, end = _sentence(found[ends[1]], spans)
        _agree(labels, (start, end, ids[ends[0]], ids[ends[1]]), str(relation["labels"][0]), "relation")
    for key, region in found.items():
        if label := region.values.get("author_stance"):
            start, end = _sentence(region, spans)
            _agree(labels, (start, end, AUTHOR, ids[key]), label, "author_stance")
    return [
        {"sentence": [a, b], "holder": holder, "target": target, "label": label}
        for (a, b, holder, target), label in labels.items()
    ]


def _agree(labels: dict[Any, str], key: tuple[Any, ...], label: str, place: str) -> None:
    if labels.setdefault(key, label) != label:
        who = " toward ".join(map(str, key[2:]))
        raise _Unusable(place, f"{who} is both {labels[key]!r} and {label!r} in the sentence {key[:2]}; keep one")


def _sentence(region: _Region, spans: list[list[int]]) -> tuple[int, int]:
    for start, end in spans:
        if start <= region.start and region.end <= end:
            return start, end
    raise _Unusable(f"region {region.start}-{region.end}", "lies in no single sentence; mark it within one")
