"""Sentences with exact offsets: one path for training and serving."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import sentencex


@dataclass(frozen=True, slots=True)
class Sentence:
    """The span `[start, end)` of the `index`-th sentence, in code points of the document's text."""

    index: int
    start: int
    end: int


#: Longest line without closing punctuation that counts as a heading, in characters.
HEADING_CHARACTERS = 120
#: Longest stretch handed to the splitting library at once: its time grows with the square of the
#: number of unclosed quotes.
WINDOW_CHARACTERS = 10_000

# Characters that print nothing: control, soft hyphen, zero-width and bidirectional marks.
_INVISIBLE = "\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
#: Something that a reader can see.
VISIBLE = re.compile(rf"[^\s{_INVISIBLE}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAK = r"(?:\r\n|[\n\r\v\f\x85\u2028\u2029])"
_LINE_BREAKS = re.compile(rf"{_BREAK}(?:[^\S\r\n\v\f\x85\u2028\u2029]*{_BREAK})*")
_BULLETS = "-–—*•#>"
_CLOSING = "\"'”’»)]"
_STOPS = ".!?…؟۔।。！？"
_TERMINAL = re.compile(rf"[{_STOPS}:;][{re.escape(_CLOSING)}]*$")
_PAUSE = re.compile(rf"[{_STOPS}][{re.escape(_CLOSING)}]*(?:\s|$)")

# The library keeps a quotation whole; its own sentences are wanted. An unclosed quote runs to the end.
_QUOTED = re.compile(r"“([^“”]*)|«([^«»]*)|\"([^\"]*)\"")
# A full stop without a space: "ended.The next"; not "U.S.Army", "J.Smith" or "Node.js".
_MISSING_SPACE = re.compile(
    r"(?<=[a-zß-öø-ÿ0-9)\]][.!?])(?=[“«A-ZÀ-ÖØ-Þ][^\W\d_]*\s)|(?<=[a-z][.!?][”\"])(?=[A-Z][a-z]+\s)|(?<=[A-Z]\.[A-Z]\.)(?=[A-Z][a-z]+\s)"
)
# Abbreviations that stand before a name or a number, so that no sentence ends at their full stop.
_BEFORE_NAME = re.compile(
    r"(?:^|[\s(\"“‘'])(?:Mr|Mrs|Ms|Mx|Dr|Prof|Rev|Hon|Gen|Lt|Col|Maj|Capt|Cpl|Sgt|Cmdr|Adm|Brig|Sen|Rep|Gov|Pres|Amb"
    r"|St|Fr|Msgr|Sheikh|No|Nos|Fig|vs|[^\W\d_a-z])\.$"
)
# … unless a new sentence plainly begins: "World War I. It ended."
_FRESH = re.compile(
    r"\s*(?:The|This|That|These|It|He|She|They|We|But|And|In|On|At|As|When|While|If|Then|There|His|Her|Its)\s"
)
_CLOCK = re.compile(r"\b[ap]\.m\.$")
_TIME_ZONE = re.compile(r"\s*(?:[A-Z][a-z]+ ){1,2}time\b|\s*(?:GMT|UTC|[A-Z]{1,2}[SD]T)\b")
_LIST_NUMBER = re.compile(rf"\(?(?:\d{{1,3}}|[a-zA-Z])[.)]|[{re.escape(_BULLETS)}]")
_ASKED = re.compile(r"[!?][”\"’»]$")
_SPEECH = re.compile(
    r"\s+(?:[A-Z][\w.'’-]*\s+){1,4}(?:said|says|asked|asks|added|wrote|writes|told|tweeted|shouted|cried|replied|wondered|exclaimed)\b"
)


def split_sentences(text: str) -> list[Sentence]:
    """Split `text` into trimmed sentences that never overlap and cover every visible character.

    A blank line ends a sentence, and so does a line break beside a heading: a short line without closing
    punctuation before a line that starts with a capital. A text without visible characters gives `[]`.
    """
    spans: list[tuple[int, int]] = []
    for start, end in _blocks(text):
        cuts = {cut for window in _windows(text, start, end) for cut in _cuts(text, *window)}
        spans.extend(_spans(text, start, end, sorted(cuts | {end})))
    return [Sentence(i, start, end) for i, (start, end) in enumerate(spans)]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Stretches of running text: what lies between blank lines and around headings."""
    start = line = 0
    for gap in _LINE_BREAKS.finditer(text):
        blank = len(re.findall(_BREAK, gap.group())) > 1
        if blank or _parts_lines(text[line : gap.start()], text[gap.end() : gap.end() + 1]):
            yield start, gap.start()
            start = gap.end()
        line = gap.end()
    yield start, len(text)


def _parts_lines(line: str, following: str) -> bool:
    """Whether one line break after `line` ends it: a soft-wrapped line of running text goes on."""
    line = line.strip()
    if not line or _TERMINAL.search(line) or following in _BULLETS:
        return True
    return len(line) <= HEADING_CHARACTERS and following.isupper()


def _windows(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Pieces of a block of at most `WINDOW_CHARACTERS`, cut behind a full stop or else at white space."""
    while end - start > WINDOW_CHARACTERS:
        stop = start + WINDOW_CHARACTERS
        pauses = [match.end() for match in _PAUSE.finditer(text, start, stop)]
        space = text.rfind(" ", start + 1, stop)
        cut = pauses[-1] if pauses else space + 1 if space > 0 else stop
        yield start, cut
        start = cut
    yield start, end


def _cuts(text: str, start: int, end: int) -> Iterator[int]:
    """Where the sentences of a window end, those inside quotations included."""
    window = _SURROGATE.sub("\ufffd", text[start:end])
    for piece in sentencex.get_sentence_boundaries("en", window):
        if _PAUSE.search(window[piece["start_index"] : piece["end_index"]]):
            yield start + piece["end_index"]
    for match in _MISSING_SPACE.finditer(window):
        yield start + match.start()
    for quoted in _QUOTED.finditer(window):
        inside, first = quoted.group(quoted.lastindex or 0), quoted.start(quoted.lastindex or 0)
        if _PAUSE.search(inside):
            for piece in sentencex.get_sentence_boundaries("en", inside)[:-1]:
                yield start + first + piece["end_index"]


def _spans(text: str, start: int, end: int, cuts: list[int]) -> list[tuple[int, int]]:
    """Sentences between the cuts, without those cuts that are wrong, and without white space around them."""
    spans: list[tuple[int, int]] = []
    for cut in cuts:
        while start < cut < end and text[cut] in _CLOSING and not text[cut - 1].isspace():
            cut += 1
        span = _trim(text, start, min(cut, end))
        if span and not (cut < end and _goes_on(text, *span, cut)):
            spans.append(span)
            start = cut
    return spans


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    """`[start, end)` without white space and invisible characters at both ends; `None` if nothing is left."""
    first = VISIBLE.search(text, start, end)
    if not first:
        return None
    while not VISIBLE.match(text, end - 1):
        end -= 1
    return first.start(), end


def _goes_on(text: str, start: int, end: int, cut: int) -> bool:
    """Whether the sentence goes on behind `cut`: a title, an initial, a list number or a speaker follows or leads."""
    tail, ahead = text[max(start, end - 16) : end], text[end : cut + 60]
    if _LIST_NUMBER.fullmatch(text, start, end) or (_BEFORE_NAME.search(tail) and not _FRESH.match(ahead)):
        return True
    if _CLOCK.search(tail) and _TIME_ZONE.match(ahead):
        return True
    return bool(_ASKED.search(tail) and _SPEECH.match(ahead))
