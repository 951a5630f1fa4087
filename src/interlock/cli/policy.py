"""`interlock policy`: what the rules decide, before they decide anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from interlock.cli import simulate
from interlock.cli.output import EXIT_DONE, EXIT_FAILED, console, print_json
from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.cli.report import Report
    from interlock.policies.diff import Change, Version
    from interlock.policies.domains import Setting
    from interlock.policies.outcome import Outcome
    from interlock.policies.second_opinion import Opinion

app = typer.Typer(no_args_is_help=True, help="Check the rules, and compare two versions of them.")

app.command()(simulate.simulate)
app.command("history")(simulate.write_history)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Policy files, or folders of them.")
    ] = None,
    second: Annotated[
        bool, typer.Option("--second-opinion", help="Have the solver z3 answer the same questions, and compare.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check policies, without the graphs that use them; without a path, those of `policies/`."""
    report = checked(paths or [Path("policies")])
    opinions = _opinions(paths or [Path("policies")]) if second and report.ok else []
    apart = [opinion for opinion in opinions if not opinion.agrees]
    if as_json:
        told: dict[str, Any] = {"ok": report.ok and not apart, "findings": report.json()["findings"]}
        print_json(told | ({"second_opinion": _compared(opinions)} if second else {}))
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        typer.echo(report.text(colour=colour) or "ok; nothing was found")
        if second and report.ok:
            _tell_opinions(opinions)
    raise typer.Exit(EXIT_DONE if report.ok and not apart else EXIT_FAILED)


def _opinions(paths: Iterable[Path]) -> list[Opinion]:
    """What z3 says of the policies, by folder.

    Raises:
        SolverMissing: it is not installed.
    """
    from interlock.policies.diff import settings_of
    from interlock.policies.second_opinion import second_opinion

    found = []
    for path in paths:
        version = _version(path)
        settings = settings_of([version], _known(path))
        found += second_opinion(version.policies, settings, version.approvals)
    return found


def _compared(opinions: Iterable[Opinion]) -> dict[str, Any]:
    answers = list(opinions)
    return {
        "agreed": sum(opinion.agrees and opinion.theirs is not None for opinion in answers),
        "open": sum(opinion.theirs is None for opinion in answers),
        "disagreed": [asdict(opinion) for opinion in answers if not opinion.agrees],
    }


def _tell_opinions(opinions: Iterable[Opinion]) -> None:
    told = _compared(opinions)
    for each in told["disagreed"]:
        typer.echo(
            f"z3 disagrees: {each['policy']}, {each['action']}, {each['question']}? "
            f"Here {_yes(each['ours'])}, z3 {_yes(each['theirs'])}"
        )
    left = f"; it could not tell on {told['open']}" if told["open"] else ""
    typer.echo(f"z3 agrees on {told['agreed']} questions{left}")


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


Old = Annotated[Path, typer.Argument(metavar="OLD", help="The policies as they were: a file, or a folder of them.")]
New = Annotated[Path, typer.Argument(metavar="NEW", help="The policies as they are to be.")]


@app.command()
def diff(old: Old, new: New, as_json: AsJson = False) -> None:
    """Tell which decisions get looser or stricter, each with values that show it; exit 1 where one gets looser."""
    from interlock.policies.diff import differences, opaque, settings_of
    from interlock.policies.regions import Unfinished

    before, after = _version(old), _version(new)
    try:
        found = differences(before, after, settings_of((before, after), _known(new) or _known(old)))
    except Unfinished:
        raise UsageError(
            f"{old} and {new} depend on too many inputs at once to be compared in full; compare them action by action."
        ) from None
    engines = opaque(before, after)
    if as_json:
        told = {word: [_change(one) for one in found if one.direction == word] for word in WORDS}
        print_json(told | {"engines": engines})
    else:
        _tell(found, engines)
    looser = engines or any(change.direction != "stricter" for change in found)
    raise typer.Exit(EXIT_FAILED if looser else EXIT_DONE)


