"""The service as it is often written: a client for each request. Beside it stands the other one, service_right.py."""

from functools import partial

import httpx2
from fastapi import FastAPI, Response

from examples.flight_prices.airlines import AIRLINES, Airline, addresses
from examples.flight_prices.quotes import WITHIN, Airport, Prices, Quote, merge, path, read
from milkrun.client import fan_out

app = FastAPI(title="Flight prices")
address = addresses()


async def ask(airline: Airline, route: str) -> list[Quote]:
    """One airline's quotes."""
    async with httpx2.AsyncClient(http2=True) as client:
        response = await client.get(address[airline.code] + route, timeout=airline.patience)
    return read(airline, response.status_code, response.content)


@app.get("/prices/{origin}/{destination}")
async def prices(origin: Airport, destination: Airport, response: Response) -> Prices:
    """Every airline's quotes for a route, the cheapest first; what did not come in time is missing, with a reason."""
    route = path(origin, destination)
    asked = await fan_out({airline.code: partial(ask, airline, route) for airline in AIRLINES}, within=WITHIN)
    response.status_code = 200 if asked.results else 503
    return merge(origin, destination, asked)
