"""The addresses where authors of policies see what other rules would have decided."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from interlock.engine.history import history
from interlock.errors import NotFound
from interlock.policies.drawer import PolicyDrawer, policy_findings, with_policy
from interlock.policies.replay import Changed, Replay, replay
from interlock.source import SourceError
from interlock.web.decisions import read_form
from interlock.web.parts import Body, Parts
from interlock.web.problems import Problem
from interlock.web.rights import Visitor, needs

SIMULATES = needs("policies.simulate")

LOOKED_AT = 2_000
"""The newest recorded decisions, which are decided anew."""

SHOWN = 50
"""Actions of a kind that are named."""

LONGEST = 100_000
"""Characters of one policy."""

EFFECTS = (("auto", "go by themselves"), ("approve", "ask people"), ("deny", "are denied"))


def routes(parts: Parts) -> APIRouter:
    """A policy as text, and what would change."""
    router = APIRouter()

    @router.get("/policies/simulate")
    def form(request: Request, who: Annotated[Visitor, SIMULATES]) -> Response:
        """A form with one of the project's policies, to be changed."""
        policies = parts.services.policies
        name = request.query_params.get("policy", "")
        document = policies.documents.get(name or next(iter(sorted(policies.documents)), ""))
        if name and document is None:
            raise NotFound(
                f"there is no policy {name} in policies/; there are {', '.join(sorted(policies.documents))}."
            )
        return HTMLResponse(page(who, document.text if document else ""))

    @router.post("/policies/simulate")
    def simulate(request: Request, body: Body, who: Annotated[Visitor, SIMULATES]) -> Response:
        """Every recorded decision under the policy as it was typed; nothing is changed by it."""
        text = read_form(request.headers.get("content-type", ""), body).get("text", "")
        if not text.strip() or len(text) > LONGEST:
            raise Problem(400, f"Write a policy of at most {LONGEST:,} characters.")
        try:
            drawer = typed(text, parts)
        except SourceError as error:
            return HTMLResponse(page(who, text, faults=error.findings), 409)
        found = replay(history(parts.services, LOOKED_AT), drawer.policies, drawer.approvals)
        return HTMLResponse(page(who, text, result=told(found)))

    def page(who: Visitor, text: str, **more: Any) -> str:
        known = {"faults": [], "result": None} | more
        policies = parts.services.policies
        names = sorted(policies.documents)
        return parts.templates.page("simulate.html", who, here="/policies/simulate", text=text, names=names, **known)

    return router


def typed(text: str, parts: Parts) -> PolicyDrawer:
    """The project's policies, with the one that was typed in the place of the one of its name.

    Raises:
        SourceError: it has faults; each with its position.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "policy.yaml")
        file.write_text(text, encoding="utf-8")
        drawer = with_policy(parts.services.policies, file)
        faults = [finding for finding in policy_findings(drawer, parts.services.actions) if finding.fatal]
    if faults:
        raise SourceError(faults)
    return drawer


def told(found: Replay) -> dict[str, Any]:
    """A replay as a page shows it."""
    kinds = (
        ("Rejected by people, and would now pass", "bad", found.passing("rejected")),
        ("Changed by people, and would now pass as first proposed", "bad", found.passing("edited")),
        ("Went by themselves, and would now stop", "mid", found.stopped),
    )
    named = {id(each) for _, _, changes in kinds for each in changes}
    rest = [each for each in found.changed if id(each) not in named]
    return {
        "decisions": found.decisions,
        "effects": [(what, found.before[word], found.after[word]) for word, what in EFFECTS],
        "questions": found.questions,
        "kinds": [
            {"title": title, "tone": tone, "count": len(changes), "changes": [row(each) for each in changes[:SHOWN]]}
            for title, tone, changes in (*kinds, ("Decided otherwise", "", rest))
            if changes
        ],
        "missing": sorted(found.missing.items()),
        "anew": sorted(found.anew),
    }


def row(changed: Changed) -> dict[str, Any]:
    """One decision that would be another."""
    recorded, first = changed.recorded, changed.reasons[0]
    return {
        "headline": recorded.headline,
        "at": recorded.at,
        "run": recorded.run,
        "before": recorded.decided,
        "after": changed.after,
        "rule": first.rule,
        "because": first.because,
        "people": recorded.people,
    }