WORDS = {
    "looser": "[red]looser[/red]",
    "changed": "[yellow]changed: it asks for less in one respect and for more in another[/yellow]",
    "stricter": "[green]stricter[/green]",
}


def _tell(found: list[Change], engines: list[str]) -> None:
    out = console()
    for word, title in WORDS.items():
        changes = [change for change in found if change.direction == word]
        if changes:
            out.print(title)
        for change in changes:
            out.print(f"  {change.words()}", markup=False)
            rules = [", ".join(names) or "no rule" for names in (change.rules_before, change.rules_after)]
            out.print(f"    by {rules[0]} -> by {rules[1]}", markup=False)
    for name in engines:
        out.print(f"[red]not compared[/red]: the policy `{name}` is decided by an engine, and is not as it was")
    if not found and not engines:
        out.print("no decision differs")


def _change(change: Change) -> dict[str, Any]:
    from interlock.policies.witness import plain_value

    return {
        "action": change.action,
        "from": change.before.effect if change.before else None,
        "to": change.after.effect if change.after else None,
        "requirement": {"from": _requirement(change.before), "to": _requirement(change.after)},
        "witness": {name: plain_value(value) for name, value in change.witness.items() if value is not None},
        "rules": {"from": change.rules_before, "to": change.rules_after},
    }


def _requirement(outcome: Outcome | None) -> dict[str, Any] | None:
    asked = outcome.requirement if outcome is not None else None
    return None if asked is None else asked.model_dump(mode="json")


def _version(path: Path) -> Version:
    """The policies that a path means; a file alone, with the named approvals of its folder.

    Raises:
        BadParameter: the path does not exist.
        SourceError: a policy that is compared cannot be read.
    """
    from interlock.policies.diff import Version
    from interlock.policies.drawer import inspect_policies
    from interlock.source import SourceError

    (folder, files), *_ = _folders([path]).items()
    drawer, findings = inspect_policies(folder, first=path)
    wrong = [found for found in findings if found.fatal and found.code != "P009" and _among(found.file, files)]
    if wrong:
        raise SourceError(wrong, drawer.documents.values())
    meant = [policy for policy in drawer.policies if _among(drawer.documents[policy.policy].file, files)]
    return Version(meant, drawer.approvals)


def _among(file: str, files: set[Path]) -> bool:
    return not files or Path(file).resolve() in files


def _known(path: Path) -> list[Setting]:
    """The actions of the tools beside a folder of policies, where they can be read."""
    from interlock.policies.domains import setting_of
    from interlock.tools.drawer import inspect_actions

    (folder, _), *_ = _folders([path]).items()
    tools = folder.parent / "tools"
    if not tools.is_dir():
        return []
    actions, faults = inspect_actions(tools)
    return [] if faults else [setting_of(action, shaped=False) for action in actions.values()]


def checked(paths: Iterable[Path]) -> Report:
    """What is wrong with policy files: a file is read with all of its folder, and told alone.

    The actions are those of `tools/` beside the folder, where there are any.
    """
    from interlock.cli.report import Report
    from interlock.policies.drawer import inspect_policies, policy_findings
    from interlock.tools.drawer import inspect_actions

    findings, documents = [], []
    for folder, files in _folders(paths).items():
        drawer, found = inspect_policies(folder)
        tools = folder.parent / "tools"
        if tools.is_dir():
            actions, faults = inspect_actions(tools)
            found = [*found, *faults, *(() if faults else policy_findings(drawer, actions))]
        findings += [finding for finding in found if _among(finding.file, files)]
        documents += list(drawer.documents.values())
    return Report(findings, {}, documents)


def _folders(paths: Iterable[Path]) -> dict[Path, set[Path]]:
    """The drawers that `paths` mean, each with the files that are asked about; none means all of them.

    Raises:
        BadParameter: a path does not exist.
    """
    found: dict[Path, set[Path]] = {}
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"{path} does not exist")
        if path.is_dir():
            found[path / "policies" if (path / "policies").is_dir() else path] = set()
        elif found.get(path.parent) != set():
            found.setdefault(path.parent, set()).add(path.resolve())
    return found
