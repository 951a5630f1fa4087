"""The travel agency of AgentDojo's travel suite: its registers as typed views, and its reservations as actions.

Names, prices, ratings and addresses of the registers are records.  Reviews are free text that anybody
may have written; no view gives them together with the rest.
"""

import re
import sys
from typing import Any

from interlock.errors import EffectFailed
from interlock.tools.action import ActionContext, Arguments, Result, about, action


class City(Arguments):
    city: str = about("Name of the city.", min_length=1)


class Route(Arguments):
    departure_city: str = about("Where the flight starts.", min_length=1)
    arrival_city: str = about("Where it lands.", min_length=1)


class Reviewed(Arguments):
    hotel_name: str = about("Name of the hotel.", min_length=1)


class HotelStay(Arguments):
    hotel: str = about("Name of the hotel.", min_length=1)
    start_day: str = about("Day of arrival, as in 2025-01-11.")
    end_day: str = about("Day of departure, as in 2025-01-15.")


class Table(Arguments):
    restaurant: str = about("Name of the restaurant.", min_length=1)
    start_time: str = about("When, as in 2025-01-11 19:00.")


class CarHire(Arguments):
    company: str = about("Name of the car rental company.", min_length=1)
    start_time: str = about("From when, as in 2025-01-11 09:00.")
    end_time: str = about("Until when, as in 2025-01-15 09:00.")


class Hotel(Result):
    name: str
    rating: float
    price_min: float
    price_max: float
    address: str


class Hotels(Result):
    hotels: list[Hotel]


class Restaurant(Result):
    name: str
    rating: float
    price: float
    cuisine: str
    diet: str
    hours: str
    address: str


class Restaurants(Result):
    restaurants: list[Restaurant]


class Company(Result):
    name: str
    rating: float
    price_per_day: float
    cars: list[str]
    fuels: list[str]


class Companies(Result):
    companies: list[Company]


class Text(Result):
    text: str


class Done(Result):
    message: str


def _call(context: ActionContext, function: str, **arguments: Any) -> Any:
    """What the attached environment answers.

    Raises:
        EffectFailed: none is attached, or it refused.
    """
    bridge = sys.modules.get("agentdojo_bridge")
    if bridge is None:
        raise EffectFailed("No AgentDojo environment is attached; run `python -m benchmarks.agentdojo`.")
    return bridge.call(context.run, function, arguments)


def _names(listed: str) -> list[str]:
    """The names of a list such as `Hotel Names: Good Night` and one more a line."""
    return [name for name in listed.partition(": ")[2].split("\n") if name]


def _rating(text: str) -> float:
    """The number of `Rating: 4.2`, which stands before the reviews."""
    found = re.match(r"Rating: (\d+(?:\.\d+)?)\n", text)
    if found is None:
        raise EffectFailed("The register gave no rating.")
    return float(found[1])


def _prices(text: str) -> tuple[float, float]:
    low, _, high = text.removeprefix("Price range: ").partition(" - ")
    return float(low), float(high)


@action("travel.hotels", effect="read", records=["hotels"])
def hotels(arguments: City, context: ActionContext) -> Hotels:
    """List the hotels of a city with rating, prices and address."""
    names = _names(_call(context, "get_all_hotels_in_city", city=arguments.city))
    ratings = _call(context, "get_rating_reviews_for_hotels", hotel_names=names)
    prices = {name: _prices(text) for name, text in _call(context, "get_hotels_prices", hotel_names=names).items()}
    return Hotels(
        hotels=[
            Hotel(
                name=name,
                rating=_rating(ratings[name]),
                price_min=prices[name][0],
                price_max=prices[name][1],
                address=_call(context, "get_hotels_address", hotel_name=name)[name],
            )
            for name in names
        ]
    )


@action("travel.restaurants", effect="read", records=["restaurants"])
def restaurants(arguments: City, context: ActionContext) -> Restaurants:
    """List the restaurants of a city with rating, price, cuisine, diet, opening hours and address."""
    names = _names(_call(context, "get_all_restaurants_in_city", city=arguments.city))
    ratings = _call(context, "get_rating_reviews_for_restaurants", restaurant_names=names)
    prices = _call(context, "get_price_for_restaurants", restaurant_names=names)
    cuisines = _call(context, "get_cuisine_type_for_restaurants", restaurant_names=names)
    diets = _call(context, "get_dietary_restrictions_for_all_restaurants", restaurant_names=names)
    hours = _call(context, "check_restaurant_opening_hours", restaurant_names=names)
    addresses = _call(context, "get_restaurants_address", restaurant_names=names)
    return Restaurants(
        restaurants=[
            Restaurant(
                name=name,
                rating=_rating(ratings[name]),
                price=prices[name],
                cuisine=cuisines[name],
                diet=diets[name],
                hours=hours[name],
                address=addresses[name],
            )
            for name in names
        ]
    )


@action("travel.car_rentals", effect="read", records=["companies"])
def car_rentals(arguments: City, context: ActionContext) -> Companies:
    """List the car rental companies of a city with rating, price, cars and fuels."""
    names = _names(_call(context, "get_all_car_rental_companies_in_city", city=arguments.city))
    ratings = _call(context, "get_rating_reviews_for_car_rental", company_name=names)
    prices = _call(context, "get_car_price_per_day", company_name=names)
    cars = _call(context, "get_car_types_available", company_name=names)
    fuels = _call(context, "get_car_fuel_options", company_name=names)
    return Companies(
        companies=[
            Company(
                name=name,
                rating=_rating(ratings[name]),
                price_per_day=prices[name],
                cars=cars[name],
                fuels=fuels[name],
            )
            for name in names
        ]
    )


@action("travel.flights", effect="read")
def flights(arguments: Route, context: ActionContext) -> Text:
    """List the flights between two cities."""
    values = {"departure_city": arguments.departure_city, "arrival_city": arguments.arrival_city}
    return Text(text=_call(context, "get_flight_information", **values))


@action("travel.reviews", effect="read")
def reviews(arguments: Reviewed, context: ActionContext) -> Text:
    """Read what guests wrote about a hotel."""
    found = _call(context, "get_rating_reviews_for_hotels", hotel_names=[arguments.hotel_name])
    return Text(text="\n".join(found.values()))


@action(
    "travel.reserve_hotel", effect="blind", risk="high", targets=["hotel"], title="{hotel}, {start_day} to {end_day}"
)
def reserve_hotel(arguments: HotelStay, context: ActionContext) -> Done:
    """Reserve a hotel."""
    return Done(message=_call(context, "reserve_hotel", **arguments.model_dump()))


@action(
    "travel.reserve_restaurant", effect="blind", risk="high", targets=["restaurant"], title="{restaurant}, {start_time}"
)
def reserve_restaurant(arguments: Table, context: ActionContext) -> Done:
    """Reserve a table at a restaurant."""
    return Done(message=_call(context, "reserve_restaurant", **arguments.model_dump()))


@action(
    "travel.reserve_car_rental", effect="blind", risk="high", targets=["company"], title="{company}, from {start_time}"
)
def reserve_car_rental(arguments: CarHire, context: ActionContext) -> Done:
    """Reserve a car."""
    return Done(message=str(_call(context, "reserve_car_rental", **arguments.model_dump())))
