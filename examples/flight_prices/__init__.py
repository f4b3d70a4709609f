"""A FastAPI service that asks ten airlines for prices, once with a client per request and once with a shared one.

`make example` runs both under the same traffic and the same limit of descriptors; docs/flight-prices.md tells it all.
"""
