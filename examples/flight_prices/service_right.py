"""The service with one client for its whole life. Beside it stands the other one, service_broken.py."""

from functools import partial

import httpx2
from fastapi import FastAPI, Response

from examples.flight_prices.airlines import AIRLINES, Airline, addresses
from examples.flight_prices.quotes import WITHIN, Airport, Prices, Quote, merge, path, read
from milkrun.client import Client, Descriptors, fan_out
from milkrun.client.asgi import SharedHttpx, client_lifespan

app = FastAPI(title="Flight prices", lifespan=client_lifespan(make=lambda: Client(descriptors=Descriptors(32))))
address = addresses()


async def ask(client: httpx2.AsyncClient, airline: Airline, route: str) -> list[Quote]:
    """One airline's quotes."""
    response = await client.get(address[airline.code] + route, timeout=airline.patience)
    return read(airline, response.status_code, response.content)


@app.get("/prices/{origin}/{destination}")
async def prices(client: SharedHttpx, origin: Airport, destination: Airport, response: Response) -> Prices:
    """Every airline's quotes for a route, the cheapest first; what did not come in time is missing, with a reason."""
    route = path(origin, destination)
    asked = await fan_out({airline.code: partial(ask, client, airline, route) for airline in AIRLINES}, within=WITHIN)
    response.status_code = 200 if asked.results else 503
    return merge(origin, destination, asked)
