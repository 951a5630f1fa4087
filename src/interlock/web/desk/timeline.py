"""A run over time, as SVG: a row for each visit of a step, what it waited for, and when effects began.

Colours come from the page's stylesheet by class, so that the picture follows the mode; no text becomes markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from interlock.graphs.spec import FAILED
from interlock.store.tables import Approval, Effect, Pause, Run, Visit
from interlock.web.desk.spans import Interval, Line, line
from interlock.web.desk.words import several, span
from interlock.web.legible import visible

WIDTH, NAMES, EDGE, ROW, BAR, HEAD, FOOT = 960.0, 176.0, 20.0, 30.0, 14.0, 34.0, 26.0
CUT = 92.0
"""Width of a stretch that is cut short."""

ROWS = 60
"""Of a run with more visits the newest are drawn."""

ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Past:
    """All that is drawn of a run."""

    run: Run
    visits: Sequence[Visit]
    approvals: Sequence[Approval]
    pauses: Sequence[Pause]
    effects: Sequence[Effect]
    now: datetime

    @property
    def end(self) -> datetime:
        return self.run.updated_at if self.run.status in ENDED else self.now

    def waits(self, visit: Visit) -> list[Interval]:
        """When a visit waited for people, for a moment, or for an event."""
        asked = [
            (row.created_at, self.end if row.state == "waiting" else row.updated_at)
            for row in self.approvals
            if (row.step, row.visit) == (visit.step, visit.visit)
        ]
        paused = [
            (row.created_at, row.settled_at or self.end)
            for row in self.pauses
            if (row.step, row.visit) == (visit.step, visit.visit)
        ]
        until = visit.left_at or self.end
        return [(start, min(end, until)) for start, end in sorted(asked + paused) if start < until]

    def work(self, visit: Visit) -> list[Interval]:
        """When a visit did something: the rest of its time."""
        found, since = [], visit.entered_at
        for start, end in self.waits(visit):
            if since < start:
                found.append((since, start))
            since = max(since, end)
        until = visit.left_at or self.end
        return [*found, (since, until)] if since < until else found

    def begun(self, visit: Visit) -> Iterator[Effect]:
        """The effects that began in a visit."""
        for row in self.effects:
            if (row.step, row.visit) == (visit.step, visit.visit) and row.intent_at is not None:
                yield row


def timeline(past: Past) -> str:
    """The picture; empty where nothing has happened yet."""
    visits = past.visits[-ROWS:]
    if not visits:
        return ""
    past = Past(past.run, visits, past.approvals, past.pauses, past.effects, past.now)
    return "\n".join(_Picture(past).svg()) + "\n"


class _Picture:
    def __init__(self, past: Past) -> None:
        self.past = past
        waits = [moment for visit in past.visits for both in past.waits(visit) for moment in both]
        moments = [past.visits[0].entered_at, past.end, *waits]
        moments += [moment for visit in past.visits for moment in (visit.entered_at, visit.left_at or past.end)]
        busy = [each for visit in past.visits for each in past.work(visit)]
        self.line: Line = line(moments, busy, width=WIDTH - NAMES - EDGE, cut_to=CUT)
        self.height = HEAD + ROW * len(past.visits) + FOOT
        self.fine = past.end - past.visits[0].entered_at < timedelta(minutes=30)

    def x(self, moment: datetime) -> float:
        return NAMES + self.line.place(moment)

    def svg(self) -> Iterator[str]:
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="timeline" viewBox="0 0 {WIDTH:g} {self.height:g}" '
            f'width="{WIDTH:g}" height="{self.height:g}" role="img" aria-labelledby="timeline-title timeline-about">'
        )
        yield '<title id="timeline-title">The run over time</title>'
        yield f'<desc id="timeline-about">{escape(self._about())}</desc>'
        yield from self._cuts()
        yield from self._times()
        for place, visit in enumerate(self.past.visits):
            yield from self._row(HEAD + ROW * place, visit)
        yield "</svg>"

    def _about(self) -> str:
        start, end = self.past.visits[0].entered_at, self.past.end
        cuts = [span(each.end - each.start) for each in self.line.cuts]
        told = f"{several(len(self.past.visits), 'visit')} of steps in {span(end - start)}"
        return f"{told}; cut short where nothing happened: {', '.join(cuts)}." if cuts else f"{told}."

    def _cuts(self) -> Iterator[str]:
        top, bottom = HEAD - 4, self.height - FOOT + 4
        for each in self.line.cuts:
            left, right = NAMES + each.left, NAMES + each.right
            yield f'<rect class="cut" x="{left:.1f}" y="{top:g}" width="{right - left:.1f}" height="{bottom - top:g}"/>'
            for edge in (left, right):
                yield f'<path class="tear" d="{_zigzag(edge, top, bottom)}"/>'
            yield (
                f'<text class="gap" x="{(left + right) / 2:.1f}" y="{HEAD - 12:g}" text-anchor="middle">'
                f"{escape(span(each.end - each.start))}</text>"
            )

    def _times(self) -> Iterator[str]:
        """The moments at both ends, and after each stretch that was cut, where there is room for them."""
        y, taken = self.height - 8, -1.0
        start, end = self.past.visits[0].entered_at, self.past.end
        wanted = [(start, "start"), *((each.end, "middle") for each in self.line.cuts), (end, "end")]
        room = WIDTH - EDGE - 76
        for moment, anchor in wanted:
            x = self.x(moment)
            begins = {"start": x, "middle": x - 38, "end": x - 76}[anchor]
            if begins < taken or (anchor == "middle" and begins + 76 > room):
                continue
            taken = begins + 84
            yield f'<text class="time" x="{x:.1f}" y="{y:g}" text-anchor="{anchor}">{self._clock(moment, start)}</text>'

    def _clock(self, moment: datetime, start: datetime) -> str:
        day = "" if moment.date() == start.date() and moment != start else f"{moment:%d %b} "
        return f"{day}{moment:%H:%M:%S}" if self.fine else f"{day}{moment:%H:%M}"

    def _row(self, top: float, visit: Visit) -> Iterator[str]:
        middle = top + ROW / 2
        name = visible(visit.step) + (f", visit {visit.visit}" if visit.visit > 1 else "")
        short = name if len(name) <= 22 else f"{name[:21]}…"
        until = visit.left_at or self.past.end
        left, right = self.x(visit.entered_at), self.x(until)
        right = max(right, left + 4)
        told = f"{name}: {visit.outcome or 'open'}, {span(until - visit.entered_at)}"
        yield f"<g><title>{escape(told)}</title>"
        yield f'<text class="name" x="{NAMES - 12:g}" y="{middle + 4:g}" text-anchor="end">{escape(short)}</text>'
        yield f'<path class="track" d="M{NAMES:g} {middle:g}H{WIDTH - EDGE:g}"/>'
        yield (
            f'<rect class="bar {self._state(visit)}" x="{left:.1f}" y="{middle - BAR / 2:g}" '
            f'width="{right - left:.1f}" height="{BAR:g}" rx="3"/>'
        )
        for start, end in self.past.waits(visit):
            from_, to = self.x(start), self.x(end)
            if to - from_ >= 2:
                yield (
                    f'<rect class="wait" x="{from_:.1f}" y="{middle - BAR / 2 + 3:g}" width="{to - from_:.1f}" '
                    f'height="{BAR - 6:g}" rx="2"/>'
                )
        for effect in self.past.begun(visit):
            assert effect.intent_at is not None
            x = self.x(effect.intent_at)
            yield (
                f'<path class="effect {effect.state}" d="M{x:.1f} {middle - 9:g}l6 9l-6 9l-6 -9z">'
                f"<title>{escape(visible(effect.action))}: {effect.state.replace('_', ' ')}</title></path>"
            )
        if visit.attempts > 1 and right < WIDTH - EDGE - 60:
            yield f'<text class="tries" x="{right + 12:.1f}" y="{middle + 4:g}">{visit.attempts} tries</text>'
        yield "</g>"

    def _state(self, visit: Visit) -> str:
        if visit.outcome is None:
            return "open" if self.past.run.status not in ENDED else "failed"
        return "failed" if visit.outcome in FAILED else "done"


def _zigzag(x: float, top: float, bottom: float) -> str:
    """A torn edge from top to bottom."""
    count = max(int((bottom - top) // 6), 1)
    return f"M{x:.1f} {top:g}" + "".join(f"l{3 if place % 2 else -3} 6" for place in range(count))
