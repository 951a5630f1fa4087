"""A depot that packs and ships goods; what goes wrong there is the word in the file `trouble` of its home."""

from pathlib import Path

from interlock.errors import EffectFailed
from interlock.tools.action import ActionContext, Arguments, Result, about, action


class Parcel(Arguments):
    order: str = about("The order that is shipped.", pattern=r"^[0-9]{4,8}$")
    street: str = about("Where it goes.", min_length=3, max_length=80)


class Shelf(Arguments):
    order: str = about("The order whose shelf is looked up.", pattern=r"^[0-9]{4,8}$")


class Place(Result):
    shelf: str


class Label(Result):
    label: str


@action("depot.shelf", effect="read", records=["shelf"])
def shelf(arguments: Shelf, context: ActionContext) -> Place:
    """Look up on which shelf goods are."""
    return Place(shelf=f"A-{arguments.order[-2:]}")


@action("depot.ship", effect="blind", risk="medium", title="order {order} to {street}")
def ship(arguments: Parcel, context: ActionContext) -> Label:
    """Hand a parcel to the carrier."""
    trouble = Path(context.home, "trouble")
    word = trouble.read_text() if trouble.exists() else ""
    if word == "broken":
        raise EffectFailed("the carrier takes no parcels to this street")
    with Path(context.home, "happened").open("a", encoding="utf-8") as happened:
        happened.write(f"ship {arguments.order}\n")
    if word == "lost":
        raise OSError("the carrier's answer was lost")
    return Label(label=f"RR{arguments.order}SE")
