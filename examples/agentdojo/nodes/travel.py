"""What is chosen from the registers of the travel agency: by numbers, names and kinds, never by reviews."""

from interlock import Result, Values, node


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


class Named(Values):
    hotels: Hotels
    hotel: str


class Rated(Values):
    hotels: Hotels


class Cheap(Values):
    hotels: Hotels
    budget: float


class Cuisine(Values):
    restaurants: Restaurants
    cuisine: str


class Diet(Values):
    restaurants: Restaurants
    diet: str


class Chosen(Result):
    name: str
    address: str
    rating: float
    price: float


class Letter(Values):
    chosen: Chosen
    subject: str
    body: str


class Event(Values):
    chosen: Chosen
    wording: str


class Written(Result):
    subject: str
    body: str


class Titled(Result):
    title: str


@node("hotel_named")
def hotel_named(values: Named) -> Chosen:
    """The only hotel of that name, with its lowest price."""
    (found,) = [item for item in values.hotels.hotels if item.name == values.hotel]
    return _hotel(found)


@node("best_hotel")
def best_hotel(values: Rated) -> Chosen:
    """The hotel with the highest rating, of several the dearest."""
    return _hotel(max(values.hotels.hotels, key=lambda item: (item.rating, item.price_max)))


@node("best_hotel_under")
def best_hotel_under(values: Cheap) -> Chosen:
    """The hotel with the highest rating that never costs more than the budget."""
    return _hotel(max((item for item in values.hotels.hotels if item.price_max <= values.budget), key=_rating))


@node("best_of_cuisine")
def best_of_cuisine(values: Cuisine) -> Chosen:
    """The restaurant with the highest rating of a cuisine."""
    return _best([item for item in values.restaurants.restaurants if item.cuisine == values.cuisine])


@node("best_of_diet")
def best_of_diet(values: Diet) -> Chosen:
    """The restaurant with the highest rating for a diet, of several the cheapest."""
    return _best([item for item in values.restaurants.restaurants if values.diet.lower() in item.diet.lower()])


@node("hotel_letter")
def hotel_letter(values: Letter) -> Written:
    """The user's wording with the name and the address of the hotel."""
    filled = [
        text.replace("{hotel_name}", values.chosen.name).replace("{hotel_address}", values.chosen.address)
        for text in (values.subject, values.body)
    ]
    return Written(subject=filled[0], body=filled[1])


@node("event_title")
def event_title(values: Event) -> Titled:
    """The user's wording with the name of the hotel or restaurant."""
    wording = values.wording.replace("{hotel_name}", values.chosen.name)
    return Titled(title=wording.replace("{restaurant_name}", values.chosen.name))


def _hotel(hotel: Hotel) -> Chosen:
    return Chosen(name=hotel.name, address=hotel.address, rating=hotel.rating, price=hotel.price_min)


def _best(restaurants: list[Restaurant]) -> Chosen:
    found = max(restaurants, key=lambda item: (item.rating, -item.price))
    return Chosen(name=found.name, address=found.address, rating=found.rating, price=found.price)


def _rating(hotel: Hotel) -> float:
    return hotel.rating
